//! Users and API tokens.

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::TimeDelta;
use identity::{
    CreatedUser, NewToken, NewUser, PasswordReset, TOKENS_READ, TOKENS_WRITE, TokenFilter, USERS_READ, USERS_WRITE, User,
    UserFilter, UserPatch,
};
use kernel::{MAX_PAGE_SIZE, PageRequest};
use platform::auth::Role;
use platform::http::{Access, Api, Path};
use platform::{Error, Result};
use uuid::Uuid;

use super::visitor::{Form, Visitor, done, failed, redirect, refuse, show};
use crate::view::{Choice, Errors, FlashKind, TokenInput, TokenList, TokenRow, UserForm, UserInput, UserList, UserRow};

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/users", Access::Needs(USERS_READ), get(users))
        .page(Method::POST, "/users", Access::Needs(USERS_WRITE), post(create_user))
        .page(Method::GET, "/users/new", Access::Needs(USERS_WRITE), get(new_user))
        .page(Method::GET, "/users/{id}", Access::Needs(USERS_READ), get(user))
        .page(Method::POST, "/users/{id}", Access::Needs(USERS_WRITE), post(edit_user))
        .page(Method::POST, "/users/{id}/reset-password", Access::Needs(USERS_WRITE), post(reset_password))
        .page(Method::POST, "/users/{id}/reset-second-factor", Access::Needs(USERS_WRITE), post(reset_second_factor))
        .page(Method::POST, "/users/{id}/activate", Access::Needs(USERS_WRITE), post(activate))
        .page(Method::POST, "/users/{id}/deactivate", Access::Needs(USERS_WRITE), post(deactivate))
        .page(Method::GET, "/tokens", Access::Needs(TOKENS_READ), get(tokens))
        .page(Method::POST, "/tokens", Access::Needs(TOKENS_WRITE), post(create_token))
        .page(Method::POST, "/tokens/{id}/revoke", Access::Needs(TOKENS_WRITE), post(revoke_token))
}

fn whole_list() -> PageRequest {
    PageRequest { limit: Some(MAX_PAGE_SIZE), cursor: None }
}

/// The roles that the visitor may grant.
fn roles(visitor: &Visitor) -> Vec<Choice> {
    let own = visitor.actor.principal.role;
    Role::ALL
        .into_iter()
        .filter(|role| *role <= own)
        .map(|role| Choice::new(role.as_str(), role.as_str().replace('_', " ").to_lowercase()))
        .collect()
}

fn role(text: &str) -> Result<Role> {
    text.parse().map_err(|invalid: kernel::Invalid| invalid.at("role").into())
}

async fn users(visitor: Visitor) -> Result<Response> {
    let actor = &visitor.actor;
    let page = visitor
        .app
        .db
        .read(actor.tenant(), async |connection| {
            identity::service::list_users(connection, actor, &UserFilter::default(), &whole_list()).await
        })
        .await?;
    let users = page.items.into_iter().map(|user| row(&visitor, user)).collect();
    show(&UserList { page: visitor.page("Users"), users, can_write: visitor.may(USERS_WRITE) })
}

fn row(visitor: &Visitor, user: User) -> UserRow {
    UserRow {
        href: format!("/users/{}", user.user_id),
        is_self: user.user_id == visitor.actor.principal.user,
        name: user.name,
        email: user.email,
        role: user.role.to_string(),
        is_active: user.is_active,
        locked_until: user.locked_until,
        last_sign_in_at: user.last_sign_in_at,
    }
}

fn form_for(visitor: &Visitor, user: Option<&User>, input: UserInput, errors: Errors) -> UserForm {
    UserForm {
        page: visitor.page(user.map_or_else(|| "New user".to_owned(), |user| user.name.clone())),
        href: user.map(|user| format!("/users/{}", user.user_id)),
        roles: roles(visitor),
        input,
        errors,
        is_active: user.is_none_or(|user| user.is_active),
        is_self: user.is_some_and(|user| user.user_id == visitor.actor.principal.user),
        locked_until: user.and_then(|user| user.locked_until),
        has_second_factor: user.is_some_and(|user| user.has_second_factor),
        one_time_password: None,
    }
}

fn input_of(user: &User) -> UserInput {
    UserInput {
        idempotency_key: String::new(),
        version: user.version.to_string(),
        name: user.name.clone(),
        email: user.email.clone(),
        role: user.role.to_string(),
    }
}

async fn new_user(visitor: Visitor) -> Result<Response> {
    let input = UserInput { role: Role::Staff.to_string(), ..UserInput::default() };
    show(&form_for(&visitor, None, input, Errors::none()))
}

async fn create_user(visitor: Visitor, form: Form<UserInput>) -> Result<Response> {
    let made = async {
        let new = NewUser {
            email: form.input.email.clone(),
            name: form.input.name.clone(),
            role: role(&form.input.role)?,
            password: None,
        };
        visitor.change(form.key.as_ref(), async |tx| identity::service::create_user(tx, &visitor.actor, &new).await).await
    };
    match made.await {
        Ok(created) => show_password(&visitor, &created),
        Err(error) => refuse(error, |errors| form_for(&visitor, None, form.input, errors)),
    }
}

/// The password is shown on the answer itself, once: a redirect would have to carry it. A form that is sent again has none.
fn show_password(visitor: &Visitor, created: &CreatedUser) -> Result<Response> {
    let Some(password) = &created.one_time_password else {
        let text = "This form was sent twice. The password was in the first answer only: make a new one if nobody noted it.";
        return Ok(redirect(&format!("/users/{}", created.user.user_id), FlashKind::Note, text));
    };
    let one_time_password = Some(password.expose().to_owned());
    show(&UserForm { one_time_password, ..form_for(visitor, Some(&created.user), input_of(&created.user), Errors::none()) })
}

async fn load(visitor: &Visitor, id: Uuid) -> Result<User> {
    let actor = &visitor.actor;
    visitor
        .app
        .db
        .read(actor.tenant(), async |connection| identity::service::get_user(connection, actor, &id.to_string()).await)
        .await
}

async fn user(visitor: Visitor, Path(id): Path<Uuid>) -> Result<Response> {
    let user = load(&visitor, id).await?;
    show(&form_for(&visitor, Some(&user), input_of(&user), Errors::none()))
}

async fn edit_user(visitor: Visitor, Path(id): Path<Uuid>, form: Form<UserInput>) -> Result<Response> {
    let user = load(&visitor, id).await?;
    let changed = async {
        let patch = UserPatch {
            version: version(&form.input.version)?,
            name: Some(form.input.name.clone()),
            role: Some(role(&form.input.role)?).filter(|role| *role != user.role),
            is_active: None,
            unlock: false,
        };
        visitor
            .change(form.key.as_ref(), async |tx| {
                identity::service::update_user(tx, &visitor.actor, &id.to_string(), &patch).await
            })
            .await
    };
    match changed.await {
        Ok(_) => Ok(done(&format!("/users/{id}"), "Saved.")),
        Err(error) => {
            let input = UserInput { email: user.email.clone(), ..form.input };
            refuse(error, |errors| form_for(&visitor, Some(&user), input, errors))
        }
    }
}

fn version(text: &str) -> Result<i32> {
    text.parse().map_err(|_| Error::field("version", "is missing; load the page again"))
}

async fn reset_password(visitor: Visitor, Path(id): Path<Uuid>, form: Form<UserInput>) -> Result<Response> {
    let reset = PasswordReset { new_password: None };
    let done = visitor
        .change(form.key.as_ref(), async |tx| {
            identity::service::reset_password(tx, &visitor.actor, &id.to_string(), &reset).await
        })
        .await;
    match done {
        Ok(created) => show_password(&visitor, &created),
        Err(error) => Ok(failed(&format!("/users/{id}"), &error)),
    }
}

async fn reset_second_factor(visitor: Visitor, Path(id): Path<Uuid>, form: Form<UserInput>) -> Result<Response> {
    let href = format!("/users/{id}");
    let reset = visitor
        .change(form.key.as_ref(), async |tx| identity::service::reset_second_factor(tx, &visitor.actor, &id.to_string()).await);
    Ok(match reset.await {
        Ok(()) => done(&href, "The second factor is gone: the next sign-in asks for the password only."),
        Err(error) => failed(&href, &error),
    })
}

async fn activate(visitor: Visitor, Path(id): Path<Uuid>, form: Form<UserInput>) -> Result<Response> {
    set_active(&visitor, id, &form, true).await
}

async fn deactivate(visitor: Visitor, Path(id): Path<Uuid>, form: Form<UserInput>) -> Result<Response> {
    set_active(&visitor, id, &form, false).await
}

async fn set_active(visitor: &Visitor, id: Uuid, form: &Form<UserInput>, is_active: bool) -> Result<Response> {
    let href = format!("/users/{id}");
    let patch = UserPatch {
        version: version(&form.input.version)?,
        name: None,
        role: None,
        is_active: Some(is_active),
        unlock: is_active,
    };
    let changed = visitor
        .change(form.key.as_ref(), async |tx| identity::service::update_user(tx, &visitor.actor, &id.to_string(), &patch).await);
    Ok(match changed.await {
        Ok(_) => done(&href, if is_active { "Active again." } else { "Deactivated: sessions and tokens stopped working." }),
        Err(error) => failed(&href, &error),
    })
}

async fn token_view(visitor: &Visitor, input: TokenInput, errors: Errors) -> Result<TokenList> {
    let actor = &visitor.actor;
    let page = visitor
        .app
        .db
        .read(actor.tenant(), async |connection| {
            identity::service::list_tokens(connection, actor, &TokenFilter::default(), &whole_list()).await
        })
        .await?;
    let now = visitor.app.env.now();
    let tokens = page.items.into_iter().map(|token| TokenRow {
        href: format!("/tokens/{}", token.token_id),
        name: token.name,
        role: token.role.to_string(),
        owner: token.user_name,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
        is_revoked: token.revoked_at.is_some(),
        is_expired: token.expires_at.is_some_and(|at| at <= now),
    });
    Ok(TokenList {
        tokens: tokens.collect(),
        roles: roles(visitor),
        input,
        errors,
        created: None,
        can_write: visitor.may(TOKENS_WRITE),
        page: visitor.page("API tokens"),
    })
}

/// What the form proposes.
fn blank_token() -> TokenInput {
    TokenInput { role: Role::Staff.to_string(), days: "90".into(), ..TokenInput::default() }
}

async fn tokens(visitor: Visitor) -> Result<Response> {
    show(&token_view(&visitor, blank_token(), Errors::none()).await?)
}

async fn create_token(visitor: Visitor, form: Form<TokenInput>) -> Result<Response> {
    let made = async {
        let days = Some(form.input.days.trim()).filter(|days| !days.is_empty()).map(str::parse::<u16>).transpose();
        let days = days.map_err(|_| Error::field("days", "must be a whole number of days, or empty"))?;
        let expires_at = days.map(|days| visitor.app.env.now() + TimeDelta::days(i64::from(days)));
        let new = NewToken { name: form.input.name.clone(), role: role(&form.input.role)?, user: None, expires_at };
        visitor.change(form.key.as_ref(), async |tx| identity::service::create_api_token(tx, &visitor.actor, &new).await).await
    };
    match made.await {
        Ok(issued) => {
            let Some(secret) = issued.secret else {
                let text = "This form was sent twice. The token was in the first answer only: revoke it and make another if nobody noted it.";
                return Ok(redirect("/tokens", FlashKind::Note, text));
            };
            let created = Some(secret.into_string());
            show(&TokenList { created, ..token_view(&visitor, blank_token(), Errors::none()).await? })
        }
        Err(error) => {
            let view = token_view(&visitor, form.input.clone(), Errors::none()).await?;
            refuse(error, |errors| TokenList { errors, ..view })
        }
    }
}

async fn revoke_token(visitor: Visitor, Path(id): Path<Uuid>, form: Form<TokenInput>) -> Result<Response> {
    let revoked =
        visitor.change(form.key.as_ref(), async |tx| identity::service::revoke_token(tx, &visitor.actor, id).await).await;
    Ok(match revoked {
        Ok(()) => done("/tokens", "Revoked: what used it has stopped working."),
        Err(error) => failed("/tokens", &error),
    })
}
