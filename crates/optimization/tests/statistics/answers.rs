//! What is answered where a statistic has no value, and properties of what random numbers decide.

use optimization::statistics::*;

use crate::uniform;

fn column(values: &[f64]) -> Column<'_> {
    Column::new(values).unwrap()
}

fn sorted(values: &[f64]) -> Sorted<'_> {
    Sorted::new(column(values))
}

#[test]
fn bad_values_are_named() {
    let refused = |values: &[f64]| Column::new(values).unwrap_err();
    assert_eq!(refused(&[]), Error::TooFew { found: 0, needed: 1 });
    let mut values = vec![1.0; 1000];
    for (row, value) in [(0, f64::NAN), (7, f64::INFINITY), (256, f64::NEG_INFINITY), (999, f64::NAN)] {
        values.fill(1.0);
        values[row] = value;
        assert_eq!(refused(&values), Error::NotFinite { row });
    }
    values.fill(1.0);
    values[300] = -1e101;
    assert_eq!(refused(&values), Error::TooLarge { row: 300 });
    assert_eq!(refused(&values).to_string(), "value 300 is beyond ±1e100: choose a larger unit");
}

#[test]
fn one_value_and_equal_values() {
    let one = describe(&sorted(&[4.5]), 0.95).unwrap();
    assert_eq!((one.mean, one.median, one.minimum, one.percentiles), (4.5, 4.5, 4.5, [4.5; 7]));
    assert_eq!((one.variance, one.standard_deviation, one.skewness, one.kurtosis), (None, None, None, None));
    assert_eq!(one.mean_interval, None);
    let equal = [0.1; 1000];
    let (plain, ordered) = (column(&equal), sorted(&equal));
    assert_eq!((plain.mean(), plain.variance(), plain.skewness()), (0.1, Some(0.0), None));
    assert_eq!(ordered.ties(), [(0, 1000)]);
    assert_eq!(welch(&plain, &plain, 0.95).unwrap_err(), Error::NoSpread);
    assert_eq!(cohen_d(&plain, &plain).unwrap_err(), Error::NoSpread);
    assert_eq!(pearson(&plain, &plain).unwrap_err(), Error::NoSpread);
    assert_eq!(spearman(&ordered, &ordered).unwrap_err(), Error::NoSpread);
    assert_eq!(kendall(&ordered, &ordered).unwrap_err(), Error::NoSpread);
    assert_eq!(shapiro_wilk(&sorted(&equal)).unwrap_err(), Error::NoSpread);
    assert_eq!(durbin_watson(&plain).unwrap_err(), Error::NoSpread);
    assert_eq!(levene(&[plain, plain], Centre::Median).unwrap_err(), Error::NoSpread);
    for rule in [OutlierRule::Iqr, OutlierRule::ZScore, OutlierRule::ModifiedZ] {
        assert_eq!(outliers(&ordered, rule, rule.threshold()).unwrap_err(), Error::NoSpread);
    }
    assert_eq!(least_squares(&plain, &plain, 0.95).unwrap_err(), Error::NoSpread);
    let ranks = mann_whitney_samples(&equal, &equal, None).unwrap();
    assert_eq!((ranks.p_value, ranks.z, ranks.cliff_delta), (1.0, 0.0, 0.0));
    let trend = mann_kendall(&ordered, 0.05).unwrap();
    assert_eq!((trend.s, trend.p_value, trend.direction), (0, 1.0, Direction::Level));
    let scores = isolation_scores(&[plain], ForestSettings::new(1)).unwrap();
    assert!(scores.iter().all(|score| (score - 0.5).abs() < 1e-12), "equal rows are ordinary");
}

#[test]
fn too_few_and_unequal_lengths() {
    let (one, two, three) = (column(&[1.0]), column(&[1.0, 3.0]), column(&[1.0, 2.0, 4.0]));
    assert_eq!(welch(&one, &two, 0.95).unwrap_err(), Error::TooFew { found: 1, needed: 2 });
    assert_eq!(pearson(&two, &three).unwrap_err(), Error::LengthMismatch { left: 2, right: 3 });
    assert_eq!(pearson(&two, &two).unwrap().p_value, 1.0);
    assert_eq!(spearman(&sorted(&[1.0, 2.0]), &sorted(&[1.0, 2.0])).unwrap_err(), Error::TooFew { found: 2, needed: 3 });
    assert_eq!(shapiro_wilk(&sorted(&[1.0, 2.0])).unwrap_err(), Error::TooFew { found: 2, needed: 3 });
    let many: Vec<f64> = (0..5001).map(f64::from).collect();
    assert_eq!(shapiro_wilk(&sorted(&many)).unwrap_err(), Error::TooMany { found: 5001, most: 5000 });
    assert_eq!(mann_whitney_samples(&[], &[1.0], None).unwrap_err(), Error::TooFew { found: 0, needed: 1 });
    assert_eq!(mean_interval(&one, 0.95).unwrap_err(), Error::TooFew { found: 1, needed: 2 });
    assert!(matches!(mean_interval(&two, 1.0), Err(Error::Parameter { name: "level", .. })));
    assert!(matches!(mean_interval(&two, f64::NAN), Err(Error::Parameter { name: "level", .. })));
    assert!(matches!(t_test_power(10, 10, f64::NAN, 0.05), Err(Error::Parameter { name: "d", .. })));
    assert!(matches!(chi_square(&[[1, 0], [3, 0]], true), Err(Error::Parameter { name: "table", .. })));
    assert!(matches!(chi_square(&[[u64::MAX, 1], [1, u64::MAX]], true), Err(Error::Parameter { name: "table", .. })));
    assert_eq!(fisher_exact([[0, 0], [4, 9]]).unwrap().p_value, 1.0);
    assert!(matches!(boundaries(&[0.5, 0.4], 0.05, Spending::Pocock), Err(Error::Parameter { name: "shares", .. })));
    assert!(matches!(boundaries(&[f64::NAN], 0.05, Spending::Pocock), Err(Error::Parameter { name: "shares", .. })));
}

#[test]
fn perfect_relations() {
    let x: Vec<f64> = (0..50).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| 7.0 - 2.0 * x).collect();
    let line = least_squares(&column(&x), &column(&y), 0.95).unwrap();
    assert_eq!((line.slope, line.intercept, line.p_value, line.r_squared), (-2.0, 7.0, 0.0, 1.0));
    assert_eq!(spearman(&sorted(&x), &sorted(&y)).unwrap().coefficient, -1.0);
    assert_eq!(kendall(&sorted(&x), &sorted(&y)).unwrap().tau, -1.0);
    assert_eq!(mann_kendall(&sorted(&y), 0.05).unwrap().direction, Direction::Falling);
    let level = least_squares(&column(&x), &column(&[3.0; 50]), 0.95).unwrap();
    assert_eq!((level.slope, level.p_value, level.r_squared), (0.0, 1.0, 0.0));
}

#[test]
fn severities_follow_tukeys_fences() {
    let mut values: Vec<f64> = (0..=100).map(f64::from).collect();
    // Quartiles near 25 and 76, fences near -52 and 153, outer fence near 230.
    values.extend([160.0, 200.0, 260.0, -60.0]);
    let sorted = sorted(&values);
    let found = outliers(&sorted, OutlierRule::Iqr, 1.5).unwrap();
    let severities: Vec<(f64, Severity)> = found.iter().map(|outlier| (outlier.value, outlier.severity)).collect();
    let expected = [(-60.0, Severity::Mild), (160.0, Severity::Mild), (200.0, Severity::Moderate), (260.0, Severity::Severe)];
    assert_eq!(severities, expected);
    assert_eq!(found.count(), 4);
}

/// Five equal looks at a two-sided error of 0.05, as tables print them.
#[test]
fn boundaries_as_in_tables() {
    let tables =
        [(Spending::ObrienFleming, [4.877, 3.357, 2.680, 2.290, 2.031]), (Spending::Pocock, [2.438, 2.427, 2.410, 2.397, 2.386])];
    for (spending, expected) in tables {
        let looks = boundaries(&[0.2, 0.4, 0.6, 0.8, 1.0], 0.05, spending).unwrap();
        for (look, expected) in looks.iter().zip(expected) {
            assert!((look.boundary - expected).abs() < 5e-4, "{} for {expected}", look.boundary);
        }
        assert!((looks[4].spent - 0.05).abs() < 1e-15);
    }
}

/// Experiments without an effect, looked at again and again: as many stop as the error says.
#[test]
fn repeated_looks_give_no_more_false_alarms() {
    let mut unit = uniform(5);
    let mut normal = || (-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos();
    let shares = [0.1, 0.3, 0.35, 0.8, 1.0];
    for spending in [Spending::ObrienFleming, Spending::Pocock] {
        let looks = boundaries(&shares, 0.1, spending).unwrap();
        let mut stopped = [0.0; 5];
        let runs = 200_000;
        for _ in 0..runs {
            let (mut walk, mut before) = (0.0, 0.0);
            for (at, look) in looks.iter().enumerate() {
                walk += normal() * (look.share - before).sqrt();
                before = look.share;
                if walk.abs() >= look.boundary * look.share.sqrt() {
                    stopped[at..].iter_mut().for_each(|count| *count += 1.0);
                    break;
                }
            }
        }
        for (look, stopped) in looks.iter().zip(stopped) {
            let expected = look.spent * f64::from(runs);
            assert!((stopped - expected).abs() < 4.5 * expected.sqrt() + 1.0, "{stopped} stopped up to {look:?}");
        }
    }
}

#[test]
fn sample_size_is_the_smallest_that_suffices() {
    for (d, alpha, power) in [(0.5, 0.05, 0.8), (0.05, 0.01, 0.95), (3.0, 0.05, 0.9)] {
        let count = t_test_sample_size(d, alpha, power).unwrap();
        assert!(t_test_power(count, count, d, alpha).unwrap() >= power);
        assert!(count == 2 || t_test_power(count - 1, count - 1, d, alpha).unwrap() < power);
    }
    assert_eq!(t_test_sample_size(0.5, 0.05, 0.8).unwrap(), 64);
}

#[test]
fn durbin_watson_of_three_values_in_closed_form() {
    // λ is 1 and 3, so that d <= at is |z1 / z2| >= √((3 - at) / (at - 1)).
    let found = durbin_watson(&column(&[0.0, 1.0, 4.0])).unwrap();
    let lower = found.statistic.min(4.0 - found.statistic);
    let expected = 2.0 * (1.0 - 2.0 / std::f64::consts::PI * ((3.0 - lower) / (lower - 1.0)).sqrt().atan());
    assert!((found.p_value - expected).abs() < 1e-10, "{} for {expected}", found.p_value);
}

#[test]
fn durbin_watson_changes_method_without_a_jump() {
    let series = |count: usize| -> Vec<f64> {
        (0..count).map(|k| (k as f64 * 1.1).sin() + (k as f64 * k as f64 * 0.37).cos() * 2.0).collect()
    };
    let exact = durbin_watson(&column(&series(200))).unwrap();
    let approximate = durbin_watson(&column(&series(201))).unwrap();
    assert!((exact.p_value - approximate.p_value).abs() < 0.02, "{exact:?} {approximate:?}");
}

/// Samples of a known mean: the interval must hold it about as often as it says, and be the same for the same seed.
#[test]
fn bootstrap_intervals_hold_the_mean() {
    let mut next = uniform(99);
    let mut held = 0;
    for seed in 0..400 {
        let values: Vec<f64> = (0..60).map(|_| 1e6 + next() + next()).collect();
        let interval = bootstrap_mean_interval(&column(&values), 0.9, 400, seed).unwrap();
        assert_eq!(interval, bootstrap_mean_interval(&column(&values), 0.9, 400, seed).unwrap());
        held += u32::from(interval.low <= 1e6 + 1.0 && 1e6 + 1.0 <= interval.high);
    }
    // 0.9 of 400, give or take four standard deviations, a little less for 60 values.
    assert!((330..=384).contains(&held), "{held} of 400");
    // Many values are drawn in part; the interval is that of Student's t all the same.
    let many: Vec<f64> = (0..200_000).map(|_| next()).collect();
    let (drawn, student) =
        (bootstrap_mean_interval(&column(&many), 0.95, 2000, 3).unwrap(), mean_interval(&column(&many), 0.95).unwrap());
    assert!(((drawn.high - drawn.low) / (student.high - student.low) - 1.0).abs() < 0.1);
}

#[test]
fn isolation_forest_finds_the_lonely_row() {
    let mut x: Vec<f64> = (0..2000).map(|k| f64::from(k * 37 % 101) * 0.01).collect();
    let mut y: Vec<f64> = (0..2000).map(|k| f64::from(k * 53 % 97) * 0.01).collect();
    x.push(5.0);
    y.push(-4.0);
    let columns = [column(&x), column(&y)];
    let scores = isolation_scores(&columns, ForestSettings::new(5)).unwrap();
    assert_eq!(scores, isolation_scores(&columns, ForestSettings::new(5)).unwrap());
    assert!(scores[2000] > FOREST_THRESHOLD, "{}", scores[2000]);
    assert!(scores[..2000].iter().all(|&score| 0.0 < score && score < scores[2000]));
    let other_unit: Vec<f64> = x.iter().map(|value| value * 1024.0).collect();
    assert_eq!(scores, isolation_scores(&[column(&other_unit), columns[1]], ForestSettings::new(5)).unwrap());
}
