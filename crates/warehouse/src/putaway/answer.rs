//! What was found for a batch, as rows and as an answer.

use std::time::Instant;

use chrono::TimeDelta;
use kernel::{ItemId, Quantity, RecommendationId};
use optimization::putaway::{LineResult, Method, Placement, Solution};
use platform::auth::Actor;
use platform::config::Switches;
use uuid::Uuid;

use super::model::{Answer, Failure, Held, PLACES_MAX, Recommendation, Summary};
use super::problem::{self, Goods, Mapped};
use super::told;
use crate::experiments::Assignment;
use crate::facility::Facility;
use crate::location::Location;
use crate::location::load::times;
use crate::words::RecommendationState;

/// Method and reason of goods that an order waits for.
pub(super) const CROSS_DOCK: &str = "CROSS_DOCK";

/// How a batch is answered.
pub(super) struct Terms {
    pub method: Method,
    pub hold_minutes: u32,
    pub switches: Switches,
    /// The side of an experiment that the goods are on.
    pub assignment: Option<Assignment>,
}

/// An answer, and which of its recommendations are to be stored.
pub(super) struct Batch {
    pub answer: Answer,
    pub new: Vec<usize>,
}

/// Goods that were placed together.
pub(super) struct Placed {
    pub goods: Vec<Goods>,
    pub mapped: Mapped,
    pub solution: Solution,
}

/// A batch in the making.
pub(super) struct Gathered<'a> {
    pub terms: &'a Terms,
    pub facility: &'a Facility,
    pub places: &'a [Location],
    /// Lines that were asked for.
    pub total: usize,
    /// Open recommendations that cover some of the goods.
    pub known: Vec<Recommendation>,
    pub failures: Vec<Failure>,
    /// For orders that are due.
    pub staged: Option<Placed>,
    pub stored: &'a Placed,
    pub started: Instant,
}

impl Gathered<'_> {
    pub fn answer(self, actor: &Actor) -> Batch {
        let already_open = self.known.len();
        let mut recommendations = self.known;
        recommendations.sort_by_key(|known| (known.created_at, known.held.line_no));
        let mut failures = self.failures;
        failures.extend(self.stored.goods.iter().filter_map(told::unfit));
        for (placed, is_last) in self.staged.iter().map(|placed| (placed, false)).chain([(self.stored, true)]) {
            for (result, index) in placed.solution.lines.iter().zip(&placed.mapped.lines) {
                let goods = &placed.goods[*index];
                let found = result.placements.iter().take(PLACES_MAX);
                recommendations.extend(found.map(|placement| {
                    let plain = recommendation(
                        actor,
                        self.terms,
                        self.facility,
                        goods,
                        &self.places[placed.mapped.bins[placement.bin]],
                        Quantity::from_micro(placement.quantity_micro),
                    );
                    explained(plain, goods, result, placement, &placed.mapped, self.places)
                }));
                // What STAGING does not take is stored like all else, and fails there if at all.
                if is_last {
                    failures.extend(
                        told::scattered(goods, result).or_else(|| told::left_over(goods, result, &placed.mapped, self.places)),
                    );
                }
            }
        }
        failures.sort_by_key(|failure| failure.line_no);
        let new: Vec<usize> = (already_open..recommendations.len()).collect();
        let solution = &self.stored.solution;
        let summary = Summary {
            total_items: self.total as u32,
            recommendations_generated: recommendations.len() as u32,
            already_open: already_open as u32,
            failures: failures.len() as u32,
            algorithm: self.terms.method.to_string(),
            // An empty sum is negative zero.
            total_score: solution.total_score + 0.0,
            upper_bound: solution.upper_bound + 0.0,
            optimality_gap: solution.optimality_gap,
            processing_time_ms: elapsed_ms(self.started),
            cross_docked: recommendations.iter().filter(|one| one.order_id.is_some()).count() as u32,
            switched_off: self.terms.switches.off().into_iter().map(str::to_owned).collect(),
        };
        Batch { answer: Answer { batch_id: None, recommendations, failures, summary }, new }
    }
}

fn explained(
    made: Recommendation,
    goods: &Goods,
    result: &LineResult,
    placement: &Placement,
    mapped: &Mapped,
    places: &[Location],
) -> Recommendation {
    let why = told::explanation(result, placement, mapped, places);
    let (reason_code, reason) = match &goods.order {
        Some(order) => (CROSS_DOCK.to_owned(), order.reason()),
        None => told::reason(placement),
    };
    Recommendation {
        score: problem::exact(placement.score.total()),
        confidence_score: problem::exact(placement.confidence()),
        reason_code,
        reason,
        parts: why.parts,
        alternatives: why.alternatives,
        would_change: why.would_change,
        fill_after_percent: why.fill_after_percent,
        nearness_rank: why.nearness_rank,
        fitting_locations: why.fitting_locations,
        ..made
    }
}

/// Without what the optimiser says about it.
fn recommendation(
    actor: &Actor,
    terms: &Terms,
    facility: &Facility,
    goods: &Goods,
    place: &Location,
    quantity: Quantity,
) -> Recommendation {
    let item = goods.item.as_ref();
    let now = actor.env.now();
    let algorithm = if goods.order.is_some() { CROSS_DOCK.to_owned() } else { terms.method.to_string() };
    // Goods that an order waits for are not placed by the method that is tried.
    let assigned = terms.assignment.as_ref().filter(|_| goods.order.is_none());
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
        algorithm_version: assigned.map_or_else(|| algorithm.clone(), |assigned| assigned.version.clone()),
        algorithm,
        experiment_id: assigned.map(|assigned| assigned.experiment),
        experiment_arm: assigned.map(|assigned| assigned.arm),
        experiment_unit: assigned.map(|assigned| assigned.unit.clone()),
        score: Default::default(),
        confidence_score: Default::default(),
        ml_adjusted_confidence: None,
        model_version: None,
        reason_code: String::new(),
        reason: String::new(),
        parts: Vec::new(),
        alternatives: Vec::new(),
        would_change: Vec::new(),
        fill_after_percent: 0.0,
        nearness_rank: 0,
        fitting_locations: 0,
        order_id: goods.order.as_ref().map(|one| one.order),
        order_code: goods.order.as_ref().map(|one| one.code.clone()),
        urgency: goods.order.as_ref().map(|one| one.urgency),
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
        expires_at: now + TimeDelta::minutes(terms.hold_minutes.into()),
        held: Held {
            volume_mm3: times(quantity, goods.size.volume_mm3.unwrap_or(0)),
            weight_g: times(quantity, goods.size.weight_g.unwrap_or(0)),
            request_hash: goods.request_hash.clone(),
            line_no: Some(goods.line_no),
            features: Vec::new(),
        },
    }
}

pub(super) fn elapsed_ms(started: Instant) -> f64 {
    (started.elapsed().as_secs_f64() * 1e6).round() / 1e3
}
