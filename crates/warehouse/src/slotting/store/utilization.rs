use chrono::NaiveDate;
use kernel::{FacilityId, TenantId};
use platform::Result;
use sqlx::PgConnection;

use super::super::model::Snapshot;

/// A second one of a day replaces the first.
pub(in super::super) async fn write(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    new: &Snapshot,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.utilization_snapshots
             (tenant_id, facility_id, day, locations, used_locations, volume_cm3, used_volume_cm3, utilization, fragmentation_index, taken_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (tenant_id, facility_id, day) DO UPDATE
         SET locations = $4, used_locations = $5, volume_cm3 = $6, used_volume_cm3 = $7, utilization = $8, fragmentation_index = $9,
             taken_at = $10",
        tenant.as_str(),
        facility.0,
        new.day,
        new.locations,
        new.used_locations,
        new.volume_cm3,
        new.used_volume_cm3,
        new.utilization,
        new.fragmentation_index,
        new.taken_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// From a day on, the oldest first.
pub(in super::super) async fn since(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    from: NaiveDate,
) -> Result<Vec<Snapshot>> {
    let rows = sqlx::query_as!(
        Snapshot,
        "SELECT day, locations, used_locations, volume_cm3, used_volume_cm3, utilization, fragmentation_index, taken_at
         FROM warehouse.utilization_snapshots WHERE tenant_id = $1 AND facility_id = $2 AND day >= $3 ORDER BY day",
        tenant.as_str(),
        facility.0,
        from,
    );
    Ok(rows.fetch_all(connection).await?)
}
