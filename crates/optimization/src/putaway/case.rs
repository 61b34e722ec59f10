use std::borrow::Cow;

use super::feasibility::{Demand, Floor};
use super::score::{Rates, ScoreParts, rank};

/// Lines times bins up to which the candidates are kept between the passes (16 bytes each); a larger problem works them out
/// again in each pass.
const MAX_KEPT: usize = 4_000_000;

/// A bin that takes a piece of the line, with the score that no placement changes.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    bin: u32,
    pub steady: f64,
}

impl Candidate {
    /// Of a bin that is known to take a piece of the line.
    pub fn at(floor: &Floor, case: &Case, bin: usize) -> Self {
        let parts = case.rates.steady(&floor.slots[bin], floor.affinity(&case.demand, bin));
        Self { bin: bin as u32, steady: parts.steady() }
    }

    pub fn bin(&self) -> usize {
        self.bin as usize
    }
}

/// One line with all that is worked out about it before any is placed.
pub(super) struct Case {
    pub demand: Demand,
    pub rates: Rates,
    /// Of the steady parts of the candidates' scores.
    pub average: ScoreParts,
    /// Before the batch some bin takes the whole line.
    pub whole: bool,
    kept: Option<Vec<Candidate>>,
}

impl Case {
    /// Of all lines; `floor` as it is before the batch.
    pub fn all(floor: &Floor) -> Vec<Self> {
        Self::all_keeping(floor, floor.problem.lines.len() * floor.problem.bins.len() <= MAX_KEPT)
    }

    fn all_keeping(floor: &Floor, keep: bool) -> Vec<Self> {
        let problem = floor.problem;
        let of = |(n, line)| {
            let (demand, rates) = (Demand::new(n, line), Rates::new(line, &problem.settings));
            let (candidates, average) = survey(floor, &demand, &rates);
            let whole = |candidate: &Candidate| floor.still_takes(&demand, candidate.bin(), demand.volume, demand.weight);
            let whole = candidates.iter().any(whole);
            Self { demand, rates, average, whole, kept: keep.then_some(candidates) }
        };
        problem.lines.iter().enumerate().map(of).collect()
    }

    /// The bins that took a piece before the batch, or where that is not kept, that take one now: what a batch fills
    /// never opens again, so both hold all that take one now.
    pub fn candidates(&self, floor: &Floor) -> Cow<'_, [Candidate]> {
        match &self.kept {
            Some(kept) => Cow::Borrowed(kept),
            None => Cow::Owned(survey(floor, &self.demand, &self.rates).0),
        }
    }

    /// The same goods in another quantity.
    pub fn rest(&self, quantity_micro: i64) -> Self {
        let demand = self.demand.rest(quantity_micro);
        Self { demand, rates: self.rates.clone(), average: self.average, whole: self.whole, kept: None }
    }

    /// The score in thousandths, and the points for the fill alone, of `volume` more of the line in a bin that holds nothing
    /// of it.
    #[inline]
    pub fn judge(&self, floor: &Floor, candidate: &Candidate, volume: i64, partial: bool) -> (i64, f64) {
        let bin = candidate.bin();
        let (fill, joined, split) =
            self.rates.changing(floor.states[bin].fill_with(volume), floor.holds_same(&self.demand, bin), partial);
        (rank(candidate.steady + (fill + joined + split)), fill)
    }

    /// The whole line goes in.
    #[inline]
    pub fn fits_whole(&self, floor: &Floor, candidate: &Candidate) -> bool {
        floor.still_takes(&self.demand, candidate.bin(), self.demand.volume, self.demand.weight)
    }

    #[inline]
    pub fn fits_piece(&self, floor: &Floor, candidate: &Candidate) -> bool {
        floor.still_takes(&self.demand, candidate.bin(), self.demand.piece_volume, self.demand.piece_weight)
    }
}

fn survey(floor: &Floor, demand: &Demand, rates: &Rates) -> (Vec<Candidate>, ScoreParts) {
    let mut candidates = Vec::with_capacity(floor.slots.len());
    let mut average = ScoreParts::default();
    for (bin, slot) in floor.slots.iter().enumerate() {
        if floor.takes_piece(demand, bin) {
            let parts = rates.steady(slot, floor.affinity(demand, bin));
            average.add_steady(&parts);
            candidates.push(Candidate { bin: bin as u32, steady: parts.steady() });
        }
    }
    average.divide_steady(candidates.len().max(1) as f64);
    (candidates, average)
}

#[cfg(test)]
mod tests {
    use super::super::{Bin, Line, LocationType, MICRO, Problem, Settings, bound, construct, explain};
    use super::*;

    #[test]
    fn a_large_problem_gets_the_same_answer_as_if_its_candidates_were_kept() {
        let bin = |n: u32| Bin { pick_sequence: Some(i64::from(n * 7 % 20)), ..Bin::new(n, LocationType::Reserve, 1000, 1000) };
        let line = |n: i64| Line { unit_volume_mm3: 90, ..Line::new(1, (1 + n * 5 % 17) * MICRO) };
        let problem =
            Problem { lines: (0..30).map(line).collect(), bins: (0..20).map(bin).collect(), settings: Settings::default() };
        let solve = |keep: bool| {
            let mut floor = Floor::new(&problem);
            let cases = Case::all_keeping(&floor, keep);
            let outlook = bound::Outlook::new(&cases);
            let bound: Vec<f64> = cases.iter().map(|case| bound::alone(&floor, case, &outlook)).collect();
            let shares = construct::best_fit(&mut floor, &cases);
            let lines: Vec<_> =
                cases.iter().zip(&shares).map(|(case, shares)| explain::line(&floor, case, shares, false)).collect();
            (bound, lines)
        };
        let kept = solve(true);
        assert!(kept.1.iter().any(|line| line.placements.len() > 1) && kept.1.iter().any(|line| line.failure.is_some()));
        assert_eq!(kept, solve(false));
    }
}
