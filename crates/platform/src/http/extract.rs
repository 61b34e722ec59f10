use axum::RequestPartsExt as _;
use axum::body::to_bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use bytes::Bytes;
use kernel::{ErrorCode, FieldError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::idempotency::{IdempotencyKey, mutate};
use super::layers::{BODY_LIMIT_BYTES, STRANGERS_BODY_BYTES};
use crate::auth::Actor;
use crate::database::Tx;
use crate::{App, Error, Result};

/// A JSON body of at most [`BODY_LIMIT_BYTES`]; every failure is a problem that says where.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        let (parts, body) = request.into_parts();
        read(&parts, to_bytes(body, BODY_LIMIT_BYTES).await.map_err(too_large)?.as_ref()).map(Self)
    }
}

/// A command that changes something: who asks, what, and under which idempotency key.
pub struct Command<T> {
    pub actor: Actor,
    pub input: T,
    pub key: Option<IdempotencyKey>,
}

impl<T> Command<T> {
    /// Runs `work` in one transaction, at most once per key, and again when the database asks for it (deadlock, serialization).
    pub async fn run<R>(&self, app: &App, work: impl AsyncFnOnce(&mut Tx) -> Result<R> + Clone) -> Result<R>
    where
        R: Serialize + DeserializeOwned,
    {
        mutate(app, &self.actor, self.key.as_ref(), work).await
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Command<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let actor = parts.extensions.get::<Actor>().cloned().ok_or_else(no_caller)?;
        let body = to_bytes(body, BODY_LIMIT_BYTES).await.map_err(too_large)?;
        let key = IdempotencyKey::from_request(&parts, &body)?;
        let input = if body.is_empty() { read_nothing(&parts)? } else { read(&parts, &body)? };
        Ok(Self { actor, input, key })
    }
}

/// The guard of the route table puts the caller there; a route that needs one and is declared public is our mistake.
fn no_caller() -> Error {
    Error::internal("a route takes the caller but is declared public")
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Actor>().cloned().ok_or_else(no_caller)
    }
}

/// Why a body could not be read whole. The limit of strangers lies deeper in the chain than that of the reader.
pub fn too_large(error: axum::Error) -> Error {
    let mut causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    let depth = causes.position(|cause| cause.is::<http_body_util::LengthLimitError>());
    let Some(depth) = depth else { return Error::new(ErrorCode::MalformedBody, "the body ended early") };
    let limit = if depth == 0 { BODY_LIMIT_BYTES } else { STRANGERS_BODY_BYTES };
    Error::new(ErrorCode::BodyTooLarge, format!("the body is larger than {} KiB", limit / 1024))
}

fn read<T: DeserializeOwned>(parts: &Parts, body: &[u8]) -> Result<T> {
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = content_type.starts_with("application/json") || content_type.contains("+json");
    // `curl -d` without a header says form; with a bearer token that is no way around the origin check.
    let curl_default =
        content_type.starts_with("application/x-www-form-urlencoded") && parts.headers.contains_key("authorization");
    if !is_json && !curl_default {
        return Err(Error::new(ErrorCode::UnsupportedMedia, "the body must be sent as application/json"));
    }
    parse(body)
}

/// A body may be absent only where nothing is required; otherwise the message names the first missing field.
fn read_nothing<T: DeserializeOwned>(_: &Parts) -> Result<T> {
    serde_json::from_str("null").or_else(|_| parse(b"{}"))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        unreadable(&path, &error.into_inner())
    })?;
    deserializer.end().map_err(|error| unreadable(".", &error))?;
    Ok(value)
}

fn unreadable(path: &str, error: &serde_json::Error) -> Error {
    let place = format!("line {}, column {}", error.line(), error.column());
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
    if error.classify() != serde_json::error::Category::Data {
        return Error::new(ErrorCode::MalformedBody, format!("not well-formed JSON: {message} ({place})"));
    }
    let detail = format!("{message} ({place})");
    Error { detail: detail.clone(), ..Error::invalid(vec![FieldError::new(field_at(path, &message), detail)]) }
}

/// The path of the value at fault such as `movements[3].quantity`; `body` when it is the whole.
fn field_at(path: &str, message: &str) -> String {
    // A field that is missing or unknown is named between backticks; the path may end at the object that should hold it.
    let is_about_name = message.starts_with("missing field") || message.starts_with("unknown field");
    let name = message.split('`').nth(1).filter(|_| is_about_name);
    match (path, name) {
        (".", None) => "body".to_owned(),
        (".", Some(name)) => name.to_owned(),
        (path, Some(name)) if path.rsplit('.').next() != Some(name) => format!("{path}.{name}"),
        (path, _) => path.to_owned(),
    }
}

/// Query parameters; failures name the parameter.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let query = parts.extract::<axum::extract::Query<T>>().await;
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|rejection: QueryRejection| {
            Error::new(ErrorCode::MalformedQuery, rejection.body_text().replace("Failed to deserialize query string: ", ""))
        })
    }
}

/// Path parameters; an id that is not one is simply not found, as any other unknown id.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let path = parts.extract::<axum::extract::Path<T>>().await;
        path.map(|axum::extract::Path(value)| Self(value))
            .map_err(|_: PathRejection| Error::new(ErrorCode::NotFound, format!("{} does not exist", parts.uri.path())))
    }
}

impl IdempotencyKey {
    fn from_request(parts: &Parts, body: &Bytes) -> Result<Option<Self>> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(None) };
        let key = value.to_str().ok().filter(|key| (1..=200).contains(&key.len()));
        let key = key.ok_or_else(|| Error::field("Idempotency-Key", "must be 1 to 200 visible ASCII characters"))?;
        Ok(Some(Self::new(key, &format!("{} {}", parts.method, parts.uri.path()), body)))
    }
}
