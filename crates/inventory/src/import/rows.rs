use kernel::{FieldError, MovementId, TenantId};
use platform::Result;
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::imports::Counts;
use platform::tabular::Row;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use super::columns::{Identity, Wanted};
use super::store::{self as recorded, Recorded};
use crate::history;
use crate::ledger::Refusal;
use crate::model::Posting;
use crate::quality;
use crate::request::Draft;
use crate::service::{Asked, Entered, STOCK_MOVE, book as post_all, explain, prepare, require_for};

/// Records the wanted movements in their order; a row that is refused gets its fault, a row that stands in the ledger already
/// counts as unchanged.
pub async fn record(tx: &mut Tx, actor: &Actor, rows: &mut [Row], wanted: Vec<Wanted>) -> Result<Counts> {
    actor.require(STOCK_MOVE)?;
    let (mut good, mut drafts) = (Vec::with_capacity(wanted.len()), Vec::with_capacity(wanted.len()));
    for one in wanted {
        match one.request.read() {
            Ok(draft) => {
                good.push(one);
                drafts.push(Ok(draft));
            }
            Err(faults) => refuse(rows, &one, &faults),
        }
    }
    require_for(actor, drafts.iter().flatten().map(|draft: &Draft| draft.kind))?;
    quality::require(actor, drafts.iter().flatten().filter_map(|draft: &Draft| draft.statuses.change()))?;
    let asked = drafts.into_iter().map(|draft| Asked { actor, draft }).collect();
    let (prepared, mut lots) = prepare(tx, actor.tenant(), asked).await?;
    let mut complete = Vec::with_capacity(good.len());
    for (one, row) in good.into_iter().zip(prepared) {
        match row.ready {
            Ok(row) => complete.push((one, row)),
            Err((_, faults)) => refuse(rows, &one, &faults),
        }
    }
    lots.save(tx, actor.tenant()).await?;
    let asked: Vec<(Wanted, Posting)> = complete.into_iter().map(|(one, row)| (one, row.resolved(&lots))).collect();
    let (new, unchanged) = leave_out_recorded(tx, actor.tenant(), rows, asked).await?;
    let created = book(tx, actor, rows, new).await?;
    Ok(Counts { created, updated: 0, unchanged })
}

fn refuse(rows: &mut [Row], one: &Wanted, faults: &[FieldError]) {
    for fault in faults {
        rows[one.row].refuse(one.column(&fault.field), fault.message.as_str());
    }
}

/// A movement to write, with the id that its row determines.
struct New {
    wanted: Wanted,
    posting: Posting,
    id: Option<Uuid>,
}

/// RFC 9562 version 8: the first bytes of SHA-256 over the tenant and the name.
fn id_of(tenant: &TenantId, space: &str, name: &str) -> Uuid {
    let digest = Sha256::digest(format!("entrepot/{tenant}/{space}/{name}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

fn identified(tenant: &TenantId, identity: &Identity, posting: &Posting) -> Option<Uuid> {
    match identity {
        Identity::None => None,
        Identity::Own(id) => Some(id_of(tenant, "movement", id)),
        Identity::Opening => {
            let lot = posting.lot.map_or_else(String::new, |lot| lot.to_string());
            Some(id_of(tenant, "opening", &format!("{}/{}/{lot}/{}", posting.item, posting.to, posting.to_status)))
        }
    }
}

/// Sorts out what stands in the ledger already: the same is left alone, another one under the same id is a fault.
async fn leave_out_recorded(
    tx: &mut Tx,
    tenant: &TenantId,
    rows: &mut [Row],
    asked: Vec<(Wanted, Posting)>,
) -> Result<(Vec<New>, u64)> {
    let new: Vec<New> = asked
        .into_iter()
        .map(|(wanted, posting)| New { id: identified(tenant, &wanted.identity, &posting), wanted, posting })
        .collect();
    let ids: Vec<Uuid> = new.iter().filter_map(|one| one.id).collect();
    let known = recorded::by_ids(tx, tenant, &ids).await?;
    let (mut left, mut unchanged) = (Vec::with_capacity(new.len()), 0);
    for one in new {
        match one.id.and_then(|id| known.get(&id)) {
            None => left.push(one),
            Some(before) if before.says(&one.posting) => unchanged += 1,
            Some(before) => differs(rows, &one, before),
        }
    }
    refuse_second_openings(tx, tenant, rows, &mut left).await?;
    Ok((left, unchanged))
}

fn differs(rows: &mut [Row], one: &New, before: &Recorded) {
    let row = &mut rows[one.wanted.row];
    match one.wanted.identity {
        Identity::Opening => row.refuse_with(
            "quantity",
            format!("the opening stock here was recorded as {} on {}", before.quantity, before.effective_at.date_naive()),
            "record an ADJUSTMENT of the difference, because movements are never changed",
        ),
        _ => row.refuse_with(
            "id",
            format!("stands in the ledger with other values: {} of {} at {}", before.kind, before.quantity, before.effective_at),
            "give the row an id of its own, or reverse the recorded movement with another one",
        ),
    }
}

/// Opening stock of goods that have moved in the place already would be counted twice.
async fn refuse_second_openings(tx: &mut Tx, tenant: &TenantId, rows: &mut [Row], left: &mut Vec<New>) -> Result<()> {
    let openings: Vec<(usize, &Posting)> = left
        .iter()
        .enumerate()
        .filter(|(_, one)| one.wanted.identity == Identity::Opening)
        .map(|(index, one)| (index, &one.posting))
        .collect();
    if openings.is_empty() {
        return Ok(());
    }
    let postings: Vec<&Posting> = openings.iter().map(|(_, posting)| *posting).collect();
    let moved = recorded::moved_before(tx, tenant, &postings).await?;
    let refused: Vec<usize> = moved.into_iter().filter_map(|index| openings.get(index).map(|(at, _)| *at)).collect();
    for index in &refused {
        rows[left[*index].wanted.row].refuse_with(
            "location",
            "has movements of this item, lot and status already; opening stock comes before anything else",
            "remove the row, or record an ADJUSTMENT of the difference",
        );
    }
    let mut index = 0;
    left.retain(|_| {
        index += 1;
        !refused.contains(&(index - 1))
    });
    Ok(())
}

/// Decides the movements in order and writes those that stand.
async fn book(tx: &mut Tx, actor: &Actor, rows: &mut [Row], new: Vec<New>) -> Result<u64> {
    let entered: Vec<Entered> =
        new.iter().map(|one| Entered { actor, posting: &one.posting, id: one.id.map(MovementId) }).collect();
    let outcomes = post_all(tx, actor.tenant(), &entered, false).await?;
    let refused: Vec<(&Wanted, &Refusal)> =
        new.iter().zip(&outcomes).filter_map(|(one, outcome)| Some((&one.wanted, outcome.as_ref().err()?))).collect();
    let bare: Vec<&Refusal> = refused.iter().map(|(_, refusal)| *refusal).collect();
    let told = if bare.is_empty() { Vec::new() } else { explain(tx, actor.tenant(), &bare).await? };
    for ((one, _), (_, fault)) in refused.iter().zip(told) {
        refuse(rows, one, &[fault]);
    }
    let mut posted = outcomes.iter().flatten();
    let Some(first) = posted.next().map(|one| one.movement_id) else { return Ok(0) };
    let count = 1 + posted.count();
    let none: [Uuid; 0] = [];
    let payload = json!({ "count": count, "item_ids": none, "location_ids": none, "complete": false });
    tx.publish(actor, Event::new("inventory.stock.changed", first, payload));
    history::refresh_later(tx, actor);
    Ok(count as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_for_the_same_name_and_tenant_only() {
        let (acme, other): (TenantId, TenantId) = ("acme".parse().unwrap(), "other".parse().unwrap());
        let id = id_of(&acme, "movement", "INV-1");
        assert_eq!(id, id_of(&acme, "movement", "INV-1"));
        assert_eq!(id.get_version_num(), 8);
        let others = [id_of(&other, "movement", "INV-1"), id_of(&acme, "opening", "INV-1"), id_of(&acme, "movement", "INV-2")];
        assert!(!others.contains(&id));
    }
}
