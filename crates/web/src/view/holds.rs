use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Choice, Errors, Page, Pager};

#[derive(Debug, Serialize)]
pub struct HoldList {
    pub page: Page,
    pub filter: HoldFilter,
    pub holds: Vec<HoldRow>,
    pub pager: Pager,
    pub can_hold: bool,
}

/// `state` is empty (what is still blocked), `CLOSED` or `ALL`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HoldFilter {
    pub item: String,
    pub state: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct HoldRow {
    pub href: String,
    pub item: String,
    pub item_name: String,
    pub item_href: String,
    pub unit: String,
    pub lot: Option<String>,
    pub is_active: bool,
    pub reason: String,
    pub reference: String,
    pub by: String,
    pub since: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    /// When somebody must look again.
    pub until: Option<DateTime<Utc>>,
    pub is_overdue: bool,
    pub quantity: Decimal,
    pub remaining: Decimal,
    /// What was reserved and therefore left alone.
    pub skipped_reserved: Decimal,
}

#[derive(Debug, Serialize)]
pub struct HoldPage {
    pub page: Page,
    pub hold: HoldRow,
    pub lines: Vec<HoldLine>,
    pub decisions: Vec<HoldDecision>,
    pub input: DecisionInput,
    pub errors: Errors,
    pub can_decide: bool,
}

#[derive(Debug, Serialize)]
pub struct HoldLine {
    pub location: String,
    pub location_href: String,
    pub facility: String,
    pub lot: Option<String>,
    pub former_status: String,
    pub quantity: Decimal,
    pub remaining: Decimal,
}

#[derive(Debug, Serialize)]
pub struct HoldDecision {
    pub disposition: String,
    pub quantity: Decimal,
    /// Held goods that were no longer there.
    pub missing: Decimal,
    pub reason: String,
    pub by: String,
    pub at: DateTime<Utc>,
}

/// `disposition` is `RELEASE`, `REJECT` or `SCRAP`; without a quantity all that is left.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct DecisionInput {
    pub idempotency_key: String,
    pub disposition: String,
    pub quantity: String,
    pub serials: String,
    pub reason: String,
}

impl Default for DecisionInput {
    fn default() -> Self {
        Self {
            idempotency_key: String::new(),
            disposition: "RELEASE".into(),
            quantity: String::new(),
            serials: String::new(),
            reason: String::new(),
        }
    }
}

#[derive(Debug, Serialize)]
pub struct HoldForm {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub input: HoldInput,
    pub errors: Errors,
}

/// Serial numbers stand one per line, or are separated by commas; `until` is a day.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HoldInput {
    pub idempotency_key: String,
    pub item: String,
    pub lot: String,
    pub facility: String,
    pub location: String,
    pub quantity: String,
    pub serials: String,
    pub reason: String,
    pub reference: String,
    pub until: String,
}
