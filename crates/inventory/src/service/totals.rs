use std::collections::HashMap;

use kernel::{ItemId, Quantity, TenantId};
use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::store;

/// What there is of one item in all places together, in its base unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub on_hand: Quantity,
    pub reserved: Quantity,
    /// Released, not reserved and not in transit.
    pub available: Quantity,
    /// On hand with any other status than released.
    pub not_released: Quantity,
    /// On its way from one facility to another; part of what is on hand.
    pub in_transit: Quantity,
    /// Places that hold some of it.
    pub locations: u64,
}

/// For other contexts and for lists of items, which have authorised: one row per item that is in stock, in one query.
pub async fn totals_of(connection: &mut PgConnection, tenant: &TenantId, items: &[ItemId]) -> Result<HashMap<ItemId, Totals>> {
    if items.is_empty() {
        return Ok(HashMap::new());
    }
    let items: Vec<Uuid> = items.iter().map(|id| id.0).collect();
    Ok(store::totals::of_items(connection, tenant, &items).await?.into_iter().collect())
}
