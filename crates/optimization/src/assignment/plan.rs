use super::graph::{Arc, Graph};
use super::{EPSILON, Meter, Model};

pub(super) const NOWHERE: u32 = u32::MAX;
/// Items that one chain may move.
const CHAIN: usize = 3;
/// Items that may be pushed out at each step of a chain before the next is given up.
const TRIES: [usize; CHAIN - 1] = [60, 12];

/// An assignment with all that its changes need.
pub(super) struct Plan<'a, M> {
    model: &'a M,
    graph: &'a Graph,
    /// Per item the place, or [`NOWHERE`].
    pub bin_of: Vec<u32>,
    sets: Vec<Vec<u32>>,
    /// What each item of the sets costs there.
    pairs: Vec<Vec<f64>>,
    volume: Vec<i64>,
    weight: Vec<i64>,
    cost: Vec<f64>,
    /// What of that is the surplus of the set: no more can be saved there by adding an item than that.
    surplus: Vec<f64>,
    /// At least the greatest of them.
    most_surplus: f64,
    /// What the dearest item would save at its cheapest place.
    most_freed: f64,
    scratch: Vec<u32>,
}

impl<M> Clone for Plan<'_, M> {
    fn clone(&self) -> Self {
        Self {
            model: self.model,
            graph: self.graph,
            bin_of: self.bin_of.clone(),
            sets: self.sets.clone(),
            pairs: self.pairs.clone(),
            volume: self.volume.clone(),
            weight: self.weight.clone(),
            cost: self.cost.clone(),
            surplus: self.surplus.clone(),
            most_surplus: self.most_surplus,
            most_freed: self.most_freed,
            scratch: Vec::new(),
        }
    }
}

impl<'a, M: Model> Plan<'a, M> {
    pub fn new(model: &'a M, graph: &'a Graph) -> Self {
        let places = graph.places.len();
        Self {
            model,
            graph,
            bin_of: vec![NOWHERE; model.items().len()],
            sets: vec![Vec::new(); places],
            pairs: vec![Vec::new(); places],
            volume: graph.places.iter().map(|place| place.volume).collect(),
            weight: graph.places.iter().map(|place| place.weight).collect(),
            cost: vec![0.0; places],
            surplus: vec![0.0; places],
            most_surplus: 0.0,
            most_freed: (0..model.items().len() as u32).map(|item| spread(graph.row(item))).fold(0.0, f64::max),
            scratch: Vec::new(),
        }
    }

    /// Summed anew, so that it does not depend on how the plan came about.
    pub fn total(&self) -> f64 {
        let left_out = self.model.items().iter().zip(&self.bin_of).filter(|(_, bin)| **bin == NOWHERE);
        self.cost.iter().sum::<f64>() + left_out.map(|(item, _)| item.unplaced).sum::<f64>()
    }

    pub fn clear(&mut self) {
        for item in 0..self.bin_of.len() as u32 {
            if self.bin_of[item as usize] != NOWHERE {
                self.remove(item);
            }
        }
    }

    /// Takes over as much of an assignment by the model's bin numbers as is allowed.
    pub fn follow(&mut self, start: &[Option<u32>]) {
        for (item, bin) in start.iter().enumerate() {
            let Some(bin) = bin else { continue };
            let place = self.graph.places.binary_search_by_key(bin, |place| place.id);
            if let Ok(place) = place
                && let Some(cost) = self.graph.cost(item as u32, place as u32)
                && self.cost_with(item as u32, place as u32, cost).is_finite()
            {
                self.insert(item as u32, place as u32, cost);
            }
        }
    }

    fn fits(&self, item: u32, place: u32) -> bool {
        let what = &self.model.items()[item as usize];
        what.volume <= self.volume[place as usize] && what.weight <= self.weight[place as usize]
    }

    /// What the place would cost with one more item, whose pair costs `pair`; infinite when that is not allowed.
    fn cost_with(&mut self, item: u32, place: u32, pair: f64) -> f64 {
        if !self.fits(item, place) {
            return f64::INFINITY;
        }
        let at = place as usize;
        let opening = if self.sets[at].is_empty() { self.graph.places[at].opening } else { 0.0 };
        if M::ADDITIVE {
            return self.cost[at] + pair + opening;
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.sets[at]);
        self.scratch.push(item);
        let pairs: f64 = self.pairs[at].iter().sum();
        self.graph.places[at].opening + pairs + pair + self.model.surplus(self.graph.places[at].id, &self.scratch)
    }

    /// What the item adds to the place that its arc leads to.
    fn more(&mut self, item: u32, arc: &Arc) -> f64 {
        let at = arc.place as usize;
        if self.sets[at].is_empty() { arc.alone } else { self.cost_with(item, arc.place, arc.cost) - self.cost[at] }
    }

    pub fn insert(&mut self, item: u32, place: u32, pair: f64) {
        self.put(item, place, pair);
        self.count(place as usize);
    }

    /// Without counting what the place costs then.
    fn put(&mut self, item: u32, place: u32, pair: f64) {
        let (at, what) = (place as usize, &self.model.items()[item as usize]);
        let position = self.sets[at].partition_point(|other| *other < item);
        self.sets[at].insert(position, item);
        self.pairs[at].insert(position, pair);
        self.volume[at] -= what.volume;
        self.weight[at] -= what.weight;
        self.bin_of[item as usize] = place;
    }

    /// Returns the place and what the pair cost.
    fn remove(&mut self, item: u32) -> (u32, f64) {
        let (place, pair) = self.take(item);
        self.count(place as usize);
        (place, pair)
    }

    /// Without counting what the place costs then.
    fn take(&mut self, item: u32) -> (u32, f64) {
        let place = self.bin_of[item as usize];
        let (at, what) = (place as usize, &self.model.items()[item as usize]);
        let position = self.sets[at].partition_point(|other| *other < item);
        self.sets[at].remove(position);
        let pair = self.pairs[at].remove(position);
        self.volume[at] += what.volume;
        self.weight[at] += what.weight;
        self.bin_of[item as usize] = NOWHERE;
        (place, pair)
    }

    fn count(&mut self, at: usize) {
        (self.cost[at], self.surplus[at]) = (0.0, 0.0);
        if !self.sets[at].is_empty() {
            let place = &self.graph.places[at];
            let surplus = if M::ADDITIVE { 0.0 } else { self.model.surplus(place.id, &self.sets[at]) };
            self.cost[at] = place.opening + self.pairs[at].iter().sum::<f64>() + surplus;
            self.surplus[at] = surplus;
            self.most_surplus = self.most_surplus.max(surplus);
        }
    }

    /// At most what an item adds to the place that an arc leads to.
    fn least_more(&self, arc: &Arc) -> f64 {
        arc.cost - self.surplus[arc.place as usize]
    }

    fn cheapest(&mut self, item: u32) -> Offer {
        let graph = self.graph;
        let mut offer = Offer { arc: None, more: f64::INFINITY, next_best: f64::INFINITY };
        for arc in graph.row(item) {
            if M::ADDITIVE && arc.cost >= offer.next_best {
                break;
            }
            if self.least_more(arc) >= offer.next_best {
                continue;
            }
            let more = self.more(item, arc);
            if more < offer.more {
                offer = Offer { arc: Some(*arc), more, next_best: offer.more };
            } else if more < offer.next_best {
                offer.next_best = more;
            }
        }
        offer
    }

    /// What one more of an item would cost.
    pub fn marginal(&mut self, item: u32) -> f64 {
        self.cheapest(item).more
    }

    /// Gives a place to the items that have none, first to the one that would lose most by waiting.
    pub fn complete(&mut self) {
        let mut waiting: Vec<u32> = (0..self.bin_of.len() as u32).filter(|item| self.bin_of[*item as usize] == NOWHERE).collect();
        let mut offers: Vec<Offer> = waiting.iter().map(|item| self.cheapest(*item)).collect();
        while let Some(at) = most_urgent(&offers) {
            let Some(arc) = offers[at].arc else { break };
            self.insert(waiting[at], arc.place, arc.cost);
            waiting.swap_remove(at);
            offers.swap_remove(at);
            for (item, offer) in waiting.iter().zip(&mut offers) {
                if offer.arc.is_some() && self.graph.cost(*item, arc.place).is_some() {
                    *offer = self.cheapest(*item);
                }
            }
        }
    }

    /// Shifts and ejection chains until none helps.
    pub fn improve(&mut self, meter: &mut Meter) {
        let mut unchanged = 0;
        let items = self.bin_of.len();
        let mut item = 0;
        while unchanged < items && !meter.exhausted() {
            if self.improve_item(item as u32, meter) {
                unchanged = 0
            } else {
                unchanged += 1
            }
            item = (item + 1) % items;
        }
        self.close_bins(meter);
    }

    fn improve_item(&mut self, item: u32, meter: &mut Meter) -> bool {
        let from = self.bin_of[item as usize];
        let mut moved = [NOWHERE; CHAIN];
        moved[0] = item;
        if !M::ADDITIVE {
            let held = self.bin_of.iter().filter(|bin| **bin != NOWHERE);
            self.most_surplus = held.map(|bin| self.surplus[*bin as usize]).fold(0.0, f64::max);
        }
        if from == NOWHERE {
            return self.chain(&mut moved, 1, -self.model.items()[item as usize].unplaced, meter);
        }
        let before = (self.cost[from as usize], self.surplus[from as usize]);
        let (_, pair) = self.remove(item);
        let done = self.chain(&mut moved, 1, self.cost[from as usize] - before.0, meter);
        if !done {
            self.put(item, from, pair);
            (self.cost[from as usize], self.surplus[from as usize]) = before;
        }
        done
    }

    /// Finds a place for the last of `moved`, which has none, pushing out another item where that helps. True when the whole
    /// change, `delta` so far, is an improvement and stands; otherwise all is as before.
    fn chain(&mut self, moved: &mut [u32; CHAIN], count: usize, delta: f64, meter: &mut Meter) -> bool {
        let (item, graph) = (moved[count - 1], self.graph);
        let (mut best, mut best_arc) = (-EPSILON, None);
        for arc in graph.row(item) {
            if delta + arc.cost - self.most_surplus >= best {
                break;
            }
            if delta + self.least_more(arc) >= best {
                continue;
            }
            meter.add(self.weight_of_a_try(arc.place));
            let change = delta + self.more(item, arc);
            if change < best {
                (best, best_arc) = (change, Some(arc));
            }
        }
        if let Some(arc) = best_arc {
            self.insert(item, arc.place, arc.cost);
            return true;
        }
        count < CHAIN && !meter.exhausted() && self.eject(moved, count, delta, meter)
    }

    fn weight_of_a_try(&self, place: u32) -> usize {
        let inside = self.sets[place as usize].len();
        if M::ADDITIVE || inside == 0 { 1 } else { 20 + 30 * inside }
    }

    fn eject(&mut self, moved: &mut [u32; CHAIN], count: usize, delta: f64, meter: &mut Meter) -> bool {
        let (item, graph) = (moved[count - 1], self.graph);
        let mut tries = TRIES[count - 1];
        for arc in graph.row(item) {
            let place = arc.place as usize;
            meter.add(1 + self.sets[place].len());
            for at in 0..self.sets[place].len() {
                let other = self.sets[place][at];
                let freed = self.pairs[place][at] - graph.row(other)[0].cost;
                let most_saved = freed + self.surplus[place] + self.most_surplus;
                if delta + arc.cost - most_saved >= -EPSILON || moved[..count].contains(&other) {
                    continue;
                }
                if tries == 0 {
                    return false;
                }
                tries -= 1;
                if self.replace(arc, other, moved, count, delta, meter) {
                    return true;
                }
            }
            if M::ADDITIVE && delta + arc.cost >= self.most_freed {
                break;
            }
        }
        false
    }

    /// Puts the last of `moved` in the place of `other`, and that elsewhere.
    fn replace(&mut self, arc: &Arc, other: u32, moved: &mut [u32; CHAIN], count: usize, delta: f64, meter: &mut Meter) -> bool {
        let (item, at) = (moved[count - 1], arc.place as usize);
        let [one, two] = [item, other].map(|item| self.model.items()[item as usize]);
        if one.volume > self.volume[at] + two.volume || one.weight > self.weight[at] + two.weight {
            return false;
        }
        let before = (self.cost[at], self.surplus[at]);
        let (_, pair) = self.take(other);
        meter.add(4 + self.weight_of_a_try(arc.place));
        let with = self.cost_with(item, arc.place, arc.cost);
        if with.is_finite() && delta + with - before.0 + self.least_elsewhere(other) < -EPSILON {
            self.put(item, arc.place, arc.cost);
            self.count(at);
            moved[count] = other;
            if self.chain(moved, count + 1, delta + with - before.0, meter) {
                return true;
            }
            self.take(item);
        }
        self.put(other, arc.place, pair);
        (self.cost[at], self.surplus[at]) = before;
        false
    }

    /// At most what an item costs anywhere, if no other makes way for it.
    fn least_elsewhere(&self, item: u32) -> f64 {
        self.graph.row(item).first().map_or(f64::INFINITY, |arc| arc.cost) - self.most_surplus
    }

    /// Empties each bin once that costs something to open, and keeps the change when it pays.
    fn close_bins(&mut self, meter: &mut Meter) {
        for place in 0..self.sets.len() {
            if !self.sets[place].is_empty() && self.graph.places[place].opening > 0.0 && !meter.exhausted() {
                self.close(place, meter);
            }
        }
    }

    fn close(&mut self, place: usize, meter: &mut Meter) {
        let inside = self.sets[place].clone();
        let mut change = -self.cost[place];
        let pairs: Vec<f64> = inside.iter().map(|item| self.remove(*item).1).collect();
        let mut moved = 0;
        for item in &inside {
            let (mut best, graph) = ((f64::INFINITY, None), self.graph);
            for arc in graph.row(*item).iter().filter(|arc| arc.place as usize != place) {
                if self.least_more(arc) >= best.0 {
                    continue;
                }
                meter.add(self.weight_of_a_try(arc.place));
                let more = self.more(*item, arc);
                if more < best.0 {
                    best = (more, Some(arc));
                }
            }
            let (more, Some(arc)) = best else { break };
            change += more;
            self.insert(*item, arc.place, arc.cost);
            moved += 1;
        }
        if moved < inside.len() || change >= -EPSILON {
            inside[..moved].iter().for_each(|item| _ = self.remove(*item));
            inside.iter().zip(pairs).for_each(|(item, pair)| self.insert(*item, place as u32, pair));
        }
    }
}

/// Where an item would go.
struct Offer {
    arc: Option<Arc>,
    /// What it adds there, and at the next best place.
    more: f64,
    next_best: f64,
}

fn spread(row: &[Arc]) -> f64 {
    row.last().map_or(0.0, |last| last.cost - row[0].cost)
}

fn most_urgent(offers: &[Offer]) -> Option<usize> {
    let regret = |offer: &Offer| if offer.arc.is_some() { offer.next_best - offer.more } else { -1.0 };
    (0..offers.len()).max_by(|one, two| regret(&offers[*one]).total_cmp(&regret(&offers[*two])).then(two.cmp(one)))
}

pub(super) fn set_cost<M: Model>(model: &M, graph: &Graph, place: u32, items: &[u32]) -> f64 {
    let bin = &graph.places[place as usize];
    let pairs: f64 = items.iter().map(|item| graph.cost(*item, place).unwrap_or(f64::INFINITY)).sum();
    let surplus = if M::ADDITIVE { 0.0 } else { model.surplus(bin.id, items) };
    bin.opening + pairs + surplus
}
