use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Choice, Errors, Page, Pager};

#[derive(Debug, Serialize)]
pub struct MovementList {
    pub page: Page,
    pub filter: MovementFilter,
    pub movements: Vec<MovementRow>,
    pub pager: Pager,
    pub can_move: bool,
}

/// `since` and `until` are days, both included.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MovementFilter {
    pub kind: String,
    pub item: String,
    pub location: String,
    pub lot: String,
    pub since: String,
    pub until: String,
}

/// `from` and `to` are a location's code, or what closes the books in words: "Supplier", "Adjustment".
#[derive(Clone, Debug, Serialize)]
pub struct MovementRow {
    pub id: String,
    pub at: DateTime<Utc>,
    pub kind: String,
    pub item: String,
    pub item_name: String,
    pub item_href: String,
    pub lot: Option<String>,
    pub quantity: Decimal,
    pub unit: String,
    /// On an item's or location's own page: +1 came in, -1 went out, 0 stayed.
    pub direction: i8,
    pub from: String,
    pub from_href: Option<String>,
    pub from_status: String,
    pub to: String,
    pub to_href: Option<String>,
    pub to_status: String,
    pub reason: String,
    pub reference: String,
    pub by: String,
}

#[derive(Debug, Serialize)]
pub struct MovementForm {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub reasons: Vec<String>,
    pub input: MovementInput,
    pub errors: Errors,
}

/// `kind` is `TRANSFER`, `ADJUSTMENT`, `ISSUE`, `SCRAP` or `STATUS_CHANGE`. A transfer has `from` and `to`; the others have `from`
/// alone. `direction` of an adjustment is `found` or `missing`. A change of status goes from `status` to `to_status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct MovementInput {
    pub idempotency_key: String,
    pub kind: String,
    pub facility: String,
    pub item: String,
    pub lot: String,
    pub quantity: String,
    pub unit: String,
    /// One per line, or separated by commas.
    pub serials: String,
    pub from: String,
    pub to: String,
    pub direction: String,
    pub status: String,
    pub to_status: String,
    pub reason: String,
    pub reference: String,
}

impl Default for MovementInput {
    fn default() -> Self {
        Self {
            idempotency_key: String::new(),
            kind: "TRANSFER".into(),
            facility: String::new(),
            item: String::new(),
            lot: String::new(),
            quantity: String::new(),
            unit: String::new(),
            serials: String::new(),
            from: String::new(),
            to: String::new(),
            direction: "missing".into(),
            status: "RELEASED".into(),
            to_status: "HOLD".into(),
            reason: String::new(),
            reference: String::new(),
        }
    }
}
