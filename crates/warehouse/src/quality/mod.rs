//! How far the data can be trusted that capacities are checked with: items measured against their master data, goods that found no
//! place, goods set aside for orders that no longer take them, and what was done about each.
//!
//! Master data that is absent is a finding, never a variance of nought; what differs by more than the tolerance is never overwritten
//! unless somebody decides so.

pub(crate) mod audit;
mod dto;
mod graphql;
mod http;
mod input;
mod model;
pub mod service;
pub(crate) mod store;

pub use dto::{
    CapacityFailureDto, CrossDockCancellationDto, DataQualityDto, RemediationDto, SizeDto, UnmeasuredItemDto, VerificationDto,
};
pub(crate) use graphql::{QualityMutation, QualityQuery};
pub(crate) use http::api;
pub use input::{
    CancelCrossDock, CancellationFilter, DecideVerification, FailureFilter, Relocate, RemediationFilter, ResolveFailure,
    VerificationFilter, VerificationState, VerifyDimensions,
};
pub use model::{REVERIFY_DAYS, TOLERANCE_PERCENT};
pub(crate) use store::failure::insert as record_failures;
pub(crate) use store::remediation::{NewRemediation, log as log_remediation};
