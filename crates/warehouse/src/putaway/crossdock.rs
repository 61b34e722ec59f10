//! Goods that an order lacks which must leave soon: they go to STAGING instead of into storage, and belong to that order from the
//! moment they are brought there.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use inventory::reservation::service as promises;
use inventory::reservation::{NewReservation, ReservationKind};
use inventory::{NumberText, QualityStatus};
use kernel::{FacilityId, ItemId, OrderId, Quantity};
use optimization::putaway::Solution;
use platform::auth::Actor;
use platform::config::Switches;
use platform::database::Tx;
use platform::{Error, Result};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Hold, Recommendation};
use super::problem::{Goods, Mapped, Size};
use super::{store, told, waiting};
use crate::WAREHOUSE_READ;
use crate::facility::service as facilities;
use crate::location::Location;
use crate::outbound::{Order, Shortage, service as orders};
use crate::receiving::service as receiving;
use crate::words::{CrossDockUrgency, LocationType};

/// An order that must leave within so many days takes from what has just arrived.
const DUE_DAYS: u32 = 2;
/// To ask what an order lacks whenever it is due.
const ANY_DAYS: u32 = 36_500;

/// The order that goods are meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ForOrder {
    pub order: OrderId,
    pub code: String,
    pub due_at: DateTime<Utc>,
    pub urgency: CrossDockUrgency,
}

impl ForOrder {
    fn of(shortage: &Shortage, now: DateTime<Utc>) -> Self {
        Self {
            order: shortage.order_id,
            code: shortage.order_code.clone(),
            due_at: shortage.due_at,
            urgency: urgency(shortage, now),
        }
    }

    /// One sentence for the person at the dock.
    pub fn reason(&self) -> String {
        format!("order {} lacks it and is due {}; bring it to staging", self.code, self.due_at.format("%Y-%m-%d %H:%M UTC"))
    }
}

fn urgency(shortage: &Shortage, now: DateTime<Utc>) -> CrossDockUrgency {
    match (shortage.due_at.date_naive() - now.date_naive()).num_days() {
        ..=0 => CrossDockUrgency::Critical,
        1 => CrossDockUrgency::High,
        _ if shortage.is_urgent => CrossDockUrgency::High,
        _ => CrossDockUrgency::Medium,
    }
}

/// Released goods that have arrived, and of which it is known how much room they take.
pub(super) fn may_be_staged(goods: &Goods) -> bool {
    goods.from.is_some() && goods.quality_status == QualityStatus::Released && told::unfit(goods).is_none()
}

/// What orders that are due within two days lack of the items, less what open recommendations are to bring them.
pub(super) async fn shortages(
    connection: &mut PgConnection,
    actor: &Actor,
    facility: FacilityId,
    items: &[ItemId],
    holds: &[Hold],
) -> Result<Vec<Shortage>> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let found = orders::due_shortages(connection, actor.tenant(), facility, items, DUE_DAYS, actor.env.now()).await?;
    Ok(without_held(found, holds))
}

fn without_held(mut shortages: Vec<Shortage>, holds: &[Hold]) -> Vec<Shortage> {
    let mut coming: HashMap<(OrderId, ItemId), Quantity> = HashMap::new();
    for hold in holds {
        if let Some(order) = hold.order {
            *coming.entry((order, hold.item)).or_default() += hold.quantity;
        }
    }
    for shortage in &mut shortages {
        if let Some(coming) = coming.get_mut(&(shortage.order_id, shortage.item_id)) {
            let part = shortage.quantity.min(*coming);
            shortage.quantity -= part;
            *coming -= part;
        }
    }
    shortages.retain(|shortage| !shortage.quantity.is_zero());
    shortages
}

/// Splits what orders lack off the goods: that first, then the rest. Lots that go bad before the order leaves are no help.
pub(super) fn divide(goods: Vec<Goods>, shortages: &[Shortage], now: DateTime<Utc>) -> (Vec<Goods>, Vec<Goods>) {
    let mut lacking: Vec<(&Shortage, Quantity)> = shortages.iter().map(|shortage| (shortage, shortage.quantity)).collect();
    let (mut staged, mut rest) = (Vec::new(), Vec::new());
    for mut goods in goods {
        for (shortage, left) in &mut lacking {
            let is_for = may_be_staged(&goods)
                && goods.item_id() == Some(shortage.item_id)
                && goods.expires_on.is_none_or(|day| day >= shortage.due_at.max(now).date_naive());
            let quantity = goods.quantity.min(*left);
            if is_for && !quantity.is_zero() {
                *left -= quantity;
                goods.quantity -= quantity;
                staged.push(Goods { quantity, order: Some(ForOrder::of(shortage, now)), ..goods.clone() });
            }
        }
        if !goods.quantity.is_zero() {
            rest.push(goods);
        }
    }
    (staged, rest)
}

/// What STAGING has no room for is stored like all else.
pub(super) fn store_the_rest(rest: &mut Vec<Goods>, staged: &[Goods], mapped: &Mapped, solution: &Solution) {
    for (result, index) in solution.lines.iter().zip(&mapped.lines) {
        let unplaced = Quantity::from_micro(result.unplaced_micro);
        if unplaced.is_zero() {
            continue;
        }
        let goods = &staged[*index];
        match rest.iter_mut().find(|one| one.line_no == goods.line_no) {
            Some(same) => same.quantity += unplaced,
            None => rest.push(Goods { quantity: unplaced, order: None, ..goods.clone() }),
        }
    }
    rest.sort_by_key(|goods| goods.line_no);
}

/// Locks the orders that recommendations are for, in one order, before any stock is locked.
pub(super) async fn lock_orders(tx: &mut Tx, actor: &Actor, asked: &[Recommendation]) -> Result<()> {
    let open = asked.iter().filter(|one| !one.state.is_closed());
    let ids: BTreeSet<OrderId> = open.filter_map(|one| one.order_id).collect();
    for id in ids {
        orders::find_locked(tx, actor.tenant(), &id.to_string()).await?;
    }
    Ok(())
}

/// The order that goods which go to STAGING are reserved for, locked; nothing for other goods and other places. Refused when the
/// order does not lack so much any more.
pub(super) async fn order_of(tx: &mut Tx, actor: &Actor, open: &Recommendation, target: &Location) -> Result<Option<Order>> {
    let Some(id) = open.order_id.filter(|_| target.fields.kind == LocationType::Staging) else { return Ok(None) };
    let order = orders::find_locked(tx, actor.tenant(), &id.to_string()).await?;
    let now = actor.env.now();
    let found = orders::due_shortages(tx, actor.tenant(), order.facility_id, &[open.item_id], ANY_DAYS, now).await?;
    let lacks: Quantity = found.iter().filter(|one| one.order_id == id).map(|one| one.quantity).sum();
    if lacks < open.quantity {
        let detail = format!("order {:?} lacks only {lacks} now; reject this and ask again", order.code);
        return Err(Error::conflict(detail));
    }
    Ok(Some(order))
}

/// Binds the goods that were just brought to the order, as its release would.
pub(super) async fn reserve(tx: &mut Tx, actor: &Actor, open: &Recommendation, order: &Order, target: &Location) -> Result<()> {
    let input = NewReservation {
        kind: Some(ReservationKind::Hard.to_string()),
        item: open.item_id.to_string(),
        quantity: NumberText(open.quantity.to_string()),
        facility: Some(order.facility_id.to_string()),
        location: Some(target.location_id.to_string()),
        lot: open.lot_id.map(|lot| lot.to_string()),
        needed_at: order.due_at.filter(|due| *due > actor.env.now()).map(|due| due.to_rfc3339()),
        reference: Some(Order::promise_reference(&order.code)),
        priority: Some(order.priority().into()),
        ..NewReservation::default()
    };
    promises::reserve(tx, actor, &input, &[]).await.map_err(|error| Error { fields: Vec::new(), ..error })?;
    Ok(())
}

/// Goods on the dock that orders which are due lack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
pub struct CrossDockOpportunities {
    /// The most urgent first.
    pub opportunities: Vec<CrossDockOpportunity>,
    /// Settings that are off; with CROSS_DOCK_ENABLED among them nothing is looked for.
    pub switched_off: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
pub struct CrossDockOpportunity {
    pub order_id: Uuid,
    pub order_code: String,
    pub due_at: DateTime<Utc>,
    pub urgency: CrossDockUrgency,
    pub material_id: Uuid,
    pub material_code: String,
    pub material_name: String,
    pub lot_number: String,
    /// Where the goods wait.
    pub from_location_code: String,
    /// How much of them the order lacks, in the item's base unit.
    #[schema(value_type = String)]
    pub quantity: Decimal,
    /// One sentence.
    pub reason: String,
}

/// What waits in RECEIVING locations of a facility, is not covered by a recommendation, and is lacked by orders that are due within
/// two days; of one item or one delivery when these are named (each an id or a code).
pub async fn opportunities(
    connection: &mut PgConnection,
    actor: &Actor,
    switches: &Switches,
    facility: &str,
    (material, receipt): (Option<&str>, Option<&str>),
) -> Result<CrossDockOpportunities> {
    actor.require(WAREHOUSE_READ)?;
    let tenant = actor.tenant();
    let place = facilities::find(connection, tenant, facility).await.map_err(|error| error.at("facility"))?;
    let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let only = orders::item_of(connection, actor, &given(material)).await.map_err(|error| error.at("material"))?;
    let receipt = match given(receipt) {
        Some(reference) => {
            Some(receiving::find(connection, tenant, &reference).await.map_err(|error| error.at("receipt"))?.receipt_id)
        }
        None => None,
    };
    let switched_off = switches.off().into_iter().map(str::to_owned).collect();
    if !switches.cross_dock {
        return Ok(CrossDockOpportunities { opportunities: Vec::new(), switched_off });
    }
    let mut waiting = waiting::backlog(connection, actor, &place.code, receipt).await?.waiting;
    waiting.retain(|one| only.is_none_or(|item| one.balance.item_id == item));
    let ids: BTreeSet<ItemId> = waiting.iter().map(|one| one.balance.item_id).collect();
    let ids: Vec<ItemId> = ids.into_iter().collect();
    let items = catalog::service::items_by_ids(connection, tenant, &ids).await?;
    let holds = store::holds_in_facility(connection, tenant, place.facility_id, actor.env.now()).await?;
    let lacking = shortages(connection, actor, place.facility_id, &ids, &holds).await?;
    let goods = waiting.iter().enumerate().map(|(n, one)| Goods {
        line_no: i32::try_from(n).unwrap_or(i32::MAX),
        reference: String::new(),
        item: items.get(&one.balance.item_id).cloned(),
        lot: one.balance.lot_id,
        lot_number: one.balance.lot_number.clone().unwrap_or_default(),
        quality_status: one.balance.quality_status,
        quantity: one.quantity,
        size: items.get(&one.balance.item_id).map(Size::of).unwrap_or_default(),
        from: Some((one.balance.location_id, one.balance.location_code.clone())),
        receipt_line: None,
        request_hash: None,
        expires_on: one.balance.expires_on,
        order: None,
    });
    let (staged, _) = divide(goods.collect(), &lacking, actor.env.now());
    let mut opportunities: Vec<CrossDockOpportunity> = staged.into_iter().filter_map(opportunity).collect();
    opportunities.sort_by_key(|one| (one.urgency, one.due_at));
    Ok(CrossDockOpportunities { opportunities, switched_off })
}

fn opportunity(goods: Goods) -> Option<CrossDockOpportunity> {
    let (order, item, (_, from)) = (goods.order?, goods.item?, goods.from?);
    Some(CrossDockOpportunity {
        reason: order.reason(),
        order_id: order.order.0,
        order_code: order.code,
        due_at: order.due_at,
        urgency: order.urgency,
        material_id: item.item_id.0,
        material_code: item.code,
        material_name: item.name,
        lot_number: goods.lot_number,
        from_location_code: from,
        quantity: goods.quantity.decimal(),
    })
}

#[cfg(test)]
mod tests {
    use catalog::Item;
    use chrono::TimeDelta;
    use kernel::{LocationId, OrderLineId};

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn goods(line_no: i32, quantity: u32) -> Goods {
        let mut item = Item::new(ItemId(Uuid::from_u128(1)), "I1".into(), NOW);
        item.dimensions = Some(catalog::Dimensions { length_mm: 100, width_mm: 100, height_mm: 100 });
        item.weight_g = Some(1_000);
        Goods {
            line_no,
            reference: "I1".into(),
            size: Size::of(&item),
            item: Some(item),
            lot: None,
            lot_number: String::new(),
            quality_status: QualityStatus::Released,
            quantity: quantity.into(),
            from: Some((LocationId(Uuid::from_u128(9)), "DOCK".into())),
            receipt_line: None,
            request_hash: None,
            expires_on: None,
            order: None,
        }
    }

    fn lacks(order: u128, quantity: u32, hours: i64) -> Shortage {
        Shortage {
            order_id: OrderId(Uuid::from_u128(order)),
            order_code: format!("SO-{order}"),
            order_line_id: OrderLineId(Uuid::from_u128(order)),
            item_id: ItemId(Uuid::from_u128(1)),
            quantity: quantity.into(),
            due_at: NOW + TimeDelta::hours(hours),
            is_urgent: false,
        }
    }

    #[test]
    fn orders_get_what_they_lack_and_no_more() {
        let (staged, rest) = divide(vec![goods(1, 4), goods(2, 10)], &[lacks(1, 6, 5), lacks(2, 3, 30)], NOW);
        let told: Vec<_> = staged.iter().map(|one| (one.line_no, one.quantity, one.order.as_ref().unwrap().urgency)).collect();
        let (critical, high) = (CrossDockUrgency::Critical, CrossDockUrgency::High);
        assert_eq!(told, [(1, 4.into(), critical), (2, 2.into(), critical), (2, 3.into(), high)]);
        assert_eq!(rest.iter().map(|one| (one.line_no, one.quantity)).collect::<Vec<_>>(), [(2, 5.into())]);
    }

    #[test]
    fn what_is_not_released_or_goes_bad_before_helps_nobody() {
        let held = Goods { quality_status: QualityStatus::Quarantine, ..goods(1, 4) };
        let old = Goods { expires_on: Some(NOW.date_naive()), ..goods(2, 4) };
        let advised = Goods { from: None, ..goods(3, 4) };
        let (staged, rest) = divide(vec![held, old, advised], &[lacks(1, 9, 40)], NOW);
        assert_eq!((staged.len(), rest.len()), (0, 3));
    }

    #[test]
    fn what_is_on_its_way_to_an_order_is_not_lacked() {
        let order = Some(OrderId(Uuid::from_u128(1)));
        let hold = Hold { order, item: ItemId(Uuid::from_u128(1)), quantity: 4.into(), ..Hold::sample() };
        let left = without_held(vec![lacks(1, 6, 5), lacks(2, 3, 5)], &[hold.clone(), Hold { order: None, ..hold }]);
        assert_eq!(left.iter().map(|one| one.quantity).collect::<Vec<_>>(), [2.into(), Quantity::from(3)]);
    }

    #[test]
    fn urgency_follows_the_day() {
        let urgent = Shortage { is_urgent: true, ..lacks(1, 1, 50) };
        let of = |shortage: &Shortage| urgency(shortage, NOW + TimeDelta::hours(20));
        assert_eq!(of(&lacks(1, 1, 2)), CrossDockUrgency::Critical);
        assert_eq!(of(&lacks(1, 1, 25)), CrossDockUrgency::High);
        assert_eq!(of(&lacks(1, 1, 50)), CrossDockUrgency::Medium);
        assert_eq!(of(&urgent), CrossDockUrgency::High);
    }
}
