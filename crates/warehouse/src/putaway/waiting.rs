use std::collections::HashMap;

use inventory::BalanceRow;
use kernel::{MAX_PAGE_SIZE, PageRequest, Quantity, ReceiptId};
use platform::Result;
use platform::auth::Actor;
use sqlx::PgConnection;

use super::{Hold, store};
use crate::WAREHOUSE_READ;
use crate::facility::service as facilities;
use crate::location::{LocationFilter, service as locations};
use crate::receiving::service as receiving;
use crate::words::LocationType;

/// What is left to put away in a facility.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    /// The oldest balances first.
    pub waiting: Vec<Waiting>,
    /// Open recommendations of the facility.
    pub open: usize,
}

/// Goods in a RECEIVING location that no open recommendation covers, or not all of them.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub balance: BalanceRow,
    /// What is not covered, in the item's base unit.
    pub quantity: Quantity,
}

/// `facility` is an id or a code; with `receipt`, only goods of the items and lots that this delivery brought.
pub async fn backlog(
    connection: &mut PgConnection,
    actor: &Actor,
    facility: &str,
    receipt: Option<ReceiptId>,
) -> Result<Backlog> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facilities::find(connection, actor.tenant(), facility).await?;
    let filter =
        LocationFilter { facility: Some(facility.code), kind: Some(LocationType::Receiving), ..LocationFilter::default() };
    let docks = locations::list(connection, actor, &filter, &PageRequest { limit: Some(MAX_PAGE_SIZE), cursor: None }).await?;
    let docks: Vec<_> = docks.items.iter().map(|dock| dock.location_id).collect();
    let mut balances = inventory::service::stock_at(connection, actor.tenant(), &docks).await?;
    balances.sort_by_key(|balance| balance.balance_id);
    if let Some(receipt) = receipt {
        let arrived = receiving::arrived(connection, actor.tenant(), receipt).await?;
        let is_of_it = |balance: &BalanceRow| {
            arrived.iter().any(|one| (one.item, one.lot, one.location) == (balance.item_id, balance.lot_id, balance.location_id))
        };
        balances.retain(is_of_it);
    }
    let holds = store::holds_in_facility(connection, actor.tenant(), facility.facility_id, actor.env.now()).await?;
    Ok(Backlog { open: holds.len(), waiting: uncovered(balances, &holds) })
}

fn uncovered(balances: Vec<BalanceRow>, holds: &[Hold]) -> Vec<Waiting> {
    let mut covered: HashMap<_, Quantity> = HashMap::new();
    for hold in holds {
        let Some(from) = hold.from else { continue };
        *covered.entry((from, hold.item, hold.lot, hold.quality_status.as_str())).or_default() += hold.quantity;
    }
    let rest = |balance: BalanceRow| {
        let key = (balance.location_id, balance.item_id, balance.lot_id, balance.quality_status.as_str());
        let quantity = balance.available() - covered.get(&key).copied().unwrap_or_default();
        (quantity > Quantity::ZERO).then_some(Waiting { balance, quantity })
    };
    balances.into_iter().filter_map(rest).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use inventory::QualityStatus;
    use kernel::{FacilityId, ItemId, LocationId};
    use uuid::Uuid;

    use super::*;

    fn balance(item: u128, on_hand: u32) -> BalanceRow {
        BalanceRow {
            balance_id: Uuid::from_u128(item),
            item_id: ItemId(Uuid::from_u128(item)),
            location_id: LocationId(Uuid::from_u128(1)),
            facility_id: FacilityId(Uuid::nil()),
            facility_code: "F".into(),
            location_code: "DOCK".into(),
            lot_id: None,
            lot_number: None,
            expires_on: None,
            lot_received_at: None,
            quality_status: QualityStatus::Released,
            on_hand: on_hand.into(),
            reserved: Quantity::ZERO,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn only_what_no_open_recommendation_covers_waits() {
        let hold = |item: u128, quantity: u32, from: u128, status: &str| Hold {
            item: ItemId(Uuid::from_u128(item)),
            from: Some(LocationId(Uuid::from_u128(from))),
            quality_status: status.into(),
            quantity: quantity.into(),
            ..Hold::sample()
        };
        let holds = [
            hold(1, 4, 1, "RELEASED"),
            hold(1, 3, 1, "RELEASED"),
            hold(1, 9, 2, "RELEASED"),
            hold(1, 9, 1, "HOLD"),
            hold(2, 5, 1, "RELEASED"),
        ];
        let waiting = uncovered(vec![balance(1, 10), balance(2, 5), balance(3, 1)], &holds);
        let left: Vec<_> = waiting.iter().map(|one| (one.balance.item_id.0.as_u128(), one.quantity)).collect();
        assert_eq!(left, [(1, Quantity::from(3)), (3, Quantity::from(1))]);
    }
}
