//! Pick lists: which goods to take from where for a released order, and what was taken.
//!
//! A line of a list is bound by a promise of `inventory` until it is picked, found missing or given back. Picked goods go to the
//! customer at once, or to a staging place of the facility, where the promise binds them until the order ships. Each confirmed pick
//! is kept as a row: velocity, affinity and congestion are computed from them.

mod dto;
mod graphql;
mod http;
mod input;
mod model;
mod release;
pub mod service;
mod staged;
pub(crate) mod store;
mod work;

pub use dto::{PickLineDto, PickListDto, ReleasedDto};
pub(crate) use graphql::{PickingMutation, PickingQuery};
pub(crate) use http::api;
pub use input::{ConfirmLine, ConfirmPicks, PickListFilter, ShortPick};
pub use model::{DailyPicks, Pick};
pub(crate) use service::without_index;
