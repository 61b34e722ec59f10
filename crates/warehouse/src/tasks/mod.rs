//! Move tasks: goods to bring from one place to another because that is better, not because an order asks for them.
//!
//! Whoever finds such moves proposes them, one plan at a time; somebody who answers for the site approves them; whoever is free
//! claims one, brings the goods and confirms it, which moves them in the ledger in the same transaction. A task binds nothing: what
//! is not there any more, or does not fit any more, is refused then.

mod dto;
mod graphql;
mod http;
mod input;
mod model;
pub mod service;
mod store;

pub use dto::MoveTaskDto;
pub(crate) use graphql::{TaskMutation, TaskQuery};
pub(crate) use http::api;
pub use input::{ApproveTasks, CancelTask, ConfirmTask, NewTaskInput, ProposeTasks, TaskFilter};
pub use model::{MoveTask, NewTask};
