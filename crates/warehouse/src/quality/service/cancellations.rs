use inventory::reservation::service::{self as promises, Bound};
use inventory::{BalanceRow, NumberText, Posting, QualityStatus};
use kernel::{ErrorCode, ItemId, LocationId, LotId, Page, PageRequest, Quantity};
use platform::auth::Actor;
use platform::config::Switches;
use platform::database::Tx;
use platform::{Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;

use super::{announce, facility_of, labels};
use crate::check::Checks;
use crate::facility::service as facilities;
use crate::location::{Location, service as locations};
use crate::outbound::service as orders;
use crate::picking::service as picking;
use crate::putaway::{PutawayItem, PutawayRequest, Stored, lock_facility, service as putaways};
use crate::quality::dto::CrossDockCancellationDto;
use crate::quality::input::{CancelCrossDock, CancellationFilter, Relocate};
use crate::quality::store::cancellation as store;
use crate::quality::{NewRemediation, log_remediation};
use crate::words::{LocationType, RelocationStatus};
use crate::{PUTAWAY, WAREHOUSE_READ};

const TEXT_MAX: usize = 200;

/// Goods that wait in STAGING for an order that no longer takes them: gives back what the order named has reserved of them there,
/// remembers why, and advises where to store them. What another order has reserved is not spoken for here.
pub async fn cancel(
    tx: &mut Tx,
    actor: &Actor,
    switches: &Switches,
    input: &CancelCrossDock,
) -> Result<CrossDockCancellationDto> {
    actor.require(PUTAWAY)?;
    let mut checks = Checks::default();
    let reason = checks.name("reason", &input.reason, TEXT_MAX);
    let order_reference = checks.text("order_reference", &input.order_reference, TEXT_MAX);
    let wanted =
        input.quantity.and_then(|quantity| checks.take("quantity", Quantity::new(quantity).and_then(Quantity::positive)));
    checks.done()?;
    let place = locations::find(tx, actor.tenant(), &input.location).await.map_err(|error| error.at("location"))?;
    if place.fields.kind != LocationType::Staging {
        let detail = format!("must be a STAGING location; {:?} is {}", place.reference(), place.fields.kind);
        return Err(Error::field("location", detail));
    }
    let item = catalog::service::get(tx, actor, &input.material).await.map_err(|error| error.at("material"))?;
    lock_facility(tx, actor.tenant(), Some(place.facility_id)).await?;
    let mut balance = staged(tx, actor, &place, item.item_id, input).await?;
    if give_back(tx, actor, &order_reference, &balance, wanted).await? {
        balance = staged(tx, actor, &place, item.item_id, input).await?;
    }
    let free = free(tx, actor, &balance).await?;
    let quantity = wanted.unwrap_or(free);
    if quantity > free || free.is_zero() {
        let detail = format!("{:?} has {free} {} of it that nothing else speaks for", place.reference(), item.base_unit);
        return Err(Error::new(ErrorCode::StockInsufficient, detail).at("quantity"));
    }
    let advised = advise(tx, actor, switches, &place, item.item_id, quantity, balance.quality_status).await?;
    let made = CrossDockCancellationDto {
        cancellation_id: actor.env.new_id().to_string(),
        facility_id: place.facility_id.0,
        material_id: item.item_id.0,
        material_code: item.code.clone(),
        lot_number: balance.lot_number.clone().unwrap_or_default(),
        quality_status: balance.quality_status.as_str().to_owned(),
        quantity: quantity.decimal(),
        order_reference,
        reason,
        staging_location_id: place.location_id.0,
        staging_location_code: place.fields.code.clone(),
        recommended_location_id: advised.as_ref().map(|(id, _)| id.0),
        recommended_location_code: advised.map(|(_, code)| code),
        status: RelocationStatus::Pending,
        relocated_to_code: None,
        movement_id: None,
        cancelled_by: actor.principal.name.clone(),
        created_at: actor.env.now(),
        relocated_by: None,
        relocated_at: None,
    };
    store::insert(tx, actor.tenant(), &made, balance.lot_id).await?;
    tx.audit(actor, audit::Entry::new("cross_dock.cancel", "cross-dock cancellation", &made.cancellation_id).after(&made));
    announce(tx, actor, "cross-dock cancellation", &made.cancellation_id);
    Ok(made)
}

async fn staged(tx: &mut Tx, actor: &Actor, place: &Location, item: ItemId, input: &CancelCrossDock) -> Result<BalanceRow> {
    let lot = input.lot_number.as_deref().map(str::trim).filter(|lot| !lot.is_empty());
    let status = input.quality_status.unwrap_or(QualityStatus::Released);
    let stock = inventory::service::stock_at(tx, actor.tenant(), &[place.location_id]).await?;
    let is_it = |row: &BalanceRow| row.item_id == item && row.lot_number.as_deref() == lot && row.quality_status == status;
    let found = stock.into_iter().find(is_it);
    found.ok_or_else(|| {
        let of_lot = lot.map_or_else(String::new, |lot| format!(" of lot {lot:?}"));
        let detail = format!("{:?} holds none of it{of_lot} with the status {status}", place.reference());
        Error::new(ErrorCode::StockInsufficient, detail).at("material")
    })
}

/// Frees what an order with this code has reserved there and asks for by no pick list, at most as much as wanted; whether it was any.
async fn give_back(tx: &mut Tx, actor: &Actor, order: &str, balance: &BalanceRow, wanted: Option<Quantity>) -> Result<bool> {
    let order = match orders::find(tx, actor.tenant(), order).await {
        Ok(order) => orders::find_locked(tx, actor.tenant(), &order.order_id.to_string()).await?,
        Err(error) if error.code == ErrorCode::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let bound = picking::aside(tx, actor.tenant(), &[(order.order_id, order.code)], actor.env.now()).await?;
    let mut left = wanted.unwrap_or(balance.on_hand);
    let mut freed = Vec::new();
    for (_, goods) in bound {
        let is_here = (goods.location, goods.item, goods.lot) == (balance.location_id, balance.item_id, balance.lot_id);
        let quantity = goods.quantity.min(left);
        if is_here && !quantity.is_zero() {
            left -= quantity;
            freed.push(Bound { quantity, ..goods });
        }
    }
    if freed.is_empty() {
        return Ok(false);
    }
    promises::give_back(tx, actor, &freed).await?;
    Ok(true)
}

/// What lies there, is not reserved, and is not spoken for by an earlier cancellation.
async fn free(tx: &mut Tx, actor: &Actor, balance: &BalanceRow) -> Result<Quantity> {
    let status = balance.quality_status.as_str();
    let (place, item) = (balance.location_id.0, balance.item_id.0);
    let pending = store::pending_at(tx, actor.tenant(), place, item, balance.lot_id, status).await?;
    Ok((balance.available() - Quantity::from_db(pending)).max(Quantity::ZERO))
}

/// The best location that takes all of it.
async fn advise(
    tx: &mut Tx,
    actor: &Actor,
    switches: &Switches,
    place: &Location,
    item: ItemId,
    quantity: Quantity,
    status: QualityStatus,
) -> Result<Option<(LocationId, String)>> {
    let goods = PutawayItem {
        item: item.to_string(),
        quantity: NumberText(quantity.to_string()),
        quality_status: Some(status),
        ..PutawayItem::default()
    };
    let request = PutawayRequest { facility: place.facility_id.to_string(), items: vec![goods], ..PutawayRequest::default() };
    let answer = putaways::preview(tx, actor, switches, &request).await?;
    let whole = answer.recommendations.into_iter().find(|one| one.quantity == quantity);
    Ok(whole.map(|one| (one.location_id, one.location_code)))
}

/// Moves the goods into storage, by the rules of putaway, in the same transaction.
pub async fn relocate(tx: &mut Tx, actor: &Actor, id: &str, input: &Relocate) -> Result<CrossDockCancellationDto> {
    actor.require(PUTAWAY)?;
    let found = if id.contains('\0') { None } else { store::lock_one(tx, actor.tenant(), id).await? };
    let (before, lot) = found.ok_or_else(|| Error::not_found(format_args!("cross-dock cancellation {id:?}")))?;
    if before.status == RelocationStatus::Relocated {
        return Err(Error::conflict("the goods have been relocated already"));
    }
    let facility = facilities::find(tx, actor.tenant(), &before.facility_id.to_string()).await?;
    let reference = match (input.location.as_deref().map(str::trim), before.recommended_location_id) {
        (Some(reference), _) if !reference.is_empty() => reference.to_owned(),
        (_, Some(id)) => id.to_string(),
        (_, None) => return Err(Error::field("location", "is needed: no single location was found that takes all of it")),
    };
    let target = locations::find_in(tx, actor.tenant(), &facility, &reference).await.map_err(|error| error.at("location"))?;
    let quantity = Quantity::from_db(before.quantity);
    let stored = Stored {
        item: ItemId(before.material_id),
        lot,
        lot_number: before.lot_number.clone(),
        quality_status: before.quality_status.parse().map_err(Error::internal)?,
        quantity,
    };
    putaways::refuse_unless_stored_fits(tx, actor, &stored, &target).await?;
    let movement = bring(tx, actor, &before, &stored, lot, &target).await?;
    let mut after = before.clone();
    after.material_code =
        labels(tx, actor, vec![before.material_id]).await?.into_values().next().map_or_else(String::new, |label| label.code);
    after.status = RelocationStatus::Relocated;
    after.relocated_to_code = Some(target.fields.code.clone());
    after.movement_id = movement;
    after.relocated_by = Some(actor.principal.name.clone());
    after.relocated_at = Some(actor.env.now());
    store::relocated(tx, actor.tenant(), &after, target.location_id.0).await?;
    record(tx, actor, &before, &after).await?;
    Ok(after)
}

async fn record(tx: &mut Tx, actor: &Actor, before: &CrossDockCancellationDto, after: &CrossDockCancellationDto) -> Result<()> {
    let done = NewRemediation {
        facility: Some(kernel::FacilityId(before.facility_id)),
        action: "GOODS_RELOCATED",
        is_automatic: false,
        subject: "cross-dock cancellation",
        subject_id: before.cancellation_id.clone(),
        before: json!({ "location": before.staging_location_code, "quantity": before.quantity }),
        after: json!({ "location": after.relocated_to_code, "quantity": after.quantity, "movement_id": after.movement_id }),
        succeeded: true,
        message: before.reason.clone(),
    };
    log_remediation(tx, actor, done).await?;
    let entry = audit::Entry::new("cross_dock.relocate", "cross-dock cancellation", &after.cancellation_id);
    tx.audit(actor, entry.before(before).after(after));
    announce(tx, actor, "cross-dock cancellation", &after.cancellation_id);
    Ok(())
}

async fn bring(
    tx: &mut Tx,
    actor: &Actor,
    before: &CrossDockCancellationDto,
    stored: &Stored,
    lot: Option<LotId>,
    target: &Location,
) -> Result<Option<uuid::Uuid>> {
    let from = LocationId(before.staging_location_id);
    let posting = Posting::transfer(stored.item, lot, stored.quantity, from, target.location_id, stored.quality_status)
        .with_reference(format!("cross-dock {}", before.cancellation_id))
        .with_reason(before.reason.clone())
        .with_serials_in_order();
    let posted = inventory::service::post(tx, actor, &[posting]).await.map_err(|mut error| {
        for field in &mut error.fields {
            field.field = field.field.trim_start_matches("movements[0].").to_owned();
        }
        error
    })?;
    Ok(posted.first().map(|posted| posted.movement_id.0))
}

/// Newest first.
pub async fn cancellations(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &CancellationFilter,
    page: &PageRequest,
) -> Result<Page<CrossDockCancellationDto>> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, filter.facility.as_deref()).await?;
    let rows = store::list(connection, actor.tenant(), facility, filter.status, page).await?;
    let mut found = Page::cut(rows, page, |row| (row.created_at, row.cancellation_id.clone()));
    let names = labels(connection, actor, found.items.iter().map(|row| row.material_id).collect()).await?;
    for row in &mut found.items {
        row.material_code = names.get(&ItemId(row.material_id)).map_or_else(String::new, |label| label.code.clone());
    }
    Ok(found)
}
