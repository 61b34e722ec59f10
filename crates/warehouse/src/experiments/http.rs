use axum::extract::State;
use axum::http::StatusCode;
use platform::auth::Actor;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::dto::{ExperimentDto, ProgressDto};
use super::input::{ExperimentFilter, NewExperiment, StopExperiment};
use super::service;
use crate::{EXPERIMENT, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_experiments))
        .route(Access::Needs(EXPERIMENT), routes!(create_experiment))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_experiment))
        .route(Access::Needs(EXPERIMENT), routes!(start_experiment))
        .route(Access::Needs(EXPERIMENT), routes!(look_at_experiment))
        .route(Access::Needs(EXPERIMENT), routes!(stop_experiment))
}

/// Nothing is needed in the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Experiments, newest first.
#[utoipa::path(get, path = "/api/wms/optimization/experiments", tag = "experiments", params(ExperimentFilter, Paging),
    responses((status = 200, body = PageDto<ExperimentDto>)))]
async fn list_experiments(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<ExperimentFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<ExperimentDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::list(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// Writes an experiment down; nothing is assigned before it is started.
#[utoipa::path(post, path = "/api/wms/optimization/experiments", tag = "experiments", request_body = NewExperiment,
    responses((status = 201, body = ProgressDto), (status = 404, body = Problem),
              (status = 409, description = "The code is taken", body = Problem), (status = 422, body = Problem)))]
async fn create_experiment(
    State(app): State<App>,
    command: Command<NewExperiment>,
) -> Result<(StatusCode, axum::Json<ProgressDto>)> {
    let run = async |tx: &mut _| service::create(tx, &command.actor, &command.input).await;
    Ok((StatusCode::CREATED, axum::Json(command.run(&app, run).await?)))
}

/// How far an experiment is, and what its looks found.
#[utoipa::path(get, path = "/api/wms/optimization/experiments/{experiment}", tag = "experiments",
    params(("experiment", description = "id or code")),
    responses((status = 200, body = ProgressDto), (status = 404, body = Problem)))]
async fn get_experiment(State(app): State<App>, actor: Actor, Path(experiment): Path<String>) -> Result<axum::Json<ProgressDto>> {
    let read = async |connection: &mut _| service::get(connection, &actor, &experiment).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// From now on units are assigned to a side.
#[utoipa::path(post, path = "/api/wms/optimization/experiments/{experiment}/start", tag = "experiments",
    params(("experiment", description = "id or code")),
    responses((status = 200, body = ProgressDto), (status = 404, body = Problem),
              (status = 409, description = "Not a draft, or another one runs there", body = Problem)))]
async fn start_experiment(
    State(app): State<App>,
    Path(experiment): Path<String>,
    command: Command<Nothing>,
) -> Result<axum::Json<ProgressDto>> {
    let switches = app.config.switches();
    let run = async |tx: &mut _| service::start(tx, &command.actor, &switches, &experiment).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Takes the look that is due, without waiting for the clock.
#[utoipa::path(post, path = "/api/wms/optimization/experiments/{experiment}/look", tag = "experiments",
    params(("experiment", description = "id or code")),
    responses((status = 200, body = ProgressDto), (status = 404, body = Problem),
              (status = 409, description = "Not due yet, or not running", body = Problem)))]
async fn look_at_experiment(
    State(app): State<App>,
    Path(experiment): Path<String>,
    command: Command<Nothing>,
) -> Result<axum::Json<ProgressDto>> {
    let run = async |tx: &mut _| service::look(tx, &command.actor, &experiment).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Ends an experiment without a winner.
#[utoipa::path(post, path = "/api/wms/optimization/experiments/{experiment}/stop", tag = "experiments",
    params(("experiment", description = "id or code")), request_body = StopExperiment,
    responses((status = 200, body = ProgressDto), (status = 404, body = Problem),
              (status = 409, description = "Not running", body = Problem), (status = 422, body = Problem)))]
async fn stop_experiment(
    State(app): State<App>,
    Path(experiment): Path<String>,
    command: Command<StopExperiment>,
) -> Result<axum::Json<ProgressDto>> {
    let run = async |tx: &mut _| service::stop(tx, &command.actor, &experiment, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}
