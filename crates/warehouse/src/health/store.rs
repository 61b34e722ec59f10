use chrono::{DateTime, TimeDelta, Utc};
use kernel::{FacilityId, TenantId};
use platform::Result;
use sqlx::PgConnection;

pub(super) struct Row {
    pub cached_at: Option<DateTime<Utc>>,
    pub has_locations: bool,
    pub model_accuracy: Option<f64>,
    pub capacity_failures_24h: i64,
    pub statistical_metrics_7d: i64,
    pub recommendations_7d: i64,
    pub confidence_sum_7d: f64,
    pub decided_7d: i64,
    pub accepted_7d: i64,
    pub decided_30d: i64,
}

/// In one round trip. What is counted over recommendations is at most ten minutes old.
pub(super) async fn facts(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: Option<FacilityId>,
    now: DateTime<Utc>,
) -> Result<Row> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT warehouse.utilization_cached_at($1) AS cached_at,
                  EXISTS (SELECT FROM warehouse.locations WHERE tenant_id = $1) AS "has_locations!",
                  (SELECT m.ml_model_accuracy FROM warehouse.bin_optimization_statistical_metrics m
                   WHERE m.tenant_id = $1 AND m.ml_model_accuracy IS NOT NULL ORDER BY m.created_at DESC LIMIT 1) AS model_accuracy,
                  (SELECT count(*) FROM warehouse.capacity_validation_failures f
                   WHERE f.tenant_id = $1 AND NOT f.resolved AND f.created_at > $3 AND ($2::uuid IS NULL OR f.facility_id = $2)) AS "capacity_failures_24h!",
                  (SELECT count(*) FROM warehouse.bin_optimization_statistical_metrics m
                   WHERE m.tenant_id = $1 AND m.created_at > $4) AS "statistical_metrics_7d!",
                  s.recommendations_7d AS "recommendations_7d!", s.confidence_sum_7d AS "confidence_sum_7d!", s.decided_7d AS "decided_7d!",
                  s.accepted_7d AS "accepted_7d!", s.decided_30d AS "decided_30d!"
           FROM (SELECT coalesce(sum(c.recommendations_7d), 0)::bigint AS recommendations_7d,
                        coalesce(sum(c.confidence_sum_7d), 0) AS confidence_sum_7d, coalesce(sum(c.decided_7d), 0)::bigint AS decided_7d,
                        coalesce(sum(c.accepted_7d), 0)::bigint AS accepted_7d, coalesce(sum(c.decided), 0)::bigint AS decided_30d
                 FROM warehouse.cached_statistical_summary($1) c
                 WHERE c.tenant_id = $1 AND ($2::uuid IS NULL OR c.facility_id = $2)) s"#,
        tenant.as_str(),
        facility.map(|id| id.0),
        now - TimeDelta::days(1),
        now - TimeDelta::days(7),
    );
    Ok(row.fetch_one(connection).await?)
}

pub(super) struct Gauges {
    pub cached_at: Option<DateTime<Utc>>,
    pub is_uncached: bool,
    pub worst_accuracy: Option<f64>,
    pub recommendations: i64,
    pub confidence_sum: f64,
    pub decided: i64,
    pub accepted: i64,
    pub capacity_failures: i64,
}

/// Of the whole installation.
pub(super) async fn gauges(connection: &mut PgConnection) -> Result<Gauges> {
    let row = sqlx::query_as!(
        Gauges,
        r#"SELECT cached_at, is_uncached AS "is_uncached!", worst_accuracy, recommendations AS "recommendations!",
                  confidence_sum AS "confidence_sum!", decided AS "decided!", accepted AS "accepted!", capacity_failures AS "capacity_failures!"
           FROM warehouse.optimization_gauges()"#
    );
    Ok(row.fetch_one(connection).await?)
}
