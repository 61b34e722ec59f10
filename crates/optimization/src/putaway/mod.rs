//! Where to put received goods.
//!
//! [`solve`] assigns all lines of a [`Problem`] to locations and says why. The rules, in the order in which they are tested:
//! location type, temperature, security, size and weight of one piece, hazard segregation, mixing policy, free volume and
//! weight. Lines of one batch see each other: what one takes, no other gets.
//!
//! The objective is a function of the assignment alone, judged with the whole batch in place, so that methods compare:
//! the sum over all placements of their [`ScoreParts::total`] × the share of the line's quantity placed there.

mod bound;
mod case;
mod codes;
mod construct;
mod exact;
mod explain;
mod feasibility;
mod flip;
mod hazard;
mod model;
mod optimal;
mod score;
mod scored;
mod settings;
mod survey;
mod text;

pub use codes::{Abc, Ergonomic, Hazard, LocationType, Method, Mixing, Part, ReasonCode, SecurityZone};
pub use explain::{Alternative, Failure, Lost, Miss, NearestMiss};
pub use flip::{CapacityFlip, Flips, WeightFlip};
pub use model::{
    Bin, Content, InvalidInput, Line, LineResult, MAX_BINS, MAX_LINES, MAX_PAIRS, MICRO, Placement, Problem, Solution,
};
pub use score::{ScoreParts, confidence};
pub use settings::Settings;
pub use text::{capacity_flip_text, failure_text, lost_text, reason_text, weight_flip_text};

use case::Case;
use feasibility::Floor;

/// Steps of the search that OPTIMAL may spend per line unless told otherwise.
const WORK_PER_LINE: u64 = 30_000;

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
/// parts that other lines could improve (fill, consolidation) taken at the best value the batch allows. OPTIMAL bounds all lines
/// together instead: no assignment that leaves no more of any line unplaced, and splits no other line, scores more.
pub fn solve(problem: &Problem, method: Method) -> Result<Solution, InvalidInput> {
    solve_within(problem, method, problem.lines.len() as u64 * WORK_PER_LINE)
}

/// The same with a limit of what OPTIMAL may spend beyond construction and explanation: steps of its search, each a few
/// nanoseconds, counted and not timed, so that the same input gives the same answer. The more, the better the answer and its bound.
pub fn solve_within(problem: &Problem, method: Method, work: u64) -> Result<Solution, InvalidInput> {
    problem.validate()?;
    let mut floor = Floor::new(problem);
    let (outlook, cases) = Case::all(&floor);
    let alone = |floor: &Floor| cases.iter().map(|case| bound::alone(floor, case, &outlook)).sum();
    let (upper_bound, shares) = match method {
        Method::Ffd => (alone(&floor), construct::first_fit(&mut floor, &cases)),
        Method::Bfd => (alone(&floor), construct::best_fit(&mut floor, &cases)),
        Method::Hybrid => (alone(&floor), construct::hybrid(&mut floor, &cases)),
        Method::Optimal => optimal::optimise(&mut floor, &cases, &outlook, work),
    };
    let together = method == Method::Optimal;
    let explained = |(case, shares): (&Case, &Vec<Share>)| explain::line(&floor, case, shares, together);
    let lines: Vec<LineResult> = cases.iter().zip(&shares).map(explained).collect();
    let total_score: f64 = lines.iter().zip(&problem.lines).map(|(placed, line)| line_score(placed, line.quantity_micro)).sum();
    let optimality_gap = if upper_bound > 0.0 { ((upper_bound - total_score) / upper_bound).clamp(0.0, 1.0) } else { 0.0 };
    Ok(Solution { lines, total_score, upper_bound, optimality_gap })
}

fn line_score(line: &LineResult, quantity_micro: i64) -> f64 {
    line.placements.iter().map(|placed| placed.score.total() * (placed.quantity_micro as f64 / quantity_micro as f64)).sum()
}
