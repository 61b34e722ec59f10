//! Buildings and sites.

mod graphql;
mod http;
mod model;
pub mod service;
mod store;

pub(crate) use graphql::{FacilityLoader, FacilityMutation, FacilityObject, FacilityQuery};
pub(crate) use http::api;
pub use model::{Facility, FacilityFilter, FacilityPatch, NewFacility};
