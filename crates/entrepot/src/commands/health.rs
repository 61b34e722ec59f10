use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use operations::State;
use operations::report::{Measured, text};
use serde_json::{Value, json};

#[derive(Args)]
pub struct HealthArgs {
    /// Where the server listens.
    #[arg(long, default_value = "http://127.0.0.1:8081", env = "ENTREPOT_URL")]
    url: String,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// An API token, for the checks that read business data.
    #[arg(long, env = "ENTREPOT_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn run(arguments: HealthArgs) -> anyhow::Result<ExitCode> {
    let measured = measure(&arguments);
    match arguments.format {
        Format::Json => println!("{}", json!({ "status": measured.overall(), "checks": measured })),
        Format::Text => print!("{}", colour(&text(&measured), std::io::stdout().is_terminal())),
    }
    Ok(ExitCode::from(measured.exit_code()))
}

/// Green, yellow and red marks for people; plain text for files and pipes.
fn colour(text: &str, is_terminal: bool) -> String {
    if !is_terminal {
        return text.to_owned();
    }
    text.replace("✓", "\u{1b}[32m✓\u{1b}[0m").replace("✗", "\u{1b}[31m✗\u{1b}[0m").replace("  !", "  \u{1b}[33m!\u{1b}[0m")
}

fn measure(arguments: &HealthArgs) -> Measured {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10))).http_status_as_error(false).build().into();
    let base = arguments.url.trim_end_matches('/');
    let started = Instant::now();
    let database = get(&agent, &format!("{base}/health/database"));
    let query_ms = database.as_ref().map(|_| started.elapsed().as_secs_f64() * 1000.0);
    let is_up = database.is_some_and(|answer| answer["status"] == "UP");
    Measured {
        database: if is_up { State::Up } else { State::Down },
        query_ms,
        graphql: if typename(&agent, base) { State::Up } else { State::Down },
        capacity_failures_24h: arguments.token.as_ref().and_then(|token| capacity_failures(&agent, base, token)),
        cache_age_minutes: None,
        model_accuracy_percent: None,
        refresh_job_configured: None,
        statistical_metrics_7d: None,
    }
}

fn get(agent: &ureq::Agent, url: &str) -> Option<Value> {
    let mut response = agent.get(url).call().ok()?;
    serde_json::from_str(&response.body_mut().read_to_string().ok()?).ok()
}

fn graphql(agent: &ureq::Agent, base: &str, token: Option<&str>, query: &str) -> Option<Value> {
    let mut request = agent.post(format!("{base}/graphql")).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut response = request.send(json!({ "query": query }).to_string()).ok()?;
    serde_json::from_str(&response.body_mut().read_to_string().ok()?).ok()
}

fn typename(agent: &ureq::Agent, base: &str) -> bool {
    graphql(agent, base, None, "{__typename}").is_some_and(|answer| answer["data"]["__typename"].is_string())
}

fn capacity_failures(agent: &ureq::Agent, base: &str, token: &str) -> Option<u64> {
    let answer = graphql(agent, base, Some(token), "{ capacityFailuresLastDay }")?;
    answer["data"]["capacityFailuresLastDay"].as_u64()
}
