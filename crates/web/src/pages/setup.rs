//! The first start: whoever reads the log makes the first organisation and its administrator, once.

use std::sync::OnceLock;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::{NewTenant, NewUser, Password};
use kernel::{Env, ErrorCode, TenantId};
use platform::auth::{Actor, Role};
use platform::http::{Access, Api, is_same_origin};
use platform::{App, Error, Result};
use serde::Deserialize;

use super::typed::{Typed, given, renamed};
use super::visitor::{Form, Guest, done, refuse, show};
use crate::view::{Errors, Setup, SetupInput};

/// Known to the log and to nobody else; absent when there are users already.
static CODE: OnceLock<String> = OnceLock::new();

/// Opens the setup page for this process and returns the code that it asks for.
pub fn open_setup(env: &Env) -> String {
    CODE.get_or_init(|| URL_SAFE_NO_PAD.encode(env.random_bytes::<18>())).clone()
}

pub fn api() -> Api {
    Api::new().page(Method::GET, "/setup", Access::Public, get(form)).page(Method::POST, "/setup", Access::Public, post(found))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ask {
    code: String,
}

async fn admit(app: &App, code: &str) -> Result<()> {
    let is_known = CODE.get().is_some_and(|known| known == code);
    if !is_known || identity::service::any_user(&app.db).await? {
        return Err(Error::new(ErrorCode::NotFound, "setup is closed: it opens at the first start, at the address in the log"));
    }
    Ok(())
}

async fn form(guest: Guest, Query(ask): Query<Ask>) -> Result<Response> {
    admit(&guest.app, &ask.code).await?;
    let input = SetupInput { code: ask.code, ..SetupInput::default() };
    show(&Setup { page: guest.page("Welcome to Entrepot"), input, errors: Errors::none() })
}

async fn found(State(app): State<App>, headers: HeaderMap, guest: Guest, form: Form<SetupInput>) -> Result<Response> {
    if !is_same_origin(&headers) {
        return Err(Error::new(ErrorCode::CrossOrigin, "the form does not come from this site"));
    }
    admit(&app, &form.input.code).await?;
    match make(&app, &form.input).await {
        Ok(()) => Ok(done("/sign-in", "Your organisation is there. Sign in with the address and password that you just chose.")),
        Err(error) => refuse(error, |errors| Setup { page: guest.page("Welcome to Entrepot"), input: form.input, errors }),
    }
}

async fn make(app: &App, input: &SetupInput) -> Result<()> {
    let mut typed = Typed::default();
    if given(&input.organisation).is_none() {
        typed.refuse("organisation", "must not be empty");
    }
    if given(&input.tenant).is_none() {
        typed.refuse("tenant", "must not be empty");
    }
    let tenant_id = typed.word::<TenantId>("tenant", &input.tenant);
    typed.done(Vec::new())?;
    let tenant_id = tenant_id.expect("an input that is neither empty nor refused was read");
    let actor = Actor::system(tenant_id.clone(), app.env.clone(), "first start");
    let mut tx = app.db.begin(&tenant_id).await?;
    let tenant = NewTenant { tenant_id, name: input.organisation.clone() };
    inventory::service::found_tenant(&mut tx, &actor, &tenant)
        .await
        .map_err(|error| Error { fields: renamed(error.fields, &[("name", "organisation")]), ..error })?;
    let user = NewUser {
        email: input.email.clone(),
        name: input.name.clone(),
        role: Role::SuperAdmin,
        password: Some(Password::from(input.password.clone())),
    };
    identity::service::create_user(&mut tx, &actor, &user).await?;
    tx.commit().await
}
