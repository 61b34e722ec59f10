use chrono::{DateTime, Utc};
use kernel::{FacilityId, ItemId, LocationId, LotId, MoveTaskId, MovementId, Quantity, UserId};
use platform::{Error, Result};
use serde::Serialize;
use uuid::Uuid;

use crate::words::{MoveTaskKind, MoveTaskState};

/// Goods to bring from one place to another, with everything resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    pub kind: MoveTaskKind,
    pub item: ItemId,
    pub lot: Option<LotId>,
    /// In the item's base unit, greater than 0.
    pub quantity: Quantity,
    pub from: LocationId,
    /// Another place of the same facility.
    pub to: LocationId,
    /// Why that is better, at most 200 characters.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MoveTask {
    pub move_task_id: MoveTaskId,
    pub facility_id: FacilityId,
    pub facility_code: String,
    pub kind: MoveTaskKind,
    pub state: MoveTaskState,
    pub plan_id: Option<Uuid>,
    pub item_id: ItemId,
    pub item_code: String,
    pub item_name: String,
    pub base_unit: String,
    pub lot_id: Option<LotId>,
    pub lot_number: Option<String>,
    pub quantity: Quantity,
    pub from_location_id: LocationId,
    pub from_location_code: String,
    pub to_location_id: LocationId,
    pub to_location_code: String,
    pub reason: String,
    /// Who does it.
    pub claimed_by: Option<UserId>,
    pub claimed_by_name: String,
    pub claimed_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    /// Why it was cancelled.
    pub closed_reason: String,
    pub movement_id: Option<MovementId>,
    pub version: i32,
    pub created_by: UserId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl MoveTask {
    pub fn become_state(&mut self, next: MoveTaskState) -> Result<()> {
        if self.state.may_become(next) {
            self.state = next;
            return Ok(());
        }
        let mend = match (self.state, next) {
            (MoveTaskState::Proposed, _) => "; it must be approved first".to_owned(),
            (MoveTaskState::Approved, MoveTaskState::Done) => "; claim it first".to_owned(),
            (MoveTaskState::Claimed, _) => format!(" by {}", self.claimed_by_name),
            _ => String::new(),
        };
        Err(Error::conflict(format!("the task is {}{mend}", self.state)))
    }
}
