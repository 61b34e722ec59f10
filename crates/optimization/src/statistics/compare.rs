//! Two samples against each other.

use serde::{Deserialize, Serialize};

use super::descriptive::require_level;
use super::error::at_least;
use super::special::{normal_two_sided, student_quantile, student_two_sided};
use super::{Column, Error, Interval, Sorted, exact};

/// Welch's test of equal means, variances not assumed equal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welch {
    pub t: f64,
    /// Welch-Satterthwaite, not whole.
    pub degrees: f64,
    /// Two-sided.
    pub p_value: f64,
    /// Mean of the first minus mean of the second.
    pub difference: f64,
    pub standard_error: f64,
    pub interval: Interval,
}

/// Needs two values in each sample, not all equal in both.
pub fn welch(first: &Column, second: &Column, level: f64) -> Result<Welch, Error> {
    require_level(level)?;
    let (v1, v2) = (variance_of_mean(first)?, variance_of_mean(second)?);
    let sum = v1 + v2;
    if sum <= 0.0 {
        return Err(Error::NoSpread);
    }
    let (w1, w2) = (v1 / sum, v2 / sum);
    let degrees = 1.0 / (w1 * w1 / (first.len() - 1) as f64 + w2 * w2 / (second.len() - 1) as f64);
    let (difference, standard_error) = (difference(first, second), sum.sqrt());
    let t = difference / standard_error;
    let reach = student_quantile(degrees, 0.5 + level / 2.0) * standard_error;
    let interval = Interval { low: difference - reach, high: difference + reach, level };
    Ok(Welch { t, degrees, p_value: student_two_sided(degrees, t), difference, standard_error, interval })
}

fn variance_of_mean(column: &Column) -> Result<f64, Error> {
    at_least(column.len(), 2)?;
    Ok(column.variance().expect("there are two values") / column.len() as f64)
}

fn difference(first: &Column, second: &Column) -> f64 {
    first.mean_from(second.pivot()) - second.mean_from(second.pivot())
}

/// Cohen's d: the difference of the means over the pooled standard deviation. Needs three values, two of them in one
/// sample, and spread within the samples.
pub fn cohen_d(first: &Column, second: &Column) -> Result<f64, Error> {
    at_least(first.len() + second.len(), 3)?;
    let pooled = (first.sum_of_squares() + second.sum_of_squares()) / (first.len() + second.len() - 2) as f64;
    if pooled > 0.0 { Ok(difference(first, second) / pooled.sqrt()) } else { Err(Error::NoSpread) }
}

/// Where the p-value of a rank test comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RankMethod {
    /// By counting all arrangements.
    Exact,
    /// Normal, corrected for ties.
    Asymptotic,
}

/// The Mann-Whitney U test (Wilcoxon rank sum).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MannWhitney {
    pub first_count: usize,
    pub second_count: usize,
    /// Pairs in which the first sample's value is greater, equal ones counted half.
    pub u: f64,
    /// Standardised, corrected for ties and continuity; 0 when all values are equal.
    pub z: f64,
    /// Two-sided.
    pub p_value: f64,
    pub method: RankMethod,
    /// P(first > second) - P(first < second), -1 to 1.
    pub cliff_delta: f64,
}

/// Tests two samples that stand in one sorted column; `in_first(row)` says which. Neither may be empty.
///
/// Without `method`, exact when a sample has at most 8 values and none are equal, as SciPy chooses; exact needs values that
/// all differ, and fewer than 2^126 arrangements. When all values are equal the p-value is 1.
pub fn mann_whitney(sorted: &Sorted, in_first: impl Fn(usize) -> bool, method: Option<RankMethod>) -> Result<MannWhitney, Error> {
    let (mut first_count, mut doubled_sum) = (0usize, 0u64);
    sorted.for_each_doubled_rank(|row, rank| {
        let taken = in_first(row as usize);
        first_count += usize::from(taken);
        doubled_sum += u64::from(rank) * u64::from(taken);
    });
    let second_count = sorted.len() - first_count;
    at_least(first_count.min(second_count), 1)?;
    let doubled_u = doubled_sum - first_count as u64 * (first_count as u64 + 1);
    let pairs = first_count as f64 * second_count as f64;
    let u = doubled_u as f64 / 2.0;
    let fits = exact::log2_arrangements(first_count, second_count) < 126.0;
    let small = first_count.min(second_count) <= 8 && sorted.ties().is_empty() && fits;
    let method = method.unwrap_or(if small { RankMethod::Exact } else { RankMethod::Asymptotic });
    let z = standardised(sorted, first_count, second_count, u);
    let p_value = match method {
        RankMethod::Asymptotic => normal_two_sided(z),
        RankMethod::Exact => {
            super::error::require(sorted.ties().is_empty(), "method", "ASYMPTOTIC where values are equal")?;
            super::error::require(fits, "method", "ASYMPTOTIC for samples of this size")?;
            exact::mann_whitney_two_sided(first_count, second_count, doubled_u / 2)
        }
    };
    Ok(MannWhitney { first_count, second_count, u, z, p_value, method, cliff_delta: 2.0 * u / pairs - 1.0 })
}

fn standardised(sorted: &Sorted, first: usize, second: usize, u: f64) -> f64 {
    let (n, pairs) = (sorted.len() as f64, first as f64 * second as f64);
    let variance = pairs / 12.0 * ((n + 1.0) - sorted.tie_cubes() / (n * (n - 1.0)));
    let distance = u - pairs / 2.0;
    // Continuity: half a pair nearer to what is expected, never beyond it.
    let corrected = (distance.abs() - 0.5).max(0.0).copysign(distance);
    if sorted.column().is_constant() { 0.0 } else { corrected / variance.sqrt() }
}

/// [`mann_whitney`] of two samples that stand apart; values as [`Column::new`] takes them.
pub fn mann_whitney_samples(first: &[f64], second: &[f64], method: Option<RankMethod>) -> Result<MannWhitney, Error> {
    let together = [first, second].concat();
    mann_whitney(&Sorted::new(Column::new(&together)?), |row| row < first.len(), method)
}
