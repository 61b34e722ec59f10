use std::collections::BTreeMap;

use kernel::{FieldError, ReservationId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use uuid::Uuid;

use super::reads::view;
use super::reserve::physical;
use super::{STOCK_RESERVE, find, hold_itself, lock_lots_of, lock_pieces_of, require_open, tell};
use crate::ledger::Key;
use crate::model::{Place, Posting, QualityStatus};
use crate::reservation::model::{Allocation, Reservation, ReservationView};
use crate::reservation::request::TransferReservation;
use crate::reservation::store::{self, Bond};

/// Moves bound goods to another place; the promise binds them there. Answers the movements too.
pub async fn transfer(
    tx: &mut Tx,
    actor: &Actor,
    id: ReservationId,
    input: &TransferReservation,
) -> Result<(ReservationView, Vec<Uuid>)> {
    actor.require(STOCK_RESERVE)?;
    actor.require(crate::service::STOCK_MOVE)?;
    let (to, from, reference) = input.read()?;
    let seen = find(tx, actor.tenant(), id).await?;
    require_open(actor, &seen)?;
    let (to, from) = places(tx, actor, &to, from.as_deref()).await?;
    let bound = store::allocations(tx, actor.tenant(), &[id.0]).await?;
    lock_lots_of(tx, actor.tenant(), &bound).await?;
    lock_pieces_of(tx, actor.tenant(), seen.item_id, &bound).await?;
    let balances = lock_both_sides(tx, actor, &seen, &bound, &to).await?;
    let ids: Vec<Uuid> = balances.values().copied().collect();
    let held = hold_itself(tx, actor.tenant(), id, &ids).await?;
    require_open(actor, &held.reservation)?;
    let is_moved = |one: &&Allocation| one.location_id != to.id && from.as_ref().is_none_or(|from| one.location_id == from.id);
    let moved: Vec<Allocation> = held.allocations.iter().filter(is_moved).cloned().collect();
    if moved.is_empty() {
        return Err(Error::conflict(format!("the reservation binds nothing that could go to {}", to.name())));
    }
    let reference = reference.unwrap_or_else(|| held.reservation.reference.clone());
    let movements = carry(tx, actor, &held.reservation, &moved, &to, &balances, &reference).await?;
    let after = Reservation { updated_at: actor.env.now(), ..held.reservation.clone() };
    store::update(tx, actor.tenant(), std::slice::from_ref(&after)).await?;
    tell(tx, actor, "reservation.transfer", Some(&held.reservation), &after);
    Ok((view(tx, actor, after).await?, movements))
}

async fn places(tx: &mut Tx, actor: &Actor, to: &str, from: Option<&str>) -> Result<(Place, Option<Place>)> {
    let mut faults = Vec::new();
    let to = physical(tx, actor.tenant(), "to", Some(to), &mut faults).await?;
    let from = physical(tx, actor.tenant(), "from", from, &mut faults).await?;
    if let Some(to) = to.as_ref().filter(|to| !to.is_active) {
        faults.push(FieldError::new("to", format!("location {:?} is not active and takes no goods", to.name())));
    }
    if let Some(to) = to.as_ref().filter(|to| to.is_transit) {
        let message = format!("location {:?} holds goods in transit; ship them by a transfer order", to.name());
        faults.push(FieldError::new("to", message));
    }
    match to {
        Some(to) if faults.is_empty() => Ok((to, from)),
        _ => Err(Error::invalid(faults)),
    }
}

fn key(reservation: &Reservation, place: kernel::LocationId, one: &Allocation) -> Key {
    Key { item: reservation.item_id, location: place, lot: one.lot_id, status: QualityStatus::Released }
}

/// As a movement does: makes missing rows, then locks all of them, both in the order of keys.
async fn lock_both_sides(
    tx: &mut Tx,
    actor: &Actor,
    reservation: &Reservation,
    bound: &[Allocation],
    to: &Place,
) -> Result<BTreeMap<Key, Uuid>> {
    let mut targets: Vec<Key> = bound.iter().map(|one| key(reservation, to.id, one)).collect();
    targets.sort_unstable();
    targets.dedup();
    let mut all: Vec<Key> =
        bound.iter().map(|one| key(reservation, one.location_id, one)).chain(targets.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    crate::store::balances::ensure(tx, actor.tenant(), &actor.env, &targets).await?;
    let locked = crate::store::balances::lock(tx, actor.tenant(), &all).await?;
    Ok(locked.into_iter().map(|(key, (id, _))| (key, id)).collect())
}

/// Frees the goods, moves them and binds them where they are then, all under the same locks.
async fn carry(
    tx: &mut Tx,
    actor: &Actor,
    reservation: &Reservation,
    moved: &[Allocation],
    to: &Place,
    balances: &BTreeMap<Key, Uuid>,
    reference: &str,
) -> Result<Vec<Uuid>> {
    let now = actor.env.now();
    let id = reservation.reservation_id;
    let freed: Vec<Bond> = moved
        .iter()
        .map(|one| Bond { reservation_id: id, balance_id: one.balance_id, position: one.position, quantity: one.quantity })
        .collect();
    let mut bound: BTreeMap<Uuid, Bond> = BTreeMap::new();
    for one in moved {
        let balance = balances.get(&key(reservation, to.id, one));
        let balance_id = *balance.ok_or_else(|| Error::internal("a target balance that was made is missing"))?;
        let bond = bound.entry(balance_id);
        let bond =
            bond.or_insert(Bond { reservation_id: id, balance_id, position: one.position, quantity: kernel::Quantity::ZERO });
        bond.quantity += one.quantity;
    }
    let bound: Vec<Bond> = bound.into_values().collect();
    let posting = |one: &Allocation| {
        let released = QualityStatus::Released;
        Posting::transfer(reservation.item_id, one.lot_id, one.quantity, one.location_id, to.id, released)
            .with_serials_in_order()
            .with_reference(reference)
            .with_reason(format!("reservation {id}"))
    };
    let postings: Vec<Posting> = moved.iter().map(posting).collect();
    store::loosen(tx, actor.tenant(), &freed, now).await?;
    let posted = crate::service::post(tx, actor, &postings).await?;
    store::bind(tx, actor.tenant(), &bound, now).await?;
    Ok(posted.into_iter().map(|one| one.movement_id.0).collect())
}
