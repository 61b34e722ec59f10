use std::collections::BTreeMap;

use kernel::{FieldError, LengthUnit, MassUnit, VolumeUnit};
use serde::{Deserialize, Serialize};

use super::Table;
use crate::{Error, Result};

/// What a column measures, if anything; it decides which units its header may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasureKind {
    Length,
    Weight,
    Volume,
}

/// One column that an importer understands.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Lower case with underscores, and no unit.
    pub name: &'static str,
    /// For the documentation: what to write, with an example.
    pub meaning: &'static str,
    pub required: bool,
    /// The key columns together name the thing; a second row with the same key is refused.
    pub key: bool,
    pub measure: Option<MeasureKind>,
}

impl Column {
    pub const fn text(name: &'static str, meaning: &'static str) -> Self {
        Self { name, meaning, required: false, key: false, measure: None }
    }

    pub const fn measure(name: &'static str, kind: MeasureKind, meaning: &'static str) -> Self {
        Self { measure: Some(kind), ..Self::text(name, meaning) }
    }

    /// Must stand in the header and be filled in every row.
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub const fn key(self) -> Self {
        Self { key: true, ..self }
    }
}

/// Units of columns whose header names none; mm, g and cm³ when not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Units {
    #[schema(value_type = Option<String>, example = "cm")]
    pub length_unit: Option<LengthUnit>,
    #[schema(value_type = Option<String>, example = "kg")]
    pub weight_unit: Option<MassUnit>,
    #[schema(value_type = Option<String>, example = "l")]
    pub volume_unit: Option<VolumeUnit>,
}

/// Where a column was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ColumnUse {
    /// Our name.
    pub column: String,
    /// The header in the file.
    pub header: String,
    /// The unit that its numbers are in, for lengths, weights and volumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Length(LengthUnit),
    Weight(MassUnit),
    Volume(VolumeUnit),
}

impl Unit {
    fn parse(kind: MeasureKind, symbol: &str) -> Option<Self> {
        match kind {
            MeasureKind::Length => LengthUnit::parse(symbol).ok().map(Self::Length),
            MeasureKind::Weight => MassUnit::parse(symbol).ok().map(Self::Weight),
            MeasureKind::Volume => VolumeUnit::parse(symbol).ok().map(Self::Volume),
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Self::Length(unit) => unit.symbol(),
            Self::Weight(unit) => unit.symbol(),
            Self::Volume(unit) => unit.symbol(),
        }
    }

    fn option(kind: MeasureKind, units: &Units) -> (&'static str, Option<Self>, Self) {
        match kind {
            MeasureKind::Length => ("length_unit", units.length_unit.map(Self::Length), Self::Length(LengthUnit::Mm)),
            MeasureKind::Weight => ("weight_unit", units.weight_unit.map(Self::Weight), Self::Weight(MassUnit::G)),
            MeasureKind::Volume => ("volume_unit", units.volume_unit.map(Self::Volume), Self::Volume(VolumeUnit::Cm3)),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Place {
    pub column: Column,
    pub index: usize,
    pub header: String,
    pub unit: Option<Unit>,
}

/// Which column of the file is which of ours, and in which unit.
#[derive(Debug)]
pub struct Layout {
    pub(super) places: Vec<Place>,
    /// Headers that nothing of ours is called.
    pub ignored: Vec<String>,
    pub notes: Vec<String>,
}

impl Layout {
    /// Finds `columns` in the table's header: by `map` (ours = theirs) first, else by name, a unit at the end of the header aside.
    /// Every fault is reported at once, with the nearest name that does exist.
    pub fn find(table: &Table, columns: &[Column], map: &BTreeMap<String, String>, units: &Units) -> Result<Self> {
        let mut layout = Self { places: Vec::new(), ignored: Vec::new(), notes: Vec::new() };
        let mut faults: Vec<FieldError> = unknown_names(columns, map);
        for column in columns {
            let index = match map.get(column.name) {
                Some(theirs) => mapped(table, column, theirs, &mut faults),
                None => named(table, column, &layout, &mut faults),
            };
            if let Some(index) = index {
                layout.add(table, column, index, units, &mut faults);
            }
        }
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        layout.note_ignored(table, columns);
        Ok(layout)
    }

    pub fn uses(&self) -> Vec<ColumnUse> {
        let describe = |place: &Place| ColumnUse {
            column: place.column.name.into(),
            header: place.header.clone(),
            unit: place.unit.map(|unit| unit.symbol().into()),
        };
        self.places.iter().map(describe).collect()
    }

    pub(super) fn place(&self, column: &str) -> Option<&Place> {
        self.places.iter().find(|place| place.column.name == column)
    }

    fn add(&mut self, table: &Table, column: &Column, index: usize, units: &Units, faults: &mut Vec<FieldError>) {
        let header = table.headers[index].clone();
        let mut unit = None;
        if let Some(kind) = column.measure {
            let in_header = split_unit(&normalise(&header), kind).1;
            let (option, given, base) = Unit::option(kind, units);
            match (in_header, given) {
                (Some(named), Some(given)) if named != given => {
                    let message = format!(
                        "says {} but the header {header:?} says {}; leave the option out",
                        given.symbol(),
                        named.symbol()
                    );
                    faults.push(FieldError::new(option, message));
                }
                (None, None) => {
                    self.notes.push(format!("the header {header:?} names no unit; its numbers were read as {}", base.symbol()))
                }
                _ => {}
            }
            unit = Some(in_header.or(given).unwrap_or(base));
        }
        self.places.push(Place { column: *column, index, header, unit });
    }

    fn note_ignored(&mut self, table: &Table, columns: &[Column]) {
        for (index, header) in table.headers.iter().enumerate() {
            if header.is_empty() || self.places.iter().any(|place| place.index == index) {
                continue;
            }
            let free = columns.iter().filter(|column| self.place(column.name).is_none()).map(|column| column.name);
            if let Some(near) = nearest(header, free) {
                self.notes.push(format!("the column {header:?} was ignored; did you mean {near:?}?"));
            }
            self.ignored.push(header.clone());
        }
    }
}

fn unknown_names(columns: &[Column], map: &BTreeMap<String, String>) -> Vec<FieldError> {
    let names = || columns.iter().map(|column| column.name);
    map.keys()
        .filter(|ours| !names().any(|name| name == ours.as_str()))
        .map(|ours| FieldError::new("map", format!("{ours:?} is not a column here; {}", suggest(ours, names()))))
        .collect()
}

fn mapped(table: &Table, column: &Column, theirs: &str, faults: &mut Vec<FieldError>) -> Option<usize> {
    let exact = table.headers.iter().position(|header| header == theirs.trim());
    let found = exact.or_else(|| table.headers.iter().position(|header| normalise(header) == normalise(theirs)));
    if found.is_none() {
        let hint = suggest(theirs, table.headers.iter().map(String::as_str));
        faults.push(FieldError::new("map", format!("{}={theirs}: the file has no column {theirs:?}; {hint}", column.name)));
    }
    found
}

fn named(table: &Table, column: &Column, layout: &Layout, faults: &mut Vec<FieldError>) -> Option<usize> {
    let is_ours = |header: &str| {
        let plain = normalise(header);
        plain == column.name || column.measure.is_some_and(|kind| split_unit(&plain, kind).0 == column.name)
    };
    let taken = |index: usize| layout.places.iter().any(|place| place.index == index);
    let found: Vec<usize> = (0..table.headers.len()).filter(|index| !taken(*index) && is_ours(&table.headers[*index])).collect();
    match found.as_slice() {
        [] if column.required => {
            let hint = suggest(column.name, table.headers.iter().map(String::as_str));
            let message = format!("the file has no column {:?}; {hint}, or name it by map: {}=THEIRS", column.name, column.name);
            faults.push(FieldError::new(column.name, message));
            None
        }
        [] => None,
        [one] => Some(*one),
        [first, second, ..] => {
            let (first, second) = (&table.headers[*first], &table.headers[*second]);
            let message = format!(
                "the columns {first:?} and {second:?} are both {}; say which by map: {}=THEIRS",
                column.name, column.name
            );
            faults.push(FieldError::new(column.name, message));
            None
        }
    }
}

/// `Length [cm]` becomes `length_cm`.
fn normalise(header: &str) -> String {
    let mut name = String::with_capacity(header.len());
    for c in header.chars().flat_map(char::to_lowercase) {
        match c {
            '³' => name.push('3'),
            c if c.is_alphanumeric() => name.push(c),
            _ if name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    name.trim_matches('_').to_owned()
}

/// `length_cm` is `length` in cm; what does not end in a unit has none.
fn split_unit(name: &str, kind: MeasureKind) -> (&str, Option<Unit>) {
    let split = name.rsplit_once('_').and_then(|(stem, symbol)| Some((stem, Some(Unit::parse(kind, symbol)?))));
    split.unwrap_or((name, None))
}

fn suggest<'a>(wanted: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(wanted, names.clone()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => {
            let all: Vec<String> = names.take(30).map(|name| super::excerpt(name, 40)).collect();
            format!("known are {}", all.join(", "))
        }
    }
}

/// The name that differs least, if it differs by little: at most a third of its letters.
fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = normalise(wanted);
    names
        .map(|name| (distance(&wanted, &normalise(name)), name))
        .filter(|(distance, name)| *distance <= (name.chars().count().max(wanted.chars().count()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance; of the first 64 characters, which bounds the work for any header.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
