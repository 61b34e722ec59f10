use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::future::join_all;
use platform::App;
use tokio::sync::Mutex;

use crate::model::{BuildInfo, CheckResult, Comprehensive, DatabasePerformance, Performance, Pool, State};
use crate::probe;

/// A check is not run again before this time has passed.
const TIME_TO_LIVE: Duration = Duration::from_secs(2);
/// A check that takes longer counts as down.
const PATIENCE: Duration = Duration::from_secs(5);

/// The one engine behind every health view.
#[derive(Clone)]
pub struct Health {
    pub build: BuildInfo,
    started: Instant,
    memory: Arc<Vec<Mutex<Option<Remembered>>>>,
}

struct Remembered {
    result: CheckResult,
    measured: Instant,
    since: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Database,
    Schema,
    Pool,
    Chores,
    Disk,
}

impl Check {
    pub(crate) const ALL: [Check; 5] = [Check::Database, Check::Schema, Check::Pool, Check::Chores, Check::Disk];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Check::Database => "database",
            Check::Schema => "schema",
            Check::Pool => "pool",
            Check::Chores => "chores",
            Check::Disk => "disk",
        }
    }

    async fn run(self, app: &App) -> probe::Finding {
        match self {
            Check::Database => probe::database(app).await,
            Check::Schema => probe::schema(app).await,
            Check::Pool => probe::pool(app).await,
            Check::Chores => probe::chores(app).await,
            Check::Disk => probe::disk(app).await,
        }
    }
}

impl Health {
    pub fn new(build: BuildInfo) -> Self {
        let memory = Check::ALL.iter().map(|_| Mutex::new(None)).collect();
        Self { build, started: Instant::now(), memory: Arc::new(memory) }
    }

    /// The result of one check: remembered, or measured now. Callers that come meanwhile wait for the same measurement.
    pub(crate) async fn check(&self, app: &App, check: Check) -> CheckResult {
        let mut slot = self.memory[check as usize].lock().await;
        if let Some(remembered) = slot.as_ref().filter(|remembered| remembered.measured.elapsed() < TIME_TO_LIVE) {
            return remembered.result.clone();
        }
        let started = Instant::now();
        let (state, message) = tokio::time::timeout(PATIENCE, check.run(app))
            .await
            .unwrap_or_else(|_| (State::Down, format!("no answer within {} s (timeout)", PATIENCE.as_secs())));
        let now = app.env.now();
        let since = slot.as_ref().filter(|before| before.result.state == state).map_or(now, |before| before.since);
        let latency_ms = (started.elapsed().as_secs_f64() * 100_000.0).round() / 100.0;
        let result = CheckResult {
            name: check.name().into(),
            state,
            message: Some(message),
            latency_ms: Some(latency_ms),
            since: Some(since),
        };
        *slot = Some(Remembered { result: result.clone(), measured: Instant::now(), since });
        result
    }

    pub async fn checks(&self, app: &App) -> Vec<CheckResult> {
        join_all(Check::ALL.map(|check| self.check(app, check))).await
    }

    /// The worst of all checks.
    pub async fn state(&self, app: &App) -> State {
        self.checks(app).await.iter().map(|check| check.state).max().unwrap_or(State::Up)
    }

    /// Ready to take requests: schema current, database answers, not draining.
    pub async fn is_ready(&self, app: &App) -> bool {
        !app.lifecycle.is_draining()
            && self.check(app, Check::Schema).await.state == State::Up
            && self.check(app, Check::Database).await.state == State::Up
    }

    pub async fn comprehensive(&self, app: &App, with_details: bool) -> Comprehensive {
        let mut checks = self.checks(app).await;
        let status = checks.iter().map(|check| check.state).max().unwrap_or(State::Up);
        if !with_details {
            for check in &mut checks {
                check.message = None;
                check.latency_ms = None;
                check.since = None;
            }
        }
        let pool = app.db.status();
        let performance = with_details.then(|| Performance {
            memory: probe::memory(),
            database: DatabasePerformance {
                pool: Pool { max: pool.max, open: pool.open, idle: pool.idle, waiting: pool.waiting },
            },
        });
        Comprehensive {
            status,
            version: self.build.version.into(),
            uptime_seconds: self.started.elapsed().as_secs(),
            checks,
            performance,
        }
    }

    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}
