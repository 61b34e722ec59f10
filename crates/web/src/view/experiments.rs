use serde::{Deserialize, Serialize};
use warehouse::experiments::{ExperimentDto, ProgressDto};

use super::{Choice, Errors, Page, Pager};

#[derive(Debug, Serialize)]
pub struct ExperimentList {
    pub page: Page,
    pub experiments: Vec<ExperimentDto>,
    pub can_write: bool,
    pub pager: Pager,
}

#[derive(Debug, Serialize)]
pub struct ExperimentPage {
    pub page: Page,
    pub progress: ProgressDto,
    /// Finished SVG; empty before the first look.
    pub plot: String,
    /// Of the planned information, 0 to 100.
    pub information_percent: f64,
    pub can_start: bool,
    pub can_look: bool,
    pub can_stop: bool,
    pub input: StopInput,
    pub errors: Errors,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StopInput {
    pub idempotency_key: String,
    pub reason: String,
}

#[derive(Debug, Serialize)]
pub struct ExperimentForm {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub input: ExperimentInput,
    pub errors: Errors,
}

/// Weights are written as JSON, such as `{"travel": 45, "abc": 15}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ExperimentInput {
    pub idempotency_key: String,
    pub code: String,
    pub name: String,
    pub hypothesis: String,
    pub unit: String,
    pub facility: String,
    pub metric: String,
    pub control_algorithm: String,
    pub control_weights: String,
    pub treatment_algorithm: String,
    pub treatment_weights: String,
    pub treatment_share: String,
    pub minimum_effect: String,
    pub spending: String,
    pub looks: String,
    pub max_days: String,
}

impl Default for ExperimentInput {
    fn default() -> Self {
        let empty = String::new;
        Self {
            idempotency_key: empty(),
            code: empty(),
            name: empty(),
            hypothesis: empty(),
            unit: "RECEIPT".into(),
            facility: empty(),
            metric: "ACCEPTANCE".into(),
            control_algorithm: "OPTIMAL".into(),
            control_weights: empty(),
            treatment_algorithm: "HYBRID".into(),
            treatment_weights: empty(),
            treatment_share: "0.5".into(),
            minimum_effect: "0.3".into(),
            spending: "OBRIEN_FLEMING".into(),
            looks: "5".into(),
            max_days: "90".into(),
        }
    }
}
