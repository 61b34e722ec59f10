//! What callers say, the same in REST (snake_case) and GraphQL (camelCase).

use async_graphql::InputObject;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::words::{ExperimentState, ExperimentUnit, Metric};

/// One side: a method and, where they are not the default ones, weights.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ExperimentArmInput")]
#[schema(as = ExperimentArm)]
pub struct ArmInput {
    /// FFD, BFD, HYBRID or OPTIMAL.
    pub algorithm: String,
    /// Settings of the score that differ, such as `{"travel": 45, "abc": 15}`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub weights: Option<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, InputObject)]
#[serde(deny_unknown_fields)]
pub struct NewExperiment {
    /// 1 to 64 characters, unique.
    pub code: String,
    /// 1 to 200 characters.
    pub name: String,
    /// What is expected and why, at most 1000 characters.
    #[serde(default)]
    #[graphql(default)]
    pub hypothesis: String,
    /// RECEIPT when absent.
    pub unit: Option<ExperimentUnit>,
    /// Ids or codes; everywhere when empty.
    #[serde(default)]
    #[graphql(default)]
    pub facilities: Vec<String>,
    /// SCORE, CONFIDENCE, ACCEPTANCE or DECISION_MINUTES. SCORE and CONFIDENCE compare methods only: weights define them.
    pub metric: Metric,
    pub control: ArmInput,
    pub treatment: ArmInput,
    /// Share of the units, 0.05 to 0.95; one half when absent.
    pub treatment_share: Option<f64>,
    /// 0.001 to 0.2; 0.05 when absent.
    pub alpha: Option<f64>,
    /// 0.5 to 0.99; 0.8 when absent.
    pub power: Option<f64>,
    /// The smallest difference worth finding, in standard deviations of a unit's value, 0.02 to 5; 0.3 when absent.
    pub minimum_effect: Option<f64>,
    /// OBRIEN_FLEMING (when absent): almost nothing early. POCOCK: about the same at each look.
    pub spending: Option<String>,
    /// 1 to 20; 5 when absent.
    pub looks: Option<i32>,
    /// 1 to 365; 90 when absent.
    pub max_days: Option<i32>,
}

/// Why it ends without a winner.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, InputObject)]
#[serde(deny_unknown_fields)]
pub struct StopExperiment {
    /// 1 to 500 characters.
    pub reason: String,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExperimentFilter {
    #[param(inline)]
    pub state: Option<ExperimentState>,
}
