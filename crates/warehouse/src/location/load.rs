//! What locations hold: stock of any quality status, and space held by open putaway recommendations. Always computed from
//! the ledger's balances and the items' sizes, never stored.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::service::ItemSize;
use chrono::{DateTime, Utc};
use inventory::BalanceRow;
use kernel::{FacilityId, ItemId, LocationId, Quantity, TenantId};
use platform::Result;
use sqlx::PgConnection;

use crate::putaway::{Hold, holds_at, holds_in_facility};

/// One item and lot that lies, or will lie, in a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub item: ItemId,
    /// Empty for goods without a lot.
    pub lot: String,
}

/// What one location holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub stock_volume_mm3: i64,
    pub stock_weight_g: i64,
    /// Kept free for open recommendations.
    pub held_volume_mm3: i64,
    pub held_weight_g: i64,
    pub open_recommendations: u32,
    /// Stock first, then what open recommendations will bring.
    pub contents: Vec<Content>,
    /// Different items in stock there.
    pub items: u32,
    /// Some item there has no volume or no weight on record, so that the figures are too low.
    pub is_unmeasured: bool,
}

impl Load {
    pub fn volume_mm3(&self) -> i64 {
        self.stock_volume_mm3.saturating_add(self.held_volume_mm3)
    }

    pub fn weight_g(&self) -> i64 {
        self.stock_weight_g.saturating_add(self.held_weight_g)
    }

    /// Stock in percent of the location's volume, one decimal; 0 for a location without volume.
    pub fn fill_percent(&self, volume_cm3: i64) -> f64 {
        percent(self.stock_volume_mm3, volume_cm3.saturating_mul(1_000))
    }

    /// The same sums and contents, in whatever order they were found.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let sums = |load: &Self| (load.volume_mm3(), load.weight_g(), load.is_unmeasured, load.contents.len());
        sums(self) == sums(other) && self.contents.iter().all(|content| other.contents.contains(content))
    }

    fn add_stock(&mut self, balance: &BalanceRow, sizes: &HashMap<ItemId, ItemSize>) {
        if !self.contents.iter().any(|content| content.item == balance.item_id) {
            self.items += 1;
        }
        match sizes.get(&balance.item_id).and_then(|size| Some((size.volume_mm3?, size.weight_g?))) {
            Some((volume, weight)) => {
                self.stock_volume_mm3 = self.stock_volume_mm3.saturating_add(times(balance.on_hand, volume));
                self.stock_weight_g = self.stock_weight_g.saturating_add(times(balance.on_hand, weight));
            }
            None => self.is_unmeasured = true,
        }
        self.add(Content { item: balance.item_id, lot: balance.lot_number.clone().unwrap_or_default() });
    }

    fn add_hold(&mut self, hold: &Hold) {
        self.held_volume_mm3 = self.held_volume_mm3.saturating_add(hold.volume_mm3);
        self.held_weight_g = self.held_weight_g.saturating_add(hold.weight_g);
        self.open_recommendations += 1;
        self.add(Content { item: hold.item, lot: hold.lot_number.clone() });
    }

    fn add(&mut self, content: Content) {
        if !self.contents.contains(&content) {
            self.contents.push(content);
        }
    }
}

pub(crate) fn percent(part: i64, whole: i64) -> f64 {
    if whole <= 0 { 0.0 } else { (part as f64 / whole as f64 * 1_000.0).round() / 10.0 }
}

/// `quantity` times a figure per base unit, rounded up: a capacity is never promised twice.
pub(crate) fn times(quantity: Quantity, per_unit: i64) -> i64 {
    let product = i128::from(quantity.micro()) * i128::from(per_unit);
    i64::try_from((product + 999_999).div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

type ByPlace = HashMap<LocationId, Arc<Load>, foldhash::fast::RandomState>;

/// What places hold, those alone that hold something. A plan looks at each of ten thousand places, so the stock is shared with
/// whoever else plans on it, and looked up by a hash that is quicker than the usual one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loads {
    stock: Arc<ByPlace>,
    /// Places that open recommendations lead to: stock and what is held.
    held: ByPlace,
}

impl Loads {
    pub fn get(&self, place: &LocationId) -> Option<&Load> {
        self.held.get(place).or_else(|| self.stock.get(place)).map(AsRef::as_ref)
    }

    /// Takes the place of all that was known to lie in these places.
    pub(super) fn restock(&mut self, places: &[LocationId], balances: &[BalanceRow], sizes: &HashMap<ItemId, ItemSize>) {
        let stock = Arc::make_mut(&mut self.stock);
        places.iter().for_each(|place| drop(stock.remove(place)));
        for balance in balances {
            Arc::make_mut(stock.entry(balance.location_id).or_default()).add_stock(balance, sizes);
        }
    }

    pub(super) fn hold(&mut self, holds: &[Hold]) {
        for hold in holds {
            let stock = || self.stock.get(&hold.location).cloned().unwrap_or_default();
            Arc::make_mut(self.held.entry(hold.location).or_insert_with(stock)).add_hold(hold);
        }
    }

    pub fn into_map(self) -> HashMap<LocationId, Load> {
        let stock = Arc::unwrap_or_clone(self.stock).into_iter();
        stock.chain(self.held).map(|(place, load)| (place, Arc::unwrap_or_clone(load))).collect()
    }
}

/// The state of places at one moment, with the sizes of the items that lie there.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub balances: Vec<BalanceRow>,
    pub holds: Vec<Hold>,
    pub sizes: HashMap<ItemId, ItemSize>,
}

impl Snapshot {
    /// Of a whole facility, in three round trips.
    pub async fn of_facility(
        connection: &mut PgConnection,
        tenant: &TenantId,
        facility: FacilityId,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let holds = holds_in_facility(connection, tenant, facility, now).await?;
        let balances = inventory::service::stock_in_facility(connection, tenant, facility).await?;
        Self::with_sizes(connection, tenant, balances, holds).await
    }

    /// Of some locations, in three round trips.
    pub async fn of_locations(
        connection: &mut PgConnection,
        tenant: &TenantId,
        locations: &[LocationId],
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let holds = holds_at(connection, tenant, locations, now).await?;
        let balances = inventory::service::stock_at(connection, tenant, locations).await?;
        Self::with_sizes(connection, tenant, balances, holds).await
    }

    async fn with_sizes(
        connection: &mut PgConnection,
        tenant: &TenantId,
        balances: Vec<BalanceRow>,
        holds: Vec<Hold>,
    ) -> Result<Self> {
        let stocked = balances.iter().map(|balance| balance.item_id);
        let mut ids: Vec<ItemId> = stocked.chain(holds.iter().map(|hold| hold.item)).collect();
        ids.sort_unstable();
        ids.dedup();
        let sizes = catalog::service::sizes_by_ids(connection, tenant, &ids).await?;
        Ok(Self { balances, holds, sizes })
    }

    pub fn loads(&self) -> Loads {
        let mut loads = Loads::default();
        loads.restock(&[], &self.balances, &self.sizes);
        loads.hold(&self.holds);
        loads
    }
}

#[cfg(test)]
mod tests {
    use inventory::QualityStatus;
    use uuid::Uuid;

    use super::*;

    fn balance(item: u128, location: u128, on_hand: &str) -> BalanceRow {
        BalanceRow {
            balance_id: Uuid::nil(),
            item_id: ItemId(Uuid::from_u128(item)),
            location_id: LocationId(Uuid::from_u128(location)),
            facility_id: FacilityId(Uuid::nil()),
            facility_code: "F".into(),
            location_code: "L".into(),
            lot_id: None,
            lot_number: None,
            expires_on: None,
            lot_received_at: None,
            quality_status: QualityStatus::Hold,
            on_hand: on_hand.parse().unwrap(),
            reserved: Quantity::ZERO,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    impl FromIterator<(LocationId, Load)> for Loads {
        fn from_iter<T: IntoIterator<Item = (LocationId, Load)>>(loads: T) -> Self {
            let stock = loads.into_iter().map(|(place, load)| (place, load.into())).collect();
            Self { stock: Arc::new(stock), held: ByPlace::default() }
        }
    }

    #[test]
    fn partial_units_are_rounded_up() {
        assert_eq!(times("0.000001".parse().unwrap(), 1), 1);
        assert_eq!(times("2.5".parse().unwrap(), 3), 8);
        assert_eq!(times(Quantity::from(4), 3), 12);
        assert_eq!(times("999999999999".parse().unwrap(), i64::MAX), i64::MAX);
    }

    #[test]
    fn stock_of_any_status_and_held_space_count() {
        let size = ItemSize { volume_mm3: Some(1_000), weight_g: Some(10), hazard_class: None };
        let sizes = (1..9).map(|n| (ItemId(Uuid::from_u128(n)), size.clone())).collect();
        let hold = Hold {
            location: LocationId(Uuid::from_u128(1)),
            item: ItemId(Uuid::from_u128(2)),
            lot_number: String::new(),
            volume_mm3: 500,
            weight_g: 5,
            ..Hold::sample()
        };
        let balances = vec![balance(1, 1, "3"), balance(2, 1, "1"), balance(9, 2, "1")];
        let loads = Snapshot { balances, holds: vec![hold], sizes }.loads();
        let of = |n: u128| loads.get(&LocationId(Uuid::from_u128(n))).unwrap();
        let first = of(1);
        assert_eq!((first.volume_mm3(), first.weight_g(), first.items, first.open_recommendations), (4_500, 45, 2, 1));
        assert_eq!(first.contents.len(), 2, "the held item lies there already");
        assert!(!first.is_unmeasured && of(2).is_unmeasured);
        assert_eq!(first.fill_percent(10), 40.0);
    }
}
