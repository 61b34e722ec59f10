//! Queries that prove the invariants of reservations; see [`crate::check()`].

use platform::Result;
use sqlx::PgConnection;

use crate::check::{Invariant, named};
use crate::store::checks::Finding;

pub(crate) async fn prove(connection: &mut PgConnection, one: Option<&str>) -> Result<Vec<Invariant>> {
    Ok(vec![
        named(
            "reserved_equals_allocations",
            "for every balance what is reserved is the sum of what open reservations bind of it",
            reserved_equals_allocations(connection, one).await?,
        ),
        named(
            "reservations_add_up",
            "every reservation is the sum of its parts, and a hard one binds all that is open of it",
            reservations_add_up(connection, one).await?,
        ),
        named(
            "bound_stock_is_released",
            "reservations bind released stock of their own item only",
            bound_is_released(connection, one).await?,
        ),
    ])
}

async fn reserved_equals_allocations(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Finding> {
    let found = sqlx::query_as!(
        Finding,
        r#"WITH bound AS (
               SELECT tenant_id, balance_id, sum(quantity) AS quantity FROM inventory.reservation_allocations
               WHERE $1::text IS NULL OR tenant_id = $1 GROUP BY 1, 2
           ), compared AS (
               SELECT tenant_id, balance_id, b.reserved, coalesce(a.quantity, 0) AS bound
               FROM (SELECT tenant_id, balance_id, reserved FROM inventory.balances WHERE $1::text IS NULL OR tenant_id = $1) b
               LEFT JOIN bound a USING (tenant_id, balance_id)
           ), wrong AS (SELECT * FROM compared WHERE reserved <> bound)
           SELECT (SELECT count(*) FROM compared) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: balance %s reserves %s, reservations bind %s', tenant_id, balance_id, reserved, bound)
                        FROM wrong ORDER BY tenant_id, balance_id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}

async fn reservations_add_up(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Finding> {
    let found = sqlx::query_as!(
        Finding,
        r#"WITH bound AS (
               SELECT tenant_id, reservation_id, sum(quantity) AS quantity FROM inventory.reservation_allocations
               WHERE $1::text IS NULL OR tenant_id = $1 GROUP BY 1, 2
           ), all_rows AS (
               SELECT tenant_id, reservation_id, r.state, r.open_quantity, coalesce(a.quantity, 0) AS bound,
                      CASE r.kind WHEN 'HARD' THEN r.open_quantity ELSE 0 END AS should_bind,
                      r.quantity = r.open_quantity + r.fulfilled + r.released + r.shortage AS adds_up
               FROM (SELECT * FROM inventory.reservations WHERE $1::text IS NULL OR tenant_id = $1) r
               LEFT JOIN bound a USING (tenant_id, reservation_id)
           ), wrong AS (
               SELECT * FROM all_rows
               WHERE NOT adds_up OR bound <> should_bind OR (open_quantity > 0 AND state NOT IN ('ACTIVE', 'SHORT'))
           )
           SELECT (SELECT count(*) FROM all_rows) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: reservation %s is %s, %s open, binds %s', tenant_id, reservation_id, state, open_quantity, bound)
                        FROM wrong ORDER BY tenant_id, reservation_id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}

async fn bound_is_released(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Finding> {
    let found = sqlx::query_as!(
        Finding,
        r#"WITH all_rows AS (
               SELECT a.tenant_id, a.reservation_id, a.balance_id, b.quality_status = 'RELEASED' AND b.item_id = r.item_id AS fits
               FROM inventory.reservation_allocations a
               JOIN inventory.reservations r ON r.tenant_id = a.tenant_id AND r.reservation_id = a.reservation_id
               JOIN inventory.balances b ON b.tenant_id = a.tenant_id AND b.balance_id = a.balance_id
               WHERE $1::text IS NULL OR a.tenant_id = $1
           ), wrong AS (SELECT * FROM all_rows WHERE NOT fits)
           SELECT (SELECT count(*) FROM all_rows) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: reservation %s binds balance %s, which is not released or of another item',
                                      tenant_id, reservation_id, balance_id)
                        FROM wrong ORDER BY tenant_id, reservation_id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}
