use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use platform::auth::Actor;
use platform::http::{Access, Api, Json, Problem};
use platform::{App, Result};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::TotpSetup;
use crate::model::{SecondFactor, SecondFactorProof, TotpCode, TotpRequest};
use crate::service;

pub fn api() -> Api {
    Api::new()
        .route(Access::SignedIn, routes!(second_factor))
        .route(Access::SignedIn, routes!(set_up))
        .route(Access::SignedIn, routes!(confirm))
        .route(Access::SignedIn, routes!(disable))
}

/// How one's own second factor stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecondFactor)]
pub(crate) struct SecondFactorDto {
    /// A sign-in asks for a code.
    is_enabled: bool,
    enabled_at: Option<DateTime<Utc>>,
    /// A secret was made, and no code of it confirmed yet.
    is_pending: bool,
    recovery_codes_left: i64,
}

impl From<SecondFactor> for SecondFactorDto {
    fn from(state: SecondFactor) -> Self {
        Self {
            is_enabled: state.enabled_at.is_some(),
            enabled_at: state.enabled_at,
            is_pending: state.is_pending,
            recovery_codes_left: state.recovery_codes_left,
        }
    }
}

/// What an authenticator application needs, shown while it is set up.
#[derive(Serialize, ToSchema)]
#[schema(as = TotpSetup)]
pub(crate) struct TotpSetupDto {
    /// Base 32, to be typed where nothing can be scanned.
    secret: String,
    /// `otpauth://totp/…`
    uri: String,
    /// The address as a QR code: `data:image/svg+xml;base64,…`
    qr: String,
}

impl From<TotpSetup> for TotpSetupDto {
    fn from(setup: TotpSetup) -> Self {
        Self { secret: setup.secret, uri: setup.uri, qr: setup.qr }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodesDto {
    /// Each opens one sign-in without the application. Shown this once.
    recovery_codes: Vec<String>,
}

/// How one's own second factor stands.
#[utoipa::path(get, path = "/api/v1/auth/totp", tag = "auth",
    responses((status = 200, body = SecondFactorDto), (status = 401, body = Problem)))]
async fn second_factor(State(app): State<App>, actor: Actor) -> Result<axum::Json<SecondFactorDto>> {
    let read = app.db.read(actor.tenant(), async |connection| service::second_factor_of_caller(connection, &actor).await);
    Ok(axum::Json(read.await?.into()))
}

/// Makes a secret for an authenticator application (RFC 6238: SHA-1, 6 digits, 30 seconds). It counts once a code is confirmed.
#[utoipa::path(post, path = "/api/v1/auth/totp/setup", tag = "auth", request_body = TotpRequest,
    responses((status = 200, body = TotpSetupDto), (status = 401, body = Problem),
              (status = 409, body = Problem, description = "one is set up already, or the caller is a machine"),
              (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn set_up(State(app): State<App>, actor: Actor, Json(input): Json<TotpRequest>) -> Result<axum::Json<TotpSetupDto>> {
    Ok(axum::Json(service::set_up_totp(&app, &actor, &input).await?.into()))
}

/// Turns the second factor on with the first code that the application shows.
#[utoipa::path(post, path = "/api/v1/auth/totp/confirm", tag = "auth", request_body = TotpCode,
    responses((status = 200, body = RecoveryCodesDto), (status = 401, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
async fn confirm(State(app): State<App>, actor: Actor, Json(input): Json<TotpCode>) -> Result<axum::Json<RecoveryCodesDto>> {
    let recovery_codes = service::confirm_totp(&app, &actor, &input).await?;
    Ok(axum::Json(RecoveryCodesDto { recovery_codes }))
}

/// Turns one's own second factor off, with the password and a code of either kind.
#[utoipa::path(post, path = "/api/v1/auth/totp/disable", tag = "auth", request_body = SecondFactorProof,
    responses((status = 204), (status = 401, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
              (status = 429, body = Problem)))]
async fn disable(State(app): State<App>, actor: Actor, Json(input): Json<SecondFactorProof>) -> Result<StatusCode> {
    service::disable_second_factor(&app, &actor, &input).await?;
    Ok(StatusCode::NO_CONTENT)
}
