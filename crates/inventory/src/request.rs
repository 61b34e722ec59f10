//! A movement as a caller writes it, and what it says once every text is read.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use kernel::{Code, FieldError, Invalid, Quantity};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use crate::model::{LotDates, MovementKind, QualityStatus};
use crate::{rules, serial};

/// Movements in one request.
pub const MAX_MOVEMENTS: usize = 10_000;

/// One movement to record. Which of `from` and `to` must be given depends on the kind; the virtual side is completed.
///
/// Texts are read one by one, so that a bad value refuses its own movement and is named.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MovementRequest {
    /// RECEIPT, ISSUE, TRANSFER, ADJUSTMENT, STATUS_CHANGE, SCRAP or PRODUCTION.
    #[schema(example = "RECEIPT")]
    pub kind: String,
    /// Id or code.
    #[schema(example = "A-1")]
    pub item: String,
    /// Number of the lot; required exactly when the item is lot-tracked. Goods that come in make the lot when it is new.
    pub lot: Option<String>,
    /// A number or a string, at most 12 digits before and 6 after the point. Greater than 0; an ADJUSTMENT with only `to`
    /// may be negative and then takes away.
    /// May be absent where `serials` are named: then there are as many as those.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "12.5")]
    pub quantity: NumberText,
    /// The base unit or one of the item's units; the base unit when absent.
    pub unit: Option<String>,
    /// A location's id, `FACILITY/CODE`, its bare code when only one facility has it, or SUPPLIER, CUSTOMER, ADJUSTMENT, SCRAP, PRODUCTION.
    pub from: Option<String>,
    /// As `from`.
    #[schema(example = "WH1/RECV-01")]
    pub to: Option<String>,
    /// Status of the goods that move; when absent, the lot's status, or RELEASED without a lot.
    pub quality_status: Option<String>,
    /// For a STATUS_CHANGE only.
    pub from_status: Option<String>,
    /// For a STATUS_CHANGE only.
    pub to_status: Option<String>,
    /// At most 200 characters; required for an ADJUSTMENT.
    pub reason: Option<String>,
    /// The caller's own document, at most 200 characters.
    pub reference: Option<String>,
    /// When it happened (RFC 3339), not in the future; now when absent.
    pub effective_at: Option<String>,
    /// Best-before day of the lot, `2027-01-31`.
    pub expires_on: Option<String>,
    /// Day of manufacture of the lot.
    pub manufactured_on: Option<String>,
    /// Serial numbers of all pieces that move; required exactly when the item is serial-tracked, as many as the quantity, at
    /// most 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serials: Option<Vec<String>>,
}

/// A number as it was written, plain or as a string.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, async_graphql::NewType)]
#[serde(transparent)]
pub struct NumberText(pub String);

impl<'de> Deserialize<'de> for NumberText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = NumberText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number, plain or as a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<NumberText, E> {
        Ok(NumberText(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<NumberText, E> {
        Ok(NumberText(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<NumberText, E> {
        Ok(NumberText(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<NumberText, E> {
        Quantity::number_text(value).map(NumberText).map_err(E::custom)
    }
}

/// A movement whose texts are read; what they refer to is not looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub kind: MovementKind,
    pub item: String,
    pub lot: Option<String>,
    /// In `unit`; may be negative.
    pub quantity: Quantity,
    pub unit: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub statuses: Statuses,
    pub reason: String,
    pub reference: String,
    pub effective_at: Option<DateTime<Utc>>,
    pub dates: LotDates,
    pub serials: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statuses {
    /// The goods keep their status: the given one, or the one that is usual for them.
    Keep(Option<QualityStatus>),
    Change {
        from: QualityStatus,
        to: QualityStatus,
    },
}

impl Statuses {
    /// From what to what, of a STATUS_CHANGE.
    pub fn change(self) -> Option<(QualityStatus, QualityStatus)> {
        match self {
            Self::Keep(_) => None,
            Self::Change { from, to } => Some((from, to)),
        }
    }
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// Collects what cannot be read instead of stopping at the first.
#[derive(Default)]
struct Reader {
    errors: Vec<FieldError>,
}

impl Reader {
    fn read<T>(&mut self, field: &str, value: Result<T, impl fmt::Display>) -> Option<T> {
        value.map_err(|error| self.errors.push(FieldError::new(field, error.to_string()))).ok()
    }

    fn optional<T: FromStr>(&mut self, field: &str, text: &Option<String>, expected: &str) -> Option<T> {
        let text = given(text)?;
        self.read(field, text.parse().map_err(|_| format!("must be {expected}")))
    }

    fn status(&mut self, field: &str, text: &Option<String>) -> Option<QualityStatus> {
        let text = given(text)?;
        self.read(field, text.parse())
    }

    fn statuses(&mut self, request: &MovementRequest, is_change: bool) -> Statuses {
        let keep = self.status("quality_status", &request.quality_status);
        let from = self.status("from_status", &request.from_status);
        let to = self.status("to_status", &request.to_status);
        if !is_change {
            for (field, text) in [("from_status", &request.from_status), ("to_status", &request.to_status)] {
                if given(text).is_some() {
                    self.errors.push(FieldError::new(field, "is for a STATUS_CHANGE only; use quality_status"));
                }
            }
            return Statuses::Keep(keep);
        }
        let mut required = |field: &str, value: Option<QualityStatus>, text: &Option<String>| {
            if value.is_none() && given(text).is_none() {
                self.errors.push(FieldError::new(field, "is required for a STATUS_CHANGE"));
            }
            value.unwrap_or_default()
        };
        let from = required("from_status", from.or(keep), &request.from_status);
        let to = required("to_status", to, &request.to_status);
        Statuses::Change { from, to }
    }
}

impl MovementRequest {
    /// As written, or one piece for each serial number.
    fn quantity(&self, serials: usize) -> Result<Quantity, Invalid> {
        let is_absent = self.quantity.0.trim().is_empty();
        match u32::try_from(serials) {
            Ok(count) if is_absent && count > 0 && given(&self.unit).is_none() => Ok(Quantity::from(count)),
            _ if is_absent => Err(Invalid("must be given, unless serial numbers are and no unit is".into())),
            _ => self.quantity.0.parse(),
        }
    }

    /// Reads every text; the errors name the fields relative to this movement.
    pub fn read(&self) -> Result<Draft, Vec<FieldError>> {
        let mut reader = Reader::default();
        let kind = reader.read("kind", self.kind.parse::<MovementKind>());
        let item = reader.read("item", Code::parse(&self.item)).map(Code::into_string);
        let serials = serial::read(self.serials.as_deref()).unwrap_or_else(|fault| {
            reader.errors.push(fault);
            Vec::new()
        });
        let quantity = reader.read("quantity", self.quantity(serials.len()));
        let lot = given(&self.lot).and_then(|lot| reader.read("lot", Code::parse(lot))).map(Code::into_string);
        let statuses = reader.statuses(self, kind == Some(MovementKind::StatusChange));
        let effective_at = reader.optional("effective_at", &self.effective_at, "a time such as 2027-01-31T08:00:00Z");
        let dates = LotDates {
            manufactured_on: reader.optional::<NaiveDate>("manufactured_on", &self.manufactured_on, "a day such as 2027-01-31"),
            expires_on: reader.optional::<NaiveDate>("expires_on", &self.expires_on, "a day such as 2027-01-31"),
            quality_status: match statuses {
                Statuses::Keep(status) => status,
                Statuses::Change { .. } => None,
            },
        };
        for (field, text, most) in [
            ("unit", &self.unit, Code::MAX_CHARS),
            ("from", &self.from, 2 * Code::MAX_CHARS + 1),
            ("to", &self.to, 2 * Code::MAX_CHARS + 1),
            ("reason", &self.reason, rules::MAX_TEXT_CHARS),
            ("reference", &self.reference, rules::MAX_TEXT_CHARS),
        ] {
            let text = given(text).unwrap_or_default();
            if text.chars().count() > most {
                reader.errors.push(FieldError::new(field, format!("must be at most {most} characters long")));
            } else if text.chars().any(char::is_control) {
                reader.errors.push(FieldError::new(field, "must not contain control characters"));
            }
        }
        let owned = |text: &Option<String>| given(text).map(str::to_owned);
        match (kind, item, quantity) {
            (Some(kind), Some(item), Some(quantity)) if reader.errors.is_empty() => Ok(Draft {
                kind,
                item,
                lot,
                quantity,
                unit: owned(&self.unit),
                from: owned(&self.from),
                to: owned(&self.to),
                statuses,
                reason: owned(&self.reason).unwrap_or_default(),
                reference: owned(&self.reference).unwrap_or_default(),
                effective_at,
                dates,
                serials,
            }),
            _ => Err(reader.errors),
        }
    }
}

/// `quantity` of a unit that holds `factor` base units, in base units; exact or refused.
pub fn in_base(quantity: Quantity, factor: Quantity) -> Result<Quantity, FieldError> {
    let product = quantity.decimal().checked_mul(factor.decimal());
    let exact = product.filter(|product| *product == product.round_dp(Quantity::SCALE));
    let message = "has too many digits once converted to the base unit; give it in the base unit";
    exact.and_then(|product| Quantity::new(product).ok()).ok_or_else(|| FieldError::new("quantity", message))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request() -> MovementRequest {
        MovementRequest {
            kind: "receipt".into(),
            item: " A-1 ".into(),
            quantity: NumberText("2.50".into()),
            ..Default::default()
        }
    }

    fn fields(request: &MovementRequest) -> Vec<String> {
        request.read().unwrap_err().into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn all_faults_of_a_movement_are_named_at_once() {
        let bad = MovementRequest {
            kind: "GIFT".into(),
            item: String::new(),
            quantity: NumberText("NaN".into()),
            lot: Some("x".repeat(65)),
            quality_status: Some("FINE".into()),
            effective_at: Some("yesterday".into()),
            expires_on: Some("31.01.2027".into()),
            reason: Some("a\nb".into()),
            to: Some("x".repeat(130)),
            ..Default::default()
        };
        let expected = ["kind", "item", "quantity", "lot", "quality_status", "effective_at", "expires_on", "to", "reason"];
        assert_eq!(fields(&bad), expected);
    }

    #[test]
    fn empty_texts_are_absent_ones() {
        let draft = MovementRequest { lot: Some("  ".into()), from: Some(String::new()), ..request() }.read().unwrap();
        assert_eq!((draft.item.as_str(), draft.lot, draft.from), ("A-1", None, None));
        assert_eq!((draft.kind, draft.quantity.to_string()), (MovementKind::Receipt, "2.5".into()));
    }

    #[test]
    fn a_status_change_needs_both_statuses_and_nothing_else_takes_them() {
        let change = |from: Option<&str>, to: Option<&str>| MovementRequest {
            kind: "STATUS_CHANGE".into(),
            from_status: from.map(str::to_owned),
            to_status: to.map(str::to_owned),
            ..request()
        };
        assert_eq!(fields(&change(None, Some("HOLD"))), ["from_status"]);
        assert_eq!(fields(&change(Some("HOLD"), None)), ["to_status"]);
        let expected = Statuses::Change { from: QualityStatus::Hold, to: QualityStatus::Released };
        assert_eq!(change(Some("hold"), Some("RELEASED")).read().unwrap().statuses, expected);
        assert_eq!(fields(&MovementRequest { to_status: Some("HOLD".into()), ..request() }), ["to_status"]);
    }

    #[test]
    fn numbers_and_strings_read_alike_and_unknown_fields_are_refused() {
        let read = |json: &str| serde_json::from_str::<MovementRequest>(json);
        let plain = read(r#"{"kind":"RECEIPT","item":"A","quantity":0.1}"#).unwrap();
        let text = read(r#"{"kind":"RECEIPT","item":"A","quantity":"0.1"}"#).unwrap();
        assert_eq!(plain.read(), text.read());
        assert!(read(r#"{"kind":"RECEIPT","item":"A","quantity":1,"quantiti":1}"#).is_err());
        assert!(read(r#"{"kind":"RECEIPT","item":"A","quantity":[1]}"#).is_err());
        assert!(read(r#"{"kind":"RECEIPT","item":"A","quantity":12345678901.123456}"#).is_err(), "would be another number");
        assert!(read(r#"{"kind":"RECEIPT","item":"A","quantity":1e300}"#).unwrap().read().is_err());
    }

    #[test]
    fn conversion_is_exact_or_refused() {
        let q = |text: &str| text.parse::<Quantity>().unwrap();
        assert_eq!(in_base(q("2.5"), q("12")).unwrap(), q("30"));
        assert_eq!(in_base(q("-1"), q("0.5")).unwrap(), q("-0.5"));
        assert_eq!(in_base(q("0.000001"), q("0.1")).unwrap_err().field, "quantity");
        assert_eq!(in_base(q("999999999999"), q("12")).unwrap_err().field, "quantity");
    }

    proptest! {
        #[test]
        fn conversion_agrees_with_integers(whole in -1_000_000_i64..1_000_000, factor in 1_i64..10_000) {
            let converted = in_base(Quantity::from_micro(whole * 1_000_000), Quantity::from_micro(factor * 1_000_000)).unwrap();
            prop_assert_eq!(converted.micro(), whole * factor * 1_000_000);
        }

        #[test]
        fn no_text_makes_the_reader_panic(kind in ".{0,20}", item in ".{0,80}", quantity in ".{0,30}", day in ".{0,12}") {
            let request = MovementRequest { kind, item, quantity: NumberText(quantity), expires_on: Some(day), ..Default::default() };
            let _ = request.read();
        }
    }
}
