use serde::{Deserialize, Serialize};
use warehouse::quality::{
    CapacityFailureDto, CrossDockCancellationDto, DataQualityDto, RemediationDto, UnmeasuredItemDto, VerificationDto,
};

use super::{Choice, Errors, Page, ticked};

/// Everything that somebody must look at; each list holds the newest, and the figures say how many there are.
#[derive(Debug, Serialize)]
pub struct QualityInbox {
    pub page: Page,
    pub filter: QualityFilter,
    pub facilities: Vec<Choice>,
    pub metrics: DataQualityDto,
    pub to_decide: Vec<VerificationDto>,
    pub failures: Vec<CapacityFailureDto>,
    pub unmeasured: Vec<UnmeasuredItemDto>,
    pub due: Vec<VerificationDto>,
    pub relocations: Vec<CrossDockCancellationDto>,
    pub remediations: Vec<RemediationDto>,
    pub can_write: bool,
    pub can_relocate: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct QualityFilter {
    pub facility: String,
}

#[derive(Debug, Serialize)]
pub struct MeasurePage {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub input: MeasureInput,
    pub errors: Errors,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct MeasureInput {
    pub idempotency_key: String,
    pub material: String,
    pub facility: String,
    pub length: String,
    pub width: String,
    pub height: String,
    pub length_unit: String,
    pub weight: String,
    pub weight_unit: String,
    pub notes: String,
    #[serde(deserialize_with = "ticked")]
    pub update_master: bool,
}

impl Default for MeasureInput {
    fn default() -> Self {
        let empty = String::new;
        Self {
            idempotency_key: empty(),
            material: empty(),
            facility: empty(),
            length: empty(),
            width: empty(),
            height: empty(),
            length_unit: "cm".into(),
            weight: empty(),
            weight_unit: "kg".into(),
            notes: empty(),
            update_master: false,
        }
    }
}

#[derive(Debug, Serialize)]
pub struct DecidePage {
    pub page: Page,
    pub verification: VerificationDto,
    pub item_href: String,
    /// Somebody still has to decide, and this visitor may.
    pub can_decide: bool,
    pub input: DecideInput,
    pub errors: Errors,
}

/// `decision` is `TAKE_MEASURED` or `KEEP_MASTER`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DecideInput {
    pub idempotency_key: String,
    pub decision: String,
    pub notes: String,
}

#[derive(Debug, Serialize)]
pub struct FailurePage {
    pub page: Page,
    pub failure: CapacityFailureDto,
    pub item_href: Option<String>,
    pub can_resolve: bool,
    pub input: FailureInput,
    pub errors: Errors,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FailureInput {
    pub idempotency_key: String,
    pub resolution: String,
    pub notes: String,
}
