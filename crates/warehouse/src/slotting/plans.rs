//! Plans of moves: asked for, computed by a job, approved or rejected, and looked at again before each move.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use inventory::{BalanceRow, QualityStatus, service as stock};
use kernel::{FacilityId, ItemId, LocationId, LotId, Page, PageRequest, Quantity, TenantId};
use optimization::slotting::PlanSettings;
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::jobs::{Job, NewJob};
use platform::{App, Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::dto::{PlanDto, PlannedMoveDto};
use super::hall::{Hall, Stocked};
use super::input::{PlanFilter, PlanRequest, RejectPlan};
use super::model::{PLAN_DAYS, Plan, PlannedMove};
use super::planner::{self, Proposal, Step};
use super::store::plan as store;
use super::{daily, recommendations};
use crate::check::Checks;
use crate::facility::service as facilities;
use crate::location::load::Snapshot;
use crate::location::{Location, service as locations};
use crate::outbound::TEXT_MAX;
use crate::putaway::service as putaways;
use crate::tasks::{ApproveTasks, MoveTask, NewTask, service as tasks};
use crate::words::{MoveTaskKind, MoveTaskState, SlottingPlanState};
use crate::{SLOTTING, TASKS_APPROVE, WAREHOUSE_READ};

pub(crate) const JOB: &str = "slotting.plan";
const MOVES_MAX: i32 = 500;
const JUDGE_DAYS: u16 = 30;

/// Asks for a plan; a job computes it.
pub async fn request(tx: &mut Tx, actor: &Actor, input: &PlanRequest) -> Result<PlanDto> {
    actor.require(SLOTTING)?;
    let facility = super::service::facility_of(tx, actor, &input.facility).await?;
    let mut checks = Checks::default();
    let kind = input.kind.unwrap_or(MoveTaskKind::Reslot);
    let is_known = matches!(kind, MoveTaskKind::Reslot | MoveTaskKind::Consolidation);
    checks.require(is_known, "kind", "must be RESLOT or CONSOLIDATION");
    let moves_max = input.moves_max.unwrap_or(50);
    checks.require((1..=MOVES_MAX).contains(&moves_max), "moves_max", "must be from 1 to 500");
    let payback_days = input.payback_days.unwrap_or(30.0);
    checks.require(payback_days > 0.0 && payback_days <= 3_650.0, "payback_days", "must be above 0, at most 3,650 days");
    let handling_m = input.handling_m.unwrap_or(60.0);
    checks.require((0.0..=100_000.0).contains(&handling_m), "handling_m", "must be from 0 to 100,000 m");
    let history_days = input.history_days.unwrap_or(180);
    checks.require((1..=730).contains(&history_days), "history_days", "must be from 1 to 730");
    checks.done()?;
    let now = actor.env.now();
    let plan = Plan {
        plan_id: actor.env.new_id(),
        facility_id: facility.facility_id.0,
        facility_code: facility.code,
        kind,
        state: SlottingPlanState::Queued,
        progress_percent: 0,
        progress_text: "waits for a worker".into(),
        moves_max,
        payback_days,
        handling_m,
        history_days,
        orders: 0,
        items: 0,
        before_m_per_day: 0.0,
        after_m_per_day: 0.0,
        cost_m: 0.0,
        message: String::new(),
        created_by: actor.principal.user.0,
        created_by_name: actor.principal.name.clone(),
        created_at: now,
        finished_at: None,
        expires_at: now + TimeDelta::days(PLAN_DAYS),
        decided_at: None,
        decided_by_name: String::new(),
        version: 1,
    };
    store::insert(tx, actor.tenant(), &plan).await?;
    let payload = json!({ "plan_id": plan.plan_id });
    tx.enqueue(actor, NewJob { kind: JOB, payload, dedup_key: Some(plan.plan_id.to_string()) });
    tx.audit(actor, audit::Entry::new("slotting.plan", "slotting plan", plan.plan_id).after(&plan));
    announce(tx, actor, &plan);
    Ok(told(plan, Vec::new(), &[]))
}

fn announce(tx: &mut Tx, actor: &Actor, plan: &Plan) {
    let payload = json!({ "facility_id": plan.facility_id, "what": "plan", "state": plan.state });
    tx.publish(actor, Event::new("warehouse.slotting.changed", plan.plan_id, payload));
}

/// Computes a plan; what cannot be computed is told on the plan.
pub(crate) async fn perform(app: App, job: Job) -> Result<()> {
    let id = job.payload["plan_id"].as_str().and_then(|text| text.parse::<Uuid>().ok());
    let id = id.ok_or_else(|| Error::internal("a slotting job without a plan"))?;
    let actor = Actor::system(job.tenant.clone(), app.env.clone(), "slotting");
    let find = async |connection: &mut PgConnection| store::find(connection, &job.tenant, id).await;
    let Some(plan) = app.db.read(&job.tenant, find).await? else { return Ok(()) };
    if !matches!(plan.state, SlottingPlanState::Queued | SlottingPlanState::Running) {
        return Ok(());
    }
    let computed = compute(&app, &job.tenant, &plan).await;
    let failed = computed.as_ref().err().filter(|error| error.code.status() < 500).map(ToString::to_string);
    match (computed, failed) {
        (Ok((proposal, moves)), _) => finish(&app, &actor, plan, proposal, moves).await,
        (Err(error), None) => Err(error),
        (Err(error), Some(message)) => {
            let mut tx = app.db.begin(&job.tenant).await?;
            let failed = Plan {
                state: SlottingPlanState::Failed,
                message,
                finished_at: Some(actor.env.now()),
                version: plan.version + 1,
                ..plan
            };
            store::update(&mut tx, &job.tenant, &failed).await?;
            announce(&mut tx, &actor, &failed);
            tx.commit().await?;
            Err(error)
        }
    }
}

async fn finish(app: &App, actor: &Actor, plan: Plan, found: Proposal, moves: Vec<PlannedMove>) -> Result<()> {
    let mut tx = app.db.begin(actor.tenant()).await?;
    let Some(now) = store::lock(&mut tx, actor.tenant(), plan.plan_id).await? else { return Ok(()) };
    if !matches!(now.state, SlottingPlanState::Queued | SlottingPlanState::Running) {
        return Ok(());
    }
    let message = if !moves.is_empty() {
        String::new()
    } else if plan.kind == MoveTaskKind::Reslot && found.orders == 0 {
        format!("no order of the last {} days was picked from the aisles of the facility", plan.history_days)
    } else {
        "nothing that may move would pay".into()
    };
    let ready = Plan {
        state: SlottingPlanState::Ready,
        progress_percent: 100,
        progress_text: "done".into(),
        orders: found.orders as i64,
        items: i32::try_from(found.items).unwrap_or(i32::MAX),
        before_m_per_day: found.before_m_per_day,
        after_m_per_day: found.after_m_per_day,
        cost_m: found.cost_m,
        message,
        finished_at: Some(actor.env.now()),
        version: now.version + 1,
        ..now
    };
    store::insert_moves(&mut tx, actor.tenant(), plan.plan_id, &moves).await?;
    store::update(&mut tx, actor.tenant(), &ready).await?;
    tx.audit(actor, audit::Entry::new("slotting.planned", "slotting plan", plan.plan_id).after(&ready));
    announce(&mut tx, actor, &ready);
    tx.commit().await
}

/// What is there to plan with, read at one moment.
struct Known {
    locations: Vec<Location>,
    balances: Vec<BalanceRow>,
    spoken_for: HashSet<LocationId>,
    codes: HashMap<ItemId, String>,
    sizes: HashMap<ItemId, catalog::service::ItemSize>,
}

async fn known(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Known> {
    let locations = locations::in_facility(connection, tenant, facility).await?;
    let snapshot = Snapshot::of_facility(connection, tenant, facility, now).await?;
    let mut spoken_for: HashSet<LocationId> = snapshot.holds.iter().map(|hold| hold.location).collect();
    spoken_for.extend(store::under_way(connection, tenant, facility).await?);
    let ids: BTreeSet<ItemId> = snapshot.balances.iter().map(|balance| balance.item_id).collect();
    let labels = catalog::service::labels_by_ids(connection, tenant, &ids.into_iter().collect::<Vec<_>>()).await?;
    let codes = labels.into_iter().map(|(item, label)| (item, label.code)).collect();
    Ok(Known { locations, balances: snapshot.balances, spoken_for, codes, sizes: snapshot.sizes })
}

async fn compute(app: &App, tenant: &TenantId, plan: &Plan) -> Result<(Proposal, Vec<PlannedMove>)> {
    let facility = FacilityId(plan.facility_id);
    let now = app.env.now();
    let tell = async |percent: i32, text: &str| {
        app.db.read(tenant, async |connection| store::progress(connection, tenant, plan.plan_id, percent, text).await).await
    };
    tell(5, "reads what lies where").await?;
    let known = app.db.read(tenant, async |connection| known(connection, tenant, facility, now).await).await?;
    if plan.kind == MoveTaskKind::Consolidation {
        return Ok(recommendations::consolidation(&known.locations, &known.balances, &known.sizes, &known.spoken_for, plan));
    }
    tell(20, "reads orders").await?;
    let today = now.date_naive();
    let between = (today - TimeDelta::days(i64::from(plan.history_days)), today + TimeDelta::days(1));
    let baskets = app.db.read(tenant, async |connection| daily::baskets(connection, tenant, facility, between).await).await?;
    tell(40, &format!("plans over {} orders", baskets.len())).await?;
    let settings = PlanSettings {
        moves_max: plan.moves_max as usize,
        payback_days: plan.payback_days,
        handling_m: plan.handling_m,
        judge_days: JUDGE_DAYS,
        ..PlanSettings::default()
    };
    let search = move || {
        let stocked = Stocked {
            locations: &known.locations,
            balances: &known.balances,
            spoken_for: &known.spoken_for,
            codes: &known.codes,
        };
        let Some(hall) = Hall::of(&stocked)? else { return Ok((Proposal::default(), Vec::new())) };
        let orders = planner::orders(&hall, &baskets);
        let proposal = planner::reslot(&hall, &orders, &settings)?;
        let moves = parts(&proposal.steps, &known.balances);
        Ok((proposal, moves))
    };
    tokio::task::spawn_blocking(search).await.map_err(Error::internal)?
}

/// A row for each lot of each step. An item carries the same lots through all its steps.
fn parts(steps: &[Step], balances: &[BalanceRow]) -> Vec<PlannedMove> {
    let mut home: HashMap<ItemId, LocationId> = HashMap::new();
    let mut moves = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        let home = *home.entry(step.item).or_insert(step.from);
        let mut lots: BTreeMap<Option<LotId>, Quantity> = BTreeMap::new();
        for balance in balances.iter().filter(|balance| balance.location_id == home && balance.item_id == step.item) {
            *lots.entry(balance.lot_id).or_insert(Quantity::ZERO) += balance.on_hand;
        }
        for (lot_id, quantity) in lots.into_iter().filter(|(_, quantity)| !quantity.is_zero()) {
            moves.push(PlannedMove {
                move_no: moves.len() as i32 + 1,
                step_no: n as i32 + 1,
                chain_no: step.chain,
                item_id: step.item,
                lot_id,
                quantity,
                from_location_id: step.from,
                to_location_id: step.to,
                cost_m: step.cost_m,
                chain_saving_m_per_day: step.chain_saving_m_per_day,
                chain_cost_m: step.chain_cost_m,
                left_out: String::new(),
            });
        }
    }
    moves
}

/// Makes tasks, approved already, of those chains whose moves can all still be made; the others are left out, each with its reason.
/// With none left the plan expires.
pub async fn approve(tx: &mut Tx, actor: &Actor, id: Uuid) -> Result<PlanDto> {
    actor.require(TASKS_APPROVE)?;
    let facility = FacilityId(find(tx, actor.tenant(), id).await?.facility_id);
    putaways::lock_facility_of(tx, actor, facility).await?;
    let mut plan = find_ready(tx, actor, id).await?;
    let moves = store::moves(tx, actor.tenant(), id).await?;
    if moves.is_empty() {
        return Err(Error::conflict("the plan has no moves; reject it"));
    }
    let left_out = if plan.expires_at <= actor.env.now() {
        let chains: BTreeSet<i32> = moves.iter().map(|row| row.chain_no).collect();
        chains.into_iter().map(|chain| (chain, "nobody decided in time".to_owned())).collect()
    } else {
        outdated(tx, actor, plan.kind, &moves).await?
    };
    store::leave_out(tx, actor.tenant(), id, &left_out).await?;
    let kept: Vec<&PlannedMove> = moves.iter().filter(|row| !left_out.iter().any(|(chain, _)| *chain == row.chain_no)).collect();
    if kept.is_empty() {
        plan.state = SlottingPlanState::Expired;
        plan.message = left_out.first().map_or_else(String::new, |(_, reason)| reason.clone());
    } else {
        let new = kept.iter().map(|row| task(&plan, row)).collect();
        tasks::propose(tx, actor, facility, Some(id), new).await?;
        tasks::approve(tx, actor, &ApproveTasks { plan: Some(id), tasks: Vec::new() }).await?;
        plan.state = SlottingPlanState::Approved;
        if !left_out.is_empty() {
            plan.message = format!("{} chains of moves were left out, because stock moved meanwhile", left_out.len());
        }
    }
    decided(tx, actor, plan, "slotting.approve").await
}

fn task(plan: &Plan, row: &PlannedMove) -> NewTask {
    let reason = match plan.kind {
        MoveTaskKind::Consolidation => "brings together what lies in pieces".to_owned(),
        _ => format!("step {} of a plan; with its chain it saves {:.0} m a day", row.step_no, row.chain_saving_m_per_day),
    };
    NewTask {
        kind: plan.kind,
        item: row.item_id,
        lot: row.lot_id,
        quantity: row.quantity,
        from: row.from_location_id,
        to: row.to_location_id,
        reason,
    }
}

/// Nothing is moved.
pub async fn reject(tx: &mut Tx, actor: &Actor, id: Uuid, input: &RejectPlan) -> Result<PlanDto> {
    actor.require(TASKS_APPROVE)?;
    let mut checks = Checks::default();
    let reason = checks.text("reason", input.reason.as_deref().unwrap_or_default(), TEXT_MAX);
    checks.done()?;
    let mut plan = find_ready(tx, actor, id).await?;
    plan.state = SlottingPlanState::Rejected;
    plan.message = reason;
    decided(tx, actor, plan, "slotting.reject").await
}

async fn decided(tx: &mut Tx, actor: &Actor, mut plan: Plan, action: &'static str) -> Result<PlanDto> {
    plan.decided_at = Some(actor.env.now());
    plan.decided_by_name = actor.principal.name.chars().take(TEXT_MAX).collect();
    plan.version += 1;
    store::update(tx, actor.tenant(), &plan).await?;
    tx.audit(actor, audit::Entry::new(action, "slotting plan", plan.plan_id).after(&plan));
    announce(tx, actor, &plan);
    get(tx, actor, plan.plan_id).await
}

async fn find_ready(tx: &mut Tx, actor: &Actor, id: Uuid) -> Result<Plan> {
    let plan = store::lock(tx, actor.tenant(), id).await?;
    let plan = plan.ok_or_else(|| Error::not_found(format_args!("slotting plan {id}")))?;
    match plan.state {
        SlottingPlanState::Ready => Ok(plan),
        state => Err(Error::conflict(format!("the plan is {state}; only one that is READY can be decided"))),
    }
}

async fn find(connection: &mut PgConnection, tenant: &TenantId, id: Uuid) -> Result<Plan> {
    store::find(connection, tenant, id).await?.ok_or_else(|| Error::not_found(format_args!("slotting plan {id}")))
}

type Goods = BTreeMap<(ItemId, Option<LotId>), Quantity>;

/// What lies in the places of a plan now.
struct Floor {
    goods: HashMap<LocationId, Goods>,
    /// Why goods cannot be taken from there, or brought there.
    closed: HashMap<LocationId, &'static str>,
    codes: HashMap<LocationId, String>,
}

impl Floor {
    async fn read(tx: &mut Tx, actor: &Actor, moves: &[PlannedMove]) -> Result<Self> {
        let ids: BTreeSet<LocationId> = moves.iter().flat_map(|row| [row.from_location_id, row.to_location_id]).collect();
        let ids: Vec<LocationId> = ids.into_iter().collect();
        let now = Snapshot::of_locations(tx, actor.tenant(), &ids, actor.env.now()).await?;
        let mut floor = Self { goods: HashMap::new(), closed: HashMap::new(), codes: HashMap::new() };
        for balance in now.balances.iter().filter(|balance| !balance.on_hand.is_zero()) {
            let goods = floor.goods.entry(balance.location_id).or_default();
            *goods.entry((balance.item_id, balance.lot_id)).or_insert(Quantity::ZERO) += balance.on_hand;
            if !balance.reserved.is_zero() {
                floor.closed.insert(balance.location_id, "holds goods that are promised by now");
            } else if balance.quality_status != QualityStatus::Released {
                floor.closed.insert(balance.location_id, "holds goods that are not released");
            }
        }
        for hold in &now.holds {
            floor.closed.insert(hold.location, "is kept free for a putaway by now");
        }
        for (id, location) in locations::by_ids(tx, actor.tenant(), &ids).await? {
            if !location.takes_goods() {
                floor.closed.insert(id, "is blocked by now");
            }
            floor.codes.insert(id, location.fields.code);
        }
        Ok(floor)
    }

    fn refuse(&self, place: LocationId, why: &str) -> String {
        format!("{} {why}", self.codes.get(&place).map_or("a place that is gone", String::as_str))
    }

    /// Carries out one step in thought.
    fn step(&mut self, kind: MoveTaskKind, parts: &[PlannedMove]) -> std::result::Result<(), String> {
        let (from, to) = (parts[0].from_location_id, parts[0].to_location_id);
        for place in [from, to] {
            if let Some(why) = self.closed.get(&place) {
                return Err(self.refuse(place, why));
            }
        }
        let source = self.goods.remove(&from).unwrap_or_default();
        let carried: Goods = parts.iter().map(|part| ((part.item_id, part.lot_id), part.quantity)).collect();
        let is_there = carried.iter().all(|(goods, quantity)| source.get(goods) == Some(quantity));
        let is_alone = kind != MoveTaskKind::Reslot || source.len() == carried.len();
        if !is_there || !is_alone {
            return Err(self.refuse(from, "does not hold what the plan says any more"));
        }
        let target = self.goods.entry(to).or_default();
        let is_welcome = match kind {
            MoveTaskKind::Reslot => target.is_empty(),
            _ => carried.keys().all(|goods| target.contains_key(goods)),
        };
        if !is_welcome {
            return Err(self.refuse(to, "does not hold what the plan says any more"));
        }
        for (goods, quantity) in &carried {
            *target.entry(*goods).or_insert(Quantity::ZERO) += *quantity;
        }
        let rest: Goods = source.into_iter().filter(|(goods, _)| !carried.contains_key(goods)).collect();
        self.goods.insert(from, rest);
        Ok(())
    }
}

/// Chains of which some move cannot be made as things are now, each with the first reason.
async fn outdated(tx: &mut Tx, actor: &Actor, kind: MoveTaskKind, moves: &[PlannedMove]) -> Result<Vec<(i32, String)>> {
    let mut floor = Floor::read(tx, actor, moves).await?;
    let mut left_out = Vec::new();
    for chain in moves.chunk_by(|one, other| one.chain_no == other.chain_no) {
        let before = floor.goods.clone();
        let steps = chain.chunk_by(|one, other| one.step_no == other.step_no);
        let failed = steps.map(|parts| floor.step(kind, parts)).find_map(std::result::Result::err);
        if let Some(reason) = failed {
            floor.goods = before;
            left_out.push((chain[0].chain_no, reason));
        }
    }
    Ok(left_out)
}

/// For a task that is about to be confirmed: refuses it when what the plan saw is not so any more. The facility's lock is held.
pub(crate) async fn refuse_unless_as_planned(tx: &mut Tx, actor: &Actor, task: &MoveTask) -> Result<()> {
    let is_ours = task.plan_id.is_some() && matches!(task.kind, MoveTaskKind::Reslot | MoveTaskKind::Consolidation);
    if !is_ours {
        return Ok(());
    }
    let rows = stock::stock_at(tx, actor.tenant(), &[task.from_location_id, task.to_location_id]).await?;
    let is_it =
        |row: &&BalanceRow| row.location_id == task.from_location_id && row.item_id == task.item_id && row.lot_id == task.lot_id;
    let there: Quantity = rows.iter().filter(is_it).map(|row| row.on_hand).sum();
    if there != task.quantity {
        let place = &task.from_location_code;
        let detail = format!("{place} holds {there} by now, the plan said {}; cancel the task and plan again", task.quantity);
        return Err(Error::conflict(detail));
    }
    let is_other =
        |row: &BalanceRow| row.location_id == task.to_location_id && row.item_id != task.item_id && !row.on_hand.is_zero();
    if task.kind == MoveTaskKind::Reslot && rows.iter().any(is_other) {
        let detail = format!(
            "{} is not empty; make the earlier moves of the plan first, or cancel the task and plan again",
            task.to_location_code
        );
        return Err(Error::conflict(detail));
    }
    Ok(())
}

/// With its moves.
pub async fn get(connection: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<PlanDto> {
    actor.require(WAREHOUSE_READ)?;
    let tenant = actor.tenant();
    let plan = find(connection, tenant, id).await?;
    let moves = store::moves(connection, tenant, id).await?;
    let counts = store::task_counts(connection, tenant, id).await?;
    let moves = named(connection, tenant, moves).await?;
    Ok(told(plan, moves, &counts))
}

/// Newest first; without moves.
pub async fn list(connection: &mut PgConnection, actor: &Actor, filter: &PlanFilter, page: &PageRequest) -> Result<Page<Plan>> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facilities::wanted(connection, actor, &filter.facility).await?.map(|facility| facility.facility_id);
    let rows = store::list(connection, actor.tenant(), (facility, filter.state), page).await?;
    Ok(Page::cut(rows, page, |plan| plan.plan_id))
}

fn told(plan: Plan, moves: Vec<PlannedMoveDto>, counts: &[(MoveTaskState, i64)]) -> PlanDto {
    let of = |state: MoveTaskState| counts.iter().filter(|(found, _)| *found == state).map(|(_, count)| count).sum();
    let saved = plan.before_m_per_day - plan.after_m_per_day;
    PlanDto {
        saving_percent: if plan.before_m_per_day > 0.0 { saved / plan.before_m_per_day * 100.0 } else { 0.0 },
        moves,
        tasks: counts.iter().map(|(_, count)| count).sum(),
        tasks_done: of(MoveTaskState::Done),
        tasks_cancelled: of(MoveTaskState::Cancelled),
        plan,
    }
}

async fn named(connection: &mut PgConnection, tenant: &TenantId, moves: Vec<PlannedMove>) -> Result<Vec<PlannedMoveDto>> {
    let items: BTreeSet<ItemId> = moves.iter().map(|row| row.item_id).collect();
    let items = catalog::service::labels_by_ids(connection, tenant, &items.into_iter().collect::<Vec<_>>()).await?;
    let lots: BTreeSet<LotId> = moves.iter().filter_map(|row| row.lot_id).collect();
    let lots = stock::lots_by_ids(connection, tenant, &lots.into_iter().collect::<Vec<_>>()).await?;
    let places: BTreeSet<LocationId> = moves.iter().flat_map(|row| [row.from_location_id, row.to_location_id]).collect();
    let places = locations::by_ids(connection, tenant, &places.into_iter().collect::<Vec<_>>()).await?;
    let code = |place: LocationId| places.get(&place).map_or_else(String::new, |place| place.fields.code.clone());
    let name = |row: PlannedMove| {
        let label = items.get(&row.item_id).cloned().unwrap_or_default();
        PlannedMoveDto {
            move_no: row.move_no,
            step_no: row.step_no,
            chain_no: row.chain_no,
            material_id: row.item_id.0,
            material_code: label.code,
            material_name: label.name,
            lot_number: row.lot_id.and_then(|lot| lots.get(&lot)).map(|lot| lot.number.clone()),
            quantity: row.quantity.to_string(),
            unit: label.base_unit,
            from_location_id: row.from_location_id.0,
            from_location_code: code(row.from_location_id),
            to_location_id: row.to_location_id.0,
            to_location_code: code(row.to_location_id),
            cost_m: row.cost_m,
            chain_saving_m_per_day: row.chain_saving_m_per_day,
            chain_cost_m: row.chain_cost_m,
            left_out: row.left_out,
        }
    };
    Ok(moves.into_iter().map(name).collect())
}
