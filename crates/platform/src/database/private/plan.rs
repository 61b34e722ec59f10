use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User};
use sha2::{Digest as _, Sha256};

use super::lock::give_to_owner_of_folder;
use super::process::{Identity, Process};
use super::{Binaries, PORT, PrivateError, PrivateOptions, SUPERUSER};

/// sun_path is 108 bytes with its final zero.
const SOCKET_PATH_MAX_BYTES: usize = 107;
/// Above this the log moves to postgres.log.1, which is overwritten.
const LOG_MAX_BYTES: u64 = 50 * 1024 * 1024;

/// Defaults for a machine shared with the application; [`PrivateOptions::settings`] override them.
const TUNING: [(&str, &str); 20] = [
    ("max_connections", "100"),
    ("shared_buffers", "256MB"),
    ("effective_cache_size", "1GB"),
    ("work_mem", "16MB"),
    ("maintenance_work_mem", "128MB"),
    ("random_page_cost", "1.1"),
    ("effective_io_concurrency", "100"),
    ("jit", "off"),
    ("min_wal_size", "256MB"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("checkpoint_completion_target", "0.9"),
    ("wal_compression", "on"),
    ("log_checkpoints", "off"),
    ("log_min_duration_statement", "2s"),
    ("log_lock_waits", "on"),
    ("log_line_prefix", "%m [%p] %a %u@%d "),
    ("log_timezone", "UTC"),
    ("timezone", "UTC"),
    ("track_io_timing", "on"),
];

/// Nobody overrides these: they keep what was committed, and everybody else out.
const FIXED: [(&str, &str); 6] = [
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("shared_preload_libraries", "pg_stat_statements"),
    ("logging_collector", "off"),
];

#[derive(Clone, Debug)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

/// Everything that is decided before a server starts: programs, folders, user and command line.
pub(super) struct Plan {
    pub(super) binaries: Binaries,
    pub(super) cluster: PathBuf,
    pub(super) log: PathBuf,
    pub(super) socket_dir: PathBuf,
    pub(super) identity: Identity,
    data_dir: PathBuf,
    /// Set when we are root, whom PostgreSQL refuses.
    account: Option<Account>,
    settings: Vec<(String, String)>,
}

impl Plan {
    /// `data_dir` is absolute and free of symbolic links.
    pub(super) fn new(options: &PrivateOptions, data_dir: &Path) -> Result<Self, PrivateError> {
        let cluster = data_dir.join("postgres");
        let account = if nix::unistd::geteuid().is_root() { Some(account(&cluster)?) } else { None };
        let uid = account.as_ref().map_or_else(|| nix::unistd::geteuid().as_raw(), |account| account.uid);
        // Root's runtime folder is closed to the user that we drop to.
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|_| account.is_none()).map(PathBuf::from);
        Ok(Self {
            binaries: Binaries::find(options.bin_dir.as_deref(), &cluster)?,
            log: data_dir.join("postgres.log"),
            socket_dir: socket_dir(data_dir, runtime.as_deref(), uid),
            identity: Identity { cluster: cluster.clone(), name: format!("entrepot-{}", digest(data_dir)), uid },
            cluster,
            data_dir: data_dir.to_path_buf(),
            account,
            settings: options.settings.clone(),
        })
    }

    fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> =
            vec!["-D".into(), self.cluster.clone().into(), "-k".into(), self.socket_dir.clone().into()];
        arguments.extend(["-p".into(), PORT.to_string().into()]);
        let name = [("cluster_name", self.identity.name.as_str())];
        let extra = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in TUNING.into_iter().chain(extra).chain(FIXED).chain(name) {
            arguments.extend(["-c".into(), format!("{name}={value}").into()]);
        }
        arguments
    }

    /// Whether a running server was started with exactly the programs and settings that we would use.
    pub(super) fn matches(&self, command_line: &[u8]) -> bool {
        let mut ours = self.binaries.dir.join("postgres").as_os_str().as_bytes().to_vec();
        for argument in self.arguments() {
            ours.push(0);
            ours.extend_from_slice(argument.as_bytes());
        }
        command_line.strip_suffix(b"\0").unwrap_or(command_line) == ours
    }

    /// Makes the folders, and the database on the first start.
    pub(super) async fn prepare(&self) -> Result<(), PrivateError> {
        if let Some(account) = &self.account {
            open_the_way(&self.data_dir, account)?;
            if std::fs::metadata(&self.cluster).is_ok_and(|meta| meta.uid() == 0) {
                // Copied back by root, as after a restore.
                chown_tree(&self.cluster, account).map_err(PrivateError::io("change the owner of", &self.cluster))?;
            }
        }
        self.private_folder(&self.socket_dir)?;
        if !self.cluster.join("PG_VERSION").exists() {
            self.initialise().await?;
        }
        trim_log(&self.log)
    }

    /// Makes a folder that only the server's user and root enter, or proves that an existing one is such.
    fn private_folder(&self, path: &Path) -> Result<(), PrivateError> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(PrivateError::io("create", path)(error));
            }
            _ => {}
        }
        let meta = std::fs::symlink_metadata(path).map_err(PrivateError::io("inspect", path))?;
        let is_ours = meta.uid() == self.identity.uid || meta.uid() == nix::unistd::geteuid().as_raw();
        if !meta.is_dir() || !is_ours {
            return Err(PrivateError::ForeignSocketDir { path: path.to_path_buf() });
        }
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(PrivateError::io("close", path))?;
        if let Some(account) = &self.account {
            lchown(path, Some(account.uid), Some(account.gid)).map_err(PrivateError::io("change the owner of", path))?;
        }
        Ok(())
    }

    /// Under another name first: a start that is killed half way leaves no half database behind.
    async fn initialise(&self) -> Result<(), PrivateError> {
        tracing::info!(cluster = %self.cluster.display(), version = self.binaries.major, "initialising database (first start)");
        self.clear_unfinished();
        let mut staging = (1..).map(|number: u32| self.data_dir.join(format!("initdb-{number}")));
        let staging = staging.find(|path| !path.exists()).expect("the numbers do not run out before the disk does");
        self.private_folder(&staging)?;
        let mut failure = self.run_initdb(&staging, "C.UTF-8").await?;
        if failure.as_ref().is_some_and(|detail| detail.contains("locale")) {
            // An old C library has no C.UTF-8; C sorts the same way but does not know the case of letters beyond ASCII.
            failure = self.run_initdb(&staging, "C").await?;
        }
        if let Some(detail) = failure {
            self.clear_unfinished();
            return Err(PrivateError::Init { detail });
        }
        std::fs::rename(&staging, &self.cluster).map_err(PrivateError::io("move the new database to", &self.cluster))?;
        let folder = std::fs::File::open(&self.data_dir).and_then(|folder| folder.sync_all());
        folder.map_err(PrivateError::io("sync", &self.data_dir))
    }

    /// Trust is enough: only the server's own user and root can enter the folder of its only socket. Whoever is one of the two
    /// can read the data files anyway, and a password would have to lie beside them.
    async fn run_initdb(&self, folder: &Path, locale: &str) -> Result<Option<String>, PrivateError> {
        let mut command = self.command("initdb");
        command.arg("-D").arg(folder).args(["-U", SUPERUSER, "--data-checksums", "--encoding=UTF8"]);
        command.args([&format!("--locale={locale}"), "--auth-local=trust", "--auth-host=reject", "--no-instructions"]);
        let mut command = tokio::process::Command::from(command);
        let output =
            command.kill_on_drop(true).output().await.map_err(PrivateError::io("run", &self.binaries.dir.join("initdb")))?;
        Ok((!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    /// Best effort: one that cannot be removed is in nobody's way.
    fn clear_unfinished(&self) {
        let entries = std::fs::read_dir(&self.data_dir).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().as_bytes().starts_with(b"initdb-")) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }

    /// As the server's user, in a process group of its own: ^C in a terminal reaches us alone, and we drain first.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.dir.join(program));
        // PGOPTIONS, PGDATA or a foreign locale of the caller must not change what runs.
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LANG", "C").current_dir("/");
        command.envs(std::env::var_os("LD_LIBRARY_PATH").map(|value| ("LD_LIBRARY_PATH", value)));
        command.stdin(Stdio::null()).process_group(0);
        if let Some(account) = &self.account {
            // The standard library drops the supplementary groups along with the uid.
            command.uid(account.uid).gid(account.gid);
        }
        command
    }

    pub(super) fn spawn(&self) -> Result<Process, PrivateError> {
        // A crash leaves the socket and its lock file behind; the folder is ours alone and no server runs.
        for name in [format!(".s.PGSQL.{PORT}"), format!(".s.PGSQL.{PORT}.lock")] {
            let _ = std::fs::remove_file(self.socket_dir.join(name));
        }
        let open = |log: &Path| OpenOptions::new().create(true).append(true).mode(0o600).open(log);
        let log = open(&self.log).map_err(PrivateError::io("open", &self.log))?;
        give_to_owner_of_folder(&self.log)?;
        let twin = log.try_clone().map_err(PrivateError::io("open", &self.log))?;
        let mut command = self.command("postgres");
        command.args(self.arguments()).stdout(log).stderr(twin);
        let spawned = tokio::process::Command::from(command).spawn();
        let child = spawned.map_err(PrivateError::io("run", &self.binaries.dir.join("postgres")))?;
        Ok(Process::child(child, self.identity.clone()))
    }
}

/// Copies and empties instead of renaming, because a running server keeps the file open (and appends).
pub(super) fn trim_log(log: &Path) -> Result<(), PrivateError> {
    if std::fs::metadata(log).map_or(0, |meta| meta.len()) <= LOG_MAX_BYTES {
        return Ok(());
    }
    std::fs::copy(log, log.with_extension("log.1")).map_err(PrivateError::io("copy", log))?;
    let file = OpenOptions::new().write(true).open(log).map_err(PrivateError::io("open", log))?;
    file.set_len(0).map_err(PrivateError::io("empty", log))
}

/// The owner of existing data, else `postgres`, else `nobody`.
fn account(cluster: &Path) -> Result<Account, PrivateError> {
    let known = |user: User| Account { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() };
    if let Some(meta) = std::fs::metadata(cluster).ok().filter(|meta| meta.uid() != 0) {
        let name =
            User::from_uid(Uid::from_raw(meta.uid())).ok().flatten().map_or_else(|| meta.uid().to_string(), |user| user.name);
        return Ok(Account { name, uid: meta.uid(), gid: Gid::from_raw(meta.gid()).as_raw() });
    }
    let found = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten());
    found.map(known).ok_or(PrivateError::NoUser)
}

/// The user must be able to walk down to the data. Our own folder is opened for that; others' we only report.
fn open_the_way(data_dir: &Path, account: &Account) -> Result<(), PrivateError> {
    for folder in data_dir.ancestors() {
        let meta = std::fs::metadata(folder).map_err(PrivateError::io("inspect", folder))?;
        let bit = if meta.uid() == account.uid {
            0o100
        } else if meta.gid() == account.gid {
            0o010
        } else {
            0o001
        };
        if meta.mode() & bit != 0 {
            continue;
        }
        if folder != data_dir {
            return Err(PrivateError::NoEntry { path: folder.to_path_buf(), user: account.name.clone() });
        }
        let mode = Permissions::from_mode((meta.mode() & 0o7777) | bit);
        std::fs::set_permissions(folder, mode).map_err(PrivateError::io("open", folder))?;
    }
    Ok(())
}

fn chown_tree(path: &Path, account: &Account) -> std::io::Result<()> {
    lchown(path, Some(account.uid), Some(account.gid))?;
    if std::fs::symlink_metadata(path)?.is_dir() {
        for entry in std::fs::read_dir(path)? {
            chown_tree(&entry?.path(), account)?;
        }
    }
    Ok(())
}

fn digest(path: &Path) -> String {
    Sha256::digest(path.as_os_str().as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// `data_dir`/run when the socket's path fits there, else a folder of the user's runtime folder, else of /tmp.
fn socket_dir(data_dir: &Path, runtime: Option<&Path>, uid: u32) -> PathBuf {
    let file_bytes = format!("/.s.PGSQL.{PORT}").len();
    // PostgreSQL and its clients read commas and quotes as lists of folders.
    let fits = |path: &PathBuf| {
        let bytes = path.as_os_str().as_bytes();
        bytes.len() + file_bytes <= SOCKET_PATH_MAX_BYTES && !bytes.iter().any(|byte| b",\"".contains(byte))
    };
    let name = digest(data_dir);
    let usual = [Some(data_dir.join("run")), runtime.map(|runtime| runtime.join(format!("entrepot-{name}")))];
    let short = || PathBuf::from(format!("/tmp/entrepot-{uid}-{name}"));
    usual.into_iter().flatten().find(fits).unwrap_or_else(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_folder_is_short_enough() {
        let runtime = Path::new("/run/user/1000");
        assert_eq!(socket_dir(Path::new("/var/lib/entrepot"), Some(runtime), 7), Path::new("/var/lib/entrepot/run"));
        let limit = SOCKET_PATH_MAX_BYTES - "/run/.s.PGSQL.5432".len();
        let longest = PathBuf::from(format!("/{}", "x".repeat(limit - 1)));
        assert_eq!(socket_dir(&longest, None, 7), longest.join("run"));
        let long = PathBuf::from(format!("/{}", "x".repeat(limit)));
        assert!(socket_dir(&long, Some(runtime), 7).starts_with(runtime));
        let fallback = socket_dir(&long, None, 7);
        assert!(fallback.to_str().unwrap().starts_with("/tmp/entrepot-7-"), "{fallback:?}");
        assert_ne!(fallback, socket_dir(&long.join("y"), None, 7), "two data directories share a socket");
        assert!(socket_dir(Path::new("/a,b"), None, 7).starts_with("/tmp"));
        assert!(socket_dir(&long, Some(&long), 7).starts_with("/tmp"));
    }
}
