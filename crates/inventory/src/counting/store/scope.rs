//! SQL of what a count may look at.

use kernel::{FacilityId, ItemId, LocationId, TenantId};
use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

/// A facility that has places of stock, by id or code.
pub async fn facility(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Option<Uuid>,
    code: &str,
) -> Result<Option<(FacilityId, String)>> {
    let row = sqlx::query!(
        r#"SELECT facility_id AS "facility_id!", facility_code FROM inventory.stock_locations
           WHERE tenant_id = $1 AND facility_id IS NOT NULL AND (facility_id = $2 OR facility_code = $3) LIMIT 1"#,
        tenant.as_str(),
        id,
        code,
    );
    Ok(row.fetch_optional(connection).await?.map(|row| (FacilityId(row.facility_id), row.facility_code)))
}

/// Active storage places of the facility that no open count looks at, the oldest last count first.
pub async fn oldest_counted(connection: &mut PgConnection, tenant: &TenantId, facility: FacilityId) -> Result<Vec<LocationId>> {
    let rows = sqlx::query_scalar!(
        "SELECT p.location_id FROM inventory.stock_locations p
         LEFT JOIN inventory.location_counts c ON c.tenant_id = $1 AND c.location_id = p.location_id
         WHERE p.tenant_id = $1 AND p.facility_id = $2 AND p.purpose = 'STORAGE' AND p.is_active
           AND NOT EXISTS (SELECT FROM inventory.count_locations o
                           WHERE o.tenant_id = $1 AND o.location_id = p.location_id AND o.is_open)
         ORDER BY c.counted_at NULLS FIRST, p.code LIMIT 100000",
        tenant.as_str(),
        facility.0,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(LocationId).collect())
}

/// Where the facility stores something, with the item; each pair once, by the code of the place.
pub async fn stocked(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
) -> Result<Vec<(LocationId, ItemId)>> {
    let rows = sqlx::query!(
        "SELECT DISTINCT p.code, b.location_id, b.item_id FROM inventory.balances b
         JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = b.location_id
         WHERE b.tenant_id = $1 AND b.on_hand > 0 AND p.facility_id = $2 AND p.purpose = 'STORAGE'
         ORDER BY p.code, b.location_id, b.item_id",
        tenant.as_str(),
        facility.0,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (LocationId(row.location_id), ItemId(row.item_id))).collect())
}

/// The places of these that an open count looks at, with that count's code.
pub async fn being_counted(
    connection: &mut PgConnection,
    tenant: &TenantId,
    locations: &[LocationId],
) -> Result<Vec<(String, String)>> {
    let ids: Vec<Uuid> = locations.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "SELECT p.code AS location, c.code FROM inventory.count_locations o
         JOIN inventory.counts c ON c.tenant_id = $1 AND c.count_id = o.count_id
         JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = o.location_id
         WHERE o.tenant_id = $1 AND o.location_id = ANY ($2) AND o.is_open ORDER BY p.code",
        tenant.as_str(),
        &ids,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.location, row.code)).collect())
}
