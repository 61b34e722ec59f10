use kernel::{FacilityId, LocationId, TenantId};
use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::known;
use crate::model::{LocationKind, Place, StockLocation};

struct PlaceRecord {
    location_id: Uuid,
    kind: String,
    facility_id: Option<Uuid>,
    facility_code: String,
    code: String,
    is_active: bool,
    purpose: String,
}

impl From<PlaceRecord> for Place {
    fn from(row: PlaceRecord) -> Self {
        Self {
            id: LocationId(row.location_id),
            kind: known(&row.kind),
            facility_id: row.facility_id.map(FacilityId),
            facility_code: row.facility_code,
            code: row.code,
            is_active: row.is_active,
            is_transit: row.purpose == "TRANSIT",
        }
    }
}

pub async fn insert_virtual(connection: &mut PgConnection, tenant: &TenantId) -> Result<()> {
    let ids: Vec<Uuid> = LocationKind::VIRTUAL.iter().filter_map(|kind| kind.virtual_id()).map(|id| id.0).collect();
    let kinds: Vec<String> = LocationKind::VIRTUAL.iter().map(|kind| kind.as_str().to_owned()).collect();
    sqlx::query!(
        "INSERT INTO inventory.stock_locations (tenant_id, location_id, kind, code)
         SELECT $1, k.location_id, k.kind, k.kind FROM UNNEST($2::uuid[], $3::text[]) AS k (location_id, kind)
         ON CONFLICT (tenant_id, location_id) DO NOTHING",
        tenant.as_str(),
        &ids,
        &kinds,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn upsert(connection: &mut PgConnection, tenant: &TenantId, locations: &[StockLocation]) -> Result<()> {
    let ids: Vec<Uuid> = locations.iter().map(|one| one.location_id.0).collect();
    let facilities: Vec<Uuid> = locations.iter().map(|one| one.facility_id.0).collect();
    let facility_codes: Vec<String> = locations.iter().map(|one| one.facility_code.clone()).collect();
    let codes: Vec<String> = locations.iter().map(|one| one.code.clone()).collect();
    let active: Vec<bool> = locations.iter().map(|one| one.is_active).collect();
    let sequences: Vec<Option<i32>> = locations.iter().map(|one| one.pick_sequence).collect();
    sqlx::query!(
        "INSERT INTO inventory.stock_locations AS known
             (tenant_id, location_id, kind, facility_id, facility_code, code, is_active, pick_sequence)
         SELECT $1, k.location_id, 'PHYSICAL', k.facility_id, k.facility_code, k.code, k.is_active, k.pick_sequence
         FROM UNNEST($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::boolean[], $7::int[])
              AS k (location_id, facility_id, facility_code, code, is_active, pick_sequence)
         ORDER BY k.location_id
         ON CONFLICT (tenant_id, location_id) DO UPDATE
         SET facility_id = EXCLUDED.facility_id, facility_code = EXCLUDED.facility_code, code = EXCLUDED.code,
             is_active = EXCLUDED.is_active, pick_sequence = EXCLUDED.pick_sequence
         WHERE known.kind = 'PHYSICAL'",
        tenant.as_str(),
        &ids,
        &facilities,
        &facility_codes,
        &codes,
        &active,
        &sequences as &[Option<i32>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether such a physical place exists.
pub async fn set_active(connection: &mut PgConnection, tenant: &TenantId, location: LocationId, is_active: bool) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE inventory.stock_locations SET is_active = $3 WHERE tenant_id = $1 AND location_id = $2 AND kind = 'PHYSICAL'",
        tenant.as_str(),
        location.0,
        is_active,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn rename_facility(connection: &mut PgConnection, tenant: &TenantId, facility: FacilityId, code: &str) -> Result<()> {
    sqlx::query!(
        "UPDATE inventory.stock_locations SET facility_code = $3 WHERE tenant_id = $1 AND facility_id = $2 AND facility_code <> $3",
        tenant.as_str(),
        facility.0,
        code,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Places with one of the ids or one of the codes, each given once, in whichever facility. A place that is meant by both comes
/// twice. One look-up each, whatever the planner thinks of them.
pub async fn find(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid], codes: &[String]) -> Result<Vec<Place>> {
    let rows = sqlx::query_as!(
        PlaceRecord,
        r#"SELECT found.location_id AS "location_id!", found.kind AS "kind!", found.facility_id,
                  found.facility_code AS "facility_code!", found.code AS "code!", found.is_active AS "is_active!",
                  found.purpose AS "purpose!"
           FROM (
               SELECT p.* FROM UNNEST($2::uuid[]) AS asked (location_id)
               CROSS JOIN LATERAL (
                   SELECT * FROM inventory.stock_locations l WHERE l.tenant_id = $1 AND l.location_id = asked.location_id OFFSET 0) p
               UNION ALL
               SELECT p.* FROM UNNEST($3::text[]) AS asked (code)
               CROSS JOIN LATERAL (
                   SELECT * FROM inventory.stock_locations l WHERE l.tenant_id = $1 AND l.code = asked.code OFFSET 0) p
           ) found"#,
        tenant.as_str(),
        ids,
        codes,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Place::from).collect())
}

/// The facility that a place of stock names by id or code.
pub async fn facility(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Option<Uuid>,
    code: &str,
) -> Result<Option<FacilityId>> {
    let found = sqlx::query_scalar!(
        r#"SELECT facility_id AS "facility_id!" FROM inventory.stock_locations
           WHERE tenant_id = $1 AND facility_id IS NOT NULL AND (facility_id = $2 OR facility_code = $3) LIMIT 1"#,
        tenant.as_str(),
        id,
        code,
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.map(FacilityId))
}
