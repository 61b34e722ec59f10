use axum::extract::State;
use axum::http::StatusCode;
use platform::auth::Actor;
use platform::database::Tx;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::dto::OrderDto;
use super::input::{CancelOrder, NewOrder, OrderFilter, OrderPatch, ReleaseOrder};
use super::service;
use crate::picking::{ReleasedDto, service as picking};
use crate::{ORDERS_WRITE, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_orders))
        .route(Access::Needs(ORDERS_WRITE), routes!(create_order))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_order))
        .route(Access::Needs(ORDERS_WRITE), routes!(edit_order))
        .route(Access::Needs(ORDERS_WRITE), routes!(open_order))
        .route(Access::Needs(ORDERS_WRITE), routes!(release_order))
        .route(Access::Needs(ORDERS_WRITE), routes!(ship_order))
        .route(Access::Needs(ORDERS_WRITE), routes!(cancel_order))
}

/// Orders, newest first.
#[utoipa::path(get, path = "/api/v1/orders", tag = "orders", params(OrderFilter, Paging),
    responses((status = 200, body = PageDto<OrderDto>), (status = 404, body = Problem)))]
async fn list_orders(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<OrderFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<OrderDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::list(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// Writes down what a customer wants.
#[utoipa::path(post, path = "/api/v1/orders", tag = "orders", request_body = NewOrder,
    responses((status = 201, body = OrderDto), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create_order(State(app): State<App>, command: Command<NewOrder>) -> Result<(StatusCode, axum::Json<OrderDto>)> {
    let made = command.run(&app, async |tx| service::create(tx, &command.actor, &command.input).await).await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// One order with its lines.
#[utoipa::path(get, path = "/api/v1/orders/{order}", tag = "orders", params(("order", description = "id or code")),
    responses((status = 200, body = OrderDto), (status = 404, body = Problem)))]
async fn get_order(State(app): State<App>, actor: Actor, Path(order): Path<String>) -> Result<axum::Json<OrderDto>> {
    let read = async |connection: &mut _| service::get(connection, &actor, &order).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Changes customer, due date or urgency of an order that has not ended.
#[utoipa::path(patch, path = "/api/v1/orders/{order}", tag = "orders", params(("order", description = "id or code")), request_body = OrderPatch,
    responses((status = 200, body = OrderDto), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn edit_order(
    State(app): State<App>,
    Path(order): Path<String>,
    command: Command<OrderPatch>,
) -> Result<axum::Json<OrderDto>> {
    let run = async |tx: &mut Tx| service::edit(tx, &command.actor, &order, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Nothing is needed in the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Lets a draft be released.
#[utoipa::path(post, path = "/api/v1/orders/{order}/open", tag = "orders", params(("order", description = "id or code")),
    responses((status = 200, body = OrderDto), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn open_order(
    State(app): State<App>,
    Path(order): Path<String>,
    command: Command<Nothing>,
) -> Result<axum::Json<OrderDto>> {
    let run = async |tx: &mut Tx| service::open(tx, &command.actor, &order).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Binds goods for what is not covered yet, the first to expire first, and makes a pick list of them. What is lacking is told on
/// the order's lines; later calls try it again.
#[utoipa::path(post, path = "/api/v1/orders/{order}/release", tag = "orders", params(("order", description = "id or code")),
    request_body = ReleaseOrder,
    responses((status = 200, body = ReleasedDto), (status = 404, body = Problem),
              (status = 409, description = "Nothing, or with `whole` not everything, can be bound; or the order has ended", body = Problem),
              (status = 422, body = Problem)))]
async fn release_order(
    State(app): State<App>,
    Path(order): Path<String>,
    command: Command<ReleaseOrder>,
) -> Result<axum::Json<ReleasedDto>> {
    let run = async |tx: &mut Tx| picking::release(tx, &command.actor, &order, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Closes a picked order: what waits in a staging place goes to the customer.
#[utoipa::path(post, path = "/api/v1/orders/{order}/ship", tag = "orders", params(("order", description = "id or code")),
    responses((status = 200, body = OrderDto), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn ship_order(
    State(app): State<App>,
    Path(order): Path<String>,
    command: Command<Nothing>,
) -> Result<axum::Json<OrderDto>> {
    let run = async |tx: &mut Tx| service::ship(tx, &command.actor, &order).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Ends an order of which nothing has gone to the customer; what is bound for it becomes free.
#[utoipa::path(post, path = "/api/v1/orders/{order}/cancel", tag = "orders", params(("order", description = "id or code")),
    request_body = CancelOrder,
    responses((status = 200, body = OrderDto), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn cancel_order(
    State(app): State<App>,
    Path(order): Path<String>,
    command: Command<CancelOrder>,
) -> Result<axum::Json<OrderDto>> {
    let run = async |tx: &mut Tx| service::cancel(tx, &command.actor, &order, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}
