//! The two sides of a comparison: our server under load over kept-alive connections, and pgbench on the same database.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::harness;

/// What one side did.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Operations a second.
    pub rate: f64,
    /// Milliseconds of each operation, unsorted; empty for pgbench.
    pub latencies: Vec<f64>,
    /// CPU microseconds of PostgreSQL for one operation.
    pub database_us: f64,
    /// CPU microseconds of everything else: our server and its load generator, or pgbench.
    pub process_us: f64,
}

/// Sends requests over `connections` for `duration`; `request` makes the next one of a connection, headers and all.
pub async fn http<F>(address: SocketAddr, connections: usize, per_request: usize, duration: Duration, request: F) -> Run
where
    F: Fn(usize, usize) -> Vec<u8> + Clone + Send + Sync + 'static,
{
    let (database, process) = (database_seconds(), own_seconds());
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for connection in 0..connections {
        let request = request.clone();
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("the server listens");
            stream.set_nodelay(true).expect("a socket option");
            let (mut buffer, mut latencies) = (vec![0; 1 << 20], Vec::new());
            while started.elapsed() < duration {
                let bytes = request(connection, latencies.len());
                let sent = Instant::now();
                stream.write_all(&bytes).await.expect("a write");
                answer(&mut stream, &mut buffer).await;
                latencies.push(sent.elapsed().as_secs_f64() * 1000.0);
            }
            latencies
        });
    }
    let latencies: Vec<f64> = tasks.join_all().await.into_iter().flatten().collect();
    let operations = (latencies.len() * per_request) as f64;
    Run {
        rate: operations / started.elapsed().as_secs_f64(),
        latencies,
        database_us: (database_seconds() - database) * 1e6 / operations,
        process_us: (own_seconds() - process) * 1e6 / operations,
    }
}

/// Reads one answer, which must be a success with a length.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut read = 0;
    loop {
        let got = stream.read(&mut buffer[read..]).await.expect("a read");
        assert!(got > 0, "the server closed the connection");
        read += got;
        let Some(head) = buffer[..read].windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        assert!(text.starts_with("http/1.1 20"), "{text}\n{}", String::from_utf8_lossy(&buffer[head..read.min(head + 600)]));
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("an answer with a length");
        let whole = head + 4 + length.trim().parse::<usize>().expect("a number");
        while read < whole {
            read += stream.read(&mut buffer[read..whole]).await.expect("a read");
        }
        return;
    }
}

/// Runs a script as prepared statements; `per_transaction` operations are counted for each of its transactions.
pub fn pgbench(database: &str, script: &str, clients: usize, per_transaction: usize, duration: Duration) -> Run {
    let folder = PathBuf::from(format!("/tmp/entrepot-bench-{}-{clients}.sql", std::process::id()));
    std::fs::write(&folder, script).expect("a file under /tmp");
    let (before, children) = (database_seconds(), child_seconds());
    let mut command = Command::new(harness::server_binaries().join("pgbench"));
    command.args(["-n", "-M", "prepared", "-U", "postgres", "--max-tries=20", "-j", "2"]);
    command.args(["-c", &clients.to_string(), "-T", &duration.as_secs().to_string(), "-f"]).arg(&folder);
    // The planner knows next to nothing of the tenant's share; without this it would walk through all rows of the tenant.
    command.env(
        "PGOPTIONS",
        "-c enable_hashjoin=off -c enable_mergejoin=off -c enable_seqscan=off -c search_path=public,extensions",
    );
    command.arg("-h").arg(harness::socket()).arg(database);
    let output = command.output().expect("pgbench runs");
    let _ = std::fs::remove_file(&folder);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let number = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name:?} in {text}"));
        let word = line.split(|c: char| !c.is_ascii_digit() && c != '.').find(|word| !word.is_empty());
        word.and_then(|word| word.parse().ok()).expect("a number")
    };
    let transactions = number("number of transactions actually processed:");
    let operations = transactions * per_transaction as f64;
    Run {
        rate: number("tps =") * per_transaction as f64,
        latencies: Vec::new(),
        database_us: (database_seconds() - before) * 1e6 / operations,
        process_us: (child_seconds() - children) * 1e6 / operations,
    }
}

/// A request as bytes.
pub fn request(method: &str, path: &str, token: &str, key: Option<&str>, body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n");
    if let Some(key) = key {
        write!(text, "idempotency-key: {key}\r\n").expect("a string takes it");
    }
    if !body.is_empty() {
        write!(text, "content-type: application/json\r\ncontent-length: {}\r\n", body.len()).expect("a string takes it");
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

fn own_seconds() -> f64 {
    usage(nix::sys::resource::UsageWho::RUSAGE_SELF)
}

fn child_seconds() -> f64 {
    usage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)
}

fn usage(who: nix::sys::resource::UsageWho) -> f64 {
    let usage = nix::sys::resource::getrusage(who).expect("Linux tells it");
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// CPU seconds of the test server: its postmaster, the children that ended, and those that live.
fn database_seconds() -> f64 {
    let postmaster = harness::postmaster();
    let stat = |pid: u32| -> Option<Vec<f64>> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name in brackets: state, parent, …; utime to cstime are the fields 14 to 17 of proc(5).
        let fields = text.rsplit_once(')')?.1.split_whitespace().skip(1);
        Some(fields.map(|field| field.parse().unwrap_or(0.0)).collect())
    };
    let ticks = |fields: &[f64], with_ended: bool| fields[10..if with_ended { 14 } else { 12 }].iter().sum::<f64>();
    let mut total = stat(postmaster).map_or(0.0, |fields| ticks(&fields, true));
    for entry in std::fs::read_dir("/proc").expect("Linux has it").flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        if let Some(fields) = pid.and_then(stat).filter(|fields| fields[0] as u32 == postmaster) {
            total += ticks(&fields, false);
        }
    }
    total / 100.0
}
