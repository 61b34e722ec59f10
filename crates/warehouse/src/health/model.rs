//! The rules: which figure means which state. No clock and no database.

use platform::config::Switches;

use super::dto::{HealthCheckDto, HealthFiguresDto};
use crate::words::HealthStatus;

pub(super) const CACHE_MINUTES: (f64, f64) = (15.0, 30.0);
pub(super) const ACCURACY_PERCENT: (f64, f64) = (80.0, 70.0);
const CONFIDENCE: (f64, f64) = (0.75, 0.65);
pub(super) const QUERY_MS: (f64, f64) = (100.0, 500.0);
/// Fewer recommendations say nothing of their mean.
const CONFIDENCE_SAMPLE: i64 = 30;
/// Decisions from which a model is trained.
const DECISIONS: i64 = 100;

/// What was found, as far as it could be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {
    /// `None` when the database did not answer.
    pub figures: Option<HealthFiguresDto>,
    /// There are locations, so there is something to cache.
    pub has_locations: bool,
    pub refresh_job: RefreshJob,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RefreshJob {
    #[default]
    Missing,
    Inactive,
    Failed,
    Configured,
}

/// The worst of the checks; those that are switched off do not count.
pub(super) fn overall(checks: &[HealthCheckDto]) -> HealthStatus {
    let worst = checks.iter().map(|check| check.status).filter(|status| *status != HealthStatus::Disabled).max();
    worst.unwrap_or(HealthStatus::Healthy)
}

pub(super) fn checks(facts: &Facts, switches: &Switches) -> Vec<HealthCheckDto> {
    let unknown = || (HealthStatus::Unhealthy, "unknown: the database did not answer".to_owned());
    let known = |judge: &dyn Fn(&HealthFiguresDto) -> (HealthStatus, String)| facts.figures.as_ref().map_or_else(unknown, judge);
    let database = match &facts.figures {
        Some(_) => (HealthStatus::Healthy, "the primary answers queries".to_owned()),
        None => (HealthStatus::Unhealthy, "the database did not answer".to_owned()),
    };
    let found = [
        ("Database Connection", database),
        ("Cache Freshness", known(&|figures| cache(figures, facts.has_locations))),
        ("ML Model Accuracy", known(&|figures| model(figures, switches))),
        ("Query Performance", known(&query)),
        ("pg_cron Jobs", known(&|_| refresh_job(facts.refresh_job))),
        ("GraphQL Endpoint", graphql(facts.figures.as_ref().and_then(|figures| figures.graphql_answers))),
        ("Data Quality Monitoring", known(&|figures| quality(figures, switches))),
        ("Statistical Analysis Framework", known(&|figures| statistics(figures, switches))),
    ];
    found.map(|(name, (status, message))| HealthCheckDto { name: name.to_owned(), status, message }).to_vec()
}

/// `good` and `bad` are bounds of what is well and of what is still bearable; both belong to the worse side.
fn rising(value: f64, (good, bad): (f64, f64)) -> HealthStatus {
    match value {
        _ if value < good => HealthStatus::Healthy,
        _ if value < bad => HealthStatus::Degraded,
        _ => HealthStatus::Unhealthy,
    }
}

fn falling(value: f64, (good, bad): (f64, f64)) -> HealthStatus {
    rising(-value, (-good, -bad))
}

fn cache(figures: &HealthFiguresDto, has_locations: bool) -> (HealthStatus, String) {
    match figures.cache_age_minutes {
        Some(age) => {
            (rising(age, CACHE_MINUTES), format!("the cache is {age:.1} minutes old; below 15 is well, from 30 on it is not"))
        }
        None if has_locations => {
            (HealthStatus::Degraded, "the cache does not hold these locations yet; it is refreshed within a minute".to_owned())
        }
        None => (HealthStatus::Healthy, "there are no locations to cache".to_owned()),
    }
}

fn model(figures: &HealthFiguresDto, switches: &Switches) -> (HealthStatus, String) {
    let confidence = figures.mean_confidence.filter(|_| figures.recommendations_7d >= CONFIDENCE_SAMPLE);
    let (confident, told) = match confidence {
        Some(mean) => (falling(mean, CONFIDENCE), format!("; mean confidence {mean:.3}")),
        None => (HealthStatus::Healthy, String::new()),
    };
    if !switches.ml_model {
        let status = if confident == HealthStatus::Healthy { HealthStatus::Disabled } else { confident };
        return (status, format!("switched off by ML_MODEL_ENABLED; the rule score stands{told}"));
    }
    match figures.model_accuracy_percent {
        Some(percent) => {
            let message = format!("{percent:.1}% of held-out decisions foreseen; above 80% is well, 70% or less is not{told}");
            (falling(percent, ACCURACY_PERCENT).max(confident), message)
        }
        None => {
            let decided = figures.decided_30d;
            let message = format!("no model yet, {decided} decisions of {DECISIONS} in 30 days; the rule score stands{told}");
            (confident, message)
        }
    }
}

fn query(figures: &HealthFiguresDto) -> (HealthStatus, String) {
    let ms = figures.query_ms.unwrap_or(f64::INFINITY);
    (rising(ms, QUERY_MS), format!("the figures of this report took {ms:.1} ms; below 100 is well, from 500 on it is not"))
}

fn refresh_job(job: RefreshJob) -> (HealthStatus, String) {
    match job {
        RefreshJob::Configured => (HealthStatus::Healthy, format!("{} is scheduled", crate::REFRESH_JOB)),
        RefreshJob::Failed => (HealthStatus::Degraded, format!("{} failed the last time", crate::REFRESH_JOB)),
        RefreshJob::Inactive => {
            (HealthStatus::Degraded, format!("{} is switched off; cron.schedule turns it on again", crate::REFRESH_JOB))
        }
        RefreshJob::Missing => (HealthStatus::Unhealthy, format!("{} is not registered", crate::REFRESH_JOB)),
    }
}

fn graphql(answers: Option<bool>) -> (HealthStatus, String) {
    match answers {
        Some(true) => (HealthStatus::Healthy, "{__typename} is answered".to_owned()),
        Some(false) => (HealthStatus::Unhealthy, "{__typename} is not answered".to_owned()),
        None => (HealthStatus::Disabled, "not asked".to_owned()),
    }
}

fn quality(figures: &HealthFiguresDto, switches: &Switches) -> (HealthStatus, String) {
    let count = figures.capacity_failures_24h;
    if !switches.data_quality_monitoring {
        return (HealthStatus::Disabled, "switched off by DATA_QUALITY_MONITORING_ENABLED: failures are not recorded".to_owned());
    }
    let status = if count == 0 { HealthStatus::Healthy } else { HealthStatus::Degraded };
    (status, format!("{count} capacity failures within 24 hours are not resolved"))
}

/// Collecting is no fault.
fn statistics(figures: &HealthFiguresDto, switches: &Switches) -> (HealthStatus, String) {
    if !switches.statistical_analysis {
        return (HealthStatus::Disabled, "switched off by STATISTICAL_ANALYSIS_ENABLED".to_owned());
    }
    (HealthStatus::Healthy, format!("{} results within 7 days (COLLECTING)", figures.statistical_metrics_7d))
}

#[cfg(test)]
mod tests {
    use platform::config::Config;

    use super::*;

    fn facts() -> Facts {
        let figures = HealthFiguresDto {
            cache_age_minutes: Some(3.0),
            query_ms: Some(2.0),
            refresh_job_configured: true,
            graphql_answers: Some(true),
            ..HealthFiguresDto::default()
        };
        Facts { figures: Some(figures), has_locations: true, refresh_job: RefreshJob::Configured }
    }

    fn judged(change: impl FnOnce(&mut HealthFiguresDto)) -> HealthStatus {
        let mut facts = facts();
        change(facts.figures.as_mut().unwrap());
        overall(&checks(&facts, &Config::default().switches()))
    }

    #[test]
    fn bounds_belong_to_the_worse_side() {
        use HealthStatus::{Degraded, Healthy, Unhealthy};
        assert_eq!(judged(|_| ()), Healthy);
        for (minutes, status) in [(14.9, Healthy), (15.0, Degraded), (29.9, Degraded), (30.0, Unhealthy)] {
            assert_eq!(judged(|figures| figures.cache_age_minutes = Some(minutes)), status, "{minutes}");
        }
        for (percent, status) in [(80.1, Healthy), (80.0, Degraded), (70.1, Degraded), (70.0, Unhealthy)] {
            assert_eq!(judged(|figures| figures.model_accuracy_percent = Some(percent)), status, "{percent}");
        }
        for (ms, status) in [(99.9, Healthy), (100.0, Degraded), (500.0, Unhealthy)] {
            assert_eq!(judged(|figures| figures.query_ms = Some(ms)), status, "{ms}");
        }
        for (mean, sample, status) in [(0.76, 30, Healthy), (0.75, 30, Degraded), (0.65, 30, Unhealthy), (0.1, 29, Healthy)] {
            let change = |figures: &mut HealthFiguresDto| {
                (figures.mean_confidence, figures.recommendations_7d) = (Some(mean), sample);
            };
            assert_eq!(judged(change), status, "{mean} of {sample}");
        }
        assert_eq!(judged(|figures| figures.capacity_failures_24h = 1), Degraded);
        assert_eq!(judged(|figures| figures.graphql_answers = Some(false)), Unhealthy);
    }

    #[test]
    fn what_is_switched_off_does_not_lower_the_whole() {
        let mut switches = Config::default().switches();
        (switches.ml_model, switches.data_quality_monitoring, switches.statistical_analysis) = (false, false, false);
        let mut facts = facts();
        let figures = facts.figures.as_mut().unwrap();
        (figures.model_accuracy_percent, figures.capacity_failures_24h) = (Some(10.0), 9);
        let checks = checks(&facts, &switches);
        assert_eq!(overall(&checks), HealthStatus::Healthy);
        assert_eq!(checks.iter().filter(|check| check.status == HealthStatus::Disabled).count(), 3);
    }

    #[test]
    fn a_database_that_does_not_answer_is_told_eight_times_over() {
        let checks = checks(&Facts::default(), &Config::default().switches());
        assert_eq!((checks.len(), overall(&checks)), (8, HealthStatus::Unhealthy));
        assert!(checks.iter().all(|check| check.status != HealthStatus::Healthy));
    }

    #[test]
    fn an_empty_warehouse_has_nothing_to_cache() {
        let none = |has_locations| {
            let mut facts = Facts { has_locations, ..facts() };
            facts.figures.as_mut().unwrap().cache_age_minutes = None;
            overall(&checks(&facts, &Config::default().switches()))
        };
        assert_eq!((none(false), none(true)), (HealthStatus::Healthy, HealthStatus::Degraded));
    }
}
