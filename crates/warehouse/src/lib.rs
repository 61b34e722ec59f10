//! Where goods arrive and where they go: facilities and their locations, deliveries, putaway, and transfers between facilities.
//!
//! Owns facilities, locations (with everything that decides what may lie there), receipts with their lines and arrivals, and
//! putaway recommendations. What lies where is not owned here: the ledger of `inventory` knows, and fill is always computed
//! from its balances and the sizes of `catalog`'s items.
//!
//! Invariants:
//! - No recommendation exceeds a volume, a weight or a dimension, or breaks a compatibility rule; open recommendations hold
//!   their space until they are decided or expire. Batches and decisions of one facility follow one another (an advisory lock),
//!   so that two at once never promise the same space.
//! - A target is checked again when a recommendation is accepted or overridden, because stock may have been brought by hand.
//! - What is received, and what is put away, moves in the ledger in the same transaction.
//! - A location whose stock has no size on record counts as full, and an item without size or weight is not recommended:
//!   absent master data never passes for zero.
//! - What transfers have shipped and not settled is what the receiving facilities' places in transit hold, item by item and lot
//!   by lot; nothing else moves goods there, and no more arrives than was shipped.
//!
//! Publishes `warehouse.location.changed`, `warehouse.receipt.changed`, `warehouse.transfer.changed` and `warehouse.recommendation.changed` (entity: the
//! batch when several were made, else the recommendation; payload: `facility_id`, `state`, `count`).

mod availability;
mod check;
mod facility;
mod invariants;
mod location;
mod measure;
mod putaway;
mod receiving;
mod transfer;
mod words;

use std::sync::Arc;

use async_graphql::MergedObject;
use async_graphql::dataloader::DataLoader;
use platform::auth::{Actor, Permission, roles};
use platform::http::Api;
use platform::jobs::Jobs;
use platform::{App, Error};

pub use availability::{Expected, Promise, service as promises};
pub use facility::{Facility, FacilityFilter, FacilityPatch, NewFacility, service as facilities};
pub use invariants::{check, check_tenant};
pub use location::{
    Block, Content, FloorLocation, Load, Location, LocationFilter, LocationImporter, LocationPatch, NewLocation, Zones, floor,
    service as locations, zones,
};
pub use measure::{MeasureInput, SizeInput, TemperatureInput, degrees};
pub use putaway::{
    AlternativeLocation, Answer, Backlog, Decided, Decision, Explanation, Failure, Hold, PartScore, PutawayItem, PutawayRequest,
    Recommendation, RecommendationFilter, Summary, Waiting, service as putaways,
};
pub use receiving::{
    Arrived, Delivered, NewReceipt, NewReceiptLine, Origin, Receipt, ReceiptFilter, ReceiptLine, ReceiptSummary, Receive,
    ReceiveLine, service as receipts,
};
pub use transfer::{
    CancelTransfer, CloseTransfer, InTransitDto, NewTransfer, NewTransferLine, ReceiveTransfer, ReceiveTransferLine, ShipLine,
    ShipTransfer, TransferDto, TransferFilter, TransferLineDto, TransitFilter, service as transfers,
};
pub use words::{ErgonomicZone, LocationType, MixingPolicy, ReceiptKind, ReceiptState, RecommendationState, TransferState};

pub const WAREHOUSE_READ: Permission = Permission::new("warehouse:read", roles::EVERYBODY);
/// Facilities and locations are the building's plan: changing it is for those who answer for the site.
pub const LOCATIONS_WRITE: Permission = Permission::new("locations:write", roles::ADMIN);
pub const RECEIVE: Permission = Permission::new("receiving:write", roles::STAFF);
pub const TRANSFER: Permission = Permission::new("transfers:write", roles::STAFF);
pub const PUTAWAY: Permission = Permission::new("putaway:write", roles::STAFF);

pub(crate) const BATCH_MS: &str = "batch_putaway_processing_time_ms";
pub(crate) const RECOMMENDATIONS: &str = "putaway_recommendations_total";

pub fn api() -> Api {
    Api::new()
        .merge(facility::api())
        .merge(location::api())
        .merge(receiving::api())
        .merge(putaway::api())
        .merge(transfer::api())
        .merge(availability::api())
}

/// Nothing runs by the clock: recommendations expire by their time, whoever looks.
pub fn jobs() -> Jobs {
    Jobs::default()
}

/// Makes the counters visible before the first recommendation, so that their rates are 0 instead of absent.
pub fn describe_metrics() {
    metrics::describe_histogram!(BATCH_MS, metrics::Unit::Milliseconds, "time of one batch of putaway recommendations");
    metrics::describe_counter!(RECOMMENDATIONS, "putaway recommendations made, and lines or calls that failed");
    for status in ["success", "error"] {
        metrics::counter!(RECOMMENDATIONS, "status" => status).increment(0);
    }
}

#[derive(MergedObject, Default)]
pub struct WarehouseQuery(
    facility::FacilityQuery,
    location::LocationQuery,
    receiving::ReceiptQuery,
    putaway::PutawayQuery,
    transfer::TransferQuery,
    availability::AvailabilityQuery,
);

#[derive(MergedObject, Default)]
pub struct WarehouseMutation(
    facility::FacilityMutation,
    location::LocationMutation,
    receiving::ReceiptMutation,
    putaway::PutawayMutation,
    transfer::TransferMutation,
    availability::AvailabilityMutation,
);

/// A loader shares one error among many fields; each field answers with its own copy.
pub(crate) fn own(shared: Arc<Error>) -> Error {
    Error { fields: shared.fields.clone(), retry_after: shared.retry_after, ..Error::new(shared.code, shared.detail.clone()) }
}

/// Attaches the loaders that answer many small questions of one request together.
pub fn loaders(app: &App, actor: &Actor, request: async_graphql::Request) -> async_graphql::Request {
    let facilities = facility::FacilityLoader { app: app.clone(), tenant: actor.tenant().clone() };
    let locations = location::LocationLoader { app: app.clone(), actor: actor.clone() };
    let lines = receiving::ReceiptLinesLoader { app: app.clone(), actor: actor.clone() };
    request
        .data(DataLoader::new(facilities, tokio::spawn))
        .data(DataLoader::new(locations, tokio::spawn))
        .data(DataLoader::new(lines, tokio::spawn))
}
