//! Transfers between facilities, with stock in transit.

use futures::future::join_all;
use platform::auth::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Caller, Warehouse, text};

const TRANSFERS: &str = "/api/v1/transfers";

/// Two facilities: F1 as the harness makes it, and F2 with a dock.
async fn open(items: usize) -> Warehouse {
    let warehouse = Warehouse::open(3, items).await;
    warehouse.admin.post("/api/v1/facilities", &json!({ "code": "F2", "name": "Second" })).await.expect(201);
    let dock = json!({ "facility": "F2", "code": "IN", "type": "RECEIVING", "volume": { "value": "1000", "unit": "m3" }, "max_weight": { "value": "100", "unit": "t" } });
    warehouse.admin.post("/api/v1/locations", &dock).await.expect(201);
    warehouse
}

async fn order(staff: &Caller, code: &str, quantity: u32) -> Value {
    let lines = json!([{ "item": "ITEM-000", "quantity": quantity.to_string() }]);
    staff.post(TRANSFERS, &json!({ "from": "F1", "to": "F2", "code": code, "request": true, "lines": lines })).await.expect(201)
}

async fn step(staff: &Caller, code: &str, step: &str, body: Value) -> Answer {
    staff.post(&format!("{TRANSFERS}/{code}/{step}"), &body).await
}

async fn places(warehouse: &Warehouse, item: &str) -> Vec<String> {
    let body = warehouse.staff.get(&format!("/api/v1/inventory/balances?item={item}")).await.expect(200);
    let row = |row: &Value| format!("{}/{} {}", text(&row["facility_code"]), text(&row["location_code"]), text(&row["on_hand"]));
    let mut rows: Vec<String> = body["items"].as_array().unwrap().iter().map(row).collect();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_leave_travel_and_arrive_in_parts() {
    let warehouse = open(1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 6).await;
    warehouse.stock("ITEM-000", "F1/BIN-001", 6).await;
    let draft =
        json!({ "from": "F1", "to": "F2", "code": "T1", "reference": "PO-7", "lines": [{ "item": "ITEM-000", "quantity": 10 }] });
    assert_eq!(staff.post(TRANSFERS, &draft).await.expect(201)["state"], "DRAFT");
    assert_eq!(step(staff, "T1", "ship", json!({ "ship_all": true })).await.status, 409, "a draft is not shipped");
    step(staff, "T1", "request", json!({})).await.expect(200);
    let named = json!({ "lines": [{ "line_no": 1, "quantity": 4, "from": "BIN-001" }] });
    assert_eq!(step(staff, "T1", "ship", named).await.expect(200)["state"], "IN_TRANSIT");
    assert_eq!(places(&warehouse, "ITEM-000").await, ["F1/BIN-000 6", "F1/BIN-001 2", "F2/IN-TRANSIT 4"]);
    let over = step(staff, "T1", "ship", json!({ "lines": [{ "item": "ITEM-000", "quantity": 7 }] })).await;
    assert_eq!((over.status.as_u16(), text(&over.body["errors"][0]["field"]).as_str()), (422, "lines[0].quantity"));
    step(staff, "T1", "ship", json!({ "ship_all": true })).await.expect(200);
    let travelling = staff.get(&format!("{TRANSFERS}/in-transit?item=ITEM-000&facility=F2")).await.expect(200);
    let quantities: Vec<_> = travelling["items"].as_array().unwrap().iter().map(|row| text(&row["quantity"])).collect();
    assert_eq!(quantities.iter().map(|text| text.parse::<u32>().unwrap()).sum::<u32>(), 10);
    assert!(travelling["items"][0]["since"].is_string());
    let data = staff.graphql(r#"{ inTransit(first: 9) { items { quantity since } } transfer(transfer: "T1") { lines { inTransit inTransitSince } } }"#).await;
    assert_eq!(data["transfer"]["lines"][0]["inTransit"], "10", "{data:#}");
    let too_much = step(staff, "T1", "receive", json!({ "lines": [{ "line_no": 1, "quantity": 11 }] })).await;
    assert_eq!((too_much.status.as_u16(), text(&too_much.body["errors"][0]["field"]).as_str()), (422, "lines[0].quantity"));
    let part = step(staff, "T1", "receive", json!({ "lines": [{ "line_no": 1, "quantity": 3 }] })).await.expect(200);
    assert_eq!((text(&part["state"]), text(&part["lines"][0]["in_transit"])), ("IN_TRANSIT".into(), "7".into()));
    warehouse.server.assert_invariants().await;
    let whole = step(staff, "T1", "receive", json!({ "receive_all": true })).await.expect(200);
    assert_eq!(whole["state"], "RECEIVED");
    assert_eq!(places(&warehouse, "ITEM-000").await.last().unwrap(), "F2/IN 10");
    assert_eq!(step(staff, "T1", "receive", json!({ "receive_all": true })).await.status, 409);
    assert_eq!(step(staff, "T1", "cancel", json!({})).await.status, 409);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_transit_is_not_for_hands_and_not_available() {
    let warehouse = open(1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 6).await;
    order(staff, "T1", 4).await;
    step(staff, "T1", "ship", json!({ "ship_all": true })).await.expect(200);
    for movement in [
        json!({ "kind": "ISSUE", "item": "ITEM-000", "quantity": 1, "from": "F2/IN-TRANSIT" }),
        json!({ "kind": "TRANSFER", "item": "ITEM-000", "quantity": 1, "from": "F1/BIN-000", "to": "F2/IN-TRANSIT" }),
        json!({ "kind": "ADJUSTMENT", "item": "ITEM-000", "quantity": -1, "to": "F2/IN-TRANSIT", "reason": "gone" }),
    ] {
        let refused = staff.post("/api/v1/inventory/movements", &json!({ "movements": [movement] })).await;
        assert_eq!(refused.status, 422, "{:#}", refused.body);
        assert!(refused.body.to_string().contains("transfer order"), "{:#}", refused.body);
    }
    let count = json!({ "facility": "F2", "locations": ["IN-TRANSIT"] });
    assert_eq!(warehouse.admin.post("/api/v1/inventory/counts", &count).await.status, 422);
    let taken = json!({ "facility": "F2", "code": "IN-TRANSIT", "type": "RESERVE", "volume": { "value": "1", "unit": "m3" }, "max_weight": { "value": "1", "unit": "t" } });
    assert_eq!(warehouse.admin.post("/api/v1/locations", &taken).await.status, 409, "its code is taken");
    let tenant = "acme".parse().unwrap();
    let item: uuid::Uuid = text(&staff.get("/api/v1/inventory/items/ITEM-000").await.expect(200)["item_id"]).parse().unwrap();
    let read = async |connection: &mut _| inventory::service::totals_of(connection, &tenant, &[kernel::ItemId(item)]).await;
    let totals = warehouse.server.app.db.read(&tenant, read).await.unwrap()[&kernel::ItemId(item)];
    let figures = [totals.on_hand, totals.available, totals.in_transit].map(|figure| figure.to_string());
    assert_eq!(figures, ["6", "2", "4"]);
    let version = warehouse.admin.get("/api/v1/facilities/F2").await.expect(200)["version"].clone();
    let close = warehouse.admin.patch("/api/v1/facilities/F2", &json!({ "version": version, "is_active": false })).await;
    assert_eq!(close.status, 409, "goods are on their way there");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_to_expire_leaves_first_and_a_recall_reaches_goods_on_their_way() {
    let warehouse = open(1).await;
    let staff = &warehouse.staff;
    let version = staff.get("/api/v1/inventory/items/ITEM-000").await.expect(200)["version"].clone();
    staff.patch("/api/v1/inventory/items/ITEM-000", &json!({ "lot_tracked": true, "version": version })).await.expect(200);
    let receipt = |lot: &str, expires: &str, place: &str| json!({ "kind": "RECEIPT", "item": "ITEM-000", "quantity": 5, "to": place, "lot": lot, "expires_on": expires });
    let movements = [
        receipt("LATE", "2099-12-31", "F1/BIN-000"),
        receipt("SOON", "2098-01-31", "F1/BIN-001"),
        receipt("GONE", "2001-01-31", "F1/BIN-002"),
    ];
    staff.post("/api/v1/inventory/movements", &json!({ "movements": movements })).await.expect(201);
    order(staff, "T1", 8).await;
    step(staff, "T1", "ship", json!({ "ship_all": true })).await.expect(200);
    assert_eq!(places(&warehouse, "ITEM-000").await, ["F1/BIN-000 2", "F1/BIN-002 5", "F2/IN-TRANSIT 3", "F2/IN-TRANSIT 5"]);
    let vague = step(staff, "T1", "receive", json!({ "lines": [{ "line_no": 1, "quantity": 1 }] })).await;
    assert_eq!((vague.status.as_u16(), text(&vague.body["errors"][0]["field"]).as_str()), (422, "lines[0].lot_number"));
    let lots = staff.get("/api/v1/inventory/lots?number=SOON").await.expect(200);
    let lot = text(&lots["items"][0]["lot_id"]);
    let hold = json!({ "quality_status": "HOLD", "reason": "recall" });
    staff.post(&format!("/api/v1/inventory/lots/{lot}/quality"), &hold).await.expect(200);
    warehouse.server.assert_invariants().await;
    step(staff, "T1", "receive", json!({ "receive_all": true })).await.expect(200);
    let arrived = staff.get("/api/v1/inventory/balances?item=ITEM-000&facility=F2&quality_status=HOLD").await.expect(200);
    assert_eq!((text(&arrived["items"][0]["on_hand"]), text(&arrived["items"][0]["location_code"])), ("5".into(), "IN".into()));
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_arrives_leaves_the_books_with_a_reason_and_a_cancelled_transfer_goes_back() {
    let warehouse = open(1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    order(staff, "T1", 6).await;
    assert_eq!(step(staff, "T1", "close", json!({})).await.status, 409, "nothing was shipped");
    step(staff, "T1", "ship", json!({ "lines": [{ "line_no": 1, "quantity": 5 }] })).await.expect(200);
    step(staff, "T1", "receive", json!({ "lines": [{ "line_no": 1, "quantity": 3 }] })).await.expect(200);
    assert_eq!(step(staff, "T1", "cancel", json!({})).await.status, 409, "something has arrived");
    let silent = step(staff, "T1", "close", json!({})).await;
    assert_eq!((silent.status.as_u16(), text(&silent.body["errors"][0]["field"]).as_str()), (422, "reason"));
    let closed = step(staff, "T1", "close", json!({ "reason": "fell off the truck" })).await.expect(200);
    assert_eq!((text(&closed["state"]), text(&closed["lines"][0]["missing"])), ("CLOSED_SHORT".into(), "2".into()));
    let lost = staff.get("/api/v1/inventory/movements?reference=T1&kind=ADJUSTMENT").await.expect(200);
    assert_eq!(
        (text(&lost["items"][0]["quantity"]), text(&lost["items"][0]["reason"])),
        ("2".into(), "fell off the truck".into())
    );
    order(staff, "T2", 4).await;
    step(staff, "T2", "ship", json!({ "ship_all": true })).await.expect(200);
    assert_eq!(step(staff, "T2", "cancel", json!({ "reason": "not needed" })).await.expect(200)["state"], "CANCELLED");
    assert_eq!(places(&warehouse, "ITEM-000").await, ["F1/BIN-000 5", "F2/IN 3"]);
    let short = order(staff, "T3", 6).await;
    let refused = step(staff, "T3", "ship", json!({ "ship_all": true })).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "STOCK_INSUFFICIENT"), "{:#}", refused.body);
    assert_eq!(places(&warehouse, "ITEM-000").await, ["F1/BIN-000 5", "F2/IN 3"], "nothing was shipped");
    let rival = warehouse.server.caller(Some(warehouse.server.token("rival", Role::SuperAdmin).await));
    assert_eq!(rival.get(&format!("{TRANSFERS}/{}", text(&short["transfer_id"]))).await.status, 404);
    assert_eq!(step(&rival, "T3", "ship", json!({ "ship_all": true })).await.status, 404);
    let viewer = warehouse.server.as_role(Role::Viewer).await;
    assert_eq!(step(&viewer, "T3", "ship", json!({ "ship_all": true })).await.status, 403);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ship_and_receive_at_once_move_everything_once() {
    let warehouse = open(1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 30).await;
    for n in 0..4 {
        order(staff, &format!("T{n}"), 10).await;
    }
    let shipped =
        join_all((0..12).map(|n| async move { step(staff, &format!("T{}", n % 4), "ship", json!({ "ship_all": true })).await }))
            .await;
    assert_eq!(shipped.iter().filter(|answer| answer.status == 200).count(), 3, "thirty pieces are three transfers");
    assert!(shipped.iter().all(|answer| answer.status.as_u16() < 500), "{shipped:?}");
    let two = json!({ "lines": [{ "line_no": 1, "quantity": 2 }] });
    let received = join_all((0..40).map(|n| {
        let two = two.clone();
        async move { step(staff, &format!("T{}", n % 4), "receive", two).await }
    }))
    .await;
    assert!(received.iter().all(|answer| answer.status.as_u16() < 500), "{received:?}");
    assert_eq!(received.iter().filter(|answer| answer.status == 200).count(), 15, "five times two of each");
    assert_eq!(places(&warehouse, "ITEM-000").await, ["F2/IN 30"]);
    let keyed =
        json!({ "from": "F2", "to": "F1", "code": "BACK", "request": true, "lines": [{ "item": "ITEM-000", "quantity": 5 }] });
    staff.post(TRANSFERS, &keyed).await.expect(201);
    let path = format!("{TRANSFERS}/BACK/ship");
    let part = json!({ "lines": [{ "line_no": 1, "quantity": 2 }] });
    let same = join_all((0..5).map(|_| staff.post_with_key(&path, "once", &part))).await;
    assert!(same.iter().all(|answer| answer.status == 200), "{same:?}");
    assert_eq!(places(&warehouse, "ITEM-000").await, ["F1/IN-TRANSIT 2", "F2/IN 28"]);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_are_the_pieces_that_were_shipped() {
    let warehouse = open(1).await;
    let staff = &warehouse.staff;
    let pump = json!({ "code": "PUMP", "name": "Pump", "serial_tracked": true, "weight": { "value": "2", "unit": "kg" },
        "dimensions": { "length": "30", "width": "20", "height": "10", "unit": "cm" } });
    staff.post("/api/v1/inventory/items", &pump).await.expect(201);
    let numbers: Vec<String> = (0..10).map(|n| format!("S{n}")).collect();
    let receipt = json!({ "kind": "RECEIPT", "item": "PUMP", "to": "F1/BIN-000", "serials": numbers });
    staff.post("/api/v1/inventory/movements", &json!({ "movements": [receipt] })).await.expect(201);
    for code in ["T1", "T2"] {
        let lines = json!([{ "item": "PUMP", "quantity": 5 }]);
        let order = json!({ "from": "F1", "to": "F2", "code": code, "request": true, "lines": lines });
        staff.post(TRANSFERS, &order).await.expect(201);
        step(staff, code, "ship", json!({ "ship_all": true })).await.expect(200);
    }
    let moved = async |code: &str| {
        let movements = staff.get(&format!("/api/v1/inventory/movements?reference={code}")).await.expect(200);
        let mut named = Vec::new();
        for movement in movements["items"].as_array().unwrap().iter().rev() {
            let id = text(&movement["movement_id"]);
            let pieces = staff.get(&format!("/api/v1/inventory/serials?movement={id}")).await.expect(200);
            named.push(pieces["items"].as_array().unwrap().iter().map(|one| text(&one["number"])).collect::<String>());
        }
        named
    };
    step(staff, "T2", "receive", json!({ "lines": [{ "line_no": 1, "quantity": 2 }] })).await.expect(200);
    step(staff, "T2", "receive", json!({ "receive_all": true })).await.expect(200);
    assert_eq!(moved("T2").await, ["S5S6S7S8S9", "S5S6", "S7S8S9"]);
    step(staff, "T1", "cancel", json!({ "reason": "not needed" })).await.expect(200);
    assert_eq!(moved("T1").await, ["S0S1S2S3S4", "S0S1S2S3S4"]);
    assert_eq!(places(&warehouse, "PUMP").await, ["F1/BIN-000 5", "F2/IN 5"]);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_makes_no_sense_names_every_fault() {
    let warehouse = open(1).await;
    let staff = &warehouse.staff;
    let bad = json!({ "from": "F1", "to": "F1", "code": "in-transit", "lines": [
        { "item": "NOTHING", "quantity": 1 }, { "item": "ITEM-000", "quantity": 0 }, { "item": "ITEM-000", "quantity": 1, "unit": "PAL" },
        { "item": "ITEM-000", "quantity": 1, "lot_number": "L" } ] });
    let refused = staff.post(TRANSFERS, &bad).await;
    let fields: Vec<String> = refused.body["errors"].as_array().unwrap().iter().map(|error| text(&error["field"])).collect();
    assert_eq!(refused.status, 422);
    assert_eq!(fields, ["code", "to", "lines[0].item", "lines[1].quantity", "lines[2].unit", "lines[3].lot_number"]);
    assert_eq!(staff.post(TRANSFERS, &json!({ "from": "F1", "to": "F2", "lines": [] })).await.status, 422);
    order(staff, "T1", 1).await;
    let again = json!({ "from": "F1", "to": "F2", "code": "T1", "lines": [{ "item": "ITEM-000", "quantity": 1 }] });
    assert_eq!(staff.post(TRANSFERS, &again).await.code(), "ALREADY_EXISTS");
}

#[tokio::test(flavor = "multi_thread")]
async fn promised_and_held_goods_neither_join_nor_leave_those_on_their_way() {
    let warehouse = open(1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 6).await;
    order(staff, "T1", 4).await;
    step(staff, "T1", "ship", json!({ "ship_all": true })).await.expect(200);
    let reservations = "/api/v1/inventory/reservations";
    let promise = staff.post(reservations, &json!({ "item": "ITEM-000", "quantity": 2 })).await.expect(201);
    let promise = format!("{reservations}/{}", text(&promise["reservation_id"]));
    let refused = staff.post(&format!("{promise}/transfer"), &json!({ "to": "F2/IN-TRANSIT" })).await;
    assert_eq!((refused.status.as_u16(), text(&refused.body["errors"][0]["field"])), (422, "to".into()), "{:#}", refused.body);
    assert!(refused.body.to_string().contains("holds goods in transit"), "{:#}", refused.body);
    staff.post(&format!("{promise}/release"), &json!({})).await.expect(200);
    let holds = "/api/v1/inventory/holds";
    let held = staff.post(holds, &json!({ "item": "ITEM-000", "reason": "smells" })).await.expect(201);
    assert_eq!(text(&held["quantity"]), "6");
    let decide = format!("{holds}/{}/release", text(&held["hold_id"]));
    let refused = staff.post(&decide, &json!({ "disposition": "SCRAP", "reason": "rotten" })).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "CONFLICT"), "{:#}", refused.body);
    assert!(refused.body.to_string().contains("in transit"), "{:#}", refused.body);
    step(staff, "T1", "receive", json!({ "receive_all": true })).await.expect(200);
    staff.post(&decide, &json!({ "disposition": "SCRAP", "reason": "rotten" })).await.expect(200);
    assert_eq!(places(&warehouse, "ITEM-000").await, [""; 0]);
    warehouse.server.assert_invariants().await;
}
