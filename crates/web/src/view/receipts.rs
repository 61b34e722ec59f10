use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Choice, Errors, Page, Pager, ticked};

#[derive(Debug, Serialize)]
pub struct ReceiptList {
    pub page: Page,
    pub filter: ReceiptFilter,
    pub facilities: Vec<Choice>,
    pub receipts: Vec<ReceiptRow>,
    pub pager: Pager,
    pub can_receive: bool,
}

/// `state` is empty (all that is not finished), `OPEN`, `RECEIVING`, `CLOSED`, `CANCELLED` or `ALL`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReceiptFilter {
    pub q: String,
    pub state: String,
    pub facility: String,
}

#[derive(Debug, Serialize)]
pub struct ReceiptRow {
    pub href: String,
    pub code: String,
    pub kind: String,
    pub state: String,
    pub facility: String,
    pub supplier: String,
    pub expected_at: Option<DateTime<Utc>>,
    pub is_late: bool,
    pub line_count: u64,
    /// Lines received in full or over.
    pub received_line_count: u64,
    pub received_percent: f64,
}

#[derive(Debug, Serialize)]
pub struct ReceiptPage {
    pub page: Page,
    pub href: String,
    pub code: String,
    pub kind: String,
    pub state: String,
    pub facility: Choice,
    pub supplier: String,
    pub expected_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub lines: Vec<ReceiptLine>,
    pub received_line_count: u64,
    pub received_percent: f64,
    /// What of it orders lack that are due, the most urgent first.
    pub cross_docks: Vec<super::CrossDock>,
    /// Received and still in the receiving area.
    pub to_put_away_count: u64,
    pub putaway_href: String,
    pub receiving_locations: Vec<Choice>,
    /// What was typed, when the form was refused; else made by [`ReceiveInput::proposed`].
    pub input: ReceiveInput,
    pub errors: Errors,
    pub can_receive: bool,
    pub can_put_away: bool,
}

#[derive(Debug, Serialize)]
pub struct ReceiptLine {
    pub line_id: String,
    pub line_no: i32,
    pub item: String,
    pub item_name: String,
    pub item_href: String,
    pub unit: String,
    pub is_lot_tracked: bool,
    pub is_serial_tracked: bool,
    pub has_shelf_life: bool,
    pub expected: Decimal,
    pub received: Decimal,
    pub outcome: LineOutcome,
    pub lot: String,
    pub expires_on: Option<NaiveDate>,
}

/// How what came compares with what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LineOutcome {
    Nothing,
    /// Some came, more is expected.
    Part,
    /// The receipt was closed before all came.
    Short,
    Complete,
    Over,
}

impl LineOutcome {
    pub fn of(expected: Decimal, received: Decimal, is_closed: bool) -> Self {
        if received < expected && is_closed {
            Self::Short
        } else if received.is_zero() {
            Self::Nothing
        } else if received < expected {
            Self::Part
        } else if received == expected || expected.is_zero() {
            Self::Complete
        } else {
            Self::Over
        }
    }
}

/// `action` says which button was pressed: `entered`, `all`, or `line:` and the line's id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReceiveInput {
    pub idempotency_key: String,
    pub action: String,
    pub location: String,
    /// More than was expected, and lots that were not, are taken.
    #[serde(deserialize_with = "ticked")]
    pub allow_over: bool,
    pub lines: Vec<ReceivedLineInput>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReceivedLineInput {
    pub line_id: String,
    pub quantity: String,
    /// One per line, or separated by commas.
    pub serials: String,
    pub lot: String,
    pub expires_on: String,
    pub quality_status: String,
}

impl ReceiveInput {
    /// One row per line with what is still to come, in the lines' own order: the template pairs them by position.
    pub fn proposed(lines: &[ReceiptLine]) -> Self {
        let row = |line: &ReceiptLine| {
            let open = (line.expected - line.received).max(Decimal::ZERO).normalize();
            ReceivedLineInput {
                line_id: line.line_id.clone(),
                quantity: if open.is_zero() { String::new() } else { open.to_string() },
                serials: String::new(),
                lot: line.lot.clone(),
                expires_on: line.expires_on.map(|day| day.to_string()).unwrap_or_default(),
                quality_status: "RELEASED".into(),
            }
        };
        Self { lines: lines.iter().map(row).collect(), ..Self::default() }
    }
}

#[derive(Debug, Serialize)]
pub struct BlindReceipt {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub input: BlindReceiptInput,
    pub errors: Errors,
}

/// `code` may stay empty: then one is made. Lines without an item are not lines.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BlindReceiptInput {
    pub idempotency_key: String,
    pub facility: String,
    pub code: String,
    pub supplier: String,
    pub lines: Vec<NewLineInput>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct NewLineInput {
    pub item: String,
    pub quantity: String,
    /// One per line, or separated by commas.
    pub serials: String,
    pub lot: String,
    pub expires_on: String,
    pub quality_status: String,
}

impl Default for NewLineInput {
    fn default() -> Self {
        Self {
            item: String::new(),
            quantity: String::new(),
            serials: String::new(),
            lot: String::new(),
            expires_on: String::new(),
            quality_status: "RELEASED".into(),
        }
    }
}
