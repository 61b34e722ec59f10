use kernel::{LotId, Quantity};
use platform::audit::Entry;
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{STOCK_MOVE, post};
use crate::model::{BalanceRow, Lot, MovementKind, Posting, QualityStatus};
use crate::serial::{MAX_SERIALS, Serials, lock_lying};
use crate::store::balances::BalanceQuery;
use crate::{hold, quality, store};

/// Pieces that lie where the lot lies; more cannot be locked together.
const MAX_PIECES: usize = 50_000;

/// What one balance gives.
struct Share<'a> {
    of: &'a BalanceRow,
    quantity: Quantity,
    serials: Serials,
}

/// The lot as the audit shows it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    lot: &'a Lot,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_in_hold: Option<Quantity>,
}

/// Gives the lot a new status and moves its stock, wherever it lies and whatever its status was, into it. Only what holds claim
/// stays in HOLD until the decision about its hold; the audit says as `left_in_hold` how much that is. No movement of the lot can
/// slip between: they wait until this transaction ends.
pub async fn change_lot_quality(tx: &mut Tx, actor: &Actor, lot: LotId, to: QualityStatus, reason: &str) -> Result<Lot> {
    actor.require(STOCK_MOVE)?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::field("reason", "must say why the status changes"));
    }
    let before = store::lots::lock_alone(tx, actor.tenant(), lot).await?;
    let before = before.ok_or_else(|| Error::not_found(format_args!("lot {lot}")))?;
    let query = BalanceQuery { lot: Some(lot.0), ..BalanceQuery::default() };
    let mut balances = store::balances::select(tx, actor.tenant(), &query, None, None).await?;
    balances.retain(|balance| balance.quality_status != to);
    let (shares, left) = shares(tx, actor, &before, &balances).await?;
    let posting = |Share { of, quantity, serials }: Share<'_>| Posting {
        kind: MovementKind::StatusChange,
        to_status: to,
        serials,
        ..Posting::transfer(of.item_id, Some(lot), quantity, of.location_id, of.location_id, of.quality_status)
            .with_reason(reason)
    };
    let postings: Vec<Posting> = shares.into_iter().map(posting).collect();
    quality::require(actor, [(before.quality_status, to)])?;
    if postings.is_empty() && before.quality_status == to {
        return Ok(before);
    }
    post(tx, actor, &postings).await?;
    store::lots::set_quality(tx, actor.tenant(), lot, to).await?;
    let after = Lot { quality_status: to, ..before.clone() };
    let told = Told { lot: &after, left_in_hold: Some(left).filter(|left| !left.is_zero()) };
    tx.audit(actor, Entry::new("lot.quality", "lot", lot).before(&before).after(&told));
    let payload = json!({ "item_id": after.item_id, "quality_status": to, "movements": postings.len() });
    tx.publish(actor, Event::new("inventory.lot.changed", lot, payload));
    Ok(after)
}

/// All of each balance, but of stock in HOLD only what no hold claims; answers how much holds keep there.
async fn shares<'a>(tx: &mut Tx, actor: &Actor, lot: &Lot, balances: &'a [BalanceRow]) -> Result<(Vec<Share<'a>>, Quantity)> {
    let all = |of: &'a BalanceRow| Share { of, quantity: of.on_hand, serials: Serials::InOrder };
    let (held, others): (Vec<&BalanceRow>, Vec<&BalanceRow>) =
        balances.iter().partition(|row| row.quality_status == QualityStatus::Hold);
    let mut shares: Vec<Share<'a>> = others.into_iter().map(all).collect();
    if held.is_empty() {
        return Ok((shares, Quantity::ZERO));
    }
    let in_hold: Quantity = held.iter().map(|row| row.on_hand).sum();
    let (mut free, claimed) = hold::unclaimed_of(tx, actor.tenant(), lot.item_id, lot.lot_id).await?;
    if free >= in_hold {
        shares.extend(held.into_iter().map(all));
        return Ok((shares, Quantity::ZERO));
    }
    let is_tracked = !catalog::service::serial_tracked(tx, actor.tenant(), &[lot.item_id]).await?.is_empty();
    let places: Vec<Uuid> = balances.iter().map(|row| row.location_id.0).collect();
    let lying = match is_tracked {
        true => lock_lying(tx, actor.tenant(), lot.item_id, &places, MAX_PIECES).await?,
        false => Vec::new(),
    };
    let before = free;
    for of in held {
        if is_tracked {
            let lies_there = |key: &crate::ledger::Key| {
                key.lot == of.lot_id && key.location == of.location_id && key.status == of.quality_status
            };
            let most = usize::try_from(free.micro() / 1_000_000).unwrap_or(usize::MAX);
            let numbers = lying.iter().filter(|(number, key)| lies_there(key) && !claimed.contains(number));
            let numbers: Vec<String> = numbers.map(|(number, _)| number.clone()).take(most).collect();
            free -= Quantity::from_db(Decimal::from(numbers.len()));
            shares.extend(numbers.chunks(MAX_SERIALS).map(|part| Share {
                of,
                quantity: Quantity::from_db(Decimal::from(part.len())),
                serials: Serials::Named(part.to_vec()),
            }));
        } else {
            let quantity = of.on_hand.min(free);
            free -= quantity;
            shares.extend((!quantity.is_zero()).then_some(Share { of, quantity, serials: Serials::InOrder }));
        }
    }
    Ok((shares, in_hold - (before - free)))
}
