//! What can be in stock: items with their sizes, weight and handling rules, their units of measure, their barcodes, and
//! the import of all of it from files.
//!
//! Owns the schema `catalog`. Invariants: a code and a barcode name one item of a tenant; an item has all three
//! dimensions or none; sizes are whole millimetres, grams and cubic centimetres of ONE base unit; the base unit never
//! changes, because stock is counted in it; whether serial numbers are tracked changes only while nothing is in stock (which
//! [`StockGuard`] tells); items are never deleted, only deactivated.
//! Publishes `catalog.item.changed` for each item written and `catalog.items.imported` for each import.

mod graphql;
mod guard;
mod http;
mod import;
mod model;
pub mod service;
mod store;

pub use graphql::{CatalogMutation, CatalogQuery, GqlItem, ItemLoader, loaders};
pub use guard::{Guard, StockGuard};
pub use http::{ItemDto, api};
pub use import::ItemImporter;
pub use model::{
    AbcClass, Dimensions, Item, ItemBarcode, ItemChanges, ItemFilter, ItemUnit, Measure, NewBarcode, SecurityZone, Size,
    check_gtin,
};
pub use service::{ITEMS_READ, ITEMS_WRITE, ItemLabel};
