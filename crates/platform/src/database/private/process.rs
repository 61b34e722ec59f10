use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use super::PrivateError;

const POLL: Duration = Duration::from_millis(10);
/// How often a process that is not our child is looked at.
const WATCH: Duration = Duration::from_millis(100);
/// Each stage of ending the left-over backends of a killed postmaster: by themselves, SIGQUIT, SIGKILL.
const ORPHAN_STAGE: Duration = Duration::from_secs(1);

/// What tells the processes of one cluster from all others: visible in /proc even without ptrace rights, as in a container.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) cluster: PathBuf,
    /// PostgreSQL's cluster_name, which the titles of backends begin with.
    pub(super) name: String,
    /// The user who runs the server: anyone else's process with the same title is an accident or a trap.
    pub(super) uid: u32,
}

impl Identity {
    /// The command line of `pid`, provided that it is a live process of this cluster. A zombie has none.
    pub(super) fn command_line(&self, pid: i32) -> Option<Vec<u8>> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        if std::fs::metadata(&folder).ok()?.uid() != self.uid {
            return None;
        }
        let line = std::fs::read(folder.join("cmdline")).ok()?;
        self.owns(&line).then_some(line)
    }

    fn owns(&self, line: &[u8]) -> bool {
        use std::os::unix::ffi::OsStrExt as _;
        if line.starts_with(format!("postgres: {}: ", self.name).as_bytes()) {
            return true;
        }
        let arguments: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        let is_postgres = arguments[0].ends_with(b"postgres") || arguments[0].ends_with(b"postmaster");
        is_postgres && arguments.windows(2).any(|pair| pair[0] == b"-D" && pair[1] == self.cluster.as_os_str().as_bytes())
    }

    fn members(&self) -> Vec<i32> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| self.command_line(*pid).is_some()).collect()
    }

    /// Waits for the backends of a postmaster that is gone: they still hold its shared memory, and a new one refuses to start
    /// beside them. A backend busy with a long statement does not notice by itself and is ended as the
    /// postmaster would have done; what it has not committed was never acknowledged.
    pub(super) async fn clear_orphans(&self) -> Result<(), PrivateError> {
        for next in [Some(Signal::SIGQUIT), Some(Signal::SIGKILL), None] {
            let deadline = Instant::now() + ORPHAN_STAGE;
            while !self.members().is_empty() && Instant::now() < deadline {
                sleep(POLL).await;
            }
            let left = self.members();
            let Some(signal) = next.filter(|_| !left.is_empty()) else { break };
            tracing::warn!(processes = left.len(), %signal, "ending what is left of an earlier database server");
            for pid in left {
                let _ = kill(Pid::from_raw(pid), signal);
            }
        }
        let left: Vec<String> = self.members().iter().map(ToString::to_string).collect();
        if left.is_empty() { Ok(()) } else { Err(PrivateError::Orphans { cluster: self.cluster.clone(), pids: left.join(", ") }) }
    }
}

/// What postmaster.pid says. Format: PostgreSQL, src/include/utils/pidfile.h.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: i32,
    pub(super) port: Option<u16>,
    pub(super) socket_dir: Option<PathBuf>,
    pub(super) status: String,
}

impl PidFile {
    pub(super) fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(cluster.join("postmaster.pid")).ok()?)
    }

    /// Lines: pid, data folder, start time, port, socket folder, listen address, shared memory key, status. The server appends
    /// them while it starts, so that all but the first may be missing.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        // A stand-alone backend writes its pid negated.
        let pid = lines.first()?.parse::<i32>().ok()?.checked_abs().filter(|pid| *pid > 0)?;
        Some(Self {
            pid,
            port: lines.get(3).and_then(|line| line.parse().ok()),
            socket_dir: lines.get(4).filter(|line| !line.is_empty()).map(PathBuf::from),
            status: lines.get(7).map_or_else(String::new, |line| (*line).to_owned()),
        })
    }

    pub(super) fn is_ready(&self) -> bool {
        self.status == "ready"
    }
}

/// A postmaster: our child, or one that an earlier Entrepot left (adopted) or runs (joined).
pub(super) struct Process {
    pub(super) pid: i32,
    child: Option<Child>,
    identity: Identity,
}

impl Process {
    pub(super) fn child(child: Child, identity: Identity) -> Self {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).expect("a child that was not waited for has a pid");
        Self { pid, child: Some(child), identity }
    }

    pub(super) fn other(pid: i32, identity: Identity) -> Self {
        Self { pid, child: None, identity }
    }

    pub(super) fn is_alive(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => self.identity.command_line(self.pid).is_some(),
        }
    }

    /// Resolves when the process has ended; its status is known only for a child.
    pub(super) async fn wait(&mut self) -> Option<ExitStatus> {
        if let Some(child) = &mut self.child {
            return child.wait().await.ok();
        }
        while self.identity.command_line(self.pid).is_some() {
            sleep(WATCH).await;
        }
        None
    }

    /// Does nothing when the process has ended: its number may be another's by now.
    pub(super) fn signal(&mut self, signal: Signal) {
        if self.is_alive() {
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Ready means: the file says so AND names this process. False: it ended, or is about to.
    pub(super) async fn wait_ready(&mut self, limit: Duration) -> bool {
        let started = Instant::now();
        let mut told = started;
        while started.elapsed() < limit && self.is_alive() {
            match PidFile::read(&self.identity.cluster).filter(|file| file.pid == self.pid) {
                Some(file) if file.is_ready() => return true,
                Some(file) if file.status == "stopping" => return false,
                _ => {}
            }
            if told.elapsed() > Duration::from_secs(5) {
                told = Instant::now();
                tracing::info!(seconds = started.elapsed().as_secs(), "the database is still recovering");
            }
            sleep(POLL).await;
        }
        false
    }

    /// SIGINT rolls back what is open and writes a checkpoint; SIGQUIT leaves recovery to the next start. False: still there.
    pub(super) async fn stop(&mut self, graceful: Duration) -> bool {
        self.signal(Signal::SIGINT);
        if timeout(graceful, self.wait()).await.is_ok() {
            return true;
        }
        tracing::warn!(pid = self.pid, "the database does not stop in time, ending it at once; the next start recovers it");
        self.signal(Signal::SIGQUIT);
        timeout(Duration::from_secs(10), self.wait()).await.is_ok()
    }
}

/// The last lines of a log, for an error message.
pub(super) fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "4711\n/data/postgres\n1700000000\n5432\n/data/run\n\n  1234567     98304\nready   \n";

    #[test]
    fn pid_file_grows_while_the_server_starts() {
        let ready = PidFile::parse(READY).unwrap();
        assert_eq!(ready, PidFile { pid: 4711, port: Some(5432), socket_dir: Some("/data/run".into()), status: "ready".into() });
        assert!(ready.is_ready());
        for cut in 1..READY.len() - 4 {
            assert!(PidFile::parse(&READY[..cut]).is_none_or(|file| !file.is_ready()), "ready too early: {:?}", &READY[..cut]);
        }
        assert!(!PidFile::parse(&READY.replace("ready   ", "stopping")).unwrap().is_ready());
        assert_eq!(PidFile::parse("-12\n/data\n").unwrap().pid, 12);
        assert_eq!(PidFile::parse(""), None);
        assert_eq!(PidFile::parse("0\n"), None);
        assert_eq!(PidFile::parse("-2147483648\n"), None);
    }

    #[test]
    fn only_processes_of_the_cluster_are_ours() {
        let identity =
            Identity { cluster: "/data/postgres".into(), name: "entrepot-1f".into(), uid: nix::unistd::geteuid().as_raw() };
        assert!(identity.owns(b"/usr/lib/postgresql/15/bin/postgres\0-D\0/data/postgres\0-k\0/data/run\0"));
        assert!(identity.owns(b"postgres: entrepot-1f: checkpointer \0\0\0"));
        assert!(!identity.owns(b"postgres: entrepot-1f2: checkpointer \0"));
        assert!(!identity.owns(b"/usr/lib/postgresql/15/bin/postgres\0-D\0/data/postgres2\0"));
        assert!(!identity.owns(b"rm\0-D\0/data/postgres\0"));
        assert!(!identity.owns(b""));
        let this = i32::try_from(std::process::id()).unwrap();
        assert_eq!(identity.command_line(this), None);
    }
}
