use std::collections::HashMap;

use inventory::ledger::Key;
use inventory::{Place, Posting, QualityStatus};
use kernel::{ErrorCode, FieldError, ItemId, LocationId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result, audit};

use super::dto::TransferDto;
use super::goods::{self, Given};
use super::input::ShipTransfer;
use super::model::{LINES_MAX, Shipment, Transfer};
use super::plan::{Asked, Pick, picks};
use super::{service, store};
use crate::TRANSFER;
use crate::check::Checks;
use crate::facility::service as facilities;
use crate::location::{Location, service as locations};
use crate::words::{LocationType, TransferState};

/// Moves goods of the source into transit, all that is asked or nothing: from the places that are named, else the free goods
/// that expire first.
pub async fn ship(tx: &mut Tx, actor: &Actor, reference: &str, input: &ShipTransfer) -> Result<TransferDto> {
    actor.require(TRANSFER)?;
    let mut transfer = service::find_locked(tx, actor.tenant(), reference).await?;
    match transfer.state {
        TransferState::Requested | TransferState::InTransit => {}
        TransferState::Draft => return Err(Error::conflict("the transfer is a draft; request it first")),
        state => return Err(Error::conflict(format!("the transfer is {state} already"))),
    }
    let destination = facilities::find(tx, actor.tenant(), &transfer.to_facility_id.to_string()).await?;
    if !destination.is_active {
        return Err(Error::conflict(format!("facility {:?} is not active and takes no goods", destination.code)));
    }
    let asked = asked(tx, &transfer, input).await?;
    let transit = inventory::service::transit_place(tx, actor, transfer.to_facility_id, &transfer.to_facility_code).await?;
    let picked = pick(tx, actor, &transfer, &asked, &transit).await?;
    let shipments = post(tx, actor, &transfer, &picked, &transit, input.ship_all).await?;
    for pick in &picked {
        transfer.lines[pick.line].shipped += pick.quantity;
    }
    transfer.state = TransferState::InTransit;
    transfer.shipped_at = transfer.shipped_at.or(Some(actor.env.now()));
    service::write(tx, actor, &mut transfer).await?;
    store::insert_shipments(tx, actor.tenant(), transfer.transfer_id, &shipments).await?;
    tx.audit(actor, audit::Entry::new("transfer.ship", "transfer", transfer.transfer_id).after(&shipments));
    Ok(TransferDto::whole(transfer))
}

async fn asked(tx: &mut Tx, transfer: &Transfer, input: &ShipTransfer) -> Result<Vec<Asked>> {
    let mut checks = Checks::default();
    let to_ship = |n: usize| transfer.lines[n].to_ship();
    if input.ship_all {
        checks.require(input.lines.is_empty(), "lines", "must be empty with ship_all");
        let open = (0..transfer.lines.len()).filter(|n| !to_ship(*n).is_zero());
        let all: Vec<Asked> = open
            .map(|n| Asked {
                line: n,
                quantity: to_ship(n),
                lot: transfer.lines[n].lot_id,
                from: None,
                status: QualityStatus::Released,
            })
            .collect();
        checks.require(!all.is_empty(), "ship_all", "everything is shipped already");
        return checks.done().map(|()| all);
    }
    checks.require(!input.lines.is_empty(), "lines", "must not be empty");
    checks.require(input.lines.len() <= LINES_MAX, "lines", "must be at most 2,000; send the rest in another call");
    checks.done()?;
    let mut checks = Checks::default();
    let places = places_of(tx, transfer, input, &mut checks).await?;
    let given: Vec<Given> = input.lines.iter().map(Given::from).collect();
    let asked = goods::read(tx, transfer, &given, &places, &mut checks, to_ship).await?;
    let mut open: Vec<_> = (0..transfer.lines.len()).map(to_ship).collect();
    for (n, one) in asked.iter().enumerate() {
        let line = &transfer.lines[one.line];
        if one.quantity > open[one.line] {
            let message = format!("line {} has {} {} to ship, not more", line.line_no, open[one.line], line.base_unit);
            checks.refuse(format_args!("lines[{n}].quantity"), message);
        } else {
            open[one.line] -= one.quantity;
        }
    }
    checks.done().map(|()| asked)
}

/// The source's locations that lines name, by how they name them.
async fn places_of(
    tx: &mut Tx,
    transfer: &Transfer,
    input: &ShipTransfer,
    checks: &mut Checks,
) -> Result<HashMap<String, Location>> {
    let tenant = tx.tenant().clone();
    let source = facilities::find(tx, &tenant, &transfer.from_facility_id.to_string()).await?;
    let mut places = HashMap::new();
    for (n, line) in input.lines.iter().enumerate() {
        let Some(text) = line.from.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { continue };
        if places.contains_key(text) {
            continue;
        }
        match locations::find_in(tx, &tenant, &source, text).await {
            Ok(location) => drop(places.insert(text.to_owned(), location)),
            Err(error) if error.code.status() < 500 => checks.refuse(format_args!("lines[{n}].from"), error.detail),
            Err(error) => return Err(error),
        }
    }
    Ok(places)
}

/// Chooses under lock; refused when something is lacking.
async fn pick(tx: &mut Tx, actor: &Actor, transfer: &Transfer, asked: &[Asked], transit: &Place) -> Result<Vec<Pick>> {
    let items: Vec<ItemId> = asked.iter().map(|one| transfer.lines[one.line].item_id).collect();
    let named: Vec<Key> = asked
        .iter()
        .filter_map(|one| {
            let item = transfer.lines[one.line].item_id;
            Some(Key { item, location: one.from?, lot: one.lot, status: one.status })
        })
        .collect();
    let source = transfer.from_facility_id;
    let mut free = inventory::service::lock_free(tx, actor, source, &items, &named, transit.id).await?;
    let ids: Vec<LocationId> = free.iter().map(|goods| goods.location).collect();
    let known = locations::by_ids(tx, actor.tenant(), &ids).await?;
    let named: Vec<LocationId> = asked.iter().filter_map(|one| one.from).collect();
    // What is packed for customers, or came back from them, leaves only when somebody names the place.
    let is_offered = |place: &Location| {
        use LocationType::{Packing, Quarantine, Returns, Shipping};
        !matches!(place.fields.kind, Packing | Quarantine | Returns | Shipping)
    };
    free.retain(|goods| named.contains(&goods.location) || known.get(&goods.location).is_some_and(is_offered));
    let (picked, short) = picks(transfer, asked, free);
    if short.is_empty() {
        return Ok(picked);
    }
    let faults: Vec<FieldError> = short
        .into_iter()
        .map(|(n, available)| {
            let line = &transfer.lines[asked[n].line];
            let message = format!(
                "item {:?}: {available} {} free in {}, {} asked",
                line.item_code, line.base_unit, transfer.from_facility_code, asked[n].quantity
            );
            FieldError::new(format!("lines[{n}].quantity"), message)
        })
        .collect();
    let detail = faults.first().map_or_else(String::new, |fault| fault.message.clone());
    Err(Error { fields: faults, ..Error::new(ErrorCode::StockInsufficient, detail) })
}

async fn post(
    tx: &mut Tx,
    actor: &Actor,
    transfer: &Transfer,
    picked: &[Pick],
    transit: &Place,
    all: bool,
) -> Result<Vec<Shipment>> {
    let posting = |pick: &Pick| {
        Posting::transfer(pick.item, pick.lot, pick.quantity, pick.location, transit.id, pick.status)
            .with_serials_in_order()
            .with_reference(transfer.code.clone())
    };
    let postings: Vec<Posting> = picked.iter().map(posting).collect();
    let field = |n: usize| if all { "ship_all".to_owned() } else { format!("lines[{}]", picked[n].asked) };
    let posted = inventory::service::post(tx, actor, &postings).await;
    let posted = posted.map_err(|error| service::renamed(error, field))?;
    let now = actor.env.now();
    let shipment = picked.iter().zip(posted).map(|(pick, posted)| Shipment {
        movement_id: posted.movement_id,
        transfer_line_id: transfer.lines[pick.line].transfer_line_id,
        item_id: pick.item,
        lot_id: pick.lot,
        quality_status: pick.status,
        quantity: pick.quantity,
        settled: kernel::Quantity::ZERO,
        from_location_id: pick.location,
        transit_location_id: transit.id,
        shipped_at: now,
    });
    Ok(shipment.collect())
}
