use kernel::{FacilityId, ItemId, LocationId, LotId, Quantity, TenantId};
use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::known;
use crate::ledger::Key;
use crate::model::QualityStatus;

pub async fn find(connection: &mut PgConnection, tenant: &TenantId, facility: FacilityId) -> Result<Option<LocationId>> {
    let found = sqlx::query_scalar!(
        "SELECT location_id FROM inventory.stock_locations WHERE tenant_id = $1 AND facility_id = $2 AND purpose = 'TRANSIT'",
        tenant.as_str(),
        facility.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.map(LocationId))
}

/// Does nothing when the facility has a place in transit, or another place has the code.
pub async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: LocationId,
    facility: FacilityId,
    facility_code: &str,
    code: &str,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO inventory.stock_locations (tenant_id, location_id, kind, facility_id, facility_code, code, purpose)
         VALUES ($1, $2, 'PHYSICAL', $3, $4, $5, 'TRANSIT') ON CONFLICT DO NOTHING",
        tenant.as_str(),
        id.0,
        facility.0,
        facility_code,
        code,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Released goods of these items in the facility's storage places, unlocked; what is reserved is looked at after the lock, when
/// expired reservations count no more.
pub async fn candidates(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    items: &[Uuid],
) -> Result<Vec<Key>> {
    let rows = sqlx::query!(
        "SELECT b.item_id, b.location_id, b.lot_id FROM inventory.balances b
         JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = b.location_id
         WHERE b.tenant_id = $1 AND b.item_id = ANY ($3) AND b.quality_status = 'RELEASED' AND b.on_hand > 0
           AND p.facility_id = $2 AND p.purpose = 'STORAGE'",
        tenant.as_str(),
        facility.0,
        items,
    )
    .fetch_all(connection)
    .await?;
    let key = |item, location, lot: Option<Uuid>| Key {
        item: ItemId(item),
        location: LocationId(location),
        lot: lot.map(LotId),
        status: QualityStatus::Released,
    };
    Ok(rows.into_iter().map(|row| key(row.item_id, row.location_id, row.lot_id)).collect())
}

/// Goods in a place in transit, whatever their status.
pub struct InTransit {
    pub tenant: String,
    pub location: LocationId,
    pub item: ItemId,
    pub lot: Option<LotId>,
    pub status: QualityStatus,
    pub on_hand: Quantity,
}

/// Across all tenants when none is given, for the check.
pub async fn balances(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Vec<InTransit>> {
    let rows = sqlx::query!(
        "SELECT b.tenant_id, b.location_id, b.item_id, b.lot_id, b.quality_status, b.on_hand FROM inventory.stock_locations p
         JOIN inventory.balances b ON b.tenant_id = p.tenant_id AND b.location_id = p.location_id AND b.on_hand > 0
         WHERE p.purpose = 'TRANSIT' AND ($1::text IS NULL OR p.tenant_id = $1)",
        tenant,
    )
    .fetch_all(connection)
    .await?;
    let row = rows.into_iter().map(|row| InTransit {
        tenant: row.tenant_id,
        location: LocationId(row.location_id),
        item: ItemId(row.item_id),
        lot: row.lot_id.map(LotId),
        status: known(&row.quality_status),
        on_hand: Quantity::from_db(row.on_hand),
    });
    Ok(row.collect())
}
