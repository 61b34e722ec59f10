//! From what lies where and what was ordered to moves that pay. No IO.

use std::collections::HashMap;

use kernel::{ItemId, LocationId};
use optimization::slotting::{InvalidInput, Layout, Order, PlanSettings, PlanStep, Slotting, plan_moves, walk};
use platform::{Error, Result};

use super::hall::{Group, Hall};
use crate::outbound::Basket;

/// One item goes from one place to another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub item: ItemId,
    pub from: LocationId,
    pub to: LocationId,
    /// From 1; steps of one chain make sense together only.
    pub chain: i32,
    pub cost_m: f64,
    pub chain_saving_m_per_day: f64,
    pub chain_cost_m: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Proposal {
    pub steps: Vec<Step>,
    pub before_m_per_day: f64,
    pub after_m_per_day: f64,
    pub cost_m: f64,
    pub orders: usize,
    /// Items that may move.
    pub items: usize,
}

pub(super) fn refused(invalid: InvalidInput) -> Error {
    Error::conflict(invalid.to_string())
}

/// Orders in terms of the hall's items; what is picked nowhere in it is left out, and an order of nothing else too.
pub(super) fn orders(hall: &Hall, baskets: &[Basket]) -> Vec<Order> {
    let number: HashMap<ItemId, u32> = hall.items.iter().copied().zip(0..).collect();
    let order = |basket: &Basket| Order {
        day: days(basket.first_picked_at.date_naive()),
        items: basket.items.iter().filter_map(|(item, _)| number.get(item).copied()).collect(),
    };
    baskets.iter().map(order).filter(|order| !order.items.is_empty()).collect()
}

/// Days since the beginning of the common era.
pub(super) fn days(day: chrono::NaiveDate) -> i32 {
    chrono::Datelike::num_days_from_ce(&day)
}

/// Plans each group of interchangeable places for itself, the one with the most items first, and keeps what shortens the whole routes of
/// the newest orders enough: within the payback days the saving must cover the cost.
pub(super) fn reslot(hall: &Hall, orders: &[Order], settings: &PlanSettings, told: &dyn Fn(usize, usize)) -> Result<Proposal> {
    let judge = Judge::new(hall, orders, settings);
    let mut slotting = hall.current.clone();
    let before_m_per_day = judge.walked_m_per_day(&slotting)?;
    let mut proposal = Proposal {
        before_m_per_day,
        after_m_per_day: before_m_per_day,
        orders: orders.len(),
        items: hall.groups.iter().map(|group| group.items.len()).sum(),
        ..Proposal::default()
    };
    for (n, group) in hall.groups.iter().enumerate() {
        told(n, hall.groups.len());
        let moves_max = settings.moves_max - proposal.steps.len();
        if moves_max == 0 || orders.is_empty() {
            break;
        }
        let settings = PlanSettings { moves_max, ..settings.clone() };
        let plan =
            plan_moves(&own(hall, group), &seats(hall, group), &visible(hall, group, orders), &settings).map_err(refused)?;
        // Exchanges through an empty place may take one move more than was asked for.
        if plan.steps.is_empty() || plan.steps.len() > moves_max {
            continue;
        }
        let mut with = slotting.clone();
        for (item, slot) in group.items.iter().zip(&plan.target) {
            with[*item as usize] = slot.map(|slot| group.slots[slot as usize]);
        }
        let after_m_per_day = judge.walked_m_per_day(&with)?;
        if (proposal.after_m_per_day - after_m_per_day) * settings.payback_days < plan.cost_m {
            continue;
        }
        let chains = proposal.steps.last().map_or(0, |step| step.chain);
        proposal.steps.extend(plan.steps.iter().filter_map(|step| placed(hall, group, step, chains)));
        proposal.cost_m += plan.cost_m;
        proposal.after_m_per_day = after_m_per_day;
        slotting = with;
    }
    Ok(proposal)
}

/// The hall with the places of the group only.
fn own(hall: &Hall, group: &Group) -> Layout {
    let slots = group.slots.iter().map(|slot| hall.layout.slots[*slot as usize]).collect();
    Layout { slots, ..hall.layout.clone() }
}

fn seats(hall: &Hall, group: &Group) -> Slotting {
    let seat: HashMap<u32, u32> = group.slots.iter().copied().zip(0..).collect();
    group.items.iter().map(|item| hall.current[*item as usize].and_then(|slot| seat.get(&slot).copied())).collect()
}

fn visible(hall: &Hall, group: &Group, orders: &[Order]) -> Vec<Order> {
    let mut number = vec![None; hall.items.len()];
    group.items.iter().zip(0..).for_each(|(item, n)| number[*item as usize] = Some(n));
    let order =
        |order: &Order| Order { day: order.day, items: order.items.iter().filter_map(|item| number[*item as usize]).collect() };
    orders.iter().map(order).filter(|order| !order.items.is_empty()).collect()
}

fn placed(hall: &Hall, group: &Group, planned: &PlanStep, chains: i32) -> Option<Step> {
    let place = |slot: Option<u32>| slot.map(|slot| hall.places[group.slots[slot as usize] as usize]);
    Some(Step {
        item: hall.items[group.items[planned.step.item as usize] as usize],
        from: place(planned.step.from)?,
        to: place(planned.step.to)?,
        chain: chains + planned.step.group as i32 + 1,
        cost_m: planned.cost_m,
        chain_saving_m_per_day: planned.group_saving_m_per_day,
        chain_cost_m: planned.group_cost_m,
    })
}

/// Whole routes of the newest orders.
struct Judge<'a> {
    hall: &'a Hall,
    newest: Vec<Order>,
    days: f64,
}

impl<'a> Judge<'a> {
    fn new(hall: &'a Hall, orders: &[Order], settings: &PlanSettings) -> Self {
        let today = orders.iter().map(|order| order.day).max().unwrap_or(0);
        let split = today - i32::from(settings.judge_days);
        let has_older = orders.iter().any(|order| order.day <= split);
        let newest: Vec<Order> = orders.iter().filter(|order| !has_older || order.day > split).cloned().collect();
        let first = newest.iter().map(|order| order.day).min().unwrap_or(today);
        Self { hall, newest, days: f64::from(today - first + 1) }
    }

    fn walked_m_per_day(&self, slotting: &Slotting) -> Result<f64> {
        Ok(walk(&self.hall.layout, slotting, &self.newest).map_err(refused)?.total_m / self.days)
    }
}
