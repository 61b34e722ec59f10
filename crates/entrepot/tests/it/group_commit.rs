//! Concurrent single movements share transactions, and nobody can tell but by the speed.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, Row as _};

use crate::harness::{Answer, Caller, Warehouse, text};

const MOVEMENTS: &str = "/api/v1/inventory/movements";

fn receive(item: &str, quantity: &str, reference: &str) -> Value {
    json!({ "movements": [{ "kind": "RECEIPT", "item": item, "quantity": quantity, "from": "SUPPLIER", "to": "F1/BIN-000", "reference": reference }] })
}

fn issue(item: &str, quantity: u32, reference: &str) -> Value {
    json!({ "movements": [{ "kind": "ISSUE", "item": item, "quantity": quantity, "from": "F1/BIN-000", "reference": reference }] })
}

async fn all(caller: &Caller, bodies: &[Value]) -> Vec<Answer> {
    join_all(bodies.iter().map(|body| caller.post(MOVEMENTS, body))).await
}

async fn count(warehouse: &Warehouse, query: &'static str) -> i64 {
    let mut sql = warehouse.server.sql().await;
    sql.fetch_one(query).await.expect("the query runs").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_one_group_keep_their_own_answer_audit_line_and_event() {
    let warehouse = Warehouse::open(1, 4).await;
    let other = warehouse.server.as_role(platform::auth::Role::Staff).await;
    warehouse.stock("ITEM-001", "F1/BIN-000", 5).await;
    let audits = "SELECT count(*) FROM platform.audit WHERE action = 'stock.move'";
    let events = "SELECT count(*) FROM platform.outbox WHERE kind = 'inventory.stock.changed'";
    let (audits_before, events_before) = (count(&warehouse, audits).await, count(&warehouse, events).await);
    let bodies: Vec<Value> = (0..120)
        .map(|n| match n % 4 {
            0 => receive("ITEM-000", "1", &format!("R{n}")),
            1 => issue("ITEM-001", 1, &format!("R{n}")),
            2 => receive("NO-SUCH-ITEM", "1", &format!("R{n}")),
            _ => receive("ITEM-002", "0.0000001", &format!("R{n}")),
        })
        .collect();
    let (mine, theirs) = bodies.split_at(60);
    let (mine, theirs) = futures::future::join(all(&warehouse.staff, mine), all(&other, theirs)).await;
    let mut issued = 0;
    for (n, answer) in mine.iter().chain(&theirs).enumerate() {
        let told = (answer.status.as_u16(), answer.code());
        match n % 4 {
            0 => assert_eq!(answer.status, 201, "{:#}", answer.body),
            1 if answer.status == 201 => issued += 1,
            1 => assert_eq!(told, (409, "STOCK_INSUFFICIENT")),
            2 => assert_eq!((told.0, text(&answer.body["errors"][0]["field"])), (422, "movements[0].item".into())),
            _ => assert_eq!((told.0, text(&answer.body["errors"][0]["field"])), (422, "movements[0].quantity".into())),
        }
    }
    assert_eq!(issued, 5, "there were five, and the refused ones took nothing");
    assert_eq!(warehouse.on_hand("ITEM-000").await, [("BIN-000".to_owned(), "30".to_owned())]);
    assert_eq!(count(&warehouse, audits).await - audits_before, 35, "one line for each that was accepted");
    assert_eq!(count(&warehouse, events).await - events_before, 35);
    let of_its_own = "SELECT count(*) FROM inventory.movements m JOIN platform.audit a ON a.request_id = m.request_id
                      AND a.actor_id = m.recorded_by AND a.entity_id = m.movement_id::text";
    assert_eq!(count(&warehouse, of_its_own).await, 36, "audit and movement name the same caller and request");
    let moments = "SELECT count(DISTINCT recorded_at) FROM inventory.movements";
    assert!(count(&warehouse, moments).await < 30, "they shared transactions");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_many_times_at_once_has_one_effect_and_one_answer() {
    let warehouse = Warehouse::open(1, 2).await;
    let body = receive("ITEM-000", "3", "once");
    let other = receive("ITEM-000", "4", "another body");
    let noise: Vec<Value> = (0..40).map(|n| receive("ITEM-001", "1", &format!("N{n}"))).collect();
    let same = join_all((0..30).map(|_| warehouse.staff.post_with_key(MOVEMENTS, "key-1", &body)));
    let (same, noise) = futures::future::join(same, all(&warehouse.staff, &noise)).await;
    assert!(noise.iter().all(|answer| answer.status == 201));
    assert!(same.iter().all(|answer| answer == &same[0] && answer.status == 201), "{same:?}");
    assert_eq!(warehouse.staff.post_with_key(MOVEMENTS, "key-1", &body).await, same[0], "and later");
    let reused = warehouse.staff.post_with_key(MOVEMENTS, "key-1", &other).await;
    assert_eq!((reused.status.as_u16(), reused.code()), (422, "KEY_REUSED"));
    assert_eq!(warehouse.on_hand("ITEM-000").await, [("BIN-000".to_owned(), "3".to_owned())]);
    // Two bodies under one new key at once: one of them wins, the other is told.
    let mixed =
        join_all((0..20).map(|n| warehouse.staff.post_with_key(MOVEMENTS, "key-2", if n % 2 == 0 { &body } else { &other })))
            .await;
    let won: Vec<_> = mixed.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(won.len(), 10, "{mixed:?}");
    assert!(won.iter().all(|answer| *answer == won[0]));
    assert!(mixed.iter().filter(|answer| answer.status != 201).all(|answer| answer.code() == "KEY_REUSED"));
    // A refused request keeps no key: it may succeed later.
    let short = warehouse.staff.post_with_key(MOVEMENTS, "key-3", &issue("ITEM-001", 41, "later")).await;
    assert_eq!(short.code(), "STOCK_INSUFFICIENT");
    warehouse.stock("ITEM-001", "F1/BIN-000", 1).await;
    assert_eq!(warehouse.staff.post_with_key(MOVEMENTS, "key-3", &issue("ITEM-001", 41, "later")).await.status, 201);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hangs_up_cancels_nothing_and_may_ask_again() {
    let warehouse = Warehouse::open(1, 1).await;
    let keys: Vec<String> = (0..60).map(|n| format!("hang-{n}")).collect();
    let hasty = reqwest::Client::new();
    join_all(keys.iter().enumerate().map(|(n, key)| {
        let request =
            hasty.post(format!("{}{MOVEMENTS}", warehouse.staff.url)).bearer_auth(warehouse.staff.token.as_ref().unwrap());
        let request = request.header("Idempotency-Key", key).json(&receive("ITEM-000", "1", key));
        async move {
            let _ = request.timeout(Duration::from_micros(200 * n as u64 + 100)).send().await;
        }
    }))
    .await;
    let again = join_all(keys.iter().map(|key| async {
        let body = receive("ITEM-000", "1", key);
        warehouse.staff.post_with_key(MOVEMENTS, key, &body).await
    }))
    .await;
    assert!(again.iter().all(|answer| answer.status == 201), "{again:?}");
    assert_eq!(warehouse.on_hand("ITEM-000").await, [("BIN-000".to_owned(), "60".to_owned())]);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unexpected_error_of_one_call_stays_with_it() {
    let warehouse = Warehouse::open(1, 1).await;
    let mut sql = warehouse.server.sql().await;
    sql.execute(
        "CREATE FUNCTION public.boom() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF NEW.reference = 'BOOM' THEN RAISE EXCEPTION 'boom'; END IF; RETURN NEW; END $$;
         CREATE TRIGGER boom BEFORE INSERT ON inventory.movements FOR EACH ROW EXECUTE FUNCTION public.boom()",
    )
    .await
    .expect("a trap");
    let bodies: Vec<Value> = (0..50).map(|n| receive("ITEM-000", "1", if n == 17 { "BOOM" } else { "fine" })).collect();
    let answers = all(&warehouse.staff, &bodies).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.status, if n == 17 { 500 } else { 201 }, "{n}: {:#}", answer.body);
    }
    assert_eq!(warehouse.on_hand("ITEM-000").await, [("BIN-000".to_owned(), "49".to_owned())]);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_one_call_needs_does_not_refuse_the_others() {
    let warehouse = Warehouse::open(1, 8).await;
    for item in 0..8 {
        warehouse.stock(&format!("ITEM-00{item}"), "F1/BIN-000", 10).await;
    }
    let mut sql = warehouse.server.sql().await;
    let mut held = sql.begin().await.expect("a transaction");
    let lock = "SELECT 1 FROM inventory.balances b JOIN catalog.items i USING (tenant_id, item_id) WHERE i.code = 'ITEM-003' FOR UPDATE OF b";
    held.execute(lock).await.expect("a lock");
    let started = Instant::now();
    let bodies: Vec<Value> = (0..32).map(|n| issue(&format!("ITEM-00{}", n % 8), 1, "x")).collect();
    let answers = all(&warehouse.staff, &bodies).await;
    for (n, answer) in answers.iter().enumerate() {
        let expected = if n % 8 == 3 { 503 } else { 201 };
        assert_eq!(answer.status, expected, "{n}: {:#}", answer.body);
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    held.rollback().await.expect("a rollback");
    assert_eq!(warehouse.staff.post(MOVEMENTS, &issue("ITEM-003", 10, "x")).await.status, 201);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_reads_at_once_get_each_their_own_row() {
    let warehouse = Warehouse::open(1, 20).await;
    for item in 0..20 {
        warehouse.stock(&format!("ITEM-{item:03}"), "F1/BIN-000", item + 1).await;
    }
    let listed = warehouse.staff.get("/api/v1/inventory/balances?limit=100").await.expect(200);
    let rows = listed["items"].as_array().unwrap();
    let unknown = "/api/v1/inventory/balances/00000000-0000-7000-8000-000000000000";
    let stranger = warehouse.server.caller(Some(warehouse.server.token("rival", platform::auth::Role::Admin).await));
    let reads = (0..400).map(|n| {
        let row = &rows[n % rows.len()];
        let (staff, stranger) = (&warehouse.staff, &stranger);
        async move {
            let path = format!("/api/v1/inventory/balances/{}", row["balance_id"].as_str().unwrap());
            match n % 40 {
                7 => assert_eq!(staff.get(unknown).await.status, 404),
                9 => assert_eq!(stranger.get(&path).await.status, 404, "another tenant's row"),
                _ => assert_eq!(&staff.get(&path).await.expect(200), row),
            }
        }
    });
    join_all(reads).await;
}
