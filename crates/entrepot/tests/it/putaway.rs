//! Recommendations: explained, never over capacity, decided once.

use std::collections::HashMap;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{PgConnection, Row as _};

use crate::harness::{Warehouse, text};

pub const RECOMMENDATIONS: &str = "/api/wms/optimization/putaway/recommendations";

pub async fn receive(warehouse: &Warehouse, lines: &[(&str, u32)]) {
    let movements: Vec<_> = lines
        .iter()
        .map(|(item, quantity)| json!({ "kind": "RECEIPT", "item": item, "quantity": quantity, "from": "SUPPLIER", "to": "F1/DOCK" }))
        .collect();
    warehouse.staff.post("/api/v1/inventory/movements", &json!({ "movements": movements })).await.expect(201);
}

async fn recommend(warehouse: &Warehouse) -> Value {
    warehouse.staff.post(RECOMMENDATIONS, &json!({ "facility": "F1", "all_waiting": true })).await.expect(201)
}

/// Adds up, from the database alone, what each location would hold if every open recommendation were carried out; the
/// locations must take it. Shares no code with the solver. One statement sees one moment, so it may be asked while batches run.
pub async fn assert_capacities(warehouse: &Warehouse) {
    capacities_hold(&mut warehouse.server.sql().await).await;
}

/// The same for somebody who looks often.
pub async fn capacities_hold(sql: &mut PgConnection) {
    let rows = sqlx::query(
        "WITH load AS (
             SELECT b.location_id, b.on_hand AS quantity, b.item_id FROM inventory.balances b
             UNION ALL
             SELECT r.location_id, r.quantity, r.material_id FROM warehouse.putaway_recommendations r WHERE r.state = 'OPEN' AND r.expires_at > clock_timestamp()
         )
         SELECT l.code, sum(load.quantity * i.length_mm * i.width_mm * i.height_mm) / 1000.0 <= l.volume_cm3 AS volume_fits,
                sum(load.quantity * i.weight_g) <= l.max_weight_g AS weight_fits
         FROM load JOIN catalog.items i USING (item_id) JOIN warehouse.locations l ON l.location_id = load.location_id
         WHERE l.type <> 'RECEIVING' GROUP BY l.location_id, l.code, l.volume_cm3, l.max_weight_g",
    )
    .fetch_all(sql)
    .await
    .unwrap();
    for row in rows {
        assert!(
            row.get::<bool, _>("volume_fits") && row.get::<bool, _>("weight_fits"),
            "{} is over capacity",
            row.get::<String, _>("code")
        );
    }
}

// C053 C054 C055 C056
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_call_works_word_for_word() {
    let server = crate::harness::Server::start().await;
    let credentials = entrepot::demo::fill(&server.app).await.unwrap();
    let staff = server.caller(Some(credentials.token));
    let query = r#"mutation { getBatchPutawayRecommendations(input: { facilityId: "facility-prod-123", items: [{ materialId: "material-test-001", quantity: 100, lotNumber: "LOT-2024-001", cubicFeet: 5.5, weightLbs: 50.0 }] }) { recommendations { locationCode algorithm confidenceScore reasonCode } processingSummary { totalItems recommendationsGenerated processingTimeMs } } }"#;
    let body = staff.send(staff.request(Method::POST, "/graphql").json(&json!({ "query": query }))).await.expect(200);
    assert!(body["errors"].is_null(), "{:#}", body["errors"]);
    let answer = &body["data"]["getBatchPutawayRecommendations"];
    let recommendations = answer["recommendations"].as_array().unwrap();
    assert!(!recommendations.is_empty(), "{answer:#}");
    for one in recommendations {
        let confidence = one["confidenceScore"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&confidence));
        assert_eq!(one["algorithm"], "OPTIMAL");
        assert!(!text(&one["locationCode"]).is_empty() && !text(&one["reasonCode"]).is_empty());
    }
    assert_eq!(answer["processingSummary"]["totalItems"], 1);
    assert!(answer["processingSummary"]["processingTimeMs"].as_f64().unwrap() < 2000.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_gets_a_place_with_reasons_and_accepting_moves_it() {
    let warehouse = Warehouse::open(12, 3).await;
    receive(&warehouse, &[("ITEM-000", 10), ("ITEM-001", 20)]).await;
    let answer = recommend(&warehouse).await;
    let recommendations = answer["recommendations"].as_array().unwrap();
    assert_eq!(recommendations.len(), 2, "{answer:#}");
    for one in recommendations {
        assert!(!text(&one["reason"]).is_empty());
        assert!(!one["parts"].as_array().unwrap().is_empty(), "the score's parts are visible");
        let alternatives = one["alternatives"].as_array().unwrap();
        assert!(
            (1..=3).contains(&alternatives.len()) && alternatives.iter().all(|one| !text(&one["lost"]).is_empty()),
            "{alternatives:#?}"
        );
    }
    let again = recommend(&warehouse).await;
    let ids = |answer: &Value| {
        let mut ids: Vec<_> =
            answer["recommendations"].as_array().unwrap().iter().map(|one| text(&one["recommendation_id"])).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&again), ids(&answer), "asking twice is harmless");
    let first = &recommendations[0];
    let accept = format!("{RECOMMENDATIONS}/{}/accept", text(&first["recommendation_id"]));
    let accepted = warehouse.staff.post(&accept, &json!({})).await.expect(200);
    assert_eq!((&accepted["state"], &accepted["was_accepted"]), (&json!("ACCEPTED"), &json!(true)));
    let item = text(&first["item_code"]);
    assert_eq!(
        warehouse.on_hand(&item).await.into_iter().find(|(_, quantity)| quantity != "0").unwrap().0,
        text(&first["location_code"])
    );
    let twice = warehouse.staff.post(&accept, &json!({})).await;
    assert_eq!((twice.status.as_u16(), twice.code()), (409, "RECOMMENDATION_CLOSED"));
    warehouse.server.assert_invariants().await;
    assert_capacities(&warehouse).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn override_and_reject_do_what_they_say() {
    let warehouse = Warehouse::open(6, 2).await;
    receive(&warehouse, &[("ITEM-000", 10), ("ITEM-001", 5)]).await;
    let answer = recommend(&warehouse).await;
    let id = |n: usize| text(&answer["recommendations"][n]["recommendation_id"]);
    let chosen = text(&answer["recommendations"][0]["location_code"]);
    let other = if chosen == "BIN-005" { "BIN-004" } else { "BIN-005" };
    let body = json!({ "location": format!("F1/{other}"), "feedback": "the forklift is there" });
    let overridden = warehouse.staff.post(&format!("{RECOMMENDATIONS}/{}/override", id(0)), &body).await.expect(200);
    assert_eq!((&overridden["state"], &overridden["actual_location_code"]), (&json!("OVERRIDDEN"), &json!(other)));
    let rejected = warehouse
        .staff
        .post(&format!("{RECOMMENDATIONS}/{}/reject", id(1)), &json!({ "feedback": "broken pallet" }))
        .await
        .expect(200);
    assert_eq!(rejected["state"], "REJECTED");
    let item = text(&answer["recommendations"][1]["item_code"]);
    assert_eq!(
        warehouse.on_hand(&item).await.into_iter().filter(|(_, quantity)| quantity != "0").collect::<Vec<_>>()[0].0,
        "DOCK"
    );
    let nowhere = warehouse.staff.post(&format!("{RECOMMENDATIONS}/{}/override", id(1)), &body).await;
    assert_eq!(nowhere.status, 409);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_at_once_never_fill_a_bin_twice() {
    let warehouse = Warehouse::open(8, 6).await;
    let calls = (0..12).map(|n| {
        let items: Vec<_> = (0..3).map(|k| json!({ "item": format!("ITEM-{:03}", (n + k) % 6), "quantity": 90 + n })).collect();
        let body = json!({ "facility": "F1", "items": items });
        let staff = warehouse.staff.clone();
        async move { staff.post(RECOMMENDATIONS, &body).await }
    });
    let answers = join_all(calls).await;
    assert!(
        answers.iter().all(|answer| answer.status == 201),
        "{:?}",
        answers.iter().map(|answer| answer.status).collect::<Vec<_>>()
    );
    assert_capacities(&warehouse).await;
    let placed: usize = answers.iter().map(|answer| answer.body["recommendations"].as_array().unwrap().len()).sum();
    let failed: usize = answers.iter().map(|answer| answer.body["failures"].as_array().unwrap().len()).sum();
    assert!(placed > 0 && failed > 0, "the floor is too small for all: {placed} placed, {failed} not");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_nowhere_says_why_and_disturbs_nobody() {
    let warehouse = Warehouse::open(3, 1).await;
    let big = json!({ "code": "BIG", "name": "Too long", "dimensions": { "length": "5", "width": "1", "height": "1", "unit": "m" }, "weight": { "value": "20", "unit": "kg" } });
    let heavy = json!({ "code": "HEAVY", "name": "Too heavy", "dimensions": { "length": "50", "width": "50", "height": "50", "unit": "cm" }, "weight": { "value": "900", "unit": "kg" } });
    warehouse.staff.post("/api/v1/inventory/items", &big).await.expect(201);
    warehouse.staff.post("/api/v1/inventory/items", &heavy).await.expect(201);
    let items = json!([{ "item": "BIG", "quantity": 1 }, { "item": "HEAVY", "quantity": 1 }, { "item": "NOBODY", "quantity": 1 }, { "item": "ITEM-000", "quantity": 1 }]);
    let answer = warehouse.staff.post(RECOMMENDATIONS, &json!({ "facility": "F1", "items": items })).await.expect(201);
    assert_eq!(answer["recommendations"].as_array().unwrap().len(), 1);
    let reasons: HashMap<_, _> = answer["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| (text(&failure["item"]), text(&failure["reason_code"])))
        .collect();
    assert_eq!(reasons["BIG"], "TOO_LARGE");
    assert_eq!(reasons["HEAVY"], "TOO_HEAVY");
    assert_eq!(reasons["NOBODY"], "UNKNOWN_ITEM");
    let recorded: i64 = sqlx::query_scalar("SELECT count(*) FROM capacity_validation_failures WHERE NOT resolved")
        .fetch_one(&mut warehouse.server.sql().await)
        .await
        .unwrap();
    assert_eq!(recorded, 2, "those that capacity caused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_holds_nothing_and_an_expired_one_is_refused() {
    let warehouse = Warehouse::open(3, 1).await;
    receive(&warehouse, &[("ITEM-000", 2)]).await;
    let preview = warehouse
        .staff
        .post(RECOMMENDATIONS, &json!({ "facility": "F1", "all_waiting": true, "preview": true }))
        .await
        .expect(200);
    assert_eq!(preview["recommendations"].as_array().unwrap().len(), 1);
    let listed = warehouse.staff.get(RECOMMENDATIONS).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 0);
    let answer = recommend(&warehouse).await;
    sqlx::query("UPDATE putaway_recommendations SET expires_at = now() - interval '1 second'")
        .execute(&mut warehouse.server.sql().await)
        .await
        .unwrap();
    let late = warehouse
        .staff
        .post(&format!("{RECOMMENDATIONS}/{}/accept", text(&answer["recommendations"][0]["recommendation_id"])), &json!({}))
        .await;
    assert_eq!((late.status.as_u16(), late.code()), (409, "RECOMMENDATION_CLOSED"));
    assert_eq!(recommend(&warehouse).await["recommendations"].as_array().unwrap().len(), 1, "a new one is made");
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_that_moved_in_by_hand_is_seen_at_the_decision() {
    let warehouse = Warehouse::open(1, 2).await;
    receive(&warehouse, &[("ITEM-000", 100)]).await;
    let answer = recommend(&warehouse).await;
    let id = text(&answer["recommendations"][0]["recommendation_id"]);
    // 300 x 200 x 100 mm each: the bin takes 300 of them by volume, 250 by weight.
    warehouse.stock("ITEM-001", "F1/BIN-000", 200).await;
    let refused = warehouse.staff.post(&format!("{RECOMMENDATIONS}/{id}/accept"), &json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "CAPACITY_EXCEEDED"), "{:#}", refused.body);
}

// C082
#[tokio::test(flavor = "multi_thread")]
async fn a_confidence_above_one_is_refused_by_the_table_itself() {
    let server = crate::harness::Server::start().await;
    let refused = sqlx::query("INSERT INTO putaway_recommendations (recommendation_id, tenant_id, material_id, location_id, confidence_score, algorithm, created_by) VALUES (gen_random_uuid(), 'test-tenant', gen_random_uuid(), gen_random_uuid(), 1.5, 'FFD', 'deployment-test')")
        .execute(&mut server.sql().await)
        .await
        .unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("23514"));
}
