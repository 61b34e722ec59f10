use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::MoveTask;
use crate::words::{MoveTaskKind, MoveTaskState};

/// Goods to bring from one place to another; the same in REST (snake_case) and GraphQL (camelCase).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = MoveTask)]
#[graphql(name = "MoveTask")]
pub struct MoveTaskDto {
    pub task_id: Uuid,
    pub facility_id: Uuid,
    pub facility_code: String,
    pub kind: MoveTaskKind,
    pub state: MoveTaskState,
    /// The plan that it is a part of.
    pub plan_id: Option<Uuid>,
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    pub unit: String,
    pub lot_number: Option<String>,
    /// In the item's base unit.
    #[schema(example = "12.5")]
    pub quantity: String,
    pub from_location_id: Uuid,
    pub from_location_code: String,
    pub to_location_id: Uuid,
    pub to_location_code: String,
    /// Why that is better.
    pub reason: String,
    /// Who does it.
    pub claimed_by: Option<Uuid>,
    pub claimed_by_name: String,
    pub claimed_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    /// Why it was cancelled.
    pub closed_reason: String,
    pub movement_id: Option<Uuid>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<MoveTask> for MoveTaskDto {
    fn from(task: MoveTask) -> Self {
        Self {
            task_id: task.move_task_id.0,
            facility_id: task.facility_id.0,
            facility_code: task.facility_code,
            kind: task.kind,
            state: task.state,
            plan_id: task.plan_id,
            item_id: task.item_id.0,
            item_code: task.item_code,
            item_name: task.item_name,
            unit: task.base_unit,
            lot_number: task.lot_number,
            quantity: task.quantity.to_string(),
            from_location_id: task.from_location_id.0,
            from_location_code: task.from_location_code,
            to_location_id: task.to_location_id.0,
            to_location_code: task.to_location_code,
            reason: task.reason,
            claimed_by: task.claimed_by.map(|user| user.0),
            claimed_by_name: task.claimed_by_name,
            claimed_at: task.claimed_at,
            closed_at: task.closed_at,
            closed_reason: task.closed_reason,
            movement_id: task.movement_id.map(|id| id.0),
            version: task.version,
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}
