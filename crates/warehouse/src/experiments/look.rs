//! Looks at running experiments when their schedule says so, and never between.

use chrono::TimeDelta;
use kernel::TenantId;
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{App, Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;

use super::dto::{ExperimentDto, ProgressDto};
use super::judge::{Judgement, information, judge, look_at, next_due};
use super::store;
use crate::quality::store::figures;
use crate::statistics::{comparisons_of, insert_comparisons};
use crate::words::{Arm, ExperimentDecision, ExperimentState};

/// What has come in, by side.
pub(super) struct Collected {
    pub control: Vec<f64>,
    pub treatment: Vec<f64>,
    pub recommendations: i64,
}

pub(super) async fn collected(connection: &mut PgConnection, actor: &Actor, experiment: &ExperimentDto) -> Result<Collected> {
    let sides = store::sides(connection, actor.tenant(), experiment.experiment_id, experiment.metric_name).await?;
    let mut found = Collected { control: Vec::new(), treatment: Vec::new(), recommendations: 0 };
    for side in sides {
        found.recommendations += side.recommendations;
        match side.arm {
            Arm::Control => found.control = side.values,
            Arm::Treatment => found.treatment = side.values,
        }
    }
    Ok(found)
}

/// Whether the next look is due at a share of the information, and whether it is the last.
pub(super) struct Due {
    pub share: f64,
    pub at: f64,
    pub is_due: bool,
    pub is_last: bool,
}

pub(super) fn due(actor: &Actor, experiment: &ExperimentDto, found: &Collected) -> Due {
    let rule = experiment.rule();
    let share = information(&rule, found.control.len(), found.treatment.len());
    let ends = experiment.started_at.map(|started| started + TimeDelta::days(experiment.max_days.into()));
    let is_over = ends.is_some_and(|ends| ends <= actor.env.now());
    let at = next_due(&rule, &experiment.looked_shares).min(1.0);
    Due { share, at, is_due: is_over || share + 1e-9 >= at, is_last: is_over || share >= 1.0 }
}

pub(super) async fn progress(connection: &mut PgConnection, actor: &Actor, experiment: ExperimentDto) -> Result<ProgressDto> {
    let found = collected(connection, actor, &experiment).await?;
    let due = due(actor, &experiment, &found);
    let is_running = experiment.state == ExperimentState::Running;
    Ok(ProgressDto {
        control_version: experiment.version_for(Arm::Control),
        treatment_version: experiment.version_for(Arm::Treatment),
        control_units: found.control.len() as i64,
        treatment_units: found.treatment.len() as i64,
        recommendations: found.recommendations,
        information_share: due.share,
        next_look_at: is_running.then_some(due.at),
        is_look_due: is_running && due.is_due,
        looks: comparisons_of(connection, actor.tenant(), experiment.experiment_id).await?,
        experiment,
    })
}

/// Looks when it is due, and ends the experiment when its rule says so. The row is locked; nothing when it is not due.
pub(super) async fn look(tx: &mut Tx, actor: &Actor, before: &ExperimentDto) -> Result<Option<ExperimentDto>> {
    let found = collected(tx, actor, before).await?;
    let due = due(actor, before, &found);
    if !due.is_due {
        return Ok(None);
    }
    let (rule, looked, Collected { control, treatment, .. }) = (before.rule(), before.looked_shares.clone(), found);
    let (share, is_last) = (due.share, due.is_last);
    let work = move || {
        let look = look_at(&rule, &looked, share, is_last)?;
        Ok::<_, optimization::statistics::Error>(judge(&rule, look, looked.len() + 1, is_last, &control, &treatment))
    };
    let judged = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
    let judged = judged.map_err(|error| Error::conflict(format!("the experiment cannot be judged: {error}")))?;
    let after = ended(actor, before, &judged);
    store_look(tx, actor, before, &after, judged).await?;
    Ok(Some(after))
}

fn ended(actor: &Actor, before: &ExperimentDto, judged: &Judgement) -> ExperimentDto {
    let mut after = before.clone();
    after.version += 1;
    after.looked_shares.push(judged.look.share);
    if judged.decision != ExperimentDecision::Continue {
        after.state = ExperimentState::Decided;
        after.decision = Some(judged.decision);
        after.ended_at = Some(actor.env.now());
    }
    after.decision_reason.clone_from(&judged.reason);
    after
}

async fn store_look(tx: &mut Tx, actor: &Actor, before: &ExperimentDto, after: &ExperimentDto, judged: Judgement) -> Result<()> {
    let mut tests = judged.tests;
    for test in &mut tests {
        test.test_id = actor.env.new_id().to_string();
        test.experiment.clone_from(&before.code);
        test.control_version = before.version_for(Arm::Control);
        test.treatment_version = before.version_for(Arm::Treatment);
    }
    let now = actor.env.now();
    let period = (before.started_at.unwrap_or(now), now);
    insert_comparisons(tx, actor.tenant(), None, Some(before.experiment_id), period, &tests).await?;
    store::update(tx, actor.tenant(), after).await?;
    tx.audit(actor, audit::Entry::new("experiment.look", "experiment", after.experiment_id).before(before).after(after));
    announce(tx, actor, after);
    Ok(())
}

pub(super) fn announce(tx: &mut Tx, actor: &Actor, after: &ExperimentDto) {
    let payload = json!({ "kind": "experiment", "state": after.state });
    tx.publish(actor, Event::new("warehouse.statistics.changed", after.experiment_id, payload));
}

/// By the clock: every running experiment of every tenant, each in a transaction of its own.
pub async fn run(app: &App) -> Result<String> {
    if !app.config.statistical_analysis_enabled {
        return Ok("switched off by STATISTICAL_ANALYSIS_ENABLED".into());
    }
    let tenants = app.db.without_tenant(async |connection| figures::tenants(connection).await).await?;
    let (mut looked, mut decided) = (0, 0);
    for tenant in &tenants {
        let tenant: TenantId = tenant.parse().map_err(Error::from)?;
        let actor = Actor::system(tenant.clone(), app.env.clone(), "experiments");
        let running = app.db.read(&tenant, async |connection| store::running(connection, &tenant).await).await?;
        for experiment in running {
            let mut tx = app.db.begin(&tenant).await?;
            let locked = store::lock(&mut tx, &tenant, experiment.experiment_id).await?;
            let Some(experiment) = locked.filter(|one| one.state == ExperimentState::Running) else { continue };
            if let Some(after) = look(&mut tx, &actor, &experiment).await? {
                (looked, decided) = (looked + 1, decided + i32::from(after.state == ExperimentState::Decided));
                tx.commit().await?;
            }
        }
    }
    Ok(format!("{looked} looks, {decided} decided"))
}
