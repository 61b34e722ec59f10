use super::graph::{Graph, Place};
use super::{EPSILON, Model};

/// Nodes of one knapsack's tree. Beyond, its relaxation stands for it, which keeps the bound valid.
const NODES: u32 = 600;

#[derive(Clone, Copy)]
struct Active {
    gain: f64,
    /// Between its share of the bin's volume and that of its weight: one capacity, 1 in all, that stands for both.
    size: f64,
    volume: i64,
    weight: i64,
    item: u32,
}

/// Finds the most profitable content of a bin at given prices of the items.
pub(super) struct Pricer<'a, M> {
    model: &'a M,
    graph: &'a Graph,
    active: Vec<Active>,
    chosen: Vec<u32>,
    /// The most profitable content found by the last call.
    pub best: Vec<u32>,
    best_profit: f64,
    /// Per place what the volume counts in the sizes; the weight counts the rest. Follows what the relaxation lacks.
    balance: Vec<f64>,
    nodes: u32,
    pub steps: usize,
}

/// What is still free.
#[derive(Clone, Copy)]
struct Room {
    volume: i64,
    weight: i64,
    size: f64,
}

impl<'a, M: Model> Pricer<'a, M> {
    pub fn new(model: &'a M, graph: &'a Graph) -> Self {
        let balance = vec![0.5; graph.places.len()];
        let (active, chosen, best) = (Vec::new(), Vec::new(), Vec::new());
        Self { model, graph, active, chosen, best, best_profit: 0.0, balance, nodes: 0, steps: 0 }
    }

    /// At most the value of any content of the bin, its cost minus the prices of its items; at most 0, the value of nothing.
    pub fn price(&mut self, place: usize, prices: &[f64]) -> f64 {
        self.best.clear();
        self.best_profit = 0.0;
        let bin = &self.graph.places[place];
        let balance = self.balance[place];
        let (per_volume, per_weight) = (balance / bin.volume.max(1) as f64, (1.0 - balance) / bin.weight.max(1) as f64);
        self.active.clear();
        let (mut gains, mut volume, mut weight) = (0.0, 0, 0);
        for edge in self.graph.edges(place) {
            let gain = prices[edge.item as usize] - edge.cost;
            if gain > 0.0 {
                let size = edge.volume as f64 * per_volume + edge.weight as f64 * per_weight;
                self.active.push(Active { gain, size, volume: edge.volume, weight: edge.weight, item: edge.item });
                gains += gain;
                volume += edge.volume;
                weight += edge.weight;
            }
        }
        self.steps += self.graph.edges(place).len() / 2 + 6 * self.active.len();
        if gains <= bin.opening {
            return 0.0;
        }
        if M::ADDITIVE && volume <= bin.volume && weight <= bin.weight {
            self.best.extend(self.active.iter().map(|active| active.item));
            return bin.opening - gains;
        }
        self.search(place, bin)
    }

    fn search(&mut self, place: usize, bin: &Place) -> f64 {
        self.active.sort_unstable_by(|one, two| {
            let density = (two.gain * one.size).total_cmp(&(one.gain * two.size));
            density.then(one.item.cmp(&two.item))
        });
        self.nodes = 0;
        self.chosen.clear();
        let room = Room { volume: bin.volume, weight: bin.weight, size: 1.0 };
        let (relaxed, density, lean) = self.relaxed(room);
        self.balance[place] = (self.balance[place] + lean).clamp(0.02, 0.98);
        if relaxed <= bin.opening {
            return 0.0;
        }
        if M::ADDITIVE {
            self.greedy(room);
            self.best_profit = (self.best_profit - bin.opening).max(0.0);
            if self.best_profit == 0.0 {
                self.best.clear();
            }
            // An item that costs more room than it earns by more than the relaxation lies above the best content is in none better.
            let spare = relaxed - bin.opening - self.best_profit;
            self.active.retain(|active| density * active.size - active.gain < spare);
        }
        self.branch(bin, 0, room, -bin.opening);
        self.steps += 8 * self.nodes as usize;
        if self.nodes >= NODES { bin.opening - relaxed } else { -self.best_profit - EPSILON }
    }

    /// The most that all items could earn, if one of them could be cut; what that one earns per size; and which way the balance
    /// should go: to the capacity of which this takes more.
    fn relaxed(&self, room: Room) -> (f64, f64, f64) {
        let (mut sum, mut left, mut density) = (0.0, room.size, 0.0);
        let (mut volume, mut weight) = (0.0, 0.0);
        for active in &self.active {
            let part = (left / active.size).min(1.0);
            sum += active.gain * part;
            volume += active.volume as f64 * part;
            weight += active.weight as f64 * part;
            left -= active.size;
            if left < 0.0 {
                density = active.gain / active.size;
                break;
            }
        }
        let lean = volume / room.volume.max(1) as f64 - weight / room.weight.max(1) as f64;
        (sum, density, if lean > 0.0 { 0.04 } else { -0.04 })
    }

    /// The densest items that fit one after the other.
    fn greedy(&mut self, mut room: Room) {
        for active in &self.active {
            if active.volume <= room.volume && active.weight <= room.weight {
                room.volume -= active.volume;
                room.weight -= active.weight;
                self.best_profit += active.gain;
                self.best.push(active.item);
            }
        }
    }

    /// The most that the items from `at` on could add, if one of them could be cut.
    fn reach(&mut self, at: usize, room: Room) -> f64 {
        let (mut sum, mut left) = (0.0, room.size);
        self.steps += self.active.len() - at;
        for active in &self.active[at..] {
            if active.volume > room.volume || active.weight > room.weight {
                continue;
            }
            if active.size > left {
                return sum + active.gain * (left / active.size);
            }
            sum += active.gain;
            left -= active.size;
        }
        sum
    }

    fn branch(&mut self, bin: &Place, at: usize, room: Room, profit: f64) {
        self.nodes += 1;
        if !self.chosen.is_empty() {
            self.steps += if M::ADDITIVE { 0 } else { 30 * self.chosen.len() };
            let surplus = if M::ADDITIVE { 0.0 } else { self.model.least_surplus(bin.id, &self.chosen) };
            if surplus == f64::INFINITY {
                return;
            }
            if profit - surplus > self.best_profit + EPSILON {
                self.best_profit = profit - surplus;
                self.best.clone_from(&self.chosen);
            }
        }
        for next in at..self.active.len() {
            if self.nodes >= NODES || profit + self.reach(next, room) <= self.best_profit + EPSILON {
                return;
            }
            let active = self.active[next];
            if active.volume <= room.volume && active.weight <= room.weight {
                self.chosen.push(active.item);
                let left = Room {
                    volume: room.volume - active.volume,
                    weight: room.weight - active.weight,
                    size: room.size - active.size,
                };
                self.branch(bin, next + 1, left, profit + active.gain);
                self.chosen.pop();
            }
        }
    }
}
