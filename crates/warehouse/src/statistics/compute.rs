//! One run over a history: pure, and the same for the same history and seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use optimization::statistics::{
    self as stats, Centre, Column, Direction, FOREST_THRESHOLD, ForestSettings, OutlierRule, Severity, Sorted,
};

use super::compare;
use super::correlate;
use super::dto::{ComparisonDto, CorrelationDto, MetricDto, OutlierDto, ValidationDto};
use super::model::{ALPHA, DESCRIBED, DayMean, Group, Histogram, History, LEVEL, Plot, TrendLine, evenly};
use crate::words::{Metric, OutlierSeverity, OutlierStatus};

const RESAMPLES: usize = 400;
/// The worst of each rule that a run lists.
const OUTLIERS_MOST: usize = 20;
/// The newest rows that the isolation forest looks at.
const FOREST_ROWS: usize = 5_000;
const BINS: usize = 40;
/// Versions of one facility that are compared with its most used one.
const RIVALS_MOST: usize = 4;

/// Everything that one run finds; ids are empty, and the store gives them.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub metrics: Vec<MetricDto>,
    pub correlations: Vec<CorrelationDto>,
    pub validations: Vec<ValidationDto>,
    pub outliers: Vec<OutlierDto>,
    pub comparisons: Vec<ComparisonDto>,
}

impl Results {
    fn add(&mut self, other: Results) {
        self.metrics.extend(other.metrics);
        self.correlations.extend(other.correlations);
        self.validations.extend(other.validations);
        self.outliers.extend(other.outliers);
        self.comparisons.extend(other.comparisons);
    }
}

enum Task<'h> {
    Describe(&'h Group, Metric),
    Relate(&'h Group),
    Isolate(&'h Group),
    /// The versions of one facility, the most used first.
    Compare(Vec<&'h Group>),
}

/// `from` is when the period begins.
pub(crate) fn compute(history: &History, from: DateTime<Utc>, seed: u64) -> Results {
    let mut tasks: Vec<Task> = Vec::new();
    for group in &history.groups {
        tasks.extend(DESCRIBED.map(|metric| Task::Describe(group, metric)));
        tasks.push(Task::Relate(group));
        tasks.push(Task::Isolate(group));
    }
    tasks.extend(facilities(&history.groups).into_iter().map(Task::Compare));
    let work = |task: &Task| match task {
        Task::Describe(group, metric) => describe(group, *metric, from, seed),
        Task::Relate(group) => Results { correlations: correlate::of_group(group), ..Results::default() },
        Task::Isolate(group) => Results { outliers: isolated(group, seed), ..Results::default() },
        Task::Compare(groups) => compared(groups),
    };
    let mut all = Results::default();
    side_by_side(&tasks, work).into_iter().for_each(|part| all.add(part));
    all
}

fn facilities(groups: &[Group]) -> Vec<Vec<&Group>> {
    let mut found: Vec<Vec<&Group>> = Vec::new();
    for group in groups {
        match found.iter_mut().find(|versions| versions[0].facility == group.facility) {
            Some(versions) => versions.push(group),
            None => found.push(vec![group]),
        }
    }
    found.into_iter().filter(|versions| versions.len() > 1).collect()
}

/// On all cores; the answers in the order of the tasks.
fn side_by_side<T: Sync, R: Send>(tasks: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(tasks.len().max(1));
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(tasks.len())));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((at, task)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, tasks.get(at)?)))
                {
                    let found = work(task);
                    done.lock().expect("nobody panics while holding it").push((at, found));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("nobody panicked while holding it");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, found)| found).collect()
}

fn describe(group: &Group, metric: Metric, from: DateTime<Utc>, seed: u64) -> Results {
    let (values, rows) = group.values(metric);
    let Ok(column) = Column::new(values) else { return Results::default() };
    let sorted = Sorted::new(column);
    let days: Vec<f64> = match rows {
        None => group.days.clone(),
        Some(rows) => rows.iter().map(|&row| group.days[row as usize]).collect(),
    };
    let is_rate = metric == Metric::Acceptance;
    let Ok(about) = stats::describe(&sorted, LEVEL) else { return Results::default() };
    let bootstrap = stats::bootstrap_mean_interval(&column, LEVEL, RESAMPLES, seed).ok();
    let rules = [OutlierRule::Iqr, OutlierRule::ZScore, OutlierRule::ModifiedZ];
    // A share has two values; neither stands apart.
    let found = rules.map(|rule| if is_rate { None } else { stats::outliers(&sorted, rule, rule.threshold()).ok() });
    let counts = found.map(|found| found.map(|found| found.count() as i64));
    let outliers =
        found.iter().zip(rules).filter_map(|(found, rule)| Some(worst(group, metric, found.as_ref()?, rule))).flatten();
    let outliers = outliers.collect();
    let plot = plot(&sorted, &days, from, is_rate);
    let percentile = |percent: f64| sorted.percentile(percent).ok();
    let trend = Column::new(&days).and_then(|days| stats::least_squares(&days, &column, LEVEL)).ok();
    let [p1, p5, p25, _, p75, p95, p99] = about.percentiles.map(Some);
    let metrics = vec![MetricDto {
        metric_id: String::new(),
        facility_id: group.facility,
        algorithm_version: group.version.clone(),
        metric_name: metric.to_string(),
        sample_size: about.count as i64,
        mean: Some(about.mean),
        std_dev: about.standard_deviation,
        skewness: about.skewness,
        kurtosis: about.kurtosis,
        minimum: Some(about.minimum),
        percentile_1: p1,
        percentile_5: p5,
        percentile_10: percentile(10.0),
        percentile_25: p25,
        median: Some(about.median),
        percentile_75: p75,
        percentile_90: percentile(90.0),
        percentile_95: p95,
        percentile_99: p99,
        maximum: Some(about.maximum),
        confidence_level: about.mean_interval.map(|interval| interval.level),
        confidence_low: about.mean_interval.map(|interval| interval.low),
        confidence_high: about.mean_interval.map(|interval| interval.high),
        bootstrap_low: bootstrap.map(|interval| interval.low),
        bootstrap_high: bootstrap.map(|interval| interval.high),
        bootstrap_seed: bootstrap.map(|_| seed as i64),
        trend_slope_per_day: trend.map(|line| line.slope),
        trend_slope_low: trend.map(|line| line.slope_interval.low),
        trend_slope_high: trend.map(|line| line.slope_interval.high),
        trend_p_value: trend.map(|line| line.p_value),
        acceptance_rate: is_rate.then_some((about.mean * 100.0).clamp(0.0, 100.0)),
        outliers_iqr: counts[0],
        outliers_z: counts[1],
        outliers_modified_z: counts[2],
        plot,
    }];
    let validations = validations(group, metric, &sorted, &metrics[0].plot.days);
    Results { metrics, validations, outliers, ..Results::default() }
}

/// The lowest and the highest alike, those furthest out first.
fn worst(group: &Group, metric: Metric, found: &stats::Outliers, rule: OutlierRule) -> Vec<OutlierDto> {
    // They come in ascending order of their values, so the worst are at both ends.
    let all = found.count();
    let ends = found.iter().enumerate().filter(|(at, _)| *at < OUTLIERS_MOST || *at + OUTLIERS_MOST >= all);
    let mut ends: Vec<stats::Outlier> = ends.map(|(_, outlier)| outlier).collect();
    ends.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    ends.truncate(OUTLIERS_MOST);
    let rows = group.values(metric).1;
    let method = match rule {
        OutlierRule::Iqr => "IQR",
        OutlierRule::ZScore => "Z_SCORE",
        OutlierRule::ModifiedZ => "MODIFIED_Z",
    };
    let (lower, upper) = found.bounds();
    let listed = ends.into_iter().map(|one| {
        let row = rows.map_or(one.row, |rows| rows[one.row as usize]) as usize;
        let found = outlier(group, row, metric.as_str(), one.value, method, one.severity);
        OutlierDto { score: Some(one.score), lower_bound: Some(lower), upper_bound: Some(upper), ..found }
    });
    listed.collect()
}

fn outlier(group: &Group, row: usize, metric: &str, value: f64, method: &str, severity: Severity) -> OutlierDto {
    OutlierDto {
        outlier_id: String::new(),
        facility_id: group.facility,
        algorithm_version: group.version.clone(),
        metric_name: metric.to_owned(),
        recommendation_id: Some(group.ids[row]),
        material_id: None,
        location_id: None,
        value,
        method: method.to_owned(),
        score: None,
        lower_bound: None,
        upper_bound: None,
        severity: match severity {
            Severity::Mild => OutlierSeverity::Mild,
            Severity::Moderate => OutlierSeverity::Moderate,
            Severity::Severe => OutlierSeverity::Severe,
        },
        status: OutlierStatus::Open,
        root_cause: String::new(),
        resolution_notes: String::new(),
        resolved_by: None,
        resolved_at: None,
        changed_by: None,
        changed_at: None,
        detected_at: DateTime::UNIX_EPOCH,
    }
}

/// Recommendations that all figures together set apart, among the newest.
fn isolated(group: &Group, seed: u64) -> Vec<OutlierDto> {
    let start = group.ids.len().saturating_sub(FOREST_ROWS);
    let features = [&group.score, &group.confidence, &group.quantity, &group.volume_cm3, &group.weight_g];
    let columns: Result<Vec<Column>, _> = features.iter().map(|values| Column::new(&values[start..])).collect();
    let Ok(scores) = columns.and_then(|columns| stats::isolation_scores(&columns, ForestSettings::new(seed))) else {
        return Vec::new();
    };
    let mut apart: Vec<(usize, f64)> = scores.into_iter().enumerate().filter(|(_, score)| *score >= FOREST_THRESHOLD).collect();
    apart.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let listed = apart.into_iter().take(OUTLIERS_MOST).map(|(at, score)| {
        let row = start + at;
        let severity = Severity::of(score - 0.5, FOREST_THRESHOLD - 0.5);
        OutlierDto { score: Some(score), ..outlier(group, row, "ALL", group.score[row], "ISOLATION_FOREST", severity) }
    });
    listed.collect()
}

fn plot(sorted: &Sorted, days: &[f64], from: DateTime<Utc>, is_rate: bool) -> Plot {
    let column = sorted.column();
    let trend = Column::new(days).and_then(|days| {
        let line = stats::least_squares(&days, column, LEVEL)?;
        Ok(TrendLine {
            count: line.count,
            intercept: line.intercept,
            slope: line.slope,
            slope_error: line.slope_error,
            residual_standard_deviation: line.residual_standard_deviation,
            centre: days.mean(),
            reach: if line.slope_error > 0.0 { (line.slope_interval.high - line.slope) / line.slope_error } else { 0.0 },
            from_day: days.minimum(),
            to_day: days.maximum(),
        })
    });
    let is_flat = column.is_constant() || is_rate;
    let shares = || (1..=99).map(f64::from);
    Plot {
        histogram: (!is_flat).then(|| histogram(column)),
        quantiles: if is_flat { Vec::new() } else { shares().filter_map(|percent| sorted.percentile(percent).ok()).collect() },
        normal_quantiles: if is_flat {
            Vec::new()
        } else {
            shares().map(|percent| stats::normal_quantile(percent / 100.0)).collect()
        },
        days: day_means(column.values(), days, from),
        trend: trend.ok(),
    }
}

fn histogram(column: &Column) -> Histogram {
    let (low, width) = (column.minimum(), (column.maximum() - column.minimum()) / BINS as f64);
    let mut counts = vec![0u64; BINS];
    for value in column.values() {
        counts[(((value - low) / width) as usize).min(BINS - 1)] += 1;
    }
    Histogram { low, width, counts }
}

/// The rows stand in the order of time.
fn day_means(values: &[f64], days: &[f64], from: DateTime<Utc>) -> Vec<DayMean> {
    let day_of = |day: f64| -> NaiveDate { (from + TimeDelta::seconds((day * 86_400.0).floor() as i64)).date_naive() };
    let offset = day_offset(from);
    let mut means: Vec<DayMean> = Vec::new();
    let mut at = 0;
    while at < values.len() {
        let whole = (days[at] + offset).floor();
        let end = at + days[at..].partition_point(|&day| (day + offset).floor() <= whole);
        let sum: f64 = values[at..end].iter().sum();
        means.push(DayMean { day: day_of(days[at]), mean: sum / (end - at) as f64, count: (end - at) as u32 });
        at = end;
    }
    means
}

/// How far into its day the period begins, so that days are those of the calendar.
fn day_offset(from: DateTime<Utc>) -> f64 {
    let midnight = from.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    (from - midnight).as_seconds_f64() / 86_400.0
}

fn validations(group: &Group, metric: Metric, sorted: &Sorted, days: &[DayMean]) -> Vec<ValidationDto> {
    let row = |kind: &str, size: usize| ValidationDto {
        validation_id: String::new(),
        facility_id: group.facility,
        algorithm_version: group.version.clone(),
        metric_name: metric,
        test_kind: kind.to_owned(),
        statistic: None,
        p_value: None,
        alpha: ALPHA,
        sample_size: size as i64,
        holds: None,
        message: String::new(),
    };
    let mut found = Vec::new();
    if metric != Metric::Acceptance {
        let part: Vec<f64> = evenly(sorted.len(), stats::MAX_SHAPIRO).map(|at| sorted.column().values()[at]).collect();
        let normal = Column::new(&part).map(Sorted::new).and_then(|part| stats::shapiro_wilk(&part));
        found.push(told(row("SHAPIRO_WILK", part.len()), normal.map(|test| (test.w, test.p_value)), |p| {
            (p > ALPHA, if p > ALPHA { "no sign that the values are not normal" } else { "the values are not normal" })
        }));
    }
    let means: Vec<f64> = days.iter().map(|day| day.mean).collect();
    let independent = Column::new(&means).and_then(|means| stats::durbin_watson(&means));
    found.push(told(row("DURBIN_WATSON", means.len()), independent.map(|test| (test.statistic, test.p_value)), |p| {
        (p > ALPHA, if p > ALPHA { "no sign that a day depends on the one before" } else { "a day depends on the one before" })
    }));
    let trend = Column::new(&means).map(Sorted::new).and_then(|means| stats::mann_kendall(&means, ALPHA));
    let direction = trend.as_ref().map_or(Direction::Level, |test| test.direction);
    found.push(told(row("MANN_KENDALL", means.len()), trend.map(|test| (test.tau, test.p_value)), |_| match direction {
        Direction::Rising => (true, "the mean of a day rises"),
        Direction::Falling => (true, "the mean of a day falls"),
        Direction::Level => (false, "no sign of a trend"),
    }));
    found
}

/// Fills in the test, or why there is none.
fn told(row: ValidationDto, test: Result<(f64, f64), stats::Error>, say: impl Fn(f64) -> (bool, &'static str)) -> ValidationDto {
    match test {
        Ok((statistic, p_value)) => {
            let (holds, message) = say(p_value);
            ValidationDto {
                statistic: Some(statistic),
                p_value: Some(p_value),
                holds: Some(holds),
                message: message.into(),
                ..row
            }
        }
        Err(error) => ValidationDto { message: error.to_string(), ..row },
    }
}

fn compared(groups: &[&Group]) -> Results {
    let (control, rivals) = (groups[0], &groups[1..groups.len().min(RIVALS_MOST + 1)]);
    let mut results = Results::default();
    for metric in DESCRIBED {
        for rival in rivals {
            let tests = compare::two(metric, control.values(metric).0, rival.values(metric).0, ALPHA);
            results.comparisons.extend(tests.into_iter().map(|test| ComparisonDto {
                experiment: "OBSERVED".into(),
                facility_id: control.facility,
                control_version: control.version.clone(),
                treatment_version: rival.version.clone(),
                // Bonferroni: so many versions are held against the same one.
                alpha_at_look: Some(ALPHA / rivals.len() as f64),
                is_significant: test.p_value.is_some_and(|p| p <= ALPHA / rivals.len() as f64),
                ..test
            }));
        }
        if metric != Metric::Acceptance {
            results.validations.extend(across(groups, metric));
        }
    }
    results
}

/// Do the versions of a facility have one variance, and one mean?
fn across(groups: &[&Group], metric: Metric) -> Vec<ValidationDto> {
    let columns: Vec<Column> = groups.iter().filter_map(|group| Column::new(group.values(metric).0).ok()).collect();
    let row = |kind: &str| ValidationDto {
        validation_id: String::new(),
        facility_id: groups[0].facility,
        algorithm_version: String::new(),
        metric_name: metric,
        test_kind: kind.to_owned(),
        statistic: None,
        p_value: None,
        alpha: ALPHA,
        sample_size: columns.iter().map(|column| column.len() as i64).sum(),
        holds: None,
        message: String::new(),
    };
    let levene = stats::levene(&columns, Centre::Median).map(|test| (test.w, test.p_value));
    let anova = stats::one_way_anova(&columns).map(|test| (test.f, test.p_value));
    vec![
        told(row("LEVENE"), levene, |p| {
            (p > ALPHA, if p > ALPHA { "no sign that versions differ in spread" } else { "versions differ in spread" })
        }),
        told(row("ANOVA"), anova, |p| {
            (p > ALPHA, if p > ALPHA { "no sign that versions differ in mean" } else { "versions differ in mean" })
        }),
    ]
}
