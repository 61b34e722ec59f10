//! Velocity, classes, affinity, plans of moves and forecasts, from imported picks to moved stock.

use std::fmt::Write as _;
use std::io::Cursor;
use std::time::Duration;

use chrono::TimeDelta;
use kernel::TenantId;
use platform::auth::{Actor, Role};
use platform::imports::{self, Options, Source};
use platform::tabular::{Limits, Units};
use serde_json::{Value, json};
use sqlx::Executor as _;

use crate::harness::{Answer, Caller, Server, Warehouse, eventually, text};

const SLOTTING: &str = "/api/wms/optimization";

/// Orders as history: days ago, and the numbers of the items that left together.
pub async fn sold(server: &Server, orders: &[(i64, Vec<usize>)]) {
    let mut csv = String::from("order,item,quantity,shipped_at\n");
    let today = server.app.env.now().date_naive();
    for (n, (days_ago, items)) in orders.iter().enumerate() {
        for item in items {
            writeln!(csv, "H{n},ITEM-{item:03},1,{}T10:00:00Z", today - TimeDelta::days(*days_ago)).unwrap();
        }
    }
    let tenant: TenantId = "acme".parse().unwrap();
    let actor = Actor::system(tenant, server.app.env.clone(), "test");
    let importers = entrepot::wiring::importers();
    let importer = importers.iter().find(|importer| importer.kind() == "orders").unwrap();
    let options = Options {
        map: Options::parse_map("").unwrap(),
        units: Units::default(),
        facility: Some("F1".into()),
        skip_bad: false,
        dry_run: false,
    };
    let source = Source { name: "orders.csv".into(), content: Box::new(Cursor::new(csv.into_bytes())), limits: Limits::FILE };
    let done = imports::run_import(&server.app, &actor, importer.as_ref(), source, &options, &|_| {}).await.unwrap();
    assert_eq!(done.rows_bad, 0, "{done:?}");
}

pub async fn analyse(staff: &Caller) -> Value {
    staff.post(&format!("{SLOTTING}/velocity/analyse"), &json!({ "facility": "F1" })).await.expect(200)
}

/// ITEM-000 daily, ITEM-001 together with it on every second day, ITEM-002 only in the last month, ITEM-003 no longer, ITEM-004 never.
pub fn trade() -> Vec<(i64, Vec<usize>)> {
    let mut orders = Vec::new();
    for days_ago in 1..=180 {
        orders.push((days_ago, if days_ago % 2 == 0 { vec![0, 1] } else { vec![0] }));
        if days_ago <= 20 {
            orders.push((days_ago, vec![2]));
        }
        if days_ago > 60 && days_ago % 5 == 0 {
            orders.push((days_ago, vec![3]));
        }
    }
    orders
}

#[tokio::test(flavor = "multi_thread")]
async fn picks_give_classes_triggers_and_affinities() {
    let warehouse = Warehouse::open(6, 5).await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    for n in 0..5 {
        warehouse.stock(&format!("ITEM-{n:03}"), &format!("F1/BIN-{n:03}"), 10).await;
    }
    let none = staff.get(&format!("{SLOTTING}/velocity?facility=F1")).await.expect(200);
    assert_eq!(
        (&none["day"], none["items"].as_array().unwrap().len()),
        (&Value::Null, 0),
        "nothing is known before the first run"
    );
    sold(&warehouse.server, &trade()).await;
    let run = analyse(staff).await;
    assert_eq!((&run["items"], &run["classes_written"]), (&json!(5), &json!(0)));

    let page = staff.get(&format!("{SLOTTING}/velocity?facility=F1&limit=2")).await.expect(200);
    let first = &page["items"][0];
    assert_eq!((&first["material_code"], &first["picks"], &first["abc_class"]), (&json!("ITEM-000"), &json!(180), &json!("A")));
    assert!((first["recent_per_day"].as_f64().unwrap() - 1.0).abs() < 1e-9, "{first:#}");
    assert_eq!(page["items"][1]["material_code"], "ITEM-001");
    let next = text(&page["next_cursor"]);
    let rest = staff.get(&format!("{SLOTTING}/velocity?facility=F1&limit=10&cursor={next}")).await.expect(200);
    let codes: Vec<_> = rest["items"].as_array().unwrap().iter().map(|row| text(&row["material_code"])).collect();
    assert_eq!(codes, ["ITEM-003", "ITEM-002", "ITEM-004"], "by falling picks");

    let query = r#"{ getReSlottingTriggers(facilityId: "F1") { items { materialCode trigger severity changePercent locations } }
                     getMaterialVelocityAnalysis(facilityId: "F1", materialId: "ITEM-004") { items { picks abcClass } }
                     getSkuAffinities(facilityId: "F1") { materialCode otherMaterialCode coPicks support confidence lift strength } }"#;
    let data = staff.graphql(query).await;
    let triggers = data["getReSlottingTriggers"]["items"].as_array().unwrap();
    let told: Vec<_> = triggers.iter().map(|row| (text(&row["materialCode"]), text(&row["trigger"]))).collect();
    assert_eq!(told, [("ITEM-003".to_owned(), "VELOCITY_DROP".to_owned()), ("ITEM-002".to_owned(), "NEW_PRODUCT".to_owned())]);
    assert_eq!(triggers[0]["locations"], json!(["BIN-003"]));
    assert_eq!(
        (&triggers[0]["severity"], &triggers[0]["changePercent"]),
        (&json!("HIGH"), &json!(-100.0)),
        "nothing is picked any more"
    );
    let never = &data["getMaterialVelocityAnalysis"]["items"][0];
    assert_eq!((&never["picks"], &never["abcClass"]), (&json!(0), &json!("C")));

    // 90 days: 45 orders hold both, 90 the first, 45 the second, and 90 + 20 + 6 orders there are.
    let pairs = data["getSkuAffinities"].as_array().unwrap();
    let pair = pairs.iter().find(|pair| pair["materialCode"] == "ITEM-000").expect("the pair seen from the first");
    let orders = trade().iter().filter(|(days_ago, _)| *days_ago <= 90).count() as f64;
    let close = |field: &str, value: f64| assert!((pair[field].as_f64().unwrap() - value).abs() < 1e-9, "{field}: {pair:#}");
    assert_eq!(pair["coPicks"], 45);
    close("support", 45.0 / orders);
    close("confidence", 0.5);
    close("lift", 45.0 * orders / (90.0 * 45.0));
    close("strength", 1.0);

    let written = admin.post(&format!("{SLOTTING}/velocity/apply-classes"), &json!({ "facility": "F1" })).await.expect(200);
    assert_eq!(written["items"], 4, "ITEM-004 was C and unpicked already, the others were not: {written}");
    let item = staff.get("/api/v1/inventory/items/ITEM-000").await.expect(200);
    assert_eq!(item["abc_class"], "A");
    let again = admin.post(&format!("{SLOTTING}/velocity/apply-classes"), &json!({ "facility": "F1" })).await.expect(200);
    assert_eq!(again["items"], 0, "nothing is written twice");
    assert_eq!(staff.post(&format!("{SLOTTING}/velocity/apply-classes"), &json!({ "facility": "F1" })).await.status, 403);
}

/// Points for lying near what is picked together with it, for ten more of an item.
async fn affinity_points(warehouse: &Warehouse, item: &str) -> f64 {
    let body = json!({ "facility": "F1", "items": [{ "item": item, "quantity": 10, "lot_number": "NEW" }] });
    let answer = warehouse.staff.post(&format!("{SLOTTING}/putaway/preview"), &body).await.expect(200);
    let parts = answer["recommendations"][0]["parts"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    parts.iter().find(|part| part["part"] == "AFFINITY").unwrap()["points"].as_f64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn putaway_reads_the_pairs_that_slotting_has_stored() {
    let warehouse = Warehouse::open(6, 5).await;
    for n in 0..5 {
        warehouse.stock(&format!("ITEM-{n:03}"), &format!("F1/BIN-{n:03}"), 10).await;
    }
    sold(&warehouse.server, &trade()).await;
    assert_eq!(affinity_points(&warehouse, "ITEM-001").await, 10.0, "before the first daily run it looks at the orders itself");
    let run = analyse(&warehouse.staff).await;
    assert_eq!(run["affinity_pairs"], 2);
    assert_eq!(affinity_points(&warehouse, "ITEM-001").await, 10.0, "the same, from what was stored");
    assert_eq!(affinity_points(&warehouse, "ITEM-004").await, 0.0, "it is picked with nothing");
    let mut sql = warehouse.server.sql().await;
    sql.execute("UPDATE warehouse.item_affinities SET strength = strength / 2").await.unwrap();
    assert_eq!(affinity_points(&warehouse, "ITEM-001").await, 5.0, "what is stored counts, not a look of its own");
    sql.execute(
        "DELETE FROM warehouse.item_affinities WHERE item_id = (SELECT item_id FROM catalog.items WHERE code = 'ITEM-001')",
    )
    .await
    .unwrap();
    assert_eq!(affinity_points(&warehouse, "ITEM-001").await, 0.0, "the run found pairs, but none of this item");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_say_how_items_are_classed_and_may_write_the_classes() {
    let warehouse = Warehouse::open(2, 4).await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    sold(&warehouse.server, &(1..=40).map(|day| (day, if day <= 4 { vec![0, 1, 2] } else { vec![0] })).collect::<Vec<_>>()).await;
    let path = format!("{SLOTTING}/slotting/settings");
    let put =
        async |who: &Caller, body: Value| -> Answer { who.send(who.request(reqwest::Method::PUT, &path).json(&body)).await };
    let body = |a: f64, b: f64, version: i32| json!({ "facility": "F1", "class_by": "PICKS", "a_share": a, "b_share": b, "share_of": "TOTAL", "writes_classes": true, "version": version });
    assert_eq!(put(staff, body(0.8, 0.15, 0)).await.status, 403);
    let refused = put(admin, body(0.8, 0.3, 0)).await;
    assert_eq!((refused.status.as_u16(), text(&refused.body["errors"][0]["field"])), (422, "b_share".to_owned()));
    assert_eq!(put(admin, body(0.8, 0.15, 0)).await.expect(200)["version"], 1);
    assert_eq!(put(admin, body(0.7, 0.15, 0)).await.status, 409, "somebody wrote since");
    let run = analyse(staff).await;
    // 40 of 52 picks are below 80 %: the first is A, and so is what follows at 77 %; the pair has equal picks and one class.
    assert_eq!((&run["items"], &run["classes_written"]), (&json!(3), &json!(3)));
    assert_eq!(staff.get("/api/v1/inventory/items/ITEM-000").await.expect(200)["abc_class"], "A");
}

/// Everything lies in the last of three aisles, in the reverse order of its picks: the busiest in the deepest bin.
async fn backwards() -> Warehouse {
    let mut warehouse = Warehouse::open(60, 12).await;
    warehouse.server = warehouse.server.with_jobs();
    for n in 0..12 {
        warehouse.stock(&format!("ITEM-{n:03}"), &format!("F1/BIN-{:03}", 59 - n), 10).await;
    }
    let mut orders = Vec::new();
    for days_ago in 1..=120 {
        for n in 0..20 {
            orders.push((days_ago, if n < 18 { vec![n % 2] } else { vec![2 + (n + days_ago as usize) % 10] }));
        }
    }
    sold(&warehouse.server, &orders).await;
    warehouse
}

async fn planned(warehouse: &Warehouse, body: Value) -> Value {
    let asked = warehouse.staff.post(&format!("{SLOTTING}/slotting-plans"), &body).await.expect(202);
    assert_eq!(asked["plan"]["state"], "QUEUED");
    let path = format!("{SLOTTING}/slotting-plans/{}", text(&asked["plan"]["plan_id"]));
    eventually(Duration::from_secs(60), "the plan is computed", async || {
        let plan = warehouse.staff.get(&path).await.expect(200);
        assert_ne!(plan["plan"]["state"], "FAILED", "{plan:#}");
        plan["plan"]["state"] == "READY"
    })
    .await;
    warehouse.staff.get(&path).await.expect(200)
}

fn step_path(plan: &Value, step: &str) -> String {
    format!("{SLOTTING}/slotting-plans/{}/{step}", text(&plan["plan"]["plan_id"]))
}

async fn tasks_of(staff: &Caller, plan: &Value) -> Vec<Value> {
    let found = staff.get(&format!("/api/v1/move-tasks?plan={}&limit=100", text(&plan["plan"]["plan_id"]))).await.expect(200);
    let mut tasks = found["items"].as_array().unwrap().clone();
    tasks.reverse();
    tasks
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_plan_becomes_tasks_that_move_stock() {
    let warehouse = backwards().await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    let plan = planned(&warehouse, json!({ "facility": "F1", "handling_m": 1.0, "payback_days": 60 })).await;
    let (before, after) = (plan["plan"]["before_m_per_day"].as_f64().unwrap(), plan["plan"]["after_m_per_day"].as_f64().unwrap());
    assert!(before > after && after > 0.0, "{plan:#}");
    let moves = plan["moves"].as_array().unwrap();
    assert!(!moves.is_empty() && plan["plan"]["progress_percent"] == 100);
    let cost = plan["plan"]["cost_m"].as_f64().unwrap();
    assert!((before - after) * 60.0 >= cost, "it pays back: {plan:#}");

    assert_eq!(staff.post(&step_path(&plan, "approve"), &json!({})).await.status, 403, "staff do not approve");
    let approved = admin.post(&step_path(&plan, "approve"), &json!({})).await.expect(200);
    assert_eq!((&approved["plan"]["state"], &approved["tasks"]), (&json!("APPROVED"), &json!(moves.len())));
    assert_eq!(admin.post(&step_path(&plan, "approve"), &json!({})).await.status, 409, "once");
    for task in tasks_of(staff, &plan).await {
        assert_eq!((&task["state"], &task["kind"]), (&json!("APPROVED"), &json!("RESLOT")));
        let path = format!("/api/v1/move-tasks/{}", text(&task["task_id"]));
        staff.post(&format!("{path}/claim"), &json!({})).await.expect(200);
        staff.post(&format!("{path}/confirm"), &json!({})).await.expect(200);
    }
    let done = staff.get(&format!("{SLOTTING}/slotting-plans/{}", text(&plan["plan"]["plan_id"]))).await.expect(200);
    assert_eq!(done["tasks_done"], moves.len());
    let last = moves.iter().rfind(|row| row["material_code"] == moves[0]["material_code"]).unwrap();
    let place = warehouse.on_hand(&text(&moves[0]["material_code"])).await;
    assert_eq!(place, [(text(&last["to_location_code"]), "10".to_owned())]);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_looked_at_again_when_it_is_approved_and_when_it_is_carried_out() {
    let warehouse = backwards().await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    let body = json!({ "facility": "F1", "handling_m": 1.0, "payback_days": 60 });
    let plan = planned(&warehouse, body.clone()).await;
    let rejected = planned(&warehouse, body.clone()).await;
    for row in plan["moves"].as_array().unwrap() {
        warehouse.stock(&text(&row["material_code"]), &format!("F1/{}", text(&row["from_location_code"])), 1).await;
    }
    let expired = admin.post(&step_path(&plan, "approve"), &json!({})).await.expect(200);
    assert_eq!((&expired["plan"]["state"], &expired["tasks"]), (&json!("EXPIRED"), &json!(0)), "{expired:#}");
    assert!(expired["moves"].as_array().unwrap().iter().all(|row| !text(&row["left_out"]).is_empty()));
    let gone = admin.post(&step_path(&rejected, "reject"), &json!({ "reason": "not today" })).await.expect(200);
    assert_eq!((&gone["plan"]["state"], &gone["plan"]["message"]), (&json!("REJECTED"), &json!("not today")));

    let fresh = planned(&warehouse, body).await;
    admin.post(&step_path(&fresh, "approve"), &json!({})).await.expect(200);
    let task = tasks_of(staff, &fresh).await.remove(0);
    let path = format!("/api/v1/move-tasks/{}", text(&task["task_id"]));
    staff.post(&format!("{path}/claim"), &json!({})).await.expect(200);
    warehouse.stock(&text(&task["item_code"]), &format!("F1/{}", text(&task["from_location_code"])), 1).await;
    let refused = staff.post(&format!("{path}/confirm"), &json!({})).await;
    assert_eq!(refused.status, 409, "{:#}", refused.body);
    assert!(text(&refused.body["detail"]).contains("plan again"), "{:#}", refused.body);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_one_lot_are_brought_together() {
    let mut warehouse = Warehouse::open(4, 2).await;
    warehouse.server = warehouse.server.with_jobs();
    for (bin, quantity) in [(0, 5), (1, 3), (2, 1)] {
        warehouse.stock("ITEM-000", &format!("F1/BIN-{bin:03}"), quantity).await;
    }
    warehouse.stock("ITEM-001", "F1/BIN-003", 1).await;
    let query = r#"{ getOptimizationRecommendations(facilityId: "F1", kind: CONSOLIDATE) { total fragmentationIndex items { materialCode fromLocationCode toLocationCode quantity } } }"#;
    let found = &warehouse.staff.graphql(query).await["getOptimizationRecommendations"];
    assert!(found["total"].as_i64().unwrap() >= 1 && found["fragmentationIndex"].as_f64().unwrap() > 3.0, "{found:#}");
    let plan = planned(&warehouse, json!({ "facility": "F1", "kind": "CONSOLIDATION" })).await;
    warehouse.admin.post(&step_path(&plan, "approve"), &json!({})).await.expect(200);
    for task in tasks_of(&warehouse.staff, &plan).await {
        let path = format!("/api/v1/move-tasks/{}", text(&task["task_id"]));
        warehouse.staff.post(&format!("{path}/claim"), &json!({})).await.expect(200);
        warehouse.staff.post(&format!("{path}/confirm"), &json!({})).await.expect(200);
    }
    let places = warehouse.on_hand("ITEM-000").await;
    assert!(places.iter().filter(|(_, quantity)| quantity != "0").count() < 3, "{places:?}");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn utilization_is_forecast_from_daily_snapshots() {
    let warehouse = Warehouse::open(4, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 90).await;
    let today = staff.post(&format!("{SLOTTING}/utilization-snapshots"), &json!({ "facility": "F1" })).await.expect(200);
    // 90 pieces of 6 litres in four bins of 1,800.
    assert!((today["utilization"].as_f64().unwrap() - 7.5).abs() < 1e-9, "{today:#}");
    assert_eq!((&today["locations"], &today["used_locations"]), (&json!(4), &json!(1)));
    let few = staff.get(&format!("{SLOTTING}/predictions?facility=F1")).await.expect(200);
    assert_eq!((&few["method"], few["days"].as_array().unwrap().len()), (&Value::Null, 0));
    assert!(text(&few["message"]).contains("14 days"));

    // Half a percent more each day, until today's 7.5 of a hundred days.
    let insert = "INSERT INTO warehouse.utilization_snapshots (tenant_id, facility_id, day, locations, used_locations, volume_cm3, used_volume_cm3, utilization, fragmentation_index, taken_at)
        SELECT s.tenant_id, s.facility_id, s.day - n, 4, 1, s.volume_cm3, 0, 57.5 - n * 0.5, 1, s.taken_at FROM warehouse.utilization_snapshots s, generate_series(1, 100) n";
    let mut sql = warehouse.server.sql().await;
    sql.execute(insert).await.unwrap();
    sql.execute("UPDATE warehouse.utilization_snapshots SET utilization = 57.5 WHERE utilization = 7.5 AND used_volume_cm3 > 0")
        .await
        .unwrap();
    let told = staff.get(&format!("{SLOTTING}/predictions?facility=F1")).await.expect(200);
    let horizons = told["horizons"].as_array().unwrap();
    assert_eq!(horizons.iter().map(|row| row["days_ahead"].as_i64().unwrap()).collect::<Vec<_>>(), [7, 14, 30]);
    for row in horizons {
        let of = |field: &str| row[field].as_f64().unwrap();
        let truth = 57.5 + 0.5 * of("days_ahead");
        assert!(of("low_95") <= of("low_80") && of("low_80") <= of("utilization") && of("high_80") <= of("high_95"));
        assert!((of("utilization") - truth).abs() < 6.0, "a steady rise goes on: {row:#}");
    }
    let accuracy = told["accuracy"].as_array().unwrap();
    assert!(accuracy.iter().any(|row| row["is_used"] == true && row["days_ahead"] == 7 && row["mape_percent"].is_number()));
    let data =
        staff.graphql(r#"{ predictions(facilityId: "F1") { method horizons { utilization } accuracy { rmse origins } } }"#).await;
    assert_eq!(data["predictions"]["method"], told["method"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_by_field_and_other_tenants_see_nothing() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    for (body, field) in [
        (json!({ "facility": "F1", "moves_max": 0 }), "moves_max"),
        (json!({ "facility": "F1", "payback_days": 0 }), "payback_days"),
        (json!({ "facility": "F1", "handling_m": -1 }), "handling_m"),
        (json!({ "facility": "F1", "history_days": 1000 }), "history_days"),
        (json!({ "facility": "F1", "kind": "CROSS_DOCK" }), "kind"),
    ] {
        let refused = staff.post(&format!("{SLOTTING}/slotting-plans"), &body).await;
        assert_eq!(
            (refused.status.as_u16(), text(&refused.body["errors"][0]["field"]).as_str()),
            (422, field),
            "{:#}",
            refused.body
        );
    }
    assert_eq!(staff.post(&format!("{SLOTTING}/slotting-plans"), &json!({ "facility": "F9" })).await.status, 404);
    let key = "slotting-plan-1";
    let body = json!({ "facility": "F1" });
    let first = staff.post_with_key(&format!("{SLOTTING}/slotting-plans"), key, &body).await.expect(202);
    let second = staff.post_with_key(&format!("{SLOTTING}/slotting-plans"), key, &body).await.expect(202);
    assert_eq!(first["plan"]["plan_id"], second["plan"]["plan_id"], "one key, one plan");
    let stranger = warehouse.server.caller(Some(warehouse.server.token("other", Role::Admin).await));
    let path = format!("{SLOTTING}/slotting-plans/{}", text(&first["plan"]["plan_id"]));
    assert_eq!(stranger.get(&path).await.status, 404);
    assert_eq!(stranger.post(&format!("{path}/approve"), &json!({})).await.status, 404);
}
