//! Two ways to place goods against each other: units (deliveries or facilities) are assigned to CONTROL or TREATMENT by a hash, a
//! schedule of looks decides when the results are seen, and alpha spending keeps the error of all looks together at what was agreed.
//!
//! Between looks nobody sees how the sides differ, only how many units there are: who peeks and stops when it suits is wrong far more
//! often than alpha. A unit counts as one value, because recommendations of one delivery are not independent.

mod assign;
mod dto;
mod graphql;
mod http;
mod input;
mod judge;
mod look;
mod model;
pub mod service;
mod store;

pub(crate) use assign::{Assignment, assignment};
pub use dto::{ExperimentDto, ProgressDto};
pub(crate) use graphql::{ExperimentMutation, ExperimentQuery};
pub(crate) use http::api;
pub use input::{ArmInput, ExperimentFilter, NewExperiment, StopExperiment};
pub use look::run as look_at_all;
pub(crate) use model::with_weights;
