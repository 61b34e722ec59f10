//! Accepts connections and bounds what each may cost: how many there are, how long the head of a request may take to come,
//! how long an answer may wait for a client that does not read it.
//!
//! `axum::serve` has none of these bounds: a client that sends one byte of a header a second holds a connection for ever.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{setsockopt, sockopt};
use platform::config::Config;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Layer as _;

/// Operators have connections of their own, so that they get in when the public ones are all taken.
const OPS_CONNECTIONS: usize = 256;
/// Files that are not connections of clients: the database's, the log, the binary's own.
const RESERVED_FILES: u64 = 256;
/// A peer that is gone without a word is noticed after 60 s + 3 x 10 s.
const KEEPALIVE_IDLE_SECONDS: u32 = 60;
const KEEPALIVE_INTERVAL_SECONDS: u32 = 10;
const KEEPALIVE_PROBES: u32 = 3;

/// What the connections of some listeners may cost together.
#[derive(Clone)]
pub struct Limits {
    slots: Arc<Semaphore>,
    /// For the head of a request, from the end of the one before; for an answer, as long as the client takes nothing of it.
    patience: Duration,
}

impl Limits {
    /// For the public listeners; not more connections than `open_files` allows.
    pub fn public(config: &Config, open_files: u64) -> Self {
        let possible = usize::try_from(open_files.saturating_sub(RESERVED_FILES)).unwrap_or(usize::MAX).max(64);
        let wanted = config.max_connections as usize;
        if possible < wanted {
            tracing::warn!(wanted, possible, "the limit of open files allows fewer connections; raise it (LimitNOFILE=)");
        }
        Self::new(wanted.min(possible), config)
    }

    pub fn ops(config: &Config) -> Self {
        Self::new(OPS_CONNECTIONS, config)
    }

    fn new(connections: usize, config: &Config) -> Self {
        let patience = Duration::from_secs(config.client_timeout_seconds.into());
        Self { slots: Arc::new(Semaphore::new(connections)), patience }
    }

    /// Waits for a free slot before it accepts: whoever is too many waits in the kernel's bounded backlog.
    async fn accept(&self, listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let slots = self.slots.clone();
        let permit = match slots.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                tracing::warn!("all connections are taken; new ones wait");
                slots.acquire_owned().await.map_err(io::Error::other)?
            }
        };
        let (stream, peer) = listener.accept().await?;
        Ok((stream, peer, permit))
    }
}

/// Raises the soft limit of open files to the hard one; the limit that holds now.
pub fn raise_open_files() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 1024 };
    if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() {
        tracing::debug!(from = soft, to = hard, "raised the limit of open files");
        return hard;
    }
    soft
}

/// Serves until `shutdown`; then lets the requests under way end.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: CancellationToken) {
    let open = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = limits.accept(&listener) => accepted,
        };
        match accepted {
            Ok((stream, peer, permit)) => {
                let connection = converse(stream, peer, router.clone(), limits.patience, shutdown.clone());
                open.spawn(async move {
                    let count = metrics::gauge!("http_server_connections");
                    count.increment(1);
                    connection.await;
                    count.decrement(1);
                    drop(permit);
                });
            }
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    drop(listener);
    open.close();
    open.wait().await;
}

/// The client went away before we looked: nothing is wrong with us.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn converse(stream: TcpStream, peer: SocketAddr, router: Router, patience: Duration, shutdown: CancellationToken) {
    if let Err(error) = tune(&stream, patience) {
        tracing::debug!(%error, "a connection ended before it began");
        return;
    }
    let service = TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(router));
    let io = TokioIo::new(Impatient { stream, patience, stalled: None });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience);
    let mut connection = pin!(http.serve_connection(io, service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}

fn tune(stream: &TcpStream, patience: Duration) -> io::Result<()> {
    // Answers are small; waiting to fill a packet would only delay them.
    stream.set_nodelay(true)?;
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &KEEPALIVE_IDLE_SECONDS)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &KEEPALIVE_INTERVAL_SECONDS)?;
    setsockopt(stream, sockopt::TcpKeepCount, &KEEPALIVE_PROBES)?;
    let unacknowledged = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX).max(30_000);
    setsockopt(stream, sockopt::TcpUserTimeout, &unacknowledged)?;
    Ok(())
}

/// A stream whose writes fail when the peer takes nothing for as long as `patience`.
struct Impatient {
    stream: TcpStream,
    patience: Duration,
    /// Runs from the first write that had to wait to the next that got through.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    fn judge<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let patience = self.patience;
        let end = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        end.as_mut().poll(context).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answer")))
    }
}

impl AsyncRead for Impatient {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpSocket;

    use super::*;

    async fn start(connections: usize, patience: Duration) -> (SocketAddr, Arc<Semaphore>, CancellationToken) {
        let large = "x".repeat(1 << 20);
        let router = Router::new().route("/", get(|| async { "well" })).route("/large", get(|| async move { large }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (slots, shutdown) = (Arc::new(Semaphore::new(connections)), CancellationToken::new());
        let limits = Limits { slots: slots.clone(), patience };
        tokio::spawn(serve(listener, router, limits, shutdown.clone()));
        (address, slots, shutdown)
    }

    #[tokio::test]
    async fn a_head_that_comes_byte_by_byte_is_cut() {
        let (address, _, _shutdown) = start(8, Duration::from_millis(300)).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let started = Instant::now();
        for byte in b"GET / HTTP/1.1\r\nx-slow: 1111111111111111111111111111111111111" {
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty() && started.elapsed() >= Duration::from_millis(300), "{rest:?}");
    }

    #[tokio::test]
    async fn an_answer_that_nobody_reads_is_cut_and_its_slot_is_free_again() {
        let (address, slots, _shutdown) = start(1, Duration::from_millis(300)).await;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut greedy = socket.connect(address).await.unwrap();
        greedy.write_all("GET /large HTTP/1.1\r\nhost: a\r\n\r\n".repeat(20).as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(slots.available_permits(), 0);
        // The next client waits for the slot, and gets it.
        let mut patient = TcpStream::connect(address).await.unwrap();
        patient.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(Duration::from_secs(5), patient.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.ends_with("well"), "{answer}");
    }

    #[tokio::test]
    async fn shutdown_ends_idle_connections() {
        let (address, slots, shutdown) = start(4, Duration::from_secs(60)).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let mut buffer = [0; 512];
        assert!(idle.read(&mut buffer).await.unwrap() > 0);
        shutdown.cancel();
        assert_eq!(tokio::time::timeout(Duration::from_secs(2), idle.read(&mut buffer)).await.unwrap().unwrap(), 0);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(slots.available_permits(), 4);
    }
}
