//! What every other crate shares: typed ids, quantities and units, the clock and the source of randomness,
//! pages and cursors, and the one table of error codes.
//!
//! Invariants: no IO and no async here; nothing in this crate knows a database, a protocol or a page.
//! Time and ids are obtained from [`Env`] only, so that a test decides both.

mod code;
mod env;
mod error;
mod id;
mod page;
mod quantity;
mod unit;

pub use code::{Code, TenantId};
pub use env::Env;
pub use error::{ErrorCode, FieldError, Invalid};
pub use id::{
    CountId, CountLineId, FacilityId, HoldId, ItemId, LocationId, LotId, MoveTaskId, MovementId, OrderId, OrderLineId, PickId,
    PickLineId, PickListId, ReceiptId, ReceiptLineId, RecommendationId, ReservationId, SerialId, TransferId, TransferLineId,
    UserId,
};
pub use page::{Cursor, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page, PageRequest};
pub use quantity::Quantity;
pub use unit::{LengthUnit, MassUnit, VolumeUnit};
