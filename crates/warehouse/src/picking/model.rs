use chrono::{DateTime, NaiveDate, Utc};
use inventory::reservation::service::Bound;
use kernel::{
    FacilityId, ItemId, LocationId, LotId, MovementId, OrderId, OrderLineId, PickId, PickLineId, PickListId, Quantity,
    ReservationId, UserId,
};
use platform::auth::Actor;
use serde::Serialize;

use crate::outbound::Order;
use crate::words::{PickLineState, PickListState};

/// A way through the facility on which goods of one order are picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PickList {
    pub pick_list_id: PickListId,
    /// Unique per tenant.
    pub code: String,
    pub facility_id: FacilityId,
    pub facility_code: String,
    pub order_id: OrderId,
    pub order_code: String,
    pub customer: String,
    pub due_at: Option<DateTime<Utc>>,
    pub is_urgent: bool,
    pub state: PickListState,
    /// Where picked goods are brought; nowhere means that they go to the customer at once.
    pub to_location_id: Option<LocationId>,
    pub to_location_code: Option<String>,
    pub created_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    /// In the order of the pickers' way.
    pub lines: Vec<PickLine>,
}

/// Goods in one place that a pick list asks for, in the item's base unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PickLine {
    pub pick_line_id: PickLineId,
    pub order_line_id: OrderLineId,
    pub reservation_id: ReservationId,
    pub item_id: ItemId,
    pub item_code: String,
    pub item_name: String,
    pub base_unit: String,
    pub lot_id: Option<LotId>,
    pub lot_number: Option<String>,
    pub location_id: LocationId,
    pub location_code: String,
    pub aisle: String,
    /// Where it lies on the pickers' way; last when absent.
    pub pick_sequence: Option<i32>,
    pub quantity: Quantity,
    pub picked: Quantity,
    pub state: PickLineState,
    /// Why less was there.
    pub reason: String,
    pub decided_at: Option<DateTime<Utc>>,
    pub decided_by: Option<UserId>,
}

impl PickLine {
    pub fn new(actor: &Actor, order_line_id: OrderLineId, goods: Bound) -> Self {
        Self {
            pick_line_id: PickLineId(actor.env.new_id()),
            order_line_id,
            reservation_id: goods.reservation,
            item_id: goods.item,
            item_code: String::new(),
            item_name: String::new(),
            base_unit: String::new(),
            lot_id: goods.lot,
            lot_number: None,
            location_id: goods.location,
            location_code: String::new(),
            aisle: String::new(),
            pick_sequence: None,
            quantity: goods.quantity,
            picked: Quantity::ZERO,
            state: PickLineState::Open,
            reason: String::new(),
            decided_at: None,
            decided_by: None,
        }
    }

    pub fn is_open(&self) -> bool {
        self.state == PickLineState::Open
    }

    /// So much of what the line's promise binds in its place.
    pub fn goods(&self, quantity: Quantity) -> Bound {
        Bound { reservation: self.reservation_id, item: self.item_id, location: self.location_id, lot: self.lot_id, quantity }
    }

    pub fn decide(&mut self, actor: &Actor, state: PickLineState, picked: Quantity) {
        self.state = state;
        self.picked = picked;
        self.decided_at = Some(actor.env.now());
        self.decided_by = Some(actor.principal.user);
    }
}

impl PickList {
    pub fn new(actor: &Actor, order: &Order, to: Option<(LocationId, String)>) -> Self {
        let now = actor.env.now();
        let [a, b, c, d] = actor.env.random_bytes::<4>();
        let (to_location_id, to_location_code) = to.unzip();
        Self {
            pick_list_id: PickListId(actor.env.new_id()),
            code: format!("P-{}-{a:02X}{b:02X}{c:02X}{d:02X}", now.format("%y%m%d")),
            facility_id: order.facility_id,
            facility_code: order.facility_code.clone(),
            order_id: order.order_id,
            order_code: order.code.clone(),
            customer: order.customer.clone(),
            due_at: order.due_at,
            is_urgent: order.is_urgent,
            state: PickListState::Open,
            to_location_id,
            to_location_code,
            created_at: now,
            closed_at: None,
            lines: Vec::new(),
        }
    }

    /// Along the pickers' way, then by code, lot and item; places that are not on the way come last.
    pub fn sort(&mut self) {
        self.lines.sort_by(|a, b| a.way().cmp(&b.way()));
    }
}

impl PickLine {
    fn way(&self) -> (bool, Option<i32>, &str, Option<&str>, &str, PickLineId) {
        let (is_off, lot) = (self.pick_sequence.is_none(), self.lot_number.as_deref());
        (is_off, self.pick_sequence, &self.location_code, lot, &self.item_code, self.pick_line_id)
    }
}

/// Goods that somebody took for an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pick {
    pub pick_id: PickId,
    pub facility_id: FacilityId,
    pub order_id: OrderId,
    pub order_line_id: OrderLineId,
    pub item_id: ItemId,
    pub lot_id: Option<LotId>,
    /// Unknown where history was imported.
    pub location_id: Option<LocationId>,
    pub quantity: Quantity,
    pub picked_at: DateTime<Utc>,
    pub picked_by: UserId,
    pub movement_id: Option<MovementId>,
}

/// What was picked of an item on one day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DailyPicks {
    pub item_id: ItemId,
    pub day: NaiveDate,
    /// Times that somebody took some.
    pub picks: i64,
    pub quantity: Quantity,
}

/// Goods that a promise binds for a line of an order: waiting on a pick list, or picked to a staging place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub order_id: OrderId,
    pub order_line_id: OrderLineId,
    pub goods: Bound,
    pub is_staged: bool,
}
