use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use kernel::{ErrorCode, FacilityId, ItemId, LocationId, LotId, MovementId, Quantity, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{STOCK_MOVE, lock_keys, lots_by_ids, places_by_ids};
use crate::ledger::Key;
use crate::model::{Place, QualityStatus};
pub use crate::store::transit::InTransit;
use crate::{reservation, serial, store};

/// Codes tried for the place, should a storage place have the first.
const CODES: [&str; 4] = ["IN-TRANSIT", "IN-TRANSIT-2", "IN-TRANSIT-3", "IN-TRANSIT-4"];

/// Released goods that a transfer may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Free {
    pub item: ItemId,
    pub lot: Option<LotId>,
    pub location: LocationId,
    pub expires_on: Option<NaiveDate>,
    pub available: Quantity,
}

/// For the context that moves goods between facilities: where what is on its way to `facility` is booked, made on first use.
pub async fn transit_place(tx: &mut Tx, actor: &Actor, facility: FacilityId, facility_code: &str) -> Result<Place> {
    actor.require(STOCK_MOVE)?;
    let tenant = actor.tenant();
    for code in CODES {
        if let Some(id) = store::transit::find(tx, tenant, facility).await? {
            let place = places_by_ids(tx, tenant, &[id]).await?.remove(&id);
            return place.ok_or_else(|| Error::not_found(format_args!("location {id}")));
        }
        store::transit::insert(tx, tenant, LocationId(actor.env.new_id()), facility, facility_code, code).await?;
    }
    match store::transit::find(tx, tenant, facility).await? {
        Some(id) => Ok(places_by_ids(tx, tenant, &[id]).await?.remove(&id).expect("it was found a moment ago")),
        None => Err(Error::new(
            ErrorCode::Conflict,
            format!("facility {facility_code:?} uses the codes {} for its own locations; rename one", CODES.join(", ")),
        )),
    }
}

/// For the same context: released, unreserved goods of the items in storage places of the facility, locked until the transaction
/// ends, the first to expire first, then the first received, then by place. Lots that have expired are left out.
///
/// Locks the goods that are `named` too, and all that may come to `transit` from here, so that shipping them waits for nothing more.
pub async fn lock_free(
    tx: &mut Tx,
    actor: &Actor,
    facility: FacilityId,
    items: &[ItemId],
    named: &[Key],
    transit: LocationId,
) -> Result<Vec<Free>> {
    actor.require(STOCK_MOVE)?;
    let tenant = actor.tenant();
    let items: Vec<Uuid> = items.iter().map(|id| id.0).collect::<BTreeSet<_>>().into_iter().collect();
    let mut keys = store::transit::candidates(tx, tenant, facility, &items).await?;
    keys.sort_unstable();
    let leaving: BTreeSet<Key> = keys.iter().chain(named).copied().collect();
    let coming: BTreeSet<Key> = leaving.iter().map(|key| Key { location: transit, ..*key }).collect();
    let mut held = lock_keys(tx, actor, &leaving, &coming).await?;
    reservation::service::free_all_expired(tx, &actor.env, &mut held).await?;
    let lots: Vec<LotId> = keys.iter().filter_map(|key| key.lot).collect::<BTreeSet<_>>().into_iter().collect();
    let lots = lots_by_ids(tx, tenant, &lots).await?;
    let today = actor.env.now().date_naive();
    let mut free = Vec::with_capacity(keys.len());
    for key in &keys {
        let Some((_, held)) = held.get(key) else { continue };
        let lot = key.lot.and_then(|lot| lots.get(&lot));
        let expires_on = lot.and_then(|lot| lot.expires_on);
        let available = held.on_hand - held.reserved;
        if available > Quantity::ZERO && expires_on.is_none_or(|day| day >= today) {
            let order = (expires_on.unwrap_or(NaiveDate::MAX), lot.map(|lot| lot.received_at), key.location);
            free.push((order, Free { item: key.item, lot: key.lot, location: key.location, expires_on, available }));
        }
    }
    free.sort_by_key(|(order, _)| *order);
    Ok(free.into_iter().map(|(_, one)| one).collect())
}

/// For the same context: the pieces that each shipment brought into transit and that are there still, in the order of their
/// numbers, with the status that they have by now. Shipments of goods without serial numbers are absent.
pub async fn shipped(
    connection: &mut PgConnection,
    tenant: &TenantId,
    movements: &[MovementId],
) -> Result<HashMap<MovementId, Vec<(String, QualityStatus)>>> {
    let ids: Vec<Uuid> = movements.iter().map(|id| id.0).collect();
    serial::still_there(connection, tenant, &ids).await
}

/// For checks and lists of the same context, which have authorised: everything in transit, of all tenants when none is given.
pub async fn in_transit(connection: &mut PgConnection, tenant: Option<&TenantId>) -> Result<Vec<InTransit>> {
    store::transit::balances(connection, tenant.map(TenantId::as_str)).await
}
