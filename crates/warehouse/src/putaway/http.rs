use axum::extract::State;
use axum::http::StatusCode;
use kernel::RecommendationId;
use platform::auth::Actor;
use platform::database::PgConnection;
use platform::http::{Access, Api, Command, Json, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::congestion::Congestion;
use super::crossdock::CrossDockOpportunities;
use super::model::{
    Answer, Decided, Decision, Failure, PutawayItem, PutawayRequest, Recommendation, RecommendationFilter, Summary,
};
use super::service;
use crate::{PUTAWAY, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(PUTAWAY), routes!(recommend))
        .route(Access::Needs(WAREHOUSE_READ), routes!(preview))
        .route(Access::Needs(WAREHOUSE_READ), routes!(suggest))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_opportunities))
        .route(Access::Needs(WAREHOUSE_READ), routes!(aisle_congestion))
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_recommendations))
        .route(Access::Needs(PUTAWAY), routes!(accept_recommendations))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_recommendation))
        .route(Access::Needs(PUTAWAY), routes!(accept_recommendation))
        .route(Access::Needs(PUTAWAY), routes!(override_recommendation))
        .route(Access::Needs(PUTAWAY), routes!(reject_recommendation))
}

/// The goods went there.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Accepted {
    /// At most 500 characters.
    #[serde(default)]
    feedback: String,
    /// Which pieces of a serial-tracked item went; when absent, those with the lowest numbers that lie at the source.
    #[serde(default)]
    serials: Vec<String>,
}

/// What the person at the shelf says about it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Feedback {
    /// At most 500 characters.
    #[serde(default)]
    feedback: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OtherPlace {
    /// Id, `FACILITY/CODE` or code of the location where the goods went instead.
    location: String,
    /// At most 500 characters.
    #[serde(default)]
    feedback: String,
    /// As for accepting.
    #[serde(default)]
    serials: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Many {
    /// 1 to 500.
    recommendations: Vec<Uuid>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct DecidedMany {
    accepted: u32,
    refused: u32,
    results: Vec<Decided>,
}

/// Finds a place for goods, and holds the space until the recommendation is decided or expires.
#[utoipa::path(post, path = "/api/wms/optimization/putaway/recommendations", tag = "putaway", request_body = PutawayRequest,
    responses((status = 201, body = Answer), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
async fn recommend(State(app): State<App>, command: Command<PutawayRequest>) -> Result<(StatusCode, axum::Json<Answer>)> {
    let switches = app.config.switches();
    let answer = command.run(&app, async |tx| service::recommend(tx, &command.actor, &switches, &command.input).await).await?;
    let status = if command.input.preview { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, axum::Json(answer)))
}

/// The same answer, but nothing is stored and no space is held.
#[utoipa::path(post, path = "/api/wms/optimization/putaway/preview", tag = "putaway", request_body = PutawayRequest,
    responses((status = 200, body = Answer), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn preview(State(app): State<App>, actor: Actor, Json(request): Json<PutawayRequest>) -> Result<axum::Json<Answer>> {
    let switches = app.config.switches();
    let work = async |connection: &mut PgConnection| service::preview(connection, &actor, &switches, &request).await;
    Ok(axum::Json(app.db.read(actor.tenant(), work).await?))
}

/// One item that looks for a location.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Suggest {
    /// Id or code.
    facility: String,
    item: PutawayItem,
}

/// The best location now, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
struct Suggestion {
    /// The first of them, when the goods must be split.
    recommendation: Option<Recommendation>,
    failure: Option<Failure>,
    summary: Summary,
}

/// The best location for one item now. Nothing is stored.
#[utoipa::path(post, path = "/api/wms/optimization/putaway/suggest", tag = "putaway", request_body = Suggest,
    responses((status = 200, body = Suggestion), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn suggest(State(app): State<App>, actor: Actor, Json(input): Json<Suggest>) -> Result<axum::Json<Suggestion>> {
    let switches = app.config.switches();
    let request = PutawayRequest { facility: input.facility, items: vec![input.item], ..PutawayRequest::default() };
    let work = async |connection: &mut PgConnection| service::preview(connection, &actor, &switches, &request).await;
    let Answer { recommendations, failures, summary, .. } = app.db.read(actor.tenant(), work).await?;
    let (recommendation, failure) = (recommendations.into_iter().next(), failures.into_iter().next());
    Ok(axum::Json(Suggestion { recommendation, failure, summary }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OpportunityFilter {
    /// Id or code.
    facility: String,
    /// Only of this item: id or code.
    material: Option<String>,
    /// Only of this delivery: id or code.
    receipt: Option<String>,
}

/// Goods on the dock that orders lack which are due within two days.
#[utoipa::path(get, path = "/api/wms/optimization/cross-dock/opportunities", tag = "putaway", params(OpportunityFilter),
    responses((status = 200, body = CrossDockOpportunities), (status = 404, body = Problem)))]
async fn list_opportunities(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<OpportunityFilter>,
) -> Result<axum::Json<CrossDockOpportunities>> {
    let switches = app.config.switches();
    let only = (filter.material.as_deref(), filter.receipt.as_deref());
    let work = async |connection: &mut PgConnection| {
        service::cross_dock_opportunities(connection, &actor, &switches, &filter.facility, only).await
    };
    Ok(axum::Json(app.db.read(actor.tenant(), work).await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OfFacility {
    /// Id or code.
    facility: String,
}

/// How busy the aisles are, and what a location there loses for it.
#[utoipa::path(get, path = "/api/wms/optimization/congestion", tag = "putaway", params(OfFacility),
    responses((status = 200, body = Congestion), (status = 404, body = Problem)))]
async fn aisle_congestion(State(app): State<App>, actor: Actor, Query(of): Query<OfFacility>) -> Result<axum::Json<Congestion>> {
    let switches = app.config.switches();
    let work = async |connection: &mut PgConnection| service::aisle_congestion(connection, &actor, &switches, &of.facility).await;
    Ok(axum::Json(app.db.read(actor.tenant(), work).await?))
}

/// Recommendations, newest first.
#[utoipa::path(get, path = "/api/wms/optimization/putaway/recommendations", tag = "putaway", params(RecommendationFilter, Paging),
    responses((status = 200, body = PageDto<Recommendation>), (status = 400, body = Problem)))]
async fn list_recommendations(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<RecommendationFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<Recommendation>>> {
    let page = paging.into();
    let found = app.db.read(actor.tenant(), async |connection| service::list(connection, &actor, &filter, &page).await).await?;
    Ok(axum::Json(found.into()))
}

/// One recommendation with its reasons.
#[utoipa::path(get, path = "/api/wms/optimization/putaway/recommendations/{id}", tag = "putaway", params(("id" = Uuid, Path)),
    responses((status = 200, body = Recommendation), (status = 404, body = Problem)))]
async fn get_recommendation(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<Recommendation>> {
    let id = RecommendationId(id);
    let found = app.db.read(actor.tenant(), async |connection| service::get(connection, &actor, id).await).await?;
    Ok(axum::Json(found))
}

/// The goods went where they were recommended; they move in the ledger.
#[utoipa::path(post, path = "/api/wms/optimization/putaway/recommendations/{id}/accept", tag = "putaway", params(("id" = Uuid, Path)),
    request_body = Accepted,
    responses((status = 200, body = Recommendation), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn accept_recommendation(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    command: Command<Accepted>,
) -> Result<axum::Json<Recommendation>> {
    let Accepted { feedback, serials } = &command.input;
    let decision = Decision::Accept { feedback: feedback.clone(), serials: serials.clone() };
    decide(&app, id, &command, &decision).await
}

/// The goods went to another location, which is checked by the same rules.
#[utoipa::path(post, path = "/api/wms/optimization/putaway/recommendations/{id}/override", tag = "putaway", params(("id" = Uuid, Path)),
    request_body = OtherPlace,
    responses((status = 200, body = Recommendation), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
async fn override_recommendation(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    command: Command<OtherPlace>,
) -> Result<axum::Json<Recommendation>> {
    let OtherPlace { location, feedback, serials } = &command.input;
    let decision = Decision::Override { location: location.clone(), feedback: feedback.clone(), serials: serials.clone() };
    decide(&app, id, &command, &decision).await
}

/// The goods stay where they are, and the space is free again.
#[utoipa::path(post, path = "/api/wms/optimization/putaway/recommendations/{id}/reject", tag = "putaway", params(("id" = Uuid, Path)),
    request_body = Feedback,
    responses((status = 200, body = Recommendation), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn reject_recommendation(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    command: Command<Feedback>,
) -> Result<axum::Json<Recommendation>> {
    let decision = Decision::Reject { feedback: command.input.feedback.clone() };
    decide(&app, id, &command, &decision).await
}

async fn decide<T>(app: &App, id: Uuid, command: &Command<T>, decision: &Decision) -> Result<axum::Json<Recommendation>> {
    let id = RecommendationId(id);
    let decided = command.run(app, async |tx| service::decide(tx, &command.actor, id, decision).await).await?;
    Ok(axum::Json(decided))
}

/// Accepts many; each that is refused says why and does not keep the others.
#[utoipa::path(post, path = "/api/wms/optimization/putaway/recommendations/accept", tag = "putaway", request_body = Many,
    responses((status = 200, body = DecidedMany), (status = 422, body = Problem)))]
async fn accept_recommendations(State(app): State<App>, command: Command<Many>) -> Result<axum::Json<DecidedMany>> {
    let ids: Vec<RecommendationId> = command.input.recommendations.iter().copied().map(RecommendationId).collect();
    let results = command.run(&app, async |tx| service::accept_all(tx, &command.actor, &ids).await).await?;
    let accepted = results.iter().filter(|one| one.recommendation.is_some()).count() as u32;
    Ok(axum::Json(DecidedMany { accepted, refused: results.len() as u32 - accepted, results }))
}
