pub mod checks;
mod orders;

use chrono::{DateTime, NaiveDate, Utc};
use kernel::{FacilityId, ItemId, LocationId, LotId, PageRequest, Quantity, ReservationId, TenantId, UserId};
use platform::Result;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Allocation, Candidate, Claim, Reservation};
use super::promise::{Commitment, Supply};
use crate::store::known;

pub(super) use orders::{free_of, open_under};

/// What stock is looked for.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub items: Vec<Uuid>,
    pub facility: Option<FacilityId>,
    pub location: Option<LocationId>,
    pub lot: Option<LotId>,
    /// Lots whose best-before day lies before it are left out.
    pub good_on: NaiveDate,
}

/// When a row of stock was made, which is when its place first held the goods: ids are UUIDs of version 7.
fn made_at(id: Uuid) -> DateTime<Utc> {
    let (seconds, nanos) = id.get_timestamp().map_or((0, 0), |at| at.to_unix());
    i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, nanos)).unwrap_or_default()
}

/// Locks released stock in active places, in the order of [`crate::ledger::Key`], and reads it. What is reserved is looked at
/// only after the lock.
pub(super) async fn lock_candidates(connection: &mut PgConnection, tenant: &TenantId, scope: &Scope) -> Result<Vec<Candidate>> {
    let rows = sqlx::query!(
        r#"SELECT b.balance_id, b.item_id, b.location_id, p.facility_id AS "facility_id!", p.pick_sequence, l.expires_on AS "expires_on?",
                  l.received_at AS "received_at?", b.on_hand - b.reserved AS "free!"
           FROM inventory.balances b
           JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = b.location_id AND p.is_active
            AND p.purpose = 'STORAGE'
           LEFT JOIN inventory.lots l ON l.tenant_id = $1 AND l.lot_id = b.lot_id
           WHERE b.tenant_id = $1 AND b.item_id = ANY ($2) AND b.quality_status = 'RELEASED' AND b.on_hand > 0
             AND ($3::uuid IS NULL OR p.facility_id = $3)
             AND ($4::uuid IS NULL OR b.location_id = $4)
             AND ($5::uuid IS NULL OR b.lot_id = $5)
             AND (l.expires_on IS NULL OR l.expires_on >= $6)
           ORDER BY b.item_id, b.location_id, b.lot_id NULLS FIRST FOR NO KEY UPDATE OF b"#,
        tenant.as_str(),
        &scope.items,
        scope.facility.map(|id| id.0),
        scope.location.map(|id| id.0),
        scope.lot.map(|id| id.0),
        scope.good_on,
    )
    .fetch_all(connection)
    .await?;
    let candidates = rows.into_iter().map(|row| Candidate {
        balance_id: row.balance_id,
        item_id: ItemId(row.item_id),
        location_id: LocationId(row.location_id),
        facility_id: FacilityId(row.facility_id),
        pick_sequence: row.pick_sequence,
        expires_on: row.expires_on,
        received_at: row.received_at.unwrap_or_else(|| made_at(row.balance_id)),
        free: Quantity::from_db(row.free),
    });
    Ok(candidates.collect())
}

/// Locks balances in the order of [`crate::ledger::Key`]; only released stock is ever bound, so the status needs no order.
pub(super) async fn lock_balances(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "SELECT balance_id FROM inventory.balances WHERE tenant_id = $1 AND balance_id = ANY ($2)
         ORDER BY item_id, location_id, lot_id NULLS FIRST FOR NO KEY UPDATE",
        tenant.as_str(),
        ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// Soft promises of one item follow one another.
pub(super) async fn lock_promises(connection: &mut PgConnection, tenant: &TenantId, item: ItemId) -> Result<()> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended('promise/' || $1 || '/' || $2, 0))::text AS "locked""#,
        tenant.as_str(),
        item.to_string(),
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

struct Row {
    reservation_id: Uuid,
    kind: String,
    state: String,
    item_id: Uuid,
    facility_id: Option<Uuid>,
    location_id: Option<Uuid>,
    lot_id: Option<Uuid>,
    strategy: String,
    quantity: Decimal,
    open_quantity: Decimal,
    fulfilled: Decimal,
    released: Decimal,
    shortage: Decimal,
    priority: i32,
    reference: String,
    needed_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    created_by: Uuid,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Reservation {
    fn from(row: Row) -> Self {
        Self {
            reservation_id: ReservationId(row.reservation_id),
            kind: known(&row.kind),
            state: known(&row.state),
            item_id: ItemId(row.item_id),
            facility_id: row.facility_id.map(FacilityId),
            location_id: row.location_id.map(LocationId),
            lot_id: row.lot_id.map(LotId),
            strategy: known(&row.strategy),
            quantity: Quantity::from_db(row.quantity),
            open: Quantity::from_db(row.open_quantity),
            fulfilled: Quantity::from_db(row.fulfilled),
            released: Quantity::from_db(row.released),
            shortage: Quantity::from_db(row.shortage),
            priority: row.priority,
            reference: row.reference,
            needed_at: row.needed_at,
            expires_at: row.expires_at,
            created_by: UserId(row.created_by),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

fn reservations(rows: Vec<Row>) -> Vec<Reservation> {
    rows.into_iter().map(Reservation::from).collect()
}

/// The macro keeps the one list of columns for every way to find reservations.
macro_rules! select_reservations {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            "SELECT r.reservation_id, r.kind, r.state, r.item_id, r.facility_id, r.location_id, r.lot_id, r.strategy, r.quantity,
                    r.open_quantity, r.fulfilled, r.released, r.shortage, r.priority, r.reference, r.needed_at, r.expires_at,
                    r.created_by, r.created_at, r.updated_at
             FROM inventory.reservations r WHERE r.tenant_id = $1 " + $rest,
            $($argument),+
        )
    };
}

use select_reservations;

pub(super) async fn find(connection: &mut PgConnection, tenant: &TenantId, id: ReservationId) -> Result<Option<Reservation>> {
    let row = select_reservations!("AND r.reservation_id = $2", tenant.as_str(), id.0).fetch_optional(connection).await?;
    Ok(row.map(Reservation::from))
}

/// By id; whoever binds or frees goods holds the locks of their balances already.
pub(super) async fn lock(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<Reservation>> {
    let rows = select_reservations!(
        "AND r.reservation_id = ANY ($2) ORDER BY r.reservation_id FOR NO KEY UPDATE",
        tenant.as_str(),
        ids,
    );
    Ok(reservations(rows.fetch_all(connection).await?))
}

pub(super) async fn insert(connection: &mut PgConnection, tenant: &TenantId, new: &[Reservation]) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let uuid = |of: fn(&Reservation) -> Uuid| -> Vec<Uuid> { new.iter().map(of).collect() };
    let maybe = |of: fn(&Reservation) -> Option<Uuid>| -> Vec<Option<Uuid>> { new.iter().map(of).collect() };
    let word = |of: fn(&Reservation) -> &str| -> Vec<String> { new.iter().map(|one| of(one).to_owned()).collect() };
    let number = |of: fn(&Reservation) -> Quantity| -> Vec<Decimal> { new.iter().map(|one| of(one).decimal()).collect() };
    let time = |of: fn(&Reservation) -> Option<DateTime<Utc>>| -> Vec<Option<DateTime<Utc>>> { new.iter().map(of).collect() };
    let priorities: Vec<i32> = new.iter().map(|one| one.priority).collect();
    let made: Vec<DateTime<Utc>> = new.iter().map(|one| one.created_at).collect();
    sqlx::query!(
        "INSERT INTO inventory.reservations
             (tenant_id, reservation_id, kind, state, item_id, facility_id, location_id, lot_id, strategy, quantity, open_quantity,
              fulfilled, released, shortage, priority, reference, needed_at, expires_at, created_by, created_at, updated_at)
         SELECT $1, k.*, k.created_at
         FROM UNNEST($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[], $10::numeric[],
                     $11::numeric[], $12::numeric[], $13::numeric[], $14::numeric[], $15::int[], $16::text[], $17::timestamptz[],
                     $18::timestamptz[], $19::uuid[], $20::timestamptz[])
              AS k (reservation_id, kind, state, item_id, facility_id, location_id, lot_id, strategy, quantity, open_quantity,
                    fulfilled, released, shortage, priority, reference, needed_at, expires_at, created_by, created_at)",
        tenant.as_str(),
        &uuid(|one| one.reservation_id.0),
        &word(|one| one.kind.as_str()),
        &word(|one| one.state.as_str()),
        &uuid(|one| one.item_id.0),
        &maybe(|one| one.facility_id.map(|id| id.0)) as &[Option<Uuid>],
        &maybe(|one| one.location_id.map(|id| id.0)) as &[Option<Uuid>],
        &maybe(|one| one.lot_id.map(|id| id.0)) as &[Option<Uuid>],
        &word(|one| one.strategy.as_str()),
        &number(|one| one.quantity),
        &number(|one| one.open),
        &number(|one| one.fulfilled),
        &number(|one| one.released),
        &number(|one| one.shortage),
        &priorities,
        &word(|one| &one.reference),
        &time(|one| one.needed_at) as &[Option<DateTime<Utc>>],
        &time(|one| one.expires_at) as &[Option<DateTime<Utc>>],
        &uuid(|one| one.created_by.0),
        &made,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes what may change of locked reservations.
pub(super) async fn update(connection: &mut PgConnection, tenant: &TenantId, changed: &[Reservation]) -> Result<()> {
    let column =
        |text: fn(&Reservation) -> &'static str| -> Vec<String> { changed.iter().map(|one| text(one).to_owned()).collect() };
    let number = |of: fn(&Reservation) -> Quantity| -> Vec<Decimal> { changed.iter().map(|one| of(one).decimal()).collect() };
    let ids: Vec<Uuid> = changed.iter().map(|one| one.reservation_id.0).collect();
    let kinds = column(|one| one.kind.as_str());
    let states = column(|one| one.state.as_str());
    let strategies = column(|one| one.strategy.as_str());
    let open = number(|one| one.open);
    let fulfilled = number(|one| one.fulfilled);
    let released = number(|one| one.released);
    let shortage = number(|one| one.shortage);
    let expiries: Vec<Option<DateTime<Utc>>> = changed.iter().map(|one| one.expires_at).collect();
    let times: Vec<DateTime<Utc>> = changed.iter().map(|one| one.updated_at).collect();
    sqlx::query!(
        "UPDATE inventory.reservations r
         SET kind = k.kind, state = k.state, strategy = k.strategy, open_quantity = k.open_quantity, fulfilled = k.fulfilled,
             released = k.released, shortage = k.shortage, expires_at = k.expires_at, updated_at = k.updated_at
         FROM UNNEST($2::uuid[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[],
                     $10::timestamptz[], $11::timestamptz[])
              AS k (reservation_id, kind, state, strategy, open_quantity, fulfilled, released, shortage, expires_at, updated_at)
         WHERE r.tenant_id = $1 AND r.reservation_id = k.reservation_id AND r.reservation_id = ANY ($2::uuid[])",
        tenant.as_str(),
        &ids,
        &kinds,
        &states,
        &strategies,
        &open,
        &fulfilled,
        &released,
        &shortage,
        &expiries as &[Option<DateTime<Utc>>],
        &times,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What one reservation binds, or binds no longer, of one balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bond {
    pub reservation_id: ReservationId,
    pub balance_id: Uuid,
    pub position: i32,
    pub quantity: Quantity,
}

struct Bonds {
    reservations: Vec<Uuid>,
    balances: Vec<Uuid>,
    positions: Vec<i32>,
    quantities: Vec<Decimal>,
}

impl Bonds {
    fn of(bonds: &[Bond]) -> Self {
        Self {
            reservations: bonds.iter().map(|one| one.reservation_id.0).collect(),
            balances: bonds.iter().map(|one| one.balance_id).collect(),
            positions: bonds.iter().map(|one| one.position).collect(),
            quantities: bonds.iter().map(|one| one.quantity.decimal()).collect(),
        }
    }
}

/// Binds goods of locked balances. A reservation may bind more of a balance that it binds already; each pair occurs once.
pub(super) async fn bind(connection: &mut PgConnection, tenant: &TenantId, bonds: &[Bond], at: DateTime<Utc>) -> Result<()> {
    if bonds.is_empty() {
        return Ok(());
    }
    let Bonds { reservations, balances, positions, quantities } = Bonds::of(bonds);
    sqlx::query!(
        "WITH wanted AS (
             SELECT * FROM UNNEST($2::uuid[], $3::uuid[], $4::int[], $5::numeric[]) AS k (reservation_id, balance_id, position, quantity)
         ), bound AS (
             INSERT INTO inventory.reservation_allocations AS a (tenant_id, reservation_id, balance_id, position, quantity)
             SELECT $1, reservation_id, balance_id, position, quantity FROM wanted
             ON CONFLICT (tenant_id, reservation_id, balance_id) DO UPDATE SET quantity = a.quantity + EXCLUDED.quantity
         )
         UPDATE inventory.balances b SET reserved = b.reserved + k.quantity, updated_at = $6
         FROM (SELECT balance_id, sum(quantity) AS quantity FROM wanted GROUP BY balance_id) k
         WHERE b.tenant_id = $1 AND b.balance_id = k.balance_id AND b.balance_id = ANY ($3::uuid[])",
        tenant.as_str(),
        &reservations,
        &balances,
        &positions,
        &quantities,
        at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Frees goods of locked balances; what binds nothing any more is dropped. Each pair occurs once.
pub(super) async fn loosen(connection: &mut PgConnection, tenant: &TenantId, bonds: &[Bond], at: DateTime<Utc>) -> Result<()> {
    if bonds.is_empty() {
        return Ok(());
    }
    let Bonds { reservations, balances, quantities, .. } = Bonds::of(bonds);
    sqlx::query!(
        "WITH freed AS (
             SELECT * FROM UNNEST($2::uuid[], $3::uuid[], $4::numeric[]) AS k (reservation_id, balance_id, quantity)
         ), dropped AS (
             DELETE FROM inventory.reservation_allocations a USING freed k
             WHERE a.tenant_id = $1 AND a.reservation_id = k.reservation_id AND a.balance_id = k.balance_id AND a.quantity = k.quantity
               AND a.reservation_id = ANY ($2::uuid[]) AND a.balance_id = ANY ($3::uuid[])
         ), reduced AS (
             UPDATE inventory.reservation_allocations a SET quantity = a.quantity - k.quantity FROM freed k
             WHERE a.tenant_id = $1 AND a.reservation_id = k.reservation_id AND a.balance_id = k.balance_id AND a.quantity <> k.quantity
               AND a.reservation_id = ANY ($2::uuid[]) AND a.balance_id = ANY ($3::uuid[])
         )
         UPDATE inventory.balances b SET reserved = b.reserved - k.quantity, updated_at = $5
         FROM (SELECT balance_id, sum(quantity) AS quantity FROM freed GROUP BY balance_id) k
         WHERE b.tenant_id = $1 AND b.balance_id = k.balance_id AND b.balance_id = ANY ($3::uuid[])",
        tenant.as_str(),
        &reservations,
        &balances,
        &quantities,
        at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct AllocationRow {
    reservation_id: Uuid,
    balance_id: Uuid,
    position: i32,
    quantity: Decimal,
    location_id: Uuid,
    facility_code: String,
    location_code: String,
    lot_id: Option<Uuid>,
    lot_number: Option<String>,
}

/// What these reservations bind, in the order in which goods are taken.
pub(super) async fn allocations(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<Allocation>> {
    let rows = sqlx::query_as!(
        AllocationRow,
        r#"SELECT a.reservation_id, a.balance_id, a.position, a.quantity, b.location_id, p.facility_code, p.code AS location_code,
                  b.lot_id, l.number AS "lot_number?"
           FROM inventory.reservation_allocations a
           JOIN inventory.balances b ON b.tenant_id = $1 AND b.balance_id = a.balance_id
           JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = b.location_id
           LEFT JOIN inventory.lots l ON l.tenant_id = $1 AND l.lot_id = b.lot_id
           WHERE a.tenant_id = $1 AND a.reservation_id = ANY ($2)
           ORDER BY a.reservation_id, a.position, a.balance_id"#,
        tenant.as_str(),
        ids,
    )
    .fetch_all(connection)
    .await?;
    let found = rows.into_iter().map(|row| Allocation {
        reservation_id: ReservationId(row.reservation_id),
        balance_id: row.balance_id,
        position: row.position,
        quantity: Quantity::from_db(row.quantity),
        location_id: LocationId(row.location_id),
        facility_code: row.facility_code,
        location_code: row.location_code,
        lot_id: row.lot_id.map(LotId),
        lot_number: row.lot_number,
    });
    Ok(found.collect())
}

/// Who binds goods of these locked balances; only those whose time was over by `overdue`, when given.
pub(super) async fn claims(
    connection: &mut PgConnection,
    tenant: &TenantId,
    balances: &[Uuid],
    overdue: Option<DateTime<Utc>>,
) -> Result<Vec<Claim>> {
    let rows = sqlx::query!(
        "SELECT a.reservation_id, a.balance_id, a.quantity, r.priority, r.created_at
         FROM inventory.reservation_allocations a
         JOIN inventory.reservations r ON r.tenant_id = $1 AND r.reservation_id = a.reservation_id
         WHERE a.tenant_id = $1 AND a.balance_id = ANY ($2) AND ($3::timestamptz IS NULL OR r.expires_at <= $3)",
        tenant.as_str(),
        balances,
        overdue,
    )
    .fetch_all(connection)
    .await?;
    let claims = rows.into_iter().map(|row| Claim {
        reservation_id: ReservationId(row.reservation_id),
        balance_id: row.balance_id,
        priority: row.priority,
        created_at: row.created_at,
        quantity: Quantity::from_db(row.quantity),
    });
    Ok(claims.collect())
}

/// Reservations whose time is over and of which something is open, the longest overdue first.
pub(super) async fn overdue(
    connection: &mut PgConnection,
    tenant: &TenantId,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Uuid>> {
    let rows = sqlx::query_scalar!(
        "SELECT reservation_id FROM inventory.reservations
         WHERE tenant_id = $1 AND open_quantity > 0 AND expires_at <= $2 ORDER BY expires_at LIMIT $3",
        tenant.as_str(),
        now,
        most,
    );
    Ok(rows.fetch_all(connection).await?)
}

/// Across tenants, by a function with its owner's rights.
pub(super) async fn tenants_with_overdue(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<String>> {
    let rows = sqlx::query_scalar!(r#"SELECT t AS "tenant!" FROM inventory.tenants_with_expired_reservations($1) AS t"#, now);
    Ok(rows.fetch_all(connection).await?)
}

/// What to look for; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub(super) struct ReservationQuery {
    pub item: Option<Uuid>,
    pub facility: Option<Uuid>,
    pub state: Option<&'static str>,
    pub reference: Option<String>,
    pub open: Option<bool>,
}

/// Newest first: before the id `before`, when given. What is overdue counts as EXPIRED and as not open.
pub(super) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    query: &ReservationQuery,
    now: DateTime<Utc>,
    before: Option<Uuid>,
    page: &PageRequest,
) -> Result<Vec<Reservation>> {
    let rows = select_reservations!(
        "AND ($2::uuid IS NULL OR r.item_id = $2)
         AND ($3::uuid IS NULL OR r.facility_id = $3 OR EXISTS (
              SELECT FROM inventory.reservation_allocations a
              JOIN inventory.balances b ON b.tenant_id = $1 AND b.balance_id = a.balance_id
              JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = b.location_id
              WHERE a.tenant_id = $1 AND a.reservation_id = r.reservation_id AND p.facility_id = $3))
         AND ($4::text IS NULL OR $4 = CASE WHEN r.open_quantity > 0 AND r.expires_at <= $5 THEN 'EXPIRED' ELSE r.state END)
         AND ($6::text IS NULL OR r.reference = $6)
         AND ($7::boolean IS NULL OR $7 = (r.open_quantity > 0 AND (r.expires_at IS NULL OR r.expires_at > $5)))
         AND ($8::uuid IS NULL OR r.reservation_id < $8)
         ORDER BY r.reservation_id DESC LIMIT $9",
        tenant.as_str(),
        query.item,
        query.facility,
        query.state,
        now,
        query.reference,
        query.open,
        before,
        page.fetch(),
    );
    Ok(reservations(rows.fetch_all(connection).await?))
}

/// What there is of an item and what is promised of it, as it counts at that moment: what expired binds nothing.
pub(super) async fn supply(
    connection: &mut PgConnection,
    tenant: &TenantId,
    item: ItemId,
    facility: Option<FacilityId>,
    now: DateTime<Utc>,
) -> Result<Supply> {
    let stock = sqlx::query!(
        r#"SELECT coalesce(sum(b.on_hand), 0) AS "on_hand!", coalesce(sum(h.bound), 0) AS "bound!",
                  coalesce(sum(b.on_hand) FILTER (WHERE u.usable), 0) AS "released!",
                  coalesce(sum(b.on_hand - h.bound) FILTER (WHERE u.usable), 0) AS "available!"
           FROM inventory.balances b
           JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = b.location_id
           LEFT JOIN inventory.lots l ON l.tenant_id = $1 AND l.lot_id = b.lot_id
           CROSS JOIN LATERAL (
               SELECT b.quality_status = 'RELEASED' AND p.is_active AND p.purpose = 'STORAGE'
                      AND (l.expires_on IS NULL OR l.expires_on >= $5) AS usable) u
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(a.quantity), 0) AS bound FROM inventory.reservation_allocations a
               JOIN inventory.reservations r ON r.tenant_id = $1 AND r.reservation_id = a.reservation_id
               WHERE a.tenant_id = $1 AND a.balance_id = b.balance_id AND (r.expires_at IS NULL OR r.expires_at > $4)) h
           WHERE b.tenant_id = $1 AND b.item_id = $2 AND b.on_hand > 0 AND ($3::uuid IS NULL OR p.facility_id = $3)"#,
        tenant.as_str(),
        item.0,
        facility.map(|id| id.0),
        now,
        now.date_naive(),
    )
    .fetch_one(&mut *connection)
    .await?;
    let promised = sqlx::query!(
        r#"SELECT (coalesce(needed_at, $4) AT TIME ZONE 'UTC')::date AS "on!", sum(open_quantity) AS "quantity!"
           FROM inventory.reservations
           WHERE tenant_id = $1 AND item_id = $2 AND kind = 'SOFT' AND open_quantity > 0
             AND (expires_at IS NULL OR expires_at > $4)
             AND ($3::uuid IS NULL OR facility_id IS NULL OR facility_id = $3)
           GROUP BY 1 ORDER BY 1"#,
        tenant.as_str(),
        item.0,
        facility.map(|id| id.0),
        now,
    )
    .fetch_all(connection)
    .await?;
    let commitments = promised.into_iter().map(|row| Commitment { on: row.on, quantity: Quantity::from_db(row.quantity) });
    Ok(Supply {
        on_hand: Quantity::from_db(stock.on_hand),
        released: Quantity::from_db(stock.released),
        reserved_hard: Quantity::from_db(stock.bound),
        available: Quantity::from_db(stock.available),
        commitments: commitments.collect(),
    })
}

/// Where a place lies on the pickers' way.
pub(super) async fn pick_sequence(connection: &mut PgConnection, tenant: &TenantId, location: LocationId) -> Result<Option<i32>> {
    let found = sqlx::query_scalar!(
        "SELECT pick_sequence FROM inventory.stock_locations WHERE tenant_id = $1 AND location_id = $2",
        tenant.as_str(),
        location.0,
    );
    Ok(found.fetch_optional(connection).await?.flatten())
}

/// The codes of facilities that have places.
pub(super) async fn facility_codes(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[Uuid],
) -> Result<Vec<(FacilityId, String)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"SELECT f.id AS "id!", p.facility_code FROM UNNEST($2::uuid[]) AS f (id)
           CROSS JOIN LATERAL (SELECT facility_code FROM inventory.stock_locations
                               WHERE tenant_id = $1 AND facility_id = f.id LIMIT 1) p"#,
        tenant.as_str(),
        ids,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (FacilityId(row.id), row.facility_code)).collect())
}
