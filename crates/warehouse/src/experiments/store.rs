use chrono::{DateTime, Utc};
use kernel::{PageRequest, TenantId};
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::dto::ExperimentDto;
use crate::words::{Arm, ExperimentState, Metric};

/// The macro keeps the one list of columns for every way to find experiments.
macro_rules! select_experiments {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            ExperimentDto,
            r#"SELECT experiment_id, code, name, hypothesis, unit AS "unit: _", facility_ids, treated_facility_ids,
                      metric_name AS "metric_name: _", control_algorithm, control_weights, treatment_algorithm, treatment_weights,
                      treatment_share, alpha, power, minimum_effect, spending, looks_planned, planned_units, max_days, state AS "state: _",
                      looked_shares, decision AS "decision: _", decision_reason, version, created_by, created_at, started_at, ended_at
               FROM warehouse.experiments WHERE tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

/// One at a time may start, so that two never govern the same goods. Released at the end of the transaction.
pub(super) async fn lock_all(connection: &mut PgConnection, tenant: &TenantId) -> Result<()> {
    let key = format!("experiments {tenant}");
    sqlx::query!(r#"SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text AS "locked""#, key).fetch_one(connection).await?;
    Ok(())
}

pub(super) async fn insert(connection: &mut PgConnection, tenant: &TenantId, new: &ExperimentDto) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.experiments
             (tenant_id, experiment_id, code, name, hypothesis, unit, facility_ids, metric_name, control_algorithm, control_weights,
              treatment_algorithm, treatment_weights, treatment_share, alpha, power, minimum_effect, spending, looks_planned, planned_units,
              max_days, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
        tenant.as_str(),
        new.experiment_id,
        new.code,
        new.name,
        new.hypothesis,
        new.unit.as_str(),
        &new.facility_ids,
        new.metric_name.as_str(),
        new.control_algorithm,
        new.control_weights,
        new.treatment_algorithm,
        new.treatment_weights,
        new.treatment_share,
        new.alpha,
        new.power,
        new.minimum_effect,
        new.spending,
        new.looks_planned,
        new.planned_units,
        new.max_days,
        new.created_by,
        new.created_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What changes after the start: state, looks, decision.
pub(super) async fn update(connection: &mut PgConnection, tenant: &TenantId, after: &ExperimentDto) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.experiments
         SET state = $3, treated_facility_ids = $4, looked_shares = $5, decision = $6, decision_reason = $7, started_at = $8, ended_at = $9,
             version = version + 1
         WHERE tenant_id = $1 AND experiment_id = $2",
        tenant.as_str(),
        after.experiment_id,
        after.state.as_str(),
        &after.treated_facility_ids,
        &after.looked_shares,
        after.decision.map(|decision| decision.as_str()),
        after.decision_reason,
        after.started_at,
        after.ended_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Option<Uuid>,
    code: &str,
) -> Result<Option<ExperimentDto>> {
    let row = select_experiments!("AND (experiment_id = $2 OR $2 IS NULL AND code = $3)", tenant.as_str(), id, code);
    Ok(row.fetch_optional(connection).await?)
}

pub(super) async fn lock(connection: &mut PgConnection, tenant: &TenantId, id: Uuid) -> Result<Option<ExperimentDto>> {
    Ok(select_experiments!("AND experiment_id = $2 FOR UPDATE", tenant.as_str(), id).fetch_optional(connection).await?)
}

/// The oldest first.
pub(super) async fn running(connection: &mut PgConnection, tenant: &TenantId) -> Result<Vec<ExperimentDto>> {
    let rows = select_experiments!("AND state = 'RUNNING' ORDER BY started_at, experiment_id LIMIT 100", tenant.as_str());
    Ok(rows.fetch_all(connection).await?)
}

/// Newest first.
pub(super) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    state: Option<ExperimentState>,
    page: &PageRequest,
) -> Result<Vec<ExperimentDto>> {
    let before: Option<(DateTime<Utc>, Uuid)> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let (before_at, before_id) = before.unzip();
    let rows = select_experiments!(
        "AND ($2::text IS NULL OR state = $2) AND ($3::timestamptz IS NULL OR (created_at, experiment_id) < ($3, $4::uuid))
         ORDER BY created_at DESC, experiment_id DESC LIMIT $5",
        tenant.as_str(),
        state.map(ExperimentState::as_str),
        before_at,
        before_id,
        page.fetch(),
    );
    Ok(rows.fetch_all(connection).await?)
}

pub(super) struct Side {
    pub arm: Arm,
    /// One value for each unit that has one: the mean over its recommendations.
    pub values: Vec<f64>,
    pub recommendations: i64,
}

/// What the units of an experiment have brought so far. What was neither accepted nor refused has no decision to count.
pub(super) async fn sides(
    connection: &mut PgConnection,
    tenant: &TenantId,
    experiment: Uuid,
    metric: Metric,
) -> Result<Vec<Side>> {
    let rows = sqlx::query_as!(
        Side,
        r#"SELECT arm AS "arm!: Arm", coalesce(array_agg(value ORDER BY unit) FILTER (WHERE value IS NOT NULL), '{}') AS "values!",
                  sum(n)::bigint AS "recommendations!"
           FROM (SELECT experiment_arm AS arm, experiment_unit AS unit, count(*) AS n,
                        avg(CASE $3::text WHEN 'SCORE' THEN score::float8 WHEN 'CONFIDENCE' THEN confidence_score::float8
                                          WHEN 'ACCEPTANCE' THEN was_accepted::int::float8
                                          ELSE extract(epoch FROM decided_at - created_at)::float8 / 60 END) AS value
                 FROM warehouse.putaway_recommendations WHERE tenant_id = $1 AND experiment_id = $2
                 GROUP BY experiment_arm, experiment_unit) u
           GROUP BY arm"#,
        tenant.as_str(),
        experiment,
        metric.as_str(),
    );
    Ok(rows.fetch_all(connection).await?)
}
