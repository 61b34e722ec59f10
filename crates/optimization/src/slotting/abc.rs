use serde::{Deserialize, Serialize};

use super::{InvalidInput, check};
use crate::putaway::Abc;

/// Of what a cut-off is a share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AbcShare {
    /// Of the number of items.
    #[default]
    Items,
    /// Of the total of all values: with 0.80 and 0.15 the classical Pareto analysis.
    Total,
}

/// Pareto cut-offs. By default the top 20 % of the items are A, the next 30 % B.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AbcCutoffs {
    pub a: f64,
    /// What follows A, not A and B together.
    pub b: f64,
    pub of: AbcShare,
}

impl Default for AbcCutoffs {
    fn default() -> Self {
        Self { a: 0.20, b: 0.30, of: AbcShare::Items }
    }
}

impl AbcCutoffs {
    pub fn validate(&self) -> Result<(), InvalidInput> {
        check("a", (0.0..=1.0).contains(&self.a), "must be from 0 to 1")?;
        check("b", (0.0..=1.0).contains(&self.b), "must be from 0 to 1")?;
        check("b", self.a + self.b <= 1.0 + 1e-9, "must be at most 1 together with a")
    }
}

/// The class of each item by its value: picks, or picks × unit value, or anything else that is at least 0.
///
/// Items are ranked by falling value. An item belongs to A while the share before it is below `a`, to B while it is below
/// `a + b`. Equal values have equal classes, the better one when a cut-off falls among them. Items of value 0 are C, whatever the
/// cut-offs. No items, no classes.
pub fn classify(values: &[f64], cutoffs: &AbcCutoffs) -> Result<Vec<Abc>, InvalidInput> {
    cutoffs.validate()?;
    if let Some(n) = values.iter().position(|value| !(value.is_finite() && *value >= 0.0)) {
        return Err(InvalidInput::new(format!("values[{n}]"), "must be a number, 0 or more"));
    }
    let total: f64 = match cutoffs.of {
        AbcShare::Items => values.len() as f64,
        AbcShare::Total => values.iter().sum(),
    };
    let mut classes = vec![Abc::C; values.len()];
    let ranked = super::strategy::by_value(values);
    let mut before = 0.0;
    for ties in ranked.chunk_by(|one, other| values[*one] == values[*other]) {
        let value = values[ties[0]];
        if value == 0.0 {
            break;
        }
        // A share that is a cut-off but for rounding is the cut-off.
        let share = before / total + 1e-12;
        let class = if share < cutoffs.a {
            Abc::A
        } else if share < cutoffs.a + cutoffs.b {
            Abc::B
        } else {
            Abc::C
        };
        ties.iter().for_each(|item| classes[*item] = class);
        before += ties.len() as f64 * if cutoffs.of == AbcShare::Items { 1.0 } else { value };
    }
    Ok(classes)
}
