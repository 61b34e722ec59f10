//! Recommendations under pressure: two at once, settings off, and input that makes no sense.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use platform::auth::Role;
use platform::config::{Algorithm, Config};
use serde_json::{Value, json};

use crate::harness::{Server, Warehouse, new_database, text};
use crate::putaway::{RECOMMENDATIONS, assert_capacities, capacities_hold, receive};

const PREVIEW: &str = "/api/wms/optimization/putaway/preview";

fn lines(round: u32, batch: u32) -> Value {
    let line = |n: u32| {
        let mixed = round * 37 + batch * 101 + n * 53;
        json!({ "item": format!("ITEM-{:03}", mixed % 4), "lot_number": format!("L{}", mixed % 3), "quantity": 20 + mixed % 190 })
    };
    json!({ "facility": "F1", "hold_minutes": 1, "items": [line(0), line(1), line(2)] })
}

/// The floor takes about 1,500 pieces; each round asks for some 600, while a third of what is held expires under its feet, and
/// goods from the dock are put away and picked up again. Somebody looks all the time, between the rounds and within them.
#[tokio::test(flavor = "multi_thread")]
async fn two_batches_at_once_never_exceed_a_location_in_a_hundred_rounds() {
    let warehouse = Warehouse::open(6, 4).await;
    let (mut sql, mut eye) = (warehouse.server.sql().await, warehouse.server.sql().await);
    let (mut placed, mut failed, mut accepted) = (0, 0, 0);
    let over = AtomicBool::new(false);
    let watch = async {
        let mut looks = 0;
        while !over.load(Ordering::Relaxed) {
            capacities_hold(&mut eye).await;
            looks += 1;
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        looks
    };
    let rounds = async {
        for round in 0..100 {
            receive(&warehouse, &[("ITEM-000", 15), ("ITEM-003", 10)]).await;
            let waiting =
                warehouse.staff.post(RECOMMENDATIONS, &json!({ "facility": "F1", "all_waiting": true })).await.expect(201);
            let ids: Vec<&Value> =
                waiting["recommendations"].as_array().unwrap().iter().map(|one| &one["recommendation_id"]).collect();
            let decide = json!({ "recommendations": ids });
            let accept = format!("{RECOMMENDATIONS}/accept");
            let (first, second) = (lines(round, 0), lines(round, 1));
            let expire = sqlx::query(
                "UPDATE putaway_recommendations SET expires_at = now() WHERE state = 'OPEN' AND abs(hashtext(recommendation_id::text)) % 3 = $1",
            );
            let (one, two, expired, decided) = tokio::join!(
                warehouse.staff.post(RECOMMENDATIONS, &first),
                warehouse.staff.post(RECOMMENDATIONS, &second),
                expire.bind((round % 3) as i32).execute(&mut sql),
                async { if ids.is_empty() { None } else { Some(warehouse.staff.post(&accept, &decide).await) } },
            );
            expired.unwrap();
            for answer in [one.expect(201), two.expect(201)] {
                placed += answer["recommendations"].as_array().unwrap().len();
                failed += answer["failures"].as_array().unwrap().len();
            }
            accepted += decided.map_or(0, |decided| decided.expect(200)["accepted"].as_u64().unwrap());
            capacities_hold(&mut sql).await;
            if round % 8 == 7 {
                empty_the_floor(&warehouse).await;
            }
        }
        over.store(true, Ordering::Relaxed);
    };
    let (looks, ()) = tokio::join!(watch, rounds);
    assert!(looks >= 100, "it looked {looks} times");
    assert!(placed > 100 && failed > 50 && accepted > 20, "{placed} placed, {failed} not, {accepted} accepted");
    warehouse.server.assert_invariants().await;
}

async fn empty_the_floor(warehouse: &Warehouse) {
    for item in ["ITEM-000", "ITEM-003"] {
        let there = warehouse.on_hand(item).await.into_iter().filter(|(_, quantity)| quantity != "0");
        let movements: Vec<_> = there
            .map(|(place, quantity)| json!({ "kind": "ISSUE", "item": item, "quantity": quantity, "from": format!("F1/{place}"), "to": "CUSTOMER" }))
            .collect();
        if !movements.is_empty() {
            warehouse.staff.post("/api/v1/inventory/movements", &json!({ "movements": movements })).await.expect(201);
        }
    }
}

async fn open_with(bins: usize, configure: impl FnOnce(&mut Config)) -> Warehouse {
    let server = Server::with(new_database().await, kernel::Env::system(), configure).await;
    Warehouse::on(server, bins, 3).await
}

// C230 C231 C232 C233 C234 C235
#[tokio::test(flavor = "multi_thread")]
async fn each_setting_switched_off_leaves_a_working_system_that_says_so() {
    type Change = fn(&mut Config);
    let settings: [(&str, Change); 6] = [
        ("SKU_AFFINITY_ENABLED", |config| config.sku_affinity_enabled = false),
        ("CROSS_DOCK_ENABLED", |config| config.cross_dock_enabled = false),
        ("ML_MODEL_ENABLED", |config| config.ml_model_enabled = false),
        ("CONGESTION_AVOIDANCE_ENABLED", |config| config.congestion_avoidance_enabled = false),
        ("DATA_QUALITY_MONITORING_ENABLED", |config| config.data_quality_monitoring_enabled = false),
        ("STATISTICAL_ANALYSIS_ENABLED", |config| config.statistical_analysis_enabled = false),
    ];
    for (name, switch_off) in settings {
        let warehouse = open_with(4, switch_off).await;
        receive(&warehouse, &[("ITEM-000", 10), ("ITEM-001", 900)]).await;
        let answer = warehouse.staff.post(RECOMMENDATIONS, &json!({ "facility": "F1", "all_waiting": true })).await.expect(201);
        assert_eq!(answer["summary"]["switched_off"], json!([name]));
        assert!(!answer["recommendations"].as_array().unwrap().is_empty(), "{name}: {answer:#}");
        let id = text(&answer["recommendations"][0]["recommendation_id"]);
        warehouse.staff.post(&format!("{RECOMMENDATIONS}/{id}/accept"), &json!({})).await.expect(200);
        let graph = warehouse.staff.graphql(r#"{ previewPutaway(input: { facilityId: "F1", items: [{ materialId: "ITEM-000", quantity: 1 }] }) { processingSummary { switchedOff optimalityGap algorithm } } }"#).await;
        assert_eq!(graph["previewPutaway"]["processingSummary"]["switchedOff"], json!([name]));
        assert_capacities(&warehouse).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_method_comes_from_the_request_else_from_the_setting_else_it_is_the_best() {
    let warehouse = open_with(4, |config| config.bin_optimization_algorithm = Algorithm::Ffd).await;
    let ask =
        |algorithm: Value| json!({ "facility": "F1", "items": [{ "item": "ITEM-000", "quantity": 5 }], "algorithm": algorithm });
    let of = async |warehouse: &Warehouse, body: Value| {
        text(&warehouse.staff.post(PREVIEW, &body).await.expect(200)["summary"]["algorithm"])
    };
    assert_eq!(of(&warehouse, ask(Value::Null)).await, "FFD");
    for method in ["FFD", "BFD", "HYBRID", "OPTIMAL"] {
        assert_eq!(of(&warehouse, ask(json!(method))).await, method);
    }
    let refused = warehouse.staff.post(PREVIEW, &ask(json!("MAGIC"))).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (422, "INVALID"), "{:#}", refused.body);
    let usual = Warehouse::open(2, 1).await;
    assert_eq!(of(&usual, ask(Value::Null)).await, "OPTIMAL");
}

/// Every line at fault has its own code, and the good one is placed.
#[tokio::test(flavor = "multi_thread")]
async fn lines_that_make_no_sense_fail_alone() {
    let warehouse = Warehouse::open(4, 2).await;
    warehouse.staff.post("/api/v1/inventory/items", &json!({ "code": "BLANK", "name": "Never measured" })).await.expect(201);
    let line = |item: &str, quantity: Value| json!({ "item": item, "quantity": quantity, "lot_number": "L1" });
    let items = json!([
        line("ITEM-000", json!(0)),
        line("ITEM-000", json!(-5)),
        line("ITEM-000", json!("1e400")),
        line("ITEM-000", json!("many")),
        line("ITEM-000", json!("99999999999999999999")),
        line("ITEM-000", json!("100000000000")),
        line("BLANK", json!(1)),
        line("NOBODY", json!(1)),
        line("ITEM-000", json!(3)),
        line("ITEM-000", json!(3)),
        line("ITEM-001", json!(2)),
    ]);
    let answer = warehouse.staff.post(RECOMMENDATIONS, &json!({ "facility": "F1", "items": items })).await.expect(201);
    let codes: Vec<_> = answer["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["line_no"].as_u64().unwrap(), text(&one["reason_code"])))
        .collect();
    let expected = [
        (1, "INVALID_QUANTITY"),
        (2, "INVALID_QUANTITY"),
        (3, "INVALID_QUANTITY"),
        (4, "INVALID_QUANTITY"),
        (5, "INVALID_QUANTITY"),
        (6, "QUANTITY_TOO_LARGE"),
        (7, "NO_MASTER_DATA"),
        (8, "UNKNOWN_ITEM"),
    ];
    assert_eq!(codes, expected.map(|(line, code)| (line, code.to_owned())), "{answer:#}");
    assert_eq!(answer["recommendations"].as_array().unwrap().len(), 3, "the same lot twice is two lines: {answer:#}");
    assert_eq!(answer["summary"]["total_items"], 11);
    assert_capacities(&warehouse).await;

    let graph = warehouse.staff.graphql(r#"mutation { getBatchPutawayRecommendations(input: { facilityId: "F1", items: [
        { materialId: "ITEM-000", quantity: -1 }, { materialId: "ITEM-000", quantity: 0 }, { materialId: "ITEM-001", quantity: 1 }] })
        { recommendations { materialCode } failures { reasonCode } } }"#).await;
    let batch = &graph["getBatchPutawayRecommendations"];
    assert_eq!(batch["failures"], json!([{ "reasonCode": "INVALID_QUANTITY" }, { "reasonCode": "INVALID_QUANTITY" }]));
    assert_eq!(batch["recommendations"], json!([{ "materialCode": "ITEM-001" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_name_nothing_are_refused_with_a_code() {
    let warehouse = Warehouse::open(1, 1).await;
    let empty = warehouse.staff.post(RECOMMENDATIONS, &json!({ "facility": "F1", "items": [] })).await;
    assert_eq!((empty.status.as_u16(), empty.code()), (422, "INVALID"));
    let item = json!([{ "item": "ITEM-000", "quantity": 1 }]);
    let unknown = warehouse.staff.post(RECOMMENDATIONS, &json!({ "facility": "NOWHERE", "items": item })).await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (404, "NOT_FOUND"));
    let many: Vec<_> = (0..501).map(|_| json!({ "item": "ITEM-000", "quantity": 1 })).collect();
    let many = warehouse.staff.post(RECOMMENDATIONS, &json!({ "facility": "F1", "items": many })).await;
    assert_eq!(many.status, 422);
    warehouse.admin.post("/api/v1/facilities", &json!({ "code": "BARE", "name": "No bins" })).await.expect(201);
    let bare = warehouse.staff.post(RECOMMENDATIONS, &json!({ "facility": "BARE", "items": item })).await.expect(201);
    assert_eq!(bare["failures"][0]["reason_code"], "NO_LOCATION", "{bare:#}");
    warehouse.stock("ITEM-000", "F1/BIN-000", 250).await;
    let full = warehouse.staff.post(RECOMMENDATIONS, &json!({ "facility": "F1", "items": item })).await.expect(201);
    assert_eq!((&full["failures"][0]["reason_code"], &full["recommendations"]), (&json!("NO_CAPACITY"), &json!([])), "{full:#}");
}

/// One line cannot keep more than a hundred locations from others.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_line_holds_is_bounded() {
    let server = Server::start().await;
    let warehouse = Warehouse::on(server, 0, 1).await;
    let rows: String = (0..120).map(|n| format!("SMALL-{n:03},PUTAWAY,320,220,120,3\n")).collect();
    let file = format!("code,type,length_mm,width_mm,height_mm,max_weight_kg\n{rows}");
    for row in file.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let bin = json!({ "facility": "F1", "code": cells[0], "type": cells[1], "max_weight": { "value": cells[5], "unit": "kg" },
            "dimensions": { "length": cells[2], "width": cells[3], "height": cells[4], "unit": "mm" } });
        warehouse.admin.post("/api/v1/locations", &bin).await.expect(201);
    }
    let answer = warehouse
        .staff
        .post(RECOMMENDATIONS, &json!({ "facility": "F1", "items": [{ "item": "ITEM-000", "quantity": 110 }] }))
        .await
        .expect(201);
    assert_eq!(answer["recommendations"].as_array().unwrap().len(), 100);
    assert_eq!(
        (&answer["failures"][0]["reason_code"], &answer["failures"][0]["quantity"]),
        (&json!("QUANTITY_TOO_LARGE"), &json!("10"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_come_from_the_call_or_from_the_item() {
    let warehouse = Warehouse::open(3, 1).await;
    warehouse.staff.post("/api/v1/inventory/items", &json!({ "code": "BLANK", "name": "Never measured" })).await.expect(201);
    let ask = async |given: &str| {
        let query = format!(
            r#"{{ previewPutaway(input: {{ facilityId: "F1", items: [{{ materialId: "BLANK", quantity: 1, {given} }}] }}) {{ recommendations {{ fillAfterPercent }} failures {{ reasonCode }} }} }}"#
        );
        warehouse.staff.graphql(&query).await["previewPutaway"].clone()
    };
    // A bin holds 1.8 m³, which is 63.57 cubic feet.
    let feet = ask("cubicFeet: 6.357, weightLbs: 50").await;
    assert_eq!(feet["recommendations"][0]["fillAfterPercent"], 10.0, "{feet:#}");
    let sides = ask(r#"dimensions: { length: 1, width: 1, height: 0.18, unit: "m" }, weight: { value: 3, unit: "kg" }"#).await;
    assert_eq!(sides["recommendations"][0]["fillAfterPercent"], 10.0, "{sides:#}");
    assert_eq!(ask("weightLbs: 1").await["failures"][0]["reasonCode"], "NO_MASTER_DATA");
}

/// Picks of the past draw items together, and people in an aisle keep goods out of it; each only while its setting is on.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_picked_together_and_where_people_walk_counts() {
    for is_on in [true, false] {
        let warehouse = open_with(6, |config| {
            config.sku_affinity_enabled = is_on;
            config.congestion_avoidance_enabled = is_on;
        })
        .await;
        warehouse.stock("ITEM-000", "F1/BIN-000", 50).await;
        warehouse.stock("ITEM-001", "F1/BIN-001", 50).await;
        for n in 0..4 {
            let order = json!({ "facility": "F1", "code": format!("SO-{n}"), "lines": [{ "item": "ITEM-000", "quantity": 1 }, { "item": "ITEM-001", "quantity": 1 }] });
            warehouse.staff.post("/api/v1/orders", &order).await.expect(201);
            let released = warehouse.staff.post(&format!("/api/v1/orders/SO-{n}/release"), &json!({})).await;
            assert!(released.status.is_success(), "{:#}", released.body);
            let list = text(&released.body["pick_list"]["code"]);
            if n < 3 {
                let picked =
                    warehouse.staff.post(&format!("/api/v1/pick-lists/{list}/confirm"), &json!({ "confirm_all": true })).await;
                assert!(picked.status.is_success(), "{:#}", picked.body);
            }
        }
        let items = json!([{ "item": "ITEM-001", "quantity": 4, "lot_number": "NEW" }]);
        let answer = warehouse.staff.post(PREVIEW, &json!({ "facility": "F1", "items": items })).await.expect(200);
        let parts = answer["recommendations"][0]["parts"].as_array().unwrap();
        let points = |name: &str| parts.iter().find(|part| part["part"] == name).unwrap()["points"].as_f64().unwrap();
        assert_eq!((points("AFFINITY"), points("CONGESTION")), if is_on { (10.0, -3.0) } else { (0.0, 0.0) }, "{answer:#}");
        let aisles = warehouse.staff.graphql(r#"{ getAisleCongestionMetrics(facilityId: "F1") { isAvoided aisles { aisle activePicks crowding penalty level } } }"#).await;
        let penalty = if is_on { 3.0 } else { 0.0 };
        let expected = json!({ "isAvoided": is_on, "aisles": [{ "aisle": "A0", "activePicks": 2, "crowding": 0.2, "penalty": penalty, "level": "LOW" }] });
        assert_eq!(aisles["getAisleCongestionMetrics"], expected);
        let rest = warehouse.staff.get("/api/wms/optimization/congestion?facility=F1").await.expect(200);
        assert_eq!(rest["aisles"][0]["active_picks"], 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suggestion_says_why_and_what_would_change_it() {
    let warehouse = Warehouse::open(6, 2).await;
    let body = json!({ "facility": "F1", "item": { "item": "ITEM-000", "quantity": 40 } });
    let found = warehouse.staff.post("/api/wms/optimization/putaway/suggest", &body).await.expect(200);
    let one = &found["recommendation"];
    assert!(!one["alternatives"].as_array().unwrap().is_empty(), "{found:#}");
    let changes = one["would_change"].as_array().unwrap();
    let best = text(&one["alternatives"][0]["location_code"]);
    assert!(!changes.is_empty() && changes.iter().all(|change| text(&change["sentence"]).contains(&best)), "{changes:#?}");
    assert!(found["summary"]["optimality_gap"].as_f64().unwrap() < 1e-6, "one line alone is solved exactly: {found:#}");
    let nowhere = json!({ "facility": "F1", "item": { "item": "NOBODY", "quantity": 40 } });
    let none = warehouse.staff.post("/api/wms/optimization/putaway/suggest", &nowhere).await.expect(200);
    assert_eq!((&none["recommendation"], &none["failure"]["reason_code"]), (&Value::Null, &json!("UNKNOWN_ITEM")));
    let graph = warehouse.staff.graphql(r#"{ suggestPutawayLocation(facilityId: "F1", item: { materialId: "ITEM-000", quantity: 40 }) { locationCode wouldChange { what by sentence } } }"#).await;
    assert_eq!(graph["suggestPutawayLocation"]["locationCode"], one["location_code"]);
    let listed = warehouse.staff.get(RECOMMENDATIONS).await.expect(200);
    assert_eq!(listed["items"], json!([]), "a suggestion stores nothing");
    let viewer = warehouse.server.as_role(Role::Viewer).await;
    viewer.post("/api/wms/optimization/putaway/suggest", &body).await.expect(200);
}
