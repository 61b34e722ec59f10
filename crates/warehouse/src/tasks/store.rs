use chrono::{DateTime, Utc};
use kernel::{FacilityId, ItemId, LocationId, LotId, MoveTaskId, MovementId, PageRequest, Quantity, TenantId, UserId};
use platform::{Error, Result};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::MoveTask;
use crate::words::{MoveTaskKind, MoveTaskState};

struct Row {
    move_task_id: Uuid,
    facility_id: Uuid,
    facility_code: String,
    kind: MoveTaskKind,
    state: MoveTaskState,
    plan_id: Option<Uuid>,
    item_id: Uuid,
    lot_id: Option<Uuid>,
    quantity: Decimal,
    from_location_id: Uuid,
    from_location_code: String,
    to_location_id: Uuid,
    to_location_code: String,
    reason: String,
    claimed_by: Option<Uuid>,
    claimed_by_name: String,
    claimed_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    closed_reason: String,
    movement_id: Option<Uuid>,
    version: i32,
    created_by: Uuid,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for MoveTask {
    fn from(row: Row) -> Self {
        Self {
            move_task_id: MoveTaskId(row.move_task_id),
            facility_id: FacilityId(row.facility_id),
            facility_code: row.facility_code,
            kind: row.kind,
            state: row.state,
            plan_id: row.plan_id,
            item_id: ItemId(row.item_id),
            item_code: String::new(),
            item_name: String::new(),
            base_unit: String::new(),
            lot_id: row.lot_id.map(LotId),
            lot_number: None,
            quantity: Quantity::from_db(row.quantity),
            from_location_id: LocationId(row.from_location_id),
            from_location_code: row.from_location_code,
            to_location_id: LocationId(row.to_location_id),
            to_location_code: row.to_location_code,
            reason: row.reason,
            claimed_by: row.claimed_by.map(UserId),
            claimed_by_name: row.claimed_by_name,
            claimed_at: row.claimed_at,
            closed_at: row.closed_at,
            closed_reason: row.closed_reason,
            movement_id: row.movement_id.map(MovementId),
            version: row.version,
            created_by: UserId(row.created_by),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The macro keeps the one list of columns for every way to find tasks.
macro_rules! select_tasks {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"SELECT m.move_task_id, m.facility_id, f.code AS facility_code, m.kind AS "kind: MoveTaskKind",
                      m.state AS "state: MoveTaskState", m.plan_id, m.item_id, m.lot_id, m.quantity, m.from_location_id,
                      a.code AS from_location_code, m.to_location_id, b.code AS to_location_code, m.reason, m.claimed_by,
                      m.claimed_by_name, m.claimed_at, m.closed_at, m.closed_reason, m.movement_id, m.version, m.created_by,
                      m.created_at, m.updated_at
               FROM warehouse.move_tasks m
               JOIN warehouse.facilities f ON f.tenant_id = $1 AND f.facility_id = m.facility_id
               JOIN warehouse.locations a ON a.tenant_id = $1 AND a.location_id = m.from_location_id
               JOIN warehouse.locations b ON b.tenant_id = $1 AND b.location_id = m.to_location_id
               WHERE m.tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

/// By id, so that two calls lock in one order.
pub(super) async fn lock(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<MoveTask>> {
    let rows =
        select_tasks!("AND m.move_task_id = ANY ($2) ORDER BY m.move_task_id FOR NO KEY UPDATE OF m", tenant.as_str(), ids,);
    Ok(rows.fetch_all(connection).await?.into_iter().map(MoveTask::from).collect())
}

pub(super) async fn proposed_of(connection: &mut PgConnection, tenant: &TenantId, plan: Uuid) -> Result<Vec<Uuid>> {
    let rows = sqlx::query_scalar!(
        "SELECT move_task_id FROM warehouse.move_tasks WHERE tenant_id = $1 AND plan_id = $2 AND state = 'PROPOSED' ORDER BY 1",
        tenant.as_str(),
        plan,
    );
    Ok(rows.fetch_all(connection).await?)
}

pub(super) async fn find(connection: &mut PgConnection, tenant: &TenantId, id: Uuid) -> Result<Option<MoveTask>> {
    let row = select_tasks!("AND m.move_task_id = $2", tenant.as_str(), id);
    Ok(row.fetch_optional(connection).await?.map(MoveTask::from))
}

/// What a list of tasks is narrowed by, resolved.
#[derive(Default)]
pub(super) struct Narrow {
    pub facility: Option<Uuid>,
    pub state: Option<MoveTaskState>,
    pub kind: Option<MoveTaskKind>,
    pub plan: Option<Uuid>,
    pub unfinished: bool,
}

/// Newest first.
pub(super) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    narrow: &Narrow,
    page: &PageRequest,
) -> Result<Vec<MoveTask>> {
    let before: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = select_tasks!(
        "AND ($2::uuid IS NULL OR m.facility_id = $2)
         AND ($3::text IS NULL OR m.state = $3)
         AND ($4::text IS NULL OR m.kind = $4)
         AND ($5::uuid IS NULL OR m.plan_id = $5)
         AND (NOT $6 OR m.state IN ('PROPOSED', 'APPROVED', 'CLAIMED'))
         AND ($7::uuid IS NULL OR m.move_task_id < $7)
         ORDER BY m.move_task_id DESC LIMIT $8",
        tenant.as_str(),
        narrow.facility,
        narrow.state.map(MoveTaskState::as_str),
        narrow.kind.map(MoveTaskKind::as_str),
        narrow.plan,
        narrow.unfinished,
        before,
        page.fetch(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(MoveTask::from).collect())
}

pub(super) async fn insert(connection: &mut PgConnection, tenant: &TenantId, tasks: &[MoveTask]) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let uuid = |of: fn(&MoveTask) -> Uuid| -> Vec<Uuid> { tasks.iter().map(of).collect() };
    let word = |of: fn(&MoveTask) -> &str| -> Vec<String> { tasks.iter().map(|task| of(task).to_owned()).collect() };
    let plans: Vec<Option<Uuid>> = tasks.iter().map(|task| task.plan_id).collect();
    let lots: Vec<Option<Uuid>> = tasks.iter().map(|task| task.lot_id.map(|lot| lot.0)).collect();
    let quantities: Vec<Decimal> = tasks.iter().map(|task| task.quantity.decimal()).collect();
    let made: Vec<DateTime<Utc>> = tasks.iter().map(|task| task.created_at).collect();
    sqlx::query!(
        "INSERT INTO warehouse.move_tasks
             (tenant_id, move_task_id, facility_id, kind, state, plan_id, item_id, lot_id, quantity, from_location_id, to_location_id,
              reason, created_by, created_at, updated_at)
         SELECT $1, k.*, k.created_at
         FROM UNNEST($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[], $9::numeric[], $10::uuid[],
                     $11::uuid[], $12::text[], $13::uuid[], $14::timestamptz[])
              AS k (move_task_id, facility_id, kind, state, plan_id, item_id, lot_id, quantity, from_location_id, to_location_id, reason,
                    created_by, created_at)",
        tenant.as_str(),
        &uuid(|task| task.move_task_id.0),
        &uuid(|task| task.facility_id.0),
        &word(|task| task.kind.as_str()),
        &word(|task| task.state.as_str()),
        &plans as &[Option<Uuid>],
        &uuid(|task| task.item_id.0),
        &lots as &[Option<Uuid>],
        &quantities,
        &uuid(|task| task.from_location_id.0),
        &uuid(|task| task.to_location_id.0),
        &word(|task| &task.reason),
        &uuid(|task| task.created_by.0),
        &made,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes what may change of locked tasks.
pub(super) async fn update(connection: &mut PgConnection, tenant: &TenantId, tasks: &[MoveTask]) -> Result<()> {
    let ids: Vec<Uuid> = tasks.iter().map(|task| task.move_task_id.0).collect();
    let states: Vec<String> = tasks.iter().map(|task| task.state.to_string()).collect();
    let claimers: Vec<Option<Uuid>> = tasks.iter().map(|task| task.claimed_by.map(|user| user.0)).collect();
    let names: Vec<String> = tasks.iter().map(|task| task.claimed_by_name.clone()).collect();
    let claimed: Vec<Option<DateTime<Utc>>> = tasks.iter().map(|task| task.claimed_at).collect();
    let closed: Vec<Option<DateTime<Utc>>> = tasks.iter().map(|task| task.closed_at).collect();
    let reasons: Vec<String> = tasks.iter().map(|task| task.closed_reason.clone()).collect();
    let movements: Vec<Option<Uuid>> = tasks.iter().map(|task| task.movement_id.map(|id| id.0)).collect();
    let versions: Vec<i32> = tasks.iter().map(|task| task.version).collect();
    let times: Vec<DateTime<Utc>> = tasks.iter().map(|task| task.updated_at).collect();
    sqlx::query!(
        "UPDATE warehouse.move_tasks m
         SET state = k.state, claimed_by = k.claimed_by, claimed_by_name = k.claimed_by_name, claimed_at = k.claimed_at,
             closed_at = k.closed_at, closed_reason = k.closed_reason, movement_id = k.movement_id, version = k.version,
             updated_at = k.updated_at
         FROM UNNEST($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[], $9::uuid[],
                     $10::int[], $11::timestamptz[])
              AS k (id, state, claimed_by, claimed_by_name, claimed_at, closed_at, closed_reason, movement_id, version, updated_at)
         WHERE m.tenant_id = $1 AND m.move_task_id = k.id AND m.move_task_id = ANY ($2::uuid[])",
        tenant.as_str(),
        &ids,
        &states,
        &claimers as &[Option<Uuid>],
        &names,
        &claimed as &[Option<DateTime<Utc>>],
        &closed as &[Option<DateTime<Utc>>],
        &reasons,
        &movements as &[Option<Uuid>],
        &versions,
        &times,
    )
    .execute(connection)
    .await?;
    Ok(())
}
