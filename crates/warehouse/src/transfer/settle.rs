use std::collections::HashMap;

use inventory::{ADJUSTMENT, MovementKind, Posting};
use kernel::{LocationId, LotId, MovementId, Quantity};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result, audit};
use serde_json::json;

use super::dto::TransferDto;
use super::goods::{self, Given};
use super::input::{CancelTransfer, CloseTransfer, ReceiveTransfer};
use super::model::{LINES_MAX, Outcome, Settlement, Shipment, TEXT_MAX, Transfer};
use super::plan::{Part, Pieces, Statuses, Taking, parts_of, takings};
use super::{service, store};
use crate::TRANSFER;
use crate::check::Checks;
use crate::facility::service as facilities;
use crate::location::service as locations;
use crate::words::TransferState;

/// Brings goods out of transit into a RECEIVING location of the destination, all that is told or nothing.
pub async fn receive(tx: &mut Tx, actor: &Actor, reference: &str, input: &ReceiveTransfer) -> Result<TransferDto> {
    actor.require(TRANSFER)?;
    let mut transfer = service::find_locked(tx, actor.tenant(), reference).await?;
    if transfer.state != TransferState::InTransit {
        return Err(Error::conflict(format!("the transfer is {}; nothing of it is in transit", transfer.state)));
    }
    let destination = facilities::find(tx, actor.tenant(), &transfer.to_facility_id.to_string()).await?;
    let location = input.location.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let dock = locations::receiving_place(tx, actor.tenant(), &destination, location).await?;
    let shipments = store::open_shipments(tx, actor.tenant(), transfer.transfer_id).await?;
    let taken = arrived(tx, &transfer, &shipments, input).await?;
    let settlements = settle(tx, actor, &mut transfer, &shipments, &taken, Outcome::Received, &|_| dock.location_id).await?;
    transfer.state = transfer.state_after_receipt();
    transfer.closed_at = (transfer.state == TransferState::Received).then(|| actor.env.now());
    service::write(tx, actor, &mut transfer).await?;
    tx.audit(actor, audit::Entry::new("transfer.receive", "transfer", transfer.transfer_id).after(&settlements));
    Ok(TransferDto::whole(transfer))
}

async fn arrived(tx: &mut Tx, transfer: &Transfer, shipments: &[Shipment], input: &ReceiveTransfer) -> Result<Vec<Taking>> {
    let mut checks = Checks::default();
    if input.receive_all {
        checks.require(input.lines.is_empty(), "lines", "must be empty with receive_all");
        checks.require(!shipments.is_empty(), "receive_all", "nothing is in transit");
        return checks.done().map(|()| everything(shipments));
    }
    checks.require(!input.lines.is_empty(), "lines", "must not be empty");
    checks.require(input.lines.len() <= LINES_MAX, "lines", "must be at most 2,000; send the rest in another call");
    checks.done()?;
    let mut checks = Checks::default();
    let given: Vec<Given> = input.lines.iter().map(Given::from).collect();
    let in_transit = |n: usize| transfer.lines[n].in_transit();
    let asked = goods::read(tx, transfer, &given, &HashMap::new(), &mut checks, in_transit).await?;
    let mut lots: Vec<LotId> = shipments.iter().filter_map(|shipment| shipment.lot_id).collect();
    lots.sort_unstable();
    lots.dedup();
    let tenant = tx.tenant().clone();
    let lots = inventory::service::lots_by_ids(tx, &tenant, &lots).await?;
    let names: HashMap<LotId, String> = lots.into_iter().map(|(id, lot)| (id, lot.number)).collect();
    checks.done()?;
    let mut checks = Checks::default();
    let taken = takings(&mut checks, transfer, shipments, &asked, &names);
    checks.done().map(|()| taken)
}

fn everything(shipments: &[Shipment]) -> Vec<Taking> {
    shipments.iter().enumerate().map(|(shipment, one)| Taking { shipment, quantity: one.open() }).collect()
}

/// Ends a transfer: what is still in transit is missing and leaves the books with the reason, what was not shipped is not wanted
/// any more.
pub async fn close(tx: &mut Tx, actor: &Actor, reference: &str, input: &CloseTransfer) -> Result<TransferDto> {
    actor.require(TRANSFER)?;
    let reason = reason(&input.reason)?;
    let mut transfer = service::find_locked(tx, actor.tenant(), reference).await?;
    match transfer.state {
        TransferState::InTransit => {}
        TransferState::Draft | TransferState::Requested => {
            return Err(Error::conflict("nothing was shipped yet; cancel the transfer instead"));
        }
        state => return Err(Error::conflict(format!("the transfer is {state} already"))),
    }
    let shipments = store::open_shipments(tx, actor.tenant(), transfer.transfer_id).await?;
    if !shipments.is_empty() && reason.is_empty() {
        return Err(Error::field("reason", "must say why goods are missing"));
    }
    transfer.reason = reason;
    let missing =
        settle(tx, actor, &mut transfer, &shipments, &everything(&shipments), Outcome::Missing, &|_| ADJUSTMENT).await?;
    transfer.state = match transfer.state_after_receipt() {
        TransferState::Received => TransferState::Received,
        _ => TransferState::ClosedShort,
    };
    transfer.closed_at = Some(actor.env.now());
    service::write(tx, actor, &mut transfer).await?;
    let summary = json!({ "code": transfer.code, "reason": transfer.reason, "missing": missing });
    tx.audit(actor, audit::Entry::new("transfer.close", "transfer", transfer.transfer_id).after(&summary));
    Ok(TransferDto::whole(transfer))
}

/// Ends a transfer of which nothing arrived; what was shipped goes back.
pub async fn cancel(tx: &mut Tx, actor: &Actor, reference: &str, input: &CancelTransfer) -> Result<TransferDto> {
    actor.require(TRANSFER)?;
    let reason = reason(&input.reason)?;
    let mut transfer = service::find_locked(tx, actor.tenant(), reference).await?;
    if !matches!(transfer.state, TransferState::Draft | TransferState::Requested | TransferState::InTransit) {
        return Err(Error::conflict(format!("the transfer is {} already", transfer.state)));
    }
    if transfer.lines.iter().any(|line| !line.received.is_zero()) {
        return Err(Error::conflict("goods were received already; close the transfer instead"));
    }
    let back = match input.location.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => {
            let source = facilities::find(tx, actor.tenant(), &transfer.from_facility_id.to_string()).await?;
            let place = locations::find_in(tx, actor.tenant(), &source, text).await.map_err(|error| error.at("location"))?;
            Some(place.location_id)
        }
        None => None,
    };
    let shipments = store::open_shipments(tx, actor.tenant(), transfer.transfer_id).await?;
    transfer.reason = reason;
    let place = |shipment: &Shipment| back.unwrap_or(shipment.from_location_id);
    let returned = settle(tx, actor, &mut transfer, &shipments, &everything(&shipments), Outcome::Returned, &place).await?;
    transfer.state = TransferState::Cancelled;
    transfer.closed_at = Some(actor.env.now());
    service::write(tx, actor, &mut transfer).await?;
    let summary = json!({ "code": transfer.code, "reason": transfer.reason, "returned": returned });
    tx.audit(actor, audit::Entry::new("transfer.cancel", "transfer", transfer.transfer_id).after(&summary));
    Ok(TransferDto::whole(transfer))
}

fn reason(text: &Option<String>) -> Result<String> {
    let mut checks = Checks::default();
    let reason = checks.text("reason", text.as_deref().unwrap_or_default(), TEXT_MAX);
    checks.done().map(|()| reason)
}

/// Moves goods out of transit and adds to the lines' figures; the goods keep the status that they have by now.
async fn settle(
    tx: &mut Tx,
    actor: &Actor,
    transfer: &mut Transfer,
    shipments: &[Shipment],
    taken: &[Taking],
    kind: Outcome,
    to: &impl Fn(&Shipment) -> LocationId,
) -> Result<Vec<Settlement>> {
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let mut held = statuses(tx, shipments).await?;
    let movements: Vec<MovementId> = shipments.iter().map(|one| one.movement_id).collect();
    let mut pieces: Pieces = inventory::service::shipped(tx, actor.tenant(), &movements).await?;
    let mut parts: Vec<(usize, Posting)> = Vec::with_capacity(taken.len());
    for one in taken {
        let shipment = &shipments[one.shipment];
        for Part { status, quantity, serials } in parts_of(&mut held, &mut pieces, shipment, one.quantity)? {
            let (item, lot, from) = (shipment.item_id, shipment.lot_id, shipment.transit_location_id);
            let posting = Posting::transfer(item, lot, quantity, from, to(shipment), status);
            let posting = match serials {
                Some(numbers) => posting.with_serials(numbers),
                None => posting.with_serials_in_order(),
            };
            let mut posting = posting.with_reference(transfer.code.clone()).with_reason(transfer.reason.clone());
            if kind == Outcome::Missing {
                posting.kind = MovementKind::Adjustment;
            }
            parts.push((one.shipment, posting));
        }
    }
    let postings: Vec<Posting> = parts.iter().map(|(_, posting)| posting.clone()).collect();
    let posted = inventory::service::post(tx, actor, &postings).await;
    let posted = posted.map_err(|error| service::renamed(error, |n| format!("shipments[{n}]")))?;
    let mut settlements = Vec::with_capacity(posted.len());
    for ((shipment, _), posted) in parts.iter().zip(posted) {
        let shipment = &shipments[*shipment];
        let line = transfer.lines.iter_mut().find(|line| line.transfer_line_id == shipment.transfer_line_id);
        *kind.figure(line.expect("a shipment is of a line of its transfer")) += posted.posting.quantity;
        settlements.push(Settlement {
            movement_id: posted.movement_id,
            shipment_movement_id: shipment.movement_id,
            transfer_line_id: shipment.transfer_line_id,
            kind,
            quantity: posted.posting.quantity,
            location_id: posted.posting.to,
        });
    }
    store::settle(tx, actor.tenant(), transfer.transfer_id, &settlements, actor.env.now()).await?;
    Ok(settlements)
}

/// A recall may have changed the status of a lot that is under way.
async fn statuses(tx: &mut Tx, shipments: &[Shipment]) -> Result<Statuses> {
    let mut places: Vec<LocationId> = shipments.iter().map(|shipment| shipment.transit_location_id).collect();
    places.sort_unstable();
    places.dedup();
    let tenant = tx.tenant().clone();
    let mut held = Statuses::new();
    for balance in inventory::service::stock_at(tx, &tenant, &places).await? {
        let available: Quantity = balance.available();
        held.entry((balance.item_id, balance.lot_id)).or_default().push((balance.quality_status, available));
    }
    Ok(held)
}
