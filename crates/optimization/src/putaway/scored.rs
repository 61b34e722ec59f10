use super::bound::Outlook;
use super::case::Case;
use super::feasibility::{Floor, same};
use crate::assignment::{Bin, Item, Model, cheapest_of};

/// A perfect score; what a placement lacks of it is its cost.
const PERFECT: f64 = 100.0;
/// What a line costs that finds no place: ten perfect scores, because goods come before points.
pub(super) const UNPLACED: f64 = 1000.0;

/// The lines that some location takes whole, over the floor as it is, as a problem of assignment: a pair costs what it lacks of
/// 100 points at best, the surplus is what fill and company really take off that.
pub(super) struct Scored<'a> {
    floor: &'a Floor<'a>,
    cases: &'a [Case],
    outlook: &'a Outlook,
    /// Item of the model to line.
    pub lines: Vec<usize>,
    items: Vec<Item>,
    bins: Vec<Bin>,
}

impl<'a> Scored<'a> {
    pub fn new(floor: &'a Floor<'a>, cases: &'a [Case], outlook: &'a Outlook, lines: Vec<usize>) -> Self {
        let item = |n: &usize| {
            let demand = &cases[*n].demand;
            Item { volume: demand.volume, weight: demand.weight, unplaced: UNPLACED }
        };
        let items = lines.iter().map(item).collect();
        let bin = |bin: usize| {
            let state = &floor.states[bin];
            Bin { volume: state.free_volume(), weight: state.free_weight(), opening: 0.0 }
        };
        let bins = (0..floor.slots.len()).map(bin).collect();
        Self { floor, cases, outlook, lines, items, bins }
    }

    fn case(&self, item: u32) -> &Case {
        &self.cases[self.lines[item as usize]]
    }

    fn pair_cost(&self, case: &Case, bin: usize) -> f64 {
        PERFECT - self.outlook.best_whole(self.floor, case, bin)
    }
}

impl Model for Scored<'_> {
    const ADDITIVE: bool = false;

    fn items(&self) -> &[Item] {
        &self.items
    }

    fn bins(&self) -> &[Bin] {
        &self.bins
    }

    fn row(&self, item: usize, row: &mut Vec<(u32, f64)>) {
        let case = self.case(item as u32);
        let fitting = case.all_whole(self.floor).filter(|bin| case.fits_whole(self.floor, *bin));
        row.extend(fitting.map(|bin| (bin as u32, self.pair_cost(case, bin))));
    }

    /// From what the line remembers of the bins in which nothing of the batch lies, and the others looked at anew.
    fn cheapest(&self, item: usize, keep: usize, row: &mut Vec<(u32, f64)>) -> f64 {
        let (floor, case) = (self.floor, self.case(item as u32));
        let hopeful = &case.survey.hopeful;
        let untouched = hopeful.first.iter().filter(|(.., bin)| floor.is_untouched(*bin as usize));
        row.extend(untouched.map(|(lacks, _, bin)| (*bin, f64::from_bits(*lacks as u64))));
        row.extend(case.touched_whole(floor).map(|bin| (bin as u32, self.pair_cost(case, bin))));
        let beyond = cheapest_of(row, keep);
        match hopeful.first.last() {
            Some((lacks, ..)) if !hopeful.complete => beyond.min(f64::from_bits(*lacks as u64)),
            _ => beyond,
        }
    }

    fn pair(&self, item: usize, bin: u32) -> Option<f64> {
        let (case, bin) = (self.case(item as u32), bin as usize);
        let fits = case.took_whole(self.floor, bin) && case.fits_whole(self.floor, bin);
        fits.then(|| self.pair_cost(case, bin))
    }

    fn surplus(&self, bin: u32, items: &[u32]) -> f64 {
        let fill = self.filled(bin as usize, items);
        self.lost(bin as usize, items, |case, joined| case.rates.changing(fill, joined, false))
    }

    /// As if the rest of the batch filled the bin just right and brought every twin.
    fn least_surplus(&self, bin: u32, items: &[u32]) -> f64 {
        let fill = self.filled(bin as usize, items);
        let most = self.outlook.most_filled(self.floor, bin as usize);
        self.lost(bin as usize, items, |case, joined| {
            let joined = joined || self.outlook.twin[case.demand.line];
            case.rates.changing(case.rates.best_fill(fill, most), joined, false)
        })
    }
}

impl Scored<'_> {
    fn filled(&self, bin: usize, items: &[u32]) -> f64 {
        let volume = items.iter().fold(0_i64, |sum, item| sum.saturating_add(self.items[*item as usize].volume));
        self.floor.states[bin].fill_with(volume)
    }

    /// What the items lack of their best scores in the bin; infinite when they may not lie together. `changing` gives the parts of
    /// the score that company changes, told whether the same item and lot lies there.
    fn lost(&self, bin: usize, items: &[u32], changing: impl Fn(&Case, bool) -> (f64, f64, f64)) -> f64 {
        let mixing = self.floor.states[bin].mixing;
        let most = self.outlook.most_filled(self.floor, bin);
        let mut lost = 0.0;
        for (n, item) in items.iter().enumerate() {
            let case = self.case(*item);
            let demand = &case.demand;
            if items[n + 1..].iter().any(|other| !demand.may_join(&self.case(*other).demand, mixing)) {
                return f64::INFINITY;
            }
            let joins = |other: &u32| other != item && same(&demand.content, &self.case(*other).demand.content);
            let twin = self.outlook.twin[demand.line];
            let held = self.floor.holds_same(demand, bin);
            let (fill, joined, split) = changing(case, held || (twin && items.iter().any(joins)));
            let steady = case.steady(self.floor, bin);
            let score = (steady + (fill + joined + split)).clamp(0.0, PERFECT);
            let hoped = case.rates.best_fill(self.floor.states[bin].fill_with(demand.volume), most);
            let (fill, joined, split) = case.rates.changing(hoped, held || twin, false);
            lost += (steady + (fill + joined + split)).clamp(0.0, PERFECT) - score;
        }
        // Rounding may leave a trace below nothing.
        lost.max(0.0)
    }
}
