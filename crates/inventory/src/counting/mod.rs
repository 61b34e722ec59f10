//! Cycle counts: what people find in the places, compared with the ledger while stock moves.
//!
//! A line's variance is what was counted less what the ledger held at that moment, so that movements before and after are no
//! variance. What lies outside the tolerance is counted again by somebody else, and approved by somebody who counted nothing of
//! it; the adjustment then posts the variance that was found, whatever the balance is by then.

mod approve;
mod dto;
mod enter;
mod graphql;
#[expect(unused_qualifications, reason = "the macro that documents routes qualifies the parameter types")]
mod http;
mod input;
mod model;
mod plan;
pub mod service;
mod store;

pub use dto::{AccuracyDto, CountDto, CountEntryDto, CountLineDto, CountLocationDto, CountSheetDto, ProgressDto};
pub(crate) use graphql::{CountMutation, CountQuery};
pub(crate) use http::api;
pub use input::{
    ApproveLines, CancelCount, CountEntry, CountFilter, FinishLocation, LineFilter, NewCount, RejectLines, Schedule,
    SubmitEntries,
};
pub use model::{CountState, LineState, PlaceState};

use platform::auth::{Permission, roles};

pub const COUNTS_READ: Permission = Permission::new("counts:read", roles::EVERYBODY);
pub const COUNTS_COUNT: Permission = Permission::new("counts:count", roles::STAFF);
/// Who sets the tolerance decides what is written off unseen; that is not for those who count.
pub const COUNTS_PLAN: Permission = Permission::new("counts:plan", roles::ADMIN);
/// Holders also see what a blind count hides.
pub const COUNTS_APPROVE: Permission = Permission::new("counts:approve", roles::ADMIN);
