//! Where to put received goods: recommendations that hold their space until they are decided, and the decisions.

mod decide;
mod graphql;
mod http;
mod model;
mod problem;
mod recommend;
pub mod service;
mod store;
mod waiting;

pub(crate) use graphql::{PutawayMutation, PutawayQuery};
pub(crate) use http::api;
pub use model::{
    AlternativeLocation, Answer, Decided, Decision, Explanation, Failure, Hold, PartScore, PutawayItem, PutawayRequest,
    Recommendation, RecommendationFilter, Summary,
};
pub(crate) use store::{holds_at, holds_in_facility};
pub use waiting::{Backlog, Waiting};
