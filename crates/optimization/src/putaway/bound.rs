use std::collections::BinaryHeap;

use super::case::{Candidate, Case};
use super::feasibility::{Demand, Floor};

/// What other lines of the batch can do for a line at best: the parts of a score that they can raise are the fill, at any value
/// from this line alone up to the whole batch, and the consolidation, when another line brings the same item and lot.
pub(super) struct Outlook {
    /// Per line: another line brings the same item and lot.
    pub twin: Vec<bool>,
    pub batch_mm3: i64,
}

impl Outlook {
    pub fn new(demands: &[Demand]) -> Self {
        let batch_mm3 = demands.iter().fold(0_i64, |sum, demand| sum.saturating_add(demand.volume));
        let key = |demand: &Demand| (demand.content.item, demand.content.lot);
        let mut keys: Vec<_> = demands.iter().map(key).collect();
        keys.sort_unstable();
        let twin = |demand: &Demand| keys.get(keys.partition_point(|other| *other < key(demand)) + 1) == Some(&key(demand));
        Self { twin: demands.iter().map(twin).collect(), batch_mm3 }
    }

    /// The share of a bin's volume in use if the whole batch went there.
    pub fn most_filled(&self, floor: &Floor, bin: usize) -> f64 {
        floor.states[bin].fill_with(self.batch_mm3).min(1.0)
    }

    /// The best that the whole line can score in a bin.
    #[inline]
    pub fn best_whole(&self, floor: &Floor, case: &Case, bin: usize) -> f64 {
        self.best(floor, case, bin, case.demand.volume, false)
    }

    /// The best that a part of the line can score in a bin.
    #[inline]
    pub fn best_part(&self, floor: &Floor, case: &Case, bin: usize) -> f64 {
        self.best(floor, case, bin, 0, true)
    }

    #[inline]
    fn best(&self, floor: &Floor, case: &Case, bin: usize, least_mm3: i64, partial: bool) -> f64 {
        let (demand, rates) = (&case.demand, &case.rates);
        let same_lot = self.twin[demand.line] || floor.holds_same(demand, bin);
        let fill = rates.best_fill(floor.states[bin].fill_with(least_mm3), self.most_filled(floor, bin));
        let (fill, joined, split) = rates.changing(fill, same_lot, partial);
        (case.steady(floor, bin) + (fill + joined + split)).clamp(0.0, 100.0)
    }
}

/// More than the line can score in any assignment of the batch; `floor` as it is before the batch.
///
/// The best score of a single location that takes it whole, or, where splitting may pay, the best locations filled one after the
/// other (a fractional knapsack with one item per location, which the greedy order solves exactly).
pub(super) fn alone(floor: &Floor, case: &Case, outlook: &Outlook) -> f64 {
    let whole = case.survey.hopeful.first.first().map_or(0.0, |(lacks, ..)| 100.0 - f64::from_bits(*lacks as u64));
    let most = case.rates.most_changing(true);
    let better = |bin: usize| case.steady(floor, bin) + most > whole && outlook.best_part(floor, case, bin) > whole;
    if case.survey.pieces.iter().any(|position| better(floor.columns.bin(position))) {
        whole.max(split_bound(floor, case, outlook, &case.candidates(floor)))
    } else {
        whole
    }
}

/// Scores are not negative, so their bits order as they do; few of many are taken, so a heap beats sorting.
fn split_bound(floor: &Floor, case: &Case, outlook: &Outlook, candidates: &[Candidate]) -> f64 {
    let demand = &case.demand;
    let offer = |candidate: &Candidate| {
        let bin = candidate.bin();
        (outlook.best_part(floor, case, bin).to_bits(), floor.slots[bin].location, bin)
    };
    let mut offers: BinaryHeap<_> = candidates.iter().map(offer).collect();
    let (mut left, mut sum) = (demand.quantity, 0.0);
    while let Some((score, _, bin)) = offers.pop() {
        let amount = floor.room(demand, bin).min(left);
        sum += f64::from_bits(score) * (amount as f64 / demand.quantity as f64);
        left -= amount;
        if left == 0 {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::{
        Bin, Content, Line, LocationType, MICRO, Method, Mixing, Problem, Settings, Share, explain, line_score, solve,
    };
    use super::*;

    /// A small repeatable sequence (Knuth's MMIX constants): the cases need variety, not randomness.
    struct Sequence(u64);

    impl Sequence {
        fn below(&mut self, limit: i64) -> i64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 33) % limit as u64) as i64
        }
    }

    fn tiny(seed: u64) -> Problem {
        let mut some = Sequence(seed);
        let line = |some: &mut Sequence| Line {
            unit_volume_mm3: 10 + some.below(40),
            unit_weight_g: some.below(30),
            velocity: some.below(3) as f64 * 8.0,
            abc: super::super::Abc::ALL[some.below(3) as usize],
            ..Line::new(some.below(2) as u32, (1 + some.below(3)) * MICRO)
        };
        let bin = |some: &mut Sequence, location: u32| Bin {
            abc: super::super::Abc::ALL[some.below(3) as usize],
            pick_sequence: Some(some.below(9)),
            used_volume_mm3: some.below(60),
            contents: (0..some.below(2)).map(|item| Content { item: item as u32, lot: None, hazard: None }).collect(),
            mixing: Mixing::ALL[some.below(3) as usize],
            active_picks_in_aisle: some.below(12) as u32,
            ..Bin::new(location, LocationType::PickFace, 40 + some.below(100), 20 + some.below(100))
        };
        Problem {
            lines: (0..2).map(|_| line(&mut some)).collect(),
            bins: (0..3).map(|location| bin(&mut some, location)).collect(),
            settings: Settings { split: some.below(8) as f64, ..Settings::default() },
        }
    }

    /// Every way to give at most `units` to three bins.
    fn divisions(units: i64) -> Vec<[i64; 3]> {
        let all = (0..64).map(|code| [code % 4, code / 4 % 4, code / 16]);
        all.filter(|amounts| amounts.iter().sum::<i64>() <= units).collect()
    }

    /// The score of an assignment, if it is allowed.
    fn score(problem: &Problem, cases: &[Case], amounts: &[[i64; 3]; 2]) -> Option<f64> {
        let mut floor = Floor::new(problem);
        let mut shares = vec![Vec::new(), Vec::new()];
        for (n, case) in cases.iter().enumerate() {
            for (bin, units) in amounts[n].iter().enumerate().filter(|(_, units)| **units > 0) {
                let share = Share { bin, quantity_micro: units * MICRO };
                if floor.refusal(&case.demand.rest(share.quantity_micro), bin).is_some()
                    || floor.room(&case.demand, bin) < share.quantity_micro
                {
                    return None;
                }
                floor.place(&case.demand, share);
                shares[n].push(share);
            }
        }
        let lines = cases.iter().zip(&shares).map(|(case, shares)| explain::line(&floor, case, shares, false));
        Some(lines.zip(cases).map(|(line, case)| line_score(&line, case.demand.quantity)).sum())
    }

    #[test]
    fn no_assignment_of_a_tiny_batch_beats_the_bound() {
        let (mut slack, mut regret, mut optimal) = (0.0, 0.0, 0);
        for seed in 0..300 {
            let problem = tiny(seed);
            let solution = solve(&problem, Method::Bfd).expect("the problem is valid");
            let cases = Case::all(&Floor::new(&problem)).1;
            let mut best = 0.0_f64;
            for one in divisions(cases[0].demand.quantity / MICRO) {
                for two in divisions(cases[1].demand.quantity / MICRO) {
                    best = best.max(score(&problem, &cases, &[one, two]).unwrap_or(0.0));
                }
            }
            assert!(solution.upper_bound >= best - 1e-9, "seed {seed}: bound {}, best {best}", solution.upper_bound);
            assert!(solution.total_score <= best + 1e-9, "seed {seed}: {} was not among all", solution.total_score);
            slack += (solution.upper_bound - best) / 300.0;
            regret += (best - solution.total_score) / 300.0;
            optimal += usize::from(best - solution.total_score < 1e-9);
        }
        println!("of 300: optimal {optimal}, points short of it {regret:.2}, bound above it {slack:.2} on average (of 200)");
        assert!(slack < 40.0 && regret < 10.0 && optimal > 130);
    }

    #[test]
    fn the_quick_test_and_the_reason_agree() {
        for seed in 0..300 {
            let problem = tiny(seed);
            let floor = Floor::new(&problem);
            for case in Case::all(&floor).1 {
                for bin in 0..problem.bins.len() {
                    assert_eq!(floor.takes_piece(&case.demand, bin), floor.refusal(&case.demand, bin).is_none());
                }
            }
        }
    }
}
