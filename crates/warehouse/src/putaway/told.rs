//! The optimiser's numbers in words and in our terms.

use kernel::Quantity;
use optimization::putaway::{
    Alternative, CapacityFlip, LineResult, Miss, Part, Placement, ScoreParts, WeightFlip, capacity_flip_text, failure_text,
    lost_text, reason_text, weight_flip_text,
};

use super::model::{AlternativeLocation, Change, Explanation, Failure, PLACES_MAX, PartScore};
use super::problem::{Goods, Mapped};
use crate::location::Location;
use crate::location::load::times;

/// Why goods cannot even be looked at.
pub(super) fn unfit(goods: &Goods) -> Option<Failure> {
    let fail = |code: &str, reason: String| Some(failure(goods, code, reason, goods.quantity));
    let Some(item) = &goods.item else {
        return fail("UNKNOWN_ITEM", format!("item {:?} does not exist", goods.reference));
    };
    let missing = match (goods.size.volume_mm3, goods.size.weight_g) {
        (Some(_), Some(_)) => return None,
        (None, Some(_)) => "dimensions or volume",
        (Some(_), None) => "weight",
        (None, None) => "dimensions and weight",
    };
    fail(
        "NO_MASTER_DATA",
        format!("item {:?} has no {missing} on record, so no location can be checked for it; enter them first", item.code),
    )
}

pub(super) fn failure(goods: &Goods, code: &str, reason: String, quantity: Quantity) -> Failure {
    Failure {
        line_no: goods.line_no,
        item: goods.reference.clone(),
        item_id: goods.item.as_ref().map(|item| item.item_id.0),
        lot_number: goods.lot_number.clone(),
        quantity: quantity.decimal(),
        reason_code: code.to_owned(),
        reason,
        nearest_location_id: None,
        nearest_location_code: None,
        overflow_percentage: None,
        capacity: None,
    }
}

/// Goods that have not arrived and need more than all locations together (`capacity`, mm³ and g) could ever hold: a slip of the
/// pen must not keep a whole facility's space from others. A single piece that is too large is no slip, and told like any other.
pub(super) fn beyond_all(goods: &Goods, capacity: (i64, i64)) -> Option<Failure> {
    let beyond = |unit: i64, capacity: i64| (1..=capacity).contains(&unit) && times(goods.quantity, unit) > capacity;
    let is_beyond = beyond(goods.size.volume_mm3?, capacity.0) || beyond(goods.size.weight_g?, capacity.1);
    if goods.from.is_some() || !is_beyond {
        return None;
    }
    let reason = "more than all storage locations of the facility together hold when empty; check the quantity";
    Some(failure(goods, "QUANTITY_TOO_LARGE", reason.to_owned(), goods.quantity))
}

/// What is left of a line that would lie in more locations than one line may hold.
pub(super) fn scattered(goods: &Goods, result: &LineResult) -> Option<Failure> {
    let kept: i64 = result.placements.iter().take(PLACES_MAX).map(|placement| placement.quantity_micro).sum();
    let rest = Quantity::from_micro(goods.quantity.micro() - kept);
    let reason = format!("one line holds at most {PLACES_MAX} locations; send the rest as another line once these are decided");
    (result.placements.len() > PLACES_MAX).then(|| failure(goods, "QUANTITY_TOO_LARGE", reason, rest))
}

/// What the optimiser left without a place.
pub(super) fn left_over(goods: &Goods, result: &LineResult, mapped: &Mapped, locations: &[Location]) -> Option<Failure> {
    let failure = result.failure?;
    let nearest = failure.nearest_miss.map(|miss| (&locations[mapped.bins[miss.bin]], miss.miss));
    let capacity = nearest.filter(|_| failure.code.is_capacity()).and_then(|(_, miss)| match miss {
        Miss::Volume { .. } => Some("VOLUME"),
        Miss::Weight { .. } => Some("WEIGHT"),
        Miss::Length { .. } => Some("DIMENSION"),
        _ => None,
    });
    Some(Failure {
        line_no: goods.line_no,
        item: goods.reference.clone(),
        item_id: goods.item.as_ref().map(|item| item.item_id.0),
        lot_number: goods.lot_number.clone(),
        quantity: Quantity::from_micro(result.unplaced_micro).decimal(),
        reason_code: failure.code.to_string(),
        reason: failure_text(&failure),
        nearest_location_id: nearest.map(|(location, _)| location.location_id.0),
        nearest_location_code: nearest.map(|(location, _)| location.fields.code.clone()),
        overflow_percentage: nearest.and_then(|(_, miss)| miss.overflow_percent()).map(|percent| (percent * 10.0).round() / 10.0),
        capacity: capacity.map(str::to_owned),
    })
}

pub(super) fn explanation(result: &LineResult, placement: &Placement, mapped: &Mapped, locations: &[Location]) -> Explanation {
    let alternative = |alternative: &Alternative| {
        let location = &locations[mapped.bins[alternative.bin]];
        AlternativeLocation {
            location_id: location.location_id.0,
            location_code: location.fields.code.clone(),
            score: thousandths(alternative.score.total()),
            parts: parts(&alternative.score),
            lost: lost_text(&alternative.lost),
        }
    };
    Explanation {
        parts: parts(&placement.score),
        alternatives: result.alternatives.iter().map(alternative).collect(),
        would_change: changes(result, |bin| locations[mapped.bins[bin]].fields.code.as_str()),
        fill_after_percent: (placement.fill_after * 1_000.0).round() / 10.0,
        nearness_rank: placement.nearness_rank,
        fitting_locations: placement.fitting_bins,
    }
}

fn changes<'a>(result: &LineResult, code: impl Fn(usize) -> &'a str) -> Vec<Change> {
    let Some(other) = result.alternatives.first().map(|best| code(best.bin)) else { return Vec::new() };
    let of_place = |flip: CapacityFlip| {
        let (what, bin, by) = match flip {
            CapacityFlip::Volume { bin, change_mm3 } => ("VOLUME", bin, change_mm3),
            CapacityFlip::Weight { bin, change_g } => ("WEIGHT", bin, change_g),
        };
        Change {
            what: what.to_owned(),
            location_code: Some(code(bin).to_owned()),
            part: None,
            by: by as f64,
            sentence: format!("with {} at {}, {other} would be the choice", capacity_flip_text(&flip), code(bin)),
        }
    };
    let of_setting = |flip: WeightFlip| Change {
        what: "SETTING".to_owned(),
        location_code: None,
        part: Some(flip.part.to_string()),
        by: thousandths(flip.to - flip.from),
        sentence: format!("with {}, {other} would be the choice", weight_flip_text(&flip)),
    };
    result.flips.capacity.map(of_place).into_iter().chain(result.flips.weight.map(of_setting)).collect()
}

pub(super) fn reason(placement: &Placement) -> (String, String) {
    (placement.reason.to_string(), reason_text(placement))
}

fn parts(score: &ScoreParts) -> Vec<PartScore> {
    Part::ALL.iter().map(|part| PartScore { part: part.to_string(), points: thousandths(score.get(*part)) }).collect()
}

fn thousandths(value: f64) -> f64 {
    // Plus zero makes a negative zero a plain one, which JSON in the database cannot keep apart.
    (value * 1_000.0).round() / 1_000.0 + 0.0
}
