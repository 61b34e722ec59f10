//! Use cases of data quality. A change locks its row first.

mod cancellations;
mod failures;
mod verify;

use std::collections::HashMap;

use catalog::ItemLabel;
use kernel::{FacilityId, ItemId, Page, PageRequest};
use platform::auth::Actor;
use platform::config::Switches;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::cancellations::{cancel, cancellations, relocate};
pub use self::failures::{failure, failures, resolve};
pub use self::verify::{decide, verification, verifications, verify};
use super::dto::{DataQualityDto, RemediationDto, UnmeasuredItemDto};
use super::input::RemediationFilter;
use super::model::TOLERANCE_PERCENT;
use super::store;
use crate::WAREHOUSE_READ;
use crate::facility::service as facilities;

/// `facility` is an id or a code. Counted now, never taken from a cache.
pub async fn metrics(
    connection: &mut PgConnection,
    actor: &Actor,
    switches: &Switches,
    facility: Option<&str>,
) -> Result<DataQualityDto> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, facility).await?;
    let tenant = actor.tenant();
    let (materials, materials_unmeasured) = catalog::service::count_active(connection, tenant).await?;
    let figures = store::figures::figures(connection, tenant, facility, actor.env.now()).await?;
    let rate = |succeeded: i64, all: i64| (all > 0).then(|| (succeeded as f64 / all as f64 * 1_000.0).round() / 10.0);
    Ok(DataQualityDto {
        facility_id: facility.map(|id| id.0),
        materials,
        materials_unmeasured,
        materials_verified: figures.verified,
        materials_flagged: figures.flagged,
        verifications_due: figures.due,
        mean_volume_variance_percentage: figures.mean_volume_variance,
        capacity_failures: figures.capacity_failures,
        capacity_failures_last_day: figures.capacity_failures_last_day,
        pending_relocations: figures.pending_relocations,
        remediations: figures.remediations,
        remediation_success_rate: rate(figures.remediations_succeeded, figures.remediations),
        tolerance_percentage: TOLERANCE_PERCENT,
        monitoring_enabled: switches.data_quality_monitoring,
    })
}

/// Active items without a size or a weight, by code.
pub async fn unmeasured(connection: &mut PgConnection, actor: &Actor, page: &PageRequest) -> Result<Page<UnmeasuredItemDto>> {
    actor.require(WAREHOUSE_READ)?;
    let items = catalog::service::unmeasured(connection, actor, page).await?;
    Ok(items.map(|item| UnmeasuredItemDto {
        material_id: item.item_id.0,
        material_code: item.code,
        material_name: item.name,
        lacks_size: item.lacks_size,
        lacks_weight: item.lacks_weight,
    }))
}

/// What was done about findings, newest first.
pub async fn remediations(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &RemediationFilter,
    page: &PageRequest,
) -> Result<Page<RemediationDto>> {
    actor.require(WAREHOUSE_READ)?;
    let rows = store::remediation::list(connection, actor, given(&filter.action), false, page).await?;
    Ok(Page::cut(rows, page, |row| (row.created_at, row.remediation_id.clone())))
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

async fn facility_of(connection: &mut PgConnection, actor: &Actor, reference: Option<&str>) -> Result<Option<FacilityId>> {
    let Some(reference) = reference.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let found = facilities::find(connection, actor.tenant(), reference).await.map_err(|error| error.at("facility"))?;
    Ok(Some(found.facility_id))
}

async fn item_of(connection: &mut PgConnection, actor: &Actor, reference: &Option<String>) -> Result<Option<ItemId>> {
    let Some(reference) = given(reference) else { return Ok(None) };
    let found = catalog::service::resolve(connection, actor.tenant(), &[reference.to_owned()]).await?;
    let item = found.into_values().next();
    item.map(|item| Some(item.item_id)).ok_or_else(|| Error::not_found(format_args!("item {reference:?}")).at("material"))
}

async fn labels(connection: &mut PgConnection, actor: &Actor, ids: Vec<Uuid>) -> Result<HashMap<ItemId, ItemLabel>> {
    let ids: Vec<ItemId> = ids.into_iter().map(ItemId).collect();
    catalog::service::labels_by_ids(connection, actor.tenant(), &ids).await
}

fn announce(tx: &mut Tx, actor: &Actor, what: &str, id: &str) {
    tx.publish(actor, Event::new("warehouse.quality.changed", id, json!({ "kind": what })));
}
