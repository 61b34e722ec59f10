//! Shapes of the API, the same in REST (snake_case) and GraphQL (camelCase). Quantities are strings in the item's base unit.

use std::collections::HashMap;

use async_graphql::SimpleObject;
use catalog::Item;
use chrono::{DateTime, Utc};
use inventory::Lot;
use kernel::{ItemId, LotId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{InTransit, Shipment, Transfer, TransferLine, TransferSummary};
use crate::words::TransferState;

/// Goods that one facility orders of another.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = Transfer)]
#[graphql(name = "Transfer")]
pub struct TransferDto {
    pub transfer_id: Uuid,
    pub code: String,
    pub from_facility_id: Uuid,
    pub from_facility_code: String,
    pub to_facility_id: Uuid,
    pub to_facility_code: String,
    pub state: TransferState,
    pub reference: String,
    /// Why it ended as it did.
    pub reason: String,
    /// When the first goods left.
    pub shipped_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub lines_total: i64,
    /// Lines of which everything ordered has arrived.
    pub lines_received: i64,
    /// Lines of which something is between the facilities.
    pub lines_in_transit: i64,
    /// By number; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<TransferLineDto>>,
}

/// One item of a transfer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = TransferLine)]
#[graphql(name = "TransferLine")]
pub struct TransferLineDto {
    pub line_id: Uuid,
    pub line_no: i32,
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    pub unit: String,
    /// The wanted lot; null when any will do.
    pub lot_number: Option<String>,
    #[schema(example = "12.5")]
    pub quantity: String,
    pub shipped: String,
    pub received: String,
    pub in_transit: String,
    /// Shipped and never arrived.
    pub missing: String,
    /// Shipped and brought back.
    pub returned: String,
    /// When the oldest of what is in transit left; only where one transfer is asked for.
    pub in_transit_since: Option<DateTime<Utc>>,
}

impl From<TransferLine> for TransferLineDto {
    fn from(line: TransferLine) -> Self {
        Self {
            line_id: line.transfer_line_id.0,
            line_no: line.line_no,
            item_id: line.item_id.0,
            quantity: line.quantity.to_string(),
            shipped: line.shipped.to_string(),
            received: line.received.to_string(),
            in_transit: line.in_transit().to_string(),
            missing: line.missing.to_string(),
            returned: line.returned.to_string(),
            item_code: line.item_code,
            item_name: line.item_name,
            unit: line.base_unit,
            lot_number: line.lot_number,
            in_transit_since: None,
        }
    }
}

impl From<TransferSummary> for TransferDto {
    fn from(TransferSummary { transfer, lines_total, lines_received, lines_in_transit }: TransferSummary) -> Self {
        Self {
            transfer_id: transfer.transfer_id.0,
            code: transfer.code,
            from_facility_id: transfer.from_facility_id.0,
            from_facility_code: transfer.from_facility_code,
            to_facility_id: transfer.to_facility_id.0,
            to_facility_code: transfer.to_facility_code,
            state: transfer.state,
            reference: transfer.reference,
            reason: transfer.reason,
            shipped_at: transfer.shipped_at,
            closed_at: transfer.closed_at,
            version: transfer.version,
            created_at: transfer.created_at,
            updated_at: transfer.updated_at,
            lines_total,
            lines_received,
            lines_in_transit,
            lines: None,
        }
    }
}

impl TransferDto {
    pub(super) fn whole(mut transfer: Transfer) -> Self {
        let lines = std::mem::take(&mut transfer.lines);
        let summary = TransferSummary {
            transfer,
            lines_total: lines.len() as i64,
            lines_received: lines.iter().filter(|line| line.received == line.quantity).count() as i64,
            lines_in_transit: lines.iter().filter(|line| !line.in_transit().is_zero()).count() as i64,
        };
        Self { lines: Some(lines.into_iter().map(TransferLineDto::from).collect()), ..summary.into() }
    }

    /// `shipments` are those of which something is in transit, the oldest first.
    pub(super) fn with_shipments(transfer: Transfer, shipments: &[Shipment]) -> Self {
        let mut whole = Self::whole(transfer);
        for line in whole.lines.iter_mut().flatten() {
            let oldest = shipments.iter().find(|shipment| shipment.transfer_line_id.0 == line.line_id);
            line.in_transit_since = oldest.map(|shipment| shipment.shipped_at);
        }
        whole
    }
}

/// Goods between two facilities, as one shipment left them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = InTransit)]
#[graphql(name = "InTransit")]
pub struct InTransitDto {
    pub transfer_id: Uuid,
    pub transfer_code: String,
    pub from_facility_code: String,
    pub to_facility_code: String,
    /// The place of the ledger that holds them.
    pub location_id: Uuid,
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    pub unit: String,
    pub lot_number: Option<String>,
    pub quantity: String,
    /// Since when they are under way.
    pub since: DateTime<Utc>,
}

impl InTransitDto {
    pub(super) fn of(row: InTransit, items: &HashMap<ItemId, Item>, lots: &HashMap<LotId, Lot>) -> Self {
        let item = items.get(&row.item_id);
        Self {
            transfer_id: row.transfer_id.0,
            transfer_code: row.transfer_code,
            from_facility_code: row.from_facility_code,
            to_facility_code: row.to_facility_code,
            location_id: row.transit_location_id.0,
            item_id: row.item_id.0,
            item_code: item.map_or_else(String::new, |item| item.code.clone()),
            item_name: item.map_or_else(String::new, |item| item.name.clone()),
            unit: item.map_or_else(String::new, |item| item.base_unit.clone()),
            lot_number: row.lot_id.and_then(|lot| lots.get(&lot)).map(|lot| lot.number.clone()),
            quantity: row.quantity.to_string(),
            since: row.shipped_at,
        }
    }
}
