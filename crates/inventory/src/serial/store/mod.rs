//! SQL of serial numbers; no rules.

pub mod check;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use kernel::{Env, ItemId, LocationId, LotId, MovementId, PageRequest, Quantity, SerialId, TenantId, UserId};
use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{At, SerialRow};
use crate::ledger::Key;
use crate::model::{MovementRow, Posting, QualityStatus, Side};
use crate::store::known;

/// The pieces that lie at each key, the lowest numbers first, at most so many.
pub async fn lying(
    connection: &mut PgConnection,
    tenant: &TenantId,
    choices: &BTreeMap<Key, usize>,
) -> Result<Vec<(ItemId, String)>> {
    let items: Vec<Uuid> = choices.keys().map(|key| key.item.0).collect();
    let locations: Vec<Uuid> = choices.keys().map(|key| key.location.0).collect();
    let lots: Vec<Option<Uuid>> = choices.keys().map(|key| key.lot.map(|lot| lot.0)).collect();
    let statuses: Vec<String> = choices.keys().map(|key| key.status.as_str().to_owned()).collect();
    let limits: Vec<i64> = choices.values().map(|count| i64::try_from(*count).unwrap_or(i64::MAX)).collect();
    let rows = sqlx::query!(
        r#"SELECT k.item_id AS "item_id!", s.number
           FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[]) AS k (item_id, location_id, lot_id, status, most)
           CROSS JOIN LATERAL (
               SELECT p.number FROM inventory.serials p
               WHERE p.tenant_id = $1 AND p.location_id = k.location_id AND p.item_id = k.item_id
                 AND p.lot_id IS NOT DISTINCT FROM k.lot_id AND p.quality_status = k.status
               ORDER BY p.number LIMIT k.most) s"#,
        tenant.as_str(),
        &items,
        &locations,
        &lots as &[Option<Uuid>],
        &statuses,
        &limits,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (ItemId(row.item_id), row.number)).collect())
}

/// Makes a row for each number that has none, in their order; answers the ids of those made.
pub async fn ensure(
    connection: &mut PgConnection,
    tenant: &TenantId,
    env: &Env,
    new: &BTreeMap<(ItemId, String), &Posting>,
) -> Result<HashSet<Uuid>> {
    let ids: Vec<Uuid> = new.iter().map(|_| env.new_id()).collect();
    let items: Vec<Uuid> = new.keys().map(|(item, _)| item.0).collect();
    let numbers: Vec<String> = new.keys().map(|(_, number)| number.clone()).collect();
    let lots: Vec<Option<Uuid>> = new.values().map(|posting| posting.lot.map(|lot| lot.0)).collect();
    let locations: Vec<Uuid> = new.values().map(|posting| posting.from.0).collect();
    let statuses: Vec<String> = new.values().map(|posting| posting.from_status.as_str().to_owned()).collect();
    let made = sqlx::query_scalar!(
        "INSERT INTO inventory.serials
             (tenant_id, created_at, updated_at, serial_id, item_id, number, lot_id, location_id, quality_status)
         SELECT $1, $2, $2, k.serial_id, k.item_id, k.number, k.lot_id, k.location_id, k.quality_status
         FROM UNNEST($3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::text[]) WITH ORDINALITY
              AS k (serial_id, item_id, number, lot_id, location_id, quality_status, ordinal)
         ORDER BY k.ordinal
         ON CONFLICT (tenant_id, item_id, number) DO NOTHING
         RETURNING serial_id",
        tenant.as_str(),
        env.now(),
        &ids,
        &items,
        &numbers,
        &lots as &[Option<Uuid>],
        &locations,
        &statuses,
    )
    .fetch_all(connection)
    .await?;
    Ok(made.into_iter().collect())
}

/// Locks the pieces one after the other in the order of item and number, and reads them; unknown ones are absent.
pub async fn lock(
    connection: &mut PgConnection,
    tenant: &TenantId,
    wanted: &BTreeSet<(ItemId, String)>,
) -> Result<Vec<((ItemId, String), Uuid, At)>> {
    let items: Vec<Uuid> = wanted.iter().map(|(item, _)| item.0).collect();
    let numbers: Vec<String> = wanted.iter().map(|(_, number)| number.clone()).collect();
    let rows = sqlx::query!(
        "SELECT s.serial_id, s.item_id, s.number, s.lot_id, s.location_id, s.quality_status
         FROM (SELECT * FROM UNNEST($2::uuid[], $3::text[]) WITH ORDINALITY AS u (item_id, number, ordinal) ORDER BY u.ordinal) k
         CROSS JOIN LATERAL (
             SELECT * FROM inventory.serials o
             WHERE o.tenant_id = $1 AND o.item_id = k.item_id AND o.number = k.number
             OFFSET 0 FOR NO KEY UPDATE) s",
        tenant.as_str(),
        &items,
        &numbers,
    )
    .fetch_all(connection)
    .await?;
    let piece = |row_lot: Option<Uuid>, location: Uuid, status: &str| At {
        location: LocationId(location),
        lot: row_lot.map(LotId),
        status: known(status),
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let at = piece(row.lot_id, row.location_id, &row.quality_status);
            ((ItemId(row.item_id), row.number), row.serial_id, at)
        })
        .collect())
}

/// Stores where locked pieces are now. Written as an insertion that always meets its row, as balances are: a join would compare
/// every piece with every other, or walk through all pieces of the tenant.
pub async fn write(
    connection: &mut PgConnection,
    tenant: &TenantId,
    moved: &[(&(ItemId, String), SerialId, At)],
    at: DateTime<Utc>,
) -> Result<()> {
    let ids: Vec<Uuid> = moved.iter().map(|(_, id, _)| id.0).collect();
    let items: Vec<Uuid> = moved.iter().map(|((item, _), ..)| item.0).collect();
    let numbers: Vec<String> = moved.iter().map(|((_, number), ..)| number.clone()).collect();
    let locations: Vec<Uuid> = moved.iter().map(|(.., at)| at.location.0).collect();
    let lots: Vec<Option<Uuid>> = moved.iter().map(|(.., at)| at.lot.map(|lot| lot.0)).collect();
    let statuses: Vec<String> = moved.iter().map(|(.., at)| at.status.as_str().to_owned()).collect();
    sqlx::query!(
        "INSERT INTO inventory.serials
             (tenant_id, created_at, updated_at, serial_id, item_id, number, lot_id, location_id, quality_status)
         SELECT $1, $2, $2, * FROM UNNEST($3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::text[])
         ON CONFLICT (tenant_id, serial_id) DO UPDATE
         SET location_id = EXCLUDED.location_id, lot_id = EXCLUDED.lot_id, quality_status = EXCLUDED.quality_status,
             updated_at = EXCLUDED.updated_at",
        tenant.as_str(),
        at,
        &ids,
        &items,
        &numbers,
        &lots as &[Option<Uuid>],
        &locations,
        &statuses,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn link(connection: &mut PgConnection, tenant: &TenantId, movements: &[Uuid], serials: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "INSERT INTO inventory.movement_serials (tenant_id, movement_id, serial_id)
         SELECT $1, * FROM UNNEST($2::uuid[], $3::uuid[])",
        tenant.as_str(),
        movements,
        serials,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn delete(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<()> {
    sqlx::query!("DELETE FROM inventory.serials WHERE tenant_id = $1 AND serial_id = ANY ($2)", tenant.as_str(), ids)
        .execute(connection)
        .await?;
    Ok(())
}

/// Locks, in the order of number, the pieces of one item that lie in these places, and reads them as they are then: one may
/// have moved while this waited. At most `most`.
pub(crate) async fn lock_lying(
    connection: &mut PgConnection,
    tenant: &TenantId,
    item: ItemId,
    locations: &[Uuid],
    most: usize,
) -> Result<Vec<(String, Key)>> {
    let rows = sqlx::query!(
        "SELECT number, location_id, lot_id, quality_status FROM inventory.serials
         WHERE tenant_id = $1 AND item_id = $2 AND location_id = ANY ($3)
         ORDER BY number LIMIT $4 FOR NO KEY UPDATE",
        tenant.as_str(),
        item.0,
        locations,
        i64::try_from(most).unwrap_or(i64::MAX),
    )
    .fetch_all(connection)
    .await?;
    let key = |location: Uuid, lot: Option<Uuid>, status: &str| Key {
        item,
        location: LocationId(location),
        lot: lot.map(LotId),
        status: known(status),
    };
    Ok(rows.into_iter().map(|row| (row.number, key(row.location_id, row.lot_id, &row.quality_status))).collect())
}

/// The pieces that these movements brought to a place and that have not left it since, with their status now, by movement in
/// the order of number.
pub(crate) async fn still_there(
    connection: &mut PgConnection,
    tenant: &TenantId,
    movements: &[Uuid],
) -> Result<HashMap<MovementId, Vec<(String, QualityStatus)>>> {
    let rows = sqlx::query!(
        "SELECT m.movement_id, s.number, s.quality_status
         FROM inventory.movement_serials m
         CROSS JOIN LATERAL (
             SELECT * FROM inventory.movements o WHERE o.tenant_id = $1 AND o.movement_id = m.movement_id OFFSET 0) h
         CROSS JOIN LATERAL (
             SELECT * FROM inventory.serials o WHERE o.tenant_id = $1 AND o.serial_id = m.serial_id OFFSET 0) s
         WHERE m.tenant_id = $1 AND m.movement_id = ANY ($2) AND s.location_id = h.to_location_id
           AND NOT EXISTS (SELECT FROM inventory.movement_serials n
                           JOIN inventory.movements l ON l.tenant_id = $1 AND l.movement_id = n.movement_id
                           WHERE n.tenant_id = $1 AND n.serial_id = m.serial_id AND l.seq > h.seq AND l.kind <> 'STATUS_CHANGE')
         ORDER BY m.movement_id, s.number",
        tenant.as_str(),
        movements,
    )
    .fetch_all(connection)
    .await?;
    let mut found: HashMap<MovementId, Vec<(String, QualityStatus)>> = HashMap::new();
    for row in rows {
        found.entry(MovementId(row.movement_id)).or_default().push((row.number, known(&row.quality_status)));
    }
    Ok(found)
}

/// The pieces that these movements brought into HOLD and that have not left it since, with where they are now, by movement.
pub(crate) async fn still_held(
    connection: &mut PgConnection,
    tenant: &TenantId,
    movements: &[Uuid],
) -> Result<HashMap<Uuid, Vec<(String, Key)>>> {
    let rows = sqlx::query!(
        "SELECT m.movement_id, s.item_id, s.number, s.location_id, s.lot_id, s.quality_status
         FROM inventory.movement_serials m
         JOIN inventory.movements h ON h.tenant_id = $1 AND h.movement_id = m.movement_id
         JOIN inventory.serials s ON s.tenant_id = $1 AND s.serial_id = m.serial_id AND s.quality_status = 'HOLD'
         WHERE m.tenant_id = $1 AND m.movement_id = ANY ($2)
           AND NOT EXISTS (SELECT FROM inventory.movement_serials n
                           JOIN inventory.movements l ON l.tenant_id = $1 AND l.movement_id = n.movement_id
                           WHERE n.tenant_id = $1 AND n.serial_id = m.serial_id AND l.seq > h.seq AND l.kind <> 'TRANSFER')
         ORDER BY m.movement_id, s.number",
        tenant.as_str(),
        movements,
    )
    .fetch_all(connection)
    .await?;
    let mut found: HashMap<Uuid, Vec<(String, Key)>> = HashMap::new();
    for row in rows {
        let key = Key {
            item: ItemId(row.item_id),
            location: LocationId(row.location_id),
            lot: row.lot_id.map(LotId),
            status: known(&row.quality_status),
        };
        found.entry(row.movement_id).or_default().push((row.number, key));
    }
    Ok(found)
}

/// What to look for; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct SerialQuery {
    pub id: Option<Uuid>,
    pub item: Option<Uuid>,
    pub number_prefix: Option<String>,
    pub location: Option<Uuid>,
    pub movement: Option<Uuid>,
    pub quality: Option<QualityStatus>,
    pub in_stock: Option<bool>,
}

/// Ordered by number, after the one given.
pub async fn select(
    connection: &mut PgConnection,
    tenant: &TenantId,
    query: &SerialQuery,
    after: Option<(String, Uuid)>,
    page: &PageRequest,
) -> Result<Vec<SerialRow>> {
    let (after_number, after_id) = after.unzip();
    // The greatest character closes the range, so that the index is read from the first match to the last.
    let until = query.number_prefix.as_ref().map(|prefix| format!("{prefix}{}", char::MAX));
    let rows = sqlx::query!(
        r#"SELECT s.serial_id, s.item_id, s.number, s.lot_id, l.number AS "lot_number?", s.location_id, p.kind,
                  p.facility_code, p.code, s.quality_status, s.created_at, s.updated_at
           FROM inventory.serials s
           JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = s.location_id
           LEFT JOIN inventory.lots l ON l.tenant_id = $1 AND l.lot_id = s.lot_id
           WHERE s.tenant_id = $1
             AND ($2::uuid IS NULL OR s.serial_id = $2)
             AND ($3::uuid IS NULL OR s.item_id = $3)
             AND ($4::text IS NULL OR s.number >= $4 AND s.number <= $5)
             AND ($6::uuid IS NULL OR s.location_id = $6)
             AND ($7::uuid IS NULL OR EXISTS (SELECT FROM inventory.movement_serials m
                                              WHERE m.tenant_id = $1 AND m.movement_id = $7 AND m.serial_id = s.serial_id))
             AND ($8::text IS NULL OR s.quality_status = $8)
             AND ($9::boolean IS NULL OR (p.kind = 'PHYSICAL') = $9)
             AND ($10::text IS NULL OR (s.number, s.serial_id) > ($10, $11::uuid))
           ORDER BY s.number, s.serial_id LIMIT $12"#,
        tenant.as_str(),
        query.id,
        query.item,
        query.number_prefix,
        until,
        query.location,
        query.movement,
        query.quality.map(QualityStatus::as_str),
        query.in_stock,
        after_number,
        after_id,
        page.fetch(),
    )
    .fetch_all(connection)
    .await?;
    let rows = rows.into_iter().map(|row| SerialRow {
        serial_id: SerialId(row.serial_id),
        item_id: ItemId(row.item_id),
        number: row.number,
        lot_id: row.lot_id.map(LotId),
        lot_number: row.lot_number,
        at: Side {
            location_id: LocationId(row.location_id),
            kind: known(&row.kind),
            facility_code: row.facility_code,
            code: row.code,
            status: known(&row.quality_status),
        },
        created_at: row.created_at,
        updated_at: row.updated_at,
    });
    Ok(rows.collect())
}

/// The movements of one piece, newest first: before the number `before`, when given.
pub async fn history(
    connection: &mut PgConnection,
    tenant: &TenantId,
    serial: SerialId,
    before: Option<i64>,
    page: &PageRequest,
) -> Result<Vec<MovementRow>> {
    let rows = sqlx::query!(
        r#"SELECT m.movement_id, m.seq, m.kind, m.item_id, m.lot_id, l.number AS "lot_number?", m.quantity,
                  m.from_location_id, f.kind AS from_kind, f.facility_code AS from_facility_code, f.code AS from_code, m.from_status,
                  m.to_location_id, t.kind AS to_kind, t.facility_code AS to_facility_code, t.code AS to_code, m.to_status,
                  m.reason, m.reference, m.effective_at, m.recorded_at, m.recorded_by, m.request_id
           FROM inventory.movement_serials s
           JOIN inventory.movements m ON m.tenant_id = $1 AND m.movement_id = s.movement_id
           JOIN inventory.stock_locations f ON f.tenant_id = $1 AND f.location_id = m.from_location_id
           JOIN inventory.stock_locations t ON t.tenant_id = $1 AND t.location_id = m.to_location_id
           LEFT JOIN inventory.lots l ON l.tenant_id = $1 AND l.lot_id = m.lot_id
           WHERE s.tenant_id = $1 AND s.serial_id = $2 AND ($3::bigint IS NULL OR m.seq < $3)
           ORDER BY m.seq DESC LIMIT $4"#,
        tenant.as_str(),
        serial.0,
        before,
        page.fetch(),
    )
    .fetch_all(connection)
    .await?;
    let side = |location: Uuid, kind: &str, facility_code: String, code: String, status: &str| Side {
        location_id: LocationId(location),
        kind: known(kind),
        facility_code,
        code,
        status: known(status),
    };
    let rows = rows.into_iter().map(|row| MovementRow {
        movement_id: MovementId(row.movement_id),
        seq: row.seq,
        kind: known(&row.kind),
        item_id: ItemId(row.item_id),
        lot_id: row.lot_id.map(LotId),
        lot_number: row.lot_number,
        quantity: Quantity::from_db(row.quantity),
        from: side(row.from_location_id, &row.from_kind, row.from_facility_code, row.from_code, &row.from_status),
        to: side(row.to_location_id, &row.to_kind, row.to_facility_code, row.to_code, &row.to_status),
        reason: row.reason,
        reference: row.reference,
        effective_at: row.effective_at,
        recorded_at: row.recorded_at,
        recorded_by: UserId(row.recorded_by),
        request_id: row.request_id,
    });
    Ok(rows.collect())
}
