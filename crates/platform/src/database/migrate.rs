use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use kernel::ErrorCode;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Executor as _};

use crate::{Error, Result};

/// The one ordered history, compiled in; every migration has a down twin.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// A migration that waits for a lock blocks everybody behind it: give up quickly and try again.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '3s'";
const ATTEMPTS: u32 = 5;

/// Where a migration of the history stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct MigrationStatus {
    pub version: i64,
    pub description: String,
    pub applied_at: Option<DateTime<Utc>>,
    /// The file was changed after it had been applied.
    pub changed: bool,
}

/// Moves the schema up and down, as the owner role.
pub struct Migrations {
    options: PgConnectOptions,
}

impl Migrations {
    /// `options` name a role that is, or may become, `wms_application_role`.
    pub fn new(options: PgConnectOptions) -> Self {
        Self { options }
    }

    pub async fn up(&self) -> Result<usize> {
        let before = self.pending().await?;
        for attempt in 1.. {
            let mut connection = self.connect().await?;
            match MIGRATOR.run(&mut connection).await {
                Ok(()) => break,
                Err(error) if attempt < ATTEMPTS && is_lock_timeout(&error) => {
                    tracing::warn!(attempt, "a migration waits for a lock; trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => return Err(explain(error)),
            }
        }
        Ok(before)
    }

    /// Undoes every migration above `target`. A schema that holds rows is undone only with `allow_data_loss`.
    pub async fn down(&self, target: i64, allow_data_loss: bool) -> Result<usize> {
        let status = self.status().await?;
        let undone: Vec<_> = status.iter().filter(|one| one.version > target && one.applied_at.is_some()).collect();
        let mut connection = self.connect().await?;
        if !allow_data_loss && !undone.is_empty() && holds_rows(&mut connection).await? {
            return Err(Error::conflict(
                "the tables hold rows that going down may destroy; back up, then repeat with --allow-data-loss",
            ));
        }
        MIGRATOR.undo(&mut connection, target).await.map_err(explain)?;
        Ok(undone.len())
    }

    pub async fn status(&self) -> Result<Vec<MigrationStatus>> {
        let mut connection = self.connect().await?;
        let applied = applied(&mut connection).await?;
        Ok(MIGRATOR
            .iter()
            .filter(|migration| !migration.migration_type.is_down_migration())
            .map(|migration| {
                let row = applied.get(&migration.version);
                MigrationStatus {
                    version: migration.version,
                    description: migration.description.to_string(),
                    applied_at: row.map(|(at, _)| *at),
                    changed: row.is_some_and(|(_, checksum)| checksum.as_slice() != &*migration.checksum),
                }
            })
            .collect())
    }

    /// How many migrations of this binary the database lacks.
    pub async fn pending(&self) -> Result<usize> {
        Ok(self.status().await?.iter().filter(|one| one.applied_at.is_none()).count())
    }

    /// A hash of what the catalogue says of our schemas: tables, columns, constraints, indexes, policies, functions, views.
    pub async fn fingerprint(&self) -> Result<String> {
        let mut connection = self.connect().await?;
        let text: String = sqlx::query_scalar(include_str!("fingerprint.sql")).fetch_one(&mut connection).await?;
        Ok(text)
    }

    /// The owner's connection, for checks that look across tenants.
    pub async fn connect(&self) -> Result<PgConnection> {
        let mut connection = self.options.connect().await?;
        // "exists already, skipping" would be told at every start.
        connection.execute("SET client_min_messages = warning").await?;
        connection.execute("SET ROLE wms_application_role").await?;
        // The history table stands in public; found through the path, a second one could come into being elsewhere.
        connection.execute("SET search_path = public").await?;
        connection.execute(LOCK_TIMEOUT).await?;
        connection.execute("SET statement_timeout = 0").await?;
        Ok(connection)
    }
}

async fn applied(connection: &mut PgConnection) -> Result<HashMap<i64, (DateTime<Utc>, Vec<u8>)>> {
    // Made by the migrator, under its lock: made here too, two processes that start at once would collide.
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('public._sqlx_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !exists {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, DateTime<Utc>, Vec<u8>)> =
        sqlx::query_as("SELECT version, installed_on, checksum FROM public._sqlx_migrations WHERE success")
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|(version, at, checksum)| (version, (at, checksum))).collect())
}

async fn holds_rows(connection: &mut PgConnection) -> Result<bool> {
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('identity.tenants') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !exists {
        return Ok(false);
    }
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM identity.tenants)").fetch_one(connection).await?)
}

fn is_lock_timeout(error: &MigrateError) -> bool {
    let database = match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.as_database_error(),
        _ => None,
    };
    database.is_some_and(|error| error.code().as_deref() == Some("55P03"))
}

fn explain(error: MigrateError) -> Error {
    let detail = match &error {
        MigrateError::VersionMismatch(version) => {
            format!(
                "migration {version} was changed after it had been applied; restore the file and write a new migration instead"
            )
        }
        MigrateError::VersionMissing(version) => {
            format!("the database has migration {version}, which this binary does not know; run a newer binary")
        }
        MigrateError::Dirty(version) => format!("migration {version} stopped half-way; mend it by hand, then run again"),
        other => format!("migration failed: {other}"),
    };
    Error { source: Some(Box::new(error)), ..Error::new(ErrorCode::Conflict, detail) }
}
