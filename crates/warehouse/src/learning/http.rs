use axum::extract::State;
use axum::http::StatusCode;
use kernel::RecommendationId;
use platform::auth::Actor;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::dto::{AccuracyDto, ConfidenceDto, ModelDto, TrainingDto};
use super::service;
use crate::{MODELS_WRITE, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(model_accuracy))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_models))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_model))
        .route(Access::Needs(MODELS_WRITE), routes!(roll_back_model))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_trainings))
        .route(Access::Needs(MODELS_WRITE), routes!(train_model))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_training))
        .route(Access::Needs(WAREHOUSE_READ), routes!(explain_confidence))
}

/// Nothing is needed in the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NothingToSay)]
struct Nothing {}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OfPeriod {
    /// Id or code of the facility whose acceptance is counted; the whole organisation when absent.
    facility: Option<String>,
    /// Days back that acceptance is counted over, 1 to 3650; 30 when absent.
    days: Option<u32>,
}

/// How well the acceptance model in use foretells, on decisions that it was not trained on, and how often people accept.
#[utoipa::path(get, path = "/api/wms/optimization/ml/accuracy", tag = "learning", params(OfPeriod),
    responses((status = 200, body = AccuracyDto), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn model_accuracy(State(app): State<App>, actor: Actor, Query(of): Query<OfPeriod>) -> Result<axum::Json<AccuracyDto>> {
    let (switches, period) = (app.config.switches(), service::Period { facility: of.facility, days: of.days });
    let read = async |connection: &mut _| service::accuracy(connection, &actor, &switches, &period).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Versions of the acceptance model, newest first.
#[utoipa::path(get, path = "/api/wms/optimization/ml/models", tag = "learning", params(Paging),
    responses((status = 200, body = PageDto<ModelDto>)))]
async fn list_models(
    State(app): State<App>,
    actor: Actor,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<ModelDto>>> {
    let page = paging.into();
    let found = app.db.read(actor.tenant(), async |connection| service::models(connection, &actor, &page).await).await?;
    Ok(axum::Json(found.into()))
}

/// One version with its report.
#[utoipa::path(get, path = "/api/wms/optimization/ml/models/{version}", tag = "learning", params(("version" = i32, Path)),
    responses((status = 200, body = ModelDto), (status = 404, body = Problem)))]
async fn get_model(State(app): State<App>, actor: Actor, Path(version): Path<i32>) -> Result<axum::Json<ModelDto>> {
    let found = app.db.read(actor.tenant(), async |connection| service::model(connection, &actor, version).await).await?;
    Ok(axum::Json(found))
}

/// Makes an older version the one in use.
#[utoipa::path(post, path = "/api/wms/optimization/ml/models/{version}/roll-back", tag = "learning", params(("version" = i32, Path)),
    responses((status = 200, body = ModelDto), (status = 404, body = Problem),
              (status = 409, description = "It is in use already, was refused, or cannot be read", body = Problem)))]
async fn roll_back_model(
    State(app): State<App>,
    Path(version): Path<i32>,
    command: Command<Nothing>,
) -> Result<axum::Json<ModelDto>> {
    let Nothing {} = command.input;
    Ok(axum::Json(command.run(&app, async |tx| service::roll_back(tx, &command.actor, version).await).await?))
}

/// Trainings with what they came to, newest first.
#[utoipa::path(get, path = "/api/wms/optimization/ml/trainings", tag = "learning", params(Paging),
    responses((status = 200, body = PageDto<TrainingDto>)))]
async fn list_trainings(
    State(app): State<App>,
    actor: Actor,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<TrainingDto>>> {
    let page = paging.into();
    let found = app.db.read(actor.tenant(), async |connection| service::trainings(connection, &actor, &page).await).await?;
    Ok(axum::Json(found.into()))
}

/// Asks for a training of the acceptance model. It runs apart; of two at once one runs, and both callers get it.
#[utoipa::path(post, path = "/api/wms/optimization/ml/trainings", tag = "learning",
    responses((status = 202, body = TrainingDto), (status = 409, description = "ML_MODEL_ENABLED is false", body = Problem)))]
async fn train_model(State(app): State<App>, command: Command<Nothing>) -> Result<(StatusCode, axum::Json<TrainingDto>)> {
    let Nothing {} = command.input;
    let switches = app.config.switches();
    let asked = command.run(&app, async |tx| service::train(tx, &command.actor, &switches).await).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(asked)))
}

/// One training: how far it is, or what it came to.
#[utoipa::path(get, path = "/api/wms/optimization/ml/trainings/{training}", tag = "learning", params(("training" = Uuid, Path)),
    responses((status = 200, body = TrainingDto), (status = 404, body = Problem)))]
async fn get_training(State(app): State<App>, actor: Actor, Path(training): Path<Uuid>) -> Result<axum::Json<TrainingDto>> {
    let found = app.db.read(actor.tenant(), async |connection| service::training(connection, &actor, training).await).await?;
    Ok(axum::Json(found))
}

/// What was known of a recommendation when it was made, and what that did to its probability of acceptance.
#[utoipa::path(get, path = "/api/wms/optimization/putaway/recommendations/{id}/confidence", tag = "learning",
    params(("id" = Uuid, Path)), responses((status = 200, body = ConfidenceDto), (status = 404, body = Problem)))]
async fn explain_confidence(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<ConfidenceDto>> {
    let id = RecommendationId(id);
    let found = app.db.read(actor.tenant(), async |connection| service::explain(connection, &actor, id).await).await?;
    Ok(axum::Json(found))
}
