//! The measured figures of the README: each beside what it is compared with, in one run, on this machine.

#[path = "../../tests/it/harness.rs"]
#[expect(dead_code, reason = "the tests use all of it, the bench only a part")]
mod harness;
#[path = "../../tests/it/retail.rs"]
mod retail;

mod history;
mod http;
mod import;
mod ledger;
mod load;
mod putaway;
mod quality;
mod slotting;
mod startup;
mod statistics;

/// Names of parts on the command line run only those.
#[tokio::main]
async fn main() {
    let only: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |part: &str| only.is_empty() || only.iter().any(|one| one == part);
    println!("{} logical cores, release build", std::thread::available_parallelism().map_or(1, usize::from));
    // First, because it decides that the database of this process is durable.
    if wanted("ledger") {
        ledger::run().await;
    }
    if wanted("startup") {
        startup::run().await;
    }
    if wanted("import") {
        import::run().await;
    }
    if wanted("putaway") {
        putaway::run().await;
    }
    if wanted("quality") {
        quality::run().await;
    }
    if wanted("statistics") {
        statistics::run().await;
    }
    if wanted("slotting") {
        slotting::run();
    }
    if wanted("http") {
        http::run().await;
    }
    if wanted("history") {
        history::run().await;
    }
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
