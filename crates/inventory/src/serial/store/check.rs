use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::store::checks::Finding;

/// For every balance of a serial-tracked item: as many pieces lie there as are on hand. Pieces where no balance is are wrong too.
pub(crate) async fn pieces_equal_on_hand(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Finding> {
    let tracked = catalog::service::every_serial_tracked(connection, tenant).await?;
    let tenants: Vec<String> = tracked.iter().map(|(tenant, _)| tenant.clone()).collect();
    let items: Vec<Uuid> = tracked.iter().map(|(_, item)| item.0).collect();
    let found = sqlx::query_as!(
        Finding,
        r#"WITH lying AS (
               SELECT s.tenant_id, s.item_id, s.location_id,
                      coalesce(s.lot_id, '00000000-0000-0000-0000-000000000000') AS lot_id, s.quality_status, count(*) AS pieces
               FROM inventory.serials s
               JOIN inventory.stock_locations p
                 ON p.tenant_id = s.tenant_id AND p.location_id = s.location_id AND p.kind = 'PHYSICAL'
               WHERE $1::text IS NULL OR s.tenant_id = $1
               GROUP BY 1, 2, 3, 4, 5
           ), held AS (
               SELECT b.tenant_id, b.item_id, b.location_id,
                      coalesce(b.lot_id, '00000000-0000-0000-0000-000000000000') AS lot_id, b.quality_status, b.on_hand
               FROM inventory.balances b
               WHERE ($1::text IS NULL OR b.tenant_id = $1)
                 AND (b.tenant_id, b.item_id) IN (SELECT * FROM UNNEST($2::text[], $3::uuid[]))
           ), compared AS (
               SELECT tenant_id, item_id, location_id, quality_status, coalesce(l.pieces, 0) AS pieces, coalesce(h.on_hand, 0) AS on_hand
               FROM lying l FULL JOIN held h USING (tenant_id, item_id, location_id, lot_id, quality_status)
           ), wrong AS (SELECT * FROM compared WHERE pieces <> on_hand)
           SELECT (SELECT count(*) FROM compared) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: item %s in location %s, %s: %s on hand, but %s serial numbers lie there',
                                      tenant_id, item_id, location_id, quality_status, on_hand, pieces)
                        FROM wrong ORDER BY tenant_id, item_id, location_id LIMIT 5) AS "examples!""#,
        tenant,
        &tenants,
        &items,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}
