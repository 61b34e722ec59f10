//! Shapes of the API, the same in REST (snake_case) and GraphQL (camelCase).

use async_graphql::SimpleObject;
use catalog::AbcClass;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Plan, Snapshot};
use crate::words::{OptimizationKind, TriggerKind, TriggerSeverity};

/// How often an item is picked in a facility, as of the morning of `day`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = MaterialVelocity)]
#[graphql(name = "MaterialVelocity")]
pub struct VelocityDto {
    pub material_id: Uuid,
    pub material_code: String,
    pub material_name: String,
    pub day: NaiveDate,
    /// Picks per day over the last 30 days.
    pub recent_per_day: f64,
    /// Picks per day over the 150 days before.
    pub before_per_day: f64,
    /// Null where there is nothing to compare with.
    pub change_percent: Option<f64>,
    /// Over all 180 days.
    pub picks: i64,
    /// What was picked in them, in base units.
    pub quantity: String,
    /// That, times the value of one base unit; null where nobody entered one.
    pub value: Option<String>,
    /// The class that the picks give it.
    pub abc_class: AbcClass,
    /// It should be classed by a value that nobody entered; `abc_class` is the one that the item had then.
    pub lacks_value: bool,
    /// The class that the item has.
    pub current_abc_class: AbcClass,
    pub trigger: Option<TriggerKind>,
    pub severity: Option<TriggerSeverity>,
}

/// One page of velocities, the most picked first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = MaterialVelocityPage)]
#[graphql(name = "MaterialVelocityPage")]
pub struct VelocityPage {
    pub items: Vec<VelocityDto>,
    pub next_cursor: Option<String>,
    /// The day they were computed for; null before the first run.
    pub day: Option<NaiveDate>,
}

/// An item that should lie elsewhere, why, and where it lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = ReSlottingTrigger)]
#[graphql(name = "ReSlottingTrigger")]
pub struct TriggerDto {
    pub material_id: Uuid,
    pub material_code: String,
    pub material_name: String,
    pub trigger: TriggerKind,
    pub severity: TriggerSeverity,
    pub recent_per_day: f64,
    pub before_per_day: f64,
    pub change_percent: Option<f64>,
    pub current_abc_class: AbcClass,
    pub recommended_abc_class: AbcClass,
    /// Codes of the locations that hold it now, at most ten.
    pub locations: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = ReSlottingTriggerPage)]
#[graphql(name = "ReSlottingTriggerPage")]
pub struct TriggerPage {
    pub items: Vec<TriggerDto>,
    pub next_cursor: Option<String>,
    pub day: Option<NaiveDate>,
}

/// That two items are picked together, seen from the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = SkuAffinity)]
#[graphql(name = "SkuAffinity")]
pub struct AffinityDto {
    pub material_id: Uuid,
    pub material_code: String,
    pub other_material_id: Uuid,
    pub other_material_code: String,
    /// Orders that hold both.
    pub co_picks: i64,
    /// Share of all orders that hold both, 0 to 1.
    pub support: f64,
    /// Share of the orders with the first that hold the other too, 0 to 1.
    pub confidence: f64,
    /// Confidence over the share of all orders that hold the other; 1 when the two have nothing to do with each other.
    pub lift: f64,
    /// Co-picks over the most co-picks of any two items, 0 to 1.
    pub strength: f64,
    pub computed_at: DateTime<Utc>,
}

/// What a run of the analysis found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = VelocityRun)]
#[graphql(name = "VelocityRun")]
pub struct VelocityRunDto {
    pub facility_id: Uuid,
    pub day: NaiveDate,
    pub items: i32,
    /// Those that should be classed by a value that nobody entered; their class stays as it is.
    #[serde(default)]
    pub items_without_value: i32,
    pub triggers: i32,
    pub affinity_pairs: i32,
    /// Items whose own class was written because the settings say so.
    pub classes_written: i32,
}

/// How many items were written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = ClassesWritten)]
#[graphql(name = "ClassesWritten")]
pub struct ClassesWrittenDto {
    pub items: i32,
}

/// Something that would make better use of the locations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = OptimizationRecommendation)]
#[graphql(name = "OptimizationRecommendation")]
pub struct RecommendationDto {
    pub kind: OptimizationKind,
    pub priority: TriggerSeverity,
    pub material_id: Uuid,
    pub material_code: String,
    pub lot_number: Option<String>,
    /// In the item's base unit.
    pub quantity: String,
    pub from_location_id: Uuid,
    pub from_location_code: String,
    /// Null where a plan has to find the place.
    pub to_location_id: Option<Uuid>,
    pub to_location_code: Option<String>,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = OptimizationRecommendations)]
#[graphql(name = "OptimizationRecommendations")]
pub struct RecommendationsDto {
    pub facility_id: Uuid,
    pub facility_code: String,
    /// Sum of the free volume over the largest free volume of one location.
    pub fragmentation_index: f64,
    /// How many there are; `items` may hold fewer.
    pub total: i32,
    pub items: Vec<RecommendationDto>,
    pub calculated_at: DateTime<Utc>,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = SlottingMove)]
#[graphql(name = "SlottingMove")]
pub struct PlannedMoveDto {
    pub move_no: i32,
    pub step_no: i32,
    /// Moves with the same number make sense together only.
    pub chain_no: i32,
    pub material_id: Uuid,
    pub material_code: String,
    pub material_name: String,
    pub lot_number: Option<String>,
    pub quantity: String,
    pub unit: String,
    pub from_location_id: Uuid,
    pub from_location_code: String,
    pub to_location_id: Uuid,
    pub to_location_code: String,
    /// Walked metres that the move costs, handling included.
    pub cost_m: f64,
    pub chain_saving_m_per_day: f64,
    pub chain_cost_m: f64,
    /// Why it was left out at approval; empty otherwise.
    pub left_out: String,
}

/// A plan with its moves and what became of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = SlottingPlanWithMoves)]
#[graphql(name = "SlottingPlanWithMoves")]
pub struct PlanDto {
    pub plan: Plan,
    /// Saved per day, in percent of what is walked now.
    pub saving_percent: f64,
    pub moves: Vec<PlannedMoveDto>,
    /// Tasks that were made of it, and how many of them are done or cancelled.
    pub tasks: i64,
    pub tasks_done: i64,
    pub tasks_cancelled: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, SimpleObject)]
#[graphql(name = "SlottingPlanPage")]
pub struct PlanPage {
    pub items: Vec<Plan>,
    pub next_cursor: Option<String>,
}

/// One day of a forecast; percent of the volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = UtilizationPrediction)]
#[graphql(name = "UtilizationPrediction")]
pub struct PredictionDto {
    pub days_ahead: i32,
    pub day: NaiveDate,
    pub utilization: f64,
    pub low_80: f64,
    pub high_80: f64,
    pub low_95: f64,
    pub high_95: f64,
}

/// How well a method would have told what is known by now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = PredictionAccuracy)]
#[graphql(name = "PredictionAccuracy")]
pub struct AccuracyDto {
    pub method: String,
    pub is_used: bool,
    pub days_ahead: i32,
    /// Forecasts that were compared.
    pub origins: i32,
    /// Mean absolute error in percent of the value; null where a value was 0.
    pub mape_percent: Option<f64>,
    /// In percentage points.
    pub rmse: f64,
}

/// Utilisation of a facility in the coming 30 days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = UtilizationPredictions)]
#[graphql(name = "UtilizationPredictions")]
pub struct PredictionsDto {
    pub facility_id: Uuid,
    pub facility_code: String,
    /// Null while there are too few days to tell.
    pub method: Option<String>,
    /// In 7, 14 and 30 days.
    pub horizons: Vec<PredictionDto>,
    /// Each of the 30 days.
    pub days: Vec<PredictionDto>,
    pub accuracy: Vec<AccuracyDto>,
    /// What is known, at most 120 days, the oldest first.
    pub history: Vec<Snapshot>,
    /// Why there is no forecast; empty otherwise.
    pub message: String,
}
