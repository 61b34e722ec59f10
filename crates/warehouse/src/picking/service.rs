//! Use cases of picking. Every change locks its order first, then lots, then balances, then promises.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use inventory::reservation::service::{self as promises, Bound};
use kernel::{FacilityId, ItemId, LocationId, LotId, OrderId, Page, PageRequest, Quantity, ReservationId, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result};
use serde_json::json;
use sqlx::PgConnection;

use super::dto::PickListDto;
use super::input::PickListFilter;
use super::model::{Claim, DailyPicks, PickList};
use super::store;
use crate::WAREHOUSE_READ;
use crate::check::as_id;
use crate::facility::service as facilities;
use crate::outbound::service::{self as orders, given};
use crate::outbound::{Order, OrderDto};

pub use super::release::release;
pub(crate) use super::staged::{drop_all, issue_staged};
pub use super::work::{cancel, confirm, short};

/// `reference` is an id or a code.
pub async fn get(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<PickListDto> {
    actor.require(WAREHOUSE_READ)?;
    Ok(PickListDto::whole(find(connection, actor.tenant(), reference).await?))
}

/// Newest first; without lines.
pub async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &PickListFilter,
    page: &PageRequest,
) -> Result<Page<PickListDto>> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facilities::wanted(connection, actor, &filter.facility).await?.map(|facility| facility.facility_id.0);
    let order = match given(&filter.order) {
        Some(reference) => Some(orders::find(connection, actor.tenant(), reference).await.map_err(|error| error.at("order"))?),
        None => None,
    };
    let order = order.map(|order| order.order_id.0);
    let rows = store::list(connection, actor.tenant(), facility, filter.state, order, page).await?;
    let page = Page::cut(rows, page, |(list, ..)| list.pick_list_id);
    Ok(page.map(|(list, total, open)| PickListDto::summary(list, total, open)))
}

/// By id or code, with lines in the order of the pickers' way.
async fn find(connection: &mut PgConnection, tenant: &TenantId, reference: &str) -> Result<PickList> {
    let missing = || Error::not_found(format_args!("pick list {reference:?}"));
    if reference.contains('\0') {
        return Err(missing());
    }
    let found = store::find(connection, tenant, as_id(reference), reference.trim()).await?;
    let mut list = found.ok_or_else(missing)?;
    load_lines(connection, tenant, &mut list).await?;
    Ok(list)
}

pub(super) async fn load_lines(connection: &mut PgConnection, tenant: &TenantId, list: &mut PickList) -> Result<()> {
    list.lines = store::lines(connection, tenant, list.pick_list_id).await?;
    let items: BTreeSet<ItemId> = list.lines.iter().map(|line| line.item_id).collect();
    let items = catalog::service::labels_by_ids(connection, tenant, &items.into_iter().collect::<Vec<_>>()).await?;
    let lots: BTreeSet<LotId> = list.lines.iter().filter_map(|line| line.lot_id).collect();
    let lots = inventory::service::lots_by_ids(connection, tenant, &lots.into_iter().collect::<Vec<_>>()).await?;
    for line in &mut list.lines {
        if let Some(item) = items.get(&line.item_id) {
            line.item_code.clone_from(&item.code);
            line.item_name.clone_from(&item.name);
            line.base_unit.clone_from(&item.base_unit);
        }
        line.lot_number = line.lot_id.and_then(|lot| lots.get(&lot)).map(|lot| lot.number.clone());
    }
    list.sort();
    Ok(())
}

/// The order and the list, as they are once nobody else changes them.
pub(super) async fn find_locked(tx: &mut Tx, tenant: &TenantId, reference: &str) -> Result<(Order, PickList)> {
    let seen = find(tx, tenant, reference).await?;
    let order = orders::find_locked(tx, tenant, &seen.order_id.to_string()).await?;
    let list = find(tx, tenant, &seen.pick_list_id.to_string()).await?;
    Ok((order, list))
}

/// Writes the order and tells of both.
pub(super) async fn write(tx: &mut Tx, actor: &Actor, order: &mut Order, list: &PickList) -> Result<()> {
    orders::write(tx, actor, order).await?;
    let open = list.lines.iter().filter(|line| line.is_open()).count();
    let payload =
        json!({ "code": list.code, "state": list.state, "order": order.code, "facility_id": list.facility_id, "open": open });
    tx.publish(actor, Event::new("warehouse.pick_list.changed", list.pick_list_id, payload));
    Ok(())
}

/// The fields of the ledger's error without the number of its movement, which is not the caller's.
pub(crate) fn without_index(mut error: Error) -> Error {
    for field in &mut error.fields {
        if let Some((_, rest)) = field.field.strip_prefix("movements[").and_then(|rest| rest.split_once("].")) {
            field.field = rest.to_owned();
        }
    }
    error
}

pub(super) fn told(order: &Order, list: PickList) -> (OrderDto, PickListDto) {
    (OrderDto::whole(order.clone()), PickListDto::whole(list))
}

/// What is promised under the orders' references beside what their pick lists claim, by order and in the order of the promises.
pub(crate) async fn aside(
    connection: &mut PgConnection,
    tenant: &TenantId,
    orders: &[(OrderId, String)],
    now: DateTime<Utc>,
) -> Result<Vec<(OrderId, Bound)>> {
    let references: HashMap<String, OrderId> =
        orders.iter().map(|(order, code)| (Order::promise_reference(code), *order)).collect();
    let texts: Vec<String> = references.keys().cloned().collect();
    let bound = promises::bound_under(connection, tenant, &texts, now).await?;
    if bound.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<OrderId> = orders.iter().map(|(order, _)| *order).collect();
    let claims = store::claims(connection, tenant, &ids).await?;
    let bound = bound.into_iter().filter_map(|(reference, goods)| Some((*references.get(&reference)?, goods)));
    Ok(unclaimed(bound.collect(), &claims))
}

/// What of the bound goods no claim is about.
fn unclaimed(bound: Vec<(OrderId, Bound)>, claims: &[Claim]) -> Vec<(OrderId, Bound)> {
    let place = |goods: &Bound| (goods.reservation, goods.location, goods.lot);
    let mut claimed: HashMap<(ReservationId, LocationId, Option<LotId>), Quantity> = HashMap::new();
    for claim in claims {
        *claimed.entry(place(&claim.goods)).or_default() += claim.goods.quantity;
    }
    let mut left = Vec::new();
    for (order, goods) in bound {
        let claimed = claimed.get(&place(&goods)).copied().unwrap_or_default();
        let quantity = goods.quantity - claimed.min(goods.quantity);
        if !quantity.is_zero() {
            left.push((order, Bound { quantity, ..goods }));
        }
    }
    left
}

/// What is promised under the orders' references beside what their pick lists claim, by order and item.
pub(crate) async fn promised_aside(
    connection: &mut PgConnection,
    tenant: &TenantId,
    orders: &[(OrderId, String)],
    now: DateTime<Utc>,
) -> Result<HashMap<(OrderId, ItemId), Quantity>> {
    let mut found: HashMap<(OrderId, ItemId), Quantity> = HashMap::new();
    for (order, goods) in aside(connection, tenant, orders, now).await? {
        *found.entry((order, goods.item)).or_default() += goods.quantity;
    }
    Ok(found)
}

/// What was picked in a facility by item and day (UTC), from the day `from` until before the day `to`; history that was imported
/// counts.
///
/// For other features inside this context, which have authorised already, as all that follow.
pub async fn daily_picks(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<DailyPicks>> {
    store::daily(connection, tenant, facility, (from, to)).await
}

/// Picks per day of each of the items over the last `days` days (at least 1); items that were not picked are absent.
pub async fn picks_per_day(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    items: &[ItemId],
    days: u32,
    now: DateTime<Utc>,
) -> Result<HashMap<ItemId, f64>> {
    let days = days.clamp(1, 36_525);
    let since = now - TimeDelta::days(i64::from(days));
    let picks = store::picked_since(connection, tenant, facility, items, since).await?;
    Ok(picks.into_iter().map(|(item, picks)| (item, picks as f64 / f64::from(days))).collect())
}

/// Lines that wait to be picked now, by aisle; where nobody need go is absent.
pub async fn active_picks_by_aisle(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
) -> Result<HashMap<String, u32>> {
    store::active_by_aisle(connection, tenant, facility).await
}

#[cfg(test)]
mod tests {
    use kernel::OrderLineId;
    use uuid::Uuid;

    use super::*;

    fn goods(place: u128, quantity: u32) -> Bound {
        Bound {
            reservation: ReservationId(Uuid::from_u128(1)),
            item: ItemId(Uuid::from_u128(2)),
            location: LocationId(Uuid::from_u128(place)),
            lot: None,
            quantity: quantity.into(),
        }
    }

    #[test]
    fn what_pick_lists_claim_is_not_promised_aside() {
        let order = OrderId(Uuid::from_u128(9));
        let claim = |goods| Claim { order_id: order, order_line_id: OrderLineId(Uuid::nil()), goods, is_staged: false };
        let bound = vec![(order, goods(1, 5)), (order, goods(2, 4)), (order, goods(3, 3))];
        let claims = [claim(goods(1, 5)), claim(goods(2, 1)), claim(goods(2, 1)), claim(goods(3, 7))];
        assert_eq!(unclaimed(bound, &claims), [(order, goods(2, 2))]);
    }
}
