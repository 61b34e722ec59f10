//! Move tasks: proposed, approved, claimed, confirmed.

use platform::auth::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Caller, Warehouse, text};

const TASKS: &str = "/api/v1/move-tasks";

fn task(item: &str, quantity: u32, from: &str, to: &str) -> Value {
    json!({ "kind": "RESLOT", "item": item, "quantity": quantity, "from": from, "to": to, "reason": "nearer to the dock" })
}

async fn propose(staff: &Caller, tasks: &[Value]) -> Answer {
    staff.post(TASKS, &json!({ "facility": "F1", "tasks": tasks })).await
}

async fn step(caller: &Caller, task: &Value, step: &str) -> Answer {
    caller.post(&format!("{TASKS}/{}/{step}", text(&task["task_id"])), &json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_approved_claimed_and_moves_the_goods() {
    let warehouse = Warehouse::open(2, 1).await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    let other = warehouse.server.as_role(Role::Staff).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 5).await;
    let made = propose(staff, &[task("ITEM-000", 4, "BIN-000", "F1/BIN-001")]).await.expect(201)["tasks"][0].clone();
    assert_eq!(
        (&made["state"], &made["item_code"], &made["to_location_code"]),
        (&json!("PROPOSED"), &json!("ITEM-000"), &json!("BIN-001"))
    );
    assert_eq!(step(staff, &made, "claim").await.status, 409, "it is not approved");
    let ids = json!({ "tasks": [made["task_id"]] });
    assert_eq!(staff.post(&format!("{TASKS}/approve"), &ids).await.status, 403, "staff propose, admins approve");
    assert_eq!(admin.post(&format!("{TASKS}/approve"), &ids).await.expect(200)["tasks"][0]["state"], "APPROVED");
    assert_eq!(admin.post(&format!("{TASKS}/approve"), &ids).await.status, 409);
    let (one, two) = futures::join!(step(staff, &made, "claim"), step(&other, &made, "claim"));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "one of two claims it");
    let (winner, loser) = if one.status == 200 { (staff, &other) } else { (&other, staff) };
    assert_eq!(step(loser, &made, "confirm").await.status, 409, "another's task");
    assert_eq!(step(loser, &made, "unclaim").await.status, 403);
    let done = step(winner, &made, "confirm").await.expect(200);
    assert_eq!(done["state"], "DONE");
    assert!(done["movement_id"].is_string());
    let mut places = warehouse.on_hand("ITEM-000").await;
    places.sort();
    assert_eq!(places, [("BIN-000".to_owned(), "1".to_owned()), ("BIN-001".to_owned(), "4".to_owned())]);
    assert_eq!(step(winner, &made, "confirm").await.status, 409, "once is enough");
    warehouse.server.assert_invariants().await;
}

async fn claimed(warehouse: &Warehouse, task: Value) -> Value {
    let made = propose(&warehouse.staff, &[task]).await.expect(201)["tasks"][0].clone();
    warehouse.admin.post(&format!("{TASKS}/approve"), &json!({ "tasks": [made["task_id"]] })).await.expect(200);
    step(&warehouse.staff, &made, "claim").await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_does_not_fit_any_more_is_refused() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 3).await;
    let too_many = claimed(&warehouse, task("ITEM-000", 4, "BIN-000", "BIN-001")).await;
    let refused = step(staff, &too_many, "confirm").await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "STOCK_INSUFFICIENT"), "{:#}", refused.body);
    assert!(text(&refused.body["detail"]).contains("3 EA available"), "{:#}", refused.body);
    assert_eq!(staff.get(&format!("{TASKS}/{}", text(&too_many["task_id"]))).await.expect(200)["state"], "CLAIMED");
    assert_eq!(step(staff, &too_many, "unclaim").await.expect(200)["claimed_by_name"], "");
    warehouse.stock("ITEM-000", "F1/BIN-001", 245).await;
    let heavy = claimed(&warehouse, task("ITEM-000", 3, "BIN-000", "BIN-001")).await;
    warehouse.stock("ITEM-000", "F1/BIN-001", 4).await;
    let full = step(staff, &heavy, "confirm").await;
    assert_eq!((full.status.as_u16(), full.code()), (409, "CAPACITY_EXCEEDED"), "500 kg are on it: {:#}", full.body);
    let gone = staff.post(&format!("{TASKS}/{}/cancel", text(&heavy["task_id"])), &json!({ "reason": "full" })).await.expect(200);
    assert_eq!((&gone["state"], &gone["closed_reason"]), (&json!("CANCELLED"), &json!("full")));
    assert_eq!(step(staff, &heavy, "confirm").await.status, 409);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tasks_are_refused_all_together() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    for (tasks, field) in [
        (vec![], "tasks"),
        (vec![task("NOPE", 1, "BIN-000", "BIN-001")], "tasks[0].item"),
        (vec![task("ITEM-000", 0, "BIN-000", "BIN-001")], "tasks[0].quantity"),
        (vec![task("ITEM-000", 1, "BIN-000", "BIN-000")], "tasks[0].to"),
        (vec![task("ITEM-000", 1, "BIN-000", "BIN-001"), task("ITEM-000", 1, "NOWHERE", "BIN-001")], "tasks[1].from"),
    ] {
        let refused = propose(staff, &tasks).await;
        assert_eq!(
            (refused.status.as_u16(), text(&refused.body["errors"][0]["field"]).as_str()),
            (422, field),
            "{:#}",
            refused.body
        );
    }
    assert_eq!(staff.get(TASKS).await.expect(200)["items"].as_array().unwrap().len(), 0);
    let many: Vec<Value> = (0..3).map(|_| task("ITEM-000", 1, "BIN-000", "BIN-001")).collect();
    propose(staff, &many).await.expect(201);
    let page = staff.get(&format!("{TASKS}?limit=2&kind=RESLOT&unfinished=true")).await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let next = staff.get(&format!("{TASKS}?limit=2&cursor={}", text(&page["next_cursor"]))).await.expect(200);
    assert_eq!(next["items"].as_array().unwrap().len(), 1);
    let data = staff.graphql("{ moveTasks(kind: RESLOT, state: PROPOSED) { items { taskId quantity } } }").await;
    assert_eq!(data["moveTasks"]["items"].as_array().unwrap().len(), 3);
    let other = warehouse.server.caller(Some(warehouse.server.token("other", Role::Admin).await));
    assert_eq!(other.get(&format!("{TASKS}/{}", text(&page["items"][0]["task_id"]))).await.status, 404);
}
