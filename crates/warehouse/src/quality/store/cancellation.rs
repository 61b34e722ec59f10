use chrono::{DateTime, Utc};
use kernel::{FacilityId, LotId, PageRequest, TenantId};
use platform::{Error, Result};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::dto::CrossDockCancellationDto;
use crate::words::RelocationStatus;

pub(crate) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    made: &CrossDockCancellationDto,
    lot: Option<LotId>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.cross_dock_cancellations
             (tenant_id, cancellation_id, facility_id, material_id, lot_id, lot_number, quality_status, quantity, order_reference, reason,
              staging_location_id, recommended_location_id, cancelled_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        tenant.as_str(),
        made.cancellation_id,
        made.facility_id,
        made.material_id,
        lot.map(|lot| lot.0),
        made.lot_number,
        made.quality_status,
        made.quantity,
        made.order_reference,
        made.reason,
        made.staging_location_id,
        made.recommended_location_id,
        made.cancelled_by,
        made.created_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct Row {
    cancellation_id: String,
    facility_id: Uuid,
    material_id: Uuid,
    lot_id: Option<Uuid>,
    lot_number: String,
    quality_status: String,
    quantity: Decimal,
    order_reference: String,
    reason: String,
    staging_location_id: Uuid,
    staging_code: String,
    recommended_location_id: Option<Uuid>,
    recommended_code: Option<String>,
    status: RelocationStatus,
    relocated_code: Option<String>,
    movement_id: Option<Uuid>,
    cancelled_by: String,
    created_at: DateTime<Utc>,
    relocated_by: Option<String>,
    relocated_at: Option<DateTime<Utc>>,
}

impl From<Row> for CrossDockCancellationDto {
    fn from(row: Row) -> Self {
        Self {
            cancellation_id: row.cancellation_id,
            facility_id: row.facility_id,
            material_id: row.material_id,
            material_code: String::new(),
            lot_number: row.lot_number,
            quality_status: row.quality_status,
            quantity: row.quantity.normalize(),
            order_reference: row.order_reference,
            reason: row.reason,
            staging_location_id: row.staging_location_id,
            staging_location_code: row.staging_code,
            recommended_location_id: row.recommended_location_id,
            recommended_location_code: row.recommended_code,
            status: row.status,
            relocated_to_code: row.relocated_code,
            movement_id: row.movement_id,
            cancelled_by: row.cancelled_by,
            created_at: row.created_at,
            relocated_by: row.relocated_by,
            relocated_at: row.relocated_at,
        }
    }
}

/// The macro keeps the one list of columns for every way to find cancellations.
macro_rules! select_cancellations {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"SELECT c.cancellation_id, c.facility_id, c.material_id, c.lot_id, c.lot_number, c.quality_status, c.quantity,
                      c.order_reference, c.reason, c.staging_location_id, s.code AS staging_code, c.recommended_location_id,
                      r.code AS "recommended_code?", c.status AS "status: RelocationStatus", t.code AS "relocated_code?", c.movement_id,
                      c.cancelled_by, c.created_at, c.relocated_by, c.relocated_at
               FROM warehouse.cross_dock_cancellations c
               JOIN warehouse.locations s ON s.tenant_id = $1 AND s.location_id = c.staging_location_id
               LEFT JOIN warehouse.locations r ON r.tenant_id = $1 AND r.location_id = c.recommended_location_id
               LEFT JOIN warehouse.locations t ON t.tenant_id = $1 AND t.location_id = c.relocated_to_id
               WHERE c.tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

/// Newest first.
pub(crate) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: Option<FacilityId>,
    status: Option<RelocationStatus>,
    page: &PageRequest,
) -> Result<Vec<CrossDockCancellationDto>> {
    let before: Option<(DateTime<Utc>, String)> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let (before_at, before_id) = before.unzip();
    let rows = select_cancellations!(
        "AND ($2::uuid IS NULL OR c.facility_id = $2)
         AND ($3::text IS NULL OR c.status = $3)
         AND ($4::timestamptz IS NULL OR (c.created_at, c.cancellation_id) < ($4, $5::text))
         ORDER BY c.created_at DESC, c.cancellation_id DESC LIMIT $6",
        tenant.as_str(),
        facility.map(|id| id.0),
        status.map(RelocationStatus::as_str),
        before_at,
        before_id,
        page.fetch(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(CrossDockCancellationDto::from).collect())
}

/// With the lot of the goods.
pub(crate) async fn lock_one(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: &str,
) -> Result<Option<(CrossDockCancellationDto, Option<LotId>)>> {
    let row = select_cancellations!("AND c.cancellation_id = $2 FOR UPDATE OF c", tenant.as_str(), id);
    Ok(row.fetch_optional(connection).await?.map(|row| {
        let lot = row.lot_id.map(LotId);
        (row.into(), lot)
    }))
}

/// Quantity of the goods that other pending cancellations speak for already, by location, item, lot and status.
pub(crate) async fn pending_at(
    connection: &mut PgConnection,
    tenant: &TenantId,
    location: Uuid,
    item: Uuid,
    lot: Option<LotId>,
    status: &str,
) -> Result<Decimal> {
    let sum = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(quantity), 0) AS "n!" FROM warehouse.cross_dock_cancellations
           WHERE tenant_id = $1 AND status = 'PENDING' AND staging_location_id = $2 AND material_id = $3
             AND lot_id IS NOT DISTINCT FROM $4 AND quality_status = $5"#,
        tenant.as_str(),
        location,
        item,
        lot.map(|lot| lot.0),
        status,
    );
    Ok(sum.fetch_one(connection).await?)
}

pub(crate) async fn relocated(
    connection: &mut PgConnection,
    tenant: &TenantId,
    done: &CrossDockCancellationDto,
    to: Uuid,
) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.cross_dock_cancellations
         SET status = $3, relocated_to_id = $4, movement_id = $5, relocated_by = $6, relocated_at = $7
         WHERE tenant_id = $1 AND cancellation_id = $2",
        tenant.as_str(),
        done.cancellation_id,
        done.status.as_str(),
        to,
        done.movement_id,
        done.relocated_by,
        done.relocated_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}
