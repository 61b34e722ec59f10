use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use kernel::{Env, FacilityId, ItemId, LocationId, LotId, PageRequest, Quantity, TenantId};
use platform::Result;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::known;
use crate::ledger::{Held, Key};
use crate::model::{BalanceRow, QualityStatus};

struct Columns {
    items: Vec<Uuid>,
    locations: Vec<Uuid>,
    lots: Vec<Option<Uuid>>,
    statuses: Vec<String>,
}

impl Columns {
    fn of(keys: &[Key]) -> Self {
        Self {
            items: keys.iter().map(|key| key.item.0).collect(),
            locations: keys.iter().map(|key| key.location.0).collect(),
            lots: keys.iter().map(|key| key.lot.map(|lot| lot.0)).collect(),
            statuses: keys.iter().map(|key| key.status.as_str().to_owned()).collect(),
        }
    }
}

/// Makes empty balances for the keys that have none, in the order given. Looking first is much cheaper than an insertion that
/// then finds its row, which is what nearly all would be.
pub async fn ensure(connection: &mut PgConnection, tenant: &TenantId, env: &Env, keys: &[Key]) -> Result<()> {
    let ids: Vec<Uuid> = keys.iter().map(|_| env.new_id()).collect();
    let columns = Columns::of(keys);
    sqlx::query!(
        "INSERT INTO inventory.balances (tenant_id, balance_id, item_id, location_id, lot_id, quality_status, updated_at)
         SELECT $1, k.balance_id, k.item_id, k.location_id, k.lot_id, k.quality_status, $7
         FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[]) WITH ORDINALITY
              AS k (balance_id, item_id, location_id, lot_id, quality_status, ordinal)
         WHERE NOT EXISTS (
             SELECT FROM inventory.balances o
             WHERE o.tenant_id = $1 AND o.item_id = k.item_id AND o.location_id = k.location_id
               AND o.lot_id IS NOT DISTINCT FROM k.lot_id AND o.quality_status = k.quality_status OFFSET 0)
         ORDER BY k.ordinal
         ON CONFLICT (tenant_id, item_id, location_id, lot_id, quality_status) DO NOTHING",
        tenant.as_str(),
        &ids,
        &columns.items,
        &columns.locations,
        &columns.lots as &[Option<Uuid>],
        &columns.statuses,
        env.now(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Locks the balances of the keys one after the other in the order given, and reads them. A key without a row is absent.
pub async fn lock(connection: &mut PgConnection, tenant: &TenantId, keys: &[Key]) -> Result<HashMap<Key, (Uuid, Held)>> {
    let columns = Columns::of(keys);
    let rows = sqlx::query!(
        r#"SELECT b.balance_id, k.ordinal AS "ordinal!", b.on_hand, b.reserved
           FROM (SELECT * FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::text[]) WITH ORDINALITY
                      AS u (item_id, location_id, lot_id, quality_status, ordinal) ORDER BY u.ordinal) k
           CROSS JOIN LATERAL (
               SELECT * FROM inventory.balances o
               WHERE o.tenant_id = $1 AND o.item_id = k.item_id AND o.location_id = k.location_id
                 AND o.lot_id IS NOT DISTINCT FROM k.lot_id AND o.quality_status = k.quality_status
               OFFSET 0 FOR NO KEY UPDATE) b"#,
        tenant.as_str(),
        &columns.items,
        &columns.locations,
        &columns.lots as &[Option<Uuid>],
        &columns.statuses,
    )
    .fetch_all(connection)
    .await?;
    let held = rows.into_iter().filter_map(|row| {
        let key = keys.get(usize::try_from(row.ordinal - 1).ok()?)?;
        let held = Held { on_hand: Quantity::from_db(row.on_hand), reserved: Quantity::from_db(row.reserved) };
        Some((*key, (row.balance_id, held)))
    });
    Ok(held.collect())
}

/// Stores what the locked balances hold now. Written as an insertion that always meets its row: that way it is found by its
/// key, and no estimate of the planner can turn the statement into a walk through all balances of the tenant.
pub async fn write(
    connection: &mut PgConnection,
    tenant: &TenantId,
    on_hand: &[(Uuid, Key, Quantity)],
    at: DateTime<Utc>,
) -> Result<()> {
    let ids: Vec<Uuid> = on_hand.iter().map(|(id, ..)| *id).collect();
    let columns = Columns::of(&on_hand.iter().map(|(_, key, _)| *key).collect::<Vec<_>>());
    let quantities: Vec<Decimal> = on_hand.iter().map(|(.., quantity)| quantity.decimal()).collect();
    sqlx::query!(
        "INSERT INTO inventory.balances AS b
             (tenant_id, balance_id, item_id, location_id, lot_id, quality_status, on_hand, updated_at)
         SELECT $1, *, $8 FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::numeric[])
         ON CONFLICT (tenant_id, balance_id) DO UPDATE SET on_hand = EXCLUDED.on_hand, updated_at = EXCLUDED.updated_at",
        tenant.as_str(),
        &ids,
        &columns.items,
        &columns.locations,
        &columns.lots as &[Option<Uuid>],
        &columns.statuses,
        &quantities,
        at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct BalanceRecord {
    balance_id: Uuid,
    item_id: Uuid,
    location_id: Uuid,
    facility_id: Uuid,
    facility_code: String,
    location_code: String,
    lot_id: Option<Uuid>,
    lot_number: Option<String>,
    expires_on: Option<NaiveDate>,
    lot_received_at: Option<DateTime<Utc>>,
    quality_status: String,
    on_hand: Decimal,
    reserved: Decimal,
    updated_at: DateTime<Utc>,
}

impl From<BalanceRecord> for BalanceRow {
    fn from(row: BalanceRecord) -> Self {
        Self {
            balance_id: row.balance_id,
            item_id: ItemId(row.item_id),
            location_id: LocationId(row.location_id),
            facility_id: FacilityId(row.facility_id),
            facility_code: row.facility_code,
            location_code: row.location_code,
            lot_id: row.lot_id.map(LotId),
            lot_number: row.lot_number,
            expires_on: row.expires_on,
            lot_received_at: row.lot_received_at,
            quality_status: known(&row.quality_status),
            on_hand: Quantity::from_db(row.on_hand),
            reserved: Quantity::from_db(row.reserved),
            updated_at: row.updated_at,
        }
    }
}

/// Those of the ids that exist; each once, empty balances too.
pub async fn by_ids(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<BalanceRow>> {
    let rows = sqlx::query_as!(
        BalanceRecord,
        r#"SELECT b.balance_id, b.item_id, b.location_id, p.facility_id AS "facility_id!", p.facility_code,
                  p.code AS location_code, b.lot_id, l.number AS "lot_number?", l.expires_on AS "expires_on?",
                  l.received_at AS "lot_received_at?", b.quality_status, b.on_hand, b.reserved, b.updated_at
           FROM (SELECT DISTINCT unnest($2::uuid[]) AS balance_id) asked
           CROSS JOIN LATERAL (
               SELECT * FROM inventory.balances o WHERE o.tenant_id = $1 AND o.balance_id = asked.balance_id OFFSET 0) b
           CROSS JOIN LATERAL (
               SELECT * FROM inventory.stock_locations o WHERE o.tenant_id = $1 AND o.location_id = b.location_id OFFSET 0) p
           LEFT JOIN LATERAL (
               SELECT * FROM inventory.lots o WHERE o.tenant_id = $1 AND o.lot_id = b.lot_id OFFSET 0) l ON true"#,
        tenant.as_str(),
        ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(BalanceRow::from).collect())
}

/// What to look for; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct BalanceQuery {
    pub items: Option<Vec<Uuid>>,
    pub locations: Option<Vec<Uuid>>,
    pub facility: Option<Uuid>,
    pub lot: Option<Uuid>,
    pub lot_number: Option<String>,
    pub quality: Option<QualityStatus>,
    pub include_empty: bool,
}

/// Ordered by item, place and balance; `limit` None means all of them.
pub async fn select(
    connection: &mut PgConnection,
    tenant: &TenantId,
    query: &BalanceQuery,
    after: Option<(Uuid, Uuid, Uuid)>,
    limit: Option<i64>,
) -> Result<Vec<BalanceRow>> {
    let rows = sqlx::query_as!(
        BalanceRecord,
        r#"SELECT b.balance_id, b.item_id, b.location_id, p.facility_id AS "facility_id!", p.facility_code,
                  p.code AS location_code, b.lot_id, l.number AS "lot_number?", l.expires_on AS "expires_on?",
                  l.received_at AS "lot_received_at?", b.quality_status, b.on_hand, b.reserved, b.updated_at
           FROM inventory.balances b
           JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = b.location_id
           LEFT JOIN inventory.lots l ON l.tenant_id = $1 AND l.lot_id = b.lot_id
           WHERE b.tenant_id = $1
             AND ($2 OR b.on_hand > 0)
             AND ($3::uuid[] IS NULL OR b.item_id = ANY ($3))
             AND ($4::uuid[] IS NULL OR b.location_id = ANY ($4))
             AND ($5::uuid IS NULL OR p.facility_id = $5)
             AND ($6::uuid IS NULL OR b.lot_id = $6)
             AND ($7::text IS NULL OR l.number = $7)
             AND ($8::text IS NULL OR b.quality_status = $8)
             AND ($9::uuid IS NULL OR (b.item_id, b.location_id, b.balance_id) > ($9, $10::uuid, $11::uuid))
           ORDER BY b.item_id, b.location_id, b.balance_id LIMIT $12"#,
        tenant.as_str(),
        query.include_empty,
        query.items.as_deref() as Option<&[Uuid]>,
        query.locations.as_deref() as Option<&[Uuid]>,
        query.facility,
        query.lot,
        query.lot_number,
        query.quality.map(QualityStatus::as_str),
        after.map(|(item, _, _)| item),
        after.map(|(_, location, _)| location),
        after.map(|(_, _, balance)| balance),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(BalanceRow::from).collect())
}

/// One page of [`select`].
pub async fn page(
    connection: &mut PgConnection,
    tenant: &TenantId,
    query: &BalanceQuery,
    after: Option<(Uuid, Uuid, Uuid)>,
    page: &PageRequest,
) -> Result<Vec<BalanceRow>> {
    select(connection, tenant, query, after, Some(page.fetch())).await
}
