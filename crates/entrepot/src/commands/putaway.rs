use std::fmt::Write as _;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use optimization::putaway::{
    CapacityFlip, LineResult, MICRO, Method, Placement, Problem, Solution, capacity_flip_text, failure_text, lost_text,
    reason_text, solve, solve_within, weight_flip_text,
};
use serde_json::json;

const EXAMPLE: &str = "\
A file, where everything but these fields may be left out (lengths in mm, volumes in mm³, weights in g, quantities in
millionths of the base unit):

  {\"lines\": [{\"item\": 7, \"quantity_micro\": 12000000, \"unit_volume_mm3\": 900000, \"unit_weight_g\": 400, \"abc\": \"A\"}],
   \"bins\": [{\"location\": 101, \"kind\": \"PICK_FACE\", \"volume_mm3\": 20000000, \"max_weight_g\": 50000, \"pick_sequence\": 3},
            {\"location\": 102, \"kind\": \"RESERVE\", \"volume_mm3\": 90000000, \"max_weight_g\": 400000}],
   \"settings\": {\"split\": 8}}

Exit code 1 when something found no place.";

#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct Putaway {
    /// Lines, bins and settings as JSON; - for standard input.
    file: PathBuf,
    /// FFD, BFD, HYBRID or OPTIMAL.
    #[arg(long, default_value = "OPTIMAL", value_parser = method)]
    method: Method,
    /// Steps that OPTIMAL may search, a few nanoseconds each; counted, so that the same file gives the same answer. Default 100,000 per line.
    #[arg(long, value_name = "STEPS")]
    work: Option<u64>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn method(text: &str) -> Result<Method, String> {
    text.parse().map_err(|invalid: optimization::putaway::InvalidInput| invalid.problem)
}

pub fn run(command: &Putaway) -> anyhow::Result<ExitCode> {
    let name = command.file.display();
    let text = if command.file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        text
    } else {
        std::fs::read_to_string(&command.file).with_context(|| format!("cannot read {name}"))?
    };
    let problem: Problem = serde_json::from_str(&text).with_context(|| format!("{name} is no putaway problem"))?;
    let solution = match command.work {
        Some(work) => solve_within(&problem, command.method, work),
        None => solve(&problem, command.method),
    };
    let solution = solution.with_context(|| format!("{name} cannot be solved"))?;
    match command.format {
        Format::Json => println!("{}", as_json(&problem, command.method, &solution)),
        Format::Text => print!("{}", as_text(&problem, command.method, &solution)),
    }
    let left_over = solution.lines.iter().any(|line| line.unplaced_micro > 0);
    Ok(ExitCode::from(u8::from(left_over)))
}

/// The solution as it is, with the caller's numbers of the locations beside the indexes.
fn as_json(problem: &Problem, method: Method, solution: &Solution) -> serde_json::Value {
    let locations: Vec<Vec<u32>> = solution.lines.iter().map(|line| at(problem, line)).collect();
    json!({ "method": method, "locations": locations, "solution": solution })
}

fn at(problem: &Problem, line: &LineResult) -> Vec<u32> {
    line.placements.iter().map(|placement| problem.bins[placement.bin].location).collect()
}

fn as_text(problem: &Problem, method: Method, solution: &Solution) -> String {
    let mut text = format!(
        "{method}: {:.2} points of at most {:.2}, {:.2} % from the best possible\n",
        solution.total_score,
        solution.upper_bound,
        solution.optimality_gap * 100.0
    );
    for (n, (line, result)) in problem.lines.iter().zip(&solution.lines).enumerate() {
        _ = writeln!(text, "line {n}: item {}, {}", line.item, amount(line.quantity_micro));
        for placement in &result.placements {
            text.push_str(&placed(problem, placement));
        }
        if let Some(failure) = &result.failure {
            _ = writeln!(
                text,
                "  {} without a place: {} ({})",
                amount(result.unplaced_micro),
                failure_text(failure),
                failure.code
            );
        }
        for other in &result.alternatives {
            let location = problem.bins[other.bin].location;
            _ = writeln!(text, "  not {location}, {:.1} points: {}", other.score.total(), lost_text(&other.lost));
        }
        if let (Some(other), Some(change)) = (result.alternatives.first(), change(problem, result)) {
            _ = writeln!(text, "  {} with {change}", problem.bins[other.bin].location);
        }
    }
    text
}

fn placed(problem: &Problem, placement: &Placement) -> String {
    let location = problem.bins[placement.bin].location;
    let (score, reason) = (placement.score.total(), reason_text(placement));
    format!("  {} to {location}, {score:.1} points: {reason}\n", amount(placement.quantity_micro))
}

/// What would change the choice.
fn change(problem: &Problem, result: &LineResult) -> Option<String> {
    let capacity = result.flips.capacity.map(|flip| {
        let (CapacityFlip::Volume { bin, .. } | CapacityFlip::Weight { bin, .. }) = flip;
        format!("{} in {}", capacity_flip_text(&flip), problem.bins[bin].location)
    });
    let changes: Vec<String> = capacity.into_iter().chain(result.flips.weight.map(|flip| weight_flip_text(&flip))).collect();
    (!changes.is_empty()).then(|| changes.join(", or "))
}

/// Of base units, without trailing zeros.
fn amount(quantity_micro: i64) -> String {
    let text = format!("{}.{:06}", quantity_micro / MICRO, quantity_micro % MICRO);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_help_is_solved() {
        let start = EXAMPLE.find('{').unwrap();
        let problem: Problem = serde_json::from_str(&EXAMPLE[start..=EXAMPLE.rfind('}').unwrap()]).unwrap();
        let solution = solve(&problem, Method::Optimal).unwrap();
        let text = as_text(&problem, Method::Optimal, &solution);
        assert!(text.contains("line 0: item 7, 12\n  12 to 101, "), "{text}");
        assert!(text.contains("  not 102, "), "{text}");
        assert_eq!(as_json(&problem, Method::Optimal, &solution)["locations"], json!([[101]]));
        assert!(method("best").unwrap_err().contains("FFD, BFD, HYBRID, OPTIMAL"));
    }
}
