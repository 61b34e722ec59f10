use super::course::{Course, Price};
use super::plan_pairs::Pairs;
use super::relocations::Relocations;
use super::routes::{Change, Routes};
use super::{Kinds, Layout, Order, PlanSettings, Slotting};

/// Steps that one scan keeps: they are made, best first, before the next scan.
const KEPT: usize = 64;
/// Numbers of the table of relocations at most, 128 MB. Beyond it the items with the fewest orders stay where they are.
const CELLS_MAX: usize = 1 << 24;
/// What saves less is rounding.
pub(super) const HAIR_M: f64 = 1e-6;

/// A step of the search.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) changes: Vec<Change>,
    /// Gain by each move that it takes.
    pub(super) score_m: f64,
}

/// The best steps of a scan, by falling score, at most one for each item that they begin with.
#[derive(Default)]
pub(super) struct Best(pub(super) Vec<Step>);

impl Best {
    /// What a step must exceed to be kept.
    pub(super) fn floor_m(&self) -> f64 {
        self.0.get(KEPT - 1).map_or(0.0, |step| step.score_m)
    }

    pub(super) fn keep(&mut self, step: Step) {
        let begins_alike = |other: &Step| other.changes[0].0 == step.changes[0].0;
        if let Some(at) = self.0.iter().position(begins_alike) {
            if self.0[at].score_m >= step.score_m {
                return;
            }
            self.0.remove(at);
        }
        let at = self.0.partition_point(|other| other.score_m >= step.score_m);
        self.0.insert(at, step);
        self.0.truncate(KEPT);
    }
}

/// Looks for few moves after which the given orders are walked in less, moves included.
///
/// The objective is exact: metres walked by all orders ([`super::walk`]), as far as they recur within the payback days, plus the
/// cost of all moves. Steps are the exchange of two items, the relocation of an item to an empty slot, two items that are picked
/// together brought into one aisle in exchange for what lies there, and sending a chain or cycle of moves home. The best step by
/// gain per move is made until none gains. All exchanges and relocations are looked at; their gains come from a table of
/// relocations, whose sum for two items is never more than the exact change, so that only few are walked.
pub(super) struct Search<'a> {
    pub(super) layout: &'a Layout,
    settings: &'a PlanSettings,
    kinds: &'a Kinds<'a>,
    pub(super) routes: Routes<'a>,
    pub(super) table: Relocations,
    pub(super) course: Course<'a>,
    /// Slots of each kind.
    slots: Vec<Vec<u32>>,
    /// The same aisle by aisle, each from the front.
    pub(super) in_aisle: Vec<Vec<Vec<u32>>>,
    /// Items that may move and have orders.
    pub(super) movers: Vec<usize>,
    /// Times that the given orders recur within the payback days.
    pub(super) recur: f64,
    looks: u64,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        layout: &'a Layout,
        kinds: &'a Kinds,
        current: &'a Slotting,
        (orders, days): (Vec<Order>, f64),
        settings: &'a PlanSettings,
    ) -> Self {
        let routes = Routes::new(layout, current, orders);
        let ordered = |item: &usize| !routes.orders_of[*item].is_empty();
        let may_move = |item: &usize| kinds.of_item(current, *item).is_some();
        let mut movers: Vec<usize> = (0..current.len()).filter(|item| may_move(item) && ordered(item)).collect();
        movers.sort_by_key(|item| std::cmp::Reverse(routes.orders_of[*item].len()));
        let (table, rows) = Relocations::new(layout, &routes, &movers, CELLS_MAX);
        movers.truncate(rows);
        let mut slots = Vec::new();
        for slot in 0..layout.slots.len() as u32 {
            if let Some(kind) = kinds.of_slot(slot).map(|kind| kind as usize) {
                slots.resize(slots.len().max(kind + 1), Vec::new());
                slots[kind].push(slot);
            }
        }
        let in_aisle = slots.iter().map(|slots| by_aisle(layout, slots)).collect();
        let course = Course::new(layout, settings.handling_m, kinds, current);
        let recur = settings.payback_days / days;
        Self { layout, settings, kinds, routes, table, course, slots, in_aisle, movers, recur, looks: 0 }
    }

    pub(super) fn run(mut self) -> Slotting {
        let pairs = Pairs::of(&self);
        while self.has_time() {
            let singles = self.singles();
            if self.make(singles) || !self.has_time() {
                continue;
            }
            let together = pairs.steps(&mut self);
            if !self.make(together) && !self.send_home() {
                break;
            }
        }
        self.course.target
    }

    pub(super) fn has_time(&self) -> bool {
        self.looks + self.routes.work + self.table.work < self.settings.work_max
    }

    /// Makes the kept steps, the best first, down to the worst that was kept: whatever was not kept is no better. Whether any was made.
    fn make(&mut self, best: Best) -> bool {
        let floor_m = if best.0.len() < KEPT { 0.0 } else { best.floor_m() };
        let mut left = best.0;
        let mut is_made = false;
        while !left.is_empty() && self.has_time() {
            // Earlier steps have changed what it is worth, mostly to less.
            let Some(step) = self.step(left.remove(0).changes) else { continue };
            if is_made && step.score_m < floor_m {
                continue;
            }
            if left.first().is_some_and(|next| next.score_m > step.score_m) {
                let at = left.partition_point(|other| other.score_m >= step.score_m);
                left.insert(at, step);
                continue;
            }
            self.change(&step.changes);
            is_made = true;
            let is_other = |(item, _): &Change| step.changes.iter().all(|(moved, _)| moved != item);
            left.retain(|left| left.changes.iter().all(is_other));
        }
        is_made
    }

    fn change(&mut self, changes: &[Change]) {
        let touched = self.routes.touched(changes);
        let mut before = Vec::with_capacity(touched.len());
        for order in &touched {
            let mut others = Vec::new();
            self.table.others(self.layout, &self.routes, *order as usize, &mut others);
            before.push(others);
        }
        self.routes.change(changes);
        self.course.change(changes);
        let mut after = Vec::new();
        for (order, before) in touched.iter().zip(&before) {
            self.table.renew(self.layout, &self.routes, *order as usize, before, &mut after);
        }
    }

    /// Walks the changes; nothing if they do not gain, cannot be made or take too many moves.
    fn step(&mut self, changes: Vec<Change>) -> Option<Step> {
        let is_free = |(_, to): &Change| {
            let holder = to.and_then(|slot| self.course.seat[slot as usize]);
            holder.is_none_or(|holder| changes.iter().any(|(item, _)| *item == holder as usize))
        };
        if !changes.iter().all(is_free) {
            return None;
        }
        self.walked(changes)
    }

    /// As [`Self::step`], for changes after which each slot holds one item at most.
    pub(super) fn walked(&mut self, changes: Vec<Change>) -> Option<Step> {
        let price = self.price(&changes)?;
        let saved_m = -self.routes.change_m(&changes) * self.recur;
        self.judged(changes, saved_m, price)
    }

    /// All moves with the changes; nothing if they cannot be made or are too many. To be asked first: it is the cheaper question.
    fn price(&mut self, changes: &[Change]) -> Option<Price> {
        self.looks += 8 + self.course.moved().len() as u64;
        self.course.price_with(changes).filter(|price| price.moves <= self.settings.moves_max)
    }

    /// `saved_m` is what is walked less within the payback days.
    fn judged(&self, changes: Vec<Change>, saved_m: f64, price: Price) -> Option<Step> {
        let before = self.course.price;
        let gain_m = saved_m - (price.cost_m - before.cost_m);
        let score_m = gain_m / price.moves.saturating_sub(before.moves).max(1) as f64;
        (gain_m > HAIR_M).then_some(Step { changes, score_m })
    }

    pub(super) fn handling_m(&self) -> f64 {
        self.settings.handling_m
    }

    /// Whether so many moves more are allowed.
    pub(super) fn has_room(&self, moves: usize) -> bool {
        self.course.price.moves + moves <= self.settings.moves_max
    }

    pub(super) fn kind(&self, item: usize) -> Option<usize> {
        self.kinds.of_item(&self.course.target, item).map(|kind| kind as usize)
    }

    /// For each item the best exchange or relocation, of the items with the best.
    fn singles(&mut self) -> Best {
        let mut best = Best::default();
        let mut movers: Vec<(f64, usize)> = Vec::with_capacity(self.movers.len());
        let without_orders = self.course.moved().iter().map(|item| *item as usize).filter(|item| !self.table.has_row(*item));
        for item in self.movers.iter().copied().chain(without_orders) {
            movers.push((self.table.least_m(item) - self.table.at_m(item, self.course.target[item]), item));
        }
        movers.sort_by(|one, other| one.0.total_cmp(&other.0));
        self.looks += movers.len() as u64 * 64;
        let mut back_m = vec![0.0; self.course.target.len()];
        let mut most_back_m = self.course.detours_m();
        for item in self.course.moved().iter().map(|item| *item as usize) {
            back_m[item] = self.course.item_m(item, self.course.target[item]) + self.course.detour_m(item);
            most_back_m = back_m[item].max(most_back_m);
        }
        let unsettled: Vec<Vec<u32>> = self.slots.iter().map(|slots| self.unsettled(slots)).collect();
        for (least_m, item) in movers {
            let Some(kind) = self.kind(item).filter(|_| self.has_time()) else { continue };
            let most_m = -2.0 * least_m * self.recur;
            let is_fresh = !self.course.is_moved(item) && self.course.target[item].is_some();
            if is_fresh && self.score_of_fresh_m(most_m) <= best.floor_m() {
                if most_m + most_back_m > best.floor_m() {
                    self.singles_of(item, &unsettled[kind], &back_m, &mut best);
                }
            } else if most_m + back_m[item] + most_back_m > best.floor_m() {
                let slots = std::mem::take(&mut self.slots[kind]);
                self.singles_of(item, &slots, &back_m, &mut best);
                self.slots[kind] = slots;
            }
        }
        best
    }

    /// Two items that both lie at home take three moves to change places, with three times the handling at least.
    fn score_of_fresh_m(&self, saved_m: f64) -> f64 {
        if self.has_room(3) { saved_m / 3.0 - self.settings.handling_m } else { f64::NEG_INFINITY }
    }

    /// Slots that are empty or hold what was moved.
    fn unsettled(&self, slots: &[u32]) -> Vec<u32> {
        let seat = |slot: u32| self.course.seat[slot as usize].map(|item| item as usize);
        slots.iter().copied().filter(|slot| seat(*slot).is_none_or(|item| self.course.is_moved(item))).collect()
    }

    fn singles_of(&mut self, item: usize, slots: &[u32], back_m: &[f64], best: &mut Best) {
        let from = self.course.target[item];
        let stays_m = self.table.at_m(item, from);
        let is_fresh = !self.course.is_moved(item) && from.is_some();
        self.looks += slots.len() as u64;
        let (mut own, mut floor_m) = (None, best.floor_m());
        for to in slots.iter().copied().filter(|to| from != Some(*to)) {
            let adds_m = self.table.at_m(item, Some(to)) - stays_m;
            // An exchange is seen from the item that gains more by it, if the other has orders.
            let most_m = adds_m.min(2.0 * adds_m) * -self.recur + back_m[item];
            let step = match self.course.seat[to as usize].map(|partner| partner as usize) {
                None if most_m + self.course.detours_m() > floor_m => self.relocation(item, to, adds_m, floor_m),
                Some(partner) if is_fresh && !self.course.is_moved(partner) => {
                    if self.score_of_fresh_m(most_m) <= floor_m {
                        continue;
                    }
                    self.exchange((item, from, adds_m), (partner, to), floor_m)
                }
                Some(partner) if most_m + back_m[partner] > floor_m => {
                    self.exchange((item, from, adds_m), (partner, to), floor_m)
                }
                _ => None,
            };
            if let Some(step) = step.filter(|step| step.score_m > floor_m) {
                floor_m = step.score_m;
                own = Some(step);
            }
        }
        own.into_iter().for_each(|step| best.keep(step));
    }

    fn relocation(&mut self, item: usize, to: u32, adds_m: f64, floor_m: f64) -> Option<Step> {
        let changes = [(item, Some(to))];
        let saved_m = -adds_m * self.recur;
        self.looks += 8;
        if saved_m - self.least_cost_m(&changes) <= floor_m.max(HAIR_M) {
            return None;
        }
        let price = self.price(&changes)?;
        self.judged(changes.to_vec(), saved_m, price)
    }

    fn exchange(
        &mut self,
        (item, from, adds_m): (usize, Option<u32>, f64),
        (partner, to): (usize, u32),
        floor_m: f64,
    ) -> Option<Step> {
        self.looks += 8;
        let has_row = self.table.has_row(partner);
        if !has_row && !self.routes.orders_of[partner].is_empty() {
            return None;
        }
        let partner_adds_m = self.table.at_m(partner, from) - self.table.at_m(partner, Some(to));
        if has_row && (partner_adds_m < adds_m || partner_adds_m == adds_m && partner < item) {
            return None;
        }
        let changes = [(item, Some(to)), (partner, from)];
        let rough_m = -(adds_m + partner_adds_m) * self.recur - self.least_cost_m(&changes);
        let is_fresh = !self.course.is_moved(item) && !self.course.is_moved(partner) && from.is_some();
        let rough_score_m = if is_fresh { rough_m / 3.0 } else { rough_m };
        if rough_m <= HAIR_M || rough_score_m <= floor_m {
            return None;
        }
        let price = self.price(&changes)?;
        let both_m = if has_row { self.shared_m(&changes) } else { 0.0 };
        self.judged(changes.to_vec(), -(adds_m + partner_adds_m + both_m) * self.recur, price)
    }

    /// Never more than the changes of one item, or of two that exchange their places, add to the cost of all moves.
    fn least_cost_m(&self, changes: &[Change]) -> f64 {
        let mut cost_m = 0.0;
        for (item, to) in changes {
            cost_m += self.course.item_m(*item, *to) - self.course.item_m(*item, self.course.target[*item]);
        }
        match changes {
            [(one, Some(_)), (other, Some(_))] if !self.course.is_moved(*one) && !self.course.is_moved(*other) => {
                cost_m + self.settings.handling_m
            }
            [(one, _), (other, _)] => cost_m - self.course.detour_m(*one) - self.course.detour_m(*other),
            _ => cost_m - self.course.detours_m(),
        }
    }

    /// An exchange changes nothing for orders that hold both: takes back what the table counts for these.
    fn shared_m(&mut self, changes: &[Change; 2]) -> f64 {
        let [(one, to), (other, from)] = *changes;
        let mut sum_m = 0.0;
        let mut work = 0;
        for order in self.routes.shared(one, other) {
            work += 2 * self.routes.orders[order].items.len() as u64;
            let walked_m = self.routes.order_m[order];
            let without_one = self.routes.without(order, [one, one]).with(self.layout, to);
            let without_other = self.routes.without(order, [other, other]).with(self.layout, from);
            sum_m -= without_one.length_m(self.layout) + without_other.length_m(self.layout) - 2.0 * walked_m;
        }
        self.routes.work += work;
        sum_m
    }

    /// Takes back a chain or cycle that is not worth its moves any more.
    fn send_home(&mut self) -> bool {
        let mut left: Vec<usize> = self.course.moved().iter().map(|item| *item as usize).collect();
        let mut best = Best::default();
        while let Some(item) = left.pop() {
            let group = self.course.group(item);
            left.retain(|item| !group.contains(item));
            let changes: Vec<Change> = group.iter().map(|item| (*item, self.course.home(*item))).collect();
            self.step(changes).into_iter().for_each(|step| best.keep(step));
        }
        self.make(best)
    }
}

fn by_aisle(layout: &Layout, slots: &[u32]) -> Vec<Vec<u32>> {
    let mut aisles = vec![Vec::new(); layout.aisles_m.len()];
    slots.iter().for_each(|slot| aisles[usize::from(layout.slots[*slot as usize].aisle)].push(*slot));
    let depth_m = |slot: u32| layout.slots[slot as usize].depth_m;
    aisles.iter_mut().for_each(|slots: &mut Vec<u32>| slots.sort_by(|one, other| depth_m(*one).total_cmp(&depth_m(*other))));
    aisles
}
