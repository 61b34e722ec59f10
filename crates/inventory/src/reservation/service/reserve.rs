use catalog::Item;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{ErrorCode, FacilityId, FieldError, LotId, Quantity, ReservationId, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::losses::expire_on;
use super::reads::view;
use super::{STOCK_RESERVE, tell};
use crate::model::{LocationKind, Place};
use crate::request::in_base;
use crate::reservation::model::{
    Candidate, Choice, Near, Reservation, ReservationKind, ReservationState, ReservationView, Strategy, choose,
};
use crate::reservation::promise::{self, Incoming};
use crate::reservation::request::{Draft, NewReservation};
use crate::reservation::store::{self, Bond, Scope};

/// Promises goods. Not enough of them is `STOCK_INSUFFICIENT`, unless less will do and there is some.
///
/// `incoming` is what the caller knows to be on its way of the item to the facility; a SOFT promise for a later day counts on it.
pub async fn reserve(tx: &mut Tx, actor: &Actor, input: &NewReservation, incoming: &[Incoming]) -> Result<ReservationView> {
    actor.require(STOCK_RESERVE)?;
    let now = actor.env.now();
    let draft = input.read(now)?;
    let target = Target::find(tx, actor.tenant(), &draft).await?;
    let mut reservation = target.reservation(actor, &draft);
    let bonds = match draft.kind {
        ReservationKind::Hard => {
            let (candidates, choices) =
                stock(tx, actor, &target.scope(&draft, now), draft.strategy, target.near, target.quantity).await?;
            let free = candidates.iter().map(|one| one.free).sum();
            settle(&mut reservation, &choices, &target.item, free, draft.allow_partial)?;
            bonds(reservation.reservation_id, &candidates, &choices)
        }
        ReservationKind::Soft => {
            promise(tx, actor, &target, &draft, incoming, &mut reservation).await?;
            Vec::new()
        }
    };
    store::insert(tx, actor.tenant(), std::slice::from_ref(&reservation)).await?;
    store::bind(tx, actor.tenant(), &bonds, now).await?;
    tell(tx, actor, "reservation.create", None, &reservation);
    view(tx, actor, reservation).await
}

/// Locks the stock in scope and chooses of it. Whoever would fall short takes back what expired there.
pub(super) async fn stock(
    tx: &mut Tx,
    actor: &Actor,
    scope: &Scope,
    strategy: Strategy,
    near: Option<Near>,
    wanted: Quantity,
) -> Result<(Vec<Candidate>, Vec<Choice>)> {
    let mut candidates = store::lock_candidates(tx, actor.tenant(), scope).await?;
    let free: Quantity = candidates.iter().map(|one| one.free).sum();
    if free < wanted {
        let balances: Vec<Uuid> = candidates.iter().map(|one| one.balance_id).collect();
        let freed = expire_on(tx, &actor.env, &balances).await?;
        for one in &mut candidates {
            one.free += freed.get(&one.balance_id).copied().unwrap_or_default();
        }
    }
    let choices = choose(strategy, near, wanted, &candidates);
    Ok((candidates, choices))
}

/// Takes over what was found, or refuses when it is not enough.
pub(super) fn settle(
    reservation: &mut Reservation,
    choices: &[Choice],
    item: &Item,
    free: Quantity,
    allow_partial: bool,
) -> Result<()> {
    let found: Quantity = choices.iter().map(|choice| choice.quantity).sum();
    if found.is_zero() || (found < reservation.open && !allow_partial) {
        return Err(insufficient(item, free, reservation.open));
    }
    reservation.shortage += reservation.open - found;
    reservation.open = found;
    Ok(())
}

pub(super) fn bonds(id: ReservationId, candidates: &[Candidate], choices: &[Choice]) -> Vec<Bond> {
    let bond = |(position, choice): (usize, &Choice)| Bond {
        reservation_id: id,
        balance_id: candidates[choice.index].balance_id,
        position: i32::try_from(position).unwrap_or(i32::MAX),
        quantity: choice.quantity,
    };
    choices.iter().enumerate().map(bond).collect()
}

fn insufficient(item: &Item, available: Quantity, asked: Quantity) -> Error {
    let (code, unit) = (&item.code, &item.base_unit);
    let available = available.max(Quantity::ZERO).decimal().normalize();
    let detail = format!("item {code:?}: {available} {unit} can be reserved, {asked} asked");
    Error::new(ErrorCode::StockInsufficient, detail).at("quantity")
}

/// Promises what is available to promise on the day it is needed.
async fn promise(
    tx: &mut Tx,
    actor: &Actor,
    target: &Target,
    draft: &Draft,
    incoming: &[Incoming],
    reservation: &mut Reservation,
) -> Result<()> {
    let now = actor.env.now();
    let today = now.date_naive();
    store::lock_promises(tx, actor.tenant(), target.item.item_id).await?;
    let supply = store::supply(tx, actor.tenant(), target.item.item_id, target.facility, now).await?;
    let (at_once, rows) = promise::timeline(today, supply.available, incoming, &supply.commitments);
    let on = draft.needed_at.map_or(today, |at| at.date_naive());
    let available = promise::available_to_promise(today, at_once, &rows, on).max(Quantity::ZERO);
    let found = available.min(reservation.open);
    let choices = if found.is_zero() { Vec::new() } else { vec![Choice { index: 0, quantity: found }] };
    settle(reservation, &choices, &target.item, available, draft.allow_partial)
}

/// What a draft refers to.
struct Target {
    item: Item,
    /// In the base unit.
    quantity: Quantity,
    facility: Option<FacilityId>,
    location: Option<Place>,
    lot: Option<LotId>,
    near: Option<Near>,
}

impl Target {
    /// Looks everything up and refuses all that is unknown at once.
    async fn find(tx: &mut Tx, tenant: &TenantId, draft: &Draft) -> Result<Self> {
        let mut faults = Vec::new();
        let items = catalog::service::resolve(tx, tenant, std::slice::from_ref(&draft.item)).await?;
        let item = items.into_values().next();
        let facility = facility(tx, tenant, draft.facility.as_deref(), &mut faults).await?;
        let location = physical(tx, tenant, "location", draft.location.as_deref(), &mut faults).await?;
        if let (Some(facility), Some(location)) = (facility, &location)
            && location.facility_id != Some(facility)
        {
            faults.push(FieldError::new("location", format!("location {:?} is not in that facility", location.name())));
        }
        let near = near(tx, tenant, draft.near.as_deref(), &mut faults).await?;
        let Some(item) = item else {
            faults.insert(0, FieldError::new("item", format!("item {:?} does not exist", draft.item)));
            return Err(Error::invalid(faults));
        };
        let quantity = base_quantity(draft, &item).unwrap_or_else(|fault| {
            faults.push(fault);
            Quantity::ZERO
        });
        let lot = lot(tx, tenant, &item, draft.lot.as_deref(), &mut faults).await?;
        if faults.is_empty() { Ok(Self { item, quantity, facility, location, lot, near }) } else { Err(Error::invalid(faults)) }
    }

    fn scope(&self, draft: &Draft, now: DateTime<Utc>) -> Scope {
        Scope {
            items: vec![self.item.item_id.0],
            facility: self.facility,
            location: self.location.as_ref().map(|place| place.id),
            lot: self.lot,
            good_on: good_on(draft.needed_at, now),
        }
    }

    fn reservation(&self, actor: &Actor, draft: &Draft) -> Reservation {
        let now = actor.env.now();
        Reservation {
            reservation_id: ReservationId(actor.env.new_id()),
            kind: draft.kind,
            state: ReservationState::Active,
            item_id: self.item.item_id,
            facility_id: self.facility,
            location_id: self.location.as_ref().map(|place| place.id),
            lot_id: self.lot,
            strategy: draft.strategy,
            quantity: self.quantity,
            open: self.quantity,
            fulfilled: Quantity::ZERO,
            released: Quantity::ZERO,
            shortage: Quantity::ZERO,
            priority: draft.priority,
            reference: draft.reference.clone(),
            needed_at: draft.needed_at,
            expires_at: draft.expires_at,
            created_by: actor.principal.user,
            created_at: now,
            updated_at: now,
        }
    }
}

/// The day on which the goods must still be good.
pub(super) fn good_on(needed_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> NaiveDate {
    needed_at.map_or(now, |at| at.max(now)).date_naive()
}

fn base_quantity(draft: &Draft, item: &Item) -> Result<Quantity, FieldError> {
    let Some(unit) = &draft.unit else { return whole_pieces(draft.quantity, item) };
    let factor = item.factor_of(unit).ok_or_else(|| {
        let others = item.units.iter().map(|unit| unit.unit.as_str());
        let known: Vec<&str> = std::iter::once(item.base_unit.as_str()).chain(others).collect();
        FieldError::new("unit", format!("item {:?} is handled in {}, not in {unit:?}", item.code, known.join(", ")))
    })?;
    whole_pieces(in_base(draft.quantity, factor)?, item)
}

/// The quantity (base unit), unless it would split a piece that has a number.
pub(super) fn whole_pieces(quantity: Quantity, item: &Item) -> Result<Quantity, FieldError> {
    if item.serial_tracked && !quantity.decimal().fract().is_zero() {
        return Err(FieldError::new("quantity", "must be a whole number, because the item is serial-tracked"));
    }
    Ok(quantity)
}

async fn facility(
    connection: &mut PgConnection,
    tenant: &TenantId,
    reference: Option<&str>,
    faults: &mut Vec<FieldError>,
) -> Result<Option<FacilityId>> {
    let Some(reference) = reference else { return Ok(None) };
    let id = Uuid::parse_str(reference).ok();
    let found = crate::store::places::facility(connection, tenant, id, reference).await?;
    if found.is_none() {
        faults.push(FieldError::new("facility", format!("facility {reference:?} does not exist or has no locations")));
    }
    Ok(found)
}

pub(super) async fn physical(
    connection: &mut PgConnection,
    tenant: &TenantId,
    field: &str,
    reference: Option<&str>,
    faults: &mut Vec<FieldError>,
) -> Result<Option<Place>> {
    let Some(reference) = reference else { return Ok(None) };
    match crate::service::place(connection, tenant, reference).await {
        Ok(place) if place.kind == LocationKind::Physical => return Ok(Some(place)),
        Ok(place) => faults.push(FieldError::new(field, format!("{} holds no stock; name a location", place.name()))),
        Err(error) if error.code.status() < 500 => faults.push(FieldError::new(field, error.detail)),
        Err(error) => return Err(error),
    }
    Ok(None)
}

pub(super) async fn near(
    connection: &mut PgConnection,
    tenant: &TenantId,
    reference: Option<&str>,
    faults: &mut Vec<FieldError>,
) -> Result<Option<Near>> {
    let Some(place) = physical(connection, tenant, "near", reference, faults).await? else { return Ok(None) };
    let pick_sequence = store::pick_sequence(connection, tenant, place.id).await?;
    Ok(Some(Near { facility_id: place.facility_id, pick_sequence }))
}

/// Share-locks the lot, so that its status cannot change before its stock is bound.
async fn lot(
    connection: &mut PgConnection,
    tenant: &TenantId,
    item: &Item,
    reference: Option<&str>,
    faults: &mut Vec<FieldError>,
) -> Result<Option<LotId>> {
    let Some(reference) = reference else { return Ok(None) };
    let by_number = crate::store::lots::lock_by_number(connection, tenant, &[item.item_id.0], &[reference.to_owned()]).await?;
    let found = match (by_number.into_iter().next(), Uuid::parse_str(reference)) {
        (None, Ok(id)) => crate::store::lots::lock_by_id(connection, tenant, &[id]).await?.into_iter().next(),
        (found, _) => found,
    };
    let found = found.filter(|lot| lot.item_id == item.item_id).map(|lot| lot.lot_id);
    if found.is_none() {
        faults.push(FieldError::new("lot", format!("lot {reference:?} of item {:?} does not exist", item.code)));
    }
    Ok(found)
}
