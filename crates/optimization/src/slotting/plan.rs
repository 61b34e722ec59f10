use serde::{Deserialize, Serialize};

use super::demand::{distinct, validate_orders};
use super::objective::Objective;
use super::simulate::{order_m, validate_slotting};
use super::{InvalidInput, Layout, Move, OptimiseSettings, Order, Slotting, check, expected_picks_per_day, order_moves};

/// Goods of a place that are tried as partners of an exchange.
const PARTNERS: usize = 4;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanSettings {
    pub moves_max: usize,
    /// A chain or cycle of moves must save within so many days what it costs.
    pub payback_days: f64,
    /// What taking up and putting down the goods of a slot costs, as metres of walking; the way between the slots comes on top.
    pub handling_m: f64,
    /// The newest orders, which the search does not see: they judge what its moves save.
    pub judge_days: u16,
    /// `proposals` and `seed` are not used: the search is greedy.
    pub search: OptimiseSettings,
}

impl Default for PlanSettings {
    fn default() -> Self {
        Self { moves_max: 100, payback_days: 30.0, handling_m: 60.0, judge_days: 30, search: OptimiseSettings::default() }
    }
}

impl PlanSettings {
    pub fn validate(&self) -> Result<(), InvalidInput> {
        check("moves_max", (1..=10_000).contains(&self.moves_max), "must be from 1 to 10,000")?;
        check("payback_days", self.payback_days > 0.0 && self.payback_days <= 3650.0, "must be above 0, at most 3,650 days")?;
        check("handling_m", (0.0..=1_000_000.0).contains(&self.handling_m), "must be from 0 to 1,000,000 m")?;
        check("judge_days", self.judge_days > 0, "must be at least 1 day")?;
        self.search.validate()
    }
}

/// Moves in the order in which they can be carried out, and what they save.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    pub steps: Vec<PlanStep>,
    /// Walked per day by the judging orders, in the present slotting and after all steps.
    pub before_m_per_day: f64,
    pub after_m_per_day: f64,
    pub cost_m: f64,
    pub target: Slotting,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanStep {
    #[serde(flatten)]
    pub step: Move,
    pub cost_m: f64,
    /// Of the whole group of this step: what its moves save per day, all other groups being carried out.
    pub group_saving_m_per_day: f64,
    pub group_cost_m: f64,
}

/// Improves a slotting with few moves.
///
/// Greedy: in each round the exchange of two items (three moves, one through an empty slot), or of an item with an empty slot
/// (one move), that saves most per move after its cost over the payback days, by the same objective as [`super::optimise`] on all
/// but the newest orders. The result is cut into chains and cycles of moves; each must pay back on the newest orders, by their
/// exact routes, or is dropped. Without any order, or with nothing that pays back, the plan has no steps. When all orders are
/// newer than `judge_days`, all of them are used for both.
pub fn plan_moves(layout: &Layout, current: &Slotting, orders: &[Order], settings: &PlanSettings) -> Result<Plan, InvalidInput> {
    layout.validate()?;
    settings.validate()?;
    validate_slotting(layout, current)?;
    validate_orders(orders, current.len())?;
    let orders = distinct(orders);
    let Some(today) = orders.iter().map(|order| order.day).max() else {
        return Ok(Plan { target: current.clone(), ..Plan::default() });
    };
    let split = today - i32::from(settings.judge_days);
    let (mut older, mut newest): (Vec<Order>, Vec<Order>) = orders.iter().cloned().partition(|order| order.day <= split);
    if older.is_empty() {
        older.clone_from(&orders);
        newest = orders;
    }
    let demand = expected_picks_per_day(&older, current.len(), split.max(today_of(&older)), &settings.search.demand)?;
    let objective = Objective::new(layout, current, &older, &demand, &settings.search.mix());
    let mut search = Search { layout, current, settings, slots: slots_of_goods(layout, current), objective };
    let target = search.run(older.len() as f64 / days(&older))?;
    Judge { layout, current, days: days(&newest), orders: newest, settings }.keep_what_pays(target)
}

fn today_of(orders: &[Order]) -> i32 {
    orders.iter().map(|order| order.day).max().unwrap_or(0)
}

fn days(orders: &[Order]) -> f64 {
    let opening = orders.iter().map(|order| order.day).min().unwrap_or(0);
    f64::from(today_of(orders)) - f64::from(opening) + 1.0
}

/// Slots of the items, then the empty slots: the numbering of [`Objective`].
fn slots_of_goods(layout: &Layout, slotting: &Slotting) -> Vec<Option<u32>> {
    let mut taken = vec![false; layout.slots.len()];
    slotting.iter().flatten().for_each(|slot| taken[*slot as usize] = true);
    let empty = (0..layout.slots.len() as u32).filter(|slot| !taken[*slot as usize]).map(Some);
    slotting.iter().copied().chain(empty).collect()
}

struct Search<'a> {
    layout: &'a Layout,
    current: &'a Slotting,
    settings: &'a PlanSettings,
    slots: Vec<Option<u32>>,
    objective: Objective<'a>,
}

impl Search<'_> {
    fn run(&mut self, orders_per_day: f64) -> Result<Slotting, InvalidInput> {
        let items = self.current.len();
        let has_empty = self.slots.len() > items;
        while let Some((one, other)) = self.best_exchange(orders_per_day, has_empty) {
            self.exchange(one, other);
            if order_moves(self.layout, self.current, &self.slots[..items].to_vec())?.len() > self.settings.moves_max {
                self.exchange(one, other);
                break;
            }
        }
        Ok(self.slots[..items].to_vec())
    }

    fn exchange(&mut self, one: usize, other: usize) {
        self.objective.exchange(one, other);
        self.slots.swap(one, other);
    }

    fn best_exchange(&self, orders_per_day: f64, has_empty: bool) -> Option<(usize, usize)> {
        let leaving = self.leaving();
        let mut best = None;
        let mut best_m = 0.0;
        for (from, targets) in leaving.iter().enumerate() {
            for (to, ones) in targets.iter().enumerate().skip(from + 1) {
                let others = &leaving[to][from];
                for (one, other) in ones.iter().flat_map(|one| others.iter().map(move |other| (*one, *other))) {
                    let Some(moves) = self.moves(one, other, has_empty) else { continue };
                    let saving_m = -self.objective.exchange_m(one, other) * orders_per_day * self.settings.payback_days;
                    let cost_m = moves * cost_m(self.layout, self.settings, self.slots[one], self.slots[other]);
                    if (saving_m - cost_m) / moves > best_m {
                        best_m = (saving_m - cost_m) / moves;
                        best = Some((one, other));
                    }
                }
            }
        }
        best
    }

    /// An exchange of two items needs an empty slot to pass each other, unless one of them lies in the reserve.
    fn moves(&self, one: usize, other: usize, has_empty: bool) -> Option<f64> {
        let items = self.current.len();
        match (one < items, other < items) {
            (false, false) => None,
            (true, true) if self.slots[one].is_none() || self.slots[other].is_none() => Some(2.0),
            (true, true) => has_empty.then_some(3.0),
            _ => Some(1.0),
        }
    }

    /// For each place and each other place the goods that gain most by going there, by [`Objective::leave_m`].
    fn leaving(&self) -> Vec<Vec<Vec<usize>>> {
        let places = self.layout.aisles_m.len() + 1;
        let mut best: Vec<Vec<Vec<(f64, usize)>>> = vec![vec![Vec::new(); places]; places];
        let mut gains = vec![0.0; places];
        let mut has_empty = vec![false; places];
        for goods in 0..self.objective.goods() {
            let from = usize::from(self.objective.place_of[goods]);
            // Empty slots of one aisle are alike; the foremost comes first.
            if goods >= self.current.len() && std::mem::replace(&mut has_empty[from], true) {
                continue;
            }
            self.objective.leave_m(goods, &mut gains);
            for to in (0..places).filter(|to| *to != from) {
                let list = &mut best[from][to];
                let at = list.partition_point(|(gain, _)| *gain <= gains[to]);
                if at < PARTNERS {
                    list.truncate(PARTNERS - 1);
                    list.insert(at, (gains[to], goods));
                }
            }
        }
        best.into_iter()
            .map(|row| row.into_iter().map(|list| list.into_iter().map(|(_, goods)| goods).collect()).collect())
            .collect()
    }
}

fn cost_m(layout: &Layout, settings: &PlanSettings, from: Option<u32>, to: Option<u32>) -> f64 {
    let way_m = match (from, to) {
        (Some(from), Some(to)) => layout.between_m(from, to),
        _ => layout.reserve_m / 2.0,
    };
    settings.handling_m + way_m
}

struct Judge<'a> {
    layout: &'a Layout,
    current: &'a Slotting,
    orders: Vec<Order>,
    days: f64,
    settings: &'a PlanSettings,
}

struct Group {
    moves: Vec<Move>,
    saving_m_per_day: f64,
    cost_m: f64,
}

impl Judge<'_> {
    /// Drops the group that falls shortest of paying back, until all pay back.
    fn keep_what_pays(&self, mut target: Slotting) -> Result<Plan, InvalidInput> {
        let before_m_per_day = self.walked_m_per_day(self.current);
        loop {
            let groups = self.groups(&target)?;
            let short_m = |group: &Group| group.cost_m - group.saving_m_per_day * self.settings.payback_days;
            let worst = groups.iter().max_by(|one, other| short_m(one).total_cmp(&short_m(other)));
            match worst.filter(|group| short_m(group) > 0.0) {
                Some(group) => group.moves.iter().for_each(|step| target[step.item as usize] = self.current[step.item as usize]),
                None => {
                    let after_m_per_day = self.walked_m_per_day(&target);
                    let cost_m = groups.iter().fold(0.0, |sum_m, group| sum_m + group.cost_m);
                    let steps = groups.iter().flat_map(|group| self.steps(group)).collect();
                    return Ok(Plan { steps, before_m_per_day, after_m_per_day, cost_m, target });
                }
            }
        }
    }

    fn steps(&self, group: &Group) -> Vec<PlanStep> {
        let step = |step: &Move| PlanStep {
            step: *step,
            cost_m: cost_m(self.layout, self.settings, step.from, step.to),
            group_saving_m_per_day: group.saving_m_per_day,
            group_cost_m: group.cost_m,
        };
        group.moves.iter().map(step).collect()
    }

    fn groups(&self, target: &Slotting) -> Result<Vec<Group>, InvalidInput> {
        let moves = order_moves(self.layout, self.current, target)?;
        let after_m_per_day = self.walked_m_per_day(target);
        let mut without = target.clone();
        let group = |moves: &[Move]| {
            for step in moves {
                without[step.item as usize] = self.current[step.item as usize];
            }
            let saving_m_per_day = self.walked_m_per_day(&without) - after_m_per_day;
            for step in moves {
                without[step.item as usize] = target[step.item as usize];
            }
            let cost_m = moves.iter().map(|step| cost_m(self.layout, self.settings, step.from, step.to)).sum();
            Group { moves: moves.to_vec(), saving_m_per_day, cost_m }
        };
        Ok(moves.chunk_by(|one, other| one.group == other.group).map(group).collect())
    }

    fn walked_m_per_day(&self, slotting: &Slotting) -> f64 {
        self.orders.iter().map(|order| order_m(self.layout, slotting, order)).sum::<f64>() / self.days
    }
}
