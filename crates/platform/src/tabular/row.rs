use std::str::FromStr as _;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use csv::StringRecord;
use kernel::{Invalid, Quantity};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::columns::{Layout, Unit};
use super::decode::excerpt;

/// One cell, or a whole row, that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BadCell {
    /// The line of the file on which the row begins; the header is line 1.
    pub line: u64,
    /// The header of the column; absent when the row as a whole is at fault.
    pub column: Option<String>,
    /// The beginning of what stands there.
    pub value: String,
    /// Why it cannot be taken.
    pub reason: String,
    /// What to do about it.
    pub mend: String,
}

impl BadCell {
    pub(super) fn new(column: Option<String>, value: &str, reason: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { line: 0, column, value: excerpt(value, 80), reason: reason.into(), mend: mend.into() }
    }
}

/// One row of a file with what was found wrong with it. A cell that is absent or blank reads as `None`, which is no fault;
/// one that cannot be understood reads as `None` too and leaves a [`BadCell`].
#[derive(Clone, Debug)]
pub struct Row {
    pub line: u64,
    /// How many rows above have the same key, where an importer takes such rows for several of the same thing.
    pub occurrence: u64,
    record: StringRecord,
    layout: Arc<Layout>,
    bad: Vec<BadCell>,
}

impl Row {
    pub(crate) fn new(line: u64, record: StringRecord, layout: Arc<Layout>) -> Self {
        Self { line, occurrence: 0, record, layout, bad: Vec::new() }
    }

    /// A row with a fault is not to be written.
    pub fn is_bad(&self) -> bool {
        !self.bad.is_empty()
    }

    pub fn into_bad(self) -> Vec<BadCell> {
        self.bad
    }

    /// Whether the file has this column at all.
    pub fn has(&self, column: &str) -> bool {
        self.layout.place(column).is_some()
    }

    /// The cell without surrounding white space.
    pub fn text(&self, column: &str) -> Option<&str> {
        let place = self.layout.place(column)?;
        self.record.get(place.index).map(str::trim).filter(|cell| !cell.is_empty())
    }

    /// The cell as whatever `parse` makes of it.
    pub fn parse<T>(&mut self, column: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        match parse(self.text(column)?) {
            Ok(value) => Some(value),
            Err(Invalid(reason)) => {
                self.refuse(column, reason);
                None
            }
        }
    }

    /// An exact decimal number with a point; no exponent, no thousands separator.
    pub fn decimal(&mut self, column: &str) -> Option<Decimal> {
        self.parse(column, decimal)
    }

    pub fn quantity(&mut self, column: &str) -> Option<Quantity> {
        self.parse(column, Quantity::from_str)
    }

    /// A whole number within the bounds, both included.
    pub fn integer(&mut self, column: &str, least: i64, most: i64) -> Option<i64> {
        self.parse(column, |text| {
            let value = decimal(text)?;
            let whole = i64::try_from(value.normalize()).ok().filter(|_| value.fract().is_zero());
            whole
                .filter(|value| (least..=most).contains(value))
                .ok_or_else(|| Invalid(format!("must be a whole number from {least} to {most}")))
        })
    }

    /// RFC 3339; or a day with or without a time, which is taken as UTC.
    pub fn time(&mut self, column: &str) -> Option<DateTime<Utc>> {
        self.parse(column, time)
    }

    /// yes/no, true/false, y/n, 1/0.
    pub fn flag(&mut self, column: &str) -> Option<bool> {
        self.parse(column, |text| match text.to_ascii_lowercase().as_str() {
            "yes" | "y" | "true" | "t" | "1" | "x" => Ok(true),
            "no" | "n" | "false" | "f" | "0" => Ok(false),
            _ => Err(Invalid("must be yes or no".into())),
        })
    }

    /// A length, weight or volume in whole mm, g or cm³, from 1 to `most`; what is positive but rounds to 0 is taken as 1,
    /// because nothing real has no size.
    pub fn measure(&mut self, column: &str, most: i64) -> Option<i64> {
        let unit = self.layout.place(column)?.unit;
        self.parse(column, |text| {
            let value = decimal(text)?;
            if value.is_zero() {
                return Err(Invalid("must be greater than 0, or empty when not known".into()));
            }
            let base = match unit {
                Some(Unit::Length(unit)) => unit.to_base(value)?,
                Some(Unit::Weight(unit)) => unit.to_base(value)?,
                Some(Unit::Volume(unit)) => unit.to_base(value)?,
                None => return Err(Invalid("is not in a column of lengths, weights or volumes".into())),
            };
            if base > most { Err(Invalid("is too large".into())) } else { Ok(base.max(1)) }
        })
    }

    /// Marks the cell as one that cannot be taken; `reason` as in `must be one of A, B, C`.
    pub fn refuse(&mut self, column: &str, reason: impl Into<String>) {
        let may_be_empty = self.layout.place(column).is_none_or(|place| !place.column.required);
        self.refuse_with(column, reason, if may_be_empty { "correct the cell, or leave it empty" } else { "correct the cell" });
    }

    /// As [`Row::refuse`], with what to do about it.
    pub fn refuse_with(&mut self, column: &str, reason: impl Into<String>, mend: impl Into<String>) {
        let header = self.layout.place(column).map(|place| place.header.clone());
        let value = self.text(column).unwrap_or_default().to_owned();
        let bad =
            BadCell { line: self.line, ..BadCell::new(Some(header.unwrap_or_else(|| column.to_owned())), &value, reason, mend) };
        self.bad.push(bad);
    }

    pub(crate) fn refuse_shape(&mut self, bad: BadCell) {
        self.bad.push(BadCell { line: self.line, ..bad });
    }

    /// The key columns' cells, as one text; empty cells are marked when they are required.
    pub(crate) fn key(&mut self) -> Option<String> {
        let layout = self.layout.clone();
        for place in layout.places.iter().filter(|place| place.column.required) {
            if self.text(place.column.name).is_none() {
                self.refuse_with(place.column.name, "must not be empty", "fill in the cell, or remove the row");
            }
        }
        let keys = layout.places.iter().filter(|place| place.column.key);
        let cells: Vec<&str> = keys.map(|place| self.text(place.column.name).unwrap_or_default()).collect();
        let named = cells.iter().any(|cell| !cell.is_empty());
        named.then(|| cells.join("\u{1f}"))
    }
}

fn decimal(text: &str) -> Result<Decimal, Invalid> {
    Decimal::from_str_exact(text).map_err(|_| {
        let only = |allowed: &str| text.chars().all(|c| c.is_ascii_digit() || allowed.contains(c));
        Invalid(match text {
            _ if only("+-.") => "must have at most 28 digits".into(),
            _ if only("+-., '") => "must be written with a point and without thousands separators, such as 1234.5".into(),
            _ => "must be a number such as 12.5".into(),
        })
    })
}

fn time(text: &str) -> Result<DateTime<Utc>, Invalid> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let plain = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let local = plain.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let local = local.or_else(|| text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN)));
    local
        .map(|local| local.and_utc())
        .ok_or_else(|| Invalid("must be a time such as 2011-06-01T08:26:00Z or 2011-06-01 08:26 (UTC)".into()))
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;

    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let read = |text: &str| time(text).map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
        for text in ["2010-12-01 08:26:00", "2010-12-01 08:26", "2010-12-01T08:26:00", "2010-12-01T09:26:00+01:00"] {
            assert_eq!(read(text).as_deref(), Ok("2010-12-01T08:26:00Z"), "{text}");
        }
        assert_eq!(read("2010-12-01").as_deref(), Ok("2010-12-01T00:00:00Z"));
        for text in ["", "12/1/2010 8:26", "2010-13-01", "yesterday"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
