//! Where to put received goods: recommendations that hold their space until they are decided, and the decisions.

mod affinity;
mod answer;
mod asked;
mod congestion;
mod crossdock;
mod decide;
mod foretell;
mod graphql;
mod http;
mod model;
mod problem;
mod recommend;
pub mod service;
mod store;
mod told;
mod waiting;

pub use congestion::{AisleCongestion, Congestion};
pub use crossdock::{CrossDockOpportunities, CrossDockOpportunity};
pub(crate) use decide::Stored;
pub(crate) use graphql::{PutawayMutation, PutawayQuery};
pub(crate) use http::api;
pub use model::{
    AlternativeLocation, Answer, Change, Decided, Decision, Explanation, Failure, Hold, PartScore, PutawayItem, PutawayRequest,
    Recommendation, RecommendationFilter, Summary,
};
pub(crate) use problem::exact as thousandths_of;
pub(crate) use store::{holds_at, holds_in_facility, lock_facility};
pub use waiting::{Backlog, Waiting};
