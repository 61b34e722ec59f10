//! Is it well? The health engine with its views, the checks of host and configuration, version and metrics.
//!
//! Invariants: one check, one run within its time to live, however many views ask; anonymous callers on a public listener
//! see states, never details; a part that this release does not have says so instead of pretending to be healthy.

pub mod doctor;
mod engine;
mod http;
mod model;
mod probe;
pub mod report;
mod store;

pub use engine::Health;
pub use http::api;
pub use model::{BuildInfo, CheckResult, Comprehensive, Memory, Performance, State};
