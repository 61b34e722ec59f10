//! Holds: stock that somebody blocked for a reason. A hold moves stock into the status HOLD by ordinary movements, remembers
//! what it was before, and ends by decisions that give it back, reject it or scrap it.

mod claims;
mod decide;
mod dto;
mod graphql;
#[expect(unused_qualifications, reason = "the macro that documents routes qualifies the parameter types")]
mod http;
mod model;
mod place;
pub mod service;
mod store;

pub(crate) use claims::{Claims, unclaimed_of};
pub use dto::HoldDto;
pub use graphql::{HoldMutation, HoldQuery};
pub(crate) use http::api;
pub use model::{Decision, Disposition, Hold, HoldDecision, HoldFilter, HoldLine, HoldState, NewHold};
pub use service::HOLDS_DECIDE;
