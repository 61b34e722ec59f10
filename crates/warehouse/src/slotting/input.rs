//! What callers send.

use catalog::AbcClass;
use serde::{Deserialize, Serialize};

use crate::words::{ClassBy, MoveTaskKind, ShareOf, SlottingPlanState, TriggerSeverity};

/// Asks for a plan of moves.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ExecuteReSlottingInput")]
pub struct PlanRequest {
    /// Id or code of the facility.
    pub facility: String,
    /// RESLOT (when absent) or CONSOLIDATION.
    pub kind: Option<MoveTaskKind>,
    /// 1 to 500; 50 when absent.
    pub moves_max: Option<i32>,
    /// Within so many days a chain of moves must save what it costs: above 0, at most 3,650; 30 when absent.
    pub payback_days: Option<f64>,
    /// What taking up and putting down goods costs, as metres of walking: 0 to 100,000; 60 when absent.
    pub handling_m: Option<f64>,
    /// Days of orders to look at, 1 to 730; 180 when absent.
    pub history_days: Option<i32>,
}

/// How the items of a facility are to be classed.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "SlottingSettingsInput")]
pub struct SettingsInput {
    /// Id or code of the facility.
    pub facility: String,
    pub class_by: ClassBy,
    /// 0 to 1.
    pub a_share: f64,
    /// 0 to 1, with `a_share` at most 1.
    pub b_share: f64,
    pub share_of: ShareOf,
    /// The daily run writes the classes back to the items by itself.
    pub writes_classes: bool,
    /// The version that was loaded; 0 for the first time.
    pub version: i32,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "OfFacilityInput")]
pub struct OfFacility {
    /// Id or code of the facility.
    pub facility: String,
}

/// Which classes are to be written to the items.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ApplyClassesInput")]
pub struct ApplyClasses {
    /// Id or code of the facility whose picks count.
    pub facility: String,
    /// Ids or codes, at most 2,000; all items of the newest run when empty.
    #[serde(default)]
    #[graphql(default)]
    pub materials: Vec<String>,
}

/// Why a plan is not carried out.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "RejectPlanInput")]
pub struct RejectPlan {
    /// At most 200 characters.
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VelocityFilter {
    /// Id or code of the facility.
    pub facility: String,
    /// Id or code of one item.
    pub material: Option<String>,
    /// The class that the picks give.
    #[param(inline)]
    pub class: Option<AbcClass>,
    /// `true` for items that should be classed by a value that nobody entered, `false` for the others.
    pub lacks_value: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TriggerFilter {
    /// Id or code of the facility.
    pub facility: String,
    #[param(inline)]
    pub severity: Option<TriggerSeverity>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlanFilter {
    /// Id or code of the facility.
    pub facility: Option<String>,
    #[param(inline)]
    pub state: Option<SlottingPlanState>,
}
