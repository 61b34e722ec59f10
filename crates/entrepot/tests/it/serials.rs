//! Serial numbers: each piece is in one place, and no movement moves another than it names.

use futures::future::join_all;
use platform::auth::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Warehouse, text};

const MOVEMENTS: &str = "/api/v1/inventory/movements";
const SERIALS: &str = "/api/v1/inventory/serials";

/// A warehouse with the serial-tracked items `PUMP-0`, `PUMP-1` and so on.
async fn open(items: usize) -> Warehouse {
    let warehouse = Warehouse::open(4, 1).await;
    for n in 0..items {
        let item = json!({ "code": format!("PUMP-{n}"), "name": "Pump", "serial_tracked": true, "weight": { "value": "2", "unit": "kg" },
            "dimensions": { "length": "30", "width": "20", "height": "10", "unit": "cm" } });
        warehouse.staff.post("/api/v1/inventory/items", &item).await.expect(201);
    }
    warehouse
}

async fn post(warehouse: &Warehouse, movement: Value) -> Answer {
    warehouse.staff.post(MOVEMENTS, &json!({ "movements": [movement] })).await
}

fn receipt(to: &str, serials: &[&str]) -> Value {
    json!({ "kind": "RECEIPT", "item": "PUMP-0", "to": to, "serials": serials })
}

fn issue(from: &str, serials: &[&str]) -> Value {
    json!({ "kind": "ISSUE", "item": "PUMP-0", "quantity": serials.len(), "from": from, "serials": serials })
}

#[track_caller]
fn refused(answer: &Answer, status: u16, field: &str, words: &str) {
    assert_eq!(answer.status.as_u16(), status, "{:#}", answer.body);
    assert_eq!(answer.body["errors"][0]["field"], field, "{:#}", answer.body);
    assert!(answer.body.to_string().contains(words), "{words}: {:#}", answer.body);
}

/// Where each serial number is, by number.
async fn places(warehouse: &Warehouse) -> Vec<(String, String, String)> {
    let body = warehouse.staff.get(&format!("{SERIALS}?limit=500")).await.expect(200);
    let rows = body["items"].as_array().unwrap().clone();
    rows.iter().map(|row| (text(&row["number"]), text(&row["location_code"]), text(&row["quality_status"]))).collect()
}

fn at(number: &str, place: &str) -> (String, String, String) {
    (number.to_owned(), place.to_owned(), "RELEASED".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_comes_in_moves_leaves_and_returns() {
    let warehouse = open(1).await;
    post(&warehouse, receipt("F1/DOCK", &["S1", "S2", "S3"])).await.expect(201);
    assert_eq!(warehouse.on_hand("PUMP-0").await, [("DOCK".to_owned(), "3".to_owned())]);
    refused(&post(&warehouse, receipt("F1/DOCK", &["S4", "S2"])).await, 409, "movements[0].serials", "S2");
    assert_eq!(places(&warehouse).await.len(), 3, "a refused number leaves no trace");

    let transfer = json!({ "kind": "TRANSFER", "item": "PUMP-0", "quantity": 2, "from": "F1/DOCK", "to": "F1/BIN-000", "serials": ["S3", "S1"] });
    post(&warehouse, transfer.clone()).await.expect(201);
    refused(&post(&warehouse, transfer).await, 409, "movements[0].serials", "it is at F1/BIN-000");
    refused(&post(&warehouse, issue("F1/BIN-000", &["S2"])).await, 409, "movements[0].serials", "it is at F1/DOCK");
    refused(&post(&warehouse, issue("F1/BIN-000", &["S9"])).await, 422, "movements[0].serials", "nobody has seen");

    post(&warehouse, issue("F1/BIN-000", &["S1"])).await.expect(201);
    assert_eq!(places(&warehouse).await, [at("S1", "CUSTOMER"), at("S2", "DOCK"), at("S3", "BIN-000")]);
    post(&warehouse, receipt("F1/DOCK", &["S1"])).await.expect(201);
    assert_eq!(places(&warehouse).await[0], at("S1", "DOCK"), "a return");

    let found = warehouse.staff.get(&format!("{SERIALS}?number=S1")).await.expect(200);
    let life = warehouse.staff.get(&format!("{SERIALS}/{}", text(&found["items"][0]["serial_id"]))).await.expect(200);
    let kinds: Vec<String> = life["movements"].as_array().unwrap().iter().map(|one| text(&one["kind"])).collect();
    assert_eq!(kinds, ["RECEIPT", "ISSUE", "TRANSFER", "RECEIPT"]);
    let of_first = text(&life["movements"][3]["movement_id"]);
    let moved = warehouse.staff.get(&format!("{SERIALS}?movement={of_first}")).await.expect(200);
    assert_eq!(moved["items"].as_array().unwrap().len(), 3);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_movement_names_exactly_its_pieces() {
    let warehouse = open(1).await;
    let base = json!({ "kind": "RECEIPT", "item": "PUMP-0", "to": "F1/DOCK" });
    let with = |more: Value| {
        let mut movement = base.clone();
        movement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        movement
    };
    for (more, field, words) in [
        (json!({ "quantity": 2 }), "serials", "name the serial numbers"),
        (json!({ "quantity": 3, "serials": ["A", "B"] }), "serials", "3 pieces, but 2"),
        (json!({ "quantity": "1.5", "serials": ["A"] }), "serials", "1.5 pieces"),
        (json!({ "serials": ["A", "B", "A"] }), "serials[2]", "second time"),
        (json!({ "serials": ["A", "  "] }), "serials[1]", "empty"),
        (json!({ "serials": ["x".repeat(65)] }), "serials[0]", "64"),
        (json!({ "serials": vec!["A"; 10_001] }), "serials", "10000"),
        (json!({}), "quantity", "must be given"),
        (json!({ "item": "ITEM-000", "quantity": 1, "serials": ["A"] }), "serials", "not serial-tracked"),
    ] {
        refused(&post(&warehouse, with(more)).await, 422, &format!("movements[0].{field}"), words);
    }
    let many: Vec<String> = (0..10_000).map(|n| format!("N{n:05}")).collect();
    post(&warehouse, with(json!({ "serials": many }))).await.expect(201);
    assert_eq!(warehouse.on_hand("PUMP-0").await[0].1, "10000");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_batch_each_movement_stands_for_itself_and_a_later_one_uses_an_earlier() {
    let warehouse = open(1).await;
    let batch = json!({ "atomic": false, "movements": [
        receipt("F1/DOCK", &["S1", "S2"]), issue("F1/DOCK", &["S1"]), issue("F1/DOCK", &["S1"]), receipt("F1/DOCK", &["S3", "S2"]) ] });
    let body = warehouse.staff.post(MOVEMENTS, &batch).await.expect(200);
    let outcomes: Vec<String> = body["results"].as_array().unwrap().iter().map(|one| text(&one["outcome"])).collect();
    assert_eq!(outcomes, ["POSTED", "POSTED", "REFUSED", "REFUSED"], "{body:#}");
    assert_eq!(places(&warehouse).await, [at("S1", "CUSTOMER"), at("S2", "DOCK")], "S3 came with a refused movement");
    let again = warehouse.staff.post_with_key(MOVEMENTS, "k1", &json!({ "movements": [receipt("F1/DOCK", &["S4"])] })).await;
    let twice = warehouse.staff.post_with_key(MOVEMENTS, "k1", &json!({ "movements": [receipt("F1/DOCK", &["S4"])] })).await;
    assert_eq!((again.status.as_u16(), again), (201, twice));
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_issues_of_one_piece_exactly_one_wins() {
    let warehouse = open(1).await;
    for round in 0..5 {
        let numbers: Vec<String> = (0..5).map(|n| format!("R{round}-{n}")).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        post(&warehouse, receipt("F1/DOCK", &numbers)).await.expect(201);
        let answers = join_all((0..100).map(|_| post(&warehouse, issue("F1/DOCK", &numbers[..1])))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "round {round}");
        assert!(answers.iter().all(|answer| answer.status == 201 || answer.code() == "STOCK_INSUFFICIENT"), "{answers:?}");
    }
    let answers = join_all((0..20).map(|_| post(&warehouse, receipt("F1/DOCK", &["SAME"])))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "a new number comes in once: {answers:?}");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_cross_each_other_keep_pieces_and_balances_equal() {
    let warehouse = open(2).await;
    for item in 0..2 {
        for bin in 0..4 {
            let serials: Vec<String> = (0..10).map(|n| format!("{item}-{bin}-{n}")).collect();
            let movement = json!({ "kind": "RECEIPT", "item": format!("PUMP-{item}"), "to": format!("F1/BIN-{bin:03}"), "serials": serials });
            post(&warehouse, movement).await.expect(201);
        }
    }
    let batches = (0..60_usize).map(|n| {
        let movements: Vec<_> = (0..4_usize)
            .map(|k| {
                let (item, bin, to) = ((n + k) % 2, (n * 3 + k) % 4, (n * 3 + k + 1 + n % 3) % 4);
                let number = format!("{item}-{bin}-{}", (n * 7 + k * 3) % 10);
                json!({ "kind": "TRANSFER", "item": format!("PUMP-{item}"), "serials": [number],
                    "from": format!("F1/BIN-{bin:03}"), "to": format!("F1/BIN-{to:03}") })
            })
            .collect();
        json!({ "atomic": n % 2 == 0, "movements": movements })
    });
    let batches: Vec<Value> = batches.collect();
    let answers = join_all(batches.iter().map(|batch| warehouse.staff.post(MOVEMENTS, batch))).await;
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 201 | 409)), "{answers:?}");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tracking_changes_only_while_nothing_is_in_stock() {
    let warehouse = open(1).await;
    let patch = async |item: &str, on: bool| {
        let path = format!("/api/v1/inventory/items/{item}");
        let version = warehouse.staff.get(&path).await.expect(200)["version"].clone();
        warehouse.staff.patch(&path, &json!({ "serial_tracked": on, "version": version })).await
    };
    warehouse.stock("ITEM-000", "F1/DOCK", 2).await;
    let in_stock = patch("ITEM-000", true).await;
    refused(&in_stock, 422, "serial_tracked", "in stock");
    let out = json!({ "kind": "ISSUE", "item": "ITEM-000", "quantity": 2, "from": "F1/DOCK" });
    post(&warehouse, out).await.expect(201);
    assert_eq!(patch("ITEM-000", true).await.expect(200)["serial_tracked"], true);
    let bare = json!({ "kind": "RECEIPT", "item": "ITEM-000", "quantity": 1, "to": "F1/DOCK" });
    refused(&post(&warehouse, bare).await, 422, "movements[0].serials", "serial-tracked");
    post(&warehouse, receipt("F1/DOCK", &["S1"])).await.expect(201);
    refused(&patch("PUMP-0", false).await, 422, "serial_tracked", "in stock");
    let measured = json!({ "code": "WIRE", "name": "Wire", "base_unit": "M", "serial_tracked": true });
    let answer = warehouse.staff.post("/api/v1/inventory/items", &measured).await;
    refused(&answer, 422, "serial_tracked", "measured");
    let graphql = warehouse.staff.graphql(r#"{ item(code: "PUMP-0") { serialTracked } }"#).await;
    assert_eq!(graphql["item"]["serialTracked"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_and_the_switch_at_once_never_leave_pieces_without_numbers() {
    let warehouse = Warehouse::open(1, 8).await;
    for n in 0..8 {
        let item = format!("ITEM-{n:03}");
        let path = format!("/api/v1/inventory/items/{item}");
        let receipt = json!({ "movements": [{ "kind": "RECEIPT", "item": item, "quantity": 1, "to": "F1/DOCK" }] });
        let change = json!({ "serial_tracked": true, "version": 1 });
        let receive = join_all((0..4).map(|_| warehouse.staff.post(MOVEMENTS, &receipt)));
        let (received, switched) = tokio::join!(receive, warehouse.staff.patch(&path, &change));
        let stocked = received.iter().any(|answer| answer.status == 201);
        assert_ne!(stocked, switched.status == 200, "{received:?} {switched:?}");
    }
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_and_its_putaway_carry_the_pieces() {
    let warehouse = open(1).await;
    let delivery = json!({ "facility": "F1", "code": "PO-1", "lines": [{ "item": "PUMP-0", "expected": "3" }] });
    warehouse.staff.post("/api/v1/receipts", &delivery).await.expect(201);
    let receive = async |body: Value| warehouse.staff.post("/api/v1/receipts/PO-1/receive", &body).await;
    refused(&receive(json!({ "receive_all": true })).await, 422, "receive_all", "serial-tracked");
    let bare = receive(json!({ "lines": [{ "line_no": 1, "quantity": "3" }] })).await;
    refused(&bare, 422, "lines[0].serials", "serial-tracked");
    receive(json!({ "lines": [{ "line_no": 1, "serials": ["S1", "S2", "S3"] }] })).await.expect(200);

    let ask = json!({ "facility": "F1", "all_waiting": true });
    let answer = warehouse.staff.post("/api/wms/optimization/putaway/recommendations", &ask).await.expect(201);
    let accept = format!(
        "/api/wms/optimization/putaway/recommendations/{}/accept",
        text(&answer["recommendations"][0]["recommendation_id"])
    );
    let wrong = warehouse.staff.post(&accept, &json!({ "serials": ["S1", "S2", "S9"] })).await;
    assert_eq!(wrong.status.as_u16(), 422, "{:#}", wrong.body);
    warehouse.staff.post(&accept, &json!({})).await.expect(200);
    let there = places(&warehouse).await;
    assert!(there.iter().all(|(_, place, _)| place.starts_with("BIN-")), "{there:?}");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_narrowed_and_of_one_tenant() {
    let warehouse = open(2).await;
    post(&warehouse, receipt("F1/DOCK", &["A1", "A2", "A3", "B1"])).await.expect(201);
    let other = json!({ "kind": "RECEIPT", "item": "PUMP-1", "to": "F1/BIN-000", "serials": ["A1", "é"] });
    post(&warehouse, other).await.expect(201);
    let mut seen = Vec::new();
    let mut path = format!("{SERIALS}?limit=2");
    loop {
        let page = warehouse.staff.get(&path).await.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|row| text(&row["number"])));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{SERIALS}?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["A1", "A1", "A2", "A3", "B1", "é"]);
    for (filter, count) in [
        ("number=A", 4),
        ("number=A&item=PUMP-0", 3),
        ("location=F1/BIN-000", 2),
        ("in_stock=false", 0),
        ("number=a", 0),
        ("quality_status=HOLD", 0),
        ("number=%C3%A9", 1),
    ] {
        let found = warehouse.staff.get(&format!("{SERIALS}?{filter}")).await.expect(200);
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{filter}");
    }
    assert_eq!(warehouse.staff.get(&format!("{SERIALS}?item=NOPE")).await.status, 404);
    let graphql = warehouse
        .staff
        .graphql(r#"{ serials(filter: { number: "A", item: "PUMP-0" }) { items { serialId number inStock } } }"#)
        .await;
    assert_eq!(graphql["serials"]["items"].as_array().unwrap().len(), 3);
    let id = text(&graphql["serials"]["items"][0]["serialId"]);
    let one = warehouse.staff.graphql(&format!(r#"{{ serial(id: "{id}") {{ number movements {{ kind }} }} }}"#)).await;
    assert_eq!(one["serial"]["movements"][0]["kind"], "RECEIPT");

    let rival = warehouse.server.caller(Some(warehouse.server.token("rival", Role::Admin).await));
    assert_eq!(rival.get(&format!("{SERIALS}/{id}")).await.status, 404);
    assert_eq!(rival.get(SERIALS).await.expect(200)["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_promises_half_a_piece() {
    let warehouse = open(1).await;
    post(&warehouse, receipt("F1/BIN-000", &["S1", "S2", "S3"])).await.expect(201);
    let reservations = "/api/v1/inventory/reservations";
    let half = warehouse.staff.post(reservations, &json!({ "item": "PUMP-0", "quantity": "1.5" })).await;
    refused(&half, 422, "quantity", "serial-tracked");
    let whole = warehouse.staff.post(reservations, &json!({ "item": "PUMP-0", "quantity": 2 })).await.expect(201);
    for what in ["fulfil", "release"] {
        let path = format!("{reservations}/{}/{what}", text(&whole["reservation_id"]));
        let half = warehouse.staff.post(&path, &json!({ "quantity": "0.5" })).await;
        refused(&half, 422, "quantity", "serial-tracked");
        warehouse.staff.post(&path, &json!({ "quantity": 1 })).await.expect(200);
    }
    warehouse.server.assert_invariants().await;
}
