//! The documents that describe the interfaces are made from the code; here they are compared, or written with UPDATE_DOCS=1.

use std::fmt::Write as _;
use std::path::Path;

use kernel::ErrorCode;

fn compare(name: &str, current: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, current).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == current, "docs/{name} is out of date: run `make docs`");
}

#[test]
fn documents_openapi() {
    let document = entrepot::openapi::document().to_pretty_json().unwrap();
    compare("openapi.json", &(document + "\n"));
}

#[test]
fn documents_graphql() {
    compare("schema.graphql", &entrepot::graphql::schema().sdl());
}

#[test]
fn documents_errors() {
    let mut text = String::from(
        "# Errors\n\nEvery refusal is `application/problem+json` (RFC 9457) with one of these codes; GraphQL puts the code into `extensions.code`.\n\n\
         | Code | Status | What it means | What to do |\n| --- | --- | --- | --- |\n",
    );
    for code in ErrorCode::ALL {
        writeln!(text, "| <a id=\"{code}\"></a>`{code}` | {} | {} | {} |", code.status(), code.title(), code.mend()).unwrap();
    }
    compare("errors.md", &text);
}

#[test]
fn every_route_is_described() {
    let (openapi, table) = entrepot::wiring::description();
    for route in table.iter().filter(|route| route.path.starts_with("/api/v1/") && !route.path.ends_with("/health")) {
        assert!(openapi.paths.paths.contains_key(&route.path), "{} {} is missing from OpenAPI", route.method, route.path);
    }
    for (path, item) in &openapi.paths.paths {
        for operation in [&item.get, &item.post, &item.patch, &item.put, &item.delete].into_iter().flatten() {
            assert!(!operation.responses.responses.is_empty(), "{path} documents no response");
            assert!(operation.summary.as_ref().is_some_and(|summary| !summary.is_empty()), "{path} has no summary");
        }
    }
}

/// Programs that are made from the document cannot call a route whose address has a hole that nobody describes.
#[test]
fn every_hole_of_an_address_is_described() {
    let document = serde_json::to_value(entrepot::openapi::document()).unwrap();
    let mut missing = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let holes = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        for hole in holes {
            for (method, operation) in operations.as_object().unwrap() {
                let given = operation["parameters"].as_array().into_iter().flatten();
                if !given.into_iter().any(|one| one["in"] == "path" && one["name"] == hole) {
                    missing.push(format!("{method} {path}: {hole}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
