use std::collections::HashMap;

use super::routes::Change;
use super::{Kinds, Layout, Slotting};

/// The moves that lead from one slotting to another, counted and priced as [`super::order_moves`] orders them, without ordering them.
///
/// Each item that does not lie where it shall costs one move. Items that change places in a cycle need an empty slot to pass: the
/// first of them goes there and on, which is one move more.
pub(super) struct Course<'a> {
    layout: &'a Layout,
    handling_m: f64,
    kinds: &'a Kinds<'a>,
    home: &'a Slotting,
    /// Who lies in each slot at home.
    resident: Vec<Option<u32>>,
    pub(super) target: Slotting,
    /// Who shall lie in each slot.
    pub(super) seat: Vec<Option<u32>>,
    moved: Vec<u32>,
    pub(super) price: Price,
    /// Of each item what the cycle that it is in costs above its legs.
    detour_of_m: Vec<f64>,
    detours_m: f64,
    nearest: HashMap<u32, Option<u32>>,
    empty: Vec<u32>,
    seen: Vec<u32>,
    looks: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Price {
    pub(super) moves: usize,
    pub(super) cost_m: f64,
}

/// Slots that a change fills and empties, against [`Course::seat`].
struct Touched {
    filled: Vec<u32>,
    emptied: Vec<u32>,
}

impl<'a> Course<'a> {
    pub(super) fn new(layout: &'a Layout, handling_m: f64, kinds: &'a Kinds, home: &'a Slotting) -> Self {
        let mut resident = vec![None; layout.slots.len()];
        for (item, slot) in home.iter().enumerate() {
            if let Some(slot) = slot {
                resident[*slot as usize] = Some(item as u32);
            }
        }
        let empty = (0..layout.slots.len() as u32).filter(|slot| resident[*slot as usize].is_none()).collect();
        Self {
            layout,
            handling_m,
            kinds,
            home,
            seat: resident.clone(),
            resident,
            target: home.clone(),
            moved: Vec::new(),
            price: Price::default(),
            detour_of_m: vec![0.0; home.len()],
            detours_m: 0.0,
            nearest: HashMap::new(),
            empty,
            seen: vec![0; home.len()],
            looks: 0,
        }
    }

    /// Taking up, carrying and putting down once.
    pub(super) fn leg_m(&self, from: Option<u32>, to: Option<u32>) -> f64 {
        leg_m(self.layout, self.handling_m, from, to)
    }

    /// What bringing an item there costs, without what a cycle adds.
    pub(super) fn item_m(&self, item: usize, to: Option<u32>) -> f64 {
        if self.home[item] == to { 0.0 } else { self.leg_m(self.home[item], to) }
    }

    pub(super) fn is_moved(&self, item: usize) -> bool {
        self.home[item] != self.target[item]
    }

    pub(super) fn home(&self, item: usize) -> Option<u32> {
        self.home[item]
    }

    pub(super) fn detour_m(&self, item: usize) -> f64 {
        self.detour_of_m[item]
    }

    /// Of all cycles.
    pub(super) fn detours_m(&self) -> f64 {
        self.detours_m
    }

    /// All moves, were the items brought there too; nothing when they cannot be made.
    pub(super) fn price_with(&mut self, changes: &[Change]) -> Option<Price> {
        let touched = self.touched(changes);
        let before: Vec<Option<u32>> = changes.iter().map(|(item, _)| self.target[*item]).collect();
        changes.iter().for_each(|(item, to)| self.target[*item] = *to);
        let moved = self.moved.len();
        self.moved.extend(changes.iter().map(|(item, _)| *item as u32));
        let price = self.priced(&touched, &mut |_, _| {});
        self.moved.truncate(moved);
        changes.iter().zip(before).for_each(|((item, _), place)| self.target[*item] = place);
        price
    }

    fn touched(&self, changes: &[Change]) -> Touched {
        let goes_to = |slot: u32| changes.iter().any(|(_, to)| *to == Some(slot));
        let filled = changes.iter().filter_map(|(_, to)| *to).filter(|slot| self.seat[*slot as usize].is_none());
        let emptied = changes.iter().filter_map(|(item, _)| self.target[*item]).filter(|slot| !goes_to(*slot));
        Touched { filled: filled.collect(), emptied: emptied.collect() }
    }

    /// Makes the changes. They can be made: [`Self::price_with`] said so.
    pub(super) fn change(&mut self, changes: &[Change]) {
        for (item, _) in changes {
            if let Some(slot) = self.target[*item] {
                self.seat[slot as usize] = None;
            }
        }
        for (item, to) in changes {
            self.target[*item] = *to;
            if let Some(slot) = to {
                self.seat[*slot as usize] = Some(*item as u32);
            }
        }
        self.moved.iter().for_each(|item| self.detour_of_m[*item as usize] = 0.0);
        self.moved.extend(changes.iter().map(|(item, _)| *item as u32));
        self.moved.sort_unstable();
        self.moved.dedup();
        let (home, target) = (self.home, &self.target);
        self.moved.retain(|item| home[*item as usize] != target[*item as usize]);
        self.empty = (0..self.seat.len() as u32).filter(|slot| self.seat[*slot as usize].is_none()).collect();
        self.nearest.clear();
        let mut detours = std::mem::take(&mut self.detour_of_m);
        let unchanged = Touched { filled: Vec::new(), emptied: Vec::new() };
        let mut tell = |item: u32, detour_m: f64| {
            detours[item as usize] = detour_m;
        };
        self.price = self.priced(&unchanged, &mut tell).expect("what was priced can be carried out");
        self.detour_of_m = detours;
        let legs_m = self.moved.iter().map(|item| self.item_m(*item as usize, self.target[*item as usize]));
        self.detours_m = (self.price.cost_m - legs_m.sum::<f64>()).max(0.0);
    }

    fn priced(&mut self, touched: &Touched, tell: &mut dyn FnMut(u32, f64)) -> Option<Price> {
        self.looks += 1;
        let mut price = Price::default();
        for n in 0..self.moved.len() {
            let start = self.moved[n];
            let (mut at, mut first, mut items) = (start, start, 0);
            // Follows the chain; an item that was seen is the start of a cycle, or a chain that was counted.
            let is_cycle = loop {
                if self.home[at as usize] == self.target[at as usize] || self.seen[at as usize] == self.looks {
                    break items > 0 && at == start;
                }
                self.seen[at as usize] = self.looks;
                price.moves += 1;
                price.cost_m += self.leg_m(self.home[at as usize], self.target[at as usize]);
                items += 1;
                first = first.min(at);
                match self.target[at as usize].and_then(|slot| self.resident[slot as usize]) {
                    Some(next) => at = next,
                    None => break false,
                }
            };
            if is_cycle {
                let (home, target) = (self.home[first as usize]?, self.target[first as usize]?);
                let spare = self.nearest_empty(home, touched)?;
                let legs_m = self.leg_m(Some(home), Some(spare)) + self.leg_m(Some(spare), Some(target));
                let detour_m = legs_m - self.leg_m(Some(home), Some(target));
                price.moves += 1;
                price.cost_m += detour_m;
                self.tell_cycle(first, detour_m, tell);
            }
        }
        Some(price)
    }

    fn tell_cycle(&self, first: u32, detour_m: f64, tell: &mut dyn FnMut(u32, f64)) {
        let mut at = first;
        loop {
            tell(at, detour_m);
            let next = self.target[at as usize].and_then(|slot| self.resident[slot as usize]);
            match next.filter(|next| *next != first) {
                Some(next) => at = next,
                None => break,
            }
        }
    }

    fn nearest_empty(&mut self, slot: u32, touched: &Touched) -> Option<u32> {
        let (layout, kinds) = (self.layout, self.kinds);
        let nearest = |empty: &mut dyn Iterator<Item = u32>| nearest(layout, kinds, slot, empty);
        let remembered = *self.nearest.entry(slot).or_insert_with(|| nearest(&mut self.empty.iter().copied()));
        let left = match remembered {
            Some(spare) if touched.filled.contains(&spare) => {
                nearest(&mut self.empty.iter().copied().filter(|spare| !touched.filled.contains(spare)))
            }
            other => other,
        };
        nearest(&mut left.into_iter().chain(touched.emptied.iter().copied()))
    }

    /// Items of the chain or cycle of an item that is moved.
    pub(super) fn group(&self, item: usize) -> Vec<usize> {
        let mut group = vec![item];
        let follow = |at: usize| self.target[at].and_then(|slot| self.resident[slot as usize]).map(|next| next as usize);
        let back = |at: usize| self.home[at].and_then(|slot| self.seat[slot as usize]).map(|next| next as usize);
        let mut at = item;
        while let Some(next) = follow(at).filter(|next| self.is_moved(*next) && *next != item) {
            group.push(next);
            at = next;
        }
        at = item;
        while let Some(next) = back(at).filter(|next| self.is_moved(*next) && !group.contains(next)) {
            group.push(next);
            at = next;
        }
        group
    }

    pub(super) fn moved(&self) -> &[u32] {
        &self.moved
    }
}

pub(super) fn leg_m(layout: &Layout, handling_m: f64, from: Option<u32>, to: Option<u32>) -> f64 {
    let way_m = match (from, to) {
        (Some(from), Some(to)) => layout.between_m(from, to),
        _ => layout.reserve_m / 2.0,
    };
    handling_m + way_m
}

/// The nearest of the empty slots in which what lies in `slot` may lie; of equally near ones the first.
pub(super) fn nearest(layout: &Layout, kinds: &Kinds, slot: u32, empty: &mut dyn Iterator<Item = u32>) -> Option<u32> {
    let fitting = empty.filter(|other| kinds.of_slot(*other) == kinds.of_slot(slot));
    let near_m = |other: u32| layout.between_m(slot, other);
    fitting.min_by(|one, other| near_m(*one).total_cmp(&near_m(*other)).then(one.cmp(other)))
}
