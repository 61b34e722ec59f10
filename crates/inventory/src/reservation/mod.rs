//! Promises of goods. HARD ones bind rows of stock: what they bind, no other movement takes. SOFT ones promise a quantity of
//! an item and bind nothing; they count in what is available to promise, and may be hardened.
//!
//! Invariants: per balance, `reserved` is the sum of its allocations, which belong to open HARD reservations and lie on
//! released stock; per reservation, quantity = open + fulfilled + released + shortage, and of a HARD one all that is open is bound.
//!
//! Locks go lots, then balances in the order of [`crate::ledger::Key`], then reservations by id. Whoever holds a balance's lock
//! therefore knows that its allocations do not change.
//!
//! A reservation stops counting the moment it expires: whoever would fall short takes back, in its own transaction, what expired
//! ones bind there; a chore takes back the rest each minute.
//!
//! Publishes `inventory.reservation.changed` (payload: `state`, `item_id`, `reference`, `open`) and, when missing goods break a
//! promise, `inventory.reservation.short` (also `lost`, `shortage`).

mod dto;
mod graphql;
#[expect(unused_qualifications, reason = "the macro that documents routes qualifies the parameter types")]
mod http;
mod model;
mod promise;
mod request;
pub mod service;
pub(crate) mod store;

pub use dto::{AllocationDto, FulfilledDto, ReservationDto, TransferredDto};
pub use graphql::{NewReservationInput, ReservationMutation, ReservationQuery};
pub(crate) use http::api;
pub use model::{Allocation, BrokenReservation, Reservation, ReservationKind, ReservationState, ReservationView, Strategy};
pub use promise::{Availability, Commitment, Incoming, Supply, TimelineRow, available_to_promise, timeline};
pub use request::{
    ChangeReservation, FulfilReservation, HardenReservation, NewReservation, ReleaseReservation, TransferReservation,
};

use platform::App;
use platform::jobs::Jobs;

pub(crate) fn jobs() -> Jobs {
    Jobs::default().chore("take back expired reservations", "* * * * *", |app: App| async move {
        let expired = service::sweep(&app).await?;
        Ok(format!("{expired} reservations expired"))
    })
}
