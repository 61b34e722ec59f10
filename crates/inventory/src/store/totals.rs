use kernel::{ItemId, Quantity, TenantId};
use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::service::Totals;

pub async fn of_items(connection: &mut PgConnection, tenant: &TenantId, items: &[Uuid]) -> Result<Vec<(ItemId, Totals)>> {
    let rows = sqlx::query!(
        r#"SELECT item_id, sum(on_hand) AS "on_hand!", sum(reserved) AS "reserved!",
                  coalesce(sum(on_hand - reserved) FILTER (WHERE quality_status = 'RELEASED'), 0) AS "available!",
                  coalesce(sum(on_hand) FILTER (WHERE quality_status <> 'RELEASED'), 0) AS "not_released!",
                  count(DISTINCT location_id) AS "locations!"
           FROM inventory.balances WHERE tenant_id = $1 AND item_id = ANY ($2) AND on_hand > 0 GROUP BY item_id"#,
        tenant.as_str(),
        items,
    );
    let totals = rows.fetch_all(connection).await?.into_iter().map(|row| {
        let totals = Totals {
            on_hand: Quantity::from_db(row.on_hand),
            reserved: Quantity::from_db(row.reserved),
            available: Quantity::from_db(row.available),
            not_released: Quantity::from_db(row.not_released),
            locations: row.locations.unsigned_abs(),
        };
        (ItemId(row.item_id), totals)
    });
    Ok(totals.collect())
}
