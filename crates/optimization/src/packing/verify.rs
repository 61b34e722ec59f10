//! Is a plan what the rules allow? Shares nothing with the search but the problem and the plan: geometry, loads and ways are
//! computed anew.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::model::{Bears, Opening, Problem};
use super::plan::Placement;

/// What floating point may lose in sums of weights and positions.
const TOLERANCE: f64 = 1e-5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Fault {
    /// No such item, or more of it than there are.
    Quantity,
    /// The rotation is not allowed, or the size is not what it makes.
    Rotation,
    /// Beyond the carrier and its overhang.
    Outside,
    Height,
    Overlap,
    Support,
    /// More on a box than it bears.
    Load,
    Fragile,
    Incompatible,
    Weight,
    Volume,
    CentreOfGravity,
    Axle,
    /// Not reachable from the opening when its turn comes, or loaded before what it stands on.
    Sequence,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    pub fault: Fault,
    /// Indices into the placements; the one at fault first. Empty when it is the whole load.
    pub boxes: Vec<usize>,
    /// In mm, mm², g, mm³, % or boxes, by the fault: how much there is, and how much may or must be.
    pub found: f64,
    pub limit: f64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of boxes {:?}: {} where the limit is {}", self.fault, self.boxes, self.found, self.limit)
    }
}

/// Every rule that the placements, taken in loading sequence, break. Empty for a valid plan.
pub fn verify(problem: &Problem, placements: &[Placement]) -> Vec<Violation> {
    let mut check = Check { problem, placements, violations: Vec::new() };
    if !check.quantities() {
        return check.violations;
    }
    check.rotations();
    check.bounds();
    check.pairs();
    check.support();
    check.loads();
    check.limits();
    check.centre();
    check.sequence();
    check.violations
}

struct Check<'a> {
    problem: &'a Problem,
    placements: &'a [Placement],
    violations: Vec<Violation>,
}

impl Check<'_> {
    fn fault(&mut self, fault: Fault, boxes: &[usize], found: f64, limit: f64) {
        self.violations.push(Violation { fault, boxes: boxes.to_vec(), found, limit });
    }

    /// False when a placement names no item, so that nothing else can be told.
    fn quantities(&mut self) -> bool {
        let items = &self.problem.items;
        let mut count = vec![0_u32; items.len()];
        let mut known = true;
        for (n, placed) in self.placements.iter().enumerate() {
            match count.get_mut(placed.item as usize) {
                Some(count) => *count += 1,
                None => {
                    known = false;
                    self.fault(Fault::Quantity, &[n], f64::from(placed.item), items.len() as f64);
                }
            }
        }
        for (item, count) in count.into_iter().enumerate() {
            if count > items[item].quantity {
                let of: Vec<usize> = (0..self.placements.len()).filter(|n| self.placements[*n].item as usize == item).collect();
                self.fault(Fault::Quantity, &of, f64::from(count), f64::from(items[item].quantity));
            }
        }
        known
    }

    fn rotations(&mut self) {
        for (n, placed) in self.placements.iter().enumerate() {
            let item = &self.problem.items[placed.item as usize];
            let [x, y, z] = placed.rotation.axes().map(usize::from);
            if !item.upright[z] {
                self.fault(Fault::Rotation, &[n], 1.0, 0.0);
            } else if placed.size_mm != [item.size_mm[x], item.size_mm[y], item.size_mm[z]] {
                self.fault(Fault::Rotation, &[n], f64::from(placed.size_mm[0]), f64::from(item.size_mm[x]));
            }
        }
    }

    fn bounds(&mut self) {
        let carrier = &self.problem.carrier;
        let over = carrier.overhang;
        let limits = [
            (-over.front_mm, carrier.length_mm + over.rear_mm),
            (-over.left_mm, carrier.width_mm + over.right_mm),
            (0, carrier.height_mm),
        ];
        let stack = [carrier.max_stack_height_mm, self.problem.rules.max_height_mm].into_iter().flatten().min();
        for (n, placed) in self.placements.iter().enumerate() {
            for (axis, (low, high)) in limits.into_iter().enumerate() {
                let (from, to) = (placed.position_mm[axis], placed.position_mm[axis] + placed.size_mm[axis]);
                if from < low {
                    self.fault(Fault::Outside, &[n], f64::from(from), f64::from(low));
                }
                if to > high {
                    self.fault(Fault::Outside, &[n], f64::from(to), f64::from(high));
                }
            }
            let top = placed.position_mm[2] + placed.size_mm[2];
            if stack.is_some_and(|stack| top > stack) {
                self.fault(Fault::Height, &[n], f64::from(top), f64::from(stack.unwrap_or(0)));
            }
        }
    }

    fn pairs(&mut self) {
        for n in 0..self.placements.len() {
            for m in 0..n {
                let (one, other) = (&self.placements[n], &self.placements[m]);
                let common = shared(one, other, 0) * shared(one, other, 1) * shared(one, other, 2);
                if common > 0 {
                    self.fault(Fault::Overlap, &[n, m], common as f64, 0.0);
                }
                let class = |placed: &Placement| self.problem.items[placed.item as usize].class;
                if let (Some(a), Some(b)) = (class(one), class(other))
                    && (self.problem.rules.incompatible.contains(&(a, b)) || self.problem.rules.incompatible.contains(&(b, a)))
                {
                    self.fault(Fault::Incompatible, &[n, m], f64::from(a), f64::from(b));
                }
            }
        }
    }

    /// mm² of `upper`'s base on the top of `lower`.
    fn contact(&self, upper: usize, lower: usize) -> i64 {
        let (upper, lower) = (&self.placements[upper], &self.placements[lower]);
        if lower.position_mm[2] + lower.size_mm[2] != upper.position_mm[2] {
            return 0;
        }
        shared(upper, lower, 0) * shared(upper, lower, 1)
    }

    fn support(&mut self) {
        let needed = i64::from(self.problem.rules.support_percent);
        for n in 0..self.placements.len() {
            let placed = &self.placements[n];
            let base = i64::from(placed.size_mm[0]) * i64::from(placed.size_mm[1]);
            let held: i64 = if placed.position_mm[2] == 0 {
                let on_floor = |axis: usize, length: i32| {
                    let (from, to) =
                        (placed.position_mm[axis].max(0), (placed.position_mm[axis] + placed.size_mm[axis]).min(length));
                    i64::from((to - from).max(0))
                };
                on_floor(0, self.problem.carrier.length_mm) * on_floor(1, self.problem.carrier.width_mm)
            } else {
                (0..self.placements.len()).filter(|m| *m != n).map(|m| self.contact(n, m)).sum()
            };
            if held * 100 < base * needed {
                self.fault(Fault::Support, &[n], held as f64 * 100.0 / base as f64, needed as f64);
            }
        }
    }

    /// Loads go down from the highest box, by shares of the contact area.
    fn loads(&mut self) {
        let mut order: Vec<usize> = (0..self.placements.len()).collect();
        order.sort_by_key(|n| std::cmp::Reverse(self.placements[*n].position_mm[2]));
        let mut load = vec![0.0_f64; self.placements.len()];
        for n in order {
            let item = &self.problem.items[self.placements[n].item as usize];
            let limit = match item.bears {
                Bears::Nothing => 0.0,
                Bears::UpTo(limit) => limit as f64,
                Bears::Unlimited => f64::INFINITY,
            };
            if load[n] > limit + TOLERANCE {
                self.fault(Fault::Load, &[n], load[n], limit);
            }
            let below: Vec<(usize, i64)> =
                (0..load.len()).map(|m| (m, self.contact(n, m))).filter(|(_, contact)| *contact > 0).collect();
            let area: i64 = below.iter().map(|(_, contact)| contact).sum();
            for (m, contact) in below {
                load[m] += (load[n] + item.weight_g as f64) * contact as f64 / area as f64;
                let lower = &self.problem.items[self.placements[m].item as usize];
                if lower.fragile && !item.fragile {
                    self.fault(Fault::Fragile, &[m, n], contact as f64, 0.0);
                }
                if lower.bears == Bears::Nothing {
                    self.fault(Fault::Load, &[m, n], item.weight_g as f64, 0.0);
                }
            }
        }
    }

    fn limits(&mut self) {
        let (carrier, rules) = (&self.problem.carrier, &self.problem.rules);
        let weight: i64 = self.placements.iter().map(|placed| self.problem.items[placed.item as usize].weight_g).sum();
        let most = carrier.max_load_g.min(rules.max_weight_g.unwrap_or(i64::MAX));
        if weight > most {
            self.fault(Fault::Weight, &[], weight as f64, most as f64);
        }
        let volume = |placed: &Placement| placed.size_mm.iter().map(|side| i64::from(*side)).product::<i64>();
        let volume: i64 = self.placements.iter().map(volume).sum();
        if let Some(most) = rules.max_volume_mm3
            && volume > most
        {
            self.fault(Fault::Volume, &[], volume as f64, most as f64);
        }
    }

    fn centre(&mut self) {
        let (carrier, rules) = (&self.problem.carrier, &self.problem.rules);
        let weight = |placed: &Placement| self.problem.items[placed.item as usize].weight_g as f64;
        let total: f64 = self.placements.iter().map(weight).sum();
        if total == 0.0 {
            return;
        }
        for (axis, length) in [(0, carrier.length_mm), (1, carrier.width_mm)] {
            let moment = |placed: &Placement| {
                weight(placed) * (f64::from(placed.position_mm[axis]) * 2.0 + f64::from(placed.size_mm[axis])) / 2.0
            };
            let centre = self.placements.iter().map(moment).sum::<f64>() / total;
            if let Some(percent) = rules.centre_percent {
                let off = (centre / f64::from(length) * 100.0 - 50.0).abs();
                if off > f64::from(percent) + TOLERANCE {
                    self.fault(Fault::CentreOfGravity, &[], off, f64::from(percent));
                }
            }
            if let (0, Some((low, high))) = (axis, rules.axle_window_mm) {
                let (low, high) = (f64::from(low), f64::from(high));
                if centre < low - TOLERANCE || centre > high + TOLERANCE {
                    self.fault(Fault::Axle, &[], centre, if centre < low { low } else { high });
                }
            }
        }
    }

    fn sequence(&mut self) {
        let stands = self.problem.rules.support_percent > 0;
        for n in 0..self.placements.len() {
            for m in n + 1..self.placements.len() {
                if stands && self.contact(n, m) > 0 {
                    self.fault(Fault::Sequence, &[n, m], n as f64, m as f64);
                }
                if self.in_the_way(n, m) {
                    self.fault(Fault::Sequence, &[m, n], m as f64, n as f64);
                }
            }
        }
    }

    /// Whether box `first` stands between box `second` and the opening.
    fn in_the_way(&self, first: usize, second: usize) -> bool {
        let (there, comes) = (&self.placements[first], &self.placements[second]);
        let end = |placed: &Placement, axis: usize| placed.position_mm[axis] + placed.size_mm[axis];
        let (axis, between) = match self.problem.carrier.opening {
            Opening::Top => (2, end(there, 2) > end(comes, 2)),
            Opening::Rear => (0, end(there, 0) > end(comes, 0)),
            Opening::Right => (1, end(there, 1) > end(comes, 1)),
            Opening::Left => (1, there.position_mm[1] < comes.position_mm[1]),
        };
        between && (0..3).filter(|other| *other != axis).all(|other| shared(there, comes, other) > 0)
    }
}

/// How long two boxes run side by side on an axis.
fn shared(one: &Placement, other: &Placement, axis: usize) -> i64 {
    let from = one.position_mm[axis].max(other.position_mm[axis]);
    let to = (one.position_mm[axis] + one.size_mm[axis]).min(other.position_mm[axis] + other.size_mm[axis]);
    i64::from((to - from).max(0))
}
