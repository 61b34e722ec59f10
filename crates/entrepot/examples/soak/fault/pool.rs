//! Every connection to the database is busy: transactions wait for a lock that somebody holds. Requests with two movements each,
//! because single ones would share one transaction.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use super::load::MOVEMENTS;
use super::world::World;
use super::{Report, percentile};

const CONNECTIONS: usize = 4;
const CALLERS: usize = 24;
/// A caller waits 8 s for a connection; the rest is for a busy machine.
const BOUND: Duration = Duration::from_secs(11);

pub async fn run(held: Duration, target_ms: f64) -> Report {
    let mut report = Report::new("pool");
    let world = World::new("pool", &[("ENTREPOT_POOL_SIZE", CONNECTIONS.to_string())]).await;
    let mut holder = hold(&world, held);
    wait_for_lock(&world).await;
    let (client, started) = (world.caller(), Instant::now());
    let mut posts = JoinSet::new();
    for n in 0..CALLERS {
        let caller = client.clone();
        posts.spawn(async move {
            let movement =
                json!({ "kind": "RECEIPT", "item": "ITEM-0", "quantity": 1, "to": "F1/BIN-0", "reference": format!("pool-{n}") });
            let request = caller.request(reqwest::Method::POST, MOVEMENTS).header("Idempotency-Key", format!("pool-{n}"));
            let response = request.json(&json!({ "movements": [movement.clone(), movement] })).send().await.expect("an answer");
            let has_delay = response.headers().contains_key("retry-after");
            (response.status().as_u16(), has_delay, started.elapsed())
        });
    }
    let probes = probe(&world, held.saturating_sub(Duration::from_secs(1)), &mut report).await;
    let answers = posts.join_all().await;
    judge(&answers, &mut report);
    report.figure("liveness p99 meanwhile, ms", format!("{probes:.2}"));
    report.promise(probes < target_ms, || format!("liveness p99 is {probes:.1} ms while the pool is exhausted"));
    let _ = holder.wait();
    recovered(&world, &mut report).await;
    let recorded =
        world.rows("SELECT count(*), count(DISTINCT reference) FROM inventory.movements WHERE reference LIKE 'pool-%'");
    let acknowledged = answers.iter().filter(|(status, _, _)| *status == 201).count();
    let well = recorded[0][0] == (2 * acknowledged).to_string() && recorded[0][1] == acknowledged.to_string();
    report.promise(well, || {
        format!("{acknowledged} pairs of movements were acknowledged, {} movements are recorded", recorded[0][0])
    });
    match world.complaint() {
        None => report.figure("entrepot check", "clean"),
        Some(complaint) => report.broken(format!("entrepot check: {complaint}")),
    }
    report
}

/// Holds the table of balances against every writer and reader.
fn hold(world: &World, held: Duration) -> Child {
    let script =
        format!("BEGIN; LOCK TABLE inventory.balances IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({}); COMMIT", held.as_secs());
    let mut command = world.command(&["psql", "-X", "-q", "-c", &script]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs")
}

async fn wait_for_lock(world: &World) {
    let sql = "SELECT count(*) FROM pg_locks WHERE relation = 'inventory.balances'::regclass AND mode = 'AccessExclusiveLock' AND granted";
    let started = Instant::now();
    while world.rows(sql)[0][0] == "0" {
        assert!(started.elapsed() < Duration::from_secs(10), "the lock is not held");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// p99 of liveness while the pool is exhausted, in ms; readiness must tell.
async fn probe(world: &World, lasts: Duration, report: &mut Report) -> f64 {
    let caller = world.caller();
    let ready = tokio::spawn({
        let caller = caller.clone();
        async move {
            let started = Instant::now();
            loop {
                let status = caller.get("/api/health/ready").await.status.as_u16();
                if status == 503 || started.elapsed() > lasts {
                    return (status, started.elapsed());
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    });
    let (started, mut took) = (Instant::now(), Vec::new());
    while started.elapsed() < lasts {
        let asked = Instant::now();
        let status = caller.get("/api/health/live").await.status;
        report.promise(status == 200, || format!("live answers {status} while the pool is exhausted"));
        took.push(asked.elapsed().as_secs_f64() * 1000.0);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (status, after) = ready.await.expect("the probe ends");
    report.figure("ready meanwhile", format!("{status} after {:.1} s", after.as_secs_f64()));
    report.promise(status == 503, || format!("ready answers {status} while no connection is free"));
    percentile(&mut took, 0.99)
}

fn judge(answers: &[(u16, bool, Duration)], report: &mut Report) {
    let refused: Vec<_> = answers.iter().filter(|(status, _, _)| *status == 503).collect();
    let slowest = refused.iter().map(|(_, _, took)| *took).max().unwrap_or_default();
    report.figure("callers told to come again", refused.len());
    report.figure("slowest of them, s", format!("{:.1}", slowest.as_secs_f64()));
    report.promise(!refused.is_empty(), || format!("nobody was told to come again: {answers:?}"));
    report.promise(slowest < BOUND, || format!("a caller waited {slowest:?} for its 503"));
    report.promise(refused.iter().all(|(_, has_delay, _)| *has_delay), || "a 503 has no Retry-After".into());
    let others: Vec<u16> = answers.iter().map(|(status, _, _)| *status).filter(|status| ![201, 503].contains(status)).collect();
    report.promise(others.is_empty(), || format!("unexpected answers: {others:?}"));
}

async fn recovered(world: &World, report: &mut Report) {
    let (started, caller) = (Instant::now(), world.caller());
    let movement = json!({ "kind": "RECEIPT", "item": "ITEM-0", "quantity": 1, "to": "F1/BIN-0" });
    loop {
        let ready = caller.get("/api/health/ready").await.status == 200;
        let posted = caller.post(MOVEMENTS, &json!({ "movements": [movement.clone()] })).await.status == 201;
        if ready && posted {
            return report.figure("well again after, s", format!("{:.1}", started.elapsed().as_secs_f64()));
        }
        if started.elapsed() > Duration::from_secs(15) {
            return report.broken("not well again 15 s after the lock was released");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
