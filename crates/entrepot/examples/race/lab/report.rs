//! What people read: progress while it runs, and a verdict in a sentence.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::Settings;
use super::client::Tally;
use super::scenarios::Scenario;

const EXAMPLES: usize = 8;

/// Violations: the first few in words, all of them counted.
#[derive(Debug, Default)]
pub struct Faults {
    pub count: usize,
    pub examples: Vec<String>,
}

impl Faults {
    pub fn add(&mut self, text: String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(text);
        }
    }

    /// Adds `text` unless `holds`.
    pub fn unless(&mut self, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.add(text());
        }
    }

    pub fn none(&self) -> bool {
        self.count == 0
    }
}

/// What a scenario found out.
#[derive(Debug)]
pub enum Outcome {
    /// Says what was done; with faults, the property is broken.
    Judged { done: String, faults: Faults },
    /// The server lacks what it needs.
    NotRun(String),
}

pub struct Report {
    pub scenario: Scenario,
    pub outcome: Outcome,
    pub took: Duration,
    pub rounds: usize,
    pub tally: Arc<Tally>,
}

impl Report {
    pub fn is_violated(&self) -> bool {
        matches!(&self.outcome, Outcome::Judged { faults, .. } if !faults.none())
    }

    pub fn is_not_run(&self) -> bool {
        matches!(self.outcome, Outcome::NotRun(_))
    }

    /// The verdict in one sentence.
    pub fn verdict(&self) -> String {
        let title = self.scenario.title();
        match &self.outcome {
            Outcome::Judged { done, faults } if faults.none() => format!("{title}: {done}: {} — holds", self.scenario.claim()),
            Outcome::Judged { done, faults } => {
                format!("{title}: {done}: NOT always {} — VIOLATED, {} times", self.scenario.claim(), faults.count)
            }
            Outcome::NotRun(why) => format!("{title}: NOT RUN, {why}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.verdict())?;
        if let Outcome::Judged { faults, .. } = &self.outcome {
            for example in &faults.examples {
                writeln!(f, "    ! {example}")?;
            }
            if faults.count > faults.examples.len() {
                writeln!(f, "    ! and {} more", faults.count - faults.examples.len())?;
            }
            let [p50, p99] = self.tally.percentiles_ms([0.5, 0.99]);
            let (answers, seconds) = (self.tally.answers(), self.took.as_secs_f64());
            let rate = answers as f64 / seconds.max(0.001);
            let rounds = self.rounds;
            writeln!(
                f,
                "    {rounds} rounds, {answers} answers in {seconds:.1} s ({rate:.0}/s), p50 {p50:.1} ms, p99 {p99:.1} ms on the wire"
            )?;
            let counts: Vec<_> = self.tally.counts().iter().map(|(label, count)| format!("{count} × {label}")).collect();
            writeln!(f, "    {}", counts.join(", "))?;
        }
        Ok(())
    }
}

/// How far a scenario is.
pub struct Progress {
    name: &'static str,
    rounds: AtomicUsize,
    done: AtomicUsize,
    started: Instant,
    longest: Duration,
    tell: bool,
    told: AtomicUsize,
}

const TELL_EVERY: usize = 5;

impl Progress {
    pub fn new(name: &'static str, settings: &Settings) -> Self {
        Self {
            name,
            rounds: AtomicUsize::new(settings.rounds),
            done: AtomicUsize::new(0),
            started: Instant::now(),
            longest: settings.longest,
            tell: settings.tell,
            told: AtomicUsize::new(0),
        }
    }

    /// For a scenario that makes another number of rounds of the same work.
    pub fn expect(&self, rounds: usize) {
        self.rounds.store(rounds, Ordering::Relaxed);
    }

    /// One more round is over; false when there is no time for another.
    pub fn round(&self, tally: &Tally) -> bool {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let seconds = self.started.elapsed().as_secs() as usize;
        if self.tell && seconds >= self.told.load(Ordering::Relaxed) + TELL_EVERY {
            self.told.store(seconds, Ordering::Relaxed);
            let rounds = self.rounds.load(Ordering::Relaxed);
            eprintln!("  … {}: round {done} of {rounds}, {} answers, {seconds} s", self.name, tally.answers());
        }
        self.started.elapsed() < self.longest
    }

    pub fn took(&self) -> Duration {
        self.started.elapsed()
    }

    /// Rounds done.
    pub fn rounds(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }
}
