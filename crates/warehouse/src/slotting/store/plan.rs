//! Plans of moves and the moves.

use chrono::{DateTime, Utc};
use kernel::{FacilityId, ItemId, LocationId, LotId, PageRequest, Quantity, TenantId};
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::model::{Plan, PlannedMove};
use crate::words::{MoveTaskKind, MoveTaskState, SlottingPlanState};

/// The macro keeps the one list of columns for every way to find plans.
macro_rules! select_plans {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Plan,
            r#"SELECT p.plan_id, p.facility_id, f.code AS facility_code, p.kind AS "kind: MoveTaskKind",
                      p.state AS "state: SlottingPlanState", p.progress_percent, p.progress_text, p.moves_max, p.payback_days,
                      p.handling_m, p.history_days, p.orders, p.items, p.before_m_per_day, p.after_m_per_day, p.cost_m, p.message,
                      p.created_by, p.created_by_name, p.created_at, p.finished_at, p.expires_at, p.decided_at, p.decided_by_name,
                      p.version
               FROM warehouse.slotting_plans p
               JOIN warehouse.facilities f ON f.tenant_id = $1 AND f.facility_id = p.facility_id
               WHERE p.tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

pub(in super::super) async fn find(connection: &mut PgConnection, tenant: &TenantId, plan: Uuid) -> Result<Option<Plan>> {
    Ok(select_plans!("AND p.plan_id = $2", tenant.as_str(), plan).fetch_optional(connection).await?)
}

pub(in super::super) async fn lock(connection: &mut PgConnection, tenant: &TenantId, plan: Uuid) -> Result<Option<Plan>> {
    let row = select_plans!("AND p.plan_id = $2 FOR NO KEY UPDATE OF p", tenant.as_str(), plan);
    Ok(row.fetch_optional(connection).await?)
}

/// Newest first.
pub(in super::super) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (facility, state): (Option<FacilityId>, Option<SlottingPlanState>),
    page: &PageRequest,
) -> Result<Vec<Plan>> {
    let before: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = select_plans!(
        "AND ($2::uuid IS NULL OR p.facility_id = $2) AND ($3::text IS NULL OR p.state = $3)
         AND ($4::uuid IS NULL OR p.plan_id < $4) ORDER BY p.plan_id DESC LIMIT $5",
        tenant.as_str(),
        facility.map(|id| id.0),
        state.map(SlottingPlanState::as_str),
        before,
        page.fetch(),
    );
    Ok(rows.fetch_all(connection).await?)
}

pub(in super::super) async fn insert(connection: &mut PgConnection, tenant: &TenantId, plan: &Plan) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.slotting_plans
             (tenant_id, plan_id, facility_id, kind, moves_max, payback_days, handling_m, history_days, created_by, created_by_name,
              created_at, expires_at, progress_text)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        tenant.as_str(),
        plan.plan_id,
        plan.facility_id,
        plan.kind.as_str(),
        plan.moves_max,
        plan.payback_days,
        plan.handling_m,
        plan.history_days,
        plan.created_by,
        plan.created_by_name,
        plan.created_at,
        plan.expires_at,
        plan.progress_text,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes what may change of a plan.
pub(in super::super) async fn update(connection: &mut PgConnection, tenant: &TenantId, plan: &Plan) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.slotting_plans
         SET state = $3, progress_percent = $4, progress_text = $5, orders = $6, items = $7, before_m_per_day = $8,
             after_m_per_day = $9, cost_m = $10, message = $11, finished_at = $12, decided_at = $13, decided_by_name = $14, version = $15
         WHERE tenant_id = $1 AND plan_id = $2",
        tenant.as_str(),
        plan.plan_id,
        plan.state.as_str(),
        plan.progress_percent,
        plan.progress_text,
        plan.orders,
        plan.items,
        plan.before_m_per_day,
        plan.after_m_per_day,
        plan.cost_m,
        plan.message,
        plan.finished_at,
        plan.decided_at,
        plan.decided_by_name,
        plan.version,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Seen by others at once: not part of the transaction that ends the plan.
pub(in super::super) async fn progress(
    connection: &mut PgConnection,
    tenant: &TenantId,
    plan: Uuid,
    percent: i32,
    text: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.slotting_plans SET state = 'RUNNING', progress_percent = $3, progress_text = $4
         WHERE tenant_id = $1 AND plan_id = $2 AND state IN ('QUEUED', 'RUNNING')",
        tenant.as_str(),
        plan,
        percent,
        text,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in super::super) async fn insert_moves(
    connection: &mut PgConnection,
    tenant: &TenantId,
    plan: Uuid,
    moves: &[PlannedMove],
) -> Result<()> {
    let int = |of: fn(&PlannedMove) -> i32| -> Vec<i32> { moves.iter().map(of).collect() };
    let uuid = |of: fn(&PlannedMove) -> Uuid| -> Vec<Uuid> { moves.iter().map(of).collect() };
    let metres = |of: fn(&PlannedMove) -> f64| -> Vec<f64> { moves.iter().map(of).collect() };
    let lots: Vec<Option<Uuid>> = moves.iter().map(|row| row.lot_id.map(|lot| lot.0)).collect();
    sqlx::query!(
        "INSERT INTO warehouse.slotting_plan_moves
             (tenant_id, plan_id, move_no, step_no, chain_no, item_id, lot_id, quantity, from_location_id, to_location_id, cost_m,
              chain_saving_m_per_day, chain_cost_m)
         SELECT $1, $2, * FROM UNNEST($3::int[], $4::int[], $5::int[], $6::uuid[], $7::uuid[], $8::numeric[], $9::uuid[], $10::uuid[],
                                      $11::float8[], $12::float8[], $13::float8[])",
        tenant.as_str(),
        plan,
        &int(|row| row.move_no),
        &int(|row| row.step_no),
        &int(|row| row.chain_no),
        &uuid(|row| row.item_id.0),
        &lots as &[Option<Uuid>],
        &moves.iter().map(|row| row.quantity.decimal()).collect::<Vec<_>>(),
        &uuid(|row| row.from_location_id.0),
        &uuid(|row| row.to_location_id.0),
        &metres(|row| row.cost_m),
        &metres(|row| row.chain_saving_m_per_day),
        &metres(|row| row.chain_cost_m),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// In the order in which they can be carried out.
pub(in super::super) async fn moves(connection: &mut PgConnection, tenant: &TenantId, plan: Uuid) -> Result<Vec<PlannedMove>> {
    let rows = sqlx::query!(
        "SELECT move_no, step_no, chain_no, item_id, lot_id, quantity, from_location_id, to_location_id, cost_m,
                chain_saving_m_per_day, chain_cost_m, left_out
         FROM warehouse.slotting_plan_moves WHERE tenant_id = $1 AND plan_id = $2 ORDER BY move_no",
        tenant.as_str(),
        plan,
    );
    let row = rows.fetch_all(connection).await?.into_iter().map(|row| PlannedMove {
        move_no: row.move_no,
        step_no: row.step_no,
        chain_no: row.chain_no,
        item_id: ItemId(row.item_id),
        lot_id: row.lot_id.map(LotId),
        quantity: Quantity::from_db(row.quantity),
        from_location_id: LocationId(row.from_location_id),
        to_location_id: LocationId(row.to_location_id),
        cost_m: row.cost_m,
        chain_saving_m_per_day: row.chain_saving_m_per_day,
        chain_cost_m: row.chain_cost_m,
        left_out: row.left_out,
    });
    Ok(row.collect())
}

/// Notes why moves are not made.
pub(in super::super) async fn leave_out(
    connection: &mut PgConnection,
    tenant: &TenantId,
    plan: Uuid,
    chains: &[(i32, String)],
) -> Result<()> {
    let (numbers, reasons): (Vec<i32>, Vec<String>) = chains.iter().cloned().unzip();
    sqlx::query!(
        "UPDATE warehouse.slotting_plan_moves m SET left_out = k.reason FROM UNNEST($3::int[], $4::text[]) AS k (chain_no, reason)
         WHERE m.tenant_id = $1 AND m.plan_id = $2 AND m.chain_no = k.chain_no",
        tenant.as_str(),
        plan,
        &numbers,
        &reasons,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How many tasks of the plan are in each state.
pub(in super::super) async fn task_counts(
    connection: &mut PgConnection,
    tenant: &TenantId,
    plan: Uuid,
) -> Result<Vec<(MoveTaskState, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT state AS "state: MoveTaskState", count(*) AS "count!" FROM warehouse.move_tasks
           WHERE tenant_id = $1 AND plan_id = $2 GROUP BY state"#,
        tenant.as_str(),
        plan,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.state, row.count)).collect())
}

/// Puts plans to an end that nobody decided in time.
pub(in super::super) async fn expire(connection: &mut PgConnection, tenant: &TenantId, now: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE warehouse.slotting_plans SET state = 'EXPIRED', message = 'nobody decided in time', version = version + 1
         WHERE tenant_id = $1 AND state = 'READY' AND expires_at <= $2",
        tenant.as_str(),
        now,
    );
    Ok(done.execute(connection).await?.rows_affected())
}

/// Places that tasks take from or bring to.
pub(in super::super) async fn under_way(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
) -> Result<Vec<LocationId>> {
    let rows = sqlx::query!(
        "SELECT from_location_id, to_location_id FROM warehouse.move_tasks
         WHERE tenant_id = $1 AND facility_id = $2 AND state IN ('PROPOSED', 'APPROVED', 'CLAIMED')",
        tenant.as_str(),
        facility.0,
    );
    let rows = rows.fetch_all(connection).await?;
    Ok(rows.iter().flat_map(|row| [LocationId(row.from_location_id), LocationId(row.to_location_id)]).collect())
}
