//! Against SciPy, to 1e-9 relative: `reference.py` made `reference.json`.

use optimization::statistics::*;
use serde_json::Value;

const AGREEMENT: f64 = 1e-9;

struct Reference(Value);

impl Reference {
    fn load() -> Self {
        Self(serde_json::from_str(include_str!("reference.json")).unwrap())
    }

    fn sample(&self, name: &Value) -> Vec<f64> {
        numbers(&self.0["samples"][name.as_str().unwrap()]).into_iter().map(Option::unwrap).collect()
    }

    fn rows(&self, table: &str) -> &[Value] {
        self.0[table].as_array().unwrap()
    }

    /// Calls `test(name, sample, wanted)` for each sample of a table.
    fn each(&self, table: &str, test: impl Fn(&str, Vec<f64>, Vec<Option<f64>>)) {
        for (name, wanted) in self.0[table].as_object().unwrap() {
            test(name, self.sample(&Value::from(name.as_str())), numbers(wanted));
        }
    }
}

fn numbers(value: &Value) -> Vec<Option<f64>> {
    value.as_array().unwrap().iter().map(Value::as_f64).collect()
}

fn close(what: &str, found: &[f64], wanted: &[Option<f64>]) {
    close_to(what, found, wanted, 0.0);
}

/// `floor` is an absolute difference that the reference itself does not resolve.
fn close_to(what: &str, found: &[f64], wanted: &[Option<f64>], floor: f64) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (at, (&found, wanted)) in found.iter().zip(wanted).enumerate() {
        let wanted = wanted.unwrap_or_else(|| panic!("{what}: SciPy gives no number {at}"));
        let near = (found - wanted).abs() <= AGREEMENT * wanted.abs() + floor;
        assert!(near, "{what}: number {at} is {found:e}, SciPy's {wanted:e}");
    }
}

fn column(values: &[f64]) -> Column<'_> {
    Column::new(values).unwrap()
}

fn sorted(values: &[f64]) -> Sorted<'_> {
    Sorted::new(column(values))
}

#[test]
fn descriptions() {
    Reference::load().each("describe", |name, sample, wanted| {
        let found = describe(&sorted(&sample), 0.95).unwrap();
        let interval = found.mean_interval.unwrap();
        let moments = [found.mean, found.variance.unwrap(), found.skewness.unwrap(), found.kurtosis.unwrap()];
        let ends = [found.minimum, found.maximum, interval.low, interval.high];
        // A skewness near 0 keeps the rounding of the values' own size.
        close_to(name, &[&moments[..], &ends, &found.percentiles].concat(), &wanted, 1e-13);
        assert_eq!(found.median, found.percentiles[3]);
    });
}

#[test]
fn outlier_counts() {
    Reference::load().each("outliers", |name, sample, wanted| {
        let rules = [OutlierRule::Iqr, OutlierRule::ZScore, OutlierRule::ModifiedZ];
        let sorted = sorted(&sample);
        close(name, &rules.map(|rule| outliers(&sorted, rule, rule.threshold()).unwrap().count() as f64), &wanted);
    });
}

#[test]
fn shapiro_wilk_tests() {
    Reference::load().each("shapiro", |name, sample, wanted| {
        let found = shapiro_wilk(&sorted(&sample)).unwrap();
        close(name, &[found.w, found.p_value], &wanted);
    });
}

#[test]
fn mann_kendall_tests() {
    Reference::load().each("mann_kendall", |name, sample, wanted| {
        let found = mann_kendall(&sorted(&sample), 0.05).unwrap();
        close(name, &[found.s as f64, found.z, found.p_value], &wanted);
    });
}

#[test]
fn durbin_watson_tests() {
    Reference::load().each("durbin_watson", |name, sample, wanted| {
        let found = durbin_watson(&column(&sample)).unwrap();
        close_to(name, &[found.statistic, found.p_value], &wanted, 1e-9);
    });
}

#[test]
fn two_samples() {
    let reference = Reference::load();
    for row in reference.rows("two") {
        let (x, y) = (reference.sample(&row[0]), reference.sample(&row[1]));
        let (a, b) = (column(&x), column(&y));
        let t = welch(&a, &b, 0.95).unwrap();
        let ranks = mann_whitney_samples(&x, &y, None).unwrap();
        let normal = mann_whitney_samples(&x, &y, Some(RankMethod::Asymptotic)).unwrap();
        let by_mean = levene(&[a, b], Centre::Mean).unwrap();
        let by_median = levene(&[a, b], Centre::Median).unwrap();
        let variance = one_way_anova(&[a, b]).unwrap();
        let found: [&[f64]; 3] = [
            &[t.t, t.degrees, t.p_value, t.interval.low, t.interval.high],
            &[ranks.u, ranks.p_value, normal.p_value, ranks.cliff_delta, cohen_d(&a, &b).unwrap()],
            &[by_mean.w, by_mean.p_value, by_median.w, by_median.p_value, variance.f, variance.p_value],
        ];
        close(&format!("{} and {}", row[0], row[1]), &found.concat(), &numbers(&row[2]));
    }
}

#[test]
fn pairs() {
    let reference = Reference::load();
    for row in reference.rows("pairs") {
        let (x, y) = (reference.sample(&row[0]), reference.sample(&row[1]));
        let (a, b) = (sorted(&x), sorted(&y));
        let linear = pearson(a.column(), b.column()).unwrap();
        let ranked = spearman(&a, &b).unwrap();
        let tau = kendall(&a, &b).unwrap();
        let line = least_squares(a.column(), b.column(), 0.95).unwrap();
        let found: [&[f64]; 2] = [
            &[linear.coefficient, linear.p_value, ranked.coefficient, ranked.p_value, tau.tau, tau.p_value],
            &[line.slope, line.intercept, line.slope_error, line.intercept_error, line.p_value],
        ];
        // Points on a line leave residuals of rounding only, in SciPy too.
        close_to(&format!("{} and {}", row[0], row[1]), &found.concat(), &numbers(&row[2]), 1e-14);
    }
}

#[test]
fn several_groups() {
    let reference = Reference::load();
    for row in reference.rows("levene") {
        let samples: Vec<Vec<f64>> = row[0].as_array().unwrap().iter().map(|name| reference.sample(name)).collect();
        let groups: Vec<Column> = samples.iter().map(|sample| column(sample)).collect();
        let (by_mean, by_median) = (levene(&groups, Centre::Mean).unwrap(), levene(&groups, Centre::Median).unwrap());
        let variance = one_way_anova(&groups).unwrap();
        let found = [by_mean.w, by_mean.p_value, by_median.w, by_median.p_value, variance.f, variance.p_value];
        close(&row[0].to_string(), &found, &numbers(&row[1]));
    }
}

#[test]
fn tables() {
    let reference = Reference::load();
    for row in reference.rows("tables") {
        let table: [[u64; 2]; 2] = serde_json::from_value(row[0].clone()).unwrap();
        let tests = [true, false].map(|yates| chi_square(&table, yates).unwrap());
        assert_eq!(tests.map(|test| test.yates), [true, false]);
        let fisher = fisher_exact(table).unwrap();
        let chi = tests.map(|test| [test.statistic, test.p_value, f64::from(test.degrees)]).concat();
        let found = [&chi[..], &[fisher.odds_ratio.unwrap_or(0.0), fisher.p_value]].concat();
        close_to(&row[0].to_string(), &found, &numbers(&row[1]), 1e-300);
    }
    let wide: Vec<[u64; 3]> = serde_json::from_value(reference.0["wide"][0].clone()).unwrap();
    let found = chi_square(&wide, true).unwrap();
    assert!(!found.yates, "the correction is for two rows and two columns");
    close("wide", &[found.statistic, found.p_value, f64::from(found.degrees)], &numbers(&reference.0["wide"][1]));
}

#[test]
fn power_of_the_t_test() {
    for row in Reference::load().rows("power") {
        let count = |at: usize| row[at].as_u64().unwrap() as usize;
        let number = |at: usize| row[at].as_f64().unwrap();
        let found = t_test_power(count(0), count(1), number(2), number(3)).unwrap();
        close(&row.to_string(), &[found], &[Some(number(4))]);
    }
}

#[test]
fn sequential_boundaries() {
    for row in Reference::load().rows("boundaries") {
        let shares: Vec<f64> = serde_json::from_value(row[0].clone()).unwrap();
        let spending: Spending = serde_json::from_value(row[2].clone()).unwrap();
        let looks = boundaries(&shares, row[1].as_f64().unwrap(), spending).unwrap();
        let found: Vec<f64> = looks.iter().map(|look| look.boundary).collect();
        close(&row.to_string(), &found, &numbers(&row[3]));
    }
}
