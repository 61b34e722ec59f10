pub mod entries;
pub mod scope;

use chrono::{DateTime, NaiveDate, Utc};
use kernel::{CountId, CountLineId, FacilityId, ItemId, LocationId, LotId, MovementId, PageRequest, Quantity, TenantId, UserId};
use platform::Result;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Accuracy, Count, CountLine, CountPlace, CountState, LineState, Progress, Tolerance};
use crate::ledger::Key;
use crate::store::known;

struct CountRecord {
    count_id: Uuid,
    code: String,
    facility_id: Uuid,
    facility_code: String,
    state: String,
    blind: bool,
    tolerance_quantity: Decimal,
    tolerance_percent: Decimal,
    item_ids: Vec<Uuid>,
    note: String,
    version: i32,
    created_by: Uuid,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    locations: i64,
    locations_started: i64,
    locations_counted: i64,
    lines: i64,
    lines_open: i64,
    lines_recount: i64,
    lines_approval: i64,
    lines_looked_at: i64,
    lines_within: i64,
    absolute_variance: Decimal,
}

impl From<CountRecord> for Count {
    fn from(row: CountRecord) -> Self {
        Self {
            count_id: CountId(row.count_id),
            code: row.code,
            facility_id: FacilityId(row.facility_id),
            facility_code: row.facility_code,
            state: known(&row.state),
            blind: row.blind,
            tolerance: Tolerance {
                quantity: Quantity::from_db(row.tolerance_quantity),
                percent: row.tolerance_percent.normalize(),
            },
            items: row.item_ids.into_iter().map(ItemId).collect(),
            note: row.note,
            version: row.version,
            created_by: UserId(row.created_by),
            created_at: row.created_at,
            updated_at: row.updated_at,
            closed_at: row.closed_at,
            progress: Progress {
                locations: row.locations,
                locations_started: row.locations_started,
                locations_counted: row.locations_counted,
                lines: row.lines,
                lines_open: row.lines_open,
                lines_recount: row.lines_recount,
                lines_approval: row.lines_approval,
            },
            accuracy: Accuracy {
                lines: row.lines_looked_at,
                within: row.lines_within,
                absolute_variance: Quantity::from_db(row.absolute_variance),
            },
        }
    }
}

/// The macro keeps the one list of columns for every way to find counts.
macro_rules! select_counts {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            CountRecord,
            r#"SELECT c.count_id, c.code, c.facility_id, c.facility_code, c.state, c.blind, c.tolerance_quantity, c.tolerance_percent,
                      c.item_ids, c.note, c.version, c.created_by, c.created_at, c.updated_at, c.closed_at,
                      p.total AS "locations!", p.started AS "locations_started!", p.counted AS "locations_counted!",
                      n.total AS "lines!", n.to_count AS "lines_open!", n.recount AS "lines_recount!", n.approval AS "lines_approval!",
                      n.looked_at AS "lines_looked_at!", n.within AS "lines_within!", n.variance AS "absolute_variance!"
               FROM inventory.counts c
               CROSS JOIN LATERAL (
                   SELECT count(*) AS total, count(*) FILTER (WHERE x.state <> 'WAITING') AS started,
                          count(*) FILTER (WHERE x.state = 'COUNTED') AS counted
                   FROM inventory.count_locations x WHERE x.tenant_id = $1 AND x.count_id = c.count_id) p
               CROSS JOIN LATERAL (
                   SELECT count(*) AS total, count(*) FILTER (WHERE l.state = 'OPEN') AS to_count,
                          count(*) FILTER (WHERE l.state = 'RECOUNT') AS recount,
                          count(*) FILTER (WHERE l.state = 'APPROVAL') AS approval,
                          count(l.first_within) AS looked_at, count(*) FILTER (WHERE l.first_within) AS within,
                          coalesce(sum(abs(l.variance)), 0) AS variance
                   FROM inventory.count_lines l WHERE l.tenant_id = $1 AND l.count_id = c.count_id) n
               WHERE c.tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

pub async fn insert(connection: &mut PgConnection, tenant: &TenantId, count: &Count, locations: &[LocationId]) -> Result<()> {
    let items: Vec<Uuid> = count.items.iter().map(|id| id.0).collect();
    sqlx::query!(
        "INSERT INTO inventory.counts
             (tenant_id, count_id, code, facility_id, facility_code, state, blind, tolerance_quantity, tolerance_percent, item_ids,
              note, version, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        tenant.as_str(),
        count.count_id.0,
        count.code,
        count.facility_id.0,
        count.facility_code,
        count.state.as_str(),
        count.blind,
        count.tolerance.quantity.decimal(),
        count.tolerance.percent,
        &items,
        count.note,
        count.version,
        count.created_by.0,
        count.created_at,
        count.updated_at,
    )
    .execute(&mut *connection)
    .await?;
    let places: Vec<Uuid> = locations.iter().map(|id| id.0).collect();
    // In the order of ids, so that two counts made at once never wait for each other in a circle.
    sqlx::query!(
        "INSERT INTO inventory.count_locations (tenant_id, count_id, location_id, sequence)
         SELECT $1, $2, k.location_id, k.ordinal::int FROM UNNEST($3::uuid[]) WITH ORDINALITY AS k (location_id, ordinal)
         ORDER BY k.location_id",
        tenant.as_str(),
        count.count_id.0,
        &places,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn find(connection: &mut PgConnection, tenant: &TenantId, id: Option<Uuid>, code: &str) -> Result<Option<Count>> {
    let row =
        select_counts!("AND (c.count_id = $2 OR c.code = $3) ORDER BY c.count_id = $2 DESC LIMIT 1", tenant.as_str(), id, code);
    Ok(row.fetch_optional(connection).await?.map(Count::from))
}

/// Changes of one count follow one another.
pub async fn lock(connection: &mut PgConnection, tenant: &TenantId, id: Option<Uuid>, code: &str) -> Result<Option<CountId>> {
    let row = sqlx::query_scalar!(
        "SELECT count_id FROM inventory.counts WHERE tenant_id = $1 AND (count_id = $2 OR code = $3)
         ORDER BY count_id = $2 DESC LIMIT 1 FOR UPDATE",
        tenant.as_str(),
        id,
        code,
    );
    Ok(row.fetch_optional(connection).await?.map(CountId))
}

/// Which counts; absent fields do not narrow.
pub struct CountQuery<'a> {
    pub facility: Option<Uuid>,
    pub state: Option<CountState>,
    /// Of the code.
    pub prefix: Option<&'a str>,
    pub unfinished: bool,
}

/// Newest first.
pub async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    query: &CountQuery<'_>,
    before: Option<Uuid>,
    page: &PageRequest,
) -> Result<Vec<Count>> {
    let rows = select_counts!(
        "AND ($2::uuid IS NULL OR c.facility_id = $2)
         AND ($3::text IS NULL OR c.state = $3)
         AND ($4::text IS NULL OR starts_with(lower(c.code), lower($4)))
         AND (NOT $5 OR c.state NOT IN ('CLOSED', 'CANCELLED'))
         AND ($6::uuid IS NULL OR c.count_id < $6)
         ORDER BY c.count_id DESC LIMIT $7",
        tenant.as_str(),
        query.facility,
        query.state.map(CountState::as_str),
        query.prefix,
        query.unfinished,
        before,
        page.fetch(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(Count::from).collect())
}

/// Writes the state, and lets go of the places when the count is over.
pub async fn update_state(
    connection: &mut PgConnection,
    tenant: &TenantId,
    count: CountId,
    state: CountState,
    at: DateTime<Utc>,
) -> Result<()> {
    let over = state.is_over();
    sqlx::query!(
        "UPDATE inventory.counts SET state = $3, version = version + 1, updated_at = $4, closed_at = CASE WHEN $5 THEN $4::timestamptz END
         WHERE tenant_id = $1 AND count_id = $2",
        tenant.as_str(),
        count.0,
        state.as_str(),
        at,
        over,
    )
    .execute(&mut *connection)
    .await?;
    if over {
        sqlx::query!(
            "UPDATE inventory.count_locations SET is_open = false WHERE tenant_id = $1 AND count_id = $2",
            tenant.as_str(),
            count.0
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

struct PlaceRecord {
    location_id: Uuid,
    location_code: String,
    sequence: i32,
    state: String,
    lines: i64,
    lines_to_count: i64,
    started_at: Option<DateTime<Utc>>,
    counted_at: Option<DateTime<Utc>>,
    last_counted_at: Option<DateTime<Utc>>,
}

/// In the order of walking; `only` narrows to one place.
pub async fn places(
    connection: &mut PgConnection,
    tenant: &TenantId,
    count: CountId,
    only: Option<LocationId>,
    after: Option<i32>,
    limit: i64,
) -> Result<Vec<CountPlace>> {
    let rows = sqlx::query_as!(
        PlaceRecord,
        r#"SELECT x.location_id, p.code AS location_code, x.sequence, x.state, n.total AS "lines!", n.to_count AS "lines_to_count!",
                  x.started_at, x.counted_at, c.counted_at AS "last_counted_at?"
           FROM inventory.count_locations x
           JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = x.location_id
           LEFT JOIN inventory.location_counts c ON c.tenant_id = $1 AND c.location_id = x.location_id
           CROSS JOIN LATERAL (
               SELECT count(*) AS total, count(*) FILTER (WHERE l.state IN ('OPEN', 'RECOUNT')) AS to_count
               FROM inventory.count_lines l
               WHERE l.tenant_id = $1 AND l.count_id = x.count_id AND l.location_id = x.location_id) n
           WHERE x.tenant_id = $1 AND x.count_id = $2 AND ($3::uuid IS NULL OR x.location_id = $3)
             AND ($4::int IS NULL OR x.sequence > $4)
           ORDER BY x.sequence LIMIT $5"#,
        tenant.as_str(),
        count.0,
        only.map(|id| id.0),
        after,
        limit,
    )
    .fetch_all(connection)
    .await?;
    let place = |row: PlaceRecord| CountPlace {
        location_id: LocationId(row.location_id),
        location_code: row.location_code,
        sequence: row.sequence,
        state: known(&row.state),
        lines: row.lines,
        lines_to_count: row.lines_to_count,
        started_at: row.started_at,
        counted_at: row.counted_at,
        last_counted_at: row.last_counted_at,
    };
    Ok(rows.into_iter().map(place).collect())
}

/// The places of the count among these ids or codes.
pub async fn place_ids(
    connection: &mut PgConnection,
    tenant: &TenantId,
    count: CountId,
    ids: &[Uuid],
    codes: &[String],
) -> Result<Vec<(LocationId, String, bool)>> {
    let rows = sqlx::query!(
        r#"SELECT x.location_id, p.code, x.state <> 'WAITING' AS "started!" FROM inventory.count_locations x
           JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = x.location_id
           WHERE x.tenant_id = $1 AND x.count_id = $2 AND (x.location_id = ANY ($3) OR p.code = ANY ($4))"#,
        tenant.as_str(),
        count.0,
        ids,
        codes,
    );
    let rows = rows.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (LocationId(row.location_id), row.code, row.started)).collect())
}

pub async fn start_place(
    connection: &mut PgConnection,
    tenant: &TenantId,
    count: CountId,
    location: LocationId,
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE inventory.count_locations SET state = 'STARTED', started_at = $4
         WHERE tenant_id = $1 AND count_id = $2 AND location_id = $3 AND state = 'WAITING'",
        tenant.as_str(),
        count.0,
        location.0,
        at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Also remembers the place's last count.
pub async fn finish_place(
    connection: &mut PgConnection,
    tenant: &TenantId,
    count: CountId,
    location: LocationId,
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "WITH done AS (
             UPDATE inventory.count_locations SET state = 'COUNTED', counted_at = $4
             WHERE tenant_id = $1 AND count_id = $2 AND location_id = $3)
         INSERT INTO inventory.location_counts (tenant_id, location_id, count_id, counted_at) VALUES ($1, $3, $2, $4)
         ON CONFLICT (tenant_id, location_id) DO UPDATE SET count_id = EXCLUDED.count_id, counted_at = EXCLUDED.counted_at",
        tenant.as_str(),
        count.0,
        location.0,
        at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Numbered from `first_no`, in the order given; each line with its id.
pub async fn insert_lines(
    connection: &mut PgConnection,
    tenant: &TenantId,
    count: CountId,
    first_no: i32,
    unexpected: bool,
    lines: &[(CountLineId, Key)],
) -> Result<()> {
    let ids: Vec<Uuid> = lines.iter().map(|(id, _)| id.0).collect();
    let places: Vec<Uuid> = lines.iter().map(|(_, key)| key.location.0).collect();
    let items: Vec<Uuid> = lines.iter().map(|(_, key)| key.item.0).collect();
    let lots: Vec<Option<Uuid>> = lines.iter().map(|(_, key)| key.lot.map(|lot| lot.0)).collect();
    let statuses: Vec<String> = lines.iter().map(|(_, key)| key.status.as_str().to_owned()).collect();
    sqlx::query!(
        "INSERT INTO inventory.count_lines
             (tenant_id, count_id, is_unexpected, count_line_id, line_no, location_id, item_id, lot_id, quality_status)
         SELECT $1, $2, $3, k.id, $4 + k.ordinal::int - 1, k.location_id, k.item_id, k.lot_id, k.quality_status
         FROM UNNEST($5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[]) WITH ORDINALITY
              AS k (id, location_id, item_id, lot_id, quality_status, ordinal)",
        tenant.as_str(),
        count.0,
        unexpected,
        first_no,
        &ids,
        &places,
        &items,
        &lots as &[Option<Uuid>],
        &statuses,
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct LineRecord {
    count_line_id: Uuid,
    count_id: Uuid,
    location_id: Uuid,
    location_code: String,
    sequence: i32,
    line_no: i32,
    item_id: Uuid,
    lot_id: Option<Uuid>,
    lot_number: Option<String>,
    expires_on: Option<NaiveDate>,
    quality_status: String,
    state: String,
    is_unexpected: bool,
    round: i32,
    first_within: Option<bool>,
    counted: Option<Decimal>,
    book: Option<Decimal>,
    variance: Option<Decimal>,
    on_hand: Decimal,
    movement_id: Option<Uuid>,
    decided_by: Option<Uuid>,
    decided_at: Option<DateTime<Utc>>,
    reason: String,
}

impl From<LineRecord> for CountLine {
    fn from(row: LineRecord) -> Self {
        Self {
            count_line_id: CountLineId(row.count_line_id),
            count_id: CountId(row.count_id),
            location_id: LocationId(row.location_id),
            location_code: row.location_code,
            sequence: row.sequence,
            line_no: row.line_no,
            item_id: ItemId(row.item_id),
            lot_id: row.lot_id.map(LotId),
            lot_number: row.lot_number,
            expires_on: row.expires_on,
            quality_status: known(&row.quality_status),
            state: known(&row.state),
            is_unexpected: row.is_unexpected,
            round: row.round,
            first_within: row.first_within,
            counted: row.counted.map(Quantity::from_db),
            book: row.book.map(Quantity::from_db),
            variance: row.variance.map(Quantity::from_db),
            on_hand: Quantity::from_db(row.on_hand),
            movement_id: row.movement_id.map(MovementId),
            decided_by: row.decided_by.map(UserId),
            decided_at: row.decided_at,
            reason: row.reason,
        }
    }
}

/// Which lines of a count; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct LineQuery {
    pub ids: Option<Vec<Uuid>>,
    pub locations: Option<Vec<Uuid>>,
    pub state: Option<LineState>,
    pub by_variance: bool,
}

/// Where a list of lines goes on: the first sort key, the place's order, the number and the id.
pub type LineCursor = (Decimal, i32, i32, Uuid);

/// In the order of walking, or the largest variance first.
pub async fn lines(
    connection: &mut PgConnection,
    tenant: &TenantId,
    count: CountId,
    query: &LineQuery,
    after: Option<LineCursor>,
    limit: Option<i64>,
) -> Result<Vec<CountLine>> {
    let rows = sqlx::query_as!(
        LineRecord,
        r#"SELECT l.count_line_id, l.count_id, l.location_id, p.code AS location_code, x.sequence, l.line_no, l.item_id, l.lot_id,
                  t.number AS "lot_number?", t.expires_on AS "expires_on?", l.quality_status, l.state, l.is_unexpected, l.round,
                  l.first_within, l.counted, l.book, l.variance, coalesce(b.on_hand, 0) AS "on_hand!", l.movement_id, l.decided_by,
                  l.decided_at, l.reason
           FROM inventory.count_lines l
           JOIN inventory.count_locations x ON x.tenant_id = $1 AND x.count_id = l.count_id AND x.location_id = l.location_id
           JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = l.location_id
           LEFT JOIN inventory.lots t ON t.tenant_id = $1 AND t.lot_id = l.lot_id
           LEFT JOIN inventory.balances b
             ON b.tenant_id = $1 AND b.item_id = l.item_id AND b.location_id = l.location_id
            AND b.lot_id IS NOT DISTINCT FROM l.lot_id AND b.quality_status = l.quality_status
           WHERE l.tenant_id = $1 AND l.count_id = $2
             AND ($3::uuid[] IS NULL OR l.count_line_id = ANY ($3))
             AND ($4::uuid[] IS NULL OR l.location_id = ANY ($4))
             AND ($5::text IS NULL OR l.state = $5)
             AND ($7::numeric IS NULL OR (CASE WHEN $6 THEN -abs(coalesce(l.variance, 0)) ELSE 0 END, x.sequence, l.line_no, l.count_line_id)
                                         > ($7, $8::int, $9::int, $10::uuid))
           ORDER BY CASE WHEN $6 THEN -abs(coalesce(l.variance, 0)) ELSE 0 END, x.sequence, l.line_no, l.count_line_id LIMIT $11"#,
        tenant.as_str(),
        count.0,
        query.ids.as_deref() as Option<&[Uuid]>,
        query.locations.as_deref() as Option<&[Uuid]>,
        query.state.map(LineState::as_str),
        query.by_variance,
        after.map(|(rank, ..)| rank),
        after.map(|(_, sequence, ..)| sequence),
        after.map(|(_, _, no, _)| no),
        after.map(|(.., id)| id),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(CountLine::from).collect())
}

/// Writes what counting or deciding changed.
pub async fn update_lines(connection: &mut PgConnection, tenant: &TenantId, lines: &[CountLine]) -> Result<()> {
    let ids: Vec<Uuid> = lines.iter().map(|line| line.count_line_id.0).collect();
    let states: Vec<String> = lines.iter().map(|line| line.state.as_str().to_owned()).collect();
    let rounds: Vec<i32> = lines.iter().map(|line| line.round).collect();
    let within: Vec<Option<bool>> = lines.iter().map(|line| line.first_within).collect();
    let numbers = |of: fn(&CountLine) -> Option<Quantity>| -> Vec<Option<Decimal>> {
        lines.iter().map(|line| of(line).map(Quantity::decimal)).collect()
    };
    let (counted, book, variance) = (numbers(|line| line.counted), numbers(|line| line.book), numbers(|line| line.variance));
    let movements: Vec<Option<Uuid>> = lines.iter().map(|line| line.movement_id.map(|id| id.0)).collect();
    let people: Vec<Option<Uuid>> = lines.iter().map(|line| line.decided_by.map(|id| id.0)).collect();
    let times: Vec<Option<DateTime<Utc>>> = lines.iter().map(|line| line.decided_at).collect();
    let reasons: Vec<String> = lines.iter().map(|line| line.reason.clone()).collect();
    sqlx::query!(
        "UPDATE inventory.count_lines l
         SET state = k.state, round = k.round, first_within = k.first_within, counted = k.counted, book = k.book,
             variance = k.variance, movement_id = k.movement_id, decided_by = k.decided_by, decided_at = k.decided_at, reason = k.reason
         FROM UNNEST($2::uuid[], $3::text[], $4::int[], $5::boolean[], $6::numeric[], $7::numeric[], $8::numeric[], $9::uuid[],
                     $10::uuid[], $11::timestamptz[], $12::text[])
              AS k (id, state, round, first_within, counted, book, variance, movement_id, decided_by, decided_at, reason)
         WHERE l.tenant_id = $1 AND l.count_line_id = k.id AND l.count_line_id = ANY ($2::uuid[])",
        tenant.as_str(),
        &ids,
        &states,
        &rounds,
        &within as &[Option<bool>],
        &counted as &[Option<Decimal>],
        &book as &[Option<Decimal>],
        &variance as &[Option<Decimal>],
        &movements as &[Option<Uuid>],
        &people as &[Option<Uuid>],
        &times as &[Option<DateTime<Utc>>],
        &reasons,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends every line that is not decided, without adjustment.
pub async fn close_lines(
    connection: &mut PgConnection,
    tenant: &TenantId,
    count: CountId,
    by: UserId,
    at: DateTime<Utc>,
    reason: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE inventory.count_lines SET state = 'CLOSED', decided_by = $3, decided_at = $4, reason = $5
         WHERE tenant_id = $1 AND count_id = $2 AND state IN ('OPEN', 'RECOUNT', 'APPROVAL')",
        tenant.as_str(),
        count.0,
        by.0,
        at,
        reason,
    )
    .execute(connection)
    .await?;
    Ok(())
}
