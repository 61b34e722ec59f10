use kernel::LotId;
use platform::audit::Entry;
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result};
use serde_json::json;

use super::{STOCK_MOVE, post};
use crate::model::{Lot, MovementKind, Posting, QualityStatus};
use crate::store::balances::BalanceQuery;
use crate::{quality, store};

/// Gives the lot a new status and moves all its stock, wherever it lies and whatever its status was, into it. No movement
/// of the lot can slip between: they wait until this transaction ends.
pub async fn change_lot_quality(tx: &mut Tx, actor: &Actor, lot: LotId, to: QualityStatus, reason: &str) -> Result<Lot> {
    actor.require(STOCK_MOVE)?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::field("reason", "must say why the status changes"));
    }
    let before = store::lots::lock_alone(tx, actor.tenant(), lot).await?;
    let before = before.ok_or_else(|| Error::not_found(format_args!("lot {lot}")))?;
    let query = BalanceQuery { lot: Some(lot.0), ..BalanceQuery::default() };
    let balances = store::balances::select(tx, actor.tenant(), &query, None, None).await?;
    let postings: Vec<Posting> = balances
        .iter()
        .filter(|balance| balance.quality_status != to)
        .map(|balance| Posting {
            kind: MovementKind::StatusChange,
            to_status: to,
            ..Posting::transfer(
                balance.item_id,
                Some(lot),
                balance.on_hand,
                balance.location_id,
                balance.location_id,
                balance.quality_status,
            )
            .with_reason(reason)
            .with_serials_in_order()
        })
        .collect();
    quality::require(actor, [(before.quality_status, to)])?;
    if postings.is_empty() && before.quality_status == to {
        return Ok(before);
    }
    post(tx, actor, &postings).await?;
    store::lots::set_quality(tx, actor.tenant(), lot, to).await?;
    let after = Lot { quality_status: to, ..before.clone() };
    tx.audit(actor, Entry::new("lot.quality", "lot", lot).before(&before).after(&after));
    let payload = json!({ "item_id": after.item_id, "quality_status": to, "movements": postings.len() });
    tx.publish(actor, Event::new("inventory.lot.changed", lot, payload));
    Ok(after)
}
