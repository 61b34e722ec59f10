//! What callers send, and what of it can be judged without the database.

use chrono::{DateTime, Utc};
use kernel::{Code, FieldError, Quantity};
use platform::{Error, Result};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::model::{CountState, LineState, Tolerance};
use crate::model::QualityStatus;
use crate::request::NumberText;
use crate::rules::MAX_TEXT_CHARS;

pub(super) const MAX_LOCATIONS: usize = 1_000;
pub(super) const MAX_ITEMS: usize = 1_000;
pub(super) const MAX_ENTRIES: usize = 1_000;

/// What to count: named locations, or a schedule that picks them, or (with items alone) wherever those items lie.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "NewCountInput")]
pub struct NewCount {
    /// Id or code of the facility.
    pub facility: String,
    /// 1 to 64 characters, unique; made up when absent.
    pub code: Option<String>,
    /// Whether those who count do not see what the ledger expects; true when absent.
    pub blind: Option<bool>,
    /// A variance of at most so much (base unit) is written off without a second look; 0 when absent.
    #[serde(default, deserialize_with = "maybe_number")]
    #[schema(example = "1")]
    pub tolerance_quantity: Option<String>,
    /// As `tolerance_quantity`, in percent of the book quantity, 0 to 100. The larger of the two holds.
    #[serde(default, deserialize_with = "maybe_number")]
    #[schema(example = "0.5")]
    pub tolerance_percent: Option<String>,
    /// Ids or codes of the facility's locations, at most 1,000.
    #[serde(default)]
    #[graphql(default)]
    pub locations: Vec<String>,
    /// Ids or codes, at most 1,000; none means every item.
    #[serde(default)]
    #[graphql(default)]
    pub items: Vec<String>,
    pub schedule: Option<Schedule>,
    /// At most 200 characters.
    pub note: Option<String>,
}

/// The locations whose last count is the oldest, those never counted first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "CountScheduleInput")]
pub struct Schedule {
    /// How many, 1 to 1,000.
    pub locations: u32,
    /// A, B or C: only locations that hold an item of the class.
    pub abc_class: Option<String>,
}

/// What somebody counted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "CountEntriesInput")]
pub struct SubmitEntries {
    /// 1 to 1,000, all or nothing.
    pub entries: Vec<CountEntry>,
}

/// One line, named by `line_id`; or goods that the ledger did not expect there, by location, item and lot.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "CountEntryInput")]
pub struct CountEntry {
    pub line_id: Option<Uuid>,
    /// Id or code of a started location of the count; with `item`.
    pub location: Option<String>,
    /// Id or code.
    pub item: Option<String>,
    /// Number of the lot, made when it is new; for lot-tracked items.
    pub lot: Option<String>,
    /// RELEASED when absent.
    pub quality_status: Option<QualityStatus>,
    /// 0 or more.
    #[serde(deserialize_with = "any_number")]
    #[schema(example = "12.5")]
    pub counted: String,
    /// One of the item's units; its base unit when absent.
    pub unit: Option<String>,
    /// When the goods were counted, for a handheld that was offline: after the count was made, not in the future. Now when absent.
    pub counted_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "FinishCountLocationInput")]
pub struct FinishLocation {
    /// Nothing is there of the lines that nobody counted.
    #[serde(default)]
    #[graphql(default)]
    pub rest_is_zero: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ApproveCountLinesInput")]
pub struct ApproveLines {
    /// At most 1,000.
    #[serde(default)]
    #[graphql(default)]
    pub lines: Vec<Uuid>,
    /// Every line that waits and that the caller did not count; then `lines` must be empty.
    #[serde(default)]
    #[graphql(default)]
    pub all: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "RejectCountLinesInput")]
pub struct RejectLines {
    /// 1 to 1,000.
    pub lines: Vec<Uuid>,
    /// Count again from the start (true), or end the line without adjustment.
    pub recount: bool,
    /// 1 to 200 characters.
    pub reason: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "CancelCountInput")]
pub struct CancelCount {
    /// 1 to 200 characters.
    pub reason: String,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CountFilter {
    /// Id or code.
    pub facility: Option<String>,
    #[param(inline)]
    pub state: Option<CountState>,
    /// The code's beginning.
    pub q: Option<String>,
    /// `true` leaves out what is closed or cancelled.
    pub unfinished: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LineFilter {
    /// Id or code.
    pub location: Option<String>,
    #[param(inline)]
    pub state: Option<LineState>,
    /// Largest variance first, instead of the order of walking.
    #[serde(default)]
    pub by_variance: bool,
}

/// A number as it was written, plain or as a string.
fn any_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    NumberText::deserialize(from).map(|number| number.0)
}

fn maybe_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<NumberText>::deserialize(from)?.map(|number| number.0))
}

/// What of [`NewCount`] needs no look-up.
pub(super) struct Checked {
    /// None: to be made up.
    pub code: Option<String>,
    pub tolerance: Tolerance,
    pub note: String,
}

impl NewCount {
    pub(super) fn checked(&self) -> Result<Checked> {
        let mut errors = Vec::new();
        let mut fault = |field: &str, message: String| errors.push(FieldError::new(field, message));
        let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let code = given(&self.code).and_then(|code| match Code::parse(&code) {
            Ok(code) if matches!(code.as_str(), "new" | "accuracy") => {
                fault("code", "is a word of the address; choose another".into());
                None
            }
            Ok(code) => Some(code.into_string()),
            Err(invalid) => {
                fault("code", invalid.0);
                None
            }
        });
        let quantity = number(&self.tolerance_quantity).unwrap_or_else(|message| {
            fault("tolerance_quantity", message);
            Quantity::ZERO
        });
        let percent = number(&self.tolerance_percent).unwrap_or_else(|message| {
            fault("tolerance_percent", message);
            Quantity::ZERO
        });
        if percent.decimal() > Decimal::ONE_HUNDRED || percent.decimal().scale() > 4 {
            fault("tolerance_percent", "must be 0 to 100 with at most 4 decimals".into());
        }
        let note = given(&self.note).unwrap_or_default();
        if let Some(message) = text_fault(&note) {
            fault("note", message);
        }
        if self.locations.len() > MAX_LOCATIONS {
            fault("locations", format!("must be at most {MAX_LOCATIONS}; make several counts"));
        }
        if self.items.len() > MAX_ITEMS {
            fault("items", format!("must be at most {MAX_ITEMS}"));
        }
        if let Some(schedule) = &self.schedule {
            if !(1..=MAX_LOCATIONS as u32).contains(&schedule.locations) {
                fault("schedule.locations", format!("must be 1 to {MAX_LOCATIONS}"));
            }
            if !self.locations.is_empty() {
                fault("schedule", "picks the locations; leave `locations` empty".into());
            }
        } else if self.locations.is_empty() && self.items.is_empty() {
            fault("locations", "must not be empty, unless there is a schedule or items are named".into());
        }
        if errors.is_empty() {
            Ok(Checked { code, tolerance: Tolerance { quantity, percent: percent.decimal() }, note })
        } else {
            Err(Error::invalid(errors))
        }
    }
}

fn number(text: &Option<String>) -> Result<Quantity, String> {
    let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return Ok(Quantity::ZERO) };
    let value: Quantity = text.parse().map_err(|invalid: kernel::Invalid| invalid.0)?;
    if value < Quantity::ZERO { Err("must not be negative".into()) } else { Ok(value) }
}

fn text_fault(text: &str) -> Option<String> {
    if text.chars().count() > MAX_TEXT_CHARS {
        Some(format!("must be at most {MAX_TEXT_CHARS} characters long"))
    } else if text.chars().any(char::is_control) {
        Some("must not contain control characters".into())
    } else {
        None
    }
}

/// Trimmed, not empty and short enough.
pub(super) fn reason(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::field("reason", "must say why"));
    }
    match text_fault(text) {
        Some(message) => Err(Error::field("reason", message)),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(input: &NewCount) -> Vec<String> {
        match input.checked() {
            Ok(_) => Vec::new(),
            Err(error) => error.fields.into_iter().map(|field| field.field).collect(),
        }
    }

    #[test]
    fn all_faults_of_a_plan_are_named_at_once() {
        let bad = NewCount {
            code: Some("accuracy".into()),
            tolerance_quantity: Some("-1".into()),
            tolerance_percent: Some("101".into()),
            note: Some("x".repeat(201)),
            ..NewCount::default()
        };
        assert_eq!(fields(&bad), ["code", "tolerance_quantity", "tolerance_percent", "note", "locations"]);
        let twice = NewCount {
            locations: vec!["A".into()],
            schedule: Some(Schedule { locations: 0, abc_class: None }),
            ..NewCount::default()
        };
        assert_eq!(fields(&twice), ["schedule.locations", "schedule"]);
        assert!(fields(&NewCount { items: vec!["A".into()], ..NewCount::default() }).is_empty());
    }
}
