//! First start, later start and idle memory of the real binary with its private server.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::report;

pub async fn run() {
    let binary = PathBuf::from("target/release/entrepot");
    if !binary.exists() {
        println!("start-up: {} is not built, skipped (make bench builds it)", binary.display());
        return;
    }
    let data = PathBuf::from(format!("/tmp/entrepot-bench-{}", std::process::id()));
    std::fs::create_dir_all(&data).expect("a folder under /tmp");
    let (first, _) = once(&binary, &data);
    let (later, memory) = once(&binary, &data);
    report("first start to ready", format!("{:.2} s", first.as_secs_f64()), "< 15 s", first < Duration::from_secs(15));
    report("later start to ready", format!("{:.2} s", later.as_secs_f64()), "< 1.5 s", later < Duration::from_millis(1500));
    println!("{:<62} {:>19} MiB", "resident memory of the process, idle", memory >> 10);
    std::fs::remove_dir_all(&data).expect("the folder goes");
}

/// Time from start to readiness, and resident KiB five seconds of idling later.
fn once(binary: &Path, data: &Path) -> (Duration, u64) {
    let started = Instant::now();
    let mut child = Command::new(binary)
        .args(["serve", "--listen", "127.0.0.1:18490", "--listen-ops", "127.0.0.1:18491", "--data-dir"])
        .arg(data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    while ureq::get("http://127.0.0.1:18490/api/health/ready").call().is_err() {
        assert!(started.elapsed() < Duration::from_secs(60), "not ready within a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = started.elapsed();
    std::thread::sleep(Duration::from_secs(3));
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("the process runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux tells it");
    let kib = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), nix::sys::signal::Signal::SIGTERM).expect("our child");
    child.wait().expect("it ends");
    (took, kib)
}
