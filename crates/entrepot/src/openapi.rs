mod complete;

use axum::Json;
use axum::http::Method;
use axum::routing::get;
use platform::http::{Access, Api};
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};

pub fn api() -> Api {
    Api::new().endpoint(Method::GET, "/api/openapi.json", Access::SignedIn, get(|| async { Json(document()) }))
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
