use chrono::{DateTime, TimeDelta, Utc};
use kernel::{FacilityId, TenantId};
use platform::Result;
use sqlx::PgConnection;

/// Counts over the rows of this context.
pub(crate) struct Figures {
    pub verified: i64,
    pub flagged: i64,
    pub due: i64,
    pub mean_volume_variance: Option<f64>,
    pub capacity_failures: i64,
    pub capacity_failures_last_day: i64,
    pub pending_relocations: i64,
    pub remediations: i64,
    pub remediations_succeeded: i64,
}

/// As things are now, in one round trip.
pub(crate) async fn figures(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: Option<FacilityId>,
    now: DateTime<Utc>,
) -> Result<Figures> {
    let row = sqlx::query_as!(
        Figures,
        r#"SELECT v.verified AS "verified!", v.flagged AS "flagged!", v.due AS "due!", v.mean_volume_variance, c.open AS "capacity_failures!",
                  c.last_day AS "capacity_failures_last_day!", x.pending AS "pending_relocations!", r.done AS "remediations!",
                  r.succeeded AS "remediations_succeeded!"
           FROM (SELECT count(*) FILTER (WHERE (status = 'VERIFIED' OR resolution IS NOT NULL OR master_updated) AND next_due_at > $3) AS verified,
                        count(*) FILTER (WHERE status = 'FLAGGED' AND resolution IS NULL) AS flagged,
                        count(*) FILTER (WHERE next_due_at <= $3) AS due,
                        avg(abs(volume_variance_percentage))::float8 AS mean_volume_variance
                 FROM warehouse.material_dimension_verifications WHERE tenant_id = $1 AND is_latest) v,
                (SELECT count(*) AS open, count(*) FILTER (WHERE created_at > $4) AS last_day
                 FROM warehouse.capacity_validation_failures
                 WHERE tenant_id = $1 AND NOT resolved AND ($2::uuid IS NULL OR facility_id = $2)) c,
                (SELECT count(*) AS pending FROM warehouse.cross_dock_cancellations
                 WHERE tenant_id = $1 AND status = 'PENDING' AND ($2::uuid IS NULL OR facility_id = $2)) x,
                (SELECT count(*) AS done, count(*) FILTER (WHERE succeeded) AS succeeded FROM warehouse.bin_optimization_remediation_log
                 WHERE tenant_id = $1 AND created_at > $5 AND action <> 'DATA_QUALITY_AUDIT' AND ($2::uuid IS NULL OR facility_id IS NULL OR facility_id = $2)) r"#,
        tenant.as_str(),
        facility.map(|id| id.0),
        now,
        now - TimeDelta::days(1),
        now - TimeDelta::days(30),
    );
    Ok(row.fetch_one(connection).await?)
}

/// Whose warehouses there are.
pub(crate) async fn tenants(connection: &mut PgConnection) -> Result<Vec<String>> {
    let tenants = sqlx::query_scalar!(r#"SELECT tenants_with_facilities AS "tenant!" FROM warehouse.tenants_with_facilities()"#);
    Ok(tenants.fetch_all(connection).await?)
}
