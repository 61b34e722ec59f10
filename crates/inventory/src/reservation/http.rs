use axum::extract::State;
use kernel::ReservationId;
use platform::auth::Actor;
use platform::database::Tx;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;
use uuid::Uuid;

use super::dto::{FulfilledDto, ReservationDto, TransferredDto};
use super::model::ReservationState;
use super::request::{ChangeReservation, FulfilReservation, HardenReservation, ReleaseReservation, TransferReservation};
use super::service::{self, ReservationFilter, STOCK_RESERVE};
use crate::service::STOCK_READ;

/// All but making one: what a promise may count on is known to the context that knows deliveries, so that one makes them.
pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(STOCK_READ), routes!(list_reservations))
        .route(Access::Needs(STOCK_READ), routes!(get_reservation))
        .route(Access::Needs(STOCK_RESERVE), routes!(change_reservation))
        .route(Access::Needs(STOCK_RESERVE), routes!(release_reservation))
        .route(Access::Needs(STOCK_RESERVE), routes!(fulfil_reservation))
        .route(Access::Needs(STOCK_RESERVE), routes!(transfer_reservation))
        .route(Access::Needs(STOCK_RESERVE), routes!(harden_reservation))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ReservationParams {
    /// Id or code.
    item: Option<String>,
    #[param(inline)]
    state: Option<ReservationState>,
    /// Exactly as given.
    reference: Option<String>,
    /// Id or code: made for it, or binding goods there.
    facility: Option<String>,
    /// Only those of which something is open (true), or nothing (false).
    open: Option<bool>,
}

/// List reservations, newest first
#[utoipa::path(get, path = "/api/v1/inventory/reservations", tag = "inventory", params(ReservationParams, Paging), responses(
    (status = 200, body = PageDto<ReservationDto>),
    (status = 404, description = "The item or facility to narrow by does not exist", body = Problem),
))]
async fn list_reservations(
    State(app): State<App>,
    actor: Actor,
    Query(params): Query<ReservationParams>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<ReservationDto>>> {
    let ReservationParams { item, state, reference, facility, open } = params;
    let filter = ReservationFilter { item, state, reference, facility, open };
    let page = paging.into();
    let read = async |connection: &mut _| service::reservations(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// One reservation
#[utoipa::path(get, path = "/api/v1/inventory/reservations/{id}", tag = "inventory", params(("id" = Uuid, Path)), responses(
    (status = 200, body = ReservationDto),
    (status = 404, body = Problem),
))]
async fn get_reservation(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<ReservationDto>> {
    let read = async |connection: &mut _| service::reservation(connection, &actor, ReservationId(id)).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// Change when a reservation expires
#[utoipa::path(patch, path = "/api/v1/inventory/reservations/{id}", tag = "inventory", params(("id" = Uuid, Path)),
    request_body = ChangeReservation, responses(
        (status = 200, body = ReservationDto),
        (status = 404, body = Problem),
        (status = 409, description = "Nothing of it is open, or it has expired", body = Problem),
        (status = 422, body = Problem),
    ))]
async fn change_reservation(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    command: Command<ChangeReservation>,
) -> Result<axum::Json<ReservationDto>> {
    let change = async |tx: &mut Tx| {
        service::change(tx, &command.actor, ReservationId(id), &command.input).await.map(ReservationDto::from)
    };
    Ok(axum::Json(command.run(&app, change).await?))
}

/// Give a reservation back
///
/// All that is open or a part; the goods that would have been taken last become free first.
#[utoipa::path(post, path = "/api/v1/inventory/reservations/{id}/release", tag = "inventory", params(("id" = Uuid, Path)),
    request_body = ReleaseReservation, responses(
        (status = 200, body = ReservationDto),
        (status = 404, body = Problem),
        (status = 409, description = "Less is open than asked, or it has expired", body = Problem),
        (status = 422, body = Problem),
    ))]
async fn release_reservation(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    command: Command<ReleaseReservation>,
) -> Result<axum::Json<ReservationDto>> {
    let release = async |tx: &mut Tx| {
        service::release(tx, &command.actor, ReservationId(id), &command.input).await.map(ReservationDto::from)
    };
    Ok(axum::Json(command.run(&app, release).await?))
}

/// Issue reserved goods to the customer
///
/// By movements of kind ISSUE, from the places that the reservation binds.
#[utoipa::path(post, path = "/api/v1/inventory/reservations/{id}/fulfil", tag = "inventory", params(("id" = Uuid, Path)),
    request_body = FulfilReservation, responses(
        (status = 200, body = FulfilledDto),
        (status = 404, body = Problem),
        (status = 409, description = "Less is open than asked, it is SOFT, or it has expired", body = Problem),
        (status = 422, body = Problem),
    ))]
async fn fulfil_reservation(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    command: Command<FulfilReservation>,
) -> Result<axum::Json<FulfilledDto>> {
    let fulfil = async |tx: &mut Tx| {
        let done = service::fulfil(tx, &command.actor, ReservationId(id), &command.input).await?;
        Ok(FulfilledDto { reservation: done.0.into(), movement_ids: done.1 })
    };
    Ok(axum::Json(command.run(&app, fulfil).await?))
}

/// Move reserved goods to another place
///
/// By movements of kind TRANSFER; the reservation binds them there.
#[utoipa::path(post, path = "/api/v1/inventory/reservations/{id}/transfer", tag = "inventory", params(("id" = Uuid, Path)),
    request_body = TransferReservation, responses(
        (status = 200, body = TransferredDto),
        (status = 404, body = Problem),
        (status = 409, description = "It binds nothing that could go there, or it has expired", body = Problem),
        (status = 422, body = Problem),
    ))]
async fn transfer_reservation(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    command: Command<TransferReservation>,
) -> Result<axum::Json<TransferredDto>> {
    let transfer = async |tx: &mut Tx| {
        let done = service::transfer(tx, &command.actor, ReservationId(id), &command.input).await?;
        Ok(TransferredDto { reservation: done.0.into(), movement_ids: done.1 })
    };
    Ok(axum::Json(command.run(&app, transfer).await?))
}

/// Bind goods for a SOFT reservation
#[utoipa::path(post, path = "/api/v1/inventory/reservations/{id}/harden", tag = "inventory", params(("id" = Uuid, Path)),
    request_body = HardenReservation, responses(
        (status = 200, body = ReservationDto),
        (status = 404, body = Problem),
        (status = 409, description = "Not enough stock, it is HARD already, or it has expired", body = Problem),
        (status = 422, body = Problem),
    ))]
async fn harden_reservation(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    command: Command<HardenReservation>,
) -> Result<axum::Json<ReservationDto>> {
    let harden = async |tx: &mut Tx| {
        service::harden(tx, &command.actor, ReservationId(id), &command.input).await.map(ReservationDto::from)
    };
    Ok(axum::Json(command.run(&app, harden).await?))
}
