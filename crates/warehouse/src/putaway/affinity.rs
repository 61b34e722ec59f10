//! What is picked together in a facility: as slotting found it last night, else from the orders of the last 90 days.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{FacilityId, ItemId, TenantId};
use moka::sync::Cache;
use optimization::slotting::{AffinitySettings, Order, affinity};
use platform::{Error, Result};
use sqlx::PgConnection;

use crate::outbound::{Basket, service as orders};
use crate::slotting::service as slotting;

/// It is advice that changes slowly, and costs a walk through all orders of the window.
const KEPT_FOR: TimeDelta = TimeDelta::hours(1);
const FACILITIES_KEPT: u64 = 64;
/// Orders that are looked at, the oldest first.
const ORDERS_MAX: usize = 200_000;

type Partners = HashMap<ItemId, Vec<(ItemId, f64)>>;

struct Known {
    made_at: DateTime<Utc>,
    partners: Partners,
}

static KNOWN: LazyLock<Cache<(TenantId, FacilityId), Arc<Known>>> = LazyLock::new(|| Cache::new(FACILITIES_KEPT));

/// What is picked together with each of the items at least three times, with a strength from 0 to 1: co-picks over the most co-picks
/// of any two items. From the pairs that slotting stores daily; where it has stored none yet, an own look, at most an hour old.
pub(super) async fn partners(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    items: &[ItemId],
    now: DateTime<Utc>,
) -> Result<Partners> {
    if let Some(stored) = slotting::partners(connection, tenant, facility, items).await? {
        return Ok(stored);
    }
    let key = (tenant.clone(), facility);
    let is_fresh = |known: &Arc<Known>| (known.made_at..known.made_at + KEPT_FOR).contains(&now);
    let known = match KNOWN.get(&key).filter(is_fresh) {
        Some(known) => known,
        None => {
            let known = Arc::new(Known { made_at: now, partners: compute(connection, tenant, facility, now).await? });
            KNOWN.insert(key, known.clone());
            known
        }
    };
    Ok(items.iter().filter_map(|item| Some((*item, known.partners.get(item)?.clone()))).collect())
}

async fn compute(connection: &mut PgConnection, tenant: &TenantId, facility: FacilityId, now: DateTime<Utc>) -> Result<Partners> {
    let settings = AffinitySettings::default();
    let between = (now - TimeDelta::days(settings.window_days.into()), now + TimeDelta::seconds(1));
    let mut baskets: Vec<Basket> = Vec::new();
    loop {
        let after = baskets.last().map(|last| (last.first_picked_at, last.order_id));
        let page = orders::order_baskets(connection, tenant, facility, between, after, orders::BASKETS_MAX).await?;
        let is_last = page.len() < orders::BASKETS_MAX as usize;
        baskets.extend(page);
        if is_last || baskets.len() >= ORDERS_MAX {
            break;
        }
    }
    let work = move || strengths(&baskets, day(now), &settings);
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

fn strengths(baskets: &[Basket], today: i32, settings: &AffinitySettings) -> Result<Partners> {
    let mut ids: Vec<ItemId> = baskets.iter().flat_map(|basket| basket.items.iter().map(|(item, _)| *item)).collect();
    ids.sort_unstable();
    ids.dedup();
    let number = |item: &ItemId| ids.binary_search(item).ok().and_then(|at| u32::try_from(at).ok());
    let order = |basket: &Basket| Order {
        day: day(basket.first_picked_at),
        items: basket.items.iter().filter_map(|(item, _)| number(item)).collect(),
    };
    let orders: Vec<Order> = baskets.iter().map(order).collect();
    let found = affinity(&orders, ids.len(), today, settings).map_err(Error::internal)?;
    let mut partners = Partners::new();
    for pair in found.pairs {
        partners.entry(ids[pair.item as usize]).or_default().push((ids[pair.other as usize], pair.strength));
    }
    Ok(partners)
}

fn day(at: DateTime<Utc>) -> i32 {
    i32::try_from(at.timestamp().div_euclid(86_400)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use kernel::{OrderId, Quantity};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn three_common_orders_make_partners_and_the_strongest_pair_counts_one() {
        let item = |n: u128| ItemId(Uuid::from_u128(n));
        let basket = |n: u128, items: &[u128]| Basket {
            order_id: OrderId(Uuid::from_u128(n)),
            first_picked_at: DateTime::UNIX_EPOCH,
            items: items.iter().map(|n| (item(*n), Quantity::from(1))).collect(),
        };
        let baskets: Vec<Basket> = (0..6)
            .map(|n| match n {
                0..3 => basket(n, &[1, 2, 3]),
                3 => basket(n, &[1, 2, 4]),
                _ => basket(n, &[3, 4]),
            })
            .collect();
        let found = strengths(&baskets, 0, &AffinitySettings::default()).unwrap();
        assert_eq!(found[&item(1)], [(item(2), 1.0), (item(3), 0.75)]);
        assert!(!found.contains_key(&item(4)), "twice is chance");
    }
}
