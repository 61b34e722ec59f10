use chrono::{DateTime, Utc};
use inventory::{NumberText, QualityStatus};
use kernel::{FacilityId, ItemId, LocationId, LotId, MovementId, OrderId, Quantity, ReceiptLineId, RecommendationId, UserId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::measure::{MeasureInput, SizeInput};
use crate::words::{Arm, CrossDockUrgency, RecommendationState};

/// Lines of one batch.
pub(crate) const LINES_MAX: usize = 500;
/// Locations that one line holds at most.
pub(crate) const PLACES_MAX: usize = 100;
pub(crate) const HOLD_MINUTES: u32 = 30;
const HOLD_MINUTES_MAX: u32 = 24 * 60;
pub(crate) const FEEDBACK_MAX: usize = 500;

/// Which goods to find places for. Exactly one of `receipt`, `balances`, `all_waiting` and `items` says so.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutawayRequest {
    /// Id or code of the facility.
    pub facility: String,
    /// Id or code of a delivery: what it brought and still waits in a RECEIVING location.
    pub receipt: Option<String>,
    /// Stock balances in RECEIVING locations.
    #[serde(default)]
    pub balances: Vec<Uuid>,
    /// Everything that waits in the facility's RECEIVING locations, the 500 oldest balances at most.
    #[serde(default)]
    pub all_waiting: bool,
    /// Goods that have not arrived: advice that holds space, but accepting it moves nothing.
    #[serde(default)]
    pub items: Vec<PutawayItem>,
    /// OPTIMAL, HYBRID, BFD or FFD; the one that BIN_OPTIMIZATION_ALGORITHM names when absent (OPTIMAL unless it is set).
    pub algorithm: Option<String>,
    /// How long the space is held, 1 to 1440; 30 when absent.
    pub hold_minutes: Option<u32>,
    /// Only show the answer: nothing is stored and no space is held.
    #[serde(default)]
    pub preview: bool,
}

/// Goods that have not arrived. What is not said of size and weight comes from the item.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutawayItem {
    /// Id or code.
    pub item: String,
    pub lot_number: Option<String>,
    /// Greater than 0; what is no such number fails its own line only.
    #[schema(value_type = String, example = "100")]
    pub quantity: NumberText,
    /// One of the item's units; its base unit when absent.
    pub unit: Option<String>,
    /// RELEASED when absent; other goods go to QUARANTINE locations.
    pub quality_status: Option<QualityStatus>,
    /// Of one base unit.
    pub dimensions: Option<SizeInput>,
    /// Of one base unit; instead of dimensions.
    pub volume: Option<MeasureInput>,
    /// Of one base unit.
    pub weight: Option<MeasureInput>,
}

impl PutawayRequest {
    pub(crate) fn hold_minutes(&self) -> Result<u32, kernel::Invalid> {
        let minutes = self.hold_minutes.unwrap_or(HOLD_MINUTES);
        if (1..=HOLD_MINUTES_MAX).contains(&minutes) {
            return Ok(minutes);
        }
        Err(kernel::Invalid(format!("must be from 1 to {HOLD_MINUTES_MAX} minutes")))
    }
}

/// One part of a score, in points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "PutawayScorePart")]
pub struct PartScore {
    /// ABC, FILL, TRAVEL, LOCATION_TYPE, CONSOLIDATION, AFFINITY, CONGESTION, ERGONOMICS, PREFERRED_ZONE, SPECIAL_STORAGE, SPLIT.
    pub part: String,
    /// Negative for penalties.
    pub points: f64,
}

/// A location that would have fitted too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "PutawayAlternative")]
pub struct AlternativeLocation {
    pub location_id: Uuid,
    pub location_code: String,
    /// 0 to 100.
    pub score: f64,
    pub parts: Vec<PartScore>,
    /// Why it was not chosen, in one sentence.
    pub lost: String,
}

/// The smallest change of one kind that would have made the best alternative the choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "PutawayChange")]
#[schema(as = PutawayChange)]
pub struct Change {
    /// VOLUME (in mm³) or WEIGHT (in g) of a location, or SETTING: the weight of a part of the score.
    pub what: String,
    /// The location that would have to be larger or smaller; null for a setting.
    pub location_code: Option<String>,
    /// The part of the score whose weight would change; null for a location.
    pub part: Option<String>,
    /// By how much; negative for less.
    pub by: f64,
    /// The whole in one sentence.
    pub sentence: String,
}

/// Why a location was chosen, as it was at that moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Explanation {
    pub parts: Vec<PartScore>,
    /// At most three, best first.
    pub alternatives: Vec<AlternativeLocation>,
    pub would_change: Vec<Change>,
    /// Percent of the location's volume.
    pub fill_after_percent: f64,
    /// 1 for the nearest of the locations that fit.
    pub nearness_rank: u32,
    pub fitting_locations: u32,
}

/// One proposal where to put goods. While it is OPEN the location keeps the space free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recommendation {
    #[schema(value_type = Uuid)]
    pub recommendation_id: RecommendationId,
    /// The call that made it.
    pub batch_id: Option<Uuid>,
    #[schema(value_type = Option<Uuid>)]
    pub facility_id: Option<FacilityId>,
    #[schema(value_type = Uuid)]
    pub item_id: ItemId,
    pub item_code: String,
    pub item_name: String,
    #[schema(value_type = Option<Uuid>)]
    pub lot_id: Option<LotId>,
    pub lot_number: String,
    pub quality_status: QualityStatus,
    /// In the item's base unit.
    #[schema(value_type = String)]
    pub quantity: Quantity,
    /// Where the goods wait; null for advice about goods that have not arrived.
    #[schema(value_type = Option<Uuid>)]
    pub from_location_id: Option<LocationId>,
    pub from_location_code: Option<String>,
    #[schema(value_type = Option<Uuid>)]
    pub receipt_line_id: Option<ReceiptLineId>,
    #[schema(value_type = Uuid)]
    pub location_id: LocationId,
    pub location_code: String,
    pub algorithm: String,
    /// The method and, where they are not the default ones, the weights; empty where it was not recorded.
    #[serde(default)]
    pub algorithm_version: String,
    /// The experiment that said how, with the side and what was assigned to it.
    #[schema(value_type = Option<Uuid>)]
    pub experiment_id: Option<Uuid>,
    pub experiment_arm: Option<Arm>,
    pub experiment_unit: Option<String>,
    /// 0 to 100.
    #[schema(value_type = String)]
    pub score: Decimal,
    /// 0 to 1.
    #[schema(value_type = String)]
    pub confidence_score: Decimal,
    /// The probability that people accept it, 0 to 1, as the model in use foretold it; null where the rule score stood alone.
    #[schema(value_type = Option<String>)]
    pub ml_adjusted_confidence: Option<Decimal>,
    /// The model that foretold it.
    pub model_version: Option<i32>,
    pub reason_code: String,
    /// One sentence for the person at the shelf.
    pub reason: String,
    pub parts: Vec<PartScore>,
    pub alternatives: Vec<AlternativeLocation>,
    /// What would have made the first of the alternatives the choice; empty when nothing small would have.
    #[serde(default)]
    pub would_change: Vec<Change>,
    pub fill_after_percent: f64,
    pub nearness_rank: u32,
    pub fitting_locations: u32,
    /// The order that is due and lacks the goods: they go to STAGING and are reserved for it when this is accepted.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    pub order_id: Option<OrderId>,
    #[serde(default)]
    pub order_code: Option<String>,
    #[serde(default)]
    pub urgency: Option<CrossDockUrgency>,
    pub state: RecommendationState,
    pub was_accepted: Option<bool>,
    pub user_feedback: String,
    #[schema(value_type = Option<Uuid>)]
    pub actual_location_id: Option<LocationId>,
    pub actual_location_code: Option<String>,
    /// The transfer in the ledger.
    #[schema(value_type = Option<Uuid>)]
    pub movement_id: Option<MovementId>,
    pub decided_at: Option<DateTime<Utc>>,
    #[schema(value_type = Option<Uuid>)]
    pub decided_by: Option<UserId>,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    #[serde(skip)]
    pub(crate) held: Held,
}

/// What belongs to a recommendation but is not shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Held {
    pub volume_mm3: i64,
    pub weight_g: i64,
    pub request_hash: Option<String>,
    pub line_no: Option<i32>,
    /// What was known when it was made; only of one that is being made.
    pub features: Vec<f64>,
}

/// Goods that found no place, or not all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "PutawayFailure")]
#[schema(as = PutawayFailure)]
pub struct Failure {
    /// Place in the request, from 1.
    pub line_no: i32,
    /// As the caller wrote it, or the item's code.
    pub item: String,
    pub item_id: Option<Uuid>,
    pub lot_number: String,
    /// What was left without a place, in the item's base unit.
    #[schema(value_type = String)]
    pub quantity: Decimal,
    /// NO_CAPACITY, TOO_LARGE, TOO_HEAVY, TEMPERATURE, SECURITY, HAZARD, MIXING, QUALITY_HOLD, NO_LOCATION, UNKNOWN_ITEM, NO_MASTER_DATA,
    /// INVALID_QUANTITY or QUANTITY_TOO_LARGE.
    pub reason_code: String,
    pub reason: String,
    /// The location that lacked least.
    pub nearest_location_id: Option<Uuid>,
    pub nearest_location_code: Option<String>,
    /// By how much the need exceeds what that location has, in percent.
    pub overflow_percentage: Option<f64>,
    /// VOLUME, WEIGHT or DIMENSION where capacity was the cause.
    pub capacity: Option<String>,
}

/// The answer to one batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PutawayAnswer)]
pub struct Answer {
    /// Absent in a preview, and when nothing new was recommended.
    pub batch_id: Option<Uuid>,
    /// In the order of the lines; those that were open already come with them, so that asking twice is harmless.
    pub recommendations: Vec<Recommendation>,
    pub failures: Vec<Failure>,
    pub summary: Summary,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "PutawayProcessingSummary")]
#[schema(as = PutawaySummary)]
pub struct Summary {
    /// Lines looked at.
    pub total_items: u32,
    /// Recommendations in the answer.
    pub recommendations_generated: u32,
    /// Of those, how many were open before.
    pub already_open: u32,
    /// Lines of which something found no place.
    pub failures: u32,
    /// The method that chose the locations; goods for orders that are due are brought to STAGING before.
    pub algorithm: String,
    /// Sum over the new placements of score times share of the line; at most 100 per line.
    pub total_score: f64,
    /// No assignment can reach more.
    pub upper_bound: f64,
    /// (bound - total) / bound: 0 proves the answer the best possible.
    pub optimality_gap: f64,
    pub processing_time_ms: f64,
    /// Of the recommendations, how many go to STAGING for an order that is due.
    #[serde(default)]
    pub cross_docked: u32,
    /// Settings that are off, such as `SKU_AFFINITY_ENABLED`: what they stand for played no part.
    #[serde(default)]
    pub switched_off: Vec<String>,
}

/// Space held, and goods covered, by an open recommendation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub recommendation: RecommendationId,
    pub location: LocationId,
    pub item: ItemId,
    pub lot: Option<LotId>,
    pub lot_number: String,
    pub quality_status: String,
    pub from: Option<LocationId>,
    /// The order that the goods are meant for.
    pub order: Option<OrderId>,
    pub request_hash: Option<String>,
    pub line_no: Option<i32>,
    pub quantity: Quantity,
    pub volume_mm3: i64,
    pub weight_g: i64,
}

/// What to do with a recommendation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Accept {
        feedback: String,
        /// Which pieces of a serial-tracked item went; the lowest numbers that lie at the source when empty.
        serials: Vec<String>,
    },
    /// The goods go to another location of the facility: id, `FACILITY/CODE` or code.
    Override {
        location: String,
        feedback: String,
        /// As for `Accept`.
        serials: Vec<String>,
    },
    /// The goods stay where they are; the space is free again.
    Reject { feedback: String },
}

impl Decision {
    pub(crate) fn feedback(&self) -> &str {
        match self {
            Self::Accept { feedback, .. } | Self::Override { feedback, .. } | Self::Reject { feedback } => feedback,
        }
    }

    pub(crate) fn serials(&self) -> &[String] {
        match self {
            Self::Accept { serials, .. } | Self::Override { serials, .. } => serials,
            Self::Reject { .. } => &[],
        }
    }
}

/// What became of one recommendation of a batch that was decided together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Decided {
    #[schema(value_type = Uuid)]
    pub recommendation_id: RecommendationId,
    /// Absent when it was refused.
    pub recommendation: Option<Recommendation>,
    /// The error's code when it was refused.
    pub code: Option<String>,
    pub detail: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecommendationFilter {
    /// Id or code of the facility.
    pub facility: Option<String>,
    #[param(inline)]
    pub state: Option<RecommendationState>,
    /// Id or code of the delivery that brought the goods.
    pub receipt: Option<String>,
    /// Id or code of the item.
    pub item: Option<String>,
    /// Id or `FACILITY/CODE` of the recommended location.
    pub location: Option<String>,
    pub batch: Option<Uuid>,
}

#[cfg(test)]
impl Hold {
    pub(crate) fn sample() -> Self {
        Self {
            recommendation: RecommendationId(Uuid::nil()),
            location: LocationId(Uuid::nil()),
            item: ItemId(Uuid::nil()),
            lot: None,
            lot_number: String::new(),
            quality_status: "RELEASED".into(),
            from: None,
            order: None,
            request_hash: None,
            line_no: None,
            quantity: Quantity::from(1),
            volume_mm3: 0,
            weight_g: 0,
        }
    }
}
