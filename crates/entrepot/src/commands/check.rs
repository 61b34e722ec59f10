use std::process::ExitCode;

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
    let mut invariants = inventory::check(&mut connection).await?;
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
