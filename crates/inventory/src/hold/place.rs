//! Blocking stock.

use std::collections::BTreeMap;

use catalog::Item;
use kernel::{ErrorCode, FieldError, HoldId, LotId, Quantity};
use platform::audit::Entry;
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::model::{Hold, HoldLine, HoldState, MAX_LINES, NewHold, take};
use super::service::{self, Whole, texts};
use super::store;
use crate::ledger::{Held, Key};
use crate::model::{MovementKind, Posted, Posting, QualityStatus};
use crate::serial::{self, Serials};
use crate::service::{STOCK_MOVE, facility_of, given, location_of, post};
use crate::store::balances::{self, BalanceQuery};
use crate::store::lots;

/// Pieces that lie in the places of a hold; more cannot be locked together.
const MAX_PIECES: usize = 50_000;

/// What the caller named, resolved.
struct Scope {
    item: Item,
    lot: Option<LotId>,
    query: BalanceQuery,
    quantity: Option<Quantity>,
    serials: Vec<String>,
}

/// Moves matching stock into HOLD and remembers what it was. Stock that is promised to somebody stays as it is and is told; so
/// does what is rejected or held already. 409 when there is nothing, or less than asked.
pub async fn place(tx: &mut Tx, actor: &Actor, input: &NewHold) -> Result<Whole> {
    actor.require(STOCK_MOVE)?;
    let scope = read(tx, actor, input).await?;
    let stock = lock(tx, actor, &scope).await?;
    let hold_id = HoldId(actor.env.new_id());
    let reserved = stock.iter().fold(Quantity::ZERO, |sum, (_, held)| sum + held.reserved);
    let free: Vec<(Key, Quantity)> = stock.iter().map(|(key, held)| (*key, held.on_hand - held.reserved)).collect();
    let shares = match scope.item.serial_tracked {
        true => pieces(tx, actor, &scope, &free).await?,
        false => {
            take(&free, scope.quantity).map(|shares| shares.into_iter().map(|(key, share)| (key, share, Vec::new())).collect())
        }
    };
    let shares: Vec<(Key, Quantity, Vec<String>)> =
        shares.filter(|shares| !shares.is_empty()).ok_or_else(|| too_little(&scope, &free, reserved))?;
    let reference = given(&input.reference).map_or_else(|| format!("hold {hold_id}"), str::to_owned);
    let postings: Vec<Posting> = shares.iter().map(|share| into_hold(share, &input.reason, &reference)).collect();
    let posted = post(tx, actor, &postings).await?;
    let total = shares.iter().fold(Quantity::ZERO, |sum, (_, share, _)| sum + *share);
    let hold = Hold {
        hold_id,
        item_id: scope.item.item_id,
        lot_id: scope.lot,
        lot_number: None,
        state: HoldState::Active,
        reason: input.reason.trim().to_owned(),
        reference: given(&input.reference).unwrap_or_default().to_owned(),
        review_at: input.until,
        quantity: total,
        remaining: total,
        skipped_reserved: if scope.quantity.is_none() { reserved } else { Quantity::ZERO },
        created_at: actor.env.now(),
        created_by: actor.principal.user,
        closed_at: None,
    };
    store::insert(tx, actor.tenant(), &hold).await?;
    store::insert_lines(tx, actor.tenant(), hold_id, &lines(&posted)).await?;
    tx.audit(actor, Entry::new("hold.place", "hold", hold_id).after(&hold));
    service::announce(tx, actor, &hold);
    service::whole(tx, actor, hold_id).await
}

async fn read(tx: &mut Tx, actor: &Actor, input: &NewHold) -> Result<Scope> {
    let mut faults = texts(&input.reason, input.reference.as_deref());
    let quantity = service::quantity(input.quantity.as_ref(), &mut faults);
    let serials = serial::read(input.serials.as_deref()).unwrap_or_else(|fault| {
        faults.push(fault);
        Vec::new()
    });
    if input.until.is_some_and(|until| until <= actor.env.now()) {
        faults.push(FieldError::new("until", "must be in the future"));
    }
    let tenant = actor.tenant();
    let reference = input.item.trim().to_owned();
    let item = catalog::service::resolve(tx, tenant, std::slice::from_ref(&reference)).await?.remove(&reference);
    if item.is_none() {
        faults.push(FieldError::new("item", format!("item {reference:?} does not exist")));
    }
    if let Some(item) = item.as_ref().filter(|item| !serials.is_empty() && !item.serial_tracked) {
        faults.push(FieldError::new("serials", format!("item {:?} is not serial-tracked; leave them away", item.code)));
    }
    let count = u32::try_from(serials.len()).map(Quantity::from).ok().filter(|count| !count.is_zero());
    if let (Some(count), Some(quantity)) = (count, quantity)
        && count != quantity
    {
        faults
            .push(FieldError::new("serials", format!("must be as many as the quantity, {quantity}; or leave one of them away")));
    }
    let Some(item) = item.filter(|_| faults.is_empty()) else { return Err(Error::invalid(faults)) };
    let lot = match given(&input.lot) {
        Some(lot) => Some(lot_named(tx, actor, &item, lot).await?),
        None => None,
    };
    let at = |field: &'static str| move |error: Error| error.at(field);
    let query = BalanceQuery {
        items: Some(vec![item.item_id.0]),
        lot: lot.map(|lot| lot.0),
        locations: location_of(tx, actor, &input.location).await.map_err(at("location"))?.map(|id| vec![id]),
        facility: facility_of(tx, actor, &input.facility).await.map_err(at("facility"))?,
        ..BalanceQuery::default()
    };
    Ok(Scope { item, lot, query, quantity: quantity.or(count), serials })
}

async fn lot_named(tx: &mut Tx, actor: &Actor, item: &Item, reference: &str) -> Result<LotId> {
    let unknown = || Error::field("lot", format!("lot {reference:?} of item {:?} does not exist", item.code));
    let found = match Uuid::parse_str(reference) {
        Ok(id) => lots::by_ids(tx, actor.tenant(), &[id]).await?,
        Err(_) => lots::lock_by_number(tx, actor.tenant(), &[item.item_id.0], &[reference.to_owned()]).await?,
    };
    found.into_iter().find(|lot| lot.item_id == item.item_id).map(|lot| lot.lot_id).ok_or_else(unknown)
}

/// The stock in scope that can be held, locked in the order of the ledger (lots, pieces, balances), released stock first.
async fn lock(tx: &mut Tx, actor: &Actor, scope: &Scope) -> Result<Vec<(Key, Held)>> {
    let tenant = actor.tenant();
    let most = i64::try_from(MAX_LINES).expect("it is a small number") + 1;
    let rows = balances::select(tx, tenant, &scope.query, None, Some(most)).await?;
    if rows.len() > MAX_LINES {
        return Err(Error::conflict(format!(
            "the item lies in more than {MAX_LINES} balances; narrow the hold to a place or lot"
        )));
    }
    let is_held = |status| matches!(status, QualityStatus::Hold | QualityStatus::Rejected);
    let mut keys: Vec<Key> = rows
        .iter()
        .filter(|row| !is_held(row.quality_status))
        .map(|row| Key { item: row.item_id, location: row.location_id, lot: row.lot_id, status: row.quality_status })
        .collect();
    keys.sort_unstable();
    service::lock_goods(tx, actor, &keys, scope.item.serial_tracked).await?;
    let into = keys.iter().map(|key| Key { status: QualityStatus::Hold, ..*key }).collect();
    let held = service::lock_balances(tx, actor, &keys, &into).await?;
    let mut stock: Vec<(Key, Held)> = keys.iter().filter_map(|key| Some((*key, *held.get(key)?))).collect();
    stock.sort_by_key(|(key, _)| key.status != QualityStatus::Released);
    Ok(stock)
}

type Shares = Option<Vec<(Key, Quantity, Vec<String>)>>;

/// The pieces to hold: those named, or the lowest numbers that lie there, no more than are free.
async fn pieces(tx: &mut Tx, actor: &Actor, scope: &Scope, free: &[(Key, Quantity)]) -> Result<Shares> {
    let locations: Vec<Uuid> = free.iter().map(|(key, _)| key.location.0).collect();
    let lying = serial::lock_lying(tx, actor.tenant(), scope.item.item_id, &locations, MAX_PIECES).await?;
    let mut at: BTreeMap<Key, Vec<String>> = BTreeMap::new();
    if scope.serials.is_empty() {
        lying.into_iter().for_each(|(number, key)| at.entry(key).or_default().push(number));
        let shares = take(free, scope.quantity).unwrap_or_default().into_iter().map(|(key, share)| {
            let mut numbers = at.remove(&key).unwrap_or_default();
            numbers.truncate(usize::try_from(share.micro() / 1_000_000).unwrap_or_default());
            (key, share, numbers)
        });
        return Ok(Some(shares.collect()));
    }
    let lying: BTreeMap<String, Key> = lying.into_iter().collect();
    let mut faults = Vec::new();
    for (index, number) in scope.serials.iter().enumerate() {
        match lying.get(number).filter(|key| free.iter().any(|(free, _)| free == *key)) {
            Some(key) => at.entry(*key).or_default().push(number.clone()),
            None => faults.push(FieldError::new(
                format!("serials[{index}]"),
                format!("{number:?} is not among the stock that can be held: it is elsewhere, held already, or rejected"),
            )),
        }
    }
    if !faults.is_empty() {
        let detail = "some of the named pieces are not there";
        return Err(Error { fields: faults, ..Error::new(ErrorCode::StockInsufficient, detail) });
    }
    let shares = at.into_iter().map(|(key, numbers)| (key, Quantity::from_db(Decimal::from(numbers.len())), numbers));
    let shares: Vec<_> = shares.collect();
    let fits = |(key, share, _): &(Key, Quantity, Vec<String>)| free.iter().any(|(other, free)| other == key && share <= free);
    Ok(shares.iter().all(fits).then_some(shares))
}

fn too_little(scope: &Scope, free: &[(Key, Quantity)], reserved: Quantity) -> Error {
    let there = free.iter().fold(Quantity::ZERO, |sum, (_, free)| sum + *free);
    let (code, unit) = (&scope.item.code, &scope.item.base_unit);
    let asked = scope.quantity.map_or_else(String::new, |asked| format!(", {asked} asked"));
    let detail = format!("item {code:?}: {there} {unit} can be held{asked}; {reserved} {unit} are reserved and left alone");
    Error::new(ErrorCode::StockInsufficient, detail).at("quantity")
}

fn into_hold((key, share, numbers): &(Key, Quantity, Vec<String>), reason: &str, reference: &str) -> Posting {
    let posting = Posting::transfer(key.item, key.lot, *share, key.location, key.location, key.status)
        .with_reason(reason.trim())
        .with_reference(reference);
    Posting {
        kind: MovementKind::StatusChange,
        to_status: QualityStatus::Hold,
        serials: Serials::Named(numbers.clone()),
        ..posting
    }
}

fn lines(posted: &[Posted]) -> Vec<HoldLine> {
    let line = |(line_no, one): (i32, &Posted)| HoldLine {
        line_no,
        item_id: one.posting.item,
        lot_id: one.posting.lot,
        lot_number: None,
        location_id: one.posting.from,
        facility_code: String::new(),
        location_code: String::new(),
        former_status: one.posting.from_status,
        quantity: one.posting.quantity,
        remaining: one.posting.quantity,
        movement_id: one.movement_id,
    };
    (1..).zip(posted).map(line).collect()
}
