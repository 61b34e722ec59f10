//! The short forms of `make soak`: each fault against the real binary, with fewer points.

use std::time::Duration;

#[path = "../../examples/soak/fault/mod.rs"]
mod fault;

use fault::kills::{KILLS, Plan, Victim};
use fault::{Report, clock, cuts, disk, kills, pool, slow};

fn assert_sound(report: &Report) {
    report.print();
    assert!(report.is_sound(), "{}: a promise was broken, see the table above", report.part);
}

/// All other tests run beside these, in a build without optimisation; `make soak` asks for 100 ms.
const LENIENT_MS: f64 = 1500.0;
const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_points_lose_and_double_nothing() {
    let plan = Plan { part: "kills", points: 8, writers: 8, seed: 7, victims: &KILLS, limit: LIMIT };
    assert_sound(&kills::run(&plan).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_of_the_database_lose_and_double_nothing() {
    let plan = Plan { part: "restarts", points: 3, writers: 8, seed: 7, victims: &[Victim::Restart], limit: LIMIT };
    assert_sound(&kills::run(&plan).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_around_commit_has_one_effect() {
    assert_sound(&cuts::run(12).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_changes_and_goes_on_when_there_is_room() {
    assert_sound(&disk::run(6, 1).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_ten_days_breaks_nothing() {
    assert_sound(&clock::run(4, Duration::from_millis(500)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_keep_nobody_waiting_and_are_cut() {
    let plan = slow::Plan { clients: 90, lasts: Duration::from_secs(6), client_timeout_seconds: 2, target_ms: LENIENT_MS };
    assert_sound(&slow::run(&plan).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_pool_tells_callers_to_come_again() {
    assert_sound(&pool::run(Duration::from_secs(10), LENIENT_MS).await);
}
