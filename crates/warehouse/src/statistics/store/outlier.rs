use chrono::{DateTime, Utc};
use kernel::{PageRequest, TenantId};
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::dto::OutlierDto;
use super::results::as_json;
use crate::words::{OutlierSeverity, OutlierStatus};

/// Those that were not found before; their number.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: Uuid,
    at: DateTime<Utc>,
    rows: &[OutlierDto],
) -> Result<u64> {
    let done = sqlx::query!(
        "INSERT INTO warehouse.bin_optimization_outliers
             (tenant_id, run_id, detected_at, outlier_id, facility_id, algorithm_version, metric_name, recommendation_id, material_id,
              location_id, value, method, score, lower_bound, upper_bound, severity)
         SELECT $1, $2, $3, r.outlier_id, r.facility_id, r.algorithm_version, r.metric_name, r.recommendation_id, p.material_id,
                p.location_id, r.value, r.method, r.score, r.lower_bound, r.upper_bound, r.severity
         FROM jsonb_populate_recordset(NULL::warehouse.bin_optimization_outliers, $4::jsonb) r
         CROSS JOIN LATERAL (SELECT material_id, location_id FROM warehouse.putaway_recommendations
                             WHERE tenant_id = $1 AND recommendation_id = r.recommendation_id OFFSET 0) p
         ON CONFLICT (tenant_id, recommendation_id, metric_name, method) DO NOTHING",
        tenant.as_str(),
        run,
        at,
        as_json(rows)?,
    );
    Ok(done.execute(connection).await?.rows_affected())
}

/// The macro keeps the one list of columns for every way to find outliers.
macro_rules! select_outliers {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            OutlierDto,
            r#"SELECT outlier_id, facility_id, algorithm_version, metric_name, recommendation_id, material_id, location_id, value, method,
                      score, lower_bound, upper_bound, severity AS "severity: OutlierSeverity", status AS "status: OutlierStatus",
                      root_cause, resolution_notes, resolved_by, resolved_at, changed_by, changed_at, detected_at
               FROM warehouse.bin_optimization_outliers WHERE tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

/// What a list may be narrowed by.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub facility: Option<Uuid>,
    pub status: Option<OutlierStatus>,
    pub severity: Option<OutlierSeverity>,
    pub metric: Option<&'a str>,
}

/// Newest first.
pub(crate) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    wanted: &Wanted<'_>,
    page: &PageRequest,
) -> Result<Vec<OutlierDto>> {
    let before: Option<(DateTime<Utc>, String)> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let (before_at, before_id) = before.unzip();
    let rows = select_outliers!(
        "AND ($2::uuid IS NULL OR facility_id = $2)
         AND CASE WHEN $3::text IS NULL THEN status IN ('OPEN', 'INVESTIGATING') ELSE status = $3 END
         AND ($4::text IS NULL OR severity = $4) AND ($5::text IS NULL OR metric_name = $5)
         AND ($6::timestamptz IS NULL OR (detected_at, outlier_id) < ($6, $7::text))
         ORDER BY detected_at DESC, outlier_id DESC LIMIT $8",
        tenant.as_str(),
        wanted.facility,
        wanted.status.map(OutlierStatus::as_str),
        wanted.severity.map(OutlierSeverity::as_str),
        wanted.metric,
        before_at,
        before_id,
        page.fetch(),
    );
    Ok(rows.fetch_all(connection).await?)
}

pub(crate) async fn one(connection: &mut PgConnection, tenant: &TenantId, id: &str) -> Result<Option<OutlierDto>> {
    Ok(select_outliers!("AND outlier_id = $2", tenant.as_str(), id).fetch_optional(connection).await?)
}

pub(crate) async fn lock_one(connection: &mut PgConnection, tenant: &TenantId, id: &str) -> Result<Option<OutlierDto>> {
    Ok(select_outliers!("AND outlier_id = $2 FOR UPDATE", tenant.as_str(), id).fetch_optional(connection).await?)
}

pub(crate) async fn change(connection: &mut PgConnection, tenant: &TenantId, changed: &OutlierDto) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.bin_optimization_outliers
         SET status = $3, root_cause = $4, resolution_notes = $5, resolved_by = $6, resolved_at = $7, changed_by = $8, changed_at = $9
         WHERE tenant_id = $1 AND outlier_id = $2",
        tenant.as_str(),
        changed.outlier_id,
        changed.status.as_str(),
        changed.root_cause,
        changed.resolution_notes,
        changed.resolved_by,
        changed.resolved_at,
        changed.changed_by,
        changed.changed_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How many are open or looked into.
pub(crate) async fn open(connection: &mut PgConnection, tenant: &TenantId, facility: Option<Uuid>) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM warehouse.bin_optimization_outliers
           WHERE tenant_id = $1 AND status IN ('OPEN', 'INVESTIGATING') AND ($2::uuid IS NULL OR facility_id = $2)"#,
        tenant.as_str(),
        facility,
    );
    Ok(count.fetch_one(connection).await?)
}
