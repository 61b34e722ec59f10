use serde::{Deserialize, Serialize};

use super::error::{at_least, require};
use super::random::Random;
use super::special::student_quantile;
use super::{Column, Error, Sorted};

/// The percentiles of a [`Description`].
pub const PERCENTS: [f64; 7] = [1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0];
/// Most values drawn for one resample of the bootstrap.
const MAX_DRAWS: usize = 10_000;
const MAX_RESAMPLES: usize = 100_000;

/// A range that holds the true value with probability `level`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
    /// 0 to 1, both excluded.
    pub level: f64,
}

/// What a sample looks like; all in the unit of its values unless said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    pub count: usize,
    pub mean: f64,
    /// Denominator n - 1; `None` for one value.
    pub standard_deviation: Option<f64>,
    /// Denominator n - 1; `None` for one value.
    pub variance: Option<f64>,
    /// Biased g1, without unit; `None` when all values are equal.
    pub skewness: Option<f64>,
    /// Biased excess g2, without unit; `None` when all values are equal.
    pub kurtosis: Option<f64>,
    pub minimum: f64,
    pub maximum: f64,
    pub median: f64,
    /// At [`PERCENTS`].
    pub percentiles: [f64; 7],
    /// By Student's t; `None` for one value.
    pub mean_interval: Option<Interval>,
}

/// Moments, percentiles and the confidence interval of the mean at `level`.
pub fn describe(sorted: &Sorted, level: f64) -> Result<Description, Error> {
    let column = sorted.column();
    let mean_interval = if column.len() > 1 { Some(mean_interval(column, level)?) } else { None };
    Ok(Description {
        count: column.len(),
        mean: column.mean(),
        standard_deviation: column.standard_deviation(),
        variance: column.variance(),
        skewness: column.skewness(),
        kurtosis: column.kurtosis(),
        minimum: column.minimum(),
        maximum: column.maximum(),
        median: sorted.median(),
        percentiles: PERCENTS.map(|percent| sorted.quantile(percent / 100.0)),
        mean_interval,
    })
}

/// mean ± t s / √n with n - 1 degrees of freedom; needs two values.
pub fn mean_interval(column: &Column, level: f64) -> Result<Interval, Error> {
    require_level(level)?;
    at_least(column.len(), 2)?;
    let count = column.len() as f64;
    let deviation = column.standard_deviation().expect("there are two values");
    let reach = student_quantile(count - 1.0, 0.5 + level / 2.0) * deviation / count.sqrt();
    Ok(Interval { low: column.mean() - reach, high: column.mean() + reach, level })
}

/// The percentile bootstrap of the mean (Efron 1979): the middle `level` of the means of `resamples` samples drawn with
/// replacement. The same seed gives the same interval. Needs two values and 100 to 100,000 resamples.
///
/// Of more than 10,000 values m = 10,000 are drawn for each resample, and the deviations of its mean shrink by √(m / n)
/// (the m out of n bootstrap), so that the work is bounded.
pub fn bootstrap_mean_interval(column: &Column, level: f64, resamples: usize, seed: u64) -> Result<Interval, Error> {
    require_level(level)?;
    require((100..=MAX_RESAMPLES).contains(&resamples), "resamples", "from 100 to 100000")?;
    at_least(column.len(), 2)?;
    let (count, values, deviation) = (column.len(), column.values(), column.deviation());
    let draws = count.min(MAX_DRAWS);
    let shrink = (draws as f64 / count as f64).sqrt() / draws as f64 / deviation.scale();
    let mut random = Random::new(seed);
    let means: Vec<f64> =
        (0..resamples).map(|_| (0..draws).map(|_| deviation.of(values[random.below(count)])).sum::<f64>() * shrink).collect();
    let means = Sorted::new(Column::new(&means)?);
    let tail = (1.0 - level) / 2.0;
    Ok(Interval { low: column.mean() + means.quantile(tail), high: column.mean() + means.quantile(1.0 - tail), level })
}

pub(super) fn require_level(level: f64) -> Result<(), Error> {
    require(level > 0.0 && level < 1.0, "level", "between 0 and 1, for instance 0.95")
}
