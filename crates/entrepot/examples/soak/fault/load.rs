//! Writers that remember what they were told: each request has an idempotency key and is repeated with it until there is a
//! definite answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::world::{BINS, ITEMS, World};

pub const MOVEMENTS: &str = "/api/v1/inventory/movements";
pub const RESERVATIONS: &str = "/api/v1/inventory/reservations";
/// Longer than any recovery: whoever got no definite answer by then never will.
const PATIENCE: Duration = Duration::from_secs(150);
const RETRY_AFTER: Duration = Duration::from_millis(50);
const UNANSWERED: &str = "no answer";
const REPEATED_AT_ONCE: f64 = 0.05;

/// What the requests of all writers share.
pub struct Shared {
    client: reqwest::Client,
    url: String,
    token: String,
    tag: String,
    with_reservations: bool,
    stop: AtomicBool,
    /// Told at the moment a request goes out.
    pub sent: Notify,
    pub acknowledged: AtomicU64,
    pub refused: AtomicU64,
    /// Requests that were sent again because the answer did not come or said to.
    pub retried: AtomicU64,
    pub replayed: AtomicU64,
    answers: Mutex<BTreeMap<String, u64>>,
    /// What no fault excuses.
    strange: Mutex<Vec<String>>,
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Unsettled,
    Acknowledged { status: u16, body: Value },
    Refused,
}

/// One request with everything its writer knows of it.
#[derive(Clone, Debug)]
pub struct Operation {
    pub key: String,
    pub path: &'static str,
    pub body: Value,
    /// The reference of each movement, in order; of a reservation its one.
    pub references: Vec<String>,
    pub outcome: Outcome,
    pub attempts: u32,
}

impl Operation {
    pub fn movements(key: String, atomic: bool, mut movements: Vec<Value>) -> Self {
        let references: Vec<String> = (0..movements.len()).map(|n| format!("{key}/{n}")).collect();
        for (movement, reference) in movements.iter_mut().zip(&references) {
            movement["reference"] = reference.as_str().into();
        }
        let body = json!({ "atomic": atomic, "movements": movements });
        Self { key, path: MOVEMENTS, body, references, outcome: Outcome::Unsettled, attempts: 0 }
    }

    fn reservation(key: String, body: Value) -> Self {
        let references = vec![key.clone()];
        Self { key, path: RESERVATIONS, body, references, outcome: Outcome::Unsettled, attempts: 0 }
    }

    pub fn is_acknowledged(&self) -> bool {
        matches!(self.outcome, Outcome::Acknowledged { .. })
    }
}

impl Shared {
    pub async fn new(world: &World, tag: &str) -> Arc<Self> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(25)).build().expect("a client");
        let probe = client.get(format!("{}{RESERVATIONS}?limit=1", world.running.url)).bearer_auth(&world.token).send().await;
        let with_reservations = probe.is_ok_and(|answer| answer.status() == 200);
        Arc::new(Self {
            client,
            url: world.running.url.clone(),
            token: world.token.clone(),
            tag: tag.to_owned(),
            with_reservations,
            stop: AtomicBool::new(false),
            sent: Notify::new(),
            acknowledged: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            answers: Mutex::default(),
            strange: Mutex::default(),
        })
    }

    /// Sends once. `None`: no answer came.
    async fn send(&self, operation: &Operation) -> Option<(u16, Value)> {
        let request = self.client.post(format!("{}{}", self.url, operation.path)).bearer_auth(&self.token);
        let request = request.header("Idempotency-Key", &operation.key).json(&operation.body);
        self.sent.notify_waiters();
        let answer = async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            let bytes = response.bytes().await?;
            Ok::<_, reqwest::Error>((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
        };
        let answer = answer.await.ok();
        let told = match &answer {
            None => UNANSWERED.to_owned(),
            Some((status, body)) if *status >= 400 => format!("{status} {}", body["code"].as_str().unwrap_or("?")),
            Some((status, _)) => status.to_string(),
        };
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(told).or_default() += 1;
        answer
    }

    /// Sends until there is a definite answer.
    pub async fn settle(&self, operation: &mut Operation) {
        let started = Instant::now();
        loop {
            operation.attempts += 1;
            let answer = self.send(operation).await;
            if let Some(outcome) = self.judge(operation, answer) {
                let counter = if matches!(outcome, Outcome::Refused) { &self.refused } else { &self.acknowledged };
                counter.fetch_add(1, Ordering::Relaxed);
                operation.outcome = outcome;
                return;
            }
            if started.elapsed() > PATIENCE {
                self.complain(format!("{} got no definite answer within {} s", operation.key, PATIENCE.as_secs()));
                return;
            }
            self.retried.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    fn judge(&self, operation: &Operation, answer: Option<(u16, Value)>) -> Option<Outcome> {
        let (status, body) = answer?;
        match (status, body["code"].as_str().unwrap_or_default()) {
            (200 | 201, _) => Some(Outcome::Acknowledged { status, body }),
            (409, "KEY_IN_PROGRESS") | (503 | 507, _) => None,
            (409, "STOCK_INSUFFICIENT") | (422, "INVALID") => Some(Outcome::Refused),
            _ => {
                self.complain(format!("{} was answered {status}: {body}", operation.key));
                None
            }
        }
    }

    /// Sends an acknowledged request again: the answer must be the same.
    pub async fn replay(&self, operation: &Operation) {
        let Outcome::Acknowledged { status, body } = &operation.outcome else { return };
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            match self.send(operation).await {
                Some((again, other)) if again == *status && other == *body => {
                    self.replayed.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                None | Some((409 | 503 | 507, _)) => tokio::time::sleep(RETRY_AFTER).await,
                Some((again, other)) => {
                    self.complain(format!("{} was answered {status} {body}, and later {again} {other}", operation.key));
                    return;
                }
            }
        }
    }

    fn complain(&self, what: String) {
        self.strange.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    pub fn strange(&self) -> Vec<String> {
        self.strange.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often each answer was given.
    pub fn answers(&self) -> String {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.iter().map(|(answer, count)| format!("{answer} x {count}")).collect::<Vec<_>>().join(", ")
    }

    /// Requests that got no answer at all: a process that lives answers each.
    pub fn unanswered(&self) -> u64 {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(UNANSWERED).copied().unwrap_or(0)
    }

    /// Waits until `more` further requests were acknowledged; how long that took, `None` when not within the limit.
    pub async fn progress(&self, more: u64, limit: Duration) -> Option<Duration> {
        let (started, goal) = (Instant::now(), self.acknowledged.load(Ordering::Relaxed) + more);
        while self.acknowledged.load(Ordering::Relaxed) < goal {
            if started.elapsed() > limit {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Some(started.elapsed())
    }
}

/// Writers at work.
pub struct Load {
    pub shared: Arc<Shared>,
    writers: JoinSet<Vec<Operation>>,
}

impl Load {
    pub async fn start(world: &World, tag: &str, writers: usize, seed: u64) -> Self {
        let shared = Shared::new(world, tag).await;
        let mut tasks = JoinSet::new();
        for number in 0..writers {
            tasks.spawn(write(shared.clone(), number, StdRng::seed_from_u64(seed ^ (number as u64) << 32)));
        }
        Self { shared, writers: tasks }
    }

    /// Lets every writer settle its last request.
    pub async fn finish(self) -> Vec<Operation> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.writers.join_all().await.into_iter().flatten().collect()
    }
}

async fn write(shared: Arc<Shared>, number: usize, mut random: StdRng) -> Vec<Operation> {
    let mut done = Vec::new();
    while !shared.stop.load(Ordering::Relaxed) {
        let key = format!("{}-{number}-{}", shared.tag, done.len());
        let mut operation = next(&mut random, key, shared.with_reservations);
        shared.settle(&mut operation).await;
        if random.random_bool(REPEATED_AT_ONCE) {
            shared.replay(&operation).await;
        }
        done.push(operation);
        tokio::time::sleep(Duration::from_millis(random.random_range(0..15))).await;
    }
    done
}

/// Receipts, issues (some of them of goods that are not there), transfers, whole and partial batches, some of them to be refused.
fn next(random: &mut StdRng, key: String, with_reservations: bool) -> Operation {
    let item = |random: &mut StdRng| format!("ITEM-{}", random.random_range(0..ITEMS));
    let bin = |random: &mut StdRng| format!("F1/BIN-{}", random.random_range(0..BINS));
    let receipt = |random: &mut StdRng| json!({ "kind": "RECEIPT", "item": item(random), "quantity": random.random_range(1..20), "to": bin(random) });
    let choice = random.random_range(0..100);
    match choice {
        0..45 => Operation::movements(key, true, vec![receipt(random)]),
        45..65 => {
            let issue =
                json!({ "kind": "ISSUE", "item": item(random), "quantity": random.random_range(1..40), "from": bin(random) });
            Operation::movements(key, true, vec![issue])
        }
        65..75 => {
            let from = random.random_range(0..BINS);
            let to = (from + random.random_range(1..BINS)) % BINS;
            let transfer = json!({ "kind": "TRANSFER", "item": item(random), "quantity": 1,
                "from": format!("F1/BIN-{from}"), "to": format!("F1/BIN-{to}") });
            Operation::movements(key, true, vec![transfer])
        }
        75..80 if with_reservations => {
            let body = json!({ "item": item(random), "quantity": 1, "reference": key, "expires_in_seconds": random.random_range(2..600) });
            Operation::reservation(key, body)
        }
        75..90 => {
            let count = random.random_range(2..30);
            let movements = (0..count).map(|_| receipt(random)).collect();
            Operation::movements(key, true, movements)
        }
        _ => {
            let mut movements: Vec<Value> = (0..4).map(|_| receipt(random)).collect();
            movements[2]["item"] = "NO-SUCH-ITEM".into();
            Operation::movements(key, choice >= 95, movements)
        }
    }
}
