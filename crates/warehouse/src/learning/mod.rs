//! What people will say to a recommendation, learnt from what they said before: models of each organisation, their versions, and the
//! trainings that make them.
//!
//! - What was known is written with the recommendation and never again; a model is judged by decisions later than its own.
//! - At most one model is the champion; which one is read with each batch, so that a change holds at once on every node.
//! - Without a usable champion the rule score stands alone, and the answers say so.

mod champion;
mod dto;
pub(crate) mod features;
mod graphql;
mod http;
mod model;
pub mod service;
mod store;
mod train;

pub(crate) use champion::{Champion, champion};
pub use dto::{
    AcceptanceGroupDto, AccuracyDto, ComparisonDto, ConfidenceDto, ImportanceDto, KnownFeatureDto, ModelDto, ModelMetricsDto,
    ReliabilityDto, TrainingDto,
};
pub(crate) use graphql::{LearningMutation, LearningQuery};
pub(crate) use http::api;
pub use train::TRAINING_JOB;
pub(crate) use train::{jobs, request};
