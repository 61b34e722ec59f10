use axum::extract::State;
use axum::http::StatusCode;
use platform::auth::Actor;
use platform::database::Tx;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::dto::{InTransitDto, TransferDto};
use super::input::{CancelTransfer, CloseTransfer, NewTransfer, ReceiveTransfer, ShipTransfer, TransferFilter, TransitFilter};
use super::service;
use crate::{TRANSFER, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_transfers))
        .route(Access::Needs(TRANSFER), routes!(create_transfer))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_in_transit))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_transfer))
        .route(Access::Needs(TRANSFER), routes!(request_transfer))
        .route(Access::Needs(TRANSFER), routes!(ship_transfer))
        .route(Access::Needs(TRANSFER), routes!(receive_transfer))
        .route(Access::Needs(TRANSFER), routes!(close_transfer))
        .route(Access::Needs(TRANSFER), routes!(cancel_transfer))
}

/// Transfers between facilities, newest first.
#[utoipa::path(get, path = "/api/v1/transfers", tag = "transfers", params(TransferFilter, Paging),
    responses((status = 200, body = PageDto<TransferDto>), (status = 404, body = Problem)))]
async fn list_transfers(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<TransferFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<TransferDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::list(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// Orders goods of one facility for another.
#[utoipa::path(post, path = "/api/v1/transfers", tag = "transfers", request_body = NewTransfer,
    responses((status = 201, body = TransferDto), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create_transfer(State(app): State<App>, command: Command<NewTransfer>) -> Result<(StatusCode, axum::Json<TransferDto>)> {
    let made = command.run(&app, async |tx| service::create(tx, &command.actor, &command.input).await).await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// What is between facilities, the longest under way first.
#[utoipa::path(get, path = "/api/v1/transfers/in-transit", tag = "transfers", params(TransitFilter, Paging),
    responses((status = 200, body = PageDto<InTransitDto>), (status = 404, body = Problem)))]
async fn list_in_transit(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<TransitFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<InTransitDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::in_transit(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// One transfer with its lines.
#[utoipa::path(get, path = "/api/v1/transfers/{transfer}", tag = "transfers", params(("transfer", description = "id or code")),
    responses((status = 200, body = TransferDto), (status = 404, body = Problem)))]
async fn get_transfer(State(app): State<App>, actor: Actor, Path(transfer): Path<String>) -> Result<axum::Json<TransferDto>> {
    let read = async |connection: &mut _| service::get(connection, &actor, &transfer).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Nothing is needed in the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Lets the source ship a draft.
#[utoipa::path(post, path = "/api/v1/transfers/{transfer}/request", tag = "transfers", params(("transfer", description = "id or code")),
    responses((status = 200, body = TransferDto), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn request_transfer(
    State(app): State<App>,
    Path(transfer): Path<String>,
    command: Command<Nothing>,
) -> Result<axum::Json<TransferDto>> {
    let run = async |tx: &mut Tx| service::request(tx, &command.actor, &transfer).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Moves goods of the source into transit, all or nothing.
#[utoipa::path(post, path = "/api/v1/transfers/{transfer}/ship", tag = "transfers", params(("transfer", description = "id or code")),
    request_body = ShipTransfer,
    responses((status = 200, body = TransferDto), (status = 404, body = Problem),
              (status = 409, description = "Not enough is free, or the transfer has ended", body = Problem), (status = 422, body = Problem)))]
async fn ship_transfer(
    State(app): State<App>,
    Path(transfer): Path<String>,
    command: Command<ShipTransfer>,
) -> Result<axum::Json<TransferDto>> {
    let run = async |tx: &mut Tx| service::ship(tx, &command.actor, &transfer, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Brings goods out of transit into a RECEIVING location, all or nothing; never more than was shipped.
#[utoipa::path(post, path = "/api/v1/transfers/{transfer}/receive", tag = "transfers", params(("transfer", description = "id or code")),
    request_body = ReceiveTransfer,
    responses((status = 200, body = TransferDto), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn receive_transfer(
    State(app): State<App>,
    Path(transfer): Path<String>,
    command: Command<ReceiveTransfer>,
) -> Result<axum::Json<TransferDto>> {
    let run = async |tx: &mut Tx| service::receive(tx, &command.actor, &transfer, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Ends a transfer: what is still in transit is missing and leaves the books.
#[utoipa::path(post, path = "/api/v1/transfers/{transfer}/close", tag = "transfers", params(("transfer", description = "id or code")),
    request_body = CloseTransfer,
    responses((status = 200, body = TransferDto), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn close_transfer(
    State(app): State<App>,
    Path(transfer): Path<String>,
    command: Command<CloseTransfer>,
) -> Result<axum::Json<TransferDto>> {
    let run = async |tx: &mut Tx| service::close(tx, &command.actor, &transfer, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Ends a transfer of which nothing arrived; what was shipped goes back.
#[utoipa::path(post, path = "/api/v1/transfers/{transfer}/cancel", tag = "transfers", params(("transfer", description = "id or code")),
    request_body = CancelTransfer,
    responses((status = 200, body = TransferDto), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn cancel_transfer(
    State(app): State<App>,
    Path(transfer): Path<String>,
    command: Command<CancelTransfer>,
) -> Result<axum::Json<TransferDto>> {
    let run = async |tx: &mut Tx| service::cancel(tx, &command.actor, &transfer, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}
