//! Statistics and experiments.

use chrono::NaiveDate;
use uuid::Uuid;
use warehouse::experiments::{ExperimentDto, ProgressDto};
use warehouse::statistics::{
    ComparisonDto, DayMean, Histogram, MetricDto, OutlierDto, Plot, PredictionDto, RunDto, SummaryRowDto, TrendLine,
    ValidationDto,
};
use warehouse::{ExperimentDecision, ExperimentState, ExperimentUnit, Metric, OutlierSeverity, OutlierStatus};

use super::*;
use crate::view::plots;

pub fn add(samples: &mut Samples) {
    results(samples);
    outliers(samples);
    experiments(samples);
}

fn figures(version: &str) -> MetricDto {
    let day = |n: u32, mean: f64| DayMean { day: NaiveDate::from_ymd_opt(2026, 3, n).unwrap(), mean, count: 40 };
    let trend = TrendLine {
        count: 120,
        intercept: 70.0,
        slope: 1.0,
        slope_error: 0.4,
        residual_standard_deviation: 5.0,
        centre: 1.0,
        reach: 1.98,
        from_day: 0.0,
        to_day: 2.9,
    };
    MetricDto {
        algorithm_version: version.into(),
        metric_name: "SCORE".into(),
        sample_size: 120,
        mean: Some(71.5),
        std_dev: Some(5.1),
        minimum: Some(50.0),
        percentile_5: Some(62.0),
        percentile_25: Some(68.0),
        median: Some(71.9),
        percentile_75: Some(75.0),
        percentile_95: Some(80.0),
        maximum: Some(90.0),
        confidence_low: Some(70.6),
        confidence_high: Some(72.4),
        trend_slope_per_day: Some(1.0),
        trend_p_value: Some(0.014),
        outliers_iqr: Some(3),
        plot: Plot {
            histogram: Some(Histogram { low: 50.0, width: 10.0, counts: vec![3, 40, 70, 7] }),
            quantiles: vec![60.0, 71.0, 82.0],
            normal_quantiles: vec![-2.0, 0.0, 2.0],
            days: vec![day(1, 70.0), day(2, 71.2), day(3, 72.1)],
            trend: Some(trend),
        },
        ..MetricDto::default()
    }
}

fn validation() -> ValidationDto {
    ValidationDto {
        validation_id: "v".into(),
        facility_id: None,
        algorithm_version: "BFD".into(),
        metric_name: Metric::Score,
        test_kind: "SHAPIRO_WILK".into(),
        statistic: Some(0.98),
        p_value: Some(0.03),
        alpha: 0.05,
        sample_size: 120,
        holds: Some(false),
        message: "the values are not normal".into(),
    }
}

pub fn comparison(is_primary: bool) -> ComparisonDto {
    ComparisonDto {
        test_id: "t".into(),
        experiment: "E1".into(),
        facility_id: None,
        metric_name: Metric::Score,
        control_version: "BFD".into(),
        treatment_version: "OPTIMAL/<script>alert(1)</script>".into(),
        control_size: 60,
        treatment_size: 61,
        control_mean: Some(70.0),
        treatment_mean: Some(72.9),
        control_std_dev: Some(5.0),
        treatment_std_dev: Some(5.2),
        test_kind: if is_primary { "WELCH_T".into() } else { "MANN_WHITNEY".into() },
        statistic: Some(3.1),
        degrees_of_freedom: Some(118.2),
        p_value: Some(0.0024),
        difference: Some(2.9),
        difference_low: Some(1.1),
        difference_high: Some(4.7),
        effect_size: Some(0.57),
        effect_kind: Some("COHEN_D".into()),
        power: is_primary.then_some(0.87),
        look: 1,
        looks_planned: 5,
        alpha: 0.05,
        alpha_at_look: Some(0.01),
        is_significant: is_primary,
        decision: ExperimentDecision::Continue,
        is_primary,
        information_share: Some(0.2),
        created_at: now(),
    }
}

fn outlier(status: OutlierStatus) -> OutlierDto {
    let has_ended = matches!(status, OutlierStatus::Resolved | OutlierStatus::Dismissed);
    OutlierDto {
        outlier_id: "0192f0c1".into(),
        facility_id: None,
        algorithm_version: "BFD".into(),
        metric_name: "SCORE".into(),
        recommendation_id: Some(Uuid::nil()),
        material_id: None,
        location_id: None,
        value: 12.5,
        method: "MODIFIED_Z".into(),
        score: Some(7.2),
        lower_bound: None,
        upper_bound: None,
        severity: OutlierSeverity::Severe,
        status,
        root_cause: if has_ended { "<script>alert(1)</script>".into() } else { String::new() },
        resolution_notes: String::new(),
        resolved_by: has_ended.then(|| "Ada Berg".into()),
        resolved_at: has_ended.then(now),
        changed_by: has_ended.then(|| "Ada Berg".into()),
        changed_at: has_ended.then(now),
        detected_at: ago(60),
    }
}

fn results(samples: &mut Samples) {
    let own = figures("BFD");
    let prediction = PredictionDto {
        facility_id: None,
        algorithm_version: "BFD".into(),
        metric_name: "SCORE".into(),
        days_ahead: 7,
        mean: 74.0,
        low: 71.0,
        high: 77.0,
        level: 0.95,
        trend_p_value: Some(0.014),
    };
    let panel = VersionPanel {
        title: "BER · BFD".into(),
        anchor: "version-0".into(),
        histogram: plots::histogram(&own),
        trend: plots::trend(&own.plot),
        quantiles: plots::quantiles(&own),
        matrix: String::new(),
        validations: vec![validation()],
        predictions: vec![prediction],
        figures: own.clone(),
    };
    let run = RunDto {
        run_id: Uuid::nil(),
        period_start: ago(60 * 24 * 365),
        period_end: now(),
        recommendations: 120,
        groups: 1,
        message: "only the newest 2000000 recommendations".into(),
        read_ms: 1.0,
        computed_ms: 2.0,
        created_at: ago(30),
    };
    let summary = SummaryRowDto {
        facility_id: None,
        algorithm: "BFD".into(),
        recommendations: 120,
        decided: 100,
        accepted: 91,
        mean_confidence: Some(0.81),
        confidence_std_dev: None,
        mean_score: Some(71.5),
        recommendations_7d: 20,
        decided_7d: 10,
        accepted_7d: 9,
        last_updated: now(),
    };
    let page = |found, outliers| StatisticsPage {
        page: page("Statistics", "/statistics"),
        filter: StatisticsFilter { facility: String::new(), metric: "SCORE".into() },
        facilities: facilities(),
        metrics: vec![Choice::new("SCORE", "Score"), Choice::new("CONFIDENCE", "Confidence")],
        can_run: true,
        outliers,
        found,
    };
    let found = StatisticsFound {
        run: Some(run),
        analysis_enabled: true,
        boxes: plots::boxes(&[("BER · BFD".into(), &own)]),
        versions: vec![panel],
        comparisons: vec![comparison(true), comparison(false)],
        across: vec![validation()],
        summary: vec![SummaryRow { facility: "BER".into(), figures: summary }],
        open_outliers: 40,
    };
    samples.add("statistics", &page(found, vec![outlier(OutlierStatus::Open), outlier(OutlierStatus::Investigating)]));
    samples.add("statistics-empty", &page(StatisticsFound::default(), Vec::new()));
}

fn outliers(samples: &mut Samples) {
    let page = |status, steps: Vec<Choice>, errors| OutlierPage {
        page: page("A value that stands apart", "/statistics/outliers/0192f0c1"),
        outlier: outlier(status),
        steps,
        input: OutlierInput::default(),
        errors,
    };
    let steps =
        vec![Choice::new("RESOLVED", "Its cause was found and dealt with"), Choice::new("DISMISSED", "It is as it should be")];
    samples.add("outlier", &page(OutlierStatus::Investigating, steps, refused(&[("notes", "must say what was found or done")])));
    samples.add("outlier-resolved", &page(OutlierStatus::Resolved, Vec::new(), Errors::none()));
}

fn experiment(state: ExperimentState) -> ExperimentDto {
    let has_ended = matches!(state, ExperimentState::Decided | ExperimentState::Stopped);
    ExperimentDto {
        experiment_id: Uuid::nil(),
        code: "E1".into(),
        name: "Best fit against <script>alert(1)</script>".into(),
        hypothesis: "People accept more when goods lie nearer.".into(),
        unit: ExperimentUnit::Receipt,
        facility_ids: Vec::new(),
        treated_facility_ids: Vec::new(),
        metric_name: Metric::Acceptance,
        control_algorithm: "BFD".into(),
        control_weights: json!({}),
        treatment_algorithm: "OPTIMAL".into(),
        treatment_weights: json!({ "travel": 45, "abc": 15 }),
        treatment_share: 0.5,
        alpha: 0.05,
        power: 0.8,
        minimum_effect: 0.3,
        spending: "OBRIEN_FLEMING".into(),
        looks_planned: 5,
        planned_units: 360,
        max_days: 90,
        state,
        looked_shares: vec![0.2],
        decision: (state == ExperimentState::Decided).then_some(ExperimentDecision::Treatment),
        decision_reason: if has_ended { "TREATMENT is better".into() } else { String::new() },
        version: 2,
        created_by: "Ada Berg".into(),
        created_at: ago(9_000),
        started_at: (state != ExperimentState::Draft).then(|| ago(8_000)),
        ended_at: has_ended.then(now),
    }
}

fn experiments(samples: &mut Samples) {
    let all = [ExperimentState::Draft, ExperimentState::Running, ExperimentState::Decided, ExperimentState::Stopped];
    let list =
        |experiments| ExperimentList { page: page("Experiments", "/experiments"), experiments, can_write: true, pager: pager() };
    samples.add("experiments", &list(all.map(experiment).to_vec()));
    samples.add("experiments-empty", &list(Vec::new()));
    for (name, state) in [("experiment-draft", all[0]), ("experiment-running", all[1]), ("experiment-decided", all[2])] {
        let is_running = state == ExperimentState::Running;
        let progress = ProgressDto {
            experiment: experiment(state),
            control_version: "BFD".into(),
            treatment_version: "OPTIMAL/0a1b2c3d".into(),
            control_units: 60,
            treatment_units: 61,
            recommendations: 700,
            information_share: 0.33,
            next_look_at: is_running.then_some(0.4),
            is_look_due: false,
            looks: if state == ExperimentState::Draft { Vec::new() } else { vec![comparison(true), comparison(false)] },
        };
        samples.add(
            name,
            &ExperimentPage {
                page: page("Experiment", "/experiments/E1"),
                plot: plots::looks(&progress.looks),
                information_percent: 33.0,
                can_start: state == ExperimentState::Draft,
                can_look: is_running,
                can_stop: is_running,
                progress,
                input: StopInput::default(),
                errors: if is_running { refused(&[("reason", "must not be empty")]) } else { Errors::none() },
            },
        );
    }
    let form = |errors| ExperimentForm {
        page: page("New experiment", "/experiments/new"),
        facilities: facilities(),
        input: ExperimentInput::default(),
        errors,
    };
    samples.add("experiment-new", &form(Errors::none()));
    samples.add("experiment-refused", &form(refused(&[("code", "must not be empty"), ("control_weights", "must be JSON")])));
}
