use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

use super::{clock, store};
use crate::auth::{Actor, Permission, roles};
use crate::database::Tx;
use crate::{Error, Result, audit};

pub const JOBS_READ: Permission = Permission::new("jobs:read", roles::ADMIN);
pub const JOBS_RUN: Permission = Permission::new("jobs:run", roles::ADMIN);

/// What a job by the clock does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    Idle,
    /// Somebody asked for it; it starts within seconds.
    Requested,
    Running,
}

/// Work that the process does by the clock, and how it went the last time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ScheduledJob {
    pub job_id: i64,
    pub name: String,
    /// Five fields as in crontab(5), in UTC.
    pub schedule: String,
    /// An operator has set another schedule than the program's own.
    pub is_overridden: bool,
    /// Whether it runs by the clock; asked for by hand it runs in any case.
    pub is_active: bool,
    pub state: JobState,
    pub last_started_at: Option<DateTime<Utc>>,
    pub last_finished_at: Option<DateTime<Utc>>,
    /// Of the last run that ended, in milliseconds.
    pub last_duration_ms: Option<i64>,
    /// One short line.
    pub last_outcome: Option<String>,
    /// Null before the first run has ended.
    pub last_succeeded: Option<bool>,
    pub next_run_at: Option<DateTime<Utc>>,
}

impl ScheduledJob {
    fn of(row: store::Row, now: DateTime<Utc>) -> Self {
        let is_running = row.last_started_at.is_some_and(|started| row.last_finished_at.is_none_or(|ended| ended < started));
        let state = match (row.requested_at, is_running) {
            (Some(_), _) => JobState::Requested,
            (None, true) => JobState::Running,
            (None, false) => JobState::Idle,
        };
        let duration = row.last_started_at.zip(row.last_finished_at).filter(|_| !is_running);
        Self {
            job_id: row.chore_id,
            next_run_at: row.is_active.then(|| clock::next_run(&row.schedule, now)).flatten(),
            state,
            last_duration_ms: duration.map(|(started, ended)| (ended - started).num_milliseconds()),
            last_succeeded: row.last_outcome.as_ref().map(|outcome| !outcome.starts_with("failed")),
            name: row.name,
            schedule: row.schedule,
            is_overridden: row.is_overridden,
            is_active: row.is_active,
            last_started_at: row.last_started_at,
            last_finished_at: row.last_finished_at,
            last_outcome: row.last_outcome,
        }
    }
}

/// All of them, by name.
pub async fn list(connection: &mut PgConnection, actor: &Actor) -> Result<Vec<ScheduledJob>> {
    actor.require(JOBS_READ)?;
    let now = actor.env.now();
    Ok(store::list(connection, None).await?.into_iter().map(|row| ScheduledJob::of(row, now)).collect())
}

/// For other contexts, which have authorised already; nothing when there is no such job.
pub async fn find(connection: &mut PgConnection, name: &str, now: DateTime<Utc>) -> Result<Option<ScheduledJob>> {
    Ok(store::list(connection, Some(name)).await?.pop().map(|row| ScheduledJob::of(row, now)))
}

/// Asks for a run as soon as possible. Asked for twice before it starts it runs once.
pub async fn run_by_hand(tx: &mut Tx, actor: &Actor, name: &str) -> Result<ScheduledJob> {
    actor.require(JOBS_RUN)?;
    if name.contains('\0') || !request(tx, actor, name).await? {
        return Err(Error::not_found(format_args!("job {name:?}")));
    }
    tx.audit(actor, audit::Entry::new("job.run", "job", name).after(&json!({ "name": name })));
    find(tx, name, actor.env.now()).await?.ok_or_else(|| Error::not_found(format_args!("job {name:?}")))
}

/// For other contexts, which have authorised already; `false` when there is no such job.
pub async fn request(tx: &mut Tx, actor: &Actor, name: &str) -> Result<bool> {
    store::request(tx, name, actor.env.now()).await
}
