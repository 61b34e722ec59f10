//! Clients that send a byte a second or never read, while everybody else works.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::load::MOVEMENTS;
use super::world::World;
use super::{Report, percentile};
use crate::harness::Caller;

pub struct Plan {
    pub clients: usize,
    pub lasts: Duration,
    /// When the server gives up on them.
    pub client_timeout_seconds: u64,
    /// p99 of the liveness probe while they all hang on.
    pub target_ms: f64,
}

#[derive(Default)]
struct Seen {
    open: AtomicU64,
    /// Connections that the server ended.
    cut: AtomicU64,
    refused: AtomicU64,
}

pub async fn run(plan: &Plan) -> Report {
    let mut report = Report::new("slow");
    entrepot::connections::raise_open_files();
    let settings = [("ENTREPOT_CLIENT_TIMEOUT_SECONDS", plan.client_timeout_seconds.to_string())];
    let world = World::new("slow", &settings).await;
    let address: SocketAddr = world.running.url.trim_start_matches("http://").parse().expect("an address");
    let seen = Arc::new(Seen::default());
    let mut clients = JoinSet::new();
    for number in 0..plan.clients {
        clients.spawn(hang_on(number, address, world.token.clone(), seen.clone(), plan.lasts));
    }
    let started = Instant::now();
    while seen.open.load(Ordering::Relaxed) < plan.clients as u64 && started.elapsed() < Duration::from_secs(10) {
        sleep(Duration::from_millis(50)).await;
    }
    report.figure("slow connections open", seen.open.load(Ordering::Relaxed));
    let (mut probes, mut failed) = (Vec::new(), 0);
    let (caller, mut work) = (world.caller(), Work::default());
    while started.elapsed() < plan.lasts {
        match probe(address).await {
            Some(took) => probes.push(took.as_secs_f64() * 1000.0),
            None => failed += 1,
        }
        if probes.len() % 20 == 0 {
            work.do_some(&caller).await;
        }
        sleep(Duration::from_millis(5)).await;
    }
    let (p99, p50) = (percentile(&mut probes, 0.99), percentile(&mut probes, 0.5));
    report.figure("liveness probes on new connections", probes.len());
    report.figure("liveness p50, ms", format!("{p50:.2}"));
    report.figure("liveness p99, ms", format!("{p99:.2}"));
    report.promise(failed == 0, || format!("{failed} liveness probes were not answered"));
    report.promise(p99 < plan.target_ms, || format!("liveness p99 is {p99:.1} ms, more than {} ms", plan.target_ms));
    report.figure("ordinary requests answered", work.done);
    report.promise(work.failed.is_empty(), || format!("ordinary requests failed: {}", work.failed.join("; ")));
    clients.join_all().await;
    let (cut, refused) = (seen.cut.load(Ordering::Relaxed), seen.refused.load(Ordering::Relaxed));
    report.figure("slow connections ended by the server", cut);
    report.promise(refused == 0, || format!("{refused} connections were refused"));
    report.promise(cut >= plan.clients as u64 / 2, || format!("only {cut} slow connections were ended by the server"));
    all_gone(&world, plan, &mut report).await;
    for line in world.panics() {
        report.broken(line);
    }
    report
}

/// One slow client of each kind in turn; whoever is cut comes again, as attackers do.
async fn hang_on(number: usize, address: SocketAddr, token: String, seen: Arc<Seen>, lasts: Duration) {
    let end = Instant::now() + lasts;
    while Instant::now() < end {
        let Ok(stream) = connect(address).await else {
            seen.refused.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(500)).await;
            continue;
        };
        seen.open.fetch_add(1, Ordering::Relaxed);
        let left = end.saturating_duration_since(Instant::now());
        let was_cut = match number % 3 {
            0 => timeout(left, trickle(stream, "GET /api/health/live HTTP/1.1\r\nhost: a\r\n".into(), "x-slow: 1\r\n")).await,
            1 => timeout(left, trickle(stream, post_head(&token), "{\"movements\": [ ")).await,
            _ => timeout(left, never_read(stream, &token)).await,
        };
        if was_cut.is_ok() {
            seen.cut.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    timeout(Duration::from_secs(10), socket.connect(address)).await?
}

fn post_head(token: &str) -> String {
    format!(
        "POST {MOVEMENTS} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n"
    )
}

/// A byte a second, over and over; ends when the server ends the connection.
async fn trickle(mut stream: TcpStream, head: String, rest: &str) {
    if stream.write_all(head.as_bytes()).await.is_err() {
        return;
    }
    let mut buffer = [0; 1024];
    for byte in rest.bytes().cycle() {
        if stream.write_all(&[byte]).await.is_err() {
            return;
        }
        // An answer or an end: either way it is over.
        if timeout(Duration::from_secs(1), stream.read(&mut buffer)).await.is_ok() {
            return;
        }
    }
}

/// Asks for much and reads nothing; ends when the server ends the connection.
async fn never_read(mut stream: TcpStream, token: &str) {
    let requests = format!("GET /api/openapi.json HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n").repeat(20);
    if stream.write_all(requests.as_bytes()).await.is_err() {
        return;
    }
    // Writing shows that the connection is gone, without making room for the answers.
    loop {
        sleep(Duration::from_millis(500)).await;
        if stream.write_all(b"GET").await.is_err() {
            return;
        }
    }
}

/// One liveness probe on a connection of its own.
async fn probe(address: SocketAddr) -> Option<Duration> {
    let started = Instant::now();
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /api/health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer.starts_with("HTTP/1.1 200"))
    };
    let well = timeout(Duration::from_secs(5), ask).await.ok()?.ok()?;
    well.then(|| started.elapsed())
}

#[derive(Default)]
struct Work {
    done: u32,
    failed: Vec<String>,
}

impl Work {
    async fn do_some(&mut self, caller: &Caller) {
        let movement = json!({ "kind": "RECEIPT", "item": "ITEM-0", "quantity": 1, "to": "F1/BIN-0" });
        let posted = caller.post(MOVEMENTS, &json!({ "movements": [movement] })).await;
        let read = caller.get("/api/v1/inventory/balances").await;
        for (expected, answer) in [(201, posted), (200, read)] {
            if answer.status == expected {
                self.done += 1;
            } else {
                self.failed.push(format!("{} {}", answer.status, answer.body));
            }
        }
    }
}

/// The server holds none of them any more: its own count of connections, on the operators' address.
async fn all_gone(world: &World, plan: &Plan, report: &mut Report) {
    let limit = Duration::from_secs(plan.client_timeout_seconds + 10);
    let (started, client) = (Instant::now(), world.caller().client);
    loop {
        let text = match client.get(format!("{}/metrics", world.running.ops)).send().await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        let open = text.lines().find_map(|line| line.strip_prefix("http_server_connections ")?.trim().parse::<f64>().ok());
        // Our own connection is one, and the client keeps some for later.
        if open.is_some_and(|open| open <= 16.0) {
            return report.figure("connections left afterwards", open.unwrap_or(0.0));
        }
        if started.elapsed() > limit {
            return report.broken(format!("{open:?} connections are left {} s after their clients went", limit.as_secs()));
        }
        sleep(Duration::from_millis(200)).await;
    }
}
