//! The connection between process and PostgreSQL is cut around COMMIT: before it, with it, and after it was done but before its
//! answer. Whoever repeats the request with its key gets exactly one effect.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::task::JoinSet;

use super::load::{Operation, Shared};
use super::proxy::{Cut, Proxy};
use super::world::{World, port};
use super::{Report, verify};
use crate::binary::{TempDir, signal};
use crate::harness::{as_server_user, own, run as run_program, server_binaries};

/// Requests at once around each cut: some share the fate of the one that is cut.
const AT_ONCE: usize = 4;

/// A PostgreSQL that is reached over TCP, as a database of somebody else's would be. Its settings are its defaults: fsync on.
struct Postgres {
    child: Child,
    port: u16,
    _home: TempDir,
}

impl Postgres {
    fn start() -> Self {
        let home = TempDir::new("cuts-pg");
        own(&home.0);
        let (programs, data, port) = (server_binaries(), home.0.join("data"), port());
        run_program(
            as_server_user(&programs.join("initdb")).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "-D"]).arg(&data),
        );
        let log = std::fs::File::create(home.0.join("log")).expect("a log");
        let mut command = as_server_user(&programs.join("postgres"));
        command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c"]);
        command.arg(format!("unix_socket_directories={}", home.0.display()));
        command.args(["-c", "shared_preload_libraries=pg_stat_statements"]).current_dir("/tmp");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("postgres runs");
        let (server, started) = (Self { child, port, _home: home }, Instant::now());
        let is_ready = |program: PathBuf| {
            let mut command = Command::new(program);
            command.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).status().is_ok_and(|status| status.success())
        };
        while !is_ready(programs.join("pg_isready")) {
            assert!(started.elapsed() < Duration::from_secs(30), "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn url(&self, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/entrepot?sslmode=disable")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        signal(self.child.id() as i32, Signal::SIGQUIT);
        let _ = self.child.wait();
    }
}

pub async fn run(cuts: u32) -> Report {
    let mut report = Report::new("cuts");
    let postgres = Postgres::start();
    let proxy = Proxy::start(postgres.port).await;
    let (through, direct) = (postgres.url(proxy.port), postgres.url(postgres.port));
    let home = TempDir::new("cuts");
    let data = home.0.clone();
    let world = World::at(data, Some(home), &[("DATABASE_URL", through)], &[("DATABASE_URL", direct)]).await;
    let shared = Shared::new(&world, "cuts").await;
    let mut operations: Vec<Operation> = Vec::new();
    let (mut idle, mut repeated) = (0, 0);
    for number in 0..cuts {
        let cut = [Cut::After, Cut::With, Cut::Before][number as usize % 3];
        proxy.arm(cut);
        let done = burst(&shared, number).await;
        if proxy.disarm() {
            idle += 1;
        }
        repeated += done.iter().filter(|operation| operation.attempts > 1).count();
        operations.extend(done);
        if (number + 1) % 50 == 0 {
            println!("cuts: {} of {cuts}", number + 1);
        }
    }
    for (cut, what) in [
        (Cut::Before, "cut before COMMIT reached the server"),
        (Cut::With, "cut when COMMIT was sent"),
        (Cut::After, "cut after the server had committed"),
    ] {
        report.figure(what, proxy.performed(cut));
        report.promise(cuts < 3 || proxy.performed(cut) > 0, || format!("no connection was {what}: the proxy saw no COMMIT"));
    }
    report.figure("requests that were told to come again", repeated);
    report.promise(idle == 0, || format!("{idle} cuts found no COMMIT with movements"));
    println!("cuts: answers {}", shared.answers());
    verify::all_answered(&world, &shared, &operations, &mut report).await;
    report
}

/// Some single movements at once, each repeated until it is settled.
async fn burst(shared: &std::sync::Arc<Shared>, number: u32) -> Vec<Operation> {
    let mut tasks = JoinSet::new();
    for n in 0..AT_ONCE {
        let shared = shared.clone();
        tasks.spawn(async move {
            let movement = json!({ "kind": "RECEIPT", "item": format!("ITEM-{n}"), "quantity": 1, "to": format!("F1/BIN-{n}") });
            let mut operation = Operation::movements(format!("cuts-{number}-{n}"), true, vec![movement]);
            shared.settle(&mut operation).await;
            operation
        });
    }
    tasks.join_all().await
}
