//! Counts and times requests by route. The handles of a series are kept, because making one looks its labels up anew.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::{Method, StatusCode};
use metrics::{Counter, Histogram};

type Series = HashMap<(Method, StatusCode), (Counter, Histogram)>;

/// By route, of which there are as many as are declared, and one for all unknown addresses.
static KNOWN: LazyLock<RwLock<HashMap<String, Series>>> = LazyLock::new(RwLock::default);

pub(super) fn observe(method: &Method, route: Option<&MatchedPath>, status: StatusCode, took: Duration) {
    let route = route.map_or("unmatched", MatchedPath::as_str);
    let key = (known(method), status);
    {
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((requests, seconds)) = known.get(route).and_then(|series| series.get(&key)) {
            record(requests, seconds, took);
            return;
        }
    }
    let mut all = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let series = all.entry(route.to_owned()).or_default();
    let (requests, seconds) = series.entry(key.clone()).or_insert_with(|| register(route, &key));
    record(requests, seconds, took);
}

/// A caller may invent methods; they must not become series without end.
fn known(method: &Method) -> Method {
    let standard = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
    if standard.contains(method) { method.clone() } else { Method::TRACE }
}

fn register(route: &str, (method, status): &(Method, StatusCode)) -> (Counter, Histogram) {
    let labels = [("method", method.to_string()), ("route", route.to_owned()), ("status", status.as_u16().to_string())];
    (metrics::counter!("http_server_requests_total", &labels), metrics::histogram!("http_request_duration_seconds", &labels[..2]))
}

fn record(requests: &Counter, seconds: &Histogram, took: Duration) {
    requests.increment(1);
    seconds.record(took.as_secs_f64());
}
