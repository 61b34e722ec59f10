use serde::{Deserialize, Serialize};
use warehouse::slotting::{AffinityDto, Plan, PlanDto, PredictionsDto, RecommendationsDto, TriggerDto, VelocityDto};

use super::{Choice, Errors, FloorMap, Page, Pager};

/// Plans of moves and what speaks for one.
#[derive(Debug, Serialize)]
pub struct SlottingPage {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub facility: Option<Choice>,
    pub plans: Vec<Plan>,
    pub triggers: Vec<TriggerDto>,
    pub recommendations: Option<RecommendationsDto>,
    pub input: PlanInput,
    pub errors: Errors,
    pub can_plan: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanInput {
    pub idempotency_key: String,
    pub facility: String,
    pub kind: String,
    pub moves_max: String,
    pub payback_days: String,
}

impl Default for PlanInput {
    fn default() -> Self {
        let [idempotency_key, facility] = [String::new(), String::new()];
        Self { idempotency_key, facility, kind: "RESLOT".into(), moves_max: "50".into(), payback_days: "30".into() }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SlottingFilter {
    pub facility: String,
}

/// A plan on the floor, before and after.
#[derive(Debug, Serialize)]
pub struct PlanPage {
    pub page: Page,
    pub found: PlanDto,
    pub list_href: String,
    pub before: Option<FloorMap>,
    pub after: Option<FloorMap>,
    pub can_decide: bool,
}

#[derive(Debug, Serialize)]
pub struct VelocityView {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub facility: Option<Choice>,
    pub day: Option<chrono::NaiveDate>,
    pub rows: Vec<VelocityDto>,
    pub pairs: Vec<AffinityDto>,
    pub curve: String,
    pub pager: Pager,
    pub can_analyse: bool,
    pub can_apply: bool,
}

#[derive(Debug, Serialize)]
pub struct ForecastPage {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub told: Option<PredictionsDto>,
    pub plot: String,
}
