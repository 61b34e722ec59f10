//! What callers send.

use inventory::NumberText;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::words::{MoveTaskKind, MoveTaskState};

fn any_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    NumberText::deserialize(from).map(|number| number.0)
}

/// Moves that somebody thought of.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ProposeTasksInput")]
pub struct ProposeTasks {
    /// Id or code of the facility inside which the goods move.
    pub facility: String,
    /// 1 to 2,000.
    pub tasks: Vec<NewTaskInput>,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "NewMoveTaskInput")]
pub struct NewTaskInput {
    pub kind: MoveTaskKind,
    /// Id or code.
    pub item: String,
    /// Needed where the goods have lots.
    pub lot_number: Option<String>,
    #[serde(deserialize_with = "any_number")]
    #[schema(example = "12.5")]
    pub quantity: String,
    /// One of the item's units; its base unit when absent.
    pub unit: Option<String>,
    /// Id or code of a location of the facility.
    pub from: String,
    /// Id or code of another one.
    pub to: String,
    /// Why that is better, at most 200 characters.
    pub reason: Option<String>,
}

/// Which proposed tasks may be done: those named, or all of one plan.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ApproveTasksInput")]
pub struct ApproveTasks {
    pub plan: Option<Uuid>,
    /// At most 2,000.
    #[serde(default)]
    #[graphql(default)]
    pub tasks: Vec<Uuid>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ConfirmTaskInput")]
pub struct ConfirmTask {
    /// The pieces of a serial-tracked item; absent, those that lie there, the lowest numbers first.
    #[serde(default)]
    #[graphql(default)]
    pub serials: Vec<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "CancelTaskInput")]
pub struct CancelTask {
    /// At most 200 characters.
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TaskFilter {
    /// Id or code.
    pub facility: Option<String>,
    #[param(inline)]
    pub state: Option<MoveTaskState>,
    #[param(inline)]
    pub kind: Option<MoveTaskKind>,
    pub plan: Option<Uuid>,
    /// `true` leaves out what has ended.
    pub unfinished: Option<bool>,
}
