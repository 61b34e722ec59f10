//! Shapes of the API, the same in REST (snake_case) and GraphQL (camelCase). Quantities are strings in the item's base unit.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Order, OrderLine, OrderSummary};
use crate::words::OrderState;

/// Goods that a customer wants.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = Order)]
#[graphql(name = "Order")]
pub struct OrderDto {
    pub order_id: Uuid,
    pub code: String,
    pub facility_id: Uuid,
    pub facility_code: String,
    pub customer: String,
    pub due_at: Option<DateTime<Utc>>,
    pub urgent: bool,
    pub state: OrderState,
    /// Why it was cancelled.
    pub reason: String,
    /// Imported as shipped; the ledger does not know of its picks.
    pub history: bool,
    pub first_picked_at: Option<DateTime<Utc>>,
    pub shipped_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub lines_total: i64,
    /// Lines of which everything ordered is picked.
    pub lines_picked: i64,
    /// Lines of which something is neither picked nor on a pick list.
    pub lines_uncovered: i64,
    /// By number; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<OrderLineDto>>,
}

/// One item of an order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = OrderLine)]
#[graphql(name = "OrderLine")]
pub struct OrderLineDto {
    pub line_id: Uuid,
    pub line_no: i32,
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    pub unit: String,
    #[schema(example = "12.5")]
    pub quantity: String,
    /// Waits on pick lists.
    pub allocated: String,
    pub picked: String,
    /// Gone to the customer.
    pub shipped: String,
    /// Neither picked nor on a pick list, although the order was released; 0 before that.
    pub short: String,
    /// Why.
    pub short_reason: String,
}

impl OrderLineDto {
    fn of(line: OrderLine, state: OrderState) -> Self {
        let is_released = matches!(state, OrderState::Picking | OrderState::Picked | OrderState::Shipped);
        let short = if is_released { line.uncovered() } else { kernel::Quantity::ZERO };
        Self {
            line_id: line.order_line_id.0,
            line_no: line.line_no,
            item_id: line.item_id.0,
            quantity: line.quantity.to_string(),
            allocated: line.allocated.to_string(),
            picked: line.picked.to_string(),
            shipped: line.shipped.to_string(),
            short: short.to_string(),
            item_code: line.item_code,
            item_name: line.item_name,
            unit: line.base_unit,
            short_reason: line.short_reason,
        }
    }
}

impl From<OrderSummary> for OrderDto {
    fn from(OrderSummary { order, lines_total, lines_picked, lines_uncovered }: OrderSummary) -> Self {
        Self {
            order_id: order.order_id.0,
            code: order.code,
            facility_id: order.facility_id.0,
            facility_code: order.facility_code,
            customer: order.customer,
            due_at: order.due_at,
            urgent: order.is_urgent,
            state: order.state,
            reason: order.reason,
            history: order.is_history,
            first_picked_at: order.first_picked_at,
            shipped_at: order.shipped_at,
            version: order.version,
            created_at: order.created_at,
            updated_at: order.updated_at,
            lines_total,
            lines_picked,
            lines_uncovered,
            lines: None,
        }
    }
}

impl OrderDto {
    pub(crate) fn whole(mut order: Order) -> Self {
        let lines = std::mem::take(&mut order.lines);
        let state = order.state;
        let summary = OrderSummary {
            order,
            lines_total: lines.len() as i64,
            lines_picked: lines.iter().filter(|line| line.picked == line.quantity).count() as i64,
            lines_uncovered: lines.iter().filter(|line| !line.uncovered().is_zero()).count() as i64,
        };
        Self { lines: Some(lines.into_iter().map(|line| OrderLineDto::of(line, state)).collect()), ..summary.into() }
    }
}
