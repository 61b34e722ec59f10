use std::process::{Command, ExitCode};

use anyhow::Context as _;
use platform::config::Config;

use crate::connect::Connected;

/// Connects psql as the owner role, which sees all tenants.
pub async fn run(config: Config, arguments: &[String]) -> anyhow::Result<ExitCode> {
    let connected = Connected::open(&config, "psql").await?;
    let mut command = Command::new(connected.psql());
    for (name, value) in connected.psql_environment(&config) {
        command.env(name, value);
    }
    command.args(arguments);
    // psql has the terminal; the interrupt key belongs to it.
    let status = tokio::task::spawn_blocking(move || command.status()).await?;
    connected.close().await;
    let status = status.context("psql is not installed; apt-get install postgresql-client")?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}
