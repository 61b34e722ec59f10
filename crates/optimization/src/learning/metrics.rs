use serde::{Deserialize, Serialize};

use super::InvalidInput;
use super::random::Random;

/// Bins of the reliability curve and of the calibration error.
pub const RELIABILITY_BINS: usize = 10;
/// Probabilities are kept this far from 0 and 1 where their logarithm is taken.
const LEAST_PROBABILITY: f64 = 1e-15;

/// How good probabilities were, by what happened. Shares, not percent; `None` where it is not defined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    pub decisions: usize,
    pub accepted: usize,
    /// Of decisions foretold right, at a threshold of 0.5.
    pub accuracy: f64,
    /// Of those foretold as accepted, how many were. `None` when none was foretold.
    pub precision: Option<f64>,
    /// Of the accepted, how many were foretold. `None` when none was accepted.
    pub recall: Option<f64>,
    /// Harmonic mean of both.
    pub f1: Option<f64>,
    /// Area under the receiver operating characteristic; ties count half. `None` with one class only.
    pub auc: Option<f64>,
    /// Mean squared error of the probability (Brier 1950).
    pub brier: f64,
    /// Mean negative log likelihood, natural logarithm.
    pub log_loss: f64,
    /// Log loss of the constant that fits these decisions best: a model must stay below.
    pub base_log_loss: f64,
    /// Expected calibration error: mean distance of probability and share accepted over bins of equal mass.
    pub calibration_error: f64,
    /// What 95 % of perfectly calibrated models would stay below with these probabilities, by simulation.
    pub calibration_band: f64,
    pub reliability: Vec<ReliabilityBin>,
}

/// Decisions with similar probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    pub decisions: usize,
    pub mean_probability: f64,
    pub accepted_share: f64,
}

impl Metrics {
    /// Of at least one decision; `probabilities` are from 0 to 1, `accepted` has as many rows. `seed` is that of the simulation.
    pub fn of(probabilities: &[f64], accepted: &[bool], seed: u64) -> Result<Self, InvalidInput> {
        if accepted.is_empty() || probabilities.len() != accepted.len() {
            let problem =
                format!("must have one or more rows, as many as probabilities ({}), not {}", probabilities.len(), accepted.len());
            return Err(InvalidInput::new("accepted", problem));
        }
        if !probabilities.iter().all(|probability| (0.0..=1.0).contains(probability)) {
            return Err(InvalidInput::new("probabilities", "must be from 0 to 1"));
        }
        let count = |wanted: &dyn Fn(f64, bool) -> bool| {
            probabilities.iter().zip(accepted).filter(|&(&probability, &accepted)| wanted(probability, accepted)).count()
        };
        let true_positive = count(&|p, accepted| p >= 0.5 && accepted);
        let foretold = count(&|p, _| p >= 0.5);
        let positives = count(&|_, accepted| accepted);
        let right = count(&|p, accepted| (p >= 0.5) == accepted);
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let n = accepted.len() as f64;
        let rate = positives as f64 / n;
        let sorted = by_probability(probabilities, accepted);
        let bins = equal_mass(&sorted);
        Ok(Self {
            decisions: accepted.len(),
            accepted: positives,
            accuracy: right as f64 / n,
            precision: share(true_positive, foretold),
            recall: share(true_positive, positives),
            f1: share(2 * true_positive, foretold + positives),
            auc: auc(&sorted, positives),
            brier: probabilities.iter().zip(accepted).map(|(p, &a)| (p - f64::from(u8::from(a))).powi(2)).sum::<f64>() / n,
            log_loss: losses(probabilities, accepted).sum::<f64>() / n,
            base_log_loss: rate * loss(rate, true) + (1.0 - rate) * loss(rate, false),
            calibration_error: calibration_error(&bins),
            calibration_band: calibration_band(&sorted, seed),
            reliability: bins,
        })
    }

    /// The share of the constant's log loss that the model takes away; not above 0: it foretells nothing.
    pub fn skill(&self) -> f64 {
        if self.base_log_loss > 0.0 { 1.0 - self.log_loss / self.base_log_loss } else { 0.0 }
    }
}

/// The log loss of each decision.
pub(super) fn losses(probabilities: &[f64], accepted: &[bool]) -> impl Iterator<Item = f64> {
    probabilities.iter().zip(accepted).map(|(&probability, &accepted)| loss(probability, accepted))
}

fn loss(probability: f64, accepted: bool) -> f64 {
    -(if accepted { probability } else { 1.0 - probability }).max(LEAST_PROBABILITY).ln()
}

fn by_probability(probabilities: &[f64], accepted: &[bool]) -> Vec<(f64, bool)> {
    let mut sorted: Vec<(f64, bool)> = probabilities.iter().copied().zip(accepted.iter().copied()).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    sorted
}

/// Mann and Whitney's U over the number of pairs, from ranks.
fn auc(sorted: &[(f64, bool)], positives: usize) -> Option<f64> {
    let negatives = sorted.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let (mut below, mut twice_won) = (0_u128, 0_u128);
    for ties in sorted.chunk_by(|a, b| a.0 == b.0) {
        let won = ties.iter().filter(|(_, accepted)| *accepted).count() as u128;
        let lost = ties.len() as u128 - won;
        twice_won += won * (2 * below + lost);
        below += lost;
    }
    Some(twice_won as f64 / (2 * positives as u128 * negatives as u128) as f64)
}

/// Where bins of about equal mass end. Equal probabilities stay together, so a bin may be empty of others and bins be fewer.
fn bin_ends(sorted: &[(f64, bool)]) -> Vec<usize> {
    let mut ends: Vec<usize> = Vec::with_capacity(RELIABILITY_BINS);
    for bin in 1..=RELIABILITY_BINS {
        let wanted = sorted.len() * bin / RELIABILITY_BINS;
        if wanted > ends.last().copied().unwrap_or(0) {
            let tied = sorted[wanted..].iter().take_while(|row| row.0 == sorted[wanted - 1].0).count();
            ends.push(wanted + tied);
        }
    }
    ends
}

fn equal_mass(sorted: &[(f64, bool)]) -> Vec<ReliabilityBin> {
    let mut start = 0;
    let mut bin = |end: usize| {
        let rows = &sorted[start..end];
        start = end;
        let n = rows.len() as f64;
        ReliabilityBin {
            decisions: rows.len(),
            mean_probability: rows.iter().map(|row| row.0).sum::<f64>() / n,
            accepted_share: rows.iter().filter(|row| row.1).count() as f64 / n,
        }
    };
    bin_ends(sorted).into_iter().map(&mut bin).collect()
}

fn calibration_error(bins: &[ReliabilityBin]) -> f64 {
    let all: usize = bins.iter().map(|bin| bin.decisions).sum();
    bins.iter().map(|bin| bin.decisions as f64 / all as f64 * (bin.mean_probability - bin.accepted_share).abs()).sum()
}

/// The 95th percentile of the calibration error when labels are drawn with the very probabilities.
fn calibration_band(sorted: &[(f64, bool)], seed: u64) -> f64 {
    let draws = (20_000_000 / sorted.len()).clamp(200, 2_000);
    let mut random = Random::new(seed);
    let ends = bin_ends(sorted);
    let mut errors: Vec<f64> = (0..draws)
        .map(|_| {
            let (mut start, mut distance) = (0, 0.0);
            for &end in &ends {
                let surplus: f64 = sorted[start..end].iter().map(|(p, _)| p - f64::from(u8::from(random.share() < *p))).sum();
                distance += surplus.abs();
                start = end;
            }
            distance / sorted.len() as f64
        })
        .collect();
    errors.sort_unstable_by(f64::total_cmp);
    errors[(draws * 95).div_ceil(100) - 1]
}
