use std::collections::{BTreeSet, HashMap, HashSet};

use kernel::{ItemId, LotId, Quantity, TenantId};
use platform::Result;
use sqlx::PgConnection;

use super::store;
use crate::ledger::{Key, Refusal};
use crate::model::{MovementKind, Posting, QualityStatus};
use crate::serial;

/// How much of the stock in HOLD no hold claims, by item and lot; only that may leave HOLD without a decision about a hold.
/// Wherever it lies: held goods may be moved.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    free: HashMap<(ItemId, Option<LotId>), Quantity>,
}

impl Claims {
    /// Asks the database nothing unless a posting takes stock out of HOLD.
    pub async fn load(connection: &mut PgConnection, tenant: &TenantId, postings: &[&Posting]) -> Result<Self> {
        let goods: BTreeSet<_> = postings.iter().filter(|posting| leaves(posting)).map(|one| (one.item, one.lot)).collect();
        if goods.is_empty() {
            return Ok(Self::default());
        }
        // Stock at two places is locked by neither of two transactions that both count on the same unclaimed goods.
        let items: BTreeSet<ItemId> = goods.iter().map(|(item, _)| *item).collect();
        store::lock_claims(connection, tenant, &items).await?;
        let goods: Vec<_> = goods.into_iter().collect();
        Ok(Self { free: store::unclaimed(connection, tenant, &goods).await? })
    }

    /// Whether the posting may take what it takes; nothing changes.
    pub fn judge(&self, posting: &Posting) -> Result<(), Refusal> {
        if !leaves(posting) {
            return Ok(());
        }
        // The balances may hold less than is claimed when other movements scrapped held goods.
        let free = self.free.get(&(posting.item, posting.lot)).copied().unwrap_or_default().max(Quantity::ZERO);
        if posting.quantity <= free {
            return Ok(());
        }
        let key = Key { item: posting.item, location: posting.from, lot: posting.lot, status: posting.from_status };
        Err(Refusal::Claimed { key, free, asked: posting.quantity })
    }

    pub fn apply(&mut self, posting: &Posting) {
        if leaves(posting)
            && let Some(free) = self.free.get_mut(&(posting.item, posting.lot))
        {
            *free -= posting.quantity;
        }
    }
}

/// Of the lot's stock in HOLD: how much no hold claims, and the numbers of the pieces that holds do claim. The lot is locked, so
/// that none of it moves meanwhile.
pub(crate) async fn unclaimed_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    item: ItemId,
    lot: LotId,
) -> Result<(Quantity, HashSet<String>)> {
    let goods = (item, Some(lot));
    let free = store::unclaimed(connection, tenant, &[goods]).await?.remove(&goods).unwrap_or_default().max(Quantity::ZERO);
    let movements = store::claiming_movements(connection, tenant, item, lot).await?;
    let pieces = serial::still_held(connection, tenant, &movements).await?;
    Ok((free, pieces.into_values().flatten().map(|(number, _)| number).collect()))
}

fn leaves(posting: &Posting) -> bool {
    posting.kind == MovementKind::StatusChange && posting.from_status == QualityStatus::Hold
}
