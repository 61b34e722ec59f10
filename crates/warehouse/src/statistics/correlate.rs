//! How the figures of recommendations move together.

use std::borrow::Cow;

use optimization::statistics::{self as stats, Column, Sorted, normal_quantile};

use super::dto::CorrelationDto;
use super::model::{Group, LEVEL, evenly};
use crate::words::Metric;

/// Ranks of an even part say as much as those of all, at a fraction of the work.
const RANKED_MOST: usize = 10_000;

/// Every pair, by all three coefficients. Pairs with a figure of the decision look at decided recommendations only.
pub(super) fn of_group(group: &Group) -> Vec<CorrelationDto> {
    let of_all = |metric: &&Metric| group.values(**metric).1.is_none();
    let all: Vec<(Metric, Cow<[f64]>)> =
        Metric::ALL.iter().filter(of_all).map(|&metric| (metric, Cow::Borrowed(group.values(metric).0))).collect();
    let decided: Vec<(Metric, Cow<[f64]>)> = Metric::ALL.iter().map(|&metric| (metric, group.decided_values(metric))).collect();
    let is_of_decision = |metric: Metric| matches!(metric, Metric::DecisionMinutes | Metric::Acceptance);
    let mut found = pairs(group, &all, |_, _| true);
    found.extend(pairs(group, &decided, |x, y| is_of_decision(x) || is_of_decision(y)));
    found
}

struct Feature<'a> {
    metric: Metric,
    all: Column<'a>,
    part: Sorted<'a>,
}

fn pairs(group: &Group, figures: &[(Metric, Cow<[f64]>)], wanted: impl Fn(Metric, Metric) -> bool) -> Vec<CorrelationDto> {
    let parts: Vec<Vec<f64>> =
        figures.iter().map(|(_, values)| evenly(values.len(), RANKED_MOST).map(|at| values[at]).collect()).collect();
    let features = figures.iter().zip(&parts).filter_map(|((metric, values), part)| {
        Some(Feature { metric: *metric, all: Column::new(values).ok()?, part: Sorted::new(Column::new(part).ok()?) })
    });
    let features: Vec<Feature> = features.collect();
    let mut found = Vec::new();
    for (n, x) in features.iter().enumerate() {
        for y in features[n + 1..].iter().filter(|y| wanted(x.metric, y.metric)) {
            found.extend(pair(group, x, y));
        }
    }
    found
}

fn pair(group: &Group, x: &Feature, y: &Feature) -> Vec<CorrelationDto> {
    let row = |method: &str, coefficient: f64, p_value: f64, count: usize| CorrelationDto {
        analysis_id: String::new(),
        facility_id: group.facility,
        algorithm_version: group.version.clone(),
        feature_x: x.metric,
        feature_y: y.metric,
        method: method.to_owned(),
        coefficient: coefficient.clamp(-1.0, 1.0),
        p_value,
        confidence_low: None,
        confidence_high: None,
        slope: None,
        intercept: None,
        r_squared: None,
        sample_size: count as i64,
    };
    let mut found = Vec::new();
    if let Ok(pearson) = stats::pearson(&x.all, &y.all) {
        let line = stats::least_squares(&x.all, &y.all, LEVEL).ok();
        let (low, high) = interval(pearson.coefficient, pearson.count).unzip();
        found.push(CorrelationDto {
            confidence_low: low,
            confidence_high: high,
            slope: line.map(|line| line.slope),
            intercept: line.map(|line| line.intercept),
            r_squared: line.map(|line| line.r_squared.clamp(0.0, 1.0)),
            ..row("PEARSON", pearson.coefficient, pearson.p_value, pearson.count)
        });
    }
    if let Ok(spearman) = stats::spearman(&x.part, &y.part) {
        found.push(row("SPEARMAN", spearman.coefficient, spearman.p_value, spearman.count));
    }
    if let Ok(kendall) = stats::kendall(&x.part, &y.part) {
        found.push(row("KENDALL", kendall.tau, kendall.p_value, kendall.count));
    }
    found
}

/// Fisher 1921: artanh r is about normal with the variance 1 / (n - 3).
fn interval(coefficient: f64, count: usize) -> Option<(f64, f64)> {
    let reach = normal_quantile(0.5 + LEVEL / 2.0) / (count.checked_sub(3).filter(|degrees| *degrees > 0)? as f64).sqrt();
    let z = coefficient.atanh();
    z.is_finite().then(|| ((z - reach).tanh(), (z + reach).tanh()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(rows: usize) -> Group {
        let values = |f: fn(usize) -> f64| (0..rows).map(f).collect::<Vec<f64>>();
        Group {
            score: values(|n| n as f64),
            confidence: values(|n| 100.0 - 2.0 * n as f64),
            quantity: values(|n| ((n * 37) % 11) as f64),
            volume_cm3: values(|_| 5.0),
            weight_g: values(|n| (n * n) as f64),
            decided: (0..rows as u32).step_by(2).collect(),
            minutes: (0..rows).step_by(2).map(|n| 3.0 * n as f64).collect(),
            accepted: (0..rows).step_by(2).map(|n| f64::from(u8::from(n * 2 >= rows))).collect(),
            ..Group::default()
        }
    }

    fn one<'a>(found: &'a [CorrelationDto], x: Metric, y: Metric, method: &str) -> Option<&'a CorrelationDto> {
        found.iter().find(|row| (row.feature_x, row.feature_y, row.method.as_str()) == (x, y, method))
    }

    #[test]
    fn pairs_with_a_decision_look_at_decided_rows_only() {
        let found = of_group(&group(60));
        let straight = one(&found, Metric::Score, Metric::Confidence, "PEARSON").unwrap();
        assert!((straight.coefficient + 1.0).abs() < 1e-12 && (straight.slope.unwrap() + 2.0).abs() < 1e-12);
        assert_eq!(straight.sample_size, 60);
        let decided = one(&found, Metric::Score, Metric::DecisionMinutes, "KENDALL").unwrap();
        assert_eq!((decided.coefficient, decided.sample_size), (1.0, 30));
        assert!((one(&found, Metric::Score, Metric::Weight, "SPEARMAN").unwrap().coefficient - 1.0).abs() < 1e-12);
        assert!(one(&found, Metric::Score, Metric::Volume, "PEARSON").is_none(), "equal values move with nothing");
        let keys: std::collections::BTreeSet<_> = found.iter().map(|row| (row.feature_x, row.feature_y, &row.method)).collect();
        assert_eq!(keys.len(), found.len(), "a pair stands twice");
    }

    /// Fisher's interval of r = 0.5 with 28 pairs: tanh(0.5493 ± 1.95996 / 5).
    #[test]
    fn intervals_are_fishers() {
        let (low, high) = interval(0.5, 28).unwrap();
        assert!((low - (0.549_306_144_334_054_8_f64 - 0.391_992_796_908_011).tanh()).abs() < 1e-12);
        assert!((high - (0.549_306_144_334_054_8_f64 + 0.391_992_796_908_011).tanh()).abs() < 1e-12);
        assert_eq!(interval(0.5, 3), None);
        assert_eq!(interval(1.0, 100), None);
    }
}
