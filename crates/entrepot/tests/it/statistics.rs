//! Statistics over stored recommendations: computed by the job, shown by every door, and what stands apart is dealt with once.

use platform::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::harness::{Caller, Server, Warehouse, text};

const STATISTICS: &str = "/api/wms/optimization/statistics";

/// 600 recommendations of 30 days, half by each of two methods; OPTIMAL scores 4 more, and one score stands far apart.
async fn filled() -> Warehouse {
    let warehouse = Warehouse::open(1, 1).await;
    let mut sql = warehouse.server.sql().await;
    sqlx::query(
        "INSERT INTO warehouse.putaway_recommendations
             (tenant_id, recommendation_id, facility_id, material_id, quantity, location_id, held_volume_mm3, held_weight_g, algorithm, score,
              confidence_score, state, was_accepted, decided_at, created_at)
         SELECT 'acme', gen_random_uuid(), f.facility_id, i.item_id, 1 + n % 7, l.location_id, 1000 * (n % 13), 10 * (n % 13),
                CASE n % 2 WHEN 0 THEN 'BFD' ELSE 'OPTIMAL' END,
                CASE n WHEN 300 THEN 1 ELSE 70 + 4 * (n % 2) + (n * 7919 % 101) / 25.0 END, (60 + n % 31) / 100.0,
                CASE WHEN n % 5 = 0 THEN 'REJECTED' ELSE 'ACCEPTED' END, n % 5 <> 0, t.at + make_interval(mins => 5 + n % 20), t.at
         FROM generate_series(1, 600) n CROSS JOIN LATERAL (SELECT now() - make_interval(mins => (600 - n) * 72) AS at) t
         CROSS JOIN warehouse.facilities f CROSS JOIN catalog.items i
         CROSS JOIN LATERAL (SELECT location_id FROM warehouse.locations WHERE type = 'PUTAWAY' LIMIT 1) l",
    )
    .execute(&mut sql)
    .await
    .unwrap();
    warehouse
}

fn metric<'a>(report: &'a Value, name: &str, version: &str) -> &'a Value {
    let rows = report["metrics"].as_array().unwrap();
    rows.iter()
        .find(|row| row["metric_name"] == name && row["algorithm_version"] == version)
        .unwrap_or_else(|| panic!("{name} {version}"))
}

// C075 C076 C077 C078 C079 C081 C101
#[tokio::test(flavor = "multi_thread")]
async fn a_run_fills_every_table_and_agrees_with_plain_sql() {
    let warehouse = filled().await;
    let before = warehouse.staff.get(STATISTICS).await.expect(200);
    assert!(before["run"].is_null() && before["metrics"].as_array().unwrap().is_empty());
    let told = warehouse::statistics::run(&warehouse.server.app).await.unwrap();
    assert!(told.starts_with("600 recommendations of 1 organisations"), "{told}");
    let report = warehouse.staff.get(STATISTICS).await.expect(200);
    assert_eq!(report["run"]["recommendations"], 600);
    assert_eq!(report["run"]["groups"], 2);
    let mut sql = warehouse.server.sql().await;
    let row = sqlx::query(
        "SELECT avg(score)::float8 AS mean, stddev_samp(score)::float8 AS deviation, percentile_cont(0.25) WITHIN GROUP (ORDER BY score::float8) AS first,
                corr(score::float8, confidence_score::float8) AS r, regr_slope(score::float8, extract(epoch FROM created_at)::float8 / 86400) AS slope,
                avg(was_accepted::int)::float8 * 100 AS rate
         FROM warehouse.putaway_recommendations WHERE algorithm = 'BFD'",
    )
    .fetch_one(&mut sql)
    .await
    .unwrap();
    let near = |found: &Value, column: &str| {
        let (found, wanted) = (found.as_f64().unwrap(), row.get::<f64, _>(column));
        assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1e-3), "{column}: {found} instead of {wanted}");
    };
    let score = metric(&report, "SCORE", "BFD");
    assert_eq!(score["sample_size"], 300);
    near(&score["mean"], "mean");
    near(&score["std_dev"], "deviation");
    near(&score["percentile_25"], "first");
    near(&metric(&report, "ACCEPTANCE", "BFD")["acceptance_rate"], "rate");
    let slope = (score["trend_slope_per_day"].as_f64().unwrap(), row.get::<f64, _>("slope"));
    assert!((slope.0 - slope.1).abs() < 1e-6 * slope.1.abs().max(1.0), "{slope:?}");
    let pairs = report["correlations"].as_array().unwrap();
    let pair = pairs.iter().find(|row| {
        row["algorithm_version"] == "BFD"
            && row["method"] == "PEARSON"
            && row["feature_x"] == "SCORE"
            && row["feature_y"] == "CONFIDENCE"
    });
    near(&pair.unwrap()["coefficient"], "r");
    assert!(
        report["validations"].as_array().unwrap().iter().any(|row| row["test_kind"] == "SHAPIRO_WILK" && row["p_value"].is_f64())
    );
    let compared = report["comparisons"].as_array().unwrap();
    let welch = compared.iter().find(|row| row["metric_name"] == "SCORE" && row["test_kind"] == "WELCH_T").unwrap();
    assert_eq!(
        (&welch["experiment"], &welch["decision"], &welch["is_significant"]),
        (&json!("OBSERVED"), &json!("CONTINUE"), &json!(true))
    );
    assert!((welch["difference"].as_f64().unwrap().abs() - 4.0).abs() < 1.0, "{welch:#}");
    let summary = report["summary"].as_array().unwrap();
    assert_eq!(summary.iter().map(|row| row["recommendations"].as_i64().unwrap()).sum::<i64>(), 600, "the view was refreshed");
    for table in ["statistical_metrics", "ab_test_results", "correlation_analysis", "statistical_validations", "outliers"] {
        let count = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM bin_optimization_{table}")));
        assert!(count.fetch_one(&mut sql).await.unwrap() > 0, "{table} is empty");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_tells_the_same() {
    let warehouse = filled().await;
    warehouse::statistics::run(&warehouse.server.app).await.unwrap();
    let by_rest = warehouse.staff.get(&format!("{STATISTICS}?facility=F1&algorithm_version=OPTIMAL")).await.expect(200);
    assert!(by_rest["metrics"].as_array().unwrap().iter().all(|row| row["algorithm_version"] == "OPTIMAL"));
    let by_graphql = warehouse
        .staff
        .graphql("{ statistics(facilityId: \"F1\", algorithmVersion: \"OPTIMAL\") { openOutliers analysisEnabled metrics { metricName mean median } correlations { coefficient } } \
                    statisticalPredictions(facilityId: \"F1\") { metricName daysAhead mean low high } statisticalOutliers { items { outlierId severity } } }")
        .await;
    let means = |rows: &Value, name: &str| rows.as_array().unwrap().iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    assert_eq!(means(&by_graphql["statistics"]["metrics"], "mean"), means(&by_rest["metrics"], "mean"));
    assert_eq!(
        by_graphql["statistics"]["correlations"].as_array().unwrap().len(),
        by_rest["correlations"].as_array().unwrap().len()
    );
    let ahead = by_graphql["statisticalPredictions"].as_array().unwrap();
    assert!(ahead.len() >= 18 && ahead.iter().all(|one| one["low"].as_f64() <= one["mean"].as_f64()), "{ahead:#?}");
    let unknown = warehouse.staff.get(&format!("{STATISTICS}?facility=NOWHERE")).await;
    assert_eq!(unknown.status.as_u16(), 404);
    for metric in ["SCORE", "ACCEPTANCE"] {
        let page = page(&warehouse.admin, &format!("/statistics?metric={metric}")).await;
        assert!(page.contains("<svg class=\"plot trend\"") && page.contains("BFD"), "{page}");
    }
    assert!(page(&warehouse.admin, "/statistics").await.contains("<svg class=\"plot histogram\""));
}

async fn page(caller: &Caller, path: &str) -> String {
    let answer = caller.request(Method::GET, path).header("accept", "text/html").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{path}");
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_apart_is_found_once_and_goes_its_way() {
    let warehouse = filled().await;
    warehouse::statistics::run(&warehouse.server.app).await.unwrap();
    let list = async || {
        let found =
            warehouse.staff.get(&format!("{STATISTICS}/outliers?metric=SCORE&severity=SEVERE&limit=500")).await.expect(200);
        found["items"].as_array().unwrap().clone()
    };
    let found = list().await;
    assert!(!found.is_empty() && found.iter().any(|row| row["value"] == 1.0), "{found:#?}");
    let methods: Vec<&Value> = found.iter().map(|row| &row["method"]).collect();
    assert!(methods.contains(&&json!("IQR")) && methods.contains(&&json!("Z_SCORE")) && methods.contains(&&json!("MODIFIED_Z")));
    for row in &found {
        let of = |field: &str| row[field].as_f64().unwrap_or_else(|| panic!("no {field}: {row:#}"));
        assert!(of("lower_bound") < of("upper_bound"), "{row:#}");
        assert!(of("value") < of("lower_bound") || of("value") > of("upper_bound"), "it lies beyond: {row:#}");
    }
    let mut sql = warehouse.server.sql().await;
    let fences: (f64, f64) = sqlx::query_as(
        "SELECT q[1] - 1.5 * (q[2] - q[1]), q[2] + 1.5 * (q[2] - q[1])
         FROM (SELECT percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY score::float8) AS q
               FROM warehouse.putaway_recommendations WHERE algorithm = 'BFD') quartiles",
    )
    .fetch_one(&mut sql)
    .await
    .unwrap();
    let by_fences = found.iter().find(|row| row["value"] == 1.0 && row["method"] == "IQR").unwrap();
    let near = |field: &str, wanted: f64| (by_fences[field].as_f64().unwrap() - wanted).abs() < 1e-9;
    assert!(near("lower_bound", fences.0) && near("upper_bound", fences.1), "{fences:?}: {by_fences:#}");
    warehouse::statistics::run(&warehouse.server.app).await.unwrap();
    assert_eq!(list().await.len(), found.len(), "a second run finds nothing new");

    let one = &found[0];
    assert_eq!(one["status"], "OPEN");
    assert!(one["material_id"].is_string() && one["location_id"].is_string());
    let path = format!("{STATISTICS}/outliers/{}/status", text(&one["outlier_id"]));
    let looked = warehouse.staff.post(&path, &json!({ "status": "INVESTIGATING" })).await.expect(200);
    assert_eq!(looked["status"], "INVESTIGATING");
    let silent = warehouse.staff.post(&path, &json!({ "status": "RESOLVED", "notes": " " })).await;
    assert_eq!(silent.status.as_u16(), 422);
    assert_eq!(silent.body["errors"].as_array().unwrap().len(), 2, "{:#}", silent.body);
    let resolve = json!({ "status": "RESOLVED", "notes": "bin measured again", "root_cause": "wrong size on record" });
    let resolved = warehouse.staff.post_with_key(&path, "once", &resolve).await.expect(200);
    assert!(resolved["resolved_at"].is_string() && resolved["root_cause"] == "wrong size on record");
    assert_eq!(warehouse.staff.post_with_key(&path, "once", &resolve).await.expect(200), resolved);
    assert_eq!(warehouse.staff.post(&path, &json!({ "status": "OPEN" })).await.status.as_u16(), 409, "what has ended stays so");
    assert_eq!(list().await.len(), found.len() - 1);
    let viewer = warehouse.server.as_role(Role::Viewer).await;
    assert_eq!(viewer.post(&path, &json!({ "status": "OPEN" })).await.status.as_u16(), 403);
    let rival = warehouse.server.caller(Some(warehouse.server.token("rival", Role::Admin).await));
    let foreign = format!("{STATISTICS}/outliers/{}", text(&one["outlier_id"]));
    assert_eq!(rival.get(&foreign).await.status.as_u16(), 404);
    assert!(rival.get(STATISTICS).await.expect(200)["run"].is_null(), "another tenant's run is not shown");
    let shown = page(&warehouse.admin, &format!("/statistics/outliers/{}", text(&one["outlier_id"]))).await;
    assert!(shown.contains("wrong size on record"));
}

// C235
#[tokio::test(flavor = "multi_thread")]
async fn switched_off_nothing_is_computed_and_the_answer_says_so() {
    let options = crate::harness::new_database().await;
    let server = Server::with(options, kernel::Env::system(), |config| config.statistical_analysis_enabled = false).await;
    let admin = server.admin().await;
    assert_eq!(warehouse::statistics::run(&server.app).await.unwrap(), "switched off by STATISTICAL_ANALYSIS_ENABLED");
    let report = admin.get(STATISTICS).await.expect(200);
    assert_eq!((&report["analysis_enabled"], &report["run"]), (&json!(false), &Value::Null));
    assert!(page(&admin, "/statistics").await.contains("STATISTICAL_ANALYSIS_ENABLED"));
}

/// Recommendations of few rows, of equal rows, and of none: figures that have no value are null, and nothing fails.
#[tokio::test(flavor = "multi_thread")]
async fn few_and_equal_values_are_no_failure() {
    let warehouse = Warehouse::open(1, 1).await;
    assert!(warehouse::statistics::run(&warehouse.server.app).await.unwrap().starts_with("0 recommendations"));
    let mut sql = warehouse.server.sql().await;
    for (algorithm, rows) in [("FFD", 1), ("BFD", 2), ("HYBRID", 50)] {
        sqlx::query(
            "INSERT INTO warehouse.putaway_recommendations (tenant_id, recommendation_id, material_id, location_id, algorithm, confidence_score)
             SELECT 'acme', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), $1, 0.5 FROM generate_series(1, $2)",
        )
        .bind(algorithm)
        .bind(rows)
        .execute(&mut sql)
        .await
        .unwrap();
    }
    let told = warehouse::statistics::run(&warehouse.server.app).await.unwrap();
    assert!(told.starts_with("53 recommendations"), "{told}");
    let report = warehouse.staff.get(STATISTICS).await.expect(200);
    let alone = metric(&report, "CONFIDENCE", "FFD");
    assert_eq!((&alone["mean"], &alone["std_dev"], &alone["facility_id"]), (&json!(0.5), &Value::Null, &Value::Null));
    assert!(report["correlations"].as_array().unwrap().is_empty(), "equal values move with nothing");
    assert!(page(&warehouse.admin, "/statistics?metric=CONFIDENCE").await.contains("no facility"));
}
