//! What callers say, the same in REST (snake_case) and GraphQL (camelCase).

use async_graphql::{Enum, InputObject};
use inventory::QualityStatus;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::measure::{MeasureInput, SizeInput};
use crate::words::{FailureResolution, RelocationStatus, VerificationDecision};

/// What somebody measured of one base unit of an item. Dimensions, weight or both.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, InputObject)]
#[serde(deny_unknown_fields)]
pub struct VerifyDimensions {
    /// Id or code of the item.
    pub material: String,
    /// Id or code of the facility where it was measured.
    pub facility: Option<String>,
    pub dimensions: Option<SizeInput>,
    pub weight: Option<MeasureInput>,
    /// Whether the item takes over what was measured. It does so only within tolerance, and where nothing is on record yet.
    #[serde(default)]
    #[graphql(default)]
    pub update_master: bool,
    /// At most 500 characters.
    #[serde(default)]
    #[graphql(default)]
    pub notes: String,
}

/// What to do about a measurement that is not within tolerance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, InputObject)]
#[serde(deny_unknown_fields)]
pub struct DecideVerification {
    pub decision: VerificationDecision,
    /// Why, 1 to 500 characters.
    pub notes: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, InputObject)]
#[serde(deny_unknown_fields)]
pub struct ResolveFailure {
    pub resolution: FailureResolution,
    /// What was done, 1 to 500 characters.
    pub notes: String,
}

/// Goods in a STAGING location that their order no longer takes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, InputObject)]
#[serde(deny_unknown_fields)]
pub struct CancelCrossDock {
    /// Id, `FACILITY/CODE` or code of the STAGING location.
    pub location: String,
    /// Id or code of the item.
    pub material: String,
    pub lot_number: Option<String>,
    /// RELEASED when absent.
    pub quality_status: Option<QualityStatus>,
    /// In the item's base unit; all that is free there when absent.
    #[schema(value_type = Option<String>, example = "12")]
    pub quantity: Option<Decimal>,
    /// The order, at most 200 characters.
    #[serde(default)]
    #[graphql(default)]
    pub order_reference: String,
    /// 1 to 200 characters.
    pub reason: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, InputObject)]
#[serde(deny_unknown_fields)]
pub struct Relocate {
    /// Id, `FACILITY/CODE` or code; the recommended location when absent.
    pub location: Option<String>,
}

/// Which verifications a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VerificationState {
    #[default]
    All,
    /// Not within tolerance, and nobody has decided.
    Open,
    /// To be measured again.
    Due,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VerificationFilter {
    /// Id or code of the item.
    pub material: Option<String>,
    /// ALL when absent.
    #[param(inline)]
    pub state: Option<VerificationState>,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FailureFilter {
    /// Id or code of the facility.
    pub facility: Option<String>,
    /// VOLUME, WEIGHT or DIMENSION.
    pub failure_type: Option<String>,
    /// Only those that are resolved, or not; unresolved ones when absent.
    pub resolved: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CancellationFilter {
    /// Id or code of the facility.
    pub facility: Option<String>,
    #[param(inline)]
    pub status: Option<RelocationStatus>,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RemediationFilter {
    /// For instance DIMENSIONS_CORRECTED or CACHE_REFRESHED.
    pub action: Option<String>,
}
