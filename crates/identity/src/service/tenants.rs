use kernel::{ErrorCode, TenantId};
use platform::audit::Entry;
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use sqlx::PgConnection;

use crate::model::{NewTenant, Tenant};
use crate::{TENANTS_WRITE, store};

/// Founds a tenant from within: transaction and actor are already of the new tenant, so that in practice only the system
/// does it (first start, demo, command line).
pub async fn create_tenant(tx: &mut Tx, actor: &Actor, input: &NewTenant) -> Result<Tenant> {
    actor.require(TENANTS_WRITE)?;
    if tx.tenant() != &input.tenant_id || actor.tenant() != &input.tenant_id {
        return Err(Error::new(ErrorCode::Forbidden, "a tenant is founded from within, not from another tenant"));
    }
    let tenant = Tenant { tenant_id: input.tenant_id.clone(), name: input.name()?, created_at: actor.env.now() };
    store::insert_tenant(tx, &tenant).await?;
    tx.audit(actor, Entry::new("tenant.create", "tenant", &tenant.tenant_id).after(&tenant));
    Ok(tenant)
}

/// The caller's own tenant.
pub async fn tenant(connection: &mut PgConnection, actor: &Actor) -> Result<Tenant> {
    let tenant = actor.tenant();
    store::tenant(connection, tenant).await?.ok_or_else(|| Error::not_found(format_args!("tenant {:?}", tenant.as_str())))
}

/// For the wiring, inside a transaction or read of that tenant.
pub async fn tenant_exists(connection: &mut PgConnection, tenant: &TenantId) -> Result<bool> {
    Ok(store::tenant(connection, tenant).await?.is_some())
}

/// For commands on the machine itself, over the owner's connection: every tenant there is.
pub async fn tenant_ids(connection: &mut PgConnection) -> Result<Vec<TenantId>> {
    store::tenant_ids(connection).await
}
