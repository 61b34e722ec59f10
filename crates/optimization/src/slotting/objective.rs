use super::demand::{Order, half_life_weight};
use super::{Layout, Slotting};

const CELLS: usize = 4096;

/// Expected travel of an order as a function of which goods share an aisle, kept up to date while goods change places.
///
/// It is a mean of two models of the orders to come. One says that they will be like the recorded ones, so that it knows what is
/// picked together; the other draws each line of an order independently by the expected demand, so that it knows only popularity.
/// The recorded orders alone are fitted by accident as well: what improves the sum improves the next months' orders too.
///
/// Both count for a set of aisles their whole length and the way to the outermost ones; the turn in a last odd aisle counts as
/// one length. So the depth within an aisle has no influence here; there the order by demand is right.
///
/// Goods are the items and, numbered after them, one empty slot each for what is left over. Places are the aisles and, after
/// them, the far reserve.
pub(super) struct Objective<'a> {
    layout: &'a Layout,
    pub(super) place_of: Vec<u16>,
    /// Orders of each item, ascending.
    orders_of: Vec<Vec<u32>>,
    weights: Vec<f64>,
    weight_of: Vec<f64>,
    /// Lines of each order in each place.
    counts: Vec<u16>,
    entered: Vec<u128>,
    independent: Independent,
}

impl<'a> Objective<'a> {
    /// `orders` hold distinct items, `demand` a rate for each item. `slotting` covers the items.
    pub(super) fn new(layout: &'a Layout, slotting: &Slotting, orders: &[Order], demand: &[f64], mix: &Mix) -> Self {
        let places = layout.aisles_m.len() + 1;
        let mut taken = vec![false; layout.slots.len()];
        slotting.iter().flatten().for_each(|slot| taken[*slot as usize] = true);
        let of_slot = |slot: u32| layout.slots[slot as usize].aisle;
        let mut place_of: Vec<u16> = slotting.iter().map(|slot| slot.map_or(places as u16 - 1, of_slot)).collect();
        place_of.extend((0..layout.slots.len()).filter(|slot| !taken[*slot]).map(|slot| of_slot(slot as u32)));

        let newest = orders.iter().map(|order| order.day).max().unwrap_or(0);
        let recency = |order: &Order| mix.half_life_days.map_or(1.0, |days| half_life_weight(newest, order.day, days));
        let total: f64 = orders.iter().map(recency).sum();
        let weights: Vec<f64> = orders.iter().map(|order| (1.0 - mix.independent_share) * recency(order) / total).collect();
        let mut orders_of = vec![Vec::new(); place_of.len()];
        let mut weight_of = vec![0.0; place_of.len()];
        let mut counts = vec![0_u16; orders.len() * places];
        let mut entered = vec![0_u128; orders.len()];
        for (n, order) in orders.iter().enumerate() {
            for item in order.items.iter().map(|item| *item as usize) {
                let place = usize::from(place_of[item]);
                orders_of[item].push(n as u32);
                weight_of[item] += weights[n];
                counts[n * places + place] += 1;
                entered[n] |= 1 << place;
            }
        }
        let sizes: Vec<(usize, f64)> = orders.iter().map(|order| (order.items.len(), recency(order) / total)).collect();
        let independent = Independent::new(layout, &place_of, demand, &sizes, mix.independent_share);
        Self { layout, place_of, orders_of, weights, weight_of, counts, entered, independent }
    }

    pub(super) fn goods(&self) -> usize {
        self.place_of.len()
    }

    /// Metres per order that an exchange of the places of two goods adds; negative is a saving.
    pub(super) fn exchange_m(&self, one: usize, other: usize) -> f64 {
        let (from, to) = (self.place_of[one], self.place_of[other]);
        let independent_m = self.independent.exchange_m(one, from, other, to);
        let most_m = (self.layout.aisle_length_m + self.widest_m()).max(self.layout.reserve_m);
        if independent_m >= (self.weight_of[one] + self.weight_of[other]) * most_m {
            return independent_m;
        }
        independent_m + self.recorded_m(one, from, other, to)
    }

    /// Changes of the recorded orders that hold one of the two, not both.
    fn recorded_m(&self, one: usize, from: u16, other: usize, to: u16) -> f64 {
        let (ones, others) = (&self.orders_of[one], &self.orders_of[other]);
        let (mut n, mut m, mut sum_m) = (0, 0, 0.0);
        while n < ones.len() || m < others.len() {
            let (left, right) = (ones.get(n).copied().unwrap_or(u32::MAX), others.get(m).copied().unwrap_or(u32::MAX));
            if left <= right {
                n += 1;
            }
            if right <= left {
                m += 1;
            }
            if left < right {
                sum_m += self.order_m(left as usize, from, to);
            } else if right < left {
                sum_m += self.order_m(right as usize, to, from);
            }
        }
        sum_m
    }

    fn order_m(&self, order: usize, from: u16, to: u16) -> f64 {
        let places = self.layout.aisles_m.len() + 1;
        let before = self.entered[order];
        let left = if self.counts[order * places + usize::from(from)] == 1 { before & !(1 << from) } else { before };
        let after = left | 1 << to;
        if after == before { 0.0 } else { self.weights[order] * (self.set_m(after) - self.set_m(before)) }
    }

    fn set_m(&self, places: u128) -> f64 {
        let reserve = 1 << self.layout.aisles_m.len();
        let aisles = places & !reserve;
        let reserve_m = if places & reserve == 0 { 0.0 } else { self.layout.reserve_m };
        f64::from(aisles.count_ones()) * self.layout.aisle_length_m + self.layout.across_m(aisles) + reserve_m
    }

    fn widest_m(&self) -> f64 {
        self.layout.across_m(u128::MAX >> (128 - self.layout.aisles_m.len()))
    }

    pub(super) fn exchange(&mut self, one: usize, other: usize) {
        let (from, to) = (self.place_of[one], self.place_of[other]);
        self.independent.exchange(one, from, other, to);
        self.relocate(one, to);
        self.relocate(other, from);
    }

    fn relocate(&mut self, goods: usize, to: u16) {
        let places = self.layout.aisles_m.len() + 1;
        let from = std::mem::replace(&mut self.place_of[goods], to);
        for order in self.orders_of[goods].iter().map(|order| *order as usize) {
            let counts = &mut self.counts[order * places..][..places];
            counts[usize::from(from)] -= 1;
            counts[usize::from(to)] += 1;
            if counts[usize::from(from)] == 0 {
                self.entered[order] &= !(1 << from);
            }
            self.entered[order] |= 1 << to;
        }
    }
}

/// Weights of the two models.
pub(super) struct Mix {
    /// Of the independent model, 0 to 1.
    pub(super) independent_share: f64,
    /// After so many days a recorded order counts half; `None`: all count the same.
    pub(super) half_life_days: Option<f64>,
}

/// Orders of the recorded sizes whose lines are drawn independently, by the demand's shares.
///
/// A place with share p of the demand is entered by an order of n lines with probability 1 − (1 − p)ⁿ.
struct Independent {
    share: f64,
    aisle_length_m: f64,
    reserve_m: f64,
    /// Share of the demand of each good.
    of_goods: Vec<f64>,
    of_places: Vec<f64>,
    /// Mean probability of being entered, over the orders' sizes, for demand shares from 0 to 1.
    entered: Vec<f64>,
    /// Twice the way from an aisle to the next one nearer to the depot, for aisles right of the depot and left of it.
    right_m: Vec<f64>,
    left_m: Vec<f64>,
    total_m: f64,
}

impl Independent {
    fn new(layout: &Layout, place_of: &[u16], demand: &[f64], sizes: &[(usize, f64)], share: f64) -> Self {
        let total: f64 = demand.iter().sum();
        let mut of_goods: Vec<f64> = demand.iter().map(|rate| if total > 0.0 { rate / total } else { 0.0 }).collect();
        of_goods.resize(place_of.len(), 0.0);
        let mut of_places = vec![0.0; layout.aisles_m.len() + 1];
        place_of.iter().zip(&of_goods).for_each(|(place, share)| of_places[usize::from(*place)] += share);
        let x = |n: usize| layout.aisles_m[n];
        let last = layout.aisles_m.len() - 1;
        let right = |n: usize| x(n) - if n == 0 { layout.depot_m } else { x(n - 1).max(layout.depot_m) };
        let left = |n: usize| if n == last { layout.depot_m } else { x(n + 1).min(layout.depot_m) } - x(n);
        let mut model = Self {
            share,
            aisle_length_m: layout.aisle_length_m,
            reserve_m: layout.reserve_m,
            of_goods,
            of_places,
            entered: entered(sizes),
            right_m: (0..=last).map(|n| 2.0 * right(n).max(0.0)).collect(),
            left_m: (0..=last).map(|n| 2.0 * left(n).max(0.0)).collect(),
            total_m: 0.0,
        };
        model.total_m = model.of(&model.of_places);
        model
    }

    fn probability(&self, share: f64) -> f64 {
        let at = share.clamp(0.0, 1.0) * CELLS as f64;
        let cell = (at as usize).min(CELLS - 1);
        self.entered[cell] + (self.entered[cell + 1] - self.entered[cell]) * (at - cell as f64)
    }

    fn of(&self, places: &[f64]) -> f64 {
        let (aisles, reserve) = places.split_at(self.right_m.len());
        let mut sum_m = self.reserve_m * self.probability(reserve[0]);
        let (mut beyond, mut before) = (0.0, 0.0);
        for n in (0..aisles.len()).rev() {
            beyond += aisles[n];
            sum_m += self.aisle_length_m * self.probability(aisles[n]);
            if self.right_m[n] > 0.0 {
                sum_m += self.right_m[n] * self.probability(beyond);
            }
        }
        for (n, share) in aisles.iter().enumerate() {
            before += share;
            if self.left_m[n] > 0.0 {
                sum_m += self.left_m[n] * self.probability(before);
            }
        }
        self.share * sum_m
    }

    fn exchanged(&self, one: usize, from: u16, other: usize, to: u16) -> [f64; super::MAX_AISLES + 1] {
        let mut places = [0.0; super::MAX_AISLES + 1];
        places[..self.of_places.len()].copy_from_slice(&self.of_places);
        let moved = self.of_goods[one] - self.of_goods[other];
        places[usize::from(from)] -= moved;
        places[usize::from(to)] += moved;
        places
    }

    fn exchange_m(&self, one: usize, from: u16, other: usize, to: u16) -> f64 {
        if self.share == 0.0 {
            return 0.0;
        }
        self.of(&self.exchanged(one, from, other, to)[..self.of_places.len()]) - self.total_m
    }

    fn exchange(&mut self, one: usize, from: u16, other: usize, to: u16) {
        let places = self.exchanged(one, from, other, to);
        let count = self.of_places.len();
        self.of_places.copy_from_slice(&places[..count]);
        self.total_m = self.of(&self.of_places);
    }
}

/// Σ weight × (1 − (1 − p)^size) at p = 0, 1/CELLS, …, 1.
fn entered(sizes: &[(usize, f64)]) -> Vec<f64> {
    let largest = sizes.iter().map(|(size, _)| *size).max().unwrap_or(0);
    let mut weights = vec![0.0; largest + 1];
    sizes.iter().for_each(|(size, weight)| weights[*size] += weight);
    let at = |cell: usize| {
        let stays = 1.0 - cell as f64 / CELLS as f64;
        // Horner's rule: the sum of weight × stays^size.
        let none = weights.iter().rev().fold(0.0, |sum, weight| sum * stays + weight);
        weights.iter().sum::<f64>() - none
    };
    (0..=CELLS).map(at).collect()
}
