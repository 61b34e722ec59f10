//! The faults that Entrepot promises to survive, each driven against the real binary and its real PostgreSQL with fsync on.
//!
//! The long forms are `make soak`; the short ones are tests (tests/it/faults.rs), which include this folder.

pub mod clock;
pub mod cuts;
pub mod disk;
pub mod kills;
pub mod load;
pub mod pool;
pub mod proxy;
pub mod slow;
pub mod verify;
pub mod world;

use std::fmt::Display;

/// What one part found: counts for the table, and everything that broke a promise.
pub struct Report {
    pub part: &'static str,
    figures: Vec<(String, String)>,
    broken: Vec<String>,
    /// Why it did not run, when it could not.
    skipped: Option<String>,
}

impl Report {
    pub fn new(part: &'static str) -> Self {
        Self { part, figures: Vec::new(), broken: Vec::new(), skipped: None }
    }

    pub fn skipped(part: &'static str, why: impl Into<String>) -> Self {
        Self { skipped: Some(why.into()), ..Self::new(part) }
    }

    pub fn figure(&mut self, what: impl Into<String>, value: impl Display) {
        self.figures.push((what.into(), value.to_string()));
    }

    pub fn broken(&mut self, what: impl Into<String>) {
        self.broken.push(what.into());
    }

    pub fn promise(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(what());
        }
    }

    pub fn is_sound(&self) -> bool {
        self.broken.is_empty()
    }

    pub fn print(&self) {
        let verdict = match (&self.skipped, self.is_sound()) {
            (Some(why), _) => format!("SKIPPED: {why}"),
            (None, true) => "held".to_owned(),
            (None, false) => "BROKEN".to_owned(),
        };
        println!("\n{:<10} {verdict}", self.part);
        for (what, value) in &self.figures {
            println!("  {what:<58} {value:>16}");
        }
        for one in self.broken.iter().take(20) {
            println!("  BROKEN: {one}");
        }
        if self.broken.len() > 20 {
            println!("  … and {} more", self.broken.len() - 20);
        }
    }
}

/// The value below which `share` of the sorted values lie; 0 when there are none.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = ((values.len() as f64 * share).ceil() as usize).clamp(1, values.len().max(1)) - 1;
    values.get(index).copied().unwrap_or(0.0)
}
