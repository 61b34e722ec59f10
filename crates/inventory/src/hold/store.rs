//! SQL of holds; no rules.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use kernel::{HoldId, ItemId, LocationId, LotId, MovementId, PageRequest, Quantity, TenantId, UserId};
use platform::Result;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Disposition, Hold, HoldDecision, HoldLine, HoldState};
use crate::store::known;

pub async fn insert(connection: &mut PgConnection, tenant: &TenantId, hold: &Hold) -> Result<()> {
    sqlx::query!(
        "INSERT INTO inventory.holds
             (tenant_id, hold_id, item_id, lot_id, state, reason, reference, review_at, quantity, skipped_reserved, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant.as_str(),
        hold.hold_id.0,
        hold.item_id.0,
        hold.lot_id.map(|lot| lot.0),
        hold.state.as_str(),
        hold.reason,
        hold.reference,
        hold.review_at,
        hold.quantity.decimal(),
        hold.skipped_reserved.decimal(),
        hold.created_at,
        hold.created_by.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn insert_lines(connection: &mut PgConnection, tenant: &TenantId, hold: HoldId, lines: &[HoldLine]) -> Result<()> {
    let numbers: Vec<i32> = lines.iter().map(|line| line.line_no).collect();
    let items: Vec<Uuid> = lines.iter().map(|line| line.item_id.0).collect();
    let lots: Vec<Option<Uuid>> = lines.iter().map(|line| line.lot_id.map(|lot| lot.0)).collect();
    let locations: Vec<Uuid> = lines.iter().map(|line| line.location_id.0).collect();
    let statuses: Vec<String> = lines.iter().map(|line| line.former_status.as_str().to_owned()).collect();
    let quantities: Vec<Decimal> = lines.iter().map(|line| line.quantity.decimal()).collect();
    let movements: Vec<Uuid> = lines.iter().map(|line| line.movement_id.0).collect();
    sqlx::query!(
        "INSERT INTO inventory.hold_lines
             (tenant_id, hold_id, line_no, item_id, lot_id, location_id, former_status, quantity, remaining, movement_id)
         SELECT $1, $2, k.line_no, k.item_id, k.lot_id, k.location_id, k.former_status, k.quantity, k.quantity, k.movement_id
         FROM UNNEST($3::int[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::numeric[], $9::uuid[])
              AS k (line_no, item_id, lot_id, location_id, former_status, quantity, movement_id)",
        tenant.as_str(),
        hold.0,
        &numbers,
        &items,
        &lots as &[Option<Uuid>],
        &locations,
        &statuses,
        &quantities,
        &movements,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether the hold exists; it is locked.
pub async fn lock(connection: &mut PgConnection, tenant: &TenantId, id: HoldId) -> Result<bool> {
    let row = sqlx::query_scalar!(
        "SELECT hold_id FROM inventory.holds WHERE tenant_id = $1 AND hold_id = $2 FOR UPDATE",
        tenant.as_str(),
        id.0,
    );
    Ok(row.fetch_optional(connection).await?.is_some())
}

pub async fn set_remaining(
    connection: &mut PgConnection,
    tenant: &TenantId,
    hold: HoldId,
    remaining: &[(i32, Quantity)],
) -> Result<()> {
    let numbers: Vec<i32> = remaining.iter().map(|(number, _)| *number).collect();
    let quantities: Vec<Decimal> = remaining.iter().map(|(_, quantity)| quantity.decimal()).collect();
    sqlx::query!(
        "UPDATE inventory.hold_lines l SET remaining = k.remaining
         FROM UNNEST($3::int[], $4::numeric[]) AS k (line_no, remaining)
         WHERE l.tenant_id = $1 AND l.hold_id = $2 AND l.line_no = k.line_no",
        tenant.as_str(),
        hold.0,
        &numbers,
        &quantities,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn close(connection: &mut PgConnection, tenant: &TenantId, hold: HoldId, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE inventory.holds SET state = 'CLOSED', closed_at = $3 WHERE tenant_id = $1 AND hold_id = $2",
        tenant.as_str(),
        hold.0,
        at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn insert_decision(connection: &mut PgConnection, tenant: &TenantId, hold: HoldId, one: &HoldDecision) -> Result<()> {
    sqlx::query!(
        "INSERT INTO inventory.hold_decisions
             (tenant_id, hold_id, decision_id, disposition, quantity, missing, reason, decided_at, decided_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tenant.as_str(),
        hold.0,
        one.decision_id,
        one.disposition.as_str(),
        one.quantity.decimal(),
        one.missing.decimal(),
        one.reason,
        one.decided_at,
        one.decided_by.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What to look for; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct HoldQuery {
    pub id: Option<Uuid>,
    pub item: Option<Uuid>,
    pub state: Option<HoldState>,
}

/// Newest first: before the id `before`, when given.
pub async fn select(
    connection: &mut PgConnection,
    tenant: &TenantId,
    query: &HoldQuery,
    before: Option<Uuid>,
    page: &PageRequest,
) -> Result<Vec<Hold>> {
    let rows = sqlx::query!(
        r#"SELECT h.hold_id, h.item_id, h.lot_id, l.number AS "lot_number?", h.state, h.reason, h.reference, h.review_at, h.quantity,
                  h.skipped_reserved, h.created_at, h.created_by, h.closed_at,
                  (SELECT coalesce(sum(n.remaining), 0) FROM inventory.hold_lines n
                   WHERE n.tenant_id = $1 AND n.hold_id = h.hold_id) AS "remaining!"
           FROM inventory.holds h
           LEFT JOIN inventory.lots l ON l.tenant_id = $1 AND l.lot_id = h.lot_id
           WHERE h.tenant_id = $1
             AND ($2::uuid IS NULL OR h.hold_id = $2)
             AND ($3::uuid IS NULL OR h.item_id = $3)
             AND ($4::text IS NULL OR h.state = $4)
             AND ($5::uuid IS NULL OR h.hold_id < $5)
           ORDER BY h.hold_id DESC LIMIT $6"#,
        tenant.as_str(),
        query.id,
        query.item,
        query.state.map(HoldState::as_str),
        before,
        page.fetch(),
    )
    .fetch_all(connection)
    .await?;
    let rows = rows.into_iter().map(|row| Hold {
        hold_id: HoldId(row.hold_id),
        item_id: ItemId(row.item_id),
        lot_id: row.lot_id.map(LotId),
        lot_number: row.lot_number,
        state: if row.state == "ACTIVE" { HoldState::Active } else { HoldState::Closed },
        reason: row.reason,
        reference: row.reference,
        review_at: row.review_at,
        quantity: Quantity::from_db(row.quantity),
        remaining: Quantity::from_db(row.remaining),
        skipped_reserved: Quantity::from_db(row.skipped_reserved),
        created_at: row.created_at,
        created_by: UserId(row.created_by),
        closed_at: row.closed_at,
    });
    Ok(rows.collect())
}

/// By number.
pub async fn lines(connection: &mut PgConnection, tenant: &TenantId, hold: HoldId) -> Result<Vec<HoldLine>> {
    let rows = sqlx::query!(
        r#"SELECT n.line_no, n.item_id, n.lot_id, l.number AS "lot_number?", n.location_id, p.facility_code, p.code, n.former_status,
                  n.quantity, n.remaining, n.movement_id
           FROM inventory.hold_lines n
           JOIN inventory.stock_locations p ON p.tenant_id = $1 AND p.location_id = n.location_id
           LEFT JOIN inventory.lots l ON l.tenant_id = $1 AND l.lot_id = n.lot_id
           WHERE n.tenant_id = $1 AND n.hold_id = $2 ORDER BY n.line_no"#,
        tenant.as_str(),
        hold.0,
    )
    .fetch_all(connection)
    .await?;
    let lines = rows.into_iter().map(|row| HoldLine {
        line_no: row.line_no,
        item_id: ItemId(row.item_id),
        lot_id: row.lot_id.map(LotId),
        lot_number: row.lot_number,
        location_id: LocationId(row.location_id),
        facility_code: row.facility_code,
        location_code: row.code,
        former_status: known(&row.former_status),
        quantity: Quantity::from_db(row.quantity),
        remaining: Quantity::from_db(row.remaining),
        movement_id: MovementId(row.movement_id),
    });
    Ok(lines.collect())
}

/// Newest first, at most `most`.
pub async fn decisions(connection: &mut PgConnection, tenant: &TenantId, hold: HoldId, most: i64) -> Result<Vec<HoldDecision>> {
    let rows = sqlx::query!(
        "SELECT decision_id, disposition, quantity, missing, reason, decided_at, decided_by
         FROM inventory.hold_decisions WHERE tenant_id = $1 AND hold_id = $2 ORDER BY decision_id DESC LIMIT $3",
        tenant.as_str(),
        hold.0,
        most,
    )
    .fetch_all(connection)
    .await?;
    let decisions = rows.into_iter().map(|row| HoldDecision {
        decision_id: row.decision_id,
        disposition: Disposition::of(&row.disposition),
        quantity: Quantity::from_db(row.quantity),
        missing: Quantity::from_db(row.missing),
        reason: row.reason,
        decided_at: row.decided_at,
        decided_by: UserId(row.decided_by),
    });
    Ok(decisions.collect())
}

/// What is in HOLD of each item and lot less what holds claim of it.
pub async fn unclaimed(
    connection: &mut PgConnection,
    tenant: &TenantId,
    goods: &[(ItemId, Option<LotId>)],
) -> Result<HashMap<(ItemId, Option<LotId>), Quantity>> {
    let items: Vec<Uuid> = goods.iter().map(|(item, _)| item.0).collect();
    let lots: Vec<Option<Uuid>> = goods.iter().map(|(_, lot)| lot.map(|lot| lot.0)).collect();
    let rows = sqlx::query!(
        r#"SELECT k.item_id AS "item_id!", k.lot_id,
                  (SELECT coalesce(sum(b.on_hand), 0) FROM inventory.balances b
                   WHERE b.tenant_id = $1 AND b.item_id = k.item_id AND b.lot_id IS NOT DISTINCT FROM k.lot_id
                     AND b.quality_status = 'HOLD')
                  - (SELECT coalesce(sum(n.remaining), 0) FROM inventory.hold_lines n
                     WHERE n.tenant_id = $1 AND n.item_id = k.item_id AND n.lot_id IS NOT DISTINCT FROM k.lot_id
                       AND n.remaining > 0) AS "free!"
           FROM UNNEST($2::uuid[], $3::uuid[]) AS k (item_id, lot_id)"#,
        tenant.as_str(),
        &items,
        &lots as &[Option<Uuid>],
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| ((ItemId(row.item_id), row.lot_id.map(LotId)), Quantity::from_db(row.free))).collect())
}

/// Whoever takes unclaimed stock out of HOLD does so one after the other, item by item, in their order.
pub async fn lock_claims(connection: &mut PgConnection, tenant: &TenantId, items: &BTreeSet<ItemId>) -> Result<()> {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended('claims/' || $1 || '/' || k.item_id, 0))::text AS "locked"
           FROM UNNEST($2::text[]) AS k (item_id)"#,
        tenant.as_str(),
        &items,
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// The movements by which holds that claim stock of the lot brought it into HOLD.
pub async fn claiming_movements(connection: &mut PgConnection, tenant: &TenantId, item: ItemId, lot: LotId) -> Result<Vec<Uuid>> {
    let movements = sqlx::query_scalar!(
        "SELECT movement_id FROM inventory.hold_lines
         WHERE tenant_id = $1 AND item_id = $2 AND lot_id = $3 AND remaining > 0",
        tenant.as_str(),
        item.0,
        lot.0,
    );
    Ok(movements.fetch_all(connection).await?)
}
