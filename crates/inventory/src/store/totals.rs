use kernel::{ItemId, Quantity, TenantId};
use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::service::Totals;

pub async fn of_items(connection: &mut PgConnection, tenant: &TenantId, items: &[Uuid]) -> Result<Vec<(ItemId, Totals)>> {
    let rows = sqlx::query!(
        r#"SELECT b.item_id, sum(b.on_hand) AS "on_hand!", sum(b.reserved) AS "reserved!",
                  coalesce(sum(b.on_hand - b.reserved) FILTER (WHERE b.quality_status = 'RELEASED' AND p.purpose = 'STORAGE'), 0)
                      AS "available!",
                  coalesce(sum(b.on_hand) FILTER (WHERE b.quality_status <> 'RELEASED'), 0) AS "not_released!",
                  coalesce(sum(b.on_hand) FILTER (WHERE p.purpose = 'TRANSIT'), 0) AS "in_transit!",
                  count(DISTINCT b.location_id) AS "locations!"
           FROM inventory.balances b
           JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = b.location_id
           WHERE b.tenant_id = $1 AND b.item_id = ANY ($2) AND b.on_hand > 0 GROUP BY b.item_id"#,
        tenant.as_str(),
        items,
    );
    let totals = rows.fetch_all(connection).await?.into_iter().map(|row| {
        let totals = Totals {
            on_hand: Quantity::from_db(row.on_hand),
            reserved: Quantity::from_db(row.reserved),
            available: Quantity::from_db(row.available),
            not_released: Quantity::from_db(row.not_released),
            in_transit: Quantity::from_db(row.in_transit),
            locations: row.locations.unsigned_abs(),
        };
        (ItemId(row.item_id), totals)
    });
    Ok(totals.collect())
}
