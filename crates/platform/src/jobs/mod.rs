//! Work for later: a queue in the database (claimed with SKIP LOCKED, retried with back-off), and chores by the clock,
//! which one leader among all processes runs.
//!
//! The queue goes by the database's clock: it is one for all processes, and a clock of ours that jumps neither holds jobs back nor
//! takes a living worker for dead.

mod clock;
mod http;
pub mod service;
mod store;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use kernel::{TenantId, UserId};
use serde_json::Value;
use uuid::Uuid;

pub use clock::Chore;
pub use http::api;
pub use service::{JOBS_READ, JOBS_RUN, JobState, ScheduledJob};

use crate::auth::Actor;
use crate::database::Tx;
use crate::{App, Error, Result};

/// How often an idle worker looks; enqueuing in the same process wakes nobody sooner, a second is soon enough.
const POLL: Duration = Duration::from_millis(500);

/// Work to enqueue with [`Tx::enqueue`].
#[derive(Clone, Debug)]
pub struct NewJob {
    pub kind: &'static str,
    pub payload: Value,
    /// While a job of this kind with the same key waits or runs, a second one is not made.
    pub dedup_key: Option<String>,
}

/// A claimed job, as its handler sees it.
#[derive(Clone, Debug)]
pub struct Job {
    pub tenant: TenantId,
    pub id: Uuid,
    pub kind: String,
    pub payload: Value,
    pub created_by: UserId,
}

type Handler = Arc<dyn Fn(App, Job) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// What a context contributes to the clockwork.
#[derive(Clone, Default)]
pub struct Jobs {
    handlers: HashMap<&'static str, Handler>,
    chores: Vec<Chore>,
}

impl Jobs {
    pub fn handle<F>(mut self, kind: &'static str, handler: impl Fn(App, Job) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.handlers.insert(kind, Arc::new(move |app, job| Box::pin(handler(app, job))));
        self
    }

    pub fn chore<F>(mut self, name: &'static str, schedule: &'static str, work: impl Fn(App) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        self.chores.push(Chore::new(name, schedule, work));
        self
    }

    pub fn merge(mut self, other: Jobs) -> Self {
        self.handlers.extend(other.handlers);
        self.chores.extend(other.chores);
        self
    }

    /// Runs queue and chores until shutdown.
    pub async fn run(self, app: App) {
        let shutdown = app.lifecycle.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.work_queue(&app) => {}
            () = clock::keep_time(&self.chores, &app) => {}
        }
    }

    async fn work_queue(&self, app: &App) {
        loop {
            match self.claim(app).await {
                Ok(Some((job, attempt))) => self.perform(app, job, attempt).await,
                Ok(None) => tokio::time::sleep(POLL).await,
                Err(error) => {
                    tracing::warn!(%error, "the job queue cannot be read; trying again");
                    tokio::time::sleep(POLL * 4).await;
                }
            }
        }
    }

    /// Claims one job and runs it; `false` when none is due. For tests and commands that must not wait for a worker.
    pub async fn run_one(&self, app: &App) -> Result<bool> {
        let Some((job, attempt)) = self.claim(app).await? else { return Ok(false) };
        self.perform(app, job, attempt).await;
        Ok(true)
    }

    async fn claim(&self, app: &App) -> Result<Option<(Job, (i32, i32))>> {
        let kinds: Vec<String> = self.handlers.keys().map(|kind| (*kind).to_owned()).collect();
        let row = app
            .db
            .without_tenant(async |connection| {
                Ok(sqlx::query!(
                    r#"SELECT tenant_id AS "tenant_id!", job_id AS "job_id!", kind AS "kind!", payload AS "payload!",
                              attempts AS "attempts!", max_attempts AS "max_attempts!", created_by AS "created_by!"
                       FROM platform.claim_job($1, now())"#,
                    &kinds,
                )
                .fetch_optional(connection)
                .await?)
            })
            .await?;
        row.map(|row| {
            let job = Job {
                tenant: row.tenant_id.parse().map_err(Error::from)?,
                id: row.job_id,
                kind: row.kind,
                payload: row.payload,
                created_by: UserId(row.created_by),
            };
            Ok((job, (row.attempts, row.max_attempts)))
        })
        .transpose()
    }

    async fn perform(&self, app: &App, job: Job, (attempt, most): (i32, i32)) {
        let Some(handler) = self.handlers.get(job.kind.as_str()) else { return };
        let heartbeat = keep_alive(app.clone(), job.clone());
        let outcome = tokio::select! {
            outcome = handler(app.clone(), job.clone()) => outcome,
            () = heartbeat => unreachable!("the heartbeat never ends by itself"),
        };
        if let Err(error) = &outcome {
            tracing::warn!(kind = job.kind, job = %job.id, attempt, %error, "a job failed");
        }
        if let Err(error) = finish(app, &job, outcome, attempt < most, attempt).await {
            tracing::warn!(kind = job.kind, job = %job.id, %error, "the outcome of a job could not be stored; it will run again");
        }
    }

    pub fn chores(&self) -> &[Chore] {
        &self.chores
    }

    /// Runs a chore here and now, whatever its schedule; its outcome is stored as ever. For tests and commands.
    pub async fn run_chore(&self, app: &App, name: &str) -> Result<String> {
        let chore = self.chores.iter().find(|chore| chore.name == name);
        chore.ok_or_else(|| Error::not_found(format_args!("job {name:?}")))?.run(app).await
    }
}

/// What the platform itself does by the clock: drops keys, events and jobs that nobody needs any more.
pub fn housekeeping() -> Jobs {
    Jobs::default().chore("purge what nobody needs any more", "17 3 * * *", |app: App| async move {
        let now = app.env.now();
        let removed = app
            .db
            .without_tenant(async |connection| {
                Ok(sqlx::query_scalar!(r#"SELECT platform.purge(least($1, now())) AS "n!""#, now).fetch_one(connection).await?)
            })
            .await?;
        Ok(format!("{removed} rows removed"))
    })
}

/// A worker that stops saying so for a minute is taken for dead, and its job is claimed again.
async fn keep_alive(app: App, job: Job) {
    loop {
        tokio::time::sleep(Duration::from_secs(15)).await;
        let beat = app
            .db
            .read(&job.tenant, async |connection| {
                sqlx::query!(
                    "UPDATE platform.jobs SET heartbeat_at = now() WHERE tenant_id = $1 AND job_id = $2",
                    job.tenant.as_str(),
                    job.id,
                )
                .execute(connection)
                .await?;
                Ok(())
            })
            .await;
        if let Err(error) = beat {
            tracing::warn!(%error, "a job could not say that it lives");
        }
    }
}

async fn finish(app: &App, job: &Job, outcome: Result<()>, may_retry: bool, attempt: i32) -> Result<()> {
    // Only what may mend itself is worth another try.
    let retry = may_retry && outcome.as_ref().is_err_and(|error| error.code.status() >= 500);
    let (state, message) = match (&outcome, retry) {
        (Ok(()), _) => ("DONE", None),
        (Err(error), true) => ("QUEUED", Some(error.to_string())),
        (Err(error), false) => ("FAILED", Some(error.to_string())),
    };
    let backoff_seconds = f64::from(2_u32.saturating_pow(attempt.unsigned_abs().min(10)));
    app.db
        .read(&job.tenant, async |connection| {
            sqlx::query!(
                "UPDATE platform.jobs SET state = $3, last_error = $4, run_at = now() + make_interval(secs => $5),
                     finished_at = CASE WHEN $3 = 'QUEUED' THEN NULL ELSE now() END
                 WHERE tenant_id = $1 AND job_id = $2",
                job.tenant.as_str(),
                job.id,
                state,
                message,
                backoff_seconds,
            )
            .execute(connection)
            .await?;
            Ok(())
        })
        .await
}

pub(crate) async fn insert(tx: &mut Tx, actor: &Actor, job: NewJob) -> Result<()> {
    sqlx::query!(
        "INSERT INTO platform.jobs (tenant_id, job_id, kind, payload, dedup_key, run_at, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, now(), $6, now())
         ON CONFLICT (tenant_id, kind, dedup_key) WHERE state IN ('QUEUED', 'RUNNING') DO NOTHING",
        actor.tenant().as_str(),
        actor.env.new_id(),
        job.kind,
        job.payload,
        job.dedup_key,
        actor.principal.user.0,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
