//! Trainings: asked for, run off the request path, told how far they are, and stored in one transaction with what they changed.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::TenantId;
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::jobs::{Job, Jobs, NewJob};
use platform::{App, Error, Result, audit};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::watch;
use uuid::Uuid;

use super::champion::usable;
use super::features;
use super::model::{self, Decisions, Judged, LeftOut, MOST_DECISIONS, Made, Standing};
use super::store::{self, Accuracy, Ending, NewModel, Progress};
use crate::quality::store::figures;
use crate::words::{ModelState, TrainingCause, TrainingOutcome, TrainingPhase};

/// The one name of trainings: of the chore for every tenant, of the job for one that was asked for, and of who did it.
pub const TRAINING_JOB: &str = "train acceptance model";
/// Decisions read at once.
const CHUNK: i64 = 20_000;
/// A training of which nothing is heard for so long is given up when the next one is asked for.
const SILENCE: TimeDelta = TimeDelta::minutes(15);
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(crate) fn jobs() -> Jobs {
    Jobs::default().handle(TRAINING_JOB, |app: App, job: Job| async move { work(&app, &job).await }).chore(
        TRAINING_JOB,
        "0 2 * * 0",
        |app: App| async move { run_all(&app).await },
    )
}

#[derive(Serialize, Deserialize)]
struct Payload {
    training_id: Uuid,
}

/// Asks for a training of the tenant's model. Of two at once one runs: the other caller gets that one.
pub(crate) async fn request(tx: &mut Tx, actor: &Actor, cause: TrainingCause) -> Result<Uuid> {
    let (training, is_new) = claim(tx, actor, cause).await?;
    if is_new {
        tx.audit(actor, audit::Entry::new("model.train", "acceptance training", training).after(&json!({ "cause": cause })));
        let payload = serde_json::to_value(Payload { training_id: training }).map_err(Error::internal)?;
        tx.enqueue(actor, NewJob { kind: TRAINING_JOB, payload, dedup_key: Some(training.to_string()) });
        tx.publish(actor, changed(training, "QUEUED"));
    }
    Ok(training)
}

fn changed(training: Uuid, state: &str) -> Event {
    Event::new("warehouse.model.changed", training, json!({ "state": state }))
}

/// The training that waits or runs, made when there is none.
async fn claim(tx: &mut Tx, actor: &Actor, cause: TrainingCause) -> Result<(Uuid, bool)> {
    let (tenant, now) = (actor.tenant(), actor.env.now());
    store::give_up(tx, tenant, now - SILENCE, now).await?;
    loop {
        let training = actor.env.new_id();
        if store::request(tx, tenant, training, cause, &actor.principal.name, now).await? {
            return Ok((training, true));
        }
        // It may have ended between the two statements.
        if let Some(under_way) = store::under_way(tx, tenant).await? {
            return Ok((under_way, false));
        }
    }
}

/// Every tenant's, one after the other: one that fails does not keep the others.
async fn run_all(app: &App) -> Result<String> {
    if !app.config.ml_model_enabled {
        return Ok("switched off by ML_MODEL_ENABLED".into());
    }
    let tenants = app.db.without_tenant(async |connection| figures::tenants(connection).await).await?;
    let (mut trained, mut lacking, mut under_way, mut failed) = (0, 0, 0, 0);
    for tenant in tenants {
        let tenant: TenantId = tenant.parse().map_err(Error::from)?;
        let actor = Actor::system(tenant.clone(), app.env.clone(), TRAINING_JOB);
        let mut tx = app.db.begin(&tenant).await?;
        let (training, is_new) = claim(&mut tx, &actor, TrainingCause::Schedule).await?;
        tx.commit().await?;
        if !is_new {
            under_way += 1;
            continue;
        }
        match perform(app, &actor, training).await {
            Ok(Some(TrainingOutcome::NotEnough)) => lacking += 1,
            Ok(Some(_)) => trained += 1,
            Ok(None) => under_way += 1,
            Err(error) => {
                tracing::warn!(%tenant, %error, "the acceptance model of a tenant could not be trained");
                failed += 1;
            }
        }
    }
    let line =
        format!("{trained} models trained, {lacking} organisations with too few decisions, {under_way} under way elsewhere");
    if failed == 0 { Ok(line) } else { Err(Error::conflict(format!("{line}; {failed} could not be trained"))) }
}

async fn work(app: &App, job: &Job) -> Result<()> {
    let Payload { training_id } = serde_json::from_value(job.payload.clone()).map_err(Error::internal)?;
    let actor = Actor::system(job.tenant.clone(), app.env.clone(), TRAINING_JOB);
    perform(app, &actor, training_id).await.map(|_| ())
}

/// Nothing when the training has ended, or another worker took it over.
async fn perform(app: &App, actor: &Actor, training: Uuid) -> Result<Option<TrainingOutcome>> {
    let tenant = actor.tenant();
    let start = async |connection: &mut PgConnection| store::start(connection, tenant, training, actor.env.now()).await;
    let Some(attempt) = app.db.read(tenant, start).await? else { return Ok(None) };
    let run = Run { app, actor, training, attempt };
    let (sender, receiver) = watch::channel(Progress { phase: TrainingPhase::Reading, done: 0, total: 0 });
    let outcome = tokio::select! {
        outcome = run.go(&sender) => outcome,
        () = run.tell(receiver) => unreachable!("progress is told until the work ends"),
    };
    match outcome {
        Ok(outcome) => Ok(outcome),
        Err(error) => {
            run.fail(&error).await?;
            Err(error)
        }
    }
}

/// A training that this process works on.
struct Run<'a> {
    app: &'a App,
    actor: &'a Actor,
    training: Uuid,
    attempt: i32,
}

impl Run<'_> {
    fn tenant(&self) -> &TenantId {
        self.actor.tenant()
    }

    async fn go(&self, progress: &watch::Sender<Progress>) -> Result<Option<TrainingOutcome>> {
        if !self.app.config.ml_model_enabled {
            return Err(Error::conflict("ML_MODEL_ENABLED is false: no model is trained"));
        }
        let decisions = self.read(progress).await?;
        progress.send_modify(|now| now.phase = TrainingPhase::Training);
        let champion = self.standing(ModelState::Champion).await?;
        let challenger = self.standing(ModelState::Challenger).await?;
        let compared = (version_of(&champion), version_of(&challenger));
        let judge = move || model::judge(&decisions, champion, challenger);
        let judged = tokio::task::spawn_blocking(judge).await.map_err(Error::internal)?;
        let judged = judged.map_err(|invalid| Error::conflict(format!("the decisions cannot be learnt from: {invalid}")))?;
        progress.send_modify(|now| now.phase = TrainingPhase::Storing);
        self.store(judged, compared).await
    }

    async fn read(&self, progress: &watch::Sender<Progress>) -> Result<Decisions> {
        let tenant = self.tenant();
        let count = async |connection: &mut PgConnection| store::count(connection, tenant, features::VERSION).await;
        let counts = self.app.db.read(tenant, count).await?;
        let left_out = LeftOut { without_features: counts.without_features, ..LeftOut::default() };
        let mut decisions = Decisions { left_out, ..Decisions::default() };
        let total = counts.with_features.min(MOST_DECISIONS);
        let (mut before, mut done) = (None, 0);
        while done < total {
            let most = CHUNK.min(total - done);
            let chunk = async |connection: &mut PgConnection| {
                store::read_decisions(connection, tenant, features::VERSION, before, most, &mut decisions).await
            };
            let (read, next) = self.app.db.read(tenant, chunk).await?;
            if read == 0 {
                break;
            }
            (before, done) = (next, done + read as i64);
            progress.send_replace(Progress { phase: TrainingPhase::Reading, done, total });
        }
        Ok(decisions)
    }

    async fn standing(&self, state: ModelState) -> Result<Option<Standing>> {
        let tenant = self.tenant();
        let read = async |connection: &mut PgConnection| match store::in_state(connection, tenant, state).await? {
            None => Ok(None),
            Some(found) => {
                let model = usable(connection, tenant, &found).await?;
                Ok(Some(Standing { version: found.version, model }))
            }
        };
        self.app.db.read(tenant, read).await
    }

    /// Everything that the training changes, or nothing: when somebody changed which model is used meanwhile, what was compared is
    /// not what stands, so the new model waits for the next comparison.
    async fn store(&self, judged: Judged, compared: (Option<i32>, Option<i32>)) -> Result<Option<TrainingOutcome>> {
        let (tenant, now) = (self.tenant(), self.actor.env.now());
        let mut tx = self.app.db.begin(tenant).await?;
        store::lock(&mut tx, tenant).await?;
        let champion = store::in_state(&mut tx, tenant, ModelState::Champion).await?.map(|found| found.version);
        let challenger = store::in_state(&mut tx, tenant, ModelState::Challenger).await?.map(|found| found.version);
        let is_current = (champion, challenger) == compared;
        if is_current {
            for change in &judged.changes {
                store::change(&mut tx, tenant, change.version, (change.state, &change.reason), now).await?;
                tx.audit(
                    self.actor,
                    audit::Entry::new("model.state", "acceptance model", change.version)
                        .after(&json!({ "state": change.state, "reason": change.reason })),
                );
            }
        }
        if let Some((version, metrics)) = &judged.champion_now {
            let latest = serde_json::to_value(metrics).map_err(Error::internal)?;
            store::evaluated(&mut tx, tenant, *version, latest, now).await?;
        }
        let (outcome, version) = match judged.made {
            None => (TrainingOutcome::NotEnough, None),
            Some(made) => {
                let (outcome, version) = self.keep(&mut tx, *made, is_current, now).await?;
                (outcome, Some(version))
            }
        };
        tell_accuracy(&mut tx, self.actor).await?;
        let ending = Ending { outcome: Some(outcome), message: &judged.told, version };
        if !store::finish(&mut tx, tenant, (self.training, self.attempt), ending, now).await? {
            return Ok(None);
        }
        tx.publish(self.actor, changed(self.training, outcome.as_str()));
        tx.commit().await?;
        Ok(Some(outcome))
    }

    async fn keep(&self, tx: &mut Tx, made: Made, is_current: bool, now: DateTime<Utc>) -> Result<(TrainingOutcome, i32)> {
        let Made { trained, state, reason, comparison } = made;
        let (state, reason) = match state {
            ModelState::Champion | ModelState::Challenger if !is_current => {
                (ModelState::Trained, format!("another model came into use while it was trained; {reason}"))
            }
            state => (state, reason),
        };
        let (text, digest) = model::write(&trained.model).map_err(Error::internal)?;
        let until = DateTime::from_timestamp_micros(trained.model.trained_until_us()).unwrap_or(now);
        let new = NewModel {
            state,
            reason: &reason,
            text: &text,
            digest: &digest,
            feature_schema: features::VERSION,
            decisions: i32::try_from(trained.model.decisions()).unwrap_or(i32::MAX),
            trained_until: until,
            report: serde_json::to_value(&trained.report).map_err(Error::internal)?,
            comparison: comparison.map(serde_json::to_value).transpose().map_err(Error::internal)?,
            training: self.training,
            by: &self.actor.principal.name,
            now,
        };
        let version = store::insert(tx, self.tenant(), new).await?;
        let entry = audit::Entry::new("model.trained", "acceptance model", version);
        tx.audit(self.actor, entry.after(&json!({ "state": state, "reason": reason })));
        let outcome = match state {
            ModelState::Champion => TrainingOutcome::Champion,
            ModelState::Challenger => TrainingOutcome::Challenger,
            ModelState::Refused => TrainingOutcome::Refused,
            ModelState::Trained | ModelState::Retired => TrainingOutcome::Trained,
        };
        Ok((outcome, version))
    }

    /// Says how far it is whenever that changes, and that it lives.
    async fn tell(&self, mut receiver: watch::Receiver<Progress>) {
        loop {
            // The sender lives as long as the work.
            let _ = tokio::time::timeout(HEARTBEAT, receiver.changed()).await;
            let now = *receiver.borrow_and_update();
            let (tenant, id) = (self.tenant(), (self.training, self.attempt));
            let told =
                async |connection: &mut PgConnection| store::progress(connection, tenant, id, now, self.actor.env.now()).await;
            if let Err(error) = self.app.db.read(tenant, told).await {
                tracing::warn!(%error, training = %self.training, "the progress of a training could not be stored");
            }
        }
    }

    async fn fail(&self, error: &Error) -> Result<()> {
        let mut tx = self.app.db.begin(self.tenant()).await?;
        let message = error.to_string();
        let ending = Ending { outcome: None, message: &message, version: None };
        let id = (self.training, self.attempt);
        if store::finish(&mut tx, self.tenant(), id, ending, self.actor.env.now()).await? {
            tx.publish(self.actor, changed(self.training, "FAILED"));
            tx.commit().await?;
        }
        Ok(())
    }
}

fn version_of(standing: &Option<Standing>) -> Option<i32> {
    standing.as_ref().map(|standing| standing.version)
}

/// Puts the champion's newest judgement where health and metrics look.
pub(super) async fn tell_accuracy(tx: &mut Tx, actor: &Actor) -> Result<()> {
    let found = store::models(tx, actor.tenant(), (None, Some(ModelState::Champion)), None, 1).await?.pop();
    let Some(champion) = found.map(super::service::shown).transpose()? else { return Ok(()) };
    let metrics = champion.metrics();
    let accuracy = Accuracy {
        version: champion.version,
        decisions: i64::from(metrics.decisions),
        percent: metrics.accuracy_percent.clamp(0.0, 100.0),
        acceptance_percent: f64::from(metrics.accepted) / f64::from(metrics.decisions.max(1)) * 100.0,
    };
    store::tell_accuracy(tx, actor.tenant(), &accuracy, actor.env.now()).await
}
