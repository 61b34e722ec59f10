//! Which item into which bin, at the least cost, with a proof of how good the answer is.
//!
//! Every item goes whole into one bin, within volume and weight, or is left out at a price. What a bin costs is a function of
//! all that it holds: its opening, what each item costs at least, and a surplus of the whole set ([`Model::surplus`]), so that
//! sets may be forbidden, and a bin's fill or company may be paid for.
//!
//! [`solve`] prices the bins by a Lagrangian relaxation of "every item once" (Fisher 1981; the bins' subproblems are knapsacks,
//! as in the generalised assignment problem), repairs its relaxed answers into plans, improves those by shifts and ejection
//! chains, and, where the remaining gap is small, enumerates all bin contents whose reduced cost lies within it and searches
//! their exact covers (Baldacci, Christofides and Mingozzi 2008). The relaxation's value is the lower bound.
//!
//! Only the cheapest bins of each item are looked at. The bound still holds for all: a price never exceeds the cost of the
//! cheapest bin that was left out, so no left-out pair could have a negative reduced cost.

mod columns;
mod cover;
mod dual;
mod graph;
mod plan;
mod pricing;
mod travel;

pub use travel::{Goods, Shelf, Travel};

use cover::Verdict;
use graph::Graph;
pub(crate) use graph::cheapest_of;
use plan::{NOWHERE, Plan};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    pub volume: i64,
    pub weight: i64,
    /// What it costs to leave the item out; finite.
    pub unplaced: f64,
}

/// What is free in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    pub volume: i64,
    pub weight: i64,
    /// Paid once when anything goes in; not negative.
    pub opening: f64,
}

/// Items, bins and what they cost together. A set S in bin j costs `opening`(j) + the costs of its pairs + `surplus`(j, S).
pub trait Model {
    /// True when no set has a surplus.
    const ADDITIVE: bool;
    /// True when all costs are whole numbers: bounds may then be rounded up.
    const INTEGRAL: bool = false;

    fn items(&self) -> &[Item];
    fn bins(&self) -> &[Bin];
    /// Appends the bins that may hold the item alone, capacity included, with the cost of the pair.
    fn row(&self, item: usize, row: &mut Vec<(u32, f64)>);
    /// Appends the cheapest `keep` of them, cheapest first and lower numbers before higher ones; returns at most the cost of any
    /// other.
    fn cheapest(&self, item: usize, keep: usize, row: &mut Vec<(u32, f64)>) -> f64 {
        self.row(item, row);
        cheapest_of(row, keep)
    }
    /// The cost of a pair, if the bin may hold the item.
    fn pair(&self, item: usize, bin: u32) -> Option<f64> {
        let mut row = Vec::new();
        self.row(item, &mut row);
        row.iter().find(|pair| pair.0 == bin).map(|pair| pair.1)
    }
    /// Not negative; infinite for a set that may not lie together, and then for every larger set as well. More items may lower it.
    fn surplus(&self, bin: u32, items: &[u32]) -> f64;
    /// At most the surplus of this set and of every larger one, and itself never lower for a larger one: what the bound may count on
    /// whatever else comes in.
    fn least_surplus(&self, bin: u32, items: &[u32]) -> f64;
}

/// When to stop. Work is counted in steps of the search, not in time, so that the same input gives the same answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// About two nanoseconds each.
    pub work: u64,
    /// Bins looked at per item.
    pub candidates: usize,
    /// Good enough: (cost − bound) / bound.
    pub gap: f64,
}

impl Effort {
    /// For `items` items within about `milliseconds`.
    pub fn within(milliseconds: u64, items: usize) -> Self {
        Self { work: milliseconds * 500_000, candidates: (items / 2).clamp(48, 160), gap: 0.0 }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Per item the bin, or none when it was left out.
    pub bins: Vec<Option<u32>>,
    pub cost: f64,
    /// No answer costs less.
    pub bound: f64,
    /// Per item the price at which the relaxation gave the bound, or came nearest to it.
    pub prices: Vec<f64>,
    pub work: u64,
}

impl Answer {
    /// (cost − bound) / cost, 0 to 1; 0 proves the answer best.
    pub fn gap(&self) -> f64 {
        if self.cost > self.bound { ((self.cost - self.bound) / self.cost).min(1.0) } else { 0.0 }
    }
}

/// Below this, costs are equal.
const EPSILON: f64 = 1e-7;

/// Counts the steps of the search.
struct Meter {
    spent: u64,
    limit: u64,
}

impl Meter {
    fn add(&mut self, steps: usize) {
        self.spent += steps as u64;
    }

    fn exhausted(&self) -> bool {
        self.spent >= self.limit
    }

    /// A part of what is left, for one stage.
    fn stage(&self, share: f64) -> Self {
        let left = self.limit.saturating_sub(self.spent);
        Self { spent: self.spent, limit: self.spent + (left as f64 * share) as u64 }
    }
}

/// The cheapest assignment found within the effort, never worse than `start` where that is given and allowed.
pub fn solve<M: Model>(model: &M, start: Option<&[Option<u32>]>, effort: Effort) -> Answer {
    let graph = Graph::new(model, start, effort.candidates);
    let mut meter = Meter { spent: 0, limit: effort.work };
    let mut best = Plan::new(model, &graph);
    if let Some(start) = start {
        best.follow(start);
    }
    best.complete();
    best.improve(&mut meter);
    let mut ascent = dual::Ascent::new(model, &graph, &mut best);
    let mut stage = meter.stage(0.7);
    ascent.climb(&mut best, effort.gap, &mut stage);
    meter.spent = stage.spent;
    let mut bound = whole::<M>(ascent.bound.max(graph.cheapest(model)));
    if !good_enough(best.total(), bound, effort.gap) {
        match cover::within_the_gap(model, &graph, &mut ascent, &best, &mut meter) {
            Verdict::Better(plan) => {
                best = plan;
                bound = best.total();
            }
            Verdict::NoneBetter => bound = best.total(),
            Verdict::Unknown(Some(plan)) => best = plan,
            Verdict::Unknown(None) => {}
        }
    }
    let bins = best.bin_of.iter().map(|bin| (*bin != NOWHERE).then(|| graph.places[*bin as usize].id)).collect();
    Answer { bins, cost: best.total(), bound: bound.min(best.total()), prices: ascent.prices, work: meter.spent }
}

/// What every answer costs at least, by the relaxation at these prices of the items.
pub fn lower_bound<M: Model>(model: &M, prices: &[f64], candidates: usize) -> f64 {
    let graph = Graph::new(model, None, candidates);
    whole::<M>(dual::at_prices(model, &graph, prices).max(graph.cheapest(model)))
}

fn whole<M: Model>(bound: f64) -> f64 {
    if M::INTEGRAL { (bound - 1e-5).ceil() } else { bound - bound.abs() * 1e-12 }
}

fn good_enough(cost: f64, bound: f64, gap: f64) -> bool {
    cost - bound <= EPSILON.max(gap * bound.abs())
}
