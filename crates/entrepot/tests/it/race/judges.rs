//! Each scenario must hold on a warehouse that is right and be violated by one that is wrong in the way it looks for.

use std::time::Duration;

use super::fake::{Fake, Fault};
use super::lab::report::Report;
use super::lab::scenarios::Scenario;
use super::lab::{Lab, Settings};

async fn race(fault: Fault, scenario: Scenario) -> Report {
    let url = Fake::start(fault).await;
    let settings = Settings { clients: 30, rounds: 4, connections: 16, seed: 3, longest: Duration::from_secs(60), tell: false };
    let lab = Lab::open(&url, "token", settings).await.unwrap();
    lab.run(scenario).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_warehouse_is_found_right() {
    for scenario in Scenario::ALL {
        let report = race(Fault::None, scenario).await;
        assert!(!report.is_violated() && !report.is_not_run(), "{report}");
        assert!(report.verdict().ends_with("— holds"), "{}", report.verdict());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_warehouse_is_found_out() {
    let mut missed = Vec::new();
    for (fault, scenario, expected) in [
        (Fault::NoLock, Scenario::LastUnit, "buyers of one unit"),
        (Fault::NoLock, Scenario::Increments, "! round 0"),
        (Fault::NoLock, Scenario::Transfers, "by the answers"),
        (Fault::NoLock, Scenario::Mixed, "times in the ledger"),
        (Fault::NoLock, Scenario::History, "lost write"),
        (Fault::NoLock, Scenario::Reservations, "by the answers"),
        (Fault::NoKeys, Scenario::Idempotency, "the same request was answered"),
        (Fault::NoKeys, Scenario::Mixed, "times in the ledger"),
        (Fault::HalfBatch, Scenario::Transfers, "by the answers"),
        (Fault::HalfBatch, Scenario::History, "phantom write"),
        (Fault::StaleReads, Scenario::History, "! round 0"),
        (Fault::NoRelease, Scenario::Reservations, "the state is ACTIVE"),
        (Fault::EarlyExpiry, Scenario::Expiring, "of at most"),
    ] {
        let report = race(fault, scenario).await;
        let is_found = report.is_violated() && report.verdict().contains("VIOLATED") && report.to_string().contains(expected);
        if !is_found {
            missed.push(format!("{fault:?}, expected {expected:?}: {report}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_suffice_or_nobody_there_is_told() {
    let settings = || Settings { clients: 2, rounds: 1, connections: 1, seed: 3, longest: Duration::from_secs(1), tell: false };
    let server = crate::harness::Server::start().await;
    let refused = Lab::open(&server.url, "nonsense", settings()).await.err().unwrap();
    assert!(refused.to_string().contains("ADMIN"), "{refused}");
    let refused = Lab::open("https://localhost", "nonsense", settings()).await.err().unwrap();
    assert!(refused.to_string().contains("http://"), "{refused}");
}
