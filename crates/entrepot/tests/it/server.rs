//! The binary itself: private server, kill -9, restart, graceful end.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempdir::TempDir;

/// A data directory that is gone with the test.
mod tempdir {
    use std::path::PathBuf;

    pub struct TempDir(pub PathBuf);

    impl TempDir {
        pub fn new(name: &str) -> Self {
            let path = PathBuf::from(format!("/tmp/entrepot-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for TempDir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entrepot"));
    for name in ["DATABASE_URL", "LOG_FORMAT", "ENTREPOT_URL", "ENTREPOT_TOKEN"] {
        command.env_remove(name);
    }
    command.current_dir("/tmp");
    command
}

/// A running `entrepot serve`; killed with its database when the test ends, however it ends.
struct Running {
    child: Child,
    url: String,
    ops: String,
    data: PathBuf,
    ready_after: Duration,
}

impl Running {
    fn start(data: &TempDir, port: u16) -> Self {
        let mut running = Self::launch(data, port);
        running.wait_ready();
        running
    }

    fn launch(data: &TempDir, port: u16) -> Self {
        let child = binary()
            .args([
                "serve",
                "--listen",
                &format!("127.0.0.1:{port}"),
                "--listen-ops",
                &format!("127.0.0.1:{}", port + 1),
                "--data-dir",
            ])
            .arg(&data.0)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(data.0.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        Self { child, url: url(port), ops: url(port + 1), data: data.0.clone(), ready_after: Duration::ZERO }
    }

    fn wait_ready(&mut self) {
        let started = Instant::now();
        while !is_up(&self.url) {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("ended with {status}: {}", std::fs::read_to_string(self.data.join("stderr")).unwrap());
            }
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "not ready: {}",
                std::fs::read_to_string(self.data.join("stderr")).unwrap()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        self.ready_after = started.elapsed();
    }

    fn postmaster(&self) -> Option<i32> {
        let file = std::fs::read_to_string(self.data.join("postgres/postmaster.pid")).ok()?;
        file.lines().next()?.trim().parse().ok()
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn stop(&mut self) -> std::process::ExitStatus {
        signal(self.child.id() as i32, nix::sys::signal::Signal::SIGTERM);
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(pid) = self.postmaster() {
            signal(pid, nix::sys::signal::Signal::SIGQUIT);
            let started = Instant::now();
            while PathBuf::from(format!("/proc/{pid}")).exists() && started.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

fn signal(pid: i32, signal: nix::sys::signal::Signal) {
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10))).http_status_as_error(false).build().into()
}

fn is_up(url: &str) -> bool {
    agent().get(format!("{url}/api/health/ready")).call().is_ok_and(|answer| answer.status() == 200)
}

fn call(url: &str, token: &str, body: Option<&Value>) -> Option<(u16, Value)> {
    let authorization = format!("Bearer {token}");
    let mut answer = match body {
        Some(body) => agent()
            .post(url)
            .header("authorization", authorization)
            .header("content-type", "application/json")
            .send(body.to_string()),
        None => agent().get(url).header("authorization", authorization).call(),
    }
    .ok()?;
    let status = answer.status().as_u16();
    Some((status, serde_json::from_str(&answer.body_mut().read_to_string().ok()?).unwrap_or(Value::Null)))
}

fn entrepot(data: &TempDir, arguments: &[&str]) -> Output {
    binary().args(arguments).arg("--data-dir").arg(&data.0).output().unwrap()
}

fn token(data: &TempDir) -> String {
    let output = entrepot(data, &["token", "create", "--tenant", "acme", "--role", "ADMIN"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn create_item(url: &str, token: &str, code: &str) -> Option<u16> {
    call(&format!("{url}/api/v1/inventory/items"), token, Some(&json!({ "code": code, "name": "Thing" })))
        .map(|(status, _)| status)
}

#[test]
fn the_private_server_survives_every_kill_and_loses_nothing() {
    let data = TempDir::new("kill");
    let mut running = Running::start(&data, 18_210);
    assert!(running.ready_after < Duration::from_secs(15), "first start: {:?}", running.ready_after);
    let token = token(&data);
    let mut acknowledged = 0;
    // Whoever is told 503 comes again; whatever was acknowledged must be there at the end.
    let write = |running: &Running, acknowledged: &mut u32| {
        let (goal, started) = (*acknowledged + 5, Instant::now());
        while *acknowledged < goal {
            assert!(started.elapsed() < Duration::from_secs(20), "it did not come back");
            match create_item(&running.url, &token, &format!("I-{acknowledged}")) {
                Some(201) => *acknowledged += 1,
                Some(503) => std::thread::sleep(Duration::from_millis(50)),
                other => panic!("{other:?}"),
            }
        }
    };
    write(&running, &mut acknowledged);

    // The process alone: its database is adopted.
    running.kill();
    let mut running = Running::start(&data, 18_210);
    assert!(running.ready_after < Duration::from_millis(1500), "later start: {:?}", running.ready_after);
    write(&running, &mut acknowledged);

    // The database alone: it comes back by itself.
    signal(running.postmaster().unwrap(), nix::sys::signal::Signal::SIGKILL);
    write(&running, &mut acknowledged);

    // Both.
    signal(running.postmaster().unwrap(), nix::sys::signal::Signal::SIGKILL);
    running.kill();
    let mut running = Running::start(&data, 18_210);
    write(&running, &mut acknowledged);
    let listed = call(&format!("{}/api/v1/inventory/items?limit=100", running.url), &token, None).unwrap().1;
    assert_eq!(listed["items"].as_array().unwrap().len(), 20, "an acknowledged row is missing");

    let check = entrepot(&data, &["check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    assert!(running.stop().success());
    assert!(running.postmaster().is_none(), "the database stopped with its owner");
}

#[test]
fn a_second_server_on_the_same_directory_is_refused() {
    let data = TempDir::new("second");
    let _running = Running::start(&data, 18_220);
    let second = entrepot(&data, &["serve", "--listen", "127.0.0.1:18222", "--listen-ops", "127.0.0.1:18223"]);
    let message = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(2));
    assert!(message.contains("entrepot") && message.contains(&data.0.display().to_string()), "{message}");
    let taken = entrepot(&TempDir::new("second-b"), &["serve", "--listen", "127.0.0.1:18220"]);
    assert!(String::from_utf8_lossy(&taken.stderr).contains("cannot listen on 127.0.0.1:18220"));
}

#[test]
fn the_database_stopped_under_load_costs_no_acknowledged_write() {
    let data = TempDir::new("load");
    let running = Running::start(&data, 18_230);
    let token = token(&data);
    let stop_at = Instant::now() + Duration::from_secs(6);
    let killer = std::thread::spawn({
        let (data, pid) = (running.data.clone(), running.postmaster().unwrap());
        move || {
            std::thread::sleep(Duration::from_millis(1500));
            signal(pid, nix::sys::signal::Signal::SIGINT);
            drop(data);
        }
    });
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (url, token) = (running.url.clone(), token.clone());
            std::thread::spawn(move || {
                let (mut acknowledged, mut unavailable, mut others) = (Vec::new(), 0, Vec::new());
                for n in 0.. {
                    if Instant::now() > stop_at {
                        break;
                    }
                    let code = format!("W{writer}-{n}");
                    match create_item(&url, &token, &code) {
                        Some(201) => acknowledged.push(code),
                        Some(503) => {
                            unavailable += 1;
                            std::thread::sleep(Duration::from_millis(50));
                        }
                        other => others.push(other),
                    }
                }
                (acknowledged, unavailable, others)
            })
        })
        .collect();
    killer.join().unwrap();
    let results: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    assert!(results.iter().all(|(_, _, others)| others.is_empty()), "{:?}", results.iter().map(|r| &r.2).collect::<Vec<_>>());
    let after = create_item(&running.url, &token, "AFTER");
    assert_eq!(after, Some(201), "it is back by itself");
    for code in results.iter().flat_map(|(acknowledged, _, _)| acknowledged) {
        let found = call(&format!("{}/api/v1/inventory/items/{code}", running.url), &token, None).unwrap().0;
        assert_eq!(found, 200, "{code} was acknowledged and is lost");
    }
}

#[test]
fn commands_work_beside_a_server_and_without_one() {
    let data = TempDir::new("commands");
    let first = token(&data);
    let mut running = Running::start(&data, 18_240);
    assert_eq!(create_item(&running.url, &first, "A"), Some(201));
    assert_eq!(create_item(&running.url, &token(&data), "B"), Some(201));
    let health = binary().args(["health", "--url", &running.ops, "--token", &first]).output().unwrap();
    let text = String::from_utf8(health.stdout).unwrap();
    assert_eq!(health.status.code(), Some(0), "{text}");
    assert!(text.contains("║  Overall Status: HEALTHY") && text.contains("✓ Capacity failures (24h): 0 (HEALTHY)"), "{text}");
    assert!(!text.contains('\u{1b}'), "no escapes when it is not a terminal");
    for arguments in [&["migrate", "status"][..], &["migrate", "verify"], &["check"], &["doctor"]] {
        let output = entrepot(&data, arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let psql = binary().arg("--data-dir").arg(&data.0).args(["psql", "-Atc", "SELECT count(*) FROM items"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&psql.stdout).trim(), "2", "{}", String::from_utf8_lossy(&psql.stderr));
    assert!(running.stop().success());
    let down = binary().args(["health", "--url", &running.ops]).output().unwrap();
    assert_eq!(down.status.code(), Some(2));
}

#[test]
fn wrong_settings_refuse_to_start_and_never_show_values() {
    let data = TempDir::new("settings");
    let run = |name: &str, value: &str| {
        let output = binary().args(["doctor", "--data-dir"]).arg(&data.0).env(name, value).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (name, value, expected) in [
        ("ENTREPOT_POOL_SIZ", "5", "pool_siz"),
        ("ENTREPOT_POOL_SIZE", "many", "pool_size"),
        ("ENTREPOT_POOL_SIZE", "1", "pool_size"),
        ("LOG_FORMAT", "xml", "log_format"),
        ("DATABASE_URL", "mysql://root:s3cret@localhost/x", "DATABASE_URL"),
    ] {
        let (code, message) = run(name, value);
        assert_eq!(code, Some(2), "{name}={value}: {message}");
        assert!(message.contains(expected), "{name}: {message}");
        assert!(!message.contains("s3cret") && !message.contains("many"), "{message}");
    }
}
