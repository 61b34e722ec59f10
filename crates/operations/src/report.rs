//! The block of text that `entrepot health` prints, line for line as the on-call documents show it.

use std::fmt::Write as _;

use crate::model::State;

/// What was measured from outside for the eight checks; `None` where nothing could be measured.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Measured {
    pub database: State,
    pub query_ms: Option<f64>,
    pub graphql: State,
    /// What the server says of the optimisation; only with a token.
    pub optimization: Option<Optimization>,
    /// Why the server did not say it although there is a token.
    pub refused: Option<String>,
}

/// From `/api/wms/optimization/health`. Its states already know what is switched off.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Optimization {
    pub state: State,
    pub cache_age_minutes: Option<f64>,
    pub model_accuracy_percent: Option<f64>,
    pub decided_30d: u64,
    pub query_ms: Option<f64>,
    pub refresh_job_configured: bool,
    pub capacity_failures_24h: u64,
    pub statistical_metrics_7d: u64,
    /// Settings that are off.
    pub switched_off: Vec<String>,
    /// What is not well, in the server's own words.
    pub complaints: Vec<String>,
}

impl Optimization {
    fn is_off(&self, setting: &str) -> bool {
        self.switched_off.iter().any(|one| one == setting)
    }
}

impl Measured {
    pub fn overall(&self) -> State {
        let silent = if self.refused.is_some() { State::Down } else { State::Up };
        let optimization = self.optimization.as_ref().map_or(silent, |optimization| optimization.state);
        self.database.max(query_state(self.query_ms)).max(self.graphql).max(optimization)
    }

    /// Exit code of `entrepot health`: 0 healthy, 1 degraded, 2 unhealthy.
    pub fn exit_code(&self) -> u8 {
        self.overall() as u8
    }
}

fn query_state(ms: Option<f64>) -> State {
    match ms {
        Some(ms) if ms < 100.0 => State::Up,
        Some(ms) if ms < 500.0 => State::Degraded,
        _ => State::Down,
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

const NO_TOKEN: &str = "not asked, give a token with --token or ENTREPOT_TOKEN";

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
    line(String::new());
    let optimization = measured.optimization.as_ref();
    let silence = measured.refused.as_deref().unwrap_or(NO_TOKEN);
    let asked = |subject: &str, told: &dyn Fn(&Optimization) -> String| {
        optimization.map_or_else(|| format!("  - {subject}: {silence}"), told)
    };
    line("[CHECK] Database Connection...".into());
    line(format!("  {} Database connection: {}", mark(measured.database), word(measured.database)));
    line("[CHECK] Cache Freshness...".into());
    line(asked("Cache age", &|found| cache(found.cache_age_minutes)));
    line("[CHECK] ML Model Accuracy...".into());
    line(asked("ML accuracy", &model));
    line("[CHECK] Query Performance...".into());
    line(query(measured.query_ms));
    line("[CHECK] pg_cron Jobs...".into());
    line(asked("pg_cron job", &|found| {
        if found.refresh_job_configured {
            "  ✓ pg_cron job: CONFIGURED".into()
        } else {
            "  ✗ pg_cron job: NOT CONFIGURED".into()
        }
    }));
    line("[CHECK] GraphQL Endpoint...".into());
    line(format!("  {} GraphQL endpoint: {}", mark(measured.graphql), word(measured.graphql)));
    line("[CHECK] Data Quality Monitoring...".into());
    line(asked("Capacity failures (24h)", &failures));
    line("[CHECK] Statistical Analysis Framework...".into());
    line(asked("Statistical metrics (7d)", &statistics));
    for complaint in optimization.map(|found| found.complaints.as_slice()).unwrap_or_default() {
        line(format!("  ! {complaint}"));
    }
    out
}

fn cache(age_minutes: Option<f64>) -> String {
    match age_minutes {
        Some(age) if age < 15.0 => "  ✓ Cache age: < 15 minutes (HEALTHY)".into(),
        Some(age) if age < 30.0 => format!("  ! Cache age: {age:.0} minutes (DEGRADED)"),
        Some(age) => format!("  ✗ Cache age: {age:.0} minutes (UNHEALTHY)"),
        None => "  - Cache age: nothing is cached yet".into(),
    }
}

fn model(found: &Optimization) -> String {
    if found.is_off("ML_MODEL_ENABLED") {
        return "  - ML accuracy: switched off, the rule score stands (DISABLED)".into();
    }
    match found.model_accuracy_percent {
        Some(percent) if percent > 80.0 => "  ✓ ML accuracy: >80% (HEALTHY)".into(),
        Some(percent) if percent > 70.0 => format!("  ! ML accuracy: {percent:.1}% (DEGRADED)"),
        Some(percent) => format!("  ✗ ML accuracy: {percent:.1}% (UNHEALTHY)"),
        None => format!("  - ML accuracy: no model yet, {} of 100 decisions (COLLECTING)", found.decided_30d),
    }
}

fn query(ms: Option<f64>) -> String {
    match (query_state(ms), ms) {
        (State::Up, _) => "  ✓ Query performance: <100ms (HEALTHY)".into(),
        (_, None) => "  ✗ Query performance: no answer (UNHEALTHY)".into(),
        (state, Some(ms)) => format!("  {} Query performance: {ms:.0}ms ({})", mark(state), word(state)),
    }
}

fn failures(found: &Optimization) -> String {
    match found.capacity_failures_24h {
        _ if found.is_off("DATA_QUALITY_MONITORING_ENABLED") => "  - Capacity failures (24h): switched off (DISABLED)".into(),
        0 => "  ✓ Capacity failures (24h): 0 (HEALTHY)".into(),
        count => format!("  ! Capacity failures (24h): {count} (DEGRADED)"),
    }
}

fn statistics(found: &Optimization) -> String {
    if found.is_off("STATISTICAL_ANALYSIS_ENABLED") {
        return "  - Statistical metrics (7d): switched off (DISABLED)".into();
    }
    format!("  ✓ Statistical metrics (7d): {} (COLLECTING)", found.statistical_metrics_7d)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Measured {
        let optimization = Optimization {
            state: State::Up,
            cache_age_minutes: Some(4.0),
            model_accuracy_percent: Some(91.0),
            decided_30d: 900,
            query_ms: Some(2.0),
            refresh_job_configured: true,
            capacity_failures_24h: 0,
            statistical_metrics_7d: 12,
            switched_off: Vec::new(),
            complaints: Vec::new(),
        };
        Measured { database: State::Up, query_ms: Some(3.0), graphql: State::Up, optimization: Some(optimization), refused: None }
    }

    fn with(change: impl FnOnce(&mut Optimization)) -> String {
        let mut measured = healthy();
        change(measured.optimization.as_mut().unwrap());
        text(&measured)
    }

    // C285 C286 C287 C288 C289 C290 C291 C292 C293
    #[test]
    fn a_healthy_system_prints_the_documented_block() {
        let rule = "═".repeat(60);
        let expected = format!(
            "╔{rule}╗\n║  Overall Status: HEALTHY\n╚{rule}╝\n\n\
             [CHECK] Database Connection...\n  ✓ Database connection: HEALTHY\n\
             [CHECK] Cache Freshness...\n  ✓ Cache age: < 15 minutes (HEALTHY)\n\
             [CHECK] ML Model Accuracy...\n  ✓ ML accuracy: >80% (HEALTHY)\n\
             [CHECK] Query Performance...\n  ✓ Query performance: <100ms (HEALTHY)\n\
             [CHECK] pg_cron Jobs...\n  ✓ pg_cron job: CONFIGURED\n\
             [CHECK] GraphQL Endpoint...\n  ✓ GraphQL endpoint: HEALTHY\n\
             [CHECK] Data Quality Monitoring...\n  ✓ Capacity failures (24h): 0 (HEALTHY)\n\
             [CHECK] Statistical Analysis Framework...\n  ✓ Statistical metrics (7d): 12 (COLLECTING)\n"
        );
        assert_eq!(text(&healthy()), expected);
    }

    #[test]
    fn what_is_not_true_is_not_printed() {
        assert!(with(|found| found.cache_age_minutes = Some(15.0)).contains("  ! Cache age: 15 minutes (DEGRADED)\n"));
        assert!(with(|found| found.model_accuracy_percent = Some(80.0)).contains("  ! ML accuracy: 80.0% (DEGRADED)\n"));
        let none = with(|found| found.model_accuracy_percent = None);
        assert!(!none.contains(">80%"), "a model that does not exist is not accurate");
        assert!(with(|found| found.capacity_failures_24h = 3).contains("  ! Capacity failures (24h): 3 (DEGRADED)\n"));
        assert!(with(|found| found.refresh_job_configured = false).contains("NOT CONFIGURED"));
        assert!(with(|found| found.switched_off = vec!["ML_MODEL_ENABLED".into()]).contains("(DISABLED)"));
        let anonymous = text(&Measured { optimization: None, ..healthy() });
        assert_eq!(anonymous.matches("give a token").count(), 5);
        let refused = Measured { optimization: None, refused: Some("the server answered 401".into()), ..healthy() };
        assert_eq!((refused.exit_code(), text(&refused).matches("answered 401").count()), (2, 5));
    }

    #[test]
    fn the_exit_code_follows_the_worst() {
        assert_eq!(healthy().exit_code(), 0);
        assert_eq!(Measured { query_ms: Some(200.0), ..healthy() }.exit_code(), 1);
        assert_eq!(Measured { graphql: State::Down, ..healthy() }.exit_code(), 2);
        let mut poor = healthy();
        poor.optimization.as_mut().unwrap().state = State::Degraded;
        assert_eq!(poor.exit_code(), 1);
    }
}
