//! What runs by the clock: how it went the last time, and running it by hand.

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use platform::Result;
use platform::http::{Access, Api, Path};
use platform::jobs::{JOBS_READ, JOBS_RUN, service};
use serde::Deserialize;

use super::visitor::{Form, Visitor, done, failed, show};
use crate::view;

pub fn api() -> Api {
    Api::new().page(Method::GET, "/jobs", Access::Needs(JOBS_READ), get(list)).page(
        Method::POST,
        "/jobs/{job}/run",
        Access::Needs(JOBS_RUN),
        post(run),
    )
}

async fn list(visitor: Visitor) -> Result<Response> {
    let actor = &visitor.actor;
    let jobs = visitor.app.db.read(actor.tenant(), async |connection| service::list(connection, actor).await).await?;
    show(&view::JobList { page: visitor.page("Jobs"), jobs, can_run: visitor.may(JOBS_RUN) })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nothing {}

async fn run(visitor: Visitor, Path(job): Path<String>, form: Form<Nothing>) -> Result<Response> {
    let Nothing {} = form.input;
    let asked = visitor.change(form.key.as_ref(), async |tx| service::run_by_hand(tx, &visitor.actor, &job).await);
    match asked.await {
        Ok(job) => Ok(done("/jobs", &format!("“{}” starts within seconds.", job.name))),
        Err(error) if error.code.status() < 500 => Ok(failed("/jobs", &error)),
        Err(error) => Err(error),
    }
}
