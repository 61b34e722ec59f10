use std::collections::{BTreeSet, HashMap, HashSet};

use catalog::Item;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{CountLineId, ErrorCode, FieldError, ItemId, LocationId, LotId, Quantity, UserId};
use platform::audit::Entry;
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use serde_json::json;
use uuid::Uuid;

use super::dto::{CountLineDto, CountSheetDto};
use super::input::{CountEntry, FinishLocation, MAX_ENTRIES, SubmitEntries};
use super::model::{Count, CountLine, Entered, LineState, LineView, PlaceState, Verdict, may_count};
use super::store::{LineQuery, entries};
use super::{COUNTS_COUNT, approve, service, store};
use crate::ledger::Key;
use crate::model::{LotDates, WantedLot};
use crate::request::in_base;
use crate::service::find_or_create_lots;
use crate::store::{balances, lots};

/// Lines that one place may bring; a place with more is counted by item.
const MAX_PLACE_LINES: i64 = 5_000;
/// Clocks of handhelds may run this far ahead of ours.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(60);

/// Begins the count of one place: what the ledger expects there becomes its lines. Again, it answers the lines as they are.
pub async fn start(tx: &mut Tx, actor: &Actor, reference: &str, location: &str) -> Result<CountSheetDto> {
    actor.require(COUNTS_COUNT)?;
    let tenant = actor.tenant();
    let count = service::find_open(tx, tenant, reference).await?;
    let place = service::place_of(tx, tenant, &count, location).await?;
    if place.state == PlaceState::Waiting {
        let contents = entries::contents(tx, tenant, place.location_id, &count.items, MAX_PLACE_LINES + 1).await?;
        if contents.len() as i64 > MAX_PLACE_LINES {
            let detail =
                format!("location {:?} holds more than {MAX_PLACE_LINES} kinds of goods; count it by items", place.location_code);
            return Err(Error::conflict(detail));
        }
        let first = entries::last_line_no(tx, tenant, count.count_id).await? + 1;
        let new: Vec<_> = contents.into_iter().map(|key| (CountLineId(actor.env.new_id()), key)).collect();
        store::insert_lines(tx, tenant, count.count_id, first, false, &new).await?;
        store::start_place(tx, tenant, count.count_id, place.location_id, actor.env.now()).await?;
        let summary = json!({ "code": count.code, "location": place.location_code, "lines": new.len() });
        tx.audit(actor, Entry::new("count.start", "count", count.count_id).after(&summary));
    }
    let count = service::touch(tx, actor, count.count_id).await?;
    sheet(tx, actor, &count, place.location_id).await
}

async fn sheet(tx: &mut Tx, actor: &Actor, count: &Count, location: LocationId) -> Result<CountSheetDto> {
    let query = LineQuery { locations: Some(vec![location.0]), ..LineQuery::default() };
    let lines = store::lines(tx, actor.tenant(), count.count_id, &query, None, None).await?;
    let lines = service::view(tx, actor.tenant(), lines).await?;
    let place = service::place_of(tx, actor.tenant(), count, &location.to_string()).await?;
    Ok(CountSheetDto {
        location: place.into(),
        lines: lines.into_iter().map(|line| CountLineDto::of(actor, count, line)).collect(),
    })
}

/// Takes what was counted, all or nothing. The book quantity is the balance under its lock (or as of `counted_at`), in the same
/// transaction; a variance within the tolerance is adjusted at once.
pub async fn submit(tx: &mut Tx, actor: &Actor, reference: &str, input: &SubmitEntries) -> Result<Vec<CountLineDto>> {
    actor.require(COUNTS_COUNT)?;
    if input.entries.is_empty() || input.entries.len() > MAX_ENTRIES {
        return Err(Error::field("entries", format!("must hold 1 to {MAX_ENTRIES} entries")));
    }
    let count = service::find_open(tx, actor.tenant(), reference).await?;
    let (lines, counted) = resolve(tx, actor, &count, &input.entries).await?;
    let lines = enter(tx, actor, &count, lines, &counted).await?;
    let count = service::touch(tx, actor, count.count_id).await?;
    let lines = service::view(tx, actor.tenant(), lines).await?;
    Ok(lines.into_iter().map(|line| CountLineDto::of(actor, &count, line)).collect())
}

/// A quantity in the base unit, and the moment when it was counted, if that was not now.
type Counted = (Quantity, Option<DateTime<Utc>>);

/// Ends the count of one place. Lines that nobody counted are refused, or count as zero.
pub async fn finish(
    tx: &mut Tx,
    actor: &Actor,
    reference: &str,
    location: &str,
    input: &FinishLocation,
) -> Result<CountSheetDto> {
    actor.require(COUNTS_COUNT)?;
    let tenant = actor.tenant();
    let count = service::find_open(tx, tenant, reference).await?;
    let place = service::place_of(tx, tenant, &count, location).await?;
    if place.state == PlaceState::Waiting {
        return Err(Error::conflict(format!("location {:?} was not started", place.location_code)));
    }
    let query = LineQuery { locations: Some(vec![place.location_id.0]), state: Some(LineState::Open), ..LineQuery::default() };
    let open = store::lines(tx, tenant, count.count_id, &query, None, None).await?;
    if !open.is_empty() && !input.rest_is_zero {
        let detail = format!("{} lines are not counted yet; count them, or say that the rest is zero", open.len());
        return Err(Error::conflict(detail).at("rest_is_zero"));
    }
    let open = service::view(tx, tenant, open).await?;
    let nothing = vec![(Quantity::ZERO, None); open.len()];
    enter(tx, actor, &count, open, &nothing).await?;
    if place.state == PlaceState::Started {
        store::finish_place(tx, tenant, count.count_id, place.location_id, actor.env.now()).await?;
        let summary = json!({ "code": count.code, "location": place.location_code });
        tx.audit(actor, Entry::new("count.finish", "count", count.count_id).after(&summary));
    }
    let count = service::touch(tx, actor, count.count_id).await?;
    sheet(tx, actor, &count, place.location_id).await
}

/// The lines that the entries are about, in their order; unexpected goods become lines.
async fn resolve(tx: &mut Tx, actor: &Actor, count: &Count, given: &[CountEntry]) -> Result<(Vec<LineView>, Vec<Counted>)> {
    let tenant = actor.tenant();
    let ids: Vec<Uuid> = given.iter().filter_map(|entry| entry.line_id).collect();
    let query = LineQuery { ids: Some(ids), ..LineQuery::default() };
    let named = store::lines(tx, tenant, count.count_id, &query, None, None).await?;
    let mut errors = Vec::new();
    let found = found_goods(tx, actor, count, given, &mut errors).await?;
    let named: HashMap<Uuid, CountLine> = named.into_iter().map(|line| (line.count_line_id.0, line)).collect();
    let mut lines = Vec::with_capacity(given.len());
    for (index, entry) in given.iter().enumerate() {
        match (entry.line_id, found.get(&index)) {
            (Some(id), _) => match named.get(&id) {
                Some(line) => lines.push((index, line.clone())),
                None => errors.push(FieldError::new(at(index, "line_id"), "is not a line of this count")),
            },
            (None, Some(line)) => lines.push((index, line.clone())),
            (None, None) => {}
        }
    }
    let counted = quantities(tx, actor, count, given, &lines, &mut errors).await?;
    let views = service::view(tx, tenant, lines.iter().map(|(_, line)| line.clone()).collect()).await?;
    let mut seen = HashSet::new();
    for ((index, _), view) in lines.iter().zip(&views) {
        if !seen.insert(view.line.count_line_id) {
            errors.push(FieldError::new(at(*index, "line_id"), "stands twice in this call"));
        }
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    for ((index, _), view) in lines.iter().zip(&views) {
        may_count(view.line.state, &view.findings(), actor.principal.user).map_err(|why| {
            Error::conflict(format!("{} in {} {why}", view.item.code, view.line.location_code)).at(at(*index, "line_id"))
        })?;
    }
    Ok((views, counted))
}

fn at(index: usize, field: &str) -> String {
    format!("entries[{index}].{field}")
}

/// What an entry without a line names: by its place in the call.
struct Named<'a> {
    index: usize,
    location: LocationId,
    item: &'a Item,
    lot: Option<String>,
}

/// Lines of goods named by place, item and lot: those that exist, and new ones.
async fn found_goods(
    tx: &mut Tx,
    actor: &Actor,
    count: &Count,
    given: &[CountEntry],
    errors: &mut Vec<FieldError>,
) -> Result<HashMap<usize, CountLine>> {
    if given.iter().all(|entry| entry.line_id.is_some()) {
        return Ok(HashMap::new());
    }
    let tenant = actor.tenant();
    let bare = given.iter().filter(|entry| entry.line_id.is_none());
    let items: Vec<String> = bare.clone().filter_map(|entry| entry.item.as_deref()).map(|text| text.trim().to_owned()).collect();
    let items = catalog::service::resolve(tx, tenant, &items).await?;
    let codes: Vec<String> =
        bare.filter_map(|entry| entry.location.as_deref()).map(|text| service::bare(count, text).to_owned()).collect();
    let ids: Vec<Uuid> = codes.iter().filter_map(|code| Uuid::parse_str(code).ok()).collect();
    let places = store::place_ids(tx, tenant, count.count_id, &ids, &codes).await?;
    let mut named = Vec::new();
    for (index, entry) in given.iter().enumerate().filter(|(_, entry)| entry.line_id.is_none()) {
        if let Some(one) = name(count, entry, index, &items, &places, errors) {
            named.push(one);
        }
    }
    if !errors.is_empty() {
        return Ok(HashMap::new());
    }
    let lots = lots_of(tx, actor, &named).await?;
    let keys: Vec<(usize, Key)> = named
        .iter()
        .zip(lots)
        .map(|(one, lot)| {
            let status = given[one.index].quality_status.unwrap_or_default();
            (one.index, Key { item: one.item.item_id, location: one.location, lot, status })
        })
        .collect();
    lines_of(tx, actor, count, &keys).await
}

fn name<'a>(
    count: &Count,
    entry: &CountEntry,
    index: usize,
    items: &'a HashMap<String, Item>,
    places: &[(LocationId, String, bool)],
    errors: &mut Vec<FieldError>,
) -> Option<Named<'a>> {
    let mut fault = |field: &str, message: String| errors.push(FieldError::new(at(index, field), message));
    let text = service::bare(count, entry.location.as_deref().unwrap_or_default());
    let place = places.iter().find(|(id, code, _)| code == text || id.to_string() == text.to_lowercase());
    match place {
        None => fault("location", "must be a location of this count, or line_id must be given".into()),
        Some((_, code, false)) => fault("location", format!("{code:?} was not started; start it first")),
        Some(_) => {}
    }
    let reference = entry.item.as_deref().unwrap_or_default().trim();
    let Some(item) = items.get(reference) else {
        fault("item", format!("item {reference:?} does not exist"));
        return None;
    };
    if !count.items.is_empty() && !count.items.contains(&item.item_id) {
        fault("item", format!("this count does not look at item {:?}", item.code));
    }
    let lot = entry.lot.as_deref().map(str::trim).filter(|lot| !lot.is_empty()).map(str::to_owned);
    match &lot {
        Some(_) if !item.lot_tracked => fault("lot", format!("item {:?} is not lot-tracked; leave the lot empty", item.code)),
        None if item.lot_tracked => fault("lot", format!("item {:?} is lot-tracked; name the lot", item.code)),
        Some(number) => {
            if let Err(invalid) = kernel::Code::parse(number) {
                fault("lot", invalid.0);
            }
        }
        None => {}
    }
    place.map(|(location, ..)| Named { index, location: *location, item, lot })
}

async fn lots_of(tx: &mut Tx, actor: &Actor, named: &[Named<'_>]) -> Result<Vec<Option<LotId>>> {
    let wanted: Vec<WantedLot> = named
        .iter()
        .filter_map(|one| Some(WantedLot { item: one.item.item_id, number: one.lot.clone()?, dates: LotDates::default() }))
        .collect();
    let mut lots = find_or_create_lots(tx, actor, &wanted).await?.into_iter();
    Ok(named.iter().map(|one| one.lot.as_ref().and_then(|_| lots.next()).map(|lot| lot.lot_id)).collect())
}

async fn lines_of(tx: &mut Tx, actor: &Actor, count: &Count, keys: &[(usize, Key)]) -> Result<HashMap<usize, CountLine>> {
    let locations: BTreeSet<Uuid> = keys.iter().map(|(_, key)| key.location.0).collect();
    let query = LineQuery { locations: Some(locations.into_iter().collect()), ..LineQuery::default() };
    let key_of =
        |line: &CountLine| Key { item: line.item_id, location: line.location_id, lot: line.lot_id, status: line.quality_status };
    let known = store::lines(tx, actor.tenant(), count.count_id, &query, None, None).await?;
    let known: HashSet<Key> = known.iter().map(key_of).collect();
    let missing: BTreeSet<Key> = keys.iter().map(|(_, key)| *key).filter(|key| !known.contains(key)).collect();
    if !missing.is_empty() {
        let first = entries::last_line_no(tx, actor.tenant(), count.count_id).await? + 1;
        let new: Vec<_> = missing.into_iter().map(|key| (CountLineId(actor.env.new_id()), key)).collect();
        store::insert_lines(tx, actor.tenant(), count.count_id, first, true, &new).await?;
    }
    let lines = store::lines(tx, actor.tenant(), count.count_id, &query, None, None).await?;
    let lines: HashMap<Key, CountLine> = lines.into_iter().map(|line| (key_of(&line), line)).collect();
    Ok(keys.iter().filter_map(|(index, key)| Some((*index, lines.get(key)?.clone()))).collect())
}

/// Reads quantities and times; one for each of `lines`.
async fn quantities(
    tx: &mut Tx,
    actor: &Actor,
    count: &Count,
    given: &[CountEntry],
    lines: &[(usize, CountLine)],
    errors: &mut Vec<FieldError>,
) -> Result<Vec<Counted>> {
    let items: Vec<ItemId> = lines.iter().map(|(_, line)| line.item_id).collect::<BTreeSet<_>>().into_iter().collect();
    let items = catalog::service::items_by_ids(tx, actor.tenant(), &items).await?;
    let now = actor.env.now();
    let mut counted = Vec::with_capacity(lines.len());
    for (index, line) in lines {
        let entry = &given[*index];
        let quantity = quantity(entry, items.get(&line.item_id)).unwrap_or_else(|fault| {
            errors.push(FieldError::new(at(*index, &fault.field), fault.message));
            Quantity::ZERO
        });
        match entry.counted_at {
            Some(at_time) if at_time > now + CLOCK_SKEW => {
                errors.push(FieldError::new(at(*index, "counted_at"), "must not be in the future"));
            }
            Some(at_time) if at_time < count.created_at => {
                errors.push(FieldError::new(at(*index, "counted_at"), "must not be before the count was made"));
            }
            _ => {}
        }
        counted.push((quantity, entry.counted_at));
    }
    Ok(counted)
}

fn quantity(entry: &CountEntry, item: Option<&Item>) -> Result<Quantity, FieldError> {
    let counted: Quantity = entry.counted.parse().map_err(|invalid: kernel::Invalid| FieldError::new("counted", invalid.0))?;
    if counted < Quantity::ZERO {
        return Err(FieldError::new("counted", "must be 0 or more"));
    }
    let unit = entry.unit.as_deref().map(str::trim).filter(|unit| !unit.is_empty());
    let (Some(unit), Some(item)) = (unit, item) else { return Ok(counted) };
    let factor = item
        .factor_of(unit)
        .ok_or_else(|| FieldError::new("unit", format!("item {:?} is not handled in {unit:?}", item.code)))?;
    in_base(counted, factor).map_err(|fault| FieldError::new("counted", fault.message))
}

/// Locks the balances, takes the book quantities, decides each line and adjusts what the tolerance covers.
async fn enter(tx: &mut Tx, actor: &Actor, count: &Count, views: Vec<LineView>, counted: &[Counted]) -> Result<Vec<CountLine>> {
    if views.is_empty() {
        return Ok(Vec::new());
    }
    let books = books(tx, actor, &views, counted).await?;
    let (now, by) = (actor.env.now(), actor.principal.user);
    let (mut lines, mut entered) = (Vec::with_capacity(views.len()), Vec::with_capacity(views.len()));
    for ((view, book), (quantity, counted_at)) in views.into_iter().zip(books).zip(counted) {
        let attempt = i32::try_from(view.entries.len()).expect("a line is counted at most a hundred times") + 1;
        if attempt > 100 {
            return Err(Error::conflict(format!("{} was counted a hundred times; end the line", view.item.code)));
        }
        let entry = Entered {
            count_line_id: view.line.count_line_id,
            attempt,
            round: view.line.round,
            counted: *quantity,
            book,
            by,
            by_name: actor.principal.name.clone(),
            counted_at: counted_at.unwrap_or(now),
            submitted_at: now,
        };
        lines.push(decided(count, view, &entry, by, now));
        entered.push(entry);
    }
    entries::insert(tx, actor.tenant(), &entered).await?;
    adjust_within(tx, actor, count, &mut lines).await?;
    store::update_lines(tx, actor.tenant(), &lines).await?;
    let summary = json!({ "code": count.code, "entries": entered });
    tx.audit(actor, Entry::new("count.enter", "count", count.count_id).after(&summary));
    Ok(lines)
}

/// The line after one more count.
fn decided(count: &Count, view: LineView, entry: &Entered, by: UserId, now: DateTime<Utc>) -> CountLine {
    let mut findings = view.findings();
    findings.push(entry.finding());
    let variance = entry.finding().variance();
    let mut line = view.line;
    line.state = Verdict::of(&count.tolerance, &findings).state();
    line.first_within = line.first_within.or(Some(count.tolerance.covers(entry.book, variance)));
    (line.counted, line.book, line.variance) = (Some(entry.counted), Some(entry.book), Some(variance));
    if line.state == LineState::Approved {
        (line.decided_by, line.decided_at) = (Some(by), Some(now));
    }
    line
}

/// What the ledger held of each line when it was counted; the balances stay locked.
async fn books(tx: &mut Tx, actor: &Actor, views: &[LineView], counted: &[Counted]) -> Result<Vec<Quantity>> {
    let tenant = actor.tenant();
    let key = |view: &LineView| Key {
        item: view.line.item_id,
        location: view.line.location_id,
        lot: view.line.lot_id,
        status: view.line.quality_status,
    };
    let mut keys: Vec<Key> = views.iter().map(key).collect();
    let lot_ids: BTreeSet<Uuid> = keys.iter().filter_map(|key| key.lot).map(|lot| lot.0).collect();
    lots::lock_by_id(tx, tenant, &lot_ids.into_iter().collect::<Vec<_>>()).await?;
    keys.sort_unstable();
    balances::ensure(tx, tenant, &actor.env, &keys).await?;
    let held = balances::lock(tx, tenant, &keys).await?;
    let dated = views.iter().zip(counted).filter_map(|(view, (_, at))| Some((key(view), (*at)?)));
    let dated: Vec<(Key, DateTime<Utc>)> = dated.collect();
    let gained: HashMap<Key, Quantity> =
        dated.iter().map(|(key, _)| *key).zip(entries::gained_since(tx, tenant, &dated).await?).collect();
    let book = |view: &LineView| {
        let now = held.get(&key(view)).map(|(_, held)| held.on_hand).unwrap_or_default();
        now - gained.get(&key(view)).copied().unwrap_or_default()
    };
    Ok(views.iter().map(book).collect())
}

/// Posts what the tolerance covers. What the ledger refuses (goods that are reserved, for instance) waits for approval instead, and so
/// do serial-tracked items, of which a count names no pieces:
/// the count of the person with the handheld stands all the same.
async fn adjust_within(tx: &mut Tx, actor: &Actor, count: &Count, lines: &mut [CountLine]) -> Result<()> {
    let is_due = |line: &CountLine| line.state == LineState::Approved && approve::has_variance(line);
    let tracked = approve::serial_tracked(tx, actor, lines.iter().filter(|line| is_due(line))).await?;
    let (mut pieces, mut due): (Vec<&mut CountLine>, Vec<&mut CountLine>) =
        lines.iter_mut().filter(|line| is_due(line)).partition(|line| tracked.contains(&line.item_id));
    leave_for_approval(&mut pieces);
    if due.is_empty() {
        return Ok(());
    }
    let postings: Vec<_> = due.iter().map(|line| approve::posting(count, line)).collect();
    let posted = tx.attempt(async |tx: &mut Tx| crate::service::post(tx, actor, &postings).await).await;
    match posted {
        Ok(posted) => {
            for (line, posted) in due.iter_mut().zip(posted) {
                line.movement_id = Some(posted.movement_id);
            }
        }
        Err(error) if matches!(error.code, ErrorCode::StockInsufficient | ErrorCode::Conflict | ErrorCode::Invalid) => {
            leave_for_approval(&mut due);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn leave_for_approval(lines: &mut [&mut CountLine]) {
    for line in lines {
        line.state = LineState::Approval;
        (line.decided_by, line.decided_at) = (None, None);
    }
}
