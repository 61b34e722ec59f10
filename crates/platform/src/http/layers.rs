use std::any::Any;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use kernel::ErrorCode;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use super::measure;
use super::route::{Routes, charge_anonymous};
use crate::{App, Error};

/// A JSON body; enough for 10,000 movements in one request.
pub const BODY_LIMIT_BYTES: usize = 8 * 1024 * 1024;
/// A body of somebody who is not signed in; enough for any form that is open to everybody.
pub(super) const STRANGERS_BODY_BYTES: usize = 64 * 1024;
/// An uploaded file; larger ones come compressed or through the command line.
pub const UPLOAD_LIMIT_BYTES: usize = 64 * 1024 * 1024;
/// A request that is not a stream ends within this time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// The id of a request: taken from `X-Request-Id` when it is sensible, else made; it stands in the answer, the log and the audit.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Which kind of listener a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    Public,
    /// For operators: health details and metrics need no token here.
    Ops,
}

/// Puts the common layers around all routes: identity of the request, limits, panics, metrics, compression, headers.
/// `dress` sees every answer, those to unknown addresses and of handlers that panicked too.
pub fn finish(routes: Routes, dress: impl FnOnce(Router<App>) -> Router<App>, app: App, listener: Listener) -> Router {
    let wrong_method = || async { Error::new(ErrorCode::MethodNotAllowed, "this address does not take that method") };
    let router = routes
        .router
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(panicked));
    let probes = routes.probes.method_not_allowed_fallback(wrong_method);
    dress(router).merge(probes).layer(from_fn_with_state((app.clone(), listener), around)).with_state(app)
}

async fn nothing_here(request: Request) -> Error {
    charge_anonymous(request.extensions(), request.headers())
        .err()
        .unwrap_or_else(|| Error::new(ErrorCode::NotFound, "there is nothing at this address"))
}

async fn around(State((app, listener)): State<(App, Listener)>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers()).unwrap_or_else(|| app.new_request_id());
    let method = request.method().clone();
    let uri = request.uri().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let https = app.config.https;
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(listener);
    request.extensions_mut().insert(app);
    let is_stream = uri.path() == "/events";
    let mut response = if is_stream {
        next.run(request).await
    } else {
        tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await.unwrap_or_else(|_| {
            Error::new(ErrorCode::Timeout, format!("not done within {} s", REQUEST_TIMEOUT.as_secs())).into_response()
        })
    };
    harden(response.headers_mut(), https);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    measure::observe(&method, route.as_ref(), response.status(), started.elapsed());
    tracing::debug!(%method, path = uri.path(), status = response.status().as_u16(), ms = started.elapsed().as_millis() as u64, request = id, "request");
    response
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("x-request-id")?.to_str().ok()?;
    let sensible = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    sensible.then(|| text.to_owned())
}

/// On every answer. A handler that needs another cache rule sets its own.
fn harden(headers: &mut HeaderMap, https: bool) {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        (HeaderName::from_static("permissions-policy"), "camera=(self), geolocation=(), microphone=()"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains"));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause.downcast_ref::<String>().cloned().or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    Error::internal(text.unwrap_or_else(|| "a handler panicked".into())).into_response()
}
