use serde::{Deserialize, Serialize};

use super::metrics::losses;
use super::train::refuse_seen;
use super::{History, InvalidInput, Model};

/// Fewer decisions than these change no model.
pub const MIN_HELD_OUT: usize = 100;
/// The 97.5th percentile of the standard normal distribution.
const NORMAL_975: f64 = 1.959_963_984_540_054;

/// Whether a new model should take the place of the present one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub decisions: usize,
    pub champion_log_loss: f64,
    pub challenger_log_loss: f64,
    /// Champion's minus challenger's mean log loss: above 0 the challenger is better.
    pub improvement: f64,
    /// 95 % confidence interval of `improvement`, from the paired differences.
    pub interval: (f64, f64),
    pub verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// The whole interval is above 0.
    Replace,
    /// The whole interval is below 0.
    KeepBetter,
    /// The interval holds 0: the difference may be chance.
    KeepUnproven,
    /// There are fewer than [`MIN_HELD_OUT`] decisions.
    KeepTooFew,
}

impl Verdict {
    pub fn replaces(self) -> bool {
        self == Self::Replace
    }
}

impl Comparison {
    /// The verdict in words, with its figures.
    pub fn reason(&self) -> String {
        let (low, high) = self.interval;
        let figures = format!("improvement of the log loss {:.5} (95 % from {low:.5} to {high:.5})", self.improvement);
        let decisions = self.decisions;
        match self.verdict {
            Verdict::Replace => format!("replace: the challenger is better on {decisions} later decisions, {figures}"),
            Verdict::KeepBetter => format!("keep: the champion is better on {decisions} later decisions, {figures}"),
            Verdict::KeepUnproven => format!("keep: no difference is proved by {decisions} later decisions, {figures}"),
            Verdict::KeepTooFew => format!("keep: {decisions} later decisions are too few, {MIN_HELD_OUT} are needed"),
        }
    }
}

/// Compares two models on the same decisions, all of them later than what either was trained on.
///
/// Refuses decisions that one of them may know, and features that one of them does not have.
pub fn compare(champion: &Model, challenger: &Model, held_out: &History) -> Result<Comparison, InvalidInput> {
    let loss = |model: &Model| {
        refuse_seen(model, held_out)?;
        Ok(losses(&model.predict(&held_out.table)?, &held_out.accepted).collect::<Vec<f64>>())
    };
    let (old, new) = (loss(champion)?, loss(challenger)?);
    let n = old.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let differences: Vec<f64> = old.iter().zip(&new).map(|(old, new)| old - new).collect();
    let improvement = mean(&differences);
    let squares: f64 = differences.iter().map(|difference| (difference - improvement).powi(2)).sum();
    let half_width = NORMAL_975 * (squares / (n - 1.0).max(1.0) / n).sqrt();
    let interval = (improvement - half_width, improvement + half_width);
    let verdict = match interval {
        _ if old.len() < MIN_HELD_OUT => Verdict::KeepTooFew,
        (low, _) if low > 0.0 => Verdict::Replace,
        (_, high) if high < 0.0 => Verdict::KeepBetter,
        _ => Verdict::KeepUnproven,
    };
    Ok(Comparison {
        decisions: old.len(),
        champion_log_loss: mean(&old),
        challenger_log_loss: mean(&new),
        improvement,
        interval,
        verdict,
    })
}
