//! The private PostgreSQL: a server of our own on a Unix socket that nobody else can reach, so that nothing has to be configured.
//!
//! Whoever holds the exclusive lock `entrepot.lock` in the data directory owns the server: starts, watches and stops it. Other
//! commands join it and hold `entrepot.users` shared meanwhile; the last one to leave stops a server that its owner left running
//! for them. A killed owner leaves its server running; the next one adopts it, or waits for its remains and starts anew. Linux only.

mod error;
mod locate;
mod lock;
mod plan;
mod process;

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::time::{Instant, sleep};

pub use error::PrivateError;
pub use locate::Binaries;
use lock::Lock;
use plan::Plan;
use process::{PidFile, Process};

/// Part of the socket's file name; nothing listens on a network port.
const PORT: u16 = 5432;
const SUPERUSER: &str = "postgres";
/// A start that must replay much WAL takes its time; the log says so meanwhile.
const START_LIMIT: Duration = Duration::from_secs(600);
const JOIN_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// How long a killed server's memory may be held before that is an error; backends end within milliseconds.
const MEMORY_LIMIT: Duration = Duration::from_secs(10);
/// What postgres says then (src/backend/utils/init/miscinit.c).
const HELD_MEMORY: &str = "pre-existing shared memory block";
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(10);
/// A server that lived this long was well: its next death is the first again.
const STEADY: Duration = Duration::from_secs(30);
const LOG_CHECK: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub struct PrivateOptions {
    /// Holds the database (`postgres/`), its log (`postgres.log`), the locks and, when its path is short enough, the socket.
    pub data_dir: PathBuf,
    /// Folder with `postgres` and `initdb`; searched for when absent.
    pub bin_dir: Option<PathBuf>,
    /// Server settings such as `("shared_buffers", "1GB")`. Those that keep data safe and strangers out are not overridden.
    pub settings: Vec<(String, String)>,
}

impl PrivateOptions {
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), bin_dir: None, settings: Vec::new() }
    }
}

/// Where a private server answers. It stays the same when the server is restarted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub socket_dir: PathBuf,
    pub port: u16,
    pub user: String,
}

impl Endpoint {
    /// As superuser, on the maintenance database.
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_dir)
            .port(self.port)
            .username(&self.user)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable)
    }
}

enum Role {
    Owner(Lock),
    Guest(Lock),
}

/// A running private server. [`stop`](Self::stop) or [`supervise`](Self::supervise) end it in order; dropping an owner only asks
/// the server to stop and does not wait. A process that ends without dropping it leaves the server to the next start.
pub struct PrivateServer {
    plan: Plan,
    data_dir: PathBuf,
    endpoint: Endpoint,
    /// None only while there is nothing to stop.
    process: Option<Process>,
    /// None after `stop`.
    role: Option<Role>,
}

impl PrivateServer {
    /// Starts the server of `options.data_dir` or adopts one whose owner was killed; returns when it accepts connections.
    /// The first start makes the database, which takes some seconds.
    pub async fn start(options: PrivateOptions) -> Result<Self, PrivateError> {
        let data_dir = make_data_dir(&options.data_dir)?;
        match Lock::exclusive(&lock_file(&data_dir))? {
            Some(lock) => Self::own(&options, data_dir, lock).await,
            None => Err(PrivateError::InUse { pid: lock::holder(&lock_file(&data_dir)), data_dir }),
        }
    }

    /// For commands beside a running Entrepot: uses its server, or starts one for as long as the command runs.
    pub async fn join_or_start(options: PrivateOptions) -> Result<Self, PrivateError> {
        let data_dir = make_data_dir(&options.data_dir)?;
        let deadline = Instant::now() + JOIN_LIMIT;
        loop {
            if let Some(lock) = Lock::exclusive(&lock_file(&data_dir))? {
                return Self::own(&options, data_dir, lock).await;
            }
            if let Some(joined) = Self::join(&options, &data_dir)? {
                return Ok(joined);
            }
            if Instant::now() > deadline {
                let pid = lock::holder(&lock_file(&data_dir));
                return Err(PrivateError::HolderNotReady { pid, log: data_dir.join("postgres.log"), data_dir });
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether this handle started or adopted the server, and so decides about its life.
    pub fn is_owner(&self) -> bool {
        matches!(self.role, Some(Role::Owner(_)))
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The programs in use, for psql and pg_dump of the same version.
    pub fn binaries(&self) -> &Binaries {
        &self.plan.binaries
    }

    /// Process id of the postmaster, when one runs.
    pub fn pid(&self) -> Option<i32> {
        self.process.as_ref().map(|process| process.pid)
    }

    /// The server's own log.
    pub fn log(&self) -> &Path {
        &self.plan.log
    }

    async fn own(options: &PrivateOptions, data_dir: PathBuf, lock: Lock) -> Result<Self, PrivateError> {
        let plan = Plan::new(options, &data_dir)?;
        let endpoint = Endpoint { socket_dir: plan.socket_dir.clone(), port: PORT, user: SUPERUSER.into() };
        let mut server = Self { plan, data_dir, endpoint, process: None, role: Some(Role::Owner(lock)) };
        server.bring_up().await?;
        Ok(server)
    }

    fn join(options: &PrivateOptions, data_dir: &Path) -> Result<Option<Self>, PrivateError> {
        // Before looking: from here on the owner does not stop what we find.
        let Some(lock) = Lock::shared(&users_file(data_dir))? else { return Ok(None) };
        let Some(file) = PidFile::read(&data_dir.join("postgres")).filter(PidFile::is_ready) else { return Ok(None) };
        let plan = Plan::new(options, data_dir)?;
        let mut process = Process::other(file.pid, plan.identity.clone());
        let (Some(port), Some(socket_dir), true) = (file.port, file.socket_dir, process.is_alive()) else { return Ok(None) };
        let endpoint = Endpoint { socket_dir, port, user: SUPERUSER.into() };
        let role = Some(Role::Guest(lock));
        Ok(Some(Self { plan, data_dir: data_dir.to_path_buf(), endpoint, process: Some(process), role }))
    }

    /// A backend of a killed server may hold its shared memory for a moment after nothing shows any more whose it is; a server
    /// that refuses to start for that reason is started again.
    async fn bring_up(&mut self) -> Result<(), PrivateError> {
        let deadline = Instant::now() + MEMORY_LIMIT;
        loop {
            match self.bring_up_once().await {
                Err(PrivateError::Server { tail, .. }) if tail.contains(HELD_MEMORY) && Instant::now() < deadline => {
                    tracing::warn!("the memory of an earlier database server is still held; starting again");
                    sleep(FIRST_DELAY).await;
                }
                result => return result,
            }
        }
    }

    /// Cancel safe: what was started is remembered before it is waited for.
    async fn bring_up_once(&mut self) -> Result<(), PrivateError> {
        let started = Instant::now();
        if self.adopt().await? {
            return Ok(());
        }
        self.plan.prepare().await?;
        self.process = None;
        let process = self.process.insert(self.plan.spawn()?);
        if process.wait_ready(START_LIMIT).await {
            let milliseconds = started.elapsed().as_millis();
            tracing::info!(pid = process.pid, milliseconds, version = self.plan.binaries.major, "private database ready");
            return Ok(());
        }
        let what = match process.is_alive() {
            true => format!("is not ready after {} s", START_LIMIT.as_secs()),
            false => "ended while it started".into(),
        };
        Err(PrivateError::Server { what, tail: process::tail(&self.plan.log), log: self.plan.log.clone() })
    }

    /// Takes over what an earlier owner left: its server when that is what we would start, otherwise a clean field.
    async fn adopt(&mut self) -> Result<bool, PrivateError> {
        let identity = self.plan.identity.clone();
        if let Some(file) = PidFile::read(&self.plan.cluster) {
            if let Some(line) = identity.command_line(file.pid) {
                let process = self.process.insert(Process::other(file.pid, identity.clone()));
                if self.plan.matches(&line) && process.wait_ready(START_LIMIT).await {
                    tracing::info!(pid = file.pid, "adopted the database server of an entrepot that was killed");
                    return Ok(true);
                }
                tracing::info!(
                    pid = file.pid,
                    "stopping the server of an earlier entrepot, to start it with the settings of this one"
                );
                process.stop(STOP_LIMIT).await;
            } else if Path::new("/proc").join(file.pid.to_string()).exists() {
                // The number belongs to another process now, as after a container's restart; postgres would take it for a rival.
                let stale = self.plan.cluster.join("postmaster.pid");
                std::fs::remove_file(&stale).map_err(PrivateError::io("remove", &stale))?;
            }
        }
        identity.clear_orphans().await?;
        self.process = None;
        Ok(false)
    }

    /// Resolves when the server has ended. Start it again with [`restart`](Self::restart), or let
    /// [`supervise`](Self::supervise) do both. Cancel safe.
    pub async fn wait_exit(&mut self) {
        if let Some(process) = &mut self.process {
            let status = process.wait().await;
            let status = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
            tracing::warn!(pid = process.pid, status, "the private database ended");
        }
    }

    /// Starts the server again after [`wait_exit`](Self::wait_exit), on the same endpoint. For a guest: waits for the owner.
    pub async fn restart(&mut self) -> Result<(), PrivateError> {
        if self.is_owner() {
            return self.bring_up().await;
        }
        let deadline = Instant::now() + JOIN_LIMIT;
        while Instant::now() < deadline {
            let file = PidFile::read(&self.plan.cluster).filter(PidFile::is_ready);
            if let Some(mut process) = file.map(|file| Process::other(file.pid, self.plan.identity.clone()))
                && process.is_alive()
            {
                self.process = Some(process);
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
        let pid = lock::holder(&lock_file(&self.data_dir));
        Err(PrivateError::HolderNotReady { pid, log: self.plan.log.clone(), data_dir: self.data_dir.clone() })
    }

    /// Keeps the server running until `stop` resolves, then stops it. When it dies unasked it comes back on the same endpoint,
    /// after 100 ms the first time and up to 10 s when it keeps dying.
    pub async fn supervise(mut self, stop: impl Future<Output = ()>) -> Result<(), PrivateError> {
        tokio::pin!(stop);
        let mut delay = FIRST_DELAY;
        let log = self.plan.log.clone();
        loop {
            let since = Instant::now();
            tokio::select! {
                () = &mut stop => return self.stop().await,
                () = self.wait_exit() => {}
                () = trim_forever(&log) => {}
            }
            if since.elapsed() > STEADY {
                delay = FIRST_DELAY;
            }
            loop {
                tokio::select! {
                    () = &mut stop => return self.stop().await,
                    restarted = wait_then(delay, self.restart()) => match restarted {
                        Ok(()) => break,
                        Err(error) => tracing::error!(%error, "the private database does not start, trying again"),
                    },
                }
                delay = LONGEST_DELAY.min(delay * 2);
            }
            delay = LONGEST_DELAY.min(delay * 2);
        }
    }

    /// Rolls back what is open, writes a checkpoint and waits for the end: 20 s, then by force (the next start recovers).
    /// While other commands use the server it is left running, and the last of them stops it.
    pub async fn stop(mut self) -> Result<(), PrivateError> {
        let mut held = match self.role.take() {
            Some(Role::Owner(lock)) => Some(lock),
            Some(Role::Guest(users)) => {
                drop(users);
                Lock::exclusive(&lock_file(&self.data_dir))?
            }
            None => None,
        };
        while let Some(owner) = held {
            if let Some(_last) = Lock::exclusive(&users_file(&self.data_dir))? {
                return self.stop_process().await;
            }
            drop(owner);
            // Whoever leaves from now on finds the server without an owner and stops it. Whoever left just before did not: look again.
            if Lock::exclusive(&users_file(&self.data_dir))?.is_none() {
                tracing::info!("other commands use the private database; the last of them stops it");
                break;
            }
            held = Lock::exclusive(&lock_file(&self.data_dir))?;
        }
        Ok(())
    }

    async fn stop_process(&mut self) -> Result<(), PrivateError> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        if process.stop(STOP_LIMIT).await {
            return Ok(());
        }
        Err(PrivateError::Server {
            what: "does not stop".into(),
            tail: process::tail(&self.plan.log),
            log: self.plan.log.clone(),
        })
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        let unused = || Lock::exclusive(&users_file(&self.data_dir)).is_ok_and(|lock| lock.is_some());
        if let (Some(Role::Owner(_)), Some(process)) = (&self.role, &mut self.process)
            && unused()
        {
            process.signal(Signal::SIGINT);
        }
    }
}

async fn wait_then<T>(delay: Duration, work: impl Future<Output = T>) -> T {
    sleep(delay).await;
    work.await
}

async fn trim_forever(log: &Path) {
    loop {
        sleep(LOG_CHECK).await;
        if let Err(error) = plan::trim_log(log) {
            tracing::warn!(%error, "the database's log stays as long as it is");
        }
    }
}

fn lock_file(data_dir: &Path) -> PathBuf {
    data_dir.join("entrepot.lock")
}

fn users_file(data_dir: &Path) -> PathBuf {
    data_dir.join("entrepot.users")
}

fn make_data_dir(path: &Path) -> Result<PathBuf, PrivateError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(PrivateError::io("create", parent))?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(PrivateError::io("create", path)(error)),
        _ => path.canonicalize().map_err(PrivateError::io("enter", path)),
    }
}
