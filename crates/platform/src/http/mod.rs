//! HTTP conventions: one route table with declared access, problem+json, extractors, idempotency, limits and headers.

mod client;
mod csrf;
mod extract;
mod group;
mod idempotency;
mod layers;
mod measure;
mod problem;
mod route;
mod stream;

pub use client::Client;
pub use csrf::{CSRF_FIELD, CSRF_HEADER, csrf_token};
pub use extract::{Command, Json, Path, Query, too_large};
pub use group::{Grouped, mutate_grouped};
pub use idempotency::{IdempotencyKey, mutate};
pub use layers::{BODY_LIMIT_BYTES, Listener, RequestId, UPLOAD_LIMIT_BYTES, finish};
pub use problem::{FailedWith, Problem};
pub use route::{Access, Api, RouteInfo, Routes, SESSION_COOKIE, cookie, is_same_origin, is_unlimited};
pub use stream::{Streams, event_stream};

use kernel::PageRequest;

/// Adds the two paging parameters to a list's OpenAPI parameters.
#[derive(Clone, Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Rows at most, 1 to 500; 50 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl From<Paging> for PageRequest {
    fn from(paging: Paging) -> Self {
        PageRequest { limit: paging.limit, cursor: paging.cursor.map(kernel::Cursor) }
    }
}

/// One page of a list, as the API shows it.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct PageDto<T> {
    pub items: Vec<T>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl<T, U: From<T>> From<kernel::Page<T>> for PageDto<U> {
    fn from(page: kernel::Page<T>) -> Self {
        Self { items: page.items.into_iter().map(U::from).collect(), next_cursor: page.next_cursor.map(|cursor| cursor.0) }
    }
}
