use std::collections::{HashMap, HashSet};

use catalog::AbcClass;
use kernel::{CountId, ErrorCode, FacilityId, FieldError, ItemId, LocationId};
use platform::audit::Entry;
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use serde_json::json;
use uuid::Uuid;

use super::dto::CountDto;
use super::input::{MAX_LOCATIONS, NewCount, Schedule};
use super::model::{Accuracy, Count, CountState, Progress};
use super::store::scope;
use super::{COUNTS_PLAN, service, store};
use crate::model::LocationKind;
use crate::service::places::References;

/// Items asked of the catalogue at once.
const CHUNK: usize = 1_000;
/// Places that an error about counts at once lists.
const NAMED: usize = 5;

/// Plans a count. A place is in one unfinished count at most.
pub async fn create(tx: &mut Tx, actor: &Actor, input: &NewCount) -> Result<CountDto> {
    actor.require(COUNTS_PLAN)?;
    let checked = input.checked()?;
    let reference = input.facility.trim();
    let found = scope::facility(tx, actor.tenant(), Uuid::parse_str(reference).ok(), reference).await?;
    let (facility_id, facility_code) =
        found.ok_or_else(|| Error::field("facility", format!("facility {reference:?} does not exist or has no locations")))?;
    let items = items_of(tx, actor, &input.items).await?;
    let locations = match (&input.schedule, input.locations.is_empty()) {
        (Some(schedule), _) => scheduled(tx, actor, facility_id, schedule, &items).await?,
        (None, false) => named(tx, actor, facility_id, &facility_code, &input.locations).await?,
        (None, true) => holding(tx, actor, facility_id, &items).await?,
    };
    refuse_counted_twice(tx, actor, &locations).await?;
    let now = actor.env.now();
    let count = Count {
        count_id: CountId(actor.env.new_id()),
        code: checked.code.unwrap_or_else(|| made_up_code(actor)),
        facility_id,
        facility_code,
        state: CountState::Open,
        blind: input.blind.unwrap_or(true),
        tolerance: checked.tolerance,
        items,
        note: checked.note,
        version: 1,
        created_by: actor.principal.user,
        created_at: now,
        updated_at: now,
        closed_at: None,
        progress: Progress::default(),
        accuracy: Accuracy::default(),
    };
    store::insert(tx, actor.tenant(), &count, &locations).await.map_err(|error| {
        let taken =
            || Error::new(ErrorCode::AlreadyExists, format!("a count with the code {:?} exists already", count.code)).at("code");
        let twice = || Error::conflict("another count that has just been made looks at one of these locations").at("locations");
        error.on_constraint("counts_code_key", taken).on_constraint("count_locations_open", twice)
    })?;
    let summary = json!({ "code": count.code, "facility": count.facility_code, "blind": count.blind, "locations": locations.len(),
        "items": count.items.len(), "tolerance_quantity": count.tolerance.quantity, "tolerance_percent": count.tolerance.percent });
    tx.audit(actor, Entry::new("count.create", "count", count.count_id).after(&summary));
    service::announce(tx, actor, &count);
    let count = service::by_id(tx, actor.tenant(), count.count_id).await?;
    Ok(CountDto::of(actor, count))
}

fn made_up_code(actor: &Actor) -> String {
    let [a, b, c] = actor.env.random_bytes::<3>();
    format!("C-{}-{a:02X}{b:02X}{c:02X}", actor.env.now().format("%y%m%d"))
}

async fn items_of(tx: &mut Tx, actor: &Actor, references: &[String]) -> Result<Vec<ItemId>> {
    let references: Vec<String> = references.iter().map(|text| text.trim().to_owned()).collect();
    let known = catalog::service::resolve(tx, actor.tenant(), &references).await?;
    let (mut items, mut errors) = (Vec::new(), Vec::new());
    for (index, reference) in references.iter().enumerate() {
        match known.get(reference) {
            Some(item) => items.push(item.item_id),
            None => errors.push(FieldError::new(format!("items[{index}]"), format!("item {reference:?} does not exist"))),
        }
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    items.sort_unstable();
    items.dedup();
    Ok(items)
}

/// In the order given, each once.
async fn named(
    tx: &mut Tx,
    actor: &Actor,
    facility: FacilityId,
    facility_code: &str,
    references: &[String],
) -> Result<Vec<LocationId>> {
    let prefix = format!("{facility_code}/");
    let qualify = |text: &String| {
        let text = text.trim();
        if text.starts_with(&prefix) || Uuid::parse_str(text).is_ok() { text.to_owned() } else { format!("{prefix}{text}") }
    };
    let names: Vec<String> = references.iter().map(qualify).collect();
    let known = References::load(tx, actor.tenant(), names.iter().map(String::as_str)).await?;
    let (mut seen, mut found, mut errors) = (HashSet::new(), Vec::new(), Vec::new());
    for (index, (name, given)) in names.iter().zip(references).enumerate() {
        let mut fault = |message: String| errors.push(FieldError::new(format!("locations[{index}]"), message));
        match known.get(name) {
            Err(_) => fault(format!("location {given:?} does not exist in facility {facility_code:?}")),
            Ok(place) if place.facility_id != Some(facility) || place.kind != LocationKind::Physical => {
                fault(format!("location {given:?} is not in facility {facility_code:?}"));
            }
            Ok(place) if place.is_transit => fault(format!("location {given:?} holds goods in transit; count them on arrival")),
            Ok(place) => {
                if seen.insert(place.id) {
                    found.push(place.id);
                }
            }
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(Error::invalid(errors)) }
}

/// Wherever the facility stores one of the items.
async fn holding(tx: &mut Tx, actor: &Actor, facility: FacilityId, items: &[ItemId]) -> Result<Vec<LocationId>> {
    let stocked = scope::stocked(tx, actor.tenant(), facility).await?;
    let mut locations: Vec<LocationId> =
        stocked.into_iter().filter(|(_, item)| items.contains(item)).map(|(location, _)| location).collect();
    locations.dedup();
    if locations.is_empty() {
        return Err(Error::field("items", "none of them lies in the facility; name the locations to look at"));
    }
    if locations.len() > MAX_LOCATIONS {
        return Err(Error::field("items", format!("lie in more than {MAX_LOCATIONS} locations; name the locations to count")));
    }
    Ok(locations)
}

async fn scheduled(
    tx: &mut Tx,
    actor: &Actor,
    facility: FacilityId,
    schedule: &Schedule,
    items: &[ItemId],
) -> Result<Vec<LocationId>> {
    let class = schedule.abc_class.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let class: Option<AbcClass> =
        class.map(str::parse).transpose().map_err(|invalid: kernel::Invalid| invalid.at("schedule.abc_class"))?;
    let mut candidates = scope::oldest_counted(tx, actor.tenant(), facility).await?;
    if class.is_some() || !items.is_empty() {
        let stocked = scope::stocked(tx, actor.tenant(), facility).await?;
        let classes = match class {
            Some(_) => classes_of(tx, actor, stocked.iter().map(|(_, item)| *item)).await?,
            None => HashMap::new(),
        };
        let fits = |item: &ItemId| {
            (items.is_empty() || items.contains(item)) && class.is_none_or(|class| classes.get(item) == Some(&class))
        };
        let wanted: HashSet<LocationId> = stocked.iter().filter(|(_, item)| fits(item)).map(|(location, _)| *location).collect();
        candidates.retain(|location| wanted.contains(location));
    }
    candidates.truncate(schedule.locations as usize);
    if candidates.is_empty() {
        return Err(Error::field("schedule", "finds no location that is not being counted already"));
    }
    Ok(candidates)
}

async fn classes_of(tx: &mut Tx, actor: &Actor, items: impl Iterator<Item = ItemId>) -> Result<HashMap<ItemId, AbcClass>> {
    let mut items: Vec<ItemId> = items.collect();
    items.sort_unstable();
    items.dedup();
    let mut classes = HashMap::with_capacity(items.len());
    for chunk in items.chunks(CHUNK) {
        let known = catalog::service::items_by_ids(tx, actor.tenant(), chunk).await?;
        classes.extend(known.into_iter().map(|(id, item)| (id, item.abc_class)));
    }
    Ok(classes)
}

async fn refuse_counted_twice(tx: &mut Tx, actor: &Actor, locations: &[LocationId]) -> Result<()> {
    let busy = scope::being_counted(tx, actor.tenant(), locations).await?;
    if busy.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = busy.iter().take(NAMED).map(|(place, count)| format!("{place} (count {count})")).collect();
    let more = if busy.len() > NAMED { " and more" } else { "" };
    Err(Error::conflict(format!("already in an unfinished count: {}{more}", names.join(", "))).at("locations"))
}
