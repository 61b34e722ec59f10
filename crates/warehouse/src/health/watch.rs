//! What is done without being asked, each minute: a stale cache is refreshed, a model that foresees too little is trained anew. Each is
//! written down with the figures before and after.

use chrono::TimeDelta;
use kernel::TenantId;
use platform::auth::Actor;
use platform::{App, Error, Result};
use serde_json::json;

use super::dto::HealthFiguresDto;
use super::model::{ACCURACY_PERCENT, CACHE_MINUTES, Facts};
use super::{metrics, service};
use crate::learning;
use crate::quality::store::{figures, remediation};
use crate::quality::{NewRemediation, log_remediation};
use crate::utilization::refresh_now;
use crate::words::TrainingCause;

const CACHE_REFRESHED: &str = "CACHE_REFRESHED";
const TRAINING_SCHEDULED: &str = "TRAINING_SCHEDULED";

pub(super) async fn run(app: &App) -> Result<String> {
    let tenants = app.db.without_tenant(async |connection| figures::tenants(connection).await).await?;
    let tenants: Vec<TenantId> = tenants.iter().map(|tenant| tenant.parse().map_err(Error::from)).collect::<Result<_>>()?;
    let mut stale = Vec::new();
    let mut done = 0;
    for tenant in &tenants {
        let actor = Actor::system(tenant.clone(), app.env.clone(), "health watch");
        let facts = app.db.read(tenant, async |connection| service::facts(connection, &actor, None).await).await?;
        if is_stale(&facts) {
            stale.push((actor.clone(), facts.figures.clone().unwrap_or_default()));
        }
        done += u32::from(app.config.ml_model_enabled && train_if_poor(app, &actor, &facts).await?);
    }
    if !stale.is_empty() {
        done += refresh(app, stale).await?;
    }
    metrics::collect(app.clone()).await;
    Ok(format!("{} organisations looked at, {done} remediations", tenants.len()))
}

fn is_stale(facts: &Facts) -> bool {
    let age = facts.figures.as_ref().and_then(|figures| figures.cache_age_minutes);
    facts.has_locations && age.is_none_or(|minutes| minutes >= CACHE_MINUTES.0)
}

/// The cache is one for all; each organisation hears of its own.
async fn refresh(app: &App, stale: Vec<(Actor, HealthFiguresDto)>) -> Result<u32> {
    let refreshed = app.db.without_tenant(async |connection| refresh_now(connection).await).await;
    let message = match &refreshed {
        Ok(true) => "the utilisation cache was refreshed".to_owned(),
        Ok(false) => "somebody else was refreshing the utilisation cache already".to_owned(),
        Err(error) => format!("the utilisation cache could not be refreshed: {error}"),
    };
    let mut logged = 0;
    for (actor, before) in stale {
        let mut tx = app.db.begin(actor.tenant()).await?;
        let last = remediation::last_at(&mut tx, &actor, CACHE_REFRESHED).await?;
        // What goes wrong each minute need not be told each minute.
        if refreshed.is_err() && last.is_some_and(|at| actor.env.now() - at < TimeDelta::minutes(15)) {
            continue;
        }
        let after = service::facts(&mut tx, &actor, None).await?;
        let age = after.figures.as_ref().and_then(|figures| figures.cache_age_minutes);
        let done = NewRemediation {
            facility: None,
            action: CACHE_REFRESHED,
            is_automatic: true,
            subject: "utilisation cache",
            subject_id: String::new(),
            before: json!({ "cache_age_minutes": before.cache_age_minutes }),
            after: json!({ "cache_age_minutes": age }),
            succeeded: !is_stale(&after),
            message: message.clone(),
        };
        log_remediation(&mut tx, &actor, done).await?;
        tx.commit().await?;
        logged += 1;
    }
    Ok(logged)
}

/// At most once a day: a training that did not help will not help an hour later either.
async fn train_if_poor(app: &App, actor: &Actor, facts: &Facts) -> Result<bool> {
    let accuracy = facts.figures.as_ref().and_then(|figures| figures.model_accuracy_percent);
    let Some(accuracy) = accuracy.filter(|percent| *percent <= ACCURACY_PERCENT.0) else { return Ok(false) };
    let mut tx = app.db.begin(actor.tenant()).await?;
    let last = remediation::last_at(&mut tx, actor, TRAINING_SCHEDULED).await?;
    if last.is_some_and(|at| actor.env.now() - at < TimeDelta::days(1)) {
        return Ok(false);
    }
    let training = learning::request(&mut tx, actor, TrainingCause::PoorAccuracy).await?;
    let done = NewRemediation {
        facility: None,
        action: TRAINING_SCHEDULED,
        is_automatic: true,
        subject: "acceptance model",
        subject_id: String::new(),
        before: json!({ "model_accuracy_percent": accuracy }),
        after: json!({ "training_id": training }),
        succeeded: true,
        message: "training was asked for".to_owned(),
    };
    log_remediation(&mut tx, actor, done).await?;
    tx.commit().await?;
    Ok(true)
}
