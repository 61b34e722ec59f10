use chrono::{DateTime, NaiveDate, Utc};
use inventory::QualityStatus;
use kernel::{FacilityId, ItemId, LocationId, LotId, MovementId, Quantity, ReceiptId, ReceiptLineId};
use serde::{Deserialize, Serialize};

use crate::words::{ReceiptKind, ReceiptState};

pub(crate) const LINES_MAX: usize = 2_000;
pub(crate) const SUPPLIER_MAX: usize = 200;

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub receipt_id: ReceiptId,
    pub facility_id: FacilityId,
    pub facility_code: String,
    /// Unique per tenant; the ledger's movements carry it as their reference.
    pub code: String,
    pub kind: ReceiptKind,
    pub state: ReceiptState,
    pub supplier: String,
    pub expected_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// By number.
    pub lines: Vec<ReceiptLine>,
}

/// One item of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLine {
    pub receipt_line_id: ReceiptLineId,
    /// From 1.
    pub line_no: i32,
    pub item_id: ItemId,
    pub item_code: String,
    pub item_name: String,
    pub base_unit: String,
    /// The announced lot; empty when none was announced.
    pub lot_number: String,
    pub expires_on: Option<NaiveDate>,
    /// In the item's base unit; 0 for goods that were not announced.
    pub expected: Quantity,
    pub received: Quantity,
}

impl ReceiptLine {
    /// What is still to come; zero when everything came, or more.
    pub fn remaining(&self) -> Quantity {
        if self.received < self.expected { self.expected - self.received } else { Quantity::ZERO }
    }

    /// Received minus expected: negative is short, positive is over.
    pub fn difference(&self) -> Quantity {
        self.received - self.expected
    }
}

/// A delivery in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptSummary {
    /// Its lines are not loaded.
    pub receipt: Receipt,
    pub lines_total: i64,
    /// Lines of which everything expected, or more, has arrived.
    pub lines_complete: i64,
}

/// A delivery to expect (with lines) or to receive blind (without).
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReceipt {
    /// Id or code of the facility.
    pub facility: String,
    /// 1 to 64 characters, unique; made up when absent.
    pub code: Option<String>,
    #[serde(default)]
    pub supplier: String,
    pub expected_at: Option<DateTime<Utc>>,
    /// At most 2,000.
    #[serde(default)]
    pub lines: Vec<NewReceiptLine>,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReceiptLine {
    /// Id or code of the item.
    pub item: String,
    /// The announced lot, for lot-tracked items.
    pub lot_number: Option<String>,
    pub expires_on: Option<NaiveDate>,
    #[schema(value_type = String, example = "100")]
    pub expected: Quantity,
    /// One of the item's units; its base unit when absent.
    pub unit: Option<String>,
}

/// What was counted at the dock.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Receive {
    /// A RECEIVING location of the facility; its first one by code when absent.
    pub location: Option<String>,
    /// Accept more than was expected, and items that were not announced.
    #[serde(default)]
    pub allow_over: bool,
    /// Everything that is still expected has arrived as announced; then `lines` must be empty.
    #[serde(default)]
    pub receive_all: bool,
    /// At most 2,000.
    #[serde(default)]
    pub lines: Vec<ReceiveLine>,
}

/// Goods of one item and lot. Exactly one of `line_id`, `line_no` and `item` names the item.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiveLine {
    /// The line of the delivery.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub line_id: Option<ReceiptLineId>,
    pub line_no: Option<i32>,
    /// Id or code of the item; counts towards the line that announced it, if one did.
    pub item: Option<String>,
    /// The announced lot when absent. Required for lot-tracked items.
    pub lot_number: Option<String>,
    pub expires_on: Option<NaiveDate>,
    pub manufactured_on: Option<NaiveDate>,
    /// May be absent where `serials` are named: then there are as many as those.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "12.5")]
    pub quantity: Quantity,
    /// One of the item's units; its base unit when absent.
    pub unit: Option<String>,
    /// The lot's status when absent; RELEASED for a new lot and for goods without a lot.
    pub quality_status: Option<QualityStatus>,
    /// Serial numbers of all pieces; required exactly when the item is serial-tracked, as many as the quantity.
    #[serde(default)]
    pub serials: Vec<String>,
}

/// What one call of receive brought into stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// As it stands afterwards.
    pub receipt: Receipt,
    pub arrived: Vec<Arrived>,
}

/// Goods that stand in the RECEIVING location now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    pub movement_id: MovementId,
    pub receipt_line_id: ReceiptLineId,
    pub line_no: i32,
    pub item_id: ItemId,
    pub lot_id: Option<LotId>,
    /// Empty for goods without a lot.
    pub lot_number: String,
    pub quality_status: QualityStatus,
    /// In the item's base unit.
    pub quantity: Quantity,
    pub location_id: LocationId,
    pub location_code: String,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReceiptFilter {
    /// Id or code of the facility.
    pub facility: Option<String>,
    #[param(inline)]
    pub state: Option<ReceiptState>,
    #[param(inline)]
    pub kind: Option<ReceiptKind>,
    /// Beginning of the code, or part of the supplier.
    pub q: Option<String>,
    /// `true` leaves out what is closed or cancelled.
    pub unfinished: Option<bool>,
}

/// The delivery that last brought goods to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub receipt_id: ReceiptId,
    pub receipt_code: String,
    pub arrived_at: DateTime<Utc>,
}
