use chrono::{DateTime, Utc};
use kernel::TenantId;
use platform::database::Tx;
use platform::{Error, Result};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::dto::{AcceptanceGroupDto, TrainingDto};
use super::model::Decisions;
use crate::words::{ModelState, TrainingCause, TrainingOutcome, TrainingPhase, TrainingState};

/// Who changes which model is used; released at the end of the transaction.
pub(super) async fn lock(tx: &mut Tx, tenant: &TenantId) -> Result<()> {
    let key = format!("acceptance models {tenant}");
    let lock = sqlx::query!(r#"SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text AS "locked""#, key);
    lock.fetch_one(&mut **tx).await?;
    Ok(())
}

/// Which model is in use, without the model itself.
pub(super) struct InUse {
    pub version: i32,
    pub digest: Vec<u8>,
    pub feature_schema: i32,
}

pub(super) async fn in_state(connection: &mut PgConnection, tenant: &TenantId, state: ModelState) -> Result<Option<InUse>> {
    let row = sqlx::query_as!(
        InUse,
        "SELECT version, digest, feature_schema FROM warehouse.acceptance_models WHERE tenant_id = $1 AND state = $2",
        tenant.as_str(),
        state.as_str(),
    );
    Ok(row.fetch_optional(connection).await?)
}

pub(super) async fn text(connection: &mut PgConnection, tenant: &TenantId, version: i32) -> Result<Option<String>> {
    let text = sqlx::query_scalar!(
        "SELECT model FROM warehouse.acceptance_models WHERE tenant_id = $1 AND version = $2",
        tenant.as_str(),
        version,
    );
    Ok(text.fetch_optional(connection).await?)
}

/// A model with what is known of it, without the model itself.
pub(super) struct Row {
    pub version: i32,
    pub state: ModelState,
    pub state_reason: String,
    pub state_since: DateTime<Utc>,
    pub digest: Vec<u8>,
    pub feature_schema: i32,
    pub decisions: i32,
    pub trained_until: DateTime<Utc>,
    pub report: Value,
    pub comparison: Option<Value>,
    pub latest: Option<Value>,
    pub evaluated_at: Option<DateTime<Utc>>,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
}

/// Those below a version, newest first; or the one of that state; or the one version.
pub(super) async fn models(
    connection: &mut PgConnection,
    tenant: &TenantId,
    only: (Option<i32>, Option<ModelState>),
    below: Option<i32>,
    most: i64,
) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT version, state AS "state: ModelState", state_reason, state_since, digest, feature_schema, decisions, trained_until, report,
                  comparison, latest, evaluated_at, created_by, created_at
           FROM warehouse.acceptance_models
           WHERE tenant_id = $1 AND ($2::int IS NULL OR version = $2) AND ($3::text IS NULL OR state = $3) AND ($4::int IS NULL OR version < $4)
           ORDER BY version DESC LIMIT $5"#,
        tenant.as_str(),
        only.0,
        only.1.map(ModelState::as_str),
        below,
        most,
    );
    Ok(rows.fetch_all(connection).await?)
}

/// A model to be stored.
pub(super) struct NewModel<'a> {
    pub state: ModelState,
    pub reason: &'a str,
    pub text: &'a str,
    pub digest: &'a [u8],
    pub feature_schema: i32,
    pub decisions: i32,
    pub trained_until: DateTime<Utc>,
    pub report: Value,
    pub comparison: Option<Value>,
    pub training: Uuid,
    pub by: &'a str,
    pub now: DateTime<Utc>,
}

/// Returns its version. The caller holds [`lock`].
pub(super) async fn insert(tx: &mut Tx, tenant: &TenantId, new: NewModel<'_>) -> Result<i32> {
    let version = sqlx::query_scalar!(
        "INSERT INTO warehouse.acceptance_models
             (tenant_id, version, state, state_reason, state_since, model, digest, feature_schema, decisions, trained_until, report,
              comparison, training_id, created_by, created_at)
         SELECT $1, coalesce(max(m.version), 0) + 1, $2, $3, $13, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
         FROM warehouse.acceptance_models m WHERE m.tenant_id = $1
         RETURNING version",
        tenant.as_str(),
        new.state.as_str(),
        new.reason,
        new.text,
        new.digest,
        new.feature_schema,
        new.decisions,
        new.trained_until,
        new.report,
        new.comparison,
        new.training,
        new.by,
        new.now,
    );
    Ok(version.fetch_one(&mut **tx).await?)
}

pub(super) async fn change(
    tx: &mut Tx,
    tenant: &TenantId,
    version: i32,
    (state, reason): (ModelState, &str),
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.acceptance_models SET state = $3, state_reason = $4, state_since = $5 WHERE tenant_id = $1 AND version = $2",
        tenant.as_str(),
        version,
        state.as_str(),
        reason,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn evaluated(tx: &mut Tx, tenant: &TenantId, version: i32, latest: Value, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.acceptance_models SET latest = $3, evaluated_at = $4 WHERE tenant_id = $1 AND version = $2",
        tenant.as_str(),
        version,
        latest,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What health and metrics judge: the newest figure counts.
pub(super) async fn tell_accuracy(tx: &mut Tx, tenant: &TenantId, accuracy: &Accuracy, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.bin_optimization_statistical_metrics
             (tenant_id, algorithm_version, metric_name, sample_size, mean, acceptance_rate, ml_model_accuracy, created_at)
         VALUES ($1, $2, 'ml_model_accuracy', $3, $4, $5, $4, $6)",
        tenant.as_str(),
        format!("acceptance model {}", accuracy.version),
        accuracy.decisions,
        accuracy.percent,
        accuracy.acceptance_percent,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Of a model on decisions that it was not trained on.
pub(super) struct Accuracy {
    pub version: i32,
    pub decisions: i64,
    pub percent: f64,
    pub acceptance_percent: f64,
}

pub(super) struct Counts {
    pub with_features: i64,
    pub without_features: i64,
}

/// Decisions, and how many of them say what was known by the present list.
pub(super) async fn count(connection: &mut PgConnection, tenant: &TenantId, feature_schema: i32) -> Result<Counts> {
    let row = sqlx::query_as!(
        Counts,
        r#"SELECT count(*) FILTER (WHERE features IS NOT NULL AND feature_schema = $2 AND features_recorded_at IS NOT NULL
                                     AND decided_at IS NOT NULL) AS "with_features!",
                  count(*) FILTER (WHERE features IS NULL OR feature_schema IS DISTINCT FROM $2 OR features_recorded_at IS NULL
                                     OR decided_at IS NULL) AS "without_features!"
           FROM warehouse.putaway_recommendations WHERE tenant_id = $1 AND was_accepted IS NOT NULL"#,
        tenant.as_str(),
        feature_schema,
    );
    Ok(row.fetch_one(connection).await?)
}

/// Where the next older decisions begin.
pub(super) type Before = (DateTime<Utc>, Uuid);

/// Adds the newest decisions before `before`; returns how many were read and where to go on.
pub(super) async fn read_decisions(
    connection: &mut PgConnection,
    tenant: &TenantId,
    feature_schema: i32,
    before: Option<Before>,
    most: i64,
    decisions: &mut Decisions,
) -> Result<(usize, Option<Before>)> {
    let (before_at, before_id) = before.unzip();
    let rows = sqlx::query!(
        r#"SELECT recommendation_id, decided_at AS "decided_at!", features_recorded_at AS "recorded_at!", was_accepted AS "was_accepted!",
                  features AS "features!: Vec<Option<f64>>"
           FROM warehouse.putaway_recommendations
           WHERE tenant_id = $1 AND was_accepted IS NOT NULL AND features IS NOT NULL AND feature_schema = $2
             AND features_recorded_at IS NOT NULL AND decided_at IS NOT NULL
             AND ($3::timestamptz IS NULL OR (decided_at, recommendation_id) < ($3, $4))
           ORDER BY decided_at DESC, recommendation_id DESC LIMIT $5"#,
        tenant.as_str(),
        feature_schema,
        before_at,
        before_id,
        most,
    )
    .fetch_all(connection)
    .await?;
    let last = rows.last().map(|row| (row.decided_at, row.recommendation_id));
    let read = rows.len();
    for row in rows {
        let values = row.features.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        decisions.add(values, row.recorded_at.timestamp_micros(), row.decided_at.timestamp_micros(), row.was_accepted);
    }
    Ok((read, last))
}

/// Ends trainings that nobody has heard of since.
pub(super) async fn give_up(tx: &mut Tx, tenant: &TenantId, silent_since: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.acceptance_trainings
         SET state = 'FAILED', phase = 'ENDED', message = 'given up: nothing was heard of it any more', finished_at = $3
         WHERE tenant_id = $1 AND state IN ('QUEUED', 'RUNNING') AND coalesce(heartbeat_at, created_at) < $2",
        tenant.as_str(),
        silent_since,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// `false` when another training waits or runs.
pub(super) async fn request(
    tx: &mut Tx,
    tenant: &TenantId,
    training: Uuid,
    cause: TrainingCause,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let made = sqlx::query!(
        "INSERT INTO warehouse.acceptance_trainings (tenant_id, training_id, cause, requested_by, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id) WHERE state IN ('QUEUED', 'RUNNING') DO NOTHING",
        tenant.as_str(),
        training,
        cause.as_str(),
        by,
        now,
    );
    Ok(made.execute(&mut **tx).await?.rows_affected() == 1)
}

/// Begins it, or begins it again after its worker died; returns who counts as its worker from now on. Nothing when it has ended.
pub(super) async fn start(
    connection: &mut PgConnection,
    tenant: &TenantId,
    training: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<i32>> {
    let attempt = sqlx::query_scalar!(
        "UPDATE warehouse.acceptance_trainings
         SET state = 'RUNNING', phase = 'READING', attempts = attempts + 1, started_at = coalesce(started_at, $3), heartbeat_at = $3,
             progress_done = 0
         WHERE tenant_id = $1 AND training_id = $2 AND state IN ('QUEUED', 'RUNNING') RETURNING attempts",
        tenant.as_str(),
        training,
        now,
    );
    Ok(attempt.fetch_optional(connection).await?)
}

/// How far a training is; `done` and `total` are decisions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub phase: TrainingPhase,
    pub done: i64,
    pub total: i64,
}

pub(super) async fn progress(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (training, attempt): (Uuid, i32),
    progress: Progress,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.acceptance_trainings SET phase = $4, progress_done = $5, progress_total = $6, heartbeat_at = $7
         WHERE tenant_id = $1 AND training_id = $2 AND attempts = $3 AND state = 'RUNNING'",
        tenant.as_str(),
        training,
        attempt,
        progress.phase.as_str(),
        progress.done,
        progress.total,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How a training ended; without an outcome it failed.
pub(super) struct Ending<'a> {
    pub outcome: Option<TrainingOutcome>,
    pub message: &'a str,
    pub version: Option<i32>,
}

/// `false` when another worker has taken it over, or it was given up.
pub(super) async fn finish(
    tx: &mut Tx,
    tenant: &TenantId,
    (training, attempt): (Uuid, i32),
    ending: Ending<'_>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let state = if ending.outcome.is_some() { TrainingState::Done } else { TrainingState::Failed };
    let ended = sqlx::query!(
        "UPDATE warehouse.acceptance_trainings
         SET state = $4, phase = 'ENDED', outcome = $5, message = $6, version = $7, finished_at = $8
         WHERE tenant_id = $1 AND training_id = $2 AND attempts = $3 AND state = 'RUNNING'",
        tenant.as_str(),
        training,
        attempt,
        state.as_str(),
        ending.outcome.map(TrainingOutcome::as_str),
        ending.message,
        ending.version,
        now,
    );
    Ok(ended.execute(&mut **tx).await?.rows_affected() == 1)
}

/// Newest first; or the one.
pub(super) async fn trainings(
    connection: &mut PgConnection,
    tenant: &TenantId,
    only: Option<Uuid>,
    before: Option<Uuid>,
    most: i64,
) -> Result<Vec<TrainingDto>> {
    let rows = sqlx::query_as!(
        TrainingDto,
        r#"SELECT training_id, state AS "state: TrainingState", cause AS "cause: TrainingCause", phase AS "phase: TrainingPhase",
                  progress_done, progress_total, outcome AS "outcome: TrainingOutcome", message, version, requested_by, created_at,
                  started_at, finished_at
           FROM warehouse.acceptance_trainings
           WHERE tenant_id = $1 AND ($2::uuid IS NULL OR training_id = $2) AND ($3::uuid IS NULL OR training_id < $3)
           ORDER BY training_id DESC LIMIT $4"#,
        tenant.as_str(),
        only,
        before,
        most,
    );
    Ok(rows.fetch_all(connection).await?)
}

/// The training that waits or runs.
pub(super) async fn under_way(connection: &mut PgConnection, tenant: &TenantId) -> Result<Option<Uuid>> {
    let id = sqlx::query_scalar!(
        "SELECT training_id FROM warehouse.acceptance_trainings WHERE tenant_id = $1 AND state IN ('QUEUED', 'RUNNING')",
        tenant.as_str(),
    );
    Ok(id.fetch_optional(connection).await?)
}

/// What was decided since, by method and by the model that had a say; probabilities are those that stood when people decided.
pub(super) async fn acceptance(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: Option<Uuid>,
    since: DateTime<Utc>,
) -> Result<Vec<AcceptanceGroupDto>> {
    let rows = sqlx::query_as!(
        AcceptanceGroupDto,
        r#"SELECT algorithm, model_version, count(*) AS "decided!", count(*) FILTER (WHERE was_accepted) AS "accepted!",
                  (count(*) FILTER (WHERE was_accepted) * 100.0 / count(*))::float8 AS "acceptance_rate_percent!",
                  avg(confidence_score)::float8 AS "mean_confidence!",
                  avg(ml_adjusted_confidence)::float8 AS mean_ml_adjusted_confidence,
                  (avg(((ml_adjusted_confidence >= 0.5) = was_accepted)::int) * 100)::float8 AS ml_accuracy_percent,
                  avg((confidence_score - was_accepted::int) ^ 2)::float8 AS "rule_brier!",
                  avg((ml_adjusted_confidence - was_accepted::int) ^ 2)::float8 AS ml_brier
           FROM warehouse.putaway_recommendations
           WHERE tenant_id = $1 AND was_accepted IS NOT NULL AND decided_at >= $3 AND ($2::uuid IS NULL OR facility_id = $2)
           GROUP BY algorithm, model_version ORDER BY algorithm, model_version LIMIT 500"#,
        tenant.as_str(),
        facility,
        since,
    );
    Ok(rows.fetch_all(connection).await?)
}

/// What was known of one recommendation, and by which list.
pub(super) struct Recorded {
    pub values: Vec<f64>,
    pub feature_schema: i32,
    pub recorded_at: DateTime<Utc>,
    pub model_version: Option<i32>,
}

pub(super) async fn recorded(connection: &mut PgConnection, tenant: &TenantId, recommendation: Uuid) -> Result<Option<Recorded>> {
    let row = sqlx::query!(
        r#"SELECT features AS "features: Vec<Option<f64>>", feature_schema, features_recorded_at, model_version
           FROM warehouse.putaway_recommendations WHERE tenant_id = $1 AND recommendation_id = $2"#,
        tenant.as_str(),
        recommendation,
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| Error::not_found(format_args!("putaway recommendation {recommendation}")))?;
    let (Some(features), Some(feature_schema), Some(recorded_at)) = (row.features, row.feature_schema, row.features_recorded_at)
    else {
        return Ok(None);
    };
    let values = features.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
    Ok(Some(Recorded { values, feature_schema, recorded_at, model_version: row.model_version }))
}
