//! The page handlers: each reads what the visitor asked, calls the same services as REST and GraphQL, and fills a view.

mod account;
mod audit;
mod counts;
mod dress;
mod experiments;
mod health;
mod history;
mod holds;
mod imports;
mod items;
mod jobs;
mod learning;
mod locations;
mod movements;
mod orders;
mod overview;
mod people;
mod picking;
mod putaway;
mod quality;
mod receipts;
mod reservations;
mod serials;
mod session;
mod setup;
mod slotting;
mod statistics;
mod tasks;
mod transfers;
mod typed;
mod visitor;

use axum::http::Method;
use axum::routing::get;
use platform::auth::{Actor, Permission};
use platform::http::{Access, Api};

pub use dress::dress;
pub use setup::open_setup;

/// Every page, and the files that they load.
pub fn api() -> Api {
    Api::new()
        .endpoint(Method::GET, crate::assets::ROUTE, Access::Public, get(crate::assets::serve))
        .merge(session::api())
        .merge(account::api())
        .merge(setup::api())
        .merge(health::api())
        .merge(overview::api())
        .merge(items::api())
        .merge(history::api())
        .merge(locations::api())
        .merge(receipts::api())
        .merge(putaway::api())
        .merge(orders::api())
        .merge(picking::api())
        .merge(tasks::api())
        .merge(movements::api())
        .merge(transfers::api())
        .merge(counts::api())
        .merge(serials::api())
        .merge(holds::api())
        .merge(reservations::api())
        .merge(imports::api())
        .merge(people::api())
        .merge(audit::api())
        .merge(quality::api())
        .merge(statistics::api())
        .merge(experiments::api())
        .merge(slotting::api())
        .merge(jobs::api())
        .merge(learning::api())
}

/// What each entry of the navigation needs; the routes declare the same.
const DOORS: &[(&str, Permission)] = &[
    ("/receipts", warehouse::WAREHOUSE_READ),
    ("/putaway", warehouse::WAREHOUSE_READ),
    ("/orders", warehouse::WAREHOUSE_READ),
    ("/picking", warehouse::WAREHOUSE_READ),
    ("/move-tasks", warehouse::WAREHOUSE_READ),
    ("/movements", inventory::STOCK_READ),
    ("/reservations", inventory::STOCK_READ),
    ("/transfers", warehouse::WAREHOUSE_READ),
    ("/counts", inventory::counting::COUNTS_READ),
    ("/holds", inventory::STOCK_READ),
    ("/serials", inventory::STOCK_READ),
    ("/items", catalog::ITEMS_READ),
    ("/locations", warehouse::WAREHOUSE_READ),
    ("/slotting", warehouse::WAREHOUSE_READ),
    ("/stock-ageing", inventory::STOCK_READ),
    ("/quality", warehouse::WAREHOUSE_READ),
    ("/statistics", warehouse::WAREHOUSE_READ),
    ("/experiments", warehouse::WAREHOUSE_READ),
    ("/model", warehouse::WAREHOUSE_READ),
    ("/imports", platform::imports::IMPORTS_READ),
    ("/users", identity::USERS_READ),
    ("/tokens", identity::TOKENS_READ),
    ("/jobs", platform::jobs::JOBS_READ),
    ("/audit", platform::audit::AUDIT_READ),
];

fn may_open(actor: &Actor, href: &str) -> bool {
    DOORS.iter().find(|(door, _)| *door == href).is_none_or(|(_, permission)| actor.may(*permission))
}
