use chrono::{DateTime, NaiveDate, Utc};
use inventory::reservation::{Availability, Incoming, NewReservation, ReservationKind, ReservationView, service as reservations};
use kernel::{FacilityId, ItemId, Quantity, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use sqlx::PgConnection;

use super::store;
use crate::facility::service as facilities;

/// Deliveries of one item that are looked at; the soonest ones, so that what is cut off would only add to what may be promised.
const MAX_EXPECTED: i64 = 1_000;

/// What is still to come of an item with one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub receipt_code: String,
    pub facility_code: String,
    pub expected_at: Option<DateTime<Utc>>,
    /// In the item's base unit.
    pub quantity: Quantity,
}

/// What there is of an item, what comes, and what may be promised.
#[derive(Clone, Debug)]
pub struct Promise {
    pub availability: Availability,
    /// On their way, the soonest first; those without a day last.
    pub expected: Vec<Expected>,
    /// Of deliveries that are late; no promise rests on them.
    pub overdue: Quantity,
    /// Of deliveries without a day; no promise rests on them.
    pub undated: Quantity,
    /// The day that was asked about, and what may be promised for it.
    pub at: Option<(NaiveDate, Quantity)>,
}

/// `item` is an id or a code, `facility` too.
pub async fn availability(
    connection: &mut PgConnection,
    actor: &Actor,
    item: &str,
    facility: Option<&str>,
    at: Option<DateTime<Utc>>,
) -> Result<Promise> {
    actor.require(inventory::STOCK_READ)?;
    let tenant = actor.tenant();
    let item = catalog::service::get(connection, actor, item).await?;
    let facility = match facility.map(str::trim).filter(|text| !text.is_empty()) {
        Some(reference) => {
            let found = facilities::find(connection, tenant, reference).await?;
            Some((found.facility_id, found.code))
        }
        None => None,
    };
    let id = facility.as_ref().map(|(id, _)| *id);
    let expected = store::expected(connection, tenant, item.item_id, id, MAX_EXPECTED).await?;
    let incoming = incoming(&expected);
    let availability = reservations::availability(connection, actor, &item, facility, &incoming).await?;
    let today = availability.as_of.date_naive();
    let sum =
        |keep: fn(&Expected, NaiveDate) -> bool| expected.iter().filter(|one| keep(one, today)).map(|one| one.quantity).sum();
    let overdue = sum(|one, today| one.expected_at.is_some_and(|at| at.date_naive() < today));
    let undated = sum(|one, _| one.expected_at.is_none());
    let at = at.map(|at| {
        let on = at.date_naive();
        let Availability { promise_now, timeline, .. } = &availability;
        (on, inventory::reservation::available_to_promise(today, *promise_now, timeline, on))
    });
    Ok(Promise { availability, expected, overdue, undated, at })
}

fn incoming(expected: &[Expected]) -> Vec<Incoming> {
    let dated = |one: &Expected| Some(Incoming { on: one.expected_at?.date_naive(), quantity: one.quantity });
    expected.iter().filter_map(dated).collect()
}

/// Promises goods; a soft promise for a later day counts on deliveries that are expected until then.
pub async fn reserve(tx: &mut Tx, actor: &Actor, input: &NewReservation) -> Result<ReservationView> {
    actor.require(reservations::STOCK_RESERVE)?;
    let is_soft = input.kind.as_deref().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(ReservationKind::Soft.as_str()));
    let incoming = if is_soft { expected_for(tx, actor.tenant(), input).await? } else { Vec::new() };
    reservations::reserve(tx, actor, input, &incoming).await
}

/// Names that lead nowhere are told with all other faults by whoever reads the whole input.
async fn expected_for(tx: &mut Tx, tenant: &TenantId, input: &NewReservation) -> Result<Vec<Incoming>> {
    let found = catalog::service::resolve(tx, tenant, std::slice::from_ref(&input.item)).await?;
    let item: Option<ItemId> = found.into_values().next().map(|item| item.item_id);
    let facility: Option<FacilityId> = match input.facility.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        None => None,
        Some(reference) if reference.contains('\0') => return Ok(Vec::new()),
        Some(reference) => match facilities::find(tx, tenant, reference).await {
            Ok(found) => Some(found.facility_id),
            Err(error) if error.code.status() < 500 => return Ok(Vec::new()),
            Err(error) => return Err::<_, Error>(error),
        },
    };
    let Some(item) = item else { return Ok(Vec::new()) };
    Ok(incoming(&store::expected(tx, tenant, item, facility, MAX_EXPECTED).await?))
}
