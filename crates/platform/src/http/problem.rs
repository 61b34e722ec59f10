use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::{ErrorCode, FieldError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Error;
use crate::limits::Exceeded;

/// An error as RFC 9457 has it, with our code and the fields at fault.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Stable address of the kind of problem, `/errors#CODE`.
    pub r#type: String,
    pub title: String,
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The code to compare in programs, see docs/errors.md.
    pub code: String,
    /// What the caller can do about it.
    pub mend: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<ProblemField>)]
    pub errors: Vec<FieldError>,
}

/// One value at fault.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: it documents kernel::FieldError")]
pub(crate) struct ProblemField {
    field: String,
    message: String,
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        Self {
            r#type: format!("/errors#{}", error.code),
            title: error.code.title().into(),
            status: error.code.status(),
            detail: error.detail.clone(),
            code: error.code.name(),
            mend: error.code.mend().into(),
            errors: error.fields.clone(),
        }
    }
}

/// The three fields of draft-ietf-httpapi-ratelimit-headers-06; later drafts fold them into one.
fn say_limit(headers: &mut HeaderMap, exceeded: Exceeded) {
    headers.insert("ratelimit-limit", HeaderValue::from(exceeded.limit));
    headers.insert("ratelimit-remaining", HeaderValue::from(0));
    headers.insert("ratelimit-reset", HeaderValue::from(exceeded.reset));
}

/// Left in the response's extensions, so that the pages can show the same problem in their own way.
#[derive(Clone, Debug)]
pub struct FailedWith(pub Problem);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if self.code.status() == 500 {
            tracing::error!(error = %self, source = ?self.source, "a request failed");
        } else if self.code.status() > 500 {
            tracing::warn!(error = %self, source = ?self.source, "a request could not be served");
        }
        let problem = Problem::from(&self);
        let status = StatusCode::from_u16(problem.status).expect("the table holds valid statuses");
        let body = serde_json::to_vec(&problem).expect("a problem holds only text");
        let mut response = (status, body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(exceeded) = self.source.as_ref().and_then(|source| source.downcast_ref::<Exceeded>()) {
            say_limit(response.headers_mut(), *exceeded);
        }
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6750, section 3.1: a token that was sent and refused is told apart from one that is missing.
            let was_sent = matches!(self.code, ErrorCode::TokenInvalid | ErrorCode::TokenExpired);
            let challenge = if was_sent { r#"Bearer error="invalid_token""# } else { "Bearer" };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(FailedWith(problem));
        response
    }
}
