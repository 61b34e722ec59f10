//! Is this host fit to run Entrepot? Each finding says what to do about it.

use std::path::Path;

use platform::config::Config;

use crate::model::State;
use crate::probe;

/// One line of the report.
#[derive(Clone, Debug)]
pub struct Finding {
    pub subject: &'static str,
    pub state: State,
    pub message: String,
}

impl Finding {
    fn new(subject: &'static str, state: State, message: impl Into<String>) -> Self {
        Self { subject, state, message: message.into() }
    }
}

/// What can be seen without a database.
pub fn examine_host(config: &Config) -> Vec<Finding> {
    vec![
        data_dir(&config.data_dir),
        disk(&config.data_dir),
        memory(),
        open_files(config),
        clock(),
        listeners(config),
        transport(config),
        Finding::new("backup", State::Up, "not part of this release; use pg_dump until then"),
        Finding::new("secrets", State::Up, "none to configure in this release: sign-ins are kept in the database"),
    ]
}

fn data_dir(path: &Path) -> Finding {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = std::fs::metadata(path) else {
        return Finding::new("data directory", State::Up, format!("{} will be made at the first start", path.display()));
    };
    if metadata.permissions().mode() & 0o002 != 0 {
        return Finding::new("data directory", State::Down, format!("everybody may write to {}: chmod o-w it", path.display()));
    }
    Finding::new("data directory", State::Up, path.display().to_string())
}

fn disk(path: &Path) -> Finding {
    match probe::free_disk(path) {
        Some((free, _)) if free < 2 << 30 => {
            Finding::new("disk", State::Degraded, format!("only {} MiB free; make room before the database stops", free >> 20))
        }
        Some((free, _)) => Finding::new("disk", State::Up, format!("{} GiB free", free >> 30)),
        None => Finding::new("disk", State::Degraded, "free space cannot be read"),
    }
}

fn memory() -> Finding {
    let limit = probe::memory().limit_bytes;
    let state = if limit < 1 << 30 { State::Degraded } else { State::Up };
    Finding::new("memory", state, format!("{} MiB for this process; 1024 MiB are comfortable", limit >> 20))
}

/// The server raises its soft limit to the hard one when it starts; connections and the database's files share it.
fn open_files(config: &Config) -> Finding {
    let wanted = u64::from(config.max_connections) + 256;
    match nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if hard < wanted => {
            let message = format!(
                "limit {soft}, raised to {hard} at start; {} connections need {wanted}: raise it with LimitNOFILE= or ulimit -Hn, or lower max_connections",
                config.max_connections
            );
            Finding::new("open files", State::Degraded, message)
        }
        Ok((soft, hard)) => {
            let message = format!("limit {soft}, raised to {hard} at start, for at most {} connections", config.max_connections);
            Finding::new("open files", State::Up, message)
        }
        Err(_) => Finding::new("open files", State::Degraded, "the limit cannot be read"),
    }
}

fn clock() -> Finding {
    let now = kernel::Env::system().now();
    let plausible = now.timestamp() > 1_760_000_000;
    let state = if plausible { State::Up } else { State::Down };
    Finding::new(
        "clock",
        state,
        format!("{} UTC{}", now.format("%Y-%m-%d %H:%M:%S"), if plausible { "" } else { ": set the clock (NTP)" }),
    )
}

fn listeners(config: &Config) -> Finding {
    let exposed = config
        .listen_ops
        .iter()
        .any(|address| address.parse::<std::net::SocketAddr>().is_ok_and(|address| !address.ip().is_loopback()));
    if exposed {
        return Finding::new(
            "ops listener",
            State::Degraded,
            "reachable from outside: it serves metrics and health details without a token",
        );
    }
    Finding::new("ops listener", State::Up, config.listen_ops.join(", "))
}

fn transport(config: &Config) -> Finding {
    let public = config
        .listen
        .iter()
        .any(|address| address.parse::<std::net::SocketAddr>().is_ok_and(|address| !address.ip().is_loopback()));
    match (public, config.https) {
        (true, false) => Finding::new(
            "transport",
            State::Degraded,
            "listens beyond this machine without HTTPS: put a proxy in front and set https = true",
        ),
        (_, true) => Finding::new("transport", State::Up, "HTTPS in front: cookies are Secure"),
        (false, false) => Finding::new("transport", State::Up, "loopback only"),
    }
}
