use kernel::{FacilityId, PageRequest, TenantId};
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Facility, FacilityFilter};

pub(super) async fn insert(connection: &mut PgConnection, tenant: &TenantId, facility: &Facility) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.facilities (tenant_id, facility_id, code, name, is_active, version, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant.as_str(),
        facility.facility_id.0,
        facility.code,
        facility.name,
        facility.is_active,
        facility.version,
        facility.created_at,
        facility.updated_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// `false` when the version has moved on.
pub(super) async fn update(connection: &mut PgConnection, tenant: &TenantId, facility: &Facility, seen: i32) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE warehouse.facilities SET name = $3, is_active = $4, version = $5, updated_at = $6
         WHERE tenant_id = $1 AND facility_id = $2 AND version = $7",
        tenant.as_str(),
        facility.facility_id.0,
        facility.name,
        facility.is_active,
        facility.version,
        facility.updated_at,
        seen,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Option<Uuid>,
    code: &str,
) -> Result<Option<Facility>> {
    Ok(sqlx::query_as!(
        Facility,
        "SELECT facility_id, code, name, is_active, version, created_at, updated_at FROM warehouse.facilities
         WHERE tenant_id = $1 AND (facility_id = $2 OR code = $3) ORDER BY facility_id = $2 DESC LIMIT 1",
        tenant.as_str(),
        id,
        code,
    )
    .fetch_optional(connection)
    .await?)
}

pub(super) async fn by_ids(connection: &mut PgConnection, tenant: &TenantId, ids: &[FacilityId]) -> Result<Vec<Facility>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    Ok(sqlx::query_as!(
        Facility,
        "SELECT facility_id, code, name, is_active, version, created_at, updated_at FROM warehouse.facilities
         WHERE tenant_id = $1 AND facility_id = ANY($2)",
        tenant.as_str(),
        &ids,
    )
    .fetch_all(connection)
    .await?)
}

/// By code.
pub(super) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: &FacilityFilter,
    page: &PageRequest,
) -> Result<Vec<Facility>> {
    let after: Option<String> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    Ok(sqlx::query_as!(
        Facility,
        "SELECT facility_id, code, name, is_active, version, created_at, updated_at FROM warehouse.facilities
         WHERE tenant_id = $1
           AND ($2::text IS NULL OR starts_with(lower(code), lower($2)) OR strpos(lower(name), lower($2)) > 0)
           AND ($3::boolean IS NULL OR is_active = $3)
           AND ($4::text IS NULL OR code > $4)
         ORDER BY code LIMIT $5",
        tenant.as_str(),
        filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty()),
        filter.active,
        after,
        page.fetch(),
    )
    .fetch_all(connection)
    .await?)
}

pub(super) async fn has_open_receipts(connection: &mut PgConnection, tenant: &TenantId, facility: FacilityId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM warehouse.receipts
                          WHERE tenant_id = $1 AND facility_id = $2 AND state IN ('OPEN', 'RECEIVING')) AS "open!""#,
        tenant.as_str(),
        facility.0,
    )
    .fetch_one(connection)
    .await?)
}
