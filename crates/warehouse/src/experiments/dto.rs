//! Shapes of the API, the same in REST (snake_case) and GraphQL (camelCase).

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::statistics::ComparisonDto;
use crate::words::{ExperimentDecision, ExperimentState, ExperimentUnit, Metric};

/// Two ways to place goods against each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = Experiment)]
#[graphql(name = "Experiment")]
pub struct ExperimentDto {
    pub experiment_id: Uuid,
    /// Unique.
    pub code: String,
    pub name: String,
    pub hypothesis: String,
    pub unit: ExperimentUnit,
    /// Where it runs; everywhere when empty.
    pub facility_ids: Vec<Uuid>,
    /// Of a FACILITY experiment that has started: those that work as TREATMENT.
    pub treated_facility_ids: Vec<Uuid>,
    /// What decides: the mean of a unit's recommendations.
    pub metric_name: Metric,
    pub control_algorithm: String,
    /// What differs from the default weights.
    #[schema(value_type = Object)]
    pub control_weights: Value,
    pub treatment_algorithm: String,
    #[schema(value_type = Object)]
    pub treatment_weights: Value,
    /// Of the units, 0.05 to 0.95.
    pub treatment_share: f64,
    /// Probability to name a winner although the sides do not differ, over all looks.
    pub alpha: f64,
    /// Probability to find an effect of the size that follows.
    pub power: f64,
    /// In standard deviations of a unit's value.
    pub minimum_effect: f64,
    /// OBRIEN_FLEMING or POCOCK.
    pub spending: String,
    pub looks_planned: i32,
    /// Units in all at which the last look is due.
    pub planned_units: i64,
    /// After so many days the last look is due whatever has come in.
    pub max_days: i32,
    pub state: ExperimentState,
    /// Shares of the planned information at the looks so far.
    pub looked_shares: Vec<f64>,
    /// Of a DECIDED one: CONTROL, TREATMENT or NO_DIFFERENCE.
    pub decision: Option<ExperimentDecision>,
    pub decision_reason: String,
    /// Counts the changes.
    pub version: i32,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// How far an experiment is. Between looks it tells how many there are, never how the sides differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = ExperimentProgress)]
#[graphql(name = "ExperimentProgress")]
pub struct ProgressDto {
    pub experiment: ExperimentDto,
    pub control_version: String,
    pub treatment_version: String,
    /// Units that have a value of the metric.
    pub control_units: i64,
    pub treatment_units: i64,
    pub recommendations: i64,
    /// Share of the planned information, 0 to 1.
    pub information_share: f64,
    /// The share at which the next look is due; null when there is none.
    pub next_look_at: Option<f64>,
    pub is_look_due: bool,
    /// What the looks so far found, the deciding test of each first.
    pub looks: Vec<ComparisonDto>,
}
