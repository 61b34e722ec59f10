use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::service::{self, JOBS_READ, JOBS_RUN, ScheduledJob};
use crate::auth::Actor;
use crate::http::{Access, Api, Command, PageDto, Path, Problem};
use crate::{App, Result};

/// `/api/v1/jobs`: what runs by the clock, how it went, and running it by hand.
pub fn api() -> Api {
    Api::new().route(Access::Needs(JOBS_READ), routes!(list_jobs)).route(Access::Needs(JOBS_RUN), routes!(run_job))
}

/// Work that the process does by the clock, with its last run.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", responses((status = 200, body = PageDto<ScheduledJob>)))]
async fn list_jobs(State(app): State<App>, actor: Actor) -> Result<axum::Json<PageDto<ScheduledJob>>> {
    let items = app.db.read(actor.tenant(), async |connection| service::list(connection, &actor).await).await?;
    Ok(axum::Json(PageDto { items, next_cursor: None }))
}

/// Nothing is needed in the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Runs a job as soon as possible, whatever its schedule. The answer comes before the run; the list shows how it went.
#[utoipa::path(post, path = "/api/v1/jobs/{name}/run", tag = "jobs", params(("name", description = "as in the list")),
    responses((status = 202, body = ScheduledJob), (status = 404, body = Problem)))]
async fn run_job(
    State(app): State<App>,
    Path(name): Path<String>,
    command: Command<Nothing>,
) -> Result<(StatusCode, axum::Json<ScheduledJob>)> {
    let asked = command.run(&app, async |tx| service::run_by_hand(tx, &command.actor, &name).await).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(asked)))
}
