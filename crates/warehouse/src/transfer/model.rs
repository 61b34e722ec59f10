use chrono::{DateTime, Utc};
use inventory::QualityStatus;
use kernel::{FacilityId, ItemId, LocationId, LotId, MovementId, Quantity, TransferId, TransferLineId};
use serde::Serialize;

use crate::words::TransferState;

pub(super) const LINES_MAX: usize = 2_000;
pub(super) const TEXT_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transfer {
    pub transfer_id: TransferId,
    /// Unique per tenant; the ledger's movements carry it as their reference.
    pub code: String,
    pub from_facility_id: FacilityId,
    pub from_facility_code: String,
    pub to_facility_id: FacilityId,
    pub to_facility_code: String,
    pub state: TransferState,
    pub reference: String,
    pub reason: String,
    pub shipped_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// By number.
    pub lines: Vec<TransferLine>,
}

/// One item of a transfer; quantities are in the item's base unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TransferLine {
    pub transfer_line_id: TransferLineId,
    /// From 1.
    pub line_no: i32,
    pub item_id: ItemId,
    pub item_code: String,
    pub item_name: String,
    pub base_unit: String,
    /// The wanted lot, if not any will do.
    pub lot_id: Option<LotId>,
    pub lot_number: Option<String>,
    pub quantity: Quantity,
    pub shipped: Quantity,
    pub received: Quantity,
    /// Shipped and never arrived.
    pub missing: Quantity,
    /// Shipped and brought back.
    pub returned: Quantity,
}

impl TransferLine {
    pub fn to_ship(&self) -> Quantity {
        self.quantity - self.shipped
    }

    pub fn in_transit(&self) -> Quantity {
        self.shipped - self.received - self.missing - self.returned
    }
}

impl Transfer {
    /// The state that follows from what was received: everything ordered has arrived, or more is to come.
    pub fn state_after_receipt(&self) -> TransferState {
        let is_whole = self.lines.iter().all(|line| line.received == line.quantity);
        if is_whole { TransferState::Received } else { TransferState::InTransit }
    }
}

/// Goods that left the source by one movement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shipment {
    pub movement_id: MovementId,
    pub transfer_line_id: TransferLineId,
    pub item_id: ItemId,
    pub lot_id: Option<LotId>,
    pub quality_status: QualityStatus,
    pub quantity: Quantity,
    /// Received, missing or returned.
    pub settled: Quantity,
    pub from_location_id: LocationId,
    pub transit_location_id: LocationId,
    pub shipped_at: DateTime<Utc>,
}

impl Shipment {
    pub fn open(&self) -> Quantity {
        self.quantity - self.settled
    }
}

/// What became of goods in transit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    Received,
    Missing,
    Returned,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "RECEIVED",
            Self::Missing => "MISSING",
            Self::Returned => "RETURNED",
        }
    }

    /// The figure of the line that it adds to.
    pub fn figure(self, line: &mut TransferLine) -> &mut Quantity {
        match self {
            Self::Received => &mut line.received,
            Self::Missing => &mut line.missing,
            Self::Returned => &mut line.returned,
        }
    }
}

/// One movement out of transit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settlement {
    pub movement_id: MovementId,
    pub shipment_movement_id: MovementId,
    pub transfer_line_id: TransferLineId,
    pub kind: Outcome,
    pub quantity: Quantity,
    pub location_id: LocationId,
}

/// A transfer in a list, without its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferSummary {
    pub transfer: Transfer,
    pub lines_total: i64,
    /// Lines of which everything ordered has arrived.
    pub lines_received: i64,
    /// Lines of which something is between the facilities.
    pub lines_in_transit: i64,
}

/// Goods between two facilities, as one shipment left them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InTransit {
    pub movement_id: MovementId,
    pub transfer_id: TransferId,
    pub transfer_code: String,
    pub from_facility_code: String,
    pub to_facility_code: String,
    pub item_id: ItemId,
    pub lot_id: Option<LotId>,
    pub transit_location_id: LocationId,
    pub quantity: Quantity,
    pub shipped_at: DateTime<Utc>,
}
