//! The pages of counts and transfers as a browser without scripts sends them.

use platform::auth::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::harness::{Caller, Warehouse, text};

async fn shown(request: RequestBuilder) -> (u16, String, String) {
    let answer = request.header("accept", "text/html").send().await.expect("the server answers");
    let location = answer.headers().get("location").map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location, answer.text().await.unwrap())
}

async fn open(caller: &Caller, path: &str) -> String {
    let (status, _, html) = shown(caller.request(Method::GET, path)).await;
    assert_eq!(status, 200, "{path}: {html}");
    html
}

async fn send(caller: &Caller, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
    shown(caller.request(Method::POST, path).form(fields)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_goes_from_plan_to_review_in_forms() {
    let warehouse = Warehouse::open(2, 2).await;
    let (ann, boss) = (&warehouse.staff, &warehouse.admin);
    let ben = warehouse.server.as_role(Role::Staff).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 41).await;
    let plan = |locations| {
        [("idempotency_key", locations), ("facility", "F1"), ("code", "C1"), ("blind", "on"), ("locations", locations)]
    };
    let (status, _, html) = send(boss, "/counts", &plan("BIN-000 NOWHERE")).await;
    assert!(status == 422 && html.contains("NOWHERE"), "{status}");
    assert_eq!(send(boss, "/counts", &plan("BIN-000, BIN-001")).await.1, "/counts/C1");
    assert!(open(ann, "/counts").await.contains("C1"));
    let sheet = "/counts/C1/at/BIN-000";
    assert!(open(ann, sheet).await.contains("Start counting BIN-000"));
    assert_eq!(send(ann, &format!("{sheet}/start"), &[("idempotency_key", "s")]).await.1, sheet);
    let html = open(ann, sheet).await;
    // The number alone may stand in a token or in the address of an asset.
    let tells = [">41", "\"41\"", " 41"].iter().any(|shown| html.contains(shown));
    assert!(!tells && html.contains("ITEM-000"), "blind: {html}");
    let lines = ann.get("/api/v1/inventory/counts/C1/lines").await.expect(200);
    let line = text(&lines["items"][0]["line_id"]);
    let entry = |key, counted, action| {
        [("idempotency_key", key), ("lines[0].line_id", line.as_str()), ("lines[0].counted", counted), ("action", action)]
    };
    let (status, _, html) = send(ann, sheet, &entry("a", "many", "save")).await;
    assert!(status == 422 && html.contains("many") && html.contains("decimal number"), "{status} {html}");
    let (_, next, _) = send(ann, sheet, &entry("b", "40", "finish")).await;
    assert_eq!(next, "/counts/C1/at/BIN-001", "on to the next place");
    assert!(open(&ben, "/counts/C1").await.contains("To be counted again"));
    send(&ben, sheet, &entry("c", "40", "save")).await;
    assert!(!open(ann, "/counts/C1").await.contains("Differences to approve"));
    let html = open(boss, "/counts/C1").await;
    assert!(html.contains("Differences to approve") && html.contains("−1"), "{html}");
    let approve =
        [("idempotency_key", "d"), ("lines[0].line_id", line.as_str()), ("lines[0].chosen", "on"), ("action", "approve")];
    assert_eq!(send(boss, "/counts/C1/review", &approve).await.1, "/counts/C1");
    assert_eq!(warehouse.on_hand("ITEM-000").await[0].1, "40");
    assert_eq!(send(boss, "/counts/C1/cancel", &[("idempotency_key", "e"), ("reason", "enough")]).await.0, 303);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_ordered_shipped_and_received_in_forms() {
    let warehouse = Warehouse::open(1, 1).await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    admin.post("/api/v1/facilities", &json!({ "code": "F2", "name": "Second" })).await.expect(201);
    let dock = json!({ "facility": "F2", "code": "IN", "type": "RECEIVING", "volume": { "value": "10", "unit": "m3" }, "max_weight": { "value": "1", "unit": "t" } });
    admin.post("/api/v1/locations", &dock).await.expect(201);
    warehouse.stock("ITEM-000", "F1/BIN-000", 9).await;
    let order = |quantity| {
        [
            ("idempotency_key", quantity),
            ("from", "F1"),
            ("to", "F2"),
            ("code", "T1"),
            ("request", "on"),
            ("lines[1].item", "ITEM-000"),
            ("lines[1].quantity", quantity),
        ]
    };
    let (status, _, html) = send(staff, "/transfers", &order("x")).await;
    assert!(status == 422 && html.contains("decimal number"), "{status}");
    assert_eq!(send(staff, "/transfers", &order("5")).await.1, "/transfers/T1");
    assert_eq!(send(staff, "/transfers/T1", &[("idempotency_key", "a"), ("action", "ship-all")]).await.1, "/transfers/T1");
    let item = open(staff, "/items/ITEM-000").await;
    assert!(item.contains("In transit") && item.contains("/transfers/T1"), "{item}");
    assert!(open(staff, "/transfers?item=ITEM-000").await.contains("T1"));
    let line = text(&staff.get("/api/v1/transfers/T1").await.expect(200)["lines"][0]["line_id"]);
    let receive = |key, quantity| {
        [("idempotency_key", key), ("action", "receive"), ("lines[0].line_id", line.as_str()), ("lines[0].receive", quantity)]
    };
    let (status, _, html) = send(staff, "/transfers/T1", &receive("b", "6")).await;
    assert!(status == 422 && html.contains("has 5 EA in transit, not more"), "{status} {html}");
    assert_eq!(send(staff, "/transfers/T1", &receive("c", "3")).await.0, 303);
    let close = [("idempotency_key", "d"), ("reason", "lost on the way")];
    assert_eq!(send(staff, "/transfers/T1/close", &close).await.0, 303);
    assert!(open(staff, "/transfers/T1").await.contains("2 missing"));
    warehouse.server.assert_invariants().await;
}
