//! The real binary on a data directory of its own: started, killed, asked through its command line.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

/// A data directory that is gone with its owner.
pub struct TempDir(pub PathBuf);

impl TempDir {
    pub fn new(name: &str) -> Self {
        let path = PathBuf::from(format!("/tmp/entrepot-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder under /tmp");
        Self(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program, with nothing of this process's settings. In a test cargo says where it is; an example lies beside it.
pub fn binary() -> Command {
    let path = option_env!("CARGO_BIN_EXE_entrepot").map(PathBuf::from).unwrap_or_else(|| {
        let this = std::env::current_exe().expect("a path of our own");
        this.ancestors().nth(2).expect("target/profile/examples").join("entrepot")
    });
    let mut command = Command::new(path);
    for name in ["DATABASE_URL", "LOG_FORMAT", "ENTREPOT_URL", "ENTREPOT_TOKEN"] {
        command.env_remove(name);
    }
    // A test asks more in a second than any caller may.
    command.env("ENABLE_RATE_LIMITING", "false");
    command.current_dir("/tmp");
    command
}

/// A running `entrepot serve`; killed with its database when its owner ends, however it ends.
pub struct Running {
    pub child: Child,
    pub url: String,
    pub ops: String,
    pub data: PathBuf,
    pub ready_after: Duration,
    port: u16,
    environment: Vec<(String, String)>,
}

impl Running {
    pub fn start(data: &TempDir, port: u16) -> Self {
        Self::start_with(&data.0, port, &[])
    }

    /// With settings in its environment; it listens on `port` and, for operators, on the next.
    pub fn start_with(data: &Path, port: u16, environment: &[(&str, String)]) -> Self {
        let environment: Vec<_> = environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let child = spawn(data, port, &environment);
        let (url, ops, data) = (url(port), url(port + 1), data.to_path_buf());
        let mut running = Self { child, url, ops, data, ready_after: Duration::ZERO, port, environment };
        running.wait_ready();
        running
    }

    /// Starts it again with the same settings, without waiting for it.
    pub fn respawn(&mut self) {
        self.child = spawn(&self.data, self.port, &self.environment);
    }

    pub fn wait_ready(&mut self) {
        let started = Instant::now();
        while !is_up(&self.url) {
            if let Some(status) = self.child.try_wait().expect("our child") {
                panic!("ended with {status}: {}", self.log());
            }
            assert!(started.elapsed() < Duration::from_secs(60), "not ready: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.ready_after = started.elapsed();
    }

    /// What it said so far, over all its lives.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("stderr")).unwrap_or_default()
    }

    pub fn postmaster(&self) -> Option<i32> {
        let file = std::fs::read_to_string(self.data.join("postgres/postmaster.pid")).ok()?;
        file.lines().next()?.trim().parse().ok()
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("our child");
        self.child.wait().expect("our child");
    }

    pub fn stop(&mut self) -> ExitStatus {
        signal(self.child.id() as i32, Signal::SIGTERM);
        self.child.wait().expect("our child")
    }
}

fn spawn(data: &Path, port: u16, environment: &[(String, String)]) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(data.join("stderr")).expect("a log");
    let (public, ops) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", port + 1));
    let mut command = binary();
    command.args(["serve", "--listen", &public, "--listen-ops", &ops, "--data-dir"]).arg(data);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdout(Stdio::null()).stderr(log).spawn().expect("the binary runs")
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(pid) = self.postmaster() {
            signal(pid, Signal::SIGQUIT);
            let started = Instant::now();
            while PathBuf::from(format!("/proc/{pid}")).exists() && started.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

pub fn signal(pid: i32, signal: Signal) {
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
}

pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10))).http_status_as_error(false).build().into()
}

fn is_up(url: &str) -> bool {
    agent().get(format!("{url}/api/health/ready")).call().is_ok_and(|answer| answer.status() == 200)
}

/// One command beside the running server.
pub fn entrepot(data: &TempDir, arguments: &[&str]) -> Output {
    binary().args(arguments).arg("--data-dir").arg(&data.0).output().expect("the binary runs")
}

/// A token of an administrator of the tenant `acme`.
pub fn token(data: &TempDir) -> String {
    let output = entrepot(data, &["token", "create", "--tenant", "acme", "--role", "ADMIN"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a token is plain text").trim().to_owned()
}
