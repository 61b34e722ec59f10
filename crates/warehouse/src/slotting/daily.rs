//! What is computed by the clock, of every facility of every tenant: velocities and classes, affinities, snapshots of utilisation.

use std::collections::{BTreeSet, HashMap};

use catalog::{AbcClass, Item};
use chrono::{NaiveDate, TimeDelta};
use inventory::service as stock;
use kernel::{FacilityId, ItemId, OrderId, PageRequest, Quantity, TenantId};
use optimization::slotting::{self, AffinitySettings, Order, TriggerSettings, VelocitySettings};
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{App, Error, Result};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::json;
use sqlx::PgConnection;

use super::model::{CLASS_DAYS, ItemAffinity, ItemVelocity, KEPT_DAYS, SERIES_DAYS, SlottingSettings, Snapshot, class};
use super::planner::{days, refused};
use super::store;
use crate::facility::{FacilityFilter, service as facilities};
use crate::location::Location;
use crate::location::load::Snapshot as Stocked;
use crate::outbound::{Basket, service as orders};
use crate::picking::{DailyPicks, service as picks};
use crate::quality::store::figures::tenants;
use crate::words::ClassBy;

pub(crate) async fn velocities(app: &App) -> Result<String> {
    let done = everywhere(app, "velocity and class of items", async |tx, actor, facility| {
        let renewed = renew_velocities(tx, actor, facility).await?;
        Ok(Tally { done: renewed.items, wanting: renewed.without_value })
    });
    let Tally { done, wanting } = done.await?;
    Ok(match wanting {
        0 => format!("{done} items"),
        _ => format!("{done} items; {wanting} keep their class, because nobody entered the value they are to be classed by"),
    })
}

pub(crate) async fn affinities(app: &App) -> Result<String> {
    if !app.config.switches().sku_affinity {
        return Ok("switched off by SKU_AFFINITY_ENABLED".into());
    }
    let done = everywhere(app, "affinity of items", async |tx, actor, facility| {
        Ok(Tally { done: renew_affinities(tx, actor, facility).await?, wanting: 0 })
    });
    Ok(format!("{} pairs", done.await?.done))
}

pub(crate) async fn snapshots(app: &App) -> Result<String> {
    let done = everywhere(app, "snapshot of utilisation", async |tx, actor, facility| {
        take_snapshot(tx, actor, facility).await?;
        Ok(Tally { done: 1, wanting: 0 })
    });
    Ok(format!("{} facilities", done.await?.done))
}

pub(crate) async fn expire(app: &App) -> Result<String> {
    let mut ended = 0;
    for tenant in app.db.without_tenant(async |connection| tenants(connection).await).await? {
        let tenant: TenantId = tenant.parse().map_err(Error::from)?;
        let now = app.env.now();
        ended += app.db.read(&tenant, async |connection| store::plan::expire(connection, &tenant, now).await).await?;
    }
    Ok(format!("{ended} plans ended"))
}

/// How much was computed, and of how much of it something was wanting.
#[derive(Default)]
struct Tally {
    done: usize,
    wanting: usize,
}

/// One transaction for each facility; one that fails does not keep the others.
async fn everywhere(
    app: &App,
    what: &'static str,
    work: impl AsyncFn(&mut Tx, &Actor, FacilityId) -> Result<Tally>,
) -> Result<Tally> {
    let (mut sum, mut failed) = (Tally::default(), 0);
    for tenant in app.db.without_tenant(async |connection| tenants(connection).await).await? {
        let tenant: TenantId = tenant.parse().map_err(Error::from)?;
        let actor = Actor::system(tenant.clone(), app.env.clone(), what);
        for facility in active(app, &actor).await? {
            let mut tx = app.db.begin(&tenant).await?;
            match work(&mut tx, &actor, facility).await {
                Ok(Tally { done, wanting }) => {
                    tx.commit().await?;
                    sum.done += done;
                    sum.wanting += wanting;
                }
                Err(error) => {
                    tracing::warn!(%tenant, %facility, %error, what, "a daily figure could not be computed");
                    failed += 1;
                }
            }
        }
    }
    if failed == 0 { Ok(sum) } else { Err(Error::conflict(format!("{failed} facilities could not be computed"))) }
}

async fn active(app: &App, actor: &Actor) -> Result<Vec<FacilityId>> {
    let filter = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
    let mut page = PageRequest { limit: Some(kernel::MAX_PAGE_SIZE), cursor: None };
    let mut ids = Vec::new();
    loop {
        let read = async |connection: &mut _| facilities::list(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        ids.extend(found.items.iter().map(|facility| facility.facility_id));
        match found.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => return Ok(ids),
        }
    }
}

/// How many items a run looked at, how many of them lack the value to be classed by, and how many items' own classes it wrote
/// because the settings say so.
pub(super) struct Renewed {
    pub items: usize,
    pub without_value: usize,
    pub written: usize,
}

/// Velocities and classes as of this morning.
pub(super) async fn renew_velocities(tx: &mut Tx, actor: &Actor, facility: FacilityId) -> Result<Renewed> {
    let (tenant, today) = (actor.tenant(), actor.env.now().date_naive());
    let settings = store::velocity::settings(tx, tenant, facility).await?.unwrap_or_default();
    let daily = picks::daily_picks(tx, tenant, facility, today - TimeDelta::days(SERIES_DAYS), today).await?;
    let stocked: BTreeSet<ItemId> = stock::stock_in_facility(tx, tenant, facility).await?.iter().map(|row| row.item_id).collect();
    let picked = picked(&daily, stocked, today);
    let items = if settings.class_by == ClassBy::Value {
        let ids: Vec<ItemId> = picked.iter().map(|(item, _)| *item).collect();
        catalog::service::items_by_ids(tx, tenant, &ids).await?
    } else {
        HashMap::new()
    };
    let rows = judged(picked, &items, &settings)?;
    let without_value = rows.iter().filter(|row| row.lacks_value).count();
    let keep_from = today - TimeDelta::days(KEPT_DAYS);
    store::velocity::replace(tx, tenant, facility, (today, keep_from), &rows).await?;
    let written = if settings.writes_classes { write_back(tx, actor, &rows).await? } else { 0 };
    let payload = json!({ "facility_id": facility, "what": "velocity", "items": rows.len(), "items_without_value": without_value, "classes_written": written });
    tx.publish(actor, Event::new("warehouse.slotting.changed", facility, payload));
    Ok(Renewed { items: rows.len(), without_value, written })
}

/// Makes class and picks per day of the items what was found.
pub(super) async fn write_back(tx: &mut Tx, actor: &Actor, rows: &[ItemVelocity]) -> Result<usize> {
    let known = |row: &ItemVelocity| {
        let per_day = Decimal::from_f64_retain(row.recent_per_day).unwrap_or_default().round_dp(3).normalize();
        (row.item_id, (!row.lacks_value).then_some(row.abc_class), per_day)
    };
    catalog::service::reclassify(tx, actor, &rows.iter().map(known).collect::<Vec<_>>()).await
}

/// Picks of each day; times and quantity of the days that classes look at.
type Picked = (Vec<f64>, i64, Quantity);

/// Of all items that were picked in the days looked at, or that lie in the facility, by id.
fn picked(daily: &[DailyPicks], stocked: BTreeSet<ItemId>, today: NaiveDate) -> Vec<(ItemId, Picked)> {
    let first = daily.iter().map(|row| row.day).min().unwrap_or(today);
    let length = (today - first).num_days().clamp(0, SERIES_DAYS) as usize;
    let mut series: HashMap<ItemId, Picked> = HashMap::new();
    let since = today - TimeDelta::days(CLASS_DAYS);
    for row in daily {
        let (days, picks, quantity) = series.entry(row.item_id).or_insert_with(|| (vec![0.0; length], 0, Quantity::ZERO));
        days[(row.day - first).num_days() as usize] += row.picks as f64;
        if row.day >= since {
            *picks += row.picks;
            *quantity += row.quantity;
        }
    }
    for item in stocked {
        series.entry(item).or_insert_with(|| (vec![0.0; length], 0, Quantity::ZERO));
    }
    let mut items: Vec<(ItemId, Picked)> = series.into_iter().collect();
    items.sort_unstable_by_key(|(item, _)| *item);
    items
}

/// What so much of an item is worth, where its value is known.
pub(super) fn worth(quantity: Quantity, item: &Item) -> Option<Decimal> {
    quantity.decimal().checked_mul(item.unit_value?)
}

/// `known` holds the items where they are classed by value. An item without one takes no part: as a C it would look settled.
fn judged(
    picked: Vec<(ItemId, Picked)>,
    known: &HashMap<ItemId, Item>,
    settings: &SlottingSettings,
) -> Result<Vec<ItemVelocity>> {
    let weight = |(item, (_, picks, quantity)): &(ItemId, Picked)| match settings.class_by {
        ClassBy::Picks => Some(*picks as f64),
        ClassBy::Quantity => Some(quantity.micro() as f64),
        ClassBy::Value => worth(*quantity, known.get(item)?)?.to_f64(),
    };
    let weights: Vec<Option<f64>> = picked.iter().map(weight).collect();
    let given: Vec<f64> = weights.iter().flatten().copied().collect();
    let mut classes = slotting::classify(&given, &settings.cutoffs()).map_err(refused)?.into_iter();
    let class_of = |(item, weight): (ItemId, Option<f64>)| match weight {
        Some(_) => class(classes.next().expect("each weight was classed")),
        None => known.get(&item).map_or(AbcClass::C, |item| item.abc_class),
    };
    let classes: Vec<AbcClass> = picked.iter().zip(&weights).map(|((item, _), weight)| (*item, *weight)).map(class_of).collect();
    let row = |(((item_id, (daily, picks, quantity)), abc_class), weight): (((ItemId, Picked), AbcClass), Option<f64>)| {
        let velocity = slotting::velocity(&daily, &VelocitySettings::default()).map_err(refused)?;
        let trigger = slotting::trigger(&daily, &TriggerSettings::default()).map_err(refused)?;
        Ok(ItemVelocity {
            item_id,
            recent_per_day: velocity.recent_per_day,
            before_per_day: velocity.before_per_day,
            change_percent: velocity.change_percent,
            picks,
            quantity,
            abc_class,
            lacks_value: weight.is_none(),
            trigger: trigger.map(Into::into),
        })
    };
    picked.into_iter().zip(classes).zip(weights).map(row).collect()
}

/// All orders of a facility whose first pick was on the days from `from` until before `to`, page by page.
pub(super) async fn baskets(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<Vec<Basket>> {
    let start = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
    let mut found: Vec<Basket> = Vec::new();
    loop {
        let after: Option<(_, OrderId)> = found.last().map(|last| (last.first_picked_at, last.order_id));
        let between = (start(from), start(to));
        let page = orders::order_baskets(connection, tenant, facility, between, after, orders::BASKETS_MAX).await?;
        let is_last = (page.len() as i64) < orders::BASKETS_MAX;
        found.extend(page);
        if is_last {
            return Ok(found);
        }
    }
}

/// What was picked together in the last 90 days; how many pairs.
pub(super) async fn renew_affinities(tx: &mut Tx, actor: &Actor, facility: FacilityId) -> Result<usize> {
    let settings = AffinitySettings::default();
    let today = actor.env.now().date_naive();
    let from = today - TimeDelta::days(i64::from(settings.window_days));
    let baskets = baskets(tx, actor.tenant(), facility, (from, today)).await?;
    let items: BTreeSet<ItemId> = baskets.iter().flat_map(|basket| basket.items.iter().map(|(item, _)| *item)).collect();
    let items: Vec<ItemId> = items.into_iter().collect();
    let number: HashMap<ItemId, u32> = items.iter().copied().zip(0..).collect();
    let order = |basket: &Basket| Order {
        day: days(basket.first_picked_at.date_naive()),
        items: basket.items.iter().map(|(item, _)| number[item]).collect(),
    };
    let orders: Vec<Order> = baskets.iter().map(order).collect();
    let count = items.len();
    let compute = move || slotting::affinity(&orders, count, days(today) - 1, &settings).map_err(refused);
    let found = tokio::task::spawn_blocking(compute).await.map_err(Error::internal)??;
    let now = actor.env.now();
    let pair = |pair: &slotting::Affinity| ItemAffinity {
        item_id: items[pair.item as usize],
        other_item_id: items[pair.other as usize],
        co_picks: i64::from(pair.co_picks),
        support: pair.support,
        confidence: pair.confidence,
        lift: pair.lift,
        strength: pair.strength,
        computed_at: now,
    };
    let pairs: Vec<ItemAffinity> = found.pairs.iter().map(pair).collect();
    store::velocity::replace_affinities(tx, actor.tenant(), facility, &pairs, now).await?;
    Ok(pairs.len())
}

/// Today's, over what was taken of it before.
pub(super) async fn take_snapshot(tx: &mut Tx, actor: &Actor, facility: FacilityId) -> Result<Snapshot> {
    let tenant = actor.tenant();
    let now = actor.env.now();
    let places = crate::location::service::in_facility(tx, tenant, facility).await?;
    let loads = Stocked::of_facility(tx, tenant, facility, now).await?.loads();
    let stores = |place: &&Location| place.is_active && super::recommendations::STORES.contains(&place.fields.kind);
    let places: Vec<&Location> = places.iter().filter(stores).collect();
    let used = |place: &&Location| loads.get(&place.location_id).map_or(0, |load| load.stock_volume_mm3);
    let free = |place: &&Location| (place.fields.volume_cm3.saturating_mul(1_000) - used(place)).max(0);
    let volume_cm3: i64 = places.iter().map(|place| place.fields.volume_cm3).fold(0, i64::saturating_add);
    let used_mm3: i64 = places.iter().map(used).fold(0, i64::saturating_add);
    let is_used = |place: &&&Location| loads.get(&place.location_id).is_some_and(|load| load.items > 0);
    let snapshot = Snapshot {
        day: now.date_naive(),
        locations: i32::try_from(places.len()).unwrap_or(i32::MAX),
        used_locations: i32::try_from(places.iter().filter(is_used).count()).unwrap_or(i32::MAX),
        volume_cm3,
        used_volume_cm3: used_mm3 / 1_000,
        utilization: if volume_cm3 > 0 { used_mm3 as f64 / 10.0 / volume_cm3 as f64 } else { 0.0 },
        fragmentation_index: slotting::fragmentation_index(&places.iter().map(free).collect::<Vec<_>>()),
        taken_at: now,
    };
    store::utilization::write(tx, tenant, facility, &snapshot).await?;
    Ok(snapshot)
}
