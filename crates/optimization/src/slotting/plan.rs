use serde::{Deserialize, Serialize};

use super::course::leg_m;
use super::demand::{distinct, validate_orders};
use super::order_moves::order_moves_among;
use super::plan_search::Search;
use super::routes::{Change, Routes};
use super::simulate::validate_slotting;
use super::{InvalidInput, Kinds, Layout, Move, Order, Slotting, check};

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
    /// The search ends when it has read about so many lines of orders and numbers of its tables. 200 million take about
    /// a second; what it has by then is the plan.
    pub work_max: u64,
}

impl Default for PlanSettings {
    fn default() -> Self {
        Self { moves_max: 100, payback_days: 30.0, handling_m: 60.0, judge_days: 30, work_max: 600_000_000 }
    }
}

impl PlanSettings {
    pub fn validate(&self) -> Result<(), InvalidInput> {
        check("moves_max", (1..=10_000).contains(&self.moves_max), "must be from 1 to 10,000")?;
        check("payback_days", self.payback_days > 0.0 && self.payback_days <= 3650.0, "must be above 0, at most 3,650 days")?;
        check("handling_m", (0.0..=1_000_000.0).contains(&self.handling_m), "must be from 0 to 1,000,000 m")?;
        check("judge_days", self.judge_days > 0, "must be at least 1 day")
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
/// Searches with exact routes: what all but the newest orders walk, as far as they recur within the payback days, plus the cost of
/// the moves, is lowered step by step; see the source's `Search` for the steps. The result is cut into chains and cycles of moves;
/// each must pay back on the newest orders, and all together too, or it is dropped. Without any order, or with nothing that pays
/// back, the plan has no steps. When all orders are newer than `judge_days`, all of them are used for both, and then no exchange
/// of two items, no relocation to an empty slot and no dropped chain makes the plan better, unless it ended by `work_max`.
pub fn plan_moves(layout: &Layout, current: &Slotting, orders: &[Order], settings: &PlanSettings) -> Result<Plan, InvalidInput> {
    plan_moves_among(layout, &Kinds::ONE, current, orders, settings)
}

/// As [`plan_moves`], for a hall in which goods cannot lie everywhere. Whole routes count, also to what may not move.
pub fn plan_moves_among(
    layout: &Layout,
    kinds: &Kinds,
    current: &Slotting,
    orders: &[Order],
    settings: &PlanSettings,
) -> Result<Plan, InvalidInput> {
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
    let is_judged = !older.is_empty();
    if !is_judged {
        older.clone_from(&orders);
        newest = orders;
    }
    let days_of_older = days(&older);
    let target = Search::new(layout, kinds, current, (older, days_of_older), settings).run();
    let days = days(&newest);
    let judge = Judge { layout, kinds, current, routes: Routes::new(layout, current, newest), days, settings };
    judge.keep_what_pays(target, is_judged)
}

fn today_of(orders: &[Order]) -> i32 {
    orders.iter().map(|order| order.day).max().unwrap_or(0)
}

fn days(orders: &[Order]) -> f64 {
    let opening = orders.iter().map(|order| order.day).min().unwrap_or(0);
    f64::from(today_of(orders)) - f64::from(opening) + 1.0
}

struct Judge<'a> {
    layout: &'a Layout,
    kinds: &'a Kinds<'a>,
    current: &'a Slotting,
    /// Of the judging orders.
    routes: Routes<'a>,
    days: f64,
    settings: &'a PlanSettings,
}

struct Group {
    moves: Vec<Move>,
    saving_m_per_day: f64,
    cost_m: f64,
}

impl Group {
    fn short_m(&self, settings: &PlanSettings) -> f64 {
        self.cost_m - self.saving_m_per_day * settings.payback_days
    }
}

impl Judge<'_> {
    /// Drops the group that falls shortest of paying back, until each and all together pay back. What the search saw already
    /// (`is_judged` is false) pays together.
    fn keep_what_pays(mut self, mut target: Slotting, is_judged: bool) -> Result<Plan, InvalidInput> {
        let before_m_per_day = self.routes.total_m / self.days;
        self.go_to(&target);
        loop {
            let groups = self.groups(&target)?;
            let after_m_per_day = self.routes.total_m / self.days;
            let cost_m = groups.iter().fold(0.0, |sum_m, group| sum_m + group.cost_m);
            let is_short = cost_m > (before_m_per_day - after_m_per_day) * self.settings.payback_days;
            let short_m = |group: &Group| group.short_m(self.settings);
            let worst = groups.iter().max_by(|one, other| short_m(one).total_cmp(&short_m(other)));
            match worst.filter(|group| is_short || is_judged && short_m(group) > 0.0) {
                Some(group) => {
                    group.moves.iter().for_each(|step| target[step.item as usize] = self.current[step.item as usize]);
                    self.go_to(&target);
                }
                None => {
                    let steps = groups.iter().flat_map(|group| self.steps(group)).collect();
                    return Ok(Plan { steps, before_m_per_day, after_m_per_day, cost_m, target });
                }
            }
        }
    }

    fn go_to(&mut self, target: &Slotting) {
        let moved = (0..target.len()).filter(|item| self.routes.places[*item] != target[*item]);
        let changes: Vec<Change> = moved.map(|item| (item, target[item])).collect();
        self.routes.change(&changes);
    }

    fn steps(&self, group: &Group) -> Vec<PlanStep> {
        let step = |step: &Move| PlanStep {
            step: *step,
            cost_m: leg_m(self.layout, self.settings.handling_m, step.from, step.to),
            group_saving_m_per_day: group.saving_m_per_day,
            group_cost_m: group.cost_m,
        };
        group.moves.iter().map(step).collect()
    }

    fn groups(&mut self, target: &Slotting) -> Result<Vec<Group>, InvalidInput> {
        let moves = order_moves_among(self.layout, self.kinds, self.current, target)?;
        let mut groups = Vec::new();
        for moves in moves.chunk_by(|one, other| one.group == other.group) {
            let mut back: Vec<Change> = moves.iter().map(|step| (step.item as usize, self.current[step.item as usize])).collect();
            back.sort_unstable();
            back.dedup();
            let saving_m_per_day = self.routes.change_m(&back) / self.days;
            let cost_m = moves.iter().map(|step| leg_m(self.layout, self.settings.handling_m, step.from, step.to)).sum();
            groups.push(Group { moves: moves.to_vec(), saving_m_per_day, cost_m });
        }
        Ok(groups)
    }
}
