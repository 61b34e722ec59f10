use optimization::learning::{Feature, History, NotEnough, Outcome, Schema, Settings, Table, Trained, train};

/// A linear congruential generator (Knuth's MMIX), upper bits only.
pub struct Draw(pub u64);

impl Draw {
    /// In [0, 1).
    pub fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

pub fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

pub fn numbers(names: &[&str]) -> Schema {
    Schema::new(names.iter().map(|name| Feature::number(*name)).collect()).unwrap()
}

/// One decision per second from `from_s` on, each by features that were recorded a second before.
pub fn history(names: &[&str], columns: Vec<Vec<f64>>, accepted: Vec<bool>, from_s: i64) -> History {
    let decided: Vec<i64> = (0..accepted.len() as i64).map(|row| (from_s + row) * 1_000_000).collect();
    let recorded: Vec<i64> = decided.iter().map(|us| us - 1_000_000).collect();
    History::new(Table::from_columns(numbers(names), columns).unwrap(), &[&recorded], decided, accepted).unwrap()
}

/// Decisions by log odds 4 (a − 1/2) + 3 (b > 0.7); c is noise.
pub fn known_law(rows: usize, seed: u64, from_s: i64) -> (History, Vec<f64>) {
    let mut draw = Draw(seed);
    let columns: Vec<Vec<f64>> = (0..3).map(|_| (0..rows).map(|_| draw.share()).collect()).collect();
    let odds = |row: usize| 4.0 * (columns[0][row] - 0.5) + if columns[1][row] > 0.7 { 3.0 } else { 0.0 };
    let truth: Vec<f64> = (0..rows).map(|row| logistic(odds(row))).collect();
    let accepted = truth.iter().map(|&probability| draw.share() < probability).collect();
    (history(&["a", "b", "c"], columns, accepted, from_s), truth)
}

pub fn trained(history: &History) -> Trained {
    trained_with(history, &Settings::default())
}

pub fn trained_with(history: &History, settings: &Settings) -> Trained {
    match train(history, settings).unwrap() {
        Outcome::Trained(trained) => *trained,
        Outcome::NotEnough(want) => panic!("{want}"),
    }
}

pub fn refused(history: &History) -> NotEnough {
    match train(history, &Settings::default()).unwrap() {
        Outcome::NotEnough(want) => want,
        Outcome::Trained(_) => panic!("a model was trained"),
    }
}
