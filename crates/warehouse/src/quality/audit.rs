//! The daily audit: closes what is about nothing any more, and keeps the figures of each day, so that one sees whether it gets better.

use kernel::TenantId;
use platform::auth::Actor;
use platform::{App, Error, Result};
use serde_json::{Value, json};

use super::store::{failure, figures, remediation, verification};
use super::{NewRemediation, log_remediation};

pub(crate) const AUDIT: &str = "DATA_QUALITY_AUDIT";

/// Of every tenant, each for itself: one that fails does not keep the others.
pub(crate) async fn run(app: &App) -> Result<String> {
    if !app.config.data_quality_monitoring_enabled {
        return Ok("switched off by DATA_QUALITY_MONITORING_ENABLED".into());
    }
    let tenants = app.db.without_tenant(async |connection| figures::tenants(connection).await).await?;
    let (mut findings, mut failed) = (0, 0);
    for tenant in &tenants {
        let tenant: TenantId = tenant.parse().map_err(Error::from)?;
        match of_tenant(app, tenant.clone()).await {
            Ok(found) => findings += found,
            Err(error) => {
                tracing::warn!(%tenant, %error, "the data quality of a tenant could not be audited");
                failed += 1;
            }
        }
    }
    let line = format!("{findings} findings in {} organisations", tenants.len() - failed);
    if failed == 0 { Ok(line) } else { Err(Error::conflict(format!("{line}; {failed} could not be audited"))) }
}

async fn of_tenant(app: &App, tenant: TenantId) -> Result<i64> {
    let actor = Actor::system(tenant.clone(), app.env.clone(), "data-quality audit");
    let mut tx = app.db.begin(&tenant).await?;
    let closed = failure::resolve_orphans(&mut tx, &tenant, actor.env.now(), &actor.principal.name).await?;
    let orphans = verification::orphans(&mut tx, &tenant, None).await?;
    let (materials, unmeasured) = catalog::service::count_active(&mut tx, &tenant).await?;
    let found = figures::figures(&mut tx, &tenant, None, actor.env.now()).await?;
    let after = json!({
        "materials": materials, "materials_unmeasured": unmeasured, "materials_verified": found.verified,
        "materials_flagged": found.flagged, "verifications_due": found.due, "verifications_without_material": orphans,
        "capacity_failures": found.capacity_failures, "capacity_failures_closed": closed,
        "pending_relocations": found.pending_relocations,
    });
    let before = remediation::last_figures(&mut tx, &actor, AUDIT).await?.unwrap_or_else(|| Value::Object(Default::default()));
    let findings = unmeasured + found.flagged + found.due + orphans + found.capacity_failures + found.pending_relocations;
    let done = NewRemediation {
        facility: None,
        action: AUDIT,
        is_automatic: true,
        subject: "organisation",
        subject_id: tenant.to_string(),
        before,
        after,
        succeeded: true,
        message: format!("{findings} findings, {closed} failures closed that were about nothing any more"),
    };
    log_remediation(&mut tx, &actor, done).await?;
    tx.commit().await?;
    Ok(findings)
}
