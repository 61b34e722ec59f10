use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use chrono::{DateTime, Utc};
use kernel::{ErrorCode, FieldError, TenantId};
use platform::auth::{Actor, Principal, Role};
use platform::http::{
    Access, Api, Client, Command, Json, PageDto, Paging, Path, Problem, Query, RequestId, SESSION_COOKIE, cookie, mutate,
};
use platform::limits::ClientAddress;
use platform::{App, Error, Result};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::model::{Credentials, PasswordChange, RefreshInput, Session, SignIn, SignInKind, SignedIn};
use crate::service::{self, Visit};

pub fn api() -> Api {
    Api::new()
        .route(Access::Public, routes!(login))
        .route(Access::Public, routes!(refresh))
        .route(Access::SignedIn, routes!(logout))
        .route(Access::SignedIn, routes!(logout_all))
        .route(Access::SignedIn, routes!(verify))
        .route(Access::SignedIn, routes!(list_sessions))
        .route(Access::SignedIn, routes!(end_session))
        .route(Access::SignedIn, routes!(change_own_password))
}

/// Who a token stands for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallerDto {
    id: Uuid,
    email: String,
    name: String,
}

impl From<&Principal> for CallerDto {
    fn from(principal: &Principal) -> Self {
        Self { id: principal.user.0, email: principal.email.clone(), name: principal.name.clone() }
    }
}

/// An access token and what gives the next one.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginDto {
    /// A JSON Web Token. Send it as `Authorization: Bearer …`.
    token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    expires_at: DateTime<Utc>,
    /// Seconds until `expires_at`.
    expires_in: i64,
    /// Works once, at `POST /api/v1/auth/refresh`.
    refresh_token: String,
    refresh_expires_at: DateTime<Utc>,
    user: CallerDto,
    #[schema(value_type = String)]
    tenant: TenantId,
    roles: Vec<Role>,
}

impl LoginDto {
    fn new(done: SignedIn, now: DateTime<Utc>) -> Result<Self> {
        let (refresh, refresh_expires_at) =
            done.refresh.ok_or_else(|| Error::internal("an access token without its refresh token"))?;
        Ok(Self {
            token: done.secret.into_string(),
            token_type: "Bearer",
            expires_at: done.expires_at,
            expires_in: (done.expires_at - now).num_seconds().max(0),
            refresh_token: refresh.into_string(),
            refresh_expires_at,
            user: CallerDto::from(&done.principal),
            roles: vec![done.principal.role],
            tenant: done.principal.tenant,
        })
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifyDto {
    user: CallerDto,
    #[schema(value_type = String)]
    tenant: TenantId,
    roles: Vec<Role>,
    /// Seconds since 1970 as in RFC 7519; null for a token that does not expire.
    exp: Option<i64>,
}

/// Where one is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionDto {
    session_id: Uuid,
    /// `PAGE` for a browser, `API` for a program with access and refresh tokens.
    kind: &'static str,
    /// What the program said of itself.
    user_agent: Option<String>,
    /// The network that it was opened from.
    address: Option<String>,
    created_at: DateTime<Utc>,
    /// To the minute.
    last_used_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    /// The session of this very request.
    is_current: bool,
}

impl From<Session> for SessionDto {
    fn from(session: Session) -> Self {
        Self {
            session_id: session.session_id,
            kind: if session.is_page() { "PAGE" } else { "API" },
            user_agent: session.user_agent,
            address: session.address,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            is_current: session.is_current,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndedDto {
    /// How many sessions have ended.
    ended: u64,
}

/// Signs in with address and password, and with a code where the user has a second factor.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", request_body = Credentials,
    responses((status = 200, body = LoginDto),
              (status = 401, body = Problem,
               description = "WRONG_CREDENTIALS, ACCOUNT_LOCKED, SECOND_FACTOR_REQUIRED (the password is right: send code or recovery_code too) or SECOND_FACTOR_WRONG"),
              (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn login(
    State(app): State<App>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    address: ClientAddress,
    client: Client,
    Json(credentials): Json<Credentials>,
) -> Result<axum::Json<LoginDto>> {
    app.limits().sign_in(address, &credentials.email)?;
    let visit = Visit { kind: SignInKind::Access, client, request_id };
    match service::sign_in(&app, &credentials, &visit).await? {
        SignIn::Done(done) => Ok(axum::Json(LoginDto::new(done, app.env.now())?)),
        SignIn::SecondFactor(_) => {
            Err(Error::new(ErrorCode::SecondFactorRequired, "this user has a second factor: send code or recovery_code as well"))
        }
        SignIn::ChooseTenant(tenants) => {
            let names: Vec<&str> = tenants.iter().map(|tenant| tenant.tenant_id.as_str()).collect();
            Err(Error::invalid(vec![FieldError::new("tenant", format!("must be one of {}", names.join(", ")))]))
        }
    }
}

/// Gives a new access token and the next refresh token. A refresh token works once; a second use more than ten seconds
/// later, or after its successor was used, ends the session.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "auth", request_body = RefreshInput,
    responses((status = 200, body = LoginDto), (status = 401, body = Problem, description = "REFRESH_INVALID or REFRESH_REUSED"),
              (status = 409, body = Problem, description = "REFRESH_CONCURRENT: another request uses it at the same time"),
              (status = 422, body = Problem)))]
async fn refresh(
    State(app): State<App>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Json(input): Json<RefreshInput>,
) -> Result<axum::Json<LoginDto>> {
    let done = service::refresh(&app, &input, &request_id).await?;
    Ok(axum::Json(LoginDto::new(done, app.env.now())?))
}

/// Ends the session that the request came with: its access tokens, its refresh token, or the page session.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth",
    responses((status = 204), (status = 401, body = Problem), (status = 409, body = Problem, description = "an API token is revoked instead")))]
async fn logout(State(app): State<App>, actor: Actor, headers: HeaderMap) -> Result<StatusCode> {
    service::sign_out(&app, &actor, presented(&headers).unwrap_or_default()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all of one's own sessions everywhere, pages too, and all their tokens. Named API tokens stay.
#[utoipa::path(post, path = "/api/v1/auth/logout-all", tag = "auth",
    responses((status = 200, body = EndedDto), (status = 401, body = Problem)))]
async fn logout_all(State(app): State<App>, actor: Actor) -> Result<axum::Json<EndedDto>> {
    let ended = mutate(&app, &actor, None, async |tx| service::sign_out_everywhere(tx, &actor).await).await?;
    Ok(axum::Json(EndedDto { ended }))
}

/// Who the token stands for and how long.
#[utoipa::path(get, path = "/api/v1/auth/verify", tag = "auth",
    responses((status = 200, body = VerifyDto), (status = 401, body = Problem, description = "SIGN_IN_REQUIRED, TOKEN_INVALID or TOKEN_EXPIRED")))]
async fn verify(actor: Actor) -> axum::Json<VerifyDto> {
    let principal = actor.principal;
    axum::Json(VerifyDto {
        user: CallerDto::from(&principal),
        roles: vec![principal.role],
        exp: principal.expires_at.map(|at| at.timestamp()),
        tenant: principal.tenant,
    })
}

/// Where one is signed in, newest first.
#[utoipa::path(get, path = "/api/v1/auth/sessions", tag = "auth", params(Paging),
    responses((status = 200, body = PageDto<SessionDto>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn list_sessions(
    State(app): State<App>,
    actor: Actor,
    headers: HeaderMap,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<SessionDto>>> {
    let found = service::list_own_sessions(&app, &actor, presented(&headers), &paging.into()).await?;
    Ok(axum::Json(found.into()))
}

/// Ends one of one's own sessions, with all its tokens.
#[utoipa::path(delete, path = "/api/v1/auth/sessions/{session_id}", tag = "auth", params(("session_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn end_session(State(app): State<App>, Path(session): Path<Uuid>, command: Command<()>) -> Result<StatusCode> {
    command.run(&app, async |tx| service::end_own_session(tx, &command.actor, session).await).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes one's own password; all other sessions end.
#[utoipa::path(post, path = "/api/v1/auth/password", tag = "auth", request_body = PasswordChange,
    responses((status = 204), (status = 401, body = Problem), (status = 422, body = Problem)))]
async fn change_own_password(
    State(app): State<App>,
    actor: Actor,
    headers: HeaderMap,
    Json(input): Json<PasswordChange>,
) -> Result<StatusCode> {
    service::change_own_password(&app, &actor, &input, presented(&headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The secret that the request came with; the bearer token wins over the cookie, as it does in the guard.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer =
        authorization.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    bearer.map(|(_, token)| token.trim()).or_else(|| cookie(headers, SESSION_COOKIE))
}
