//! What locations hold: stock of any quality status, and space held by open putaway recommendations. Always computed from
//! the ledger's balances and the items' sizes, never stored.

use std::collections::HashMap;

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

    pub fn loads(&self) -> HashMap<LocationId, Load> {
        loads(&self.balances, &self.holds, |item| self.sizes.get(&item).and_then(|size| Some((size.volume_mm3?, size.weight_g?))))
    }
}

/// Adds up per location; `measure` gives volume (mm³) and weight (g) of one base unit.
fn loads(balances: &[BalanceRow], holds: &[Hold], measure: impl Fn(ItemId) -> Option<(i64, i64)>) -> HashMap<LocationId, Load> {
    let mut loads: HashMap<LocationId, Load> = HashMap::with_capacity(balances.len());
    for balance in balances {
        let load = loads.entry(balance.location_id).or_default();
        if !load.contents.iter().any(|content| content.item == balance.item_id) {
            load.items += 1;
        }
        match measure(balance.item_id) {
            Some((volume, weight)) => {
                load.stock_volume_mm3 = load.stock_volume_mm3.saturating_add(times(balance.on_hand, volume));
                load.stock_weight_g = load.stock_weight_g.saturating_add(times(balance.on_hand, weight));
            }
            None => load.is_unmeasured = true,
        }
        load.add(Content { item: balance.item_id, lot: balance.lot_number.clone().unwrap_or_default() });
    }
    for hold in holds {
        let load = loads.entry(hold.location).or_default();
        load.held_volume_mm3 = load.held_volume_mm3.saturating_add(hold.volume_mm3);
        load.held_weight_g = load.held_weight_g.saturating_add(hold.weight_g);
        load.open_recommendations += 1;
        load.add(Content { item: hold.item, lot: hold.lot_number.clone() });
    }
    loads
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

    #[test]
    fn partial_units_are_rounded_up() {
        assert_eq!(times("0.000001".parse().unwrap(), 1), 1);
        assert_eq!(times("2.5".parse().unwrap(), 3), 8);
        assert_eq!(times(Quantity::from(4), 3), 12);
        assert_eq!(times("999999999999".parse().unwrap(), i64::MAX), i64::MAX);
    }

    #[test]
    fn stock_of_any_status_and_held_space_count() {
        let measure = |item: ItemId| (item.0.as_u128() < 9).then_some((1_000, 10));
        let hold = Hold {
            location: LocationId(Uuid::from_u128(1)),
            item: ItemId(Uuid::from_u128(2)),
            lot_number: String::new(),
            volume_mm3: 500,
            weight_g: 5,
            ..Hold::sample()
        };
        let loads = loads(&[balance(1, 1, "3"), balance(2, 1, "1"), balance(9, 2, "1")], &[hold], measure);
        let first = &loads[&LocationId(Uuid::from_u128(1))];
        assert_eq!((first.volume_mm3(), first.weight_g(), first.items, first.open_recommendations), (4_500, 45, 2, 1));
        assert_eq!(first.contents.len(), 2, "the held item lies there already");
        assert!(!first.is_unmeasured && loads[&LocationId(Uuid::from_u128(2))].is_unmeasured);
        assert_eq!(first.fill_percent(10), 40.0);
    }
}
