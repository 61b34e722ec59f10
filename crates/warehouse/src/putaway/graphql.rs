use async_graphql::dataloader::DataLoader;
use async_graphql::{ComplexObject, Context, Enum, InputObject, Object, Result, SimpleObject};
use catalog::{GqlItem, ItemLoader};
use chrono::{DateTime, Utc};
use inventory::{NumberText, QualityStatus};
use kernel::{ItemId, LocationId, PageRequest, RecommendationId};
use platform::Error;
use platform::database::{PgConnection, Tx};
use platform::graphql::{caller, key_of};
use platform::http::mutate;
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::congestion::Congestion;
use super::crossdock::CrossDockOpportunities;
use super::model::{
    AlternativeLocation, Answer, Change, Decided, Decision, Failure, PartScore, PutawayItem, PutawayRequest, Recommendation,
    RecommendationFilter, Summary,
};
use super::service;
use crate::check::Checks;
use crate::location::{LocationLoader, LocationObject};
use crate::measure::{MeasureInput, SizeInput};
use crate::own;
use crate::words::{CrossDockUrgency, RecommendationState};

/// One proposal where to put goods. While it is OPEN the location keeps the space free.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "PutawayRecommendation", complex)]
pub(crate) struct RecommendationObject {
    recommendation_id: Uuid,
    batch_id: Option<Uuid>,
    facility_id: Option<Uuid>,
    material_id: Uuid,
    material_code: String,
    material_name: String,
    lot_number: String,
    quality_status: QualityStatus,
    /// In the item's base unit.
    quantity: Decimal,
    /// Where the goods wait; null for goods that have not arrived.
    from_location_code: Option<String>,
    location_id: Uuid,
    location_code: String,
    algorithm: String,
    /// 0 to 1.
    confidence_score: f64,
    /// The probability that people accept it, 0 to 1; null where the rule score stood alone.
    ml_adjusted_confidence: Option<f64>,
    /// The model that foretold it.
    model_version: Option<i32>,
    reason_code: String,
    /// One sentence for the person at the shelf.
    reason: String,
    /// 0 to 100.
    score: f64,
    parts: Vec<PartScore>,
    alternatives: Vec<AlternativeLocation>,
    /// What would have made the first of the alternatives the choice.
    would_change: Vec<Change>,
    fill_after_percent: f64,
    nearness_rank: u32,
    fitting_locations: u32,
    /// The order that is due and lacks the goods; they go to STAGING for it.
    order_id: Option<Uuid>,
    order_code: Option<String>,
    urgency: Option<CrossDockUrgency>,
    state: RecommendationState,
    was_accepted: Option<bool>,
    user_feedback: String,
    actual_location_code: Option<String>,
    movement_id: Option<Uuid>,
    decided_at: Option<DateTime<Utc>>,
    created_by: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl From<Recommendation> for RecommendationObject {
    fn from(one: Recommendation) -> Self {
        let float = |value: Decimal| f64::try_from(value).unwrap_or_default();
        Self {
            recommendation_id: one.recommendation_id.0,
            batch_id: one.batch_id,
            facility_id: one.facility_id.map(|id| id.0),
            material_id: one.item_id.0,
            material_code: one.item_code,
            material_name: one.item_name,
            lot_number: one.lot_number,
            quality_status: one.quality_status,
            quantity: one.quantity.decimal(),
            from_location_code: one.from_location_code,
            location_id: one.location_id.0,
            location_code: one.location_code,
            algorithm: one.algorithm,
            confidence_score: float(one.confidence_score),
            ml_adjusted_confidence: one.ml_adjusted_confidence.map(float),
            model_version: one.model_version,
            reason_code: one.reason_code,
            reason: one.reason,
            score: float(one.score),
            parts: one.parts,
            alternatives: one.alternatives,
            would_change: one.would_change,
            fill_after_percent: one.fill_after_percent,
            nearness_rank: one.nearness_rank,
            fitting_locations: one.fitting_locations,
            order_id: one.order_id.map(|id| id.0),
            order_code: one.order_code,
            urgency: one.urgency,
            state: one.state,
            was_accepted: one.was_accepted,
            user_feedback: one.user_feedback,
            actual_location_code: one.actual_location_code,
            movement_id: one.movement_id.map(|id| id.0),
            decided_at: one.decided_at,
            created_by: one.created_by,
            created_at: one.created_at,
            expires_at: one.expires_at,
        }
    }
}

#[ComplexObject]
impl RecommendationObject {
    async fn item(&self, context: &Context<'_>) -> Result<Option<GqlItem>> {
        let loader = context.data::<DataLoader<ItemLoader>>()?;
        Ok(loader.load_one(ItemId(self.material_id)).await.map_err(own)?)
    }

    /// The recommended location.
    async fn location(&self, context: &Context<'_>) -> Result<Option<LocationObject>> {
        let loader = context.data::<DataLoader<LocationLoader>>()?;
        Ok(loader.load_one(LocationId(self.location_id)).await.map_err(own)?.map(LocationObject::from))
    }
}

/// The answer to one batch.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "BatchPutawayResult")]
pub(crate) struct AnswerObject {
    batch_id: Option<Uuid>,
    recommendations: Vec<RecommendationObject>,
    /// Lines of which something found no place, with the reason.
    failures: Vec<Failure>,
    processing_summary: Summary,
}

impl From<Answer> for AnswerObject {
    fn from(answer: Answer) -> Self {
        Self {
            batch_id: answer.batch_id,
            recommendations: answer.recommendations.into_iter().map(RecommendationObject::from).collect(),
            failures: answer.failures,
            processing_summary: answer.summary,
        }
    }
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct RecommendationPage {
    items: Vec<RecommendationObject>,
    next_cursor: Option<String>,
}

/// What became of one recommendation of many.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "DecidedPutaway")]
pub(crate) struct DecidedObject {
    recommendation_id: Uuid,
    recommendation: Option<RecommendationObject>,
    /// The error's code when it was refused.
    code: Option<String>,
    detail: Option<String>,
}

impl From<Decided> for DecidedObject {
    fn from(decided: Decided) -> Self {
        Self {
            recommendation_id: decided.recommendation_id.0,
            recommendation: decided.recommendation.map(RecommendationObject::from),
            code: decided.code,
            detail: decided.detail,
        }
    }
}

#[derive(Clone, Debug, Serialize, InputObject)]
pub(crate) struct BatchPutawayInput {
    /// Id or code.
    facility_id: String,
    /// 1 to 500.
    items: Vec<PutawayItemInput>,
    /// OPTIMAL, HYBRID, BFD or FFD; the one that BIN_OPTIMIZATION_ALGORITHM names when absent.
    algorithm: Option<String>,
    /// How long the space is held, 1 to 1440; 30 when absent.
    hold_minutes: Option<u32>,
}

/// Goods that have not arrived. Sizes and weights are of ONE base unit; what is not said comes from the item.
#[derive(Clone, Debug, Serialize, InputObject)]
pub(crate) struct PutawayItemInput {
    /// Id or code of the item.
    material_id: String,
    quantity: Decimal,
    /// The item's base unit when absent.
    unit: Option<String>,
    lot_number: Option<String>,
    /// RELEASED when absent.
    quality_status: Option<QualityStatus>,
    /// Volume of one base unit; instead of dimensions.
    cubic_feet: Option<Decimal>,
    /// Weight of one base unit.
    weight_lbs: Option<Decimal>,
    dimensions: Option<SizeInput>,
    /// Weight of one base unit in a unit of choice; instead of weightLbs.
    weight: Option<MeasureInput>,
}

/// Goods that wait in RECEIVING locations. Exactly one of receipt, balances and allWaiting says which.
#[derive(Clone, Debug, Serialize, InputObject)]
pub(crate) struct WaitingGoodsInput {
    /// Id or code.
    facility: String,
    /// Id or code of a delivery.
    receipt: Option<String>,
    #[graphql(default)]
    balances: Vec<Uuid>,
    #[graphql(default)]
    all_waiting: bool,
    algorithm: Option<String>,
    hold_minutes: Option<u32>,
}

impl PutawayItemInput {
    fn to_item(&self, checks: &mut Checks) -> PutawayItem {
        let twice = self.weight_lbs.is_some() && self.weight.is_some();
        checks.require(!twice, "weightLbs", "must be absent when weight is given");
        let twice = self.cubic_feet.is_some() && self.dimensions.is_some();
        checks.require(!twice, "cubicFeet", "must be absent when dimensions are given");
        let measure = |value: Option<Decimal>, unit: &str| value.map(|value| MeasureInput { value, unit: Some(unit.to_owned()) });
        PutawayItem {
            item: self.material_id.clone(),
            lot_number: self.lot_number.clone(),
            quantity: NumberText(self.quantity.to_string()),
            unit: self.unit.clone(),
            quality_status: self.quality_status,
            dimensions: self.dimensions.clone(),
            volume: measure(self.cubic_feet, "ft3"),
            weight: self.weight.clone().or_else(|| measure(self.weight_lbs, "lb")),
        }
    }
}

impl BatchPutawayInput {
    fn to_request(&self) -> Result<PutawayRequest, Error> {
        let mut checks = Checks::default();
        let items = self.items.iter().enumerate().map(|(n, item)| item.to_item(checks.inside(format!("items[{n}].")))).collect();
        checks.done()?;
        let (facility, algorithm) = (self.facility_id.clone(), self.algorithm.clone());
        Ok(PutawayRequest { facility, items, algorithm, hold_minutes: self.hold_minutes, ..PutawayRequest::default() })
    }
}

impl From<&WaitingGoodsInput> for PutawayRequest {
    fn from(input: &WaitingGoodsInput) -> Self {
        let WaitingGoodsInput { facility, receipt, balances, all_waiting, algorithm, hold_minutes } = input.clone();
        Self { facility, receipt, balances, all_waiting, algorithm, hold_minutes, ..Self::default() }
    }
}

/// What to look for; absent fields do not narrow.
#[derive(Debug, Default, InputObject)]
pub(crate) struct RecommendationFilterInput {
    facility: Option<String>,
    state: Option<RecommendationState>,
    /// Id or code of the delivery that brought the goods.
    receipt: Option<String>,
    item: Option<String>,
    location: Option<String>,
    batch: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Enum)]
pub(crate) enum PutawayDecision {
    Accept,
    /// Needs `location`.
    Override,
    Reject,
}

#[derive(Default)]
pub struct PutawayQuery;

#[Object]
impl PutawayQuery {
    /// Lines that found no place for want of capacity within the last 24 hours, and are not resolved.
    async fn capacity_failures_last_day(&self, context: &Context<'_>) -> Result<i64> {
        let (app, actor) = caller(context)?;
        let work = async |connection: &mut PgConnection| service::capacity_failures_last_day(connection, actor).await;
        Ok(app.db.read(actor.tenant(), work).await?)
    }

    /// As getBatchPutawayRecommendations, but nothing is stored and no space is held.
    async fn preview_putaway(&self, context: &Context<'_>, input: BatchPutawayInput) -> Result<AnswerObject> {
        let (app, actor) = caller(context)?;
        let switches = app.config.switches();
        let request = input.to_request()?;
        let answer = app
            .db
            .read(actor.tenant(), async |connection| service::preview(connection, actor, &switches, &request).await)
            .await?;
        Ok(answer.into())
    }

    /// As recommendPutaway, but nothing is stored and no space is held.
    async fn preview_waiting_putaway(&self, context: &Context<'_>, input: WaitingGoodsInput) -> Result<AnswerObject> {
        let (app, actor) = caller(context)?;
        let switches = app.config.switches();
        let request = PutawayRequest::from(&input);
        let answer = app
            .db
            .read(actor.tenant(), async |connection| service::preview(connection, actor, &switches, &request).await)
            .await?;
        Ok(answer.into())
    }

    /// The best location for one item now; null when none fits. Nothing is stored.
    async fn suggest_putaway_location(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: String,
        item: PutawayItemInput,
    ) -> Result<Option<RecommendationObject>> {
        let (app, actor) = caller(context)?;
        let switches = app.config.switches();
        let input = BatchPutawayInput { facility_id, items: vec![item], algorithm: None, hold_minutes: None };
        let request = input.to_request()?;
        let answer = app
            .db
            .read(actor.tenant(), async |connection| service::preview(connection, actor, &switches, &request).await)
            .await?;
        Ok(answer.recommendations.into_iter().next().map(RecommendationObject::from))
    }

    /// Goods on the dock that orders lack which are due within two days.
    async fn detect_cross_dock_opportunity(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: String,
        #[graphql(desc = "only of this item: id or code")] material_id: Option<String>,
        #[graphql(desc = "only of this delivery: id or code")] receipt: Option<String>,
    ) -> Result<CrossDockOpportunities> {
        let (app, actor) = caller(context)?;
        let switches = app.config.switches();
        let only = (material_id.as_deref(), receipt.as_deref());
        let work = async |connection: &mut PgConnection| {
            service::cross_dock_opportunities(connection, actor, &switches, &facility_id, only).await
        };
        Ok(app.db.read(actor.tenant(), work).await?)
    }

    /// How busy the aisles are, and what a location there loses for it.
    async fn get_aisle_congestion_metrics(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: String,
    ) -> Result<Congestion> {
        let (app, actor) = caller(context)?;
        let switches = app.config.switches();
        let work =
            async |connection: &mut PgConnection| service::aisle_congestion(connection, actor, &switches, &facility_id).await;
        Ok(app.db.read(actor.tenant(), work).await?)
    }

    /// Recommendations, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn putaway_recommendations(
        &self,
        context: &Context<'_>,
        filter: Option<RecommendationFilterInput>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<RecommendationPage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let RecommendationFilterInput { facility, state, receipt, item, location, batch } = filter.unwrap_or_default();
        let filter = RecommendationFilter { facility, state, receipt, item, location, batch };
        let found =
            app.db.read(actor.tenant(), async |connection| service::list(connection, actor, &filter, &page).await).await?;
        let found = found.map(RecommendationObject::from);
        Ok(RecommendationPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    async fn putaway_recommendation(&self, context: &Context<'_>, recommendation_id: Uuid) -> Result<RecommendationObject> {
        let (app, actor) = caller(context)?;
        let id = RecommendationId(recommendation_id);
        let found = app.db.read(actor.tenant(), async |connection| service::get(connection, actor, id).await).await?;
        Ok(found.into())
    }
}

#[derive(Default)]
pub struct PutawayMutation;

#[Object]
impl PutawayMutation {
    /// Finds places for goods that have not arrived, and holds the space. The same input again gives the same recommendations while
    /// they are open.
    async fn get_batch_putaway_recommendations(&self, context: &Context<'_>, input: BatchPutawayInput) -> Result<AnswerObject> {
        let (app, actor) = caller(context)?;
        let switches = app.config.switches();
        let key = key_of(context, &input);
        let request = input.to_request()?;
        let answer =
            mutate(app, actor, key.as_ref(), async |tx| service::recommend(tx, actor, &switches, &request).await).await?;
        Ok(answer.into())
    }

    /// Finds places for goods that wait in RECEIVING locations, and holds the space.
    async fn recommend_putaway(&self, context: &Context<'_>, input: WaitingGoodsInput) -> Result<AnswerObject> {
        let (app, actor) = caller(context)?;
        let switches = app.config.switches();
        let key = key_of(context, &input);
        let request = PutawayRequest::from(&input);
        let answer =
            mutate(app, actor, key.as_ref(), async |tx| service::recommend(tx, actor, &switches, &request).await).await?;
        Ok(answer.into())
    }

    /// Accepts, overrides or rejects an open recommendation; waiting goods move in the ledger.
    async fn record_putaway_decision(
        &self,
        context: &Context<'_>,
        recommendation_id: Uuid,
        decision: PutawayDecision,
        #[graphql(desc = "for OVERRIDE: id, FACILITY/CODE or code of the other location")] location: Option<String>,
        feedback: Option<String>,
        #[graphql(desc = "which pieces of a serial-tracked item went; the lowest numbers when absent")] serials: Option<
            Vec<String>,
        >,
    ) -> Result<RecommendationObject> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(recommendation_id, decision, &location, &feedback, &serials));
        let (feedback, serials) = (feedback.unwrap_or_default(), serials.unwrap_or_default());
        let decision = match (decision, location) {
            (PutawayDecision::Accept, None) => Decision::Accept { feedback, serials },
            (PutawayDecision::Reject, None) => Decision::Reject { feedback },
            (PutawayDecision::Override, Some(location)) => Decision::Override { location, feedback, serials },
            (PutawayDecision::Override, None) => return Err(Error::field("location", "is required for OVERRIDE").into()),
            (_, Some(_)) => return Err(Error::field("location", "must be absent unless the decision is OVERRIDE").into()),
        };
        let id = RecommendationId(recommendation_id);
        let work = async |tx: &mut Tx| service::decide(tx, actor, id, &decision).await;
        Ok(mutate(app, actor, key.as_ref(), work).await?.into())
    }

    /// Accepts many; each that is refused says why and does not keep the others.
    async fn accept_putaway_recommendations(
        &self,
        context: &Context<'_>,
        recommendation_ids: Vec<Uuid>,
    ) -> Result<Vec<DecidedObject>> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &recommendation_ids);
        let ids: Vec<RecommendationId> = recommendation_ids.into_iter().map(RecommendationId).collect();
        let decided = mutate(app, actor, key.as_ref(), async |tx| service::accept_all(tx, actor, &ids).await).await?;
        Ok(decided.into_iter().map(DecidedObject::from).collect())
    }
}
