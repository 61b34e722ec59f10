//! Queries that prove the invariants. They run as the owner, across all tenants when none is given.
//! Each answers how many things were looked at, how many are wrong, and the first five of those in words.

use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

/// What one query found.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    pub checked: i64,
    pub violations: i64,
    pub examples: Vec<String>,
}

pub async fn sums_equal_balances(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Finding> {
    let found = sqlx::query_as!(
        Finding,
        r#"WITH sides AS (
               SELECT tenant_id, item_id, to_location_id AS location_id, lot_id, to_status AS status, quantity
               FROM inventory.movements WHERE $1::text IS NULL OR tenant_id = $1
               UNION ALL
               SELECT tenant_id, item_id, from_location_id, lot_id, from_status, -quantity
               FROM inventory.movements WHERE $1::text IS NULL OR tenant_id = $1
           ), moved AS (
               SELECT s.tenant_id, s.item_id, s.location_id, coalesce(s.lot_id, '00000000-0000-0000-0000-000000000000') AS lot_id,
                      s.status, sum(s.quantity) AS quantity
               FROM sides s
               JOIN inventory.stock_locations p
                 ON p.tenant_id = s.tenant_id AND p.location_id = s.location_id AND p.kind = 'PHYSICAL'
               GROUP BY 1, 2, 3, 4, 5
           ), stored AS (
               SELECT tenant_id, item_id, location_id, coalesce(lot_id, '00000000-0000-0000-0000-000000000000') AS lot_id,
                      quality_status AS status, on_hand
               FROM inventory.balances WHERE $1::text IS NULL OR tenant_id = $1
           ), compared AS (
               SELECT tenant_id, item_id, location_id, lot_id, status, coalesce(m.quantity, 0) AS moved, coalesce(b.on_hand, 0) AS on_hand
               FROM moved m FULL JOIN stored b USING (tenant_id, item_id, location_id, lot_id, status)
           ), wrong AS (SELECT * FROM compared WHERE moved <> on_hand)
           SELECT (SELECT count(*) FROM compared) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: item %s in location %s, %s: movements say %s, the balance says %s',
                                      tenant_id, item_id, location_id, status, moved, on_hand)
                        FROM wrong ORDER BY tenant_id, item_id, location_id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}

pub async fn no_negative_balance(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Finding> {
    let found = sqlx::query_as!(
        Finding,
        r#"WITH all_rows AS (SELECT * FROM inventory.balances WHERE $1::text IS NULL OR tenant_id = $1),
                wrong AS (SELECT * FROM all_rows WHERE on_hand < 0)
           SELECT (SELECT count(*) FROM all_rows) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: balance %s holds %s', tenant_id, balance_id, on_hand)
                        FROM wrong ORDER BY tenant_id, balance_id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}

pub async fn reserved_within_on_hand(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Finding> {
    let found = sqlx::query_as!(
        Finding,
        r#"WITH all_rows AS (SELECT * FROM inventory.balances WHERE $1::text IS NULL OR tenant_id = $1),
                wrong AS (SELECT * FROM all_rows WHERE reserved < 0 OR reserved > on_hand)
           SELECT (SELECT count(*) FROM all_rows) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: balance %s reserves %s of %s', tenant_id, balance_id, reserved, on_hand)
                        FROM wrong ORDER BY tenant_id, balance_id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}

/// Per item: what physical places hold (as stored) and what virtual places gained (as moved) cancel out.
pub async fn books_close(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Finding> {
    let found = sqlx::query_as!(
        Finding,
        r#"WITH sides AS (
               SELECT m.tenant_id, m.item_id, m.quantity FROM inventory.movements m
               JOIN inventory.stock_locations p ON p.tenant_id = m.tenant_id AND p.location_id = m.to_location_id
               WHERE p.kind <> 'PHYSICAL' AND ($1::text IS NULL OR m.tenant_id = $1)
               UNION ALL
               SELECT m.tenant_id, m.item_id, -m.quantity FROM inventory.movements m
               JOIN inventory.stock_locations p ON p.tenant_id = m.tenant_id AND p.location_id = m.from_location_id
               WHERE p.kind <> 'PHYSICAL' AND ($1::text IS NULL OR m.tenant_id = $1)
               UNION ALL
               SELECT tenant_id, item_id, on_hand FROM inventory.balances WHERE $1::text IS NULL OR tenant_id = $1
           ), totals AS (SELECT tenant_id, item_id, sum(quantity) AS total FROM sides GROUP BY 1, 2),
              wrong AS (SELECT * FROM totals WHERE total <> 0)
           SELECT (SELECT count(*) FROM totals) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: item %s is off by %s', tenant_id, item_id, total)
                        FROM wrong ORDER BY tenant_id, item_id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}

/// Lots and places that a movement names exist; a lot belongs to the item that moved.
pub async fn references_exist(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Finding> {
    let found = sqlx::query_as!(
        Finding,
        r#"WITH all_rows AS (
               SELECT m.tenant_id, m.movement_id, f.location_id IS NULL AS no_from, t.location_id IS NULL AS no_to,
                      m.lot_id IS NOT NULL AND l.lot_id IS NULL AS no_lot
               FROM inventory.movements m
               LEFT JOIN inventory.stock_locations f ON f.tenant_id = m.tenant_id AND f.location_id = m.from_location_id
               LEFT JOIN inventory.stock_locations t ON t.tenant_id = m.tenant_id AND t.location_id = m.to_location_id
               LEFT JOIN inventory.lots l ON l.tenant_id = m.tenant_id AND l.lot_id = m.lot_id
               WHERE $1::text IS NULL OR m.tenant_id = $1
           ), wrong AS (SELECT * FROM all_rows WHERE no_from OR no_to OR no_lot)
           SELECT (SELECT count(*) FROM all_rows) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: movement %s names an unknown %s', tenant_id, movement_id,
                                      CASE WHEN no_lot THEN 'lot' ELSE 'location' END)
                        FROM wrong ORDER BY tenant_id, movement_id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}

pub async fn lots_match_items(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Finding> {
    let found = sqlx::query_as!(
        Finding,
        r#"WITH used AS (
               SELECT tenant_id, 'movement' AS what, movement_id AS id, item_id, lot_id
               FROM inventory.movements WHERE lot_id IS NOT NULL AND ($1::text IS NULL OR tenant_id = $1)
               UNION ALL
               SELECT tenant_id, 'balance', balance_id, item_id, lot_id
               FROM inventory.balances WHERE lot_id IS NOT NULL AND ($1::text IS NULL OR tenant_id = $1)
           ), wrong AS (
               SELECT u.* FROM used u JOIN inventory.lots l ON l.tenant_id = u.tenant_id AND l.lot_id = u.lot_id
               WHERE l.item_id <> u.item_id
           )
           SELECT (SELECT count(*) FROM used) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: %s %s uses lot %s of another item', tenant_id, what, id, lot_id)
                        FROM wrong ORDER BY tenant_id, id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}

/// Each kind of movement stands between the places it is meant for.
pub async fn kinds_fit_places(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Finding> {
    let found = sqlx::query_as!(
        Finding,
        r#"WITH all_rows AS (
               SELECT m.tenant_id, m.movement_id, m.kind, f.kind AS from_kind, t.kind AS to_kind,
                      CASE m.kind
                          WHEN 'RECEIPT' THEN f.kind = 'SUPPLIER' AND t.kind = 'PHYSICAL'
                          WHEN 'ISSUE' THEN f.kind = 'PHYSICAL' AND t.kind = 'CUSTOMER'
                          WHEN 'TRANSFER' THEN f.kind = 'PHYSICAL' AND t.kind = 'PHYSICAL' AND f.location_id <> t.location_id
                          WHEN 'STATUS_CHANGE' THEN f.kind = 'PHYSICAL' AND f.location_id = t.location_id
                          WHEN 'SCRAP' THEN f.kind = 'PHYSICAL' AND t.kind = 'SCRAP'
                          WHEN 'ADJUSTMENT' THEN m.reason <> '' AND (f.kind, t.kind) IN (('PHYSICAL', 'ADJUSTMENT'), ('ADJUSTMENT', 'PHYSICAL'))
                          ELSE (f.kind, t.kind) IN (('PHYSICAL', 'PRODUCTION'), ('PRODUCTION', 'PHYSICAL'))
                      END AND (m.kind = 'STATUS_CHANGE') = (m.from_status <> m.to_status) AS fits
               FROM inventory.movements m
               JOIN inventory.stock_locations f ON f.tenant_id = m.tenant_id AND f.location_id = m.from_location_id
               JOIN inventory.stock_locations t ON t.tenant_id = m.tenant_id AND t.location_id = m.to_location_id
               WHERE $1::text IS NULL OR m.tenant_id = $1
           ), wrong AS (SELECT * FROM all_rows WHERE NOT fits)
           SELECT (SELECT count(*) FROM all_rows) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: movement %s is a %s from %s to %s', tenant_id, movement_id, kind, from_kind, to_kind)
                        FROM wrong ORDER BY tenant_id, movement_id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}

/// Every item that moved, with its tenant; the catalogue says whether it exists.
pub async fn moved_items(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Vec<(String, Uuid)>> {
    let rows = sqlx::query!(
        "SELECT tenant_id, item_id FROM inventory.movements WHERE $1::text IS NULL OR tenant_id = $1
         GROUP BY tenant_id, item_id ORDER BY tenant_id, item_id",
        tenant,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.item_id)).collect())
}
