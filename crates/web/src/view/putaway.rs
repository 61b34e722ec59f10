use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

use super::{Choice, Errors, Page};

#[derive(Debug, Serialize)]
pub struct PutawayBoard {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub facility: Option<Choice>,
    /// Goods in a receiving area that nobody asked a place for yet.
    pub waiting: Vec<WaitingLine>,
    pub waiting_total: u64,
    pub recommendations: Vec<Recommendation>,
    /// All open ones of the facility; the board shows the first hundred.
    pub open_total: u64,
    pub unplaced: Vec<Unplaced>,
    /// Waiting goods that orders which are due lack, the most urgent first.
    pub cross_docks: Vec<CrossDock>,
    /// How places are chosen, such as OPTIMAL.
    pub method: String,
    /// Settings that are off and play no part.
    pub switched_off: Vec<String>,
    pub errors: Errors,
    pub can_decide: bool,
}

/// Goods on the dock that an order lacks.
#[derive(Debug, Serialize)]
pub struct CrossDock {
    /// CRITICAL, HIGH or MEDIUM.
    pub urgency: String,
    pub order: String,
    pub due_at: DateTime<Utc>,
    pub item: String,
    pub item_name: String,
    pub lot: String,
    pub quantity: Decimal,
    pub from: String,
}

#[derive(Debug, Serialize)]
pub struct WaitingLine {
    /// The delivery that brought the goods; empty when they came another way.
    pub receipt: String,
    pub receipt_href: String,
    pub item: String,
    pub item_name: String,
    pub lot: String,
    pub quantity: Decimal,
    pub unit: String,
    pub from: String,
    pub received_at: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
pub struct Recommendation {
    pub id: String,
    pub item: String,
    pub item_name: String,
    pub item_href: String,
    pub lot: String,
    pub quality_status: String,
    pub quantity: Decimal,
    pub unit: String,
    /// Empty for advice about goods that have not arrived.
    pub from: String,
    pub location: String,
    pub location_href: String,
    /// Where that is, in words: "Zone A, aisle 3, rack 12, shelf 2".
    pub location_detail: String,
    /// Fill of the location now and after the goods are there.
    pub fill_before_percent: f64,
    pub fill_after_percent: f64,
    /// 0 to 100.
    pub score: f64,
    pub parts: Vec<ScorePart>,
    pub confidence_percent: f64,
    /// How likely people accept it, as the model in use foretold.
    pub acceptance_percent: Option<f64>,
    pub reason: String,
    pub alternatives: Vec<Alternative>,
    /// What would have made the first alternative the choice, each in a sentence.
    pub would_change: Vec<String>,
    /// The order that lacks the goods; empty when they are stored.
    pub order: String,
    /// CRITICAL, HIGH or MEDIUM; empty when they are stored.
    pub urgency: String,
    pub algorithm: String,
    pub expires_at: DateTime<Utc>,
    pub expires_soon: bool,
    /// Set when a decision about this one was refused.
    pub error: Option<String>,
    /// What was typed into the override form that was refused.
    pub typed_location: String,
    pub typed_feedback: String,
}

/// A part of the score: `points` of at most `max`; penalties are below zero and their `max` is zero.
#[derive(Debug, Serialize)]
pub struct ScorePart {
    pub label: String,
    pub points: f64,
    pub max: f64,
}

#[derive(Debug, Serialize)]
pub struct Alternative {
    pub location: String,
    pub location_href: String,
    pub score: f64,
    pub fill_after_percent: f64,
    pub why_not: String,
}

/// A line that fits nowhere; `reason_code` is one of the table in the API documentation, `mend` says what to do.
#[derive(Debug, Serialize)]
pub struct Unplaced {
    pub item: String,
    pub item_name: String,
    pub item_href: String,
    pub lot: String,
    pub quantity: Decimal,
    pub unit: String,
    pub reason_code: String,
    pub reason: String,
    pub nearest_miss: Option<String>,
    pub mend: String,
}
