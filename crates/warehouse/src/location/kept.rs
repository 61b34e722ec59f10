//! The places of a facility and what lies in them, kept in memory and brought up to date by the events since.
//!
//! To read thousands of balances for each line to be put away would cost more than the choice. What is chosen on the strength of
//! this is compared with the database before it is stored (`putaway::recommend`), so a missed event costs time, never a capacity.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use catalog::service::{ItemSize, sizes_by_ids};
use kernel::{FacilityId, ItemId, LocationId, TenantId};
use moka::sync::Cache;
use platform::Result;
use platform::events::{Change, Changes, Mark};
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::load::Loads;
use super::model::Location;
use super::service;
use crate::putaway::Hold;

const FACILITIES_KEPT: u64 = 32;
/// Then everything is read anew, whatever the events said.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// Who has more to catch up with reads everything anew.
const CHANGES_MAX: usize = 500;

const STOCK_CHANGED: &str = "inventory.stock.changed";
const LOCATION_CHANGED: &str = "warehouse.location.changed";
const LOCATIONS_IMPORTED: &str = "warehouse.locations.imported";
const ITEM_CHANGED: &str = "catalog.item.changed";
/// All that changes a place, what lies in it, or how large that is. The imports do not say what they changed.
const KINDS: [&str; 7] = [
    STOCK_CHANGED,
    LOCATION_CHANGED,
    LOCATIONS_IMPORTED,
    ITEM_CHANGED,
    "inventory.movements.imported",
    "inventory.stock.imported",
    "catalog.items.imported",
];

static KEPT: LazyLock<Cache<(TenantId, FacilityId), Kept>> =
    LazyLock::new(|| Cache::builder().max_capacity(FACILITIES_KEPT).time_to_live(KEPT_FOR).build());

/// A facility as it was when somebody looked last. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Kept {
    mark: Mark,
    pub places: Arc<Vec<Location>>,
    /// Of the items that lie there, and of some others.
    pub sizes: Arc<HashMap<ItemId, ItemSize>>,
    /// Stock alone, without what open recommendations will bring.
    stock: Loads,
}

impl Kept {
    /// The facility as it is now; `holds` are its open recommendations, whose items get their sizes too.
    ///
    /// For transactions that have moved no stock themselves: what they have not committed is not among the events.
    pub async fn of_facility(
        connection: &mut PgConnection,
        tenant: &TenantId,
        facility: FacilityId,
        holds: &[Hold],
    ) -> Result<Self> {
        let key = (tenant.clone(), facility);
        let known = KEPT.get(&key);
        // Taken before anything is read: what changes meanwhile is told the next time.
        let mark = known.as_ref().map(|known| known.mark);
        let changes = Changes::since(connection, tenant, mark, &KINDS, CHANGES_MAX).await?;
        let news = if changes.is_cut { None } else { News::of(&changes.news, facility) };
        let mut kept = match known.zip(news) {
            Some((known, news)) => match known.followed(connection, tenant, facility, &news).await? {
                Some(kept) => kept,
                None => Self::read(connection, tenant, facility, changes.mark).await?,
            },
            None => Self::read(connection, tenant, facility, changes.mark).await?,
        };
        kept.measure(connection, tenant, holds.iter().map(|hold| hold.item)).await?;
        kept.mark = changes.mark;
        if changes.is_committed {
            KEPT.insert(key, kept.clone());
        }
        Ok(kept)
    }

    /// What does not agree with the database is better read anew.
    pub fn forget(tenant: &TenantId, facility: FacilityId) {
        KEPT.invalidate(&(tenant.clone(), facility));
    }

    /// Stock, and what the open recommendations will bring.
    pub fn loads(&self, holds: &[Hold]) -> Loads {
        let mut loads = self.stock.clone();
        loads.hold(holds);
        loads
    }

    async fn read(connection: &mut PgConnection, tenant: &TenantId, facility: FacilityId, mark: Mark) -> Result<Self> {
        let places = Arc::new(service::in_facility(connection, tenant, facility).await?);
        let balances = inventory::service::stock_in_facility(connection, tenant, facility).await?;
        let mut kept = Self { mark, places, sizes: Arc::default(), stock: Loads::default() };
        kept.measure(connection, tenant, balances.iter().map(|balance| balance.item_id)).await?;
        kept.stock.restock(&[], &balances, &kept.sizes);
        Ok(kept)
    }

    /// None when an item that lies there has another size now: then all sums are wrong.
    async fn followed(
        mut self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        facility: FacilityId,
        news: &News,
    ) -> Result<Option<Self>> {
        let items: Vec<ItemId> = news.items.iter().copied().filter(|item| self.sizes.contains_key(item)).collect();
        let sizes = sizes_by_ids(connection, tenant, &items).await?;
        if items.iter().any(|item| sizes.get(item) != self.sizes.get(item)) {
            return Ok(None);
        }
        if news.places {
            self.places = Arc::new(service::in_facility(connection, tenant, facility).await?);
        }
        if !news.touched.is_empty() {
            let touched: Vec<LocationId> = news.touched.iter().copied().collect();
            let mut balances = inventory::service::stock_at(connection, tenant, &touched).await?;
            balances.retain(|balance| balance.facility_id == facility);
            self.measure(connection, tenant, balances.iter().map(|balance| balance.item_id)).await?;
            self.stock.restock(&touched, &balances, &self.sizes);
        }
        Ok(Some(self))
    }

    /// Adds the sizes of those that are not known yet.
    async fn measure(
        &mut self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        items: impl Iterator<Item = ItemId>,
    ) -> Result<()> {
        let unknown: BTreeSet<ItemId> = items.filter(|item| !self.sizes.contains_key(item)).collect();
        if !unknown.is_empty() {
            let unknown: Vec<ItemId> = unknown.into_iter().collect();
            let sizes = sizes_by_ids(connection, tenant, &unknown).await?;
            Arc::make_mut(&mut self.sizes).extend(sizes);
        }
        Ok(())
    }
}

/// What the events say has changed.
#[derive(Debug, Default, PartialEq, Eq)]
struct News {
    places: bool,
    items: BTreeSet<ItemId>,
    /// Places where stock was moved, of other facilities too.
    touched: BTreeSet<LocationId>,
}

#[derive(Deserialize)]
struct Moved {
    location_ids: Vec<LocationId>,
    complete: bool,
}

#[derive(Deserialize)]
struct Edited {
    facility_id: FacilityId,
}

impl News {
    /// None when they do not say all.
    fn of(changes: &[Change], facility: FacilityId) -> Option<Self> {
        let mut news = Self::default();
        for change in changes {
            match change.kind.as_str() {
                STOCK_CHANGED => {
                    let moved = Moved::deserialize(&change.payload).ok().filter(|moved| moved.complete)?;
                    news.touched.extend(moved.location_ids);
                }
                LOCATION_CHANGED => news.places |= Edited::deserialize(&change.payload).ok()?.facility_id == facility,
                LOCATIONS_IMPORTED => news.places = true,
                ITEM_CHANGED => {
                    news.items.insert(ItemId(change.entity_id.parse::<Uuid>().ok()?));
                }
                _ => return None,
            }
        }
        Some(news)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn change(kind: &str, payload: Value) -> Change {
        Change { kind: kind.into(), entity_id: Uuid::from_u128(7).to_string(), payload }
    }

    #[test]
    fn events_name_what_changed_or_everything_is_read_anew() {
        let (here, elsewhere) = (FacilityId(Uuid::from_u128(1)), FacilityId(Uuid::from_u128(2)));
        let moved = |complete| change(STOCK_CHANGED, json!({ "location_ids": [Uuid::from_u128(3)], "complete": complete }));
        let edited = |facility: FacilityId| change(LOCATION_CHANGED, json!({ "facility_id": facility }));
        let news = News::of(&[moved(true), edited(elsewhere), change(ITEM_CHANGED, json!({}))], here).unwrap();
        let touched = BTreeSet::from([LocationId(Uuid::from_u128(3))]);
        assert_eq!(news, News { places: false, items: BTreeSet::from([ItemId(Uuid::from_u128(7))]), touched });
        assert!(News::of(&[edited(here)], here).unwrap().places);
        assert_eq!(News::of(&[moved(false)], here), None);
        for imported in KINDS.iter().filter(|kind| kind.ends_with("imported") && **kind != LOCATIONS_IMPORTED) {
            assert_eq!(News::of(&[change(imported, json!({}))], here), None, "{imported}");
        }
    }
}
