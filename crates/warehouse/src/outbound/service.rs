//! Use cases of orders. Every change locks its order first; picking does the same, so that all that happens to one order follows
//! one another.

use std::collections::HashMap;

use catalog::Item;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ErrorCode, FacilityId, ItemId, OrderId, OrderLineId, Page, PageRequest, Quantity, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;

use super::dto::OrderDto;
use super::input::{CancelOrder, NewOrder, OrderFilter, OrderPatch};
use super::model::{Basket, LINES_MAX, Order, OrderLine, Shortage, TEXT_MAX};
use super::store::{self, Narrow, Wanting};
use crate::check::{Checks, as_id};
use crate::facility::{Facility, service as facilities};
use crate::location::service as locations;
use crate::picking::service as picking;
use crate::receiving::service::in_base_unit;
use crate::words::OrderState;
use crate::{ORDERS_WRITE, WAREHOUSE_READ};

/// Words of the address that a code would hide.
const RESERVED: [&str; 1] = ["new"];
/// Baskets that one page holds at most.
pub const BASKETS_MAX: i64 = 5_000;

/// An order that may be released, or (as `draft`) one that is only written down.
pub async fn create(tx: &mut Tx, actor: &Actor, input: &NewOrder) -> Result<OrderDto> {
    actor.require(ORDERS_WRITE)?;
    if input.lines.is_empty() || input.lines.len() > LINES_MAX {
        return Err(Error::field("lines", format!("must hold 1 to {LINES_MAX} lines")));
    }
    let tenant = actor.tenant();
    let facility = facilities::find(tx, tenant, &input.facility).await.map_err(|error| error.at("facility"))?;
    let references: Vec<String> = input.lines.iter().map(|line| line.item.trim().to_owned()).collect();
    let items = catalog::service::resolve(tx, tenant, &references).await?;
    let order = new_order(actor, input, &facility, &items)?;
    store::insert(tx, tenant, std::slice::from_ref(&order)).await.map_err(|error| {
        error.on_constraint("orders_code_key", || {
            let detail = format!("an order with the code {:?} exists already", order.code);
            Error::new(ErrorCode::AlreadyExists, detail).at("code")
        })
    })?;
    let lines: Vec<(OrderId, &OrderLine)> = order.lines.iter().map(|line| (order.order_id, line)).collect();
    store::insert_lines(tx, tenant, &lines).await?;
    tx.audit(actor, audit::Entry::new("order.create", "order", order.order_id).after(&order));
    announce(tx, actor, &order);
    Ok(OrderDto::whole(order))
}

fn new_order(actor: &Actor, input: &NewOrder, facility: &Facility, items: &HashMap<String, Item>) -> Result<Order> {
    let mut checks = Checks::default();
    let now = actor.env.now();
    let code = match input.code.as_deref().map(str::trim).filter(|code| !code.is_empty()) {
        Some(code) => checks.code("code", code),
        None => {
            let [a, b, c, d] = actor.env.random_bytes::<4>();
            format!("SO-{}-{a:02X}{b:02X}{c:02X}{d:02X}", now.format("%y%m%d"))
        }
    };
    checks.require(!is_reserved(&code), "code", "is a word of the address; choose another");
    checks.require(facility.is_active, "facility", "is not active");
    let customer = checks.text("customer", input.customer.as_deref().unwrap_or_default(), TEXT_MAX);
    if let Some(due) = input.due_at {
        plausible(&mut checks, "due_at", due, now);
    }
    let lines = new_lines(actor, &mut checks, input, items);
    checks.done()?;
    Ok(Order {
        order_id: OrderId(actor.env.new_id()),
        code,
        facility_id: facility.facility_id,
        facility_code: facility.code.clone(),
        customer,
        due_at: input.due_at,
        is_urgent: input.urgent,
        state: if input.draft { OrderState::Draft } else { OrderState::Open },
        reason: String::new(),
        is_history: false,
        first_picked_at: None,
        shipped_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
        lines,
    })
}

/// Whether a code would hide a page.
pub(super) fn is_reserved(code: &str) -> bool {
    RESERVED.contains(&code)
}

/// A time far away is a mistake in the caller's conversion.
pub(super) fn plausible(checks: &mut Checks, field: &str, at: DateTime<Utc>, now: DateTime<Utc>) {
    let distance = (at - now).num_days().abs();
    checks.require(distance <= 36_525, field, "must lie within a hundred years of now");
}

fn new_lines(actor: &Actor, checks: &mut Checks, input: &NewOrder, items: &HashMap<String, Item>) -> Vec<OrderLine> {
    let mut lines = Vec::with_capacity(input.lines.len());
    for (n, given) in input.lines.iter().enumerate() {
        let checks = checks.inside(format!("lines[{n}]."));
        let Some(item) = items.get(given.item.trim()) else {
            checks.refuse("item", format!("item {:?} does not exist", given.item));
            continue;
        };
        checks.require(item.is_active, "item", "is not active any more");
        let Some(quantity) = checks.take("quantity", given.quantity.parse::<Quantity>()) else { continue };
        let Some(quantity) = in_base_unit(checks, "quantity", "unit", quantity, given.unit.as_deref(), item) else { continue };
        if !is_whole(quantity, item) {
            checks.refuse("quantity", "must be a whole number, because the item is serial-tracked");
        }
        let line_no = i32::try_from(n).expect("there are at most 2,000 lines") + 1;
        lines.push(new_line(OrderLineId(actor.env.new_id()), line_no, item, quantity));
    }
    checks.inside("");
    lines
}

pub(super) fn is_whole(quantity: Quantity, item: &Item) -> bool {
    !item.serial_tracked || quantity.decimal().fract().is_zero()
}

pub(super) fn new_line(id: OrderLineId, line_no: i32, item: &Item, quantity: Quantity) -> OrderLine {
    OrderLine {
        order_line_id: id,
        line_no,
        item_id: item.item_id,
        item_code: item.code.clone(),
        item_name: item.name.clone(),
        base_unit: item.base_unit.clone(),
        quantity,
        allocated: Quantity::ZERO,
        picked: Quantity::ZERO,
        shipped: Quantity::ZERO,
        short_reason: String::new(),
    }
}

/// Changes what the order says of itself; its lines stay.
pub async fn edit(tx: &mut Tx, actor: &Actor, reference: &str, patch: &OrderPatch) -> Result<OrderDto> {
    actor.require(ORDERS_WRITE)?;
    let mut order = find_locked(tx, actor.tenant(), reference).await?;
    if order.version != patch.version {
        let detail = format!("order {:?} is at version {}", order.code, order.version);
        return Err(Error::new(ErrorCode::VersionConflict, detail));
    }
    if matches!(order.state, OrderState::Shipped | OrderState::Cancelled) {
        return Err(Error::conflict(format!("the order is {} and changes no more", order.state)));
    }
    let before = header(&order);
    let mut checks = Checks::default();
    if let Some(customer) = &patch.customer {
        order.customer = checks.text("customer", customer, TEXT_MAX);
    }
    if let Some(due) = patch.due_at {
        if let Some(due) = due {
            plausible(&mut checks, "due_at", due, actor.env.now());
        }
        order.due_at = due;
    }
    order.is_urgent = patch.urgent.unwrap_or(order.is_urgent);
    checks.done()?;
    tx.audit(actor, audit::Entry::new("order.update", "order", order.order_id).before(&before).after(&header(&order)));
    write(tx, actor, &mut order).await?;
    Ok(OrderDto::whole(order))
}

fn header(order: &Order) -> serde_json::Value {
    json!({ "customer": order.customer, "due_at": order.due_at, "is_urgent": order.is_urgent, "state": order.state })
}

/// Lets a draft be released.
pub async fn open(tx: &mut Tx, actor: &Actor, reference: &str) -> Result<OrderDto> {
    actor.require(ORDERS_WRITE)?;
    let mut order = find_locked(tx, actor.tenant(), reference).await?;
    if order.state != OrderState::Draft {
        return Err(Error::conflict(format!("the order is {} already", order.state)));
    }
    order.become_state(OrderState::Open)?;
    tx.audit(actor, audit::Entry::new("order.open", "order", order.order_id).after(&json!({ "code": order.code })));
    write(tx, actor, &mut order).await?;
    Ok(OrderDto::whole(order))
}

/// Ends an order of which nothing has gone to the customer. What is bound for it becomes free where it lies.
pub async fn cancel(tx: &mut Tx, actor: &Actor, reference: &str, input: &CancelOrder) -> Result<OrderDto> {
    actor.require(ORDERS_WRITE)?;
    let mut checks = Checks::default();
    let reason = checks.text("reason", input.reason.as_deref().unwrap_or_default(), TEXT_MAX);
    checks.done()?;
    let mut order = find_locked(tx, actor.tenant(), reference).await?;
    if order.lines.iter().any(|line| !line.shipped.is_zero()) && order.state != OrderState::Shipped {
        return Err(Error::conflict(
            "some of the order has gone to the customer; cancel what waits on its pick list and ship it",
        ));
    }
    order.become_state(OrderState::Cancelled)?;
    order.reason = reason;
    picking::drop_all(tx, actor, &mut order).await?;
    tx.audit(actor, audit::Entry::new("order.cancel", "order", order.order_id).after(&json!({ "reason": order.reason })));
    write(tx, actor, &mut order).await?;
    Ok(OrderDto::whole(order))
}

/// Closes a picked order: what waits in a staging place goes to the customer.
pub async fn ship(tx: &mut Tx, actor: &Actor, reference: &str) -> Result<OrderDto> {
    actor.require(ORDERS_WRITE)?;
    let mut order = find_locked(tx, actor.tenant(), reference).await?;
    order.become_state(OrderState::Shipped)?;
    let movements = picking::issue_staged(tx, actor, &mut order).await?;
    order.shipped_at = Some(actor.env.now());
    let after = json!({ "code": order.code, "movements": movements });
    tx.audit(actor, audit::Entry::new("order.ship", "order", order.order_id).after(&after));
    write(tx, actor, &mut order).await?;
    Ok(OrderDto::whole(order))
}

/// `reference` is an id or a code.
pub async fn get(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<OrderDto> {
    actor.require(WAREHOUSE_READ)?;
    Ok(OrderDto::whole(find(connection, actor.tenant(), reference).await?))
}

/// Newest first; without lines.
pub async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &OrderFilter,
    page: &PageRequest,
) -> Result<Page<OrderDto>> {
    actor.require(WAREHOUSE_READ)?;
    let narrow = Narrow {
        facility: facilities::wanted(connection, actor, &filter.facility).await?.map(|facility| facility.facility_id.0),
        state: filter.state,
        item: item_of(connection, actor, &filter.item).await?.map(|item| item.0),
        q: given(&filter.q),
        urgent: filter.urgent,
        due_before: filter.due_before,
        unfinished: filter.unfinished == Some(true),
    };
    if narrow.q.is_some_and(|text| text.contains('\0')) {
        return Err(Error::field("q", "must not contain control characters"));
    }
    let rows = store::list(connection, actor.tenant(), &narrow, page).await?;
    Ok(Page::cut(rows, page, |row| row.order.order_id).map(OrderDto::from))
}

pub(crate) fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

pub(crate) async fn item_of(connection: &mut PgConnection, actor: &Actor, reference: &Option<String>) -> Result<Option<ItemId>> {
    let Some(reference) = given(reference) else { return Ok(None) };
    let found = catalog::service::resolve(connection, actor.tenant(), &[reference.to_owned()]).await?;
    let item = found.get(reference).ok_or_else(|| Error::not_found(format_args!("item {reference:?}")).at("item"))?;
    Ok(Some(item.item_id))
}

/// By id or code, with lines.
pub(crate) async fn find(connection: &mut PgConnection, tenant: &TenantId, reference: &str) -> Result<Order> {
    let missing = || Error::not_found(format_args!("order {reference:?}"));
    if reference.contains('\0') {
        return Err(missing());
    }
    let found = store::find(connection, tenant, as_id(reference), reference.trim()).await?;
    let mut order = found.ok_or_else(missing)?.order;
    order.lines = store::lines(connection, tenant, order.order_id).await?;
    let items: Vec<ItemId> = order.lines.iter().map(|line| line.item_id).collect();
    let items = catalog::service::labels_by_ids(connection, tenant, &items).await?;
    for line in &mut order.lines {
        if let Some(item) = items.get(&line.item_id) {
            line.item_code.clone_from(&item.code);
            line.item_name.clone_from(&item.name);
            line.base_unit.clone_from(&item.base_unit);
        }
    }
    Ok(order)
}

pub(crate) async fn find_locked(tx: &mut Tx, tenant: &TenantId, reference: &str) -> Result<Order> {
    let id = find(tx, tenant, reference).await?.order_id;
    store::lock(tx, tenant, id).await?;
    find(tx, tenant, &id.to_string()).await
}

/// Writes the order and the figures of its lines, and tells of it.
pub(crate) async fn write(tx: &mut Tx, actor: &Actor, order: &mut Order) -> Result<()> {
    order.version += 1;
    order.updated_at = actor.env.now();
    store::update(tx, actor.tenant(), order).await?;
    announce(tx, actor, order);
    Ok(())
}

fn announce(tx: &mut Tx, actor: &Actor, order: &Order) {
    let payload = json!({ "code": order.code, "state": order.state, "facility_id": order.facility_id });
    tx.publish(actor, Event::new("warehouse.order.changed", order.order_id, payload));
}

/// What orders of the facility that are due within `days` from now (or overdue) lack of the items: what is neither picked, nor
/// bound, nor free in places that orders are picked from. Free goods go to urgent orders first, then to the earliest due; the
/// shortages come in the same order.
///
/// For other features inside this context, which have authorised already.
pub async fn due_shortages(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    items: &[ItemId],
    days: u32,
    now: DateTime<Utc>,
) -> Result<Vec<Shortage>> {
    let before = now + TimeDelta::days(i64::from(days.min(36_525)));
    let wanting = store::wanting(connection, tenant, facility, items, before).await?;
    if wanting.is_empty() {
        return Ok(Vec::new());
    }
    let avoid = locations::not_picked_from(connection, tenant, facility).await?;
    let free = inventory::reservation::service::free_of(connection, tenant, facility, items, &avoid, now).await?;
    let orders: Vec<(OrderId, String)> = wanting.iter().map(|one| (one.order.order_id, one.order.code.clone())).collect();
    let promised = picking::promised_aside(connection, tenant, &orders, now).await?;
    Ok(shortages(wanting, free, promised))
}

/// `free` by item, `promised` by order and item: what is bound for an order beside its pick lists.
fn shortages(
    wanting: Vec<Wanting>,
    mut free: HashMap<ItemId, Quantity>,
    mut promised: HashMap<(OrderId, ItemId), Quantity>,
) -> Vec<Shortage> {
    let mut found = Vec::new();
    for Wanting { order, line } in wanting {
        let mut missing = line.uncovered();
        let sources = [promised.get_mut(&(order.order_id, line.item_id)), free.get_mut(&line.item_id)];
        for source in sources.into_iter().flatten() {
            let part = missing.min(*source);
            missing -= part;
            *source -= part;
        }
        if let Some(due_at) = order.due_at.filter(|_| !missing.is_zero()) {
            found.push(Shortage {
                order_id: order.order_id,
                order_code: order.code,
                order_line_id: line.order_line_id,
                item_id: line.item_id,
                quantity: missing,
                due_at,
                is_urgent: order.is_urgent,
            });
        }
    }
    found
}

/// Orders of a facility by the time of their first pick (from inclusive, to exclusive), with what was picked of each item: at most
/// `most` (1 to [`BASKETS_MAX`]) after the one that the last page ended with.
///
/// For other features inside this context, which have authorised already.
pub async fn order_baskets(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    between: (DateTime<Utc>, DateTime<Utc>),
    after: Option<(DateTime<Utc>, OrderId)>,
    most: i64,
) -> Result<Vec<Basket>> {
    store::baskets(connection, tenant, facility, between, after, most.clamp(1, BASKETS_MAX)).await
}
