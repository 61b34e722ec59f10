use serde::{Deserialize, Serialize};

use super::{InvalidInput, check};

const MAX_ITEMS: usize = 1_000_000;
const MAX_LINES: usize = 100_000_000;
const MAX_ORDER_LINES: usize = 60_000;

/// One tour of a picker. An item that is named twice is picked once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Days since any fixed day.
    pub day: i32,
    pub items: Vec<u32>,
}

/// How the demand to come is estimated from orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DemandSettings {
    /// After so many days a pick counts half.
    pub half_life_days: f64,
    /// How long an item's own record must be to count as much as its family's.
    pub family_days: f64,
    /// Distance in item numbers at which a relative counts 1/e.
    pub family_reach: f64,
    /// Days for which an item is taken to have been on offer before its first pick.
    pub launch_days: f64,
}

impl Default for DemandSettings {
    fn default() -> Self {
        Self { half_life_days: 120.0, family_days: 25.0, family_reach: 30.0, launch_days: 10.0 }
    }
}

impl DemandSettings {
    pub fn validate(&self) -> Result<(), InvalidInput> {
        let good = |days: f64| days > 0.0 && days <= 100_000.0;
        check("half_life_days", good(self.half_life_days), "must be above 0, at most 100,000 days")?;
        check("family_days", good(self.family_days), "must be above 0, at most 100,000 days")?;
        check("family_reach", good(self.family_reach), "must be above 0, at most 100,000 items")?;
        check("launch_days", (0.0..=100_000.0).contains(&self.launch_days), "must be from 0 to 100,000 days")
    }
}

pub(super) fn validate_orders(orders: &[Order], items: usize) -> Result<(), InvalidInput> {
    check("items", items <= MAX_ITEMS, "must be at most 1,000,000")?;
    check(
        "orders",
        orders.iter().map(|order| order.items.len()).sum::<usize>() <= MAX_LINES,
        "must have at most 100,000,000 lines",
    )?;
    let short = |order: &Order| order.items.len() <= MAX_ORDER_LINES;
    check("orders", orders.iter().all(short), "must have at most 60,000 lines each")?;
    let day = |order: &Order| order.day.unsigned_abs() <= 10_000_000;
    check("day", orders.iter().all(day), "must be within 10,000,000 days of the fixed day")?;
    match orders.iter().position(|order| order.items.iter().any(|item| *item as usize >= items)) {
        None => Ok(()),
        Some(n) => Err(InvalidInput::new(format!("orders[{n}]"), format!("must name items below {items} only"))),
    }
}

/// The orders without repeated items, each sorted, and without orders that have no item.
pub(super) fn distinct(orders: &[Order]) -> Vec<Order> {
    let distinct = |order: &Order| {
        let mut items = order.items.clone();
        items.sort_unstable();
        items.dedup();
        Order { day: order.day, items }
    };
    orders.iter().map(distinct).filter(|order| !order.items.is_empty()).collect()
}

/// Picks per day that each item should be expected to have after `today`.
///
/// A rate with memory and a prior, the posterior mean of a Poisson rate under a Gamma prior:
/// (picks + family rate × `family_days`) / (days + `family_days`), where picks and days are discounted by `half_life_days`, days
/// run from shortly before the item's first pick, and the family rate is that of the items around it, nearer ones counting more.
/// So an item that came a month ago is not compared by its total, and one without any pick is expected to do as its relatives do.
/// Orders after `today` are not looked at. With no order at all every rate is 0.
pub fn expected_picks_per_day(
    orders: &[Order],
    items: usize,
    today: i32,
    settings: &DemandSettings,
) -> Result<Vec<f64>, InvalidInput> {
    settings.validate()?;
    validate_orders(orders, items)?;
    let past: Vec<Order> = distinct(orders).into_iter().filter(|order| order.day <= today).collect();
    let opening = past.iter().map(|order| order.day).min().unwrap_or(today);
    let mut picks = vec![0.0; items];
    let mut first: Vec<Option<i32>> = vec![None; items];
    for order in &past {
        let weight = half_life_weight(today, order.day, settings.half_life_days);
        for item in order.items.iter().map(|item| *item as usize) {
            picks[item] += weight;
            first[item] = Some(first[item].map_or(order.day, |day| day.min(order.day)));
        }
    }
    let memory_days = settings.half_life_days / std::f64::consts::LN_2;
    let on_offer = |first: &Option<i32>| {
        let Some(first) = first else { return 0.0 };
        let since = (f64::from(*first) - settings.launch_days).max(f64::from(opening));
        memory_days * -(-(f64::from(today) + 1.0 - since) / memory_days).exp_m1()
    };
    let days: Vec<f64> = first.iter().map(on_offer).collect();
    let family = family_rates(&picks, &days, settings.family_reach);
    let rate = |n: usize| (picks[n] + family[n] * settings.family_days) / (days[n] + settings.family_days);
    Ok((0..items).map(rate).collect())
}

pub(super) fn half_life_weight(today: i32, day: i32, half_life_days: f64) -> f64 {
    (-(f64::from(today) - f64::from(day)) / half_life_days).exp2()
}

/// Picks over days of all other items, weighted by exp(−distance / reach): two running sums, one from each side.
fn family_rates(picks: &[f64], days: &[f64], reach: f64) -> Vec<f64> {
    let fade = (-1.0 / reach).exp();
    let mut sums = vec![(0.0, 0.0); picks.len()];
    let mut running = (0.0, 0.0);
    for n in 0..picks.len() {
        sums[n] = running;
        running = ((running.0 + picks[n]) * fade, (running.1 + days[n]) * fade);
    }
    running = (0.0, 0.0);
    for n in (0..picks.len()).rev() {
        sums[n] = (sums[n].0 + running.0, sums[n].1 + running.1);
        running = ((running.0 + picks[n]) * fade, (running.1 + days[n]) * fade);
    }
    sums.into_iter().map(|(picks, days)| if days > 0.0 { picks / days } else { 0.0 }).collect()
}
