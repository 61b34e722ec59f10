use chrono::{DateTime, Utc};
use kernel::{FacilityId, ItemId, OrderId, OrderLineId, Quantity};
use platform::{Error, Result};
use serde::Serialize;

use crate::words::OrderState;

pub(super) const LINES_MAX: usize = 2_000;
pub(crate) const TEXT_MAX: usize = 200;
/// Of a promise for an urgent order, when goods go missing; 0 for the others.
const URGENT_PRIORITY: i32 = 500;

/// Goods that a customer wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    pub order_id: OrderId,
    /// Unique per tenant; the ledger's movements carry it as their reference.
    pub code: String,
    pub facility_id: FacilityId,
    pub facility_code: String,
    /// The customer's own words.
    pub customer: String,
    pub due_at: Option<DateTime<Utc>>,
    pub is_urgent: bool,
    pub state: OrderState,
    /// Why it was cancelled.
    pub reason: String,
    /// Imported as shipped; the ledger does not know of its picks.
    pub is_history: bool,
    pub first_picked_at: Option<DateTime<Utc>>,
    pub shipped_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// By number.
    pub lines: Vec<OrderLine>,
}

/// One item of an order; quantities are in the item's base unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderLine {
    pub order_line_id: OrderLineId,
    /// From 1.
    pub line_no: i32,
    pub item_id: ItemId,
    pub item_code: String,
    pub item_name: String,
    pub base_unit: String,
    pub quantity: Quantity,
    /// Waits on pick lists.
    pub allocated: Quantity,
    pub picked: Quantity,
    /// Gone to the customer.
    pub shipped: Quantity,
    /// Why it could not be allocated or picked in full.
    pub short_reason: String,
}

impl OrderLine {
    /// Neither picked nor asked for by a pick list.
    pub fn uncovered(&self) -> Quantity {
        self.quantity - self.allocated - self.picked
    }
}

impl Order {
    /// The reference of the promises that bind goods for an order with this code.
    pub fn promise_reference(code: &str) -> String {
        format!("order {code}")
    }

    pub fn priority(&self) -> i32 {
        if self.is_urgent { URGENT_PRIORITY } else { 0 }
    }

    pub fn become_state(&mut self, next: OrderState) -> Result<()> {
        if !self.state.may_become(next) {
            return Err(Error::conflict(format!("the order is {} and cannot become {next}", self.state)));
        }
        self.state = next;
        Ok(())
    }

    pub fn line_mut(&mut self, id: OrderLineId) -> Result<&mut OrderLine> {
        let found = self.lines.iter_mut().find(|line| line.order_line_id == id);
        found.ok_or_else(|| Error::internal("a pick line of another order"))
    }

    /// The state that follows from what waits: nothing does any more.
    pub fn state_after_picking(&self) -> OrderState {
        let is_picked = self.lines.iter().any(|line| !line.picked.is_zero());
        if is_picked { OrderState::Picked } else { OrderState::Open }
    }
}

/// An order in a list, without its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSummary {
    pub order: Order,
    pub lines_total: i64,
    /// Lines of which everything ordered is picked.
    pub lines_picked: i64,
    /// Lines of which something is neither picked nor on a pick list.
    pub lines_uncovered: i64,
}

/// What one order lacks of one item, in the item's base unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shortage {
    pub order_id: OrderId,
    pub order_code: String,
    pub order_line_id: OrderLineId,
    pub item_id: ItemId,
    pub quantity: Quantity,
    pub due_at: DateTime<Utc>,
    pub is_urgent: bool,
}

/// What was asked for together, with how much of each item; by item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Basket {
    pub order_id: OrderId,
    pub first_picked_at: DateTime<Utc>,
    pub items: Vec<(ItemId, Quantity)>,
}
