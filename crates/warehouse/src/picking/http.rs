use axum::extract::State;
use platform::auth::Actor;
use platform::database::Tx;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::dto::PickListDto;
use super::input::{ConfirmPicks, PickListFilter, ShortPick};
use super::service;
use crate::{PICK, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_pick_lists))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_pick_list))
        .route(Access::Needs(PICK), routes!(confirm_picks))
        .route(Access::Needs(PICK), routes!(short_pick))
        .route(Access::Needs(PICK), routes!(cancel_pick_list))
}

/// Pick lists, newest first.
#[utoipa::path(get, path = "/api/v1/pick-lists", tag = "picking", params(PickListFilter, Paging),
    responses((status = 200, body = PageDto<PickListDto>), (status = 404, body = Problem)))]
async fn list_pick_lists(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<PickListFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<PickListDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::list(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// One pick list with its lines in the order of the pickers' way.
#[utoipa::path(get, path = "/api/v1/pick-lists/{pick_list}", tag = "picking", params(("pick_list", description = "id or code")),
    responses((status = 200, body = PickListDto), (status = 404, body = Problem)))]
async fn get_pick_list(State(app): State<App>, actor: Actor, Path(pick_list): Path<String>) -> Result<axum::Json<PickListDto>> {
    let read = async |connection: &mut _| service::get(connection, &actor, &pick_list).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Takes goods as the list says, all that is asked or nothing; the movement stands in the ledger in the same moment.
#[utoipa::path(post, path = "/api/v1/pick-lists/{pick_list}/confirm", tag = "picking", params(("pick_list", description = "id or code")),
    request_body = ConfirmPicks,
    responses((status = 200, body = PickListDto), (status = 404, body = Problem),
              (status = 409, description = "Somebody else confirmed the line, or the goods are not there any more", body = Problem),
              (status = 422, body = Problem)))]
async fn confirm_picks(
    State(app): State<App>,
    Path(pick_list): Path<String>,
    command: Command<ConfirmPicks>,
) -> Result<axum::Json<PickListDto>> {
    let run = async |tx: &mut Tx| service::confirm(tx, &command.actor, &pick_list, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Takes what is there and says why that is less; the rest is bound elsewhere where that is possible, on new lines of the list.
#[utoipa::path(post, path = "/api/v1/pick-lists/{pick_list}/short", tag = "picking", params(("pick_list", description = "id or code")),
    request_body = ShortPick,
    responses((status = 200, body = PickListDto), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn short_pick(
    State(app): State<App>,
    Path(pick_list): Path<String>,
    command: Command<ShortPick>,
) -> Result<axum::Json<PickListDto>> {
    let run = async |tx: &mut Tx| service::short(tx, &command.actor, &pick_list, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Nothing is needed in the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Gives back what is not picked yet; the order is open again, or picked when something was.
#[utoipa::path(post, path = "/api/v1/pick-lists/{pick_list}/cancel", tag = "picking", params(("pick_list", description = "id or code")),
    responses((status = 200, body = PickListDto), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn cancel_pick_list(
    State(app): State<App>,
    Path(pick_list): Path<String>,
    command: Command<Nothing>,
) -> Result<axum::Json<PickListDto>> {
    let run = async |tx: &mut Tx| service::cancel(tx, &command.actor, &pick_list).await;
    Ok(axum::Json(command.run(&app, run).await?))
}
