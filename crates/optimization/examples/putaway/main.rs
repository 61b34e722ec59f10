//! Putaway measured: CPU time, excess over the best known, and what the bounds prove. `make bench-peers` writes the batches of the
//! first table, with what CP-SAT and HiGHS made of them, to target/peers/putaway. Words choose: `cargo run --release
//! -p optimization --example putaway -- small scored`.

mod batches;
mod scored;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// CPU seconds of this process.
fn cpu() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the system counts");
    (usage.user_time() + usage.system_time()).num_microseconds() as f64 * 1e-6
}

/// CPU milliseconds of some work, the mean of as many times as the clock's ticks ask for, with its result.
fn measured<T>(work: impl Fn() -> T) -> (f64, T) {
    let mut result = work();
    let (start, mut times, mut spent) = (cpu(), 0, 0.0);
    while times < 3 || spent < 0.2 {
        result = work();
        times += 1;
        spent = cpu() - start;
    }
    (spent / f64::from(times) * 1e3, result)
}

/// The median of the CPU milliseconds of some runs, with the last result.
fn median<T>(runs: usize, work: impl Fn() -> T) -> (f64, T) {
    let mut result = work();
    let mut times = Column::default();
    for _ in 0..runs {
        let start = cpu();
        result = work();
        times.0.push((cpu() - start) * 1e3);
    }
    (times.percentile(50), result)
}

#[derive(Default)]
struct Column(Vec<f64>);

impl Column {
    fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    fn worst(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// So many of 100 are at most this.
    fn percentile(&self, share: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[(sorted.len() * share).div_ceil(100) - 1]
    }
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let wants = |name: &str| asked.is_empty() || asked.iter().any(|word| word == name);
    for set in batches::SETS {
        if wants(set.name) {
            set.run();
        }
    }
    if wants("scored") {
        scored::run();
    }
    if wants("methods") {
        scored::compare_methods();
    }
}
