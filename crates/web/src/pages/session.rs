//! Signing in, with its second step, and out; the theme.

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use identity::service::Visit;
use identity::{Credentials, Password, SignInKind, SignedIn};
use kernel::ErrorCode;
use platform::auth::Actor;
use platform::http::{Access, Api, Client, RequestId, SESSION_COOKIE, cookie, is_same_origin};
use platform::limits::ClientAddress;
use platform::{App, Error, Hidden, Result};
use serde::Deserialize;

use super::visitor::{Form, Guest, THEME_COOKIE, local, redirect, refuse, set_cookie, show};
use crate::view::{Choice, CodeStep, CodeStepInput, Errors, FlashKind, SignIn, SignInInput};

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/sign-in", Access::Public, get(form))
        .page(Method::POST, "/sign-in", Access::Public, post(sign_in))
        .page(Method::POST, "/sign-in/code", Access::Public, post(sign_in_code))
        .page(Method::POST, "/sign-out", Access::SignedIn, post(sign_out))
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
    client: Client,
    guest: Guest,
    form: Form<SignInInput>,
) -> Result<Response> {
    from_our_form(&headers)?;
    let input = form.input;
    app.limits().sign_in(address, &input.email)?;
    let credentials = Credentials {
        email: input.email.clone(),
        password: Password::from(input.password.clone()),
        tenant: Some(input.tenant.clone()).filter(|tenant| !tenant.is_empty()),
        ..Credentials::default()
    };
    match identity::service::sign_in(&app, &credentials, &visit(client, request)).await {
        Ok(identity::SignIn::Done(signed_in)) => Ok(enter(&app, &signed_in, &input.next)),
        Ok(identity::SignIn::SecondFactor(ticket)) => {
            let input = CodeStepInput { ticket: ticket.expose().to_owned(), next: input.next, ..CodeStepInput::default() };
            show(&CodeStep { page: guest.page("Sign in"), input, errors: Errors::none() })
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

/// The ticket stands for the password, which is not asked for again.
async fn sign_in_code(
    State(app): State<App>,
    headers: HeaderMap,
    Extension(request): Extension<RequestId>,
    client: Client,
    guest: Guest,
    form: Form<CodeStepInput>,
) -> Result<Response> {
    from_our_form(&headers)?;
    let input = form.input;
    let given = |text: &str| Some(Hidden::from(text.to_owned()));
    let (code, recovery_code) = (given(&input.code), given(&input.recovery_code));
    let visit = visit(client, request);
    match identity::service::finish_sign_in(&app, &input.ticket, code.as_ref(), recovery_code.as_ref(), &visit).await {
        Ok(signed_in) => Ok(enter(&app, &signed_in, &input.next)),
        Err(error) if error.code == ErrorCode::WrongCredentials => {
            Ok(redirect("/sign-in", FlashKind::Note, "That took too long. Please sign in again."))
        }
        Err(error) => refuse(error, |errors| CodeStep { page: guest.page("Sign in"), input, errors }),
    }
}

fn from_our_form(headers: &HeaderMap) -> Result<()> {
    if is_same_origin(headers) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::CrossOrigin, "the sign-in does not come from this site's own form"))
}

fn visit(client: Client, RequestId(request_id): RequestId) -> Visit {
    Visit { kind: SignInKind::Session, client, request_id }
}

fn enter(app: &App, signed_in: &SignedIn, next: &str) -> Response {
    let mut response = Redirect::to(local(next)).into_response();
    let age = (signed_in.expires_at - app.env.now()).num_seconds();
    set_session(&mut response, app, signed_in.secret.expose(), age);
    response
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
