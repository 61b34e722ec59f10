//! What is where: the append-only double-entry ledger of stock movements, the balances that follow from it, and lots.
//!
//! Invariants, each a constraint of the schema, a rule here and a line of [`check()`]:
//! - A movement takes a quantity from one place and gives it to another (or, as STATUS_CHANGE, from one quality status to
//!   another inside one place). Movements are never changed and never deleted.
//! - Five virtual places with fixed ids (supplier, customer, adjustment, scrap, production) close the books. They have
//!   movements but no stored balance.
//! - For every item, physical place, lot and quality status the movements add up to the balance, always.
//! - A balance is never negative and what is reserved of it is on hand.
//! - Two unfinished counts never look at one place; a variance is adjusted once, and not by who counted it.
//! - A lot belongs to one item; goods of a lot-tracked item always name their lot.
//! - A movement of a serial-tracked item names its pieces, and each piece is in one place: see `serial`.
//! - Who may take stock from one quality status to another stands in one table: see `quality`.
//! - What is reserved of a balance is promised by reservations (see [`reservation`]); only goods that are missing, scrapped or no longer
//!   released are taken from promises, which are told.
//!
//! Transactions make missing rows and then lock rows, in this order: holds, lots by id, serial numbers by item and number,
//! balances by [`ledger::Key`], and (only for the first goods of an item) items;
//! that is why two of them never wait for each other. What is absent on purpose: places are owned by the context that
//! registers them here, and nothing in this crate knows sizes, receipts or orders.
//!
//! Publishes `inventory.stock.changed` (entity: the first movement; payload: `count`, `item_ids`, `location_ids`, at most 100
//! each, and whether they are `complete`), `inventory.lot.changed` and `inventory.count.changed`.

mod check;
pub mod counting;
mod dto;
mod graphql;
pub mod history;
mod hold;
#[expect(unused_qualifications, reason = "the macro that documents routes qualifies the parameter types")]
mod http;
mod import;
pub mod ledger;
mod model;
mod quality;
mod request;
pub mod reservation;
mod rules;
mod serial;
pub mod service;
mod store;

pub use catalog::ItemLabel;
pub use check::{CheckProgress, Invariant, check, check_telling, check_tenant};
pub use dto::{BalanceDto, LotDto, LotStockDto, MovementDto, SideDto};
pub use graphql::{balances_at, balances_of, loaders};
pub use hold::{
    Decision, Disposition, HOLDS_DECIDE, Hold, HoldDecision, HoldDto, HoldFilter, HoldLine, HoldState, NewHold, service as holds,
};
pub use import::{MovementImporter, StockImporter};
pub use model::{
    ADJUSTMENT, BalanceRow, CUSTOMER, Labelled, LocationKind, Lot, LotDates, LotStock, MovementKind, MovementRow, PRODUCTION,
    Place, Posted, Posting, QualityStatus, SCRAP, SUPPLIER, Side, StockLocation, WantedLot,
};
pub use quality::QUALITY_RELEASE;
pub use request::{MAX_MOVEMENTS, MovementRequest, NumberText};
pub use serial::{
    MAX_SERIALS, SerialDto, SerialFilter, SerialHistoryDto, SerialRow, Serials, history as serial_history, list as serials,
    one as serial,
};
pub use service::{STOCK_ADJUST, STOCK_MOVE, STOCK_READ, Stocked, stock_guard};

#[derive(async_graphql::MergedObject, Default)]
pub struct InventoryQuery(
    graphql::LedgerQuery,
    counting::CountQuery,
    hold::HoldQuery,
    reservation::ReservationQuery,
    serial::SerialQuery,
);

#[derive(async_graphql::MergedObject, Default)]
pub struct InventoryMutation(
    graphql::LedgerMutation,
    counting::CountMutation,
    hold::HoldMutation,
    reservation::ReservationMutation,
);

/// The routes of this context.
pub fn api() -> platform::http::Api {
    http::api().merge(serial::api()).merge(hold::api()).merge(reservation::api()).merge(counting::api()).merge(history::api())
}

/// What this context does by the clock.
pub fn jobs() -> platform::jobs::Jobs {
    reservation::jobs().merge(history::jobs())
}
