//! Use cases of the history: all of them read, none writes.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use kernel::{Cursor, FieldError, ItemId, LocationId, LotId, Page, PageRequest, TenantId};
use platform::auth::Actor;
use platform::database::PgConnection;
use platform::{Error, Result};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::model::{self, Aged, Axis, FefoKey, InUse, Spot, Turnover, age_moments};
use super::store;
use crate::model::{ItemLabel, Labelled, LocationKind, Lot, Place, QualityStatus};
use crate::service::{STOCK_READ, cursor, facility_of, item_of, labels, location_of, lot_of, lots_by_ids, stock_of};
use crate::store::places;

/// Items whose past is looked up in one statement.
const BATCH: usize = 50;
/// Batches that one page looks through; a page of a filter that hardly anything fits may be short, and says where to go on.
const MAX_BATCHES: usize = 20;
pub const MAX_POINTS: u32 = 400;
pub const DEFAULT_POINTS: u32 = 60;
/// Parts of a period over which the mean stock is taken.
const MEAN_PARTS: u32 = 52;
const DEFAULT_PERIOD: TimeDelta = TimeDelta::days(90);

/// Which stock as of a moment; absent texts do not narrow.
#[derive(Clone, Debug, Default)]
pub struct AsOfFilter {
    /// Now when absent.
    pub at: Option<DateTime<Utc>>,
    pub by: Axis,
    /// Id or code.
    pub item: Option<String>,
    /// Id or code.
    pub facility: Option<String>,
    /// Id, `FACILITY/CODE` or an unambiguous code.
    pub location: Option<String>,
    /// Id or number.
    pub lot: Option<String>,
    pub quality: Option<QualityStatus>,
}

/// How much there was of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemThen {
    pub item_id: ItemId,
    pub on_hand: Decimal,
}

/// How much there was of an item, lot and status in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceThen {
    pub item_id: ItemId,
    pub spot: Spot,
    pub place: Option<Place>,
    pub lot: Option<Lot>,
    pub on_hand: Decimal,
}

type SpotKey = (Uuid, Uuid, Option<Uuid>, String);

impl BalanceThen {
    fn key(&self) -> SpotKey {
        let Spot { location, lot, status } = self.spot;
        (self.item_id.0, location.0, lot.map(|lot| lot.0), status.as_str().to_owned())
    }
}

/// Stock of each item as of a moment, in all places or those of a facility, ordered by item; items without stock then are left out.
pub async fn stock_as_of(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &AsOfFilter,
    page: &PageRequest,
) -> Result<Page<Labelled<ItemThen>>> {
    actor.require(STOCK_READ)?;
    let mut walk = Walk::begin(connection, actor, filter, cursor::<Uuid>(page)?, false).await?;
    let at = filter.at.unwrap_or_else(|| actor.env.now());
    let limit = page.limit() as usize;
    let mut rows: Vec<ItemThen> = Vec::new();
    while rows.len() <= limit {
        let Some(items) = walk.next(connection, actor.tenant()).await? else { break };
        let quantities = match walk.facility {
            None => in_all(connection, actor.tenant(), filter.by, &items, at).await?,
            Some(facility) => in_facility(connection, actor.tenant(), filter.by, (&items, at), facility).await?,
        };
        let found = items.into_iter().zip(quantities).filter(|(_, on_hand)| !on_hand.is_zero());
        rows.extend(found.map(|(item_id, on_hand)| ItemThen { item_id, on_hand }));
    }
    let rest = walk.rest().filter(|_| rows.len() <= limit).map(|item| Cursor::encode(&item));
    let mut found = Page::cut(rows, page, |row| row.item_id.0);
    found.next_cursor = found.next_cursor.or(rest);
    named(connection, actor.tenant(), found, |row| row.item_id).await
}

async fn in_all(
    connection: &mut PgConnection,
    tenant: &TenantId,
    by: Axis,
    items: &[ItemId],
    at: DateTime<Utc>,
) -> Result<Vec<Decimal>> {
    let moments: Vec<_> = items.iter().map(|item| (*item, at)).collect();
    Ok(store::totals(connection, tenant, by, &moments).await?.into_iter().map(|total| total.on_hand).collect())
}

async fn in_facility(
    connection: &mut PgConnection,
    tenant: &TenantId,
    by: Axis,
    (items, at): (&[ItemId], DateTime<Utc>),
    facility: Uuid,
) -> Result<Vec<Decimal>> {
    let moments: Vec<_> = items.iter().map(|item| (*item, at)).collect();
    let found = store::balances(connection, tenant, by, &moments).await?;
    let places = places_of(connection, tenant, found.iter().map(|(_, spot, _)| spot.location)).await?;
    let mut quantities = vec![Decimal::ZERO; items.len()];
    for (index, spot, quantity) in found {
        let is_there = places.get(&spot.location).and_then(|place| place.facility_id).is_some_and(|id| id.0 == facility);
        if is_there {
            quantities[index] += quantity;
        }
    }
    Ok(quantities)
}

/// Stock of each item, lot and status in each place as of a moment, the rows of one item together.
pub async fn balances_as_of(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &AsOfFilter,
    page: &PageRequest,
) -> Result<Page<Labelled<BalanceThen>>> {
    actor.require(STOCK_READ)?;
    let after: Option<SpotKey> = cursor(page)?;
    let mut walk = Walk::begin(connection, actor, filter, after.as_ref().map(|key| key.0), true).await?;
    let narrow = Narrow::of(connection, actor, filter, walk.facility).await?;
    let at = filter.at.unwrap_or_else(|| actor.env.now());
    let limit = page.limit() as usize;
    let mut rows: Vec<BalanceThen> = Vec::new();
    while rows.len() <= limit {
        let Some(items) = walk.next(connection, actor.tenant()).await? else { break };
        let mut found = with_places(connection, actor.tenant(), filter.by, &items, at).await?;
        found.retain(|row| narrow.takes(row) && after.as_ref().is_none_or(|after| row.key() > *after));
        found.sort_by_key(BalanceThen::key);
        rows.extend(found);
    }
    let rest = walk.rest().filter(|_| rows.len() <= limit);
    let rest = rest.map(|item| Cursor::encode(&(item, Uuid::max(), None::<Uuid>, String::new())));
    let mut found = Page::cut(rows, page, BalanceThen::key);
    found.next_cursor = found.next_cursor.or(rest);
    named(connection, actor.tenant(), found, |row| row.item_id).await
}

async fn with_places(
    connection: &mut PgConnection,
    tenant: &TenantId,
    by: Axis,
    items: &[ItemId],
    at: DateTime<Utc>,
) -> Result<Vec<BalanceThen>> {
    let moments: Vec<_> = items.iter().map(|item| (*item, at)).collect();
    let found = store::balances(connection, tenant, by, &moments).await?;
    let places = places_of(connection, tenant, found.iter().map(|(_, spot, _)| spot.location)).await?;
    let lots: BTreeSet<LotId> = found.iter().filter_map(|(_, spot, _)| spot.lot).collect();
    let lots = lots_by_ids(connection, tenant, &lots.into_iter().collect::<Vec<_>>()).await?;
    let row = |(index, spot, on_hand): (usize, Spot, Decimal)| BalanceThen {
        item_id: items[index],
        spot,
        place: places.get(&spot.location).cloned(),
        lot: spot.lot.and_then(|lot| lots.get(&lot)).cloned(),
        on_hand,
    };
    Ok(found.into_iter().map(row).collect())
}

async fn places_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: impl Iterator<Item = LocationId>,
) -> Result<HashMap<LocationId, Place>> {
    let ids: Vec<Uuid> = ids.map(|id| id.0).collect::<BTreeSet<_>>().into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(places::find(connection, tenant, &ids, &[]).await?.into_iter().map(|place| (place.id, place)).collect())
}

/// What else a row must be, besides its item.
struct Narrow {
    location: Option<Uuid>,
    facility: Option<Uuid>,
    lot: Option<Uuid>,
    lot_number: Option<String>,
    quality: Option<QualityStatus>,
}

impl Narrow {
    async fn of(connection: &mut PgConnection, actor: &Actor, filter: &AsOfFilter, facility: Option<Uuid>) -> Result<Self> {
        let location = location_of(connection, actor, &filter.location).await?;
        if location.is_some_and(|id| LocationKind::of_virtual(LocationId(id)).is_some()) {
            return Err(Error::field("location", "virtual places hold no balance; list their movements instead"));
        }
        let (lot, lot_number) = lot_of(&filter.lot);
        Ok(Self { location, facility, lot, lot_number, quality: filter.quality })
    }

    fn takes(&self, row: &BalanceThen) -> bool {
        let facility = row.place.as_ref().and_then(|place| place.facility_id).map(|id| id.0);
        self.location.is_none_or(|id| row.spot.location.0 == id)
            && (self.facility.is_none() || facility == self.facility)
            && self.lot.is_none_or(|id| row.spot.lot == Some(LotId(id)))
            && self.lot_number.as_ref().is_none_or(|number| row.lot.as_ref().is_some_and(|lot| lot.number == *number))
            && self.quality.is_none_or(|status| row.spot.status == status)
    }
}

/// Goes through the items of a page, some at a time.
struct Walk {
    /// The only item, when one was asked for; taken by the first step.
    only: Option<Option<ItemId>>,
    facility: Option<Uuid>,
    last: Option<Uuid>,
    is_last_included: bool,
    batches: usize,
    is_over: bool,
}

impl Walk {
    async fn begin(
        connection: &mut PgConnection,
        actor: &Actor,
        filter: &AsOfFilter,
        last: Option<Uuid>,
        is_last_included: bool,
    ) -> Result<Self> {
        let only = item_of(connection, actor, &filter.item).await?.map(|id| Some(ItemId(id)));
        let facility = facility_of(connection, actor, &filter.facility).await?;
        Ok(Self { only, facility, last, is_last_included, batches: 0, is_over: false })
    }

    async fn next(&mut self, connection: &mut PgConnection, tenant: &TenantId) -> Result<Option<Vec<ItemId>>> {
        if let Some(only) = &mut self.only {
            self.is_over = true;
            let is_behind = self.last.is_some() && !self.is_last_included;
            return Ok(only.take().filter(|_| !is_behind).map(|item| vec![item]));
        }
        if self.is_over || self.batches == MAX_BATCHES {
            return Ok(None);
        }
        let items = store::items(connection, tenant, self.facility, self.last, self.is_last_included, BATCH as i64).await?;
        self.batches += 1;
        self.is_over = items.len() < BATCH;
        self.is_last_included = false;
        self.last = items.last().map(|item| item.0).or(self.last);
        Ok((!items.is_empty()).then_some(items))
    }

    /// The last item that was looked at, when there are more.
    fn rest(&self) -> Option<Uuid> {
        self.last.filter(|_| !self.is_over)
    }
}

async fn named<T>(
    connection: &mut PgConnection,
    tenant: &TenantId,
    page: Page<T>,
    item: fn(&T) -> ItemId,
) -> Result<Page<Labelled<T>>> {
    let labels = labels(connection, tenant, page.items.iter().map(item)).await?;
    Ok(page.map(|row| Labelled { item: labels.get(&item(&row)).cloned().unwrap_or_default(), row }))
}

async fn one_item(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<(ItemId, ItemLabel)> {
    let id = item_of(connection, actor, &Some(reference.to_owned())).await?;
    let id = ItemId(id.ok_or_else(|| Error::field("item", "must name an item by id or code"))?);
    let mut labels = labels(connection, actor.tenant(), std::iter::once(id)).await?;
    Ok((id, labels.remove(&id).unwrap_or_default()))
}

/// A stretch of time: the last 90 days when not given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Period {
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

impl Period {
    fn read(self, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>)> {
        let to = self.to.unwrap_or(now);
        let from = self.from.unwrap_or(to - DEFAULT_PERIOD);
        let mut faults = Vec::new();
        if from >= to {
            faults.push(FieldError::new("from", "must be before `to`, which is now when absent"));
        }
        if to - from > TimeDelta::days(36_525) {
            faults.push(FieldError::new("from", "must be at most 100 years before `to`"));
        }
        if faults.is_empty() { Ok((from, to)) } else { Err(Error::invalid(faults)) }
    }
}

/// `parts` + 1 moments at equal distances, both ends included.
fn moments((from, to): (DateTime<Utc>, DateTime<Utc>), parts: u32) -> Vec<DateTime<Utc>> {
    let whole = (to - from).num_milliseconds();
    let step = |n: u32| TimeDelta::milliseconds((i128::from(whole) * i128::from(n) / i128::from(parts)) as i64);
    (0..=parts).map(|n| if n == parts { to } else { from + step(n) }).collect()
}

/// An item's stock over a period, at moments of equal distance.
#[derive(Clone, Debug)]
pub struct Series {
    pub item_id: ItemId,
    pub by: Axis,
    pub points: Vec<(DateTime<Utc>, Decimal)>,
}

pub async fn stock_over_time(
    connection: &mut PgConnection,
    actor: &Actor,
    (item, by): (&str, Axis),
    period: Period,
    points: Option<u32>,
) -> Result<Labelled<Series>> {
    actor.require(STOCK_READ)?;
    let points = points.unwrap_or(DEFAULT_POINTS);
    if !(2..=MAX_POINTS).contains(&points) {
        return Err(Error::field("points", format!("must be 2 to {MAX_POINTS}")));
    }
    let period = period.read(actor.env.now())?;
    let (item_id, label) = one_item(connection, actor, item).await?;
    let times = moments(period, points - 1);
    let asked: Vec<_> = times.iter().map(|at| (item_id, *at)).collect();
    let totals = store::totals(connection, actor.tenant(), by, &asked).await?;
    let points = times.into_iter().zip(totals).map(|(at, total)| (at, total.on_hand)).collect();
    Ok(Labelled { row: Series { item_id, by, points }, item: label })
}

/// How fast an item turned over in a period, by when movements happened.
pub async fn turnover(
    connection: &mut PgConnection,
    actor: &Actor,
    item: &str,
    period: Period,
) -> Result<Labelled<(ItemId, Turnover)>> {
    actor.require(STOCK_READ)?;
    let (from, to) = period.read(actor.env.now())?;
    let (item_id, label) = one_item(connection, actor, item).await?;
    let asked: Vec<_> = moments((from, to), MEAN_PARTS).into_iter().map(|at| (item_id, at)).collect();
    let totals = store::totals(connection, actor.tenant(), Axis::EffectiveAt, &asked).await?;
    let on_hand: Vec<Decimal> = totals.iter().map(|total| total.on_hand).collect();
    let (first, last) = (totals.first().copied().unwrap_or_default(), totals.last().copied().unwrap_or_default());
    let turnover = Turnover::of((from, to), (last.received - first.received, last.issued - first.issued), &on_hand);
    Ok(Labelled { row: (item_id, turnover), item: label })
}

/// Present stock of each item by how long it has lain; of one item when given.
pub async fn ageing(
    connection: &mut PgConnection,
    actor: &Actor,
    item: &Option<String>,
    page: &PageRequest,
) -> Result<Page<Labelled<(ItemId, Aged)>>> {
    actor.require(STOCK_READ)?;
    let after: Option<Uuid> = cursor(page)?;
    let tenant = actor.tenant();
    let stocked = match item_of(connection, actor, item).await? {
        None => store::stocked(connection, tenant, after, page.fetch()).await?,
        Some(id) if after.is_none() => {
            let on_hand = stock_of(connection, tenant, &[ItemId(id)]).await?.iter().map(|row| row.on_hand.decimal()).sum();
            vec![(ItemId(id), on_hand)]
        }
        Some(_) => Vec::new(),
    };
    let stocked = Page::cut(stocked, page, |(item, _)| item.0);
    let ids: Vec<ItemId> = stocked.items.iter().map(|(item, _)| *item).collect();
    let entered = entered(connection, tenant, &ids, actor.env.now()).await?;
    let mut entered = entered.into_iter();
    let aged = stocked.map(|(item, on_hand)| (item, Aged::of(on_hand, entered.next().unwrap_or_default())));
    named(connection, tenant, aged, |(item, _)| *item).await
}

/// What came in of each item since each age limit.
async fn entered(
    connection: &mut PgConnection,
    tenant: &TenantId,
    items: &[ItemId],
    now: DateTime<Utc>,
) -> Result<Vec<[Decimal; 5]>> {
    let limits = age_moments(now);
    // Movements may be dated a little ahead of our clock; what is on hand has come in, whatever its date says.
    let ever = now + TimeDelta::days(1);
    let asked: Vec<_> = items.iter().flat_map(|item| limits.iter().chain([&ever]).map(|at| (*item, *at))).collect();
    let totals = store::totals(connection, tenant, Axis::EffectiveAt, &asked).await?;
    let per_item = totals.chunks_exact(limits.len() + 1);
    Ok(per_item.map(|totals| std::array::from_fn(|limit| totals[5].received - totals[limit].received)).collect())
}

/// The ages of everything that is in stock, and of how many items.
pub async fn ageing_in_all(connection: &mut PgConnection, actor: &Actor) -> Result<(Aged, u64)> {
    actor.require(STOCK_READ)?;
    let (buckets, items) = store::aged_in_all(connection, actor.tenant(), age_moments(actor.env.now())).await?;
    Ok((Aged { buckets }, items.unsigned_abs()))
}

/// An item's stock in the order in which it is to be used: first expired, first out.
pub async fn fefo(connection: &mut PgConnection, actor: &Actor, item: &str, page: &PageRequest) -> Result<Page<Labelled<InUse>>> {
    actor.require(STOCK_READ)?;
    let after: Option<FefoKey> = cursor(page)?;
    let (item_id, label) = one_item(connection, actor, item).await?;
    let balances = stock_of(connection, actor.tenant(), &[item_id]).await?;
    let today: NaiveDate = actor.env.now().date_naive();
    let mut ordered = model::fefo(balances, today);
    ordered.retain(|one| after.as_ref().is_none_or(|after| one.key() > *after));
    Ok(Page::cut(ordered, page, InUse::key).map(|row| Labelled { item: label.clone(), row }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_equal_distances_and_both_ends() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        assert_eq!(moments((at(0), at(30)), 3), [at(0), at(10), at(20), at(30)]);
        assert_eq!(moments((at(0), at(1)), 1), [at(0), at(1)]);
    }

    #[test]
    fn a_period_must_run_forwards() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let read = |from, to| Period { from, to }.read(at(10_000_000)).map_err(|error| error.fields[0].field.clone());
        assert_eq!(read(None, None), Ok((at(10_000_000) - TimeDelta::days(90), at(10_000_000))));
        assert_eq!(read(Some(at(5)), Some(at(5))), Err("from".into()));
        assert_eq!(read(Some(at(10_000_001)), None), Err("from".into()));
    }
}
