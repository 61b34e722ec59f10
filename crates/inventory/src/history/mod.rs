//! What stock was, how long it has lain and how fast it turns.
//!
//! A movement has two times: when it happened (`effective_at`) and when we learnt of it (`recorded_at`). Stock as of a moment is
//! the sum of all movements up to it by either clock. So that this does not take longer the longer the history, an item's sums
//! are kept at every few hundred movements ([`model::Checkpoint`]); an answer reads the last checkpoint before the moment and the
//! movements between. Checkpoints are a cache: a chore makes them from what is committed, no write waits for them, and an answer
//! is the same without.
//!
//! Three parts add up to an answer, and no movement is in two of them. `S` is the number up to which the item's checkpoints are
//! complete (`history_items.seq`), `A` the time of the last checkpoint at or before the moment `t`:
//! 1. the checkpoint: movements numbered up to `S` with a time up to `A`;
//! 2. the gap: numbered up to `S`, time after `A` and up to `t`;
//! 3. the tail: numbered above `S`, time up to `t`.
//!
//! A late movement (its time lies before checkpoints that exist) is in the tail until the chore adds it to each of them.

mod dto;
mod graphql;
#[expect(unused_qualifications, reason = "the macro that documents routes qualifies the parameter types")]
mod http;
mod model;
mod refresh;
pub mod service;
mod store;

use platform::jobs::Jobs;

pub use graphql::HistoryQuery;
pub use http::api;
pub use model::{AGE_LIMITS_DAYS, Aged, Axis, BUCKETS, InUse, NotOffered, Spot, Turnover};
pub use refresh::{refresh, refresh_later};

const JOB: &str = "inventory.history";

/// Keeps checkpoints: every minute for tenants that moved, and soon after an import.
pub fn jobs() -> Jobs {
    Jobs::default()
        .chore("keep checkpoints of the stock history", "* * * * *", |app| async move { refresh::refresh_all(&app).await })
        .handle(JOB, |app, job| async move { refresh(&app, &job.tenant).await.map(|_| ()) })
}
