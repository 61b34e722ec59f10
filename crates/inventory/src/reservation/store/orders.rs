//! What contexts that pick orders ask.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::{FacilityId, ItemId, Quantity, TenantId};
use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Row, reservations, select_reservations};
use crate::reservation::model::Reservation;

/// Hard ones of which something is open, with exactly this reference and not overdue; by id.
pub(in crate::reservation) async fn open_under(
    connection: &mut PgConnection,
    tenant: &TenantId,
    references: &[String],
    now: DateTime<Utc>,
) -> Result<Vec<Reservation>> {
    let rows = select_reservations!(
        "AND r.reference = ANY ($2) AND r.reference <> '' AND r.kind = 'HARD' AND r.open_quantity > 0
         AND (r.expires_at IS NULL OR r.expires_at > $3) ORDER BY r.reservation_id",
        tenant.as_str(),
        references,
        now,
    );
    Ok(reservations(rows.fetch_all(connection).await?))
}

/// What is neither reserved nor expired of released stock in active places of a facility, by item; what reservations bind whose time
/// is over counts as free.
pub(in crate::reservation) async fn free_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    items: &[Uuid],
    avoid: &[Uuid],
    now: DateTime<Utc>,
) -> Result<HashMap<ItemId, Quantity>> {
    let rows = sqlx::query!(
        r#"SELECT b.item_id, sum(b.on_hand - h.bound) AS "free!"
           FROM inventory.balances b
           JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = b.location_id AND p.is_active
            AND p.purpose = 'STORAGE' AND p.facility_id = $2
           LEFT JOIN inventory.lots l ON l.tenant_id = $1 AND l.lot_id = b.lot_id
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(a.quantity), 0) AS bound FROM inventory.reservation_allocations a
               JOIN inventory.reservations r ON r.tenant_id = $1 AND r.reservation_id = a.reservation_id
               WHERE a.tenant_id = $1 AND a.balance_id = b.balance_id AND (r.expires_at IS NULL OR r.expires_at > $5)) h
           WHERE b.tenant_id = $1 AND b.item_id = ANY ($3) AND b.quality_status = 'RELEASED' AND b.on_hand > 0
             AND b.location_id <> ALL ($4) AND (l.expires_on IS NULL OR l.expires_on >= $6)
           GROUP BY b.item_id"#,
        tenant.as_str(),
        facility.0,
        items,
        avoid,
        now,
        now.date_naive(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (ItemId(row.item_id), Quantity::from_db(row.free))).collect())
}
