use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;
use platform::config::Config;

use crate::connect::Connected;

pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let connected = Connected::open(&config, "check").await?;
    let outcome = prove(&connected).await;
    connected.close().await;
    outcome
}

async fn prove(connected: &Connected) -> anyhow::Result<ExitCode> {
    let migrations = connected.migrations();
    match migrations.pending().await? {
        0 => {}
        pending => bail!("{pending} migrations are pending; run `entrepot migrate up` first"),
    }
    let mut connection = migrations.connect().await?;
    let mut progress = Progress::new();
    let mut invariants = inventory::check_telling(&mut connection, &mut |now| progress.tell(now)).await?;
    progress.end();
    invariants.extend(warehouse::check(&mut connection).await?);
    let mut sound = true;
    for invariant in &invariants {
        let mark = if invariant.violations == 0 { "ok  " } else { "FAIL" };
        println!("{mark} {:<44} {:>12} checked, {} broken", invariant.name, invariant.checked, invariant.violations);
        for example in &invariant.examples {
            println!("       {example}");
        }
        sound &= invariant.violations == 0;
    }
    println!("{}", if sound { "every invariant holds" } else { "at least one invariant is broken" });
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How often a line says how far it is, where no terminal shows it all the time.
const EVERY: Duration = Duration::from_secs(3);

/// Tells on the error output how far the check is; quick ones say nothing.
struct Progress {
    started: Instant,
    last: Instant,
    is_terminal: bool,
}

impl Progress {
    fn new() -> Self {
        Self { started: Instant::now(), last: Instant::now(), is_terminal: std::io::stderr().is_terminal() }
    }

    fn tell(&mut self, now: inventory::CheckProgress) {
        let seconds = self.started.elapsed().as_secs();
        if self.is_terminal {
            eprint!("\r{:>3.0} % read, {} movements, {seconds} s ", now.percent, now.movements);
        } else if self.last.elapsed() >= EVERY {
            self.last = Instant::now();
            eprintln!("{:>3.0} % read, {} movements, {seconds} s", now.percent, now.movements);
        }
    }

    fn end(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[2K");
        }
    }
}
