//! CPU time of the full statistics suite, one thread, against NumPy and SciPy on the same numbers.
//!
//! `make bench-peers` writes the samples and the peers' half to target/peers; without them the suite runs on numbers of its own.
//! Prints for each part the CPU time of both, and the largest relative difference of the results. Exit code 1 when a result
//! differs by more than 1e-9 or the suite takes more than a quarter of the peers' CPU.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use optimization::statistics::{
    Centre, Column, ForestSettings, OutlierRule, RankMethod, Sorted, bootstrap_mean_interval, describe, isolation_scores,
    kendall, least_squares, levene, mann_kendall, mann_whitney, outliers, pearson, spearman, welch,
};
use serde::Deserialize;

const FOLDER: &str = "target/peers";
const AGREEMENT: f64 = 1e-9;
const RATIO: f64 = 4.0;
const RUNS: usize = 5;
const PARTS: [&str; 9] =
    ["describe", "percentiles", "pearson", "spearman", "iqr", "z_score", "modified_z", "welch", "mann_whitney"];

#[derive(Deserialize)]
struct Peers {
    cpu_ms: BTreeMap<String, f64>,
    results: BTreeMap<String, Vec<f64>>,
    versions: BTreeMap<String, String>,
}

/// What the suite found, and the milliseconds of CPU of each step.
#[derive(Default)]
struct Run {
    results: BTreeMap<&'static str, Vec<f64>>,
    steps: Vec<(&'static str, f64)>,
}

impl Run {
    fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let start = cpu_ms();
        let answer = work();
        self.steps.push((name, cpu_ms() - start));
        answer
    }

    fn total(&self) -> f64 {
        self.steps.iter().map(|(_, ms)| ms).sum()
    }
}

fn main() -> ExitCode {
    let mut held = true;
    for rows in [1_000_000, 10_000_000] {
        let peers = peers(rows);
        let (x, y) = read(rows, "x").zip(read(rows, "y")).unwrap_or_else(|| made(rows));
        let run = mean(&[(); RUNS].map(|()| suite(&x, &y)));
        println!("\n{rows} rows: {:.0} ms of CPU", run.total());
        run.steps.iter().for_each(|(name, ms)| println!("  {name:<32}{ms:>9.1} ms"));
        match peers {
            Some(peers) => held &= compare(&run, &peers),
            None => println!("  no peers: `make bench-peers` measures NumPy and SciPy"),
        }
        if rows == 1_000_000 {
            beyond(&x, &y);
        }
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The results of the first run, the mean of each step: the system counts CPU in steps of some milliseconds.
fn mean(runs: &[Run]) -> Run {
    let steps = runs[0].steps.iter().enumerate();
    let steps = steps.map(|(at, (name, _))| (*name, runs.iter().map(|run| run.steps[at].1).sum::<f64>() / runs.len() as f64));
    Run { results: runs[0].results.clone(), steps: steps.collect() }
}

fn suite(x: &[f64], y: &[f64]) -> Run {
    let mut run = Run::default();
    let half = x.len() / 2;
    let refused = "the samples are finite and differ";
    let (column_x, column_y) =
        run.step("moments of x and y", || (Column::new(x).expect(refused), Column::new(y).expect(refused)));
    let sorted_x = run.step("sort x", || Sorted::new(column_x));
    let sorted_y = run.step("sort y", || Sorted::new(column_y));
    let description = run.step("describe and 7 percentiles", || describe(&sorted_x, 0.95).expect(refused));
    let linear = run.step("Pearson", || pearson(&column_x, &column_y).expect(refused));
    let ranked = run.step("Spearman", || spearman(&sorted_x, &sorted_y).expect(refused));
    let rules = [("iqr", OutlierRule::Iqr), ("z_score", OutlierRule::ZScore), ("modified_z", OutlierRule::ModifiedZ)];
    let counts = run.step("outliers by 3 rules", || {
        rules.map(|(_, rule)| outliers(&sorted_x, rule, rule.threshold()).expect(refused).count())
    });
    let means = run.step("Welch", || {
        let halves = (Column::new(&x[..half]).expect(refused), Column::new(&x[half..]).expect(refused));
        welch(&halves.0, &halves.1, 0.95).expect(refused)
    });
    let ranks =
        run.step("Mann-Whitney", || mann_whitney(&sorted_x, |row| row < half, Some(RankMethod::Asymptotic)).expect(refused));
    let spread = [description.variance, description.skewness, description.kurtosis].map(|moment| moment.expect(refused));
    let ends = [description.minimum, description.maximum];
    run.results.insert("describe", [&[x.len() as f64, description.mean][..], &spread, &ends].concat());
    run.results.insert("percentiles", description.percentiles.to_vec());
    run.results.insert("pearson", vec![linear.coefficient]);
    run.results.insert("spearman", vec![ranked.coefficient, ranked.p_value]);
    rules.iter().zip(counts).for_each(|((name, _), count)| drop(run.results.insert(name, vec![count as f64])));
    run.results.insert("welch", vec![means.t, means.degrees, means.p_value]);
    run.results.insert("mann_whitney", vec![ranks.u, ranks.p_value]);
    run
}

/// What is not in the suite because the peers have nothing like it or take too long.
fn beyond(x: &[f64], y: &[f64]) {
    let mut run = Run::default();
    let refused = "the samples are finite and differ";
    let columns = [x, y].map(|values| Column::new(values).expect(refused));
    let sorted = columns.map(Sorted::new);
    run.step("Kendall", || kendall(&sorted[0], &sorted[1]).expect(refused));
    run.step("Mann-Kendall", || mann_kendall(&sorted[0], 0.05).expect(refused));
    run.step("least squares", || least_squares(&columns[0], &columns[1], 0.95).expect(refused));
    run.step("Levene by the median", || levene(&columns, Centre::Median).expect(refused));
    run.step("bootstrap, 2000 resamples", || bootstrap_mean_interval(&columns[0], 0.95, 2000, 1).expect(refused));
    run.step("isolation forest, 2 columns", || isolation_scores(&columns, ForestSettings::new(1)).expect(refused));
    println!("  not in the suite:");
    run.steps.iter().for_each(|(name, ms)| println!("  {name:<32}{ms:>9.1} ms"));
}

fn compare(run: &Run, peers: &Peers) -> bool {
    println!("  NumPy {}, SciPy {}:", peers.versions["numpy"], peers.versions["scipy"]);
    let mut worst: f64 = 0.0;
    for part in PARTS {
        let pairs = run.results[part].iter().zip(&peers.results[part]);
        let difference = pairs.map(|(&ours, &theirs)| relative(ours, theirs)).fold(0.0, f64::max);
        println!("  {part:<32}{:>9.1} ms   differs by {difference:.0e}", peers.cpu_ms[part]);
        worst = worst.max(difference);
    }
    let ratio = peers.cpu_ms.values().sum::<f64>() / run.total();
    let held = ratio >= RATIO && worst <= AGREEMENT;
    let verdict = if held { "held" } else { "MISSED" };
    println!("  {ratio:.1} x less CPU (at least {RATIO}), results within {worst:.0e} (at most {AGREEMENT:.0e}): {verdict}");
    held
}

fn relative(ours: f64, theirs: f64) -> f64 {
    if ours == theirs { 0.0 } else { (ours - theirs).abs() / theirs.abs().max(f64::MIN_POSITIVE) }
}

fn peers(rows: usize) -> Option<Peers> {
    let text = std::fs::read_to_string(Path::new(FOLDER).join(format!("statistics-{rows}.json"))).ok()?;
    Some(serde_json::from_str(&text).expect("the peers' file is as scripts/bench-peers/statistics.py writes it"))
}

fn read(rows: usize, name: &str) -> Option<Vec<f64>> {
    let bytes = std::fs::read(Path::new(FOLDER).join(format!("statistics-{rows}-{name}.f64"))).ok()?;
    Some(bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
}

/// Skewed x, and y that follows it with noise, from a fixed seed.
fn made(rows: usize) -> (Vec<f64>, Vec<f64>) {
    let mut state = 7u64;
    let mut unit = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) * 2f64.powi(-53)
    };
    (0..rows)
        .map(|_| {
            let (radius, angle) = ((-2.0 * unit().ln()).sqrt(), unit() * std::f64::consts::TAU);
            let x = (3.0 + radius * angle.cos()).exp();
            (x, 0.3 * x + 10.0 * radius * angle.sin())
        })
        .unzip()
}

/// CPU time of this thread, in the system's hands too.
fn cpu_ms() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).expect("Linux tells it");
    [usage.user_time(), usage.system_time()].iter().map(|time| time.num_microseconds() as f64 / 1e3).sum()
}
