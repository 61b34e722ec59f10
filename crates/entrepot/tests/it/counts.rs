//! Cycle counts through HTTP, while stock moves and while it does not.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use platform::auth::Role;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::harness::{Caller, Warehouse, text};

const COUNTS: &str = "/api/v1/inventory/counts";
const MOVEMENTS: &str = "/api/v1/inventory/movements";

async fn plan(admin: &Caller, code: &str, locations: Value, tolerance: &str) -> Value {
    let input = json!({ "facility": "F1", "code": code, "locations": locations, "tolerance_quantity": tolerance });
    admin.post(COUNTS, &input).await.expect(201)
}

async fn start(caller: &Caller, code: &str, location: &str) -> Vec<Value> {
    let sheet = caller.post(&format!("{COUNTS}/{code}/locations/{location}/start"), &json!({})).await.expect(200);
    sheet["lines"].as_array().unwrap().clone()
}

async fn enter(caller: &Caller, code: &str, line: &Value, counted: &str) -> crate::harness::Answer {
    let entry = json!({ "line_id": line["line_id"], "counted": counted });
    caller.post(&format!("{COUNTS}/{code}/entries"), &json!({ "entries": [entry] })).await
}

async fn finish(caller: &Caller, code: &str, location: &str) {
    caller.post(&format!("{COUNTS}/{code}/locations/{location}/finish"), &json!({ "rest_is_zero": true })).await.expect(200);
}

async fn state(caller: &Caller, code: &str) -> String {
    text(&caller.get(&format!("{COUNTS}/{code}")).await.expect(200)["state"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_counted_again_by_another_and_approved_by_a_third() {
    let warehouse = Warehouse::open(2, 2).await;
    let (ann, ben, boss) = (&warehouse.staff, warehouse.server.as_role(Role::Staff).await, &warehouse.admin);
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    warehouse.stock("ITEM-001", "F1/BIN-000", 5).await;
    plan(boss, "C1", json!(["BIN-000", "F1/BIN-001"]), "0").await;
    assert_eq!(state(ann, "C1").await, "OPEN");
    let lines = start(ann, "C1", "BIN-000").await;
    assert_eq!(lines.len(), 2);
    let (wrong, right) = (&lines[0], &lines[1]);
    let wrong_first = text(&wrong["item_code"]) == "ITEM-000";
    let (wrong, right) = if wrong_first { (wrong, right) } else { (right, wrong) };
    enter(ann, "C1", right, "5").await.expect(200);
    let first = enter(ann, "C1", wrong, "8").await.expect(200);
    assert_eq!(first["lines"][0]["state"], "RECOUNT");
    let again = enter(ann, "C1", wrong, "8").await;
    assert_eq!((again.status.as_u16(), text(&again.body["errors"][0]["field"]).as_str()), (409, "entries[0].line_id"));
    // Goods leave between the two counts: no variance of theirs.
    let issue = json!({ "movements": [{ "kind": "ISSUE", "item": "ITEM-000", "quantity": 3, "from": "F1/BIN-000" }] });
    ann.post(MOVEMENTS, &issue).await.expect(201);
    let second = enter(&ben, "C1", wrong, "5").await.expect(200);
    assert_eq!(second["lines"][0]["state"], "APPROVAL", "both miss two");
    finish(ann, "C1", "BIN-000").await;
    start(ann, "C1", "BIN-001").await;
    finish(ann, "C1", "BIN-001").await;
    assert_eq!(state(ann, "C1").await, "REVIEW");
    let path = format!("{COUNTS}/C1/approve");
    assert_eq!(ann.post(&path, &json!({ "all": true })).await.status, 403);
    let approved = boss.post(&path, &json!({ "all": true })).await.expect(200);
    assert_eq!(approved["lines"][0]["variance"], "-2");
    assert_eq!(state(ann, "C1").await, "CLOSED");
    assert_eq!(warehouse.on_hand("ITEM-000").await, [("BIN-000".to_owned(), "5".to_owned())]);
    let moved = ann.get(&format!("{MOVEMENTS}?reference=C1")).await.expect(200);
    assert_eq!(moved["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (text(&moved["items"][0]["kind"]), text(&moved["items"][0]["reason"])),
        ("ADJUSTMENT".into(), "cycle count C1".into())
    );
    assert_eq!(boss.post(&path, &json!({ "all": true })).await.status, 409, "it is over");
    let figures = boss.get(&format!("{COUNTS}/accuracy?facility=F1")).await.expect(200);
    assert_eq!(
        (figures["lines"].clone(), figures["lines_within"].clone(), figures["percent"].clone()),
        (json!(2), json!(1), json!(50.0))
    );
    assert_eq!(figures["absolute_variance"], "2");
    let places = boss.get(&format!("{COUNTS}/C1/locations")).await.expect(200);
    assert!(places["items"].as_array().unwrap().iter().all(|place| place["last_counted_at"].is_string()), "{places:#}");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_what_they_counted_and_a_third_count_decides() {
    let warehouse = Warehouse::open(1, 1).await;
    let (ann, boss) = (&warehouse.staff, &warehouse.admin);
    let other_boss = warehouse.server.admin().await;
    let ben = warehouse.server.as_role(Role::Staff).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    plan(boss, "C1", json!(["BIN-000"]), "1").await;
    let line = start(ann, "C1", "BIN-000").await.remove(0);
    enter(ann, "C1", &line, "7").await.expect(200);
    let differs = enter(&ben, "C1", &line, "6").await.expect(200);
    assert_eq!(differs["lines"][0]["state"], "RECOUNT", "they disagree");
    let third = enter(boss, "C1", &line, "5").await.expect(200);
    assert_eq!(third["lines"][0]["state"], "APPROVAL");
    let path = format!("{COUNTS}/C1/approve");
    let own = boss.post(&path, &json!({ "lines": [line["line_id"]] })).await;
    assert_eq!(own.status, 409, "{:#}", own.body);
    assert_eq!(boss.post(&path, &json!({ "all": true })).await.status, 409);
    // Sent back, it begins anew; within the tolerance it is then adjusted at once.
    let reject = json!({ "lines": [line["line_id"]], "recount": true, "reason": "look behind the rack" });
    assert_eq!(ann.post(&format!("{COUNTS}/C1/reject"), &reject).await.status, 403);
    let back = other_boss.post(&format!("{COUNTS}/C1/reject"), &reject).await.expect(200);
    assert_eq!(back["lines"][0]["state"], "RECOUNT");
    let found = enter(ann, "C1", &line, "9").await.expect(200);
    assert_eq!(found["lines"][0]["state"], "APPROVED");
    assert_eq!(warehouse.on_hand("ITEM-000").await[0].1, "9");
    assert_eq!(enter(&ben, "C1", &line, "10").await.status, 409, "it is decided");
    finish(ann, "C1", "BIN-000").await;
    assert_eq!(state(ann, "C1").await, "CLOSED");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_count_hides_what_is_expected_and_what_others_found() {
    let warehouse = Warehouse::open(1, 1).await;
    let (ann, boss) = (&warehouse.staff, &warehouse.admin);
    warehouse.stock("ITEM-000", "F1/BIN-000", 41).await;
    plan(boss, "C1", json!(["BIN-000"]), "0").await;
    let line = start(ann, "C1", "BIN-000").await.remove(0);
    let told = enter(ann, "C1", &line, "37").await.expect(200);
    let hidden = |line: &Value| {
        ["book", "counted", "variance", "within_tolerance", "movement_id"].iter().all(|field| line[*field].is_null())
            && line["entries"] == json!([])
    };
    assert!(hidden(&line) && hidden(&told["lines"][0]), "{told:#}");
    let ben = warehouse.server.as_role(Role::Staff).await;
    let seen = ben.get(&format!("{COUNTS}/C1/lines")).await.expect(200);
    assert!(hidden(&seen["items"][0]), "{seen:#}");
    let seen = ben.get(&format!("{COUNTS}/C1")).await.expect(200);
    assert!(seen["accuracy"].is_null(), "{seen:#}");
    assert_eq!(ben.get(&format!("{COUNTS}/C1/lines?by_variance=true")).await.status, 422, "the order would tell");
    let data = ben
        .graphql(r#"{ countLines(count: "C1", first: 5) { items { book counted variance withinTolerance entries { counted } state } } }"#)
        .await;
    let row = &data["countLines"]["items"][0];
    assert!(row["book"].is_null() && row["counted"].is_null() && row["variance"].is_null(), "{data:#}");
    assert_eq!(row["entries"], json!([]));
    let seen = boss.get(&format!("{COUNTS}/C1/lines?by_variance=true")).await.expect(200);
    assert_eq!((text(&seen["items"][0]["book"]), text(&seen["items"][0]["variance"])), ("41".into(), "-4".into()));
    let events: Vec<String> =
        sqlx::query_scalar("SELECT payload::text FROM platform.outbox WHERE kind = 'inventory.count.changed'")
            .fetch_all(&mut warehouse.server.sql().await)
            .await
            .unwrap();
    assert!(
        !events.is_empty() && events.iter().all(|payload| !payload.contains("41") && !payload.contains("\"-4\"")),
        "{events:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unexpected_goods_become_lines_and_a_late_handheld_is_judged_by_its_moment() {
    let warehouse = Warehouse::open(2, 2).await;
    let (ann, boss) = (&warehouse.staff, &warehouse.admin);
    let ben = warehouse.server.as_role(Role::Staff).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    plan(boss, "C1", json!(["BIN-000"]), "0").await;
    let line = start(ann, "C1", "BIN-000").await.remove(0);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let at = warehouse.server.app.env.now().to_rfc3339();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    // After the handheld counted ten, four more came and one left; it tells of its count only now.
    warehouse.stock("ITEM-000", "F1/BIN-000", 4).await;
    let issue = json!({ "movements": [{ "kind": "ISSUE", "item": "ITEM-000", "quantity": 1, "from": "F1/BIN-000" }] });
    ann.post(MOVEMENTS, &issue).await.expect(201);
    let entries = format!("{COUNTS}/C1/entries");
    let late = |counted_at: &str| json!({ "entries": [{ "line_id": line["line_id"], "counted": 10, "counted_at": counted_at }] });
    for bad in ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"] {
        let refused = ann.post(&entries, &late(bad)).await;
        assert_eq!((refused.status.as_u16(), text(&refused.body["errors"][0]["field"]).as_str()), (422, "entries[0].counted_at"));
    }
    let told = ann.post_with_key(&entries, "late-1", &late(&at)).await.expect(200);
    assert_eq!(told["lines"][0]["state"], "APPROVED");
    assert_eq!(ann.post_with_key(&entries, "late-1", &late(&at)).await.expect(200), told, "the same answer, one effect");
    assert_eq!(warehouse.on_hand("ITEM-000").await[0].1, "13");
    let found = json!({ "entries": [{ "location": "F1/BIN-000", "item": "ITEM-001", "counted": "2" }] });
    let first = ann.post(&entries, &found).await.expect(200);
    assert_eq!((&first["lines"][0]["is_unexpected"], text(&first["lines"][0]["state"])), (&json!(true), "RECOUNT".to_owned()));
    ben.post(&entries, &found).await.expect(200);
    for (bad, field) in [
        (json!({ "location": "BIN-001", "item": "ITEM-001", "counted": "2" }), "entries[0].location"),
        (json!({ "location": "BIN-000", "item": "NOTHING", "counted": "2" }), "entries[0].item"),
        (json!({ "location": "BIN-000", "item": "ITEM-000", "lot": "L", "counted": "2" }), "entries[0].lot"),
        (json!({ "line_id": line["line_id"], "counted": "-1" }), "entries[0].counted"),
        (json!({ "line_id": uuid::Uuid::nil(), "counted": "1" }), "entries[0].line_id"),
    ] {
        let refused = ann.post(&entries, &json!({ "entries": [bad] })).await;
        assert_eq!(
            (refused.status.as_u16(), text(&refused.body["errors"][0]["field"]).as_str()),
            (422, field),
            "{:#}",
            refused.body
        );
    }
    boss.post(&format!("{COUNTS}/C1/approve"), &json!({ "all": true })).await.expect(200);
    finish(ann, "C1", "BIN-000").await;
    assert_eq!(warehouse.on_hand("ITEM-001").await, [("BIN-000".to_owned(), "2".to_owned())]);
    assert_eq!(state(ann, "C1").await, "CLOSED");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_in_one_count_and_the_schedule_takes_the_oldest() {
    let warehouse = Warehouse::open(4, 1).await;
    let (ann, boss) = (&warehouse.staff, &warehouse.admin);
    warehouse.stock("ITEM-000", "F1/BIN-002", 3).await;
    plan(boss, "C1", json!(["BIN-000"]), "0").await;
    let twice = boss.post(COUNTS, &json!({ "facility": "F1", "locations": ["BIN-001", "BIN-000"] })).await;
    assert_eq!((twice.status.as_u16(), twice.code()), (409, "CONFLICT"));
    assert!(twice.body["detail"].as_str().unwrap().contains("BIN-000 (count C1)"), "{:#}", twice.body);
    start(ann, "C1", "BIN-000").await;
    finish(ann, "C1", "BIN-000").await;
    assert_eq!(state(ann, "C1").await, "CLOSED", "an empty place that was looked at is counted");
    let next = boss.post(COUNTS, &json!({ "facility": "F1", "schedule": { "locations": 4 } })).await.expect(201);
    let code = text(&next["code"]);
    let places = ann.get(&format!("{COUNTS}/{code}/locations")).await.expect(200);
    let codes: Vec<String> = places["items"].as_array().unwrap().iter().map(|place| text(&place["location_code"])).collect();
    assert_eq!(codes, ["BIN-001", "BIN-002", "BIN-003", "DOCK"], "never counted ones first");
    boss.post(&format!("{COUNTS}/{code}/cancel"), &json!({ "reason": "" })).await.expect(422);
    boss.post(&format!("{COUNTS}/{code}/cancel"), &json!({ "reason": "stock-take next week" })).await.expect(200);
    let by_class = json!({ "facility": "F1", "schedule": { "locations": 9, "abc_class": "C" } });
    let by_class = boss.post(COUNTS, &by_class).await.expect(201);
    assert_eq!(by_class["progress"]["locations"], 1, "only one place holds an item of the class");
    boss.post(&format!("{COUNTS}/{}/cancel", text(&by_class["code"])), &json!({ "reason": "x" })).await.expect(200);
    let by_item = boss.post(COUNTS, &json!({ "facility": "F1", "items": ["ITEM-000"] })).await.expect(201);
    assert_eq!(by_item["progress"]["locations"], 1);
    assert_eq!(
        ann.post(COUNTS, &json!({ "facility": "F1", "locations": ["BIN-003"] })).await.status,
        403,
        "who counts does not set the tolerance"
    );
    let bad = boss.post(COUNTS, &json!({ "facility": "F1", "locations": ["BIN-999"], "tolerance_percent": 0 })).await;
    assert_eq!((bad.status.as_u16(), text(&bad.body["errors"][0]["field"]).as_str()), (422, "locations[0]"));
    let rival = warehouse.server.caller(Some(warehouse.server.token("rival", Role::SuperAdmin).await));
    for path in [format!("{COUNTS}/C1"), format!("{COUNTS}/{}", text(&next["count_id"])), format!("{COUNTS}/C1/lines")] {
        assert_eq!(rival.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(rival.post(&format!("{COUNTS}/C1/approve"), &json!({ "all": true })).await.status, 404);
    assert_eq!(rival.get(COUNTS).await.expect(200)["items"], json!([]));
}

/// What really lies in the bins: the test's own world, which the ledger only hears of.
type World = Arc<Vec<Mutex<HashMap<usize, i64>>>>;

const BINS: usize = 5;
const GOODS: usize = 3;

/// Moves goods in the world and then in the ledger; the bins are held until the ledger has answered, as a person stands there.
async fn carry(staff: Caller, world: World, seed: usize, stop: Arc<AtomicBool>) -> usize {
    let (mut step, mut carried) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        step += 1;
        let n = seed * 31 + step * 17;
        let (from, to, item) = (n % BINS, (n + 1 + n / 7 % (BINS - 1)) % BINS, n % GOODS);
        let (low, high) = (from.min(to), from.max(to));
        let mut first = world[low].lock().await;
        let mut second = world[high].lock().await;
        let (giver, taker) = if from == low { (&mut first, &mut second) } else { (&mut second, &mut first) };
        let quantity = 1 + (n % 3) as i64;
        if giver.get(&item).copied().unwrap_or(0) < quantity {
            tokio::task::yield_now().await;
            continue;
        }
        let movement = json!({ "kind": "TRANSFER", "item": format!("ITEM-{item:03}"), "quantity": quantity,
            "from": format!("F1/BIN-{from:03}"), "to": format!("F1/BIN-{to:03}") });
        let answer = staff.post(MOVEMENTS, &json!({ "movements": [movement] })).await;
        // The books may know less than there is, until the count is approved.
        if answer.status == 201 {
            *giver.entry(item).or_default() -= quantity;
            *taker.entry(item).or_default() += quantity;
            carried += 1;
        } else {
            assert_eq!(answer.code(), "STOCK_INSUFFICIENT", "{:#}", answer.body);
        }
    }
    carried
}

/// Counts a bin while the others go on; a person looks and tells before anybody touches that bin again.
async fn count_bin(caller: &Caller, world: &World, bin: usize, is_first: bool) {
    let location = format!("BIN-{bin:03}");
    if is_first {
        start(caller, "C1", &location).await;
    }
    for item in 0..GOODS {
        let truth = world[bin].lock().await;
        let counted = truth.get(&item).copied().unwrap_or(0);
        let entry = json!({ "location": location, "item": format!("ITEM-{item:03}"), "counted": counted.to_string() });
        let answer = caller.post(&format!("{COUNTS}/C1/entries"), &json!({ "entries": [entry] })).await;
        assert!(answer.status == 200 || !is_first && answer.status == 409, "{:#}", answer.body);
    }
    if is_first {
        finish(caller, "C1", &location).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_count_among_twenty_carriers_the_books_tell_the_truth() {
    let warehouse = Warehouse::open(BINS, GOODS).await;
    let world: World = Arc::new((0..BINS).map(|_| Mutex::new(HashMap::new())).collect());
    for (bin, truth) in world.iter().enumerate() {
        for item in 0..GOODS {
            let booked = 20 + bin as u32;
            warehouse.stock(&format!("ITEM-{item:03}"), &format!("F1/BIN-{bin:03}"), booked).await;
            // Some were lost and some were found before anybody counted.
            let lost = [0, 3, -2][(bin + item) % 3];
            truth.lock().await.insert(item, i64::from(booked) - lost);
        }
    }
    let ben = warehouse.server.as_role(Role::Staff).await;
    plan(&warehouse.admin, "C1", json!((0..BINS).map(|bin| format!("BIN-{bin:03}")).collect::<Vec<_>>()), "0").await;
    let stop = Arc::new(AtomicBool::new(false));
    let carriers: Vec<_> =
        (0..20).map(|seed| tokio::spawn(carry(warehouse.staff.clone(), world.clone(), seed, stop.clone()))).collect();
    for (person, is_first) in [(&warehouse.staff, true), (&ben, false)] {
        for bin in 0..BINS {
            count_bin(person, &world, bin, is_first).await;
        }
    }
    let waiting = warehouse.admin.get(&format!("{COUNTS}/C1/lines?state=APPROVAL")).await.expect(200);
    assert!(waiting["items"].as_array().unwrap().len() >= 8, "two people found the same differences: {waiting:#}");
    // Approved while the carriers still walk.
    warehouse.admin.post(&format!("{COUNTS}/C1/approve"), &json!({ "all": true })).await.expect(200);
    stop.store(true, Ordering::Relaxed);
    for carrier in carriers {
        assert!(carrier.await.unwrap() > 0, "somebody never carried anything");
    }
    assert_eq!(state(&warehouse.admin, "C1").await, "CLOSED");
    for item in 0..GOODS {
        let books: HashMap<String, String> = warehouse.on_hand(&format!("ITEM-{item:03}")).await.into_iter().collect();
        for (bin, goods) in world.iter().enumerate() {
            let truth = goods.lock().await.get(&item).copied().unwrap_or(0);
            let book = books.get(&format!("BIN-{bin:03}")).map_or("0", String::as_str);
            assert_eq!(book, truth.to_string(), "item {item} in bin {bin}");
        }
    }
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_tell_of_one_line_at_once_make_one_first_count() {
    let warehouse = Warehouse::open(1, 1).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    plan(&warehouse.admin, "C1", json!(["BIN-000"]), "5").await;
    let line = start(&warehouse.staff, "C1", "BIN-000").await.remove(0);
    let answers = futures::future::join_all((0..10).map(|_| enter(&warehouse.staff, "C1", &line, "8"))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.status == 409), "{answers:?}");
    assert_eq!(warehouse.on_hand("ITEM-000").await[0].1, "8", "adjusted once");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variance_of_serial_tracked_items_is_adjusted_by_hand_and_holds_up_nobody() {
    let warehouse = Warehouse::open(1, 1).await;
    let (ann, boss) = (&warehouse.staff, &warehouse.admin);
    let ben = warehouse.server.as_role(Role::Staff).await;
    ann.post("/api/v1/inventory/items", &json!({ "code": "PUMP", "name": "Pump", "serial_tracked": true })).await.expect(201);
    let receipt = json!({ "kind": "RECEIPT", "item": "PUMP", "to": "F1/BIN-000", "serials": ["S1", "S2", "S3"] });
    ann.post(MOVEMENTS, &json!({ "movements": [receipt] })).await.expect(201);
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    plan(boss, "C1", json!(["BIN-000"]), "1").await;
    let lines = start(ann, "C1", "BIN-000").await;
    let line = |code: &str| lines.iter().find(|line| line["item_code"] == code).unwrap()["line_id"].clone();
    let entries = |pumps: &str, others: &str| {
        json!({ "entries": [
            { "line_id": line("PUMP"), "counted": pumps }, { "line_id": line("ITEM-000"), "counted": others },
        ] })
    };
    let state_of = |body: &Value, code: &str| {
        text(&body["lines"].as_array().unwrap().iter().find(|line| line["item_code"] == code).unwrap()["state"])
    };
    let within = ann.post(&format!("{COUNTS}/C1/entries"), &entries("2", "7")).await.expect(200);
    assert_eq!(state_of(&within, "PUMP"), "APPROVAL", "within the tolerance, but nobody knows which piece is missing");
    let only_other = json!({ "entries": [{ "line_id": line("ITEM-000"), "counted": "7" }] });
    ben.post(&format!("{COUNTS}/C1/entries"), &only_other).await.expect(200);
    let path = format!("{COUNTS}/C1/approve");
    let named = boss.post(&path, &json!({ "lines": [line("ITEM-000"), line("PUMP")] })).await;
    assert_eq!((named.status.as_u16(), text(&named.body["errors"][0]["field"])), (409, "lines[1]".into()), "{:#}", named.body);
    assert!(named.body.to_string().contains("is serial-tracked"), "{:#}", named.body);
    let all = boss.post(&path, &json!({ "all": true })).await.expect(200);
    assert_eq!((all["lines"].as_array().unwrap().len(), state_of(&all, "ITEM-000")), (1, "APPROVED".into()), "{all:#}");
    assert_eq!(boss.post(&path, &json!({ "all": true })).await.status, 409);
    let missing = json!({ "kind": "ADJUSTMENT", "item": "PUMP", "quantity": -1, "to": "F1/BIN-000", "serials": ["S2"], "reason": "count C1" });
    boss.post(MOVEMENTS, &json!({ "movements": [missing] })).await.expect(201);
    let reject = json!({ "lines": [line("PUMP")], "recount": false, "reason": "adjusted by name" });
    boss.post(&format!("{COUNTS}/C1/reject"), &reject).await.expect(200);
    warehouse.server.assert_invariants().await;
}
