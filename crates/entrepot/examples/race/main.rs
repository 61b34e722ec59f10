//! `make race`: lets hundreds of clients meet at the same goods, on any running Entrepot or on one of its own.
//!
//! Exit code 0 when everything holds, 1 on a violation, 2 when something could not be run.

mod lab;
mod server;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Parser;
use lab::report::Report;
use lab::scenarios::Scenario;
use lab::{Lab, Settings};
use server::OwnServer;

/// Lets many clients meet at the same goods and judges what they were told.
#[derive(Parser)]
#[command(name = "race")]
struct Arguments {
    /// A running Entrepot, for instance http://127.0.0.1:8080. Without it one is started, and checked afterwards.
    #[arg(long)]
    url: Option<String>,
    /// A token of the role ADMIN; the race makes its own facility and items in that token's tenant.
    #[arg(long, env = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Concurrent clients.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(2..=5000))]
    clients: u16,
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rounds: u32,
    /// Requests under way at once; more clients than this wait for a connection.
    #[arg(long, default_value_t = 96, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
    /// Decides what the clients do.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only these scenarios: last-unit, increments, transfers, reservations, expiring, idempotency, mixed, history.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// A scenario ends after the round in which it has taken so many seconds.
    #[arg(long, default_value_t = 600)]
    longest: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("race: could not run: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let scenarios = chosen(&arguments.only)?;
    let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let mut own = None;
    let (url, token) = match (given(&arguments.url), given(&arguments.token)) {
        (Some(url), Some(token)) => (url, token),
        (Some(_), None) => bail!("--url needs a token of that server: --token, or TOKEN in the environment"),
        (None, _) => {
            eprintln!("starting an Entrepot of its own, with a private database that syncs to disk …");
            let server = OwnServer::start()?;
            let target = (server.url.clone(), server.token.clone());
            own = Some(server);
            target
        }
    };
    let settings = Settings {
        clients: arguments.clients.into(),
        rounds: arguments.rounds as usize,
        connections: arguments.connections.into(),
        seed: arguments.seed,
        longest: Duration::from_secs(arguments.longest),
        tell: true,
    };
    let raced = race(&url, &token, settings, &scenarios, own.as_ref()).await;
    if raced.is_err()
        && let Some(server) = &own
    {
        eprintln!("the server's last words:\n{}", server.log());
    }
    let (reports, mut sound) = raced?;
    if let Some(mut server) = own {
        let status = server.stop()?;
        anyhow::ensure!(status.success(), "the server ended with {status}: {}", server.log());
        sound &= told_check(&server, "after the server ended")?;
    } else {
        println!("\nWhether the books of that server close, `entrepot check` tells beside it.");
    }
    Ok(summary(&reports, sound))
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<Scenario>> {
    let known = || Scenario::ALL.map(Scenario::name).join(", ");
    for name in names {
        if !Scenario::ALL.iter().any(|scenario| scenario.name() == name) {
            bail!("--only {name}: there is no such scenario; there are {}", known());
        }
    }
    let is_chosen = |scenario: &Scenario| names.is_empty() || names.iter().any(|name| name == scenario.name());
    Ok(Scenario::ALL.into_iter().filter(is_chosen).collect())
}

/// The reports, and whether `entrepot check` was clean after each scenario.
async fn race(
    url: &str,
    token: &str,
    settings: Settings,
    scenarios: &[Scenario],
    own: Option<&OwnServer>,
) -> anyhow::Result<(Vec<Report>, bool)> {
    let started = Instant::now();
    println!(
        "{} clients on {} connections, {} rounds, seed {}, against {url}",
        settings.clients, settings.connections, settings.rounds, settings.seed
    );
    let lab = Lab::open(url, token, settings).await?;
    println!("everything it makes has codes that begin with {}\n", lab.world.facility);
    let (mut reports, mut sound) = (Vec::new(), true);
    for scenario in scenarios {
        let report = lab.run(*scenario).await?;
        println!("{report}");
        if let Some(server) = own.filter(|_| !report.is_not_run()) {
            sound &= told_check(server, "beside the server")?;
        }
        reports.push(report);
    }
    println!("\nall of it took {:.0} s", started.elapsed().as_secs_f64());
    Ok((reports, sound))
}

/// Runs `entrepot check`; prints one line, or everything when an invariant is broken.
fn told_check(server: &OwnServer, when: &str) -> anyhow::Result<bool> {
    let (sound, text) = server.check()?;
    if sound {
        println!("    entrepot check, {when}: every invariant holds\n");
    } else {
        println!("    entrepot check, {when}: BROKEN\n{text}");
    }
    Ok(sound)
}

fn summary(reports: &[Report], sound: bool) -> ExitCode {
    println!("\nVerdict");
    for report in reports {
        println!("  {}", report.verdict());
    }
    if !sound {
        println!("  entrepot check: at least one invariant is BROKEN");
    }
    if !sound || reports.iter().any(Report::is_violated) {
        return ExitCode::from(1);
    }
    if reports.iter().any(Report::is_not_run) {
        println!("  Not everything could be run; --only chooses what the server has.");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}
