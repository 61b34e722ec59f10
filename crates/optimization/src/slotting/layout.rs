use serde::{Deserialize, Serialize};

use super::route::Route;
use super::{InvalidInput, check};

/// Aisles of a [`Layout`] at most: the aisles of a route are a set of bits, one of which stands for the far reserve.
pub const MAX_AISLES: usize = 127;
const MAX_SLOTS: usize = 1_000_000;

/// Parallel aisles between a front and a rear cross aisle, one depot on the front cross aisle.
///
/// All lengths are metres. x runs along the front cross aisle, depth into an aisle. Height is not walked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// x of the centre line of each aisle, ascending.
    pub aisles_m: Vec<f64>,
    /// From the centre of the front cross aisle to that of the rear one.
    pub aisle_length_m: f64,
    /// x of the depot.
    pub depot_m: f64,
    /// Round trip to the far reserve, walked once by every order that needs an item without a slot.
    pub reserve_m: f64,
    pub slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Index into [`Layout::aisles_m`].
    pub aisle: u16,
    /// From the centre of the front cross aisle to where the picker stands, 0 to the aisle's length.
    pub depth_m: f64,
    /// From the most convenient level (0) upwards. Among slots with the same way the better level is filled first.
    pub level: u16,
}

/// A layout of equal aisles with racks on both sides: the measures of a hall for order picking from shelves of 1 m.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grid {
    pub aisles: u16,
    pub sides: u16,
    pub bays: u16,
    pub levels: u16,
    /// Between the centre lines of two aisles.
    pub aisle_pitch_m: f64,
    pub bay_width_m: f64,
    /// From the centre of a cross aisle to the first bay.
    pub clearance_m: f64,
    /// The depot's x; the first aisle lies at 0.
    pub depot_m: f64,
    pub reserve_m: f64,
}

impl Default for Grid {
    fn default() -> Self {
        Self {
            aisles: 12,
            sides: 2,
            bays: 40,
            levels: 4,
            aisle_pitch_m: 4.0,
            bay_width_m: 1.0,
            clearance_m: 1.0,
            depot_m: 0.0,
            reserve_m: 200.0,
        }
    }
}

impl Grid {
    /// Slots are numbered aisle by aisle, in it bay by bay from the front, in it side by side and level by level.
    pub fn layout(&self) -> Result<Layout, InvalidInput> {
        let slots = usize::from(self.aisles) * usize::from(self.sides) * usize::from(self.bays) * usize::from(self.levels);
        check("aisles", (1..=MAX_AISLES).contains(&usize::from(self.aisles)), "must be from 1 to 127")?;
        check("bays", (1..=MAX_SLOTS).contains(&slots), "with aisles, sides and levels must give from 1 to 1,000,000 slots")?;
        check("aisle_pitch_m", self.aisle_pitch_m.is_finite() && self.aisle_pitch_m > 0.0, "must be above 0 m")?;
        let slot = |n: usize| {
            let level = n % usize::from(self.levels);
            let column = n / usize::from(self.levels) / usize::from(self.sides);
            Slot {
                aisle: (column / usize::from(self.bays)) as u16,
                depth_m: self.clearance_m + ((column % usize::from(self.bays)) as f64 + 0.5) * self.bay_width_m,
                level: level as u16,
            }
        };
        let layout = Layout {
            aisles_m: (0..self.aisles).map(|aisle| f64::from(aisle) * self.aisle_pitch_m).collect(),
            aisle_length_m: f64::from(self.bays) * self.bay_width_m + 2.0 * self.clearance_m,
            depot_m: self.depot_m,
            reserve_m: self.reserve_m,
            slots: (0..slots).map(slot).collect(),
        };
        layout.validate()?;
        Ok(layout)
    }
}

impl Layout {
    pub fn validate(&self) -> Result<(), InvalidInput> {
        let length = |metres: f64| (0.0..=100_000.0).contains(&metres);
        check("aisles_m", (1..=MAX_AISLES).contains(&self.aisles_m.len()), "must hold from 1 to 127 aisles")?;
        check("aisles_m", self.aisles_m.iter().all(|x| x.abs() <= 100_000.0), "must be within 100,000 m")?;
        check("aisles_m", self.aisles_m.is_sorted_by(|left, right| left < right), "must be ascending, no two at the same place")?;
        check("aisle_length_m", length(self.aisle_length_m), "must be from 0 to 100,000 m")?;
        check("depot_m", self.depot_m.abs() <= 100_000.0, "must be within 100,000 m")?;
        check("reserve_m", length(self.reserve_m), "must be from 0 to 100,000 m")?;
        check("slots", (1..=MAX_SLOTS).contains(&self.slots.len()), "must be from 1 to 1,000,000")?;
        for (n, slot) in self.slots.iter().enumerate() {
            let inside = usize::from(slot.aisle) < self.aisles_m.len() && (0.0..=self.aisle_length_m).contains(&slot.depth_m);
            check(&format!("slots[{n}]"), inside, "must lie in an aisle of the layout, no deeper than the aisle is long")?;
        }
        Ok(())
    }

    /// Length of the S-shape route of one order, in metres. `slots` may repeat; none means no walk.
    ///
    /// From the depot along the front to the leftmost aisle with a pick, then aisle by aisle to the right, each walked from end
    /// to end, and back along the front. With an odd number of aisles the last one is entered from the front as far as its
    /// deepest pick and left the way it was entered (Hall 1993; de Koster, Le-Duc, Roodbergen 2007). Both sides of an aisle are
    /// picked in one pass.
    pub fn route_m(&self, slots: impl IntoIterator<Item = u32>) -> f64 {
        Route::of(self, slots.into_iter().map(Some)).length_m(self)
    }

    /// The part of a route that runs along the front and the rear: to the outermost aisles and back.
    pub(super) fn across_m(&self, aisles: u128) -> f64 {
        if aisles == 0 {
            return 0.0;
        }
        let left_m = self.aisles_m[aisles.trailing_zeros() as usize];
        let right_m = self.aisles_m[127 - aisles.leading_zeros() as usize];
        2.0 * ((right_m - self.depot_m).max(0.0) + (self.depot_m - left_m).max(0.0))
    }

    /// Way between two slots, in metres, around the nearer end of the aisles.
    pub fn between_m(&self, from: u32, to: u32) -> f64 {
        let (from, to) = (self.slots[from as usize], self.slots[to as usize]);
        if from.aisle == to.aisle {
            return (from.depth_m - to.depth_m).abs();
        }
        let front_m = from.depth_m + to.depth_m;
        let across_m = (self.aisles_m[usize::from(from.aisle)] - self.aisles_m[usize::from(to.aisle)]).abs();
        across_m + front_m.min(2.0 * self.aisle_length_m - front_m)
    }

    /// Slots as they should be filled: the aisle nearest to the depot first, each from the front, the best level first.
    pub(super) fn filling_order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.slots.len() as u32).collect();
        let key = |slot: &Slot| ((self.aisles_m[usize::from(slot.aisle)] - self.depot_m).abs(), slot.aisle, slot.depth_m);
        order.sort_by(|one, other| {
            let (one_slot, other_slot) = (&self.slots[*one as usize], &self.slots[*other as usize]);
            let ((near, aisle, depth), (other_near, other_aisle, other_depth)) = (key(one_slot), key(other_slot));
            let by_way = near.total_cmp(&other_near).then(aisle.cmp(&other_aisle)).then(depth.total_cmp(&other_depth));
            by_way.then(one_slot.level.cmp(&other_slot.level)).then(one.cmp(other))
        });
        order
    }
}

/// Straight distance of two places (x, y, z), in the unit of the places.
pub fn distance_mm(one: [i64; 3], other: [i64; 3]) -> f64 {
    one.iter().zip(other).map(|(one, other)| (*one as f64 - other as f64).powi(2)).sum::<f64>().sqrt()
}
