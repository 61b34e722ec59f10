//! Deciding about blocked stock.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{ErrorCode, FieldError, HoldId, Quantity};
use platform::audit::Entry;
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

use super::model::{Decision, Disposition, HoldDecision, HoldLine, HoldState, MAX_LINES, locate};
use super::service::{self, HOLDS_DECIDE, Whole, texts};
use super::store;
use crate::ledger::Key;
use crate::model::{MovementKind, Posting, QualityStatus, SCRAP};
use crate::serial::{self, Serials};
use crate::service::{STOCK_ADJUST, places_by_ids, post_decided};
use crate::store::balances::{self, BalanceQuery};
use crate::{model::BalanceRow, quality};

/// Goods of one line that leave the hold.
struct Share {
    line_no: i32,
    former: QualityStatus,
    at: Key,
    quantity: Quantity,
    serials: Vec<String>,
}

/// Gives held stock back what it was (or another status), rejects or scraps it, wherever it lies by now. What other movements
/// took out of HOLD meanwhile is told as missing when everything is decided, and refused when a quantity or pieces are named.
pub async fn decide(tx: &mut Tx, actor: &Actor, id: HoldId, input: &Decision) -> Result<Whole> {
    actor.require(HOLDS_DECIDE)?;
    let (quantity, serials) = read(actor, input)?;
    if !store::lock(tx, actor.tenant(), id).await? {
        return Err(Error::not_found(format_args!("hold {id}")));
    }
    let before = service::whole(tx, actor, id).await?;
    if before.hold.row.state == HoldState::Closed {
        return Err(Error::conflict("everything of the hold is decided already"));
    }
    let open: Vec<HoldLine> = before.lines.into_iter().filter(|line| !line.remaining.is_zero()).collect();
    let remaining = before.hold.row.remaining;
    let wanted = quantity.unwrap_or(remaining);
    if wanted > remaining {
        return Err(Error::conflict(format!("{remaining} are left of the hold, {wanted} asked")).at("quantity"));
    }
    let is_tracked = is_tracked(tx, actor, &open).await?;
    if !serials.is_empty() && !is_tracked {
        return Err(Error::field("serials", "must be absent: the item is not serial-tracked"));
    }
    let there = lock(tx, actor, &open, input, is_tracked).await?;
    let (shares, wants) = match is_tracked {
        true => pieces(tx, actor, &open, &serials, quantity).await?,
        false => amounts(&open, wanted, there),
    };
    let total = shares.iter().fold(Quantity::ZERO, |sum, share| sum + share.quantity);
    if total < wanted && (quantity.is_some() || !serials.is_empty()) {
        let detail =
            format!("{total} of {wanted} are still in HOLD; other movements took the rest. Decide about all that is left");
        return Err(Error::new(ErrorCode::StockInsufficient, detail).at("quantity"));
    }
    refuse_transit(tx, actor, input, &shares).await?;
    settle(tx, actor, id, &open, &wants).await?;
    let postings = shares.iter().map(|share| posting(share, input, id)).collect::<Result<Vec<_>>>()?;
    quality::require(actor, shares.iter().filter_map(|share| Some((share.former, target(share, input)?))))?;
    if !postings.is_empty() {
        post_decided(tx, actor, &postings).await?;
    }
    if wanted == remaining {
        store::close(tx, actor.tenant(), id, actor.env.now()).await?;
    }
    let decision = HoldDecision {
        decision_id: actor.env.new_id(),
        disposition: input.disposition,
        quantity: total,
        missing: wanted - total,
        reason: input.reason.trim().to_owned(),
        decided_at: actor.env.now(),
        decided_by: actor.principal.user,
    };
    store::insert_decision(tx, actor.tenant(), id, &decision).await?;
    let told =
        json!({ "disposition": input.disposition, "quantity": total, "missing": decision.missing, "reason": decision.reason });
    tx.audit(actor, Entry::new("hold.decide", "hold", id).after(&told));
    let after = service::whole(tx, actor, id).await?;
    service::announce(tx, actor, &after.hold.row);
    Ok(after)
}

fn read(actor: &Actor, input: &Decision) -> Result<(Option<Quantity>, Vec<String>)> {
    let mut faults = texts(&input.reason, None);
    let quantity = service::quantity(input.quantity.as_ref(), &mut faults);
    let serials = serial::read(input.serials.as_deref()).unwrap_or_else(|fault| {
        faults.push(fault);
        Vec::new()
    });
    if input.to_status.is_some() && input.disposition != Disposition::Release {
        faults.push(FieldError::new("to_status", "is for the disposition RELEASE only"));
    }
    if input.to_status == Some(QualityStatus::Hold) {
        faults.push(FieldError::new("to_status", "must be another status than HOLD"));
    }
    let count = u32::try_from(serials.len()).map(Quantity::from).ok().filter(|count| !count.is_zero());
    if let (Some(count), Some(quantity)) = (count, quantity)
        && count != quantity
    {
        faults
            .push(FieldError::new("serials", format!("must be as many as the quantity, {quantity}; or leave one of them away")));
    }
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    if input.disposition == Disposition::Scrap {
        actor.require(STOCK_ADJUST)?;
    }
    Ok((quantity.or(count), serials))
}

async fn is_tracked(tx: &mut Tx, actor: &Actor, open: &[HoldLine]) -> Result<bool> {
    let items: Vec<_> = open.iter().map(|line| line.item_id).take(1).collect();
    Ok(!catalog::service::serial_tracked(tx, actor.tenant(), &items).await?.is_empty())
}

fn own_place(line: &HoldLine) -> Key {
    Key { item: line.item_id, location: line.location_id, lot: line.lot_id, status: QualityStatus::Hold }
}

/// All stock in HOLD of the goods, locked in the order of the ledger.
async fn lock(
    tx: &mut Tx,
    actor: &Actor,
    open: &[HoldLine],
    input: &Decision,
    is_tracked: bool,
) -> Result<BTreeMap<Key, Quantity>> {
    let items: BTreeSet<Uuid> = open.iter().map(|line| line.item_id.0).collect();
    let query = BalanceQuery {
        items: Some(items.into_iter().collect()),
        quality: Some(QualityStatus::Hold),
        // Goods may arrive in an empty one while this waits for a lock.
        include_empty: true,
        ..BalanceQuery::default()
    };
    let most = i64::try_from(2 * MAX_LINES).expect("it is a small number");
    let rows = balances::select(tx, actor.tenant(), &query, None, Some(most)).await?;
    let key =
        |row: &BalanceRow| Key { item: row.item_id, location: row.location_id, lot: row.lot_id, status: row.quality_status };
    let mut keys: Vec<Key> = rows.iter().map(key).filter(|key| open.iter().any(|line| line.lot_id == key.lot)).collect();
    keys.sort_unstable();
    service::lock_goods(tx, actor, &keys, is_tracked).await?;
    let becomes: BTreeSet<QualityStatus> = match input.disposition {
        Disposition::Release if input.to_status.is_some() => input.to_status.into_iter().collect(),
        Disposition::Release => open.iter().map(|line| line.former_status).collect(),
        Disposition::Reject => [QualityStatus::Rejected].into(),
        Disposition::Scrap => BTreeSet::new(),
    };
    let into = keys.iter().flat_map(|key| becomes.iter().map(|status| Key { status: *status, ..*key })).collect();
    let mut held = service::lock_balances(tx, actor, &keys, &into).await?;
    held.retain(|key, _| key.status == QualityStatus::Hold);
    Ok(held.into_iter().map(|(key, held)| (key, held.on_hand - held.reserved)).collect())
}

/// How much of each line is decided, by its number.
type Wants = Vec<(i32, Quantity)>;

fn amounts(open: &[HoldLine], mut left: Quantity, there: BTreeMap<Key, Quantity>) -> (Vec<Share>, Wants) {
    let mut lines = Vec::new();
    for line in open {
        let want = line.remaining.min(left);
        left -= want;
        if !want.is_zero() {
            lines.push((line, want));
        }
    }
    let wants: Vec<(Key, Quantity)> = lines.iter().map(|(line, want)| (own_place(line), *want)).collect();
    let found = locate(&wants, there);
    let shares = lines.iter().zip(found).flat_map(|((line, _), found)| {
        let (line_no, former) = (line.line_no, line.former_status);
        found.into_iter().map(move |(at, quantity)| Share { line_no, former, at, quantity, serials: Vec::new() })
    });
    (shares.collect(), lines.iter().map(|(line, want)| (line.line_no, *want)).collect())
}

/// The pieces of the hold that are still in HOLD, wherever they lie: those named, else the lowest numbers of each line.
async fn pieces(
    tx: &mut Tx,
    actor: &Actor,
    open: &[HoldLine],
    named: &[String],
    quantity: Option<Quantity>,
) -> Result<(Vec<Share>, Wants)> {
    let movements: Vec<Uuid> = open.iter().map(|line| line.movement_id.0).collect();
    let mut of_lines = serial::still_held(tx, actor.tenant(), &movements).await?;
    let mut missing: BTreeSet<&String> = named.iter().collect();
    let mut left = quantity.map(|quantity| usize::try_from(quantity.micro() / 1_000_000).unwrap_or(usize::MAX));
    let (mut shares, mut wants) = (Vec::new(), Vec::new());
    for line in open {
        let pieces = of_lines.remove(&line.movement_id.0).unwrap_or_default();
        let mut held = pieces;
        held.retain(|(number, _)| named.is_empty() || missing.remove(number));
        held.truncate(left.unwrap_or(usize::MAX));
        left = left.map(|left| left - held.len());
        let count = Quantity::from_db(Decimal::from(held.len())).min(line.remaining);
        wants.push((line.line_no, if quantity.is_none() && named.is_empty() { line.remaining } else { count }));
        let mut at: BTreeMap<Key, Vec<String>> = BTreeMap::new();
        held.into_iter().for_each(|(number, key)| at.entry(key).or_default().push(number));
        shares.extend(at.into_iter().map(|(at, serials)| Share {
            line_no: line.line_no,
            former: line.former_status,
            at,
            quantity: Quantity::from_db(Decimal::from(serials.len())),
            serials,
        }));
    }
    if let Some(number) = missing.first() {
        return Err(Error::conflict(format!("serial number {number:?} is not held by this hold (any more)")).at("serials"));
    }
    Ok((shares, wants))
}

/// What is on its way must stay what its transfer order says; a change of status alone does not touch that.
async fn refuse_transit(tx: &mut Tx, actor: &Actor, input: &Decision, shares: &[Share]) -> Result<()> {
    if input.disposition != Disposition::Scrap {
        return Ok(());
    }
    let ids: Vec<_> = shares.iter().map(|share| share.at.location).collect();
    let places = places_by_ids(tx, actor.tenant(), &ids).await?;
    match places.values().any(|place| place.is_transit) {
        true => Err(Error::conflict("some of it is in transit; receive it by its transfer, then scrap it")),
        false => Ok(()),
    }
}

/// The hold claims the decided goods no longer; that comes before their movements, which may take only what is not claimed.
async fn settle(tx: &mut Tx, actor: &Actor, id: HoldId, open: &[HoldLine], wants: &Wants) -> Result<()> {
    let remaining: Vec<(i32, Quantity)> = open
        .iter()
        .filter_map(|line| {
            let (_, want) = wants.iter().find(|(number, _)| *number == line.line_no)?;
            Some((line.line_no, line.remaining - *want))
        })
        .collect();
    store::set_remaining(tx, actor.tenant(), id, &remaining).await
}

/// The status that the goods get; scrap keeps its own.
fn target(share: &Share, input: &Decision) -> Option<QualityStatus> {
    match input.disposition {
        Disposition::Release => Some(input.to_status.unwrap_or(share.former)).filter(|to| *to != share.former),
        Disposition::Reject => Some(QualityStatus::Rejected),
        Disposition::Scrap => None,
    }
}

fn posting(share: &Share, input: &Decision, id: HoldId) -> Result<Posting> {
    let Share { at, quantity, serials, line_no, .. } = share;
    let posting = Posting::transfer(at.item, at.lot, *quantity, at.location, at.location, QualityStatus::Hold)
        .with_reason(input.reason.trim())
        .with_reference(format!("hold {id} line {line_no}"));
    let posting = Posting { serials: Serials::Named(serials.clone()), ..posting };
    Ok(match input.disposition {
        Disposition::Scrap => Posting { kind: MovementKind::Scrap, to: SCRAP, ..posting },
        _ => Posting { kind: MovementKind::StatusChange, to_status: target(share, input).unwrap_or(share.former), ..posting },
    })
}
