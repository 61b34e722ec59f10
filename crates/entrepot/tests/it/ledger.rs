//! The double-entry ledger through HTTP.

use platform::auth::Role;
use serde_json::{Value, json};

use crate::harness::{Caller, Warehouse, text};

const MOVEMENTS: &str = "/api/v1/inventory/movements";

fn movement(kind: &str, quantity: &str, from: &str, to: &str) -> Value {
    json!({ "kind": kind, "item": "ITEM-000", "quantity": quantity, "from": from, "to": to })
}

async fn post(caller: &Caller, movements: Vec<Value>) -> crate::harness::Answer {
    caller.post(MOVEMENTS, &json!({ "movements": movements })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_come_in_move_and_leave_and_the_books_close() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    post(staff, vec![movement("RECEIPT", "10.5", "SUPPLIER", "F1/DOCK")]).await.expect(201);
    post(
        staff,
        vec![movement("TRANSFER", "4", "F1/DOCK", "F1/BIN-000"), movement("TRANSFER", "0.5", "F1/BIN-000", "F1/BIN-001")],
    )
    .await
    .expect(201);
    post(staff, vec![movement("ISSUE", "1", "F1/BIN-000", "CUSTOMER")]).await.expect(201);
    let mut on_hand = warehouse.on_hand("ITEM-000").await;
    on_hand.sort();
    let expected = [("BIN-000", "2.5"), ("BIN-001", "0.5"), ("DOCK", "6.5")]
        .map(|(place, quantity)| (place.to_owned(), quantity.to_owned()));
    assert_eq!(on_hand, expected);
    let lines = staff.get(&format!("{MOVEMENTS}?item=ITEM-000")).await.expect(200);
    assert_eq!(lines["items"].as_array().unwrap().len(), 4);
    assert_eq!(lines["items"][0]["kind"], "ISSUE", "newest first");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_row_refuses_all_or_only_itself() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 5).await;
    let batch = |atomic: bool| {
        json!({ "atomic": atomic, "movements": [
            movement("ISSUE", "2", "F1/BIN-000", "CUSTOMER"),
            movement("ISSUE", "9", "F1/BIN-000", "CUSTOMER"),
            json!({ "kind": "ISSUE", "item": "NOBODY", "quantity": 1, "from": "F1/BIN-000", "to": "CUSTOMER" }),
            movement("ISSUE", "3", "F1/BIN-000", "CUSTOMER"),
        ] })
    };
    let refused = staff.post(MOVEMENTS, &batch(true)).await;
    assert!(refused.status.is_client_error(), "{:#}", refused.body);
    let fields: Vec<_> = refused.body["errors"].as_array().unwrap().iter().map(|error| text(&error["field"])).collect();
    assert_eq!(fields, ["movements[2].item"], "what is not understood is told before stock is looked at");
    let short =
        post(staff, vec![movement("ISSUE", "2", "F1/BIN-000", "CUSTOMER"), movement("ISSUE", "9", "F1/BIN-000", "CUSTOMER")])
            .await;
    assert_eq!((short.status.as_u16(), short.code()), (409, "STOCK_INSUFFICIENT"));
    assert!(text(&short.body["errors"][0]["field"]).starts_with("movements[1]"), "{:#}", short.body);
    assert_eq!(warehouse.on_hand("ITEM-000").await[0].1, "5", "nothing moved");
    let partial = staff.post(MOVEMENTS, &batch(false)).await;
    assert!(partial.status.is_success(), "{:#}", partial.body);
    let outcomes: Vec<_> = partial.body["results"].as_array().unwrap().iter().map(|result| text(&result["outcome"])).collect();
    assert_eq!(outcomes, ["POSTED", "REFUSED", "REFUSED", "POSTED"]);
    assert_eq!(partial.body["results"][1]["code"], "STOCK_INSUFFICIENT");
    assert!(warehouse.on_hand("ITEM-000").await.iter().all(|(_, on_hand)| on_hand == "0"), "2 and 3 left");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_movements_in_one_request() {
    let warehouse = Warehouse::open(1, 1).await;
    let movements: Vec<_> = (0..10_000).map(|_| movement("RECEIPT", "1", "SUPPLIER", "F1/BIN-000")).collect();
    let answer = post(&warehouse.staff, movements.clone()).await.expect(201);
    assert_eq!(answer["posted"], 10_000);
    let too_many: Vec<_> = movements.into_iter().chain([movement("RECEIPT", "1", "SUPPLIER", "F1/BIN-000")]).collect();
    assert_eq!(post(&warehouse.staff, too_many).await.status, 422);
    assert_eq!(post(&warehouse.staff, Vec::new()).await.status, 422);
    assert_eq!(warehouse.on_hand("ITEM-000").await[0].1, "10000");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quality_status_decides_what_may_leave() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 5).await;
    let hold = json!({ "kind": "STATUS_CHANGE", "item": "ITEM-000", "quantity": 4, "from": "F1/BIN-000", "to": "F1/BIN-000", "from_status": "RELEASED", "to_status": "HOLD", "reason": "damaged" });
    post(staff, vec![hold]).await.expect(201);
    let sold = post(staff, vec![movement("ISSUE", "2", "F1/BIN-000", "CUSTOMER")]).await;
    assert_eq!((sold.status.as_u16(), sold.code()), (409, "STOCK_INSUFFICIENT"), "only one is released");
    post(staff, vec![movement("ISSUE", "1", "F1/BIN-000", "CUSTOMER")]).await.expect(201);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn adjustments_need_a_reason() {
    let warehouse = Warehouse::open(1, 1).await;
    let found = |reason: &str| json!({ "kind": "ADJUSTMENT", "item": "ITEM-000", "quantity": 3, "from": "ADJUSTMENT", "to": "F1/BIN-000", "reason": reason });
    assert_eq!(post(&warehouse.staff, vec![found("")]).await.status, 422);
    post(&warehouse.admin, vec![found("found while counting")]).await.expect(201);
    assert_eq!(warehouse.on_hand("ITEM-000").await[0].1, "3");
    let viewer = warehouse.server.as_role(Role::Viewer).await;
    assert_eq!(post(&viewer, vec![found("x")]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_finds_a_planted_fault() {
    let warehouse = Warehouse::open(1, 1).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 5).await;
    let mut sql = warehouse.server.sql().await;
    sqlx::query("UPDATE inventory.balances SET on_hand = on_hand + 1").execute(&mut sql).await.unwrap();
    let mut owner = platform::database::Migrations::new(warehouse.server.options.clone()).connect().await.unwrap();
    let found = inventory::check(&mut owner).await.unwrap();
    assert!(found.iter().any(|invariant| invariant.violations > 0 && !invariant.examples.is_empty()), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn graphql_shows_balances_and_posts_movements() {
    let warehouse = Warehouse::open(1, 1).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 5).await;
    let data = warehouse.staff.graphql("{ balances(first: 10) { items { onHand } } }").await;
    assert_eq!(text(&data["balances"]["items"][0]["onHand"]), "5", "{data:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_stays_movable_when_its_item_becomes_lot_tracked_or_ceases_to_be() {
    let warehouse = Warehouse::open(2, 1).await;
    let (items, movements) = ("/api/v1/inventory/items", "/api/v1/inventory/movements");
    let track = async |on: bool| {
        let version = warehouse.staff.get(&format!("{items}/ITEM-000")).await.expect(200)["version"].clone();
        let path = format!("{items}/ITEM-000");
        let request =
            warehouse.staff.request(reqwest::Method::PATCH, &path).json(&json!({ "lot_tracked": on, "version": version }));
        warehouse.staff.send(request).await.expect(200);
    };
    let transfer = |lot: Value| json!({ "movements": [{ "kind": "TRANSFER", "item": "ITEM-000", "lot": lot, "quantity": 2, "from": "F1/BIN-000", "to": "F1/BIN-001" }] });
    warehouse.stock("ITEM-000", "F1/BIN-000", 2).await;
    track(true).await;
    let receipt = json!({ "movements": [{ "kind": "RECEIPT", "item": "ITEM-000", "quantity": 2, "to": "F1/BIN-000" }] });
    assert_eq!(warehouse.staff.post(movements, &receipt).await.status, 422, "what comes in now needs a lot");
    warehouse.staff.post(movements, &transfer(Value::Null)).await.expect(201);
    let without = warehouse.staff.post(movements, &transfer(Value::Null)).await;
    assert_eq!(without.code(), "STOCK_INSUFFICIENT");
    assert!(without.body.to_string().contains("name the lot"), "{:#}", without.body);
    let with_lot =
        json!({ "movements": [{ "kind": "RECEIPT", "item": "ITEM-000", "lot": "L1", "quantity": 2, "to": "F1/BIN-000" }] });
    warehouse.staff.post(movements, &with_lot).await.expect(201);
    track(false).await;
    warehouse.staff.post(movements, &transfer(json!("L1"))).await.expect(201);
    assert_eq!(
        warehouse.on_hand("ITEM-000").await.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(),
        ["BIN-001", "BIN-001"]
    );
    warehouse.server.assert_invariants().await;
}
