use serde::{Deserialize, Serialize};

use super::demand::{distinct, validate_orders};
use super::draw::Draw;
use super::objective::{Mix, Objective};
use super::strategy::by_value;
use super::{DemandSettings, InvalidInput, Layout, Order, Slotting, check, expected_picks_per_day, rank_slotting};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimiseSettings {
    pub demand: DemandSettings,
    /// How much the model that knows only popularity counts against the recorded orders, 0 to 1.
    pub independent_share: f64,
    /// After so many days a recorded order counts half; `None`: all count the same.
    pub order_half_life_days: Option<f64>,
    /// Exchanges of two goods that are tried.
    pub proposals: u64,
    pub seed: u64,
}

impl Default for OptimiseSettings {
    fn default() -> Self {
        Self {
            demand: DemandSettings::default(),
            independent_share: 0.3,
            order_half_life_days: None,
            proposals: 4_000_000,
            seed: 1,
        }
    }
}

impl OptimiseSettings {
    pub fn validate(&self) -> Result<(), InvalidInput> {
        self.demand.validate()?;
        check("independent_share", (0.0..=1.0).contains(&self.independent_share), "must be from 0 to 1")?;
        check("order_half_life_days", self.order_half_life_days.is_none_or(|days| days > 0.0), "must be above 0 days")?;
        check("proposals", self.proposals <= 1_000_000_000, "must be at most 1,000,000,000")
    }

    pub(super) fn mix(&self) -> Mix {
        Mix { independent_share: self.independent_share, half_life_days: self.order_half_life_days }
    }
}

/// A slotting for the orders to come, learnt from recorded ones.
///
/// Starts with the items by expected demand ([`expected_picks_per_day`] on the day of the newest order), the best rule that looks
/// at one item at a time. Then exchanges goods between aisles, so that what is picked together lies together, wherever the
/// expected travel of an order gets shorter; the recorded routes are evaluated incrementally, only the orders of the two goods.
/// At last each aisle is filled from the front by expected demand. The answer depends on the arguments only.
pub fn optimise(layout: &Layout, orders: &[Order], items: usize, settings: &OptimiseSettings) -> Result<Slotting, InvalidInput> {
    layout.validate()?;
    settings.validate()?;
    validate_orders(orders, items)?;
    let orders = distinct(orders);
    let today = orders.iter().map(|order| order.day).max().unwrap_or(0);
    let demand = expected_picks_per_day(&orders, items, today, &settings.demand)?;
    let start = rank_slotting(layout, &demand);
    if orders.is_empty() {
        return Ok(start);
    }
    let mut objective = Objective::new(layout, &start, &orders, &demand, &settings.mix());
    let mut draw = Draw::new(settings.seed);
    for _ in 0..settings.proposals {
        let (one, other) = (draw.below(objective.goods()), draw.below(objective.goods()));
        // An exchange that saves less than a hair's breadth is rounding.
        if objective.place_of[one] != objective.place_of[other] && objective.exchange_m(one, other) < -1e-9 {
            objective.exchange(one, other);
        }
    }
    Ok(fill_aisles(layout, &objective.place_of[..items], &demand))
}

fn fill_aisles(layout: &Layout, place_of: &[u16], demand: &[f64]) -> Slotting {
    let mut free = vec![Vec::new(); layout.aisles_m.len()];
    for slot in layout.filling_order().into_iter().rev() {
        free[usize::from(layout.slots[slot as usize].aisle)].push(slot);
    }
    let mut slotting = vec![None; place_of.len()];
    for item in by_value(demand) {
        slotting[item] = free.get_mut(usize::from(place_of[item])).and_then(Vec::pop);
    }
    slotting
}
