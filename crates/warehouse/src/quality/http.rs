use axum::extract::State;
use axum::http::StatusCode;
use platform::auth::Actor;
use platform::database::Tx;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Deserialize;
use utoipa_axum::routes;

use super::dto::{
    CapacityFailureDto, CrossDockCancellationDto, DataQualityDto, RemediationDto, UnmeasuredItemDto, VerificationDto,
};
use super::input::{
    CancelCrossDock, CancellationFilter, DecideVerification, FailureFilter, Relocate, RemediationFilter, ResolveFailure,
    VerificationFilter, VerifyDimensions,
};
use super::service;
use crate::{PUTAWAY, QUALITY_DECIDE, QUALITY_WRITE, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(data_quality))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_unmeasured))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_verifications))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_verification))
        .route(Access::Needs(QUALITY_WRITE), routes!(verify_dimensions))
        .route(Access::Needs(QUALITY_DECIDE), routes!(decide_verification))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_capacity_failures))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_capacity_failure))
        .route(Access::Needs(QUALITY_WRITE), routes!(resolve_capacity_failure))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_cancellations))
        .route(Access::Needs(PUTAWAY), routes!(cancel_cross_dock))
        .route(Access::Needs(PUTAWAY), routes!(relocate_cancelled))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_remediations))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OfFacility {
    /// Id or code of the facility; the whole organisation when absent.
    facility: Option<String>,
}

/// How far the data can be trusted that capacities are checked with, counted now.
#[utoipa::path(get, path = "/api/wms/optimization/data-quality", tag = "data quality", params(OfFacility),
    responses((status = 200, body = DataQualityDto), (status = 404, body = Problem)))]
async fn data_quality(State(app): State<App>, actor: Actor, Query(of): Query<OfFacility>) -> Result<axum::Json<DataQualityDto>> {
    let switches = app.config.switches();
    let read = async |connection: &mut _| service::metrics(connection, &actor, &switches, of.facility.as_deref()).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Active items whose size or weight nobody has entered, by code.
#[utoipa::path(get, path = "/api/wms/optimization/data-quality/unmeasured", tag = "data quality", params(Paging),
    responses((status = 200, body = PageDto<UnmeasuredItemDto>)))]
async fn list_unmeasured(
    State(app): State<App>,
    actor: Actor,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<UnmeasuredItemDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::unmeasured(connection, &actor, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// Measurements of items against their master data, newest first.
#[utoipa::path(get, path = "/api/wms/optimization/dimension-verifications", tag = "data quality", params(VerificationFilter, Paging),
    responses((status = 200, body = PageDto<VerificationDto>), (status = 404, body = Problem)))]
async fn list_verifications(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<VerificationFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<VerificationDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::verifications(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// One measurement.
#[utoipa::path(get, path = "/api/wms/optimization/dimension-verifications/{verification}", tag = "data quality",
    params(("verification", description = "id")),
    responses((status = 200, body = VerificationDto), (status = 404, body = Problem)))]
async fn get_verification(
    State(app): State<App>,
    actor: Actor,
    Path(verification): Path<String>,
) -> Result<axum::Json<VerificationDto>> {
    let read = async |connection: &mut _| service::verification(connection, &actor, &verification).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Compares what was measured of an item with its master data; more than 10 % apart is flagged and changes nothing.
#[utoipa::path(post, path = "/api/wms/optimization/dimension-verifications", tag = "data quality", request_body = VerifyDimensions,
    responses((status = 201, body = VerificationDto), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn verify_dimensions(
    State(app): State<App>,
    command: Command<VerifyDimensions>,
) -> Result<(StatusCode, axum::Json<VerificationDto>)> {
    let guard = inventory::stock_guard();
    let run = async |tx: &mut Tx| service::verify(tx, &command.actor, guard.as_ref(), &command.input).await;
    Ok((StatusCode::CREATED, axum::Json(command.run(&app, run).await?)))
}

/// Takes what was measured into the item, or keeps its master data.
#[utoipa::path(post, path = "/api/wms/optimization/dimension-verifications/{verification}/decide", tag = "data quality",
    params(("verification", description = "id")), request_body = DecideVerification,
    responses((status = 200, body = VerificationDto), (status = 404, body = Problem),
              (status = 409, description = "Decided already, measured again since, or within tolerance", body = Problem),
              (status = 422, body = Problem)))]
async fn decide_verification(
    State(app): State<App>,
    Path(verification): Path<String>,
    command: Command<DecideVerification>,
) -> Result<axum::Json<VerificationDto>> {
    let guard = inventory::stock_guard();
    let run = async |tx: &mut Tx| service::decide(tx, &command.actor, guard.as_ref(), &verification, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Goods that found no place for want of capacity, newest first.
#[utoipa::path(get, path = "/api/wms/optimization/capacity-failures", tag = "data quality", params(FailureFilter, Paging),
    responses((status = 200, body = PageDto<CapacityFailureDto>), (status = 404, body = Problem)))]
async fn list_capacity_failures(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<FailureFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<CapacityFailureDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::failures(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// One failure.
#[utoipa::path(get, path = "/api/wms/optimization/capacity-failures/{failure}", tag = "data quality",
    params(("failure", description = "id")),
    responses((status = 200, body = CapacityFailureDto), (status = 404, body = Problem)))]
async fn get_capacity_failure(
    State(app): State<App>,
    actor: Actor,
    Path(failure): Path<String>,
) -> Result<axum::Json<CapacityFailureDto>> {
    let read = async |connection: &mut _| service::failure(connection, &actor, &failure).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Ends a failure with what was done about it, and tries the goods again.
#[utoipa::path(post, path = "/api/wms/optimization/capacity-failures/{failure}/resolve", tag = "data quality",
    params(("failure", description = "id")), request_body = ResolveFailure,
    responses((status = 200, body = CapacityFailureDto), (status = 404, body = Problem),
              (status = 409, description = "Resolved already", body = Problem), (status = 422, body = Problem)))]
async fn resolve_capacity_failure(
    State(app): State<App>,
    Path(failure): Path<String>,
    command: Command<ResolveFailure>,
) -> Result<axum::Json<CapacityFailureDto>> {
    let switches = app.config.switches();
    let run = async |tx: &mut Tx| service::resolve(tx, &command.actor, &switches, &failure, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Goods in STAGING whose order no longer takes them, newest first.
#[utoipa::path(get, path = "/api/wms/optimization/cross-dock/cancellations", tag = "data quality", params(CancellationFilter, Paging),
    responses((status = 200, body = PageDto<CrossDockCancellationDto>), (status = 404, body = Problem)))]
async fn list_cancellations(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<CancellationFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<CrossDockCancellationDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::cancellations(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// Says that an order no longer takes goods that wait in STAGING, and advises where to store them.
#[utoipa::path(post, path = "/api/wms/optimization/cross-dock/cancellations", tag = "data quality", request_body = CancelCrossDock,
    responses((status = 201, body = CrossDockCancellationDto), (status = 404, body = Problem),
              (status = 409, description = "Not so much lies there and is free", body = Problem), (status = 422, body = Problem)))]
async fn cancel_cross_dock(
    State(app): State<App>,
    command: Command<CancelCrossDock>,
) -> Result<(StatusCode, axum::Json<CrossDockCancellationDto>)> {
    let switches = app.config.switches();
    let run = async |tx: &mut Tx| service::cancel(tx, &command.actor, &switches, &command.input).await;
    Ok((StatusCode::CREATED, axum::Json(command.run(&app, run).await?)))
}

/// Moves goods of a cancelled cross-docking into storage.
#[utoipa::path(post, path = "/api/wms/optimization/cross-dock/cancellations/{cancellation}/relocate", tag = "data quality",
    params(("cancellation", description = "id")), request_body = Relocate,
    responses((status = 200, body = CrossDockCancellationDto), (status = 404, body = Problem),
              (status = 409, description = "Relocated already, or the location does not take the goods", body = Problem),
              (status = 422, body = Problem)))]
async fn relocate_cancelled(
    State(app): State<App>,
    Path(cancellation): Path<String>,
    command: Command<Relocate>,
) -> Result<axum::Json<CrossDockCancellationDto>> {
    let run = async |tx: &mut Tx| service::relocate(tx, &command.actor, &cancellation, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// What was done about findings, by people and by the program, newest first.
#[utoipa::path(get, path = "/api/wms/optimization/remediations", tag = "data quality", params(RemediationFilter, Paging),
    responses((status = 200, body = PageDto<RemediationDto>)))]
async fn list_remediations(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<RemediationFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<RemediationDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::remediations(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}
