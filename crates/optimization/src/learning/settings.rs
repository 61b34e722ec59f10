use serde::{Deserialize, Serialize};

use super::InvalidInput;
use super::bins::MAX_EDGES;
use super::tree::MAX_LEAVES;

pub(super) const MAX_ROUNDS: u32 = 5_000;
pub(super) const MAX_DEPTH: u16 = 32;

/// How trees are boosted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The most trees; the stopping fold decides how many it really takes.
    pub max_rounds: u32,
    /// The share of each tree's step that is taken.
    pub learning_rate: f64,
    pub max_leaves: u16,
    pub max_depth: u16,
    /// Bins of a number's values; missing ones have another.
    pub max_bins: u16,
    /// The least sum of probability × (1 − probability) in a leaf.
    pub min_child_hessian: f64,
    /// Added to that sum where a leaf's value is computed: pulls small leaves to 0.
    pub lambda: f64,
    /// What a split must take off the summed log loss.
    pub min_gain: f64,
    /// The share of the rows that each tree sees, drawn anew for each.
    pub row_share: f64,
    /// Rounds without progress on the stopping fold after which boosting ends.
    pub patience: u32,
    /// The newest share of the decisions before the validation's: says when to stop, and whether to calibrate.
    pub stopping_share: f64,
    /// The newest share of all decisions: the report is about them, and nothing is learnt from them.
    pub validation_share: f64,
    /// Of the rows drawn. The same history, settings and seed give the same model, byte for byte.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_rounds: 600,
            learning_rate: 0.15,
            max_leaves: 8,
            max_depth: 6,
            max_bins: 255,
            min_child_hessian: 5.0,
            lambda: 1.0,
            min_gain: 0.0,
            row_share: 0.7,
            patience: 20,
            stopping_share: 0.15,
            validation_share: 0.2,
            seed: 0,
        }
    }
}

impl Settings {
    pub fn validate(&self) -> Result<(), InvalidInput> {
        let whole = |field, value: u64, least: u64, most: u64| {
            check(field, (least..=most).contains(&value), &format!("must be from {least} to {most}"))
        };
        whole("max_rounds", self.max_rounds.into(), 1, MAX_ROUNDS.into())?;
        whole("max_leaves", self.max_leaves.into(), 2, MAX_LEAVES.into())?;
        whole("max_depth", self.max_depth.into(), 1, MAX_DEPTH.into())?;
        whole("max_bins", self.max_bins.into(), 2, MAX_EDGES as u64 + 1)?;
        whole("patience", self.patience.into(), 1, MAX_ROUNDS.into())?;
        check("learning_rate", self.learning_rate > 0.0 && self.learning_rate <= 1.0, "must be above 0 and at most 1")?;
        let weight = |value: f64| (1e-3..=1e6).contains(&value);
        check("min_child_hessian", weight(self.min_child_hessian), "must be from 0.001 to 1000000")?;
        check("lambda", (0.0..=1e6).contains(&self.lambda), "must be from 0 to 1000000")?;
        check("min_gain", (0.0..=1e6).contains(&self.min_gain), "must be from 0 to 1000000")?;
        check("row_share", (0.1..=1.0).contains(&self.row_share), "must be from 0.1 to 1")?;
        let part = |value: f64| (0.05..=0.5).contains(&value);
        check("stopping_share", part(self.stopping_share), "must be from 0.05 to 0.5")?;
        check("validation_share", part(self.validation_share), "must be from 0.05 to 0.5")
    }
}

fn check(field: &str, good: bool, mend: &str) -> Result<(), InvalidInput> {
    if good { Ok(()) } else { Err(InvalidInput::new(format!("settings.{field}"), mend)) }
}
