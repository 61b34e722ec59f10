//! Reservations as callers write them, and what they say once every text is read.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Code, FieldError, Quantity};
use platform::{Error, Result};
use serde::{Deserialize, Deserializer, Serialize};

use super::model::{ReservationKind, Strategy};
use crate::request::NumberText;
use crate::rules::MAX_TEXT_CHARS;

/// One year, the longest that a promise may last unless it lasts until it is ended.
const MAX_EXPIRY_SECONDS: i64 = 31_536_000;
/// Ten years: a promise for later is a mistake in the caller's conversion.
const MAX_NEEDED_DAYS: i64 = 3_653;
const MAX_PRIORITY: i64 = 1_000;

/// Goods to reserve.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReservation {
    /// HARD (the default) binds goods where they lie; SOFT promises a quantity of what is there or, with `needed_at`, will come.
    #[schema(example = "HARD")]
    pub kind: Option<String>,
    /// Id or code.
    #[schema(example = "A-1")]
    pub item: String,
    /// Greater than 0; a number or a string, at most 12 digits before and 6 after the point.
    #[schema(value_type = String, example = "12.5")]
    pub quantity: NumberText,
    /// The base unit or one of the item's units; the base unit when absent.
    pub unit: Option<String>,
    /// Only goods of this facility: id or code.
    pub facility: Option<String>,
    /// HARD only: only goods in this place: id, `FACILITY/CODE` or an unambiguous code.
    pub location: Option<String>,
    /// HARD only: only goods of this lot: its number or id.
    pub lot: Option<String>,
    /// FEFO (the default), FIFO, LIFO or NEAREST.
    #[schema(example = "FEFO")]
    pub strategy: Option<String>,
    /// For NEAREST: the place to be near to; the beginning of the pickers' way when absent.
    pub near: Option<String>,
    /// Whether less than asked is better than nothing; what is missing is told as `shortage`.
    #[serde(default)]
    pub allow_partial: bool,
    /// When the promise ends by itself (RFC 3339), at most a year from now; never when both are absent.
    pub expires_at: Option<String>,
    /// Instead of `expires_at`: 1 to 31,536,000.
    pub expires_in_seconds: Option<i64>,
    /// When the goods are needed (RFC 3339); they must be good until then.
    pub needed_at: Option<String>,
    /// The caller's own document, at most 200 characters.
    pub reference: Option<String>,
    /// 0 (the default) to 1000: when goods go missing, lower ones give way first.
    pub priority: Option<i64>,
}

/// How much to give back.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseReservation {
    /// In the item's base unit; all that is open when absent.
    #[schema(value_type = Option<String>, example = "2")]
    pub quantity: Option<NumberText>,
}

/// How much to issue to the customer.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfilReservation {
    /// In the item's base unit; all that is bound when absent.
    #[schema(value_type = Option<String>, example = "2")]
    pub quantity: Option<NumberText>,
    /// Of the movements; the reservation's own reference when absent.
    pub reference: Option<String>,
}

/// Where reserved goods go; the promise goes with them.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferReservation {
    /// The place that takes the goods.
    #[schema(example = "WH1/STAGE-1")]
    pub to: String,
    /// Only what is bound in this place; all of it when absent.
    pub from: Option<String>,
    /// Of the movements; the reservation's own reference when absent.
    pub reference: Option<String>,
}

/// How a soft reservation becomes a hard one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HardenReservation {
    /// The one it was made with when absent.
    pub strategy: Option<String>,
    /// For NEAREST: the place to be near to.
    pub near: Option<String>,
    /// Whether to bind what there is when that is less; what is missing is told as `shortage`.
    #[serde(default)]
    pub allow_partial: bool,
}

/// What may be changed of an open reservation.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeReservation {
    /// A new time (RFC 3339), at most a year from now, or null for never.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Option<String>>,
}

/// For a member whose absence means "leave it" and whose null means "clear it".
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// A reservation whose texts are read; what they refer to is not looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub kind: ReservationKind,
    pub item: String,
    /// In `unit`, greater than zero.
    pub quantity: Quantity,
    pub unit: Option<String>,
    pub facility: Option<String>,
    pub location: Option<String>,
    pub lot: Option<String>,
    pub strategy: Strategy,
    pub near: Option<String>,
    pub allow_partial: bool,
    pub expires_at: Option<DateTime<Utc>>,
    pub needed_at: Option<DateTime<Utc>>,
    pub reference: String,
    pub priority: i32,
}

/// Collects what cannot be read instead of stopping at the first.
#[derive(Default)]
struct Reader {
    errors: Vec<FieldError>,
}

impl Reader {
    fn refuse(&mut self, field: &str, message: impl Into<String>) {
        self.errors.push(FieldError::new(field, message));
    }

    fn read<T, E: std::fmt::Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.refuse(field, error.to_string())).ok()
    }

    /// A text of at most `most` characters; an empty one is absent.
    fn text(&mut self, field: &str, text: Option<&String>, most: usize) -> Option<String> {
        let text = text.map(|text| text.trim()).filter(|text| !text.is_empty())?;
        if text.chars().count() > most {
            self.refuse(field, format!("must be at most {most} characters long"));
        } else if text.chars().any(char::is_control) {
            self.refuse(field, "must not contain control characters");
        }
        Some(text.to_owned())
    }

    fn place(&mut self, field: &str, text: Option<&String>) -> Option<String> {
        self.text(field, text, 2 * Code::MAX_CHARS + 1)
    }

    fn named<T: std::str::FromStr<Err = kernel::Invalid>>(&mut self, field: &str, text: Option<&String>) -> Option<T> {
        let text = text.map(|text| text.trim()).filter(|text| !text.is_empty())?;
        self.read(field, text.parse())
    }

    fn quantity(&mut self, text: &NumberText) -> Option<Quantity> {
        self.read("quantity", text.0.parse::<Quantity>().and_then(Quantity::positive))
    }

    fn time(&mut self, field: &str, text: Option<&String>) -> Option<DateTime<Utc>> {
        let text = text.map(|text| text.trim()).filter(|text| !text.is_empty())?;
        self.read(field, text.parse().map_err(|_| "must be a time such as 2027-01-31T08:00:00Z"))
    }

    fn expiry(&mut self, text: Option<&String>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let at = self.time("expires_at", text)?;
        if at <= now {
            self.refuse("expires_at", "must be in the future");
        } else if at > now + TimeDelta::seconds(MAX_EXPIRY_SECONDS) {
            self.refuse("expires_at", "must be at most a year from now; leave it out for a promise without end");
        }
        Some(at)
    }

    fn done(self) -> Result<()> {
        if self.errors.is_empty() { Ok(()) } else { Err(Error::invalid(self.errors)) }
    }
}

impl NewReservation {
    /// Reads every text and refuses all faults at once.
    pub(super) fn read(&self, now: DateTime<Utc>) -> Result<Draft> {
        let mut reader = Reader::default();
        let kind = reader.named("kind", self.kind.as_ref()).unwrap_or(ReservationKind::Hard);
        let item = reader.read("item", Code::parse(&self.item)).map_or_else(String::new, Code::into_string);
        let quantity = reader.quantity(&self.quantity).unwrap_or_default();
        let unit = reader.text("unit", self.unit.as_ref(), Code::MAX_CHARS);
        let facility = reader.text("facility", self.facility.as_ref(), Code::MAX_CHARS);
        let location = reader.place("location", self.location.as_ref());
        let lot = reader.text("lot", self.lot.as_ref(), Code::MAX_CHARS);
        let given = reader.named("strategy", self.strategy.as_ref());
        let near = reader.place("near", self.near.as_ref());
        let strategy = given.unwrap_or(Strategy::Fefo);
        if near.is_some() && strategy != Strategy::Nearest {
            reader.refuse("near", "is for the strategy NEAREST only");
        }
        if kind == ReservationKind::Soft {
            for (field, is_given) in [("location", location.is_some()), ("lot", lot.is_some())] {
                if is_given {
                    reader.refuse(field, "is for HARD reservations; a SOFT one binds no goods");
                }
            }
        }
        let expires_at = self.read_expiry(&mut reader, now);
        let needed_at = reader.time("needed_at", self.needed_at.as_ref());
        if needed_at.is_some_and(|at| at > now + TimeDelta::days(MAX_NEEDED_DAYS)) {
            reader.refuse("needed_at", "must be at most ten years from now");
        }
        if needed_at.is_some_and(|at| at < now - TimeDelta::days(MAX_NEEDED_DAYS)) {
            reader.refuse("needed_at", "must not lie more than ten years back");
        }
        let reference = reader.text("reference", self.reference.as_ref(), MAX_TEXT_CHARS).unwrap_or_default();
        let priority = self.priority.unwrap_or(0);
        if !(0..=MAX_PRIORITY).contains(&priority) {
            reader.refuse("priority", format!("must be 0 to {MAX_PRIORITY}"));
        }
        reader.done()?;
        let priority = i32::try_from(priority).expect("0 to 1000 fits");
        let allow_partial = self.allow_partial;
        Ok(Draft {
            kind,
            item,
            quantity,
            unit,
            facility,
            location,
            lot,
            strategy,
            near,
            allow_partial,
            expires_at,
            needed_at,
            reference,
            priority,
        })
    }

    fn read_expiry(&self, reader: &mut Reader, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let at = reader.expiry(self.expires_at.as_ref(), now);
        let Some(seconds) = self.expires_in_seconds else { return at };
        if at.is_some() {
            reader.refuse("expires_in_seconds", "must be absent when expires_at is given");
        }
        if !(1..=MAX_EXPIRY_SECONDS).contains(&seconds) {
            reader.refuse("expires_in_seconds", "must be 1 to 31536000");
            return at;
        }
        Some(now + TimeDelta::seconds(seconds))
    }
}

impl ReleaseReservation {
    pub(super) fn read(&self) -> Result<Option<Quantity>> {
        let mut reader = Reader::default();
        let quantity = self.quantity.as_ref().and_then(|text| reader.quantity(text));
        reader.done()?;
        Ok(quantity)
    }
}

impl FulfilReservation {
    /// How much, and under which reference.
    pub(super) fn read(&self) -> Result<(Option<Quantity>, Option<String>)> {
        let mut reader = Reader::default();
        let quantity = self.quantity.as_ref().and_then(|text| reader.quantity(text));
        let reference = reader.text("reference", self.reference.as_ref(), MAX_TEXT_CHARS);
        reader.done()?;
        Ok((quantity, reference))
    }
}

impl TransferReservation {
    /// To, from, and under which reference.
    pub(super) fn read(&self) -> Result<(String, Option<String>, Option<String>)> {
        let mut reader = Reader::default();
        let to = reader.place("to", Some(&self.to));
        if to.is_none() {
            reader.refuse("to", "must name the place that takes the goods");
        }
        let from = reader.place("from", self.from.as_ref());
        let reference = reader.text("reference", self.reference.as_ref(), MAX_TEXT_CHARS);
        reader.done()?;
        Ok((to.unwrap_or_default(), from, reference))
    }
}

impl HardenReservation {
    /// The strategy, when one is given, and the place to be near to.
    pub(super) fn read(&self, usual: Strategy) -> Result<(Strategy, Option<String>)> {
        let mut reader = Reader::default();
        let strategy = reader.named("strategy", self.strategy.as_ref()).unwrap_or(usual);
        let near = reader.place("near", self.near.as_ref());
        if near.is_some() && strategy != Strategy::Nearest {
            reader.refuse("near", "is for the strategy NEAREST only");
        }
        reader.done()?;
        Ok((strategy, near))
    }
}

impl ChangeReservation {
    pub(super) fn read(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
        let mut reader = Reader::default();
        let at = match &self.expires_at {
            None => {
                reader.refuse("expires_at", "must be given: a time, or null for never");
                None
            }
            Some(at) => reader.expiry(at.as_ref(), now),
        };
        reader.done()?;
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn fields(request: &NewReservation) -> Vec<String> {
        request.read(now()).unwrap_err().fields.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let bad = NewReservation {
            kind: Some("FIRM".into()),
            item: String::new(),
            quantity: NumberText("-1".into()),
            strategy: Some("ANY".into()),
            near: Some("x".repeat(200)),
            expires_at: Some("yesterday".into()),
            expires_in_seconds: Some(0),
            needed_at: Some("9999-01-01T00:00:00Z".into()),
            reference: Some("a\nb".into()),
            priority: Some(-1),
            ..Default::default()
        };
        let expected = [
            "kind",
            "item",
            "quantity",
            "strategy",
            "near",
            "near",
            "expires_at",
            "expires_in_seconds",
            "needed_at",
            "reference",
            "priority",
        ];
        assert_eq!(fields(&bad), expected);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let good = NewReservation { item: "A".into(), quantity: NumberText("1".into()), ..Default::default() };
        let draft = good.read(now()).unwrap();
        assert_eq!((draft.kind, draft.strategy, draft.expires_at), (ReservationKind::Hard, Strategy::Fefo, None));
        let both =
            NewReservation { expires_at: Some("2027-02-01T00:00:00Z".into()), expires_in_seconds: Some(5), ..good.clone() };
        assert_eq!(fields(&both), ["expires_in_seconds"]);
        let soft =
            NewReservation { kind: Some("soft".into()), location: Some("A".into()), lot: Some("L".into()), ..good.clone() };
        assert_eq!(fields(&soft), ["location", "lot"]);
        let past = NewReservation { expires_at: Some("2026-02-01T00:00:00Z".into()), ..good.clone() };
        assert_eq!(fields(&past), ["expires_at"]);
        let long = NewReservation { expires_in_seconds: Some(31_536_001), ..good };
        assert_eq!(fields(&long), ["expires_in_seconds"]);
    }

    #[test]
    fn absent_and_null_differ_in_a_change() {
        let read = |json: &str| serde_json::from_str::<ChangeReservation>(json).unwrap().read(now());
        assert!(read("{}").is_err());
        assert_eq!(read(r#"{"expires_at": null}"#).unwrap(), None);
        assert!(read(r#"{"expires_at": "2027-02-01T00:00:00Z"}"#).unwrap().is_some());
    }
}
