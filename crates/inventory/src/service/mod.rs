//! Use cases of the ledger, and what other contexts call inside their own transactions.

mod lock;
mod lots;
pub(crate) mod places;
mod post;
mod quality;
mod reads;
mod record;
mod stocked;
mod submit;
mod totals;
mod transit;

use kernel::ErrorCode;
use platform::auth::{Actor, Permission, roles};
use platform::{Error, Result};

pub use lock::lock_moves;
pub(crate) use lock::{lock_keys, lock_pieces};
pub use lots::{find_lots, find_or_create_lot, find_or_create_lots, lots_by_ids};
pub use places::{found_tenant, open_books, place, places_by_ids, register_locations, rename_facility, set_location_active};
pub use post::post;
pub(crate) use post::{Entered, at, book, explain, post_decided};
pub use quality::change_lot_quality;
pub use reads::{
    BalanceFilter, LotFilter, MovementFilter, balance, balance_of_virtual, balance_rows, balances, lots, movement, movements,
    stock_at, stock_in_facility, stock_of,
};
pub(crate) use reads::{facility_of, given, item_of, label_one, label_page, labels, location_of, lot_of};
pub(crate) use record::{Asked, prepare};
pub use record::{MovementBatch, MovementResult, Outcome, Recorded, record};
pub use stocked::{Stocked, stock_guard};
pub use submit::submit;
pub use totals::{Totals, totals_of};
pub use transit::{Free, InTransit, in_transit, lock_free, shipped, transit_place};

use crate::model::MovementKind;

pub const STOCK_READ: Permission = Permission::new("stock:read", roles::EVERYBODY);
pub const STOCK_MOVE: Permission = Permission::new("stock:move", roles::STAFF);
/// Adjustments and scrap write value off; whoever counts and sorts on the floor is staff, so staff may, with a reason and audited.
pub const STOCK_ADJUST: Permission = Permission::new("stock:adjust", roles::STAFF);

/// Requires [`STOCK_ADJUST`] too when one of the kinds writes stock off.
pub(crate) fn require_for(actor: &Actor, kinds: impl IntoIterator<Item = MovementKind>) -> Result<()> {
    let writes_off = |kind| matches!(kind, MovementKind::Adjustment | MovementKind::Scrap);
    if kinds.into_iter().any(writes_off) { actor.require(STOCK_ADJUST) } else { Ok(()) }
}

pub(crate) fn cursor<K: serde::de::DeserializeOwned>(page: &kernel::PageRequest) -> Result<Option<K>> {
    page.after().map_err(|invalid| Error {
        fields: vec![invalid.clone().at("cursor")],
        ..Error::new(ErrorCode::MalformedCursor, invalid.0)
    })
}
