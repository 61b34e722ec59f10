use axum::extract::State;
use axum::http::StatusCode;
use platform::auth::Actor;
use platform::database::Tx;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::dto::{
    AffinityDto, ClassesWrittenDto, PlanDto, PredictionsDto, RecommendationsDto, TriggerPage, VelocityPage, VelocityRunDto,
};
use super::input::{ApplyClasses, OfFacility, PlanFilter, PlanRequest, RejectPlan, SettingsInput, TriggerFilter, VelocityFilter};
use super::model::{Plan, SlottingSettings, Snapshot};
use super::service;
use crate::words::OptimizationKind;
use crate::{SLOTTING, SLOTTING_DECIDE, TASKS_APPROVE, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_slotting_settings))
        .route(Access::Needs(SLOTTING_DECIDE), routes!(set_slotting_settings))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_velocities))
        .route(Access::Needs(SLOTTING), routes!(analyse_velocities))
        .route(Access::Needs(SLOTTING_DECIDE), routes!(apply_classes))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_triggers))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_affinities))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_recommendations))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_predictions))
        .route(Access::Needs(SLOTTING), routes!(take_snapshot))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_slotting_plans))
        .route(Access::Needs(SLOTTING), routes!(request_slotting_plan))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_slotting_plan))
        .route(Access::Needs(TASKS_APPROVE), routes!(approve_slotting_plan))
        .route(Access::Needs(TASKS_APPROVE), routes!(reject_slotting_plan))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct InFacility {
    /// Id or code of the facility.
    facility: String,
}

/// How the items of a facility are classed.
#[utoipa::path(get, path = "/api/wms/optimization/slotting/settings", tag = "slotting", params(InFacility),
    responses((status = 200, body = SlottingSettings), (status = 404, body = Problem)))]
async fn get_slotting_settings(
    State(app): State<App>,
    actor: Actor,
    Query(of): Query<InFacility>,
) -> Result<axum::Json<SlottingSettings>> {
    let read = async |connection: &mut _| service::settings(connection, &actor, &of.facility).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Says how the items of a facility are to be classed, from the next run on.
#[utoipa::path(put, path = "/api/wms/optimization/slotting/settings", tag = "slotting", request_body = SettingsInput,
    responses((status = 200, body = SlottingSettings), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
async fn set_slotting_settings(State(app): State<App>, command: Command<SettingsInput>) -> Result<axum::Json<SlottingSettings>> {
    let run = async |tx: &mut Tx| service::set_settings(tx, &command.actor, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// How often items are picked, and the class that gives them, as of the newest run; the most picked first.
#[utoipa::path(get, path = "/api/wms/optimization/velocity", tag = "slotting", params(VelocityFilter, Paging),
    responses((status = 200, body = VelocityPage), (status = 404, body = Problem)))]
async fn list_velocities(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<VelocityFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<VelocityPage>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::velocities(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Computes velocities, classes and affinities of a facility now, as the daily jobs do.
#[utoipa::path(post, path = "/api/wms/optimization/velocity/analyse", tag = "slotting", request_body = OfFacility,
    responses((status = 200, body = VelocityRunDto), (status = 404, body = Problem)))]
async fn analyse_velocities(State(app): State<App>, command: Command<OfFacility>) -> Result<axum::Json<VelocityRunDto>> {
    let affinity = app.config.switches().sku_affinity;
    let run = async |tx: &mut Tx| service::analyse(tx, &command.actor, affinity, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Writes the classes and velocities of the newest run to the items themselves.
#[utoipa::path(post, path = "/api/wms/optimization/velocity/apply-classes", tag = "slotting", request_body = ApplyClasses,
    responses((status = 200, body = ClassesWrittenDto), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn apply_classes(State(app): State<App>, command: Command<ApplyClasses>) -> Result<axum::Json<ClassesWrittenDto>> {
    let run = async |tx: &mut Tx| service::apply_classes(tx, &command.actor, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Items that should lie elsewhere, and why; the most picked first.
#[utoipa::path(get, path = "/api/wms/optimization/reslotting-triggers", tag = "slotting", params(TriggerFilter, Paging),
    responses((status = 200, body = TriggerPage), (status = 404, body = Problem)))]
async fn list_triggers(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<TriggerFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<TriggerPage>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::triggers(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AffinityFilter {
    /// Id or code of the facility.
    facility: String,
    /// Id or code of one item.
    material: Option<String>,
    /// 1 to 500, default 50.
    limit: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SkuAffinities {
    items: Vec<AffinityDto>,
}

/// What is picked together, the strongest pairs first.
#[utoipa::path(get, path = "/api/wms/optimization/affinities", tag = "slotting", params(AffinityFilter),
    responses((status = 200, body = SkuAffinities), (status = 404, body = Problem)))]
async fn list_affinities(
    State(app): State<App>,
    actor: Actor,
    Query(of): Query<AffinityFilter>,
) -> Result<axum::Json<SkuAffinities>> {
    let read = async |connection: &mut _| service::affinities(connection, &actor, &of.facility, &of.material, of.limit).await;
    Ok(axum::Json(SkuAffinities { items: app.db.read(actor.tenant(), read).await? }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct RecommendationFilter {
    /// Id or code of the facility.
    facility: String,
    #[param(inline)]
    kind: Option<OptimizationKind>,
    /// 1 to 500, default 50.
    limit: Option<u32>,
}

/// What would make better use of the locations now.
#[utoipa::path(get, path = "/api/wms/optimization/recommendations", tag = "slotting", params(RecommendationFilter),
    responses((status = 200, body = RecommendationsDto), (status = 404, body = Problem)))]
async fn list_recommendations(
    State(app): State<App>,
    actor: Actor,
    Query(of): Query<RecommendationFilter>,
) -> Result<axum::Json<RecommendationsDto>> {
    let read = async |connection: &mut _| service::recommendations(connection, &actor, &of.facility, of.kind, of.limit).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Utilisation in the coming 30 days with intervals, and how well such forecasts were in the past.
#[utoipa::path(get, path = "/api/wms/optimization/predictions", tag = "slotting", params(InFacility),
    responses((status = 200, body = PredictionsDto), (status = 404, body = Problem)))]
async fn get_predictions(
    State(app): State<App>,
    actor: Actor,
    Query(of): Query<InFacility>,
) -> Result<axum::Json<PredictionsDto>> {
    let read = async |connection: &mut _| service::predictions(connection, &actor, &of.facility).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Takes today's snapshot of utilisation now, as the daily job does.
#[utoipa::path(post, path = "/api/wms/optimization/utilization-snapshots", tag = "slotting", request_body = OfFacility,
    responses((status = 200, body = Snapshot), (status = 404, body = Problem)))]
async fn take_snapshot(State(app): State<App>, command: Command<OfFacility>) -> Result<axum::Json<Snapshot>> {
    let run = async |tx: &mut Tx| service::take_snapshot(tx, &command.actor, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Plans of moves, newest first; without moves.
#[utoipa::path(get, path = "/api/wms/optimization/slotting-plans", tag = "slotting", params(PlanFilter, Paging),
    responses((status = 200, body = PageDto<Plan>), (status = 404, body = Problem)))]
async fn list_slotting_plans(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<PlanFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<Plan>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::plans(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// Asks for a plan of moves. A job computes it over real orders; the plan shows how far it is.
#[utoipa::path(post, path = "/api/wms/optimization/slotting-plans", tag = "slotting", request_body = PlanRequest,
    responses((status = 202, body = PlanDto), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn request_slotting_plan(
    State(app): State<App>,
    command: Command<PlanRequest>,
) -> Result<(StatusCode, axum::Json<PlanDto>)> {
    let run = async |tx: &mut Tx| service::request(tx, &command.actor, &command.input).await;
    Ok((StatusCode::ACCEPTED, axum::Json(command.run(&app, run).await?)))
}

/// One plan with its moves in the order in which they can be carried out.
#[utoipa::path(get, path = "/api/wms/optimization/slotting-plans/{plan}", tag = "slotting", params(("plan" = Uuid, Path, description = "its id")),
    responses((status = 200, body = PlanDto), (status = 404, body = Problem)))]
async fn get_slotting_plan(State(app): State<App>, actor: Actor, Path(plan): Path<Uuid>) -> Result<axum::Json<PlanDto>> {
    let read = async |connection: &mut _| service::plan(connection, &actor, plan).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Nothing is needed in the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Makes approved move tasks of a plan. Chains of moves that are outdated are left out; with none left the plan is EXPIRED.
#[utoipa::path(post, path = "/api/wms/optimization/slotting-plans/{plan}/approve", tag = "slotting", params(("plan" = Uuid, Path, description = "its id")),
    responses((status = 200, body = PlanDto), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn approve_slotting_plan(
    State(app): State<App>,
    Path(plan): Path<Uuid>,
    command: Command<Nothing>,
) -> Result<axum::Json<PlanDto>> {
    let run = async |tx: &mut Tx| service::approve(tx, &command.actor, plan).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Puts a plan to an end; nothing moves.
#[utoipa::path(post, path = "/api/wms/optimization/slotting-plans/{plan}/reject", tag = "slotting", params(("plan" = Uuid, Path, description = "its id")), request_body = RejectPlan,
    responses((status = 200, body = PlanDto), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
async fn reject_slotting_plan(
    State(app): State<App>,
    Path(plan): Path<Uuid>,
    command: Command<RejectPlan>,
) -> Result<axum::Json<PlanDto>> {
    let run = async |tx: &mut Tx| service::reject(tx, &command.actor, plan, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}
