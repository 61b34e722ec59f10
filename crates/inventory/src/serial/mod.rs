//! Serial numbers: the single pieces of an item whose pieces have a name of their own, and where each of them is.
//!
//! A movement of a serial-tracked item names exactly its pieces, as many as its quantity. A piece that comes in is new, or one
//! that had left; a piece that moves lies where the movement takes from, in that lot and quality status. So for every balance of
//! such an item the pieces there are as many as are on hand.

pub(crate) mod book;
mod dto;
mod graphql;
#[expect(unused_qualifications, reason = "the macro that documents routes qualifies the parameter types")]
mod http;
mod model;
mod reads;
mod rules;
mod store;

pub use dto::{SerialDto, SerialHistoryDto};
pub use graphql::SerialQuery;
pub(crate) use http::api;
pub(crate) use model::MAX_SERIALS_TOGETHER;
pub use model::{MAX_SERIALS, SerialRefusal, SerialRow, Serials};
pub use reads::{SerialFilter, history, list, one};
pub(crate) use rules::{checked, named, read, refuse_too_many};
pub(crate) use store::check::pieces_equal_on_hand;
pub(crate) use store::{lock_lying, still_held, still_there};
