//! The switches of the placing of goods: each off leaves a working system, and the answer says so.

use platform::config::{Algorithm, Config};
use serde_json::{Value, json};

use crate::binary::binary;
use crate::harness::{Warehouse, text};
use crate::optimization_health::settled;

const RECOMMENDATIONS: &str = "/api/wms/optimization/putaway/recommendations";

async fn recommend(warehouse: &Warehouse, body: &Value) -> Value {
    warehouse.staff.post(RECOMMENDATIONS, body).await.expect(201)
}

fn goods(item: &str) -> Value {
    json!({ "facility": "F1", "items": [{ "item": item, "quantity": 3 }] })
}

// C231 C232 C233 C234 C235
#[tokio::test(flavor = "multi_thread")]
async fn each_switch_off_leaves_recommendations_that_say_so() {
    type Switch = (&'static str, fn(&mut Config));
    let switches: [Switch; 6] = [
        ("SKU_AFFINITY_ENABLED", |config| config.sku_affinity_enabled = false),
        ("CROSS_DOCK_ENABLED", |config| config.cross_dock_enabled = false),
        ("ML_MODEL_ENABLED", |config| config.ml_model_enabled = false),
        ("CONGESTION_AVOIDANCE_ENABLED", |config| config.congestion_avoidance_enabled = false),
        ("DATA_QUALITY_MONITORING_ENABLED", |config| config.data_quality_monitoring_enabled = false),
        ("STATISTICAL_ANALYSIS_ENABLED", |config| config.statistical_analysis_enabled = false),
    ];
    for (name, turn_off) in switches {
        let warehouse = Warehouse::with(3, 1, turn_off).await;
        let answer = recommend(&warehouse, &goods("ITEM-000")).await;
        assert_eq!(answer["recommendations"].as_array().unwrap().len(), 1, "{name}: {answer:#}");
        assert_eq!(answer["summary"]["switched_off"], json!([name]));
        let id = text(&answer["recommendations"][0]["recommendation_id"]);
        warehouse.staff.post(&format!("{RECOMMENDATIONS}/{id}/accept"), &json!({})).await.expect(200);
        entrepot::wiring::jobs().run_chore(&warehouse.server.app, "refresh_bin_util").await.unwrap();
        let report = settled(&warehouse.staff).await;
        assert_eq!((&report["overall_status"], &report["switched_off"]), (&json!("HEALTHY"), &json!([name])), "{report:#}");
        warehouse.server.assert_invariants().await;
    }
    let warehouse = Warehouse::open(3, 1).await;
    assert_eq!(recommend(&warehouse, &goods("ITEM-000")).await["summary"]["switched_off"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_monitoring_failures_are_answered_but_not_recorded() {
    let warehouse = Warehouse::with(2, 0, |config| config.data_quality_monitoring_enabled = false).await;
    let big = json!({ "code": "BIG", "name": "Too long", "dimensions": { "length": "5", "width": "1", "height": "1", "unit": "m" }, "weight": { "value": "20", "unit": "kg" } });
    warehouse.staff.post("/api/v1/inventory/items", &big).await.expect(201);
    let answer = recommend(&warehouse, &goods("BIG")).await;
    assert_eq!(answer["failures"][0]["reason_code"], "TOO_LARGE");
    let figures = warehouse.staff.get("/api/wms/optimization/data-quality").await.expect(200);
    assert_eq!((&figures["capacity_failures"], &figures["monitoring_enabled"]), (&json!(0), &json!(false)));
    let report = warehouse.staff.get("/api/wms/optimization/health").await.expect(200);
    let check = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "Data Quality Monitoring").unwrap();
    assert_eq!(check["status"], "DISABLED");
    let audit = entrepot::wiring::jobs().run_chore(&warehouse.server.app, "audit data quality").await.unwrap();
    assert!(audit.contains("DATA_QUALITY_MONITORING_ENABLED"), "{audit}");
}

// C230
#[tokio::test(flavor = "multi_thread")]
async fn the_method_is_that_of_the_setting_unless_the_request_says_otherwise() {
    for (algorithm, name) in
        [(Algorithm::Ffd, "FFD"), (Algorithm::Bfd, "BFD"), (Algorithm::Hybrid, "HYBRID"), (Algorithm::Optimal, "OPTIMAL")]
    {
        let warehouse = Warehouse::with(3, 2, |config| config.bin_optimization_algorithm = algorithm).await;
        let mut asked = goods("ITEM-000");
        (asked["algorithm"], asked["preview"]) = (name.into(), true.into());
        let is_known = warehouse.staff.post(RECOMMENDATIONS, &asked).await.status == 200;
        let answer = recommend(&warehouse, &goods("ITEM-000")).await;
        assert_eq!(answer["summary"]["algorithm"], if is_known { name } else { "BFD" });
        let mut named = goods("ITEM-001");
        named["algorithm"] = "BFD".into();
        assert_eq!(recommend(&warehouse, &named).await["summary"]["algorithm"], "BFD");
        named["algorithm"] = "FASTEST".into();
        assert_eq!(warehouse.staff.post(RECOMMENDATIONS, &named).await.status, 422);
    }
}

#[test]
fn a_value_that_nobody_knows_refuses_to_start_and_names_the_variable() {
    for (variable, value) in [
        ("BIN_OPTIMIZATION_ALGORITHM", "FASTEST"),
        ("SKU_AFFINITY_ENABLED", "perhaps"),
        ("CROSS_DOCK_ENABLED", "perhaps"),
        ("ML_MODEL_ENABLED", "2"),
        ("CONGESTION_AVOIDANCE_ENABLED", "perhaps"),
        ("DATA_QUALITY_MONITORING_ENABLED", "perhaps"),
        ("STATISTICAL_ANALYSIS_ENABLED", "perhaps"),
    ] {
        let output = binary().arg("doctor").env(variable, value).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && message.contains(variable), "{variable}: {message}");
        assert!(!message.contains("perhaps") && !message.contains("FASTEST"), "a value is never told: {message}");
    }
}
