//! Faults on purpose: the same little store of lists on a real PostgreSQL, once as it is often written and once rightly. The
//! checker must find the first and have nothing against the second.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures::future::join_all;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Executor as _};

use super::lab::history::{Anomaly, Op, Outcome, Transaction, check};
use crate::harness::empty_database;

const CLIENTS: usize = 8;
const STEPS: usize = 20;
const KEYS: [&str; 2] = ["x", "y"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    /// SELECT on_hand, compute, UPDATE, at READ COMMITTED: the planted bug.
    ReadThenWrite,
    /// The same with FOR UPDATE.
    Locked,
    /// One statement that adds to what is there.
    OneStatement,
    /// Reads both lists and appends to one, at REPEATABLE READ: write skew.
    Skewed,
    /// The same at SERIALIZABLE.
    Serializable,
    /// As `OneStatement`, but every seventh answer is given although the transaction was rolled back.
    Forgetful,
    /// As `OneStatement`, but every seventh append is done twice, as by a retry without a key.
    Doubling,
    /// As `OneStatement`, but every seventh transaction is refused to the caller and committed all the same.
    Dishonest,
    /// As `OneStatement`, but clients also read a copy that lags.
    Lagging,
}

struct Shelf {
    store: Store,
    options: PgConnectOptions,
    started: Instant,
    history: Mutex<Vec<Transaction>>,
    /// What the lagging copy shows.
    copy: Mutex<Vec<String>>,
}

type Done = (Vec<Op>, Outcome);

impl Shelf {
    /// Runs all clients at once; the history, and on hand of all keys at the end.
    async fn run(store: Store) -> (Vec<Transaction>, i64) {
        let options = empty_database().await;
        let mut sql = options.connect().await.unwrap();
        sql.execute("CREATE TABLE public.shelf (key text PRIMARY KEY, on_hand bigint NOT NULL, marks text[] NOT NULL)")
            .await
            .unwrap();
        sql.execute("INSERT INTO public.shelf VALUES ('x', 0, '{}'), ('y', 0, '{}')").await.unwrap();
        let shelf = Self { store, options, started: Instant::now(), history: Mutex::default(), copy: Mutex::default() };
        join_all((0..CLIENTS).map(|client| shelf.client(client))).await;
        let (invoked, mut ops, mut on_hand) = (shelf.now(), Vec::new(), 0);
        for key in KEYS {
            let (there, list) = look(&mut sql, key, "").await.unwrap();
            on_hand += there;
            ops.push(Op::Read { key: key.into(), list });
        }
        shelf.remember(CLIENTS, invoked, (ops, Outcome::Committed));
        (shelf.history.into_inner().unwrap(), on_hand)
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    fn remember(&self, client: usize, invoked: u64, (ops, outcome): Done) {
        let transaction = Transaction { client, ops, outcome, invoked, completed: self.now() };
        self.history.lock().unwrap().push(transaction);
    }

    async fn client(&self, client: usize) {
        let mut sql = self.options.connect().await.unwrap();
        for step in 0..STEPS {
            let (key, other) = (KEYS[(client + step) % 2], KEYS[(client + step + 1) % 2]);
            let mark = format!("{client}.{step}");
            let invoked = self.now();
            let done = match self.store {
                Store::ReadThenWrite => read_then_write(&mut sql, key, &mark, "").await,
                Store::Locked => read_then_write(&mut sql, key, &mark, " FOR UPDATE").await,
                Store::Skewed => skew(&mut sql, [key, other], &mark, "REPEATABLE READ").await,
                Store::Serializable => skew(&mut sql, [key, other], &mark, "SERIALIZABLE").await,
                _ => self.append(&mut sql, key, &mark, (client + step).is_multiple_of(7)).await,
            };
            self.remember(client, invoked, done);
            let invoked = self.now();
            let list = self.read(&mut sql, key, client + step).await;
            self.remember(client, invoked, (vec![Op::Read { key: key.into(), list }], Outcome::Committed));
        }
    }

    /// The right append, unless it is the turn of the planted fault.
    async fn append(&self, sql: &mut PgConnection, key: &str, mark: &str, is_turn: bool) -> Done {
        let mut outcome = Outcome::Committed;
        let times = if is_turn && self.store == Store::Doubling { 2 } else { 1 };
        sql.execute("BEGIN").await.unwrap();
        for _ in 0..times {
            let add = "UPDATE public.shelf SET on_hand = on_hand + 1, marks = marks || $2::text WHERE key = $1";
            sqlx::query(add).bind(key).bind(mark).execute(&mut *sql).await.unwrap();
        }
        let is_forgotten = is_turn && self.store == Store::Forgetful;
        sql.execute(if is_forgotten { "ROLLBACK" } else { "COMMIT" }).await.unwrap();
        if is_turn && self.store == Store::Dishonest {
            outcome = Outcome::Refused;
        }
        (vec![Op::Append { key: key.into(), mark: mark.into() }], outcome)
    }

    async fn read(&self, sql: &mut PgConnection, key: &str, turn: usize) -> Vec<String> {
        let (_, list) = look(sql, key, "").await.unwrap();
        if self.store == Store::Lagging && key == "x" {
            let mut copy = self.copy.lock().unwrap();
            // The copy is renewed now and then only.
            if turn.is_multiple_of(4) && list.len() > copy.len() {
                *copy = list;
            }
            return copy.clone();
        }
        list
    }
}

async fn look(sql: &mut PgConnection, key: &str, lock: &str) -> sqlx::Result<(i64, Vec<String>)> {
    let query = if lock.is_empty() {
        "SELECT on_hand, marks FROM public.shelf WHERE key = $1"
    } else {
        "SELECT on_hand, marks FROM public.shelf WHERE key = $1 FOR UPDATE"
    };
    sqlx::query_as(query).bind(key).fetch_one(sql).await
}

async fn write(sql: &mut PgConnection, key: &str, on_hand: i64, marks: &[String]) -> sqlx::Result<()> {
    let query = "UPDATE public.shelf SET on_hand = $2, marks = $3 WHERE key = $1";
    sqlx::query(query).bind(key).bind(on_hand).bind(marks).execute(sql).await?;
    Ok(())
}

/// Reads, computes, writes what it computed.
async fn read_then_write(sql: &mut PgConnection, key: &str, mark: &str, lock: &str) -> Done {
    sql.execute("BEGIN").await.unwrap();
    let (on_hand, list) = look(sql, key, lock).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let mut marks = list.clone();
    marks.push(mark.to_owned());
    write(sql, key, on_hand + 1, &marks).await.unwrap();
    sql.execute("COMMIT").await.unwrap();
    (vec![Op::Read { key: key.into(), list }, Op::Append { key: key.into(), mark: mark.into() }], Outcome::Committed)
}

/// Decides by both lists, appends to the first.
async fn skew(sql: &mut PgConnection, [key, other]: [&str; 2], mark: &str, level: &str) -> Done {
    sql.execute(if level == "SERIALIZABLE" {
        "BEGIN ISOLATION LEVEL SERIALIZABLE"
    } else {
        "BEGIN ISOLATION LEVEL REPEATABLE READ"
    })
    .await
    .unwrap();
    let mut ops = Vec::new();
    let worked: sqlx::Result<()> = async {
        let (_, beside) = look(sql, other, "").await?;
        let (on_hand, list) = look(sql, key, "").await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut marks = list.clone();
        marks.push(mark.to_owned());
        ops = vec![Op::Read { key: other.into(), list: beside }, Op::Read { key: key.into(), list }];
        write(sql, key, on_hand + 1, &marks).await?;
        sql.execute("COMMIT").await?;
        Ok(())
    }
    .await;
    ops.push(Op::Append { key: key.into(), mark: mark.into() });
    match worked {
        Ok(()) => (ops, Outcome::Committed),
        Err(error) => {
            let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
            assert_eq!(code, "40001", "{error}");
            sql.execute("ROLLBACK").await.unwrap();
            (ops, Outcome::Refused)
        }
    }
}

/// What the checker says of a store, with how many appends were acknowledged and how many are there.
async fn judge(store: Store) -> (BTreeSet<(Anomaly, bool)>, usize, i64) {
    let (history, on_hand) = Shelf::run(store).await;
    let findings = check(&history);
    if let Some(finding) = findings.first() {
        println!("{store:?}: {} findings, the first: {finding}", findings.len());
    }
    let is_append = |transaction: &&Transaction| {
        transaction.outcome == Outcome::Committed && transaction.ops.iter().any(|op| matches!(op, Op::Append { .. }))
    };
    let acknowledged = history.iter().filter(is_append).count();
    (findings.iter().map(|finding| (finding.anomaly, finding.realtime)).collect(), acknowledged, on_hand)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_then_write_at_read_committed_is_found() {
    let (found, acknowledged, on_hand) = judge(Store::ReadThenWrite).await;
    assert!(on_hand < acknowledged as i64, "the planted bug did not show: {acknowledged} acknowledged, {on_hand} there");
    for anomaly in [Anomaly::LostUpdate, Anomaly::LostWrite, Anomaly::IncompatibleOrder] {
        assert!(found.contains(&(anomaly, false)), "{anomaly:?} is not among {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_with_a_lock_or_in_one_statement_is_sound() {
    for store in [Store::Locked, Store::OneStatement] {
        let (found, acknowledged, on_hand) = judge(store).await;
        assert_eq!(found, BTreeSet::new(), "{store:?}");
        assert_eq!((acknowledged, on_hand), (CLIENTS * STEPS, (CLIENTS * STEPS) as i64), "{store:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn write_skew_at_repeatable_read_is_found_and_serializable_is_sound() {
    let (found, ..) = judge(Store::Skewed).await;
    assert!(found.contains(&(Anomaly::G2, false)), "{found:?}");
    assert!(!found.contains(&(Anomaly::LostUpdate, false)), "repeatable read prevents that: {found:?}");
    let (found, acknowledged, on_hand) = judge(Store::Serializable).await;
    assert_eq!((found, acknowledged as i64), (BTreeSet::new(), on_hand));
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_promises_are_found() {
    for (store, anomaly) in
        [(Store::Forgetful, Anomaly::LostWrite), (Store::Doubling, Anomaly::Duplicate), (Store::Dishonest, Anomaly::PhantomWrite)]
    {
        let (found, ..) = judge(store).await;
        assert!(found.contains(&(anomaly, false)), "{store:?}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_lags_is_found_by_real_time() {
    let (found, ..) = judge(Store::Lagging).await;
    assert!(!found.is_empty() && found.iter().all(|(_, realtime)| *realtime), "{found:?}");
}
