use std::collections::HashMap;
use std::time::Instant;

use catalog::Item;
use chrono::TimeDelta;
use inventory::{BalanceRow, QualityStatus};
use kernel::{ItemId, LocationId, LotId, Quantity, ReceiptLineId, RecommendationId};
use optimization::putaway::{Method, Solution, solve};
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result, audit};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Answer, Failure, Held, Hold, LINES_MAX, PutawayItem, PutawayRequest, Recommendation, Summary};
use super::problem::{self, Goods, Mapped, Size};
use super::{service, store};
use crate::check::Checks;
use crate::facility::{Facility, service as facilities};
use crate::location::load::{Snapshot, times};
use crate::location::{Location, service as locations};
use crate::receiving::service as receiving;
use crate::words::{LocationType, RecommendationState};
use crate::{PUTAWAY, WAREHOUSE_READ};

const MAX_UNIT_MM: i64 = 100_000;
const MAX_UNIT_G: i64 = 100_000_000;
const MAX_UNIT_CM3: i64 = 1_000_000_000_000;

/// Finds a place for every line and holds its space; or, as a preview, only shows the answer.
///
/// Goods that open recommendations cover already are not placed again: those come back with the answer.
pub async fn recommend(tx: &mut Tx, actor: &Actor, request: &PutawayRequest) -> Result<Answer> {
    if request.preview {
        return preview(tx, actor, request).await;
    }
    let started = Instant::now();
    let answer = hold(tx, actor, request, started).await;
    match &answer {
        Ok(answer) => {
            metrics::histogram!(crate::BATCH_MS).record(answer.summary.processing_time_ms);
            let made = answer.summary.recommendations_generated - answer.summary.already_open;
            metrics::counter!(crate::RECOMMENDATIONS, "status" => "success").increment(made.into());
            metrics::counter!(crate::RECOMMENDATIONS, "status" => "error").increment(answer.summary.failures.into());
        }
        Err(_) => metrics::counter!(crate::RECOMMENDATIONS, "status" => "error").increment(1),
    }
    answer
}

/// The same answer without storing it, and without waiting for other batches.
pub async fn preview(connection: &mut PgConnection, actor: &Actor, request: &PutawayRequest) -> Result<Answer> {
    actor.require(WAREHOUSE_READ)?;
    let started = Instant::now();
    let options = Options::checked(request)?;
    let facility = active_facility(connection, actor, request).await?;
    Ok(compute(connection, actor, request, &options, &facility, started).await?.answer)
}

async fn hold(tx: &mut Tx, actor: &Actor, request: &PutawayRequest, started: Instant) -> Result<Answer> {
    actor.require(PUTAWAY)?;
    let options = Options::checked(request)?;
    let facility = active_facility(tx, actor, request).await?;
    store::lock_facility(tx, actor.tenant(), Some(facility.facility_id)).await?;
    store::expire(tx, actor.tenant(), facility.facility_id, actor.env.now()).await?;
    let Batch { mut answer, new } = compute(tx, actor, request, &options, &facility, started).await?;
    if !new.is_empty() {
        let batch = actor.env.new_id();
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
    if !over.is_empty() {
        store::insert_failures(tx, actor.tenant(), &over, actor.env.now()).await?;
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

struct Options {
    method: Method,
    hold_minutes: u32,
}

impl Options {
    fn checked(request: &PutawayRequest) -> Result<Self> {
        let mut checks = Checks::default();
        let sources = [request.receipt.is_some(), !request.balances.is_empty(), request.all_waiting, !request.items.is_empty()];
        let named = sources.into_iter().filter(|named| *named).count();
        checks.require(named == 1, "items", "exactly one of receipt, balances, all_waiting and items must say which goods");
        for (field, count) in [("balances", request.balances.len()), ("items", request.items.len())] {
            checks.require(count <= LINES_MAX, field, "must be at most 500; send several batches");
        }
        let algorithm = request.algorithm.as_deref().unwrap_or("BFD");
        let method = checks.take("algorithm", algorithm.parse::<Method>().map_err(|invalid| kernel::Invalid(invalid.problem)));
        let hold_minutes = checks.take("hold_minutes", request.hold_minutes());
        checks.done()?;
        Ok(Self { method: method.unwrap_or(Method::Bfd), hold_minutes: hold_minutes.unwrap_or(super::model::HOLD_MINUTES) })
    }
}

/// An answer, and which of its recommendations are to be stored.
struct Batch {
    answer: Answer,
    new: Vec<usize>,
}

/// The goods of a request: those that need a place, and the open recommendations that cover the rest.
#[derive(Default)]
struct Asked {
    goods: Vec<Goods>,
    open: Vec<RecommendationId>,
    total: usize,
}

async fn compute(
    connection: &mut PgConnection,
    actor: &Actor,
    request: &PutawayRequest,
    options: &Options,
    facility: &Facility,
    started: Instant,
) -> Result<Batch> {
    let tenant = actor.tenant();
    let references: Vec<String> = request.items.iter().map(|item| item.item.clone()).collect();
    let named = catalog::service::resolve(connection, tenant, &references).await?;
    let snapshot = Snapshot::of_facility(connection, tenant, facility.facility_id, actor.env.now()).await?;
    let places = locations::in_facility(connection, tenant, facility.facility_id).await?;
    let asked = if request.items.is_empty() {
        waiting(connection, actor, request, &snapshot, &places).await?
    } else {
        advised(request, options, facility, &named, &snapshot)?
    };
    let loads = snapshot.loads();
    let mapped = problem::map(&asked.goods, &places, &loads, &snapshot.sizes);
    let (mapped, solution) = solved(mapped, options.method).await?;
    let known = service::named_by_ids(connection, actor, &asked.open).await?;
    Ok(answer(actor, options, facility, asked, &places, &mapped, &solution, known, started))
}

/// Off the threads that serve requests: a large batch computes for a while.
async fn solved(mapped: Mapped, method: Method) -> Result<(Mapped, Solution)> {
    let work = move || (solve(&mapped.problem, method), mapped);
    let (solution, mapped) = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
    let solution = solution.map_err(|invalid| Error::conflict(format!("the batch cannot be computed: {invalid}")))?;
    Ok((mapped, solution))
}

#[expect(clippy::too_many_arguments, reason = "gathers what the steps before it made")]
fn answer(
    actor: &Actor,
    options: &Options,
    facility: &Facility,
    asked: Asked,
    places: &[Location],
    mapped: &Mapped,
    solution: &Solution,
    known: Vec<Recommendation>,
    started: Instant,
) -> Batch {
    let already_open = known.len();
    let mut recommendations = known;
    recommendations.sort_by_key(|known| (known.created_at, known.held.line_no));
    let mut failures: Vec<Failure> = asked.goods.iter().filter_map(problem::unfit).collect();
    for (result, goods) in solution.lines.iter().zip(mapped.lines.iter().map(|index| &asked.goods[*index])) {
        let fitting = result.placements.iter().map(|placement| {
            let place = &places[mapped.bins[placement.bin]];
            let explained = problem::explanation(result, placement, mapped, places);
            let (reason_code, reason) = problem::reason(placement);
            let made = recommendation(actor, options, facility, goods, place, Quantity::from_micro(placement.quantity_micro));
            Recommendation {
                score: problem::exact(placement.score.total()),
                confidence_score: problem::exact(placement.confidence()),
                reason_code,
                reason,
                parts: explained.parts,
                alternatives: explained.alternatives,
                fill_after_percent: explained.fill_after_percent,
                nearness_rank: explained.nearness_rank,
                fitting_locations: explained.fitting_locations,
                ..made
            }
        });
        recommendations.extend(fitting);
        failures.extend(problem::left_over(goods, result, mapped, places));
    }
    failures.sort_by_key(|failure| failure.line_no);
    let new: Vec<usize> = (already_open..recommendations.len()).collect();
    let summary = Summary {
        total_items: asked.total as u32,
        recommendations_generated: recommendations.len() as u32,
        already_open: already_open as u32,
        failures: failures.len() as u32,
        algorithm: options.method.to_string(),
        // An empty sum is negative zero.
        total_score: solution.total_score + 0.0,
        upper_bound: solution.upper_bound + 0.0,
        optimality_gap: solution.optimality_gap,
        processing_time_ms: elapsed_ms(started),
    };
    Batch { answer: Answer { batch_id: None, recommendations, failures, summary }, new }
}

/// Without what the optimiser says about it.
fn recommendation(
    actor: &Actor,
    options: &Options,
    facility: &Facility,
    goods: &Goods,
    place: &Location,
    quantity: Quantity,
) -> Recommendation {
    let item = goods.item.as_ref();
    let now = actor.env.now();
    Recommendation {
        recommendation_id: RecommendationId(actor.env.new_id()),
        batch_id: None,
        facility_id: Some(facility.facility_id),
        item_id: item.map_or(ItemId(Uuid::nil()), |item| item.item_id),
        item_code: item.map_or_else(String::new, |item| item.code.clone()),
        item_name: item.map_or_else(String::new, |item| item.name.clone()),
        lot_id: goods.lot,
        lot_number: goods.lot_number.clone(),
        quality_status: goods.quality_status,
        quantity,
        from_location_id: goods.from.as_ref().map(|(id, _)| *id),
        from_location_code: goods.from.as_ref().map(|(_, code)| code.clone()),
        receipt_line_id: goods.receipt_line,
        location_id: place.location_id,
        location_code: place.fields.code.clone(),
        algorithm: options.method.to_string(),
        score: Default::default(),
        confidence_score: Default::default(),
        reason_code: String::new(),
        reason: String::new(),
        parts: Vec::new(),
        alternatives: Vec::new(),
        fill_after_percent: 0.0,
        nearness_rank: 0,
        fitting_locations: 0,
        state: RecommendationState::Open,
        was_accepted: None,
        user_feedback: String::new(),
        actual_location_id: None,
        actual_location_code: None,
        movement_id: None,
        decided_at: None,
        decided_by: None,
        created_by: actor.principal.name.clone(),
        created_at: now,
        expires_at: now + TimeDelta::minutes(options.hold_minutes.into()),
        held: Held {
            volume_mm3: times(quantity, goods.size.volume_mm3.unwrap_or(0)),
            weight_g: times(quantity, goods.size.weight_g.unwrap_or(0)),
            request_hash: goods.request_hash.clone(),
            line_no: Some(goods.line_no),
        },
    }
}

fn elapsed_ms(started: Instant) -> f64 {
    (started.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

/// Stock in RECEIVING locations that the request names.
async fn waiting(
    connection: &mut PgConnection,
    actor: &Actor,
    request: &PutawayRequest,
    snapshot: &Snapshot,
    places: &[Location],
) -> Result<Asked> {
    let docks = places.iter().filter(|place| place.fields.kind == LocationType::Receiving);
    let docks: HashMap<LocationId, &Location> = docks.map(|place| (place.location_id, place)).collect();
    let mut stock: Vec<&BalanceRow> =
        snapshot.balances.iter().filter(|balance| docks.contains_key(&balance.location_id)).collect();
    stock.sort_by_key(|balance| balance.balance_id);
    let ids: Vec<ItemId> = stock.iter().map(|balance| balance.item_id).collect();
    let items = catalog::service::items_by_ids(connection, actor.tenant(), &ids).await?;
    let mut asked = Asked::default();
    let mut pick = |balance: &BalanceRow, most: Quantity, line: Option<ReceiptLineId>| {
        let dock = docks.get(&balance.location_id).map(|dock| (dock.location_id, dock.fields.code.clone()));
        asked.add(balance, most, line, dock, items.get(&balance.item_id), &snapshot.holds);
    };
    if let Some(reference) = &request.receipt {
        let receipt = receiving::find(connection, actor.tenant(), reference).await.map_err(|error| error.at("receipt"))?;
        for arrived in receiving::arrived(connection, actor.tenant(), receipt.receipt_id).await? {
            let is_it = |balance: &&&BalanceRow| {
                (balance.item_id, balance.lot_id, balance.location_id) == (arrived.item, arrived.lot, arrived.location)
            };
            let mut rest = arrived.quantity;
            for balance in stock.iter().filter(is_it) {
                let taken = rest.min(balance.available());
                pick(balance, taken, Some(arrived.receipt_line_id));
                rest -= taken;
            }
        }
    } else if request.all_waiting {
        stock.iter().take(LINES_MAX).for_each(|balance| pick(balance, balance.available(), None));
    } else {
        let mut checks = Checks::default();
        for (n, id) in request.balances.iter().enumerate() {
            let repeated = request.balances[..n].contains(id);
            match stock.iter().find(|balance| balance.balance_id == *id) {
                Some(balance) if !repeated => pick(balance, balance.available(), None),
                Some(_) => checks.refuse(format_args!("balances[{n}]"), "is named twice"),
                None => checks.refuse(format_args!("balances[{n}]"), "is not stock in a RECEIVING location of the facility"),
            }
        }
        checks.done()?;
    }
    if asked.goods.len() > LINES_MAX {
        return Err(Error::conflict(format!("more than {LINES_MAX} lines wait; name balances, {LINES_MAX} at a time")));
    }
    Ok(asked)
}

impl Asked {
    /// At most `most` of the balance, without what open recommendations cover.
    fn add(
        &mut self,
        balance: &BalanceRow,
        most: Quantity,
        receipt_line: Option<ReceiptLineId>,
        from: Option<(LocationId, String)>,
        item: Option<&Item>,
        holds: &[Hold],
    ) {
        if most <= Quantity::ZERO {
            return;
        }
        self.total += 1;
        let goods_of = |place: Option<LocationId>, lot: Option<LotId>, status: &str| {
            (place, lot, status) == (Some(balance.location_id), balance.lot_id, balance.quality_status.as_str())
        };
        let covering =
            holds.iter().filter(|hold| hold.item == balance.item_id && goods_of(hold.from, hold.lot, &hold.quality_status));
        let mut covered = Quantity::ZERO;
        for hold in covering {
            covered += hold.quantity;
            if !self.open.contains(&hold.recommendation) {
                self.open.push(hold.recommendation);
            }
        }
        let quantity = most.min(balance.available() - covered);
        if quantity <= Quantity::ZERO {
            return;
        }
        self.goods.push(Goods {
            line_no: self.total as i32,
            reference: item.map_or_else(String::new, |item| item.code.clone()),
            size: item.map(Size::of).unwrap_or_default(),
            item: item.cloned(),
            lot: balance.lot_id,
            lot_number: balance.lot_number.clone().unwrap_or_default(),
            quality_status: balance.quality_status,
            quantity,
            from,
            receipt_line,
            request_hash: None,
        });
    }
}

/// Goods that have not arrived. The same request finds its own open recommendations again.
fn advised(
    request: &PutawayRequest,
    options: &Options,
    facility: &Facility,
    items: &HashMap<String, Item>,
    snapshot: &Snapshot,
) -> Result<Asked> {
    let hash = fingerprint(request, options, facility)?;
    let mut checks = Checks::default();
    let mut asked = Asked { total: request.items.len(), ..Asked::default() };
    for (n, given) in request.items.iter().enumerate() {
        checks.inside(format!("items[{n}]."));
        let line_no = n as i32 + 1;
        let Some((mut goods, quantity)) = advice(&mut checks, given, items.get(&given.item), line_no) else { continue };
        let mine = |hold: &&Hold| hold.request_hash.as_deref() == Some(hash.as_str()) && hold.line_no == Some(line_no);
        let mut covered = Quantity::ZERO;
        for hold in snapshot.holds.iter().filter(mine) {
            covered += hold.quantity;
            asked.open.push(hold.recommendation);
        }
        if covered < quantity {
            goods.quantity = quantity - covered;
            goods.request_hash = Some(hash.clone());
            asked.goods.push(goods);
        }
    }
    checks.done()?;
    Ok(asked)
}

fn fingerprint(request: &PutawayRequest, options: &Options, facility: &Facility) -> Result<String> {
    let asked = serde_json::to_vec(&(facility.facility_id, options.method.as_str(), &request.items)).map_err(Error::internal)?;
    Ok(Sha256::digest(asked).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn advice(checks: &mut Checks, given: &PutawayItem, item: Option<&Item>, line_no: i32) -> Option<(Goods, Quantity)> {
    let lot_number = checks.text("lot_number", given.lot_number.as_deref().unwrap_or_default(), 64);
    let dims = given.dimensions.as_ref().map(|size| size.to_mm(checks, "dimensions", MAX_UNIT_MM));
    let volume = given.volume.as_ref().map(|volume| volume.to_cm3(checks, "volume", MAX_UNIT_CM3));
    let weight = given.weight.as_ref().map(|weight| weight.to_g(checks, "weight", MAX_UNIT_G));
    let quantity = match item {
        Some(item) => receiving::in_base_unit(checks, "quantity", "unit", given.quantity, given.unit.as_deref(), item)?,
        None => checks.take("quantity", given.quantity.positive())?,
    };
    let master = item.map(Size::of).unwrap_or_default();
    let dims_mm = dims.map(|sides| sides.map(|sides| sides.map(i64::from)));
    let size = match (dims_mm, volume) {
        (Some(sides), volume) => {
            let product = sides.map(|sides| sides.into_iter().product());
            Size { dims_mm: sides, volume_mm3: volume.flatten().map(|cm3| cm3 * 1_000).or(product), weight_g: None }
        }
        // The volume given replaces the item's, whose dimensions then say nothing about these goods.
        (None, Some(volume)) => Size { dims_mm: None, volume_mm3: volume.map(|cm3| cm3 * 1_000), weight_g: None },
        (None, None) => master,
    };
    let goods = Goods {
        line_no,
        reference: given.item.clone(),
        item: item.cloned(),
        lot: None,
        lot_number,
        quality_status: given.quality_status.unwrap_or(QualityStatus::Released),
        quantity,
        size: Size { weight_g: weight.flatten().or(master.weight_g), ..size },
        from: None,
        receipt_line: None,
        request_hash: None,
    };
    Some((goods, quantity))
}
