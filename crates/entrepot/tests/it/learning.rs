//! What is learnt from decisions: trained on what was known at the time, proved on what came later, never another's.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use platform::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};
use warehouse::learning::TRAINING_JOB;

use crate::harness::{Caller, Server, Warehouse, text};

const RECOMMENDATIONS: &str = "/api/wms/optimization/putaway/recommendations";
const ML: &str = "/api/wms/optimization/ml";
/// Of each batch: one of each quantity.
const LOTS: usize = 40;

/// Asks for places for `count` lots of 1 to 40 pieces, which are not there yet.
async fn advise(staff: &Caller, batch: usize, count: usize) -> Vec<Value> {
    let item = |n: usize| json!({ "item": "ITEM-000", "quantity": ((n * 7 + batch) % 40 + 1).to_string(), "lot_number": format!("L{batch}-{n}") });
    let items: Vec<Value> = (0..count).map(item).collect();
    let answer = staff.post(RECOMMENDATIONS, &json!({ "facility": "F1", "items": items, "algorithm": "BFD" })).await.expect(201);
    answer["recommendations"].as_array().unwrap().clone()
}

/// Ends all open recommendations by a rule, one a minute, the newest decision `ends` minutes ago. Only what stands there anyway is
/// written, and the times when it was made.
async fn decide(server: &Server, tenant: &str, rule: &str, ends: i64) {
    let mut sql = server.sql().await;
    let update = format!(
        "WITH open AS (SELECT tenant_id, recommendation_id, row_number() OVER (ORDER BY recommendation_id DESC) + {ends} AS n
                       FROM warehouse.putaway_recommendations WHERE tenant_id = '{tenant}' AND state = 'OPEN')
         UPDATE warehouse.putaway_recommendations r
         SET created_at = now() - open.n * interval '1 minute' - interval '1 second',
             features_recorded_at = now() - open.n * interval '1 minute' - interval '1 second',
             decided_at = now() - open.n * interval '1 minute', was_accepted = {rule},
             state = CASE WHEN {rule} THEN 'ACCEPTED' ELSE 'REJECTED' END
         FROM open WHERE r.tenant_id = open.tenant_id AND r.recommendation_id = open.recommendation_id"
    );
    sql.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(update))).await.unwrap();
}

/// People take small lots there and bring large ones elsewhere; each tenth does otherwise.
const SMALL: &str = "(r.quantity <= 20) <> (open.n % 10 = 0)";
const LARGE: &str = "(r.quantity > 20) <> (open.n % 10 = 0)";

async fn open(bins: usize) -> Warehouse {
    let mut warehouse = Warehouse::open(bins, 1).await;
    warehouse.server = warehouse.server.with_jobs();
    warehouse
}

/// `count` decisions, the newest `ends` minutes ago, on recommendations that were made as those of [`foretold`] are: forty at a time
/// into empty locations.
async fn history(warehouse: &Warehouse, batch: usize, count: usize, rule: &str, ends: i64) {
    let mut left = count;
    while left > 0 {
        let some = left.min(LOTS);
        let made = advise(&warehouse.staff, batch + left, some).await;
        assert_eq!(made.len(), some, "every lot finds a place");
        left -= some;
        decide(&warehouse.server, "acme", rule, ends + left as i64).await;
    }
}

async fn train(warehouse: &Warehouse) -> Value {
    let asked = warehouse.admin.post(&format!("{ML}/trainings"), &json!({})).await.expect(202);
    ended(&warehouse.admin, &text(&asked["training_id"])).await
}

async fn ended(caller: &Caller, training: &str) -> Value {
    let begun = Instant::now();
    loop {
        let found = caller.get(&format!("{ML}/trainings/{training}")).await.expect(200);
        if found["state"] == "DONE" || found["state"] == "FAILED" {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "it does not end: {found:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn accuracy(caller: &Caller) -> Value {
    caller.get(&format!("{ML}/accuracy")).await.expect(200)
}

/// Mean probability of small and of large lots, of a batch that is made now and holds no space afterwards.
async fn foretold(server: &Server, staff: &Caller, batch: usize) -> Option<(f64, f64)> {
    let made = advise(staff, 100_000 + batch, LOTS).await;
    let mut sql = server.sql().await;
    sql.execute("UPDATE warehouse.putaway_recommendations SET state = 'EXPIRED' WHERE state = 'OPEN'").await.unwrap();
    let mut sums: HashMap<bool, (f64, f64)> = HashMap::new();
    for one in made {
        let probability: f64 = text(&one["ml_adjusted_confidence"]).parse().ok()?;
        let sum = sums.entry(text(&one["quantity"]).parse::<f64>().unwrap() <= 20.0).or_default();
        *sum = (sum.0 + probability, sum.1 + 1.0);
    }
    let mean = |small: bool| sums[&small].0 / sums[&small].1;
    Some((mean(true), mean(false)))
}

#[tokio::test(flavor = "multi_thread")]
async fn confidence_follows_what_people_did() {
    let warehouse = open(60).await;
    history(&warehouse, 0, 400, SMALL, 1_000).await;
    assert_eq!(
        foretold(&warehouse.server, &warehouse.staff, 50).await,
        None,
        "the rule score stands alone before the first training"
    );
    let trained = train(&warehouse).await;
    assert_eq!((&trained["outcome"], &trained["version"]), (&json!("CHAMPION"), &json!(1)), "{trained:#}");
    let (small, large) = foretold(&warehouse.server, &warehouse.staff, 51).await.unwrap();
    assert!(small > 0.75 && large < 0.25, "{small} {large}");

    let told = accuracy(&warehouse.staff).await;
    let metrics = &told["metrics"];
    assert_eq!(told["champion"]["version"], 1);
    assert!(metrics["accuracy_percent"].as_f64().unwrap() > 80.0, "{metrics:#}");
    assert!(metrics["auc"].as_f64().unwrap() > 0.85 && metrics["brier"].as_f64().unwrap() < 0.15, "{metrics:#}");
    let cell = |name: &str| metrics[name].as_u64().unwrap();
    let (tp, fp, tn, fne) = (cell("true_positives"), cell("false_positives"), cell("true_negatives"), cell("false_negatives"));
    assert_eq!(tp + fp + tn + fne, cell("decisions"));
    assert!((metrics["precision"].as_f64().unwrap() - tp as f64 / (tp + fp) as f64).abs() < 1e-9);
    assert!((metrics["recall"].as_f64().unwrap() - tp as f64 / (tp + fne) as f64).abs() < 1e-9);
    let importance = &told["champion"]["importance"][0];
    let of_size = ["quantity", "volume_litres", "weight_kg", "weight_share", "fill_after"];
    assert!(of_size.contains(&importance["feature"].as_str().unwrap()), "{importance}");
    assert_eq!((&told["decided"], told["by_algorithm"][0]["algorithm"].as_str()), (&json!(400), Some("BFD")));
    assert!((told["acceptance_rate_percent"].as_f64().unwrap() - 50.0).abs() < 6.0, "its own figure: {told:#}");

    let stored = warehouse.staff.get(&format!("{RECOMMENDATIONS}?limit=1")).await.expect(200)["items"][0].clone();
    assert_eq!(stored["model_version"], 1);
    let why =
        warehouse.staff.get(&format!("{RECOMMENDATIONS}/{}/confidence", text(&stored["recommendation_id"]))).await.expect(200);
    assert!(of_size.contains(&why["features"][0]["feature"].as_str().unwrap()), "{why:#}");
    let stored_probability: f64 = text(&stored["ml_adjusted_confidence"]).parse().unwrap();
    assert!((why["probability"].as_f64().unwrap() - stored_probability).abs() < 0.001);

    let query = "{ getMLAccuracyMetrics { isEnabled metrics { accuracyPercent } champion { version state } } acceptanceModels { items { version } } }";
    let data = warehouse.staff.graphql(query).await;
    assert_eq!(data["getMLAccuracyMetrics"]["champion"], json!({ "version": 1, "state": "CHAMPION" }));
    let page = warehouse.admin.request(Method::GET, "/model").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Version 1") && page.contains(r#"class="plot""#) && page.contains("/model/train"), "{page}");
}

// C252 C288
#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_tell_the_accuracy_and_the_acceptance_apart() {
    let warehouse = open(60).await;
    history(&warehouse, 0, 400, SMALL, 1_000).await;
    train(&warehouse).await;
    let percent = accuracy(&warehouse.staff).await["metrics"]["accuracy_percent"].as_f64().unwrap();
    let health = warehouse.staff.get("/api/wms/optimization/health").await.body;
    assert_eq!(health["figures"]["model_accuracy_percent"].as_f64(), Some(percent));
    let check = health["checks"].as_array().unwrap().iter().find(|check| check["name"] == "ML Model Accuracy").unwrap().clone();
    let expected = if percent > 80.0 { "HEALTHY" } else { "DEGRADED" };
    assert_eq!(check["status"], expected, "{check}");
    // The gauges are of the whole process: other tests write them too, so what the database tells is looked at.
    let mut sql = warehouse.server.sql().await;
    sql.execute("SELECT warehouse.scheduled_refresh_bin_utilization()").await.unwrap();
    let row = sqlx::query("SELECT worst_accuracy, decided, accepted FROM warehouse.optimization_gauges()")
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert_eq!(row.get::<f64, _>("worst_accuracy"), percent);
    let (decided, accepted): (i64, i64) = (row.get("decided"), row.get("accepted"));
    assert!(decided == 400 && (150..250).contains(&accepted), "{accepted} of {decided}");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_hundred_decisions_the_rules_stand_alone() {
    let warehouse = open(60).await;
    history(&warehouse, 0, 99, SMALL, 1_000).await;
    let trained = train(&warehouse).await;
    assert_eq!((&trained["outcome"], &trained["version"]), (&json!("NOT_ENOUGH"), &Value::Null), "{trained:#}");
    assert!(text(&trained["message"]).contains("99 decisions"), "{trained:#}");
    assert_eq!(foretold(&warehouse.server, &warehouse.staff, 50).await, None);
    let told = accuracy(&warehouse.staff).await;
    assert!(told["champion"].is_null() && text(&told["message"]).contains("99 of 100"), "{told:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_is_rolled_back_to() {
    let warehouse = open(80).await;
    history(&warehouse, 0, 400, SMALL, 2_000).await;
    assert_eq!(train(&warehouse).await["version"], 1);
    history(&warehouse, 1_000, 1_200, LARGE, 700).await;
    let second = train(&warehouse).await;
    assert_eq!(
        (&second["outcome"], &second["version"]),
        (&json!("CHAMPION"), &json!(2)),
        "people changed their mind: {second:#}"
    );
    assert!(text(&second["message"]).contains("better on"), "{second:#}");
    let (small, large) = foretold(&warehouse.server, &warehouse.staff, 50).await.unwrap();
    assert!(small < large, "{small} {large}");

    let back = format!("{ML}/models/1/roll-back");
    let answer = warehouse.staff.post(&back, &json!({})).await;
    assert_eq!(answer.status, 403, "for administrators");
    let first = warehouse.admin.post(&back, &json!({})).await.expect(200);
    assert_eq!(first["state"], "CHAMPION");
    assert_eq!(warehouse.admin.post(&back, &json!({})).await.status, 409, "it is in use already");
    assert_eq!(warehouse.admin.post(&format!("{ML}/models/9/roll-back"), &json!({})).await.status, 404);
    let (small, large) = foretold(&warehouse.server, &warehouse.staff, 51).await.unwrap();
    assert!(small > large, "from the next recommendation on: {small} {large}");
    let versions = warehouse.staff.get(&format!("{ML}/models")).await.expect(200);
    let states: Vec<_> = versions["items"].as_array().unwrap().iter().map(|model| text(&model["state"])).collect();
    assert_eq!(states, ["RETIRED", "CHAMPION"]);

    // Another process on the same database.
    let other = Server::on(warehouse.server.options.clone()).await;
    let elsewhere = other.as_role(Role::Staff).await;
    let (small, large) = foretold(&other, &elsewhere, 52).await.unwrap();
    assert!(small > large);
    warehouse.admin.post(&format!("{ML}/models/2/roll-back"), &json!({})).await.expect(200);
    let (small, large) = foretold(&other, &elsewhere, 53).await.unwrap();
    assert!(small < large, "other nodes follow at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_never_sees_the_future() {
    let warehouse = open(60).await;
    let server = &warehouse.server;
    history(&warehouse, 0, 400, "open.n % 2 = 0", 1_000).await;
    let mut sql = server.sql().await;
    // Somebody fills a feature with the outcome, after the decision.
    let leak = "UPDATE warehouse.putaway_recommendations SET features[20] = was_accepted::int, features_recorded_at = decided_at + interval '1 second'";
    sql.execute(leak).await.unwrap();
    let trained = train(&warehouse).await;
    assert_eq!(trained["outcome"], "NOT_ENOUGH", "{trained:#}");
    assert!(text(&trained["message"]).contains("400 whose features were recorded after the decision"), "{trained:#}");

    // The same with false times; the newest do not have it yet.
    let lie = "UPDATE warehouse.putaway_recommendations r SET features_recorded_at = decided_at - interval '1 second',
               features[20] = CASE WHEN newer.n <= 80 THEN 0 ELSE was_accepted::int END
               FROM (SELECT recommendation_id, row_number() OVER (ORDER BY decided_at DESC) AS n FROM warehouse.putaway_recommendations) newer
               WHERE newer.recommendation_id = r.recommendation_id";
    sql.execute(lie).await.unwrap();
    let trained = train(&warehouse).await;
    assert_eq!(trained["outcome"], "REFUSED", "{trained:#}");
    assert!(text(&trained["message"]).contains("later decisions"), "{trained:#}");
    assert_eq!(foretold(&warehouse.server, &warehouse.staff, 50).await, None, "a refused model has no say");
    assert_eq!(warehouse.admin.post(&format!("{ML}/models/1/roll-back"), &json!({})).await.status, 409);
}

// C233
#[tokio::test(flavor = "multi_thread")]
async fn switched_off_the_rules_stand_alone_and_the_answer_says_so() {
    let warehouse = open(60).await;
    history(&warehouse, 0, 400, SMALL, 1_000).await;
    train(&warehouse).await;
    let options = warehouse.server.options.clone();
    let off = Server::with(options, kernel::Env::system(), |config| config.ml_model_enabled = false).await.with_jobs();
    let (staff, admin) = (off.as_role(Role::Staff).await, off.admin().await);
    let item = json!({ "item": "ITEM-000", "quantity": "3" });
    let answer = staff.post(RECOMMENDATIONS, &json!({ "facility": "F1", "items": [item] })).await.expect(201);
    let one = &answer["recommendations"][0];
    assert!(one["ml_adjusted_confidence"].is_null() && !one["confidence_score"].is_null());
    assert!(answer["summary"]["switched_off"].as_array().unwrap().contains(&json!("ML_MODEL_ENABLED")));
    let told = accuracy(&staff).await;
    assert!(told["is_enabled"] == false && told["champion"].is_null() && text(&told["message"]).contains("ML_MODEL_ENABLED"));
    let refused = admin.post(&format!("{ML}/trainings"), &json!({})).await;
    assert!(refused.status == 409 && text(&refused.body["detail"]).contains("ML_MODEL_ENABLED"), "{:#}", refused.body);
    let outcome = entrepot::wiring::jobs().run_chore(&off.app, TRAINING_JOB).await.unwrap();
    assert!(outcome.contains("switched off"), "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organisations_model_is_never_used() {
    let warehouse = open(60).await;
    history(&warehouse, 0, 400, SMALL, 1_000).await;
    train(&warehouse).await;
    let server = &warehouse.server;
    let (staff, admin) = (server.token("rival", Role::Staff).await, server.token("rival", Role::Admin).await);
    let (staff, admin) = (server.caller(Some(staff)), server.caller(Some(admin)));
    admin.post("/api/v1/facilities", &json!({ "code": "F1", "name": "Other" })).await.expect(201);
    let bin = json!({ "facility": "F1", "code": "B", "type": "RESERVE", "volume": { "value": "100", "unit": "m3" }, "max_weight": { "value": "10", "unit": "t" } });
    admin.post("/api/v1/locations", &bin).await.expect(201);
    let item = json!({ "code": "ITEM-000", "name": "x", "weight": { "value": "2", "unit": "kg" }, "dimensions": { "length": "30", "width": "20", "height": "10", "unit": "cm" } });
    staff.post("/api/v1/inventory/items", &item).await.expect(201);
    assert_eq!(foretold(server, &staff, 0).await, None);
    let told = accuracy(&staff).await;
    assert!(told["champion"].is_null() && told["decisions"] == 0, "{told:#}");
    assert_eq!(staff.get(&format!("{ML}/models")).await.expect(200)["items"], json!([]));
    assert_eq!(staff.get(&format!("{ML}/trainings")).await.expect(200)["items"], json!([]));
    assert_eq!(staff.get(&format!("{ML}/models/1")).await.status, 404);
    assert_eq!(admin.post(&format!("{ML}/models/1/roll-back"), &json!({})).await.status, 404);
    let trained = admin.post(&format!("{ML}/trainings"), &json!({})).await.expect(202);
    let trained = ended(&admin, &text(&trained["training_id"])).await;
    assert_eq!(trained["outcome"], "NOT_ENOUGH", "another's decisions do not count: {trained:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_stored_model_is_refused() {
    let warehouse = open(60).await;
    history(&warehouse, 0, 400, SMALL, 1_000).await;
    train(&warehouse).await;
    let mut sql = warehouse.server.sql().await;
    let stored: String = sqlx::query_scalar("SELECT model FROM warehouse.acceptance_models").fetch_one(&mut sql).await.unwrap();
    let endless = stored.replacen("\"l\":[1", "\"l\":[0", 1).replacen("\"l\":[3", "\"l\":[1", 1);
    let hostile = ["{}".to_owned(), stored[..stored.len() / 2].to_owned(), "[".repeat(50_000), endless];
    for (n, text_) in hostile.iter().enumerate() {
        sqlx::query("UPDATE warehouse.acceptance_models SET model = $1, digest = sha256(convert_to($1, 'UTF8'))")
            .bind(text_)
            .execute(&mut sql)
            .await
            .unwrap();
        if *text_ != stored {
            assert_eq!(foretold(&warehouse.server, &warehouse.staff, 60 + n).await, None, "{}", &text_[..text_.len().min(60)]);
            let told = accuracy(&warehouse.staff).await;
            assert!(told["champion"].is_null() && text(&told["message"]).contains("cannot be used"), "{told:#}");
        }
    }
    // What was changed behind our back, too.
    sqlx::query("UPDATE warehouse.acceptance_models SET model = $1, digest = sha256('else')")
        .bind(&stored)
        .execute(&mut sql)
        .await
        .unwrap();
    assert_eq!(foretold(&warehouse.server, &warehouse.staff, 70).await, None);
    let again = train(&warehouse).await;
    assert_eq!((&again["outcome"], &again["version"]), (&json!("CHAMPION"), &json!(2)), "{again:#}");
    let first = warehouse.staff.get(&format!("{ML}/models/1")).await.expect(200);
    assert!(first["state"] == "REFUSED" && text(&first["state_reason"]).contains("digest"), "{first:#}");
    assert!(foretold(&warehouse.server, &warehouse.staff, 71).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_trainings_at_once_one_runs() {
    // Nobody works on the queue yet.
    let mut warehouse = Warehouse::open(60, 1).await;
    history(&warehouse, 0, 300, SMALL, 1_000).await;
    let path = format!("{ML}/trainings");
    let body = json!({});
    let asked = futures::future::join_all((0..4).map(|_| warehouse.admin.post(&path, &body))).await;
    let ids: Vec<String> = asked.into_iter().map(|answer| text(&answer.expect(202)["training_id"])).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let told = accuracy(&warehouse.staff).await;
    assert_eq!((&told["training"]["state"], &told["training"]["phase"]), (&json!("QUEUED"), &json!("WAITING")));
    let kinds = sqlx::query_scalar::<_, String>("SELECT kind FROM platform.jobs WHERE state = 'QUEUED'");
    let kinds = kinds.fetch_all(&mut warehouse.server.sql().await).await.unwrap();
    assert_eq!(kinds, [TRAINING_JOB], "one name for what the clock and what people start");
    let outcome = entrepot::wiring::jobs().run_chore(&warehouse.server.app, TRAINING_JOB).await.unwrap();
    assert!(outcome.contains("1 under way elsewhere"), "{outcome}");
    warehouse.server = warehouse.server.with_jobs();
    assert_eq!(ended(&warehouse.admin, &ids[0]).await["outcome"], "CHAMPION");
    let trainings = warehouse.staff.get(&path).await.expect(200);
    assert_eq!(trainings["items"].as_array().unwrap().len(), 1);

    let outcome = entrepot::wiring::jobs().run_chore(&warehouse.server.app, TRAINING_JOB).await.unwrap();
    assert!(outcome.starts_with("1 models trained"), "{outcome}");
    let jobs = warehouse.admin.get("/api/v1/jobs").await.expect(200);
    let job = jobs["items"].as_array().unwrap().iter().find(|job| job["name"] == TRAINING_JOB).unwrap().clone();
    assert!(job["last_succeeded"] == true && job["schedule"] == "0 2 * * 0", "{job:#}");
}
