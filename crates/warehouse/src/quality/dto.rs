//! Shapes of the API, the same in REST (snake_case) and GraphQL (camelCase).

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::words::{FailureResolution, RelocationStatus, VerificationDecision, VerificationStatus};

/// How far the data can be trusted. Materials are those of the tenant; failures and relocations those of the facility, when one is named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = DataQualityMetrics)]
#[graphql(name = "DataQualityMetrics")]
pub struct DataQualityDto {
    pub facility_id: Option<Uuid>,
    /// Active items.
    pub materials: i64,
    /// Active items without a size or without a weight on record.
    pub materials_unmeasured: i64,
    /// Measured within the last 90 days and found right, or put right.
    pub materials_verified: i64,
    /// Differ by more than the tolerance, and nobody has decided.
    pub materials_flagged: i64,
    /// Measured more than 90 days ago.
    pub verifications_due: i64,
    /// Mean of the absolute variance of volume, in percent, over the last measurement of each item; null when nothing was compared.
    pub mean_volume_variance_percentage: Option<f64>,
    /// Not resolved.
    pub capacity_failures: i64,
    pub capacity_failures_last_day: i64,
    /// Goods of cancelled cross-docking that still lie in STAGING.
    pub pending_relocations: i64,
    /// Within the last 30 days.
    pub remediations: i64,
    /// In percent of those; null when there were none.
    pub remediation_success_rate: Option<f64>,
    pub tolerance_percentage: f64,
    /// Whether DATA_QUALITY_MONITORING_ENABLED is on; off, failures are not recorded.
    pub monitoring_enabled: bool,
}

/// What one base unit measures and weighs; null where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = MaterialFigures)]
#[graphql(name = "MaterialFigures")]
pub struct SizeDto {
    pub length_mm: Option<i32>,
    pub width_mm: Option<i32>,
    pub height_mm: Option<i32>,
    pub volume_mm3: Option<i64>,
    pub weight_g: Option<i64>,
}

/// One measurement of an item against its master data as it was then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = DimensionVerification)]
#[graphql(name = "DimensionVerification")]
pub struct VerificationDto {
    pub verification_id: String,
    pub facility_id: Option<Uuid>,
    pub material_id: Uuid,
    pub material_code: String,
    pub material_name: String,
    pub measured: SizeDto,
    pub master: SizeDto,
    /// (measured - master) / master in percent, of the side that differs most; null where there is nothing to compare with.
    pub dimension_variance_percentage: Option<f64>,
    pub volume_variance_percentage: Option<f64>,
    pub weight_variance_percentage: Option<f64>,
    pub status: VerificationStatus,
    /// The item took over what was measured.
    pub master_updated: bool,
    /// The last measurement of its item.
    pub is_latest: bool,
    pub decision: Option<VerificationDecision>,
    pub decision_notes: String,
    pub decided_at: Option<DateTime<Utc>>,
    pub decided_by: Option<String>,
    pub notes: String,
    pub verified_by: String,
    pub verified_at: DateTime<Utc>,
    pub next_due_at: DateTime<Utc>,
}

/// Goods that found no place for want of capacity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = CapacityFailure)]
#[graphql(name = "CapacityValidationFailure")]
pub struct CapacityFailureDto {
    pub failure_id: String,
    /// VOLUME, WEIGHT or DIMENSION.
    pub failure_type: String,
    pub reason_code: String,
    pub facility_id: Option<Uuid>,
    pub material_id: Option<Uuid>,
    pub material_code: Option<String>,
    pub material_name: Option<String>,
    /// What was left without a place, in the item's base unit.
    #[schema(value_type = Option<String>)]
    pub quantity: Option<Decimal>,
    /// The location that lacked least.
    pub location_id: Option<Uuid>,
    pub location_code: Option<String>,
    pub overflow_percentage: Option<f64>,
    pub failure_reason: String,
    pub resolved: bool,
    pub resolution: Option<FailureResolution>,
    pub resolution_notes: Option<String>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub resolved_by: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Whether the goods would find a place now; only in the answer to a resolution, and where that can be told.
    #[serde(default)]
    pub fits_now: Option<bool>,
}

/// An active item that no capacity can be checked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = UnmeasuredItem)]
#[graphql(name = "UnmeasuredMaterial")]
pub struct UnmeasuredItemDto {
    pub material_id: Uuid,
    pub material_code: String,
    pub material_name: String,
    pub lacks_size: bool,
    pub lacks_weight: bool,
}

/// Goods in STAGING whose order no longer takes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = CrossDockCancellation)]
#[graphql(name = "CrossDockCancellation")]
pub struct CrossDockCancellationDto {
    pub cancellation_id: String,
    pub facility_id: Uuid,
    pub material_id: Uuid,
    pub material_code: String,
    pub lot_number: String,
    pub quality_status: String,
    #[schema(value_type = String)]
    pub quantity: Decimal,
    pub order_reference: String,
    pub reason: String,
    pub staging_location_id: Uuid,
    pub staging_location_code: String,
    /// Where the goods should go; null when no location takes them.
    pub recommended_location_id: Option<Uuid>,
    pub recommended_location_code: Option<String>,
    pub status: RelocationStatus,
    pub relocated_to_code: Option<String>,
    /// The transfer in the ledger.
    pub movement_id: Option<Uuid>,
    pub cancelled_by: String,
    pub created_at: DateTime<Utc>,
    pub relocated_by: Option<String>,
    pub relocated_at: Option<DateTime<Utc>>,
}

/// What was done about a finding, with the figures before and after.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = Remediation)]
#[graphql(name = "Remediation")]
pub struct RemediationDto {
    pub remediation_id: String,
    pub facility_id: Option<Uuid>,
    pub action: String,
    /// Done by the program, not by a person.
    pub is_automatic: bool,
    /// What it was done to, such as `material` or `capacity failure`.
    pub subject: String,
    pub subject_id: String,
    #[schema(value_type = Object)]
    pub figures_before: Value,
    #[schema(value_type = Object)]
    pub figures_after: Value,
    pub succeeded: bool,
    pub message: String,
    pub performed_by: String,
    pub created_at: DateTime<Utc>,
}
