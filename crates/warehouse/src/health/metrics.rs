//! The documents' metrics of the optimisation. Gauges are brought up to date when they are read, and each minute.

use std::time::Instant;

use metrics::{describe_gauge, gauge};
use platform::App;
use platform::jobs::service as scheduled;

use super::dto::HealthFiguresDto;
use super::model::{self, Facts};
use super::{service, store};
use crate::words::HealthStatus;
use crate::{REFRESH_JOB, SUBSYSTEM};

const CACHE_AGE: &str = "bin_utilization_cache_age_seconds";
const ACCURACY: &str = "ml_model_accuracy_percentage";
const ACCEPTANCE: &str = "putaway_acceptance_rate_percentage";
const HEALTH: &str = "bin_optimization_health_status";
/// Whether there is an accuracy to look at. Where there is none the accuracy is NaN, of which no comparison holds: 0 would look like
/// a model that is always wrong.
const TRAINED: &str = "bin_optimization_model_in_use";
const ALL: [&str; 7] =
    [CACHE_AGE, ACCURACY, ACCEPTANCE, HEALTH, TRAINED, "batch_putaway_processing_time_ms", "putaway_recommendations_total"];

pub(crate) fn describe_metrics() {
    describe_gauge!(CACHE_AGE, metrics::Unit::Seconds, "age of the oldest row of the utilisation cache");
    describe_gauge!(
        ACCURACY,
        "accuracy of the poorest acceptance model in use on held-out decisions, 0 to 100; NaN while none is in use"
    );
    describe_gauge!(ACCEPTANCE, "accepted of what was decided within the last seven days, 0 to 100");
    describe_gauge!(HEALTH, "1 healthy, 0.5 degraded, 0 unhealthy");
    describe_gauge!(TRAINED, "1 when an acceptance model is in use");
    for name in [CACHE_AGE, ACCEPTANCE, HEALTH, TRAINED] {
        gauge!(name, SUBSYSTEM.0 => SUBSYSTEM.1).increment(0.0);
    }
    gauge!(ACCURACY, SUBSYSTEM.0 => SUBSYSTEM.1).set(f64::NAN);
}

/// Brings the gauges up to date. A database that does not answer makes the health 0 and leaves the rest as it was.
pub async fn collect(app: App) {
    let set = |name: &'static str, value: f64| gauge!(name, SUBSYSTEM.0 => SUBSYSTEM.1).set(value);
    let now = app.env.now();
    let started = Instant::now();
    let read = async |connection: &mut sqlx::PgConnection| {
        let gauges = store::gauges(connection).await?;
        let query_ms = started.elapsed().as_secs_f64() * 1e3;
        let job = scheduled::find(connection, REFRESH_JOB, now).await?;
        Ok((gauges, query_ms, job))
    };
    let (gauges, query_ms, job) = match app.db.without_tenant(read).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "the gauges of the optimisation could not be read");
            set(HEALTH, 0.0);
            return;
        }
    };
    let age = gauges.cached_at.map(|at| (now - at).as_seconds_f64().max(0.0));
    set(CACHE_AGE, age.unwrap_or(if gauges.is_uncached { f64::INFINITY } else { 0.0 }));
    // Switched off, no model is in use, whatever was measured of it before.
    let accuracy = gauges.worst_accuracy.filter(|_| app.config.ml_model_enabled);
    set(ACCURACY, accuracy.unwrap_or(f64::NAN));
    set(TRAINED, f64::from(u8::from(accuracy.is_some())));
    set(ACCEPTANCE, if gauges.decided > 0 { gauges.accepted as f64 / gauges.decided as f64 * 100.0 } else { 0.0 });
    let refresh_job = service::state_of(job.as_ref());
    let figures = HealthFiguresDto {
        cache_age_minutes: age.map(|seconds| seconds / 60.0),
        model_accuracy_percent: gauges.worst_accuracy,
        mean_confidence: (gauges.recommendations > 0).then(|| gauges.confidence_sum / gauges.recommendations as f64),
        query_ms: Some(query_ms),
        capacity_failures_24h: gauges.capacity_failures,
        recommendations_7d: gauges.recommendations,
        ..HealthFiguresDto::default()
    };
    let facts = Facts { figures: Some(figures), has_locations: gauges.cached_at.is_some() || gauges.is_uncached, refresh_job };
    set(
        HEALTH,
        match model::overall(&model::checks(&facts, &app.config.switches())) {
            HealthStatus::Healthy | HealthStatus::Disabled => 1.0,
            HealthStatus::Degraded => 0.5,
            HealthStatus::Unhealthy => 0.0,
        },
    );
}

/// Those lines of the whole that are about the optimisation.
pub(super) fn subset(text: &str) -> String {
    let is_ours = |line: &&str| {
        let named = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE ")).unwrap_or(line);
        let name = named.split(['{', ' ']).next().unwrap_or_default();
        ALL.iter().any(|ours| {
            let suffix = name.strip_prefix(ours);
            suffix.is_some_and(|suffix| ["", "_bucket", "_sum", "_count"].contains(&suffix))
        })
    };
    text.lines().filter(is_ours).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_metrics_are_left_out() {
        let text = "# HELP bin_optimization_health_status x\n# TYPE bin_optimization_health_status gauge\n\
                    bin_optimization_health_status{subsystem=\"bin_optimization\"} 1\nhttp_server_requests_total 7\n\
                    batch_putaway_processing_time_ms_bucket{le=\"2000\"} 0\nputaway_recommendations_total_extra 1\n";
        let left = subset(text);
        assert_eq!(left.lines().count(), 4);
        assert!(!left.contains("http_server") && !left.contains("extra"));
    }
}
