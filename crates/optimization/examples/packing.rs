//! The packer over the Bischoff-Ratcliff sets thpack1.txt to thpack7.txt of a folder, each plan verified.
//!
//! `cargo run --release -p optimization --example packing -- DIR [--mode fast|standard|thorough] [--support PERCENT]
//! [--every N] [--problems K] [--format text|json]`

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

use nix::sys::resource::{UsageWho, getrusage};
use optimization::packing::{Mode, Rules, pack, read_thpack, verify};

struct Options {
    folder: String,
    mode: Mode,
    support: u8,
    every: usize,
    problems: usize,
    json: bool,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(problem) => {
            eprintln!(
                "{problem}\nusage: packing DIR [--mode fast|standard|thorough] [--support PERCENT] [--every N] [--problems K] [--format text|json]"
            );
            return ExitCode::from(2);
        }
    };
    let best = best_known(Path::new(&options.folder));
    let mut whole = Tally::default();
    for set in 1..=7 {
        let path = Path::new(&options.folder).join(format!("thpack{set}.txt"));
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let problems = match read_thpack(&text, &Rules::geometry_only(options.support)) {
            Ok(problems) => problems,
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                return ExitCode::FAILURE;
            }
        };
        let mut tally = Tally::default();
        for one in problems.iter().step_by(options.every).take(options.problems) {
            let before = cpu_seconds();
            let plan = pack(&one.problem, options.mode).expect("the reader makes valid problems");
            let cpu = cpu_seconds() - before;
            let violations = verify(&one.problem, &plan.placements);
            violations.iter().for_each(|violation| eprintln!("thpack{set} {}: {violation}", one.number));
            let carrier = &one.problem.carrier;
            let inner = [carrier.length_mm, carrier.width_mm, carrier.height_mm].map(f64::from).iter().product::<f64>();
            let known = best.get(&(set, one.number)).map_or(f64::NAN, |volume| volume / inner);
            let used = plan.summary.utilisation.volume;
            if options.json {
                let verified = violations.is_empty();
                let line = serde_json::json!({ "set": set, "problem": one.number, "utilization": used, "best_known": known,
                    "bound": plan.summary.volume_bound_mm3 as f64 / inner, "cpu_seconds": cpu, "boxes": plan.summary.boxes, "verified": verified });
                println!("{line}");
            }
            tally.add(used, known, cpu, violations.is_empty());
        }
        if !options.json {
            tally.print(&format!("thpack{set}"));
        }
        whole.merge(&tally);
    }
    if !options.json {
        whole.print("all");
    }
    if whole.verified == whole.count { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Tally {
    count: usize,
    used: f64,
    known: f64,
    cpu: f64,
    most_cpu: f64,
    verified: usize,
}

impl Tally {
    fn add(&mut self, used: f64, known: f64, cpu: f64, verified: bool) {
        self.count += 1;
        self.used += used;
        self.known += known;
        self.cpu += cpu;
        self.most_cpu = self.most_cpu.max(cpu);
        self.verified += usize::from(verified);
    }

    fn merge(&mut self, other: &Tally) {
        self.count += other.count;
        self.used += other.used;
        self.known += other.known;
        self.cpu += other.cpu;
        self.most_cpu = self.most_cpu.max(other.most_cpu);
        self.verified += other.verified;
    }

    fn print(&self, name: &str) {
        let mean = |sum: f64| sum / self.count as f64;
        println!(
            "{name:<8} {:>3} problems: {:.2} % of the volume, best known {:.2} %, CPU mean {:.4} s, most {:.4} s, verified {}/{}",
            self.count,
            mean(self.used) * 100.0,
            mean(self.known) * 100.0,
            mean(self.cpu),
            self.most_cpu,
            self.verified,
            self.count
        );
    }
}

fn options() -> Result<Options, String> {
    let mut args = std::env::args().skip(1);
    let mut options =
        Options { folder: String::new(), mode: Mode::Standard, support: 100, every: 1, problems: usize::MAX, json: false };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        let number = |text: String| text.parse::<usize>().map_err(|_| format!("{arg}: {text:?} is not a number"));
        match arg.as_str() {
            "--mode" => {
                options.mode = match value()?.as_str() {
                    "fast" => Mode::Fast,
                    "standard" => Mode::Standard,
                    "thorough" => Mode::Thorough,
                    other => return Err(format!("--mode: {other:?} is not fast, standard or thorough")),
                }
            }
            "--support" => options.support = number(value()?)?.min(100) as u8,
            "--every" => options.every = number(value()?)?.max(1),
            "--problems" => options.problems = number(value()?)?,
            "--format" => options.json = value()? == "json",
            _ if options.folder.is_empty() && !arg.starts_with("--") => options.folder = arg,
            _ => return Err(format!("{arg} is not known")),
        }
    }
    if options.folder.is_empty() { Err("DIR is missing".into()) } else { Ok(options) }
}

/// Volumes of `best_known_volume_BR0-15.csv`, if it is there, by set and problem.
fn best_known(folder: &Path) -> HashMap<(i32, i64), f64> {
    let Ok(mut reader) = csv::Reader::from_path(folder.join("best_known_volume_BR0-15.csv")) else { return HashMap::new() };
    let row = |record: csv::StringRecord| {
        let (set, problem) = record.get(0)?.strip_prefix("bischoff1995/BR")?.split_once(".txt_")?;
        Some(((set.parse().ok()?, problem.parse().ok()?), record.get(1)?.parse().ok()?))
    };
    reader.records().filter_map(|record| row(record.ok()?)).collect()
}

fn cpu_seconds() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("resource usage");
    let time = usage.user_time();
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}
