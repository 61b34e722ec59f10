//! A client that never gives up early: it waits when it is told to wait and repeats with the same idempotency key, as every
//! program that writes through a network must.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::sync::Semaphore;

/// One request, repetitions included, must be answered for good within this time.
const PATIENCE: Duration = Duration::from_secs(120);
const ONE_ATTEMPT: Duration = Duration::from_secs(70);

/// Why there can be no verdict.
#[derive(Debug)]
pub struct CannotRun(pub String);

impl fmt::Display for CannotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CannotRun {}

/// The way to one server, shared by all clients.
pub struct Api {
    client: reqwest::Client,
    url: String,
    token: String,
    connections: Semaphore,
    /// Begins every code and key of this run.
    pub run: String,
    next_key: AtomicU64,
}

impl Api {
    /// `url` is the server's root, without TLS; `connections` bounds the requests under way.
    pub fn new(url: &str, token: &str, connections: usize) -> Result<Self, CannotRun> {
        let url = url.trim_end_matches('/').to_owned();
        if !url.starts_with("http://") {
            return Err(CannotRun(format!("{url}: must begin with http:// (this client speaks no TLS; go past the proxy)")));
        }
        let client = reqwest::Client::builder()
            .pool_max_idle_per_host(connections)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ONE_ATTEMPT)
            .build()
            .map_err(|error| CannotRun(format!("no HTTP client: {error}")))?;
        let run = format!("RACE-{:08X}", SmallRng::from_os_rng().random::<u32>());
        let (connections, next_key) = (Semaphore::new(connections.max(1)), AtomicU64::new(0));
        Ok(Self { client, url, token: token.to_owned(), connections, run, next_key })
    }

    fn fresh_key(&self) -> String {
        format!("{}-{}", self.run, self.next_key.fetch_add(1, Ordering::Relaxed))
    }
}

/// What the server said for good.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// Byte for byte, to compare answers.
    pub text: String,
    /// Null when it is not JSON.
    pub body: Value,
}

impl Answer {
    /// The problem's code; empty in a success, whose body may have a code of another kind.
    pub fn code(&self) -> &str {
        if self.status < 400 { "" } else { self.body["code"].as_str().unwrap_or_default() }
    }

    pub fn is_created(&self) -> bool {
        self.status == 201
    }

    pub fn is(&self, status: u16, code: &str) -> bool {
        self.status == status && self.code() == code
    }

    /// `201`, `409 STOCK_INSUFFICIENT`.
    pub fn label(&self) -> String {
        format!("{} {}", self.status, self.code()).trim_end().to_owned()
    }

    /// The label with the beginning of the text, for a violation.
    pub fn story(&self) -> String {
        format!("{}: {}", self.label(), self.text.chars().take(200).collect::<String>())
    }
}

/// Answers by kind, and how long they took on the wire.
#[derive(Default)]
pub struct Tally {
    counts: Mutex<BTreeMap<String, u64>>,
    micros: Mutex<Vec<u32>>,
}

impl Tally {
    pub fn count(&self, label: String) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(label).or_default() += 1;
    }

    fn time(&self, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        self.micros.lock().unwrap_or_else(PoisonError::into_inner).push(micros);
    }

    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers so far.
    pub fn answers(&self) -> usize {
        self.micros.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The times below which the shares of all answers lie, in milliseconds.
    pub fn percentiles_ms(&self, shares: [f64; 2]) -> [f64; 2] {
        let mut micros = self.micros.lock().unwrap_or_else(PoisonError::into_inner).clone();
        micros.sort_unstable();
        shares.map(|share| {
            let place = (micros.len() as f64 * share).ceil() as usize;
            micros.get(place.clamp(1, micros.len().max(1)) - 1).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
        })
    }
}

/// The clients of one scenario.
#[derive(Clone)]
pub struct Session {
    pub api: Arc<Api>,
    pub tally: Arc<Tally>,
}

impl Session {
    pub fn new(api: Arc<Api>, tally: Arc<Tally>) -> Self {
        Self { api, tally }
    }

    pub async fn get(&self, path: &str) -> Result<Answer, CannotRun> {
        self.until_answered(path, || self.request(Method::GET, path)).await
    }

    /// Under a key of its own, so that it may be repeated.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, CannotRun> {
        self.post_with_key(path, &self.api.fresh_key(), body).await
    }

    pub async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Result<Answer, CannotRun> {
        let body = body.to_string();
        self.until_answered(path, || self.writing(path, key, &body)).await
    }

    /// Sends a command and hangs up after `patience`, whatever happens to it; true when an answer came before that.
    pub async fn post_and_hang_up(&self, path: &str, key: &str, body: &Value, patience: Duration) -> bool {
        let Ok(_permit) = self.api.connections.acquire().await else { return false };
        let request = self.writing(path, key, &body.to_string());
        let answered = tokio::time::timeout(patience, request.send()).await.is_ok();
        self.tally.count(if answered { "answered before hanging up" } else { "hung up" }.to_owned());
        answered
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.api.client.request(method, format!("{}{path}", self.api.url)).bearer_auth(&self.api.token)
    }

    fn writing(&self, path: &str, key: &str, body: &str) -> RequestBuilder {
        let request = self.request(Method::POST, path).header("Idempotency-Key", key);
        request.header("Content-Type", "application/json").body(body.to_owned())
    }

    async fn until_answered(&self, path: &str, request: impl Fn() -> RequestBuilder) -> Result<Answer, CannotRun> {
        let begun = Instant::now();
        loop {
            let permit = self.api.connections.acquire().await.map_err(|_| CannotRun("the client is closed".into()))?;
            let sent = Instant::now();
            let outcome = exchange(request()).await;
            drop(permit);
            let (why, wait) = match outcome {
                Ok((answer, _)) if matches!(answer.status, 401 | 403) => {
                    return Err(CannotRun(format!(
                        "{path}: the token does not suffice; it needs the role ADMIN ({})",
                        answer.label()
                    )));
                }
                Ok((answer, None)) => {
                    self.tally.time(sent.elapsed());
                    self.tally.count(answer.label());
                    return Ok(answer);
                }
                Ok((answer, Some(wait))) => (repeated(&answer), wait),
                Err(error) => {
                    let kind = if error.is_connect() { "no connection" } else { "no answer" };
                    (format!("{kind}, repeated"), Duration::from_millis(250))
                }
            };
            if begun.elapsed() + wait > PATIENCE {
                return Err(CannotRun(format!("{path}: not answered within {} s ({why})", PATIENCE.as_secs())));
            }
            self.tally.count(why);
            // Not all at the same moment again.
            tokio::time::sleep(wait.mul_f64(SmallRng::from_os_rng().random_range(1.0..1.25))).await;
        }
    }
}

/// Overload is told by code and detail: a deadlock that reached the caller looks like overload but for its detail.
fn repeated(answer: &Answer) -> String {
    let detail: String = answer.body["detail"].as_str().unwrap_or_default().chars().take(60).collect();
    format!("{} ({detail}), repeated", answer.label())
}

/// The answer, and after how long to repeat the request if that is what the answer asks for.
async fn exchange(request: RequestBuilder) -> Result<(Answer, Option<Duration>), reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    let answer = Answer { status, text, body };
    let asks_to_wait = matches!(status, 429 | 503) || answer.is(409, "KEY_IN_PROGRESS");
    // A wait of a minute is believed; more would be a server that wants to be left alone.
    let wait = asks_to_wait.then(|| Duration::from_secs(seconds.unwrap_or(1).clamp(1, 60)));
    Ok((answer, wait))
}
