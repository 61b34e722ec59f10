use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, Pool, PoolError, RecycleResult, Timeouts};
use kernel::{ErrorCode, TenantId};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use super::{Storage, Tx};
use crate::{Error, Result};

/// How long a caller waits for a free connection before it is told to come back.
const WAIT: Duration = Duration::from_secs(8);
const CONNECT: Duration = Duration::from_secs(5);
/// One statement may run this long; a caller who asks for more gets a clear answer instead of a hanging one.
const STATEMENT_TIMEOUT: &str = "60s";
const LOCK_TIMEOUT: &str = "20s";

pub(super) const SEARCH_PATH: &str = "public, platform, identity, catalog, inventory, warehouse, extensions";

/// Connections as the runtime role: row-level security holds and no DDL is possible.
#[derive(Clone)]
pub struct Database {
    pool: Pool<Manager>,
    options: Arc<PgConnectOptions>,
    storage: Storage,
}

/// Sizes of the pool, for health and metrics.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct PoolStatus {
    pub max: usize,
    pub open: usize,
    pub idle: usize,
    pub waiting: usize,
}

/// A connection with the tenant that its session is set to.
pub(super) struct Session {
    pub(super) connection: PgConnection,
    /// Remembered only after the server confirmed it, forgotten on any doubt.
    tenant: Option<TenantId>,
    /// Something went wrong on it: prove that it lives before it is used again.
    pub(super) suspect: bool,
    plans: Plans,
}

/// Whether the server plans a statement for the values at hand (it decides) or once for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plans {
    ByValues,
    Once,
}

pub(super) struct Manager {
    options: PgConnectOptions,
}

pub(super) type Pooled = Object<Manager>;

impl Database {
    /// `options` name the server, the database and a role that is, or may become, `wms_runtime`.
    pub fn new(options: PgConnectOptions, size: u32, component: &str) -> Result<Self> {
        let options = Self::configure(options, component);
        let pool = Pool::builder(Manager { options: options.clone() })
            .max_size(size as usize)
            .timeouts(Timeouts { wait: Some(WAIT), create: Some(CONNECT), recycle: Some(CONNECT) })
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(Error::internal)?;
        Ok(Self { pool, options: Arc::new(options), storage: Storage::default() })
    }

    /// Settings of every connection: who we are in pg_stat_activity, and limits on everything.
    pub fn configure(options: PgConnectOptions, component: &str) -> PgConnectOptions {
        options
            .application_name(&format!("entrepot/{}/{component}", crate::VERSION))
            .statement_cache_capacity(256)
            .options([
                ("search_path", SEARCH_PATH),
                ("statement_timeout", STATEMENT_TIMEOUT),
                ("lock_timeout", LOCK_TIMEOUT),
                ("idle_in_transaction_session_timeout", "60s"),
                ("timezone", "UTC"),
                // A rollback to be on the safe side warns that there was nothing to roll back.
                ("client_min_messages", "error"),
            ])
            .disable_statement_logging()
    }

    /// Starts a transaction of one tenant. Dropping it without [`Tx::commit`] rolls back.
    pub async fn begin(&self, tenant: &TenantId) -> Result<Tx> {
        self.begin_by(tenant, Plans::ByValues, "BEGIN").await
    }

    /// As [`Database::begin`] for a transaction that serves many callers: it would rather fail and be cut in pieces than keep
    /// all of them waiting for the lock that one of them needs, and a piece waits shorter still.
    pub(crate) async fn begin_group(&self, tenant: &TenantId, is_piece: bool) -> Result<Tx> {
        let waits = if is_piece { "BEGIN; SET LOCAL lock_timeout = '200ms'" } else { "BEGIN; SET LOCAL lock_timeout = '2s'" };
        self.begin_by(tenant, Plans::Once, waits).await
    }

    async fn begin_by(&self, tenant: &TenantId, plans: Plans, statement: &'static str) -> Result<Tx> {
        if self.storage.is_full() {
            let detail = "the disk of the database is full; nothing was changed";
            return Err(Error { retry_after: Some(10), ..Error::new(ErrorCode::StorageFull, detail) });
        }
        // A connection that died while idle shows it here, before anything was done: take another, at most once per slot.
        let mut attempts = self.pool.status().max_size + 1;
        loop {
            let mut session = self.session().await?;
            match session.enter(tenant, plans, statement).await {
                Ok(()) => return Ok(Tx::new(session, tenant.clone())),
                Err(error) => {
                    let _ = Object::take(session);
                    attempts -= 1;
                    if attempts == 0 {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// As [`Database::read`] for statements that find rows by their keys, whatever the values: they are planned once for each
    /// connection instead of each time, which costs more than running them.
    pub async fn read_by_keys<T>(&self, tenant: &TenantId, work: impl AsyncFnOnce(&mut PgConnection) -> Result<T>) -> Result<T> {
        self.read_planned(tenant, Plans::Once, work).await
    }

    /// Runs reads of one tenant without a transaction: two round trips fewer. They need not see the same moment.
    pub async fn read<T>(&self, tenant: &TenantId, work: impl AsyncFnOnce(&mut PgConnection) -> Result<T>) -> Result<T> {
        self.read_planned(tenant, Plans::ByValues, work).await
    }

    async fn read_planned<T>(
        &self,
        tenant: &TenantId,
        plans: Plans,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T>,
    ) -> Result<T> {
        let mut session = self.session().await?;
        if session.prepare(tenant, plans).await.is_err() {
            let _ = Object::take(session);
            session = self.session().await?;
            session.prepare(tenant, plans).await?;
        }
        let was_suspect = std::mem::replace(&mut session.suspect, true);
        let result = work(&mut session.connection).await;
        if result.is_ok() {
            session.suspect = was_suspect;
        } else {
            session.tenant = None;
        }
        result
    }

    /// A connection without a tenant: sees no business row, may call the few functions that work across tenants.
    pub async fn without_tenant<T>(&self, work: impl AsyncFnOnce(&mut PgConnection) -> Result<T>) -> Result<T> {
        let mut session = self.session().await?;
        session.clear_tenant().await?;
        session.suspect = true;
        let result = work(&mut session.connection).await;
        session.suspect = result.is_err();
        result
    }

    pub fn status(&self) -> PoolStatus {
        let status = self.pool.status();
        PoolStatus { max: status.max_size, open: status.size, idle: status.available, waiting: status.waiting }
    }

    /// For connections outside the pool, such as the one that listens.
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Whether there is room for changes; somebody has to [watch](Storage::watch) it.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    pub fn close(&self) {
        self.pool.close();
    }

    async fn session(&self) -> Result<Pooled> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(_) => Error::unavailable("all database connections are busy"),
            PoolError::Backend(error) => error,
            other => Error { source: Some(Box::new(other)), ..Error::unavailable("no database connection") },
        })
    }
}

impl Session {
    async fn enter(&mut self, tenant: &TenantId, plans: Plans, statement: &'static str) -> Result<()> {
        self.prepare(tenant, plans).await?;
        self.suspect = true;
        self.connection.execute(statement).await?;
        Ok(())
    }

    async fn prepare(&mut self, tenant: &TenantId, plans: Plans) -> Result<()> {
        self.set_tenant(tenant).await?;
        if self.plans != plans {
            self.connection
                .execute(match plans {
                    Plans::ByValues => "SET plan_cache_mode = auto; SET enable_seqscan = on",
                    // Where all rows are found by keys, no table is worth reading whole, however small it was when planned.
                    Plans::Once => "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off",
                })
                .await?;
            self.plans = plans;
        }
        Ok(())
    }

    /// The one place that tells the server whose rows the next statements may see.
    async fn set_tenant(&mut self, tenant: &TenantId) -> Result<()> {
        if self.tenant.as_ref() == Some(tenant) {
            return Ok(());
        }
        self.tenant = None;
        // SET takes no parameters; the alphabet of a TenantId has no character that could end the literal.
        self.connection.execute(sqlx::raw_sql(AssertSqlSafe(format!("SET entrepot.tenant = '{tenant}'")))).await?;
        self.tenant = Some(tenant.clone());
        Ok(())
    }

    async fn clear_tenant(&mut self) -> Result<()> {
        self.tenant = None;
        self.connection.execute("SET entrepot.tenant = ''").await?;
        Ok(())
    }

    pub(super) fn forget_tenant(&mut self) {
        self.tenant = None;
    }
}

impl managed::Manager for Manager {
    type Type = Session;
    type Error = Error;

    async fn create(&self) -> Result<Session> {
        let mut connection = self.options.connect().await?;
        // With one URL for everything the process gives up its rights here; the private server admits us as wms_runtime at once.
        connection.execute("SET ROLE wms_runtime").await?;
        Ok(Session { connection, tenant: None, suspect: false, plans: Plans::ByValues })
    }

    /// No ping for a connection in good standing; a suspect one must answer first.
    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<Error> {
        if session.suspect {
            session.tenant = None;
            session.connection.execute("ROLLBACK").await.map_err(Error::from)?;
            session.connection.ping().await.map_err(Error::from)?;
            session.suspect = false;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("status", &self.status()).finish()
    }
}
