//! The pieces of a batch of postings: loaded and locked together, moved in memory, saved together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use kernel::{Env, ItemId, SerialId, TenantId};
use platform::{Error, Result};
use rust_decimal::prelude::ToPrimitive as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{MAX_SERIALS_TOGETHER, Piece, Pieces, Serials};
use super::store;
use crate::ledger::{Entry, Held, Key};
use crate::model::{LocationKind, Posted, Posting};

/// Pieces beyond the asked ones that are locked for a choice in order, in case somebody takes some of them first.
const SPARE: usize = 100;

/// Makes rows for numbers that nobody has seen, then locks all pieces that the postings name or may choose, both in the order
/// of item and number. Comes after the lots and before the balances. Without serial numbers it asks the database nothing.
pub(crate) async fn load(connection: &mut PgConnection, tenant: &TenantId, env: &Env, postings: &[&Posting]) -> Result<Pieces> {
    let mut wanted: BTreeSet<(ItemId, String)> = BTreeSet::new();
    let mut new: BTreeMap<(ItemId, String), &Posting> = BTreeMap::new();
    let mut choices: BTreeMap<Key, usize> = BTreeMap::new();
    for posting in postings {
        let comes_in = LocationKind::of_virtual(posting.from).is_some();
        for number in posting.serials.numbers() {
            let piece = (posting.item, number.clone());
            if comes_in {
                new.entry(piece.clone()).or_insert(posting);
            }
            wanted.insert(piece);
        }
        if posting.serials == Serials::InOrder {
            let Posting { item, from, lot, from_status, .. } = posting;
            let key = Key { item: *item, location: *from, lot: *lot, status: *from_status };
            *choices.entry(key).or_insert(SPARE) += posting.quantity.decimal().to_usize().unwrap_or(MAX_SERIALS_TOGETHER);
        }
    }
    if !choices.is_empty() {
        wanted.extend(store::lying(connection, tenant, &choices).await?);
    }
    if wanted.is_empty() {
        return Ok(Pieces::default());
    }
    if wanted.len() > 2 * MAX_SERIALS_TOGETHER {
        return Err(Error::conflict(format!("more than {MAX_SERIALS_TOGETHER} serial numbers would move at once; move less")));
    }
    let made: HashSet<Uuid> = if new.is_empty() { HashSet::new() } else { store::ensure(connection, tenant, env, &new).await? };
    let locked = store::lock(connection, tenant, &wanted).await?;
    let known = locked.into_iter().map(|(piece, id, at)| {
        let at = (!made.contains(&id)).then_some(at);
        (piece, Piece { id: SerialId(id), at, is_new: at.is_none(), has_moved: false })
    });
    Ok(Pieces::new(known.collect()))
}

/// Writes where the pieces are now and which movement moved them, and takes back rows that were made for refused postings.
pub(crate) async fn save(
    connection: &mut PgConnection,
    tenant: &TenantId,
    pieces: &Pieces,
    posted: &[&Posted],
    at: DateTime<Utc>,
) -> Result<()> {
    if pieces.is_empty() {
        return Ok(());
    }
    let unused: Vec<Uuid> = pieces.unused().map(|id| id.0).collect();
    if !unused.is_empty() {
        store::delete(connection, tenant, &unused).await?;
    }
    let (mut movements, mut serials) = (Vec::new(), Vec::new());
    for one in posted {
        for number in one.posting.serials.numbers() {
            let id = pieces.id(one.posting.item, number).expect("a posted number was judged, so it is in the book");
            movements.push(one.movement_id.0);
            serials.push(id.0);
        }
    }
    if serials.is_empty() {
        return Ok(());
    }
    store::write(connection, tenant, &pieces.moved().collect::<Vec<_>>(), at).await?;
    store::link(connection, tenant, &movements, &serials).await
}

/// When nothing of the batch is written: takes back the rows that were made for it.
pub(crate) async fn forget(connection: &mut PgConnection, tenant: &TenantId, pieces: &Pieces) -> Result<()> {
    let made: Vec<Uuid> = pieces.made().map(|id| id.0).collect();
    if made.is_empty() { Ok(()) } else { store::delete(connection, tenant, &made).await }
}

/// The first goods of an item in an empty balance: whether its pieces have numbers may have changed since the posting was
/// made, because that needs the item to be out of stock. Asked under a lock that the change waits for.
pub(crate) async fn refuse_outdated(
    connection: &mut PgConnection,
    tenant: &TenantId,
    postings: &[&Posting],
    entries: &[Entry],
    rows: &HashMap<Key, (Uuid, Held)>,
) -> Result<()> {
    let is_empty = |key: &Key| rows.get(key).is_none_or(|(_, held)| held.on_hand.is_zero());
    let fresh =
        postings.iter().zip(entries).filter(|(_, entry)| entry.take.is_none() && entry.give.as_ref().is_some_and(is_empty));
    let fresh: HashMap<ItemId, bool> = fresh.map(|(posting, _)| (posting.item, posting.serials != Serials::default())).collect();
    let items: Vec<ItemId> = fresh.keys().copied().collect();
    let tracked = catalog::service::serial_tracked(connection, tenant, &items).await?;
    match fresh.iter().find(|(item, named)| tracked.contains(item) != **named) {
        Some((item, _)) => Err(Error::conflict(format!(
            "whether item {item} is serial-tracked changed at this moment; load it and decide again"
        ))),
        None => Ok(()),
    }
}
