//! What callers send.

use inventory::{NumberText, QualityStatus};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::words::TransferState;

/// A number as it was written, plain or as a string.
fn any_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    NumberText::deserialize(from).map(|number| number.0)
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "NewTransferInput")]
pub struct NewTransfer {
    /// Id or code of the facility that gives the goods.
    pub from: String,
    /// Id or code of the facility that gets them.
    pub to: String,
    /// 1 to 64 characters, unique; made up when absent.
    pub code: Option<String>,
    /// The caller's own document, at most 200 characters.
    pub reference: Option<String>,
    /// Whether the source may ship at once; else the transfer is a draft.
    #[serde(default)]
    #[graphql(default)]
    pub request: bool,
    /// 1 to 2,000.
    pub lines: Vec<NewTransferLine>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "NewTransferLineInput")]
pub struct NewTransferLine {
    /// Id or code.
    pub item: String,
    /// A lot that exists; absent, whichever expires first.
    pub lot_number: Option<String>,
    #[serde(deserialize_with = "any_number")]
    #[schema(example = "12.5")]
    pub quantity: String,
    /// One of the item's units; its base unit when absent.
    pub unit: Option<String>,
}

/// What leaves the source now.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ShipTransferInput")]
pub struct ShipTransfer {
    /// Everything that is not shipped yet; then `lines` must be empty.
    #[serde(default)]
    #[graphql(default)]
    pub ship_all: bool,
    /// At most 2,000.
    #[serde(default)]
    #[graphql(default)]
    pub lines: Vec<ShipLine>,
}

/// Goods of one line. Exactly one of `line_id`, `line_no` and `item` names the line.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ShipTransferLineInput")]
pub struct ShipLine {
    pub line_id: Option<Uuid>,
    pub line_no: Option<i32>,
    /// Id or code.
    pub item: Option<String>,
    /// Absent: the line's lot, else whichever expires first.
    pub lot_number: Option<String>,
    #[serde(deserialize_with = "any_number")]
    #[schema(example = "12.5")]
    pub quantity: String,
    pub unit: Option<String>,
    /// A location of the source; absent, the free goods that expire first, wherever they lie.
    pub from: Option<String>,
    /// RELEASED when absent. Goods of another status are named with `from`.
    pub quality_status: Option<QualityStatus>,
}

/// What arrived.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ReceiveTransferInput")]
pub struct ReceiveTransfer {
    /// A RECEIVING location of the destination; its first one by code when absent.
    pub location: Option<String>,
    /// Everything in transit has arrived; then `lines` must be empty.
    #[serde(default)]
    #[graphql(default)]
    pub receive_all: bool,
    /// At most 2,000.
    #[serde(default)]
    #[graphql(default)]
    pub lines: Vec<ReceiveTransferLine>,
}

/// Goods of one line. Exactly one of `line_id`, `line_no` and `item` names the line.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ReceiveTransferLineInput")]
pub struct ReceiveTransferLine {
    pub line_id: Option<Uuid>,
    pub line_no: Option<i32>,
    /// Id or code.
    pub item: Option<String>,
    /// Required where several lots of the line are in transit.
    pub lot_number: Option<String>,
    #[serde(deserialize_with = "any_number")]
    #[schema(example = "12.5")]
    pub quantity: String,
    pub unit: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "CloseTransferInput")]
pub struct CloseTransfer {
    /// Why goods are missing, at most 200 characters; required when something is still in transit.
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "CancelTransferInput")]
pub struct CancelTransfer {
    /// At most 200 characters.
    pub reason: Option<String>,
    /// A location of the source that takes the goods back; absent, each goes where it came from.
    pub location: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TransferFilter {
    /// Id or code of the facility on either side.
    pub facility: Option<String>,
    #[param(inline)]
    pub state: Option<TransferState>,
    /// Id or code of an item on one of the lines.
    pub item: Option<String>,
    /// Beginning of the code, or part of the reference.
    pub q: Option<String>,
    /// `true` leaves out what has ended.
    pub unfinished: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TransitFilter {
    /// Id or code.
    pub item: Option<String>,
    /// Id or code of the facility that the goods go to.
    pub facility: Option<String>,
}
