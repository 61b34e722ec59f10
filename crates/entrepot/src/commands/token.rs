use std::process::ExitCode;

use clap::Subcommand;
use kernel::TenantId;
use platform::auth::{Actor, Role};
use platform::config::Config;

use crate::connect::Connected;
use crate::wiring;

#[derive(Subcommand)]
pub enum Token {
    /// Make an API token and print it once. The tenant is made when it does not exist yet.
    Create {
        #[arg(long)]
        tenant: TenantId,
        /// VIEWER, STAFF, ADMIN or SUPER_ADMIN.
        #[arg(long)]
        role: Role,
        /// What the token is for.
        #[arg(long, default_value = "command line")]
        name: String,
    },
}

pub async fn run(config: Config, command: Token) -> anyhow::Result<ExitCode> {
    let Token::Create { tenant, role, name } = command;
    let connected = Connected::open(&config, "token").await?;
    let outcome = create(&connected, &config, &tenant, role, &name).await;
    connected.close().await;
    println!("{}", outcome?);
    Ok(ExitCode::SUCCESS)
}

async fn create(connected: &Connected, config: &Config, tenant: &TenantId, role: Role, name: &str) -> anyhow::Result<String> {
    connected.migrations().up().await?;
    let (app, _) = wiring::app(config.clone(), connected)?;
    let actor = Actor::system(tenant.clone(), app.env.clone(), "command line");
    let mut tx = app.db.begin(tenant).await?;
    wiring::ensure_tenant(&mut tx, &actor, tenant, tenant.as_str()).await?;
    let token = wiring::machine_token(&mut tx, &actor, role, name).await?;
    tx.commit().await?;
    Ok(token)
}
