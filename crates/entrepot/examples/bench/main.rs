//! The measured figures of the README: each beside what it is compared with, in one run, on this machine.

#[path = "../../tests/it/harness.rs"]
#[expect(dead_code, reason = "the tests use all of it, the bench only a part")]
mod harness;

mod http;
mod import;
mod putaway;
mod startup;

#[tokio::main]
async fn main() {
    println!("{} logical cores, release build", std::thread::available_parallelism().map_or(1, usize::from));
    startup::run().await;
    import::run().await;
    putaway::run().await;
    http::run().await;
}

/// Prints one figure with its target, and whether it was met.
fn report(what: &str, figure: String, target: &str, met: bool) {
    println!("{:<62} {figure:>22}   target {target:<18} {}", what, if met { "met" } else { "MISSED" });
}

/// The value below which `share` of the sorted values lie.
fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() as f64 * share).ceil() as usize).clamp(1, values.len()) - 1]
}
