//! What callers say, the same in REST (snake_case) and GraphQL (camelCase).

use async_graphql::InputObject;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::words::{OutlierSeverity, OutlierStatus};

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatisticsFilter {
    /// Id or code of the facility; all of them when absent.
    pub facility: Option<String>,
    /// As the results name it, such as OPTIMAL; all of them when absent.
    pub algorithm_version: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OutlierFilter {
    /// Id or code of the facility.
    pub facility: Option<String>,
    /// Open ones and those looked into when absent.
    #[param(inline)]
    pub status: Option<OutlierStatus>,
    #[param(inline)]
    pub severity: Option<OutlierSeverity>,
    /// For instance SCORE; ALL for those that all figures together set apart.
    pub metric: Option<String>,
}

/// A step of the workflow. INVESTIGATING may be given back to OPEN; RESOLVED and DISMISSED end it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, InputObject)]
#[serde(deny_unknown_fields)]
pub struct ChangeOutlier {
    pub status: OutlierStatus,
    /// What was found or done, at most 500 characters; needed to resolve and to dismiss.
    #[serde(default)]
    #[graphql(default)]
    pub notes: String,
    /// At most 500 characters; needed to resolve.
    #[serde(default)]
    #[graphql(default)]
    pub root_cause: String,
}
