use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Choice, Errors, Page, Pager, ticked};

#[derive(Debug, Serialize)]
pub struct ReservationList {
    pub page: Page,
    pub filter: ReservationFilter,
    pub reservations: Vec<ReservationRow>,
    pub pager: Pager,
    pub can_reserve: bool,
}

/// `state` is empty (all that is open), `ALL`, or a state such as `SHORT`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReservationFilter {
    pub item: String,
    pub state: String,
    pub reference: String,
}

#[derive(Debug, Serialize)]
pub struct ReservationRow {
    pub href: String,
    pub item: String,
    pub item_name: String,
    pub unit: String,
    pub reference: String,
    pub kind: String,
    pub state: String,
    pub quantity: Decimal,
    pub open: Decimal,
    pub fulfilled: Decimal,
    pub shortage: Decimal,
    /// Of what was asked for.
    pub fulfilled_percent: f64,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
pub struct ReservationPage {
    pub page: Page,
    pub href: String,
    pub reservation: ReservationRow,
    pub item_href: String,
    pub facility: Option<String>,
    pub strategy: String,
    pub priority: i32,
    pub released: Decimal,
    pub needed_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
    pub allocations: Vec<AllocationRow>,
    pub input: PartInput,
    pub errors: Errors,
    pub can_reserve: bool,
}

#[derive(Debug, Serialize)]
pub struct AllocationRow {
    pub facility: String,
    pub location: String,
    pub location_href: String,
    pub lot: Option<String>,
    pub quantity: Decimal,
}

/// `action` says which button was pressed: `fulfil`, `release` or `harden`; an empty quantity means all that is open.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PartInput {
    pub idempotency_key: String,
    pub action: String,
    pub quantity: String,
}

#[derive(Debug, Serialize)]
pub struct ReservationForm {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub input: ReservationInput,
    pub errors: Errors,
}

/// `expires_in` is a number of seconds, or empty for never; `needed_on` a day.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ReservationInput {
    pub idempotency_key: String,
    pub kind: String,
    pub item: String,
    pub quantity: String,
    pub unit: String,
    pub facility: String,
    pub location: String,
    pub lot: String,
    pub strategy: String,
    pub near: String,
    #[serde(deserialize_with = "ticked")]
    pub allow_partial: bool,
    pub expires_in: String,
    pub needed_on: String,
    pub reference: String,
}

impl Default for ReservationInput {
    fn default() -> Self {
        Self {
            idempotency_key: String::new(),
            kind: "HARD".into(),
            item: String::new(),
            quantity: String::new(),
            unit: String::new(),
            facility: String::new(),
            location: String::new(),
            lot: String::new(),
            strategy: "FEFO".into(),
            near: String::new(),
            allow_partial: false,
            expires_in: "86400".into(),
            needed_on: String::new(),
            reference: String::new(),
        }
    }
}

/// What may be promised of an item, on its page.
#[derive(Debug, Default, Serialize)]
pub struct ItemPromise {
    pub available_to_promise: Decimal,
    pub reserved_soft: Decimal,
    pub overdue: Decimal,
    pub undated: Decimal,
    pub days: Vec<PromiseDay>,
    pub reservations_href: String,
}

#[derive(Debug, Serialize)]
pub struct PromiseDay {
    pub date: NaiveDate,
    pub receipts: Decimal,
    pub commitments: Decimal,
    pub projected: Decimal,
    pub available_to_promise: Decimal,
    /// What may be promised, of the most on any of these days.
    pub percent: f64,
}
