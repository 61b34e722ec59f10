//! Use cases of reservations. None commits.

mod end;
mod harden;
mod losses;
mod orders;
mod reads;
mod reserve;
mod transfer;

use std::collections::BTreeSet;

use kernel::{ItemId, LocationId, Quantity, ReservationId, TenantId};
use platform::audit::Entry;
use platform::auth::{Actor, Permission, roles};
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result};
use serde_json::json;
use uuid::Uuid;

pub use end::{change, fulfil, release, sweep};
pub use harden::harden;
pub(crate) use losses::{free_all_expired, free_expired, give_way};
pub use orders::{Bound, Granted, Taken, Terms, Wanted, bound_under, free_of, give_back, lock_goods, reserve_each, take};
pub use reads::{ReservationFilter, availability, reservation, reservations};
pub use reserve::reserve;
pub use transfer::transfer;

use super::model::{Allocation, Ending, Reservation, ReservationState};
use super::store::{self, Bond};

/// Promising goods is the work of whoever takes orders.
pub const STOCK_RESERVE: Permission = Permission::new("stock:reserve", roles::STAFF);

/// A reservation that this transaction alone may change, and what it binds; the balances of those are locked too.
struct Held {
    reservation: Reservation,
    allocations: Vec<Allocation>,
}

/// Locks the lots, pieces and balances that a reservation binds, and then itself.
async fn hold(tx: &mut Tx, tenant: &TenantId, id: ReservationId) -> Result<Held> {
    let found = find(tx, tenant, id).await?;
    let seen = store::allocations(tx, tenant, &[id.0]).await?;
    lock_lots_of(tx, tenant, &seen).await?;
    lock_pieces_of(tx, tenant, found.item_id, &seen).await?;
    let balances: Vec<Uuid> = seen.iter().map(|one| one.balance_id).collect();
    store::lock_balances(tx, tenant, &balances).await?;
    hold_itself(tx, tenant, id, &balances).await
}

async fn find(tx: &mut Tx, tenant: &TenantId, id: ReservationId) -> Result<Reservation> {
    let found = store::find(tx, tenant, id).await?;
    found.ok_or_else(|| Error::not_found(format_args!("reservation {id}")))
}

/// A movement of goods locks their lots before their balances.
async fn lock_lots_of(tx: &mut Tx, tenant: &TenantId, allocations: &[Allocation]) -> Result<()> {
    let mut lots: Vec<Uuid> = allocations.iter().filter_map(|one| one.lot_id).map(|lot| lot.0).collect();
    lots.sort_unstable();
    lots.dedup();
    if !lots.is_empty() {
        crate::store::lots::lock_by_id(tx, tenant, &lots).await?;
    }
    Ok(())
}

/// And then, when the item's pieces have numbers, the pieces that lie there.
async fn lock_pieces_of(tx: &mut Tx, tenant: &TenantId, item: ItemId, allocations: &[Allocation]) -> Result<()> {
    let places: BTreeSet<LocationId> = allocations.iter().map(|one| one.location_id).collect();
    crate::service::lock_pieces(tx, tenant, places.into_iter().map(|place| (item, place))).await
}

/// Locks the reservation when the balances are locked already. What it binds was read before the locks and may have changed; locking
/// more of it now would break the order.
async fn hold_itself(tx: &mut Tx, tenant: &TenantId, id: ReservationId, balances: &[Uuid]) -> Result<Held> {
    let reservation = store::lock(tx, tenant, &[id.0]).await?.pop();
    let reservation = reservation.ok_or_else(|| Error::not_found(format_args!("reservation {id}")))?;
    let allocations = store::allocations(tx, tenant, &[id.0]).await?;
    if allocations.iter().any(|one| !balances.contains(&one.balance_id)) {
        return Err(Error::conflict("the reserved goods were moved at this moment; load the reservation and try again"));
    }
    Ok(Held { reservation, allocations })
}

/// Refuses what is over, by its state or by its time.
fn require_open(actor: &Actor, reservation: &Reservation) -> Result<()> {
    let now = actor.env.now();
    if reservation.is_overdue(now) || reservation.state == ReservationState::Expired {
        return Err(Error::conflict("the reservation has expired; make a new one"));
    }
    if !reservation.is_open() {
        return Err(Error::conflict(format!("the reservation is {}; nothing of it is open", reservation.state)));
    }
    Ok(())
}

/// The part that a caller asks for, all that is open when none is given.
fn part_of(reservation: &Reservation, asked: Option<Quantity>) -> Result<Quantity> {
    match asked {
        Some(asked) if asked > reservation.open => {
            let open = reservation.open.decimal().normalize();
            Err(Error::conflict(format!("only {open} of the reservation are open, {asked} asked")).at("quantity"))
        }
        Some(asked) => Ok(asked),
        None => Ok(reservation.open),
    }
}

/// So much of what is bound, taking the allocations in the order given.
fn bonds<'a>(allocations: impl Iterator<Item = &'a Allocation>, mut wanted: Quantity) -> Vec<Bond> {
    let mut bonds = Vec::new();
    for one in allocations {
        if wanted.is_zero() {
            break;
        }
        let quantity = wanted.min(one.quantity);
        wanted -= quantity;
        let Allocation { reservation_id, balance_id, position, .. } = *one;
        bonds.push(Bond { reservation_id, balance_id, position, quantity });
    }
    bonds
}

/// Ends parts of locked hard reservations, frees what they bind, and tells of it.
async fn end_parts(tx: &mut Tx, actor: &Actor, held: Vec<Reservation>, parts: &[Bond], how: Ending) -> Result<Vec<Reservation>> {
    let tenant = actor.tenant();
    let now = actor.env.now();
    let mut after = held.clone();
    for one in &mut after {
        let part: Quantity =
            parts.iter().filter(|bond| bond.reservation_id == one.reservation_id).map(|bond| bond.quantity).sum();
        one.end(part, how, now);
    }
    store::loosen(tx, tenant, parts, now).await?;
    store::update(tx, tenant, &after).await?;
    for (before, after) in held.iter().zip(&after) {
        tell(tx, actor, action(how), Some(before), after);
        if how == Ending::Lost {
            let lost = after.shortage - before.shortage;
            let payload = json!({ "item_id": after.item_id, "reference": after.reference, "lost": lost, "shortage": after.shortage, "open": after.open });
            tx.publish(actor, Event::new("inventory.reservation.short", after.reservation_id, payload));
        }
    }
    Ok(after)
}

fn action(how: Ending) -> &'static str {
    match how {
        Ending::Fulfilled => "reservation.fulfil",
        Ending::Released => "reservation.release",
        Ending::Expired => "reservation.expire",
        Ending::Lost => "reservation.short",
    }
}

/// The audit line and the event of a change.
fn tell(tx: &mut Tx, actor: &Actor, action: &'static str, before: Option<&Reservation>, after: &Reservation) {
    let entry = Entry::new(action, "reservation", after.reservation_id);
    let entry = match before {
        Some(before) => entry.before(before),
        None => entry,
    };
    tx.audit(actor, entry.after(after));
    let payload = json!({ "state": after.state, "item_id": after.item_id, "reference": after.reference, "open": after.open });
    tx.publish(actor, Event::new("inventory.reservation.changed", after.reservation_id, payload));
}
