use kernel::ReservationId;
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};

use super::reads::view;
use super::reserve::{bonds, good_on, near, settle, stock};
use super::{STOCK_RESERVE, find, require_open, tell};
use crate::reservation::model::{Reservation, ReservationKind, ReservationView};
use crate::reservation::request::HardenReservation;
use crate::reservation::store::{self, Scope};

/// Binds goods for what a soft reservation promises.
pub async fn harden(tx: &mut Tx, actor: &Actor, id: ReservationId, input: &HardenReservation) -> Result<ReservationView> {
    actor.require(STOCK_RESERVE)?;
    let now = actor.env.now();
    let seen = find(tx, actor.tenant(), id).await?;
    let (strategy, place) = input.read(seen.strategy)?;
    require_soft(actor, &seen)?;
    let mut faults = Vec::new();
    let near = near(tx, actor.tenant(), place.as_deref(), &mut faults).await?;
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    let good_on = good_on(seen.needed_at, now);
    let scope = Scope { items: vec![seen.item_id.0], facility: seen.facility_id, location: None, lot: None, good_on };
    let (candidates, choices) = stock(tx, actor, &scope, strategy, near, seen.open).await?;
    let before = store::lock(tx, actor.tenant(), &[id.0]).await?.pop();
    let before = before.ok_or_else(|| Error::not_found(format_args!("reservation {id}")))?;
    require_soft(actor, &before)?;
    if before.open != seen.open {
        return Err(Error::conflict("somebody changed the reservation at this moment; load it and try again"));
    }
    let items = catalog::service::items_by_ids(tx, actor.tenant(), &[before.item_id]).await?;
    let item = items.get(&before.item_id).ok_or_else(|| Error::internal("a reservation of an item that does not exist"))?;
    let mut after = Reservation { kind: ReservationKind::Hard, strategy, updated_at: now, ..before.clone() };
    let free = candidates.iter().map(|one| one.free).sum();
    settle(&mut after, &choices, item, free, input.allow_partial)?;
    store::update(tx, actor.tenant(), std::slice::from_ref(&after)).await?;
    store::bind(tx, actor.tenant(), &bonds(id, &candidates, &choices), now).await?;
    tell(tx, actor, "reservation.harden", Some(&before), &after);
    view(tx, actor, after).await
}

fn require_soft(actor: &Actor, reservation: &Reservation) -> Result<()> {
    require_open(actor, reservation)?;
    if reservation.kind == ReservationKind::Hard {
        return Err(Error::conflict("the reservation is HARD already"));
    }
    Ok(())
}
