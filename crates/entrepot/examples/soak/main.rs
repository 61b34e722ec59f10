//! `make soak`: every fault that Entrepot promises to survive, in its long form. Exit code 1 when a promise was broken.

#[path = "../../tests/it/binary.rs"]
#[expect(dead_code, reason = "the tests use all of it, the soak only a part")]
mod binary;
mod fault;
#[path = "../../tests/it/harness.rs"]
#[expect(dead_code, reason = "the tests use all of it, the soak only a part")]
mod harness;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use fault::kills::{KILLS, Plan, Victim};
use fault::{Report, clock, cuts, disk, kills, pool, slow};

const PARTS: [&str; 7] = ["kills", "cuts", "restarts", "disk", "clock", "slow", "pool"];

/// Faults against the real binary with its real PostgreSQL: about ten minutes in all.
#[derive(Parser)]
struct Arguments {
    /// Only these parts: kills, cuts, restarts, disk, clock, slow, pool.
    #[arg(long, value_delimiter = ',', value_parser = PARTS)]
    only: Vec<String>,
    /// How many kills, and how many cut connections.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    points: u32,
    /// Kills end after so many minutes even when points are left.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    minutes: u64,
    /// Writers at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=500))]
    writers: u16,
    /// The same seed strikes in the same order; the machine decides the rest.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let work = async {
        let (mut reports, started) = (Vec::new(), Instant::now());
        for part in PARTS {
            if arguments.only.is_empty() || arguments.only.iter().any(|only| only == part) {
                println!("{part}: begins after {} s, seed {}", started.elapsed().as_secs(), arguments.seed);
                let report = run(part, &arguments).await;
                report.print();
                reports.push(report);
            }
        }
        println!("\n{:=<78}", "");
        reports.iter().for_each(Report::print);
        println!("\n{} s in all", started.elapsed().as_secs());
        reports.iter().all(Report::is_sound)
    };
    tokio::select! {
        sound = work => if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE },
        // What was started ends with its owners, which are dropped here.
        _ = tokio::signal::ctrl_c() => ExitCode::from(130),
    }
}

async fn run(part: &str, arguments: &Arguments) -> Report {
    let (writers, seed) = (usize::from(arguments.writers), arguments.seed);
    let limit = Duration::from_secs(60 * arguments.minutes);
    let (kills, restarts) =
        (Plan { part: "kills", points: arguments.points, writers, seed, victims: &KILLS, limit }, &[Victim::Restart]);
    match part {
        "kills" => kills::run(&kills).await,
        "restarts" => kills::run(&Plan { part: "restarts", points: 8, victims: restarts, ..kills }).await,
        "cuts" => cuts::run(arguments.points + 1).await,
        "disk" => disk::run(writers, 3).await,
        "clock" => clock::run(writers, Duration::from_secs(5)).await,
        "slow" => {
            slow::run(&slow::Plan { clients: 1000, lasts: Duration::from_secs(75), client_timeout_seconds: 30, target_ms: 100.0 })
                .await
        }
        _ => pool::run(Duration::from_secs(15), 100.0).await,
    }
}
