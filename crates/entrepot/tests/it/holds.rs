//! Holds and the table of quality changes: blocked for a reason, given back as it was.

use futures::future::join_all;
use platform::auth::Role;
use serde_json::{Value, json};
use sqlx::Executor as _;

use crate::harness::{Answer, Caller, Warehouse, text};

const HOLDS: &str = "/api/v1/inventory/holds";

async fn hold(warehouse: &Warehouse, body: Value) -> Answer {
    warehouse.staff.post(HOLDS, &body).await
}

async fn release(caller: &Caller, hold: &Value, body: Value) -> Answer {
    caller.post(&format!("{HOLDS}/{}/release", text(&hold["hold_id"])), &body).await
}

/// On hand by status and place.
async fn stock(warehouse: &Warehouse, item: &str) -> Vec<(String, String, String)> {
    let body = warehouse.staff.get(&format!("/api/v1/inventory/balances?item={item}")).await.expect(200);
    let rows = body["items"].as_array().unwrap().clone();
    let mut rows: Vec<_> =
        rows.iter().map(|row| (text(&row["quality_status"]), text(&row["location_code"]), text(&row["on_hand"]))).collect();
    rows.sort();
    rows
}

fn row(status: &str, place: &str, on_hand: &str) -> (String, String, String) {
    (status.to_owned(), place.to_owned(), on_hand.to_owned())
}

async fn change(caller: &Caller, place: &str, from: &str, to: &str, quantity: u32) -> Answer {
    let movement = json!({ "kind": "STATUS_CHANGE", "item": "ITEM-000", "quantity": quantity, "from": place, "from_status": from, "to_status": to });
    caller.post("/api/v1/inventory/movements", &json!({ "movements": [movement] })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn held_stock_is_given_back_as_it_was() {
    let warehouse = Warehouse::open(2, 1).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    warehouse.stock("ITEM-000", "F1/BIN-001", 5).await;
    change(&warehouse.staff, "F1/BIN-001", "RELEASED", "PENDING_INSPECTION", 2).await.expect(201);
    let made =
        hold(&warehouse, json!({ "item": "ITEM-000", "reason": "customer complaint", "reference": "QA-7" })).await.expect(201);
    assert_eq!((text(&made["quantity"]), text(&made["remaining"])), ("15".into(), "15".into()));
    assert_eq!(made["lines"].as_array().unwrap().len(), 3);
    assert_eq!(stock(&warehouse, "ITEM-000").await, [row("HOLD", "BIN-000", "10"), row("HOLD", "BIN-001", "5")]);
    let nothing = hold(&warehouse, json!({ "item": "ITEM-000", "reason": "again" })).await;
    assert_eq!((nothing.status.as_u16(), nothing.code()), (409, "STOCK_INSUFFICIENT"));

    let part = release(&warehouse.staff, &made, json!({ "quantity": "4", "reason": "these are fine" })).await.expect(200);
    assert_eq!((text(&part["state"]), text(&part["remaining"])), ("ACTIVE".into(), "11".into()));
    assert_eq!(stock(&warehouse, "ITEM-000").await[2], row("RELEASED", "BIN-000", "4"));
    let over = release(&warehouse.staff, &made, json!({ "quantity": "12", "reason": "too much" })).await;
    assert_eq!(over.status, 409, "{:#}", over.body);
    let rest = release(&warehouse.staff, &made, json!({ "reason": "all fine" })).await.expect(200);
    assert_eq!((text(&rest["state"]), text(&rest["remaining"])), ("CLOSED".into(), "0".into()));
    assert_eq!(
        stock(&warehouse, "ITEM-000").await,
        [row("PENDING_INSPECTION", "BIN-001", "2"), row("RELEASED", "BIN-000", "10"), row("RELEASED", "BIN-001", "3")]
    );
    assert_eq!(release(&warehouse.staff, &made, json!({ "reason": "once more" })).await.status, 409);
    let shown = warehouse.staff.get(&format!("{HOLDS}/{}", text(&made["hold_id"]))).await.expect(200);
    assert_eq!(shown["decisions"].as_array().unwrap().len(), 2);
    assert_eq!(shown["decisions"][0]["reason"], "all fine");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn held_stock_is_rejected_or_scrapped_and_found_where_it_went() {
    let warehouse = Warehouse::open(2, 1).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    let made = hold(&warehouse, json!({ "item": "ITEM-000", "location": "F1/BIN-000", "quantity": 6, "reason": "wet" }))
        .await
        .expect(201);
    let moved = json!({ "kind": "TRANSFER", "item": "ITEM-000", "quantity": 6, "from": "F1/BIN-000", "to": "F1/BIN-001", "quality_status": "HOLD" });
    warehouse.staff.post("/api/v1/inventory/movements", &json!({ "movements": [moved] })).await.expect(201);
    release(&warehouse.staff, &made, json!({ "disposition": "REJECT", "quantity": 2, "reason": "broken" })).await.expect(200);
    release(&warehouse.staff, &made, json!({ "disposition": "SCRAP", "quantity": 1, "reason": "beyond repair" }))
        .await
        .expect(200);
    assert_eq!(
        stock(&warehouse, "ITEM-000").await,
        [row("HOLD", "BIN-001", "3"), row("REJECTED", "BIN-001", "2"), row("RELEASED", "BIN-000", "4")]
    );
    let scrapped = json!({ "kind": "SCRAP", "item": "ITEM-000", "quantity": 1, "from": "F1/BIN-001", "quality_status": "HOLD", "reason": "fell" });
    warehouse.staff.post("/api/v1/inventory/movements", &json!({ "movements": [scrapped] })).await.expect(201);
    let named = release(&warehouse.staff, &made, json!({ "quantity": 3, "reason": "the rest" })).await;
    assert_eq!((named.status.as_u16(), named.code()), (409, "STOCK_INSUFFICIENT"), "{:#}", named.body);
    let rest = release(&warehouse.staff, &made, json!({ "reason": "the rest" })).await.expect(200);
    assert_eq!((text(&rest["decisions"][0]["quantity"]), text(&rest["decisions"][0]["missing"])), ("2".into(), "1".into()));
    assert_eq!(rest["state"], "CLOSED");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_stock_is_left_alone_and_told() {
    let warehouse = Warehouse::open(1, 1).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    warehouse.server.sql().await.execute("UPDATE inventory.balances SET reserved = 4").await.unwrap();
    let all_ten = hold(&warehouse, json!({ "item": "ITEM-000", "quantity": 10, "reason": "recall" })).await;
    assert_eq!(all_ten.status, 409);
    assert!(all_ten.body["detail"].as_str().unwrap().contains("4 EA are reserved"), "{:#}", all_ten.body);
    let made = hold(&warehouse, json!({ "item": "ITEM-000", "reason": "recall" })).await.expect(201);
    assert_eq!((text(&made["quantity"]), text(&made["skipped_reserved"])), ("6".into(), "4".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hold_claims_leaves_by_a_decision_only() {
    let warehouse = Warehouse::open(1, 1).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    change(&warehouse.staff, "F1/BIN-000", "RELEASED", "HOLD", 3).await.expect(201);
    hold(&warehouse, json!({ "item": "ITEM-000", "quantity": 5, "reason": "odd smell" })).await.expect(201);
    let refused = change(&warehouse.admin, "F1/BIN-000", "HOLD", "RELEASED", 4).await;
    assert_eq!(refused.status, 409, "{:#}", refused.body);
    assert!(refused.body.to_string().contains("holds claim all except 3"), "{:#}", refused.body);
    change(&warehouse.admin, "F1/BIN-000", "HOLD", "RELEASED", 3).await.expect(201);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn serial_numbers_are_held_and_released_by_name() {
    let warehouse = Warehouse::open(2, 0).await;
    warehouse
        .staff
        .post("/api/v1/inventory/items", &json!({ "code": "PUMP", "name": "Pump", "serial_tracked": true }))
        .await
        .expect(201);
    let receipt = json!({ "kind": "RECEIPT", "item": "PUMP", "to": "F1/BIN-000", "serials": ["S1", "S2", "S3", "S4"] });
    warehouse.staff.post("/api/v1/inventory/movements", &json!({ "movements": [receipt] })).await.expect(201);
    let wrong = hold(&warehouse, json!({ "item": "PUMP", "serials": ["S2", "S9"], "reason": "leaks" })).await;
    assert_eq!((wrong.status.as_u16(), text(&wrong.body["errors"][0]["field"])), (409, "serials[1]".into()), "{:#}", wrong.body);
    let made = hold(&warehouse, json!({ "item": "PUMP", "serials": ["S2", "S3"], "reason": "leaks" })).await.expect(201);
    let held = async || {
        let body = warehouse.staff.get("/api/v1/inventory/serials?quality_status=HOLD&in_stock=true").await.expect(200);
        body["items"].as_array().unwrap().iter().map(|row| text(&row["number"])).collect::<Vec<_>>()
    };
    assert_eq!(held().await, ["S2", "S3"]);
    let foreign = release(&warehouse.staff, &made, json!({ "serials": ["S1"], "reason": "fine" })).await;
    assert_eq!(foreign.status, 409, "{:#}", foreign.body);
    release(&warehouse.staff, &made, json!({ "serials": ["S3"], "reason": "fine" })).await.expect(200);
    assert_eq!(held().await, ["S2"]);
    let again = hold(&warehouse, json!({ "item": "PUMP", "serials": ["S3"], "reason": "leaks after all" })).await.expect(201);
    release(&warehouse.staff, &made, json!({ "disposition": "SCRAP", "reason": "leaks indeed" })).await.expect(200);
    assert_eq!(held().await, ["S3"], "what was released and held again belongs to the other hold");
    release(&warehouse.staff, &again, json!({ "reason": "dry" })).await.expect(200);
    assert_eq!(held().await, [""; 0]);
    let counted = hold(&warehouse, json!({ "item": "PUMP", "quantity": 1, "reason": "sample" })).await.expect(201);
    assert_eq!(held().await, ["S1"], "the lowest number");
    release(&warehouse.staff, &counted, json!({ "reason": "done" })).await.expect(200);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_quality_changes_is_obeyed_by_every_door() {
    let warehouse = Warehouse::open(1, 1).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 20).await;
    change(&warehouse.staff, "F1/BIN-000", "RELEASED", "REJECTED", 5).await.expect(201);
    for to in ["RELEASED", "HOLD", "QUARANTINE", "PENDING_INSPECTION"] {
        assert_eq!(change(&warehouse.staff, "F1/BIN-000", "REJECTED", to, 1).await.status, 403, "{to}");
    }
    change(&warehouse.admin, "F1/BIN-000", "REJECTED", "RELEASED", 1).await.expect(201);
    change(&warehouse.staff, "F1/BIN-000", "RELEASED", "QUARANTINE", 2).await.expect(201);
    assert_eq!(change(&warehouse.staff, "F1/BIN-000", "QUARANTINE", "RELEASED", 1).await.status, 403);
    change(&warehouse.staff, "F1/BIN-000", "QUARANTINE", "PENDING_INSPECTION", 1).await.expect(201);
    change(&warehouse.staff, "F1/BIN-000", "PENDING_INSPECTION", "RELEASED", 1).await.expect(201);

    let milk = json!({ "code": "MILK", "name": "Milk", "lot_tracked": true });
    warehouse.staff.post("/api/v1/inventory/items", &milk).await.expect(201);
    let receipt = json!({ "kind": "RECEIPT", "item": "MILK", "lot": "L1", "quantity": 3, "to": "F1/BIN-000" });
    warehouse.staff.post("/api/v1/inventory/movements", &json!({ "movements": [receipt] })).await.expect(201);
    let lots = warehouse.staff.get("/api/v1/inventory/lots?item=MILK").await.expect(200);
    let path = format!("/api/v1/inventory/lots/{}/quality", text(&lots["items"][0]["lot_id"]));
    let to = |status: &str| json!({ "quality_status": status, "reason": "laboratory" });
    warehouse.staff.post(&path, &to("REJECTED")).await.expect(200);
    assert_eq!(warehouse.staff.post(&path, &to("RELEASED")).await.status, 403);
    warehouse.admin.post(&path, &to("RELEASED")).await.expect(200);

    change(&warehouse.staff, "F1/BIN-000", "RELEASED", "QUARANTINE", 1).await.expect(201);
    let scope = json!({ "item": "ITEM-000", "location": "F1/BIN-000", "reason": "look" });
    let made = hold(&warehouse, scope).await.expect(201);
    let up = json!({ "to_status": "RELEASED", "reason": "fine" });
    assert_eq!(release(&warehouse.staff, &made, up.clone()).await.status, 403, "some of it was in quarantine");
    release(&warehouse.admin, &made, up).await.expect(200);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_names_its_field_and_others_see_nothing() {
    let warehouse = Warehouse::open(1, 1).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    for (body, status, field) in [
        (json!({ "item": "ITEM-000", "reason": " " }), 422, "reason"),
        (json!({ "item": "NOPE", "reason": "x" }), 422, "item"),
        (json!({ "item": "ITEM-000", "reason": "x", "lot": "L9" }), 422, "lot"),
        (json!({ "item": "ITEM-000", "reason": "x", "location": "F1/NOPE" }), 404, "location"),
        (json!({ "item": "ITEM-000", "reason": "x", "quantity": "-1" }), 422, "quantity"),
        (json!({ "item": "ITEM-000", "reason": "x", "quantity": "much" }), 422, "quantity"),
        (json!({ "item": "ITEM-000", "reason": "x", "serials": ["S1"] }), 422, "serials"),
        (json!({ "item": "ITEM-000", "reason": "x", "until": "2001-01-01T00:00:00Z" }), 422, "until"),
        (json!({ "item": "ITEM-000", "reason": "x".repeat(201) }), 422, "reason"),
    ] {
        let answer = hold(&warehouse, body.clone()).await;
        assert_eq!((answer.status.as_u16(), text(&answer.body["errors"][0]["field"])), (status, field.to_owned()), "{body}");
    }
    let body = json!({ "item": "ITEM-000", "quantity": 2, "reason": "twice" });
    let first = warehouse.staff.post_with_key(HOLDS, "k", &body).await;
    assert_eq!(first, warehouse.staff.post_with_key(HOLDS, "k", &body).await);
    let made = first.expect(201);
    let bad = release(&warehouse.staff, &made, json!({ "disposition": "SCRAP", "to_status": "RELEASED", "reason": "" })).await;
    assert_eq!(bad.body["errors"].as_array().unwrap().len(), 2, "{:#}", bad.body);
    let path = format!("{HOLDS}/{}", text(&made["hold_id"]));
    let rival = warehouse.server.caller(Some(warehouse.server.token("rival", Role::Admin).await));
    assert_eq!(rival.get(&path).await.status, 404);
    assert_eq!(rival.post(&format!("{path}/release"), &json!({ "reason": "mine" })).await.status, 404);
    assert_eq!(rival.get(HOLDS).await.expect(200)["items"], json!([]));
    let listed = warehouse.staff.get(&format!("{HOLDS}?item=ITEM-000&state=ACTIVE")).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let graphql = warehouse.staff.graphql("{ holds(state: ACTIVE) { items { quantity reason createdByName } } }").await;
    assert_eq!(graphql["holds"]["items"][0]["reason"], "twice");
    let placed = r#"mutation { placeHold(input: { item: "ITEM-000", quantity: "1", reason: "by hand" }) { holdId lines { formerStatus } } }"#;
    let placed = warehouse.staff.graphql(placed).await;
    let id = text(&placed["placeHold"]["holdId"]);
    let back = format!(r#"mutation {{ releaseHold(id: "{id}", input: {{ reason: "fine" }}) {{ state remaining }} }}"#);
    assert_eq!(warehouse.staff.graphql(&back).await["releaseHold"]["state"], "CLOSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_decide_at_once_and_stock_moves_meanwhile() {
    let warehouse = Warehouse::open(3, 1).await;
    for bin in 0..3 {
        warehouse.stock("ITEM-000", &format!("F1/BIN-{bin:03}"), 50).await;
    }
    let made = hold(&warehouse, json!({ "item": "ITEM-000", "quantity": 60, "reason": "recall" })).await.expect(201);
    let decide = join_all((0..30).map(|_| release(&warehouse.staff, &made, json!({ "quantity": 3, "reason": "fine" }))));
    let moves = join_all((0..30_usize).map(|n| {
        let (from, to) = (format!("F1/BIN-{:03}", n % 3), format!("F1/BIN-{:03}", (n + 1) % 3));
        let movement = json!({ "kind": "TRANSFER", "item": "ITEM-000", "quantity": 1, "from": from, "to": to, "quality_status": if n % 2 == 0 { "HOLD" } else { "RELEASED" } });
        let caller = warehouse.staff.clone();
        async move { caller.post("/api/v1/inventory/movements", &json!({ "movements": [movement] })).await }
    }));
    let holds = join_all((0..10).map(|_| hold(&warehouse, json!({ "item": "ITEM-000", "quantity": 2, "reason": "more" }))));
    let (decided, moved, held) = tokio::join!(decide, moves, holds);
    assert_eq!(decided.iter().filter(|answer| answer.status == 200).count(), 20, "60 in shares of 3");
    let failed: Vec<_> = decided.iter().chain(&moved).chain(&held).filter(|answer| answer.status.as_u16() >= 500).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let total: u32 = stock(&warehouse, "ITEM-000").await.iter().map(|(_, _, on_hand)| on_hand.parse::<u32>().unwrap()).sum();
    assert_eq!(total, 150);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expired_a_moment_ago_is_held_too() {
    let warehouse = Warehouse::open(1, 1).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    let promise = json!({ "item": "ITEM-000", "quantity": 7, "expires_in_seconds": 1 });
    warehouse.staff.post("/api/v1/inventory/reservations", &promise).await.expect(201);
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    let made = hold(&warehouse, json!({ "item": "ITEM-000", "reason": "recall" })).await.expect(201);
    assert_eq!((text(&made["quantity"]), text(&made["skipped_reserved"])), ("10".into(), "0".into()));
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_unclaimed_goods_are_not_taken_at_two_places_at_once() {
    let warehouse = Warehouse::open(2, 1).await;
    let places = ["F1/BIN-000", "F1/BIN-001"];
    for place in places {
        warehouse.stock("ITEM-000", place, 5).await;
    }
    hold(&warehouse, json!({ "item": "ITEM-000", "location": places[1], "reason": "odd smell" })).await.expect(201);
    change(&warehouse.staff, places[0], "RELEASED", "HOLD", 5).await.expect(201);
    for _ in 0..10 {
        let answers = join_all(places.map(|place| change(&warehouse.admin, place, "HOLD", "RELEASED", 5))).await;
        let won: Vec<usize> = (0..2).filter(|n| answers[*n].status == 201).collect();
        assert_eq!(won.len(), 1, "only five are unclaimed");
        change(&warehouse.staff, places[won[0]], "RELEASED", "HOLD", 5).await.expect(201);
    }
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_leaves_what_a_hold_claims_to_its_decision() {
    let warehouse = Warehouse::open(1, 0).await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    let pump = json!({ "code": "PUMP", "name": "Pump", "serial_tracked": true, "lot_tracked": true });
    staff.post("/api/v1/inventory/items", &pump).await.expect(201);
    staff.post("/api/v1/inventory/items", &json!({ "code": "MILK", "name": "Milk", "lot_tracked": true })).await.expect(201);
    let serials = ["S1", "S2", "S3", "S4"];
    let movements = json!([
        { "kind": "RECEIPT", "item": "PUMP", "lot": "P1", "to": "F1/BIN-000", "serials": serials },
        { "kind": "RECEIPT", "item": "MILK", "lot": "M1", "to": "F1/BIN-000", "quantity": 10 },
    ]);
    staff.post("/api/v1/inventory/movements", &json!({ "movements": movements })).await.expect(201);
    let held = hold(&warehouse, json!({ "item": "PUMP", "serials": ["S1"], "reason": "leaks" })).await.expect(201);
    hold(&warehouse, json!({ "item": "MILK", "quantity": 4, "reason": "warm" })).await.expect(201);
    let unclaimed = json!([
        { "kind": "STATUS_CHANGE", "item": "PUMP", "lot": "P1", "from": "F1/BIN-000", "from_status": "RELEASED", "to_status": "HOLD", "serials": ["S2"], "quantity": 1 },
        { "kind": "STATUS_CHANGE", "item": "MILK", "lot": "M1", "from": "F1/BIN-000", "from_status": "RELEASED", "to_status": "HOLD", "quantity": 1 },
    ]);
    staff.post("/api/v1/inventory/movements", &json!({ "movements": unclaimed })).await.expect(201);
    for number in ["P1", "M1"] {
        let lots = staff.get(&format!("/api/v1/inventory/lots?number={number}")).await.expect(200);
        let path = format!("/api/v1/inventory/lots/{}/quality", text(&lots["items"][0]["lot_id"]));
        admin.post(&path, &json!({ "quality_status": "REJECTED", "reason": "recall" })).await.expect(200);
    }
    assert_eq!(stock(&warehouse, "PUMP").await, [row("HOLD", "BIN-000", "1"), row("REJECTED", "BIN-000", "3")]);
    assert_eq!(stock(&warehouse, "MILK").await, [row("HOLD", "BIN-000", "4"), row("REJECTED", "BIN-000", "6")]);
    let left = staff.get("/api/v1/inventory/serials?quality_status=HOLD&in_stock=true").await.expect(200);
    assert_eq!(text(&left["items"][0]["number"]), "S1", "the piece that the hold claims");
    release(staff, &held, json!({ "disposition": "REJECT", "reason": "leaks indeed" })).await.expect(200);
    warehouse.server.assert_invariants().await;
}
