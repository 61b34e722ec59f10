//! SQL of what was counted, and of the ledger at the moment of counting.

use chrono::{DateTime, Utc};
use kernel::{CountId, CountLineId, FacilityId, ItemId, LocationId, LotId, Quantity, TenantId, UserId};
use platform::Result;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::check::Invariant;
use crate::counting::model::{Accuracy, Entered};
use crate::ledger::Key;
use crate::store::checks::Finding;
use crate::store::known;

pub async fn insert(connection: &mut PgConnection, tenant: &TenantId, entries: &[Entered]) -> Result<()> {
    let lines: Vec<Uuid> = entries.iter().map(|one| one.count_line_id.0).collect();
    let attempts: Vec<i32> = entries.iter().map(|one| one.attempt).collect();
    let rounds: Vec<i32> = entries.iter().map(|one| one.round).collect();
    let counted: Vec<Decimal> = entries.iter().map(|one| one.counted.decimal()).collect();
    let books: Vec<Decimal> = entries.iter().map(|one| one.book.decimal()).collect();
    let people: Vec<Uuid> = entries.iter().map(|one| one.by.0).collect();
    let names: Vec<String> = entries.iter().map(|one| one.by_name.clone()).collect();
    let times: Vec<DateTime<Utc>> = entries.iter().map(|one| one.counted_at).collect();
    let submitted: Vec<DateTime<Utc>> = entries.iter().map(|one| one.submitted_at).collect();
    sqlx::query!(
        "INSERT INTO inventory.count_entries
             (tenant_id, count_line_id, attempt, round, counted, book, counted_by, counted_by_name, counted_at, submitted_at)
         SELECT $1, * FROM UNNEST($2::uuid[], $3::int[], $4::int[], $5::numeric[], $6::numeric[], $7::uuid[], $8::text[],
                                  $9::timestamptz[], $10::timestamptz[])",
        tenant.as_str(),
        &lines,
        &attempts,
        &rounds,
        &counted,
        &books,
        &people,
        &names,
        &times,
        &submitted,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// In the order of counting.
pub async fn of_lines(connection: &mut PgConnection, tenant: &TenantId, lines: &[CountLineId]) -> Result<Vec<Entered>> {
    let ids: Vec<Uuid> = lines.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "SELECT count_line_id, attempt, round, counted, book, counted_by, counted_by_name, counted_at, submitted_at
         FROM inventory.count_entries WHERE tenant_id = $1 AND count_line_id = ANY ($2) ORDER BY count_line_id, attempt",
        tenant.as_str(),
        &ids,
    );
    let entered = rows.fetch_all(connection).await?.into_iter().map(|row| Entered {
        count_line_id: CountLineId(row.count_line_id),
        attempt: row.attempt,
        round: row.round,
        counted: Quantity::from_db(row.counted),
        book: Quantity::from_db(row.book),
        by: UserId(row.counted_by),
        by_name: row.counted_by_name,
        counted_at: row.counted_at,
        submitted_at: row.submitted_at,
    });
    Ok(entered.collect())
}

/// What each key gained, less what it gave, by movements that happened after its moment; in the order given. The caller holds
/// the balances' locks.
pub async fn gained_since(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[(Key, DateTime<Utc>)],
) -> Result<Vec<Quantity>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let items: Vec<Uuid> = keys.iter().map(|(key, _)| key.item.0).collect();
    let places: Vec<Uuid> = keys.iter().map(|(key, _)| key.location.0).collect();
    let lots: Vec<Option<Uuid>> = keys.iter().map(|(key, _)| key.lot.map(|lot| lot.0)).collect();
    let statuses: Vec<String> = keys.iter().map(|(key, _)| key.status.as_str().to_owned()).collect();
    let times: Vec<DateTime<Utc>> = keys.iter().map(|(_, at)| *at).collect();
    let rows = sqlx::query_scalar!(
        r#"SELECT coalesce(i.quantity, 0) - coalesce(o.quantity, 0) AS "gained!"
           FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[]) WITH ORDINALITY
                AS k (item_id, location_id, lot_id, status, at, ordinal)
           CROSS JOIN LATERAL (
               SELECT sum(m.quantity) AS quantity FROM inventory.movements m
               WHERE m.tenant_id = $1 AND m.to_location_id = k.location_id AND m.item_id = k.item_id
                 AND m.lot_id IS NOT DISTINCT FROM k.lot_id AND m.to_status = k.status AND m.effective_at > k.at) i
           CROSS JOIN LATERAL (
               SELECT sum(m.quantity) AS quantity FROM inventory.movements m
               WHERE m.tenant_id = $1 AND m.from_location_id = k.location_id AND m.item_id = k.item_id
                 AND m.lot_id IS NOT DISTINCT FROM k.lot_id AND m.from_status = k.status AND m.effective_at > k.at) o
           ORDER BY k.ordinal"#,
        tenant.as_str(),
        &items,
        &places,
        &lots as &[Option<Uuid>],
        &statuses,
        &times,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Quantity::from_db).collect())
}

/// What lies in the place now; `items` empty means everything.
pub async fn contents(
    connection: &mut PgConnection,
    tenant: &TenantId,
    location: LocationId,
    items: &[ItemId],
    limit: i64,
) -> Result<Vec<Key>> {
    let items: Vec<Uuid> = items.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "SELECT b.item_id, b.lot_id, b.quality_status FROM inventory.balances b
         LEFT JOIN inventory.lots l ON l.tenant_id = $1 AND l.lot_id = b.lot_id
         WHERE b.tenant_id = $1 AND b.location_id = $2 AND b.on_hand > 0
           AND (cardinality($3::uuid[]) = 0 OR b.item_id = ANY ($3))
         ORDER BY b.item_id, l.number, b.quality_status LIMIT $4",
        tenant.as_str(),
        location.0,
        &items,
        limit,
    );
    let key = rows.fetch_all(connection).await?.into_iter().map(|row| Key {
        item: ItemId(row.item_id),
        location,
        lot: row.lot_id.map(LotId),
        status: known(&row.quality_status),
    });
    Ok(key.collect())
}

/// Of all counts of a facility since then, those under way too.
pub async fn accuracy(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: Option<FacilityId>,
    since: DateTime<Utc>,
) -> Result<(Accuracy, i64)> {
    let row = sqlx::query!(
        r#"SELECT count(l.first_within) AS "lines!", count(*) FILTER (WHERE l.first_within) AS "within!",
                  coalesce(sum(abs(l.variance)), 0) AS "variance!", count(DISTINCT c.count_id) AS "counts!"
           FROM inventory.counts c
           JOIN inventory.count_lines l ON l.tenant_id = $1 AND l.count_id = c.count_id
           WHERE c.tenant_id = $1 AND ($2::uuid IS NULL OR c.facility_id = $2) AND c.created_at >= $3"#,
        tenant.as_str(),
        facility.map(|id| id.0),
        since,
    )
    .fetch_one(connection)
    .await?;
    let variance = Quantity::from_db(row.variance);
    Ok((Accuracy { lines: row.lines, within: row.within, absolute_variance: variance }, row.counts))
}

/// Highest number of a line in the count so far.
pub async fn last_line_no(connection: &mut PgConnection, tenant: &TenantId, count: CountId) -> Result<i32> {
    let last = sqlx::query_scalar!(
        r#"SELECT coalesce(max(line_no), 0) AS "last!" FROM inventory.count_lines WHERE tenant_id = $1 AND count_id = $2"#,
        tenant.as_str(),
        count.0,
    );
    Ok(last.fetch_one(connection).await?)
}

/// For `entrepot check`.
pub async fn check(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Invariant> {
    let found = sqlx::query_as!(
        Finding,
        r#"WITH decided AS (
               SELECT l.tenant_id, l.count_line_id, l.variance,
                      coalesce(CASE WHEN m.to_location_id = l.location_id THEN m.quantity ELSE -m.quantity END, 0) AS adjusted
               FROM inventory.count_lines l
               LEFT JOIN inventory.movements m
                 ON m.tenant_id = l.tenant_id AND m.movement_id = l.movement_id AND m.kind = 'ADJUSTMENT' AND m.item_id = l.item_id
                AND l.location_id IN (m.from_location_id, m.to_location_id)
               WHERE l.state = 'APPROVED' AND ($1::text IS NULL OR l.tenant_id = $1)
           ), wrong AS (SELECT * FROM decided WHERE adjusted IS DISTINCT FROM variance)
           SELECT (SELECT count(*) FROM decided) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: count line %s has the variance %s, the ledger adjusted %s', tenant_id, count_line_id, variance, adjusted)
                        FROM wrong ORDER BY tenant_id, count_line_id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok(Invariant {
        name: "counts_are_adjusted",
        description: "the variance of every approved count line stands in the ledger as one adjustment",
        checked: found.checked,
        violations: found.violations,
        examples: found.examples,
    })
}
