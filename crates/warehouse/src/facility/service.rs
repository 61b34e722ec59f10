use std::collections::HashMap;

use kernel::{ErrorCode, FacilityId, Page, PageRequest, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result, audit};
use sqlx::PgConnection;

use super::model::{Facility, FacilityFilter, FacilityPatch, NewFacility};
use super::store;
use crate::check::as_id;
use crate::{LOCATIONS_WRITE, WAREHOUSE_READ};

pub async fn create(tx: &mut Tx, actor: &Actor, input: &NewFacility) -> Result<Facility> {
    actor.require(LOCATIONS_WRITE)?;
    let input = input.checked()?;
    let now = actor.env.now();
    let facility = Facility {
        facility_id: FacilityId(actor.env.new_id()),
        code: input.code,
        name: input.name,
        is_active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    store::insert(tx, actor.tenant(), &facility).await.map_err(|error| {
        error.on_constraint("facilities_code_key", || {
            Error::new(ErrorCode::AlreadyExists, format!("a facility with the code {:?} exists already", facility.code))
                .at("code")
        })
    })?;
    tx.audit(actor, audit::Entry::new("facility.create", "facility", facility.facility_id).after(&facility));
    Ok(facility)
}

/// `reference` is an id or a code.
pub async fn edit(tx: &mut Tx, actor: &Actor, reference: &str, patch: &FacilityPatch) -> Result<Facility> {
    actor.require(LOCATIONS_WRITE)?;
    let before = find(tx, actor.tenant(), reference).await?;
    let mut after = patch.apply(&before)?;
    if before.is_active && !after.is_active {
        refuse_if_in_use(tx, actor.tenant(), &before).await?;
    }
    after.version = patch.version + 1;
    after.updated_at = actor.env.now();
    if !store::update(tx, actor.tenant(), &after, patch.version).await? {
        return Err(Error::new(
            ErrorCode::VersionConflict,
            format!("facility {:?} is at version {}", before.code, before.version),
        ));
    }
    tx.audit(actor, audit::Entry::new("facility.edit", "facility", after.facility_id).before(&before).after(&after));
    Ok(after)
}

async fn refuse_if_in_use(connection: &mut PgConnection, tenant: &TenantId, facility: &Facility) -> Result<()> {
    if !inventory::service::stock_in_facility(connection, tenant, facility.facility_id).await?.is_empty() {
        return Err(Error::conflict("the facility still holds stock; move it out first").at("is_active"));
    }
    if store::has_open_receipts(connection, tenant, facility.facility_id).await? {
        return Err(Error::conflict("deliveries are still expected there; close or cancel them first").at("is_active"));
    }
    Ok(())
}

/// `reference` is an id or a code.
pub async fn get(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<Facility> {
    actor.require(WAREHOUSE_READ)?;
    find(connection, actor.tenant(), reference).await
}

/// By code.
pub async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &FacilityFilter,
    page: &PageRequest,
) -> Result<Page<Facility>> {
    actor.require(WAREHOUSE_READ)?;
    let rows = store::list(connection, actor.tenant(), filter, page).await?;
    Ok(Page::cut(rows, page, |facility| facility.code.clone()))
}

/// For other contexts, which authorise their own use: by id or code.
pub async fn find(connection: &mut PgConnection, tenant: &TenantId, reference: &str) -> Result<Facility> {
    let found = store::find(connection, tenant, as_id(reference), reference.trim()).await?;
    found.ok_or_else(|| Error::not_found(format_args!("facility {reference:?}")))
}

/// For filters: the facility that `reference` names, if it names one.
pub(crate) async fn wanted(connection: &mut PgConnection, actor: &Actor, reference: &Option<String>) -> Result<Option<Facility>> {
    let Some(reference) = reference.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    find(connection, actor.tenant(), reference).await.map(Some).map_err(|error| error.at("facility"))
}

/// For other contexts, which authorise their own use; unknown ids are absent from the answer.
pub async fn by_ids(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[FacilityId],
) -> Result<HashMap<FacilityId, Facility>> {
    let rows = store::by_ids(connection, tenant, ids).await?;
    Ok(rows.into_iter().map(|facility| (facility.facility_id, facility)).collect())
}
