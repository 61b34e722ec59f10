use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use kernel::{FacilityId, ItemId, LocationId};
use optimization::putaway::{Method, Solution, solve};
use platform::auth::Actor;
use platform::config::{Algorithm, Switches};
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::answer::{Batch, Gathered, Placed, Terms, elapsed_ms};
use super::asked::{self, Asked};
use super::foretell::{Solved, foretell};
use super::model::{Answer, Failure, Hold, LINES_MAX, PutawayRequest, Recommendation};
use super::problem::{self, Goods, Mapped, Traffic};
use super::{affinity, crossdock, service, store, told};
use crate::check::Checks;
use crate::experiments::{assignment, with_weights};
use crate::facility::{Facility, service as facilities};
use crate::location::load::Snapshot;
use crate::location::{Kept, Load, Loads, Location};
use crate::picking::service as picking;
use crate::quality::record_failures;
use crate::words::RecommendationState;
use crate::{PUTAWAY, WAREHOUSE_READ};

/// Picks of so many days say how often goods are wanted.
const VELOCITY_DAYS: u32 = 30;

/// Finds a place for every line and holds its space; or, as a preview, only shows the answer.
///
/// Goods that open recommendations cover already are not placed again: those come back with the answer.
pub async fn recommend(tx: &mut Tx, actor: &Actor, switches: &Switches, request: &PutawayRequest) -> Result<Answer> {
    if request.preview {
        return preview(tx, actor, switches, request).await;
    }
    let started = Instant::now();
    let answer = hold(tx, actor, switches, request, started).await;
    match &answer {
        Ok(answer) => {
            crate::batch_time().record(answer.summary.processing_time_ms);
            let made = answer.summary.recommendations_generated - answer.summary.already_open;
            crate::recommendations("success").increment(made.into());
            crate::recommendations("error").increment(answer.summary.failures.into());
        }
        Err(_) => crate::recommendations("error").increment(1),
    }
    answer
}

/// The same answer without storing it, and without waiting for other batches.
pub async fn preview(
    connection: &mut PgConnection,
    actor: &Actor,
    switches: &Switches,
    request: &PutawayRequest,
) -> Result<Answer> {
    actor.require(WAREHOUSE_READ)?;
    let started = Instant::now();
    let terms = Terms::checked(request, switches)?;
    let facility = active_facility(connection, actor, request).await?;
    let terms = terms.under_experiment(connection, actor, request, &facility, None).await?;
    Ok(compute(connection, actor, request, &terms, &facility, started).await?.0.answer)
}

async fn hold(tx: &mut Tx, actor: &Actor, switches: &Switches, request: &PutawayRequest, started: Instant) -> Result<Answer> {
    actor.require(PUTAWAY)?;
    let terms = Terms::checked(request, switches)?;
    let facility = active_facility(tx, actor, request).await?;
    let batch = actor.env.new_id();
    let terms = terms.under_experiment(tx, actor, request, &facility, Some(batch)).await?;
    store::lock_facility(tx, actor.tenant(), Some(facility.facility_id)).await?;
    store::expire(tx, actor.tenant(), facility.facility_id, actor.env.now()).await?;
    let (mut planned, floor) = compute(tx, actor, request, &terms, &facility, started).await?;
    if !floor.is_true_of(tx, actor, &planned).await? {
        tracing::warn!(facility = %facility.code, "what is kept of the facility disagrees with the database; it is read anew");
        Kept::forget(actor.tenant(), facility.facility_id);
        planned = compute(tx, actor, request, &terms, &facility, started).await?.0;
    }
    let Batch { mut answer, new } = planned;
    if !new.is_empty() {
        answer.batch_id = Some(batch);
        let made: Vec<Recommendation> = new.iter().map(|index| answer.recommendations[*index].clone()).collect();
        let made: Vec<Recommendation> = made.into_iter().map(|one| Recommendation { batch_id: Some(batch), ..one }).collect();
        store::insert(tx, actor.tenant(), &made).await?;
        for index in new {
            answer.recommendations[index].batch_id = Some(batch);
        }
        record(tx, actor, &facility, batch, &made);
    }
    let over: Vec<(Uuid, &Failure)> = answer
        .failures
        .iter()
        .filter(|failure| failure.capacity.is_some())
        .map(|failure| (actor.env.new_id(), failure))
        .collect();
    if !over.is_empty() && switches.data_quality_monitoring {
        record_failures(tx, actor.tenant(), facility.facility_id, &over, actor.env.now()).await?;
    }
    answer.summary.processing_time_ms = elapsed_ms(started);
    Ok(answer)
}

fn record(tx: &mut Tx, actor: &Actor, facility: &Facility, batch: Uuid, made: &[Recommendation]) {
    let lines: Vec<_> = made
        .iter()
        .map(|one| {
            json!({"recommendation_id": one.recommendation_id, "item": one.item_code, "lot": one.lot_number, "quantity": one.quantity,
                   "to": one.location_code, "score": one.score})
        })
        .collect();
    tx.audit(actor, audit::Entry::new("putaway.recommend", "putaway batch", batch).after(&lines));
    let payload = json!({"facility_id": facility.facility_id, "state": RecommendationState::Open, "count": made.len()});
    tx.publish(actor, Event::new("warehouse.recommendation.changed", batch, payload));
}

async fn active_facility(connection: &mut PgConnection, actor: &Actor, request: &PutawayRequest) -> Result<Facility> {
    let facility = facilities::find(connection, actor.tenant(), &request.facility).await.map_err(|error| error.at("facility"))?;
    if !facility.is_active {
        return Err(Error::field("facility", format!("facility {:?} is not active", facility.code)));
    }
    Ok(facility)
}

/// The method that a setting names.
fn method_of(algorithm: Algorithm) -> Method {
    match algorithm {
        Algorithm::Ffd => Method::Ffd,
        Algorithm::Bfd => Method::Bfd,
        Algorithm::Hybrid => Method::Hybrid,
        Algorithm::Optimal => Method::Optimal,
    }
}

impl Terms {
    fn checked(request: &PutawayRequest, switches: &Switches) -> Result<Self> {
        let mut checks = Checks::default();
        let sources = [request.receipt.is_some(), !request.balances.is_empty(), request.all_waiting, !request.items.is_empty()];
        let named = sources.into_iter().filter(|named| *named).count();
        checks.require(named == 1, "items", "exactly one of receipt, balances, all_waiting and items must say which goods");
        for (field, count) in [("balances", request.balances.len()), ("items", request.items.len())] {
            checks.require(count <= LINES_MAX, field, "must be at most 500; send several batches");
        }
        let usual = method_of(switches.algorithm);
        let named =
            request.algorithm.as_deref().map(|name| name.parse::<Method>().map_err(|invalid| kernel::Invalid(invalid.problem)));
        let method = checks.take("algorithm", named.unwrap_or(Ok(usual)));
        let hold_minutes = checks.take("hold_minutes", request.hold_minutes());
        checks.done()?;
        Ok(Self {
            method: method.unwrap_or(usual),
            hold_minutes: hold_minutes.unwrap_or(super::model::HOLD_MINUTES),
            switches: *switches,
            assignment: None,
        })
    }

    /// Who names a method gets it; else a running experiment says how goods of its units are placed.
    async fn under_experiment(
        self,
        connection: &mut PgConnection,
        actor: &Actor,
        request: &PutawayRequest,
        facility: &Facility,
        batch: Option<Uuid>,
    ) -> Result<Self> {
        if request.algorithm.is_some() {
            return Ok(self);
        }
        let receipt = request.receipt.as_deref();
        let assignment = assignment(connection, actor, facility.facility_id, receipt, batch).await?;
        Ok(Self { method: assignment.as_ref().map_or(self.method, |assigned| assigned.method), assignment, ..self })
    }
}

async fn compute(
    connection: &mut PgConnection,
    actor: &Actor,
    request: &PutawayRequest,
    terms: &Terms,
    facility: &Facility,
    started: Instant,
) -> Result<(Batch, Floor)> {
    let tenant = actor.tenant();
    let references: Vec<String> = request.items.iter().map(|item| item.item.clone()).collect();
    let named = catalog::service::resolve(connection, tenant, &references).await?;
    let floor = Floor::of(connection, actor, facility.facility_id).await?;
    let places = &floor.kept.places;
    let mut asked = if request.items.is_empty() {
        asked::waiting(connection, actor, request, &floor.holds, places).await?
    } else {
        asked::advised(request, terms.method, facility, &named, &floor.holds)?
    };
    refuse_absurd(&mut asked, places);
    let staged = stage(connection, actor, terms, facility, &mut asked.goods, &floor).await?;
    let traffic = traffic(connection, actor, terms, facility, &asked.goods).await?;
    let mut mapped = problem::map(&asked.goods, places, &floor.loads, &floor.kept.sizes, &traffic);
    if let Some(assigned) = &terms.assignment {
        mapped.problem.settings = with_weights(&mapped.problem.settings, &assigned.weights)?;
    }
    problem::switch_off(&mut mapped.problem.settings, &terms.switches);
    let (mapped, solution) = solved(mapped, terms.method).await?;
    let known = service::named_by_ids(connection, actor, &asked.open).await?;
    let stored = Placed { goods: asked.goods, mapped, solution };
    let gathered = Gathered {
        terms,
        facility,
        places,
        total: asked.total,
        known,
        failures: asked.failures,
        staged,
        stored: &stored,
        started,
    };
    let mut batch = gathered.answer(actor);
    let solved = Solved { method: terms.method, placed: &stored, places, loads: &floor.loads, now: actor.env.now() };
    foretell(connection, tenant, &terms.switches, &solved, &mut batch.answer.recommendations).await?;
    Ok((batch, floor))
}

/// A facility as a batch is planned on it.
struct Floor {
    kept: Kept,
    holds: Vec<Hold>,
    loads: Loads,
}

impl Floor {
    async fn of(connection: &mut PgConnection, actor: &Actor, facility: FacilityId) -> Result<Self> {
        let holds = store::holds_in_facility(connection, actor.tenant(), facility, actor.env.now()).await?;
        let kept = Kept::of_facility(connection, actor.tenant(), facility, &holds).await?;
        let loads = kept.loads(&holds);
        Ok(Self { kept, holds, loads })
    }

    /// Whether the places of new recommendations hold in the database what they were taken to hold.
    async fn is_true_of(&self, connection: &mut PgConnection, actor: &Actor, batch: &Batch) -> Result<bool> {
        let chosen = batch.new.iter().map(|index| batch.answer.recommendations[*index].location_id);
        let chosen: Vec<LocationId> = chosen.collect::<BTreeSet<_>>().into_iter().collect();
        if chosen.is_empty() {
            return Ok(true);
        }
        let now = Snapshot::of_locations(connection, actor.tenant(), &chosen, actor.env.now()).await?.loads();
        let empty = Load::default();
        let is_true = |place| now.get(place).unwrap_or(&empty).is_like(self.loads.get(place).unwrap_or(&empty));
        Ok(chosen.iter().all(is_true))
    }
}

fn refuse_absurd(asked: &mut Asked, places: &[Location]) {
    let capacity = problem::capacity(places);
    let absurd = asked.goods.iter().filter_map(|goods| told::beyond_all(goods, capacity));
    asked.failures.extend(absurd);
    asked.goods.retain(|goods| told::beyond_all(goods, capacity).is_none());
}

/// Takes what orders lack that are due soon out of the goods, and finds room in STAGING for it. What finds none there stays with the goods.
async fn stage(
    connection: &mut PgConnection,
    actor: &Actor,
    terms: &Terms,
    facility: &Facility,
    goods: &mut Vec<Goods>,
    floor: &Floor,
) -> Result<Option<Placed>> {
    if !terms.switches.cross_dock {
        return Ok(None);
    }
    let items: BTreeSet<ItemId> =
        goods.iter().filter(|goods| crossdock::may_be_staged(goods)).filter_map(Goods::item_id).collect();
    let items: Vec<ItemId> = items.into_iter().collect();
    let shortages = crossdock::shortages(connection, actor, facility.facility_id, &items, &floor.holds).await?;
    let (staged, rest) = crossdock::divide(std::mem::take(goods), &shortages, actor.env.now());
    *goods = rest;
    if staged.is_empty() {
        return Ok(None);
    }
    let mapped = problem::map_to_staging(&staged, &floor.kept.places, &floor.loads, &floor.kept.sizes);
    let (mapped, solution) = solved(mapped, Method::Bfd).await?;
    crossdock::store_the_rest(goods, &staged, &mapped, &solution);
    Ok(Some(Placed { goods: staged, mapped, solution }))
}

async fn traffic(
    connection: &mut PgConnection,
    actor: &Actor,
    terms: &Terms,
    facility: &Facility,
    goods: &[Goods],
) -> Result<Traffic> {
    let items: BTreeSet<ItemId> = goods.iter().filter_map(Goods::item_id).collect();
    let items: Vec<ItemId> = items.into_iter().collect();
    if items.is_empty() {
        return Ok(Traffic::default());
    }
    let (tenant, facility, now) = (actor.tenant(), facility.facility_id, actor.env.now());
    let active_picks = if terms.switches.congestion_avoidance {
        picking::active_picks_by_aisle(connection, tenant, facility).await?
    } else {
        HashMap::new()
    };
    let partners = if terms.switches.sku_affinity {
        affinity::partners(connection, tenant, facility, &items, now).await?
    } else {
        HashMap::new()
    };
    let picks_per_day = picking::picks_per_day(connection, tenant, facility, &items, VELOCITY_DAYS, now).await?;
    Ok(Traffic { active_picks, picks_per_day, partners })
}

/// Off the threads that serve requests: a large batch computes for a while.
async fn solved(mapped: Mapped, method: Method) -> Result<(Mapped, Solution)> {
    let work = move || (solve(&mapped.problem, method), mapped);
    let (solution, mapped) = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
    let solution = solution.map_err(|invalid| Error::conflict(format!("the batch cannot be computed: {invalid}")))?;
    Ok((mapped, solution))
}
