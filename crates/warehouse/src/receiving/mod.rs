//! Deliveries: what was announced, what arrived, and the difference.

mod graphql;
mod http;
mod model;
mod plan;
pub mod service;
mod store;

pub(crate) use graphql::{ReceiptLinesLoader, ReceiptMutation, ReceiptQuery};
pub(crate) use http::api;
pub use model::{
    Arrived, Delivered, NewReceipt, NewReceiptLine, Origin, Receipt, ReceiptFilter, ReceiptLine, ReceiptSummary, Receive,
    ReceiveLine,
};
