//! Trains and scores beside LightGBM on the decisions that `make bench-peers` wrote, in one thread, and prints both.
//!
//! `cargo run --release --package optimization --example learning -- [FOLDER [SETTINGS]]`, by default target/peers and the
//! default settings; SETTINGS is JSON. Exit code 1 when a figure is missed; without the decisions it says so, and nothing is missed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use optimization::learning::{Feature, History, Outcome, Schema, Settings, Table, Trained, train};
use serde::Deserialize;

type Failure = Box<dyn std::error::Error>;

const FEATURES: [&str; 8] = ["fill", "distance", "velocity", "affinity", "weight", "aisle", "age", "history"];
const REPEATS: usize = 5;
const CANDIDATES: usize = 5_000;
/// Scorings measured as one: the processor's account of a thread may be kept by ticks of milliseconds.
const SCORINGS: u32 = 40;

const MOST_CPU_RATIO: f64 = 1.2;
const MOST_SCORING_MS: f64 = 10.0;
/// From this many decisions on the calibration error is held against a fixed figure, below against the band.
const MANY: usize = 200_000;
const MOST_CALIBRATION_ERROR: f64 = 0.01;

#[derive(Deserialize)]
struct Peer {
    rows: usize,
    seed: u64,
    peer: String,
    cpu_seconds: f64,
    log_loss: f64,
    score_5000_cpu_seconds: f64,
}

/// Decisions with the true probabilities.
struct Problem {
    history: History,
    columns: Vec<Vec<f64>>,
    labels: Vec<u8>,
    truth: Vec<f64>,
}

fn main() -> Result<ExitCode, Failure> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().map_or_else(|| PathBuf::from("target/peers"), PathBuf::from);
    let settings: Settings = arguments.next().map_or_else(|| Ok(Settings::default()), |text| serde_json::from_str(&text))?;
    let listing = folder.join("learning.json");
    if !listing.exists() {
        println!("no {}: `make bench-peers` writes the decisions and measures LightGBM", listing.display());
        return Ok(ExitCode::SUCCESS);
    }
    let peers = fs::read(&listing).map_err(|error| format!("{}: {error}", listing.display()))?;
    let mut missed = 0;
    for peer in serde_json::from_slice::<Vec<Peer>>(&peers)? {
        missed += beside(&read(&folder, peer.rows)?, &peer, &settings)?;
    }
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the figures of one problem; returns how many were missed.
fn beside(problem: &Problem, peer: &Peer, settings: &Settings) -> Result<usize, Failure> {
    let (trained, cpu_seconds) = least(1, || match train(&problem.history, settings)? {
        Outcome::Trained(trained) => Ok(*trained),
        Outcome::NotEnough(want) => Err(want.to_string().into()),
    })?;
    let Trained { model, report } = trained;
    let newest =
        problem.columns.iter().map(|column| column[report.trained..][..CANDIDATES.min(column.len() - report.trained)].to_vec());
    let candidates = Table::from_columns(model.schema().clone(), newest.collect())?;
    let (_, scoring_seconds) = least(SCORINGS, || Ok(model.predict(&candidates)?))?;
    let best = log_loss(&problem.truth[report.trained..], &problem.labels[report.trained..]);
    let validation = &report.validation;
    let most_error = if peer.rows >= MANY { MOST_CALIBRATION_ERROR } else { validation.calibration_band };
    println!(
        "{} decisions, seed {}, the newest {} held out; {} trees{}, {} bytes stored; accuracy {:.4}, AUC {:.4}, Brier {:.4}",
        peer.rows,
        peer.seed,
        validation.decisions,
        report.trees,
        if report.scaled { ", scaled" } else { "" },
        serde_json::to_vec(&model)?.len(),
        validation.accuracy,
        validation.auc.unwrap_or(f64::NAN),
        validation.brier
    );
    println!("  {:<28}{:>10}{:>18}{:>9}{:>10}", "", "ours", peer.peer, "ratio", "at most");
    let mut missed = 0;
    let mut row = |name: &str, ours: f64, peers: Option<f64>, ratio_limit: Option<f64>, limit: Option<f64>| {
        let ratio = peers.map(|peers| ours / peers);
        let good = limit.is_none_or(|limit| ours <= limit) && ratio_limit.zip(ratio).is_none_or(|(limit, ratio)| ratio <= limit);
        missed += usize::from(!good);
        let text = |value: Option<f64>, unit: &str| value.map_or(String::new(), |value| format!("{value:.4}{unit}"));
        let limit = text(ratio_limit, " x") + &text(limit, "");
        let (peers, ratio, verdict) = (text(peers, ""), text(ratio, ""), if good { "" } else { "  MISSED" });
        println!("  {name:<28}{ours:>10.4}{peers:>18}{ratio:>9}{limit:>10}{verdict}");
    };
    row("log loss", validation.log_loss, Some(peer.log_loss), Some(1.0), None);
    row("log loss above the possible", validation.log_loss - best, Some(peer.log_loss - best), Some(1.0), None);
    row("training, CPU s", cpu_seconds, Some(peer.cpu_seconds), Some(MOST_CPU_RATIO), None);
    row("5,000 scored, CPU ms", 1e3 * scoring_seconds, Some(1e3 * peer.score_5000_cpu_seconds), None, Some(MOST_SCORING_MS));
    row("calibration error", validation.calibration_error, None, None, Some(most_error));
    row("  95 % when perfect", validation.calibration_band, None, None, None);
    Ok(missed)
}

/// The last result, and the least CPU seconds of [`REPEATS`] runs; each is the mean of doing the work `times` over.
fn least<T>(times: u32, mut work: impl FnMut() -> Result<T, Failure>) -> Result<(T, f64), Failure> {
    let mut result = work()?;
    let mut least = Duration::MAX;
    for _ in 0..REPEATS {
        let start = cpu_time()?;
        for _ in 0..times {
            result = work()?;
        }
        least = least.min((cpu_time()? - start) / times);
    }
    Ok((result, least.as_secs_f64()))
}

/// Time of this thread on a processor, which neighbours do not disturb as they do the clock.
fn cpu_time() -> Result<Duration, Failure> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let on_processor_ns = text.split_whitespace().next().ok_or("an empty schedstat")?;
    Ok(Duration::from_nanos(on_processor_ns.parse()?))
}

fn log_loss(probabilities: &[f64], labels: &[u8]) -> f64 {
    let of = |(&p, &label): (&f64, &u8)| -if label == 1 { p } else { 1.0 - p }.ln();
    probabilities.iter().zip(labels).map(of).sum::<f64>() / labels.len() as f64
}

fn read(folder: &Path, rows: usize) -> Result<Problem, Failure> {
    let file = |kind: &str| fs::read(folder.join(format!("learning-{rows}.{kind}")));
    let numbers = |bytes: Vec<u8>| bytes.as_chunks::<8>().0.iter().map(|eight| f64::from_le_bytes(*eight)).collect::<Vec<_>>();
    let columns: Vec<Vec<f64>> = numbers(file("features")?).chunks(rows).map(<[f64]>::to_vec).collect();
    let (labels, truth) = (file("labels")?, numbers(file("truth")?));
    let schema = Schema::new(FEATURES.map(Feature::number).to_vec())?;
    let times: Vec<i64> = (0..rows as i64).collect();
    let accepted = labels.iter().map(|&label| label == 1).collect();
    let history = History::new(Table::from_columns(schema, columns.clone())?, &[&times], times.clone(), accepted)?;
    Ok(Problem { history, columns, labels, truth })
}
