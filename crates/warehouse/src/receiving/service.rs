use std::collections::HashMap;

use catalog::Item;
use inventory::{Lot, Posting, QualityStatus};
use kernel::{ErrorCode, ItemId, Page, PageRequest, Quantity, ReceiptId, ReceiptLineId, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;

use super::model::{
    Arrived, Delivered, LINES_MAX, NewReceipt, Origin, Receipt, ReceiptFilter, ReceiptLine, ReceiptSummary, Receive, ReceiveLine,
    SUPPLIER_MAX,
};
pub(crate) use super::plan::in_base_unit;
use super::plan::{self, Items, Plan};
use super::store;
use crate::check::{Checks, as_id};
use crate::facility::{Facility, service as facilities};
use crate::location::{Location, service as locations};
use crate::words::{ReceiptKind, ReceiptState};
use crate::{RECEIVE, WAREHOUSE_READ};

/// A delivery to expect, or one to receive blind when it has no lines.
pub async fn create(tx: &mut Tx, actor: &Actor, input: &NewReceipt) -> Result<Receipt> {
    actor.require(RECEIVE)?;
    let facility = facilities::find(tx, actor.tenant(), &input.facility).await.map_err(|error| error.at("facility"))?;
    let references: Vec<String> = input.lines.iter().map(|line| line.item.clone()).collect();
    if references.len() > LINES_MAX {
        return Err(Error::field("lines", format!("must be at most {LINES_MAX}; split the delivery")));
    }
    let items = catalog::service::resolve(tx, actor.tenant(), &references).await?;
    let receipt = new_receipt(actor, input, &facility, &items)?;
    store::insert(tx, actor.tenant(), &receipt).await.map_err(|error| {
        error.on_constraint("receipts_code_key", || {
            Error::new(ErrorCode::AlreadyExists, format!("a delivery with the code {:?} exists already", receipt.code)).at("code")
        })
    })?;
    tx.audit(actor, audit::Entry::new("receipt.create", "receipt", receipt.receipt_id).after(&receipt));
    announce(tx, actor, &receipt);
    Ok(receipt)
}

fn new_receipt(actor: &Actor, input: &NewReceipt, facility: &Facility, items: &HashMap<String, Item>) -> Result<Receipt> {
    let mut checks = Checks::default();
    let now = actor.env.now();
    let code = match &input.code {
        Some(code) => checks.code("code", code),
        None => {
            let [a, b, c, d] = actor.env.random_bytes::<4>();
            format!("R-{}-{a:02X}{b:02X}{c:02X}{d:02X}", now.format("%y%m%d"))
        }
    };
    checks.require(facility.is_active, "facility", "is not active");
    let supplier = checks.text("supplier", &input.supplier, SUPPLIER_MAX);
    let lines = expected_lines(actor, &mut checks, input, items);
    checks.done()?;
    Ok(Receipt {
        receipt_id: ReceiptId(actor.env.new_id()),
        facility_id: facility.facility_id,
        facility_code: facility.code.clone(),
        code,
        kind: if lines.is_empty() { ReceiptKind::Blind } else { ReceiptKind::Expected },
        state: ReceiptState::Open,
        supplier,
        expected_at: input.expected_at,
        closed_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
        lines,
    })
}

fn expected_lines(actor: &Actor, checks: &mut Checks, input: &NewReceipt, items: &HashMap<String, Item>) -> Vec<ReceiptLine> {
    let mut lines = Vec::with_capacity(input.lines.len());
    for (n, given) in input.lines.iter().enumerate() {
        checks.inside(format!("lines[{n}]."));
        let Some(item) = items.get(&given.item) else {
            checks.refuse("item", format!("item {:?} does not exist", given.item));
            continue;
        };
        checks.require(item.is_active, "item", "is not active any more");
        let lot_number = checks.text("lot_number", given.lot_number.as_deref().unwrap_or_default(), 64);
        checks.require(lot_number.is_empty() || item.lot_tracked, "lot_number", "must be absent: the item is not lot-tracked");
        let Some(expected) = in_base_unit(checks, "expected", "unit", given.expected, given.unit.as_deref(), item) else {
            continue;
        };
        lines.push(ReceiptLine {
            receipt_line_id: ReceiptLineId(actor.env.new_id()),
            line_no: i32::try_from(n).expect("there are at most 2,000 lines") + 1,
            item_id: item.item_id,
            item_code: item.code.clone(),
            item_name: item.name.clone(),
            base_unit: item.base_unit.clone(),
            lot_number,
            expires_on: given.expires_on,
            expected,
            received: Quantity::ZERO,
        });
    }
    checks.inside("");
    lines
}

fn announce(tx: &mut Tx, actor: &Actor, receipt: &Receipt) {
    let payload = json!({"code": receipt.code, "state": receipt.state, "facility_id": receipt.facility_id});
    tx.publish(actor, Event::new("warehouse.receipt.changed", receipt.receipt_id, payload));
}

/// Brings goods from the supplier into a RECEIVING location by movements of the ledger, all or nothing.
pub async fn receive(tx: &mut Tx, actor: &Actor, reference: &str, input: &Receive) -> Result<Delivered> {
    actor.require(RECEIVE)?;
    let mut receipt = find_locked(tx, actor.tenant(), reference).await?;
    if !matches!(receipt.state, ReceiptState::Open | ReceiptState::Receiving) {
        return Err(Error::conflict(format!(
            "delivery {:?} is {}; make a new one for goods that come later",
            receipt.code, receipt.state
        )));
    }
    let facility = facilities::find(tx, actor.tenant(), &receipt.facility_id.to_string()).await?;
    let place = locations::receiving_place(tx, actor.tenant(), &facility, input.location.as_deref()).await?;
    let counted = plan::counted(&receipt, input)?;
    let items = items_of(tx, actor.tenant(), &receipt, &counted).await?;
    let plan = plan::plan(&receipt, input, &counted, &items, || ReceiptLineId(actor.env.new_id()))?;
    let arrived = post(tx, actor, &receipt, &plan, &place, input.receive_all).await?;
    let (known, new) = plan.lines.split_at(plan.known);
    store::update_lines(tx, actor.tenant(), known).await?;
    store::insert_lines(tx, actor.tenant(), receipt.receipt_id, new).await?;
    store::insert_arrivals(tx, actor.tenant(), receipt.receipt_id, &arrived, actor.env.now()).await?;
    receipt.lines = plan.lines;
    receipt.state = ReceiptState::Receiving;
    touch(tx, actor, &mut receipt).await?;
    tx.audit(actor, audit::Entry::new("receipt.receive", "receipt", receipt.receipt_id).after(&arrived));
    announce(tx, actor, &receipt);
    Ok(Delivered { receipt, arrived })
}

async fn items_of(connection: &mut PgConnection, tenant: &TenantId, receipt: &Receipt, counted: &[ReceiveLine]) -> Result<Items> {
    let ids: Vec<ItemId> = receipt.lines.iter().map(|line| line.item_id).collect();
    let by_id = catalog::service::items_by_ids(connection, tenant, &ids).await?;
    let references: Vec<String> = counted.iter().filter_map(|line| line.item.clone()).collect();
    let by_reference = catalog::service::resolve(connection, tenant, &references).await?;
    Ok(Items { by_id, by_reference })
}

async fn post(tx: &mut Tx, actor: &Actor, receipt: &Receipt, plan: &Plan, place: &Location, all: bool) -> Result<Vec<Arrived>> {
    let first_line_of = |lot: usize| plan.arrivals.iter().position(|arrival| arrival.lot == Some(lot)).unwrap_or(0);
    let lots = inventory::service::find_or_create_lots(tx, actor, &plan.lots).await;
    let lots = lots.map_err(|error| renamed(error, "lots", |lot| as_line(first_line_of(lot), all)))?;
    let postings: Vec<Posting> = plan.arrivals.iter().map(|arrival| posting(receipt, plan, arrival, &lots, place)).collect();
    let posted = inventory::service::post(tx, actor, &postings).await;
    let posted = posted.map_err(|error| renamed(error, "movements", |line| as_line(line, all)))?;
    let arrived = plan.arrivals.iter().zip(posted).map(|(arrival, posted)| {
        let line = &plan.lines[arrival.line];
        Arrived {
            movement_id: posted.movement_id,
            receipt_line_id: line.receipt_line_id,
            line_no: line.line_no,
            item_id: line.item_id,
            lot_id: posted.posting.lot,
            lot_number: arrival.lot.map_or_else(String::new, |lot| lots[lot].number.clone()),
            quality_status: posted.posting.to_status,
            quantity: arrival.quantity,
            location_id: place.location_id,
            location_code: place.fields.code.clone(),
        }
    });
    Ok(arrived.collect())
}

fn posting(receipt: &Receipt, plan: &Plan, arrival: &plan::Arrival, lots: &[Lot], place: &Location) -> Posting {
    let lot = arrival.lot.map(|lot| &lots[lot]);
    let status = arrival.quality_status.or(lot.map(|lot| lot.quality_status)).unwrap_or(QualityStatus::Released);
    let item = plan.lines[arrival.line].item_id;
    Posting::receipt(item, lot.map(|lot| lot.lot_id), arrival.quantity, place.location_id, status)
        .with_serials(arrival.serials.clone())
        .with_reference(receipt.code.clone())
}

fn as_line(line: usize, all: bool) -> String {
    if all { "receive_all".to_owned() } else { format!("lines[{line}]") }
}

/// Field names of another context's error, such as `lots[2].expires_on`, as this caller wrote them.
fn renamed(mut error: Error, theirs: &str, ours: impl Fn(usize) -> String) -> Error {
    for field in &mut error.fields {
        let index =
            field.field.strip_prefix(theirs).and_then(|rest| rest.strip_prefix('[')).and_then(|rest| rest.split_once(']'));
        let Some((index, rest)) = index.and_then(|(index, rest)| Some((index.parse::<usize>().ok()?, rest.to_owned()))) else {
            continue;
        };
        field.field = format!("{}{rest}", ours(index));
    }
    error
}

async fn touch(tx: &mut Tx, actor: &Actor, receipt: &mut Receipt) -> Result<()> {
    receipt.version += 1;
    receipt.updated_at = actor.env.now();
    store::update(tx, actor.tenant(), receipt).await
}

/// Ends a delivery that brought something; each line then shows its difference.
pub async fn close(tx: &mut Tx, actor: &Actor, reference: &str) -> Result<Receipt> {
    actor.require(RECEIVE)?;
    let mut receipt = find_locked(tx, actor.tenant(), reference).await?;
    match receipt.state {
        ReceiptState::Receiving => {}
        ReceiptState::Open => return Err(Error::conflict("nothing was received yet; cancel the delivery instead")),
        state => return Err(Error::conflict(format!("the delivery is {state} already"))),
    }
    receipt.state = ReceiptState::Closed;
    receipt.closed_at = Some(actor.env.now());
    touch(tx, actor, &mut receipt).await?;
    let differing: Vec<&ReceiptLine> = receipt.lines.iter().filter(|line| !line.difference().is_zero()).collect();
    tx.audit(actor, audit::Entry::new("receipt.close", "receipt", receipt.receipt_id).after(&json!({"differences": differing})));
    announce(tx, actor, &receipt);
    Ok(receipt)
}

/// Ends a delivery of which nothing arrived.
pub async fn cancel(tx: &mut Tx, actor: &Actor, reference: &str) -> Result<Receipt> {
    actor.require(RECEIVE)?;
    let mut receipt = find_locked(tx, actor.tenant(), reference).await?;
    match receipt.state {
        ReceiptState::Open => {}
        ReceiptState::Receiving => return Err(Error::conflict("goods were received already; close the delivery instead")),
        state => return Err(Error::conflict(format!("the delivery is {state} already"))),
    }
    receipt.state = ReceiptState::Cancelled;
    receipt.closed_at = Some(actor.env.now());
    touch(tx, actor, &mut receipt).await?;
    tx.audit(actor, audit::Entry::new("receipt.cancel", "receipt", receipt.receipt_id).after(&json!({"code": receipt.code})));
    announce(tx, actor, &receipt);
    Ok(receipt)
}

/// `reference` is an id or a code.
pub async fn get(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<Receipt> {
    actor.require(WAREHOUSE_READ)?;
    find(connection, actor.tenant(), reference).await
}

/// Newest first; without lines.
pub async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &ReceiptFilter,
    page: &PageRequest,
) -> Result<Page<ReceiptSummary>> {
    actor.require(WAREHOUSE_READ)?;
    let facility = match filter.facility.as_deref().map(str::trim).filter(|facility| !facility.is_empty()) {
        Some(reference) => {
            let found = facilities::find(connection, actor.tenant(), reference).await.map_err(|error| error.at("facility"))?;
            Some(found.facility_id)
        }
        None => None,
    };
    let rows = store::list(connection, actor.tenant(), filter, facility, page).await?;
    Ok(Page::cut(rows, page, |row| row.receipt.receipt_id))
}

/// The lines of several deliveries at once, for lists that show them.
pub async fn lines(
    connection: &mut PgConnection,
    actor: &Actor,
    receipts: &[ReceiptId],
) -> Result<HashMap<ReceiptId, Vec<ReceiptLine>>> {
    actor.require(WAREHOUSE_READ)?;
    named_lines(connection, actor.tenant(), receipts).await
}

async fn named_lines(
    connection: &mut PgConnection,
    tenant: &TenantId,
    receipts: &[ReceiptId],
) -> Result<HashMap<ReceiptId, Vec<ReceiptLine>>> {
    let rows = store::lines(connection, tenant, receipts).await?;
    let ids: Vec<ItemId> = rows.iter().map(|(_, line)| line.item_id).collect();
    let items = catalog::service::items_by_ids(connection, tenant, &ids).await?;
    let mut lines: HashMap<ReceiptId, Vec<ReceiptLine>> = HashMap::new();
    for (receipt, mut line) in rows {
        if let Some(item) = items.get(&line.item_id) {
            line.item_code.clone_from(&item.code);
            line.item_name.clone_from(&item.name);
            line.base_unit.clone_from(&item.base_unit);
        }
        lines.entry(receipt).or_default().push(line);
    }
    Ok(lines)
}

/// Which delivery brought goods (item, lot, place) last; goods that came another way are absent.
pub async fn origins(
    connection: &mut PgConnection,
    actor: &Actor,
    goods: &[store::Goods],
) -> Result<HashMap<store::Goods, Origin>> {
    actor.require(WAREHOUSE_READ)?;
    let rows = store::origins(connection, actor.tenant(), goods).await?;
    Ok(rows.into_iter().map(|(n, origin)| (goods[n], origin)).collect())
}

/// By id or code, with lines; the caller has authorised.
pub(crate) async fn find(connection: &mut PgConnection, tenant: &TenantId, reference: &str) -> Result<Receipt> {
    let found = store::find(connection, tenant, as_id(reference), reference.trim()).await?;
    let mut receipt = found.ok_or_else(|| Error::not_found(format_args!("delivery {reference:?}")))?.receipt;
    receipt.lines = named_lines(connection, tenant, &[receipt.receipt_id]).await?.remove(&receipt.receipt_id).unwrap_or_default();
    Ok(receipt)
}

async fn find_locked(tx: &mut Tx, tenant: &TenantId, reference: &str) -> Result<Receipt> {
    let found = store::find(tx, tenant, as_id(reference), reference.trim()).await?;
    let id = found.ok_or_else(|| Error::not_found(format_args!("delivery {reference:?}")))?.receipt.receipt_id;
    store::lock(tx, tenant, id).await?;
    find(tx, tenant, &id.to_string()).await
}

/// What of a delivery was brought where, for putaway.
pub(crate) async fn arrived(
    connection: &mut PgConnection,
    tenant: &TenantId,
    receipt: ReceiptId,
) -> Result<Vec<store::ArrivedSum>> {
    store::arrived(connection, tenant, receipt).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_ledger_name_the_callers_lines() {
        let theirs = Error::field("movements[12].quantity", "too much").at("atomic");
        let ours = renamed(theirs, "movements", |line| as_line(line, false));
        let fields: Vec<_> = ours.fields.into_iter().map(|field| field.field).collect();
        assert_eq!(fields, ["lines[12].quantity", "atomic"]);
    }
}
