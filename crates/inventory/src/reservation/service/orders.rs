//! Promises in numbers, for contexts that pick orders: bound line by line, taken or given back place by place.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use kernel::{FacilityId, ItemId, LocationId, LotId, MovementId, Quantity, ReservationId, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::losses::expire_on;
use super::reserve::good_on;
use super::{STOCK_RESERVE, end_parts, require_open, tell};
use crate::ledger::Key;
use crate::model::{Posting, QualityStatus};
use crate::reservation::model::{
    Allocation, Candidate, Ending, Reservation, ReservationKind, ReservationState, Strategy, choose,
};
use crate::reservation::store::{self, Bond, Scope};
use crate::serial::Serials;

/// Goods of one item, in its base unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub item: ItemId,
    pub quantity: Quantity,
}

/// What all promises of one call have in common.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub facility: FacilityId,
    /// The goods must be good until then.
    pub needed_at: Option<DateTime<Utc>>,
    /// 0 to 1000.
    pub priority: i32,
    pub reference: &'a str,
    /// Places whose goods are not taken.
    pub avoid: &'a BTreeSet<LocationId>,
}

/// Goods in one place that a promise binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    pub reservation: ReservationId,
    pub item: ItemId,
    pub location: LocationId,
    pub lot: Option<LotId>,
    pub quantity: Quantity,
}

/// What was bound of a [`Wanted`], the first to expire first; empty where nothing was free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    pub goods: Vec<Bound>,
}

impl Granted {
    pub fn quantity(&self) -> Quantity {
        self.goods.iter().map(|one| one.quantity).sum()
    }
}

/// Binds what is free of each, the first to expire first and as much as there is; the answers are in the order of `wanted`.
pub async fn reserve_each(tx: &mut Tx, actor: &Actor, terms: &Terms<'_>, wanted: &[Wanted]) -> Result<Vec<Granted>> {
    actor.require(STOCK_RESERVE)?;
    let now = actor.env.now();
    let items: BTreeSet<Uuid> = wanted.iter().map(|one| one.item.0).collect();
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let scope = Scope {
        items: items.into_iter().collect(),
        facility: Some(terms.facility),
        location: None,
        lot: None,
        good_on: good_on(terms.needed_at, now),
    };
    let mut candidates = store::lock_candidates(tx, actor.tenant(), &scope).await?;
    candidates.retain(|one| !terms.avoid.contains(&one.location_id));
    free_expired(tx, actor, wanted, &mut candidates).await?;
    let (mut made, mut bonds) = (Vec::new(), Vec::new());
    for one in wanted {
        let reservation = reservation(actor, terms, one);
        let bound = bind(reservation.reservation_id, one, &mut candidates);
        let quantity: Quantity = bound.iter().map(|bond| bond.quantity).sum();
        if !quantity.is_zero() {
            made.push(Reservation { quantity, open: quantity, ..reservation });
        }
        bonds.push(bound);
    }
    store::insert(tx, actor.tenant(), &made).await?;
    store::bind(tx, actor.tenant(), &bonds.concat(), now).await?;
    made.iter().for_each(|one| tell(tx, actor, "reservation.create", None, one));
    granted(tx, actor.tenant(), wanted, &bonds).await
}

/// Where less is free than wanted, what expired becomes free.
async fn free_expired(tx: &mut Tx, actor: &Actor, wanted: &[Wanted], candidates: &mut [Candidate]) -> Result<()> {
    let mut missing: HashMap<ItemId, Quantity> = HashMap::new();
    for one in wanted {
        *missing.entry(one.item).or_default() += one.quantity;
    }
    for one in candidates.iter() {
        if let Some(missing) = missing.get_mut(&one.item_id) {
            *missing -= one.free;
        }
    }
    let is_short = |one: &&Candidate| missing.get(&one.item_id).is_some_and(|missing| *missing > Quantity::ZERO);
    let short: Vec<Uuid> = candidates.iter().filter(is_short).map(|one| one.balance_id).collect();
    if short.is_empty() {
        return Ok(());
    }
    let freed = expire_on(tx, &actor.env, &short).await?;
    for one in candidates {
        one.free += freed.get(&one.balance_id).copied().unwrap_or_default();
    }
    Ok(())
}

fn reservation(actor: &Actor, terms: &Terms<'_>, one: &Wanted) -> Reservation {
    let now = actor.env.now();
    Reservation {
        reservation_id: ReservationId(actor.env.new_id()),
        kind: ReservationKind::Hard,
        state: ReservationState::Active,
        item_id: one.item,
        facility_id: Some(terms.facility),
        location_id: None,
        lot_id: None,
        strategy: Strategy::Fefo,
        quantity: one.quantity,
        open: one.quantity,
        fulfilled: Quantity::ZERO,
        released: Quantity::ZERO,
        shortage: Quantity::ZERO,
        priority: terms.priority,
        reference: terms.reference.to_owned(),
        needed_at: terms.needed_at,
        expires_at: None,
        created_by: actor.principal.user,
        created_at: now,
        updated_at: now,
    }
}

/// Takes what it binds off what is free.
fn bind(id: ReservationId, wanted: &Wanted, candidates: &mut [Candidate]) -> Vec<Bond> {
    let own: Vec<usize> = (0..candidates.len()).filter(|index| candidates[*index].item_id == wanted.item).collect();
    let offered: Vec<Candidate> = own.iter().map(|index| candidates[*index].clone()).collect();
    let choices = choose(Strategy::Fefo, None, wanted.quantity, &offered);
    let bonds = super::reserve::bonds(id, &offered, &choices);
    for choice in choices {
        let candidate = &mut candidates[own[choice.index]];
        candidate.free -= choice.quantity;
    }
    bonds
}

async fn granted(tx: &mut Tx, tenant: &TenantId, wanted: &[Wanted], bonds: &[Vec<Bond>]) -> Result<Vec<Granted>> {
    let ids: Vec<Uuid> = bonds.iter().filter_map(|bonds| bonds.first()).map(|bond| bond.reservation_id.0).collect();
    let allocations = store::allocations(tx, tenant, &ids).await?;
    let grant = |(wanted, bonds): (&Wanted, &Vec<Bond>)| {
        let id = bonds.first().map(|bond| bond.reservation_id);
        let own = allocations.iter().filter(|one| Some(one.reservation_id) == id);
        Granted { goods: own.map(|one| bound(wanted.item, one)).collect() }
    };
    Ok(wanted.iter().zip(bonds).map(grant).collect())
}

fn bound(item: ItemId, one: &Allocation) -> Bound {
    Bound { reservation: one.reservation_id, item, location: one.location_id, lot: one.lot_id, quantity: one.quantity }
}

/// What open HARD promises under these references bind, by promise and then in the order in which goods are taken.
///
/// For other contexts, which have authorised already.
pub async fn bound_under(
    connection: &mut PgConnection,
    tenant: &TenantId,
    references: &[String],
    now: DateTime<Utc>,
) -> Result<Vec<(String, Bound)>> {
    let open = store::open_under(connection, tenant, references, now).await?;
    let ids: Vec<Uuid> = open.iter().map(|one| one.reservation_id.0).collect();
    let open: HashMap<ReservationId, Reservation> = open.into_iter().map(|one| (one.reservation_id, one)).collect();
    let allocations = if ids.is_empty() { Vec::new() } else { store::allocations(connection, tenant, &ids).await? };
    let named = |one: &Allocation| {
        let reservation = open.get(&one.reservation_id)?;
        Some((reservation.reference.clone(), bound(reservation.item_id, one)))
    };
    Ok(allocations.iter().filter_map(named).collect())
}

/// What could be bound now of each item in a facility, away from the places to avoid; items without are absent.
///
/// For other contexts, which have authorised already.
pub async fn free_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    items: &[ItemId],
    avoid: &BTreeSet<LocationId>,
    now: DateTime<Utc>,
) -> Result<HashMap<ItemId, Quantity>> {
    let items: Vec<Uuid> = items.iter().map(|item| item.0).collect();
    let avoid: Vec<Uuid> = avoid.iter().map(|place| place.0).collect();
    store::free_of(connection, tenant, facility, &items, &avoid, now).await
}

/// Bound goods that leave their place now.
#[derive(Clone, Debug)]
pub struct Taken {
    pub goods: Bound,
    /// The pieces, of a serial-tracked item.
    pub serials: Serials,
}

/// Locks lots and pieces of bound goods, for callers who bind other goods before they [`take`] these: locks of balances come after.
pub async fn lock_goods(tx: &mut Tx, tenant: &TenantId, goods: &[Bound]) -> Result<()> {
    let lots: BTreeSet<Uuid> = goods.iter().filter_map(|one| one.lot).map(|lot| lot.0).collect();
    if !lots.is_empty() {
        crate::store::lots::lock_by_id(tx, tenant, &lots.into_iter().collect::<Vec<_>>()).await?;
    }
    crate::service::lock_pieces(tx, tenant, goods.iter().map(|one| (one.item, one.location))).await
}

/// Takes bound goods out of their places: issued to the customer, which fulfils that part of the promise; or brought `to` another
/// place, where the promise binds them then. Answers one movement for each, in their order.
///
/// What a promise does not bind any more in the place named is a conflict.
pub async fn take(
    tx: &mut Tx,
    actor: &Actor,
    taken: &[Taken],
    to: Option<LocationId>,
    reference: &str,
) -> Result<Vec<MovementId>> {
    actor.require(STOCK_RESERVE)?;
    actor.require(crate::service::STOCK_MOVE)?;
    let goods: Vec<Bound> = taken.iter().map(|one| one.goods).collect();
    let held = hold(tx, actor, &goods, to).await?;
    let parts = held.parts(actor, &goods)?;
    let released = QualityStatus::Released;
    let postings: Vec<Posting> = taken
        .iter()
        .map(|Taken { goods, serials }| {
            let posting = match to {
                None => Posting::issue(goods.item, goods.lot, goods.quantity, goods.location),
                Some(to) => Posting::transfer(goods.item, goods.lot, goods.quantity, goods.location, to, released),
            };
            let posting = Posting { serials: serials.clone(), ..posting };
            posting.with_reference(reference).with_reason(format!("reservation {}", goods.reservation))
        })
        .collect();
    match to {
        None => drop(end_parts(tx, actor, held.reservations, &parts, Ending::Fulfilled).await?),
        Some(_) => store::loosen(tx, actor.tenant(), &parts, actor.env.now()).await?,
    }
    let posted = crate::service::post(tx, actor, &postings).await?;
    if let Some(to) = to {
        let bound = rebound(&goods, to, &held.balances)?;
        store::bind(tx, actor.tenant(), &bound, actor.env.now()).await?;
    }
    Ok(posted.into_iter().map(|one| one.movement_id).collect())
}

/// Frees bound goods where they lie. What is not bound there any more is left alone.
pub async fn give_back(tx: &mut Tx, actor: &Actor, goods: &[Bound]) -> Result<()> {
    actor.require(STOCK_RESERVE)?;
    let held = hold(tx, actor, goods, None).await?;
    let goods: Vec<Bound> = goods
        .iter()
        .map(|one| Bound { quantity: one.quantity.min(held.bound(one)), ..*one })
        .filter(|one| !one.quantity.is_zero())
        .collect();
    let parts = merged(&goods, &held.balances)?;
    let touched: BTreeSet<ReservationId> = parts.iter().map(|part| part.reservation_id).collect();
    let reservations = held.reservations.into_iter().filter(|one| touched.contains(&one.reservation_id)).collect();
    end_parts(tx, actor, reservations, &parts, Ending::Released).await.map(drop)
}

/// Promises that this transaction alone may change, and what they bind in the places named.
struct HeldGoods {
    reservations: Vec<Reservation>,
    allocations: Vec<Allocation>,
    balances: BTreeMap<Key, Uuid>,
}

fn key(one: &Bound, location: LocationId) -> Key {
    Key { item: one.item, location, lot: one.lot, status: QualityStatus::Released }
}

/// Lots, pieces, balances (those that goods go to are made), and then the promises.
async fn hold(tx: &mut Tx, actor: &Actor, goods: &[Bound], to: Option<LocationId>) -> Result<HeldGoods> {
    let tenant = actor.tenant();
    let leaving: BTreeSet<Key> = goods.iter().map(|one| key(one, one.location)).collect();
    let receiving: BTreeSet<Key> = to.into_iter().flat_map(|to| goods.iter().map(move |one| key(one, to))).collect();
    let locked = crate::service::lock_keys(tx, actor, &leaving, &receiving).await?;
    let ids: BTreeSet<Uuid> = goods.iter().map(|one| one.reservation.0).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let reservations = store::lock(tx, tenant, &ids).await?;
    let allocations = store::allocations(tx, tenant, &ids).await?;
    Ok(HeldGoods { reservations, allocations, balances: locked.into_iter().map(|(key, (id, _))| (key, id)).collect() })
}

impl HeldGoods {
    /// How much of the goods is still bound where the caller believes them.
    fn bound(&self, one: &Bound) -> Quantity {
        let found = self.allocations.iter().find(|allocation| {
            (allocation.reservation_id, allocation.location_id, allocation.lot_id) == (one.reservation, one.location, one.lot)
        });
        found.map_or(Quantity::ZERO, |allocation| allocation.quantity)
    }

    /// The bonds that the goods are, provided that they are bound.
    fn parts(&self, actor: &Actor, goods: &[Bound]) -> Result<Vec<Bond>> {
        for one in &self.reservations {
            require_open(actor, one)?;
        }
        let mut left: HashMap<(ReservationId, LocationId, Option<LotId>), Quantity> = HashMap::new();
        for one in goods {
            let left = left.entry((one.reservation, one.location, one.lot)).or_insert_with(|| self.bound(one));
            if one.quantity > *left {
                let detail = format!("only {left} of the {} wanted are still bound there; others have moved them", one.quantity);
                return Err(Error::conflict(detail));
            }
            *left -= one.quantity;
        }
        merged(goods, &self.balances)
    }
}

/// One bond for each promise and balance.
fn merged(goods: &[Bound], balances: &BTreeMap<Key, Uuid>) -> Result<Vec<Bond>> {
    bonds(goods.iter().map(|one| (one, key(one, one.location))), balances)
}

fn rebound(goods: &[Bound], to: LocationId, balances: &BTreeMap<Key, Uuid>) -> Result<Vec<Bond>> {
    bonds(goods.iter().map(|one| (one, key(one, to))), balances)
}

fn bonds<'a>(goods: impl Iterator<Item = (&'a Bound, Key)>, balances: &BTreeMap<Key, Uuid>) -> Result<Vec<Bond>> {
    let mut bonds: BTreeMap<(ReservationId, Uuid), Bond> = BTreeMap::new();
    for (one, key) in goods {
        let balance = balances.get(&key).ok_or_else(|| Error::internal("a balance that holds bound goods is missing"))?;
        let bond = Bond { reservation_id: one.reservation, balance_id: *balance, position: 0, quantity: Quantity::ZERO };
        bonds.entry((one.reservation, *balance)).or_insert(bond).quantity += one.quantity;
    }
    Ok(bonds.into_values().collect())
}
