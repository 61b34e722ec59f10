//! The putaway board: what waits, where it should go and why, and the decisions.

use std::collections::{BTreeSet, HashMap};

use axum::http::Method;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use catalog::Item;
use chrono::TimeDelta;
use kernel::{ItemId, LocationId, Quantity, RecommendationId};
use optimization::putaway::{Part, Settings};
use platform::http::{Access, Api, IdempotencyKey, Path, Query};
use platform::{Error, Result};
use rust_decimal::prelude::ToPrimitive as _;
use serde::Deserialize;
use uuid::Uuid;
use warehouse::{
    AlternativeLocation, Answer, CrossDockOpportunity, Decided, Decision, Facility, FacilityFilter, Failure, Load, Location,
    Origin, PUTAWAY, PartScore, PutawayRequest, Recommendation, RecommendationFilter, RecommendationState, WAREHOUSE_READ,
    Waiting, facilities, locations, putaways, receipts,
};

use super::items::{self, largest_page};
use super::locations as locations_page;
use super::receipts as receipts_page;
use super::visitor::{Form, Visitor, done, failed, refuse, segment, sentence, show};
use crate::view::{self, Choice, Errors, Flash, FlashKind};

/// Recommendations that the board shows at once.
const CARDS: usize = 100;
/// Waiting lines that it shows, and of which it finds out whether they fit anywhere.
const WAITING_LINES: usize = 200;
const EXPIRES_SOON: TimeDelta = TimeDelta::minutes(5);

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/putaway", Access::Needs(WAREHOUSE_READ), get(board))
        .page(Method::POST, "/putaway/recommend", Access::Needs(PUTAWAY), post(recommend))
        .page(Method::POST, "/putaway/accept-all", Access::Needs(PUTAWAY), post(accept_all))
        .page(Method::POST, "/putaway/{id}/accept", Access::Needs(PUTAWAY), post(accept))
        .page(Method::POST, "/putaway/{id}/override", Access::Needs(PUTAWAY), post(override_))
        .page(Method::POST, "/putaway/{id}/reject", Access::Needs(PUTAWAY), post(reject))
        // A refused decision shows the board at its own address; loading that again leads back.
        .page(Method::GET, "/putaway/accept-all", Access::Needs(PUTAWAY), get(back))
        .page(Method::GET, "/putaway/{id}/accept", Access::Needs(PUTAWAY), get(back))
        .page(Method::GET, "/putaway/{id}/override", Access::Needs(PUTAWAY), get(back))
        .page(Method::GET, "/putaway/{id}/reject", Access::Needs(PUTAWAY), get(back))
}

async fn back() -> Redirect {
    Redirect::to("/putaway")
}

pub(super) fn href(facility: &str) -> String {
    format!("/putaway?facility={}", segment(facility))
}

/// What the board is made of.
#[derive(Default)]
struct Facts {
    facilities: Vec<Facility>,
    facility: Option<Facility>,
    /// The oldest batch first, each by location, as one walks.
    open: Vec<Recommendation>,
    open_total: usize,
    waiting: Vec<Waiting>,
    waiting_total: usize,
    /// Counts the waiting lines from 1.
    failures: Vec<Failure>,
    cross_docks: Vec<CrossDockOpportunity>,
    origins: HashMap<(ItemId, Option<kernel::LotId>, LocationId), Origin>,
    items: HashMap<ItemId, Item>,
    locations: HashMap<LocationId, Location>,
    loads: HashMap<LocationId, Load>,
}

/// Of the facility with this id or code, else of the first that is active.
async fn load(visitor: &Visitor, facility: &str) -> Result<Facts> {
    let actor = &visitor.actor;
    let whole = largest_page();
    let db = &visitor.app.db;
    db.read(actor.tenant(), async |connection| {
        let active = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
        let mut facts =
            Facts { facilities: facilities::list(connection, actor, &active, &whole).await?.items, ..Facts::default() };
        let chosen = if facility.is_empty() {
            facts.facilities.first().cloned()
        } else {
            Some(facilities::get(connection, actor, facility).await?)
        };
        let Some(chosen) = chosen else { return Ok(facts) };
        let code = Some(chosen.code.clone());
        let open = RecommendationFilter {
            facility: code.clone(),
            state: Some(RecommendationState::Open),
            ..RecommendationFilter::default()
        };
        facts.open = putaways::list(connection, actor, &open, &whole).await?.items;
        facts.open.sort_by(|a, b| (a.created_at, &a.location_code).cmp(&(b.created_at, &b.location_code)));
        facts.open.truncate(CARDS);
        let backlog = putaways::backlog(connection, actor, &chosen.code, None).await?;
        facts.open_total = backlog.open;
        facts.waiting_total = backlog.waiting.len();
        facts.waiting = backlog.waiting;
        facts.waiting.truncate(WAITING_LINES);
        if chosen.is_active && !facts.waiting.is_empty() {
            let balances = facts.waiting.iter().map(|one| one.balance.balance_id).collect();
            let request = PutawayRequest { facility: chosen.code.clone(), balances, preview: true, ..PutawayRequest::default() };
            let switches = visitor.app.config.switches();
            facts.failures = putaways::preview(connection, actor, &switches, &request).await?.failures;
        }
        let switches = visitor.app.config.switches();
        let found = putaways::cross_dock_opportunities(connection, actor, &switches, &chosen.code, (None, None)).await?;
        facts.cross_docks = found.opportunities;
        let goods: Vec<_> =
            facts.waiting.iter().map(|one| (one.balance.item_id, one.balance.lot_id, one.balance.location_id)).collect();
        facts.origins = receipts::origins(connection, actor, &goods).await?;
        facts.items = catalog::service::items_by_ids(connection, actor.tenant(), &facts.item_ids()).await?;
        let ids = facts.location_ids();
        facts.locations = locations::by_ids(connection, actor.tenant(), &ids).await?;
        facts.loads = locations::loads_of(connection, actor, &ids).await?;
        facts.facility = Some(chosen);
        Ok(facts)
    })
    .await
}

impl Facts {
    fn item_ids(&self) -> Vec<ItemId> {
        let recommended = self.open.iter().map(|open| open.item_id);
        recommended.chain(self.waiting.iter().map(|one| one.balance.item_id)).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn location_ids(&self) -> Vec<LocationId> {
        let other =
            |open: &Recommendation| open.alternatives.iter().map(|other| LocationId(other.location_id)).collect::<Vec<_>>();
        let ids = self.open.iter().flat_map(|open| other(open).into_iter().chain([open.location_id]));
        ids.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn failure_of(&self, place: usize) -> Option<&Failure> {
        self.failures.iter().find(|failure| usize::try_from(failure.line_no).is_ok_and(|line| line == place + 1))
    }

    fn unit(&self, item: ItemId) -> String {
        self.items.get(&item).map_or_else(String::new, |item| item.base_unit.clone())
    }

    fn location_href(&self, code: &str) -> String {
        let facility = self.facility.as_ref().map_or("", |facility| facility.code.as_str());
        locations_page::href(facility, code)
    }
}

/// Decisions that were refused, and what was typed in the form that was.
#[derive(Default)]
struct Refused {
    why: HashMap<RecommendationId, String>,
    location: String,
    feedback: String,
}

fn view_of(visitor: &Visitor, facts: &Facts, refused: &Refused) -> view::PutawayBoard {
    let choice = |facility: &Facility| Choice::new(&facility.code, &facility.name);
    let waiting: Vec<_> = facts.waiting.iter().enumerate().filter_map(|(place, one)| waiting_line(facts, place, one)).collect();
    let without_place = facts.waiting.len() - waiting.len();
    view::PutawayBoard {
        page: visitor.page("Putaway"),
        facilities: facts.facilities.iter().map(choice).collect(),
        facility: facts.facility.as_ref().map(choice),
        waiting,
        waiting_total: (facts.waiting_total - without_place) as u64,
        recommendations: facts.open.iter().map(|open| card(visitor, facts, open, refused)).collect(),
        open_total: facts.open_total as u64,
        unplaced: facts
            .waiting
            .iter()
            .enumerate()
            .filter_map(|(place, one)| Some(unplaced(facts, one, facts.failure_of(place)?)))
            .collect(),
        cross_docks: facts.cross_docks.iter().map(cross_dock).collect(),
        method: visitor.app.config.switches().algorithm.as_str().to_owned(),
        switched_off: visitor.app.config.switches().off().into_iter().map(str::to_owned).collect(),
        errors: Errors::none(),
        can_decide: visitor.may(PUTAWAY),
    }
}

pub(super) fn cross_dock(found: &CrossDockOpportunity) -> view::CrossDock {
    view::CrossDock {
        urgency: found.urgency.to_string(),
        order: found.order_code.clone(),
        due_at: found.due_at,
        item: found.material_code.clone(),
        item_name: found.material_name.clone(),
        lot: found.lot_number.clone(),
        quantity: found.quantity,
        from: found.from_location_code.clone(),
    }
}

/// None for goods of which nothing fits anywhere: those are shown as such.
fn waiting_line(facts: &Facts, place: usize, one: &Waiting) -> Option<view::WaitingLine> {
    let without_place = facts.failure_of(place).map_or(rust_decimal::Decimal::ZERO, |failure| failure.quantity);
    let quantity = one.quantity.decimal() - without_place;
    if quantity <= rust_decimal::Decimal::ZERO {
        return None;
    }
    let balance = &one.balance;
    let item = facts.items.get(&balance.item_id);
    let origin = facts.origins.get(&(balance.item_id, balance.lot_id, balance.location_id));
    Some(view::WaitingLine {
        receipt: origin.map_or_else(String::new, |origin| origin.receipt_code.clone()),
        receipt_href: origin.map_or_else(String::new, |origin| receipts_page::href(origin.receipt_id, &origin.receipt_code)),
        item: item.map_or_else(String::new, |item| item.code.clone()),
        item_name: item.map_or_else(String::new, |item| item.name.clone()),
        lot: balance.lot_number.clone().unwrap_or_default(),
        quantity,
        unit: facts.unit(balance.item_id),
        from: balance.location_code.clone(),
        received_at: origin.map_or(balance.updated_at, |origin| origin.arrived_at),
    })
}

fn unplaced(facts: &Facts, one: &Waiting, failure: &Failure) -> view::Unplaced {
    let item = facts.items.get(&one.balance.item_id);
    let nearest = failure.nearest_location_code.as_ref().map(|code| match failure.overflow_percentage {
        Some(percent) => format!("Nearest is {code}, which would need {percent}% more."),
        None => format!("Nearest is {code}."),
    });
    view::Unplaced {
        item: failure.item.clone(),
        item_name: item.map_or_else(String::new, |item| item.name.clone()),
        item_href: items::href(one.balance.item_id, &failure.item),
        lot: failure.lot_number.clone(),
        quantity: failure.quantity,
        unit: facts.unit(one.balance.item_id),
        reason: as_sentence(&failure.reason),
        nearest_miss: nearest,
        mend: mend(&failure.reason_code).to_owned(),
        reason_code: failure.reason_code.clone(),
    }
}

fn mend(reason_code: &str) -> &'static str {
    match reason_code {
        "NO_CAPACITY" => "Make room, unblock or add a location, or put the goods away in parts.",
        "TOO_LARGE" => "Add a location that is large enough, or correct the item's dimensions.",
        "TOO_HEAVY" => "Add a location that carries more, or correct the item's weight.",
        "TEMPERATURE" => "Add or free a location that keeps this temperature, or correct the item's range.",
        "SECURITY" => "Add or free a location of this security zone, or correct the item's.",
        "HAZARD" => "Free a location of goods that must be kept apart, or correct the hazard class.",
        "MIXING" => "Free a location, or let one take several items or lots.",
        "QUALITY_HOLD" => "Add or unblock a QUARANTINE location, or release the goods.",
        "NO_LOCATION" => "Add or unblock a location that stores goods.",
        "NO_MASTER_DATA" => "Enter the item's dimensions and weight.",
        _ => "Correct the item, then look again.",
    }
}

/// The services speak in lower case, without a full stop.
fn as_sentence(text: &str) -> String {
    let mut letters = text.trim().trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

fn card(visitor: &Visitor, facts: &Facts, open: &Recommendation, refused: &Refused) -> view::Recommendation {
    let location = facts.locations.get(&open.location_id);
    let load = facts.loads.get(&open.location_id);
    let fill = location.zip(load).map_or(0.0, |(location, load)| load.fill_percent(location.fields.volume_cm3));
    let error = refused.why.get(&open.recommendation_id).cloned();
    let typed = |text: &str| if error.is_some() { text.to_owned() } else { String::new() };
    view::Recommendation {
        id: open.recommendation_id.to_string(),
        item: open.item_code.clone(),
        item_name: open.item_name.clone(),
        item_href: items::href(open.item_id, &open.item_code),
        lot: open.lot_number.clone(),
        quality_status: open.quality_status.to_string(),
        quantity: open.quantity.decimal(),
        unit: facts.unit(open.item_id),
        from: open.from_location_code.clone().unwrap_or_default(),
        location: open.location_code.clone(),
        location_href: facts.location_href(&open.location_code),
        location_detail: location.map(whereabouts).unwrap_or_default(),
        fill_before_percent: fill,
        fill_after_percent: open.fill_after_percent,
        score: open.score.to_f64().unwrap_or(0.0),
        parts: open.parts.iter().filter_map(part).collect(),
        confidence_percent: open.confidence_score.to_f64().unwrap_or(0.0) * 100.0,
        acceptance_percent: open.ml_adjusted_confidence.and_then(|probability| probability.to_f64()).map(|share| share * 100.0),
        reason: as_sentence(&open.reason),
        alternatives: open.alternatives.iter().map(|other| alternative(facts, open, other)).collect(),
        would_change: open.would_change.iter().map(|change| as_sentence(&change.sentence)).collect(),
        order: open.order_code.clone().unwrap_or_default(),
        urgency: open.urgency.map_or_else(String::new, |urgency| urgency.to_string()),
        algorithm: open.algorithm.clone(),
        expires_at: open.expires_at,
        expires_soon: open.expires_at - visitor.app.env.now() < EXPIRES_SOON,
        typed_location: typed(&refused.location),
        typed_feedback: typed(&refused.feedback),
        error,
    }
}

fn whereabouts(location: &Location) -> String {
    let fields = &location.fields;
    let named = [
        ("zone", &fields.zone),
        ("aisle", &fields.aisle),
        ("rack", &fields.rack),
        ("shelf", &fields.shelf),
        ("position", &fields.position),
    ];
    let parts: Vec<String> =
        named.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name} {value}")).collect();
    as_sentence(&parts.join(", ")).trim_end_matches('.').to_owned()
}

/// The four that make up the base score are always shown, the others when they changed it.
fn part(given: &PartScore) -> Option<view::ScorePart> {
    let most = Settings::default();
    let (label, max, is_base) = match given.part.parse::<Part>().ok()? {
        Part::Abc => ("Class match", most.abc, true),
        Part::Fill => ("Fill after", most.fill, true),
        Part::Travel => ("Travel", most.travel, true),
        Part::LocationType => ("Location type", most.location_type, true),
        Part::Consolidation => ("Same item and lot", most.consolidation, false),
        Part::Affinity => ("Picked together", most.affinity, false),
        Part::Ergonomics => ("Height of reach", most.ergonomics, false),
        Part::PreferredZone => ("Preferred zone", most.preferred_zone, false),
        Part::Congestion => ("Busy aisle", 0.0, false),
        Part::SpecialStorage => ("Special storage", 0.0, false),
        Part::Split => ("Split line", 0.0, false),
    };
    let max = if given.points < 0.0 { 0.0 } else { max };
    (is_base || given.points != 0.0).then(|| view::ScorePart { label: label.to_owned(), points: given.points, max })
}

fn alternative(facts: &Facts, open: &Recommendation, other: &AlternativeLocation) -> view::Alternative {
    let id = LocationId(other.location_id);
    let volume_mm3 = facts.locations.get(&id).map_or(0.0, |location| location.fields.volume_cm3 as f64 * 1_000.0);
    let used_mm3 = facts.loads.get(&id).map_or(0.0, |load| load.volume_mm3() as f64);
    let goods_mm3 =
        facts.items.get(&open.item_id).and_then(Item::unit_volume_mm3).map_or(0.0, |unit| volume_of(open.quantity, unit));
    view::Alternative {
        location: other.location_code.clone(),
        location_href: facts.location_href(&other.location_code),
        score: other.score,
        // Some take only a part of the goods; they are full then.
        fill_after_percent: if volume_mm3 > 0.0 { ((used_mm3 + goods_mm3) / volume_mm3 * 100.0).min(100.0) } else { 0.0 },
        why_not: as_sentence(&other.lost),
    }
}

fn volume_of(quantity: Quantity, unit_mm3: i64) -> f64 {
    quantity.micro() as f64 / 1e6 * unit_mm3 as f64
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BoardInput {
    facility: String,
    receipt: String,
}

async fn board(visitor: Visitor, Query(input): Query<BoardInput>) -> Result<Response> {
    let facts = load(&visitor, input.facility.trim()).await?;
    show(&view_of(&visitor, &facts, &Refused::default()))
}

/// For what a delivery brought and still waits, else for all that waits in the facility.
pub(super) async fn find_places(
    visitor: &Visitor,
    key: Option<&IdempotencyKey>,
    facility: &str,
    receipt: Option<&str>,
) -> Result<Answer> {
    let request = PutawayRequest {
        facility: facility.to_owned(),
        receipt: receipt.map(str::to_owned),
        all_waiting: receipt.is_none(),
        ..PutawayRequest::default()
    };
    let switches = visitor.app.config.switches();
    visitor.change(key, async |tx| putaways::recommend(tx, &visitor.actor, &switches, &request).await).await
}

async fn recommend(visitor: Visitor, form: Form<BoardInput>) -> Result<Response> {
    let BoardInput { facility, receipt } = &form.input;
    let receipt = Some(receipt.as_str()).filter(|receipt| !receipt.is_empty());
    Ok(match find_places(&visitor, form.key.as_ref(), facility, receipt).await {
        Ok(answer) => done(&href(facility), &found(&answer)),
        Err(error) => failed(&href(facility), &error),
    })
}

/// What came of asking, in words.
pub(super) fn found(answer: &Answer) -> String {
    let summary = &answer.summary;
    let places = match summary.recommendations_generated - summary.already_open {
        0 if summary.already_open > 0 && summary.failures == 0 => "All places were found before.".to_owned(),
        0 if summary.failures == 0 => "Nothing waits for a place.".to_owned(),
        0 => "No place was found.".to_owned(),
        1 => "1 place found.".to_owned(),
        many => format!("{many} places found."),
    };
    // Rounded down: the bound promises no more.
    let quality = match ((1.0 - summary.optimality_gap) * 1_000.0).floor() / 10.0 {
        _ if summary.recommendations_generated == summary.already_open + summary.cross_docked => String::new(),
        100.0 => " No better choice exists.".to_owned(),
        reached => format!(" The choice scores at least {reached}% of the best possible."),
    };
    let failures = match summary.failures {
        0 => String::new(),
        1 => " 1 line fits nowhere, see below.".to_owned(),
        many => format!(" {many} lines fit nowhere, see below."),
    };
    let staged = match summary.cross_docked {
        0 => String::new(),
        1 => " 1 goes to staging, because an order that is due lacks it.".to_owned(),
        many => format!(" {many} go to staging, because orders that are due lack them."),
    };
    format!("{places}{quality}{staged}{failures}")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DecisionInput {
    location: String,
    feedback: String,
}

async fn accept(visitor: Visitor, Path(id): Path<Uuid>, form: Form<DecisionInput>) -> Result<Response> {
    let decision = Decision::Accept { feedback: form.input.feedback.clone(), serials: Vec::new() };
    decide(&visitor, RecommendationId(id), form, &decision).await
}

async fn override_(visitor: Visitor, Path(id): Path<Uuid>, form: Form<DecisionInput>) -> Result<Response> {
    let decision =
        Decision::Override { location: form.input.location.clone(), feedback: form.input.feedback.clone(), serials: Vec::new() };
    decide(&visitor, RecommendationId(id), form, &decision).await
}

async fn reject(visitor: Visitor, Path(id): Path<Uuid>, form: Form<DecisionInput>) -> Result<Response> {
    let decision = Decision::Reject { feedback: form.input.feedback.clone() };
    decide(&visitor, RecommendationId(id), form, &decision).await
}

async fn decide(visitor: &Visitor, id: RecommendationId, form: Form<DecisionInput>, decision: &Decision) -> Result<Response> {
    let decided = visitor.change(form.key.as_ref(), async |tx| {
        if matches!(decision, Decision::Override { location, .. } if location.trim().is_empty()) {
            return Err(Error::field("location", "must be the code of a location"));
        }
        putaways::decide(tx, &visitor.actor, id, decision).await
    });
    let decided = decided.await;
    let facility = facility_of(visitor, id).await?;
    let error = match decided {
        Ok(decided) => return Ok(done(&href(&facility), &told(&decided))),
        Err(error) => error,
    };
    let facts = load(visitor, &facility).await?;
    if !facts.open.iter().any(|open| open.recommendation_id == id) {
        return Ok(failed(&href(&facility), &error));
    }
    let DecisionInput { location, feedback } = form.input;
    let refused = Refused { why: HashMap::from([(id, sentence(&error))]), location, feedback };
    refuse(error, |_| view_of(visitor, &facts, &refused))
}

/// Its code; empty for advice that names none.
async fn facility_of(visitor: &Visitor, id: RecommendationId) -> Result<String> {
    let actor = &visitor.actor;
    let db = &visitor.app.db;
    db.read(actor.tenant(), async |connection| {
        let Some(facility) = putaways::get(connection, actor, id).await?.facility_id else { return Ok(String::new()) };
        Ok(facilities::get(connection, actor, &facility.to_string()).await?.code)
    })
    .await
}

fn told(decided: &Recommendation) -> String {
    let goods = format!("{} {}", decided.quantity.decimal().normalize(), decided.item_name);
    match (&decided.actual_location_code, decided.movement_id) {
        (Some(place), Some(_)) if decided.order_code.is_some() => {
            format!("{goods} brought to {place} for order {}.", decided.order_code.as_deref().unwrap_or_default())
        }
        (Some(place), Some(_)) => format!("{goods} put away at {place}."),
        (Some(place), None) => format!("{goods} will go to {place}."),
        (None, _) => format!("Rejected. {goods} stays where it is, and {} is free again.", decided.location_code),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ManyInput {
    facility: String,
    recommendations: Vec<OneInput>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OneInput {
    id: String,
}

async fn accept_all(visitor: Visitor, form: Form<ManyInput>) -> Result<Response> {
    let href = href(&form.input.facility);
    let ids: Result<Vec<_>, _> =
        form.input.recommendations.iter().map(|one| one.id.parse::<Uuid>().map(RecommendationId)).collect();
    let Ok(ids) = ids else { return Ok(failed(&href, &Error::conflict("the form names something that is no recommendation"))) };
    let outcomes = visitor.change(form.key.as_ref(), async |tx| putaways::accept_all(tx, &visitor.actor, &ids).await).await;
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(error) => return Ok(failed(&href, &error)),
    };
    let why: HashMap<_, _> = outcomes.iter().filter_map(refusal).collect();
    let accepted = outcomes.len() - why.len();
    if why.is_empty() {
        return Ok(done(&href, &format!("{accepted} put away.")));
    }
    let text = format!("{accepted} put away, {} refused: {}", why.len(), why.values().next().map_or("", String::as_str));
    let facts = load(&visitor, &form.input.facility).await?;
    let mut view = view_of(&visitor, &facts, &Refused { why, ..Refused::default() });
    view.page.flash = Some(Flash { kind: FlashKind::Failed, text });
    Ok(show(&view)?.into_response())
}

fn refusal(outcome: &Decided) -> Option<(RecommendationId, String)> {
    let detail = outcome.detail.as_ref().filter(|_| outcome.recommendation.is_none())?;
    Some((outcome.recommendation_id, as_sentence(detail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(part: &str, points: f64) -> PartScore {
        PartScore { part: part.into(), points }
    }

    #[test]
    fn the_base_of_a_score_is_always_shown_and_the_rest_when_it_counts() {
        for shown in Part::ALL {
            let zero = part(&points(shown.as_str(), 0.0));
            let is_base = matches!(shown, Part::Abc | Part::Fill | Part::Travel | Part::LocationType);
            assert_eq!(zero.is_some(), is_base, "{shown}");
            assert!(part(&points(shown.as_str(), 1.0)).is_some(), "{shown}");
        }
        let (bonus, penalty) = (part(&points("ERGONOMICS", 5.0)).unwrap(), part(&points("ERGONOMICS", -5.0)).unwrap());
        assert_eq!((bonus.max, penalty.max), (5.0, 0.0));
        assert!(part(&points("SOMETHING_NEW", 1.0)).is_none());
    }

    #[test]
    fn words_become_sentences() {
        assert_eq!(as_sentence("no suitable location has enough room left"), "No suitable location has enough room left.");
        assert_eq!(as_sentence("Done."), "Done.");
        assert_eq!(as_sentence(""), "");
    }

    #[test]
    fn an_answer_is_told_in_words() {
        let answer = |generated, open, failures, gap| Answer {
            batch_id: None,
            recommendations: Vec::new(),
            failures: Vec::new(),
            summary: warehouse::Summary {
                switched_off: Vec::new(),
                total_items: 0,
                recommendations_generated: generated,
                already_open: open,
                failures,
                algorithm: "BFD".into(),
                total_score: 0.0,
                upper_bound: 0.0,
                optimality_gap: gap,
                processing_time_ms: 0.0,
                cross_docked: 0,
            },
        };
        assert_eq!(
            found(&answer(52, 2, 1, 0.0123)),
            "50 places found. The choice scores at least 98.7% of the best possible. 1 line fits nowhere, see below."
        );
        assert_eq!(found(&answer(1, 0, 0, 0.0)), "1 place found. No better choice exists.");
        assert_eq!(found(&answer(3, 3, 0, 0.0)), "All places were found before.");
        assert_eq!(found(&answer(0, 0, 0, 0.0)), "Nothing waits for a place.");
        assert_eq!(found(&answer(0, 0, 2, 0.0)), "No place was found. 2 lines fit nowhere, see below.");
    }
}
