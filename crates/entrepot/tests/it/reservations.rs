//! Promises of goods through HTTP.

use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use platform::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Caller, Warehouse, eventually, text};

const RESERVATIONS: &str = "/api/v1/inventory/reservations";
const MOVEMENTS: &str = "/api/v1/inventory/movements";

fn wanted(quantity: u32) -> Value {
    json!({ "item": "ITEM-000", "quantity": quantity })
}

fn with(mut base: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    base.as_object_mut().unwrap().extend(more);
    base
}

async fn reserve(caller: &Caller, body: Value) -> Value {
    caller.post(RESERVATIONS, &body).await.expect(201)
}

async fn act(caller: &Caller, reservation: &Value, what: &str, body: Value) -> Answer {
    caller.post(&format!("{RESERVATIONS}/{}/{what}", text(&reservation["reservation_id"])), &body).await
}

async fn load(caller: &Caller, reservation: &Value) -> Value {
    caller.get(&format!("{RESERVATIONS}/{}", text(&reservation["reservation_id"]))).await.expect(200)
}

fn bound(reservation: &Value) -> Vec<(String, String)> {
    let rows = reservation["allocations"].as_array().unwrap();
    rows.iter().map(|row| (text(&row["location_code"]), text(&row["quantity"]))).collect()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec()
}

async fn post(caller: &Caller, movement: Value) -> Answer {
    caller.post(MOVEMENTS, &json!({ "movements": [movement] })).await
}

fn issue(quantity: u32, from: &str) -> Value {
    json!({ "kind": "ISSUE", "item": "ITEM-000", "quantity": quantity, "from": from })
}

/// On hand, reserved and available of an item, all places together.
async fn totals(caller: &Caller) -> (f64, f64) {
    let body = caller.get("/api/v1/inventory/balances?item=ITEM-000").await.expect(200);
    let sum = |field: &str| body["items"].as_array().unwrap().iter().map(|row| text(&row[field]).parse::<f64>().unwrap()).sum();
    (sum("on_hand"), sum("reserved"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_is_for_its_holder_only() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    let reserved = reserve(staff, with(wanted(6), json!({ "reference": "SO-1", "facility": "F1" }))).await;
    assert_eq!((text(&reserved["state"]), text(&reserved["kind"])), ("ACTIVE".into(), "HARD".into()));
    assert_eq!((text(&reserved["allocated"]), text(&reserved["shortage"])), ("6".into(), "0".into()));
    assert_eq!((text(&reserved["item_code"]), text(&reserved["unit"])), ("ITEM-000".into(), "EA".into()));
    assert_eq!(reserved["facility_code"], "F1");
    assert_eq!(bound(&reserved), pairs([("BIN-000", "6")]));
    let taken = post(staff, issue(5, "F1/BIN-000")).await;
    assert_eq!((taken.status.as_u16(), taken.code()), (409, "STOCK_INSUFFICIENT"), "only 4 are free");
    post(staff, issue(4, "F1/BIN-000")).await.expect(201);
    let none = staff.post(RESERVATIONS, &wanted(1)).await;
    assert_eq!((none.status.as_u16(), none.code()), (409, "STOCK_INSUFFICIENT"));
    assert_eq!(none.body["errors"][0]["field"], "quantity");

    let part = act(staff, &reserved, "fulfil", json!({ "quantity": 2 })).await.expect(200);
    assert_eq!(
        (text(&part["state"]), text(&part["fulfilled"]), text(&part["allocated"])),
        ("ACTIVE".into(), "2".into(), "4".into())
    );
    let movement = staff.get(&format!("{MOVEMENTS}/{}", text(&part["movement_ids"][0]))).await.expect(200);
    assert_eq!((text(&movement["kind"]), text(&movement["reference"])), ("ISSUE".into(), "SO-1".into()));
    let too_much = act(staff, &reserved, "fulfil", json!({ "quantity": 5 })).await;
    assert_eq!((too_much.status.as_u16(), too_much.code()), (409, "CONFLICT"));
    let back = act(staff, &reserved, "release", json!({ "quantity": "1" })).await.expect(200);
    assert_eq!((text(&back["released"]), text(&back["allocated"])), ("1".into(), "3".into()));
    let rest = act(staff, &reserved, "fulfil", json!({})).await.expect(200);
    assert_eq!((text(&rest["state"]), text(&rest["fulfilled"])), ("FULFILLED".into(), "5".into()));
    assert_eq!(act(staff, &reserved, "release", json!({})).await.status, 409, "nothing is open");
    assert_eq!(totals(staff).await, (1.0, 0.0));
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn less_than_asked_only_when_that_will_do() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    let none = staff.post(RESERVATIONS, &with(wanted(1), json!({ "allow_partial": true }))).await;
    assert_eq!((none.status.as_u16(), none.code()), (409, "STOCK_INSUFFICIENT"), "nothing at all");
    warehouse.stock("ITEM-000", "F1/BIN-000", 3).await;
    warehouse.stock("ITEM-000", "F1/BIN-001", 4).await;
    assert_eq!(staff.post(RESERVATIONS, &wanted(8)).await.status, 409);
    assert_eq!(totals(staff).await, (7.0, 0.0), "nothing was kept");
    let part = reserve(staff, with(wanted(10), json!({ "allow_partial": true }))).await;
    assert_eq!(
        (text(&part["state"]), text(&part["allocated"]), text(&part["shortage"])),
        ("ACTIVE".into(), "7".into(), "3".into())
    );
    assert_eq!(part["allocations"].as_array().unwrap().len(), 2);
    act(staff, &part, "release", json!({})).await.expect(200);
    assert_eq!(totals(staff).await, (7.0, 0.0));
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_strategy_takes_what_it_says() {
    let warehouse = Warehouse::open(4, 0).await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    staff.post("/api/v1/inventory/items", &json!({ "code": "ITEM-000", "name": "Milk", "lot_tracked": true })).await.expect(201);
    let (far, near, past) = (
        kernel::Env::system().now() + TimeDelta::days(90),
        kernel::Env::system().now() + TimeDelta::days(9),
        kernel::Env::system().now() - TimeDelta::days(1),
    );
    // Received in this order: no expiry, far, near, past.
    for (lot, bin, expires) in [("L0", 3, None), ("L1", 2, Some(far)), ("L2", 1, Some(near)), ("L3", 0, Some(past))] {
        let movement = json!({ "kind": "RECEIPT", "item": "ITEM-000", "lot": lot, "quantity": 2, "to": format!("F1/BIN-{bin:03}"),
            "expires_on": expires.map(|at| at.date_naive().to_string()) });
        post(staff, movement).await.expect(201);
    }
    let order = async |more: Value| {
        let reserved = reserve(staff, with(wanted(5), more)).await;
        act(staff, &reserved, "release", json!({})).await.expect(200);
        bound(&reserved)
    };
    assert_eq!(
        order(json!({})).await,
        pairs([("BIN-001", "2"), ("BIN-002", "2"), ("BIN-003", "1")]),
        "the past one is not promised"
    );
    assert_eq!(order(json!({ "strategy": "FIFO" })).await, pairs([("BIN-003", "2"), ("BIN-002", "2"), ("BIN-001", "1")]));
    assert_eq!(order(json!({ "strategy": "LIFO" })).await, pairs([("BIN-001", "2"), ("BIN-002", "2"), ("BIN-003", "1")]));
    assert_eq!(order(json!({ "strategy": "NEAREST" })).await, pairs([("BIN-001", "2"), ("BIN-002", "2"), ("BIN-003", "1")]));
    let from_the_end = order(json!({ "strategy": "NEAREST", "near": "F1/BIN-003" })).await;
    assert_eq!(from_the_end, pairs([("BIN-003", "2"), ("BIN-002", "2"), ("BIN-001", "1")]));
    let later = reserve(staff, with(wanted(4), json!({ "needed_at": kernel::Env::system().now() + TimeDelta::days(30) }))).await;
    assert_eq!(bound(&later), pairs([("BIN-002", "2"), ("BIN-003", "2")]), "what is not good until then is not promised");
    act(staff, &later, "release", json!({})).await.expect(200);
    let one_lot = reserve(staff, with(wanted(2), json!({ "lot": "L1" }))).await;
    assert_eq!(bound(&one_lot), pairs([("BIN-002", "2")]));
    let one_place = staff.post(RESERVATIONS, &with(wanted(3), json!({ "location": "F1/BIN-003" }))).await;
    assert_eq!(one_place.code(), "STOCK_INSUFFICIENT");

    // A place that moves on the pickers' way is nearer at once.
    let bin = admin.get("/api/v1/locations/F1%2FBIN-003").await.expect(200);
    let moved = json!({ "pick_sequence": 0, "version": bin["version"] });
    admin.patch(&format!("/api/v1/locations/{}", text(&bin["location_id"])), &moved).await.expect(200);
    let nearest = reserve(staff, with(wanted(1), json!({ "strategy": "NEAREST" }))).await;
    assert_eq!(bound(&nearest), pairs([("BIN-003", "1")]));
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_released_is_not_promised() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    post(staff, json!({ "kind": "RECEIPT", "item": "ITEM-000", "quantity": 5, "to": "F1/BIN-000", "quality_status": "HOLD" }))
        .await
        .expect(201);
    assert_eq!(staff.post(RESERVATIONS, &wanted(1)).await.code(), "STOCK_INSUFFICIENT");
    let available = staff.get("/api/v1/inventory/availability?item=ITEM-000").await.expect(200);
    assert_eq!((text(&available["on_hand"]), text(&available["released"])), ("5".into(), "0".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_ends_by_itself_at_its_moment() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    let short_lived = with(wanted(10), json!({ "expires_in_seconds": 1 }));
    let first = reserve(staff, short_lived.clone()).await;
    assert_eq!(staff.post(RESERVATIONS, &wanted(1)).await.code(), "STOCK_INSUFFICIENT");
    eventually(Duration::from_secs(5), "the promise ends", async || load(staff, &first).await["state"] == "EXPIRED").await;
    let over = load(staff, &first).await;
    assert_eq!((text(&over["allocated"]), bound(&over)), ("0".into(), Vec::new()));
    let available = staff.get("/api/v1/inventory/availability?item=ITEM-000").await.expect(200);
    assert_eq!(
        (text(&available["available"]), text(&available["reserved_hard"])),
        ("10".into(), "0".into()),
        "it no longer counts"
    );
    for (what, body) in [("fulfil", json!({})), ("release", json!({})), ("transfer", json!({ "to": "F1/DOCK" }))] {
        assert_eq!(act(staff, &first, what, body).await.status, 409, "{what}");
    }
    let listed = staff.get(&format!("{RESERVATIONS}?state=ACTIVE")).await.expect(200);
    assert_eq!(listed["items"], json!([]));
    // Whoever would fall short takes it back: another promise, and a plain movement.
    let second = reserve(staff, with(short_lived, json!({ "quantity": 8 }))).await;
    eventually(Duration::from_secs(5), "the promise ends", async || load(staff, &second).await["state"] == "EXPIRED").await;
    post(staff, issue(10, "F1/BIN-000")).await.expect(201);
    assert_eq!(totals(staff).await.1, 0.0);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chore_takes_back_what_nobody_asks_for() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    let kept = reserve(staff, wanted(2)).await;
    let hard = reserve(staff, with(wanted(3), json!({ "expires_in_seconds": 1 }))).await;
    let soft = reserve(staff, with(wanted(4), json!({ "kind": "SOFT", "expires_in_seconds": 1 }))).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(totals(staff).await.1, 5.0);
    let chore = |app| inventory::reservation::service::sweep(app);
    assert_eq!(chore(&warehouse.server.app).await.unwrap(), 2);
    assert_eq!(chore(&warehouse.server.app).await.unwrap(), 0);
    assert_eq!(totals(staff).await.1, 2.0);
    for one in [&hard, &soft] {
        assert_eq!(load(staff, one).await["state"], "EXPIRED");
    }
    assert_eq!(load(staff, &kept).await["state"], "ACTIVE");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_promise_may_be_moved() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    let reserved = reserve(staff, with(wanted(1), json!({ "expires_in_seconds": 1 }))).await;
    let path = format!("{RESERVATIONS}/{}", text(&reserved["reservation_id"]));
    let refused = staff.patch(&path, &json!({ "expires_at": "2020-01-01T00:00:00Z" })).await;
    assert_eq!((refused.status.as_u16(), text(&refused.body["errors"][0]["field"])), (422, "expires_at".into()));
    assert_eq!(staff.patch(&path, &json!({})).await.status, 422);
    let changed = staff.patch(&path, &json!({ "expires_at": null })).await.expect(200);
    assert!(changed["expires_at"].is_null());
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(load(staff, &reserved).await["state"], "ACTIVE");
    assert_eq!(warehouse.server.as_role(Role::Viewer).await.patch(&path, &json!({ "expires_at": null })).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_goods_break_the_newest_promise_and_say_so() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    let important = reserve(staff, with(wanted(2), json!({ "priority": 9 }))).await;
    let old = reserve(staff, with(wanted(3), json!({ "reference": "OLD" }))).await;
    let new = reserve(staff, with(wanted(4), json!({ "reference": "NEW" }))).await;
    let lose = |quantity: i32| json!({ "kind": "ADJUSTMENT", "item": "ITEM-000", "quantity": -quantity, "to": "F1/BIN-000", "reason": "missing" });
    assert_eq!(post(staff, lose(11)).await.code(), "STOCK_INSUFFICIENT", "more than there is");
    let lost = post(staff, lose(6)).await.expect(201);
    let told = &lost["results"][0]["released_reservations"];
    let of = |n: usize| (text(&told[n]["reference"]), text(&told[n]["quantity"]), text(&told[n]["shortage"]));
    assert_eq!(told.as_array().unwrap().len(), 2, "{lost:#}");
    assert_eq!(of(0), ("NEW".into(), "4".into(), "4".into()));
    assert_eq!(of(1), ("OLD".into(), "1".into(), "1".into()));
    let (old, new, important) = (load(staff, &old).await, load(staff, &new).await, load(staff, &important).await);
    assert_eq!((text(&new["state"]), text(&new["allocated"]), text(&new["shortage"])), ("SHORT".into(), "0".into(), "4".into()));
    assert_eq!((text(&old["state"]), text(&old["allocated"])), ("SHORT".into(), "2".into()));
    assert_eq!(important["state"], "ACTIVE");
    warehouse.server.assert_invariants().await;
    let served = act(staff, &old, "fulfil", json!({})).await.expect(200);
    assert_eq!(
        (text(&served["state"]), text(&served["fulfilled"]), text(&served["shortage"])),
        ("FULFILLED".into(), "2".into(), "1".into())
    );
    let scrap = json!({ "kind": "SCRAP", "item": "ITEM-000", "quantity": 1, "from": "F1/BIN-000" });
    let scrapped = post(staff, scrap).await.expect(201);
    assert_eq!(scrapped["results"][0]["released_reservations"][0]["shortage"], "1");
    let free = json!({ "kind": "ADJUSTMENT", "item": "ITEM-000", "quantity": 5, "to": "F1/BIN-000", "reason": "found" });
    let found = post(staff, free).await.expect(201);
    assert!(found["results"][0]["released_reservations"].is_null(), "nobody loses by what is found");
    let audit = warehouse.admin.get("/api/v1/audit?action=reservation.short").await.expect(200);
    assert_eq!(audit["items"].as_array().unwrap().len(), 3, "{audit:#}");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_goes_through() {
    let warehouse = Warehouse::open(2, 0).await;
    let staff = &warehouse.staff;
    staff.post("/api/v1/inventory/items", &json!({ "code": "ITEM-000", "name": "Milk", "lot_tracked": true })).await.expect(201);
    for bin in 0..2 {
        let receipt =
            json!({ "kind": "RECEIPT", "item": "ITEM-000", "lot": "L1", "quantity": 5, "to": format!("F1/BIN-{bin:03}") });
        post(staff, receipt).await.expect(201);
    }
    let reserved = reserve(staff, wanted(7)).await;
    let lot = text(&reserved["allocations"][0]["lot_id"]);
    let recall = json!({ "quality_status": "HOLD", "reason": "recall 17" });
    staff.post(&format!("/api/v1/inventory/lots/{lot}/quality"), &recall).await.expect(200);
    let after = load(staff, &reserved).await;
    assert_eq!((text(&after["state"]), text(&after["shortage"]), bound(&after)), ("SHORT".into(), "7".into(), Vec::new()));
    assert_eq!(totals(staff).await, (10.0, 0.0));
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_goods_move_and_stay_reserved() {
    let warehouse = Warehouse::open(3, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 3).await;
    warehouse.stock("ITEM-000", "F1/BIN-001", 4).await;
    let reserved = reserve(staff, with(wanted(6), json!({ "strategy": "NEAREST", "reference": "SO-7" }))).await;
    assert_eq!(bound(&reserved), pairs([("BIN-000", "3"), ("BIN-001", "3")]));
    let one = act(staff, &reserved, "transfer", json!({ "from": "F1/BIN-001", "to": "F1/BIN-002" })).await.expect(200);
    assert_eq!(bound(&one), pairs([("BIN-000", "3"), ("BIN-002", "3")]));
    let all = act(staff, &reserved, "transfer", json!({ "to": "F1/BIN-002" })).await.expect(200);
    assert_eq!(bound(&all), pairs([("BIN-002", "6")]));
    let movement = staff.get(&format!("{MOVEMENTS}/{}", text(&all["movement_ids"][0]))).await.expect(200);
    assert_eq!((text(&movement["kind"]), text(&movement["reference"])), ("TRANSFER".into(), "SO-7".into()));
    assert_eq!(act(staff, &reserved, "transfer", json!({ "to": "F1/BIN-002" })).await.status, 409, "they are there");
    let nowhere = act(staff, &reserved, "transfer", json!({ "to": "F1/NOWHERE" })).await;
    assert_eq!((nowhere.status.as_u16(), text(&nowhere.body["errors"][0]["field"])), (422, "to".into()));
    assert_eq!(act(staff, &reserved, "transfer", json!({ "to": "CUSTOMER" })).await.status, 422);
    assert_eq!(post(staff, issue(1, "F1/BIN-002")).await.code(), "STOCK_INSUFFICIENT");
    act(staff, &reserved, "fulfil", json!({})).await.expect(200);
    assert_eq!(totals(staff).await, (1.0, 0.0));
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soft_promise_counts_on_what_comes() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    let day = |n: i64| (kernel::Env::system().now() + TimeDelta::days(n)).to_rfc3339();
    for (code, expected, at) in [("PO-1", 20, Some(day(5))), ("PO-2", 7, Some(day(-3))), ("PO-3", 9, None)] {
        let receipt =
            json!({ "facility": "F1", "code": code, "expected_at": at, "lines": [{ "item": "ITEM-000", "expected": expected }] });
        staff.post("/api/v1/receipts", &receipt).await.expect(201);
    }
    let available = async |at: &str| {
        let path = format!("/api/v1/inventory/availability?item=ITEM-000&facility=F1&at={}", at.replace('+', "%2B"));
        staff.get(&path).await.expect(200)
    };
    let before = available(&day(6)).await;
    assert_eq!((text(&before["available_to_promise"]), text(&before["available_to_promise_at"])), ("10".into(), "30".into()));
    assert_eq!((text(&before["overdue"]), text(&before["undated"])), ("7".into(), "9".into()), "no promise rests on them");
    assert_eq!(before["expected"].as_array().unwrap().len(), 3);
    let soft = |quantity: u32, more: Value| with(with(wanted(quantity), json!({ "kind": "SOFT", "facility": "F1" })), more);
    let later = reserve(staff, soft(25, json!({ "needed_at": day(6) }))).await;
    assert_eq!((text(&later["allocated"]), text(&later["open"])), ("0".into(), "25".into()));
    let after = available(&day(6)).await;
    assert_eq!(
        (text(&after["available_to_promise"]), text(&after["available_to_promise_at"])),
        ("5".into(), "5".into()),
        "{after:#}"
    );
    assert_eq!((text(&after["available"]), text(&after["reserved_soft"])), ("10".into(), "25".into()));
    assert_eq!(staff.post(RESERVATIONS, &soft(6, json!({}))).await.code(), "STOCK_INSUFFICIENT");
    let part = reserve(staff, soft(6, json!({ "allow_partial": true }))).await;
    assert_eq!((text(&part["open"]), text(&part["shortage"])), ("5".into(), "1".into()));

    assert_eq!(act(staff, &later, "fulfil", json!({})).await.status, 409, "it binds nothing");
    assert_eq!(act(staff, &later, "harden", json!({})).await.code(), "STOCK_INSUFFICIENT");
    staff.post("/api/v1/receipts/PO-1/receive", &json!({ "receive_all": true })).await.expect(200);
    let hard = act(staff, &later, "harden", json!({ "strategy": "FIFO" })).await.expect(200);
    assert_eq!((text(&hard["kind"]), text(&hard["allocated"])), ("HARD".into(), "25".into()));
    assert_eq!(act(staff, &later, "harden", json!({})).await.status, 409, "already");
    act(staff, &part, "release", json!({ "quantity": 1 })).await.expect(200);
    let end = available(&day(6)).await;
    assert_eq!(
        (text(&end["available"]), text(&end["reserved_soft"]), text(&end["reserved_hard"])),
        ("5".into(), "4".into(), "25".into())
    );
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_reservers_of_the_last_unit_exactly_one_wins() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    for round in 0..5_u32 {
        warehouse.stock("ITEM-000", "F1/BIN-001", 1).await;
        let one = wanted(1);
        let answers = join_all((0..100).map(|_| staff.post(RESERVATIONS, &one))).await;
        assert_eq!(answers.into_iter().filter(|answer| answer.is_granted()).count(), 1, "round {round}");
    }
    assert_eq!(totals(staff).await, (5.0, 5.0));
    warehouse.server.assert_invariants().await;
}

impl Answer {
    /// Whether it was granted; anything but "granted" and "not enough" is a fault.
    fn is_granted(&self) -> bool {
        match self.status.as_u16() {
            201 => true,
            _ => {
                assert_eq!((self.status.as_u16(), self.code()), (409, "STOCK_INSUFFICIENT"), "{:#}", self.body);
                false
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_promises_movements_and_losses_keeps_the_books() {
    let warehouse = Warehouse::open(6, 1).await;
    let staff = &warehouse.staff;
    for bin in 0..6 {
        warehouse.stock("ITEM-000", &format!("F1/BIN-{bin:03}"), 30).await;
    }
    let tasks = (0..100_usize).map(|n| async move {
        let strategy = ["FEFO", "FIFO", "LIFO", "NEAREST"][n % 4];
        let (here, there) = (format!("F1/BIN-{:03}", n % 6), format!("F1/BIN-{:03}", (n * 5 + 1) % 6));
        let ask =
            json!({ "strategy": strategy, "allow_partial": n % 3 == 0, "expires_in_seconds": if n % 5 == 0 { 1 } else { 600 } });
        let answer = staff.post(RESERVATIONS, &with(wanted(1 + (n % 7) as u32), ask)).await;
        let granted = answer.status == 201;
        let reservation = answer.body.clone();
        answer.is_granted();
        let moved = match n % 4 {
            0 => post(staff, json!({ "kind": "TRANSFER", "item": "ITEM-000", "quantity": 3, "from": here, "to": there })).await,
            1 => post(staff, json!({ "kind": "SCRAP", "item": "ITEM-000", "quantity": 2, "from": here })).await,
            2 => post(staff, json!({ "kind": "RECEIPT", "item": "ITEM-000", "quantity": 1, "to": here })).await,
            _ => post(staff, issue(1, &here)).await,
        };
        assert!(matches!(moved.status.as_u16(), 201 | 409 | 422), "{moved:?}");
        if granted {
            let done = match n % 3 {
                0 => act(staff, &reservation, "release", json!({})).await,
                1 => act(staff, &reservation, "fulfil", json!({ "quantity": 1 })).await,
                _ => act(staff, &reservation, "transfer", json!({ "to": there })).await,
            };
            assert!(matches!(done.status.as_u16(), 200 | 409), "{done:?}");
        }
    });
    join_all(tasks).await;
    warehouse.server.assert_invariants().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    inventory::reservation::service::sweep(&warehouse.server.app).await.unwrap();
    let open = staff.get(&format!("{RESERVATIONS}?open=true&limit=500")).await.expect(200);
    let ends = open["items"].as_array().unwrap().iter().map(|one| act(staff, one, "release", json!({})));
    for ended in join_all(ends).await {
        ended.expect(200);
    }
    assert_eq!(totals(staff).await.1, 0.0, "every promise is back");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twice_is_once() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    let two = wanted(2);
    let answers = join_all((0..20).map(|_| staff.post_with_key(RESERVATIONS, "k-1", &two))).await;
    let first = answers[0].clone().expect(201);
    assert!(answers.iter().all(|answer| answer.body == first), "{answers:?}");
    assert_eq!(staff.post_with_key(RESERVATIONS, "k-1", &wanted(3)).await.code(), "KEY_REUSED");
    let path = format!("{RESERVATIONS}/{}/fulfil", text(&first["reservation_id"]));
    let once = staff.post_with_key(&path, "k-2", &json!({})).await.expect(200);
    assert_eq!(staff.post_with_key(&path, "k-2", &json!({})).await.expect(200), once);
    assert_eq!(totals(staff).await, (8.0, 0.0));
    let clicks = reserve(staff, wanted(4)).await;
    let answers = join_all((0..10).map(|_| act(staff, &clicks, "fulfil", json!({})))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "without a key the second finds nothing open");
    assert_eq!(totals(staff).await, (4.0, 0.0));
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_names_its_fields_and_strangers_find_nothing() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    let fields = async |body: Value| {
        let answer = staff.post(RESERVATIONS, &body).await;
        assert_eq!(answer.status, 422, "{:#}", answer.body);
        let errors = answer.body["errors"].as_array().unwrap().clone();
        errors.iter().map(|error| text(&error["field"])).collect::<Vec<_>>()
    };
    assert_eq!(
        fields(json!({ "item": "", "quantity": 0, "kind": "FIRM", "priority": 5000 })).await,
        ["kind", "item", "quantity", "priority"]
    );
    let lost = json!({ "item": "NOBODY", "quantity": 1, "facility": "F9", "location": "F1/NOWHERE", "strategy": "NEAREST", "near": "CUSTOMER" });
    assert_eq!(fields(lost).await, ["item", "facility", "location", "near"]);
    assert_eq!(fields(with(wanted(1), json!({ "unit": "PAL" }))).await, ["unit"]);
    assert_eq!(fields(with(wanted(1), json!({ "lot": "L1" }))).await, ["lot"]);
    assert_eq!(fields(with(wanted(1), json!({ "reference": "a\u{0}b" }))).await, ["reference"]);
    assert_eq!(fields(with(wanted(1), json!({ "kind": "SOFT", "facility": "a\u{0}b" }))).await, ["facility"]);
    for strange in ["a%00b", "%FF", "x".repeat(5_000).as_str()] {
        let status = staff.get(&format!("{RESERVATIONS}?reference={strange}")).await.status.as_u16();
        assert!(status < 500, "{status}");
    }
    assert_eq!(staff.get(&format!("{RESERVATIONS}?cursor=rubbish")).await.status, 400);

    let ours = reserve(staff, wanted(3)).await;
    let rival = warehouse.server.caller(Some(warehouse.server.token("rival", Role::SuperAdmin).await));
    let path = format!("{RESERVATIONS}/{}", text(&ours["reservation_id"]));
    assert_eq!(rival.get(&path).await.status, 404);
    for (what, body) in
        [("release", json!({})), ("fulfil", json!({})), ("harden", json!({})), ("transfer", json!({ "to": "F1/BIN-000" }))]
    {
        assert_eq!(act(&rival, &ours, what, body).await.status, 404, "{what}");
    }
    assert_eq!(rival.send(rival.request(Method::PATCH, &path).json(&json!({ "expires_at": null }))).await.status, 404);
    assert_eq!(rival.get(RESERVATIONS).await.expect(200)["items"], json!([]));
    assert_eq!(rival.get("/api/v1/inventory/availability?item=ITEM-000").await.status, 404);
    assert_eq!(load(staff, &ours).await["state"], "ACTIVE");
    let viewer = warehouse.server.as_role(Role::Viewer).await;
    assert_eq!(viewer.post(RESERVATIONS, &wanted(1)).await.status, 403);
    assert_eq!(viewer.get(&path).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_page_and_narrow() {
    let warehouse = Warehouse::open(1, 2).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 100).await;
    warehouse.stock("ITEM-001", "F1/BIN-000", 100).await;
    for n in 0..7 {
        reserve(staff, json!({ "item": format!("ITEM-{:03}", n % 2), "quantity": 1, "reference": format!("SO-{n}") })).await;
    }
    let mut seen = Vec::new();
    let mut path = format!("{RESERVATIONS}?limit=3");
    loop {
        let page = staff.get(&path).await.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|one| text(&one["reference"])));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{RESERVATIONS}?limit=3&cursor={cursor}");
    }
    assert_eq!(seen.len(), 7);
    let count =
        async |query: &str| staff.get(&format!("{RESERVATIONS}?{query}")).await.expect(200)["items"].as_array().unwrap().len();
    assert_eq!(count("item=ITEM-001").await, 3);
    assert_eq!(count("reference=SO-4").await, 1);
    assert_eq!(count("facility=F1&state=ACTIVE&open=true").await, 7);
    assert_eq!(count("state=RELEASED").await, 0);
    let data = staff
        .graphql("{ reservations(filter: { item: \"ITEM-001\" }, first: 2) { items { reference allocations { locationCode } } nextCursor } availability(item: \"ITEM-001\") { onHand reservedHard availableToPromise timeline { date } } }")
        .await;
    assert_eq!(data["reservations"]["items"].as_array().unwrap().len(), 2, "{data:#}");
    assert_eq!(
        (text(&data["availability"]["reservedHard"]), text(&data["availability"]["availableToPromise"])),
        ("3".into(), "97".into())
    );
    let made = staff
        .graphql(
            "mutation { reserve(input: { item: \"ITEM-001\", quantity: \"2\", strategy: LIFO }) { reservationId allocated } }",
        )
        .await;
    let id = text(&made["reserve"]["reservationId"]);
    let ended = staff.graphql(&format!("mutation {{ a: fulfilReservation(id: \"{id}\", quantity: \"1\") {{ state movementIds }} b: releaseReservation(id: \"{id}\") {{ state }} }}")).await;
    assert_eq!((text(&ended["a"]["state"]), text(&ended["b"]["state"])), ("ACTIVE".into(), "RELEASED".into()));
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_finds_what_was_planted() {
    let warehouse = Warehouse::open(1, 1).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 5).await;
    reserve(&warehouse.staff, wanted(2)).await;
    let mut sql = warehouse.server.sql().await;
    let broken = async || {
        let mut owner = platform::database::Migrations::new(warehouse.server.options.clone()).connect().await.unwrap();
        let found = inventory::check(&mut owner).await.unwrap();
        found.into_iter().filter(|one| one.violations > 0).map(|one| one.name).collect::<Vec<_>>()
    };
    assert_eq!(broken().await, [""; 0]);
    for (plant, undo, name) in [
        (
            "UPDATE inventory.balances SET reserved = 3",
            "UPDATE inventory.balances SET reserved = 2",
            "reserved_equals_allocations",
        ),
        (
            "UPDATE inventory.reservations SET open_quantity = 1, released = 1",
            "UPDATE inventory.reservations SET open_quantity = 2, released = 0",
            "reservations_add_up",
        ),
    ] {
        sqlx::query(plant).execute(&mut sql).await.unwrap();
        assert_eq!(broken().await, [name]);
        sqlx::query(undo).execute(&mut sql).await.unwrap();
    }
    sqlx::query("UPDATE inventory.balances SET quality_status = 'HOLD'").execute(&mut sql).await.unwrap();
    assert!(broken().await.contains(&"bound_stock_is_released"));
}
