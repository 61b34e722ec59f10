//! Orders of customers: what is wanted, until when, and how far it is.
//!
//! An order binds nothing until it is released to picking. From then on each line is the sum of what waits on pick lists, what is
//! picked and what is short. Promises for an order carry the reference `order CODE`; goods that were promised under it beforehand,
//! as cross-docking does, are picked first.

mod dto;
mod graphql;
mod http;
mod import;
mod input;
mod model;
pub mod service;
mod store;

pub use dto::{OrderDto, OrderLineDto};
pub(crate) use graphql::{OrderMutation, OrderQuery};
pub(crate) use http::api;
pub use import::OrderImporter;
pub use input::{CancelOrder, NewOrder, NewOrderLine, OrderFilter, OrderPatch, ReleaseOrder};
pub(crate) use model::TEXT_MAX;
pub use model::{Basket, Order, OrderLine, Shortage};
