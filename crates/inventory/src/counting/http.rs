use axum::extract::State;
use axum::http::StatusCode;
use platform::auth::Actor;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::dto::{AccuracyDto, CountDto, CountLineDto, CountLocationDto, CountSheetDto};
use super::input::{ApproveLines, CancelCount, CountFilter, FinishLocation, LineFilter, NewCount, RejectLines, SubmitEntries};
use super::{COUNTS_APPROVE, COUNTS_COUNT, COUNTS_PLAN, COUNTS_READ, service};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(COUNTS_READ), routes!(list_counts))
        .route(Access::Needs(COUNTS_PLAN), routes!(create_count))
        .route(Access::Needs(COUNTS_READ), routes!(count_accuracy))
        .route(Access::Needs(COUNTS_READ), routes!(get_count))
        .route(Access::Needs(COUNTS_READ), routes!(list_count_locations))
        .route(Access::Needs(COUNTS_READ), routes!(list_count_lines))
        .route(Access::Needs(COUNTS_COUNT), routes!(start_count_location))
        .route(Access::Needs(COUNTS_COUNT), routes!(finish_count_location))
        .route(Access::Needs(COUNTS_COUNT), routes!(submit_count_entries))
        .route(Access::Needs(COUNTS_APPROVE), routes!(approve_count_lines))
        .route(Access::Needs(COUNTS_APPROVE), routes!(reject_count_lines))
        .route(Access::Needs(COUNTS_PLAN), routes!(cancel_count))
}

/// List cycle counts, newest first
#[utoipa::path(get, path = "/api/v1/inventory/counts", tag = "counting", params(CountFilter, Paging),
    responses((status = 200, body = PageDto<CountDto>), (status = 404, body = Problem)))]
async fn list_counts(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<CountFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<CountDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::list(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// Plan a cycle count
#[utoipa::path(post, path = "/api/v1/inventory/counts", tag = "counting", request_body = NewCount,
    responses((status = 201, body = CountDto), (status = 409, description = "The code is taken, or a location is being counted already", body = Problem),
              (status = 422, body = Problem)))]
async fn create_count(State(app): State<App>, command: Command<NewCount>) -> Result<(StatusCode, axum::Json<CountDto>)> {
    let made = command.run(&app, async |tx| service::create(tx, &command.actor, &command.input).await).await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AccuracyParams {
    /// Id or code; all facilities when absent.
    facility: Option<String>,
    /// Counts made within so many days, 1 to 3,660; 90 when absent.
    days: Option<u32>,
}

/// How well the ledger agreed with what was counted
#[utoipa::path(get, path = "/api/v1/inventory/counts/accuracy", tag = "counting", params(AccuracyParams),
    responses((status = 200, body = AccuracyDto), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn count_accuracy(
    State(app): State<App>,
    actor: Actor,
    Query(params): Query<AccuracyParams>,
) -> Result<axum::Json<AccuracyDto>> {
    let read = async |connection: &mut _| service::accuracy(connection, &actor, params.facility.as_deref(), params.days).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// One cycle count
#[utoipa::path(get, path = "/api/v1/inventory/counts/{count}", tag = "counting", params(("count", description = "id or code")),
    responses((status = 200, body = CountDto), (status = 404, body = Problem)))]
async fn get_count(State(app): State<App>, actor: Actor, Path(count): Path<String>) -> Result<axum::Json<CountDto>> {
    let read = async |connection: &mut _| service::get(connection, &actor, &count).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// The locations of a count in the order of walking
#[utoipa::path(get, path = "/api/v1/inventory/counts/{count}/locations", tag = "counting",
    params(("count", description = "id or code"), Paging),
    responses((status = 200, body = PageDto<CountLocationDto>), (status = 404, body = Problem)))]
async fn list_count_locations(
    State(app): State<App>,
    actor: Actor,
    Path(count): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<CountLocationDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::places(connection, &actor, &count, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// The lines of a count
#[utoipa::path(get, path = "/api/v1/inventory/counts/{count}/lines", tag = "counting",
    params(("count", description = "id or code"), LineFilter, Paging),
    responses((status = 200, body = PageDto<CountLineDto>), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn list_count_lines(
    State(app): State<App>,
    actor: Actor,
    Path(count): Path<String>,
    Query(filter): Query<LineFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<CountLineDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::lines(connection, &actor, &count, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// Nothing is needed in the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Start counting a location
///
/// What the ledger expects there becomes the lines to count. Again, it answers the lines as they are.
#[utoipa::path(post, path = "/api/v1/inventory/counts/{count}/locations/{location}/start", tag = "counting",
    params(("count", description = "id or code"), ("location", description = "id or code")),
    responses((status = 200, body = CountSheetDto), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn start_count_location(
    State(app): State<App>,
    Path((count, location)): Path<(String, String)>,
    command: Command<Nothing>,
) -> Result<axum::Json<CountSheetDto>> {
    let run = async |tx: &mut platform::database::Tx| service::start(tx, &command.actor, &count, &location).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// End the count of a location
#[utoipa::path(post, path = "/api/v1/inventory/counts/{count}/locations/{location}/finish", tag = "counting",
    params(("count", description = "id or code"), ("location", description = "id or code")), request_body = FinishLocation,
    responses((status = 200, body = CountSheetDto), (status = 404, body = Problem),
              (status = 409, description = "Lines are not counted yet, or the location was not started", body = Problem)))]
async fn finish_count_location(
    State(app): State<App>,
    Path((count, location)): Path<(String, String)>,
    command: Command<FinishLocation>,
) -> Result<axum::Json<CountSheetDto>> {
    let run =
        async |tx: &mut platform::database::Tx| service::finish(tx, &command.actor, &count, &location, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}

/// The lines that a call was about, as they are now.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct CountLinesDto {
    lines: Vec<CountLineDto>,
}

/// Tell what was counted
///
/// The book quantity is the balance at this moment, or at `counted_at`: what moved before or after is no variance. Within the
/// tolerance a variance is adjusted at once; outside, somebody else must count.
#[utoipa::path(post, path = "/api/v1/inventory/counts/{count}/entries", tag = "counting",
    params(("count", description = "id or code")), request_body = SubmitEntries,
    responses((status = 200, body = CountLinesDto), (status = 404, body = Problem),
              (status = 409, description = "A line is decided, or the caller counted it already", body = Problem),
              (status = 422, body = Problem)))]
async fn submit_count_entries(
    State(app): State<App>,
    Path(count): Path<String>,
    command: Command<SubmitEntries>,
) -> Result<axum::Json<CountLinesDto>> {
    let run = async |tx: &mut platform::database::Tx| {
        service::submit(tx, &command.actor, &count, &command.input).await.map(|lines| CountLinesDto { lines })
    };
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Approve variances
///
/// Posts each as an ADJUSTMENT with the reason `cycle count CODE`, all or none. Nobody approves what they counted.
#[utoipa::path(post, path = "/api/v1/inventory/counts/{count}/approve", tag = "counting",
    params(("count", description = "id or code")), request_body = ApproveLines,
    responses((status = 200, body = CountLinesDto), (status = 404, body = Problem),
              (status = 409, description = "A line does not wait, the caller counted it, or the ledger refuses the adjustment", body = Problem),
              (status = 422, body = Problem)))]
async fn approve_count_lines(
    State(app): State<App>,
    Path(count): Path<String>,
    command: Command<ApproveLines>,
) -> Result<axum::Json<CountLinesDto>> {
    let run = async |tx: &mut platform::database::Tx| {
        service::approve(tx, &command.actor, &count, &command.input).await.map(|lines| CountLinesDto { lines })
    };
    Ok(axum::Json(command.run(&app, run).await?))
}

/// Reject variances: count again, or end the lines without adjustment
#[utoipa::path(post, path = "/api/v1/inventory/counts/{count}/reject", tag = "counting",
    params(("count", description = "id or code")), request_body = RejectLines,
    responses((status = 200, body = CountLinesDto), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
async fn reject_count_lines(
    State(app): State<App>,
    Path(count): Path<String>,
    command: Command<RejectLines>,
) -> Result<axum::Json<CountLinesDto>> {
    let run = async |tx: &mut platform::database::Tx| {
        service::reject(tx, &command.actor, &count, &command.input).await.map(|lines| CountLinesDto { lines })
    };
    Ok(axum::Json(command.run(&app, run).await?))
}

/// End a count: what is not decided is not adjusted
#[utoipa::path(post, path = "/api/v1/inventory/counts/{count}/cancel", tag = "counting",
    params(("count", description = "id or code")), request_body = CancelCount,
    responses((status = 200, body = CountDto), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
async fn cancel_count(
    State(app): State<App>,
    Path(count): Path<String>,
    command: Command<CancelCount>,
) -> Result<axum::Json<CountDto>> {
    let run = async |tx: &mut platform::database::Tx| service::cancel(tx, &command.actor, &count, &command.input).await;
    Ok(axum::Json(command.run(&app, run).await?))
}
