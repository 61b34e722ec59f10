//! The way to the database: the private server, or the one that DATABASE_URL names.

use std::path::PathBuf;
use std::str::FromStr as _;

use anyhow::Context as _;
use platform::config::Config;
use platform::database::private::{PrivateOptions, PrivateServer};
use platform::database::{Database, Migrations, bootstrap};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The name of the database on the private server.
const DATABASE: &str = "entrepot";

/// An open way to a database that has our roles and extensions.
pub struct Connected {
    /// As whoever may migrate.
    owner: PgConnectOptions,
    /// As whoever serves.
    runtime: PgConnectOptions,
    component: &'static str,
    server: Option<Server>,
}

enum Server {
    /// Kept alive until told to stop.
    Supervised { stop: oneshot::Sender<()>, task: JoinHandle<()>, programs: PathBuf },
    /// Joined, or started for the duration of one command.
    Borrowed(Box<PrivateServer>),
}

impl Connected {
    /// For the long-running process: owns the private server, starts it again when it dies, refuses a second owner.
    pub async fn serve(config: &Config) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            return Self::by_url(url, "app").await;
        }
        let server = PrivateServer::start(private(config)).await?;
        let admin = server.endpoint().options();
        let programs = server.binaries().dir.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let until = async {
                let _ = stopped.await;
            };
            if let Err(error) = server.supervise(until).await {
                tracing::error!(%error, "the private database did not stop in order");
            }
        });
        Self::prepared(admin, "app", Server::Supervised { stop, task, programs }).await
    }

    /// For a command: uses the server of a running Entrepot, else starts it for as long as the command runs.
    pub async fn open(config: &Config, component: &'static str) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            return Self::by_url(url, component).await;
        }
        let server = PrivateServer::join_or_start(private(config)).await?;
        let admin = server.endpoint().options();
        Self::prepared(admin, component, Server::Borrowed(Box::new(server))).await
    }

    async fn prepared(admin: PgConnectOptions, component: &'static str, server: Server) -> anyhow::Result<Self> {
        bootstrap(&admin, DATABASE).await?;
        let as_role = |role: &str| admin.clone().database(DATABASE).username(role);
        let (owner, runtime) = (as_role("wms_application_role"), as_role("wms_runtime"));
        Ok(Self { owner, runtime, component, server: Some(server) })
    }

    async fn by_url(url: &str, component: &'static str) -> anyhow::Result<Self> {
        // The error of the parser would print the URL, and with it the password.
        let options = PgConnectOptions::from_str(url)
            .ok()
            .context("DATABASE_URL: cannot be read; it has the form postgres://user:password@host:5432/database")?;
        let database = options.get_database().context("DATABASE_URL: names no database; append /entrepot")?.to_owned();
        bootstrap(&options, &database).await?;
        Ok(Self { owner: options.clone(), runtime: options, component, server: None })
    }

    /// For tests that brought their own database.
    pub fn to(options: PgConnectOptions) -> Self {
        Self { owner: options.clone(), runtime: options, component: "test", server: None }
    }

    pub fn runtime(&self) -> PgConnectOptions {
        self.runtime.clone()
    }

    pub fn migrations(&self) -> Migrations {
        Migrations::new(Database::configure(self.owner.clone(), self.component))
    }

    /// What psql needs to reach the same database as its owner. In the environment, because arguments are seen by everybody.
    pub fn psql_environment(&self, config: &Config) -> Vec<(&'static str, String)> {
        let owner = &self.owner;
        let host = owner.get_socket().map_or_else(|| owner.get_host().to_owned(), |socket| socket.display().to_string());
        let mut environment = vec![
            ("PGHOST", host),
            ("PGPORT", owner.get_port().to_string()),
            ("PGUSER", owner.get_username().to_owned()),
            ("PGDATABASE", owner.get_database().unwrap_or(DATABASE).to_owned()),
        ];
        let password = config.database_url.as_deref().and_then(password_of);
        environment.extend(password.map(|password| ("PGPASSWORD", password)));
        environment
    }

    /// The psql of the server's own version, when we know where it is.
    pub fn psql(&self) -> PathBuf {
        let programs = match &self.server {
            Some(Server::Supervised { programs, .. }) => Some(programs.clone()),
            Some(Server::Borrowed(server)) => Some(server.binaries().dir.clone()),
            None => None,
        };
        programs.map(|folder| folder.join("psql")).filter(|psql| psql.exists()).unwrap_or_else(|| PathBuf::from("psql"))
    }

    /// Leaves, and stops a server that nobody else uses.
    pub async fn close(mut self) {
        match self.server.take() {
            Some(Server::Supervised { stop, task, .. }) => {
                let _ = stop.send(());
                let _ = task.await;
            }
            Some(Server::Borrowed(server)) => {
                if let Err(error) = server.stop().await {
                    tracing::error!(%error, "the private database did not stop in order");
                }
            }
            None => {}
        }
    }
}

fn password_of(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    Some(percent_encoding::percent_decode_str(url.password()?).decode_utf8_lossy().into_owned())
}

fn private(config: &Config) -> PrivateOptions {
    let mut options = PrivateOptions::new(&config.data_dir);
    options.bin_dir.clone_from(&config.pg_bin);
    options
}
