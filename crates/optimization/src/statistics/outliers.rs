//! Values that stand apart from the rest of a sample.

use serde::{Deserialize, Serialize};

use super::error::require;
use super::{Error, Sorted};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutlierRule {
    /// Distance beyond the nearer quartile in interquartile ranges (Tukey 1977).
    Iqr,
    /// Distance from the mean in standard deviations (denominator n).
    ZScore,
    /// 0.6745 × distance from the median in median absolute deviations (Iglewicz & Hoaglin 1993). Holds out when up to half
    /// of the values are wrong.
    ModifiedZ,
}

impl OutlierRule {
    /// The customary score above which a value is an outlier.
    pub const fn threshold(self) -> f64 {
        match self {
            Self::Iqr => 1.5,
            Self::ZScore => 3.0,
            Self::ModifiedZ => 3.5,
        }
    }
}

/// By the score over the threshold: below 1.5, below 2, from 2 (for the interquartile rule Tukey's outer fence).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    Mild,
    Moderate,
    Severe,
}

impl Severity {
    /// Of a score above the threshold.
    pub fn of(score: f64, threshold: f64) -> Self {
        match score / threshold {
            ratio if ratio < 1.5 => Self::Mild,
            ratio if ratio < 2.0 => Self::Moderate,
            _ => Self::Severe,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlier {
    /// In the column, from 0.
    pub row: u32,
    pub value: f64,
    /// In the unit of the rule; always above the threshold.
    pub score: f64,
    pub severity: Severity,
}

/// The outliers of a column: the first `low` and the last `high` values of its order.
#[derive(Clone, Copy, Debug)]
pub struct Outliers<'s, 'a> {
    sorted: &'s Sorted<'a>,
    scale: Scale,
    threshold: f64,
    pub low: usize,
    pub high: usize,
}

#[derive(Clone, Copy, Debug)]
enum Scale {
    Fences { first: f64, third: f64 },
    Standard { mean: f64, deviation: f64 },
    Median { median: f64, distance: f64 },
}

impl Scale {
    fn score(self, value: f64) -> f64 {
        match self {
            Self::Fences { first, third } => (first - value).max(value - third).max(0.0) / (third - first),
            Self::Standard { mean, deviation } => (value - mean).abs() / deviation,
            Self::Median { median, distance } => 0.6745 * (value - median).abs() / distance,
        }
    }

    /// The same comparison as everyone makes it: against fences, not against a quotient, which rounds differently.
    fn outside(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Fences { first, third } => {
                let reach = threshold * (third - first);
                value < first - reach || value > third + reach
            }
            _ => self.score(value) > threshold,
        }
    }

    /// The least and the greatest value that are no outliers.
    fn bounds(self, threshold: f64) -> (f64, f64) {
        let around = |centre: f64, reach: f64| (centre - reach, centre + reach);
        match self {
            Self::Fences { first, third } => (first - threshold * (third - first), third + threshold * (third - first)),
            Self::Standard { mean, deviation } => around(mean, threshold * deviation),
            Self::Median { median, distance } => around(median, threshold * distance / 0.6745),
        }
    }

    fn middle(self) -> f64 {
        match self {
            Self::Fences { first, third } => first.midpoint(third),
            Self::Standard { mean, .. } => mean,
            Self::Median { median, .. } => median,
        }
    }
}

/// Finds the values whose score exceeds `threshold` (see [`OutlierRule::threshold`]), in the time of a few bisections.
/// Needs spread: quartiles that differ for [`OutlierRule::Iqr`], fewer than half of the values at the median for
/// [`OutlierRule::ModifiedZ`].
pub fn outliers<'s, 'a>(sorted: &'s Sorted<'a>, rule: OutlierRule, threshold: f64) -> Result<Outliers<'s, 'a>, Error> {
    require(threshold > 0.0 && threshold < 1e6, "threshold", "above 0, for instance 3")?;
    let (scale, spread) = match rule {
        OutlierRule::Iqr => {
            let (first, third) = (sorted.quantile(0.25), sorted.quantile(0.75));
            (Scale::Fences { first, third }, third - first)
        }
        OutlierRule::ZScore => {
            let deviation = sorted.column().population_standard_deviation();
            (Scale::Standard { mean: sorted.column().mean(), deviation }, deviation)
        }
        OutlierRule::ModifiedZ => {
            let median = sorted.median();
            let distance = sorted.median_distance(median);
            (Scale::Median { median, distance }, distance)
        }
    };
    if spread <= 0.0 {
        return Err(Error::NoSpread);
    }
    let low = sorted.partition_point(|value| value < scale.middle() && scale.outside(value, threshold));
    let high = sorted.len() - sorted.partition_point(|value| value <= scale.middle() || !scale.outside(value, threshold));
    Ok(Outliers { sorted, scale, threshold, low, high })
}

impl Outliers<'_, '_> {
    pub fn count(&self) -> usize {
        self.low + self.high
    }

    /// Lower and upper bound of what counts as usual, in the unit of the values: what lies beyond is an outlier. From
    /// Tukey's fences, the mean ∓ threshold standard deviations, or the median ∓ threshold median absolute deviations / 0.6745.
    pub fn bounds(&self) -> (f64, f64) {
        self.scale.bounds(self.threshold)
    }

    /// All of them, in ascending order of their values.
    pub fn iter(&self) -> impl Iterator<Item = Outlier> {
        (0..self.low).chain(self.sorted.len() - self.high..self.sorted.len()).map(|place| {
            let value = self.sorted.value(place);
            let score = self.scale.score(value);
            Outlier { row: self.sorted.rows()[place], value, score, severity: Severity::of(score, self.threshold) }
        })
    }
}
