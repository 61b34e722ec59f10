//! All SQL of the history; no rules.

use chrono::{DateTime, Utc};
use kernel::{ItemId, LocationId, LotId, TenantId};
use platform::Result;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Axis, Checkpoint, Moved, Spot, Standing};
use crate::model::LocationKind;
use crate::store::known;

/// Ids of the places that have no stock of their own.
fn virtuals() -> Vec<Uuid> {
    LocationKind::VIRTUAL.iter().filter_map(|kind| kind.virtual_id()).map(|id| id.0).collect()
}

/// One item at one moment.
pub type Moment = (ItemId, DateTime<Utc>);

fn columns(moments: &[Moment]) -> (Vec<Uuid>, Vec<DateTime<Utc>>) {
    moments.iter().map(|(item, at)| (item.0, *at)).unzip()
}

/// What there was at each moment: its place in the list, and every balance that was not zero.
///
/// `IS TRUE` keeps a condition from choosing the index: the gap must be read by time and the tail by number, whatever the
/// statistics say, because only then the time of an answer does not depend on the length of the history. `LIMIT 1` keeps the join
/// a look-up by key. `OFFSET 0` keeps the bounds plain columns: row-level security lets an index only use what cannot leak, and an
/// expression in its place would read every movement of the item.
pub async fn balances(
    connection: &mut PgConnection,
    tenant: &TenantId,
    axis: Axis,
    moments: &[Moment],
) -> Result<Vec<(usize, Spot, Decimal)>> {
    let (items, times) = columns(moments);
    let rows = sqlx::query!(
        r#"SELECT w.n AS "n!", s.location_id AS "location_id!", s.lot_id AS "lot_id?", s.status AS "status!", sum(s.quantity) AS "quantity!"
           FROM UNNEST($2::uuid[], $3::timestamptz[]) WITH ORDINALITY AS w (item_id, at, n)
           LEFT JOIN LATERAL (
               SELECT i.seq FROM inventory.history_items i WHERE i.tenant_id = $1 AND i.item_id = w.item_id LIMIT 1
           ) h ON true
           LEFT JOIN LATERAL (
               SELECT p.* FROM inventory.checkpoints p
               WHERE p.tenant_id = $1 AND p.item_id = w.item_id AND p.axis = $4 AND p.at <= w.at
               ORDER BY p.at DESC LIMIT 1
           ) c ON true
           CROSS JOIN LATERAL (SELECT coalesce(c.at, '-infinity') AS after, coalesce(h.seq, 0) AS covered OFFSET 0) b
           CROSS JOIN LATERAL (
               SELECT u.location_id, u.lot_id, u.status, u.quantity
               FROM unnest(c.location_ids, c.lot_ids, c.statuses, c.quantities) AS u (location_id, lot_id, status, quantity)
               UNION ALL
               SELECT v.location_id, m.lot_id, v.status, v.quantity
               FROM (
                   SELECT g.lot_id, g.quantity, g.from_location_id, g.from_status, g.to_location_id, g.to_status
                   FROM inventory.movements g
                   WHERE $5 AND g.tenant_id = $1 AND g.item_id = w.item_id AND g.effective_at > b.after
                     AND g.effective_at <= w.at AND (g.seq <= b.covered) IS TRUE
                   UNION ALL
                   SELECT g.lot_id, g.quantity, g.from_location_id, g.from_status, g.to_location_id, g.to_status
                   FROM inventory.movements g
                   WHERE NOT $5 AND g.tenant_id = $1 AND g.item_id = w.item_id AND g.recorded_at > b.after
                     AND g.recorded_at <= w.at AND (g.seq <= b.covered) IS TRUE
                   UNION ALL
                   SELECT t.lot_id, t.quantity, t.from_location_id, t.from_status, t.to_location_id, t.to_status
                   FROM inventory.movements t
                   WHERE t.tenant_id = $1 AND t.item_id = w.item_id AND t.seq > b.covered
                     AND (CASE WHEN $5 THEN t.effective_at ELSE t.recorded_at END <= w.at) IS TRUE
               ) m
               CROSS JOIN LATERAL (VALUES (m.to_location_id, m.to_status, m.quantity), (m.from_location_id, m.from_status, -m.quantity))
                   AS v (location_id, status, quantity)
               WHERE v.location_id <> ALL ($6)
           ) s
           GROUP BY w.n, s.location_id, s.lot_id, s.status HAVING sum(s.quantity) <> 0
           ORDER BY w.n, s.location_id, s.lot_id, s.status"#,
        tenant.as_str(),
        &items,
        &times,
        axis.as_str(),
        axis == Axis::EffectiveAt,
        &virtuals(),
    );
    let found = rows.fetch_all(connection).await?.into_iter().map(|row| {
        let spot = Spot { location: LocationId(row.location_id), lot: row.lot_id.map(LotId), status: known(&row.status) };
        (usize::try_from(row.n - 1).unwrap_or_default(), spot, row.quantity)
    });
    Ok(found.collect())
}

/// What an item's movements up to a moment add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub on_hand: Decimal,
    pub received: Decimal,
    pub issued: Decimal,
}

/// The totals at each moment, in the order asked; as [`balances`] without places.
pub async fn totals(connection: &mut PgConnection, tenant: &TenantId, axis: Axis, moments: &[Moment]) -> Result<Vec<Totals>> {
    let (items, times) = columns(moments);
    let rows = sqlx::query!(
        r#"SELECT coalesce(c.on_hand, 0) + s.on_hand AS "on_hand!", coalesce(c.received, 0) + s.received AS "received!",
                  coalesce(c.issued, 0) + s.issued AS "issued!"
           FROM UNNEST($2::uuid[], $3::timestamptz[]) WITH ORDINALITY AS w (item_id, at, n)
           LEFT JOIN LATERAL (
               SELECT i.seq FROM inventory.history_items i WHERE i.tenant_id = $1 AND i.item_id = w.item_id LIMIT 1
           ) h ON true
           LEFT JOIN LATERAL (
               SELECT p.at, p.on_hand, p.received, p.issued FROM inventory.checkpoints p
               WHERE p.tenant_id = $1 AND p.item_id = w.item_id AND p.axis = $4 AND p.at <= w.at
               ORDER BY p.at DESC LIMIT 1
           ) c ON true
           CROSS JOIN LATERAL (SELECT coalesce(c.at, '-infinity') AS after, coalesce(h.seq, 0) AS covered OFFSET 0) b
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(m.quantity * (m.comes_in::int - m.goes_out::int)), 0) AS on_hand,
                      coalesce(sum(m.quantity) FILTER (WHERE m.comes_in), 0) AS received,
                      coalesce(sum(m.quantity) FILTER (WHERE m.goes_out AND m.kind IN ('ISSUE', 'PRODUCTION')), 0) AS issued
               FROM (
                   SELECT g.kind, g.quantity, g.from_location_id = ANY ($6) AS comes_in, g.to_location_id = ANY ($6) AS goes_out
                   FROM inventory.movements g
                   WHERE $5 AND g.tenant_id = $1 AND g.item_id = w.item_id AND g.effective_at > b.after
                     AND g.effective_at <= w.at AND (g.seq <= b.covered) IS TRUE
                   UNION ALL
                   SELECT g.kind, g.quantity, g.from_location_id = ANY ($6), g.to_location_id = ANY ($6)
                   FROM inventory.movements g
                   WHERE NOT $5 AND g.tenant_id = $1 AND g.item_id = w.item_id AND g.recorded_at > b.after
                     AND g.recorded_at <= w.at AND (g.seq <= b.covered) IS TRUE
                   UNION ALL
                   SELECT t.kind, t.quantity, t.from_location_id = ANY ($6), t.to_location_id = ANY ($6)
                   FROM inventory.movements t
                   WHERE t.tenant_id = $1 AND t.item_id = w.item_id AND t.seq > b.covered
                     AND (CASE WHEN $5 THEN t.effective_at ELSE t.recorded_at END <= w.at) IS TRUE
               ) m
           ) s
           ORDER BY w.n"#,
        tenant.as_str(),
        &items,
        &times,
        axis.as_str(),
        axis == Axis::EffectiveAt,
        &virtuals(),
    );
    let found = rows.fetch_all(connection).await?.into_iter();
    Ok(found.map(|row| Totals { on_hand: row.on_hand, received: row.received, issued: row.issued }).collect())
}

/// The next items, by id, that ever had stock; of one facility when given.
pub async fn items(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: Option<Uuid>,
    from: Option<Uuid>,
    is_from_included: bool,
    limit: i64,
) -> Result<Vec<ItemId>> {
    let ids = sqlx::query_scalar!(
        "SELECT DISTINCT b.item_id FROM inventory.balances b
         WHERE b.tenant_id = $1 AND b.item_id >= $2 AND ($3 OR b.item_id > $2)
           AND ($4::uuid IS NULL OR EXISTS (
                SELECT FROM inventory.stock_locations p
                WHERE p.tenant_id = $1 AND p.location_id = b.location_id AND p.facility_id = $4))
         ORDER BY b.item_id LIMIT $5",
        tenant.as_str(),
        from.unwrap_or_default(),
        is_from_included || from.is_none(),
        facility,
        limit,
    );
    Ok(ids.fetch_all(connection).await?.into_iter().map(ItemId).collect())
}

/// The next items, by id, that have stock now, with how much.
pub async fn stocked(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(ItemId, Decimal)>> {
    let rows = sqlx::query!(
        r#"SELECT item_id, sum(on_hand) AS "on_hand!" FROM inventory.balances
           WHERE tenant_id = $1 AND on_hand > 0 AND item_id > $2
           GROUP BY item_id ORDER BY item_id LIMIT $3"#,
        tenant.as_str(),
        after.unwrap_or_default(),
        limit,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (ItemId(row.item_id), row.on_hand)).collect())
}

/// Stock on hand of all items by bucket of age, in one pass over what came in within the last limit; the last bucket is the rest.
pub async fn aged_in_all(
    connection: &mut PgConnection,
    tenant: &TenantId,
    moments: [DateTime<Utc>; 5],
) -> Result<([Decimal; 6], i64)> {
    let row = sqlx::query!(
        r#"WITH stock AS (
               SELECT item_id, sum(on_hand) AS on_hand FROM inventory.balances WHERE tenant_id = $1 AND on_hand > 0 GROUP BY item_id
           ), entered AS (
               SELECT item_id, sum(quantity) FILTER (WHERE effective_at > $2) AS e1, sum(quantity) FILTER (WHERE effective_at > $3) AS e2,
                      sum(quantity) FILTER (WHERE effective_at > $4) AS e3, sum(quantity) FILTER (WHERE effective_at > $5) AS e4,
                      sum(quantity) AS e5
               FROM inventory.movements
               WHERE tenant_id = $1 AND from_location_id = ANY ($7) AND effective_at > $6 GROUP BY item_id
           ), covered AS (
               SELECT s.on_hand, least(s.on_hand, coalesce(e.e1, 0)) AS c1, least(s.on_hand, coalesce(e.e2, 0)) AS c2,
                      least(s.on_hand, coalesce(e.e3, 0)) AS c3, least(s.on_hand, coalesce(e.e4, 0)) AS c4,
                      least(s.on_hand, coalesce(e.e5, 0)) AS c5
               FROM stock s LEFT JOIN entered e USING (item_id)
           )
           SELECT coalesce(sum(c1), 0) AS "b1!", coalesce(sum(c2 - c1), 0) AS "b2!", coalesce(sum(c3 - c2), 0) AS "b3!",
                  coalesce(sum(c4 - c3), 0) AS "b4!", coalesce(sum(c5 - c4), 0) AS "b5!", coalesce(sum(on_hand - c5), 0) AS "b6!",
                  count(*) AS "items!"
           FROM covered"#,
        tenant.as_str(),
        moments[0],
        moments[1],
        moments[2],
        moments[3],
        moments[4],
        &virtuals(),
    )
    .fetch_one(connection)
    .await?;
    Ok(([row.b1, row.b2, row.b3, row.b4, row.b5, row.b6], row.items))
}

pub mod refresh;
