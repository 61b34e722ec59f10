//! Cartonisation: the cheapest set of cartons for an order.

use std::collections::HashMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::model::{Carrier, InvalidInput, Item, MAX_WEIGHT_G, Problem, Rules, validate_items};
use super::plan::{Plan, Unplaced};
use super::solve::{Mode, load};

pub const MAX_CARTON_TYPES: usize = 50;

/// A type of carton. Money is in the smallest unit of the tenant's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carton {
    /// Inside; its tare counts as weight that is shipped.
    pub carrier: Carrier,
    /// Length, width, height from outside: what dimensional weight is computed from.
    pub outer_mm: [i32; 3],
    /// Of the carton and of packing it.
    pub cost: i64,
    /// How many there are; `None` for enough.
    #[serde(default)]
    pub available: Option<u32>,
}

/// What shipping costs: per carton, the billed weight in begun steps times the price of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    pub step_g: i64,
    pub price_per_step: i64,
    /// mm³ of a carton's outside that count as 1 g, as 5000 for the usual 5000 cm³ per kg; `None` bills the weight alone.
    #[serde(default)]
    pub mm3_per_g: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cartonisation {
    pub cartons: Vec<PackedCarton>,
    /// What fits into no carton, or for which there are not enough.
    pub unplaced: Vec<Unplaced>,
    pub cost: i64,
    /// No set of cartons for what is placed costs less.
    pub cost_bound: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PackedCarton {
    /// Index into the cartons that there were to choose from.
    pub carton: usize,
    pub plan: Plan,
    /// The larger of the weight with tare and the dimensional weight.
    pub billed_g: i64,
    pub cost: i64,
}

impl Carton {
    fn validate(&self, n: usize) -> Result<(), InvalidInput> {
        let at = |name: &str| format!("cartons[{n}].{name}");
        self.carrier.validate(&at("carrier"))?;
        let inner = [self.carrier.length_mm, self.carrier.width_mm, self.carrier.height_mm];
        if (0..3).any(|axis| self.outer_mm[axis] < inner[axis] || self.outer_mm[axis] > 2 * super::MAX_LENGTH_MM) {
            return Err(InvalidInput::new(at("outer_mm"), "must not be smaller than the inside"));
        }
        if !(0..=1_000_000_000_000).contains(&self.cost) {
            return Err(InvalidInput::new(at("cost"), "must be between 0 and 10^12"));
        }
        Ok(())
    }

    fn billed_g(&self, tariff: &Tariff, goods_g: i64) -> i64 {
        let outer: i64 = self.outer_mm.map(i64::from).iter().product();
        let dimensional = tariff.mm3_per_g.map_or(0, |divisor| (outer + divisor - 1) / divisor);
        (goods_g + self.carrier.tare_g).max(dimensional)
    }

    fn cost_with(&self, tariff: &Tariff, goods_g: i64) -> i64 {
        let steps = (self.billed_g(tariff, goods_g) + tariff.step_g - 1) / tariff.step_g;
        self.cost + steps * tariff.price_per_step
    }
}

impl Tariff {
    fn validate(&self) -> Result<(), InvalidInput> {
        if !(1..=MAX_WEIGHT_G).contains(&self.step_g) {
            return Err(InvalidInput::new("tariff.step_g", format!("must be between 1 and {MAX_WEIGHT_G}")));
        }
        if !(0..=1_000_000_000).contains(&self.price_per_step) {
            return Err(InvalidInput::new("tariff.price_per_step", "must be between 0 and 10^9"));
        }
        if self.mm3_per_g.is_some_and(|divisor| divisor < 1) {
            return Err(InvalidInput::new("tariff.mm3_per_g", "must be at least 1"));
        }
        Ok(())
    }
}

/// The cheapest set of cartons that is found for an order's lines; what fits nowhere is told and does not disturb the rest.
///
/// A beam search over sets: each step fills one more carton of some type with the most it takes of what is left, and sets are
/// judged by their cost and a lower bound for the rest. At the end each content moves to the cheapest carton that takes it.
pub fn cartonise(
    cartons: &[Carton],
    items: &[Item],
    rules: &Rules,
    tariff: &Tariff,
    mode: Mode,
) -> Result<Cartonisation, InvalidInput> {
    if cartons.is_empty() || cartons.len() > MAX_CARTON_TYPES {
        return Err(InvalidInput::new("cartons", format!("must be 1 to {MAX_CARTON_TYPES}")));
    }
    cartons.iter().enumerate().try_for_each(|(n, carton)| carton.validate(n))?;
    tariff.validate()?;
    validate_items(items)?;
    for carton in cartons {
        Problem { carrier: carton.carrier.clone(), items: items.to_vec(), rules: rules.clone() }.validate()?;
    }
    let mut packer = Packer { cartons, items, rules, tariff, mode, packed: HashMap::new() };
    let set = packer.search();
    Ok(packer.answer(set))
}

struct Packer<'a> {
    cartons: &'a [Carton],
    items: &'a [Item],
    rules: &'a Rules,
    tariff: &'a Tariff,
    mode: Mode,
    /// Plans by carton and contents offered, because sets are reached in several orders.
    packed: HashMap<(usize, Vec<u32>), Rc<Plan>>,
}

#[derive(Clone)]
struct Set {
    left: Vec<u32>,
    cartons: Vec<(usize, Rc<Plan>)>,
    cost: i64,
}

impl Packer<'_> {
    fn search(&mut self) -> Set {
        let width = match self.mode {
            Mode::Fast => 2,
            Mode::Standard => 6,
            Mode::Thorough => 16,
        };
        let start = Set { left: self.items.iter().map(|item| item.quantity).collect(), cartons: Vec::new(), cost: 0 };
        let mut best = start.clone();
        let mut level = vec![start];
        while !level.is_empty() {
            let mut next: Vec<(i64, Set)> = Vec::new();
            for set in &level {
                for carton in 0..self.cartons.len() {
                    if let Some(set) = self.extend(set, carton) {
                        let outlook = set.cost + self.bound(&set.left);
                        next.push((outlook, set));
                    }
                }
            }
            for (_, set) in &next {
                if judge(set) < judge(&best) {
                    best = set.clone();
                }
            }
            let complete = best.left.iter().all(|left| *left == 0);
            next.retain(|(outlook, set)| set.left.iter().any(|left| *left > 0) && (!complete || *outlook < best.cost));
            next.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.left.cmp(&other.left)));
            next.dedup_by(|(a, one), (b, other)| a == b && one.left == other.left);
            next.truncate(width);
            level = next.into_iter().map(|(_, set)| set).collect();
        }
        self.downsize(best)
    }

    /// One more carton of that type, if there is one and it takes anything.
    fn extend(&mut self, set: &Set, carton: usize) -> Option<Set> {
        let used = set.cartons.iter().filter(|(known, _)| *known == carton).count();
        if self.cartons[carton].available.is_some_and(|available| used >= available as usize) {
            return None;
        }
        let plan = self.plan(carton, &set.left);
        if plan.placements.is_empty() {
            return None;
        }
        let mut longer = set.clone();
        longer.cost += self.cartons[carton].cost_with(self.tariff, plan.summary.weight_g);
        plan.placements.iter().for_each(|placed| longer.left[placed.item as usize] -= 1);
        longer.cartons.push((carton, plan));
        Some(longer)
    }

    /// What a carton takes of what is offered.
    fn plan(&mut self, carton: usize, offered: &[u32]) -> Rc<Plan> {
        let (cartons, items, rules, mode) = (self.cartons, self.items, self.rules, self.mode);
        let entry = self.packed.entry((carton, offered.to_vec())).or_insert_with(|| {
            let mut problem = Problem { carrier: cartons[carton].carrier.clone(), items: items.to_vec(), rules: rules.clone() };
            problem.items.iter_mut().zip(offered).for_each(|(item, count)| item.quantity = *count);
            let mut effort = Mode::Fast.effort();
            effort.work *= if mode == Mode::Thorough { 8 } else { 1 };
            Rc::new(load(&problem, effort))
        });
        entry.clone()
    }

    fn weight(&self, counts: &[u32]) -> i64 {
        self.items.iter().zip(counts).map(|(item, count)| item.weight_g * i64::from(*count)).sum()
    }

    /// What the rest costs at least: its volume in the carton that is cheapest per volume, its weight at the plain price.
    fn bound(&self, left: &[u32]) -> i64 {
        let volume_of = |item: &Item| item.size_mm.map(i64::from).iter().product::<i64>();
        let volume: f64 = self.items.iter().zip(left).map(|(item, count)| (volume_of(item) * i64::from(*count)) as f64).sum();
        if volume == 0.0 {
            return 0;
        }
        let inner = |carton: &Carton| {
            let carrier = &carton.carrier;
            let over = carrier.overhang;
            f64::from(carrier.length_mm + over.front_mm + over.rear_mm)
                * f64::from(carrier.width_mm + over.left_mm + over.right_mm)
                * f64::from(carrier.height_mm)
        };
        let least = |of: &dyn Fn(&Carton) -> f64| self.cartons.iter().map(of).fold(f64::MAX, f64::min);
        let shipping = |goods_g: f64| goods_g / self.tariff.step_g as f64 * self.tariff.price_per_step as f64;
        let with_size = least(&|carton| (carton.cost_with(self.tariff, 0) as f64) * (volume / inner(carton)));
        let with_weight = least(&|carton| carton.cost as f64 * (volume / inner(carton))) + shipping(self.weight(left) as f64);
        let one = least(&|carton| carton.cost_with(self.tariff, 0) as f64);
        // A little less than the sum, so that rounding cannot lift the bound above a cost.
        ((with_size.max(with_weight).max(one)) * (1.0 - 1e-9)) as i64
    }

    fn downsize(&mut self, mut set: Set) -> Set {
        for n in 0..set.cartons.len() {
            let (carton, plan) = set.cartons[n].clone();
            let weight = plan.summary.weight_g;
            let now = self.cartons[carton].cost_with(self.tariff, weight);
            let mut others: Vec<(i64, usize)> =
                self.cartons.iter().enumerate().map(|(other, of)| (of.cost_with(self.tariff, weight), other)).collect();
            others.retain(|(cost, _)| *cost < now);
            others.sort_unstable();
            let mut held = vec![0; self.items.len()];
            plan.placements.iter().for_each(|placed| held[placed.item as usize] += 1);
            for (cost, other) in others {
                let used = set.cartons.iter().filter(|(known, _)| *known == other).count();
                if self.cartons[other].available.is_none_or(|available| used < available as usize) {
                    let smaller = self.plan(other, &held);
                    if smaller.unplaced.is_empty() {
                        set.cost += cost - now;
                        set.cartons[n] = (other, smaller);
                        break;
                    }
                }
            }
        }
        set
    }

    fn answer(&mut self, set: Set) -> Cartonisation {
        let placed: Vec<u32> = self.items.iter().zip(&set.left).map(|(item, left)| item.quantity - left).collect();
        let mut unplaced = Vec::new();
        if set.left.iter().any(|left| *left > 0) {
            let reasons: Vec<Rc<Plan>> = (0..self.cartons.len()).map(|carton| self.plan(carton, &set.left)).collect();
            for (item, quantity) in set.left.iter().enumerate().filter(|(_, quantity)| **quantity > 0) {
                // The carton that came nearest tells why: reasons are ordered from hopeless to nearly.
                let of = |plan: &Rc<Plan>| {
                    plan.unplaced.iter().filter(|left| left.item as usize == item).map(|left| left.reason).max()
                };
                let reason = reasons.iter().filter_map(of).max().unwrap_or(super::Reason::NoSpace);
                unplaced.push(Unplaced { item: item as u32, quantity: *quantity, reason });
            }
        }
        let cost_bound = self.bound(&placed);
        let packed = |(carton, plan): &(usize, Rc<Plan>)| {
            let of = &self.cartons[*carton];
            let weight = plan.summary.weight_g;
            let plan = Plan { unplaced: Vec::new(), ..Plan::clone(plan) };
            PackedCarton {
                carton: *carton,
                plan,
                billed_g: of.billed_g(self.tariff, weight),
                cost: of.cost_with(self.tariff, weight),
            }
        };
        Cartonisation { cartons: set.cartons.iter().map(packed).collect(), unplaced, cost: set.cost, cost_bound }
    }
}

/// Fewest boxes left first, then the cost, then the number of cartons.
fn judge(set: &Set) -> (u32, i64, usize) {
    (set.left.iter().sum(), set.cost, set.cartons.len())
}
