//! Shapes of the API, the same in REST (snake_case) and GraphQL (camelCase). A facility that is null stands for recommendations of
//! none, and an algorithm version names the method and, where they are not the default ones, the weights.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Plot;
use crate::words::{ExperimentDecision, Metric, OutlierSeverity, OutlierStatus};

/// One computation over the stored recommendations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = StatisticalRun)]
#[graphql(name = "StatisticalRun")]
pub struct RunDto {
    pub run_id: Uuid,
    /// The period is half-open: its end is not in it.
    pub period_start: DateTime<Utc>,
    pub period_end: DateTime<Utc>,
    pub recommendations: i64,
    /// Facilities times versions.
    pub groups: i32,
    /// What was left out because there was too much of it; empty when nothing was.
    pub message: String,
    pub read_ms: f64,
    pub computed_ms: f64,
    pub created_at: DateTime<Utc>,
}

/// What the values of one metric look like. Null where a figure has no value, for instance the spread of one value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = StatisticalMetric)]
#[graphql(name = "StatisticalMetric")]
pub struct MetricDto {
    pub metric_id: String,
    pub facility_id: Option<Uuid>,
    pub algorithm_version: String,
    pub metric_name: String,
    pub sample_size: i64,
    pub mean: Option<f64>,
    /// Denominator n - 1.
    pub std_dev: Option<f64>,
    pub skewness: Option<f64>,
    /// Excess: 0 for a normal distribution.
    pub kurtosis: Option<f64>,
    pub minimum: Option<f64>,
    pub percentile_1: Option<f64>,
    pub percentile_5: Option<f64>,
    pub percentile_10: Option<f64>,
    pub percentile_25: Option<f64>,
    pub median: Option<f64>,
    pub percentile_75: Option<f64>,
    pub percentile_90: Option<f64>,
    pub percentile_95: Option<f64>,
    pub percentile_99: Option<f64>,
    pub maximum: Option<f64>,
    pub confidence_level: Option<f64>,
    /// Of the mean, by Student's t.
    pub confidence_low: Option<f64>,
    pub confidence_high: Option<f64>,
    /// Of the mean, by the bootstrap.
    pub bootstrap_low: Option<f64>,
    pub bootstrap_high: Option<f64>,
    pub bootstrap_seed: Option<i64>,
    /// Of the straight line of least squares.
    pub trend_slope_per_day: Option<f64>,
    pub trend_slope_low: Option<f64>,
    pub trend_slope_high: Option<f64>,
    pub trend_p_value: Option<f64>,
    /// In percent of those decided.
    pub acceptance_rate: Option<f64>,
    /// All that each rule finds; the list of outliers holds the worst of them.
    pub outliers_iqr: Option<i64>,
    pub outliers_z: Option<i64>,
    pub outliers_modified_z: Option<i64>,
    /// What pictures are drawn from.
    #[graphql(skip)]
    #[schema(value_type = Object)]
    pub plot: Plot,
}

/// How two figures of the same recommendations move together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = StatisticalCorrelation)]
#[graphql(name = "StatisticalCorrelation")]
pub struct CorrelationDto {
    pub analysis_id: String,
    pub facility_id: Option<Uuid>,
    pub algorithm_version: String,
    pub feature_x: Metric,
    pub feature_y: Metric,
    /// PEARSON, SPEARMAN or KENDALL (tau-b).
    pub method: String,
    pub coefficient: f64,
    /// Two-sided, of no association.
    pub p_value: f64,
    /// By Fisher's z; of PEARSON only.
    pub confidence_low: Option<f64>,
    pub confidence_high: Option<f64>,
    pub slope: Option<f64>,
    pub intercept: Option<f64>,
    pub r_squared: Option<f64>,
    /// Those by ranks look at an even part of 10,000.
    pub sample_size: i64,
}

/// Whether an assumption holds that a test rests on, or whether a trend is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = StatisticalValidation)]
#[graphql(name = "StatisticalValidation")]
pub struct ValidationDto {
    pub validation_id: String,
    pub facility_id: Option<Uuid>,
    /// Empty for a test over all versions.
    pub algorithm_version: String,
    pub metric_name: Metric,
    /// SHAPIRO_WILK, LEVENE, DURBIN_WATSON, MANN_KENDALL or ANOVA.
    pub test_kind: String,
    pub statistic: Option<f64>,
    pub p_value: Option<f64>,
    pub alpha: f64,
    pub sample_size: i64,
    /// Null when nothing can be said, for instance of too few values.
    pub holds: Option<bool>,
    pub message: String,
}

/// One test of two versions, or of the two sides of an experiment. Differences are treatment minus control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = StatisticalComparison)]
#[graphql(name = "StatisticalComparison")]
pub struct ComparisonDto {
    pub test_id: String,
    /// The experiment's code, or OBSERVED for versions that nobody assigned: what differs may have other causes.
    pub experiment: String,
    pub facility_id: Option<Uuid>,
    pub metric_name: Metric,
    pub control_version: String,
    pub treatment_version: String,
    pub control_size: i64,
    pub treatment_size: i64,
    pub control_mean: Option<f64>,
    pub treatment_mean: Option<f64>,
    pub control_std_dev: Option<f64>,
    pub treatment_std_dev: Option<f64>,
    /// WELCH_T, MANN_WHITNEY, CHI_SQUARE (with Yates's correction) or FISHER_EXACT.
    pub test_kind: String,
    pub statistic: Option<f64>,
    pub degrees_of_freedom: Option<f64>,
    pub p_value: Option<f64>,
    pub difference: Option<f64>,
    pub difference_low: Option<f64>,
    pub difference_high: Option<f64>,
    pub effect_size: Option<f64>,
    /// COHEN_D, CLIFF_DELTA or ODDS_RATIO.
    pub effect_kind: Option<String>,
    /// To find an effect of the size that was found.
    pub power: Option<f64>,
    pub look: i32,
    pub looks_planned: i32,
    pub alpha: f64,
    /// What the p-value of this look may be at most.
    pub alpha_at_look: Option<f64>,
    pub is_significant: bool,
    pub decision: ExperimentDecision,
    /// The test that the decision rests on.
    pub is_primary: bool,
    /// Share of the planned information, 0 to 1.
    pub information_share: Option<f64>,
    pub created_at: DateTime<Utc>,
}

/// A value that stands apart, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = StatisticalOutlier)]
#[graphql(name = "StatisticalOutlier")]
pub struct OutlierDto {
    pub outlier_id: String,
    pub facility_id: Option<Uuid>,
    pub algorithm_version: String,
    /// A metric, or ALL where all figures of the recommendation together stand apart.
    pub metric_name: String,
    pub recommendation_id: Option<Uuid>,
    pub material_id: Option<Uuid>,
    pub location_id: Option<Uuid>,
    /// Of the metric; for ALL the recommendation's score.
    pub value: f64,
    /// IQR, Z_SCORE, MODIFIED_Z or ISOLATION_FOREST.
    pub method: String,
    /// In the unit of the method.
    pub score: Option<f64>,
    /// Values below are outliers, in the unit of the value; null for ISOLATION_FOREST, which judges several figures at once.
    pub lower_bound: Option<f64>,
    /// Values above are outliers.
    pub upper_bound: Option<f64>,
    pub severity: OutlierSeverity,
    pub status: OutlierStatus,
    pub root_cause: String,
    pub resolution_notes: String,
    pub resolved_by: Option<String>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub changed_by: Option<String>,
    pub changed_at: Option<DateTime<Utc>>,
    pub detected_at: DateTime<Utc>,
}

/// Recommendations of the last 30 and 7 days by facility and method, as the summary has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = StatisticalSummary)]
#[graphql(name = "StatisticalSummary")]
pub struct SummaryRowDto {
    /// Null for recommendations of no facility.
    pub facility_id: Option<Uuid>,
    pub algorithm: String,
    pub recommendations: i64,
    pub decided: i64,
    pub accepted: i64,
    pub mean_confidence: Option<f64>,
    pub confidence_std_dev: Option<f64>,
    pub mean_score: Option<f64>,
    pub recommendations_7d: i64,
    pub decided_7d: i64,
    pub accepted_7d: i64,
    pub last_updated: DateTime<Utc>,
}

/// The results of the newest run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = Statistics)]
#[graphql(name = "Statistics")]
pub struct StatisticsDto {
    /// Null before the first run.
    pub run: Option<RunDto>,
    pub metrics: Vec<MetricDto>,
    pub correlations: Vec<CorrelationDto>,
    pub validations: Vec<ValidationDto>,
    pub comparisons: Vec<ComparisonDto>,
    pub summary: Vec<SummaryRowDto>,
    /// Not resolved, not dismissed.
    pub open_outliers: i64,
    /// Whether STATISTICAL_ANALYSIS_ENABLED is on; off, results stay as the last run left them.
    pub analysis_enabled: bool,
}

/// Where the straight trend of a metric leads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = MetricPrediction)]
#[graphql(name = "MetricPrediction")]
pub struct PredictionDto {
    pub facility_id: Option<Uuid>,
    pub algorithm_version: String,
    pub metric_name: String,
    pub days_ahead: i32,
    /// Of the mean on that day, within what the metric can be.
    pub mean: f64,
    pub low: f64,
    pub high: f64,
    pub level: f64,
    /// Two-sided, of no trend at all: above 0.05 the mean of today is as good a guess.
    pub trend_p_value: Option<f64>,
}
