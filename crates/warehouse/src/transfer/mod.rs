//! Transfers: goods that one facility orders of another, and what is between the two.
//!
//! Shipping moves goods into the receiving facility's place in transit, a place of the ledger that no location stands for: it is
//! neither picked from nor put away to, and what lies there counts as on hand but not as available.

mod dto;
mod goods;
mod graphql;
mod http;
mod input;
mod model;
mod plan;
pub mod service;
mod settle;
mod ship;
pub(crate) mod store;

pub use dto::{InTransitDto, TransferDto, TransferLineDto};
pub(crate) use graphql::{TransferMutation, TransferQuery};
pub(crate) use http::api;
pub use input::{
    CancelTransfer, CloseTransfer, NewTransfer, NewTransferLine, ReceiveTransfer, ReceiveTransferLine, ShipLine, ShipTransfer,
    TransferFilter, TransitFilter,
};
