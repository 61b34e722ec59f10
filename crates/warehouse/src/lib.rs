//! Where goods arrive and where they go: facilities and their locations, deliveries, putaway, transfers between facilities, orders,
//! picking and moves.
//!
//! Owns facilities, locations (with everything that decides what may lie there), receipts with their lines and arrivals, putaway
//! recommendations, orders, pick lists and move tasks. What lies where is not owned here: the ledger of `inventory` knows, and fill
//! is always computed from its balances and the sizes of `catalog`'s items.
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
//! - What an order line has picked is the sum of its picks, and what is allocated to it is what its open pick lines ask for; each
//!   of those is bound by a promise of `inventory` until it is picked, found missing or given back.
//! - Whatever happens to one order follows one another (its row's lock), so that two people never pick one line twice.
//! - What an acceptance model learns from was written down when the recommendation was made; it is judged by later decisions.
//! - What was measured of an item replaces its master data only within tolerance, where nothing was on record, or by a decision.
//! - Recommendations made under an experiment carry its side; a unit never changes sides, and results are seen only at the looks.
//! - A plan of moves changes nothing: it becomes tasks on approval, and each of its moves is looked at again then and when it is made.
//!
//! Publishes `warehouse.quality.changed` and `warehouse.statistics.changed` (payload: `kind`), `warehouse.slotting.changed` (entity:
//! the plan, or the facility; payload: `facility_id`, `what`, and `state` of a plan), `warehouse.location.changed` (payload:
//! `facility_id`), `warehouse.receipt.changed`, `warehouse.transfer.changed`, `warehouse.order.changed`,
//! `warehouse.pick_list.changed` (payload: `code`, `state`, `order`, `facility_id`, `open`), `warehouse.pick.short` (entity: the
//! line of the pick list; payload: `pick_list_id`, `item_id`, `location_id`, `missing`), `warehouse.move_task.changed` (entity: the
//! first task; payload: `state`, `facility_id`, `plan_id`, `count`), `warehouse.model.changed` (entity: the training or the
//! version; payload: `state`) and `warehouse.recommendation.changed` (entity: the batch when several were made, else the
//! recommendation; payload: `facility_id`, `state`, `count`).

mod availability;
mod check;
pub mod experiments;
mod facility;
pub mod health;
mod invariants;
pub mod learning;
mod location;
mod measure;
mod outbound;
mod picking;
mod putaway;
pub mod quality;
mod receiving;
pub mod slotting;
pub mod statistics;
mod tasks;
mod transfer;
mod utilization;
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
pub use outbound::{
    Basket, CancelOrder, NewOrder, NewOrderLine, Order, OrderDto, OrderFilter, OrderImporter, OrderLine, OrderLineDto,
    OrderPatch, ReleaseOrder, Shortage, service as orders,
};
pub use picking::{
    ConfirmLine, ConfirmPicks, DailyPicks, Pick, PickLineDto, PickListDto, PickListFilter, ReleasedDto, ShortPick,
    service as picks,
};
pub use putaway::{
    AisleCongestion, AlternativeLocation, Answer, Backlog, Change, Congestion, CrossDockOpportunities, CrossDockOpportunity,
    Decided, Decision, Explanation, Failure, Hold, PartScore, PutawayItem, PutawayRequest, Recommendation, RecommendationFilter,
    Summary, Waiting, service as putaways,
};
pub use receiving::{
    Arrived, Delivered, NewReceipt, NewReceiptLine, Origin, Receipt, ReceiptFilter, ReceiptLine, ReceiptSummary, Receive,
    ReceiveLine, service as receipts,
};
pub use tasks::{
    ApproveTasks, CancelTask, ConfirmTask, MoveTask, MoveTaskDto, NewTask, NewTaskInput, ProposeTasks, TaskFilter,
    service as move_tasks,
};
pub use transfer::{
    CancelTransfer, CloseTransfer, InTransitDto, NewTransfer, NewTransferLine, ReceiveTransfer, ReceiveTransferLine, ShipLine,
    ShipTransfer, TransferDto, TransferFilter, TransferLineDto, TransitFilter, service as transfers,
};
pub use utilization::{BinUtilizationDto, UtilizationSummaryDto, service as utilizations};
pub use words::{
    Arm, ClassBy, CrossDockUrgency, ErgonomicZone, ExperimentDecision, ExperimentState, ExperimentUnit, FailureResolution,
    HealthStatus, LocationType, Metric, MixingPolicy, ModelState, MoveTaskKind, MoveTaskState, OptimizationKind, OrderState,
    OutlierSeverity, OutlierStatus, PickLineState, PickListState, ReceiptKind, ReceiptState, RecommendationState,
    RelocationStatus, ShareOf, SlottingPlanState, TrainingCause, TrainingOutcome, TrainingPhase, TrainingState, TransferState,
    TriggerKind, TriggerSeverity, UtilizationStatus, VerificationDecision, VerificationStatus,
};

pub const WAREHOUSE_READ: Permission = Permission::new("warehouse:read", roles::EVERYBODY);
/// Facilities and locations are the building's plan: changing it is for those who answer for the site.
pub const LOCATIONS_WRITE: Permission = Permission::new("locations:write", roles::ADMIN);
pub const RECEIVE: Permission = Permission::new("receiving:write", roles::STAFF);
pub const TRANSFER: Permission = Permission::new("transfers:write", roles::STAFF);
pub const PUTAWAY: Permission = Permission::new("putaway:write", roles::STAFF);
/// Measuring items, and saying what was done about findings.
pub const QUALITY_WRITE: Permission = Permission::new("quality:write", roles::STAFF);
/// Overruling master data by a measurement that is not within tolerance, or the measurement by master data.
pub const QUALITY_DECIDE: Permission = Permission::new("quality:decide", roles::ADMIN);
pub const ORDERS_WRITE: Permission = Permission::new("orders:write", roles::STAFF);
pub const PICK: Permission = Permission::new("picking:write", roles::STAFF);
pub const TASKS_WRITE: Permission = Permission::new("tasks:write", roles::STAFF);
/// A plan of moves is work for many: those who answer for the site decide whether it is done.
pub const TASKS_APPROVE: Permission = Permission::new("tasks:approve", roles::ADMIN);
/// An experiment decides how other people's goods are placed.
pub const EXPERIMENT: Permission = Permission::new("experiments:write", roles::ADMIN);

/// Training the acceptance model and choosing which version is used.
pub const MODELS_WRITE: Permission = Permission::new("models:write", roles::ADMIN);

/// Having velocities computed, snapshots taken and moves planned; nothing moves by it.
pub const SLOTTING: Permission = Permission::new("slotting:write", roles::STAFF);
/// How items are classed, and writing the classes to the items.
pub const SLOTTING_DECIDE: Permission = Permission::new("slotting:decide", roles::ADMIN);

const BATCH_MS: &str = "batch_putaway_processing_time_ms";
const RECOMMENDATIONS: &str = "putaway_recommendations_total";

/// The label by which a search for `bin_` in the metrics finds those whose name does not say it.
pub(crate) const SUBSYSTEM: (&str, &str) = ("subsystem", "bin_optimization");

pub(crate) fn batch_time() -> metrics::Histogram {
    metrics::histogram!(BATCH_MS, SUBSYSTEM.0 => SUBSYSTEM.1)
}

pub(crate) fn recommendations(status: &'static str) -> metrics::Counter {
    metrics::counter!(RECOMMENDATIONS, "status" => status)
}

pub fn api() -> Api {
    Api::new()
        .merge(facility::api())
        .merge(location::api())
        .merge(receiving::api())
        .merge(putaway::api())
        .merge(transfer::api())
        .merge(outbound::api())
        .merge(picking::api())
        .merge(tasks::api())
        .merge(availability::api())
        .merge(quality::api())
        .merge(utilization::api())
        .merge(slotting::api())
        .merge(health::api())
        .merge(statistics::api())
        .merge(experiments::api())
        .merge(learning::api())
}

/// What this context does by the clock. Recommendations need none of it: they expire by their time, whoever looks.
pub fn jobs() -> Jobs {
    health::jobs()
        .chore(REFRESH_JOB, "*/10 * * * *", |app: App| async move { utilization::refresh(&app).await })
        .chore("audit data quality", "0 1 * * *", |app: App| async move { quality::audit::run(&app).await })
        .merge(learning::jobs())
        .chore(STATISTICS_JOB, "30 3 * * *", |app: App| async move { statistics::run(&app).await })
        .chore("look at experiments", "15 * * * *", |app: App| async move { experiments::look_at_all(&app).await })
        .merge(slotting::jobs())
}

/// Figures of the stored recommendations, tests, outliers and trends.
pub const STATISTICS_JOB: &str = "compute statistics";

/// The name that the documents know the refresh of the utilisation cache by.
pub const REFRESH_JOB: &str = "refresh_bin_util";

/// Makes the counters visible before the first recommendation, so that their rates are 0 instead of absent.
pub fn describe_metrics() {
    metrics::describe_histogram!(BATCH_MS, metrics::Unit::Milliseconds, "time of one batch of putaway recommendations");
    metrics::describe_counter!(RECOMMENDATIONS, "putaway recommendations made, and lines or calls that failed");
    let _ = batch_time();
    for status in ["success", "error"] {
        recommendations(status).increment(0);
    }
    health::describe_metrics();
}

#[derive(MergedObject, Default)]
pub struct WarehouseQuery(
    facility::FacilityQuery,
    location::LocationQuery,
    receiving::ReceiptQuery,
    putaway::PutawayQuery,
    transfer::TransferQuery,
    outbound::OrderQuery,
    picking::PickingQuery,
    tasks::TaskQuery,
    availability::AvailabilityQuery,
    quality::QualityQuery,
    utilization::UtilizationQuery,
    slotting::SlottingQuery,
    health::HealthQuery,
    statistics::StatisticsQuery,
    experiments::ExperimentQuery,
    learning::LearningQuery,
);

#[derive(MergedObject, Default)]
pub struct WarehouseMutation(
    facility::FacilityMutation,
    location::LocationMutation,
    receiving::ReceiptMutation,
    putaway::PutawayMutation,
    transfer::TransferMutation,
    outbound::OrderMutation,
    picking::PickingMutation,
    tasks::TaskMutation,
    availability::AvailabilityMutation,
    quality::QualityMutation,
    statistics::StatisticsMutation,
    experiments::ExperimentMutation,
    learning::LearningMutation,
    slotting::SlottingMutation,
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
