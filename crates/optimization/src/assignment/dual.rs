use super::graph::Graph;
use super::plan::{NOWHERE, Plan};
use super::pricing::Pricer;
use super::{EPSILON, Meter, Model, good_enough, whole};

/// Rounds without a better bound before the steps get shorter.
const PATIENCE: u32 = 10;
const LONGEST: f64 = 1.6;
const SHORTER: f64 = 0.6;
const SHORTEST: f64 = 0.004;
/// How much of the last direction is kept.
const DEFLECTION: f64 = 0.7;
/// Every so many rounds the relaxed answer is repaired into a plan.
const REPAIR_EVERY: u32 = 12;

/// The most profitable contents of the bins at the current prices.
#[derive(Default)]
struct Contents {
    /// Place, value, and the end of its items.
    bins: Vec<(u32, f64, u32)>,
    items: Vec<u32>,
}

impl Contents {
    fn clear(&mut self) {
        self.bins.clear();
        self.items.clear();
    }

    fn set(&self, n: usize) -> &[u32] {
        let from = if n == 0 { 0 } else { self.bins[n - 1].2 };
        &self.items[from as usize..self.bins[n].2 as usize]
    }
}

/// A price may not rise above the cheapest pair that was left out, or leaving the item out.
fn caps<M: Model>(model: &M, graph: &Graph) -> Vec<f64> {
    model.items().iter().zip(&graph.beyond).map(|(item, beyond)| item.unplaced.min(*beyond)).collect()
}

/// The relaxation's value.
pub(super) fn at_prices<M: Model>(model: &M, graph: &Graph, prices: &[f64]) -> f64 {
    let prices: Vec<f64> = prices.iter().zip(caps(model, graph)).map(|(price, cap)| price.min(cap)).collect();
    let mut pricer = Pricer::new(model, graph);
    prices.iter().sum::<f64>() + (0..graph.places.len()).map(|place| pricer.price(place, &prices)).sum::<f64>()
}

/// Subgradient ascent of the prices of the items (Held, Wolfe and Crowder 1974), with Polyak's step towards the best plan.
pub(super) struct Ascent<'a, M> {
    model: &'a M,
    graph: &'a Graph,
    pricer: Pricer<'a, M>,
    /// The prices that give the best bound.
    pub prices: Vec<f64>,
    pub bound: f64,
    caps: Vec<f64>,
    contents: Contents,
}

impl<'a, M: Model> Ascent<'a, M> {
    pub fn new(model: &'a M, graph: &'a Graph, plan: &mut Plan<'a, M>) -> Self {
        let caps = caps(model, graph);
        // Below what an item costs alone no bin wants it; above what one more of it would cost beside the plan all do.
        let middle = |item: usize| {
            let row = graph.row(item as u32).iter();
            let alone = row.map(|arc| arc.cost + graph.places[arc.place as usize].opening).fold(caps[item], f64::min);
            0.5 * (alone + plan.marginal(item as u32).min(caps[item]))
        };
        let prices = (0..caps.len()).map(middle).collect();
        let pricer = Pricer::new(model, graph);
        Self { model, graph, pricer, prices, bound: f64::NEG_INFINITY, caps, contents: Contents::default() }
    }

    /// The values of all places at the best prices.
    pub fn values(&mut self) -> Vec<f64> {
        (0..self.graph.places.len()).map(|place| self.pricer.price(place, &self.prices)).collect()
    }

    /// Raises the bound and improves the plan until they meet, nothing moves any more, or the work is spent.
    pub fn climb(&mut self, best: &mut Plan<'a, M>, gap: f64, meter: &mut Meter) {
        let mut prices = self.prices.clone();
        let mut direction = vec![0.0; prices.len()];
        let mut draft = Plan::new(self.model, self.graph);
        let (mut upper, mut step, mut stagnant, mut round) = (best.total(), LONGEST, 0, 0);
        while step > SHORTEST && !meter.exhausted() {
            let value = self.relax(&prices, meter);
            stagnant += 1;
            if value > self.bound + EPSILON {
                if value > self.bound + 1e-4 * (upper - value).abs() {
                    stagnant = 0;
                }
                self.bound = value;
                self.prices.clone_from(&prices);
            }
            if round % REPAIR_EVERY == 0 {
                self.repair(&mut draft, &prices);
                draft.improve(meter);
                if draft.total() < upper - EPSILON {
                    upper = draft.total();
                    best.clone_from(&draft);
                }
            }
            if good_enough(upper, whole::<M>(self.bound), gap) {
                break;
            }
            if stagnant >= PATIENCE {
                step *= SHORTER;
                stagnant = 0;
                prices.clone_from(&self.prices);
                direction.fill(0.0);
            } else if !self.turn(&mut direction, &prices) {
                break;
            } else {
                self.walk(&mut prices, &direction, step * (upper - value).max(EPSILON));
            }
            round += 1;
        }
    }

    /// The relaxation's value; the contents behind it stay in `self.contents`.
    fn relax(&mut self, prices: &[f64], meter: &mut Meter) -> f64 {
        self.contents.clear();
        self.pricer.steps = 0;
        let mut sum: f64 = prices.iter().sum();
        for place in 0..self.graph.places.len() {
            let value = self.pricer.price(place, prices);
            if value < 0.0 {
                sum += value;
                self.contents.items.extend_from_slice(&self.pricer.best);
                self.contents.bins.push((place as u32, value, self.contents.items.len() as u32));
            }
        }
        meter.add(self.pricer.steps);
        sum
    }

    /// Towards what the relaxation lacks: up for items in no bin, down for those in several; deflected by the last direction
    /// (Camerini, Fratta and Maffioli 1975). False when nothing is lacking.
    fn turn(&self, direction: &mut [f64], prices: &[f64]) -> bool {
        let mut lacking = vec![1.0; direction.len()];
        self.contents.items.iter().for_each(|item| lacking[*item as usize] -= 1.0);
        let mut any = false;
        for (item, (way, lack)) in direction.iter_mut().zip(&mut lacking).enumerate() {
            if *lack > 0.0 && prices[item] >= self.caps[item] {
                *lack = 0.0;
            }
            any |= *lack != 0.0;
            *way = *lack + DEFLECTION * *way;
        }
        any
    }

    fn walk(&self, prices: &mut [f64], direction: &[f64], length: f64) {
        let norm: f64 = direction.iter().map(|way| way * way).sum();
        let step = length / norm.max(EPSILON);
        for ((price, way), cap) in prices.iter_mut().zip(direction).zip(&self.caps) {
            *price = (*price + step * way).min(*cap);
        }
    }

    /// Makes a plan of the relaxed contents: the most profitable bins first, each with what is still without a place.
    fn repair(&self, draft: &mut Plan<'a, M>, prices: &[f64]) {
        draft.clear();
        let mut order: Vec<usize> = (0..self.contents.bins.len()).collect();
        order.sort_by(|one, two| self.contents.bins[*one].1.total_cmp(&self.contents.bins[*two].1).then(one.cmp(two)));
        for n in order {
            let place = self.contents.bins[n].0;
            let free: Vec<u32> =
                self.contents.set(n).iter().copied().filter(|item| draft.bin_of[*item as usize] == NOWHERE).collect();
            let worth: f64 = free.iter().map(|item| prices[*item as usize]).sum();
            if !free.is_empty() && super::plan::set_cost(self.model, self.graph, place, &free) < worth {
                for item in free {
                    draft.insert(item, place, self.graph.cost(item, place).expect("a content consists of the place's pairs"));
                }
            }
        }
        draft.complete();
    }
}
