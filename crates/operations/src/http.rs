use axum::Extension;
use axum::extract::{Request, State as AppState};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use platform::auth::{Actor, Permission, roles};
use platform::http::{Access, Api, Listener, Path};
use platform::telemetry::Collector;
use platform::{App, Error, Result};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::engine::{Check, Health};
use crate::model::{Comprehensive, State};
use crate::probe;

pub const OPERATE: Permission = Permission::new("operations:read", roles::ADMIN);

/// Needs `Extension<Health>` around it.
pub fn api() -> Api {
    let mut api = Api::new()
        .probe(routes!(live))
        .route(Access::Public, routes!(ready))
        .route(Access::Optional, routes!(comprehensive))
        .route(Access::Optional, routes!(database))
        .route(Access::Public, routes!(version))
        .route(Access::Public, routes!(component))
        .route(Access::Optional, routes!(metrics));
    for path in ["/health", "/api/health"] {
        api = api.endpoint(Method::GET, path, Access::Public, get(health));
    }
    for path in ["/api/v1/health", "/actuator/health"] {
        api = api.endpoint(Method::GET, path, Access::Public, get(serves));
    }
    api
}

#[derive(Debug, Serialize, ToSchema)]
struct Status {
    status: State,
}

/// DEGRADED still serves, so it answers 200; only DOWN does not.
async fn health(AppState(app): AppState<App>, Extension(health): Extension<Health>) -> Response {
    with_status(health.state(&app).await)
}

/// For probes that compare with exactly `{"status":"UP"}`: whatever serves is up.
async fn serves(AppState(app): AppState<App>, Extension(health): Extension<Health>) -> Response {
    let status = health.state(&app).await;
    with_status(if status == State::Degraded { State::Up } else { status })
}

fn with_status(status: State) -> Response {
    let code = if status == State::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, axum::Json(Status { status })).into_response()
}

/// The process runs; says nothing of what it depends on.
#[utoipa::path(get, path = "/api/health/live", tag = "health", responses((status = 200, body = Status)))]
async fn live() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], r#"{"status":"UP"}"#).into_response()
}

/// Ready for requests: schema current, database answers, not draining.
#[utoipa::path(get, path = "/api/health/ready", tag = "health",
    responses((status = 200, body = Status), (status = 503, body = Status)))]
async fn ready(AppState(app): AppState<App>, Extension(health): Extension<Health>) -> Response {
    let (code, status) =
        if health.is_ready(&app).await { (StatusCode::OK, State::Up) } else { (StatusCode::SERVICE_UNAVAILABLE, State::Down) };
    (code, axum::Json(Status { status })).into_response()
}

/// Every check. Messages, latencies and performance are for operators: on the ops listener, or with a token of an administrator.
#[utoipa::path(get, path = "/api/health/comprehensive", tag = "health",
    responses((status = 200, body = Comprehensive), (status = 503, body = Comprehensive)))]
async fn comprehensive(AppState(app): AppState<App>, Extension(health): Extension<Health>, request: Request) -> Response {
    let answer = health.comprehensive(&app, sees_details(&request)).await;
    let code = if answer.status == State::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, axum::Json(answer)).into_response()
}

fn sees_details(request: &Request) -> bool {
    let extensions = request.extensions();
    extensions.get::<Listener>() == Some(&Listener::Ops) || extensions.get::<Actor>().is_some_and(|actor| actor.may(OPERATE))
}

#[derive(Debug, Serialize, ToSchema)]
struct DatabaseHealth {
    status: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<f64>,
    read_replica: ReadReplica,
}

/// Reads go to the primary only in this release.
#[derive(Debug, Serialize, ToSchema)]
struct ReadReplica {
    configured: bool,
    status: &'static str,
    lag_seconds: Option<f64>,
}

/// A real query on the primary, and the state of the replica.
#[utoipa::path(get, path = "/health/database", tag = "health",
    responses((status = 200, body = DatabaseHealth), (status = 503, body = DatabaseHealth)))]
async fn database(AppState(app): AppState<App>, Extension(health): Extension<Health>, request: Request) -> Response {
    let check = health.check(&app, Check::Database).await;
    let details = sees_details(&request);
    let code = if check.state == State::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let answer = DatabaseHealth {
        status: check.state,
        message: check.message.filter(|_| details),
        latency_ms: check.latency_ms.filter(|_| details),
        read_replica: ReadReplica { configured: false, status: "NOT_CONFIGURED", lag_seconds: None },
    };
    (code, axum::Json(answer)).into_response()
}

#[derive(Debug, Serialize, ToSchema)]
struct Component {
    status: &'static str,
}

/// One part: `db`, `redis` or `search`. A part that is not in use answers UNKNOWN.
#[utoipa::path(get, path = "/actuator/health/{component}", tag = "health", params(("component" = String, Path)),
    responses((status = 200, body = Component), (status = 404, body = platform::http::Problem), (status = 503, body = Component)))]
async fn component(
    AppState(app): AppState<App>,
    Extension(health): Extension<Health>,
    Path(name): Path<String>,
) -> Result<Response> {
    let status = match name.as_str() {
        "db" => health.check(&app, Check::Database).await.state.as_str(),
        "redis" | "search" => "UNKNOWN",
        _ => return Err(Error::not_found(format_args!("component {name:?}"))),
    };
    let code = if status == "DOWN" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    Ok((code, axum::Json(Component { status })).into_response())
}

#[derive(Debug, Serialize, ToSchema)]
struct Version {
    version: &'static str,
    git_commit: &'static str,
    build_time: &'static str,
    /// The newest migration that the database has, as text; null while the database does not answer.
    schema_version: Option<String>,
}

/// What runs here.
#[utoipa::path(get, path = "/api/v1/version", tag = "health", responses((status = 200, body = Version)))]
async fn version(AppState(app): AppState<App>, Extension(health): Extension<Health>) -> axum::Json<Version> {
    let schema_version = probe::schema_version(&app).await.map(|version| format!("0.0.{version}"));
    let build = health.build;
    axum::Json(Version { version: build.version, git_commit: build.git_commit, build_time: build.build_time, schema_version })
}

/// Prometheus text format. On the ops listener, or with a token of an administrator.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, content_type = "text/plain", body = String), (status = 401, body = platform::http::Problem)))]
async fn metrics(
    AppState(app): AppState<App>,
    Extension(health): Extension<Health>,
    collector: Option<Extension<Collector>>,
    request: Request,
) -> Result<Response> {
    if !sees_details(&request) {
        return Err(match request.extensions().get::<Actor>() {
            Some(actor) => actor.require(OPERATE).err().unwrap_or_else(|| Error::internal("an operator was refused")),
            None => Error::new(
                kernel::ErrorCode::SignInRequired,
                "metrics are served on the ops listener, or with an administrator's token",
            ),
        });
    }
    if let Some(Extension(Collector(collect))) = collector {
        collect(app.clone()).await;
    }
    let pool = app.db.status();
    metrics::gauge!("database_pool_connections", "state" => "open").set(pool.open as f64);
    metrics::gauge!("database_pool_connections", "state" => "idle").set(pool.idle as f64);
    metrics::gauge!("database_pool_connections", "state" => "max").set(pool.max as f64);
    metrics::gauge!("database_pool_waiting").set(pool.waiting as f64);
    metrics::gauge!("process_resident_memory_bytes").set(probe::memory().rss_bytes as f64);
    metrics::gauge!("process_uptime_seconds").set(health.uptime().as_secs_f64());
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render()).into_response())
}
