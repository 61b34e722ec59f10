//! One's own account: password, second factor, sessions.

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use identity::{Password, PasswordChange, SecondFactor, SecondFactorProof, Session, TotpCode, TotpRequest, TotpSetup};
use kernel::{MAX_PAGE_SIZE, PageRequest};
use platform::http::{Access, Api, Path, SESSION_COOKIE, cookie};
use platform::{App, Error, Hidden, Result};
use uuid::Uuid;

use super::session::set_session;
use super::visitor::{Form, Visitor, done, failed, refuse, show};
use crate::view::{Account, AccountInput, Errors, SecondFactorInput, SecondFactorPage, SessionRow, TotpCodes};

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/account", Access::SignedIn, get(account))
        .page(Method::POST, "/account/password", Access::SignedIn, post(change_password))
        .page(Method::POST, "/account/sessions/{id}/end", Access::SignedIn, post(end_session))
        .page(Method::POST, "/account/sign-out-everywhere", Access::SignedIn, post(sign_out_everywhere))
        .page(Method::GET, "/account/second-factor", Access::SignedIn, get(second_factor))
        .page(Method::POST, "/account/second-factor", Access::SignedIn, post(set_up))
        .page(Method::POST, "/account/second-factor/confirm", Access::SignedIn, post(confirm))
        .page(Method::POST, "/account/second-factor/end", Access::SignedIn, post(end_second_factor))
}

async fn account(visitor: Visitor, headers: HeaderMap) -> Result<Response> {
    show(&account_view(&visitor, &headers, Errors::none()).await?)
}

async fn account_view(visitor: &Visitor, headers: &HeaderMap, errors: Errors) -> Result<Account> {
    let page = PageRequest { limit: Some(MAX_PAGE_SIZE), cursor: None };
    let secret = cookie(headers, SESSION_COOKIE);
    let sessions = identity::service::list_own_sessions(&visitor.app, &visitor.actor, secret, &page).await?;
    let state = state(visitor).await?;
    Ok(Account {
        page: visitor.page("Your account"),
        email: visitor.actor.principal.email.clone(),
        errors,
        second_factor_since: state.enabled_at,
        recovery_codes_left: state.recovery_codes_left,
        sessions: sessions.items.into_iter().map(row).collect(),
    })
}

fn row(session: Session) -> SessionRow {
    SessionRow {
        href: format!("/account/sessions/{}", session.session_id),
        is_page: session.is_page(),
        is_current: session.is_current,
        program: session.user_agent.unwrap_or_default(),
        network: session.address.unwrap_or_default(),
        created_at: session.created_at,
        last_used_at: session.last_used_at,
    }
}

async fn state(visitor: &Visitor) -> Result<SecondFactor> {
    let actor = &visitor.actor;
    let read = async |connection: &mut _| identity::service::second_factor_of_caller(connection, actor).await;
    visitor.app.db.read(actor.tenant(), read).await
}

async fn change_password(visitor: Visitor, headers: HeaderMap, form: Form<AccountInput>) -> Result<Response> {
    let input = form.input;
    let changed = async {
        if input.new_password != input.new_password_again {
            return Err(Error::field("new_password_again", "is not the same as the new password"));
        }
        let change = PasswordChange {
            current_password: Password::from(input.current_password),
            new_password: Password::from(input.new_password),
        };
        // The session that asks stays; every other one ends.
        let keep = cookie(&headers, SESSION_COOKIE);
        identity::service::change_own_password(&visitor.app, &visitor.actor, &change, keep).await
    };
    match changed.await {
        Ok(()) => Ok(done("/account", "Your password is changed; other sessions have ended.")),
        Err(error) => {
            let view = account_view(&visitor, &headers, Errors::none()).await?;
            refuse(error, |errors| Account { errors, ..view })
        }
    }
}

async fn end_session(visitor: Visitor, Path(id): Path<Uuid>, form: Form<SecondFactorInput>) -> Result<Response> {
    let ended = visitor.change(form.key.as_ref(), async |tx| identity::service::end_own_session(tx, &visitor.actor, id).await);
    Ok(match ended.await {
        Ok(()) => done("/account", "The session has ended."),
        Err(error) => failed("/account", &error),
    })
}

async fn sign_out_everywhere(State(app): State<App>, visitor: Visitor, form: Form<SecondFactorInput>) -> Result<Response> {
    visitor.change(form.key.as_ref(), async |tx| identity::service::sign_out_everywhere(tx, &visitor.actor).await).await?;
    let mut response = Redirect::to("/sign-in").into_response();
    set_session(&mut response, &app, "", 0);
    Ok(response)
}

fn view(visitor: &Visitor, state: &SecondFactor, setup: Option<TotpSetup>, errors: Errors) -> SecondFactorPage {
    SecondFactorPage {
        page: visitor.page("Second factor"),
        email: visitor.actor.principal.email.clone(),
        errors,
        enabled_at: state.enabled_at,
        recovery_codes_left: state.recovery_codes_left,
        setup: setup.map(|setup| TotpCodes { secret: setup.secret, uri: setup.uri, qr: setup.qr }),
        recovery_codes: Vec::new(),
    }
}

async fn second_factor(visitor: Visitor) -> Result<Response> {
    show(&view(&visitor, &state(&visitor).await?, None, Errors::none()))
}

/// The secret is shown on the answer itself: a redirect would have to carry it.
async fn set_up(visitor: Visitor, form: Form<SecondFactorInput>) -> Result<Response> {
    let request = TotpRequest { current_password: Password::from(form.input.current_password) };
    let made = identity::service::set_up_totp(&visitor.app, &visitor.actor, &request).await;
    let state = state(&visitor).await?;
    match made {
        Ok(setup) => show(&view(&visitor, &state, Some(setup), Errors::none())),
        Err(error) => refuse(error, |errors| view(&visitor, &state, None, errors)),
    }
}

async fn confirm(visitor: Visitor, form: Form<SecondFactorInput>) -> Result<Response> {
    let code = TotpCode { code: Hidden::from(form.input.code) };
    match identity::service::confirm_totp(&visitor.app, &visitor.actor, &code).await {
        Ok(recovery_codes) => {
            let state = state(&visitor).await?;
            show(&SecondFactorPage { recovery_codes, ..view(&visitor, &state, None, Errors::none()) })
        }
        Err(error) => {
            let setup = identity::service::pending_totp(&visitor.app, &visitor.actor).await?;
            let state = state(&visitor).await?;
            refuse(error, |errors| view(&visitor, &state, setup, errors))
        }
    }
}

async fn end_second_factor(visitor: Visitor, form: Form<SecondFactorInput>) -> Result<Response> {
    let input = form.input;
    let proof = SecondFactorProof {
        password: Password::from(input.password),
        code: Some(Hidden::from(input.code)),
        recovery_code: Some(Hidden::from(input.recovery_code)),
    };
    match identity::service::disable_second_factor(&visitor.app, &visitor.actor, &proof).await {
        Ok(()) => Ok(done("/account", "The second factor is off: a sign-in asks for the password only.")),
        Err(error) => {
            let state = state(&visitor).await?;
            refuse(error, |errors| view(&visitor, &state, None, errors))
        }
    }
}
