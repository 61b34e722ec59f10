use std::borrow::Cow;
use std::rc::Rc;

use super::bound::Outlook;
use super::feasibility::{Demand, Floor, space};
use super::score::{Rates, rank};
use super::survey::Survey;

/// Lines times bins up to which the candidates of lines that are split are kept between the passes (40 bytes each); a larger problem
/// works them out again in each pass.
const MAX_KEPT: usize = 4_000_000;
/// Bins that a line remembers as its best. More than others can take away from it, as a rule; where they take all, it looks again.
const REMEMBERED: usize = 64;
/// Bins that others may take away from those that the search looks at.
const MARGIN: usize = 16;

/// A bin that takes a piece of the line, with the score that no placement changes.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    bin: u32,
    pub steady: f64,
    /// Before the batch.
    room: i64,
    /// Of the line there was room for so much, before the batch, at so many thousandths of a point.
    part: i64,
    points: i64,
}

impl Candidate {
    pub fn bin(&self) -> usize {
        self.bin as usize
    }
}

/// One line with all that is worked out about it before any is placed.
pub(super) struct Case {
    pub demand: Demand,
    pub rates: Rates,
    pub survey: Rc<Survey>,
    /// Before the batch some bin takes the whole line.
    pub whole: bool,
    kept: Option<Vec<Candidate>>,
}

impl Case {
    /// Of all lines; `floor` as it is before the batch.
    pub fn all(floor: &Floor) -> (Outlook, Vec<Self>) {
        Self::all_keeping(floor, floor.problem.lines.len() * floor.problem.bins.len() <= MAX_KEPT)
    }

    fn all_keeping(floor: &Floor, keep: bool) -> (Outlook, Vec<Self>) {
        let problem = floor.problem;
        let demands: Vec<Demand> = problem.lines.iter().enumerate().map(|(n, line)| Demand::new(n, line)).collect();
        let outlook = Outlook::new(&demands);
        let hopeful = looked_at(demands.len()) + MARGIN;
        let of = |(demand, line)| {
            let rates = Rates::new(line, &problem.settings);
            let survey = Rc::new(Survey::new(floor, &demand, &rates, &outlook, [REMEMBERED, hopeful]));
            let whole = survey.whole.count() > 0;
            let mut case = Self { demand, rates, survey, whole, kept: None };
            if keep && !whole {
                case.kept = Some(case.looked_up(floor));
            }
            case
        };
        let cases = demands.into_iter().zip(&problem.lines).map(of).collect();
        (outlook, cases)
    }

    /// The bins that took a piece before the batch: what a batch fills never opens again, so all that take one now are among them.
    pub fn candidates(&self, floor: &Floor) -> Cow<'_, [Candidate]> {
        match &self.kept {
            Some(kept) => Cow::Borrowed(kept),
            None => Cow::Owned(self.looked_up(floor)),
        }
    }

    fn looked_up(&self, floor: &Floor) -> Vec<Candidate> {
        let bins = self.survey.pieces.iter().map(|position| floor.columns.bin(position));
        bins.map(|bin| self.candidate(floor, bin)).collect()
    }

    /// Of a bin that takes a piece of the line.
    pub fn candidate(&self, floor: &Floor, bin: usize) -> Candidate {
        let (steady, room) = (self.steady(floor, bin), floor.room(&self.demand, bin));
        let part = self.demand.part(room, self.demand.quantity);
        let volume = space(part, self.demand.unit_volume);
        let (points, _) = self.judge(floor, bin, steady, volume, part < self.demand.quantity);
        Candidate { bin: bin as u32, steady, room, part, points }
    }

    /// How much of the line there is room for, and how much of that may be split off.
    #[inline]
    pub fn room_and_part(&self, floor: &Floor, candidate: &Candidate) -> (i64, i64) {
        if floor.is_untouched(candidate.bin()) {
            return (candidate.room.min(self.demand.quantity), candidate.part.min(self.demand.quantity));
        }
        let room = floor.room(&self.demand, candidate.bin());
        (room, self.demand.part(room, self.demand.quantity))
    }

    /// The score in thousandths of so much of the line.
    #[inline]
    pub fn points(&self, floor: &Floor, candidate: &Candidate, quantity: i64) -> i64 {
        let partial = quantity < self.demand.quantity;
        if quantity == candidate.part && partial && floor.is_untouched(candidate.bin()) {
            return candidate.points;
        }
        self.judge(floor, candidate.bin(), candidate.steady, space(quantity, self.demand.unit_volume), partial).0
    }

    #[inline]
    pub fn steady(&self, floor: &Floor, bin: usize) -> f64 {
        self.survey.steady(&floor.columns, &self.rates, bin)
    }

    /// The bins with the best scores for the whole line now, best first: by points, then the volume left free, then the number;
    /// without those that are skipped.
    pub fn best_for_all(&self, floor: &Floor, count: usize, skip: impl Fn(usize) -> bool) -> Vec<usize> {
        let best = &self.survey.best;
        let free = |bin: usize| floor.is_untouched(bin) && !skip(bin);
        let mut found: Vec<(i64, i64, u32)> =
            best.first.iter().filter(|(.., bin)| free(*bin as usize)).take(count).copied().collect();
        let judged = |bin: usize| {
            let (points, _) = self.judge(floor, bin, self.steady(floor, bin), self.demand.volume, false);
            (-points, floor.states[bin].free_volume(), bin as u32)
        };
        if found.len() < count && !best.complete {
            found.clear();
            found.extend(self.all_whole(floor).filter(|bin| free(*bin)).map(judged));
        }
        found.extend(self.touched_whole(floor).filter(|bin| !skip(*bin)).map(judged));
        found.sort_unstable();
        found.truncate(count);
        found.into_iter().map(|(.., bin)| bin as usize).collect()
    }

    /// The bins that took the whole line before the batch, the nearest first.
    pub fn all_whole<'a>(&'a self, floor: &'a Floor) -> impl Iterator<Item = usize> + 'a {
        self.survey.whole.iter().map(|position| floor.columns.bin(position))
    }

    /// The bins with something of the batch that take the whole line now.
    pub fn touched_whole<'a>(&'a self, floor: &'a Floor) -> impl Iterator<Item = usize> + 'a {
        self.touched_once_whole(floor).filter(|bin| self.fits_whole(floor, *bin))
    }

    /// The bins with something of the batch that took the whole line before it.
    pub fn touched_once_whole<'a>(&'a self, floor: &'a Floor) -> impl Iterator<Item = usize> + 'a {
        floor.touched().filter(|bin| self.took_whole(floor, *bin))
    }

    pub fn took_whole(&self, floor: &Floor, bin: usize) -> bool {
        self.survey.whole.has(floor.columns.position(bin))
    }

    /// The same goods in another quantity.
    pub fn rest(&self, quantity_micro: i64) -> Self {
        let (demand, survey) = (self.demand.rest(quantity_micro), Rc::clone(&self.survey));
        Self { demand, rates: self.rates.clone(), survey, whole: self.whole, kept: None }
    }

    /// The score in thousandths, and the points for the fill alone, of `volume` more of the line in a bin that holds nothing
    /// of it.
    #[inline]
    pub fn judge(&self, floor: &Floor, bin: usize, steady: f64, volume: i64, partial: bool) -> (i64, f64) {
        let (fill, joined, split) =
            self.rates.changing(floor.states[bin].fill_with(volume), floor.holds_same(&self.demand, bin), partial);
        (rank(steady + (fill + joined + split)), fill)
    }

    /// No part of the line can score so many thousandths of a point there: the quick test.
    #[inline]
    pub fn earns_less(&self, floor: &Floor, candidate: &Candidate, points: i64) -> bool {
        let short = |most: f64| (candidate.steady + most) * 1000.0 < (points - 1) as f64;
        let held = || self.survey.holders.has(floor.columns.position(candidate.bin()));
        short(self.rates.most_changing(true))
            || (short(self.rates.most_changing(false)) && floor.is_untouched(candidate.bin()) && !held())
    }

    /// The whole line goes in, where it did before the batch.
    #[inline]
    pub fn fits_whole(&self, floor: &Floor, bin: usize) -> bool {
        floor.still_takes(&self.demand, bin, self.demand.volume, self.demand.weight)
    }

    /// A piece goes in, where one did before the batch.
    #[inline]
    pub fn fits_piece(&self, floor: &Floor, bin: usize) -> bool {
        floor.still_takes(&self.demand, bin, self.demand.piece_volume, self.demand.piece_weight)
    }
}

/// Bins per line that the search looks at in a batch of so many.
pub(super) fn looked_at(lines: usize) -> usize {
    lines.clamp(32, 128)
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
            let (outlook, cases) = Case::all_keeping(&floor, keep);
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
