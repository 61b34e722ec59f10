//! What may be promised: stock and reservations, which `inventory` knows, and deliveries that are on their way, which are known here.

mod graphql;
#[expect(unused_qualifications, reason = "the macro that documents routes qualifies the parameter types")]
mod http;
pub mod service;
mod store;

pub(crate) use graphql::{AvailabilityMutation, AvailabilityQuery};
pub(crate) use http::api;
pub use service::{Expected, Promise};
