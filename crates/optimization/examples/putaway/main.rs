//! Putaway measured: CPU time, excess over the best known, and what the bounds prove. `make bench-peers` writes the batches of the
//! first table, with what CP-SAT and HiGHS made of them, to target/peers/putaway. Words choose: `cargo run --release
//! -p optimization --example putaway -- small scored`.

mod batches;
mod scored;

/// CPU seconds of this process.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("Linux counts");
    text.split(' ').next().expect("a number").parse::<f64>().expect("nanoseconds") * 1e-9
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
}
