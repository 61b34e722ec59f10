use serde::{Deserialize, Serialize};

use super::demand::{distinct, validate_orders};
use super::{InvalidInput, Order, check};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AffinitySettings {
    pub window_days: u16,
    /// Orders that must hold both items.
    pub co_picks_min: u32,
    /// For each item so many partners are kept, those with the most co-picks.
    pub partners_max: usize,
}

impl Default for AffinitySettings {
    fn default() -> Self {
        Self { window_days: 90, co_picks_min: 3, partners_max: 20 }
    }
}

/// That an item is picked together with another, seen from the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Affinity {
    pub item: u32,
    pub other: u32,
    /// Orders that hold both.
    pub co_picks: u32,
    /// Share of all orders that hold both.
    pub support: f64,
    /// Share of the orders with `item` that hold `other` too.
    pub confidence: f64,
    /// Confidence over the share of all orders that hold `other`; 1 when the two have nothing to do with each other.
    pub lift: f64,
    /// Co-picks over the most co-picks of any two items, 0 to 1.
    pub strength: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Affinities {
    /// Orders in the window.
    pub orders: usize,
    /// The most co-picks of any two items.
    pub co_picks_max: u32,
    /// By item, each item's partners by falling co-picks, equal ones by number.
    pub pairs: Vec<Affinity>,
}

/// What is picked together, from the orders of the `window_days` that end with `today` (Agrawal, Imieliński and Swami 1993).
///
/// Exact, also for long orders: pairs are never listed. One item after the other, its orders are read and the others in them
/// counted in one array, so that memory is two numbers per line, one counter per item and `partners_max` pairs per item,
/// however many pairs there are; an order of n lines costs n² steps.
pub fn affinity(orders: &[Order], items: usize, today: i32, settings: &AffinitySettings) -> Result<Affinities, InvalidInput> {
    check("window_days", settings.window_days > 0, "must be at least 1 day")?;
    check("co_picks_min", settings.co_picks_min > 0, "must be at least 1")?;
    check("partners_max", (1..=10_000).contains(&settings.partners_max), "must be from 1 to 10,000")?;
    validate_orders(orders, items)?;
    let mut orders = distinct(orders);
    orders.retain(|order| order.day <= today && order.day > today - i32::from(settings.window_days));
    let mut orders_of: Vec<Vec<u32>> = vec![Vec::new(); items];
    for (n, order) in orders.iter().enumerate() {
        order.items.iter().for_each(|item| orders_of[*item as usize].push(n as u32));
    }
    let picks: Vec<u32> = orders_of.iter().map(|orders| orders.len() as u32).collect();
    let mut found = Affinities { orders: orders.len(), ..Affinities::default() };
    let mut counts = vec![0_u32; items];
    for item in 0..items as u32 {
        let mut partners = partners(item, &orders_of[item as usize], &orders, &mut counts, settings.co_picks_min);
        partners.sort_by_key(|(other, co_picks)| (std::cmp::Reverse(*co_picks), *other));
        found.co_picks_max = found.co_picks_max.max(partners.first().map_or(0, |(_, co_picks)| *co_picks));
        partners.truncate(settings.partners_max);
        found.pairs.extend(partners.iter().map(|(other, co_picks)| judge(item, *other, *co_picks, orders.len(), &picks)));
    }
    let most = f64::from(found.co_picks_max);
    found.pairs.iter_mut().for_each(|pair| pair.strength = f64::from(pair.co_picks) / most);
    Ok(found)
}

/// The items that share orders with this one, often enough. Leaves `counts` at 0, as it found them.
fn partners(item: u32, its_orders: &[u32], orders: &[Order], counts: &mut [u32], co_picks_min: u32) -> Vec<(u32, u32)> {
    let mut seen = Vec::new();
    for other in its_orders.iter().flat_map(|n| &orders[*n as usize].items) {
        if counts[*other as usize] == 0 {
            seen.push(*other);
        }
        counts[*other as usize] += 1;
    }
    let count = |other: u32| (other, std::mem::take(&mut counts[other as usize]));
    seen.into_iter().map(count).filter(|(other, co_picks)| *other != item && *co_picks >= co_picks_min).collect()
}

fn judge(item: u32, other: u32, co_picks: u32, orders: usize, picks: &[u32]) -> Affinity {
    let (co, orders) = (f64::from(co_picks), orders as f64);
    let (of_item, of_other) = (f64::from(picks[item as usize]), f64::from(picks[other as usize]));
    Affinity {
        item,
        other,
        co_picks,
        support: co / orders,
        confidence: co / of_item,
        lift: co * orders / (of_item * of_other),
        strength: 0.0,
    }
}
