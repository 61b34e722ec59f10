use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::InvalidInput;

pub const MAX_FEATURES: usize = 256;
/// The most levels of a category; each needs a bin of its own.
pub const MAX_LEVELS: usize = 255;
const MAX_NAME_BYTES: usize = 200;

/// What a feature holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Number,
    /// One of a closed list. Levels are coded by their place in it, never by what was decided, and a split cuts the list in
    /// two: levels that behave alike (A, B, C; LOW, GOLDEN, HIGH) should stand side by side.
    Category {
        levels: Vec<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    pub name: String,
    pub kind: Kind,
}

impl Feature {
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: Kind::Number }
    }

    pub fn category<T: Into<String>>(name: impl Into<String>, levels: impl IntoIterator<Item = T>) -> Self {
        Self { name: name.into(), kind: Kind::Category { levels: levels.into_iter().map(Into::into).collect() } }
    }
}

/// What was known of one feature when the recommendation was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Missing,
    /// NaN counts as missing.
    Number(f64),
    /// A level; one that the schema does not list (a newer one) counts as missing.
    Text(String),
}

/// The features of a model: names and types, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Feature>", into = "Vec<Feature>")]
pub struct Schema {
    features: Vec<Feature>,
}

impl Schema {
    /// 1 to [`MAX_FEATURES`] features with different names; a category has 1 to [`MAX_LEVELS`] different levels.
    pub fn new(features: Vec<Feature>) -> Result<Self, InvalidInput> {
        if features.is_empty() || features.len() > MAX_FEATURES {
            return Err(InvalidInput::new("schema", format!("must have 1 to {MAX_FEATURES} features, not {}", features.len())));
        }
        let mut names = BTreeSet::new();
        for Feature { name, kind } in &features {
            let field = || format!("schema.{name}");
            if name.is_empty() || name.len() > MAX_NAME_BYTES {
                return Err(InvalidInput::new("schema", format!("names must have 1 to {MAX_NAME_BYTES} bytes")));
            }
            if !names.insert(name) {
                return Err(InvalidInput::new(field(), "stands twice: give each feature a name of its own"));
            }
            if let Kind::Category { levels } = kind {
                if levels.is_empty() || levels.len() > MAX_LEVELS {
                    return Err(InvalidInput::new(field(), format!("must have 1 to {MAX_LEVELS} levels, not {}", levels.len())));
                }
                if levels.iter().collect::<BTreeSet<_>>().len() != levels.len() {
                    return Err(InvalidInput::new(field(), "lists a level twice"));
                }
            }
        }
        Ok(Self { features })
    }

    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Brings named values, as they are stored with a recommendation, into the schema's order. Refuses by name what the schema
    /// does not know and what it needs and does not find; what is merely unknown must be there as [`Value::Missing`].
    pub fn row(&self, named: &BTreeMap<String, Value>) -> Result<Vec<Value>, InvalidInput> {
        if let Some(name) = named.keys().find(|name| !self.features.iter().any(|feature| feature.name == **name)) {
            return Err(InvalidInput::new(name, "is no feature of the model"));
        }
        let value = |feature: &Feature| {
            named
                .get(&feature.name)
                .cloned()
                .ok_or_else(|| InvalidInput::new(&feature.name, "is needed by the model (null if unknown)"))
        };
        self.features.iter().map(value).collect()
    }

    /// For each of our features the column of `other` that has it, whatever their order.
    pub(super) fn columns_in(&self, other: &Self) -> Result<Vec<usize>, InvalidInput> {
        if let Some(feature) = other.features.iter().find(|theirs| !self.features.iter().any(|ours| ours.name == theirs.name)) {
            return Err(InvalidInput::new(&feature.name, "is no feature of the model"));
        }
        let column = |ours: &Feature| match other.features.iter().position(|theirs| theirs.name == ours.name) {
            None => Err(InvalidInput::new(&ours.name, "is needed by the model (null if unknown)")),
            Some(column) if other.features[column].kind != ours.kind => {
                Err(InvalidInput::new(&ours.name, "has another type or other levels than in the model"))
            }
            Some(column) => Ok(column),
        };
        self.features.iter().map(column).collect()
    }
}

impl TryFrom<Vec<Feature>> for Schema {
    type Error = InvalidInput;

    fn try_from(features: Vec<Feature>) -> Result<Self, InvalidInput> {
        Self::new(features)
    }
}

impl From<Schema> for Vec<Feature> {
    fn from(schema: Schema) -> Self {
        schema.features
    }
}

/// Rows of features, stored by column: numbers as they are, levels as their place in the list, NaN where missing.
#[derive(Clone, Debug)]
pub struct Table {
    schema: Schema,
    columns: Vec<Vec<f64>>,
}

impl Table {
    pub fn new(schema: Schema) -> Self {
        let columns = vec![Vec::new(); schema.features.len()];
        Self { schema, columns }
    }

    /// From columns of equal length, coded as the table stores them.
    pub fn from_columns(schema: Schema, columns: Vec<Vec<f64>>) -> Result<Self, InvalidInput> {
        if columns.len() != schema.features.len() {
            let problem = format!("must be {}, one per feature, not {}", schema.features.len(), columns.len());
            return Err(InvalidInput::new("columns", problem));
        }
        for (feature, column) in schema.features.iter().zip(&columns) {
            if column.len() != columns[0].len() {
                return Err(InvalidInput::new(&feature.name, "must have as many rows as the first column"));
            }
            for &value in column {
                check(feature, value)?;
            }
        }
        Ok(Self { schema, columns })
    }

    /// Adds a row, its values in the schema's order.
    pub fn push(&mut self, values: &[Value]) -> Result<(), InvalidInput> {
        if values.len() != self.columns.len() {
            let problem = format!("must be {}, one per feature, not {}", self.columns.len(), values.len());
            return Err(InvalidInput::new("values", problem));
        }
        let coded: Vec<f64> =
            self.schema.features.iter().zip(values).map(|(feature, value)| code(feature, value)).collect::<Result<_, _>>()?;
        for (column, value) in self.columns.iter_mut().zip(coded) {
            column.push(value);
        }
        Ok(())
    }

    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    pub fn rows(&self) -> usize {
        self.columns[0].len()
    }

    pub(super) fn column(&self, feature: usize) -> &[f64] {
        &self.columns[feature]
    }
}

fn code(feature: &Feature, value: &Value) -> Result<f64, InvalidInput> {
    match (&feature.kind, value) {
        (_, Value::Missing) => Ok(f64::NAN),
        (Kind::Number, Value::Number(number)) => check(feature, *number).map(|()| *number),
        (Kind::Category { levels }, Value::Text(text)) => {
            Ok(levels.iter().position(|level| level == text).map_or(f64::NAN, |place| place as f64))
        }
        (Kind::Number, Value::Text(_)) => Err(InvalidInput::new(&feature.name, "must be a number, not a text")),
        (Kind::Category { .. }, Value::Number(_)) => Err(InvalidInput::new(&feature.name, "must be a text, not a number")),
    }
}

fn check(feature: &Feature, value: f64) -> Result<(), InvalidInput> {
    match &feature.kind {
        _ if value.is_nan() => Ok(()),
        Kind::Number if value.is_infinite() => Err(InvalidInput::new(&feature.name, "must be finite")),
        Kind::Category { levels } if !(value >= 0.0 && value < levels.len() as f64 && value.fract() == 0.0) => {
            Err(InvalidInput::new(&feature.name, format!("must be the place of one of {} levels", levels.len())))
        }
        _ => Ok(()),
    }
}
