//! Which side of which experiment a batch belongs to.

use kernel::FacilityId;
use optimization::putaway::Method;
use platform::Result;
use platform::auth::Actor;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use super::store;
use crate::receiving::service as receiving;
use crate::words::{Arm, ExperimentUnit};

/// How a batch is to be placed, because an experiment says so.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    pub experiment: Uuid,
    pub arm: Arm,
    /// What was assigned, such as the receipt.
    pub unit: String,
    pub method: Method,
    pub weights: Map<String, Value>,
    pub version: String,
}

/// Of goods in a facility that arrive with `receipt` (id or code) or, without one, are a delivery of their own: `batch`, which a preview
/// does not have.
pub(crate) async fn assignment(
    connection: &mut PgConnection,
    actor: &Actor,
    facility: FacilityId,
    receipt: Option<&str>,
    batch: Option<Uuid>,
) -> Result<Option<Assignment>> {
    for experiment in store::running(connection, actor.tenant()).await? {
        let unit = match (experiment.unit, receipt, batch) {
            (ExperimentUnit::Facility, ..) => facility.to_string(),
            (ExperimentUnit::Receipt, None, Some(batch)) => batch.to_string(),
            (ExperimentUnit::Receipt, None, None) => continue,
            (ExperimentUnit::Receipt, Some(reference), _) => match receiving::find(connection, actor.tenant(), reference).await {
                Ok(receipt) => receipt.receipt_id.to_string(),
                // Whoever asked is told so by the step that needs the receipt.
                Err(error) if error.code.status() < 500 => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        let Some(arm) = experiment.arm(facility.0, &unit) else { continue };
        let (method, weights) = experiment.side(arm)?;
        let version = experiment.version_for(arm);
        return Ok(Some(Assignment { experiment: experiment.experiment_id, arm, unit, method, weights, version }));
    }
    Ok(None)
}
