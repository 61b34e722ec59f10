use serde::{Deserialize, Serialize};
use warehouse::slotting::{
    AffinityDto, Plan, PlanDto, PredictionsDto, RecommendationsDto, SlottingSettings, TriggerDto, VelocityDto,
};

use super::{Choice, Errors, FloorMap, Page, Pager, ticked};

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
    /// `yes` or empty.
    pub lacks_value: String,
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
    /// Only items that lack the value to be classed by are shown.
    pub lacks_value: bool,
    pub settings: ClassInput,
    pub errors: Errors,
    pub rows: Vec<VelocityDto>,
    pub pairs: Vec<AffinityDto>,
    pub curve: String,
    pub pager: Pager,
    pub can_analyse: bool,
    pub can_apply: bool,
}

/// How items are classed, as typed; shares in percent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClassInput {
    pub idempotency_key: String,
    pub version: String,
    pub facility: String,
    pub class_by: String,
    pub a_share: String,
    pub b_share: String,
    pub share_of: String,
    #[serde(deserialize_with = "ticked")]
    pub writes_classes: bool,
}

impl ClassInput {
    pub fn of(facility: &str, settings: &SlottingSettings) -> Self {
        // Shares are kept as fractions; rounding takes away what multiplying them adds.
        let percent = |share: f64| ((share * 1e8).round() / 1e6).to_string();
        Self {
            idempotency_key: String::new(),
            version: settings.version.to_string(),
            facility: facility.to_owned(),
            class_by: settings.class_by.to_string(),
            a_share: percent(settings.a_share),
            b_share: percent(settings.b_share),
            share_of: settings.share_of.to_string(),
            writes_classes: settings.writes_classes,
        }
    }
}

#[derive(Debug, Serialize)]
pub struct ForecastPage {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub told: Option<PredictionsDto>,
    pub plot: String,
}
