use inventory::NumberText;
use kernel::{ItemId, LocationId, Page, PageRequest};
use platform::auth::Actor;
use platform::config::Switches;
use platform::database::Tx;
use platform::{Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;

use super::{announce, facility_of, given, labels};
use crate::check::Checks;
use crate::location::service as locations;
use crate::putaway::{PutawayItem, PutawayRequest, service as putaways};
use crate::quality::dto::CapacityFailureDto;
use crate::quality::input::{FailureFilter, ResolveFailure};
use crate::quality::store::failure as store;
use crate::quality::{NewRemediation, log_remediation};
use crate::words::FailureResolution;
use crate::{QUALITY_WRITE, WAREHOUSE_READ};

const NOTES_MAX: usize = 500;

/// Newest first.
pub async fn failures(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &FailureFilter,
    page: &PageRequest,
) -> Result<Page<CapacityFailureDto>> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, filter.facility.as_deref()).await?;
    let (kind, resolved) = (given(&filter.failure_type), filter.resolved.unwrap_or(false));
    let rows = store::list(connection, actor.tenant(), facility, kind, resolved, page).await?;
    let mut found = Page::cut(rows, page, |row| (row.created_at, row.failure_id.clone()));
    name(connection, actor, &mut found.items).await?;
    Ok(found)
}

pub async fn failure(connection: &mut PgConnection, actor: &Actor, id: &str) -> Result<CapacityFailureDto> {
    actor.require(WAREHOUSE_READ)?;
    let found = if id.contains('\0') { None } else { store::one(connection, actor.tenant(), id).await? };
    let mut found = found.ok_or_else(|| Error::not_found(format_args!("capacity failure {id:?}")))?;
    name(connection, actor, std::slice::from_mut(&mut found)).await?;
    Ok(found)
}

async fn name(connection: &mut PgConnection, actor: &Actor, rows: &mut [CapacityFailureDto]) -> Result<()> {
    let items = labels(connection, actor, rows.iter().filter_map(|row| row.material_id).collect()).await?;
    let places: Vec<LocationId> = rows.iter().filter_map(|row| row.location_id).map(LocationId).collect();
    let places = locations::by_ids(connection, actor.tenant(), &places).await?;
    for row in rows {
        let label = row.material_id.and_then(|id| items.get(&ItemId(id)));
        row.material_code = label.map(|label| label.code.clone());
        row.material_name = label.map(|label| label.name.clone());
        let place = row.location_id.and_then(|id| places.get(&LocationId(id)));
        row.location_code = place.map(|place| place.fields.code.clone());
    }
    Ok(())
}

/// Ends a failure with what was done about it. Where it is known which goods they were, they are tried again: whether they fit now
/// stands in the answer, and in the log of remediations as its success.
pub async fn resolve(
    tx: &mut Tx,
    actor: &Actor,
    switches: &Switches,
    id: &str,
    input: &ResolveFailure,
) -> Result<CapacityFailureDto> {
    actor.require(QUALITY_WRITE)?;
    let mut checks = Checks::default();
    let notes = checks.name("notes", &input.notes, NOTES_MAX);
    checks.done()?;
    let found = if id.contains('\0') { None } else { store::lock_one(tx, actor.tenant(), id).await? };
    let before = found.ok_or_else(|| Error::not_found(format_args!("capacity failure {id:?}")))?;
    if before.resolved {
        let by = before.resolved_by.as_deref().unwrap_or("somebody");
        return Err(Error::conflict(format!("{by} has resolved the failure already")));
    }
    let now = try_again(tx, actor, switches, &before).await?;
    let mut after = before.clone();
    after.resolved = true;
    after.resolution = Some(input.resolution);
    after.resolution_notes = Some(notes.clone());
    after.resolved_at = Some(actor.env.now());
    after.resolved_by = Some(actor.principal.name.clone());
    after.fits_now = now.map(|(fits, _)| fits);
    store::resolve(tx, actor.tenant(), &after).await?;
    name(tx, actor, std::slice::from_mut(&mut after)).await?;
    let done = NewRemediation {
        facility: before.facility_id.map(kernel::FacilityId),
        action: input.resolution.as_str(),
        is_automatic: false,
        subject: "capacity failure",
        subject_id: before.failure_id.clone(),
        before: json!({ "fits": false, "overflow_percentage": before.overflow_percentage }),
        after: json!({ "fits": after.fits_now, "overflow_percentage": now.and_then(|(_, overflow)| overflow) }),
        succeeded: input.resolution == FailureResolution::NoActionNeeded || after.fits_now != Some(false),
        message: notes,
    };
    log_remediation(tx, actor, done).await?;
    let entry = audit::Entry::new("quality.resolve", "capacity failure", &after.failure_id);
    tx.audit(actor, entry.before(&before).after(&after));
    announce(tx, actor, "capacity failure", &after.failure_id);
    Ok(after)
}

/// Whether the goods would find a place now, and by how much they would exceed it if not.
async fn try_again(
    tx: &mut Tx,
    actor: &Actor,
    switches: &Switches,
    failure: &CapacityFailureDto,
) -> Result<Option<(bool, Option<f64>)>> {
    let (Some(facility), Some(item), Some(quantity)) = (failure.facility_id, failure.material_id, failure.quantity) else {
        return Ok(None);
    };
    let goods = PutawayItem { item: item.to_string(), quantity: NumberText(quantity.to_string()), ..PutawayItem::default() };
    let request = PutawayRequest { facility: facility.to_string(), items: vec![goods], ..PutawayRequest::default() };
    match putaways::preview(tx, actor, switches, &request).await {
        Ok(answer) => Ok(Some(match answer.failures.first() {
            Some(failure) => (false, failure.overflow_percentage),
            None => (true, None),
        })),
        // The facility was closed since, for instance.
        Err(error) if error.code.status() < 500 => Ok(None),
        Err(error) => Err(error),
    }
}
