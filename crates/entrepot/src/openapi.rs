mod complete;

use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use platform::http::{Access, Api};
use platform::{Error, Result};
use tokio::sync::OnceCell;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};

pub fn api() -> Api {
    Api::new().endpoint(Method::GET, "/api/openapi.json", Access::SignedIn, get(serve))
}

async fn serve() -> Result<Response> {
    /// It does not change while the process runs.
    static TEXT: OnceCell<String> = OnceCell::const_new();
    // Making it puts the whole route table together: too long for a thread that others wait for.
    let make =
        async || tokio::task::spawn_blocking(|| document().to_json()).await.map_err(Error::internal)?.map_err(Error::internal);
    let text = TEXT.get_or_try_init(make).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response())
}

/// The whole REST interface as OpenAPI 3.1.
pub fn document() -> OpenApi {
    let (mut document, table) = crate::wiring::description();
    document.info.title = "Entrepot".into();
    document.info.description = Some("Receive goods, put them away, know what is where.".into());
    document.info.version = platform::VERSION.into();
    document.info.license = None;
    complete::complete(&mut document, &table);
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    document.components.get_or_insert_default().add_security_scheme("bearer", bearer);
    document.security = Some(vec![SecurityRequirement::new("bearer", [] as [&str; 0])]);
    document
}
