//! From what lies where and what was ordered to moves that pay. No IO.

use std::collections::HashMap;

use kernel::{ItemId, LocationId};
use optimization::slotting::{InvalidInput, Kinds, Order, PlanSettings, PlanStep, plan_moves_among};
use platform::{Error, Result};

use super::hall::Hall;
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

/// Moves between interchangeable places that shorten the whole routes of the orders, also to what may not move.
pub(super) fn reslot(hall: &Hall, orders: &[Order], settings: &PlanSettings) -> Result<Proposal> {
    let mut kinds = vec![None; hall.layout.slots.len()];
    for (kind, group) in (0..).zip(&hall.groups) {
        group.slots.iter().for_each(|slot| kinds[*slot as usize] = Some(kind));
    }
    let kinds = Kinds::new(&hall.layout, &kinds).map_err(refused)?;
    let plan = plan_moves_among(&hall.layout, &kinds, &hall.current, orders, settings).map_err(refused)?;
    Ok(Proposal {
        steps: plan.steps.iter().filter_map(|step| placed(hall, step)).collect(),
        before_m_per_day: plan.before_m_per_day,
        after_m_per_day: plan.after_m_per_day,
        cost_m: plan.cost_m,
        orders: orders.len(),
        items: hall.groups.iter().map(|group| group.items.len()).sum(),
    })
}

fn placed(hall: &Hall, planned: &PlanStep) -> Option<Step> {
    let place = |slot: Option<u32>| slot.map(|slot| hall.places[slot as usize]);
    Some(Step {
        item: hall.items[planned.step.item as usize],
        from: place(planned.step.from)?,
        to: place(planned.step.to)?,
        chain: planned.step.group as i32 + 1,
        cost_m: planned.cost_m,
        chain_saving_m_per_day: planned.group_saving_m_per_day,
        chain_cost_m: planned.group_cost_m,
    })
}
