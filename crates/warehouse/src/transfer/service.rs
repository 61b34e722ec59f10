//! Use cases of transfers. Every change locks its transfer first, then lots, then balances.

use std::collections::HashMap;

use catalog::Item;
use kernel::{ErrorCode, ItemId, LotId, Page, PageRequest, Quantity, TenantId, TransferId, TransferLineId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::dto::{InTransitDto, TransferDto};
use super::input::{NewTransfer, TransferFilter, TransitFilter};
use super::model::{LINES_MAX, TEXT_MAX, Transfer, TransferLine};
use super::store::{self, Narrow};
use crate::check::{Checks, as_id};
use crate::facility::{Facility, service as facilities};
use crate::receiving::service::in_base_unit;
use crate::words::TransferState;
use crate::{TRANSFER, WAREHOUSE_READ};

pub use super::settle::{cancel, close, receive};
pub use super::ship::ship;

/// Words of the address that a code would hide.
const RESERVED: [&str; 2] = ["new", "in-transit"];

/// A draft, or (with `request`) an order that the source may ship.
pub async fn create(tx: &mut Tx, actor: &Actor, input: &NewTransfer) -> Result<TransferDto> {
    actor.require(TRANSFER)?;
    if input.lines.is_empty() || input.lines.len() > LINES_MAX {
        return Err(Error::field("lines", format!("must hold 1 to {LINES_MAX} lines")));
    }
    let tenant = actor.tenant();
    let from = facilities::find(tx, tenant, &input.from).await.map_err(|error| error.at("from"))?;
    let to = facilities::find(tx, tenant, &input.to).await.map_err(|error| error.at("to"))?;
    let references: Vec<String> = input.lines.iter().map(|line| line.item.trim().to_owned()).collect();
    let items = catalog::service::resolve(tx, tenant, &references).await?;
    let numbers: Vec<(ItemId, String)> = input
        .lines
        .iter()
        .filter_map(|line| {
            let number = line.lot_number.as_deref().map(str::trim).filter(|number| !number.is_empty())?;
            Some((items.get(line.item.trim())?.item_id, number.to_owned()))
        })
        .collect();
    let lots = inventory::service::find_lots(tx, tenant, &numbers).await?;
    let transfer = new_transfer(actor, input, (&from, &to), &items, &lots)?;
    store::insert(tx, tenant, &transfer).await.map_err(|error| {
        error.on_constraint("transfers_code_key", || {
            Error::new(ErrorCode::AlreadyExists, format!("a transfer with the code {:?} exists already", transfer.code))
                .at("code")
        })
    })?;
    tx.audit(actor, audit::Entry::new("transfer.create", "transfer", transfer.transfer_id).after(&transfer));
    announce(tx, actor, &transfer);
    Ok(TransferDto::whole(transfer))
}

fn new_transfer(
    actor: &Actor,
    input: &NewTransfer,
    (from, to): (&Facility, &Facility),
    items: &HashMap<String, Item>,
    lots: &HashMap<(ItemId, String), LotId>,
) -> Result<Transfer> {
    let mut checks = Checks::default();
    let now = actor.env.now();
    let code = match input.code.as_deref().map(str::trim).filter(|code| !code.is_empty()) {
        Some(code) => checks.code("code", code),
        None => {
            let [a, b, c, d] = actor.env.random_bytes::<4>();
            format!("T-{}-{a:02X}{b:02X}{c:02X}{d:02X}", now.format("%y%m%d"))
        }
    };
    checks.require(!RESERVED.contains(&code.as_str()), "code", "is a word of the address; choose another");
    checks.require(from.is_active, "from", "is not active");
    checks.require(to.is_active, "to", "is not active");
    checks.require(from.facility_id != to.facility_id, "to", "must be another facility than `from`");
    let reference = checks.text("reference", input.reference.as_deref().unwrap_or_default(), TEXT_MAX);
    let lines = new_lines(actor, &mut checks, input, items, lots);
    checks.done()?;
    Ok(Transfer {
        transfer_id: TransferId(actor.env.new_id()),
        code,
        from_facility_id: from.facility_id,
        from_facility_code: from.code.clone(),
        to_facility_id: to.facility_id,
        to_facility_code: to.code.clone(),
        state: if input.request { TransferState::Requested } else { TransferState::Draft },
        reference,
        reason: String::new(),
        shipped_at: None,
        closed_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
        lines,
    })
}

fn new_lines(
    actor: &Actor,
    checks: &mut Checks,
    input: &NewTransfer,
    items: &HashMap<String, Item>,
    lots: &HashMap<(ItemId, String), LotId>,
) -> Vec<TransferLine> {
    let mut lines = Vec::with_capacity(input.lines.len());
    for (n, given) in input.lines.iter().enumerate() {
        checks.inside(format!("lines[{n}]."));
        let Some(item) = items.get(given.item.trim()) else {
            checks.refuse("item", format!("item {:?} does not exist", given.item));
            continue;
        };
        checks.require(item.is_active, "item", "is not active any more");
        let number = given.lot_number.as_deref().map(str::trim).filter(|number| !number.is_empty());
        let lot_id = number.and_then(|number| lots.get(&(item.item_id, number.to_owned())).copied());
        checks.require(number.is_none() || lot_id.is_some(), "lot_number", "is not a lot of this item");
        let Some(quantity) = checks.take("quantity", given.quantity.parse::<Quantity>()) else { continue };
        let Some(quantity) = in_base_unit(checks, "quantity", "unit", quantity, given.unit.as_deref(), item) else { continue };
        lines.push(TransferLine {
            transfer_line_id: TransferLineId(actor.env.new_id()),
            line_no: i32::try_from(n).expect("there are at most 2,000 lines") + 1,
            item_id: item.item_id,
            item_code: item.code.clone(),
            item_name: item.name.clone(),
            base_unit: item.base_unit.clone(),
            lot_id,
            lot_number: number.map(str::to_owned),
            quantity,
            shipped: Quantity::ZERO,
            received: Quantity::ZERO,
            missing: Quantity::ZERO,
            returned: Quantity::ZERO,
        });
    }
    checks.inside("");
    lines
}

/// Lets the source ship a draft.
pub async fn request(tx: &mut Tx, actor: &Actor, reference: &str) -> Result<TransferDto> {
    actor.require(TRANSFER)?;
    let mut transfer = find_locked(tx, actor.tenant(), reference).await?;
    if transfer.state != TransferState::Draft {
        return Err(Error::conflict(format!("the transfer is {} already", transfer.state)));
    }
    transfer.state = TransferState::Requested;
    write(tx, actor, &mut transfer).await?;
    let summary = json!({ "code": transfer.code });
    tx.audit(actor, audit::Entry::new("transfer.request", "transfer", transfer.transfer_id).after(&summary));
    Ok(TransferDto::whole(transfer))
}

/// `reference` is an id or a code.
pub async fn get(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<TransferDto> {
    actor.require(WAREHOUSE_READ)?;
    let transfer = find(connection, actor.tenant(), reference).await?;
    let since = store::open_shipments(connection, actor.tenant(), transfer.transfer_id).await?;
    Ok(TransferDto::with_shipments(transfer, &since))
}

/// Newest first; without lines.
pub async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &TransferFilter,
    page: &PageRequest,
) -> Result<Page<TransferDto>> {
    actor.require(WAREHOUSE_READ)?;
    let narrow = Narrow {
        facility: facility_of(connection, actor, &filter.facility).await?.map(|facility| facility.facility_id.0),
        state: filter.state,
        item: item_of(connection, actor, &filter.item).await?.map(|item| item.0),
        q: given(&filter.q),
        unfinished: filter.unfinished == Some(true),
    };
    let rows = store::list(connection, actor.tenant(), &narrow, page).await?;
    Ok(Page::cut(rows, page, |row| row.transfer.transfer_id).map(TransferDto::from))
}

/// What is between facilities, the longest under way first.
pub async fn in_transit(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &TransitFilter,
    page: &PageRequest,
) -> Result<Page<InTransitDto>> {
    actor.require(WAREHOUSE_READ)?;
    let item = item_of(connection, actor, &filter.item).await?;
    let to = facility_of(connection, actor, &filter.facility).await?.map(|facility| facility.facility_id);
    let rows = store::in_transit(connection, actor.tenant(), item, to, page).await?;
    let page = Page::cut(rows, page, |row| (row.shipped_at, row.movement_id));
    let mut items: Vec<ItemId> = page.items.iter().map(|row| row.item_id).collect();
    items.sort_unstable();
    items.dedup();
    let items = catalog::service::items_by_ids(connection, actor.tenant(), &items).await?;
    let lots: Vec<LotId> = page.items.iter().filter_map(|row| row.lot_id).collect();
    let lots = inventory::service::lots_by_ids(connection, actor.tenant(), &lots).await?;
    Ok(page.map(|row| InTransitDto::of(row, &items, &lots)))
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

async fn facility_of(connection: &mut PgConnection, actor: &Actor, reference: &Option<String>) -> Result<Option<Facility>> {
    let Some(reference) = given(reference) else { return Ok(None) };
    let found = facilities::find(connection, actor.tenant(), reference).await;
    found.map(Some).map_err(|error| error.at("facility"))
}

async fn item_of(connection: &mut PgConnection, actor: &Actor, reference: &Option<String>) -> Result<Option<ItemId>> {
    let Some(reference) = given(reference) else { return Ok(None) };
    let found = catalog::service::resolve(connection, actor.tenant(), &[reference.to_owned()]).await?;
    let item = found.get(reference).ok_or_else(|| Error::not_found(format_args!("item {reference:?}")).at("item"))?;
    Ok(Some(item.item_id))
}

/// By id or code, with lines.
async fn find(connection: &mut PgConnection, tenant: &TenantId, reference: &str) -> Result<Transfer> {
    let found = store::find(connection, tenant, as_id(reference), reference.trim()).await?;
    let mut transfer = found.ok_or_else(|| Error::not_found(format_args!("transfer {reference:?}")))?.transfer;
    transfer.lines = store::lines(connection, tenant, transfer.transfer_id).await?;
    let items: Vec<ItemId> = transfer.lines.iter().map(|line| line.item_id).collect();
    let items = catalog::service::items_by_ids(connection, tenant, &items).await?;
    let lots: Vec<LotId> = transfer.lines.iter().filter_map(|line| line.lot_id).collect();
    let lots = inventory::service::lots_by_ids(connection, tenant, &lots).await?;
    for line in &mut transfer.lines {
        if let Some(item) = items.get(&line.item_id) {
            line.item_code.clone_from(&item.code);
            line.item_name.clone_from(&item.name);
            line.base_unit.clone_from(&item.base_unit);
        }
        line.lot_number = line.lot_id.and_then(|lot| lots.get(&lot)).map(|lot| lot.number.clone());
    }
    Ok(transfer)
}

pub(super) async fn find_locked(tx: &mut Tx, tenant: &TenantId, reference: &str) -> Result<Transfer> {
    let found = store::find(tx, tenant, as_id(reference), reference.trim()).await?;
    let id: Uuid = found.ok_or_else(|| Error::not_found(format_args!("transfer {reference:?}")))?.transfer.transfer_id.0;
    store::lock(tx, tenant, TransferId(id)).await?;
    find(tx, tenant, &id.to_string()).await
}

/// Writes state and figures, and tells of it.
pub(super) async fn write(tx: &mut Tx, actor: &Actor, transfer: &mut Transfer) -> Result<()> {
    transfer.version += 1;
    transfer.updated_at = actor.env.now();
    store::update(tx, actor.tenant(), transfer).await?;
    announce(tx, actor, transfer);
    Ok(())
}

fn announce(tx: &mut Tx, actor: &Actor, transfer: &Transfer) {
    let (from, to) = (transfer.from_facility_id, transfer.to_facility_id);
    let payload = json!({ "code": transfer.code, "state": transfer.state, "from_facility_id": from, "to_facility_id": to });
    tx.publish(actor, Event::new("warehouse.transfer.changed", transfer.transfer_id, payload));
}

/// Field names of the ledger's error as this caller wrote them; `ours` names the posting with that index.
pub(super) fn renamed(mut error: Error, ours: impl Fn(usize) -> String) -> Error {
    for field in &mut error.fields {
        let index = field.field.strip_prefix("movements[").and_then(|rest| rest.split_once(']'));
        let Some((index, rest)) = index.and_then(|(index, rest)| Some((index.parse::<usize>().ok()?, rest.to_owned()))) else {
            continue;
        };
        field.field = format!("{}{rest}", ours(index));
    }
    error
}
