use chrono::{DateTime, NaiveDate, Utc};
use kernel::{ItemId, LotId, PageRequest, Quantity, TenantId};
use platform::Result;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::known;
use crate::model::{Lot, QualityStatus};

struct LotRecord {
    lot_id: Uuid,
    item_id: Uuid,
    number: String,
    quality_status: String,
    received_at: DateTime<Utc>,
    manufactured_on: Option<NaiveDate>,
    expires_on: Option<NaiveDate>,
    created_at: DateTime<Utc>,
}

impl From<LotRecord> for Lot {
    fn from(row: LotRecord) -> Self {
        Self {
            lot_id: LotId(row.lot_id),
            item_id: ItemId(row.item_id),
            number: row.number,
            quality_status: known(&row.quality_status),
            received_at: row.received_at,
            manufactured_on: row.manufactured_on,
            expires_on: row.expires_on,
            created_at: row.created_at,
        }
    }
}

fn lots(rows: Vec<LotRecord>) -> Vec<Lot> {
    rows.into_iter().map(Lot::from).collect()
}

/// The lots with these item and number pairs, share-locked in the order given so that none changes its status before the caller's stock moved.
pub async fn lock_by_number(
    connection: &mut PgConnection,
    tenant: &TenantId,
    items: &[Uuid],
    numbers: &[String],
) -> Result<Vec<Lot>> {
    let rows = sqlx::query_as!(
        LotRecord,
        "SELECT l.lot_id, l.item_id, l.number, l.quality_status, l.received_at, l.manufactured_on, l.expires_on, l.created_at
         FROM UNNEST($2::uuid[], $3::text[]) AS k (item_id, number)
         CROSS JOIN LATERAL (
             SELECT * FROM inventory.lots o
             WHERE o.tenant_id = $1 AND o.item_id = k.item_id AND o.number = k.number OFFSET 0 FOR KEY SHARE) l",
        tenant.as_str(),
        items,
        numbers,
    )
    .fetch_all(connection)
    .await?;
    Ok(lots(rows))
}

/// As [`lock_by_number`], by id.
pub async fn lock_by_id(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<Lot>> {
    let rows = sqlx::query_as!(
        LotRecord,
        "SELECT lot_id, item_id, number, quality_status, received_at, manufactured_on, expires_on, created_at
         FROM inventory.lots WHERE tenant_id = $1 AND lot_id = ANY ($2) ORDER BY lot_id FOR KEY SHARE",
        tenant.as_str(),
        ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(lots(rows))
}

pub async fn by_ids(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<Lot>> {
    let rows = sqlx::query_as!(
        LotRecord,
        "SELECT lot_id, item_id, number, quality_status, received_at, manufactured_on, expires_on, created_at
         FROM inventory.lots WHERE tenant_id = $1 AND lot_id = ANY ($2)",
        tenant.as_str(),
        ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(lots(rows))
}

/// Keeps every movement of the lot waiting until this transaction ends.
pub async fn lock_alone(connection: &mut PgConnection, tenant: &TenantId, id: LotId) -> Result<Option<Lot>> {
    let row = sqlx::query_as!(
        LotRecord,
        "SELECT lot_id, item_id, number, quality_status, received_at, manufactured_on, expires_on, created_at
         FROM inventory.lots WHERE tenant_id = $1 AND lot_id = $2 FOR UPDATE",
        tenant.as_str(),
        id.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Lot::from))
}

/// Inserts the lots that nobody made meanwhile, in the order given; answers which were inserted.
pub async fn insert(connection: &mut PgConnection, tenant: &TenantId, new: &[&Lot]) -> Result<Vec<LotId>> {
    let ids: Vec<Uuid> = new.iter().map(|lot| lot.lot_id.0).collect();
    let items: Vec<Uuid> = new.iter().map(|lot| lot.item_id.0).collect();
    let numbers: Vec<String> = new.iter().map(|lot| lot.number.clone()).collect();
    let statuses: Vec<String> = new.iter().map(|lot| lot.quality_status.as_str().to_owned()).collect();
    let received: Vec<DateTime<Utc>> = new.iter().map(|lot| lot.received_at).collect();
    let manufactured: Vec<Option<NaiveDate>> = new.iter().map(|lot| lot.manufactured_on).collect();
    let expires: Vec<Option<NaiveDate>> = new.iter().map(|lot| lot.expires_on).collect();
    let created: Vec<DateTime<Utc>> = new.iter().map(|lot| lot.created_at).collect();
    let inserted = sqlx::query_scalar!(
        "INSERT INTO inventory.lots
             (tenant_id, lot_id, item_id, number, quality_status, received_at, manufactured_on, expires_on, created_at)
         SELECT $1, * FROM UNNEST($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::date[], $8::date[],
                                  $9::timestamptz[])
         ON CONFLICT (tenant_id, item_id, number) DO NOTHING
         RETURNING lot_id",
        tenant.as_str(),
        &ids,
        &items,
        &numbers,
        &statuses,
        &received,
        &manufactured as &[Option<NaiveDate>],
        &expires as &[Option<NaiveDate>],
        &created,
    )
    .fetch_all(connection)
    .await?;
    Ok(inserted.into_iter().map(LotId).collect())
}

/// Fills dates that were not known; known ones stay. Locks in the order of ids, which an update alone does not promise.
pub async fn fill_dates(connection: &mut PgConnection, tenant: &TenantId, changed: &[&Lot]) -> Result<()> {
    let ids: Vec<Uuid> = changed.iter().map(|lot| lot.lot_id.0).collect();
    sqlx::query!(
        "SELECT lot_id FROM inventory.lots WHERE tenant_id = $1 AND lot_id = ANY ($2) ORDER BY lot_id FOR NO KEY UPDATE",
        tenant.as_str(),
        &ids,
    )
    .fetch_all(&mut *connection)
    .await?;
    let manufactured: Vec<Option<NaiveDate>> = changed.iter().map(|lot| lot.manufactured_on).collect();
    let expires: Vec<Option<NaiveDate>> = changed.iter().map(|lot| lot.expires_on).collect();
    sqlx::query!(
        "UPDATE inventory.lots l
         SET manufactured_on = coalesce(l.manufactured_on, k.manufactured_on), expires_on = coalesce(l.expires_on, k.expires_on)
         FROM UNNEST($2::uuid[], $3::date[], $4::date[]) AS k (lot_id, manufactured_on, expires_on)
         WHERE l.tenant_id = $1 AND l.lot_id = k.lot_id AND l.lot_id = ANY ($2::uuid[])",
        tenant.as_str(),
        &ids,
        &manufactured as &[Option<NaiveDate>],
        &expires as &[Option<NaiveDate>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn set_quality(connection: &mut PgConnection, tenant: &TenantId, id: LotId, to: QualityStatus) -> Result<()> {
    sqlx::query!(
        "UPDATE inventory.lots SET quality_status = $3 WHERE tenant_id = $1 AND lot_id = $2",
        tenant.as_str(),
        id.0,
        to.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What to look for; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct LotQuery {
    pub item: Option<Uuid>,
    pub number_prefix: Option<String>,
    pub quality: Option<QualityStatus>,
    pub expires_until: Option<NaiveDate>,
    pub in_stock: bool,
}

/// The soonest to expire first, those without expiry last; with what is on hand in all places.
pub async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    query: &LotQuery,
    after: Option<(NaiveDate, Uuid)>,
    page: &PageRequest,
) -> Result<Vec<(Lot, Quantity)>> {
    let rows = sqlx::query!(
        r#"SELECT l.lot_id, l.item_id, l.number, l.quality_status, l.received_at, l.manufactured_on, l.expires_on, l.created_at,
                  (SELECT coalesce(sum(b.on_hand), 0) FROM inventory.balances b
                   WHERE b.tenant_id = $1 AND b.lot_id = l.lot_id) AS "on_hand!"
           FROM inventory.lots l
           WHERE l.tenant_id = $1
             AND ($2::uuid IS NULL OR l.item_id = $2)
             AND ($3::text IS NULL OR starts_with(l.number, $3))
             AND ($4::text IS NULL OR l.quality_status = $4)
             AND ($5::date IS NULL OR l.expires_on <= $5)
             AND (NOT $6 OR EXISTS (SELECT FROM inventory.balances b
                                    WHERE b.tenant_id = $1 AND b.lot_id = l.lot_id AND b.on_hand > 0))
             AND ($7::date IS NULL OR (coalesce(l.expires_on, $9), l.lot_id) > ($7, $8::uuid))
           ORDER BY coalesce(l.expires_on, $9), l.lot_id LIMIT $10"#,
        tenant.as_str(),
        query.item,
        query.number_prefix,
        query.quality.map(QualityStatus::as_str),
        query.expires_until,
        query.in_stock,
        after.map(|(date, _)| date),
        after.map(|(_, id)| id),
        NEVER,
        page.fetch(),
    )
    .fetch_all(connection)
    .await?;
    let lot = |row: LotRecord, on_hand: Decimal| (Lot::from(row), Quantity::from_db(on_hand));
    Ok(rows
        .into_iter()
        .map(|row| {
            let record = LotRecord {
                lot_id: row.lot_id,
                item_id: row.item_id,
                number: row.number,
                quality_status: row.quality_status,
                received_at: row.received_at,
                manufactured_on: row.manufactured_on,
                expires_on: row.expires_on,
                created_at: row.created_at,
            };
            lot(record, row.on_hand)
        })
        .collect())
}

/// Stands for "does not expire" in the sort key.
pub const NEVER: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("the day exists");
