//! Judges a history of concurrent transactions that append to lists and read them, by the method of Elle (Kingsbury and
//! Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations", VLDB 2020); the anomalies are Adya's (1999).
//!
//! Every appended mark is unique in its list, so a read tells which transactions came before it and in which order: the
//! longest list read of a key is the order of its versions. From it follow the dependencies between transactions: one
//! overwrote another (ww), saw another (wr), or did not yet see another (rw); to these comes real time (rt), because
//! whoever begins after another was answered must come after it. A cycle means that no serial order explains what was seen.
//!
//! Nothing here knows of HTTP or of warehouses; a history is data.

mod cycles;
mod direct;
mod graph;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// What a transaction did to one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Append {
        key: String,
        /// Unique among all appends to the key.
        mark: String,
    },
    /// What was read, oldest first. Counts only in a committed transaction.
    Read { key: String, list: Vec<String> },
}

impl Op {
    pub fn key(&self) -> &str {
        match self {
            Self::Append { key, .. } | Self::Read { key, .. } => key,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Committed,
    /// Answered with a refusal: none of it may ever be seen.
    Refused,
    /// Never answered: it may have happened, then or later.
    Unknown,
}

/// One transaction as its client saw it. Times are of one clock that never goes back, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub client: usize,
    pub ops: Vec<Op>,
    pub outcome: Outcome,
    pub invoked: u64,
    /// Of no meaning when the outcome is unknown.
    pub completed: u64,
}

/// What is wrong with a history, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anomaly {
    /// An acknowledged append is not there afterwards.
    LostWrite,
    /// A refused append, or one that nobody made, is there for good.
    PhantomWrite,
    /// A mark stands in a list twice.
    Duplicate,
    /// Two transactions read the same version of a list and both appended to it.
    LostUpdate,
    /// Two reads of a list of which neither is the beginning of the other.
    IncompatibleOrder,
    /// A transaction contradicts itself: it misses its own append, or its second read takes back its first.
    Internal,
    /// Dirty write: a cycle of overwriting alone.
    G0,
    /// Aborted read: a refused append was seen for a while.
    G1a,
    /// Intermediate read: a part of another transaction's appends was seen.
    G1b,
    /// Circular information flow: a cycle of overwriting and seeing.
    G1c,
    /// A cycle with exactly one anti-dependency: a lost update, or a skewed or stale read.
    GSingle,
    /// A cycle with several anti-dependencies: write skew.
    G2,
}

impl Anomaly {
    /// The name of the literature with what it means.
    pub fn title(self) -> &'static str {
        match self {
            Self::LostWrite => "lost write: an acknowledged append is gone",
            Self::PhantomWrite => "phantom write: an append that was refused or never made is there",
            Self::Duplicate => "duplicate: one append took effect twice",
            Self::LostUpdate => "lost update: two transactions built on the same version",
            Self::IncompatibleOrder => "incompatible orders: two reads that cannot both be true",
            Self::Internal => "internal: a transaction contradicts itself",
            Self::G0 => "G0, dirty write",
            Self::G1a => "G1a, aborted read",
            Self::G1b => "G1b, intermediate read",
            Self::G1c => "G1c, circular information flow",
            Self::GSingle => "G-single, read skew",
            Self::G2 => "G2, anti-dependency cycle (write skew)",
        }
    }
}

/// One violation: what it is, and the transactions that show it (places in the history).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub anomaly: Anomaly,
    /// Whether only real time closes the cycle: each answer is explicable, but somebody saw the past.
    pub realtime: bool,
    pub transactions: Vec<usize>,
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let realtime = if self.realtime { " in real time" } else { "" };
        write!(f, "{}{realtime}: {}", self.anomaly.title(), self.text)
    }
}

/// Everything that no strictly serializable execution explains; empty when the history is sound.
pub fn check(history: &[Transaction]) -> Vec<Finding> {
    let index = Index::new(history);
    let mut findings = direct::findings(&index);
    findings.extend(cycles::findings(&index, &graph::Graph::new(&index)));
    findings.sort_by_key(|finding| finding.anomaly);
    findings
}

/// A committed read of a whole list.
struct Look<'a> {
    transaction: usize,
    key: &'a str,
    list: &'a [String],
}

/// What the checks look up again and again.
struct Index<'a> {
    history: &'a [Transaction],
    /// Who appended a mark to a key.
    writer: HashMap<(&'a str, &'a str), usize>,
    /// Committed reads in the order of the history.
    looks: Vec<Look<'a>>,
    /// The order of versions: the longest list read of each key.
    order: BTreeMap<&'a str, &'a [String]>,
    /// The list of the read that began last, and that reader.
    last: BTreeMap<&'a str, (usize, &'a [String])>,
}

impl<'a> Index<'a> {
    fn new(history: &'a [Transaction]) -> Self {
        let mut index =
            Self { history, writer: HashMap::new(), looks: Vec::new(), order: BTreeMap::new(), last: BTreeMap::new() };
        for (number, transaction) in history.iter().enumerate() {
            for op in &transaction.ops {
                match op {
                    Op::Append { key, mark } => {
                        index.writer.insert((key, mark), number);
                    }
                    Op::Read { key, list } if transaction.outcome == Outcome::Committed => index.see(number, key, list),
                    Op::Read { .. } => {}
                }
            }
        }
        index
    }

    fn see(&mut self, transaction: usize, key: &'a str, list: &'a [String]) {
        self.looks.push(Look { transaction, key, list });
        let longest = self.order.entry(key).or_insert(list);
        if list.len() > longest.len() {
            *longest = list;
        }
        let last = self.last.entry(key).or_insert((transaction, list));
        if self.history[transaction].invoked >= self.history[last.0].invoked {
            *last = (transaction, list);
        }
    }

    /// The transaction in a few words: `client 3: append m7 to P1, read P2 = [… m5, m6]`.
    fn describe(&self, number: usize) -> String {
        let transaction = &self.history[number];
        let ops: Vec<_> = transaction
            .ops
            .iter()
            .take(4)
            .map(|op| match op {
                Op::Append { key, mark } => format!("append {mark} to {key}"),
                Op::Read { key, list } => format!("read {key} = {}", tail(list)),
            })
            .collect();
        let more = if transaction.ops.len() > 4 { ", …" } else { "" };
        format!("[{number}] client {}: {}{more}", transaction.client, ops.join(", "))
    }
}

/// The end of a list, where the news is.
fn tail(list: &[String]) -> String {
    match list {
        [.., a, b] if list.len() > 3 => format!("[{} more, {a}, {b}]", list.len() - 2),
        _ => format!("[{}]", list.join(", ")),
    }
}
