//! Deliveries, expected and blind.

use serde_json::{Value, json};

use crate::harness::{Warehouse, text};

async fn expected(warehouse: &Warehouse) -> Value {
    let receipt = json!({ "facility": "F1", "code": "PO-1", "supplier": "Acme", "lines": [{ "item": "ITEM-000", "expected": "10" }, { "item": "ITEM-001", "expected": "4" }] });
    warehouse.staff.post("/api/v1/receipts", &receipt).await.expect(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expected_delivery_arrives_at_the_dock() {
    let warehouse = Warehouse::open(1, 2).await;
    expected(&warehouse).await;
    let delivered = warehouse.staff.post("/api/v1/receipts/PO-1/receive", &json!({ "receive_all": true })).await;
    assert!(delivered.status.is_success(), "{:#}", delivered.body);
    assert_eq!(warehouse.on_hand("ITEM-000").await, [("DOCK".to_owned(), "10".to_owned())]);
    let again = warehouse.staff.post("/api/v1/receipts/PO-1/receive", &json!({ "receive_all": true })).await;
    assert!(again.status.is_client_error() || warehouse.on_hand("ITEM-000").await[0].1 == "10", "nothing doubles");
    assert_eq!(warehouse.on_hand("ITEM-000").await[0].1, "10");
    let closed = warehouse.staff.post("/api/v1/receipts/PO-1/close", &json!({})).await;
    assert!(closed.status.is_success() || closed.status == 409, "{:#}", closed.body);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_expected_needs_a_word() {
    let warehouse = Warehouse::open(1, 2).await;
    expected(&warehouse).await;
    let over = |allow: bool| json!({ "allow_over": allow, "lines": [{ "line_no": 1, "quantity": "12" }] });
    let refused = warehouse.staff.post("/api/v1/receipts/PO-1/receive", &over(false)).await;
    assert!(refused.status.is_client_error(), "{:#}", refused.body);
    assert!(refused.body.to_string().contains("lines[0]"), "names the line: {:#}", refused.body);
    assert!(warehouse.on_hand("ITEM-000").await.is_empty());
    let taken = warehouse.staff.post("/api/v1/receipts/PO-1/receive", &over(true)).await;
    assert!(taken.status.is_success(), "{:#}", taken.body);
    assert_eq!(warehouse.on_hand("ITEM-000").await[0].1, "12");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_delivery_takes_what_comes_and_its_status() {
    let warehouse = Warehouse::open(1, 2).await;
    let receipt =
        warehouse.staff.post("/api/v1/receipts", &json!({ "facility": "F1", "supplier": "Somebody" })).await.expect(201);
    let code = text(&receipt["code"]);
    let arrived = json!({ "lines": [{ "item": "ITEM-001", "quantity": "3", "quality_status": "QUARANTINE" }] });
    let answer = warehouse.staff.post(&format!("/api/v1/receipts/{code}/receive"), &arrived).await;
    assert!(answer.status.is_success(), "{:#}", answer.body);
    let balance = warehouse.staff.get("/api/v1/inventory/balances?item=ITEM-001").await.expect(200);
    assert_eq!(balance["items"][0]["quality_status"], "QUARANTINE");
    assert_eq!(warehouse.staff.post(&format!("/api/v1/receipts/{code}/cancel"), &json!({})).await.status, 409, "goods have come");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clicks_at_once_receive_once() {
    let warehouse = Warehouse::open(1, 2).await;
    expected(&warehouse).await;
    let all = json!({ "receive_all": true });
    let clicks = (0..10).map(|_| warehouse.staff.post("/api/v1/receipts/PO-1/receive", &all));
    futures::future::join_all(clicks).await;
    assert_eq!(warehouse.on_hand("ITEM-000").await, [("DOCK".to_owned(), "10".to_owned())]);
    warehouse.server.assert_invariants().await;
}
