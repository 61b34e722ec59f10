//! The block of text that `entrepot health` prints, line for line as the on-call documents show it.

use std::fmt::Write as _;

use crate::model::State;

/// What was measured from outside for the eight checks; `None` where this release has nothing to measure.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Measured {
    pub database: State,
    pub query_ms: Option<f64>,
    pub graphql: State,
    pub capacity_failures_24h: Option<u64>,
    pub cache_age_minutes: Option<f64>,
    pub model_accuracy_percent: Option<f64>,
    pub refresh_job_configured: Option<bool>,
    pub statistical_metrics_7d: Option<u64>,
}

impl Measured {
    pub fn overall(&self) -> State {
        let query = match self.query_ms {
            Some(ms) if ms < 100.0 => State::Up,
            Some(ms) if ms < 500.0 => State::Degraded,
            _ => State::Down,
        };
        self.database.max(query).max(self.graphql)
    }

    /// Exit code of `entrepot health`: 0 healthy, 1 degraded, 2 unhealthy.
    pub fn exit_code(&self) -> u8 {
        self.overall() as u8
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Up => "HEALTHY",
        State::Degraded => "DEGRADED",
        State::Down => "UNHEALTHY",
    }
}

fn mark(state: State) -> char {
    match state {
        State::Up => '✓',
        State::Degraded => '!',
        State::Down => '✗',
    }
}

/// A documented line is printed verbatim only when it is true.
pub fn text(measured: &Measured) -> String {
    let mut out = String::new();
    let rule = "═".repeat(60);
    let mut line = |text: String| {
        writeln!(out, "{text}").expect("writing to a string does not fail");
    };
    line(format!("╔{rule}╗"));
    line(format!("║  Overall Status: {}", word(measured.overall())));
    line(format!("╚{rule}╝"));
    line("[CHECK] Database Connection...".into());
    line(format!("  {} Database connection: {}", mark(measured.database), word(measured.database)));
    line("[CHECK] Cache Freshness...".into());
    line(match measured.cache_age_minutes {
        Some(age) if age < 15.0 => "  ✓ Cache age: < 15 minutes (HEALTHY)".into(),
        Some(age) => format!("  ! Cache age: {age:.0} minutes (DEGRADED)"),
        None => "  - Cache age: not measured, this release has no utilisation cache".into(),
    });
    line("[CHECK] ML Model Accuracy...".into());
    line(match measured.model_accuracy_percent {
        Some(percent) if percent > 80.0 => "  ✓ ML accuracy: >80% (HEALTHY)".into(),
        Some(percent) => format!("  ! ML accuracy: {percent:.1}% (DEGRADED)"),
        None => "  - ML accuracy: not measured, this release has no model".into(),
    });
    line("[CHECK] Query Performance...".into());
    line(match measured.query_ms {
        Some(ms) if ms < 100.0 => "  ✓ Query performance: <100ms (HEALTHY)".into(),
        Some(ms) if ms < 500.0 => format!("  ! Query performance: {ms:.0}ms (DEGRADED)"),
        Some(ms) => format!("  ✗ Query performance: {ms:.0}ms (UNHEALTHY)"),
        None => "  ✗ Query performance: no answer (UNHEALTHY)".into(),
    });
    line("[CHECK] pg_cron Jobs...".into());
    line(match measured.refresh_job_configured {
        Some(true) => "  ✓ pg_cron job: CONFIGURED".into(),
        Some(false) => "  ✗ pg_cron job: MISSING".into(),
        None => "  - pg_cron job: not part of this release; chores run inside the process".into(),
    });
    line("[CHECK] GraphQL Endpoint...".into());
    line(format!("  {} GraphQL endpoint: {}", mark(measured.graphql), word(measured.graphql)));
    line("[CHECK] Data Quality Monitoring...".into());
    line(match measured.capacity_failures_24h {
        Some(0) => "  ✓ Capacity failures (24h): 0 (HEALTHY)".into(),
        Some(count) => format!("  ! Capacity failures (24h): {count}"),
        None => "  - Capacity failures (24h): not asked, give a token with --token or ENTREPOT_TOKEN".into(),
    });
    line("[CHECK] Statistical Analysis Framework...".into());
    line(match measured.statistical_metrics_7d {
        Some(count) => format!("  ✓ Statistical metrics (7d): {count} (COLLECTING)"),
        None => "  - Statistical metrics (7d): not part of this release".into(),
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Measured {
        Measured {
            database: State::Up,
            query_ms: Some(3.0),
            graphql: State::Up,
            capacity_failures_24h: Some(0),
            cache_age_minutes: None,
            model_accuracy_percent: None,
            refresh_job_configured: None,
            statistical_metrics_7d: None,
        }
    }

    #[test]
    fn what_is_true_is_printed_verbatim_and_the_rest_says_so() {
        let text = text(&healthy());
        assert!(text.starts_with(&format!("╔{}╗\n║  Overall Status: HEALTHY\n", "═".repeat(60))));
        assert!(text.contains("[CHECK] Database Connection...\n  ✓ Database connection: HEALTHY\n"));
        assert!(text.contains("  ✓ Query performance: <100ms (HEALTHY)\n"));
        assert!(text.contains("  ✓ Capacity failures (24h): 0 (HEALTHY)\n"));
        assert!(!text.contains("ML accuracy: >80%"), "a model that does not exist is not accurate");
    }

    #[test]
    fn the_exit_code_follows_the_worst() {
        assert_eq!(healthy().exit_code(), 0);
        assert_eq!(Measured { query_ms: Some(200.0), ..healthy() }.exit_code(), 1);
        assert_eq!(Measured { graphql: State::Down, ..healthy() }.exit_code(), 2);
    }
}
