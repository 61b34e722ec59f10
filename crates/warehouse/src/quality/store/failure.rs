use chrono::{DateTime, Utc};
use kernel::{FacilityId, PageRequest, TenantId};
use platform::{Error, Result};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::dto::CapacityFailureDto;
use crate::putaway::Failure;
use crate::words::FailureResolution;

/// One row per line whose failure was a want of capacity.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    failures: &[(Uuid, &Failure)],
    now: DateTime<Utc>,
) -> Result<()> {
    let ids: Vec<String> = failures.iter().map(|(id, _)| id.to_string()).collect();
    let types: Vec<String> = failures.iter().map(|(_, failure)| failure.capacity.clone().unwrap_or_default()).collect();
    let codes: Vec<String> = failures.iter().map(|(_, failure)| failure.reason_code.clone()).collect();
    let items: Vec<Option<Uuid>> = failures.iter().map(|(_, failure)| failure.item_id).collect();
    let quantities: Vec<Decimal> = failures.iter().map(|(_, failure)| failure.quantity).collect();
    let locations: Vec<Option<Uuid>> = failures.iter().map(|(_, failure)| failure.nearest_location_id).collect();
    // Nine digits stand before the point of the column; beyond that the exact figure tells nobody more.
    let percent = |failure: &Failure| {
        failure.overflow_percentage.map(|percent| crate::putaway::thousandths_of(percent.clamp(0.0, 999_999_999.0)))
    };
    let overflows: Vec<Option<Decimal>> = failures.iter().map(|(_, failure)| percent(failure)).collect();
    let reasons: Vec<String> = failures.iter().map(|(_, failure)| failure.reason.clone()).collect();
    sqlx::query!(
        "INSERT INTO warehouse.capacity_validation_failures
             (tenant_id, facility_id, created_at, failure_id, failure_type, reason_code, material_id, quantity, location_id,
              overflow_percentage, failure_reason)
         SELECT $1, $2, $3, * FROM UNNEST($4::text[], $5::text[], $6::text[], $7::uuid[], $8::numeric[], $9::uuid[], $10::numeric[], $11::text[])",
        tenant.as_str(),
        facility.0,
        now,
        &ids,
        &types,
        &codes,
        &items as &[Option<Uuid>],
        &quantities,
        &locations as &[Option<Uuid>],
        &overflows as &[Option<Decimal>],
        &reasons,
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct Row {
    failure_id: String,
    failure_type: String,
    reason_code: String,
    facility_id: Option<Uuid>,
    material_id: Option<Uuid>,
    quantity: Option<Decimal>,
    location_id: Option<Uuid>,
    overflow_percentage: Option<f64>,
    failure_reason: String,
    resolved: bool,
    resolution: Option<FailureResolution>,
    resolution_notes: Option<String>,
    resolved_at: Option<DateTime<Utc>>,
    resolved_by: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<Row> for CapacityFailureDto {
    fn from(row: Row) -> Self {
        Self {
            failure_id: row.failure_id,
            failure_type: row.failure_type,
            reason_code: row.reason_code,
            facility_id: row.facility_id,
            material_id: row.material_id,
            material_code: None,
            material_name: None,
            quantity: row.quantity.map(|quantity| quantity.normalize()),
            location_id: row.location_id,
            location_code: None,
            overflow_percentage: row.overflow_percentage,
            failure_reason: row.failure_reason,
            resolved: row.resolved,
            resolution: row.resolution,
            resolution_notes: row.resolution_notes,
            resolved_at: row.resolved_at,
            resolved_by: row.resolved_by,
            created_at: row.created_at,
            fits_now: None,
        }
    }
}

/// The macro keeps the one list of columns for every way to find failures.
macro_rules! select_failures {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"SELECT failure_id, failure_type, reason_code, facility_id, material_id, quantity, location_id,
                      overflow_percentage::float8 AS overflow_percentage, failure_reason, resolved,
                      resolution AS "resolution: FailureResolution", resolution_notes, resolved_at, resolved_by, created_at
               FROM warehouse.capacity_validation_failures WHERE tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

/// Newest first.
pub(crate) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: Option<FacilityId>,
    failure_type: Option<&str>,
    resolved: bool,
    page: &PageRequest,
) -> Result<Vec<CapacityFailureDto>> {
    let before: Option<(DateTime<Utc>, String)> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let (before_at, before_id) = before.unzip();
    let rows = select_failures!(
        "AND CASE WHEN $2 THEN resolved ELSE NOT resolved END
         AND ($3::uuid IS NULL OR facility_id = $3)
         AND ($4::text IS NULL OR failure_type = $4)
         AND ($5::timestamptz IS NULL OR (created_at, failure_id) < ($5, $6::text))
         ORDER BY created_at DESC, failure_id DESC LIMIT $7",
        tenant.as_str(),
        resolved,
        facility.map(|id| id.0),
        failure_type,
        before_at,
        before_id,
        page.fetch(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(CapacityFailureDto::from).collect())
}

pub(crate) async fn one(connection: &mut PgConnection, tenant: &TenantId, id: &str) -> Result<Option<CapacityFailureDto>> {
    let row = select_failures!("AND failure_id = $2", tenant.as_str(), id);
    Ok(row.fetch_optional(connection).await?.map(CapacityFailureDto::from))
}

pub(crate) async fn lock_one(connection: &mut PgConnection, tenant: &TenantId, id: &str) -> Result<Option<CapacityFailureDto>> {
    let row = select_failures!("AND failure_id = $2 FOR UPDATE", tenant.as_str(), id);
    Ok(row.fetch_optional(connection).await?.map(CapacityFailureDto::from))
}

pub(crate) async fn resolve(connection: &mut PgConnection, tenant: &TenantId, resolved: &CapacityFailureDto) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.capacity_validation_failures
         SET resolved = true, resolution = $3, resolution_notes = $4, resolved_at = $5, resolved_by = $6
         WHERE tenant_id = $1 AND failure_id = $2",
        tenant.as_str(),
        resolved.failure_id,
        resolved.resolution.map(FailureResolution::as_str),
        resolved.resolution_notes,
        resolved.resolved_at,
        resolved.resolved_by,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Resolves failures whose item or location is gone, which only a row written without its triggers can be.
pub(crate) async fn resolve_orphans(
    connection: &mut PgConnection,
    tenant: &TenantId,
    at: DateTime<Utc>,
    by: &str,
) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE warehouse.capacity_validation_failures f
         SET resolved = true, resolution = 'NO_ACTION_NEEDED', resolution_notes = 'what it was about does not exist', resolved_at = $2,
             resolved_by = $3
         WHERE f.tenant_id = $1 AND NOT f.resolved
           AND (f.material_id IS NOT NULL
                AND NOT EXISTS (SELECT FROM catalog.items i WHERE i.tenant_id = $1 AND i.item_id = f.material_id)
                OR f.location_id IS NOT NULL
                AND NOT EXISTS (SELECT FROM warehouse.locations l WHERE l.tenant_id = $1 AND l.location_id = f.location_id))",
        tenant.as_str(),
        at,
        by,
    );
    Ok(done.execute(connection).await?.rows_affected())
}
