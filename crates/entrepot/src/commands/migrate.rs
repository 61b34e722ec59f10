use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use platform::config::Config;
use platform::database::Migrations;

use crate::connect::Connected;

#[derive(Subcommand)]
pub enum Migrate {
    /// Apply what is missing.
    Up,
    /// Undo everything above a version.
    Down {
        /// The version to keep, 0 for none.
        #[arg(long)]
        to: i64,
        /// The tables hold rows that may be destroyed, and that is meant.
        #[arg(long)]
        allow_data_loss: bool,
    },
    /// Which migrations are applied, and when.
    Status,
    /// Prove that the files are those that were applied, and print the schema's fingerprint.
    Verify,
    /// Make an empty pair of files.
    New {
        /// The context and what it does, for instance `inventory_reservations`.
        name: String,
    },
}

pub async fn run(config: Config, command: Migrate) -> anyhow::Result<ExitCode> {
    if let Migrate::New { name } = &command {
        return new_pair(Path::new("migrations"), name);
    }
    let connected = Connected::open(&config, "migrate").await?;
    let outcome = act(&connected.migrations(), command).await;
    connected.close().await;
    outcome
}

async fn act(migrations: &Migrations, command: Migrate) -> anyhow::Result<ExitCode> {
    match command {
        Migrate::Up => println!("{} migrations applied", migrations.up().await?),
        Migrate::Down { to, allow_data_loss } => println!("{} migrations undone", migrations.down(to, allow_data_loss).await?),
        Migrate::Status => {
            for one in migrations.status().await? {
                let applied =
                    one.applied_at.map_or_else(|| "pending".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string());
                println!(
                    "{:04}  {:<32} {applied}{}",
                    one.version,
                    one.description,
                    if one.changed { "  CHANGED SINCE" } else { "" }
                );
            }
        }
        Migrate::Verify => return verify(migrations).await,
        Migrate::New { .. } => unreachable!("needs no database"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(migrations: &Migrations) -> anyhow::Result<ExitCode> {
    let status = migrations.status().await?;
    let changed: Vec<_> = status.iter().filter(|one| one.changed).map(|one| one.version.to_string()).collect();
    let pending = status.iter().filter(|one| one.applied_at.is_none()).count();
    println!("fingerprint {}", migrations.fingerprint().await?);
    println!("{} applied, {pending} pending", status.len() - pending);
    if !changed.is_empty() {
        println!("changed after they had been applied: {}", changed.join(", "));
    }
    Ok(if changed.is_empty() && pending == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn new_pair(folder: &Path, name: &str) -> anyhow::Result<ExitCode> {
    let sensible = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !sensible {
        bail!("name: must be of a-z, 0-9 and _, beginning with the context, for instance inventory_reservations");
    }
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} is not here; run this in the checkout", folder.display()))?;
    let last = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.get(..4)?.parse::<u32>().ok()).max().unwrap_or(0);
    for (direction, first_line) in [("up", "-- expand\n"), ("down", "-- undoes the up file of the same name\n")] {
        let path = folder.join(format!("{:04}_{name}.{direction}.sql", last + 1));
        std::fs::write(&path, first_line)?;
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
