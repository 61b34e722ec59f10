//! Locks taken before a posting, in the order in which the posting takes them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::{ItemId, LocationId, TenantId};
use platform::Result;
use platform::auth::Actor;
use platform::database::Tx;
use uuid::Uuid;

use super::STOCK_MOVE;
use crate::ledger::{self, Entry, Held, Key};
use crate::model::Posting;
use crate::serial::MAX_SERIALS_TOGETHER;
use crate::{serial, store};

/// For contexts that post in several steps: locks what all of the postings touch, so that no step waits for anything more.
pub async fn lock_moves(tx: &mut Tx, actor: &Actor, postings: &[Posting]) -> Result<()> {
    if postings.is_empty() {
        return Ok(());
    }
    actor.require(STOCK_MOVE)?;
    let entries: Vec<Entry> = postings.iter().map(Entry::of).collect();
    let leaving: BTreeSet<Key> = entries.iter().filter_map(|entry| entry.take).collect();
    let (_, receiving) = ledger::keys(&entries);
    lock_keys(tx, actor, &leaving, &receiving.into_iter().collect()).await.map(drop)
}

/// Locks lots, then the pieces that lie where goods leave, then the balances of both sides, making those that are to receive.
pub(crate) async fn lock_keys(
    tx: &mut Tx,
    actor: &Actor,
    leaving: &BTreeSet<Key>,
    receiving: &BTreeSet<Key>,
) -> Result<HashMap<Key, (Uuid, Held)>> {
    let tenant = actor.tenant();
    let all: BTreeSet<Key> = leaving.union(receiving).copied().collect();
    let lots: BTreeSet<Uuid> = all.iter().filter_map(|key| key.lot).map(|lot| lot.0).collect();
    if !lots.is_empty() {
        store::lots::lock_by_id(tx, tenant, &lots.into_iter().collect::<Vec<_>>()).await?;
    }
    lock_pieces(tx, tenant, leaving.iter().map(|key| (key.item, key.location))).await?;
    if !receiving.is_empty() {
        store::balances::ensure(tx, tenant, &actor.env, &receiving.iter().copied().collect::<Vec<_>>()).await?;
    }
    store::balances::lock(tx, tenant, &all.into_iter().collect::<Vec<_>>()).await
}

/// Locks the pieces that lie where goods of serial-tracked items leave; of other items there are none.
pub(crate) async fn lock_pieces(
    tx: &mut Tx,
    tenant: &TenantId,
    leaving: impl Iterator<Item = (ItemId, LocationId)>,
) -> Result<()> {
    let mut places: BTreeMap<ItemId, BTreeSet<Uuid>> = BTreeMap::new();
    for (item, place) in leaving {
        places.entry(item).or_default().insert(place.0);
    }
    let items: Vec<ItemId> = places.keys().copied().collect();
    let items = catalog::service::items_by_ids(tx, tenant, &items).await?;
    for (item, places) in places {
        if items.get(&item).is_some_and(|item| item.serial_tracked) {
            let places: Vec<Uuid> = places.into_iter().collect();
            serial::lock_lying(tx, tenant, item, &places, MAX_SERIALS_TOGETHER).await?;
        }
    }
    Ok(())
}
