//! Shapes of the API, the same in REST (snake_case) and GraphQL (camelCase). Quantities are strings in the item's base unit.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{PickLine, PickList};
use crate::outbound::OrderDto;
use crate::words::{PickLineState, PickListState};

/// A way through the facility on which goods of one order are picked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = PickList)]
#[graphql(name = "PickList")]
pub struct PickListDto {
    pub pick_list_id: Uuid,
    pub code: String,
    pub facility_id: Uuid,
    pub facility_code: String,
    pub order_id: Uuid,
    pub order_code: String,
    pub customer: String,
    pub due_at: Option<DateTime<Utc>>,
    pub urgent: bool,
    pub state: PickListState,
    /// Where picked goods are brought; null: they go to the customer at once.
    pub to_location_code: Option<String>,
    pub created_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    pub lines_total: i64,
    pub lines_open: i64,
    /// In the order of the pickers' way; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<PickLineDto>>,
}

/// Goods in one place that a pick list asks for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = PickLine)]
#[graphql(name = "PickLine")]
pub struct PickLineDto {
    pub line_id: Uuid,
    pub order_line_id: Uuid,
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    pub unit: String,
    pub lot_number: Option<String>,
    pub location_id: Uuid,
    pub location_code: String,
    pub aisle: String,
    pub pick_sequence: Option<i32>,
    #[schema(example = "12.5")]
    pub quantity: String,
    pub picked: String,
    pub state: PickLineState,
    /// Why less was there.
    pub reason: String,
    pub decided_at: Option<DateTime<Utc>>,
    pub decided_by: Option<Uuid>,
}

/// An order that was released, and what to pick of it now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = ReleasedOrder)]
#[graphql(name = "ReleasedOrder")]
pub struct ReleasedDto {
    pub order: OrderDto,
    pub pick_list: PickListDto,
}

impl From<PickLine> for PickLineDto {
    fn from(line: PickLine) -> Self {
        Self {
            line_id: line.pick_line_id.0,
            order_line_id: line.order_line_id.0,
            item_id: line.item_id.0,
            item_code: line.item_code,
            item_name: line.item_name,
            unit: line.base_unit,
            lot_number: line.lot_number,
            location_id: line.location_id.0,
            location_code: line.location_code,
            aisle: line.aisle,
            pick_sequence: line.pick_sequence,
            quantity: line.quantity.to_string(),
            picked: line.picked.to_string(),
            state: line.state,
            reason: line.reason,
            decided_at: line.decided_at,
            decided_by: line.decided_by.map(|user| user.0),
        }
    }
}

impl PickListDto {
    /// `total` and `open` count its lines.
    pub(super) fn summary(list: PickList, total: i64, open: i64) -> Self {
        Self {
            pick_list_id: list.pick_list_id.0,
            code: list.code,
            facility_id: list.facility_id.0,
            facility_code: list.facility_code,
            order_id: list.order_id.0,
            order_code: list.order_code,
            customer: list.customer,
            due_at: list.due_at,
            urgent: list.is_urgent,
            state: list.state,
            to_location_code: list.to_location_code,
            created_at: list.created_at,
            closed_at: list.closed_at,
            lines_total: total,
            lines_open: open,
            lines: None,
        }
    }

    pub(super) fn whole(mut list: PickList) -> Self {
        let lines = std::mem::take(&mut list.lines);
        let open = lines.iter().filter(|line| line.is_open()).count() as i64;
        let summary = Self::summary(list, lines.len() as i64, open);
        Self { lines: Some(lines.into_iter().map(PickLineDto::from).collect()), ..summary }
    }
}
