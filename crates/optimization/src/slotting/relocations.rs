use super::Layout;
use super::route::Route;
use super::routes::Routes;

const NO_ROW: u32 = u32::MAX;

/// For each item and each place what the exact routes of its orders would add if it lay there and all others stayed.
///
/// Places with the same aisle and depth are one column; the last column is the far reserve. An item's row holds, summed over its
/// orders, the length with it less the length without it. So the difference of two columns is what a relocation adds, and a row
/// changes only when the other items of an order change their part of the route.
pub(super) struct Relocations {
    row_of: Vec<u32>,
    column_of: Vec<u32>,
    /// Of each aisle; 0..0 for one without slots.
    columns: Vec<std::ops::Range<usize>>,
    depths_m: Vec<f64>,
    width: usize,
    adds_m: Vec<f64>,
    pub(super) work: u64,
}

impl Relocations {
    /// Columns of a layout, the far reserve included.
    fn columns(layout: &Layout) -> (Vec<u32>, Vec<std::ops::Range<usize>>, Vec<f64>) {
        let mut order: Vec<usize> = (0..layout.slots.len()).collect();
        let key = |slot: usize| (layout.slots[slot].aisle, layout.slots[slot].depth_m);
        order.sort_by(|one, other| {
            let ((aisle, depth_m), (other_aisle, other_depth_m)) = (key(*one), key(*other));
            aisle.cmp(&other_aisle).then(depth_m.total_cmp(&other_depth_m))
        });
        let mut column_of = vec![0; layout.slots.len()];
        let mut columns = vec![0..0; layout.aisles_m.len()];
        let mut depths_m: Vec<f64> = Vec::new();
        for (n, slot) in order.iter().enumerate() {
            let (aisle, depth_m) = key(*slot);
            if n == 0 || key(order[n - 1]) != (aisle, depth_m) {
                depths_m.push(depth_m);
            }
            let at = depths_m.len();
            let range = &mut columns[usize::from(aisle)];
            *range = if range.end == 0 { at - 1 } else { range.start }..at;
            column_of[*slot] = at as u32 - 1;
        }
        (column_of, columns, depths_m)
    }

    /// Rows for the first of the items, as many as `cells_max` numbers hold; the second value tells how many.
    pub(super) fn new(layout: &Layout, routes: &Routes, items: &[usize], cells_max: usize) -> (Self, usize) {
        let (column_of, columns, depths_m) = Self::columns(layout);
        let width = depths_m.len() + 1;
        let rows = items.len().min(cells_max / width);
        let mut row_of = vec![NO_ROW; routes.places.len()];
        items[..rows].iter().zip(0..).for_each(|(item, row)| row_of[*item] = row);
        let mut table = Self { row_of, column_of, columns, depths_m, width, adds_m: vec![0.0; rows * width], work: 0 };
        let mut others = Vec::new();
        for order in 0..routes.orders.len() {
            table.others(layout, routes, order, &mut others);
            for (item, other) in routes.orders[order].items.iter().zip(&others) {
                table.add(layout, *item as usize, *other, 1.0);
            }
        }
        (table, rows)
    }

    pub(super) fn has_row(&self, item: usize) -> bool {
        self.row_of[item] != NO_ROW
    }

    /// Only differences within a row mean something. An item without a row has no order.
    pub(super) fn at_m(&self, item: usize, place: Option<u32>) -> f64 {
        let row = self.row_of[item];
        if row == NO_ROW {
            return 0.0;
        }
        let column = place.map_or(self.width - 1, |slot| self.column_of[slot as usize] as usize);
        self.adds_m[row as usize * self.width + column]
    }

    /// The least of an item's row, 0 without one.
    pub(super) fn least_m(&self, item: usize) -> f64 {
        if !self.has_row(item) {
            return 0.0;
        }
        let row = self.row_of[item] as usize;
        self.adds_m[row * self.width..][..self.width].iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// For each line of an order the route of the others.
    pub(super) fn others(&self, layout: &Layout, routes: &Routes, order: usize, found: &mut Vec<Route>) {
        found.clear();
        let items = &routes.orders[order].items;
        let places = || items.iter().map(|item| routes.places[*item as usize]);
        let whole = Route::of(layout, places());
        let mut counts = [0_u16; super::MAX_AISLES];
        let mut in_reserve = 0;
        for place in places() {
            match place {
                Some(slot) => counts[usize::from(layout.slots[slot as usize].aisle)] += 1,
                None => in_reserve += 1,
            }
        }
        let next = (whole.aisles & !(1 << whole.last)).checked_ilog2().map_or(0, |aisle| aisle as u16);
        // The second deepest of the last aisle, and the deepest of the aisle before.
        let (mut second_m, mut deepest_seen, mut next_m) = (0.0_f64, false, 0.0_f64);
        for slot in places().flatten().map(|slot| layout.slots[slot as usize]) {
            if slot.aisle == whole.last {
                if slot.depth_m == whole.deepest_m && !deepest_seen {
                    deepest_seen = true;
                } else {
                    second_m = second_m.max(slot.depth_m);
                }
            } else if slot.aisle == next {
                next_m = next_m.max(slot.depth_m);
            }
        }
        found.extend(places().map(|place| {
            let Some(slot) = place.map(|slot| layout.slots[slot as usize]) else {
                return Route { reserve: in_reserve > 1, ..whole };
            };
            let is_alone = counts[usize::from(slot.aisle)] == 1;
            match (is_alone, slot.aisle == whole.last) {
                (true, true) => Route { aisles: whole.aisles & !(1 << slot.aisle), last: next, deepest_m: next_m, ..whole },
                (true, false) => Route { aisles: whole.aisles & !(1 << slot.aisle), ..whole },
                (false, true) if slot.depth_m == whole.deepest_m => Route { deepest_m: second_m, ..whole },
                _ => whole,
            }
        }));
    }

    /// Adds `sign` times what the item adds to the route of the others, in each column.
    fn add(&mut self, layout: &Layout, item: usize, others: Route, sign: f64) {
        let row = self.row_of[item];
        if row == NO_ROW {
            return;
        }
        let row = &mut self.adds_m[row as usize * self.width..][..self.width];
        let length_m = others.length_m(layout);
        if !others.reserve {
            row[self.width - 1] += sign * layout.reserve_m;
        }
        let is_odd = others.aisles.count_ones() % 2 == 1;
        for (aisle, columns) in self.columns.iter().enumerate().filter(|(_, columns)| columns.end > 0) {
            let aisle = aisle as u16;
            let is_entered = others.aisles & (1 << aisle) != 0;
            let turns_here = if is_odd { aisle == others.last && is_entered } else { others.aisles == 0 || aisle > others.last };
            let depths_m = &self.depths_m[columns.clone()];
            let row = &mut row[columns.clone()];
            if turns_here {
                // The turn is the deepest pick: all else is the same for every depth of this aisle.
                let front_m = others.at(aisle, 0.0);
                let rest_m = front_m.length_m(layout) - 2.0 * front_m.deepest_m - length_m;
                row.iter_mut()
                    .zip(depths_m)
                    .for_each(|(cell, depth_m)| *cell += sign * (rest_m + 2.0 * depth_m.max(front_m.deepest_m)));
                self.work += row.len() as u64;
            } else if !is_entered {
                let adds_m = sign * (others.at(aisle, 0.0).length_m(layout) - length_m);
                row.iter_mut().for_each(|cell| *cell += adds_m);
                self.work += row.len() as u64;
            }
        }
    }

    /// What the lines of an order add, `before` and after a change of it.
    pub(super) fn renew(&mut self, layout: &Layout, routes: &Routes, order: usize, before: &[Route], after: &mut Vec<Route>) {
        self.others(layout, routes, order, after);
        self.work += after.len() as u64;
        for (line, item) in routes.orders[order].items.iter().enumerate() {
            if before[line] != after[line] {
                self.add(layout, *item as usize, before[line], -1.0);
                self.add(layout, *item as usize, after[line], 1.0);
            }
        }
    }
}
