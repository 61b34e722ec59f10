//! Where to put received goods.
//!
//! [`solve`] assigns all lines of a [`Problem`] to locations and says why. The rules, in the order in which they are tested:
//! location type, temperature, security, size and weight of one piece, hazard segregation, mixing policy, free volume and
//! weight. Lines of one batch see each other: what one takes, no other gets.
//!
//! The objective is a function of the assignment alone, judged with the whole batch in place, so that methods compare:
//! the sum over all placements of their [`ScoreParts::total`] × the share of the line's quantity placed there.

mod bfd;
mod bound;
mod case;
mod codes;
mod explain;
mod feasibility;
mod hazard;
mod model;
mod score;
mod settings;
mod text;

pub use codes::{Abc, Ergonomic, Hazard, LocationType, Method, Mixing, Part, ReasonCode, SecurityZone};
pub use explain::{Alternative, Failure, Lost, Miss, NearestMiss};
pub use model::{
    Bin, Content, InvalidInput, Line, LineResult, MAX_BINS, MAX_LINES, MAX_PAIRS, MICRO, Placement, Problem, Solution,
};
pub use score::{ScoreParts, confidence};
pub use settings::Settings;
pub use text::{failure_text, lost_text, reason_text};

use case::Case;
use feasibility::Floor;

/// An amount of a line in one bin.
#[derive(Clone, Copy, Debug)]
struct Share {
    bin: usize,
    quantity_micro: i64,
}

/// Places the lines of a batch.
///
/// The answer depends on nothing but the problem; the order of `bins` does not matter. A line that finds no place comes back
/// with its reason and does not disturb the others. Fails only for a problem that [`Problem::validate`] refuses.
///
/// `upper_bound` is the sum over the lines of the best score each could reach if no other line competed with it, with the
/// parts that other lines could improve (fill, consolidation) taken at the best value the batch allows.
pub fn solve(problem: &Problem, method: Method) -> Result<Solution, InvalidInput> {
    problem.validate()?;
    let mut floor = Floor::new(problem);
    let cases = Case::all(&floor);
    let upper_bound = bound::upper_bound(&floor, &cases);
    let shares = match method {
        Method::Bfd => bfd::construct(&mut floor, &cases),
    };
    let lines: Vec<LineResult> = cases.iter().zip(&shares).map(|(case, shares)| explain::line(&floor, case, shares)).collect();
    let total_score: f64 = lines.iter().zip(&problem.lines).map(|(placed, line)| line_score(placed, line.quantity_micro)).sum();
    let optimality_gap = if upper_bound > 0.0 { ((upper_bound - total_score) / upper_bound).clamp(0.0, 1.0) } else { 0.0 };
    Ok(Solution { lines, total_score, upper_bound, optimality_gap })
}

fn line_score(line: &LineResult, quantity_micro: i64) -> f64 {
    line.placements.iter().map(|placed| placed.score.total() * (placed.quantity_micro as f64 / quantity_micro as f64)).sum()
}
