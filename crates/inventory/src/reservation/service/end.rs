use std::collections::HashSet;

use chrono::{DateTime, Utc};
use kernel::{Quantity, ReservationId, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{App, Error, Result};
use uuid::Uuid;

use super::losses::clockwork;
use super::reads::view;
use super::reserve::whole_pieces;
use super::{Held, STOCK_RESERVE, bonds, end_parts, hold, part_of, require_open, tell};
use crate::model::Posting;
use crate::reservation::model::{Allocation, Ending, Reservation, ReservationKind, ReservationView};
use crate::reservation::request::{ChangeReservation, FulfilReservation, ReleaseReservation};
use crate::reservation::store::{self, Bond};

/// Reservations that one transaction of the chore ends.
const SWEEP_BATCH: i64 = 100;
/// Transactions of the chore per tenant and run; what is left waits a minute.
const SWEEP_BATCHES: usize = 1_000;

/// Gives back all of a reservation or a part, the goods that would have been taken last first.
pub async fn release(tx: &mut Tx, actor: &Actor, id: ReservationId, input: &ReleaseReservation) -> Result<ReservationView> {
    actor.require(STOCK_RESERVE)?;
    let asked = input.read()?;
    let Held { reservation, allocations } = hold(tx, actor.tenant(), id).await?;
    require_open(actor, &reservation)?;
    require_pieces(tx, actor, &reservation, asked).await?;
    let part = part_of(&reservation, asked)?;
    let after = match reservation.kind {
        ReservationKind::Hard => {
            let parts = bonds(allocations.iter().rev(), part);
            end_parts(tx, actor, vec![reservation], &parts, Ending::Released).await?.pop()
        }
        ReservationKind::Soft => Some(end_soft(tx, actor, reservation, part, Ending::Released).await?),
    };
    view(tx, actor, after.expect("one reservation was ended")).await
}

/// A part of a piece can neither leave nor be given back.
async fn require_pieces(tx: &mut Tx, actor: &Actor, reservation: &Reservation, asked: Option<Quantity>) -> Result<()> {
    let Some(asked) = asked.filter(|asked| !asked.decimal().fract().is_zero()) else { return Ok(()) };
    let items = catalog::service::items_by_ids(tx, actor.tenant(), &[reservation.item_id]).await?;
    match items.get(&reservation.item_id) {
        Some(item) => whole_pieces(asked, item).map(|_| ()).map_err(|fault| Error::invalid(vec![fault])),
        None => Ok(()),
    }
}

async fn end_soft(tx: &mut Tx, actor: &Actor, before: Reservation, part: Quantity, how: Ending) -> Result<Reservation> {
    let mut after = before.clone();
    after.end(part, how, actor.env.now());
    store::update(tx, actor.tenant(), std::slice::from_ref(&after)).await?;
    tell(tx, actor, super::action(how), Some(&before), &after);
    Ok(after)
}

/// Issues bound goods to the customer, in the order in which they were chosen; answers the movements too.
pub async fn fulfil(
    tx: &mut Tx,
    actor: &Actor,
    id: ReservationId,
    input: &FulfilReservation,
) -> Result<(ReservationView, Vec<Uuid>)> {
    actor.require(STOCK_RESERVE)?;
    actor.require(crate::service::STOCK_MOVE)?;
    let (asked, reference) = input.read()?;
    let Held { reservation, allocations } = hold(tx, actor.tenant(), id).await?;
    require_open(actor, &reservation)?;
    if reservation.kind == ReservationKind::Soft {
        return Err(Error::conflict("a SOFT reservation binds no goods; harden it first"));
    }
    require_pieces(tx, actor, &reservation, asked).await?;
    let part = part_of(&reservation, asked)?;
    let parts = bonds(allocations.iter(), part);
    let reference = reference.unwrap_or_else(|| reservation.reference.clone());
    let postings = issues(&reservation, &allocations, &parts, &reference);
    let after = end_parts(tx, actor, vec![reservation], &parts, Ending::Fulfilled).await?.pop();
    let posted = crate::service::post(tx, actor, &postings).await?;
    let view = view(tx, actor, after.expect("one reservation was ended")).await?;
    Ok((view, posted.into_iter().map(|one| one.movement_id.0).collect()))
}

fn issues(reservation: &Reservation, allocations: &[Allocation], parts: &[Bond], reference: &str) -> Vec<Posting> {
    let issue = |part: &Bond| {
        let place = allocations.iter().find(|one| one.balance_id == part.balance_id)?;
        let posting = Posting::issue(reservation.item_id, place.lot_id, part.quantity, place.location_id);
        Some(
            posting
                .with_serials_in_order()
                .with_reference(reference)
                .with_reason(format!("reservation {}", reservation.reservation_id)),
        )
    };
    parts.iter().filter_map(issue).collect()
}

/// Sets when the promise ends by itself, or that it does not.
pub async fn change(tx: &mut Tx, actor: &Actor, id: ReservationId, input: &ChangeReservation) -> Result<ReservationView> {
    actor.require(STOCK_RESERVE)?;
    let expires_at = input.read(actor.env.now())?;
    // No goods change hands, so the reservation's own lock will do.
    let before = store::lock(tx, actor.tenant(), &[id.0]).await?.pop();
    let before = before.ok_or_else(|| Error::not_found(format_args!("reservation {id}")))?;
    require_open(actor, &before)?;
    let after = Reservation { expires_at, updated_at: actor.env.now(), ..before.clone() };
    store::update(tx, actor.tenant(), std::slice::from_ref(&after)).await?;
    tell(tx, actor, "reservation.change", Some(&before), &after);
    view(tx, actor, after).await
}

/// Takes back what has expired, of all tenants; answers how many reservations that were. What fails for one tenant is logged, waits
/// for the next run and keeps nobody else waiting.
pub async fn sweep(app: &App) -> Result<usize> {
    let now = app.env.now();
    let tenants = app.db.without_tenant(async |connection| store::tenants_with_overdue(connection, now).await).await?;
    let mut swept = 0;
    for tenant in tenants {
        match sweep_tenant(app, &tenant, now).await {
            Ok(ended) => swept += ended,
            Err(error) => tracing::warn!(%error, tenant, "expired reservations of a tenant could not be taken back"),
        }
    }
    Ok(swept)
}

async fn sweep_tenant(app: &App, tenant: &str, now: DateTime<Utc>) -> Result<usize> {
    let tenant: TenantId = tenant.parse().map_err(Error::from)?;
    let mut swept = 0;
    for _ in 0..SWEEP_BATCHES {
        let mut tx = app.db.begin(&tenant).await?;
        let ended = expire_some(&mut tx, app, now).await?;
        tx.commit().await?;
        swept += ended;
        if ended == 0 {
            break;
        }
    }
    Ok(swept)
}

async fn expire_some(tx: &mut Tx, app: &App, now: DateTime<Utc>) -> Result<usize> {
    let actor = clockwork(tx, &app.env);
    let tenant = actor.tenant();
    let ids = store::overdue(tx, tenant, now, SWEEP_BATCH).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let seen = store::allocations(tx, tenant, &ids).await?;
    let balances: Vec<Uuid> = seen.iter().map(|one| one.balance_id).collect();
    store::lock_balances(tx, tenant, &balances).await?;
    let mut overdue = store::lock(tx, tenant, &ids).await?;
    let allocations = store::allocations(tx, tenant, &ids).await?;
    // What was moved or prolonged meanwhile waits for the next run.
    let moved: HashSet<ReservationId> =
        allocations.iter().filter(|one| !balances.contains(&one.balance_id)).map(|one| one.reservation_id).collect();
    overdue.retain(|one| one.is_overdue(now) && !moved.contains(&one.reservation_id));
    let (hard, soft): (Vec<_>, Vec<_>) = overdue.into_iter().partition(|one| one.kind == ReservationKind::Hard);
    let ended = hard.len() + soft.len();
    let is_hard = |one: &&Allocation| hard.iter().any(|held| held.reservation_id == one.reservation_id);
    let parts: Vec<Bond> = allocations
        .iter()
        .filter(is_hard)
        .map(|one| Bond {
            reservation_id: one.reservation_id,
            balance_id: one.balance_id,
            position: one.position,
            quantity: one.quantity,
        })
        .collect();
    end_parts(tx, &actor, hard, &parts, Ending::Expired).await?;
    for one in soft {
        let open = one.open;
        end_soft(tx, &actor, one, open, Ending::Expired).await?;
    }
    Ok(ended)
}
