use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use operations::State;
use operations::report::{Measured, Optimization, text};
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
    let told = arguments.token.as_ref().map(|token| optimization(&agent, base, token));
    let (optimization, refused) = match told {
        Some(Ok(found)) => (Some(found), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    Measured {
        database: if is_up { State::Up } else { State::Down },
        query_ms,
        graphql: if typename(&agent, base) { State::Up } else { State::Down },
        optimization,
        refused,
    }
}

fn optimization(agent: &ureq::Agent, base: &str, token: &str) -> Result<Optimization, String> {
    let request = agent.get(format!("{base}/api/wms/optimization/health")).header("authorization", format!("Bearer {token}"));
    let mut response = request.call().map_err(|_| "the server did not answer".to_owned())?;
    let status = response.status().as_u16();
    let answer: Value =
        response.body_mut().read_to_string().ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null);
    let state = match answer["overall_status"].as_str() {
        Some("HEALTHY") => State::Up,
        Some("DEGRADED") => State::Degraded,
        Some(_) => State::Down,
        None => return Err(format!("the server answered {status}; is the token right?")),
    };
    let figures = &answer["figures"];
    let texts = |list: &Value| list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let unwell = |check: &&Value| matches!(check["status"].as_str(), Some("DEGRADED" | "UNHEALTHY"));
    let complaint = |check: &Value| Some(format!("{}: {}", check["name"].as_str()?, check["message"].as_str()?));
    Ok(Optimization {
        state,
        cache_age_minutes: figures["cache_age_minutes"].as_f64(),
        model_accuracy_percent: figures["model_accuracy_percent"].as_f64(),
        decided_30d: figures["decided_30d"].as_u64().unwrap_or(0),
        query_ms: figures["query_ms"].as_f64(),
        refresh_job_configured: figures["refresh_job_configured"].as_bool().unwrap_or(false),
        capacity_failures_24h: figures["capacity_failures_24h"].as_u64().unwrap_or(0),
        statistical_metrics_7d: figures["statistical_metrics_7d"].as_u64().unwrap_or(0),
        switched_off: texts(&answer["switched_off"]),
        complaints: answer["checks"].as_array().into_iter().flatten().filter(unwell).filter_map(complaint).collect(),
    })
}

fn get(agent: &ureq::Agent, url: &str) -> Option<Value> {
    let mut response = agent.get(url).call().ok()?;
    serde_json::from_str(&response.body_mut().read_to_string().ok()?).ok()
}

fn typename(agent: &ureq::Agent, base: &str) -> bool {
    let request = agent.post(format!("{base}/graphql")).header("content-type", "application/json");
    let answer = request.send(json!({ "query": "{__typename}" }).to_string()).ok();
    let text = answer.and_then(|mut answer| answer.body_mut().read_to_string().ok());
    let answer: Option<Value> = text.and_then(|text| serde_json::from_str(&text).ok());
    answer.is_some_and(|answer| answer["data"]["__typename"].is_string())
}
