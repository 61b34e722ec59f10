mod auth;
mod second_factor;

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use platform::audit::{self, AUDIT_READ};
use platform::auth::{Actor, Role};
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::model::{IssuedToken, NewToken, NewUser, PasswordReset, Token, TokenFilter, User, UserFilter, UserPatch};
use crate::{CreatedUser, TOKENS_READ, TOKENS_WRITE, USERS_READ, USERS_WRITE, service};

pub fn api() -> Api {
    Api::new()
        .merge(auth::api())
        .merge(second_factor::api())
        .route(Access::Needs(USERS_READ), routes!(list_users))
        .route(Access::Needs(USERS_WRITE), routes!(create_user))
        .route(Access::Needs(USERS_READ), routes!(get_user))
        .route(Access::Needs(USERS_WRITE), routes!(edit_user))
        .route(Access::Needs(USERS_WRITE), routes!(reset_password))
        .route(Access::Needs(USERS_WRITE), routes!(reset_second_factor))
        .route(Access::Needs(TOKENS_READ), routes!(list_tokens))
        .route(Access::Needs(TOKENS_WRITE), routes!(create_token))
        .route(Access::Needs(TOKENS_WRITE), routes!(revoke_token))
        .route(Access::Needs(AUDIT_READ), routes!(list_audit))
}

/// A person or a machine that works here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserDto {
    user_id: Uuid,
    email: String,
    name: String,
    role: Role,
    is_active: bool,
    /// A machine has none and works with API tokens only.
    has_password: bool,
    /// A sign-in asks for a code as well.
    has_second_factor: bool,
    /// After too many failed sign-ins.
    locked_until: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_sign_in_at: Option<DateTime<Utc>>,
}

impl From<User> for UserDto {
    fn from(user: User) -> Self {
        Self {
            user_id: user.user_id.0,
            email: user.email,
            name: user.name,
            role: user.role,
            is_active: user.is_active,
            has_password: user.has_password,
            has_second_factor: user.has_second_factor,
            locked_until: user.locked_until,
            version: user.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
            last_sign_in_at: user.last_sign_in_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = CreatedUser)]
pub(crate) struct CreatedUserDto {
    #[serde(flatten)]
    user: UserDto,
    /// The password that was made, shown this once; absent when one was given, and in the answer to a repeated request.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_time_password: Option<String>,
}

impl From<CreatedUser> for CreatedUserDto {
    fn from(created: CreatedUser) -> Self {
        let one_time_password = created.one_time_password.map(|password| password.expose().to_owned());
        Self { user: created.user.into(), one_time_password }
    }
}

/// A named API token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub(crate) struct TokenDto {
    token_id: Uuid,
    name: String,
    role: Role,
    user_id: Uuid,
    user_name: String,
    created_at: DateTime<Utc>,
    /// Never, when null.
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    /// To the minute.
    last_used_at: Option<DateTime<Utc>>,
}

impl From<Token> for TokenDto {
    fn from(token: Token) -> Self {
        Self {
            token_id: token.token_id,
            name: token.name,
            role: token.role,
            user_id: token.user_id.0,
            user_name: token.user_name,
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
            last_used_at: token.last_used_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = IssuedToken)]
pub(crate) struct IssuedTokenDto {
    #[serde(flatten)]
    about: TokenDto,
    /// The token itself, shown this once; null in the answer to a repeated request.
    token: Option<String>,
}

impl From<IssuedToken> for IssuedTokenDto {
    fn from(issued: IssuedToken) -> Self {
        Self { about: issued.token.into(), token: issued.secret.map(crate::Secret::into_string) }
    }
}

/// Users by name.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", params(UserFilter, Paging),
    responses((status = 200, body = PageDto<UserDto>), (status = 400, body = Problem), (status = 403, body = Problem)))]
async fn list_users(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<UserFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<UserDto>>> {
    let page = paging.into();
    let found =
        app.db.read(actor.tenant(), async |connection| service::list_users(connection, &actor, &filter, &page).await).await?;
    Ok(axum::Json(found.into()))
}

/// Makes a user, with the given password or with one that is shown once.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = NewUser,
    responses((status = 201, body = CreatedUserDto), (status = 403, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
async fn create_user(State(app): State<App>, command: Command<NewUser>) -> Result<(StatusCode, axum::Json<CreatedUserDto>)> {
    let made = command.run(&app, async |tx| service::create_user(tx, &command.actor, &command.input).await).await?;
    Ok((StatusCode::CREATED, axum::Json(made.into())))
}

/// One user.
#[utoipa::path(get, path = "/api/v1/users/{user}", tag = "users", params(("user" = String, Path, description = "id or e-mail address")),
    responses((status = 200, body = UserDto), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn get_user(State(app): State<App>, actor: Actor, Path(user): Path<String>) -> Result<axum::Json<UserDto>> {
    let found = app.db.read(actor.tenant(), async |connection| service::get_user(connection, &actor, &user).await).await?;
    Ok(axum::Json(found.into()))
}

/// Changes name or role, activates or deactivates, ends a lock.
#[utoipa::path(patch, path = "/api/v1/users/{user}", tag = "users", params(("user" = String, Path, description = "id or e-mail address")),
    request_body = UserPatch,
    responses((status = 200, body = UserDto), (status = 403, body = Problem), (status = 404, body = Problem),
              (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn edit_user(State(app): State<App>, Path(user): Path<String>, command: Command<UserPatch>) -> Result<axum::Json<UserDto>> {
    let edited = command.run(&app, async |tx| service::update_user(tx, &command.actor, &user, &command.input).await).await?;
    Ok(axum::Json(edited.into()))
}

/// Gives another user a new password, the given one or one that is shown once; their sessions end.
#[utoipa::path(post, path = "/api/v1/users/{user}/password", tag = "users",
    params(("user" = String, Path, description = "id or e-mail address")), request_body = PasswordReset,
    responses((status = 200, body = CreatedUserDto), (status = 403, body = Problem), (status = 404, body = Problem),
              (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn reset_password(
    State(app): State<App>,
    Path(user): Path<String>,
    command: Command<PasswordReset>,
) -> Result<axum::Json<CreatedUserDto>> {
    let reset = command.run(&app, async |tx| service::reset_password(tx, &command.actor, &user, &command.input).await).await?;
    Ok(axum::Json(reset.into()))
}

/// Takes away another user's second factor, who lost the application and the recovery codes.
#[utoipa::path(delete, path = "/api/v1/users/{user}/second-factor", tag = "users",
    params(("user" = String, Path, description = "id or e-mail address")),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem),
              (status = 409, body = Problem, description = "one's own is ended with password and code")))]
async fn reset_second_factor(State(app): State<App>, Path(user): Path<String>, command: Command<()>) -> Result<StatusCode> {
    command.run(&app, async |tx| service::reset_second_factor(tx, &command.actor, &user).await).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// API tokens, newest first.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", params(TokenFilter, Paging),
    responses((status = 200, body = PageDto<TokenDto>), (status = 400, body = Problem), (status = 403, body = Problem)))]
async fn list_tokens(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<TokenFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<TokenDto>>> {
    let page = paging.into();
    let found =
        app.db.read(actor.tenant(), async |connection| service::list_tokens(connection, &actor, &filter, &page).await).await?;
    Ok(axum::Json(found.into()))
}

/// Makes an API token; its secret is shown once.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = NewToken,
    responses((status = 201, body = IssuedTokenDto), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn create_token(State(app): State<App>, command: Command<NewToken>) -> Result<(StatusCode, axum::Json<IssuedTokenDto>)> {
    let issued = command.run(&app, async |tx| service::create_api_token(tx, &command.actor, &command.input).await).await?;
    Ok((StatusCode::CREATED, axum::Json(issued.into())))
}

/// Revokes an API token at once and for good.
#[utoipa::path(delete, path = "/api/v1/tokens/{token_id}", tag = "tokens", params(("token_id" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn revoke_token(State(app): State<App>, Path(token_id): Path<Uuid>, command: Command<()>) -> Result<StatusCode> {
    command.run(&app, async |tx| service::revoke_token(tx, &command.actor, token_id).await).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who did what, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(audit::Filter, Paging),
    responses((status = 200, body = PageDto<audit::Record>), (status = 400, body = Problem), (status = 403, body = Problem)))]
async fn list_audit(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<audit::Filter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<audit::Record>>> {
    let page = paging.into();
    let found = app.db.read(actor.tenant(), async |connection| audit::list(connection, &actor, &filter, &page).await).await?;
    Ok(axum::Json(found.into()))
}
