//! Two samples of one metric against each other, by every test that suits it. The second is the treatment.

use chrono::DateTime;
use optimization::statistics::{self as stats, Column, RankMethod};

use super::dto::ComparisonDto;
use super::model::LEVEL;
use crate::words::{ExperimentDecision, Metric};

/// Below this many in a cell the chi-square approximation is poor.
const LEAST_EXPECTED: f64 = 5.0;

/// Welch's t with Cohen's d and its power first, then Mann-Whitney with Cliff's delta; of shares of 0 and 1 instead chi-square or,
/// where a cell is small, Fisher's exact test. A test that the samples do not allow is left out.
pub(crate) fn two(metric: Metric, control: &[f64], treatment: &[f64], alpha: f64) -> Vec<ComparisonDto> {
    let (Ok(first), Ok(second)) = (Column::new(control), Column::new(treatment)) else { return Vec::new() };
    let row = ComparisonDto {
        test_id: String::new(),
        experiment: String::new(),
        facility_id: None,
        metric_name: metric,
        control_version: String::new(),
        treatment_version: String::new(),
        control_size: first.len() as i64,
        treatment_size: second.len() as i64,
        control_mean: Some(first.mean()),
        treatment_mean: Some(second.mean()),
        control_std_dev: first.standard_deviation(),
        treatment_std_dev: second.standard_deviation(),
        test_kind: String::new(),
        statistic: None,
        degrees_of_freedom: None,
        p_value: None,
        difference: Some(second.mean() - first.mean()),
        difference_low: None,
        difference_high: None,
        effect_size: None,
        effect_kind: None,
        power: None,
        look: 1,
        looks_planned: 1,
        alpha,
        alpha_at_look: None,
        is_significant: false,
        decision: ExperimentDecision::Continue,
        is_primary: false,
        information_share: None,
        created_at: DateTime::UNIX_EPOCH,
    };
    let is_share = |column: &Column| column.values().iter().all(|&value| value == 0.0 || value == 1.0);
    let is_binary = metric == Metric::Acceptance && is_share(&first) && is_share(&second);
    let second_test = if is_binary { by_counts(&row, &first, &second) } else { by_ranks(&row, control, treatment) };
    by_means(&row, &first, &second, alpha).into_iter().chain(second_test).collect()
}

fn by_means(row: &ComparisonDto, control: &Column, treatment: &Column, alpha: f64) -> Option<ComparisonDto> {
    let welch = stats::welch(treatment, control, LEVEL).ok()?;
    let effect = stats::cohen_d(treatment, control).ok();
    let power = effect.and_then(|d| stats::t_test_power(control.len(), treatment.len(), d.clamp(-1e3, 1e3), alpha).ok());
    Some(ComparisonDto {
        test_kind: "WELCH_T".into(),
        statistic: Some(welch.t),
        degrees_of_freedom: Some(welch.degrees),
        p_value: Some(welch.p_value),
        difference: Some(welch.difference),
        difference_low: Some(welch.interval.low),
        difference_high: Some(welch.interval.high),
        effect_size: effect,
        effect_kind: effect.map(|_| "COHEN_D".into()),
        power: power.map(|power| power.clamp(0.0, 1.0)),
        ..row.clone()
    })
}

fn by_ranks(row: &ComparisonDto, control: &[f64], treatment: &[f64]) -> Option<ComparisonDto> {
    let is_large = control.len().max(treatment.len()) > 1_000;
    let test = stats::mann_whitney_samples(treatment, control, is_large.then_some(RankMethod::Asymptotic)).ok()?;
    Some(ComparisonDto {
        test_kind: "MANN_WHITNEY".into(),
        statistic: Some(test.u),
        p_value: Some(test.p_value),
        effect_size: Some(test.cliff_delta),
        effect_kind: Some("CLIFF_DELTA".into()),
        ..row.clone()
    })
}

fn by_counts(row: &ComparisonDto, control: &Column, treatment: &Column) -> Option<ComparisonDto> {
    let counts = |column: &Column| {
        let ones = column.values().iter().filter(|&&value| value == 1.0).count() as u64;
        [ones, column.len() as u64 - ones]
    };
    let table = [counts(treatment), counts(control)];
    let fisher = || stats::fisher_exact(table).ok();
    let odds = |[[a, b], [c, d]]: [[u64; 2]; 2]| (b * c > 0).then(|| a as f64 * d as f64 / (b as f64 * c as f64));
    let (kind, statistic, degrees, p_value) = match stats::chi_square(&table, true) {
        Ok(test) if test.least_expected >= LEAST_EXPECTED => {
            ("CHI_SQUARE", Some(test.statistic), Some(f64::from(test.degrees)), test.p_value)
        }
        _ => ("FISHER_EXACT", None, None, fisher()?.p_value),
    };
    let ratio = odds(table);
    Some(ComparisonDto {
        test_kind: kind.into(),
        statistic,
        degrees_of_freedom: degrees,
        p_value: Some(p_value),
        effect_size: ratio,
        effect_kind: ratio.map(|_| "ODDS_RATIO".into()),
        ..row.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(tests: &[ComparisonDto]) -> Vec<&str> {
        tests.iter().map(|test| test.test_kind.as_str()).collect()
    }

    /// SciPy 1.16: `ttest_ind([4, 5, 7, 9], [1, 2, 3, 4, 6], equal_var=False)` and `mannwhitneyu` of the same.
    #[test]
    fn a_difference_is_treatment_minus_control() {
        let tests = two(Metric::Score, &[1.0, 2.0, 3.0, 4.0, 6.0], &[4.0, 5.0, 7.0, 9.0], 0.05);
        assert_eq!(kinds(&tests), ["WELCH_T", "MANN_WHITNEY"]);
        assert!((tests[0].difference.unwrap() - 3.05).abs() < 1e-12);
        assert!(tests[0].statistic.unwrap() > 0.0 && tests[0].effect_size.unwrap() > 0.0);
        assert!(tests[1].effect_size.unwrap() > 0.0, "Cliff's delta has the same sign");
        let swapped = two(Metric::Score, &[4.0, 5.0, 7.0, 9.0], &[1.0, 2.0, 3.0, 4.0, 6.0], 0.05);
        assert!((swapped[0].p_value.unwrap() - tests[0].p_value.unwrap()).abs() < 1e-12);
        assert!((swapped[0].difference.unwrap() + 3.05).abs() < 1e-12);
    }

    #[test]
    fn shares_are_counted_exactly_where_cells_are_small() {
        let few = two(Metric::Acceptance, &[1.0, 0.0, 1.0, 0.0], &[1.0, 1.0, 1.0, 0.0], 0.05);
        assert_eq!(kinds(&few), ["WELCH_T", "FISHER_EXACT"]);
        let many = |accepted: usize| -> Vec<f64> { (0..100).map(|n| f64::from(u8::from(n < accepted))).collect() };
        let tests = two(Metric::Acceptance, &many(60), &many(80), 0.05);
        assert_eq!(kinds(&tests), ["WELCH_T", "CHI_SQUARE"]);
        assert!((tests[1].effect_size.unwrap() - 80.0 * 40.0 / (20.0 * 60.0)).abs() < 1e-12);
        // Means of deliveries are no counts.
        assert_eq!(kinds(&two(Metric::Acceptance, &[0.5, 1.0, 0.2], &[1.0, 0.7], 0.05)), ["WELCH_T", "MANN_WHITNEY"]);
    }

    #[test]
    fn what_the_samples_do_not_allow_is_left_out() {
        assert!(two(Metric::Score, &[], &[1.0], 0.05).is_empty());
        assert_eq!(kinds(&two(Metric::Score, &[1.0, 1.0], &[1.0, 1.0], 0.05)), ["MANN_WHITNEY"]);
        assert_eq!(kinds(&two(Metric::Score, &[1.0], &[2.0, 3.0], 0.05)), ["MANN_WHITNEY"]);
    }
}
