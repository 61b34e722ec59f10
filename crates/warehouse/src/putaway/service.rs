use std::collections::BTreeSet;

use chrono::TimeDelta;
use kernel::{ItemId, LocationId, Page, PageRequest, RecommendationId};
use platform::auth::Actor;
use platform::{Error, Result};
use sqlx::PgConnection;

pub use super::congestion::of_aisles as aisle_congestion;
pub use super::crossdock::opportunities as cross_dock_opportunities;
pub(crate) use super::decide::refuse_unless_stored_fits;
pub use super::decide::{accept_all, decide};
pub(crate) use super::decide::{lock_facility_of, refuse_unless_they_fit};
use super::model::{Recommendation, RecommendationFilter};
pub use super::recommend::{preview, recommend};
use super::store;
pub use super::waiting::backlog;
use crate::WAREHOUSE_READ;
use crate::facility::service as facilities;
use crate::location::service as locations;
use crate::receiving::service as receiving;

pub async fn get(connection: &mut PgConnection, actor: &Actor, id: RecommendationId) -> Result<Recommendation> {
    actor.require(WAREHOUSE_READ)?;
    let found = named_by_ids(connection, actor, &[id]).await?.pop();
    found.ok_or_else(|| Error::not_found(format_args!("putaway recommendation {id}")))
}

/// How many lines found no place for want of capacity within the last 24 hours, and are not resolved.
pub async fn capacity_failures_last_day(connection: &mut PgConnection, actor: &Actor) -> Result<i64> {
    actor.require(WAREHOUSE_READ)?;
    store::capacity_failures_since(connection, actor.tenant(), actor.env.now() - TimeDelta::days(1)).await
}

/// Newest first.
pub async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &RecommendationFilter,
    page: &PageRequest,
) -> Result<Page<Recommendation>> {
    actor.require(WAREHOUSE_READ)?;
    let wanted = resolved(connection, actor, filter).await?;
    let rows = store::list(connection, actor.tenant(), &wanted, page, actor.env.now()).await?;
    let mut found = Page::cut(rows, page, |row| row.recommendation_id);
    found.items = named(connection, actor, found.items).await?;
    Ok(found)
}

/// What was recommended for a location and is decided or expired, newest first.
pub async fn past_at(
    connection: &mut PgConnection,
    actor: &Actor,
    location: LocationId,
    page: &PageRequest,
) -> Result<Page<Recommendation>> {
    actor.require(WAREHOUSE_READ)?;
    let rows = store::past_at(connection, actor.tenant(), location, page, actor.env.now()).await?;
    let mut found = Page::cut(rows, page, |row| row.recommendation_id);
    found.items = named(connection, actor, found.items).await?;
    Ok(found)
}

async fn resolved(connection: &mut PgConnection, actor: &Actor, filter: &RecommendationFilter) -> Result<store::Wanted> {
    let tenant = actor.tenant();
    let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let mut wanted = store::Wanted { state: filter.state, batch: filter.batch, ..store::Wanted::default() };
    if let Some(facility) = given(&filter.facility) {
        let facility = facilities::find(connection, tenant, &facility).await.map_err(|error| error.at("facility"))?;
        wanted.facility = Some(facility.facility_id);
    }
    if let Some(receipt) = given(&filter.receipt) {
        let receipt = receiving::find(connection, tenant, &receipt).await.map_err(|error| error.at("receipt"))?;
        wanted.receipt = Some(receipt.receipt_id);
    }
    if let Some(reference) = given(&filter.item) {
        let found = catalog::service::resolve(connection, tenant, std::slice::from_ref(&reference)).await?;
        let item = found.get(&reference).ok_or_else(|| Error::not_found(format_args!("item {reference:?}")).at("item"))?;
        wanted.item = Some(item.item_id);
    }
    if let Some(location) = given(&filter.location) {
        let location = locations::find(connection, tenant, &location).await.map_err(|error| error.at("location"))?;
        wanted.location = Some(location.location_id);
    }
    Ok(wanted)
}

/// In the order of their making; unknown ids are absent.
pub(super) async fn named_by_ids(
    connection: &mut PgConnection,
    actor: &Actor,
    ids: &[RecommendationId],
) -> Result<Vec<Recommendation>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = store::by_ids(connection, actor.tenant(), ids, actor.env.now()).await?;
    named(connection, actor, rows).await
}

pub(super) async fn name_one(connection: &mut PgConnection, actor: &Actor, row: Recommendation) -> Result<Recommendation> {
    let mut rows = named(connection, actor, vec![row]).await?;
    Ok(rows.pop().expect("one row stays one row"))
}

/// Puts in the items' codes and names.
async fn named(connection: &mut PgConnection, actor: &Actor, mut rows: Vec<Recommendation>) -> Result<Vec<Recommendation>> {
    let ids: Vec<ItemId> = rows.iter().map(|row| row.item_id).collect::<BTreeSet<_>>().into_iter().collect();
    let items = catalog::service::items_by_ids(connection, actor.tenant(), &ids).await?;
    for row in &mut rows {
        if let Some(item) = items.get(&row.item_id) {
            row.item_code.clone_from(&item.code);
            row.item_name.clone_from(&item.name);
        }
    }
    Ok(rows)
}
