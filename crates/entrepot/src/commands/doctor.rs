use std::process::ExitCode;

use operations::State;
use operations::doctor::{self, Finding};
use platform::config::Config;

use crate::connect::Connected;

pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let mut findings = doctor::examine_host(&config);
    findings.push(database(&config).await);
    for finding in &findings {
        let mark = match finding.state {
            State::Up => "ok  ",
            State::Degraded => "look",
            State::Down => "MEND",
        };
        println!("{mark} {:<15} {}", finding.subject, finding.message);
    }
    let bad = findings.iter().any(|finding| finding.state == State::Down);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn database(config: &Config) -> Finding {
    let finding = |state, message| Finding { subject: "database", state, message };
    let connected = match Connected::open(config, "doctor").await {
        Ok(connected) => connected,
        Err(error) => return finding(State::Down, format!("{error:#}")),
    };
    let looked = look(&connected).await;
    connected.close().await;
    match looked {
        Ok((version, 0)) => finding(State::Up, format!("PostgreSQL {version}, schema current")),
        Ok((version, pending)) => {
            finding(State::Degraded, format!("PostgreSQL {version}, {pending} migrations pending: run `entrepot migrate up`"))
        }
        Err(error) => finding(State::Down, format!("{error:#}")),
    }
}

async fn look(connected: &Connected) -> anyhow::Result<(String, usize)> {
    let migrations = connected.migrations();
    let pending = migrations.pending().await?;
    let mut connection = migrations.connect().await?;
    let version: String = sqlx::query_scalar("SELECT current_setting('server_version')").fetch_one(&mut connection).await?;
    Ok((version, pending))
}
