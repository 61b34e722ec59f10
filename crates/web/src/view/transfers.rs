use serde::{Deserialize, Serialize};
use warehouse::{InTransitDto, TransferDto};

use super::{Choice, Errors, Page, Pager, ticked};

#[derive(Debug, Serialize)]
pub struct TransferList {
    pub page: Page,
    pub filter: TransferListFilter,
    pub facilities: Vec<Choice>,
    pub transfers: Vec<TransferRow>,
    /// Of the filter's item, when there is one.
    pub in_transit: Vec<InTransitDto>,
    pub pager: Pager,
    pub can_transfer: bool,
}

/// `state` is empty (all that is not finished), a state of a transfer, or `ALL`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TransferListFilter {
    pub q: String,
    pub state: String,
    pub facility: String,
    pub item: String,
}

#[derive(Debug, Serialize)]
pub struct TransferRow {
    pub href: String,
    pub received_percent: f64,
    pub transfer: TransferDto,
}

#[derive(Debug, Serialize)]
pub struct TransferForm {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub input: TransferInput,
    pub errors: Errors,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TransferInput {
    pub idempotency_key: String,
    pub from: String,
    pub to: String,
    pub code: String,
    pub reference: String,
    #[serde(deserialize_with = "ticked")]
    pub request: bool,
    pub lines: Vec<TransferLineInput>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TransferLineInput {
    pub item: String,
    pub quantity: String,
    pub lot: String,
}

#[derive(Debug, Serialize)]
pub struct TransferPage {
    pub page: Page,
    pub href: String,
    pub transfer: TransferDto,
    pub received_percent: f64,
    pub receiving_locations: Vec<Choice>,
    pub input: TransferMoveInput,
    pub errors: Errors,
    pub can_transfer: bool,
}

/// `action` is `ship`, `ship-all`, `receive` or `receive-all`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TransferMoveInput {
    pub idempotency_key: String,
    pub action: String,
    pub location: String,
    pub lines: Vec<TransferMoveLine>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TransferMoveLine {
    pub line_id: String,
    pub ship: String,
    pub from: String,
    pub receive: String,
    pub lot: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TransferEndInput {
    pub idempotency_key: String,
    pub reason: String,
}
