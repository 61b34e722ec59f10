use super::plan_search::{Best, HAIR_M, Search};
use super::route::Route;
use super::routes::Change;
use super::{AffinitySettings, affinity};

/// Partners of an item that are tried as its companions, those with the most common orders.
const PARTNERS: usize = 8;
/// Slots of an aisle that are tried for each of the two; in a hall of few slots all.
const PLACES: usize = 4;
const FEW_SLOTS: usize = 64;

/// Two items that are picked together and their common orders.
pub(super) struct Pairs(Vec<([usize; 2], Vec<usize>)>);

/// The common orders of two items without them, and the two as they lie.
struct Together<'r> {
    items: [usize; 2],
    rests: &'r [Route],
    from: [Option<u32>; 2],
}

impl Pairs {
    pub(super) fn of(search: &Search) -> Self {
        let orders = &search.routes.orders;
        let today = orders.iter().map(|order| order.day).max().unwrap_or(0);
        let settings = AffinitySettings { window_days: u16::MAX, co_picks_min: 1, partners_max: PARTNERS };
        let found =
            affinity(orders, search.routes.orders_of.len(), today, &settings).map(|found| found.pairs).unwrap_or_default();
        let mut pairs: Vec<[usize; 2]> =
            found.iter().map(|pair| [pair.item.min(pair.other) as usize, pair.item.max(pair.other) as usize]).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs.retain(|pair| pair.iter().all(|item| search.table.has_row(*item)));
        let shared = |pair: [usize; 2]| (pair, search.routes.shared(pair[0], pair[1]).collect());
        Self(pairs.into_iter().map(shared).collect())
    }

    /// The best moves of two items into one aisle, each in exchange for what lies there.
    pub(super) fn steps(&self, search: &mut Search) -> Best {
        let mut best = Best::default();
        let mut rests = Vec::new();
        for (items, shared) in &self.0 {
            if !search.has_time() {
                break;
            }
            let unmoved = items.iter().filter(|item| !search.course.is_moved(**item)).count();
            if !search.has_room(unmoved) {
                continue;
            }
            rests.clear();
            let mut saved_m = 0.0;
            for order in shared {
                search.routes.work += search.routes.orders[*order].items.len() as u64;
                let rest = search.routes.without(*order, *items);
                saved_m += search.routes.order_m[*order] - rest.length_m(search.layout);
                rests.push(rest);
            }
            // Neither gains alone any more: the two gain by their common orders, at most what these save without the two.
            if search.layout.slots.len() > FEW_SLOTS && saved_m * search.recur <= unmoved as f64 * search.handling_m() {
                continue;
            }
            let from = items.map(|item| search.course.target[item]);
            Together { items: *items, rests: &rests, from }.steps(search, &mut best);
        }
        best
    }
}

impl Together<'_> {
    fn steps(&self, search: &mut Search, best: &mut Best) {
        let [Some(kind), Some(other_kind)] = self.items.map(|item| search.kind(item)) else { return };
        for aisle in 0..search.layout.aisles_m.len() as u16 {
            let of = |kind: usize| search.in_aisle[kind][usize::from(aisle)].clone();
            let seats = [of(kind), of(other_kind)];
            if seats.iter().any(|seats| seats.is_empty()) || !self.is_worth_a_look(search, &seats, best) {
                continue;
            }
            let fronts = [seats[0][0], seats[1][0]];
            let ones = self.places(search, &seats[0], 0, fronts[1]);
            let others = self.places(search, &seats[1], 1, fronts[0]);
            for to in ones.iter().flat_map(|one| others.iter().map(move |other| [*one, *other])) {
                self.try_out(search, to, best);
            }
        }
    }

    /// Both in the foremost slots, in metres added to all orders: nowhere in the aisle do the two add less.
    fn is_worth_a_look(&self, search: &mut Search, seats: &[Vec<u32>; 2], best: &Best) -> bool {
        if search.layout.slots.len() <= FEW_SLOTS {
            return true;
        }
        let adds_m = self.adds_m(search, 0, Some(seats[0][0]), Some(seats[1][0])) + self.alone_m(search, 1, Some(seats[1][0]));
        let cost_m: f64 = self
            .items
            .iter()
            .zip(self.from)
            .map(|(item, from)| {
                if search.course.is_moved(*item) {
                    -search.course.item_m(*item, from) - search.course.detour_m(*item)
                } else {
                    search.course.leg_m(from, from)
                }
            })
            .sum();
        let apart_m =
            self.common_m(search, Some(seats[0][0]), self.from[1]) + self.common_m(search, self.from[0], Some(seats[1][0]));
        let together_m = self.common_m(search, Some(seats[0][0]), Some(seats[1][0]));
        let most_m = (-adds_m * search.recur - cost_m).min((apart_m - together_m) * search.recur);
        most_m > HAIR_M && most_m / 4.0 > best.floor_m()
    }

    /// What one of the two adds to the orders without the other when it goes to a place.
    fn alone_m(&self, search: &Search, which: usize, to: Option<u32>) -> f64 {
        let (layout, item) = (search.layout, self.items[which]);
        let other = self.from[1 - which];
        let shared = |rest: &Route| {
            rest.with(layout, other).with(layout, to).length_m(layout)
                - rest.with(layout, other).with(layout, self.from[which]).length_m(layout)
        };
        search.table.at_m(item, to) - search.table.at_m(item, self.from[which]) - self.rests.iter().map(shared).sum::<f64>()
    }

    /// What going to two places adds to the common orders.
    fn common_m(&self, search: &mut Search, to: Option<u32>, other_to: Option<u32>) -> f64 {
        search.routes.work += 8 * self.rests.len() as u64;
        let layout = search.layout;
        let length_m = |rest: &Route, one, other| rest.with(layout, one).with(layout, other).length_m(layout);
        self.rests.iter().map(|rest| length_m(rest, to, other_to) - length_m(rest, self.from[0], self.from[1])).sum()
    }

    /// What one of the two adds by going to a place, in the orders without the other, and both together in the common orders.
    fn adds_m(&self, search: &mut Search, which: usize, to: Option<u32>, other_to: Option<u32>) -> f64 {
        search.routes.work += 4 * self.rests.len() as u64;
        self.alone_m(search, which, to) + self.common_m(search, to, other_to)
    }

    /// The slots of an aisle that promise most for one of the two while the other goes to the front of it.
    fn places(&self, search: &mut Search, seats: &[u32], which: usize, front: u32) -> Vec<u32> {
        let (item, from) = (self.items[which], self.from[which]);
        let mut places: Vec<(f64, u32)> = Vec::with_capacity(seats.len());
        let depth_m = |slot: u32| search.layout.slots[slot as usize].depth_m;
        let mut known = (f64::NAN, 0.0);
        for slot in seats.iter().copied().filter(|slot| !self.from.contains(&Some(*slot))) {
            if known.0 != depth_m(slot) {
                known = (depth_m(slot), self.adds_m(search, which, Some(slot), Some(front)));
            }
            let mut cost_m = search.course.leg_m(from, Some(slot));
            let mut adds_m = known.1;
            if let Some(partner) = search.course.seat[slot as usize].map(|partner| partner as usize) {
                adds_m += search.table.at_m(partner, from) - search.table.at_m(partner, Some(slot));
                cost_m += search.course.leg_m(Some(slot), from);
            }
            places.push((adds_m * search.recur + cost_m - search.course.item_m(item, from), slot));
        }
        places.sort_by(|one, other| one.0.total_cmp(&other.0));
        if search.layout.slots.len() > FEW_SLOTS {
            places.truncate(PLACES);
        }
        places.into_iter().map(|(_, slot)| slot).collect()
    }

    fn try_out(&self, search: &mut Search, to: [u32; 2], best: &mut Best) {
        if to[0] == to[1] {
            return;
        }
        let mut changes: Vec<Change> = Vec::with_capacity(4);
        for (n, to) in to.into_iter().enumerate() {
            changes.push((self.items[n], Some(to)));
            if let Some(partner) = search.course.seat[to as usize].map(|partner| partner as usize) {
                if !search.table.has_row(partner) && !search.routes.orders_of[partner].is_empty() {
                    return;
                }
                changes.push((partner, self.from[n]));
            }
        }
        let step = search.walked(changes);
        step.filter(|step| step.score_m > best.floor_m()).into_iter().for_each(|step| best.keep(step));
    }
}
