use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::words::Metric;

/// The metrics that are described; the other figures only stand beside them in correlations.
pub(crate) const DESCRIBED: [Metric; 4] = [Metric::Score, Metric::Confidence, Metric::DecisionMinutes, Metric::Acceptance];
/// How sure intervals are.
pub(crate) const LEVEL: f64 = 0.95;
/// The error that tests may make.
pub(crate) const ALPHA: f64 = 0.05;
/// How far back a run looks.
pub(crate) const PERIOD_DAYS: i64 = 365;
/// Most recommendations of one run; older ones are left out.
pub(crate) const ROWS_MAX: usize = 2_000_000;
/// Most groups of one run, those with the most recommendations.
pub(crate) const GROUPS_MAX: usize = 200;

/// Recommendations in the order of time.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Those with the most recommendations first.
    pub groups: Vec<Group>,
    pub rows: usize,
    /// Older recommendations of the period were left out.
    pub is_cut: bool,
}

/// The figures of one facility and one version of the algorithm, column by column.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub facility: Option<Uuid>,
    pub version: String,
    pub ids: Vec<Uuid>,
    /// When each was made, in days since the period began.
    pub days: Vec<f64>,
    pub score: Vec<f64>,
    pub confidence: Vec<f64>,
    pub quantity: Vec<f64>,
    pub volume_cm3: Vec<f64>,
    pub weight_g: Vec<f64>,
    /// Rows that were decided, with what follows.
    pub decided: Vec<u32>,
    pub minutes: Vec<f64>,
    /// 1 or 0.
    pub accepted: Vec<f64>,
}

impl Group {
    /// The values of a metric, and the rows that they belong to where those are not all.
    pub fn values(&self, metric: Metric) -> (&[f64], Option<&[u32]>) {
        match metric {
            Metric::Score => (&self.score, None),
            Metric::Confidence => (&self.confidence, None),
            Metric::Quantity => (&self.quantity, None),
            Metric::Volume => (&self.volume_cm3, None),
            Metric::Weight => (&self.weight_g, None),
            Metric::DecisionMinutes => (&self.minutes, Some(&self.decided)),
            Metric::Acceptance => (&self.accepted, Some(&self.decided)),
        }
    }

    /// The values of a metric for the decided rows only.
    pub fn decided_values(&self, metric: Metric) -> Cow<'_, [f64]> {
        match self.values(metric) {
            (values, Some(_)) => values.into(),
            (values, None) => self.decided.iter().map(|&row| values[row as usize]).collect(),
        }
    }
}

/// What pictures of a metric are drawn from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plot {
    pub histogram: Option<Histogram>,
    /// The percentiles 1 to 99; empty where all values are equal.
    pub quantiles: Vec<f64>,
    /// The standard normal distribution's at the same places.
    pub normal_quantiles: Vec<f64>,
    /// Days on which something was recommended.
    pub days: Vec<DayMean>,
    pub trend: Option<TrendLine>,
}

/// Bins of one width, from the least value to the greatest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    pub low: f64,
    pub width: f64,
    pub counts: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DayMean {
    pub day: NaiveDate,
    pub mean: f64,
    pub count: u32,
}

/// value = intercept + slope × days since the period began, with what the band of its mean needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrendLine {
    pub count: usize,
    pub intercept: f64,
    pub slope: f64,
    pub slope_error: f64,
    pub residual_standard_deviation: f64,
    /// Mean of the days, where the band is narrowest.
    pub centre: f64,
    /// Student's t of the level.
    pub reach: f64,
    pub from_day: f64,
    pub to_day: f64,
}

impl TrendLine {
    pub fn at(&self, day: f64) -> f64 {
        self.intercept + self.slope * day
    }

    /// Half the width of the confidence band of the mean at a day.
    pub fn band(&self, day: f64) -> f64 {
        let of_mean = self.residual_standard_deviation.powi(2) / self.count as f64;
        self.reach * (of_mean + (self.slope_error * (day - self.centre)).powi(2)).sqrt()
    }
}

/// At most `most` of `count` places, at one distance, the last one among them.
pub(crate) fn evenly(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let taken = count.min(most);
    (1..=taken).map(move |n| n * count / taken - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_part_has_the_last_and_no_place_twice() {
        for (count, most) in [(0, 5), (1, 5), (5, 5), (7, 5), (1000, 7), (11, 10)] {
            let places: Vec<usize> = evenly(count, most).collect();
            assert_eq!(places.len(), count.min(most));
            assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
            assert!(places.last().is_none_or(|last| last + 1 == count));
        }
    }

    #[test]
    fn the_band_is_narrowest_at_the_centre() {
        let line = TrendLine {
            count: 100,
            intercept: 5.0,
            slope: 0.5,
            slope_error: 0.01,
            residual_standard_deviation: 2.0,
            centre: 10.0,
            reach: 2.0,
            from_day: 0.0,
            to_day: 20.0,
        };
        assert!((line.at(4.0) - 7.0).abs() < 1e-12);
        assert!((line.band(10.0) - 0.4).abs() < 1e-12);
        assert!(line.band(0.0) > line.band(10.0) && (line.band(0.0) - line.band(20.0)).abs() < 1e-12);
    }
}
