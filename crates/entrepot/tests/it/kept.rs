//! What is kept in memory of a facility follows what others do to its places, stock and items.

use serde_json::json;

use crate::harness::{Warehouse, text};
use crate::imports::import;
use crate::putaway::{RECOMMENDATIONS, assert_capacities};

/// Places that would take one piece of ITEM-000 now.
async fn fitting(warehouse: &Warehouse) -> u64 {
    let one = json!({ "facility": "F1", "items": [{ "item": "ITEM-000", "quantity": 1 }] });
    let answer = warehouse.staff.post("/api/wms/optimization/putaway/preview", &one).await.expect(200);
    answer["recommendations"][0]["fitting_locations"].as_u64().unwrap_or(0)
}

async fn lighter(warehouse: &Warehouse, item: &str, kg: &str) {
    let path = format!("/api/v1/inventory/items/{item}");
    let version = warehouse.staff.get(&path).await.expect(200)["version"].clone();
    let weight = json!({ "version": version, "weight": { "value": kg, "unit": "kg" } });
    warehouse.staff.patch(&path, &weight).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_batch_sees_what_was_done_since_the_one_before() {
    let mut warehouse = Warehouse::open(4, 2).await;
    warehouse.server = warehouse.server.with_jobs();
    assert_eq!(fitting(&warehouse).await, 4);

    let block = json!({ "reason": "a broken beam" });
    warehouse.admin.post("/api/v1/locations/F1%2FBIN-000/block", &block).await.expect(200);
    assert_eq!(fitting(&warehouse).await, 3, "a blocked place takes nothing");
    warehouse.stock("ITEM-001", "F1/BIN-001", 250).await;
    assert_eq!(fitting(&warehouse).await, 2, "500 kg are all that a place bears");
    lighter(&warehouse, "ITEM-001", "1").await;
    assert_eq!(fitting(&warehouse).await, 3, "the goods there are half as heavy now");
    lighter(&warehouse, "ITEM-001", "2").await;
    let away = json!({ "kind": "TRANSFER", "item": "ITEM-001", "quantity": 250, "from": "F1/BIN-001", "to": "F1/BIN-002" });
    warehouse.staff.post("/api/v1/inventory/movements", &json!({ "movements": [away] })).await.expect(201);
    assert_eq!(fitting(&warehouse).await, 2, "one is free again, another is full");
    let full = json!({ "facility": "F1", "items": [{ "item": "ITEM-000", "quantity": 250 }] });
    warehouse.staff.post(RECOMMENDATIONS, &full).await.expect(201);
    assert_eq!(fitting(&warehouse).await, 1, "what is held for others is not free");

    let rows: String = (0..3).map(|n| format!("NEW-{n},PUTAWAY,1000,1000,1000,800\n")).collect();
    let file = format!("code,type,length_mm,width_mm,height_mm,max_weight_kg\n{rows}");
    import(&warehouse.admin, "kind=locations&facility=F1&file_name=new.csv", file).await;
    assert_eq!(fitting(&warehouse).await, 4, "three came by a file");
    assert_capacities(&warehouse).await;
}

/// Events get their numbers before their transactions commit: who waits for the highest number only, misses this one.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_commits_late_is_not_missed() {
    let warehouse = Warehouse::open(3, 2).await;
    assert_eq!(fitting(&warehouse).await, 3);
    let mut late = warehouse.server.sql().await;
    sqlx::raw_sql(
        "BEGIN;
         WITH blocked AS (
             UPDATE warehouse.locations SET is_available = false, blocked_reason = 'flooded', version = version + 1
             WHERE code = 'BIN-000' RETURNING *)
         INSERT INTO platform.outbox (tenant_id, at, kind, entity_id, payload)
         SELECT tenant_id, now(), 'warehouse.location.changed', location_id, jsonb_build_object('facility_id', facility_id) FROM blocked",
    )
    .execute(&mut late)
    .await
    .unwrap();
    for n in 1..4 {
        warehouse.stock("ITEM-001", "F1/BIN-001", n).await;
        assert_eq!(fitting(&warehouse).await, 3, "not committed yet");
    }
    sqlx::raw_sql("COMMIT").execute(&mut late).await.unwrap();
    assert_eq!(fitting(&warehouse).await, 2);
    warehouse.stock("ITEM-001", "F1/BIN-001", 1).await;
    assert_eq!(fitting(&warehouse).await, 2);
}

/// Whatever was missed: nothing is stored that the database contradicts.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_nobody_told_of_fills_no_place_twice() {
    let warehouse = Warehouse::open(1, 2).await;
    warehouse.stock("ITEM-001", "F1/BIN-000", 10).await;
    assert_eq!(fitting(&warehouse).await, 1);
    let mut sql = warehouse.server.sql().await;
    sqlx::raw_sql("UPDATE inventory.balances SET on_hand = 250").execute(&mut sql).await.unwrap();
    let ask = json!({ "facility": "F1", "items": [{ "item": "ITEM-000", "quantity": 100 }] });
    let answer = warehouse.staff.post(RECOMMENDATIONS, &ask).await.expect(201);
    assert_eq!(answer["recommendations"], json!([]));
    assert_eq!(text(&answer["failures"][0]["reason_code"]), "NO_CAPACITY");
}
