use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::MethodRouter;
use http_body_util::Limited;
use kernel::ErrorCode;
use utoipa::openapi::{OpenApi, Paths};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::csrf;
use super::layers::{Listener, RequestId, STRANGERS_BODY_BYTES};
use crate::auth::{Actor, Permission, Principal};
use crate::{App, Error, Result};

pub const SESSION_COOKIE: &str = "entrepot_session";
/// What `/ws` speaks. A browser's WebSocket cannot send an Authorization header; it offers this and `bearer.TOKEN` as
/// subprotocols instead, and the server picks this one.
pub const SUBPROTOCOL: &str = "entrepot.v1";
/// Of these, anonymous calls are not counted: probes and files, which cost nothing and come in bursts.
const UNLIMITED: [&str; 5] = ["/health", "/api/health", "/api/v1/health", "/actuator/health", "/assets/"];

/// Who may call a route. Declared beside the route, checked before its handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody; no token is looked at.
    Public,
    /// Anybody, and a handler that says more to those who are signed in.
    Optional,
    SignedIn,
    Needs(Permission),
}

/// One row of the route table.
#[derive(Clone, Debug)]
pub struct RouteInfo {
    pub method: Method,
    /// As declared, with `{parameters}`.
    pub path: String,
    pub access: Access,
    /// A page for people: without a session it leads to the sign-in instead of answering 401.
    pub is_page: bool,
}

/// The routes of a context: handlers, their documentation and who may call them, declared in one place.
#[derive(Default)]
pub struct Api {
    router: OpenApiRouter<App>,
    probes: OpenApiRouter<App>,
    table: Vec<RouteInfo>,
}

/// What all contexts declared together.
pub struct Routes {
    pub router: Router<App>,
    /// Asked many times a second, small and never a page: only the outermost layer is put around them.
    pub probes: Router<App>,
    pub openapi: OpenApi,
    pub table: Vec<RouteInfo>,
}

impl Api {
    pub fn new() -> Self {
        Self::default()
    }

    /// Documented routes: `.route(Access::Needs(ITEMS_READ), routes!(list_items))`.
    pub fn route(mut self, access: Access, routes: UtoipaMethodRouter<App>) -> Self {
        let (schemas, paths, methods) = routes;
        self.declare(&paths, access);
        let is_limited = !paths.paths.keys().all(|path| is_unlimited(path));
        let guarded = guarded(methods, access, false, is_limited);
        self.router = self.router.routes((schemas, paths, guarded));
        self
    }

    /// A documented, public route for [`Routes::probes`].
    pub fn probe(mut self, routes: UtoipaMethodRouter<App>) -> Self {
        self.declare(&routes.1, Access::Public);
        self.probes = self.probes.routes(routes);
        self
    }

    fn declare(&mut self, paths: &Paths, access: Access) {
        for (path, item) in &paths.paths {
            let declared = [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            for (method, operation) in declared {
                if operation.is_some() {
                    self.table.push(RouteInfo { method, path: path.clone(), access, is_page: false });
                }
            }
        }
    }

    /// Pages and endpoints that OpenAPI does not describe: `.page(Method::GET, "/items", Access::Needs(..), get(items))`.
    pub fn page(self, method: Method, path: &str, access: Access, handler: MethodRouter<App>) -> Self {
        self.add(method, path, access, true, handler)
    }

    /// As [`Api::page`], but for programs: no redirect to the sign-in.
    pub fn endpoint(self, method: Method, path: &str, access: Access, handler: MethodRouter<App>) -> Self {
        self.add(method, path, access, false, handler)
    }

    fn add(mut self, method: Method, path: &str, access: Access, is_page: bool, handler: MethodRouter<App>) -> Self {
        let guarded = guarded(handler, access, is_page, !is_unlimited(path));
        self.router = self.router.route(path, guarded);
        self.table.push(RouteInfo { method, path: path.to_owned(), access, is_page });
        self
    }

    pub fn merge(mut self, other: Api) -> Self {
        self.router = self.router.merge(other.router);
        self.probes = self.probes.merge(other.probes);
        self.table.extend(other.table);
        self
    }

    pub fn split(self) -> Routes {
        let (router, mut openapi) = self.router.split_for_parts();
        let (probes, more) = self.probes.split_for_parts();
        openapi.merge(more);
        Routes { router, probes, openapi, table: self.table }
    }
}

/// Whether anonymous calls of the path are not counted.
pub fn is_unlimited(path: &str) -> bool {
    UNLIMITED.iter().any(|start| path.starts_with(start))
}

/// What is open to everybody needs no guard but the count of calls, and health probes should cost nothing.
fn guarded(handler: MethodRouter<App>, access: Access, is_page: bool, is_limited: bool) -> MethodRouter<App> {
    match access {
        Access::Public if is_limited => handler.route_layer(from_fn(limited)),
        Access::Public => handler,
        _ => handler.route_layer(from_fn(move |request, next| guard(access, is_page, is_limited, request, next))),
    }
}

async fn limited(request: Request, next: Next) -> Response {
    match charge_anonymous(request.extensions(), request.headers()) {
        Ok(()) => next.run(request.map(of_stranger)).await,
        Err(error) => error.into_response(),
    }
}

/// A body that ends with an error when it is longer than what strangers may have us keep in memory.
fn of_stranger(body: Body) -> Body {
    Body::new(Limited::new(body, STRANGERS_BODY_BYTES))
}

/// Counts a call of nobody in particular against its address. Operators' listeners are not limited.
pub(super) fn charge_anonymous(extensions: &Extensions, headers: &HeaderMap) -> Result<()> {
    let Some(app) = extensions.get::<App>() else { return Ok(()) };
    if extensions.get::<Listener>() == Some(&Listener::Ops) {
        return Ok(());
    }
    app.limits().anonymous(app.limits().address(extensions, headers))
}

async fn guard(access: Access, is_page: bool, is_limited: bool, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match admit(access, is_limited, &mut parts, body).await {
        Ok(body) => next.run(Request::from_parts(parts, body)).await,
        Err(error) if is_page && error.code == ErrorCode::SignInRequired && parts.method == Method::GET => {
            let wanted = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            Redirect::to(&format!("/sign-in?next={}", encode(wanted))).into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// Gives the body back, because looking for a form's token may take it apart.
async fn admit(access: Access, is_limited: bool, parts: &mut Parts, body: Body) -> Result<Body> {
    if access == Access::Public {
        return Ok(body);
    }
    let app = parts.extensions.get::<App>().cloned().ok_or_else(|| Error::internal("the router lacks its application layer"))?;
    let admitted = principal(&app, parts).await;
    // Who did not prove who they are is a stranger, whatever they sent; what is our own fault costs nobody anything.
    let is_stranger = admitted.as_ref().map_or_else(|error| error.code.status() < 500, Option::is_none);
    if is_stranger && is_limited {
        charge_anonymous(&parts.extensions, &parts.headers)?;
    }
    let Some((principal, session)) = admitted? else {
        return match access {
            Access::Optional => Ok(of_stranger(body)),
            _ => Err(Error::new(ErrorCode::SignInRequired, "this needs a sign-in")),
        };
    };
    // Before anything of the body is read.
    if parts.extensions.get::<Listener>() != Some(&Listener::Ops) {
        app.limits().caller(&principal)?;
    }
    let body = match session {
        Some(secret) => csrf::admit(parts, body, &secret).await?,
        None => body,
    };
    let request_id = parts.extensions.get::<RequestId>().map_or_else(String::new, |id| id.0.clone());
    let actor = Actor { principal, request_id, env: app.env.clone() };
    if let Access::Needs(permission) = access {
        actor.require(permission)?;
    }
    parts.extensions.insert(actor);
    Ok(body)
}

/// The bearer token wins over the cookie. A cookie is sent by the browser whoever asks, so whatever changes something must
/// come from our own pages and carry the session's own token: then the session's secret is returned too.
async fn principal(app: &App, parts: &mut Parts) -> Result<Option<(Principal, Option<String>)>> {
    if let Some(token) = bearer(&parts.headers).or_else(|| offered_token(&parts.headers)) {
        return Ok(app.authenticator.authenticate(token).await?.map(|principal| (principal, None)));
    }
    let Some(secret) = cookie(&parts.headers, SESSION_COOKIE).map(str::to_owned) else { return Ok(None) };
    // Any site may open a WebSocket to any other, and read it.
    let is_harmless = parts.method.is_safe() && !is_upgrade(&parts.headers);
    if !is_harmless && !is_same_origin(&parts.headers) {
        let path =
            MatchedPath::from_request_parts(parts, &()).await.map_or_else(|_| String::new(), |path| path.as_str().to_owned());
        tracing::warn!(path, "refused a request from another site");
        return Err(Error::new(ErrorCode::CrossOrigin, "the request does not come from this site"));
    }
    let principal = app.authenticator.authenticate(&secret).await?;
    let session = (!parts.method.is_safe() && app.config.enable_csrf_protection).then_some(secret);
    Ok(principal.map(|principal| (principal, session)))
}

/// The secret that the guard looks at.
pub(super) fn presented(headers: &HeaderMap) -> Option<&str> {
    bearer(headers).or_else(|| offered_token(headers)).or_else(|| cookie(headers, SESSION_COOKIE))
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// `Sec-WebSocket-Protocol: entrepot.v1, bearer.TOKEN`.
fn offered_token(headers: &HeaderMap) -> Option<&str> {
    if !is_upgrade(headers) {
        return None;
    }
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offers.flat_map(|value| value.split(',')).find_map(|offer| offer.trim().strip_prefix("bearer."))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
}

/// Whether `Origin` (sent by every browser with a POST) names the host that was asked.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let origin_host = text(header::ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    match (origin_host, text(header::HOST)) {
        (Some(origin), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
