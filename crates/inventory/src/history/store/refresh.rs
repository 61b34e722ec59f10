//! What the chore reads and writes.

use std::collections::BTreeMap;

use super::*;

/// Before and after all times: an open bound is given as a value, because row-level security lets an index use values and columns
/// but no expression.
const BEGINNING: DateTime<Utc> = DateTime::from_timestamp(-62_135_596_800, 0).expect("the first second of the year 1");
const END: DateTime<Utc> = DateTime::from_timestamp(253_402_300_799, 0).expect("the last second of the year 9999");

/// The tenants with movements that no chore has counted.
pub async fn tenants(connection: &mut PgConnection) -> Result<Vec<TenantId>> {
    let names =
        sqlx::query_scalar!(r#"SELECT t AS "tenant!" FROM inventory.tenants_with_news() t"#).fetch_all(connection).await?;
    names.into_iter().map(|name| name.parse().map_err(platform::Error::internal)).collect()
}

/// The largest number among the tenant's committed movements.
pub async fn newest(connection: &mut PgConnection, tenant: &TenantId) -> Result<Option<i64>> {
    let newest = sqlx::query_scalar!(
        "SELECT seq FROM inventory.movements WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1",
        tenant.as_str()
    );
    Ok(newest.fetch_optional(connection).await?)
}

/// The oldest transaction that is still running, and the next one to begin.
pub async fn running(connection: &mut PgConnection) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT pg_snapshot_xmin(s)::text::bigint AS "oldest!", pg_snapshot_xmax(s)::text::bigint AS "next!"
           FROM pg_current_snapshot() s"#
    )
    .fetch_one(connection)
    .await?;
    Ok((row.oldest, row.next))
}

/// Locks the tenant's mark, so that one worker at a time keeps its checkpoints, and reads it.
pub async fn lock_mark(connection: &mut PgConnection, tenant: &TenantId) -> Result<i64> {
    sqlx::query!(
        "INSERT INTO inventory.history_marks (tenant_id, seq) VALUES ($1, 0) ON CONFLICT (tenant_id) DO NOTHING",
        tenant.as_str()
    )
    .execute(&mut *connection)
    .await?;
    let mark = sqlx::query_scalar!("SELECT seq FROM inventory.history_marks WHERE tenant_id = $1 FOR UPDATE", tenant.as_str());
    Ok(mark.fetch_one(connection).await?)
}

/// Counts the movements numbered after `mark` and up to `to` with their items, and moves the mark.
pub async fn count(connection: &mut PgConnection, tenant: &TenantId, mark: i64, to: i64) -> Result<()> {
    sqlx::query!(
        "INSERT INTO inventory.history_items AS known (tenant_id, item_id, waiting)
         SELECT $1, item_id, count(*) FROM inventory.movements WHERE tenant_id = $1 AND seq > $2 AND seq <= $3 GROUP BY item_id
         ON CONFLICT (tenant_id, item_id) DO UPDATE SET waiting = known.waiting + EXCLUDED.waiting",
        tenant.as_str(),
        mark,
        to,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("UPDATE inventory.history_marks SET seq = $2 WHERE tenant_id = $1", tenant.as_str(), to)
        .execute(connection)
        .await?;
    Ok(())
}

/// Items with at least so many movements beyond their checkpoints.
pub async fn due(connection: &mut PgConnection, tenant: &TenantId, least: i64, limit: i64) -> Result<Vec<ItemId>> {
    let ids = sqlx::query_scalar!(
        "SELECT item_id FROM inventory.history_items WHERE tenant_id = $1 AND waiting >= $2 ORDER BY waiting DESC LIMIT $3",
        tenant.as_str(),
        least,
        limit,
    );
    Ok(ids.fetch_all(connection).await?.into_iter().map(ItemId).collect())
}

/// Up to which number the item's checkpoints are complete, and how many counted movements wait.
pub async fn covered(connection: &mut PgConnection, tenant: &TenantId, item: ItemId) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        "SELECT seq, waiting FROM inventory.history_items WHERE tenant_id = $1 AND item_id = $2 FOR UPDATE",
        tenant.as_str(),
        item.0,
    )
    .fetch_one(connection)
    .await?;
    Ok((row.seq, row.waiting))
}

pub async fn cover(connection: &mut PgConnection, tenant: &TenantId, item: ItemId, seq: i64, waiting: i64) -> Result<()> {
    sqlx::query!(
        "UPDATE inventory.history_items SET seq = $3, waiting = $4 WHERE tenant_id = $1 AND item_id = $2",
        tenant.as_str(),
        item.0,
        seq,
        waiting,
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct MovedRecord {
    seq: i64,
    effective_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    kind: String,
    lot_id: Option<Uuid>,
    quantity: Decimal,
    from_location_id: Uuid,
    from_status: String,
    to_location_id: Uuid,
    to_status: String,
}

impl From<MovedRecord> for Moved {
    fn from(row: MovedRecord) -> Self {
        Self {
            seq: row.seq,
            effective_at: row.effective_at,
            recorded_at: row.recorded_at,
            kind: known(&row.kind),
            lot: row.lot_id.map(LotId),
            quantity: row.quantity,
            from: (LocationId(row.from_location_id), known(&row.from_status)),
            to: (LocationId(row.to_location_id), known(&row.to_status)),
        }
    }
}

/// The item's movements numbered after `after` and up to `to`, at most `limit`, in the order of their numbers.
pub async fn by_number(
    connection: &mut PgConnection,
    tenant: &TenantId,
    item: ItemId,
    (after, to): (i64, i64),
    limit: i64,
) -> Result<Vec<Moved>> {
    let rows = sqlx::query_as!(
        MovedRecord,
        "SELECT seq, effective_at, recorded_at, kind, lot_id, quantity, from_location_id, from_status, to_location_id, to_status
         FROM inventory.movements WHERE tenant_id = $1 AND item_id = $2 AND seq > $3 AND seq <= $4 ORDER BY seq LIMIT $5",
        tenant.as_str(),
        item.0,
        after,
        to,
        limit,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(Moved::from).collect())
}

/// The item's movements numbered up to `to` with a time after `after` and, when given, before `before`, in the order of the axis.
pub async fn by_time(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (item, axis): (ItemId, Axis),
    to: i64,
    (after, before): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> Result<Vec<Moved>> {
    let (after, before) = (after.unwrap_or(BEGINNING), before.unwrap_or(END));
    let rows = match axis {
        Axis::EffectiveAt => {
            sqlx::query_as!(
                MovedRecord,
                "SELECT seq, effective_at, recorded_at, kind, lot_id, quantity, from_location_id, from_status, to_location_id, to_status
                 FROM inventory.movements
                 WHERE tenant_id = $1 AND item_id = $2 AND (seq <= $3) IS TRUE AND effective_at > $4
                   AND effective_at < $5 ORDER BY effective_at, seq",
                tenant.as_str(),
                item.0,
                to,
                after,
                before,
            )
            .fetch_all(connection)
            .await?
        }
        Axis::RecordedAt => {
            sqlx::query_as!(
                MovedRecord,
                "SELECT seq, effective_at, recorded_at, kind, lot_id, quantity, from_location_id, from_status, to_location_id, to_status
                 FROM inventory.movements
                 WHERE tenant_id = $1 AND item_id = $2 AND (seq <= $3) IS TRUE AND recorded_at > $4
                   AND recorded_at < $5 ORDER BY recorded_at, seq",
                tenant.as_str(),
                item.0,
                to,
                after,
                before,
            )
            .fetch_all(connection)
            .await?
        }
    };
    Ok(rows.into_iter().map(Moved::from).collect())
}

struct CheckpointRecord {
    at: DateTime<Utc>,
    row_count: i64,
    on_hand: Decimal,
    received: Decimal,
    issued: Decimal,
    location_ids: Vec<Uuid>,
    lot_ids: Vec<Option<Uuid>>,
    statuses: Vec<String>,
    quantities: Vec<Decimal>,
}

impl From<CheckpointRecord> for Checkpoint {
    fn from(row: CheckpointRecord) -> Self {
        let spots = row.location_ids.into_iter().zip(row.lot_ids).zip(row.statuses).zip(row.quantities);
        let balances: BTreeMap<Spot, Decimal> = spots
            .map(|(((location, lot), status), quantity)| {
                (Spot { location: LocationId(location), lot: lot.map(LotId), status: known(&status) }, quantity)
            })
            .collect();
        let standing = Standing { balances, on_hand: row.on_hand, received: row.received, issued: row.issued };
        Self { at: row.at, row_count: row.row_count, standing }
    }
}

/// The last checkpoint, or the last before a moment.
pub async fn last(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (item, axis): (ItemId, Axis),
    before: Option<DateTime<Utc>>,
) -> Result<Option<Checkpoint>> {
    let row = sqlx::query_as!(
        CheckpointRecord,
        r#"SELECT at, row_count, on_hand, received, issued, location_ids, lot_ids AS "lot_ids: Vec<Option<Uuid>>", statuses,
                  quantities AS "quantities: Vec<Decimal>"
           FROM inventory.checkpoints WHERE tenant_id = $1 AND item_id = $2 AND axis = $3 AND at < $4
           ORDER BY at DESC LIMIT 1"#,
        tenant.as_str(),
        item.0,
        axis.as_str(),
        before.unwrap_or(END),
    );
    Ok(row.fetch_optional(connection).await?.map(Checkpoint::from))
}

/// The next checkpoints at or after a moment, or after it.
pub async fn following(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (item, axis): (ItemId, Axis),
    (from, is_included): (DateTime<Utc>, bool),
    limit: i64,
) -> Result<Vec<Checkpoint>> {
    let rows = sqlx::query_as!(
        CheckpointRecord,
        r#"SELECT at, row_count, on_hand, received, issued, location_ids, lot_ids AS "lot_ids: Vec<Option<Uuid>>", statuses,
                  quantities AS "quantities: Vec<Decimal>"
           FROM inventory.checkpoints
           WHERE tenant_id = $1 AND item_id = $2 AND axis = $3 AND at >= $4 AND ($5 OR at > $4) ORDER BY at LIMIT $6"#,
        tenant.as_str(),
        item.0,
        axis.as_str(),
        from,
        is_included,
        limit,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(Checkpoint::from).collect())
}

/// Makes or replaces checkpoints, in one round trip.
pub async fn write(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (item, axis): (ItemId, Axis),
    checkpoints: &[Checkpoint],
) -> Result<()> {
    let times: Vec<DateTime<Utc>> = checkpoints.iter().map(|one| one.at).collect();
    let counts: Vec<i64> = checkpoints.iter().map(|one| one.row_count).collect();
    let on_hand: Vec<Decimal> = checkpoints.iter().map(|one| one.standing.on_hand).collect();
    let received: Vec<Decimal> = checkpoints.iter().map(|one| one.standing.received).collect();
    let issued: Vec<Decimal> = checkpoints.iter().map(|one| one.standing.issued).collect();
    let spots = || {
        (1_i64..)
            .zip(checkpoints)
            .flat_map(|(n, one)| one.standing.balances.iter().map(move |(spot, quantity)| (n, spot, quantity)))
    };
    let numbers: Vec<i64> = spots().map(|(n, ..)| n).collect();
    let locations: Vec<Uuid> = spots().map(|(_, spot, _)| spot.location.0).collect();
    let lots: Vec<Option<Uuid>> = spots().map(|(_, spot, _)| spot.lot.map(|lot| lot.0)).collect();
    let statuses: Vec<String> = spots().map(|(_, spot, _)| spot.status.as_str().to_owned()).collect();
    let quantities: Vec<Decimal> = spots().map(|(.., quantity)| *quantity).collect();
    sqlx::query!(
        "INSERT INTO inventory.checkpoints
             (tenant_id, item_id, axis, at, row_count, on_hand, received, issued, location_ids, lot_ids, statuses, quantities)
         SELECT $1, $2, $3, h.at, h.row_count, h.on_hand, h.received, h.issued, coalesce(e.location_ids, '{}'), coalesce(e.lot_ids, '{}'),
                coalesce(e.statuses, '{}'), coalesce(e.quantities, '{}')
         FROM UNNEST($4::timestamptz[], $5::bigint[], $6::numeric[], $7::numeric[], $8::numeric[]) WITH ORDINALITY
              AS h (at, row_count, on_hand, received, issued, n)
         LEFT JOIN (
             SELECT n, array_agg(location_id) AS location_ids, array_agg(lot_id) AS lot_ids, array_agg(status) AS statuses,
                    array_agg(quantity) AS quantities
             FROM UNNEST($9::bigint[], $10::uuid[], $11::uuid[], $12::text[], $13::numeric[]) AS k (n, location_id, lot_id, status, quantity)
             GROUP BY n
         ) e ON e.n = h.n
         ON CONFLICT (tenant_id, item_id, axis, at) DO UPDATE
         SET row_count = EXCLUDED.row_count, on_hand = EXCLUDED.on_hand, received = EXCLUDED.received, issued = EXCLUDED.issued,
             location_ids = EXCLUDED.location_ids, lot_ids = EXCLUDED.lot_ids, statuses = EXCLUDED.statuses, quantities = EXCLUDED.quantities",
        tenant.as_str(),
        item.0,
        axis.as_str(),
        &times,
        &counts,
        &on_hand,
        &received,
        &issued,
        &numbers,
        &locations,
        &lots as &[Option<Uuid>],
        &statuses,
        &quantities,
    )
    .execute(connection)
    .await?;
    Ok(())
}
