//! `/events` tells the tenant what happened, after it was committed.

use std::time::Duration;

use futures::StreamExt as _;
use platform::auth::Role;
use reqwest::Method;
use sqlx::Executor as _;

use crate::harness::{Caller, Warehouse};

async fn open(caller: &Caller, last: Option<&str>) -> impl futures::Stream<Item = String> + Unpin + use<> {
    let mut request = caller.request(Method::GET, "/events");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    Box::pin(response.bytes_stream().map(|chunk| String::from_utf8_lossy(&chunk.unwrap()).into_owned()))
}

async fn read_until(stream: &mut (impl futures::Stream<Item = String> + Unpin), wanted: &str) -> String {
    let mut seen = String::new();
    let found = tokio::time::timeout(Duration::from_secs(10), async {
        while !seen.contains(wanted) {
            seen += &stream.next().await.expect("the stream goes on");
        }
    })
    .await;
    assert!(found.is_ok(), "no {wanted} in: {seen}");
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_movement_is_heard_by_its_tenant_only_and_replayed_when_missed() {
    let warehouse = Warehouse::open(1, 1).await;
    let rival = warehouse.server.caller(Some(warehouse.server.token("rival", Role::Admin).await));
    let mut ours = open(&warehouse.staff, None).await;
    let mut theirs = open(&rival, None).await;
    read_until(&mut ours, "hello").await;
    read_until(&mut theirs, "hello").await;
    // The listener connects a moment after the server; nothing that follows may be lost.
    tokio::time::sleep(Duration::from_millis(500)).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 7).await;
    let heard = read_until(&mut ours, "inventory.stock.changed").await;
    let id = heard.lines().filter_map(|line| line.strip_prefix("id:")).next_back().unwrap().trim().to_owned();
    let silence = tokio::time::timeout(Duration::from_millis(700), read_until(&mut theirs, "inventory.stock.changed")).await;
    assert!(silence.is_err(), "another tenant hears nothing");
    drop(ours);
    warehouse.stock("ITEM-000", "F1/BIN-000", 1).await;
    let mut again = open(&warehouse.staff, Some(&id)).await;
    read_until(&mut again, "inventory.stock.changed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_commits_after_a_later_number_was_replayed_is_heard() {
    let warehouse = Warehouse::open(1, 1).await;
    let mut slow = warehouse.server.sql().await;
    slow.execute("BEGIN").await.unwrap();
    let seq: i64 = sqlx::query_scalar("INSERT INTO platform.outbox (tenant_id, at, kind, entity_id, payload) VALUES ($1, now(), 'slow.one', 'x', '{}') RETURNING seq")
        .bind("acme")
        .fetch_one(&mut slow)
        .await
        .unwrap();
    warehouse.stock("ITEM-000", "F1/BIN-000", 7).await;
    let mut stream = open(&warehouse.staff, Some("0")).await;
    read_until(&mut stream, "inventory.stock.changed").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    sqlx::query("SELECT pg_notify('entrepot_events', $1)").bind(format!("acme {seq} {seq}")).execute(&mut slow).await.unwrap();
    slow.execute("COMMIT").await.unwrap();
    read_until(&mut stream, "slow.one").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_listener_lost_its_connection_everybody_is_told_to_load_anew() {
    let warehouse = Warehouse::open(1, 1).await;
    let mut stream = open(&warehouse.staff, None).await;
    read_until(&mut stream, "hello").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut sql = warehouse.server.sql().await;
    sql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    .await
    .unwrap();
    read_until(&mut stream, "event: reload").await;
}
