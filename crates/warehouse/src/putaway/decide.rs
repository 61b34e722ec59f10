use catalog::Item;
use inventory::{Posting, QualityStatus};
use kernel::{ErrorCode, FacilityId, ItemId, LotId, MovementId, Quantity, RecommendationId};
use optimization::putaway::{Method, ReasonCode, failure_text, solve};
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result, audit};
use serde_json::json;

use super::model::{Decided, Decision, FEEDBACK_MAX, LINES_MAX, Recommendation};
use super::problem::{self, Goods, Size, Traffic};
use super::{crossdock, service, store, told};
use crate::PUTAWAY;
use crate::check::Checks;
use crate::facility::service as facilities;
use crate::location::load::Snapshot;
use crate::location::{Location, service as locations};
use crate::words::{LocationType, RecommendationState};

/// Accepts, overrides or rejects one open recommendation. Accepted goods move in the ledger in the same transaction, after the
/// target was checked again: stock may have been brought there by hand. Advice about goods that have not arrived moves nothing.
pub async fn decide(tx: &mut Tx, actor: &Actor, id: RecommendationId, decision: &Decision) -> Result<Recommendation> {
    actor.require(PUTAWAY)?;
    let mut checks = Checks::default();
    let feedback = checks.text("feedback", decision.feedback(), FEEDBACK_MAX);
    checks.done()?;
    for facility in store::facilities_of(tx, actor.tenant(), &[id]).await? {
        store::lock_facility(tx, actor.tenant(), facility).await?;
    }
    let open = open_one(tx, actor, id).await?;
    let (state, target) = match decision {
        Decision::Reject { .. } => (RecommendationState::Rejected, None),
        Decision::Accept { .. } => (RecommendationState::Accepted, Some(recommended(tx, actor, &open).await?)),
        Decision::Override { location, .. } => {
            let target = other_target(tx, actor, &open, location).await?;
            let is_same = target.location_id == open.location_id;
            (if is_same { RecommendationState::Accepted } else { RecommendationState::Overridden }, Some(target))
        }
    };
    let mut after = open.clone();
    if let Some(target) = &target {
        refuse_unless_it_fits(tx, actor, &open, target).await?;
        let order = crossdock::order_of(tx, actor, &open, target).await?;
        after.movement_id = bring(tx, actor, &open, target, decision).await?;
        if let Some(order) = order {
            crossdock::reserve(tx, actor, &open, &order, target).await?;
        }
        after.actual_location_id = Some(target.location_id);
        after.actual_location_code = Some(target.fields.code.clone());
    }
    after.state = state;
    after.was_accepted = Some(state == RecommendationState::Accepted);
    after.user_feedback = feedback;
    after.decided_at = Some(actor.env.now());
    after.decided_by = Some(actor.principal.user);
    store::decide(tx, actor.tenant(), &after).await?;
    record(tx, actor, &after);
    service::name_one(tx, actor, after).await
}

fn record(tx: &mut Tx, actor: &Actor, decided: &Recommendation) {
    let action = match decided.state {
        RecommendationState::Accepted => "putaway.accept",
        RecommendationState::Overridden => "putaway.override",
        _ => "putaway.reject",
    };
    let after = json!({
        "item_id": decided.item_id, "lot": decided.lot_number, "quantity": decided.quantity, "recommended": decided.location_code,
        "actual": decided.actual_location_code, "order_id": decided.order_id, "movement_id": decided.movement_id, "feedback": decided.user_feedback,
    });
    tx.audit(actor, audit::Entry::new(action, "putaway recommendation", decided.recommendation_id).after(&after));
    let payload = json!({"facility_id": decided.facility_id, "state": decided.state, "count": 1});
    tx.publish(actor, Event::new("warehouse.recommendation.changed", decided.recommendation_id, payload));
}

async fn open_one(tx: &mut Tx, actor: &Actor, id: RecommendationId) -> Result<Recommendation> {
    let found = store::lock(tx, actor.tenant(), id, actor.env.now()).await?;
    let found = found.ok_or_else(|| Error::not_found(format_args!("putaway recommendation {id}")))?;
    refuse_closed(&found)?;
    Ok(found)
}

fn refuse_closed(found: &Recommendation) -> Result<()> {
    if !found.state.is_closed() {
        return Ok(());
    }
    let when = found.decided_at.unwrap_or(found.expires_at).format("%Y-%m-%d %H:%M UTC");
    let detail = format!("the recommendation is {} since {when}; ask for a new one", found.state);
    Err(Error::new(ErrorCode::RecommendationClosed, detail))
}

async fn recommended(tx: &mut Tx, actor: &Actor, open: &Recommendation) -> Result<Location> {
    let found = locations::by_ids(tx, actor.tenant(), &[open.location_id]).await?.remove(&open.location_id);
    found.ok_or_else(|| Error::conflict("the recommended location does not exist any more; override or reject"))
}

async fn other_target(tx: &mut Tx, actor: &Actor, open: &Recommendation, reference: &str) -> Result<Location> {
    let Some(facility) = open.facility_id else {
        return locations::find(tx, actor.tenant(), reference).await.map_err(|error| error.at("location"));
    };
    let facility = facilities::find(tx, actor.tenant(), &facility.to_string()).await?;
    locations::find_in(tx, actor.tenant(), &facility, reference).await.map_err(|error| error.at("location"))
}

/// By the rules of the recommendation, with what lies in the target now and with all other open recommendations.
async fn refuse_unless_it_fits(tx: &mut Tx, actor: &Actor, open: &Recommendation, target: &Location) -> Result<()> {
    if !target.takes_goods() {
        let why = locations::why_closed(target);
        return Err(Error::conflict(format!("{:?} takes no goods now: {why}", target.reference())).at("location"));
    }
    let mut now = Snapshot::of_locations(tx, actor.tenant(), &[target.location_id], actor.env.now()).await?;
    now.holds.retain(|hold| hold.recommendation != open.recommendation_id);
    let item = catalog::service::items_by_ids(tx, actor.tenant(), &[open.item_id]).await?.remove(&open.item_id);
    fits(open, item, target, &now)
}

/// Goods that are to be stored by another way than a recommendation.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub item: ItemId,
    pub lot: Option<LotId>,
    pub lot_number: String,
    pub quality_status: QualityStatus,
    pub quantity: Quantity,
}

/// By the rules of a recommendation, with what lies in the target now and with all open recommendations.
pub(crate) async fn refuse_unless_stored_fits(tx: &mut Tx, actor: &Actor, stored: &Stored, target: &Location) -> Result<()> {
    store::lock_facility(tx, actor.tenant(), Some(target.facility_id)).await?;
    if !target.takes_goods() {
        let why = locations::why_closed(target);
        return Err(Error::conflict(format!("{:?} takes no goods now: {why}", target.reference())).at("location"));
    }
    let now = Snapshot::of_locations(tx, actor.tenant(), &[target.location_id], actor.env.now()).await?;
    let item = catalog::service::items_by_ids(tx, actor.tenant(), &[stored.item]).await?.remove(&stored.item);
    let goods = Goods {
        line_no: 1,
        reference: stored.item.to_string(),
        size: item.as_ref().map(Size::of).unwrap_or_default(),
        item,
        lot: stored.lot,
        lot_number: stored.lot_number.clone(),
        quality_status: stored.quality_status,
        quantity: stored.quantity,
        from: None,
        receipt_line: None,
        request_hash: None,
        expires_on: None,
        order: None,
    };
    they_fit(&goods, target, &now)
}

/// For moves of released goods inside a facility, whose lock ([`lock_facility_of`]) is held: by the same rules. Places that store no
/// goods, such as STAGING, need only be open.
pub(crate) async fn refuse_unless_they_fit(
    tx: &mut Tx,
    actor: &Actor,
    (item, lot, quantity): (ItemId, Option<LotId>, Quantity),
    target: &Location,
) -> Result<()> {
    if !target.takes_goods() {
        let why = locations::why_closed(target);
        return Err(Error::conflict(format!("{:?} takes no goods now: {why}", target.reference())));
    }
    let found = catalog::service::items_by_ids(tx, actor.tenant(), &[item]).await?.remove(&item);
    let number = inventory::service::lots_by_ids(tx, actor.tenant(), lot.as_slice()).await?.into_values().next();
    let goods = Goods {
        line_no: 1,
        reference: item.to_string(),
        size: found.as_ref().map(Size::of).unwrap_or_default(),
        item: found,
        lot,
        lot_number: number.map_or_else(String::new, |lot| lot.number),
        quality_status: QualityStatus::Released,
        quantity,
        from: None,
        receipt_line: None,
        request_hash: None,
        expires_on: None,
        order: None,
    };
    if !problem::stores_goods(target) {
        return Ok(());
    }
    let now = Snapshot::of_locations(tx, actor.tenant(), &[target.location_id], actor.env.now()).await?;
    they_fit(&goods, target, &now)
}

/// Batches, decisions and moves of one facility follow one another.
pub(crate) async fn lock_facility_of(tx: &mut Tx, actor: &Actor, facility: FacilityId) -> Result<()> {
    store::lock_facility(tx, actor.tenant(), Some(facility)).await
}

fn fits(open: &Recommendation, item: Option<Item>, target: &Location, now: &Snapshot) -> Result<()> {
    let goods = Goods {
        line_no: 1,
        reference: open.item_id.to_string(),
        size: size_of(open, item.as_ref().map(Size::of).unwrap_or_default()),
        item,
        lot: open.lot_id,
        lot_number: open.lot_number.clone(),
        quality_status: open.quality_status,
        quantity: open.quantity,
        from: None,
        receipt_line: None,
        request_hash: None,
        expires_on: None,
        order: None,
    };
    if open.order_id.is_some() && target.fields.kind == LocationType::Staging {
        return they_fit_in(&goods, target, now, true);
    }
    they_fit(&goods, target, now)
}

fn they_fit(goods: &Goods, target: &Location, now: &Snapshot) -> Result<()> {
    they_fit_in(goods, target, now, false)
}

fn they_fit_in(goods: &Goods, target: &Location, now: &Snapshot, for_order: bool) -> Result<()> {
    if let Some(unfit) = told::unfit(goods) {
        return Err(Error::conflict(unfit.reason));
    }
    let places = std::slice::from_ref(target);
    let loads = now.loads();
    let goods_alone = std::slice::from_ref(goods);
    let mapped = if for_order {
        problem::map_to_staging(goods_alone, places, &loads, &now.sizes)
    } else {
        problem::map(goods_alone, places, &loads, &now.sizes, &Traffic::default())
    };
    if mapped.bins.is_empty() {
        let detail = format!("{:?} is a {} location, which stores no goods", target.reference(), target.fields.kind);
        return Err(Error::conflict(detail).at("location"));
    }
    let solution = solve(&mapped.problem, Method::Bfd).map_err(|invalid| Error::conflict(invalid.to_string()))?;
    let result = &solution.lines[0];
    let Some(failure) = result.failure else { return Ok(()) };
    if matches!(failure.code, ReasonCode::NoLocation | ReasonCode::QualityHold) {
        let stored = if goods.quality_status == QualityStatus::Released {
            "released goods do not go there"
        } else {
            "goods that are not released go to QUARANTINE locations"
        };
        let detail = format!("{:?} is a {} location; {stored}", target.reference(), target.fields.kind);
        return Err(Error::conflict(detail).at("location"));
    }
    let code = if failure.code.is_capacity() { ErrorCode::CapacityExceeded } else { ErrorCode::Conflict };
    let room = match Quantity::from_micro(goods.quantity.micro() - result.unplaced_micro) {
        room if room.is_zero() => String::new(),
        room => format!("; it takes {room} of {}", goods.quantity),
    };
    let detail = format!("{:?} does not take the goods: {} ({}){room}", target.reference(), failure_text(&failure), failure.code);
    Err(Error::new(code, detail).at("location"))
}

/// Goods that wait are as large as their item; advice about others keeps what the caller said of them.
fn size_of(open: &Recommendation, master: Size) -> Size {
    if open.from_location_id.is_some() {
        return master;
    }
    let per_unit = |held: i64| {
        let micro = i128::from(open.quantity.micro().max(1));
        i64::try_from((i128::from(held) * 1_000_000).div_euclid(micro)).unwrap_or(i64::MAX)
    };
    Size { dims_mm: None, volume_mm3: Some(per_unit(open.held.volume_mm3)), weight_g: Some(per_unit(open.held.weight_g)) }
}

async fn bring(
    tx: &mut Tx,
    actor: &Actor,
    open: &Recommendation,
    target: &Location,
    decision: &Decision,
) -> Result<Option<MovementId>> {
    let Some(from) = open.from_location_id else { return Ok(None) };
    let reason: String = decision.feedback().trim().chars().take(200).collect();
    let posting = Posting::transfer(open.item_id, open.lot_id, open.quantity, from, target.location_id, open.quality_status)
        .with_reference(format!("putaway {}", open.recommendation_id))
        .with_reason(reason);
    let posting = match decision.serials() {
        [] => posting.with_serials_in_order(),
        named => posting.with_serials(named.to_vec()),
    };
    let posted = inventory::service::post(tx, actor, &[posting]).await.map_err(|mut error| {
        for field in &mut error.fields {
            field.field = field.field.trim_start_matches("movements[0].").to_owned();
        }
        error
    })?;
    Ok(posted.first().map(|posted| posted.movement_id))
}

/// Accepts many, each for itself: one that is refused does not keep the others.
pub async fn accept_all(tx: &mut Tx, actor: &Actor, ids: &[RecommendationId]) -> Result<Vec<Decided>> {
    actor.require(PUTAWAY)?;
    if ids.is_empty() || ids.len() > LINES_MAX {
        return Err(Error::field("recommendations", format!("must be 1 to {LINES_MAX}")));
    }
    // All locks in one order before the first row, so that two such calls never wait for each other.
    for facility in store::facilities_of(tx, actor.tenant(), ids).await? {
        store::lock_facility(tx, actor.tenant(), facility).await?;
    }
    let asked = store::by_ids(tx, actor.tenant(), ids, actor.env.now()).await?;
    crossdock::lock_orders(tx, actor, &asked).await?;
    lock_goods(tx, actor, &asked).await?;
    let accept = Decision::Accept { feedback: String::new(), serials: Vec::new() };
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids {
        let outcome = tx.attempt(async |tx| decide(tx, actor, *id, &accept).await).await;
        outcomes.push(match outcome {
            Ok(decided) => Decided { recommendation_id: *id, recommendation: Some(decided), code: None, detail: None },
            Err(error) if error.code.status() < 500 => Decided {
                recommendation_id: *id,
                recommendation: None,
                code: Some(error.code.name()),
                detail: Some(error.detail),
            },
            Err(error) => return Err(error),
        });
    }
    Ok(outcomes)
}

/// The stock that all of them move, locked before the first one moves.
async fn lock_goods(tx: &mut Tx, actor: &Actor, asked: &[Recommendation]) -> Result<()> {
    let move_of = |one: &Recommendation| {
        let from = one.from_location_id.filter(|_| !one.state.is_closed())?;
        Some(Posting::transfer(one.item_id, one.lot_id, one.quantity, from, one.location_id, one.quality_status))
    };
    let moves: Vec<Posting> = asked.iter().filter_map(move_of).collect();
    inventory::service::lock_moves(tx, actor, &moves).await
}

#[cfg(test)]
mod tests {
    use catalog::service::ItemSize;
    use chrono::DateTime;
    use kernel::LocationId;
    use uuid::Uuid;

    use super::*;
    use crate::location::NewLocation;
    use crate::measure::{MeasureInput, SizeInput};
    use crate::putaway::Hold;
    use crate::putaway::model::Held;
    use crate::words::MixingPolicy;

    fn item(n: u128) -> Item {
        let mut item = Item::new(ItemId(Uuid::from_u128(n)), format!("I{n}"), DateTime::UNIX_EPOCH);
        item.dimensions = Some(catalog::Dimensions { length_mm: 100, width_mm: 100, height_mm: 100 });
        item.weight_g = Some(1_000);
        item
    }

    fn place(kind: LocationType, mixing: MixingPolicy) -> Location {
        let new = NewLocation {
            facility: String::new(),
            code: "R".into(),
            kind,
            zone: String::new(),
            aisle: String::new(),
            rack: String::new(),
            shelf: String::new(),
            position: String::new(),
            dimensions: Some(SizeInput::from_mm([200, 200, 200])),
            volume: None,
            max_weight: MeasureInput::plain(500_000),
            abc_class: None,
            pick_sequence: None,
            x_mm: None,
            y_mm: None,
            z_mm: None,
            security_zone: None,
            temperature: None,
            ergonomic_zone: None,
            mixing_policy: Some(mixing),
        };
        Location {
            location_id: LocationId(Uuid::from_u128(5)),
            facility_id: FacilityId(Uuid::nil()),
            facility_code: "F".into(),
            fields: new.checked().unwrap(),
            is_active: true,
            is_available: true,
            blocked_reason: String::new(),
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    fn open(quantity: u32) -> Recommendation {
        let stored = json!({
            "recommendation_id": Uuid::from_u128(7), "batch_id": null, "facility_id": null, "item_id": Uuid::from_u128(1), "item_code": "",
            "item_name": "", "lot_id": null, "lot_number": "", "quality_status": "RELEASED", "quantity": quantity,
            "from_location_id": Uuid::from_u128(4), "from_location_code": "D", "receipt_line_id": null, "location_id": Uuid::from_u128(5),
            "location_code": "R", "algorithm": "BFD", "score": "1", "confidence_score": "0.5", "reason_code": "", "reason": "", "parts": [],
            "alternatives": [], "fill_after_percent": 0.0, "nearness_rank": 1, "fitting_locations": 1, "state": "OPEN",
            "was_accepted": null, "user_feedback": "", "actual_location_id": null, "actual_location_code": null, "movement_id": null,
            "decided_at": null, "decided_by": null, "created_by": "", "created_at": "2026-01-01T00:00:00Z",
            "expires_at": "2026-01-01T00:30:00Z",
        });
        serde_json::from_value(stored).unwrap()
    }

    fn snapshot(held_of_other: i64) -> Snapshot {
        let mut hold = Hold { location: LocationId(Uuid::from_u128(5)), item: ItemId(Uuid::from_u128(2)), ..Hold::sample() };
        hold.volume_mm3 = held_of_other;
        let size = ItemSize { volume_mm3: Some(1_000_000), weight_g: Some(1_000), hazard_class: None };
        let sizes = [1, 2].map(|n| (ItemId(Uuid::from_u128(n)), size.clone())).into();
        Snapshot { sizes, holds: if held_of_other > 0 { vec![hold] } else { Vec::new() }, ..Snapshot::default() }
    }

    #[test]
    fn space_taken_meanwhile_is_refused() {
        let place = place(LocationType::Reserve, MixingPolicy::Any);
        assert!(fits(&open(8), Some(item(1)), &place, &snapshot(0)).is_ok());
        let error = fits(&open(8), Some(item(1)), &place, &snapshot(1_000_000)).unwrap_err();
        assert_eq!(error.code, ErrorCode::CapacityExceeded);
        assert!(error.detail.contains("it takes 7 of 8"), "{}", error.detail);
    }

    #[test]
    fn rules_hold_for_overrides_too() {
        let mixed =
            fits(&open(1), Some(item(1)), &place(LocationType::Reserve, MixingPolicy::SingleItem), &snapshot(1)).unwrap_err();
        assert_eq!(mixed.code, ErrorCode::Conflict);
        assert!(mixed.detail.contains("MIXING"));
        assert!(fits(&open(1), Some(item(1)), &place(LocationType::Quarantine, MixingPolicy::Any), &snapshot(0)).is_err());
        assert!(fits(&open(1), Some(item(1)), &place(LocationType::Shipping, MixingPolicy::Any), &snapshot(0)).is_err());
    }

    #[test]
    fn decided_and_expired_ones_are_closed() {
        for state in [RecommendationState::Accepted, RecommendationState::Rejected, RecommendationState::Expired] {
            let closed = Recommendation { state, ..open(1) };
            assert_eq!(refuse_closed(&closed).unwrap_err().code, ErrorCode::RecommendationClosed);
        }
        assert!(refuse_closed(&open(1)).is_ok());
    }

    #[test]
    fn advice_keeps_the_size_that_the_caller_gave() {
        let mut advice = Recommendation { from_location_id: None, ..open(4) };
        advice.held = Held { volume_mm3: 2_000, weight_g: 40, ..Held::default() };
        let size = size_of(&advice, Size::of(&item(1)));
        assert_eq!((size.volume_mm3, size.weight_g, size.dims_mm), (Some(500), Some(10), None));
    }
}
