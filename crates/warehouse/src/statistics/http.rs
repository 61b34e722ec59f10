use axum::extract::State;
use platform::auth::Actor;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use utoipa_axum::routes;

use super::dto::{OutlierDto, PredictionDto, StatisticsDto};
use super::input::{ChangeOutlier, OutlierFilter, StatisticsFilter};
use super::service;
use crate::{QUALITY_WRITE, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(statistics))
        .route(Access::Needs(WAREHOUSE_READ), routes!(statistical_predictions))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_outliers))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_outlier))
        .route(Access::Needs(QUALITY_WRITE), routes!(change_outlier))
}

/// What the newest run over the stored recommendations found.
#[utoipa::path(get, path = "/api/wms/optimization/statistics", tag = "statistics", params(StatisticsFilter),
    responses((status = 200, body = StatisticsDto), (status = 404, body = Problem)))]
async fn statistics(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<StatisticsFilter>,
) -> Result<axum::Json<StatisticsDto>> {
    let switches = app.config.switches();
    let read = async |connection: &mut _| service::report(connection, &actor, &switches, &filter).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Where the straight trends of the metrics lead in 7, 14 and 30 days.
#[utoipa::path(get, path = "/api/wms/optimization/statistics/predictions", tag = "statistics", params(StatisticsFilter),
    responses((status = 200, body = PageDto<PredictionDto>), (status = 404, body = Problem)))]
async fn statistical_predictions(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<StatisticsFilter>,
) -> Result<axum::Json<PageDto<PredictionDto>>> {
    let read = async |connection: &mut _| service::predictions(connection, &actor, &filter).await;
    let items = app.db.read(actor.tenant(), read).await?;
    Ok(axum::Json(PageDto { items, next_cursor: None }))
}

/// Values that stand apart, newest first.
#[utoipa::path(get, path = "/api/wms/optimization/statistics/outliers", tag = "statistics", params(OutlierFilter, Paging),
    responses((status = 200, body = PageDto<OutlierDto>), (status = 404, body = Problem)))]
async fn list_outliers(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<OutlierFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<OutlierDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::outliers(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// One of them.
#[utoipa::path(get, path = "/api/wms/optimization/statistics/outliers/{outlier}", tag = "statistics",
    params(("outlier", description = "id")),
    responses((status = 200, body = OutlierDto), (status = 404, body = Problem)))]
async fn get_outlier(State(app): State<App>, actor: Actor, Path(outlier): Path<String>) -> Result<axum::Json<OutlierDto>> {
    let read = async |connection: &mut _| service::outlier(connection, &actor, &outlier).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// The next step of its workflow.
#[utoipa::path(post, path = "/api/wms/optimization/statistics/outliers/{outlier}/status", tag = "statistics",
    params(("outlier", description = "id")), request_body = ChangeOutlier,
    responses((status = 200, body = OutlierDto), (status = 404, body = Problem),
              (status = 409, description = "It has ended already", body = Problem), (status = 422, body = Problem)))]
async fn change_outlier(
    State(app): State<App>,
    Path(outlier): Path<String>,
    command: Command<ChangeOutlier>,
) -> Result<axum::Json<OutlierDto>> {
    let run = async |tx: &mut _| service::change_outlier(tx, &command.actor, &outlier, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}
