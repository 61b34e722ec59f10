use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::{ErrorCode, FieldError, ItemId, LotId, MovementId, TenantId};
use platform::audit::Entry as AuditEntry;
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{STOCK_MOVE, places_by_ids, require_for};
use crate::ledger::{self, Entry, Held, Key, Ledger, Refusal};
use crate::model::{Lot, Posted, Posting};
use crate::serial::book as pieces_of;
use crate::{hold, quality, reservation, rules, serial, store};

/// Ids that an event names; listeners of larger batches reload.
const NAMED_IDS: usize = 100;

/// For other contexts inside their transaction, with everything resolved: records all postings in the order given, or none.
///
/// Refusals name their posting as `movements[i].from` and so on; a refusal for stock has the code `STOCK_INSUFFICIENT`.
pub async fn post(tx: &mut Tx, actor: &Actor, postings: &[Posting]) -> Result<Vec<Posted>> {
    actor.require(STOCK_MOVE)?;
    require_for(actor, postings.iter().map(|posting| posting.kind))?;
    if postings.is_empty() {
        return Ok(Vec::new());
    }
    quality::require(actor, postings.iter().filter_map(quality::change_of))?;
    post_decided(tx, actor, postings).await
}

/// As [`post`], where a decision about a hold allowed the changes of status.
pub(crate) async fn post_decided(tx: &mut Tx, actor: &Actor, postings: &[Posting]) -> Result<Vec<Posted>> {
    let postings = &serial::checked(tx, actor, postings).await?;
    let ids: Vec<_> = postings.iter().flat_map(|posting| [posting.from, posting.to]).collect();
    let places = places_by_ids(tx, actor.tenant(), &ids).await?;
    let lots = lock_lots(tx, actor, postings).await?;
    let mut errors = Vec::new();
    for (index, posting) in postings.iter().enumerate() {
        let mut faults = rules::check(posting, &places[&posting.from], &places[&posting.to], actor.env.now());
        faults.extend(lot_fault(posting, &lots));
        errors.extend(faults.into_iter().map(|fault| at(index, fault)));
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    let entered: Vec<Entered> = postings.iter().map(|posting| Entered { actor, posting, id: None }).collect();
    let outcomes = book(tx, actor.tenant(), &entered, true).await?;
    if outcomes.iter().any(Result::is_err) {
        let refusals: Vec<_> =
            outcomes.iter().enumerate().filter_map(|(index, one)| Some((index, one.as_ref().err()?))).collect();
        return Err(refused(tx, actor.tenant(), &refusals).await?);
    }
    let posted: Vec<Posted> = outcomes.into_iter().filter_map(Result::ok).collect();
    announce(tx, actor, &posted.iter().collect::<Vec<_>>());
    Ok(posted)
}

async fn lock_lots(tx: &mut Tx, actor: &Actor, postings: &[Posting]) -> Result<HashMap<LotId, Lot>> {
    let ids: BTreeSet<Uuid> = postings.iter().filter_map(|posting| posting.lot).map(|lot| lot.0).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.into_iter().collect();
    Ok(store::lots::lock_by_id(tx, actor.tenant(), &ids).await?.into_iter().map(|lot| (lot.lot_id, lot)).collect())
}

fn lot_fault(posting: &Posting, lots: &HashMap<LotId, Lot>) -> Option<FieldError> {
    let id = posting.lot?;
    match lots.get(&id) {
        None => Some(FieldError::new("lot", format!("lot {id} does not exist"))),
        Some(lot) if lot.item_id != posting.item => {
            Some(FieldError::new("lot", format!("lot {:?} is of another item", lot.number)))
        }
        Some(_) => None,
    }
}

pub(crate) fn at(index: usize, fault: FieldError) -> FieldError {
    FieldError::new(format!("movements[{index}].{}", fault.field), fault.message)
}

/// A posting and who records it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entered<'a> {
    pub actor: &'a Actor,
    pub posting: &'a Posting,
    /// Where the movement has an id already; a new one when absent.
    pub id: Option<MovementId>,
}

/// Locks the balances that the postings touch, decides each posting in order and writes those that are accepted; with
/// `atomic` nothing is written when one is refused. The lots are locked already; telling of what was posted, with
/// [`announce`], is left to the caller, who knows whose it is.
///
/// Every transaction makes missing rows first and then locks rows, both in the order of keys, so that two of them never
/// wait for each other.
pub(crate) async fn book(
    tx: &mut Tx,
    tenant: &TenantId,
    entered: &[Entered<'_>],
    atomic: bool,
) -> Result<Vec<Result<Posted, Refusal>>> {
    let Some(env) = entered.first().map(|first| &first.actor.env) else { return Ok(Vec::new()) };
    let entries: Vec<Entry> = entered.iter().map(|one| Entry::of(one.posting)).collect();
    let postings: Vec<&Posting> = entered.iter().map(|one| one.posting).collect();
    let mut pieces = pieces_of::load(tx, tenant, env, &postings).await?;
    let (keys, receiving) = ledger::keys(&entries);
    if !receiving.is_empty() {
        store::balances::ensure(tx, tenant, env, &receiving).await?;
    }
    let mut rows: HashMap<Key, (Uuid, Held)> = store::balances::lock(tx, tenant, &keys).await?;
    reservation::service::free_expired(tx, env, &mut rows, &entries).await?;
    let mut claims = hold::Claims::load(tx, tenant, &postings).await?;
    let mut ledger = Ledger::new(rows.iter().map(|(key, (_, held))| (*key, *held)).collect());
    let mut outcomes: Vec<Result<Posted, Refusal>> = entered
        .iter()
        .zip(&entries)
        .map(|(one, entry)| {
            let numbers = pieces.judge(one.posting).map_err(Refusal::Serial)?;
            claims.judge(one.posting)?;
            let broken = ledger.decide(entry)?;
            claims.apply(one.posting);
            let posting = pieces.apply(one.posting, numbers);
            let movement_id = one.id.unwrap_or_else(|| MovementId(env.new_id()));
            Ok(Posted { movement_id, posting, broken, released_reservations: Vec::new() })
        })
        .collect();
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    if accepted == 0 || atomic && accepted < entered.len() {
        pieces_of::forget(tx, tenant, &pieces).await?;
        return Ok(outcomes);
    }
    pieces_of::refuse_outdated(tx, tenant, &postings, &entries, &rows).await?;
    let mut given: Vec<(&Actor, &mut Posted)> =
        entered.iter().zip(&mut outcomes).filter_map(|(one, outcome)| Some((one.actor, outcome.as_mut().ok()?))).collect();
    reservation::service::give_way(tx, &rows, &mut given).await?;
    let recorded: Vec<(&Actor, &Posted)> = given.into_iter().map(|(actor, posted)| (actor, &*posted)).collect();
    let now = env.now();
    let on_hand: Vec<_> =
        ledger.changes().into_iter().filter_map(|(key, on_hand)| Some((rows.get(&key)?.0, key, on_hand))).collect();
    store::balances::write(tx, tenant, &on_hand, now).await?;
    store::movements::insert(tx, tenant, &recorded, now).await?;
    pieces_of::save(tx, tenant, &pieces, &recorded.iter().map(|(_, posted)| *posted).collect::<Vec<_>>(), now).await?;
    Ok(outcomes)
}

/// One audit line and one event for all that one actor posted.
pub(super) fn announce(tx: &mut Tx, actor: &Actor, posted: &[&Posted]) {
    let Some(first) = posted.first() else { return };
    let entry = if posted.len() == 1 {
        AuditEntry::new("stock.move", "movement", first.movement_id).after(&describe(first))
    } else {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        posted.iter().for_each(|one| *kinds.entry(one.posting.kind.as_str()).or_default() += 1);
        let last = posted.last().map(|one| one.movement_id);
        let summary = json!({ "count": posted.len(), "kinds": kinds, "first": first.movement_id, "last": last });
        AuditEntry::new("stock.move", "movement batch", first.movement_id).after(&summary)
    };
    tx.audit(actor, entry);
    let items: BTreeSet<ItemId> = posted.iter().map(|one| one.posting.item).collect();
    let locations: BTreeSet<_> = posted.iter().flat_map(|one| [one.posting.from, one.posting.to]).collect();
    let payload = json!({
        "count": posted.len(),
        "item_ids": items.iter().take(NAMED_IDS).collect::<Vec<_>>(),
        "location_ids": locations.iter().take(NAMED_IDS).collect::<Vec<_>>(),
        "complete": items.len() <= NAMED_IDS && locations.len() <= NAMED_IDS,
    });
    tx.publish(actor, Event::new("inventory.stock.changed", first.movement_id, payload));
}

fn describe(posted: &Posted) -> serde_json::Value {
    let Posting { kind, item, lot, quantity, from, from_status, to, to_status, reason, reference, effective_at, serials } =
        &posted.posting;
    json!({
        "kind": kind, "item_id": item, "lot_id": lot, "quantity": quantity, "from": from, "from_status": from_status,
        "to": to, "to_status": to_status, "reason": reason, "reference": reference, "effective_at": effective_at,
        "serials": serials.numbers().iter().take(NAMED_IDS).collect::<Vec<_>>(),
    })
}

/// What to tell about each refusal: a code and the field at fault, in the order given.
pub(crate) async fn explain(
    connection: &mut PgConnection,
    tenant: &TenantId,
    refusals: &[&Refusal],
) -> Result<Vec<(ErrorCode, FieldError)>> {
    let keys: Vec<Key> = refusals.iter().map(|refusal| refusal.key()).collect();
    let items: Vec<ItemId> = keys.iter().map(|key| key.item).collect::<BTreeSet<_>>().into_iter().collect();
    let items = catalog::service::items_by_ids(connection, tenant, &items).await?;
    let lots: Vec<LotId> = keys.iter().filter_map(|key| key.lot).collect::<BTreeSet<_>>().into_iter().collect();
    let lots = super::lots_by_ids(connection, tenant, &lots).await?;
    let others = refusals.iter().filter_map(|refusal| refusal.other_place());
    let locations: Vec<_> = keys.iter().map(|key| key.location).chain(others).collect();
    let places = places_by_ids(connection, tenant, &locations).await?;
    let told = refusals.iter().zip(&keys).map(|(refusal, key)| {
        let needs_lot = key.lot.is_none() && items.get(&key.item).is_some_and(|item| item.lot_tracked);
        let mend = if needs_lot { "; the item is lot-tracked: name the lot" } else { "" };
        let (code, unit) = items.get(&key.item).map_or(("?", ""), |item| (item.code.as_str(), item.base_unit.as_str()));
        let lot = key.lot.and_then(|lot| lots.get(&lot)).map_or_else(String::new, |lot| format!(", lot {:?}", lot.number));
        let goods = format!("item {code:?}{lot}, {}", key.status);
        let place = places[&key.location].name();
        match refusal {
            Refusal::Insufficient { available, asked, .. } => {
                let message = format!("{goods}: {available} {unit} available in {place}, {asked} asked{mend}");
                (ErrorCode::StockInsufficient, FieldError::new("quantity", message))
            }
            Refusal::Claimed { free, asked, .. } => {
                let message =
                    format!("{goods}: {asked} {unit} asked, but holds claim all except {free} {unit}; decide about the hold");
                (ErrorCode::Conflict, FieldError::new("from_status", message))
            }
            Refusal::Serial(refusal) => {
                refusal.told(&goods, &places[&key.location], refusal.place().and_then(|place| places.get(&place)))
            }
            Refusal::Overflow { .. } => {
                let message = format!("{goods}: the balance in {place} would exceed 999,999,999,999.999999 {unit}");
                (ErrorCode::Conflict, FieldError::new("quantity", message))
            }
        }
    });
    Ok(told.collect())
}

async fn refused(connection: &mut PgConnection, tenant: &TenantId, refusals: &[(usize, &Refusal)]) -> Result<Error> {
    let bare: Vec<&Refusal> = refusals.iter().map(|(_, refusal)| *refusal).collect();
    let told = explain(connection, tenant, &bare).await?;
    let rows = refusals.iter().zip(told).map(|((index, _), (code, fault))| (*index, code, vec![fault])).collect();
    Ok(whole(rows))
}

/// One error for refused rows. A fault of the caller outweighs a lack of stock.
pub(super) fn whole(rows: Vec<(usize, ErrorCode, Vec<FieldError>)>) -> Error {
    let code = rows.iter().map(|(_, code, _)| *code).find(|code| *code == ErrorCode::Invalid);
    let code = code.or_else(|| rows.first().map(|(_, code, _)| *code)).unwrap_or(ErrorCode::Conflict);
    let detail = match rows.as_slice() {
        [(_, _, faults)] if faults.len() == 1 => faults[0].message.clone(),
        rows => format!("{} movements are refused, nothing was recorded", rows.len()),
    };
    let fields = rows.into_iter().flat_map(|(index, _, faults)| faults.into_iter().map(move |fault| at(index, fault)));
    Error { fields: fields.collect(), ..Error::new(code, detail) }
}
