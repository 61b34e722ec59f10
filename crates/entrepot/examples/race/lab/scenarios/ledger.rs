//! Clients record movements and read the ledger; the history checker judges what they saw. A movement is an append to the
//! list of each place that it touches, its reference is the mark, and a batch is a transaction.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use futures::future::try_join_all;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::super::Lab;
use super::super::client::{CannotRun, Session};
use super::super::history::{self, Op, Outcome as Fate, Transaction};
use super::super::world::MOVEMENTS;
use super::{Faults, Outcome, Progress, is_short};

/// Clients that share an item; its ledger then fits into one page, and a page is one look.
const GROUP: usize = 25;
/// Transactions of a client in a round, one after another.
const STEPS: usize = 4;
const PLACES: usize = 3;
/// More than ever lies anywhere.
const TOO_MUCH: u32 = 1_000_000;

pub async fn run(lab: &Lab, session: &Session, progress: &Progress) -> Result<Outcome, CannotRun> {
    let clients = lab.settings.clients;
    let groups = clients.div_ceil(GROUP);
    let mut faults = Faults::default();
    let mut transactions = 0;
    // Each round has several steps, so that it needs fewer of them for as many requests.
    let rounds = lab.settings.rounds.div_ceil(STEPS);
    progress.expect(rounds);
    for round in 0..rounds {
        let items = lab.world.items(session, &format!("HIST-{round}"), groups).await?;
        let sizes = (0..groups).map(|group| GROUP.min(clients - group * GROUP));
        let histories = try_join_all(items.iter().zip(sizes).enumerate().map(async |(group, (item, size))| {
            let seed = lab.settings.seed.wrapping_add((round * groups + group) as u64);
            Ledger::new(lab, session, item).live(size, seed).await
        }))
        .await?;
        for (item, (history, problems)) in items.iter().zip(histories) {
            transactions += history.len();
            problems.into_iter().for_each(|problem| faults.add(format!("round {round}, {item}: {problem}")));
            for finding in history::check(&history) {
                faults.add(format!("round {round}, {item}: {finding}"));
            }
        }
        if !progress.round(&session.tally) || !faults.none() {
            break;
        }
    }
    let done = format!("{} rounds of {STEPS} steps, {clients} clients, {transactions} transactions", progress.rounds());
    Ok(Outcome::Judged { done, faults })
}

/// The ledger of one item and the history of what was done to it.
struct Ledger<'a> {
    lab: &'a Lab,
    session: &'a Session,
    item: &'a str,
    started: Instant,
    marks: AtomicUsize,
    history: Mutex<Vec<Transaction>>,
    problems: Mutex<Vec<String>>,
}

impl<'a> Ledger<'a> {
    fn new(lab: &'a Lab, session: &'a Session, item: &'a str) -> Self {
        let (history, problems) = (Mutex::default(), Mutex::default());
        Self { lab, session, item, started: Instant::now(), marks: AtomicUsize::new(0), history, problems }
    }

    async fn live(self, clients: usize, seed: u64) -> Result<(Vec<Transaction>, Vec<String>), CannotRun> {
        try_join_all((0..clients).map(async |client| {
            let mut rng = SmallRng::seed_from_u64(seed ^ (client as u64) << 32);
            for _ in 0..STEPS {
                match rng.random_range(0..100) {
                    0..40 => self.read(client, None).await?,
                    40..50 => self.read(client, Some(rng.random_range(0..PLACES))).await?,
                    roll => self.write(client, roll, &mut rng).await?,
                }
            }
            Ok(())
        }))
        .await?;
        self.read(clients, None).await?;
        self.compare_balances().await?;
        let whole = |list: Mutex<Vec<_>>| list.into_inner().unwrap_or_else(PoisonError::into_inner);
        let problems = self.problems.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((whole(self.history), problems))
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    fn remember(&self, client: usize, ops: Vec<Op>, outcome: Fate, invoked: u64) {
        let transaction = Transaction { client, ops, outcome, invoked, completed: self.now() };
        self.history.lock().unwrap_or_else(PoisonError::into_inner).push(transaction);
    }

    fn problem(&self, text: String) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// One look at all places, or at one.
    async fn read(&self, client: usize, place: Option<usize>) -> Result<(), CannotRun> {
        let narrow = place.map_or_else(String::new, |place| format!("&location={}", self.lab.world.place(place)));
        let invoked = self.now();
        let movements = self.lab.world.movements(self.session, self.item, &narrow).await?;
        let places = place.map_or(0..PLACES, |place| place..place + 1);
        let ops = places.map(|place| Op::Read { key: key(place), list: marks_at(&movements, place) }).collect();
        self.remember(client, ops, Fate::Committed, invoked);
        Ok(())
    }

    async fn write(&self, client: usize, roll: usize, rng: &mut SmallRng) -> Result<(), CannotRun> {
        let place = rng.random_range(0..PLACES);
        let other = (place + rng.random_range(1..PLACES)) % PLACES;
        // Each line as (from, to); None is outside. Some batches fail at their second line: of those nothing may be seen.
        let overdraws = roll >= 94 && rng.random();
        let lines = match roll {
            _ if overdraws => vec![(None, Some(other)), (Some(place), None)],
            50..70 => vec![(None, Some(place))],
            70..80 => vec![(None, Some(place)), (None, Some(other))],
            80..86 => vec![(None, Some(place)), (None, Some(place))],
            86..94 => vec![(Some(place), Some(other))],
            _ => vec![(Some(place), None), (None, Some(other))],
        };
        let (mut ops, mut movements) = (Vec::new(), Vec::new());
        for (from, to) in lines {
            let quantity = if overdraws && to.is_none() { TOO_MUCH } else { 1 };
            let mark = format!("m{}", self.marks.fetch_add(1, Ordering::Relaxed));
            movements.push(self.movement(from, to, quantity, &mark));
            ops.extend(from.into_iter().chain(to).map(|place| Op::Append { key: key(place), mark: mark.clone() }));
        }
        let invoked = self.now();
        let answer = self.session.post(MOVEMENTS, &json!({ "atomic": true, "movements": movements })).await?;
        let outcome = match answer.status {
            201 => Fate::Committed,
            400..500 => Fate::Refused,
            _ => Fate::Unknown,
        };
        if !answer.is_created() && !is_short(&answer) {
            self.problem(format!("an answer that nobody should get: {}", answer.story()));
        }
        self.remember(client, ops, outcome, invoked);
        Ok(())
    }

    fn movement(&self, from: Option<usize>, to: Option<usize>, quantity: u32, mark: &str) -> Value {
        let place = |place| self.lab.world.place(place);
        let kind = match (from, to) {
            (None, _) => "RECEIPT",
            (_, None) => "ISSUE",
            _ => "TRANSFER",
        };
        let (from, to) = (from.map(place), to.map(place));
        json!({ "kind": kind, "item": self.item, "quantity": quantity, "from": from, "to": to, "reference": mark })
    }

    /// The balances are what the movements add up to.
    async fn compare_balances(&self) -> Result<(), CannotRun> {
        let movements = self.lab.world.movements(self.session, self.item, "").await?;
        let stock = self.lab.world.stock(self.session, self.item).await?;
        for (place, stock) in stock.iter().enumerate().take(PLACES) {
            let side = |side: &str| movements.iter().filter(|movement| is_at(&movement[side], place)).count() as i64;
            let sum = side("to") - side("from");
            if stock.on_hand != sum {
                self.problem(format!("{} has {} on hand, its movements add up to {sum}", key(place), stock.on_hand));
            }
        }
        Ok(())
    }
}

fn key(place: usize) -> String {
    format!("P{place}")
}

fn is_at(side: &Value, place: usize) -> bool {
    side["location_kind"] == "PHYSICAL" && side["location_code"].as_str() == Some(&key(place))
}

fn marks_at(movements: &[Value], place: usize) -> Vec<String> {
    let touching = movements.iter().filter(|movement| is_at(&movement["from"], place) || is_at(&movement["to"], place));
    touching.map(|movement| movement["reference"].as_str().unwrap_or_default().to_owned()).collect()
}
