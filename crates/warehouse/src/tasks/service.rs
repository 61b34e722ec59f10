//! Use cases of move tasks. Every change locks its tasks first, by id.

use std::collections::{BTreeSet, HashMap};

use catalog::Item;
use inventory::{Posting, QualityStatus, Serials};
use kernel::{FacilityId, ItemId, LocationId, LotId, MoveTaskId, Page, PageRequest, Quantity, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::dto::MoveTaskDto;
use super::input::{ApproveTasks, CancelTask, ConfirmTask, ProposeTasks, TaskFilter};
use super::model::{MoveTask, NewTask};
use super::store::{self, Narrow};
use crate::check::{Checks, as_id};
use crate::facility::{Facility, service as facilities};
use crate::location::{Location, service as locations};
use crate::outbound::TEXT_MAX;
use crate::picking::without_index;
use crate::putaway::service as putaways;
use crate::receiving::service::in_base_unit;
use crate::words::MoveTaskState;
use crate::{TASKS_APPROVE, TASKS_WRITE, WAREHOUSE_READ};

pub(super) const TASKS_MAX: usize = 2_000;

/// For other features, which have authorised already and resolved everything: proposes moves inside one facility, as parts of a
/// plan where there is one. Whether the goods are there and fit is looked at when a task is confirmed.
pub async fn propose(
    tx: &mut Tx,
    actor: &Actor,
    facility: FacilityId,
    plan: Option<Uuid>,
    new: Vec<NewTask>,
) -> Result<Vec<MoveTaskId>> {
    let now = actor.env.now();
    let task = |new: NewTask| MoveTask {
        move_task_id: MoveTaskId(actor.env.new_id()),
        facility_id: facility,
        facility_code: String::new(),
        kind: new.kind,
        state: MoveTaskState::Proposed,
        plan_id: plan,
        item_id: new.item,
        item_code: String::new(),
        item_name: String::new(),
        base_unit: String::new(),
        lot_id: new.lot,
        lot_number: None,
        quantity: new.quantity,
        from_location_id: new.from,
        from_location_code: String::new(),
        to_location_id: new.to,
        to_location_code: String::new(),
        reason: new.reason,
        claimed_by: None,
        claimed_by_name: String::new(),
        claimed_at: None,
        closed_at: None,
        closed_reason: String::new(),
        movement_id: None,
        version: 1,
        created_by: actor.principal.user,
        created_at: now,
        updated_at: now,
    };
    let tasks: Vec<MoveTask> = new.into_iter().map(task).collect();
    let Some(first) = tasks.first() else { return Ok(Vec::new()) };
    store::insert(tx, actor.tenant(), &tasks).await?;
    let after = json!({ "plan_id": plan, "facility_id": facility, "tasks": tasks.len() });
    tx.audit(actor, audit::Entry::new("task.propose", "move task", first.move_task_id).after(&after));
    announce(tx, actor, &tasks);
    Ok(tasks.into_iter().map(|task| task.move_task_id).collect())
}

fn announce(tx: &mut Tx, actor: &Actor, tasks: &[MoveTask]) {
    let Some(first) = tasks.first() else { return };
    let payload =
        json!({ "state": first.state, "facility_id": first.facility_id, "plan_id": first.plan_id, "count": tasks.len() });
    tx.publish(actor, Event::new("warehouse.move_task.changed", first.move_task_id, payload));
}

/// Proposes moves that a person thought of, all or nothing.
pub async fn create(tx: &mut Tx, actor: &Actor, input: &ProposeTasks) -> Result<Vec<MoveTaskDto>> {
    actor.require(TASKS_WRITE)?;
    if input.tasks.is_empty() || input.tasks.len() > TASKS_MAX {
        return Err(Error::field("tasks", format!("must hold 1 to {TASKS_MAX} tasks")));
    }
    let tenant = actor.tenant();
    let facility = facilities::find(tx, tenant, &input.facility).await.map_err(|error| error.at("facility"))?;
    let references: Vec<String> = input.tasks.iter().map(|task| task.item.trim().to_owned()).collect();
    let items = catalog::service::resolve(tx, tenant, &references).await?;
    let places = places(tx, tenant, &facility, input).await?;
    let numbers: Vec<(ItemId, String)> = input
        .tasks
        .iter()
        .filter_map(|task| Some((items.get(task.item.trim())?.item_id, lot_of(&task.lot_number)?.to_owned())))
        .collect();
    let lots = inventory::service::find_lots(tx, tenant, &numbers).await?;
    let new = read(input, &items, &places, &lots)?;
    let ids = propose(tx, actor, facility.facility_id, None, new).await?;
    let ids: Vec<Uuid> = ids.into_iter().map(|id| id.0).collect();
    let tasks = store::lock(tx, tenant, &ids).await?;
    named(tx, tenant, tasks).await
}

fn lot_of(number: &Option<String>) -> Option<&str> {
    number.as_deref().map(str::trim).filter(|number| !number.is_empty())
}

/// The facility's locations that tasks name, by how they name them.
async fn places(
    tx: &mut Tx,
    tenant: &TenantId,
    facility: &Facility,
    input: &ProposeTasks,
) -> Result<HashMap<String, LocationId>> {
    let texts: BTreeSet<&str> = input.tasks.iter().flat_map(|task| [task.from.trim(), task.to.trim()]).collect();
    let codes: Vec<String> = texts
        .iter()
        .map(|text| text.strip_prefix(&facility.code).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text).to_owned())
        .filter(|code| !code.contains('\0'))
        .collect();
    let ids: Vec<LocationId> = texts.iter().filter_map(|text| as_id(text)).map(LocationId).collect();
    let mut found: HashMap<String, LocationId> = HashMap::new();
    for location in locations::by_ids(tx, tenant, &ids).await?.into_values() {
        if location.facility_id == facility.facility_id {
            found.insert(location.location_id.to_string(), location.location_id);
        }
    }
    for location in locations::by_codes(tx, tenant, facility.facility_id, &codes).await? {
        found.insert(location.reference(), location.location_id);
        found.insert(location.fields.code, location.location_id);
    }
    Ok(found)
}

fn read(
    input: &ProposeTasks,
    items: &HashMap<String, Item>,
    places: &HashMap<String, LocationId>,
    lots: &HashMap<(ItemId, String), LotId>,
) -> Result<Vec<NewTask>> {
    let mut checks = Checks::default();
    let mut tasks = Vec::with_capacity(input.tasks.len());
    for (n, given) in input.tasks.iter().enumerate() {
        let checks = checks.inside(format!("tasks[{n}]."));
        let place = |text: &str| places.get(text.trim()).copied();
        let (from, to) = (place(&given.from), place(&given.to));
        for (field, found, text) in [("from", from, &given.from), ("to", to, &given.to)] {
            checks.require(found.is_some(), field, &format!("location {text:?} does not exist in the facility"));
        }
        checks.require(from.is_none() || from != to, "to", "must be another location than `from`");
        let reason = checks.text("reason", given.reason.as_deref().unwrap_or_default(), TEXT_MAX);
        let Some(item) = items.get(given.item.trim()) else {
            checks.refuse("item", format!("item {:?} does not exist", given.item));
            continue;
        };
        let number = lot_of(&given.lot_number);
        let lot = number.and_then(|number| lots.get(&(item.item_id, number.to_owned())).copied());
        checks.require(number.is_none() || lot.is_some(), "lot_number", "is not a lot of this item");
        checks.require(number.is_some() || !item.lot_tracked, "lot_number", "is needed: the item is lot-tracked");
        let Some(quantity) = checks.take("quantity", given.quantity.parse::<Quantity>()) else { continue };
        let Some(quantity) = in_base_unit(checks, "quantity", "unit", quantity, given.unit.as_deref(), item) else { continue };
        if let (Some(from), Some(to)) = (from, to) {
            tasks.push(NewTask { kind: given.kind, item: item.item_id, lot, quantity, from, to, reason });
        }
    }
    checks.done().map(|()| tasks)
}

/// Lets proposed tasks be claimed, all that are named or none.
pub async fn approve(tx: &mut Tx, actor: &Actor, input: &ApproveTasks) -> Result<Vec<MoveTaskDto>> {
    actor.require(TASKS_APPROVE)?;
    let ids = match (input.plan, input.tasks.as_slice()) {
        (Some(plan), []) => store::proposed_of(tx, actor.tenant(), plan).await?,
        (None, tasks) if !tasks.is_empty() && tasks.len() <= TASKS_MAX => tasks.to_vec(),
        _ => return Err(Error::field("tasks", format!("must hold 1 to {TASKS_MAX} ids; or name a plan instead"))),
    };
    if ids.is_empty() {
        return Err(Error::conflict("nothing of the plan waits to be approved"));
    }
    let mut tasks = store::lock(tx, actor.tenant(), &ids).await?;
    if let Some(missing) = ids.iter().find(|id| !tasks.iter().any(|task| task.move_task_id.0 == **id)) {
        return Err(Error::not_found(format_args!("move task {missing}")));
    }
    for task in &mut tasks {
        if task.state != MoveTaskState::Proposed {
            return Err(Error::conflict(format!("task {} is {} already", task.move_task_id, task.state)));
        }
        task.become_state(MoveTaskState::Approved)?;
    }
    write(tx, actor, "task.approve", &mut tasks).await?;
    named(tx, actor.tenant(), tasks).await
}

async fn write(tx: &mut Tx, actor: &Actor, action: &'static str, tasks: &mut [MoveTask]) -> Result<()> {
    for task in tasks.iter_mut() {
        task.version += 1;
        task.updated_at = actor.env.now();
    }
    store::update(tx, actor.tenant(), tasks).await?;
    for task in tasks.iter() {
        let after = json!({ "state": task.state, "plan_id": task.plan_id, "movement_id": task.movement_id, "reason": task.closed_reason });
        tx.audit(actor, audit::Entry::new(action, "move task", task.move_task_id).after(&after));
    }
    announce(tx, actor, tasks);
    Ok(())
}

async fn find_locked(tx: &mut Tx, actor: &Actor, id: MoveTaskId) -> Result<MoveTask> {
    let found = store::lock(tx, actor.tenant(), &[id.0]).await?.pop();
    found.ok_or_else(|| Error::not_found(format_args!("move task {id}")))
}

/// Takes an approved task for oneself.
pub async fn claim(tx: &mut Tx, actor: &Actor, id: MoveTaskId) -> Result<MoveTaskDto> {
    actor.require(TASKS_WRITE)?;
    let mut task = find_locked(tx, actor, id).await?;
    task.become_state(MoveTaskState::Claimed)?;
    task.claimed_by = Some(actor.principal.user);
    task.claimed_by_name = actor.principal.name.chars().take(TEXT_MAX).collect();
    task.claimed_at = Some(actor.env.now());
    end(tx, actor, "task.claim", task).await
}

/// Gives a claimed task back, so that another may take it: one's own, or anybody's with the right to approve.
pub async fn unclaim(tx: &mut Tx, actor: &Actor, id: MoveTaskId) -> Result<MoveTaskDto> {
    actor.require(TASKS_WRITE)?;
    let mut task = find_locked(tx, actor, id).await?;
    if task.state != MoveTaskState::Claimed {
        return Err(Error::conflict(format!("the task is {}; nobody has claimed it", task.state)));
    }
    if task.claimed_by != Some(actor.principal.user) {
        actor.require(TASKS_APPROVE)?;
    }
    task.become_state(MoveTaskState::Approved)?;
    (task.claimed_by, task.claimed_by_name, task.claimed_at) = (None, String::new(), None);
    end(tx, actor, "task.unclaim", task).await
}

/// Says that the goods were brought, which moves them in the ledger. Only who claimed it may; what is not there any more, or does
/// not fit any more, is refused.
pub async fn confirm(tx: &mut Tx, actor: &Actor, id: MoveTaskId, input: &ConfirmTask) -> Result<MoveTaskDto> {
    actor.require(TASKS_WRITE)?;
    let facility = find(tx, actor.tenant(), id).await?.facility_id;
    putaways::lock_facility_of(tx, actor, facility).await?;
    let mut task = find_locked(tx, actor, id).await?;
    if task.state == MoveTaskState::Claimed && task.claimed_by != Some(actor.principal.user) {
        return Err(Error::conflict(format!("the task is {} by {}", task.state, task.claimed_by_name)));
    }
    task.become_state(MoveTaskState::Done)?;
    crate::slotting::refuse_unless_as_planned(tx, actor, &task).await?;
    let target = target(tx, actor, &task).await?;
    let goods = (task.item_id, task.lot_id, task.quantity);
    let fits = putaways::refuse_unless_they_fit(tx, actor, goods, &target).await;
    fits.map_err(|error| Error { fields: Vec::new(), ..error })?;
    let (from, to) = (task.from_location_id, task.to_location_id);
    let posting = Posting::transfer(task.item_id, task.lot_id, task.quantity, from, to, QualityStatus::Released);
    let serials = if input.serials.is_empty() { Serials::InOrder } else { Serials::Named(input.serials.clone()) };
    let posting = Posting { serials, ..posting }.with_reference(format!("move task {id}")).with_reason(task.reason.clone());
    let posted = inventory::service::post(tx, actor, &[posting]).await.map_err(without_index)?;
    task.movement_id = posted.first().map(|posted| posted.movement_id);
    task.closed_at = Some(actor.env.now());
    end(tx, actor, "task.confirm", task).await
}

async fn target(tx: &mut Tx, actor: &Actor, task: &MoveTask) -> Result<Location> {
    let found = locations::by_ids(tx, actor.tenant(), &[task.to_location_id]).await?.remove(&task.to_location_id);
    found.ok_or_else(|| Error::internal("a task to a location that does not exist"))
}

/// Ends a task that is not done; nothing moves.
pub async fn cancel(tx: &mut Tx, actor: &Actor, id: MoveTaskId, input: &CancelTask) -> Result<MoveTaskDto> {
    actor.require(TASKS_WRITE)?;
    let mut checks = Checks::default();
    let reason = checks.text("reason", input.reason.as_deref().unwrap_or_default(), TEXT_MAX);
    checks.done()?;
    let mut task = find_locked(tx, actor, id).await?;
    if task.state == MoveTaskState::Claimed && task.claimed_by != Some(actor.principal.user) {
        actor.require(TASKS_APPROVE)?;
    }
    task.become_state(MoveTaskState::Cancelled)?;
    task.closed_reason = reason;
    task.closed_at = Some(actor.env.now());
    end(tx, actor, "task.cancel", task).await
}

async fn end(tx: &mut Tx, actor: &Actor, action: &'static str, task: MoveTask) -> Result<MoveTaskDto> {
    let mut tasks = [task];
    write(tx, actor, action, &mut tasks).await?;
    let told = named(tx, actor.tenant(), tasks.into()).await?.pop();
    told.ok_or_else(|| Error::internal("one task has one answer"))
}

async fn find(connection: &mut PgConnection, tenant: &TenantId, id: MoveTaskId) -> Result<MoveTask> {
    let found = store::find(connection, tenant, id.0).await?;
    found.ok_or_else(|| Error::not_found(format_args!("move task {id}")))
}

pub async fn get(connection: &mut PgConnection, actor: &Actor, id: MoveTaskId) -> Result<MoveTaskDto> {
    actor.require(WAREHOUSE_READ)?;
    let task = find(connection, actor.tenant(), id).await?;
    let told = named(connection, actor.tenant(), vec![task]).await?.pop();
    told.ok_or_else(|| Error::internal("one task has one answer"))
}

/// Newest first.
pub async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &TaskFilter,
    page: &PageRequest,
) -> Result<Page<MoveTaskDto>> {
    actor.require(WAREHOUSE_READ)?;
    let narrow = Narrow {
        facility: facilities::wanted(connection, actor, &filter.facility).await?.map(|facility| facility.facility_id.0),
        state: filter.state,
        kind: filter.kind,
        plan: filter.plan,
        unfinished: filter.unfinished == Some(true),
    };
    let rows = store::list(connection, actor.tenant(), &narrow, page).await?;
    let page = Page::cut(rows, page, |task| task.move_task_id);
    let items = named(connection, actor.tenant(), page.items).await?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// With what people call items and lots.
async fn named(connection: &mut PgConnection, tenant: &TenantId, tasks: Vec<MoveTask>) -> Result<Vec<MoveTaskDto>> {
    let items: BTreeSet<ItemId> = tasks.iter().map(|task| task.item_id).collect();
    let items = catalog::service::labels_by_ids(connection, tenant, &items.into_iter().collect::<Vec<_>>()).await?;
    let lots: BTreeSet<LotId> = tasks.iter().filter_map(|task| task.lot_id).collect();
    let lots = inventory::service::lots_by_ids(connection, tenant, &lots.into_iter().collect::<Vec<_>>()).await?;
    let name = |mut task: MoveTask| {
        if let Some(item) = items.get(&task.item_id) {
            task.item_code.clone_from(&item.code);
            task.item_name.clone_from(&item.name);
            task.base_unit.clone_from(&item.base_unit);
        }
        task.lot_number = task.lot_id.and_then(|lot| lots.get(&lot)).map(|lot| lot.number.clone());
        MoveTaskDto::from(task)
    };
    Ok(tasks.into_iter().map(name).collect())
}
