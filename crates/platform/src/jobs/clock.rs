//! Chores by the clock: one leader among all processes runs them, each at most once at a time, also when one is asked for by hand.

use std::collections::HashMap;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::task::{Id, JoinSet};

use super::store::{self, Plan};
use crate::{App, Result};

const TICK: Duration = Duration::from_secs(2);
/// A clock that is off by more than this against the time that passed was set, not corrected.
const JUMP: TimeDelta = TimeDelta::minutes(1);
const LEADER_LOCK: i64 = 7_166_002;

type Work = Arc<dyn Fn(App) -> BoxFuture<'static, Result<String>> + Send + Sync>;

/// Work by the clock; its outcome is one short line.
#[derive(Clone)]
pub struct Chore {
    pub name: &'static str,
    /// Five fields as in crontab(5), in UTC; an operator may override it.
    pub schedule: &'static str,
    work: Work,
}

impl Chore {
    pub(super) fn new<F>(name: &'static str, schedule: &'static str, work: impl Fn(App) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        Self { name, schedule, work: Arc::new(move |app| Box::pin(work(app))) }
    }

    /// Runs it now and stores when, how long and with what outcome.
    pub async fn run(&self, app: &App) -> Result<String> {
        store::begin(app, self, app.env.now()).await?;
        let outcome = match (self.work)(app.clone()).await {
            Ok(line) => line,
            Err(error) => {
                tracing::warn!(job = self.name, %error, source = ?error.source, "a scheduled job failed");
                format!("failed: {error}")
            }
        };
        store::end(app, self, app.env.now(), &outcome).await?;
        Ok(outcome)
    }

    fn is_due(&self, plan: &Plan, last: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        if !plan.is_active {
            return plan.is_requested;
        }
        plan.is_requested || next_run(&plan.schedule, last).is_some_and(|next| next <= now)
    }
}

/// The first time after `after` that a schedule names; nothing for one that cannot be read.
pub(super) fn next_run(schedule: &str, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    croner::Cron::from_str(schedule).ok()?.find_next_occurrence(&after, false).ok()
}

pub(super) async fn keep_time(chores: &[Chore], app: &App) {
    while !chores.is_empty() {
        if let Err(error) = lead(chores, app).await {
            tracing::warn!(%error, "the clock of the chores stopped; starting it again");
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    std::future::pending::<()>().await;
}

/// Whoever holds the lock runs the chores; the lock lives as long as its connection, and what runs ends with it.
async fn lead(chores: &[Chore], app: &App) -> Result<()> {
    let mut connection = app.db.options().connect().await?;
    let leads: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LEADER_LOCK).fetch_one(&mut connection).await?;
    if !leads {
        return Ok(());
    }
    store::announce(app, chores).await?;
    let mut running = Running::default();
    let (mut last, mut looked) = (app.env.now(), Instant::now());
    loop {
        tokio::time::sleep(TICK).await;
        connection.ping().await?;
        running.reap();
        let now = app.env.now();
        let passed = TimeDelta::from_std(looked.elapsed()).unwrap_or(TimeDelta::MAX);
        looked = Instant::now();
        if (now - last - passed).abs() > JUMP {
            // What came due only because the clock was set did not come due.
            tracing::warn!(from = %last, to = %now, "the clock jumped; the chores wait for their next time");
            last = now;
            continue;
        }
        let plans = store::plans(app).await?;
        for chore in chores {
            let is_due = plans.get(chore.name).is_some_and(|plan| chore.is_due(plan, last, now));
            if is_due && !running.has(chore) {
                running.start(chore, app);
            }
        }
        last = now;
    }
}

#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Running {
    fn has(&self, chore: &Chore) -> bool {
        self.names.values().any(|name| *name == chore.name)
    }

    fn start(&mut self, chore: &Chore, app: &App) {
        let (name, chore, app) = (chore.name, chore.clone(), app.clone());
        let task = self.tasks.spawn(async move {
            if let Err(error) = chore.run(&app).await {
                tracing::warn!(job = chore.name, %error, "the outcome of a scheduled job could not be stored");
            }
        });
        self.names.insert(task.id(), name);
    }

    fn reap(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            let id = match ended {
                Ok((id, ())) => id,
                Err(error) => error.id(),
            };
            self.names.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn plan(schedule: &str, is_active: bool, is_requested: bool) -> Plan {
        Plan { schedule: schedule.into(), is_active, is_requested }
    }

    #[test]
    fn a_chore_is_due_by_its_schedule_or_when_it_is_asked_for() {
        let chore = Chore::new("x", "*/10 * * * *", |_: App| async { Ok(String::new()) });
        let (before, after) = (at("2026-01-05T10:09:59Z"), at("2026-01-05T10:10:01Z"));
        assert!(chore.is_due(&plan("*/10 * * * *", true, false), before, after));
        assert!(!chore.is_due(&plan("*/10 * * * *", true, false), after, at("2026-01-05T10:19:59Z")));
        assert!(!chore.is_due(&plan("*/10 * * * *", false, false), before, after), "it is switched off");
        assert!(chore.is_due(&plan("*/10 * * * *", false, true), after, after), "by hand it runs even so");
        assert!(!chore.is_due(&plan("nonsense", true, false), before, after));
    }

    #[test]
    fn sunday_is_sunday() {
        assert_eq!(next_run("0 2 * * 0", at("2026-01-05T10:00:00Z")), Some(at("2026-01-11T02:00:00Z")));
    }
}
