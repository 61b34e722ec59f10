use std::time::Instant;

use chrono::{DateTime, Utc};
use kernel::{FacilityId, PageRequest};
use platform::auth::Actor;
use platform::config::Switches;
use platform::graphql::Probe;
use platform::jobs::service as scheduled;
use platform::{App, Result};
use sqlx::PgConnection;

use super::dto::{HealthDto, HealthFiguresDto};
use super::model::{self, Facts, RefreshJob};
use super::store;
use crate::facility::service as facilities;
use crate::quality::store::remediation;
use crate::{REFRESH_JOB, WAREHOUSE_READ};

const REMEDIATIONS: u32 = 5;

/// The eight checks for the caller's organisation, or one facility of it (id or code). A database that does not answer is a finding,
/// not a failure of the report.
pub async fn report(app: &App, actor: &Actor, probe: Option<&Probe>, facility: Option<&str>) -> Result<HealthDto> {
    actor.require(WAREHOUSE_READ)?;
    let switches = app.config.switches();
    let answers = match probe {
        Some(Probe(ask)) => Some(ask().await),
        None => None,
    };
    let read = async |connection: &mut PgConnection| {
        let facility = match facility.map(str::trim).filter(|text| !text.is_empty()) {
            Some(reference) => Some(facilities::find(connection, actor.tenant(), reference).await?.facility_id),
            None => None,
        };
        let mut facts = facts(connection, actor, facility).await?;
        if let Some(figures) = &mut facts.figures {
            figures.graphql_answers = answers;
        }
        let page = PageRequest { limit: Some(REMEDIATIONS), cursor: None };
        let mut recent = remediation::list(connection, actor, None, true, &page).await?;
        recent.truncate(REMEDIATIONS as usize);
        Ok((facts, recent))
    };
    let (facts, recent) = match app.db.read(actor.tenant(), read).await {
        Ok(found) => found,
        Err(error) if error.code.status() < 500 => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "the figures of the optimisation could not be read");
            (Facts::default(), Vec::new())
        }
    };
    Ok(told(actor, &switches, facts, recent))
}

fn told(actor: &Actor, switches: &Switches, facts: Facts, recent: Vec<crate::quality::RemediationDto>) -> HealthDto {
    let checks = model::checks(&facts, switches);
    HealthDto {
        overall_status: model::overall(&checks),
        checks,
        figures: facts.figures.unwrap_or_default(),
        switched_off: switches.off().into_iter().map(str::to_owned).collect(),
        recent_remediations: recent,
        checked_at: actor.env.now(),
    }
}

pub(super) async fn facts(connection: &mut PgConnection, actor: &Actor, facility: Option<FacilityId>) -> Result<Facts> {
    let now = actor.env.now();
    let (mut row, mut query_ms) = timed(connection, actor, facility, now).await?;
    if query_ms >= model::QUERY_MS.0 {
        // The first on a connection also plans; slow is what is slow the second time.
        let (again, second_ms) = timed(connection, actor, facility, now).await?;
        (row, query_ms) = (again, query_ms.min(second_ms));
    }
    let refresh_job = refresh_job(connection, actor).await?;
    let share = |part: f64, whole: i64| (whole > 0).then(|| part / whole as f64);
    let figures = HealthFiguresDto {
        cache_age_minutes: row.cached_at.map(|at| (now - at).as_seconds_f64().max(0.0) / 60.0),
        model_accuracy_percent: row.model_accuracy,
        mean_confidence: share(row.confidence_sum_7d, row.recommendations_7d),
        acceptance_rate_percent: share(row.accepted_7d as f64 * 100.0, row.decided_7d),
        query_ms: Some(query_ms),
        refresh_job_configured: refresh_job == RefreshJob::Configured,
        graphql_answers: None,
        capacity_failures_24h: row.capacity_failures_24h,
        statistical_metrics_7d: row.statistical_metrics_7d,
        recommendations_7d: row.recommendations_7d,
        decided_30d: row.decided_30d,
    };
    Ok(Facts { figures: Some(figures), has_locations: row.has_locations, refresh_job })
}

async fn timed(
    connection: &mut PgConnection,
    actor: &Actor,
    facility: Option<FacilityId>,
    now: DateTime<Utc>,
) -> Result<(store::Row, f64)> {
    let started = Instant::now();
    let row = store::facts(connection, actor.tenant(), facility, now).await?;
    Ok((row, (started.elapsed().as_secs_f64() * 1e6).round() / 1e3))
}

async fn refresh_job(connection: &mut PgConnection, actor: &Actor) -> Result<RefreshJob> {
    let job = scheduled::find(connection, REFRESH_JOB, actor.env.now()).await?;
    Ok(state_of(job.as_ref()))
}

pub(super) fn state_of(job: Option<&platform::jobs::ScheduledJob>) -> RefreshJob {
    match job {
        None => RefreshJob::Missing,
        Some(job) if !job.is_active => RefreshJob::Inactive,
        Some(job) if job.last_succeeded == Some(false) => RefreshJob::Failed,
        Some(_) => RefreshJob::Configured,
    }
}
