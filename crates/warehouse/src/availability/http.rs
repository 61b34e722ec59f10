use async_graphql::SimpleObject;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use inventory::reservation::{NewReservation, ReservationDto, TimelineRow};
use kernel::Quantity;
use platform::auth::Actor;
use platform::database::Tx;
use platform::http::{Access, Api, Command, Problem, Query};
use platform::{App, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use super::service::{self, Expected, Promise};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(inventory::STOCK_READ), routes!(get_availability))
        .route(Access::Needs(inventory::reservation::service::STOCK_RESERVE), routes!(create_reservation))
}

/// What there is of an item, what comes, and what may be promised; in the item's base unit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[graphql(name = "Availability")]
#[schema(as = Availability)]
pub(crate) struct AvailabilityDto {
    item_id: Uuid,
    item_code: String,
    item_name: String,
    /// The item's base unit.
    unit: String,
    /// All facilities together when absent.
    facility_id: Option<Uuid>,
    facility_code: Option<String>,
    as_of: DateTime<Utc>,
    /// Whatever the status.
    #[schema(example = "120")]
    on_hand: String,
    /// Released, not past its best-before day, in active places.
    released: String,
    /// Bound by hard reservations.
    reserved_hard: String,
    /// Promised by soft reservations, for this facility or for none in particular.
    reserved_soft: String,
    /// Released and not bound: what a hard reservation can have at once.
    available: String,
    /// What may be promised at once without breaking a soft promise; below zero when too much was promised.
    available_to_promise: String,
    /// The day that was asked about.
    at: Option<NaiveDate>,
    /// What may be promised for that day.
    available_to_promise_at: Option<String>,
    /// Of deliveries that are late; no promise rests on them.
    overdue: String,
    /// Of deliveries without a day; no promise rests on them.
    undated: String,
    /// Deliveries that are still to come, the soonest first, at most 1,000.
    expected: Vec<ExpectedDto>,
    /// Days of the coming year on which something arrives or a soft promise falls due.
    timeline: Vec<TimelineDto>,
}

/// What is still to come with one delivery.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[graphql(name = "ExpectedReceipt")]
#[schema(as = ExpectedReceipt)]
pub(crate) struct ExpectedDto {
    receipt_code: String,
    facility_code: String,
    expected_at: Option<DateTime<Utc>>,
    quantity: String,
}

/// One day of what may be promised.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[graphql(name = "AvailabilityDay")]
#[schema(as = AvailabilityDay)]
pub(crate) struct TimelineDto {
    date: NaiveDate,
    receipts: String,
    commitments: String,
    /// What will be left at the end of the day when everything comes as expected.
    projected: String,
    /// What may be promised for that day without breaking a later promise.
    available_to_promise: String,
}

fn text(quantity: Quantity) -> String {
    quantity.decimal().normalize().to_string()
}

impl From<Expected> for ExpectedDto {
    fn from(one: Expected) -> Self {
        Self {
            receipt_code: one.receipt_code,
            facility_code: one.facility_code,
            expected_at: one.expected_at,
            quantity: text(one.quantity),
        }
    }
}

impl From<TimelineRow> for TimelineDto {
    fn from(row: TimelineRow) -> Self {
        Self {
            date: row.date,
            receipts: text(row.receipts),
            commitments: text(row.commitments),
            projected: text(row.projected),
            available_to_promise: text(row.available_to_promise),
        }
    }
}

impl From<Promise> for AvailabilityDto {
    fn from(Promise { availability, expected, overdue, undated, at }: Promise) -> Self {
        let reserved_soft = text(availability.supply.reserved_soft());
        let (facility_id, facility_code) = availability.facility.map(|(id, code)| (id.0, code)).unzip();
        Self {
            item_id: availability.item_id.0,
            item_code: availability.item.code,
            item_name: availability.item.name,
            unit: availability.item.base_unit,
            facility_id,
            facility_code,
            as_of: availability.as_of,
            on_hand: text(availability.supply.on_hand),
            released: text(availability.supply.released),
            reserved_hard: text(availability.supply.reserved_hard),
            reserved_soft,
            available: text(availability.supply.available),
            available_to_promise: text(availability.promise_now),
            at: at.map(|(on, _)| on),
            available_to_promise_at: at.map(|(_, quantity)| text(quantity)),
            overdue: text(overdue),
            undated: text(undated),
            expected: expected.into_iter().map(ExpectedDto::from).collect(),
            timeline: availability.timeline.into_iter().map(TimelineDto::from).collect(),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AvailabilityParams {
    /// Id or code.
    item: String,
    /// Id or code; all facilities together when absent.
    facility: Option<String>,
    /// A day to ask about as well (RFC 3339).
    at: Option<DateTime<Utc>>,
}

/// What may be promised of an item
///
/// Available to promise: on hand and not committed, plus expected receipts, less what is promised, by day; never so much that a later
/// promise could not be kept. Late and undated deliveries do not count.
#[utoipa::path(get, path = "/api/v1/inventory/availability", tag = "inventory", params(AvailabilityParams), responses(
    (status = 200, body = AvailabilityDto),
    (status = 404, description = "The item or facility does not exist", body = Problem),
))]
async fn get_availability(
    State(app): State<App>,
    actor: Actor,
    Query(params): Query<AvailabilityParams>,
) -> Result<axum::Json<AvailabilityDto>> {
    let AvailabilityParams { item, facility, at } = &params;
    let read = async |connection: &mut _| service::availability(connection, &actor, item, facility.as_deref(), *at).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// Reserve goods
///
/// HARD binds released goods where they lie, chosen by the strategy; SOFT promises a quantity of what is available to promise on the
/// day it is needed. Concurrent callers never get the same goods.
#[utoipa::path(post, path = "/api/v1/inventory/reservations", tag = "inventory", request_body = NewReservation,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key gives one effect and the same answer.")),
    responses(
        (status = 201, body = ReservationDto),
        (status = 409, description = "Not enough can be promised; nothing was kept", body = Problem),
        (status = 422, body = Problem),
    ))]
async fn create_reservation(
    State(app): State<App>,
    command: Command<NewReservation>,
) -> Result<(StatusCode, axum::Json<ReservationDto>)> {
    let reserve = async |tx: &mut Tx| service::reserve(tx, &command.actor, &command.input).await.map(ReservationDto::from);
    Ok((StatusCode::CREATED, axum::Json(command.run(&app, reserve).await?)))
}
