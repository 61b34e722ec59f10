//! What callers send.

use inventory::NumberText;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::words::PickListState;

fn any_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::<NumberText>::deserialize(from).map(|number| number.map(|number| number.0))
}

/// Goods that were taken as the list says.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ConfirmPicksInput")]
pub struct ConfirmPicks {
    /// Everything that waits; then `lines` must be empty.
    #[serde(default)]
    #[graphql(default)]
    pub confirm_all: bool,
    /// At most 2,000.
    #[serde(default)]
    #[graphql(default)]
    pub lines: Vec<ConfirmLine>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ConfirmPickLineInput")]
pub struct ConfirmLine {
    pub line_id: Uuid,
    /// To be sure: what the line asks for, in the item's base unit. Less is a short pick.
    #[serde(default, deserialize_with = "any_number", skip_serializing_if = "Option::is_none")]
    #[schema(example = "12.5")]
    pub quantity: Option<String>,
    /// The pieces of a serial-tracked item; absent, those that lie there, the lowest numbers first.
    #[serde(default)]
    #[graphql(default)]
    pub serials: Vec<String>,
}

/// Less was there than the list says.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ShortPickInput")]
pub struct ShortPick {
    pub line_id: Uuid,
    /// What was there and was taken, in the item's base unit; nothing when absent.
    #[serde(default, deserialize_with = "any_number", skip_serializing_if = "Option::is_none")]
    #[schema(example = "2")]
    pub picked: Option<String>,
    /// As of a confirmation.
    #[serde(default)]
    #[graphql(default)]
    pub serials: Vec<String>,
    /// 1 to 200 characters.
    pub reason: String,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PickListFilter {
    /// Id or code.
    pub facility: Option<String>,
    #[param(inline)]
    pub state: Option<PickListState>,
    /// Id or code of the order.
    pub order: Option<String>,
}
