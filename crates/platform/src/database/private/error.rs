use std::io;
use std::path::{Path, PathBuf};

/// Why the private server does not run. Each message says how to mend it; none holds a secret, some hold paths.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    #[error("no PostgreSQL server {minimum} or later found (looked in {looked}); install one: {hint}", minimum = super::locate::MINIMUM_MAJOR)]
    NoBinaries { looked: String, hint: String },
    #[error(
        "pg_bin: {dir} does not hold the programs postgres and initdb, version {minimum} or later; name the folder that does, or leave it out",
        minimum = super::locate::MINIMUM_MAJOR
    )]
    BadBinDir { dir: PathBuf },
    #[error(
        "the data in {cluster} belong to PostgreSQL {wanted}, installed is {found}; run `apt-get install postgresql-{wanted}`, or upgrade the data with pg_upgrade"
    )]
    WrongVersion { cluster: PathBuf, wanted: u32, found: String },
    #[error("another entrepot (pid {pid}) uses the data directory {data_dir}; stop it first, or choose another with --data-dir")]
    InUse { data_dir: PathBuf, pid: String },
    #[error("the entrepot with pid {pid} holds {data_dir}, but its database is not ready; see {log}")]
    HolderNotReady { data_dir: PathBuf, pid: String, log: PathBuf },
    #[error(
        "data_dir: {path} cannot be entered by the user {user}, who runs the database; run `chmod o+x {path}`, or choose another with --data-dir"
    )]
    NoEntry { path: PathBuf, user: String },
    #[error(
        "no user to run the database as: root may not, and neither postgres nor nobody exists; run `useradd --system postgres`"
    )]
    NoUser,
    #[error("{path} is not a folder of the user who runs the database; remove it, or set XDG_RUNTIME_DIR to a private folder")]
    ForeignSocketDir { path: PathBuf },
    #[error("initdb failed: {detail}")]
    Init { detail: String },
    #[error("postgres {what}; the end of {log}:\n{tail}")]
    Server { what: String, log: PathBuf, tail: String },
    #[error("processes {pids} of an earlier server still use {cluster} and do not end; end them, then start again")]
    Orphans { cluster: PathBuf, pids: String },
    #[error("cannot {action} {path}: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl PrivateError {
    pub(super) fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { action, path: path.to_path_buf(), source }
    }
}
