//! Shapes of the API, the same in REST (snake_case) and GraphQL (camelCase).

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::quality::RemediationDto;
use crate::words::HealthStatus;

/// What one check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = OptimizationHealthCheck)]
#[graphql(name = "OptimizationHealthCheck")]
pub struct HealthCheckDto {
    pub name: String,
    pub status: HealthStatus,
    pub message: String,
}

/// What the checks looked at; null where there is nothing to measure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = OptimizationHealthFigures)]
#[graphql(name = "OptimizationHealthFigures")]
pub struct HealthFiguresDto {
    pub cache_age_minutes: Option<f64>,
    /// On held-out decisions, 0 to 100; null while no model is in use.
    pub model_accuracy_percent: Option<f64>,
    /// Of the recommendations of the last seven days, 0 to 1.
    pub mean_confidence: Option<f64>,
    /// Accepted of the recommendations that were decided within the last seven days, 0 to 100.
    pub acceptance_rate_percent: Option<f64>,
    /// How long reading these figures took.
    pub query_ms: Option<f64>,
    pub refresh_job_configured: bool,
    pub graphql_answers: Option<bool>,
    /// Not resolved.
    pub capacity_failures_24h: i64,
    pub statistical_metrics_7d: i64,
    pub recommendations_7d: i64,
    pub decided_30d: i64,
}

/// How well the optimisation is: the worst of its checks.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = OptimizationHealth)]
#[graphql(name = "OptimizationHealth")]
pub struct HealthDto {
    pub overall_status: HealthStatus,
    pub checks: Vec<HealthCheckDto>,
    pub figures: HealthFiguresDto,
    /// Settings that are off, such as `ML_MODEL_ENABLED`.
    pub switched_off: Vec<String>,
    /// What the program did by itself, the last five times.
    pub recent_remediations: Vec<RemediationDto>,
    pub checked_at: DateTime<Utc>,
}
