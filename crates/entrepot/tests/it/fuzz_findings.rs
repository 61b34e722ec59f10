//! What `make fuzz` found once, each held down by a test of its own; and that the OpenAPI document tells every refusal.

use std::collections::BTreeSet;

use platform::http::Access;
use serde_json::{Value, json};

use crate::harness::{Server, Warehouse};

fn document() -> Value {
    serde_json::to_value(entrepot::openapi::document()).unwrap()
}

/// An answer said STANDARD where the document said Standard.
#[tokio::test(flavor = "multi_thread")]
async fn words_are_documented_as_they_are_answered() {
    let warehouse = Warehouse::open(1, 1).await;
    let schemas = document()["components"]["schemas"].clone();
    let item = warehouse.staff.get("/api/v1/inventory/items/ITEM-000").await.expect(200);
    assert!(schemas["SecurityZone"]["enum"].as_array().unwrap().contains(&item["security_zone"]), "{}", item["security_zone"]);
    for (name, schema) in schemas.as_object().unwrap() {
        for word in schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            // Lower case where the words are names of fields.
            assert!([word.to_uppercase(), word.to_lowercase()].contains(&word.to_owned()), "{name}: {word}");
        }
    }
}

/// Path parameters without a schema could not be read by any client generator.
#[test]
fn every_path_parameter_is_described_and_every_refusal_told() {
    let document = document();
    for route in entrepot::wiring::description().1 {
        let operation = &document["paths"][&route.path][route.method.as_str().to_lowercase()];
        if operation.is_null() {
            continue;
        }
        let what = format!("{} {}", route.method, route.path);
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["schema"].is_object(), "{what}: {}", parameter["name"]);
        }
        let statuses: BTreeSet<&str> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        let is_guarded = !matches!(route.access, Access::Public | Access::Optional);
        if is_guarded {
            assert!(statuses.contains("401") && statuses.contains("429"), "{what}");
            assert!(operation["security"].is_null(), "{what}");
        }
        if route.access == Access::Public {
            assert_eq!(operation["security"], json!([]), "{what}");
        }
        if operation["requestBody"].is_object() {
            for status in ["400", "413", "415", "422"] {
                assert!(statuses.contains(status), "{what}: {status}");
            }
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            if let Some(reference) = response["$ref"].as_str() {
                let name = reference.rsplit('/').next().unwrap();
                assert!(
                    document["components"]["responses"][name]["content"]["application/problem+json"].is_object(),
                    "{what} {status}"
                );
            }
        }
    }
}

/// The version was counted, so that a number left out in the history made a sound schema look old.
#[tokio::test(flavor = "multi_thread")]
async fn a_schema_with_all_migrations_is_up_to_date() {
    let server = Server::start().await;
    server.anonymous().get("/api/health/ready").await.expect(200);
}

/// The introspection of graphql-core and GraphiQL, nine times `ofType`, was refused as too deep: no tool could read the schema.
#[tokio::test(flavor = "multi_thread")]
async fn the_usual_introspection_is_answered() {
    let server = Server::start().await;
    let of_type = (0..9).fold("kind name".to_owned(), |inner, _| format!("kind name ofType {{ {inner} }}"));
    let query = format!(
        "{{ __schema {{ types {{ name fields(includeDeprecated: true) {{ name args {{ name type {{ {of_type} }} }} type {{ {of_type} }} }} }} }} }}"
    );
    let data = server.admin().await.graphql(&query).await;
    assert!(data["__schema"]["types"].as_array().unwrap().len() > 20);
}
