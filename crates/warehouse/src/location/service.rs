use std::collections::{BTreeSet, HashMap};

use inventory::StockLocation;
use kernel::{ErrorCode, FacilityId, LocationId, Page, PageRequest, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::load::{Load, Snapshot};
use super::model::{Block, Location, LocationFilter, LocationPatch, NewLocation, REASON_MAX};
use super::store;
use crate::check::{Checks, as_id};
use crate::facility::{Facility, service as facilities};
use crate::words::LocationType;
use crate::{LOCATIONS_WRITE, WAREHOUSE_READ};

/// Locations of one facility at most: what a floor map draws and one batch of recommendations looks at.
pub(crate) const FACILITY_MAX: usize = 50_000;

pub async fn create(tx: &mut Tx, actor: &Actor, input: &NewLocation) -> Result<Location> {
    actor.require(LOCATIONS_WRITE)?;
    let fields = input.checked()?;
    let facility = facilities::find(tx, actor.tenant(), &input.facility).await.map_err(|error| error.at("facility"))?;
    if !facility.is_active {
        return Err(Error::field("facility", format!("facility {:?} is not active", facility.code)));
    }
    let now = actor.env.now();
    let location = Location {
        location_id: LocationId(actor.env.new_id()),
        facility_id: facility.facility_id,
        facility_code: facility.code.clone(),
        fields,
        is_active: true,
        is_available: true,
        blocked_reason: String::new(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    insert_all(tx, actor.tenant(), std::slice::from_ref(&location)).await?;
    tx.audit(actor, audit::Entry::new("location.create", "location", location.location_id).after(&location));
    announce(tx, actor, &location);
    Ok(location)
}

/// Registers the places with the ledger and stores them, in that order because the second refers to the first.
pub(super) async fn insert_all(tx: &mut Tx, tenant: &TenantId, locations: &[Location]) -> Result<()> {
    let exists = |error: Error| {
        let mean = || Error::new(ErrorCode::AlreadyExists, "a location with this code exists already in the facility").at("code");
        error.on_constraint("locations_code_key", mean).on_constraint("stock_locations_code_key", mean)
    };
    register(tx, tenant, locations).await.map_err(exists)?;
    store::insert_all(tx, tenant, locations).await.map_err(exists)
}

/// Tells the ledger what it knows of places: code, activity and where they lie on the pickers' way.
pub(super) async fn register(tx: &mut Tx, tenant: &TenantId, locations: &[Location]) -> Result<()> {
    let places: Vec<StockLocation> = locations.iter().map(registered).collect();
    inventory::service::register_locations(tx, tenant, &places).await
}

fn registered(location: &Location) -> StockLocation {
    StockLocation {
        location_id: location.location_id,
        facility_id: location.facility_id,
        facility_code: location.facility_code.clone(),
        code: location.fields.code.clone(),
        is_active: location.is_active,
        pick_sequence: location.fields.pick_sequence,
    }
}

fn announce(tx: &mut Tx, actor: &Actor, location: &Location) {
    let payload = json!({"location": location.reference(), "facility_id": location.facility_id});
    tx.publish(actor, Event::new("warehouse.location.changed", location.location_id, payload));
}

/// `reference` as for [`find`].
pub async fn edit(tx: &mut Tx, actor: &Actor, reference: &str, patch: &LocationPatch) -> Result<Location> {
    actor.require(LOCATIONS_WRITE)?;
    let before = find_locked(tx, actor.tenant(), reference).await?;
    if before.version != patch.version {
        let detail = format!("location {:?} is at version {}", before.reference(), before.version);
        return Err(Error::new(ErrorCode::VersionConflict, detail));
    }
    let after = patch.apply(&before)?;
    if before.is_active && !after.is_active {
        refuse_if_in_use(tx, actor, &before).await?;
    }
    write(tx, actor, "location.edit", &before, after).await
}

async fn refuse_if_in_use(tx: &mut Tx, actor: &Actor, location: &Location) -> Result<()> {
    let load = loads_of(tx, actor, &[location.location_id]).await?.remove(&location.location_id).unwrap_or_default();
    if load.items > 0 {
        return Err(Error::conflict("the location still holds stock; move it out first").at("is_active"));
    }
    if load.open_recommendations > 0 {
        return Err(Error::conflict("open putaway recommendations lead there; decide them first").at("is_active"));
    }
    Ok(())
}

async fn write(tx: &mut Tx, actor: &Actor, action: &'static str, before: &Location, mut after: Location) -> Result<Location> {
    after.version = before.version + 1;
    after.updated_at = actor.env.now();
    store::update_all(tx, actor.tenant(), std::slice::from_ref(&after)).await?;
    if before.is_active != after.is_active {
        inventory::service::set_location_active(tx, actor.tenant(), after.location_id, after.is_active).await?;
    }
    if before.fields.pick_sequence != after.fields.pick_sequence {
        register(tx, actor.tenant(), std::slice::from_ref(&after)).await?;
    }
    tx.audit(actor, audit::Entry::new(action, "location", after.location_id).before(before).after(&after));
    announce(tx, actor, &after);
    Ok(after)
}

/// Nothing is put there any more until it is unblocked; what lies there stays. Doing it again changes the reason.
pub async fn block(tx: &mut Tx, actor: &Actor, reference: &str, input: &Block) -> Result<Location> {
    actor.require(LOCATIONS_WRITE)?;
    let mut checks = Checks::default();
    let reason = checks.name("reason", &input.reason, REASON_MAX);
    checks.done()?;
    let before = find_locked(tx, actor.tenant(), reference).await?;
    let after = Location { is_available: false, blocked_reason: reason, ..before.clone() };
    write(tx, actor, "location.block", &before, after).await
}

/// Unblocking a location that is not blocked changes nothing.
pub async fn unblock(tx: &mut Tx, actor: &Actor, reference: &str) -> Result<Location> {
    actor.require(LOCATIONS_WRITE)?;
    let before = find_locked(tx, actor.tenant(), reference).await?;
    if before.is_available {
        return Ok(before);
    }
    let after = Location { is_available: true, blocked_reason: String::new(), ..before.clone() };
    write(tx, actor, "location.unblock", &before, after).await
}

/// `reference` as for [`find`].
pub async fn get(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<Location> {
    actor.require(WAREHOUSE_READ)?;
    find(connection, actor.tenant(), reference).await
}

/// What locations hold now; a location that holds nothing may be absent.
pub async fn loads_of(
    connection: &mut PgConnection,
    actor: &Actor,
    locations: &[LocationId],
) -> Result<HashMap<LocationId, Load>> {
    actor.require(WAREHOUSE_READ)?;
    let snapshot = Snapshot::of_locations(connection, actor.tenant(), locations, actor.env.now()).await?;
    Ok(snapshot.loads().into_map())
}

/// By code.
pub async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &LocationFilter,
    page: &PageRequest,
) -> Result<Page<Location>> {
    actor.require(WAREHOUSE_READ)?;
    let facility = match filter.facility.as_deref().map(str::trim).filter(|facility| !facility.is_empty()) {
        Some(reference) => {
            Some(facilities::find(connection, actor.tenant(), reference).await.map_err(|error| error.at("facility"))?)
        }
        None => None,
    };
    let only = by_fill(connection, actor, filter, facility.as_ref()).await?;
    let facility = facility.map(|facility| facility.facility_id);
    let rows = store::list(connection, actor.tenant(), filter, facility, only, page).await?;
    Ok(Page::cut(rows, page, |location| (location.fields.code.clone(), location.location_id)))
}

/// The locations whose fill lies in the range asked for; `None` when no range was given.
async fn by_fill(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &LocationFilter,
    facility: Option<&Facility>,
) -> Result<Option<Vec<Uuid>>> {
    let (Some(min), Some(max)) = (filter.fill_min.or(Some(0.0)), filter.fill_max.or(Some(f64::MAX))) else { return Ok(None) };
    if filter.fill_min.is_none() && filter.fill_max.is_none() {
        return Ok(None);
    }
    if min.is_nan() || max.is_nan() || min < 0.0 || min > max {
        return Err(Error::field("fill_min", "must be a number from 0 to fill_max"));
    }
    let Some(facility) = facility else {
        return Err(Error::field("facility", "is required with fill_min and fill_max"));
    };
    let floor = super::floor(connection, actor, &facility.facility_id.to_string()).await?;
    let wanted = floor.iter().filter(|location| (min..=max).contains(&location.fill_percent));
    Ok(Some(wanted.map(|location| location.location_id.0).collect()))
}

/// For other contexts, which authorise their own use: by id, by `FACILITY/CODE`, or by the bare code when only one facility has it.
pub async fn find(connection: &mut PgConnection, tenant: &TenantId, reference: &str) -> Result<Location> {
    let text = reference.trim();
    let (facility, code) = match text.split_once('/') {
        Some((facility, code)) => (Some(facility), code),
        None => (None, text),
    };
    let mut found = store::matching(connection, tenant, as_id(text), facility, code).await?;
    if found.len() > 1 && found[0].location_id.to_string() != text.to_lowercase() {
        let names: Vec<_> = found.iter().map(Location::reference).collect();
        return Err(Error::conflict(format!("the code {code:?} stands for several locations: {}", names.join(", "))));
    }
    if found.is_empty() {
        return Err(Error::not_found(format_args!("location {reference:?}")));
    }
    Ok(found.swap_remove(0))
}

async fn find_locked(tx: &mut Tx, tenant: &TenantId, reference: &str) -> Result<Location> {
    let found = find(tx, tenant, reference).await?;
    let locked = store::lock(tx, tenant, found.location_id).await?;
    locked.ok_or_else(|| Error::not_found(format_args!("location {reference:?}")))
}

/// As [`find`], but a bare code means the one in `facility`, and a location of another facility is refused.
pub(crate) async fn find_in(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: &Facility,
    reference: &str,
) -> Result<Location> {
    let text = reference.trim();
    let qualified =
        if text.contains('/') || as_id(text).is_some() { text.to_owned() } else { format!("{}/{text}", facility.code) };
    let location = find(connection, tenant, &qualified).await?;
    if location.facility_id != facility.facility_id {
        return Err(Error::conflict(format!(
            "location {:?} is in another facility than {:?}",
            location.reference(),
            facility.code
        )));
    }
    Ok(location)
}

/// Where a delivery is unloaded: the named RECEIVING location, else the first one by code that takes goods.
pub(crate) async fn receiving_place(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: &Facility,
    reference: Option<&str>,
) -> Result<Location> {
    let Some(reference) = reference else {
        return store::first_receiving(connection, tenant, facility.facility_id).await?.ok_or_else(|| {
            Error::conflict(format!(
                "facility {:?} has no RECEIVING location that takes goods; create or unblock one",
                facility.code
            ))
        });
    };
    let location = find_in(connection, tenant, facility, reference).await.map_err(|error| error.at("location"))?;
    if location.fields.kind != LocationType::Receiving {
        let detail = format!("must be a RECEIVING location; {:?} is {}", location.reference(), location.fields.kind);
        return Err(Error::field("location", detail));
    }
    if !location.takes_goods() {
        return Err(Error::field(
            "location",
            format!("{:?} takes no goods now: {}", location.reference(), why_closed(&location)),
        ));
    }
    Ok(location)
}

pub(crate) fn why_closed(location: &Location) -> String {
    if !location.is_active { "it is not active".to_owned() } else { format!("it is blocked ({})", location.blocked_reason) }
}

/// For other contexts, which authorise their own use; unknown ids are absent from the answer.
pub async fn by_ids(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[LocationId],
) -> Result<HashMap<LocationId, Location>> {
    let rows = store::by_ids(connection, tenant, ids).await?;
    Ok(rows.into_iter().map(|location| (location.location_id, location)).collect())
}

/// Of one facility; unknown codes are absent from the answer.
pub(crate) async fn by_codes(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    codes: &[String],
) -> Result<Vec<Location>> {
    store::by_codes(connection, tenant, facility, codes).await
}

/// Places of a facility whose goods no order is picked from: what has just arrived, what is packed or staged for others or came
/// back, and what is blocked.
pub(crate) async fn not_picked_from(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
) -> Result<BTreeSet<LocationId>> {
    use LocationType::{Bulk, PickFace, Putaway, Reserve};
    let picked_from = [Putaway, PickFace, Reserve, Bulk].map(|kind| kind.as_str().to_owned());
    Ok(store::others(connection, tenant, facility, &picked_from).await?.into_iter().map(LocationId).collect())
}

/// By code; an error for a facility with more than [`FACILITY_MAX`] locations.
pub(crate) async fn in_facility(connection: &mut PgConnection, tenant: &TenantId, facility: FacilityId) -> Result<Vec<Location>> {
    let mut locations = store::in_facility(connection, tenant, facility).await?;
    if locations.len() > FACILITY_MAX {
        return Err(Error::conflict(format!(
            "the facility has more than {FACILITY_MAX} locations; split it into several facilities"
        )));
    }
    locations.sort_unstable_by(|a, b| a.fields.code.cmp(&b.fields.code));
    Ok(locations)
}
