//! What holds for every operation and would be forgotten if each handler had to say it: refusals of the layers around it.

use std::collections::BTreeMap;

use axum::http::Method;
use kernel::ErrorCode;
use platform::http::{Access, RouteInfo, is_unlimited};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, HeaderBuilder, OpenApi, PathItem, Ref, RefOr, Required};

const PROBLEM_TYPE: &str = "application/problem+json";
const KEY_MAX_CHARS: usize = 200;

/// Adds to each operation what its access, its parameters and its body imply.
pub(super) fn complete(document: &mut OpenApi, table: &[RouteInfo]) {
    let access: BTreeMap<(&str, &Method), Access> =
        table.iter().map(|route| ((route.path.as_str(), &route.method), route.access)).collect();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let Some(access) = access.get(&(path.as_str(), &method)) else { continue };
            describe(operation, path, &method, *access);
        }
    }
    let responses = &mut document.components.get_or_insert_default().responses;
    for status in STATUSES {
        responses.insert(name(status), problem(status).into());
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn describe(operation: &mut Operation, path: &str, method: &Method, access: Access) {
    let is_command = *method != Method::GET && operation.request_body.is_some() && !path.starts_with("/api/v1/auth/");
    if is_command {
        operation.parameters.get_or_insert_default().push(idempotency_key());
    }
    let parameters = operation.parameters.get_or_insert_default();
    for parameter in parameters.iter_mut().filter(|parameter| parameter.parameter_in == ParameterIn::Path) {
        // A parameter that the handler takes but does not describe is a code or an id.
        parameter.schema.get_or_insert_with(|| ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).into());
    }
    let has = |place: ParameterIn| parameters.iter().any(|parameter| parameter.parameter_in == place);
    let (has_path, has_query, has_body) = (has(ParameterIn::Path), has(ParameterIn::Query), operation.request_body.is_some());
    if parameters.is_empty() {
        operation.parameters = None;
    }
    let is_guarded = matches!(access, Access::SignedIn | Access::Needs(_));
    let is_probe = is_unlimited(path);
    let implied = [
        (400, has_query || has_body),
        (401, is_guarded),
        (403, matches!(access, Access::Needs(_)) || is_guarded && *method != Method::GET),
        // A code in the query or the body may name what does not exist.
        (404, has_path || has_query || has_body),
        (409, *method != Method::GET),
        (413, has_body),
        (415, has_body),
        (422, has_query || has_body),
        (429, !is_probe),
        (500, !is_probe),
        (503, !is_probe),
        (504, !is_probe),
    ];
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if status.parse().is_ok_and(|status: u16| status >= 400) {
            as_problem(response);
        }
    }
    for (status, _) in implied.into_iter().filter(|(_, is_implied)| *is_implied) {
        responses.entry(status.to_string()).or_insert_with(|| Ref::from_response_name(name(status)).into());
    }
    match access {
        Access::Public => operation.security = Some(Vec::new()),
        Access::Optional => {
            operation.security = Some(vec![SecurityRequirement::default(), SecurityRequirement::new("bearer", [] as [&str; 0])]);
        }
        Access::SignedIn | Access::Needs(_) => {}
    }
}

/// Every refusal is a problem; an answer with another body keeps it, such as the report of a health check that failed.
fn as_problem(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else { return };
    let is_problem = |content: &Content| match &content.schema {
        Some(RefOr::Ref(schema)) => schema.ref_location.ends_with("/Problem"),
        _ => false,
    };
    if response.content.is_empty() || response.content.values().all(is_problem) {
        response.content.clear();
        response.content.insert(PROBLEM_TYPE.into(), problem_content());
    }
}

fn problem_content() -> Content {
    Content::new(Some(Ref::from_schema_name("Problem")))
}

const STATUSES: [u16; 12] = [400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503, 504];

fn name(status: u16) -> String {
    format!("Problem{status}")
}

fn problem(status: u16) -> Response {
    let codes = ErrorCode::ALL.iter().filter(|code| code.status() == status);
    let mut meanings: Vec<String> = codes.map(|code| format!("{code}: {}", code.title())).collect();
    meanings.sort();
    let mut response = ResponseBuilder::new().description(meanings.join("; ")).content(PROBLEM_TYPE, problem_content());
    let integer = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(0));
    if matches!(status, 429 | 503) {
        let header = HeaderBuilder::new().schema(integer()).description(Some("Seconds to wait before the next call."));
        response = response.header("Retry-After", header.build());
    }
    response.build()
}

fn idempotency_key() -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .min_length(Some(1))
        .max_length(Some(KEY_MAX_CHARS))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Requests of one user with the same key are one request: one effect, one answer."))
        .schema(Some(text.build()))
        .build()
}
