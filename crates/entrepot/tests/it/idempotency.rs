//! Twice is once.

use futures::future::join_all;
use serde_json::json;

use crate::harness::{Server, Warehouse};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_a_hundred_times_at_once_has_one_effect_and_one_answer() {
    let warehouse = Warehouse::open(1, 1).await;
    let add = json!({ "movements": [{ "kind": "RECEIPT", "item": "ITEM-000", "quantity": 5, "from": "SUPPLIER", "to": "F1/BIN-000" }] });
    let calls = (0..100).map(|_| warehouse.staff.post_with_key("/api/v1/inventory/movements", "key-1", &add));
    let answers = join_all(calls).await;
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
        assert_eq!(answer.status.as_u16(), 201, "{:#}", answer.body);
    }
    assert_eq!(warehouse.on_hand("ITEM-000").await, [("BIN-000".to_owned(), "5".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_one_request() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let item = |code: &str| json!({ "code": code, "name": "Thing" });
    admin.post_with_key("/api/v1/inventory/items", "k", &item("A")).await.expect(201);
    let other = admin.post_with_key("/api/v1/inventory/items", "k", &item("B")).await;
    assert_eq!((other.status.as_u16(), other.code()), (422, "KEY_REUSED"));
    // Another user's key of the same name is another key.
    server.admin().await.post_with_key("/api/v1/inventory/items", "k", &item("B")).await.expect(201);
    let too_long = admin.post_with_key("/api/v1/inventory/items", &"k".repeat(201), &item("C")).await;
    assert_eq!(too_long.status.as_u16(), 422, "{:#}", too_long.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_leaves_its_key_free() {
    let server = Server::start().await;
    let admin = server.admin().await;
    admin.post_with_key("/api/v1/inventory/items", "k", &json!({ "code": "", "name": "Thing" })).await.expect(422);
    admin.post_with_key("/api/v1/inventory/items", "k", &json!({ "code": "A", "name": "Thing" })).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_graphql_request_with_two_mutations_keeps_them_apart() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let query = r#"mutation { a: createItem(input: { code: "A", name: "One" }) { code } b: createItem(input: { code: "B", name: "Two" }) { code } }"#;
    let send = || {
        let request =
            admin.request(reqwest::Method::POST, "/graphql").header("Idempotency-Key", "g").json(&json!({ "query": query }));
        admin.send(request)
    };
    let first = send().await.expect(200);
    assert_eq!(first["data"], json!({ "a": { "code": "A" }, "b": { "code": "B" } }), "{first:#}");
    assert_eq!(send().await.expect(200), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recommendation_is_answered_alike_to_the_last_sign() {
    let warehouse = Warehouse::open(4, 2).await;
    let arrive = json!({ "movements": [{ "kind": "RECEIPT", "item": "ITEM-000", "quantity": 3, "to": "F1/DOCK" }] });
    warehouse.staff.post("/api/v1/inventory/movements", &arrive).await.expect(201);
    let path = "/api/wms/optimization/putaway/recommendations";
    let waiting = json!({ "facility": "F1", "all_waiting": true });
    let ask = || warehouse.staff.post_with_key(path, "r", &waiting);
    let first = ask().await.expect(201);
    assert!(!first["recommendations"].as_array().unwrap().is_empty(), "{first:#}");
    // Compared as text: a negative zero equals a zero, but is not the same answer.
    assert_eq!(ask().await.expect(201).to_string(), first.to_string());
}
