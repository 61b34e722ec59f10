//! The technical ground that every context stands on, without one business word: the database and its transactions,
//! HTTP conventions, who calls and what they may, audit, events, jobs, imports, configuration and telemetry.
//!
//! Invariants: a business row, its audit row, its event and its job commit together, because [`database::Tx`] collects
//! them and [`database::Tx::commit`] is the only way out. A connection carries the tenant of its statement, or none.

pub mod app;
pub mod audit;
pub mod auth;
pub mod coalesce;
pub mod config;
pub mod database;
mod error;
pub mod events;
pub mod graphql;
mod hidden;
pub mod http;
pub mod imports;
pub mod jobs;
pub mod limits;
pub mod tabular;
pub mod telemetry;

pub use app::App;
pub use error::{Error, Result};
pub use hidden::Hidden;

/// The version of the binary, as `/api/v1/version` tells it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
