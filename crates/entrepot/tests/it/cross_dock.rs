//! Goods that orders lack which are due: to STAGING first, for that order, and back when it changes its mind.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Caller, Server, Warehouse, new_database, text};
use crate::putaway::{RECOMMENDATIONS, receive};

const OPPORTUNITIES: &str = "/api/wms/optimization/cross-dock/opportunities?facility=F1";

async fn with_staging(server: Server) -> Warehouse {
    let warehouse = Warehouse::on(server, 4, 2).await;
    let stage = json!({ "facility": "F1", "code": "STAGE", "type": "STAGING", "dimensions": { "length": "1200", "width": "1000", "height": "1500", "unit": "mm" }, "max_weight": { "value": "100", "unit": "kg" } });
    warehouse.admin.post("/api/v1/locations", &stage).await.expect(201);
    warehouse
}

async fn order(caller: &Caller, code: &str, quantity: u32, hours: i64, urgent: bool) {
    let due = kernel::Env::system().now() + TimeDelta::hours(hours);
    let body = json!({ "facility": "F1", "code": code, "due_at": due, "urgent": urgent, "lines": [{ "item": "ITEM-000", "quantity": quantity }] });
    caller.post("/api/v1/orders", &body).await.expect(201);
}

async fn find_places(warehouse: &Warehouse) -> Vec<Value> {
    let body = json!({ "facility": "F1", "all_waiting": true });
    let answer = warehouse.staff.post(RECOMMENDATIONS, &body).await.expect(201);
    answer["recommendations"].as_array().unwrap().clone()
}

async fn accept(warehouse: &Warehouse, one: &Value) -> Value {
    let path = format!("{RECOMMENDATIONS}/{}/accept", text(&one["recommendation_id"]));
    warehouse.staff.post(&path, &json!({})).await.expect(200)
}

async fn reserved(warehouse: &Warehouse, code: &str) -> Vec<(String, String)> {
    let body = warehouse.staff.get(&format!("/api/v1/inventory/reservations?reference=order%20{code}")).await.expect(200);
    body["items"].as_array().unwrap().iter().map(|one| (text(&one["state"]), text(&one["allocated"]))).collect()
}

fn shown(one: &Value) -> [String; 4] {
    ["location_code", "quantity", "reason_code", "urgency"].map(|field| text(&one[field]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_order_gets_what_it_lacks_and_ships_it() {
    let warehouse = with_staging(Server::start().await).await;
    order(&warehouse.staff, "SO-1", 8, 0, false).await;
    order(&warehouse.staff, "SO-LATER", 5, 24 * 9, false).await;
    receive(&warehouse, &[("ITEM-000", 20)]).await;
    let found = warehouse.staff.get(OPPORTUNITIES).await.expect(200);
    assert_eq!(found["opportunities"].as_array().unwrap().len(), 1, "{found:#}");
    assert_eq!((&found["opportunities"][0]["order_code"], &found["opportunities"][0]["quantity"]), (&json!("SO-1"), &json!("8")));
    let graph = warehouse.staff.graphql(r#"{ detectCrossDockOpportunity(facilityId: "F1", materialId: "ITEM-000") { switchedOff opportunities { orderCode urgency fromLocationCode } } }"#).await;
    assert_eq!(
        graph["detectCrossDockOpportunity"]["opportunities"],
        json!([{ "orderCode": "SO-1", "urgency": "CRITICAL", "fromLocationCode": "DOCK" }])
    );

    let made = find_places(&warehouse).await;
    assert_eq!(made.len(), 2, "{made:#?}");
    assert_eq!(shown(&made[0]), ["STAGE", "8", "CROSS_DOCK", "CRITICAL"]);
    assert_eq!((text(&made[1]["quantity"]), &made[1]["order_id"]), ("12".to_owned(), &Value::Null));
    assert_eq!(find_places(&warehouse).await.len(), 2, "asking twice is harmless");
    assert_eq!(warehouse.staff.get(OPPORTUNITIES).await.expect(200)["opportunities"], json!([]), "it is on its way");

    accept(&warehouse, &made[0]).await;
    accept(&warehouse, &made[1]).await;
    assert_eq!(reserved(&warehouse, "SO-1").await, [("ACTIVE".to_owned(), "8".to_owned())]);
    let released = warehouse.staff.post("/api/v1/orders/SO-1/release", &json!({ "whole": true })).await;
    assert!(released.status.is_success(), "{:#}", released.body);
    let list = &released.body["pick_list"];
    assert_eq!(list["lines"][0]["location_code"], "STAGE", "{list:#}");
    let picked = warehouse
        .staff
        .post(&format!("/api/v1/pick-lists/{}/confirm", text(&list["code"])), &json!({ "confirm_all": true }))
        .await;
    assert!(picked.status.is_success(), "{:#}", picked.body);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_urgent_order_comes_first_and_staging_is_never_overfull() {
    let warehouse = with_staging(Server::start().await).await;
    // STAGING carries 50 pieces of 2 kg.
    order(&warehouse.staff, "SO-URGENT", 30, 47, true).await;
    order(&warehouse.staff, "SO-TODAY", 40, 0, false).await;
    receive(&warehouse, &[("ITEM-000", 100)]).await;
    let made = find_places(&warehouse).await;
    let staged: Vec<&Value> = made.iter().filter(|one| one["order_id"] != Value::Null).collect();
    let quantity = |one: &&Value| text(&one["quantity"]).parse::<u32>().unwrap();
    assert_eq!(staged.iter().map(quantity).sum::<u32>(), 50, "{made:#?}");
    assert_eq!(made.iter().map(|one| quantity(&one)).sum::<u32>(), 100, "what staging does not take is stored");
    let ids: Vec<&Value> = made.iter().map(|one| &one["recommendation_id"]).collect();
    let all = warehouse.staff.post(&format!("{RECOMMENDATIONS}/accept"), &json!({ "recommendations": ids })).await.expect(200);
    assert_eq!(all["refused"], 0, "{all:#}");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_lacks_nothing_any_more_gets_nothing() {
    let warehouse = with_staging(Server::start().await).await;
    order(&warehouse.staff, "SO-1", 8, 5, false).await;
    receive(&warehouse, &[("ITEM-000", 8)]).await;
    let made = find_places(&warehouse).await;
    warehouse.staff.post("/api/v1/orders/SO-1/cancel", &json!({ "reason": "changed their mind" })).await.expect(200);
    let path = format!("{RECOMMENDATIONS}/{}/accept", text(&made[0]["recommendation_id"]));
    let late = warehouse.staff.post(&path, &json!({})).await;
    assert_eq!((late.status.as_u16(), late.code()), (409, "CONFLICT"), "{:#}", late.body);
    let stored = format!("{RECOMMENDATIONS}/{}/override", text(&made[0]["recommendation_id"]));
    let stored = warehouse.staff.post(&stored, &json!({ "location": "F1/BIN-001" })).await.expect(200);
    assert_eq!(stored["actual_location_code"], "BIN-001");
    assert_eq!(reserved(&warehouse, "SO-1").await, []);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_gives_the_reservation_back_and_finds_another_place() {
    let warehouse = with_staging(Server::start().await).await;
    order(&warehouse.staff, "SO-1", 8, 0, false).await;
    receive(&warehouse, &[("ITEM-000", 8)]).await;
    let made = find_places(&warehouse).await;
    accept(&warehouse, &made[0]).await;
    let cancelled = warehouse.staff.graphql(r#"mutation { cancelCrossDocking(input: { location: "F1/STAGE", material: "ITEM-000", quantity: 8, orderReference: "SO-1", reason: "the lorry is full" }) { cancellationId status recommendedLocationCode } }"#).await;
    let cancelled = &cancelled["cancelCrossDocking"];
    assert_eq!(cancelled["status"], "PENDING");
    assert_eq!(reserved(&warehouse, "SO-1").await, [("RELEASED".to_owned(), "0".to_owned())]);
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM cross_dock_cancellations WHERE order_reference = 'SO-1'")
        .fetch_one(&mut warehouse.server.sql().await)
        .await
        .unwrap();
    assert_eq!(rows, 1);
    let path = format!("/api/wms/optimization/cross-dock/cancellations/{}/relocate", text(&cancelled["cancellationId"]));
    warehouse.staff.post(&path, &json!({})).await.expect(200);
    let there = warehouse.on_hand("ITEM-000").await.into_iter().find(|(_, quantity)| quantity != "0").unwrap();
    assert_eq!(there.0, text(&cancelled["recommendedLocationCode"]));
    warehouse.server.assert_invariants().await;
}

// C232
#[tokio::test(flavor = "multi_thread")]
async fn switched_off_goods_are_stored_like_all_others() {
    let server = Server::with(new_database().await, kernel::Env::system(), |config| config.cross_dock_enabled = false).await;
    let warehouse = with_staging(server).await;
    order(&warehouse.staff, "SO-1", 8, 0, false).await;
    receive(&warehouse, &[("ITEM-000", 8)]).await;
    let made = find_places(&warehouse).await;
    assert!(made.len() == 1 && text(&made[0]["location_code"]).starts_with("BIN-"), "{made:#?}");
    let found = warehouse.staff.get(OPPORTUNITIES).await.expect(200);
    assert_eq!(found, json!({ "opportunities": [], "switched_off": ["CROSS_DOCK_ENABLED"] }));
}
