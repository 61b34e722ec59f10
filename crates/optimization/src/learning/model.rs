use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::boost::log_odds;
use super::calibration::Calibration;
use super::format::Stored;
use super::tree::Tree;
use super::{InvalidInput, Schema, Table};

/// Foretells whether a recommendation will be accepted. Written and read by serde; reading checks everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Model {
    pub(super) schema: Schema,
    /// By feature, rising: code c is above edge c - 1 and at most edge c.
    pub(super) edges: Vec<Vec<f64>>,
    pub(super) bias: f64,
    pub(super) trees: Vec<Tree>,
    pub(super) calibration: Calibration,
    /// Total gain by feature.
    pub(super) gains: Vec<f64>,
    pub(super) trained_until_us: i64,
    pub(super) decisions: u32,
}

/// How much a feature lowered the log loss in training, as a share of what all did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    pub feature: String,
    pub gain_share: f64,
}

/// One prediction taken apart: `base` + the sum of `features` = `log_odds`, and `probability` = 1 / (1 + e^−`log_odds`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    pub probability: f64,
    pub log_odds: f64,
    /// Log odds before anything is known.
    pub base: f64,
    /// In the schema's order. Each split credits its feature with the change it made (Saabas 2014).
    pub features: Vec<Contribution>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    pub feature: String,
    pub log_odds: f64,
}

impl Model {
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// The latest decision that the model knows, in microseconds since 1970-01-01 UTC.
    pub fn trained_until_us(&self) -> i64 {
        self.trained_until_us
    }

    /// How many decisions it was trained on.
    pub fn decisions(&self) -> u32 {
        self.decisions
    }

    /// Whether Platt's scaling corrects the trees.
    pub fn is_scaled(&self) -> bool {
        self.calibration != Calibration::NONE
    }

    /// The most important first; of equals in the schema's order.
    pub fn importance(&self) -> Vec<Importance> {
        let total: f64 = self.gains.iter().sum();
        let share = |gain: f64| if total > 0.0 { gain / total } else { 0.0 };
        let names = self.schema.features().iter().map(|feature| feature.name.clone());
        let mut all: Vec<Importance> =
            names.zip(&self.gains).map(|(feature, &gain)| Importance { feature, gain_share: share(gain) }).collect();
        all.sort_by(|a, b| b.gain_share.total_cmp(&a.gain_share));
        all
    }

    /// The probability of acceptance by row. A table with other features than the model's is refused, naming one; their order
    /// does not matter. The answer for a row does not depend on the others.
    pub fn predict(&self, candidates: &Table) -> Result<Vec<f64>, InvalidInput> {
        let bins = self.bins(candidates, None)?;
        Ok(self.scores(&bins).into_iter().map(|score| self.calibration.probability(score)).collect())
    }

    /// [`Model::predict`] for the given rows of the table.
    pub(super) fn predict_rows(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, InvalidInput> {
        let bins = self.bins(table, Some(rows))?;
        Ok(self.scores(&bins).into_iter().map(|score| self.calibration.probability(score)).collect())
    }

    /// Why a row gets its probability.
    pub fn explain(&self, candidates: &Table, row: usize) -> Result<Explanation, InvalidInput> {
        if row >= candidates.rows() {
            return Err(InvalidInput::new("row", format!("must be below {}", candidates.rows())));
        }
        let bins = self.bins(candidates, Some(&[row as u32]))?;
        let (mut base, mut parts) = (self.bias, vec![0.0; self.edges.len()]);
        for tree in &self.trees {
            base += f64::from(tree.nodes[0].value);
            let path: Vec<_> = tree.path(&bins, 0).collect();
            for step in path.windows(2) {
                parts[usize::from(step[0].feature)] += f64::from(step[1].value) - f64::from(step[0].value);
            }
        }
        let Calibration { slope, .. } = self.calibration;
        let names = self.schema.features().iter().map(|feature| feature.name.clone());
        let features: Vec<Contribution> =
            names.zip(parts).map(|(feature, part)| Contribution { feature, log_odds: slope * part }).collect();
        let score = self.scores(&bins)[0];
        Ok(Explanation {
            probability: self.calibration.probability(score),
            log_odds: self.calibration.log_odds(score),
            base: self.calibration.log_odds(base),
            features,
        })
    }

    fn bins(&self, table: &Table, rows: Option<&[u32]>) -> Result<Bins, InvalidInput> {
        let places = self.schema.columns_in(table.schema())?;
        let columns: Vec<&[f64]> = places.into_iter().map(|place| table.column(place)).collect();
        Ok(Bins::new(&columns, &self.edges, rows))
    }

    fn scores(&self, bins: &Bins) -> Vec<f64> {
        log_odds(bins, 0, self.bias, &self.trees)
    }
}
