//! Shapes of the API, the same in REST (snake_case) and GraphQL (camelCase). Shares are 0 to 1, percentages 0 to 100.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use optimization::learning::{Comparison, Importance, Metrics, ReliabilityBin};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::words::{ModelState, TrainingCause, TrainingOutcome, TrainingPhase, TrainingState};

/// Decisions with similar probabilities, and how many of them were really accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = ModelReliability)]
#[graphql(name = "ModelReliability")]
pub struct ReliabilityDto {
    pub decisions: u32,
    pub mean_probability: f64,
    pub accepted_share: f64,
}

/// How good a model is on decisions that it was not trained on. Null where a figure is not defined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = ModelMetrics)]
#[graphql(name = "ModelMetrics")]
pub struct ModelMetricsDto {
    /// Held-out decisions.
    pub decisions: u32,
    /// Of those, how many were accepted.
    pub accepted: u32,
    /// Decisions foretold right at a probability of one half.
    pub accuracy_percent: f64,
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    pub f1: Option<f64>,
    pub auc: Option<f64>,
    /// Mean squared error of the probability.
    pub brier: f64,
    pub log_loss: f64,
    /// Of the constant that fits best: a model must stay below.
    pub base_log_loss: f64,
    /// Expected calibration error, over bins of equal mass.
    pub calibration_error: f64,
    /// What 95 % of perfectly calibrated models would stay below.
    pub calibration_band: f64,
    pub true_positives: u32,
    pub false_positives: u32,
    pub true_negatives: u32,
    pub false_negatives: u32,
    pub reliability: Vec<ReliabilityDto>,
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl From<ReliabilityBin> for ReliabilityDto {
    fn from(bin: ReliabilityBin) -> Self {
        let ReliabilityBin { decisions, mean_probability, accepted_share } = bin;
        Self { decisions: count(decisions), mean_probability, accepted_share }
    }
}

impl From<Metrics> for ModelMetricsDto {
    fn from(metrics: Metrics) -> Self {
        // Whole numbers again: each share was one count over another.
        let whole = |share: f64, of: usize| (share * of as f64).round() as usize;
        let right = whole(metrics.accuracy, metrics.decisions);
        let true_positives = metrics.recall.map_or(0, |recall| whole(recall, metrics.accepted));
        let true_negatives = right.saturating_sub(true_positives);
        let refused = metrics.decisions - metrics.accepted;
        Self {
            decisions: count(metrics.decisions),
            accepted: count(metrics.accepted),
            accuracy_percent: metrics.accuracy * 100.0,
            precision: metrics.precision,
            recall: metrics.recall,
            f1: metrics.f1,
            auc: metrics.auc,
            brier: metrics.brier,
            log_loss: metrics.log_loss,
            base_log_loss: metrics.base_log_loss,
            calibration_error: metrics.calibration_error,
            calibration_band: metrics.calibration_band,
            true_positives: count(true_positives),
            false_positives: count(refused.saturating_sub(true_negatives)),
            true_negatives: count(true_negatives),
            false_negatives: count(metrics.accepted.saturating_sub(true_positives)),
            reliability: metrics.reliability.into_iter().map(ReliabilityDto::from).collect(),
        }
    }
}

/// How much a feature lowered the log loss in training, as a share of what all did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = FeatureImportance)]
#[graphql(name = "FeatureImportance")]
pub struct ImportanceDto {
    pub feature: String,
    pub gain_share: f64,
}

impl From<Importance> for ImportanceDto {
    fn from(importance: Importance) -> Self {
        let Importance { feature, gain_share } = importance;
        Self { feature, gain_share }
    }
}

/// A model against the champion of its time, on decisions later than both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = ModelComparison)]
#[graphql(name = "ModelComparison")]
pub struct ComparisonDto {
    pub decisions: u32,
    pub champion_log_loss: f64,
    pub challenger_log_loss: f64,
    /// Above 0 the newer one is better.
    pub improvement: f64,
    /// 95 % confidence interval of the improvement.
    pub improvement_low: f64,
    pub improvement_high: f64,
}

impl From<Comparison> for ComparisonDto {
    fn from(comparison: Comparison) -> Self {
        Self {
            decisions: count(comparison.decisions),
            champion_log_loss: comparison.champion_log_loss,
            challenger_log_loss: comparison.challenger_log_loss,
            improvement: comparison.improvement,
            improvement_low: comparison.interval.0,
            improvement_high: comparison.interval.1,
        }
    }
}

/// One version of the acceptance model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = AcceptanceModel)]
#[graphql(name = "AcceptanceModel")]
pub struct ModelDto {
    pub version: i32,
    pub state: ModelState,
    /// Why it is in this state, in one sentence.
    pub state_reason: String,
    pub state_since: DateTime<Utc>,
    /// Which list of features it was trained on.
    pub feature_schema: i32,
    /// Decisions that it was trained on.
    pub decisions: i32,
    /// The newest of them; what it is judged by is later.
    pub trained_until: DateTime<Utc>,
    pub trees: u32,
    /// Log loss on the decisions it was trained on.
    pub trained_log_loss: f64,
    /// On the decisions that were kept aside when it was trained.
    pub validation: ModelMetricsDto,
    /// On all decisions later than its own, when the last training looked; null when none had.
    pub latest: Option<ModelMetricsDto>,
    pub evaluated_at: Option<DateTime<Utc>>,
    pub comparison: Option<ComparisonDto>,
    /// The most important first.
    pub importance: Vec<ImportanceDto>,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
}

impl ModelDto {
    /// The newest judgement: of decisions since, else of those kept aside.
    pub fn metrics(&self) -> &ModelMetricsDto {
        self.latest.as_ref().unwrap_or(&self.validation)
    }
}

/// One training, how far it is and what it came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = ModelTraining)]
#[graphql(name = "ModelTraining")]
pub struct TrainingDto {
    pub training_id: Uuid,
    pub state: TrainingState,
    pub cause: TrainingCause,
    pub phase: TrainingPhase,
    /// Decisions read.
    pub progress_done: i64,
    pub progress_total: i64,
    /// When it is done.
    pub outcome: Option<TrainingOutcome>,
    /// What it came to, in one sentence.
    pub message: String,
    /// Of the model that it made.
    pub version: Option<i32>,
    pub requested_by: String,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// Decided recommendations of one method and one model; figures of the model are null where it had no say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = AcceptanceGroup)]
#[graphql(name = "AcceptanceGroup")]
pub struct AcceptanceGroupDto {
    pub algorithm: String,
    /// Null where the rule score stood alone.
    pub model_version: Option<i32>,
    pub decided: i64,
    pub accepted: i64,
    pub acceptance_rate_percent: f64,
    /// Of the rule score.
    pub mean_confidence: f64,
    pub mean_ml_adjusted_confidence: Option<f64>,
    /// Decisions that the model foretold right when it mattered.
    pub ml_accuracy_percent: Option<f64>,
    /// Mean squared error of the rule score's confidence.
    pub rule_brier: f64,
    pub ml_brier: Option<f64>,
}

/// Accuracy of the model in use, and, apart from it, how often people accept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = ModelAccuracy)]
#[graphql(name = "ModelAccuracy")]
pub struct AccuracyDto {
    /// ML_MODEL_ENABLED; off, recommendations carry the rule score alone.
    pub is_enabled: bool,
    /// What stands in recommendations now, in one sentence.
    pub message: String,
    /// The model in use; null while the rule score stands alone.
    pub champion: Option<ModelDto>,
    /// Of the champion on held-out decisions, the newest judgement.
    pub metrics: Option<ModelMetricsDto>,
    /// Decided recommendations of which is recorded what was known.
    pub decisions: i64,
    /// A model is trained from this many on.
    pub decisions_needed: i64,
    /// Decided within the period.
    pub decided: i64,
    pub accepted: i64,
    /// Null when nothing was decided.
    pub acceptance_rate_percent: Option<f64>,
    pub period_days: u32,
    pub by_algorithm: Vec<AcceptanceGroupDto>,
    /// The training that waits or runs.
    pub training: Option<TrainingDto>,
}

/// What one feature was when a recommendation was made, and what it did to the model's probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = KnownFeature)]
#[graphql(name = "KnownFeature")]
pub struct KnownFeatureDto {
    pub feature: String,
    /// A number or a word; null where it was unknown.
    pub value: Option<String>,
    /// In log odds: above 0 it spoke for acceptance. Null without a model.
    pub contribution: Option<f64>,
}

/// Why a recommendation has its probability of acceptance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = ConfidenceExplanation)]
#[graphql(name = "ConfidenceExplanation")]
pub struct ConfidenceDto {
    pub recommendation_id: Uuid,
    /// The model that had a say when it was made.
    pub model_version: Option<i32>,
    pub probability: Option<f64>,
    pub recorded_at: Option<DateTime<Utc>>,
    /// What weighed most first; without a model in the order of the list.
    pub features: Vec<KnownFeatureDto>,
}
