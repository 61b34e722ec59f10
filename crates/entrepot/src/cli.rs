//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use platform::config::{Config, Flags};

use crate::{commands, serve};

/// Runs a warehouse: its stock, its receiving and putaway, its health.
#[derive(Parser)]
#[command(name = "entrepot", version, propagate_version = true)]
struct Cli {
    /// Settings file; read when it exists.
    #[arg(long, global = true, default_value = "entrepot.toml")]
    config: PathBuf,
    /// Where the private PostgreSQL lives.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve with a filled demo tenant; prints address, login and an API token.
    Demo(ServeArgs),
    /// Serve.
    Serve(ServeArgs),
    /// Move the schema up and down.
    #[command(subcommand)]
    Migrate(commands::migrate::Migrate),
    /// Load a CSV file.
    Import(commands::import::Import),
    /// API tokens.
    #[command(subcommand)]
    Token(commands::token::Token),
    /// Ask a running server how it is. Exit code 0 healthy, 1 degraded, 2 unhealthy.
    Health(commands::health::HealthArgs),
    /// Find places for goods, from a file alone: needs neither server nor database.
    Putaway(commands::putaway::Putaway),
    /// Prove the ledger's invariants. Exit code 1 when one is broken.
    Check,
    /// psql on the database in use.
    Psql {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Look at host and configuration. Exit code 1 when something must be mended.
    Doctor,
}

#[derive(Args, Clone, Default)]
pub struct ServeArgs {
    /// Address for everybody; may repeat. Default 127.0.0.1:8080.
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// Address for operators: metrics and health details without a token; may repeat. Default 127.0.0.1:8081.
    #[arg(long, value_name = "ADDR")]
    listen_ops: Vec<String>,
}

/// Parses the arguments of the process and does what they say.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("the operating system gives us threads");
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("entrepot: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if let Command::Putaway(command) = &cli.command {
        return commands::putaway::run(command);
    }
    let serve = match &cli.command {
        Command::Demo(arguments) | Command::Serve(arguments) => arguments.clone(),
        _ => ServeArgs::default(),
    };
    let flags = Flags { listen: serve.listen, listen_ops: serve.listen_ops, data_dir: cli.data_dir };
    let config = Config::load(&cli.config, &flags)?;
    platform::telemetry::init_logging(&config)?;
    match cli.command {
        Command::Demo(_) => serve::run(config, true).await,
        Command::Serve(_) => serve::run(config, false).await,
        Command::Migrate(command) => commands::migrate::run(config, command).await,
        Command::Import(command) => commands::import::run(config, command).await,
        Command::Token(command) => commands::token::run(config, command).await,
        Command::Health(arguments) => commands::health::run(arguments),
        Command::Putaway(command) => commands::putaway::run(&command),
        Command::Check => commands::check::run(config).await,
        Command::Psql { arguments } => commands::psql::run(config, &arguments).await,
        Command::Doctor => commands::doctor::run(config).await,
    }
}
