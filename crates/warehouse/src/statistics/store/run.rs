use kernel::TenantId;
use platform::Result;
use sqlx::PgConnection;

use super::super::dto::{RunDto, SummaryRowDto};
use uuid::Uuid;

pub(crate) async fn insert(connection: &mut PgConnection, tenant: &TenantId, run: &RunDto) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.bin_optimization_statistical_runs
             (tenant_id, run_id, period_start, period_end, recommendations, groups, message, read_ms, computed_ms, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant.as_str(),
        run.run_id,
        run.period_start,
        run.period_end,
        run.recommendations,
        run.groups,
        run.message,
        run.read_ms,
        run.computed_ms,
        run.created_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn newest(connection: &mut PgConnection, tenant: &TenantId) -> Result<Option<RunDto>> {
    let run = sqlx::query_as!(
        RunDto,
        "SELECT run_id, period_start, period_end, recommendations, groups, message, read_ms, computed_ms, created_at
         FROM warehouse.bin_optimization_statistical_runs WHERE tenant_id = $1 ORDER BY created_at DESC LIMIT 1",
        tenant.as_str(),
    );
    Ok(run.fetch_optional(connection).await?)
}

/// False when somebody else is refreshing it.
pub(crate) async fn refresh_summary(connection: &mut PgConnection) -> Result<bool> {
    let done = sqlx::query_scalar!(r#"SELECT warehouse.refresh_statistical_summary() AS "done!""#);
    Ok(done.fetch_one(connection).await?)
}

pub(crate) async fn summary(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: Option<Uuid>,
) -> Result<Vec<SummaryRowDto>> {
    let rows = sqlx::query_as!(
        SummaryRowDto,
        r#"SELECT nullif(facility_id, '00000000-0000-0000-0000-000000000000') AS facility_id, algorithm AS "algorithm!",
                  recommendations AS "recommendations!", decided AS "decided!", accepted AS "accepted!", mean_confidence,
                  confidence_std_dev, mean_score, recommendations_7d AS "recommendations_7d!", decided_7d AS "decided_7d!",
                  accepted_7d AS "accepted_7d!", last_updated AS "last_updated!"
           FROM warehouse.cached_statistical_summary($1) WHERE tenant_id = $1 AND ($2::uuid IS NULL OR facility_id = $2)
           ORDER BY facility_id, algorithm"#,
        tenant.as_str(),
        facility,
    );
    Ok(rows.fetch_all(connection).await?)
}
