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
//!
//! Transactions make missing balance rows and then lock rows, both in the order of [`ledger::Key`], and lots before balances;
//! that is why two of them never wait for each other. What is absent on purpose: places are owned by the context that
//! registers them here, and nothing in this crate knows sizes, receipts or orders.
//!
//! Publishes `inventory.stock.changed` (entity: the first movement; payload: `count`, `item_ids`, `location_ids`, at most 100
//! each, and whether they are `complete`), `inventory.lot.changed` and `inventory.count.changed`.

mod check;
pub mod counting;
mod dto;
mod graphql;
#[expect(unused_qualifications, reason = "the macro that documents routes qualifies the parameter types")]
mod http;
pub mod ledger;
mod model;
mod request;
mod rules;
pub mod service;
mod store;

pub use catalog::ItemLabel;
pub use check::{Invariant, check, check_tenant};
pub use dto::{BalanceDto, LotDto, LotStockDto, MovementDto, SideDto};
pub use graphql::{balances_at, balances_of, loaders};
pub use model::{
    ADJUSTMENT, BalanceRow, CUSTOMER, Labelled, LocationKind, Lot, LotDates, LotStock, MovementKind, MovementRow, PRODUCTION,
    Place, Posted, Posting, QualityStatus, SCRAP, SUPPLIER, Side, StockLocation, WantedLot,
};
pub use request::{MAX_MOVEMENTS, MovementRequest, NumberText};
pub use service::{STOCK_ADJUST, STOCK_MOVE, STOCK_READ};

#[derive(async_graphql::MergedObject, Default)]
pub struct InventoryQuery(graphql::LedgerQuery, counting::CountQuery);

#[derive(async_graphql::MergedObject, Default)]
pub struct InventoryMutation(graphql::LedgerMutation, counting::CountMutation);

/// The routes of this context.
pub fn api() -> platform::http::Api {
    http::api().merge(counting::api())
}
