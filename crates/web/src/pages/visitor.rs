//! What stands between a page handler and HTTP: who looks, forms with their hidden key, flashes, and the way to HTML.

use std::sync::LazyLock;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::ErrorCode;
use platform::auth::{Actor, Permission};
use platform::database::Tx;
use platform::http::{BODY_LIMIT_BYTES, IdempotencyKey, RequestId, SESSION_COOKIE, cookie, csrf_token, mutate, too_large};
use platform::{App, Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::Engine;
use crate::view::{self, Flash, FlashKind, Page, PublicPage, Theme, User, View};

pub const FLASH_COOKIE: &str = "entrepot_flash";
pub const THEME_COOKIE: &str = "entrepot_theme";

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::new);

/// Somebody signed in who looks at a page.
pub struct Visitor {
    pub app: App,
    pub actor: Actor,
    path: String,
    theme: Theme,
    flash: Option<Flash>,
    tenant_name: String,
    /// The session's token for forms; empty without a session cookie.
    csrf: String,
}

impl Visitor {
    pub fn may(&self, permission: Permission) -> bool {
        self.actor.may(permission)
    }

    pub fn page(&self, title: impl Into<String>) -> Page {
        Page {
            title: title.into(),
            path: self.path.clone(),
            theme: self.theme,
            nav: view::nav(&self.path, |href| super::may_open(&self.actor, href)),
            user: User {
                name: self.actor.principal.name.clone(),
                role: self.actor.principal.role.to_string(),
                tenant_name: self.tenant_name.clone(),
            },
            flash: self.flash.clone(),
            key: self.app.env.new_id().to_string(),
            csrf: self.csrf.clone(),
            now: self.app.env.now(),
            version: platform::VERSION.into(),
        }
    }

    /// The address of this page with another cursor, for the pager; the filters stay.
    pub fn pager(&self, next: Option<&kernel::Cursor>) -> view::Pager {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=")).collect();
        let address = |extra: Option<String>| {
            let pairs: Vec<String> = kept.iter().map(|pair| (*pair).to_owned()).chain(extra).collect();
            if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
        };
        view::Pager {
            first: query.contains("cursor=").then(|| address(None)),
            next: next.map(|cursor| address(Some(format!("cursor={}", cursor.0)))),
        }
    }

    /// Runs a change in one transaction, at most once per form that was shown.
    pub async fn change<R>(&self, key: Option<&IdempotencyKey>, work: impl AsyncFnOnce(&mut Tx) -> Result<R> + Clone) -> Result<R>
    where
        R: Serialize + DeserializeOwned,
    {
        mutate(&self.app, &self.actor, key, work).await
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let actor = Actor::from_request_parts(parts, app).await?;
        let tenant_name =
            app.db.read(actor.tenant(), async |connection| identity::service::tenant(connection, &actor).await).await?.name;
        Ok(Self {
            app: app.clone(),
            path: path_of(parts),
            theme: theme_of(&parts.headers),
            flash: cookie(&parts.headers, FLASH_COOKIE).and_then(decode_flash),
            csrf: cookie(&parts.headers, SESSION_COOKIE).map_or_else(String::new, |secret| csrf_token(&app.env, secret)),
            actor,
            tenant_name,
        })
    }
}

/// Anybody who looks at a page that needs no sign-in.
pub struct Guest {
    pub app: App,
    pub flash: Option<Flash>,
    path: String,
    theme: Theme,
}

impl Guest {
    pub fn page(&self, title: impl Into<String>) -> PublicPage {
        public_page(&self.app, title, &self.path, self.theme)
    }
}

impl FromRequestParts<App> for Guest {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let flash = cookie(&parts.headers, FLASH_COOKIE).and_then(decode_flash);
        Ok(Self { app: app.clone(), flash, path: path_of(parts), theme: theme_of(&parts.headers) })
    }
}

pub(super) fn public_page(app: &App, title: impl Into<String>, path: &str, theme: Theme) -> PublicPage {
    PublicPage {
        title: title.into(),
        path: path.to_owned(),
        theme,
        key: app.env.new_id().to_string(),
        now: app.env.now(),
        version: platform::VERSION.into(),
    }
}

fn path_of(parts: &Parts) -> String {
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
    uri.path_and_query().map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned())
}

pub(super) fn theme_of(headers: &HeaderMap) -> Theme {
    match cookie(headers, THEME_COOKIE) {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::Auto,
    }
}

/// A form as it was sent: the input struct with what was typed, and the hidden key.
pub struct Form<T> {
    pub input: T,
    pub key: Option<IdempotencyKey>,
}

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, BODY_LIMIT_BYTES).await.map_err(too_large)?;
        let fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        let key = key_of(&fields, &format!("POST {}", parts.uri.path()), &body);
        Ok(Self { input: view::read(fields)?, key })
    }
}

pub(super) fn key_of(fields: &[(String, String)], operation: &str, body: &[u8]) -> Option<IdempotencyKey> {
    let (_, key) = fields.iter().find(|(name, _)| name == "idempotency_key")?;
    (1..=150).contains(&key.len()).then(|| IdempotencyKey::new(key, operation, body))
}

/// The rendered page.
pub fn show<V: View>(view: &V) -> Result<Response> {
    Ok(ENGINE.render(view)?.into_response())
}

/// The same form again, with what was typed and what is wrong. Failures that are not the user's stay failures.
pub fn refuse<V: View>(mut error: Error, view: impl FnOnce(view::Errors) -> V) -> Result<Response> {
    if error.code == ErrorCode::KeyReused {
        // Somebody went back, changed the form and sent it again; the form that is shown now has a new key.
        error = Error::conflict(
            "this form was sent before with other values, which were taken; send it again if these are wanted too",
        );
    }
    let status = error.code.status();
    if status >= 500 || matches!(error.code, ErrorCode::Forbidden | ErrorCode::NotFound) && error.fields.is_empty() {
        return Err(error);
    }
    let status = StatusCode::from_u16(status).expect("the table holds valid statuses");
    let page = show(&view(view::Errors::from(&error)))?;
    Ok((status, page).into_response())
}

/// On to the next page with a word about what was done.
pub fn done(href: &str, text: &str) -> Response {
    redirect(href, FlashKind::Done, text)
}

/// Back with a word about why not.
pub fn failed(href: &str, error: &Error) -> Response {
    redirect(href, FlashKind::Failed, &sentence(error))
}

/// What is wrong, in one line of words.
pub fn sentence(error: &Error) -> String {
    let text = view::Errors::from(error);
    let fields = text.fields.iter().map(|field| format!("{} {}", field.label, field.message));
    text.summary.into_iter().chain(fields).collect::<Vec<_>>().join(" ")
}

pub fn redirect(href: &str, kind: FlashKind, text: &str) -> Response {
    let mut response = Redirect::to(href).into_response();
    let short: String = text.chars().take(600).collect();
    let value = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(kind, short)).expect("plain text serialises"));
    set_cookie(&mut response, &format!("{FLASH_COOKIE}={value}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"));
    response
}

pub fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

fn decode_flash(value: &str) -> Option<Flash> {
    let (kind, text) = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(value).ok()?).ok()?;
    Some(Flash { kind, text })
}

pub(super) fn request_id(parts: &axum::http::Extensions) -> String {
    parts.get::<RequestId>().map_or_else(String::new, |id| id.0.clone())
}

/// A path of our own site to go on to; anything else would send people elsewhere.
pub fn local(next: &str) -> &str {
    let is_local =
        next.starts_with('/') && !next.starts_with("//") && !next.starts_with("/\\") && !next.contains(char::is_control);
    if is_local { next } else { "/" }
}

/// One part of a path, percent-encoded.
pub fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x",
            "/\t/evil.example",
        ] {
            assert_eq!(local(bad), "/", "{bad}");
        }
        assert_eq!(local("/items?q=a"), "/items?q=a");
    }

    #[test]
    fn a_code_becomes_one_segment() {
        assert_eq!(segment("A/B 1?#%"), "A%2FB%201%3F%23%25");
    }
}
