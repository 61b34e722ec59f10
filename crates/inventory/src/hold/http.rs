use axum::extract::State;
use axum::http::StatusCode;
use kernel::HoldId;
use platform::auth::Actor;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;
use uuid::Uuid;

use super::dto::HoldDto;
use super::model::{Decision, HoldFilter, HoldState, NewHold};
use super::service::{self, HOLDS_DECIDE};
use crate::service::{STOCK_MOVE, STOCK_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(STOCK_READ), routes!(list_holds))
        .route(Access::Needs(STOCK_MOVE), routes!(place_hold))
        .route(Access::Needs(STOCK_READ), routes!(get_hold))
        .route(Access::Needs(HOLDS_DECIDE), routes!(release_hold))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HoldParams {
    /// Id or code.
    item: Option<String>,
    #[param(inline)]
    state: Option<HoldState>,
}

/// List holds, newest first
#[utoipa::path(get, path = "/api/v1/inventory/holds", tag = "inventory", params(HoldParams, Paging), responses(
    (status = 200, description = "Without lines and decisions", body = PageDto<HoldDto>),
    (status = 404, description = "The item to narrow by does not exist", body = Problem),
))]
async fn list_holds(
    State(app): State<App>,
    actor: Actor,
    Query(params): Query<HoldParams>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<HoldDto>>> {
    let filter = HoldFilter { item: params.item, state: params.state };
    let page = paging.into();
    let read = async |connection: &mut _| service::list(connection, &actor, &filter, &page).await;
    let (found, names) = app.db.read(actor.tenant(), read).await?;
    Ok(axum::Json(found.map(|hold| HoldDto::listed(hold, &names)).into()))
}

/// Block stock for a reason
///
/// Moves what matches into the status HOLD by movements of kind STATUS_CHANGE and remembers what it was. Reserved stock is left
/// alone; `skipped_reserved` says how much.
#[utoipa::path(post, path = "/api/v1/inventory/holds", tag = "inventory", request_body = NewHold, responses(
    (status = 201, body = HoldDto),
    (status = 404, description = "The location or facility does not exist", body = Problem),
    (status = 409, description = "There is nothing to hold, or less than asked", body = Problem),
    (status = 422, body = Problem),
))]
async fn place_hold(State(app): State<App>, command: Command<NewHold>) -> Result<(StatusCode, axum::Json<HoldDto>)> {
    let placed =
        async |tx: &mut platform::database::Tx| service::place(tx, &command.actor, &command.input).await.map(HoldDto::from);
    Ok((StatusCode::CREATED, axum::Json(command.run(&app, placed).await?)))
}

/// One hold with what it took where and what was decided
#[utoipa::path(get, path = "/api/v1/inventory/holds/{id}", tag = "inventory", params(("id" = Uuid, Path)), responses(
    (status = 200, body = HoldDto),
    (status = 404, body = Problem),
))]
async fn get_hold(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<HoldDto>> {
    let read = async |connection: &mut _| service::one(connection, &actor, HoldId(id)).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// Decide about held stock: give it back, reject or scrap it
///
/// All that is left of the hold, or a part. RELEASE gives goods the status that they had before.
#[utoipa::path(post, path = "/api/v1/inventory/holds/{id}/release", tag = "inventory", params(("id" = Uuid, Path)),
    request_body = Decision, responses(
        (status = 200, body = HoldDto),
        (status = 403, description = "The change of status needs another role", body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "Less is left of the hold than asked", body = Problem),
        (status = 422, body = Problem),
    ))]
async fn release_hold(State(app): State<App>, Path(id): Path<Uuid>, command: Command<Decision>) -> Result<axum::Json<HoldDto>> {
    let decided = async |tx: &mut platform::database::Tx| {
        service::decide(tx, &command.actor, HoldId(id), &command.input).await.map(HoldDto::from)
    };
    Ok(axum::Json(command.run(&app, decided).await?))
}
