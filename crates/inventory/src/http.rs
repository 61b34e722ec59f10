use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use kernel::{LotId, MovementId};
use platform::auth::Actor;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use crate::dto::{BalanceDto, LotDto, LotStockDto, MovementDto};
use crate::model::{MovementKind, QualityStatus};
use crate::service::{self, BalanceFilter, LotFilter, MovementBatch, MovementFilter, Recorded, STOCK_MOVE, STOCK_READ};

pub fn api() -> Api {
    Api::new()
        .route(Access::Needs(STOCK_MOVE), routes!(post_movements))
        .route(Access::Needs(STOCK_READ), routes!(list_movements))
        .route(Access::Needs(STOCK_READ), routes!(get_movement))
        .route(Access::Needs(STOCK_READ), routes!(list_balances))
        .route(Access::Needs(STOCK_READ), routes!(get_balance))
        .route(Access::Needs(STOCK_READ), routes!(list_lots))
        .route(Access::Needs(STOCK_MOVE), routes!(change_quality))
}

/// Record movements
///
/// 1 to 10,000 in one transaction, decided in the order given. `atomic` (the default): one refusal refuses all, and `errors`
/// names every refused movement. `"atomic": false`: each stands for itself, see `results`.
#[utoipa::path(post, path = "/api/v1/inventory/movements", tag = "inventory", request_body = MovementBatch,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key gives one effect and the same answer.")),
    responses(
        (status = 201, description = "Atomic: all are recorded", body = Recorded),
        (status = 200, description = "Not atomic: see each result", body = Recorded),
        (status = 409, description = "Atomic: not enough stock; nothing was recorded", body = Problem),
        (status = 422, description = "Atomic: some movements are not acceptable; nothing was recorded", body = Problem),
    ))]
async fn post_movements(State(app): State<App>, command: Command<MovementBatch>) -> Result<(StatusCode, axum::Json<Recorded>)> {
    let recorded = service::submit(&app, &command.actor, command.key.as_ref(), &command.input).await?;
    let status = if command.input.atomic { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(recorded)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MovementParams {
    /// Id or code.
    item: Option<String>,
    /// Either side: id, `FACILITY/CODE`, an unambiguous code, or SUPPLIER, CUSTOMER, ADJUSTMENT, SCRAP, PRODUCTION.
    location: Option<String>,
    /// Id or number.
    lot: Option<String>,
    #[param(inline)]
    kind: Option<MovementKind>,
    /// Exactly as recorded.
    reference: Option<String>,
    /// Effective at or after.
    from: Option<DateTime<Utc>>,
    /// Effective before.
    to: Option<DateTime<Utc>>,
}

/// List movements, newest first
#[utoipa::path(get, path = "/api/v1/inventory/movements", tag = "inventory", params(MovementParams, Paging), responses(
    (status = 200, body = PageDto<MovementDto>),
    (status = 404, description = "The item or location to narrow by does not exist", body = Problem),
))]
async fn list_movements(
    State(app): State<App>,
    actor: Actor,
    Query(params): Query<MovementParams>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<MovementDto>>> {
    let MovementParams { item, location, lot, kind, reference, from, to } = params;
    let filter = MovementFilter { item, location, lot, kind, reference, from, to };
    let page = paging.into();
    let read = async |connection: &mut _| service::movements(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// One movement
#[utoipa::path(get, path = "/api/v1/inventory/movements/{id}", tag = "inventory", params(("id" = Uuid, Path)), responses(
    (status = 200, body = MovementDto),
    (status = 404, body = Problem),
))]
async fn get_movement(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<MovementDto>> {
    let read = async |connection: &mut _| service::movement(connection, &actor, MovementId(id)).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct BalanceParams {
    /// Id or code.
    item: Option<String>,
    /// Id, `FACILITY/CODE` or an unambiguous code.
    location: Option<String>,
    /// Id or code.
    facility: Option<String>,
    /// Id or number.
    lot: Option<String>,
    #[param(inline)]
    quality_status: Option<QualityStatus>,
    /// Also balances that hold nothing any more; they are left out unless asked for.
    #[serde(default)]
    include_empty: bool,
}

/// List balances: what is where
#[utoipa::path(get, path = "/api/v1/inventory/balances", tag = "inventory", params(BalanceParams, Paging), responses(
    (status = 200, body = PageDto<BalanceDto>),
    (status = 404, description = "The item, location or facility to narrow by does not exist", body = Problem),
))]
async fn list_balances(
    State(app): State<App>,
    actor: Actor,
    Query(params): Query<BalanceParams>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<BalanceDto>>> {
    let BalanceParams { item, location, facility, lot, quality_status, include_empty } = params;
    let filter = BalanceFilter { item, location, facility, lot, quality: quality_status, include_empty };
    let page = paging.into();
    let read = async |connection: &mut _| service::balances(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// One balance
#[utoipa::path(get, path = "/api/v1/inventory/balances/{id}", tag = "inventory", params(("id" = Uuid, Path)), responses(
    (status = 200, body = BalanceDto),
    (status = 404, body = Problem),
))]
async fn get_balance(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<BalanceDto>> {
    Ok(axum::Json(service::balance(&app, &actor, id).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LotParams {
    /// Id or code.
    item: Option<String>,
    /// The number's beginning.
    number: Option<String>,
    #[param(inline)]
    quality_status: Option<QualityStatus>,
    /// Only lots that have expired or will within so many days.
    expires_within_days: Option<u32>,
    /// Only lots of which something is on hand.
    #[serde(default)]
    in_stock: bool,
}

/// List lots, the soonest to expire first
#[utoipa::path(get, path = "/api/v1/inventory/lots", tag = "inventory", params(LotParams, Paging), responses(
    (status = 200, body = PageDto<LotStockDto>),
    (status = 404, description = "The item to narrow by does not exist", body = Problem),
))]
async fn list_lots(
    State(app): State<App>,
    actor: Actor,
    Query(params): Query<LotParams>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<LotStockDto>>> {
    let LotParams { item, number, quality_status, expires_within_days, in_stock } = params;
    let filter = LotFilter { item, number, quality: quality_status, expires_within_days, in_stock };
    let page = paging.into();
    let read = async |connection: &mut _| service::lots(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// A new quality status for a lot.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LotQualityChange {
    quality_status: QualityStatus,
    /// 1 to 200 characters.
    reason: String,
}

/// Change a lot's quality status
///
/// Moves all its stock into the new status, wherever it lies, by movements of kind STATUS_CHANGE. What is no longer released cannot be
/// promised any more: reservations of it fall short.
#[utoipa::path(post, path = "/api/v1/inventory/lots/{id}/quality", tag = "inventory", params(("id" = Uuid, Path)),
    request_body = LotQualityChange, responses(
        (status = 200, body = LotDto),
        (status = 404, body = Problem),
        (status = 422, body = Problem),
    ))]
async fn change_quality(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    command: Command<LotQualityChange>,
) -> Result<axum::Json<LotDto>> {
    let LotQualityChange { quality_status, reason } = &command.input;
    let change = async |tx: &mut platform::database::Tx| {
        service::change_lot_quality(tx, &command.actor, LotId(id), *quality_status, reason).await.map(LotDto::from)
    };
    Ok(axum::Json(command.run(&app, change).await?))
}
