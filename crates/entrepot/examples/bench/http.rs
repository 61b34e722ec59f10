//! `GET /api/health/live` against a bare axum route that answers the same bytes, taken in turns.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::Server;
use crate::report;

const CONNECTIONS: usize = 32;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;

pub async fn run() {
    let server = Server::start().await;
    let ours: SocketAddr = server.url.trim_start_matches("http://").parse().expect("an address");
    let bare = Router::new()
        .route("/api/health/live", get(|| async { ([(header::CONTENT_TYPE, "application/json")], r#"{"status":"UP"}"#) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let theirs = listener.local_addr().expect("a bound listener");
    tokio::spawn(async move { axum::serve(listener, bare).await });
    let mut ratios = Vec::new();
    let (mut last_ours, mut last_theirs) = (0.0, 0.0);
    load(ours).await;
    for _ in 0..ROUNDS {
        last_theirs = load(theirs).await;
        last_ours = load(ours).await;
        ratios.push(last_ours / last_theirs);
    }
    let ratio = crate::percentile(&mut ratios, 0.5);
    let figure = format!("{:.0} % ({last_ours:.0}/s, {last_theirs:.0}/s)", ratio * 100.0);
    report("GET /api/health/live, 32 connections, share of bare axum", figure, ">= 70 %", ratio >= 0.7);
}

/// Requests a second over kept-alive connections.
async fn load(address: SocketAddr) -> f64 {
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("the server listens");
            stream.set_nodelay(true).expect("a socket option");
            let mut buffer = vec![0; 4096];
            let mut answered = 0_u64;
            while started.elapsed() < ROUND {
                stream.write_all(b"GET /api/health/live HTTP/1.1\r\nhost: bench\r\n\r\n").await.expect("a write");
                let mut read = 0;
                // The answers are small and end with the JSON object.
                while read == 0 || buffer[read - 1] != b'}' {
                    read += stream.read(&mut buffer[read..]).await.expect("a read");
                }
                assert!(buffer.starts_with(b"HTTP/1.1 200"));
                answered += 1;
            }
            answered
        });
    }
    let total: u64 = tasks.join_all().await.into_iter().sum();
    total as f64 / started.elapsed().as_secs_f64()
}
