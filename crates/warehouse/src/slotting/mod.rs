//! Where goods should lie: how often items are picked, what is picked together, how full a facility will be, and plans of moves that
//! shorten the ways.
//!
//! Everything is computed from real picks. Nothing moves by itself: a plan becomes tasks when somebody who answers for the site approves
//! it, and each move is looked at again then and when it is made. An item's own class changes on approval, or daily where the settings of a
//! facility say so.

mod daily;
mod dto;
mod graphql;
mod hall;
mod http;
mod input;
mod model;
mod planner;
mod plans;
mod recommendations;
pub mod service;
mod store;

use platform::App;
use platform::jobs::Jobs;

pub use dto::{
    AccuracyDto, AffinityDto, PlanDto, PlannedMoveDto, PredictionDto, PredictionsDto, RecommendationDto, RecommendationsDto,
    TriggerDto, TriggerPage, VelocityDto, VelocityPage, VelocityRunDto,
};
pub(crate) use graphql::{SlottingMutation, SlottingQuery};
pub(crate) use http::api;
pub use input::{ApplyClasses, OfFacility, PlanFilter, PlanRequest, RejectPlan, SettingsInput, TriggerFilter, VelocityFilter};
pub use model::{Plan, SlottingSettings, Snapshot};
pub(crate) use plans::refuse_unless_as_planned;

/// What is computed by the clock, and the job behind each plan.
pub(crate) fn jobs() -> Jobs {
    Jobs::default()
        .handle(plans::JOB, plans::perform)
        .chore("classify items by velocity", "0 3 * * *", |app: App| async move { daily::velocities(&app).await })
        .chore("find items picked together", "20 3 * * *", |app: App| async move { daily::affinities(&app).await })
        .chore("take utilization snapshots", "50 23 * * *", |app: App| async move { daily::snapshots(&app).await })
        .chore("end undecided slotting plans", "5 * * * *", |app: App| async move { daily::expire(&app).await })
}
