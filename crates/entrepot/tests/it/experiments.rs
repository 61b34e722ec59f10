//! Experiments: units keep their side, recommendations carry it, results are seen at the looks only, and the rule ends it.

use chrono::TimeDelta;
use kernel::Env;
use platform::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Server, Warehouse, new_database, text};

const EXPERIMENTS: &str = "/api/wms/optimization/experiments";
const RECOMMENDATIONS: &str = "/api/wms/optimization/putaway/recommendations";

fn new(code: &str) -> Value {
    json!({ "code": code, "name": "Best fit against first fit", "metric": "ACCEPTANCE", "minimum_effect": 0.8, "looks": 2,
            "control": { "algorithm": "BFD" }, "treatment": { "algorithm": "FFD" } })
}

async fn advise(warehouse: &Warehouse, item: &str, quantity: u32) -> Value {
    let items = json!([{ "item": item, "quantity": quantity }]);
    let answer = warehouse.staff.post(RECOMMENDATIONS, &json!({ "facility": "F1", "items": items })).await.expect(201);
    answer["recommendations"][0].clone()
}

/// Units that came in otherwise: of the control one in five is accepted, of the treatment four in five.
async fn bring(warehouse: &Warehouse, experiment: &str, each: i32) {
    let mut sql = warehouse.server.sql().await;
    sqlx::query(
        "INSERT INTO warehouse.putaway_recommendations
             (tenant_id, recommendation_id, material_id, location_id, algorithm, confidence_score, state, was_accepted, decided_at,
              experiment_id, experiment_arm, experiment_unit)
         SELECT 'acme', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'X', 0.5, 'ACCEPTED',
                CASE arm WHEN 'CONTROL' THEN n % 5 = 0 ELSE n % 5 <> 0 END, now(), $1::uuid, arm, arm || n || random()
         FROM generate_series(1, $2) n, unnest(ARRAY['CONTROL', 'TREATMENT']) arm",
    )
    .bind(experiment)
    .bind(each)
    .execute(&mut sql)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_experiment_runs_from_the_draft_to_its_winner() {
    let warehouse = Warehouse::open(20, 3).await;
    let draft = warehouse.admin.post_with_key(EXPERIMENTS, "new", &new("E1")).await.expect(201);
    assert_eq!(warehouse.admin.post_with_key(EXPERIMENTS, "new", &new("E1")).await.expect(201), draft);
    assert_eq!(warehouse.admin.post(EXPERIMENTS, &new("E1")).await.code(), "ALREADY_EXISTS");
    let (id, planned) = (text(&draft["experiment"]["experiment_id"]), draft["experiment"]["planned_units"].as_i64().unwrap());
    assert!((50..70).contains(&planned), "26 on each side and a little more for the looks: {planned}");
    assert!(advise(&warehouse, "ITEM-000", 1).await["experiment_id"].is_null(), "a draft assigns nothing");
    warehouse.admin.post(&format!("{EXPERIMENTS}/E1/start"), &json!({})).await.expect(200);

    let mut arms = Vec::new();
    for n in 0..30 {
        let made = advise(&warehouse, &format!("ITEM-{:03}", n % 3), 1 + n).await;
        let arm = text(&made["experiment_arm"]);
        assert_eq!(made["experiment_id"], json!(id));
        assert_eq!(made["algorithm"], if arm == "CONTROL" { "BFD" } else { "FFD" }, "{made:#}");
        assert_eq!(made["algorithm_version"], made["algorithm"]);
        arms.push(arm);
    }
    assert!(arms.iter().any(|arm| arm == "CONTROL") && arms.iter().any(|arm| arm == "TREATMENT"), "{arms:?}");
    let named = json!({ "facility": "F1", "items": [{ "item": "ITEM-000", "quantity": 77 }], "algorithm": "BFD" });
    let named = warehouse.staff.post(RECOMMENDATIONS, &named).await.expect(201);
    assert!(named["recommendations"][0]["experiment_id"].is_null(), "who names a method gets it");

    let early = warehouse.admin.post(&format!("{EXPERIMENTS}/{id}/look"), &json!({})).await;
    assert_eq!(early.status.as_u16(), 409, "{:#}", early.body);
    bring(&warehouse, &id, 40).await;
    let now = warehouse.staff.get(&format!("{EXPERIMENTS}/E1")).await.expect(200);
    assert_eq!((&now["control_units"], &now["treatment_units"], &now["is_look_due"]), (&json!(40), &json!(40), &json!(true)));
    assert!(
        now["looks"].as_array().unwrap().is_empty() && now["experiment"]["decision"].is_null(),
        "nothing is seen before the look"
    );
    assert_eq!(warehouse::experiments::look_at_all(&warehouse.server.app).await.unwrap(), "1 looks, 1 decided");
    let ended = warehouse.staff.get(&format!("{EXPERIMENTS}/E1")).await.expect(200);
    let experiment = &ended["experiment"];
    assert_eq!((&experiment["state"], &experiment["decision"]), (&json!("DECIDED"), &json!("TREATMENT")), "{ended:#}");
    let primary = &ended["looks"][0];
    assert!(
        primary["is_primary"] == true && primary["effect_kind"] == "COHEN_D" && primary["power"].as_f64().unwrap() > 0.9,
        "{primary:#}"
    );
    assert!((primary["difference"].as_f64().unwrap() - 0.6).abs() < 1e-9);
    assert_eq!(ended["looks"][1]["test_kind"], "CHI_SQUARE");
    assert!(advise(&warehouse, "ITEM-001", 200).await["experiment_id"].is_null(), "it assigns no more");
    assert_eq!(
        warehouse.admin.post(&format!("{EXPERIMENTS}/{id}/stop"), &json!({ "reason": "late" })).await.status.as_u16(),
        409
    );
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_keeps_its_side() {
    let warehouse = Warehouse::open(30, 6).await;
    warehouse.admin.post(EXPERIMENTS, &new("E1")).await.expect(201);
    warehouse.admin.post(&format!("{EXPERIMENTS}/E1/start"), &json!({})).await.expect(200);
    for n in 0..8 {
        let lines: Vec<Value> = (0..6).map(|item| json!({ "item": format!("ITEM-{item:03}"), "expected": 3 })).collect();
        let receipt = json!({ "facility": "F1", "code": format!("R{n}"), "lines": lines });
        let receipt = text(&warehouse.staff.post("/api/v1/receipts", &receipt).await.expect(201)["receipt_id"]);
        let received: Vec<Value> = (0..6).map(|item| json!({ "item": format!("ITEM-{item:03}"), "quantity": 3 })).collect();
        warehouse.staff.post(&format!("/api/v1/receipts/{receipt}/receive"), &json!({ "lines": received })).await.expect(200);
        let preview = json!({ "facility": "F1", "receipt": format!("R{n}"), "preview": true });
        let preview = warehouse.staff.post(RECOMMENDATIONS, &preview).await;
        let made = json!({ "facility": "F1", "receipt": receipt });
        let made = warehouse.staff.post(RECOMMENDATIONS, &made).await.expect(201);
        // The goods of earlier deliveries lie on the same dock, and what is open for them comes back with the answer.
        let of_this = |row: &&Value| row["batch_id"] == made["batch_id"];
        let rows: Vec<&Value> = made["recommendations"].as_array().unwrap().iter().filter(of_this).collect();
        assert!(!rows.is_empty());
        for row in &rows {
            assert_eq!((&row["experiment_arm"], text(&row["experiment_unit"])), (&rows[0]["experiment_arm"], receipt.clone()));
            assert_eq!(row["algorithm"], preview.body["summary"]["algorithm"], "a preview shows what will be done");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_plans_are_refused_naming_the_field() {
    let warehouse = Warehouse::open(1, 0).await;
    let with = |field: &str, value: Value| {
        let mut plan = new("E2");
        plan[field] = value;
        plan
    };
    for (plan, field) in [
        (with("code", json!("")), "code"),
        (with("metric", json!("WEIGHT")), "metric"),
        (with("treatment", json!({ "algorithm": "BFD" })), "treatment"),
        (with("treatment", json!({ "algorithm": "MAGIC" })), "treatment.algorithm"),
        (with("treatment", json!({ "algorithm": "FFD", "weights": { "travel": 90 } })), "treatment.weights"),
        (with("treatment", json!({ "algorithm": "FFD", "weights": [1] })), "treatment.weights"),
        (with("alpha", json!(0.5)), "alpha"),
        (with("treatment_share", json!(1.0)), "treatment_share"),
        (with("minimum_effect", json!(0)), "minimum_effect"),
        (with("looks", json!(0)), "looks"),
        (with("max_days", json!(1000)), "max_days"),
        (with("spending", json!("ALL")), "spending"),
        (with("facilities", json!(["NOWHERE"])), "facilities[0]"),
    ] {
        let answer = warehouse.admin.post(EXPERIMENTS, &plan).await;
        assert!([404, 422].contains(&answer.status.as_u16()), "{field}: {:#}", answer.body);
        let fields = answer.body["errors"].as_array().unwrap();
        assert!(fields.iter().any(|one| one["field"] == field), "{field}: {:#}", answer.body);
    }
    let mut weighed = with("metric", json!("SCORE"));
    weighed["treatment"] = json!({ "algorithm": "BFD", "weights": { "affinity": 0 } });
    let answer = warehouse.admin.post(EXPERIMENTS, &weighed).await;
    assert_eq!(answer.body["errors"][0]["field"], "metric", "a score means what its weights say: {:#}", answer.body);
    let staff = warehouse.staff.post(EXPERIMENTS, &new("E3")).await;
    assert_eq!(staff.status.as_u16(), 403);
    assert_eq!(warehouse.staff.get(&format!("{EXPERIMENTS}/E2")).await.status.as_u16(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_experiments_never_govern_the_same_goods() {
    let warehouse = Warehouse::open(1, 0).await;
    for code in ["E1", "E2"] {
        warehouse.admin.post(EXPERIMENTS, &new(code)).await.expect(201);
    }
    let start = async |code: &str| warehouse.admin.post(&format!("{EXPERIMENTS}/{code}/start"), &json!({})).await.status.as_u16();
    let (one, two) = tokio::join!(start("E1"), start("E2"));
    assert_eq!(
        {
            let mut both = [one, two];
            both.sort();
            both
        },
        [200, 409]
    );
    let running = warehouse.staff.get(&format!("{EXPERIMENTS}?state=RUNNING")).await.expect(200);
    let code = text(&running["items"][0]["code"]);
    assert_eq!(warehouse.admin.post(&format!("{EXPERIMENTS}/{code}/stop"), &json!({ "reason": "" })).await.status.as_u16(), 422);
    let stopped = warehouse.admin.post(&format!("{EXPERIMENTS}/{code}/stop"), &json!({ "reason": "enough" })).await.expect(200);
    assert_eq!((&stopped["experiment"]["state"], &stopped["experiment"]["decision"]), (&json!("STOPPED"), &Value::Null));
    assert_eq!(start(if code == "E1" { "E2" } else { "E1" }).await, 200);
    let mut few = new("E4");
    few["unit"] = json!("FACILITY");
    warehouse.admin.post(EXPERIMENTS, &few).await.expect(201);
    assert_eq!(start("E4").await, 409, "one facility has no two sides");
    let rival = warehouse.server.caller(Some(warehouse.server.token("rival", Role::Admin).await));
    assert_eq!(rival.get(&format!("{EXPERIMENTS}/E1")).await.status.as_u16(), 404);
    let by_graphql = warehouse
        .staff
        .graphql("{ experiments { items { code state } } experiment(experiment: \"E4\") { nextLookAt controlVersion } }")
        .await;
    assert_eq!(by_graphql["experiments"]["items"].as_array().unwrap().len(), 3);
    for path in ["/experiments", "/experiments/new", "/experiments/E1"] {
        let page = warehouse.admin.request(Method::GET, path).header("accept", "text/html").send().await.unwrap();
        assert_eq!(page.status().as_u16(), 200, "{path}");
    }
}

/// What nobody decides ends by its time, and says that nothing was shown.
#[tokio::test(flavor = "multi_thread")]
async fn time_ends_what_the_figures_do_not() {
    let start = "2026-03-02T08:00:00Z".parse().unwrap();
    let server = Server::with(new_database().await, Env::fixed(start, 7), |_| {}).await;
    let admin = server.admin().await;
    admin.post("/api/v1/facilities", &json!({ "code": "F1", "name": "Main" })).await.expect(201);
    let mut plan = new("E1");
    plan["max_days"] = json!(2);
    admin.post(EXPERIMENTS, &plan).await.expect(201);
    admin.post(&format!("{EXPERIMENTS}/E1/start"), &json!({})).await.expect(200);
    assert_eq!(warehouse::experiments::look_at_all(&server.app).await.unwrap(), "0 looks, 0 decided");
    server.app.env.advance(TimeDelta::days(2));
    assert_eq!(warehouse::experiments::look_at_all(&server.app).await.unwrap(), "1 looks, 1 decided");
    let after = admin.get(&format!("{EXPERIMENTS}/E1")).await;
    // The token may have ended with the days; the books have not.
    if after.status.as_u16() == 200 {
        assert_eq!(after.body["experiment"]["decision"], "NO_DIFFERENCE");
    }
    let mut sql = server.sql().await;
    let state: String = sqlx::query_scalar("SELECT decision FROM warehouse.experiments").fetch_one(&mut sql).await.unwrap();
    assert_eq!(state, "NO_DIFFERENCE");
}
