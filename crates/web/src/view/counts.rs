use inventory::counting::{AccuracyDto, CountDto, CountLineDto, CountLocationDto};
use serde::{Deserialize, Serialize};

use super::{Choice, Errors, Page, Pager, ticked};

#[derive(Debug, Serialize)]
pub struct CountList {
    pub page: Page,
    pub filter: CountListFilter,
    pub counts: Vec<CountRow>,
    pub figures: AccuracyDto,
    pub pager: Pager,
    pub can_plan: bool,
}

/// `state` is empty (all that is not finished), a state of a count, or `ALL`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CountListFilter {
    pub q: String,
    pub state: String,
}

#[derive(Debug, Serialize)]
pub struct CountRow {
    pub href: String,
    pub counted_percent: f64,
    pub count: CountDto,
}

#[derive(Debug, Serialize)]
pub struct CountForm {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub input: CountInput,
    pub errors: Errors,
}

/// `locations` and `items` are codes between white space or commas; `pick` is how many locations the schedule chooses.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CountInput {
    pub idempotency_key: String,
    pub facility: String,
    pub code: String,
    #[serde(deserialize_with = "ticked")]
    pub blind: bool,
    pub tolerance_quantity: String,
    pub tolerance_percent: String,
    pub locations: String,
    pub items: String,
    pub pick: String,
    pub abc_class: String,
    pub note: String,
}

#[derive(Debug, Serialize)]
pub struct CountPage {
    pub page: Page,
    pub href: String,
    pub count: CountDto,
    pub counted_percent: f64,
    pub places: Vec<CountPlaceRow>,
    pub pager: Pager,
    /// The largest variance first; empty for those who may not approve.
    pub review: Vec<ReviewRow>,
    /// Lines that must be counted again, with their place.
    pub recounts: Vec<CountLineDto>,
    pub errors: Errors,
    pub can_count: bool,
    pub can_plan: bool,
    pub can_approve: bool,
}

#[derive(Debug, Serialize)]
pub struct CountPlaceRow {
    pub href: String,
    pub place: CountLocationDto,
}

#[derive(Debug, Serialize)]
pub struct ReviewRow {
    pub line: CountLineDto,
    /// Of the largest variance on the page.
    pub bar_percent: f64,
    pub is_loss: bool,
}

/// Which lines were ticked, and what to do with them: `approve`, `recount` or `close`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReviewInput {
    pub idempotency_key: String,
    pub action: String,
    pub reason: String,
    pub lines: Vec<ReviewLineInput>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReviewLineInput {
    pub line_id: String,
    #[serde(deserialize_with = "ticked")]
    pub chosen: bool,
}

/// What somebody with a handheld counts in one place.
#[derive(Debug, Serialize)]
pub struct CountSheet {
    pub page: Page,
    /// Of the count.
    pub count_href: String,
    pub href: String,
    pub count: CountDto,
    pub place: CountLocationDto,
    /// To be counted by this person; the typed inputs pair with them by position.
    pub open: Vec<CountLineDto>,
    pub done: Vec<CountLineDto>,
    pub input: SheetInput,
    pub errors: Errors,
    /// The next place that needs somebody.
    pub next_href: Option<String>,
    pub next_code: String,
    pub can_count: bool,
    pub is_over: bool,
}

/// `action` is `save`, `finish`, or `zero` (the rest is not there, finish).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SheetInput {
    pub idempotency_key: String,
    pub action: String,
    pub lines: Vec<SheetLineInput>,
    pub found_item: String,
    pub found_lot: String,
    pub found_counted: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SheetLineInput {
    pub line_id: String,
    pub counted: String,
}
