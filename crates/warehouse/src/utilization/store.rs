use chrono::{DateTime, Utc};
use kernel::{FacilityId, TenantId};
use platform::Result;
use sqlx::PgConnection;

use super::dto::BinUtilizationDto;
use crate::words::{LocationType, UtilizationStatus};

/// `false` when somebody else is at it already.
pub(crate) async fn refresh(connection: &mut PgConnection) -> Result<bool> {
    let done = sqlx::query_scalar!(r#"SELECT warehouse.scheduled_refresh_bin_utilization() AS "done!""#);
    Ok(done.fetch_one(connection).await?)
}

/// By code.
pub(super) async fn cached(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    after: Option<&str>,
    most: i64,
) -> Result<Vec<BinUtilizationDto>> {
    let rows = sqlx::query!(
        r#"SELECT facility_id AS "facility_id!", location_id AS "location_id!", location_code AS "location_code!",
                  location_type AS "location_type!: LocationType", zone AS "zone!", aisle AS "aisle!", volume_cm3 AS "volume_cm3!",
                  used_volume_cm3 AS "used_volume_cm3!", max_weight_g AS "max_weight_g!", used_weight_g AS "used_weight_g!",
                  volume_utilization::float8 AS "volume_utilization!", weight_utilization::float8 AS "weight_utilization!",
                  item_count AS "item_count!", is_unmeasured AS "is_unmeasured!", last_updated AS "last_updated!"
           FROM warehouse.cached_bin_utilization($1, $2, $3, $4) WHERE tenant_id = $1"#,
        tenant.as_str(),
        facility.0,
        after,
        i32::try_from(most).unwrap_or(i32::MAX),
    );
    let row = rows.fetch_all(connection).await?.into_iter().map(|row| BinUtilizationDto {
        facility_id: row.facility_id,
        location_id: row.location_id,
        location_code: row.location_code,
        location_type: row.location_type,
        zone: row.zone,
        aisle: row.aisle,
        volume_cm3: row.volume_cm3,
        used_volume_cm3: row.used_volume_cm3,
        max_weight_g: row.max_weight_g,
        used_weight_g: row.used_weight_g,
        volume_utilization: row.volume_utilization,
        weight_utilization: row.weight_utilization,
        status: UtilizationStatus::of(row.volume_utilization, row.weight_utilization, row.is_unmeasured),
        item_count: row.item_count,
        is_unmeasured: row.is_unmeasured,
        held_volume_cm3: None,
        held_weight_g: None,
        last_updated: row.last_updated,
    });
    Ok(row.collect())
}

pub(super) async fn cached_at(connection: &mut PgConnection, tenant: &TenantId) -> Result<Option<DateTime<Utc>>> {
    let at = sqlx::query_scalar!("SELECT warehouse.utilization_cached_at($1)", tenant.as_str());
    Ok(at.fetch_one(connection).await?)
}
