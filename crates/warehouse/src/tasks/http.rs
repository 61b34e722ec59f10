use axum::extract::State;
use axum::http::StatusCode;
use kernel::MoveTaskId;
use platform::auth::Actor;
use platform::database::Tx;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::dto::MoveTaskDto;
use super::input::{ApproveTasks, CancelTask, ConfirmTask, ProposeTasks, TaskFilter};
use super::service;
use crate::{TASKS_APPROVE, TASKS_WRITE, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_move_tasks))
        .route(Access::Needs(TASKS_WRITE), routes!(propose_move_tasks))
        .route(Access::Needs(TASKS_APPROVE), routes!(approve_move_tasks))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_move_task))
        .route(Access::Needs(TASKS_WRITE), routes!(claim_move_task))
        .route(Access::Needs(TASKS_WRITE), routes!(unclaim_move_task))
        .route(Access::Needs(TASKS_WRITE), routes!(confirm_move_task))
        .route(Access::Needs(TASKS_WRITE), routes!(cancel_move_task))
}

/// Move tasks, newest first.
#[utoipa::path(get, path = "/api/v1/move-tasks", tag = "move tasks", params(TaskFilter, Paging),
    responses((status = 200, body = PageDto<MoveTaskDto>), (status = 404, body = Problem)))]
async fn list_move_tasks(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<TaskFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<MoveTaskDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::list(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// The tasks that a call is about.
#[derive(Clone, Debug, serde::Serialize, Deserialize, ToSchema)]
struct MoveTasks {
    tasks: Vec<MoveTaskDto>,
}

/// Proposes moves inside one facility, all or nothing.
#[utoipa::path(post, path = "/api/v1/move-tasks", tag = "move tasks", request_body = ProposeTasks,
    responses((status = 201, body = MoveTasks), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn propose_move_tasks(
    State(app): State<App>,
    command: Command<ProposeTasks>,
) -> Result<(StatusCode, axum::Json<MoveTasks>)> {
    let tasks = command.run(&app, async |tx| service::create(tx, &command.actor, &command.input).await).await?;
    Ok((StatusCode::CREATED, axum::Json(MoveTasks { tasks })))
}

/// Lets proposed tasks be claimed, all that are named or none.
#[utoipa::path(post, path = "/api/v1/move-tasks/approve", tag = "move tasks", request_body = ApproveTasks,
    responses((status = 200, body = MoveTasks), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn approve_move_tasks(State(app): State<App>, command: Command<ApproveTasks>) -> Result<axum::Json<MoveTasks>> {
    let tasks = command.run(&app, async |tx| service::approve(tx, &command.actor, &command.input).await).await?;
    Ok(axum::Json(MoveTasks { tasks }))
}

/// One move task.
#[utoipa::path(get, path = "/api/v1/move-tasks/{task}", tag = "move tasks", params(("task" = Uuid, Path, description = "its id")),
    responses((status = 200, body = MoveTaskDto), (status = 404, body = Problem)))]
async fn get_move_task(State(app): State<App>, actor: Actor, Path(task): Path<Uuid>) -> Result<axum::Json<MoveTaskDto>> {
    let read = async |connection: &mut _| service::get(connection, &actor, MoveTaskId(task)).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Nothing is needed in the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Takes an approved task for oneself.
#[utoipa::path(post, path = "/api/v1/move-tasks/{task}/claim", tag = "move tasks", params(("task" = Uuid, Path, description = "its id")),
    responses((status = 200, body = MoveTaskDto), (status = 404, body = Problem),
              (status = 409, description = "It is not approved, or somebody else claimed it", body = Problem)))]
async fn claim_move_task(
    State(app): State<App>,
    Path(task): Path<Uuid>,
    command: Command<Nothing>,
) -> Result<axum::Json<MoveTaskDto>> {
    let run = async |tx: &mut Tx| service::claim(tx, &command.actor, MoveTaskId(task)).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Gives a claimed task back: one's own, or anybody's with the right to approve.
#[utoipa::path(post, path = "/api/v1/move-tasks/{task}/unclaim", tag = "move tasks", params(("task" = Uuid, Path, description = "its id")),
    responses((status = 200, body = MoveTaskDto), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn unclaim_move_task(
    State(app): State<App>,
    Path(task): Path<Uuid>,
    command: Command<Nothing>,
) -> Result<axum::Json<MoveTaskDto>> {
    let run = async |tx: &mut Tx| service::unclaim(tx, &command.actor, MoveTaskId(task)).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Says that the goods were brought, which moves them in the ledger in the same moment. Only who claimed the task may.
#[utoipa::path(post, path = "/api/v1/move-tasks/{task}/confirm", tag = "move tasks", params(("task" = Uuid, Path, description = "its id")), request_body = ConfirmTask,
    responses((status = 200, body = MoveTaskDto), (status = 404, body = Problem),
              (status = 409, description = "The goods are not there any more, or do not fit any more, or the task is not claimed by the caller", body = Problem),
              (status = 422, body = Problem)))]
async fn confirm_move_task(
    State(app): State<App>,
    Path(task): Path<Uuid>,
    command: Command<ConfirmTask>,
) -> Result<axum::Json<MoveTaskDto>> {
    let run = async |tx: &mut Tx| service::confirm(tx, &command.actor, MoveTaskId(task), &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Ends a task that is not done; nothing moves. One that somebody else claimed needs the right to approve.
#[utoipa::path(post, path = "/api/v1/move-tasks/{task}/cancel", tag = "move tasks", params(("task" = Uuid, Path, description = "its id")), request_body = CancelTask,
    responses((status = 200, body = MoveTaskDto), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn cancel_move_task(
    State(app): State<App>,
    Path(task): Path<Uuid>,
    command: Command<CancelTask>,
) -> Result<axum::Json<MoveTaskDto>> {
    let run = async |tx: &mut Tx| service::cancel(tx, &command.actor, MoveTaskId(task), &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}
