use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::ErrorCode;
use platform::auth::{Actor, Permission, roles};
use platform::graphql::Probe;
use platform::http::{Access, Api, Listener, Problem, Query};
use platform::{App, Error, Result};
use serde::Deserialize;
use utoipa_axum::routes;

use super::dto::HealthDto;
use super::{metrics, service};
use crate::WAREHOUSE_READ;
use crate::words::HealthStatus;

/// Figures of the whole installation, not of one organisation.
const METRICS_READ: Permission = Permission::new("optimization:metrics", roles::ADMIN);

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(optimization_health))
        .route(Access::Optional, routes!(optimization_metrics))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OfFacility {
    /// Id or code of the facility; the whole organisation when absent.
    facility: Option<String>,
}

/// Eight checks of the optimisation, the figures behind them, and what was done without being asked.
#[utoipa::path(get, path = "/api/wms/optimization/health", tag = "health", params(OfFacility),
    responses((status = 200, body = HealthDto), (status = 404, body = Problem), (status = 503, body = HealthDto)))]
async fn optimization_health(
    State(app): State<App>,
    actor: Actor,
    probe: Option<Extension<Probe>>,
    Query(of): Query<OfFacility>,
) -> Result<Response> {
    let report = service::report(&app, &actor, probe.as_deref(), of.facility.as_deref()).await?;
    let code = if report.overall_status == HealthStatus::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    Ok((code, axum::Json(report)).into_response())
}

/// The metrics of the optimisation as Prometheus text. On the ops listener, or with a token of an administrator.
#[utoipa::path(get, path = "/api/wms/optimization/metrics", tag = "health",
    responses((status = 200, content_type = "text/plain", body = String), (status = 401, body = Problem)))]
async fn optimization_metrics(State(app): State<App>, request: Request) -> Result<Response> {
    if request.extensions().get::<Listener>() != Some(&Listener::Ops) {
        let Some(actor) = request.extensions().get::<Actor>() else {
            let detail = "metrics are served on the ops listener, or with an administrator's token";
            return Err(Error::new(ErrorCode::SignInRequired, detail));
        };
        actor.require(METRICS_READ)?;
    }
    crate::describe_metrics();
    metrics::collect(app.clone()).await;
    let text = metrics::subset(&app.metrics.render());
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
