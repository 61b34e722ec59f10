//! Statistics over the stored recommendations, by facility and by version of the algorithm: what their figures look like, what moves
//! together, whether tests may be trusted, what stands apart, where it goes, and how versions compare.
//!
//! A run reads the newest recommendations of the period at once, computes off the threads that serve requests, and writes its results
//! together. What stands apart is remembered once, and somebody says what became of it.

mod compare;
mod compute;
mod correlate;
mod dto;
mod graphql;
mod http;
mod input;
mod job;
mod model;
pub mod service;
mod store;

pub(crate) use compare::two as compare_two;
pub use dto::{
    ComparisonDto, CorrelationDto, MetricDto, OutlierDto, PredictionDto, RunDto, StatisticsDto, SummaryRowDto, ValidationDto,
};
pub(crate) use graphql::{StatisticsMutation, StatisticsQuery};
pub(crate) use http::api;
pub use input::{ChangeOutlier, OutlierFilter, StatisticsFilter};
pub use job::run;
pub use model::{DayMean, Histogram, Plot, TrendLine};
pub(crate) use store::comparison::{insert as insert_comparisons, of_experiment as comparisons_of};
