//! What anybody may know of the system's state.

use axum::Extension;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use operations::{Health, State};
use platform::Result;
use platform::http::{Access, Api};

use super::visitor::{Guest, show};
use crate::view::{CheckState, HealthPage};

pub fn api() -> Api {
    Api::new().page(Method::GET, "/health.html", Access::Public, get(page))
}

async fn page(guest: Guest, Extension(health): Extension<Health>) -> Result<Response> {
    let state = health.comprehensive(&guest.app, false).await;
    let checks =
        state.checks.into_iter().map(|check| CheckState { name: check.name, state: check.state.as_str().into() }).collect();
    let view = HealthPage {
        page: guest.page("System health"),
        status: state.status.as_str().into(),
        checks,
        checked_at: guest.app.env.now(),
    };
    let code = if state.status == State::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    Ok((code, show(&view)?).into_response())
}
