//! Ugly input gets a clear answer and leaves nothing behind.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Caller, Server, Warehouse};

async fn raw(caller: &Caller, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    caller.send(caller.request(Method::POST, path).header("content-type", content_type).body(body)).await
}

fn is_problem(answer: &Answer) -> bool {
    ["type", "title", "status", "detail", "code", "mend"].iter().all(|key| !answer.body[*key].is_null())
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_bodies_say_where() {
    let server = Server::start().await;
    let staff = server.admin().await;
    let path = "/api/v1/inventory/items";
    for (body, status) in [
        ("", 422),
        ("{", 400),
        ("{\"code\": \"A\",}", 400),
        ("[]", 422),
        ("null", 422),
        ("{\"code\": 5, \"name\": \"x\"}", 422),
        ("{\"code\": \"A\", \"name\": \"x\", \"nmae\": \"y\"}", 422),
        ("{\"code\": \"A\", \"code\": \"B\", \"name\": \"x\"}", 422),
        ("\u{feff}{}", 400),
    ] {
        let answer = raw(&staff, path, "application/json", body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {:#}", answer.body);
        assert!(is_problem(&answer), "{body}: {:#}", answer.body);
    }
    let unknown = raw(&staff, path, "application/json", "{\"code\": \"A\", \"name\": \"x\", \"nmae\": \"y\"}").await;
    assert!(unknown.body["detail"].as_str().unwrap().contains("nmae"), "{:#}", unknown.body);
    assert_eq!(raw(&staff, path, "text/plain", "{}").await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let deep = "[".repeat(100_000);
    assert!(matches!(raw(&staff, path, "application/json", deep).await.status.as_u16(), 400 | 422));
    let mut invalid_utf8 = b"{\"code\": \"".to_vec();
    invalid_utf8.extend([0xff, 0xfe]);
    invalid_utf8.extend(b"\", \"name\": \"x\"}");
    assert!(raw(&staff, path, "application/json", invalid_utf8).await.status.is_client_error());
    let zero = raw(&staff, path, "application/json", "{\"code\": \"A\\u0000B\", \"name\": \"x\"}").await;
    assert_eq!(zero.status, 422, "{:#}", zero.body);
    assert_eq!(staff.get(path).await.expect(200)["items"], json!([]), "nothing was stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_bodies_are_refused() {
    let server = Server::start().await;
    let staff = server.admin().await;
    let huge = format!("{{\"code\": \"A\", \"name\": \"{}\"}}", "x".repeat(9 << 20));
    let request = staff.request(Method::POST, "/api/v1/inventory/items").header("content-type", "application/json").body(huge);
    // A server that answers before the body is read may cut the connection; both protect it.
    if let Ok(response) = request.send().await {
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    let long_name = json!({ "code": "A", "name": "x".repeat(301) });
    assert_eq!(staff.post("/api/v1/inventory/items", &long_name).await.status, 422);
    staff.get("/api/v1/inventory/items").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_may_send_little() {
    // Only a little above the limit, so that the answer comes before the connection is cut.
    let server = Server::start().await;
    let staff = server.admin().await;
    let json = format!("{{\"query\": \"{}{{__typename}}\"}}", " ".repeat(65 << 10));
    let form = format!("email=a%40b.example&password={}", "x".repeat(65 << 10));
    for (path, kind, body) in [
        ("/api/v1/auth/login", "application/json", &json),
        ("/graphql", "application/json", &json),
        ("/sign-in", "application/x-www-form-urlencoded", &form),
    ] {
        let answer = raw(&server.anonymous(), path, kind, body.clone()).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}: {:#}", answer.body);
    }
    let answer = raw(&server.anonymous(), "/api/v1/auth/login", "application/json", json.clone()).await;
    assert!(answer.body["detail"].as_str().unwrap().contains("64 KiB"), "{:#}", answer.body);
    raw(&staff, "/graphql", "application/json", json).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn absurd_numbers_are_refused_and_named() {
    let warehouse = Warehouse::open(1, 1).await;
    for quantity in [
        "1e309",
        "-1e309",
        "0",
        "-5",
        "1e300",
        "0.0000001",
        "1000000000000",
        "\"NaN\"",
        "\"inf\"",
        "\"1e5\"",
        "\"\"",
        "null",
        "true",
        "[]",
        "1.123456789012345678901234567890",
    ] {
        let body = format!(
            r#"{{"movements": [{{"kind": "RECEIPT", "item": "ITEM-000", "quantity": {quantity}, "from": "SUPPLIER", "to": "F1/BIN-000"}}]}}"#
        );
        let answer = raw(&warehouse.staff, "/api/v1/inventory/movements", "application/json", body).await;
        assert!(matches!(answer.status.as_u16(), 400 | 422), "{quantity}: {} {:#}", answer.status, answer.body);
        assert!(is_problem(&answer), "{quantity}: {:#}", answer.body);
    }
    for limit in ["0", "-1", "99999999999999999999", "x", "1.5"] {
        let answer = warehouse.staff.get(&format!("/api/v1/inventory/items?limit={limit}")).await;
        assert!(answer.status == 200 || answer.status == 400, "{limit}: {}", answer.status);
    }
    let item = json!({ "code": "X", "name": "x", "weight": { "value": "-1", "unit": "kg" }, "dimensions": { "length": "0", "width": "1", "height": "99999999", "unit": "m" } });
    let answer = warehouse.staff.post("/api/v1/inventory/items", &item).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body["errors"].as_array().unwrap().len() >= 2, "all fields at once: {:#}", answer.body);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_ids_and_cursors_are_not_errors_of_ours() {
    let server = Server::start().await;
    let staff = server.admin().await;
    for path in [
        "/api/v1/inventory/items/nothing",
        "/api/v1/inventory/balances/x",
        "/api/v1/receipts/%00",
        "/api/v1/locations/a%2Fb",
        "/nothing",
    ] {
        let answer = staff.get(path).await;
        assert!(matches!(answer.status.as_u16(), 400 | 404 | 422), "{path}: {} {:#}", answer.status, answer.body);
        assert!(is_problem(&answer), "{path}: {:#}", answer.body);
    }
    for cursor in ["%25%25", "AAAA", "IjEi", &"A".repeat(5000)] {
        let answer = staff.get(&format!("/api/v1/inventory/items?cursor={cursor}")).await;
        assert!(answer.status.is_client_error() || answer.status == 200, "{cursor}: {}", answer.status);
        assert!(answer.status.as_u16() < 500);
    }
    let search = staff.get("/api/v1/inventory/items?q=%27%3B%20DROP%20TABLE%20items%3B--%25_%5C").await;
    assert_eq!(search.status, 200);
    let method = staff.send(staff.request(Method::DELETE, "/api/v1/inventory/items")).await;
    assert_eq!((method.status.as_u16(), method.code()), (405, "METHOD_NOT_ALLOWED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn graphql_has_limits() {
    let server = Server::start().await;
    let staff = server.admin().await;
    let ask = async |query: &str| -> Value { staff.post("/graphql", &json!({ "query": query })).await.expect(200) };
    let deep = format!("{{ __schema {} }}", "{ types { fields { type { ofType ".repeat(20) + &"} } } }".repeat(20));
    assert!(!ask(&deep).await["errors"].is_null());
    let wide =
        format!("{{ {} }}", (0..500).map(|n| format!("a{n}: items(first: 500) {{ items {{ code }} }} ")).collect::<String>());
    assert!(!ask(&wide).await["errors"].is_null());
    assert!(!ask("{ nonsense }").await["errors"].is_null());
    assert!(!ask("").await["errors"].is_null());
    assert!(!ask(&"{".repeat(10_000)).await["errors"].is_null());
    assert_eq!(raw(&staff, "/graphql", "application/json", "{\"query\": 5}").await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_lots_and_wrong_lots_are_refused() {
    let warehouse = Warehouse::open(1, 0).await;
    warehouse
        .staff
        .post("/api/v1/inventory/items", &json!({ "code": "MILK", "name": "Milk", "lot_tracked": true, "shelf_life_days": 20 }))
        .await
        .expect(201);
    let receive = |lot: Value, expires: &str| json!({ "movements": [{ "kind": "RECEIPT", "item": "MILK", "lot": lot, "quantity": 1, "from": "SUPPLIER", "to": "F1/BIN-000", "expires_on": expires }] });
    let path = "/api/v1/inventory/movements";
    let without = warehouse.staff.post(path, &receive(Value::Null, "2030-01-01")).await;
    assert_eq!(without.status, 422, "a lot-tracked item needs its lot: {:#}", without.body);
    warehouse.staff.post(path, &receive(json!("L1"), "2030-01-01")).await.expect(201);
    warehouse.staff.post(path, &receive(json!("L1"), "2030-01-01")).await.expect(201);
    let contradiction = warehouse.staff.post(path, &receive(json!("L1"), "2031-01-01")).await;
    assert!(matches!(contradiction.status.as_u16(), 409 | 422), "one lot has one expiry: {:#}", contradiction.body);
    let unknown = warehouse.staff.post(path, &json!({ "movements": [{ "kind": "ISSUE", "item": "MILK", "lot": "L9", "quantity": 1, "from": "F1/BIN-000", "to": "CUSTOMER" }] })).await;
    assert!(unknown.status.is_client_error());
    let lots = warehouse.staff.get("/api/v1/inventory/lots?item=MILK").await.expect(200);
    assert_eq!(lots["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_another_site_is_refused() {
    let server = Server::start().await;
    let cookie = "entrepot_session=ses_acme_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let send = async |origin: Option<&str>| {
        let mut request =
            server.anonymous().request(Method::POST, "/api/v1/inventory/items").header("cookie", cookie).json(&json!({}));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        server.anonymous().send(request).await
    };
    for origin in [None, Some("https://evil.example"), Some("null")] {
        let answer = send(origin).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (403, "CROSS_ORIGIN"), "{origin:?}");
    }
    assert_eq!(send(Some(&server.url)).await.status, 401, "from our own pages the cookie is looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_the_wrong_type_is_named_by_its_path() {
    let warehouse = Warehouse::open(1, 1).await;
    let movements = "/api/v1/inventory/movements";
    for (path, body, field) in [
        (
            movements,
            r#"{"movements": [{"kind": "RECEIPT", "item": "A", "quantity": 1}, {"kind": "RECEIPT", "item": "A", "quantity": []}]}"#,
            "movements[1].quantity",
        ),
        (movements, r#"{"movements": [{"item": "A", "quantity": 1}]}"#, "movements[0].kind"),
        (movements, r#"{"movements": [{"kind": "RECEIPT", "item": "A", "quantity": 1, "qty": 1}]}"#, "movements[0].qty"),
        (movements, "{}", "movements"),
        (movements, "7", "body"),
        ("/api/v1/inventory/items", r#"{"code": "A", "name": "a", "shelf_life_days": 2147483648}"#, "shelf_life_days"),
    ] {
        let answer = raw(&warehouse.staff, path, "application/json", body).await;
        assert_eq!(answer.status, 422, "{body}: {:#}", answer.body);
        assert_eq!(answer.body["errors"][0]["field"], field, "{body}: {:#}", answer.body);
    }
    let trailing = raw(&warehouse.staff, movements, "application/json", r#"{"movements": []} {}"#).await;
    assert_eq!(trailing.status, 400, "{:#}", trailing.body);
}
