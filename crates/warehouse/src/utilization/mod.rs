//! How well locations are used: live, from the ledger's balances, for whoever decides; and from a cache that is renewed every ten
//! minutes, for dashboards.

mod dto;
mod graphql;
mod http;
pub mod service;
mod store;

pub use dto::{BinUtilizationDto, UtilizationSummaryDto};
pub(crate) use graphql::UtilizationQuery;
pub(crate) use http::api;
pub(crate) use service::refresh;
pub(crate) use store::refresh as refresh_now;
