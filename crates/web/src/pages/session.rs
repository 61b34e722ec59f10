//! Signing in and out, the own account, the theme.

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use identity::{Credentials, Password, PasswordChange, SignInKind};
use kernel::ErrorCode;
use platform::auth::Actor;
use platform::http::{Access, Api, RequestId, SESSION_COOKIE, cookie, is_same_origin};
use platform::limits::ClientAddress;
use platform::{App, Error, Result};
use serde::Deserialize;

use super::visitor::{Form, Guest, THEME_COOKIE, Visitor, done, local, refuse, set_cookie, show};
use crate::view::{Account, AccountInput, Choice, Errors, SignIn, SignInInput};

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/sign-in", Access::Public, get(form))
        .page(Method::POST, "/sign-in", Access::Public, post(sign_in))
        .page(Method::POST, "/sign-out", Access::SignedIn, post(sign_out))
        .page(Method::GET, "/account", Access::SignedIn, get(account))
        .page(Method::POST, "/account/password", Access::SignedIn, post(change_password))
        .page(Method::POST, "/theme", Access::SignedIn, post(theme))
}

async fn form(guest: Guest, Query(input): Query<SignInInput>) -> Result<Response> {
    let notice = guest.flash.as_ref().map(|flash| flash.text.clone());
    show(&SignIn { page: guest.page("Sign in"), input, errors: Errors::none(), tenants: Vec::new(), notice })
}

/// A sign-in from another site would put the visitor into the attacker's account, so it must come from our own form.
async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Extension(request): Extension<RequestId>,
    address: ClientAddress,
    guest: Guest,
    form: Form<SignInInput>,
) -> Result<Response> {
    if !is_same_origin(&headers) {
        return Err(Error::new(ErrorCode::CrossOrigin, "the sign-in does not come from this site's own form"));
    }
    let input = form.input;
    app.limits().sign_in(address, &input.email)?;
    let credentials = Credentials {
        email: input.email.clone(),
        password: Password::from(input.password.clone()),
        tenant: Some(input.tenant.clone()).filter(|tenant| !tenant.is_empty()),
    };
    match identity::service::sign_in(&app, &credentials, SignInKind::Session, &request.0).await {
        Ok(identity::SignIn::Done(signed_in)) => {
            let mut response = Redirect::to(local(&input.next)).into_response();
            let age = (signed_in.expires_at - app.env.now()).num_seconds();
            set_session(&mut response, &app, signed_in.secret.expose(), age);
            Ok(response)
        }
        Ok(identity::SignIn::ChooseTenant(tenants)) => {
            let tenants = tenants.iter().map(|tenant| Choice::new(tenant.tenant_id.as_str(), &tenant.name)).collect();
            let notice = Some("Choose the organisation, and enter the password again.".into());
            show(&SignIn { page: guest.page("Sign in"), input, errors: Errors::none(), tenants, notice })
        }
        Err(error) => {
            refuse(error, |errors| SignIn { page: guest.page("Sign in"), input, errors, tenants: Vec::new(), notice: None })
        }
    }
}

pub fn set_session(response: &mut Response, app: &App, secret: &str, max_age_seconds: i64) {
    let secure = if app.config.https { "; Secure" } else { "" };
    set_cookie(
        response,
        &format!("{SESSION_COOKIE}={secret}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Lax{secure}"),
    );
}

async fn sign_out(State(app): State<App>, actor: Actor, headers: HeaderMap) -> Result<Response> {
    if let Some(secret) = cookie(&headers, SESSION_COOKIE) {
        identity::service::sign_out(&app, &actor, secret).await?;
    }
    let mut response = Redirect::to("/sign-in").into_response();
    set_session(&mut response, &app, "", 0);
    Ok(response)
}

async fn account(visitor: Visitor) -> Result<Response> {
    show(&account_view(&visitor, Errors::none()))
}

fn account_view(visitor: &Visitor, errors: Errors) -> Account {
    Account { page: visitor.page("Your account"), email: visitor.actor.principal.email.clone(), errors }
}

async fn change_password(visitor: Visitor, headers: HeaderMap, form: Form<AccountInput>) -> Result<Response> {
    let input = form.input;
    if input.new_password != input.new_password_again {
        let error = Error::field("new_password_again", "is not the same as the new password");
        return refuse(error, |errors| account_view(&visitor, errors));
    }
    let change = PasswordChange {
        current_password: Password::from(input.current_password),
        new_password: Password::from(input.new_password),
    };
    // The session that asks stays; every other one ends.
    let keep = cookie(&headers, SESSION_COOKIE);
    match identity::service::change_own_password(&visitor.app, &visitor.actor, &change, keep).await {
        Ok(()) => Ok(done("/account", "Your password is changed; other sessions have ended.")),
        Err(error) => refuse(error, |errors| account_view(&visitor, errors)),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ThemeInput {
    theme: String,
    next: String,
}

async fn theme(form: Form<ThemeInput>) -> Response {
    let mut response = Redirect::to(local(&form.input.next)).into_response();
    let theme = if matches!(form.input.theme.as_str(), "light" | "dark") { form.input.theme.as_str() } else { "auto" };
    set_cookie(&mut response, &format!("{THEME_COOKIE}={theme}; Path=/; Max-Age=31536000; SameSite=Lax"));
    response
}
