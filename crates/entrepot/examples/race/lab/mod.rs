//! The race laboratory: clients that meet at the same goods at the same moment, and judges of what they were told.
//!
//! It speaks HTTP only and knows the public interface only, so that it can be pointed at any running Entrepot. It makes a
//! facility, places and items of its own in the token's tenant, with codes that no earlier run used, and touches nothing else.

pub mod client;
pub mod history;
pub mod report;
pub mod scenarios;
pub mod world;

use std::sync::Arc;
use std::time::Duration;

use client::{Api, CannotRun, Session, Tally};
use report::{Progress, Report};
use scenarios::Scenario;
use world::World;

/// How hard to try.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Concurrent clients in every round.
    pub clients: usize,
    pub rounds: usize,
    /// Requests under way at once; clients beyond it wait for a connection.
    pub connections: usize,
    /// Decides what clients do, as far as the server's answers allow.
    pub seed: u64,
    /// A scenario ends after the round in which this is exceeded.
    pub longest: Duration,
    /// Whether to tell on standard error how far it is.
    pub tell: bool,
}

/// A server to race against, and what was prepared on it.
pub struct Lab {
    pub settings: Settings,
    pub api: Arc<Api>,
    pub world: World,
}

impl Lab {
    /// Makes the facility and the places of this run.
    pub async fn open(url: &str, token: &str, settings: Settings) -> Result<Self, CannotRun> {
        let api = Arc::new(Api::new(url, token, settings.connections)?);
        let world = World::make(&Session::new(api.clone(), Arc::new(Tally::default()))).await?;
        Ok(Self { settings, api, world })
    }

    /// Runs one scenario to its verdict; the error is for a server that cannot be raced against at all.
    pub async fn run(&self, scenario: Scenario) -> Result<Report, CannotRun> {
        let tally = Arc::new(Tally::default());
        let progress = Progress::new(scenario.name(), &self.settings);
        let session = Session::new(self.api.clone(), tally.clone());
        let outcome = scenario.run(self, &session, &progress).await?;
        Ok(Report { scenario, outcome, took: progress.took(), rounds: progress.rounds(), tally })
    }
}
