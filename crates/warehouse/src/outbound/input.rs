//! What callers send.

use chrono::{DateTime, Utc};
use inventory::NumberText;
use serde::{Deserialize, Deserializer, Serialize};

use crate::check::present;
use crate::words::OrderState;

/// A number as it was written, plain or as a string.
fn any_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    NumberText::deserialize(from).map(|number| number.0)
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "NewOrderInput")]
pub struct NewOrder {
    /// Id or code of the facility that ships it.
    pub facility: String,
    /// 1 to 64 characters, unique; made up when absent.
    pub code: Option<String>,
    /// The customer's own words, at most 200 characters.
    pub customer: Option<String>,
    /// When it must leave.
    pub due_at: Option<DateTime<Utc>>,
    #[serde(default)]
    #[graphql(default)]
    pub urgent: bool,
    /// Whether it is only written down for now.
    #[serde(default)]
    #[graphql(default)]
    pub draft: bool,
    /// 1 to 2,000.
    pub lines: Vec<NewOrderLine>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "NewOrderLineInput")]
pub struct NewOrderLine {
    /// Id or code.
    pub item: String,
    #[serde(deserialize_with = "any_number")]
    #[schema(example = "12.5")]
    pub quantity: String,
    /// One of the item's units; its base unit when absent.
    pub unit: Option<String>,
}

/// What to change of an order that has not ended; absent members stay as they are.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderPatch {
    /// The version that the change is based on.
    pub version: i32,
    pub customer: Option<String>,
    /// Null for none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub due_at: Option<Option<DateTime<Utc>>>,
    pub urgent: Option<bool>,
}

/// How goods of an order are bound and picked.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ReleaseOrderInput")]
pub struct ReleaseOrder {
    /// A STAGING or PACKING location of the facility that picked goods are brought to; absent, they go to the customer at once.
    pub to: Option<String>,
    /// Refuse when not everything can be bound.
    #[serde(default)]
    #[graphql(default)]
    pub whole: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "CancelOrderInput")]
pub struct CancelOrder {
    /// At most 200 characters.
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrderFilter {
    /// Id or code.
    pub facility: Option<String>,
    #[param(inline)]
    pub state: Option<OrderState>,
    /// Id or code of an item on one of the lines.
    pub item: Option<String>,
    /// Beginning of the code, or part of the customer's words.
    pub q: Option<String>,
    pub urgent: Option<bool>,
    /// Only those that must have left before this moment.
    pub due_before: Option<DateTime<Utc>>,
    /// `true` leaves out what has ended.
    pub unfinished: Option<bool>,
}
