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

// The reason for positions: a number is given before the commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_lower_number_that_commits_between_disconnect_and_reconnect_is_replayed_once_with_nothing_else() {
    let warehouse = Warehouse::open(1, 1).await;
    let mut ours = open(&warehouse.staff, None).await;
    read_until(&mut ours, "hello").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut slow = warehouse.server.sql().await;
    slow.execute("BEGIN").await.unwrap();
    slow.execute(
        "INSERT INTO platform.outbox (tenant_id, at, kind, entity_id, payload) VALUES ('acme', now(), 'slow.one', 'x', '{}')",
    )
    .await
    .unwrap();
    warehouse.stock("ITEM-000", "F1/BIN-000", 7).await;
    let heard = read_until(&mut ours, "inventory.stock.changed").await;
    let id = last_id(&heard);
    assert!(id.contains('.'), "a position is more than a number: {id}");
    drop(ours);
    warehouse.stock("ITEM-000", "F1/BIN-000", 1).await;
    slow.execute("COMMIT").await.unwrap();
    let mut again = open(&warehouse.staff, Some(&id)).await;
    let replayed =
        read_until(&mut again, "inventory.stock.changed").await + &read_for(&mut again, Duration::from_millis(800)).await;
    assert_eq!(replayed.matches("event: slow.one").count(), 1, "{replayed}");
    assert_eq!(replayed.matches("event: inventory.stock.changed").count(), 1, "only the second movement: {replayed}");
    assert!(!replayed.contains("event: reload"));
    // Having come so far, there is nothing more.
    let id = last_id(&replayed);
    drop(again);
    let mut once_more = open(&warehouse.staff, Some(&id)).await;
    let rest = read_until(&mut once_more, "hello").await + &read_for(&mut once_more, Duration::from_millis(500)).await;
    assert!(rest.contains("event: hello") && rest.matches("event:").count() == 1, "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_greeting_is_a_position_and_a_strange_one_is_told_to_load_anew() {
    let warehouse = Warehouse::open(1, 1).await;
    let mut stream = open(&warehouse.staff, None).await;
    let id = last_id(&read_until(&mut stream, "hello").await);
    drop(stream);
    warehouse.stock("ITEM-000", "F1/BIN-000", 7).await;
    let mut again = open(&warehouse.staff, Some(&id)).await;
    let heard = read_until(&mut again, "inventory.stock.changed").await;
    assert!(!heard.contains("reload"), "{heard}");
    for strange in ["x", "-1", "1.2.3-", "99999999999999999999999999", "1.5.é"] {
        let mut stream = open(&warehouse.staff, Some(strange)).await;
        read_until(&mut stream, "event: reload").await;
    }
    // A position of another server, whose transactions were numbered far higher: by its number alone.
    let mut stream = open(&warehouse.staff, Some("0.999999999999")).await;
    read_until(&mut stream, "inventory.stock.changed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_missed_too_much_loads_anew_and_goes_on_from_there() {
    let warehouse = Warehouse::open(1, 1).await;
    let mut sql = warehouse.server.sql().await;
    sql.execute("INSERT INTO platform.outbox (tenant_id, at, kind, entity_id, payload) SELECT 'acme', now(), 'many.many', n, '{}' FROM generate_series(1, 1100) n")
        .await
        .unwrap();
    let mut stream = open(&warehouse.staff, Some("0")).await;
    let heard = read_until(&mut stream, "event: reload").await;
    assert!(!heard.contains("many.many"), "{heard}");
    let id = last_id(&heard);
    drop(stream);
    let mut again = open(&warehouse.staff, Some(&id)).await;
    let rest = read_until(&mut again, "hello").await + &read_for(&mut again, Duration::from_millis(500)).await;
    assert!(rest.contains("event: hello") && rest.matches("event:").count() == 1, "{rest}");
}

/// Many writers, some rolled back, and a reader who leaves and comes back all the time: every event once, none missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_restless_listener_hears_everything_once() {
    const WRITERS: usize = 4;
    const EACH: usize = 40;
    let warehouse = Warehouse::open(1, 1).await;
    let mut stream = open(&warehouse.staff, None).await;
    let mut id = last_id(&read_until(&mut stream, "hello").await);
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(stream);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let mut sql = warehouse.server.sql().await;
        writers.spawn(async move {
            for n in 0..EACH {
                let outcome = if n % 7 == 3 { "ROLLBACK" } else { "COMMIT" };
                let name = if n % 7 == 3 { "never".into() } else { format!("w{writer}-{n}.") };
                sql.execute("BEGIN").await.unwrap();
                let row = format!("INSERT INTO platform.outbox (tenant_id, at, kind, entity_id, payload) VALUES ('acme', now(), 'test.one', '{name}', '{{}}') RETURNING seq");
                let seq: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(row)).fetch_one(&mut sql).await.unwrap();
                tokio::time::sleep(Duration::from_millis((seq as u64 * 7) % 23)).await;
                sqlx::query("SELECT pg_notify('entrepot_events', concat_ws(' ', 'acme', $1::bigint, $1::bigint, pg_current_xact_id(), pg_snapshot_xmin(pg_current_snapshot()), 'test.one'))")
                    .bind(seq)
                    .execute(&mut sql)
                    .await
                    .unwrap();
                sql.execute(outcome).await.unwrap();
            }
        });
    }
    let mut heard = String::new();
    while !writers.is_empty() {
        let mut stream = open(&warehouse.staff, Some(&id)).await;
        let part = read_for(&mut stream, Duration::from_millis(90)).await;
        heard += whole_events(&part, &mut id);
        while writers.try_join_next().is_some() {}
    }
    let mut stream = open(&warehouse.staff, Some(&id)).await;
    heard += &read_until(&mut stream, "hello").await;
    heard += &read_for(&mut stream, Duration::from_millis(1500)).await;
    assert!(!heard.contains("event: reload") && !heard.contains("never"), "{heard}");
    for writer in 0..WRITERS {
        for n in (0..EACH).filter(|n| n % 7 != 3) {
            assert_eq!(heard.matches(&format!("\"w{writer}-{n}.\"")).count(), 1, "w{writer}-{n}");
        }
    }
}

/// A part may end in the middle of an event, which then counts for nothing, its id included.
fn whole_events<'a>(part: &'a str, id: &mut String) -> &'a str {
    let whole = &part[..part.rfind("\n\n").map_or(0, |end| end + 2)];
    if whole.contains("id:") {
        *id = last_id(whole);
    }
    whole
}

fn last_id(heard: &str) -> String {
    heard.lines().filter_map(|line| line.strip_prefix("id:")).next_back().expect("an id").trim().to_owned()
}

async fn read_for(stream: &mut (impl futures::Stream<Item = String> + Unpin), time: Duration) -> String {
    let mut seen = String::new();
    let _ = tokio::time::timeout(time, async {
        while let Some(part) = stream.next().await {
            seen += &part;
        }
    })
    .await;
    seen
}
