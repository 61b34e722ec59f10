//! The race laboratory in short, and the proof that its history checker finds faults where faults are.

use std::time::Duration;

use entrepot::wiring;
use platform::auth::Role;

use crate::harness::Server;

mod fake;
mod judges;
#[path = "../../examples/race/lab/mod.rs"]
mod lab;
mod planted;

use lab::scenarios::Scenario;
use lab::{Lab, Settings};

async fn race(scenario: Scenario) {
    let server = Server::start().await.with_jobs();
    let token = server.token("race", Role::Admin).await;
    let settings = Settings { clients: 40, rounds: 5, connections: 24, seed: 7, longest: Duration::from_secs(120), tell: false };
    let lab = Lab::open(&server.url, &token, settings).await.unwrap();
    let report = lab.run(scenario).await.unwrap();
    println!("{report}");
    if report.is_not_run() {
        let has_it = wiring::description().1.iter().any(|route| route.path == "/api/v1/inventory/reservations");
        assert!(!has_it, "the server has it, the laboratory did not find it: {report}");
        eprintln!("{}: skipped", scenario.name());
        return;
    }
    assert!(!report.is_violated(), "{report}");
    let least = 5_usize.div_ceil(if scenario == Scenario::History { 4 } else { 1 });
    assert!(report.rounds >= least && report.tally.answers() > 150, "it did what it says: {report}");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_buyers_of_the_last_unit_one_wins() {
    race(Scenario::LastUnit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn increments_are_all_counted_and_no_reader_sees_an_impossible_number() {
    race(Scenario::Increments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hot_transfers_keep_the_sum_at_every_look() {
    race(Scenario::Transfers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_reservations_never_promises_too_much() {
    race(Scenario::Reservations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reservations_that_expire_meanwhile_never_promise_too_much() {
    race(Scenario::Expiring).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_equal_keys_has_one_effect_each() {
    race(Scenario::Idempotency).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_requests_never_affect_those_beside_them() {
    race(Scenario::Mixed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_strictly_serializable() {
    race(Scenario::History).await;
}
