//! Is the optimisation well? Eight checks over figures that are at hand, what is done by itself when one is not, and the same for the
//! operators' metrics.

mod dto;
mod graphql;
mod http;
mod metrics;
mod model;
pub mod service;
mod store;
mod watch;

pub use dto::{HealthCheckDto, HealthDto, HealthFiguresDto};
pub(crate) use graphql::HealthQuery;
pub(crate) use http::api;
pub use metrics::collect;
pub(crate) use metrics::describe_metrics;
use platform::App;
use platform::jobs::Jobs;

pub(crate) fn jobs() -> Jobs {
    Jobs::default().chore("watch optimisation health", "* * * * *", |app: App| async move { watch::run(&app).await })
}
