//! An Entrepot of our own: the built binary on a private database under /tmp that syncs to disk like a real one.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

const READY_WITHIN: Duration = Duration::from_secs(180);

pub struct OwnServer {
    binary: PathBuf,
    data: PathBuf,
    child: Child,
    pub url: String,
    pub token: String,
}

impl OwnServer {
    pub fn start() -> anyhow::Result<Self> {
        let binary = built_binary()?;
        let data = PathBuf::from(format!("/tmp/entrepot-race-{}", std::process::id()));
        std::fs::create_dir_all(&data).with_context(|| format!("{} cannot be made", data.display()))?;
        let (listen, listen_ops) = (free_address()?, free_address()?);
        let log = File::create(data.join("log")).context("the log cannot be made")?;
        let child = command(&binary, &data)
            .args(["serve", "--listen", &listen, "--listen-ops", &listen_ops])
            // Clients of a race are faster than people; the limits have tests of their own.
            .env("ENABLE_RATE_LIMITING", "false")
            .stdout(log.try_clone().context("the log cannot be shared")?)
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("{} does not start", binary.display()))?;
        let mut server = Self { binary, data, child, url: format!("http://{listen}"), token: String::new() };
        server.wait_until_ready()?;
        server.token = server.make_token()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        while ureq::get(format!("{}/api/health/ready", self.url)).call().is_err() {
            let ended = self.child.try_wait().context("the server's state cannot be asked")?;
            if ended.is_some() || started.elapsed() > READY_WITHIN {
                bail!("the server did not become ready; its log: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The end of what the server said.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.data.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn make_token(&self) -> anyhow::Result<String> {
        let arguments = ["token", "create", "--tenant", "race", "--role", "ADMIN", "--name", "race laboratory"];
        let output = command(&self.binary, &self.data).args(arguments).output().context("entrepot token does not start")?;
        ensure!(output.status.success(), "entrepot token create: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs `entrepot check` beside the server, or after it: whether every invariant holds, and what it printed.
    pub fn check(&self) -> anyhow::Result<(bool, String)> {
        let output = command(&self.binary, &self.data).arg("check").output().context("entrepot check does not start")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.code() {
            Some(0) => Ok((true, text)),
            Some(1) => Ok((false, text)),
            _ => bail!("entrepot check could not run: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }

    /// Ends the server in order.
    pub fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).context("the server cannot be told to end")?;
        self.child.wait().context("the server's end cannot be awaited")
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.stop();
        }
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// Beside this program's folder: target/release/examples/race belongs to target/release/entrepot.
fn built_binary() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("this program does not know where it lies")?;
    let binary = own.parent().and_then(Path::parent).map(|folder| folder.join("entrepot")).filter(|path| path.exists());
    binary.context("entrepot is not built beside this program; `make race` does both")
}

fn command(binary: &Path, data: &Path) -> Command {
    let mut command = Command::new(binary);
    // Settings of whoever calls must not lead to another database.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text == "DATABASE_URL" || text == "LOG_FORMAT" || (text.starts_with("ENTREPOT_") && text != "ENTREPOT_PG_BIN") {
            command.env_remove(&name);
        }
    }
    command.current_dir(data).arg("--data-dir").arg(data);
    command
}

fn free_address() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr().context("a port without a number")?.to_string())
}
