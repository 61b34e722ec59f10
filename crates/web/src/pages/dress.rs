use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use platform::App;
use platform::http::{FailedWith, Problem, cookie};

use super::visitor::{FLASH_COOKIE, public_page, request_id, set_cookie, show, theme_of};
use crate::view::{ErrorPage, FieldProblem};

/// Problems become pages for people, and a flash is shown once.
pub fn dress(router: Router<App>) -> Router<App> {
    router.layer(from_fn(around))
}

async fn around(request: Request, next: Next) -> Response {
    let wants_page = wants_page(request.uri().path(), request.headers());
    if !wants_page {
        return next.run(request).await;
    }
    let has_flash = cookie(request.headers(), FLASH_COOKIE).is_some();
    let app = request.extensions().get::<App>().cloned();
    let id = request_id(request.extensions());
    let (path, theme) = (request.uri().path().to_owned(), theme_of(request.headers()));
    let mut response = next.run(request).await;
    if let (Some(FailedWith(problem)), Some(app)) = (response.extensions().get().cloned(), app) {
        let retry = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let page = public_page(&app, problem.title.clone(), &path, theme);
        response = error_page(response, problem, page, id, retry);
    }
    if has_flash && !response.status().is_redirection() {
        set_cookie(&mut response, &format!("{FLASH_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
    }
    response
}

fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    let for_programs = ["/api/", "/graphql", "/assets/", "/events", "/ws", "/metrics", "/health/", "/actuator/"];
    let accepts =
        headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    accepts && !for_programs.iter().any(|start| path.starts_with(start))
}

fn error_page(
    response: Response,
    problem: Problem,
    page: crate::view::PublicPage,
    request_id: String,
    retry: Option<u32>,
) -> Response {
    let status = response.status();
    let view = ErrorPage {
        page,
        status: problem.status,
        code: problem.code,
        title: problem.title,
        detail: problem.detail,
        mend: problem.mend,
        fields: problem.errors.iter().map(FieldProblem::from).collect(),
        request_id,
        retry_after_seconds: retry,
    };
    match show(&view) {
        Ok(shown) => {
            let mut shown = (status, shown).into_response();
            if let Some(retry) = response.headers().get(header::RETRY_AFTER) {
                shown.headers_mut().insert(header::RETRY_AFTER, retry.clone());
            }
            shown
        }
        Err(_) => response,
    }
}
