//! What the ledger asks of promises when stock moves. The balances are locked, in the ledger's order.

use std::collections::HashMap;

use kernel::{Env, Quantity, ReservationId};
use platform::Result;
use platform::auth::Actor;
use platform::database::Tx;
use uuid::Uuid;

use super::end_parts;
use crate::ledger::{Entry, Held, Key};
use crate::model::Posted;
use crate::reservation::model::{self, BrokenReservation, Ending, Reservation};
use crate::reservation::store::{self, Bond};

/// Who takes back what expired, whoever's request it was that noticed.
pub(super) fn clockwork(tx: &Tx, env: &Env) -> Actor {
    Actor::system(tx.tenant().clone(), env.clone(), "reservation expiry")
}

/// Takes back what overdue reservations bind of these locked balances; answers how much of which became free.
pub(super) async fn expire_on(tx: &mut Tx, env: &Env, balances: &[Uuid]) -> Result<HashMap<Uuid, Quantity>> {
    let actor = clockwork(tx, env);
    let now = env.now();
    let claims = store::claims(tx, actor.tenant(), balances, Some(now)).await?;
    let mut ids: Vec<Uuid> = claims.iter().map(|claim| claim.reservation_id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    // Somebody may have prolonged one before it was locked.
    let mut overdue = store::lock(tx, actor.tenant(), &ids).await?;
    overdue.retain(|one| one.is_overdue(now));
    let is_overdue = |id: ReservationId| overdue.iter().any(|one| one.reservation_id == id);
    let parts: Vec<Bond> = claims
        .into_iter()
        .filter(|claim| is_overdue(claim.reservation_id))
        .map(|claim| Bond {
            reservation_id: claim.reservation_id,
            balance_id: claim.balance_id,
            position: 0,
            quantity: claim.quantity,
        })
        .collect();
    if parts.is_empty() {
        return Ok(HashMap::new());
    }
    let mut freed: HashMap<Uuid, Quantity> = HashMap::new();
    for part in &parts {
        *freed.entry(part.balance_id).or_default() += part.quantity;
    }
    end_parts(tx, &actor, overdue, &parts, Ending::Expired).await?;
    Ok(freed)
}

/// Before the ledger decides: where the entries take more than is free, what expired there becomes free. Costs nothing where
/// enough is.
pub(crate) async fn free_expired(tx: &mut Tx, env: &Env, rows: &mut HashMap<Key, (Uuid, Held)>, entries: &[Entry]) -> Result<()> {
    let mut asked: HashMap<Key, Quantity> = HashMap::new();
    for entry in entries {
        if let Some(key) = entry.take {
            *asked.entry(key).or_default() += entry.quantity;
        }
    }
    let is_short = |key: &Key, held: &Held| {
        !held.reserved.is_zero() && asked.get(key).is_some_and(|asked| *asked > held.on_hand - held.reserved)
    };
    let short: Vec<Uuid> = rows.iter().filter(|(key, (_, held))| is_short(key, held)).map(|(_, (id, _))| *id).collect();
    if short.is_empty() {
        return Ok(());
    }
    free_on(tx, env, rows, &short).await
}

/// The same for whoever takes all that is free: what expired on any of these locked balances becomes free.
pub(crate) async fn free_all_expired(tx: &mut Tx, env: &Env, rows: &mut HashMap<Key, (Uuid, Held)>) -> Result<()> {
    let bound: Vec<Uuid> = rows.values().filter(|(_, held)| !held.reserved.is_zero()).map(|(id, _)| *id).collect();
    if bound.is_empty() { Ok(()) } else { free_on(tx, env, rows, &bound).await }
}

async fn free_on(tx: &mut Tx, env: &Env, rows: &mut HashMap<Key, (Uuid, Held)>, balances: &[Uuid]) -> Result<()> {
    let freed = expire_on(tx, env, balances).await?;
    for (id, held) in rows.values_mut() {
        held.reserved -= freed.get(id).copied().unwrap_or_default();
    }
    Ok(())
}

/// After the ledger decided and before balances are written: takes the reserved goods that accepted movements need from the promises,
/// the lowest priority and then the newest first, and tells each movement whom it cost what.
pub(crate) async fn give_way(tx: &mut Tx, rows: &HashMap<Key, (Uuid, Held)>, posted: &mut [(&Actor, &mut Posted)]) -> Result<()> {
    let balance_of = |one: &Posted| Entry::of(&one.posting).take.and_then(|key| rows.get(&key)).map(|(id, _)| *id);
    let mut breaking: Vec<(&Actor, &mut Posted, Uuid)> = posted
        .iter_mut()
        .filter(|(_, one)| !one.broken.is_zero())
        .filter_map(|(actor, one)| balance_of(one).map(|balance| (*actor, &mut **one, balance)))
        .collect();
    let Some((first, ..)) = breaking.first() else { return Ok(()) };
    let tenant = first.tenant().clone();
    let balances: Vec<Uuid> = breaking.iter().map(|(.., balance)| *balance).collect();
    let mut claims = store::claims(tx, &tenant, &balances, None).await?;
    let mut ids: Vec<Uuid> = claims.iter().map(|claim| claim.reservation_id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let locked = store::lock(tx, &tenant, &ids).await?;
    let mut held: HashMap<ReservationId, Reservation> = locked.into_iter().map(|one| (one.reservation_id, one)).collect();
    for (actor, one, balance) in &mut breaking {
        let given = model::give_way(&mut claims, *balance, one.broken);
        let bond = |(id, quantity): &(ReservationId, Quantity)| Bond {
            reservation_id: *id,
            balance_id: *balance,
            position: 0,
            quantity: *quantity,
        };
        let parts: Vec<Bond> = given.iter().map(bond).collect();
        let losers: Vec<Reservation> = given.iter().filter_map(|(id, _)| held.get(id).cloned()).collect();
        let after = end_parts(tx, actor, losers, &parts, Ending::Lost).await?;
        one.released_reservations = after.iter().map(|after| broken(after, &parts)).collect();
        held.extend(after.into_iter().map(|after| (after.reservation_id, after)));
    }
    Ok(())
}

fn broken(after: &Reservation, parts: &[Bond]) -> BrokenReservation {
    let lost: Quantity = parts.iter().filter(|part| part.reservation_id == after.reservation_id).map(|part| part.quantity).sum();
    BrokenReservation {
        reservation_id: after.reservation_id.0,
        reference: after.reference.clone(),
        quantity: lost.decimal().normalize().to_string(),
        shortage: after.shortage.decimal().normalize().to_string(),
    }
}
