//! Orders from files, a row for each line. A line is known by its order, its item and how many rows of the two stand above it, so
//! that the same file again changes nothing.

use std::collections::{BTreeSet, HashMap};

use catalog::Item;
use chrono::{DateTime, TimeZone as _, Utc};
use futures::future::BoxFuture;
use kernel::{Code, OrderId, OrderLineId, PickId, Quantity, TenantId};
use platform::Result;
use platform::auth::{Actor, Permission};
use platform::database::Tx;
use platform::imports::{Counts, Importer, Options};
use platform::tabular::{Column, Row};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use super::model::{Order, OrderLine, TEXT_MAX};
use super::{service, store};
use crate::ORDERS_WRITE;
use crate::check::Checks;
use crate::facility::{Facility, service as facilities};
use crate::picking::{Pick, store as picking};
use crate::receiving::service::in_base_unit;
use crate::words::OrderState;

const COLUMNS: &[Column] = &[
    Column::text("order", "the order's code: SO-1001; rows with the same code are lines of one order").required().key(),
    Column::text("item", "id or code of the item").required().key(),
    Column::text("quantity", "greater than 0, at most 6 decimals: 12.5").required(),
    Column::text("unit", "one of the item's units; its base unit when empty"),
    Column::text("due", "when it must leave: 2027-06-01T08:26:00Z, or 2027-06-01 08:26 in UTC; the order's first row counts"),
    Column::text("customer", "the customer's own words; the order's first row counts"),
    Column::text("urgent", "yes or no; the order's first row counts"),
    Column::text(
        "shipped_at",
        "for history only: when the line left; the order is SHIPPED and its picks are kept, while the ledger and its stock stay as they are",
    ),
];
const LINES_MAX: i32 = 1_000_000;

/// Imports orders of one facility, open ones or history.
pub struct OrderImporter;

impl Importer for OrderImporter {
    fn kind(&self) -> &'static str {
        "orders"
    }

    fn permission(&self) -> Permission {
        ORDERS_WRITE
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn event(&self) -> &'static str {
        "warehouse.orders.imported"
    }

    fn needs_facility(&self) -> bool {
        true
    }

    /// One order may want an item on several lines.
    fn repeats(&self) -> bool {
        true
    }

    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        actor: &'a Actor,
        options: &'a Options,
        rows: &'a mut [Row],
    ) -> BoxFuture<'a, Result<Counts>> {
        Box::pin(apply(tx, actor, options, rows))
    }
}

/// A row that was read.
struct Wanted {
    row: usize,
    code: String,
    item: String,
    quantity: Quantity,
    due_at: Option<DateTime<Utc>>,
    customer: Option<String>,
    is_urgent: Option<bool>,
    shipped_at: Option<DateTime<Utc>>,
    id: OrderLineId,
}

async fn apply(tx: &mut Tx, actor: &Actor, options: &Options, rows: &mut [Row]) -> Result<Counts> {
    let tenant = actor.tenant();
    let reference = options.facility.as_deref().unwrap_or_default();
    let facility = facilities::find(tx, tenant, reference).await.map_err(|error| error.at("facility"))?;
    let references: BTreeSet<String> = rows.iter().filter_map(|row| row.text("item").map(str::to_owned)).collect();
    let items = catalog::service::resolve(tx, tenant, &references.into_iter().collect::<Vec<_>>()).await?;
    let wanted: Vec<Wanted> = rows.iter_mut().enumerate().filter_map(|(n, row)| read(actor, n, row, &items)).collect();
    let codes: BTreeSet<String> = wanted.iter().map(|one| one.code.clone()).collect();
    let stored = store::lock_by_codes(tx, tenant, &codes.into_iter().collect::<Vec<_>>()).await?;
    let orders: Vec<Uuid> = stored.iter().map(|order| order.order_id.0).collect();
    let ids: Vec<Uuid> = wanted.iter().map(|one| one.id.0).collect();
    let known = Known {
        lines: store::lines_by_ids(tx, tenant, &ids).await?,
        numbers: store::last_numbers(tx, tenant, &orders).await?,
        orders: stored.into_iter().map(|order| (order.code.clone(), order)).collect(),
    };
    let plan = plan(actor, &facility, rows, &items, wanted, known);
    plan.write(tx, actor).await?;
    Ok(plan.counts)
}

/// Nothing when the row is bad; what is wrong is left in it.
fn read(actor: &Actor, number: usize, row: &mut Row, items: &HashMap<String, Item>) -> Option<Wanted> {
    if row.is_bad() {
        return None;
    }
    let code = row.parse("order", |text| Code::parse(text).map(Code::into_string));
    if code.as_deref().is_some_and(service::is_reserved) {
        row.refuse("order", "is a word of the address; choose another");
    }
    let quantity = quantity(row, items);
    let customer = row.parse("customer", |text| {
        let mut checks = Checks::default();
        let text = checks.text("customer", text, TEXT_MAX);
        match checks.done() {
            Ok(()) => Ok(text),
            Err(error) => Err(kernel::Invalid(error.fields.into_iter().map(|field| field.message).collect())),
        }
    });
    let (due_at, is_urgent, shipped_at) = (row.time("due"), row.flag("urgent"), row.time("shipped_at"));
    let earliest = Utc.with_ymd_and_hms(2000, 1, 1, 0, 0, 0).single().expect("the beginning of 2000 is a time");
    if shipped_at.is_some_and(|at| at > actor.env.now() || at < earliest) {
        row.refuse("shipped_at", "must lie between the year 2000 and now");
    }
    if due_at.is_some_and(|at| (at - actor.env.now()).num_days().abs() > 36_525) {
        row.refuse("due", "must lie within a hundred years of now");
    }
    if row.is_bad() {
        return None;
    }
    let (code, item) = (code?, row.text("item")?.to_owned());
    let id = line_id(actor.tenant(), &code, items.get(&item)?, row.occurrence);
    Some(Wanted { row: number, code, item, quantity: quantity?, due_at, customer, is_urgent, shipped_at, id })
}

fn quantity(row: &mut Row, items: &HashMap<String, Item>) -> Option<Quantity> {
    let Some(item) = row.text("item").and_then(|item| items.get(item)) else {
        row.refuse_with("item", "does not exist", "import the item first, or remove the row");
        return None;
    };
    let quantity = row.quantity("quantity")?;
    let mut checks = Checks::default();
    let base = in_base_unit(&mut checks, "quantity", "unit", quantity, row.text("unit"), item);
    if base.is_some_and(|base| !service::is_whole(base, item)) {
        checks.refuse("quantity", "must be a whole number, because the item is serial-tracked");
    }
    if let Err(error) = checks.done() {
        error.fields.into_iter().for_each(|field| row.refuse(&field.field, field.message));
    }
    base
}

/// RFC 9562 version 8: the first bytes of SHA-256 over what names the line.
fn line_id(tenant: &TenantId, order: &str, item: &Item, occurrence: u64) -> OrderLineId {
    let digest = Sha256::digest(format!("entrepot/{tenant}/order line/{order}/{}/{occurrence}", item.item_id));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    OrderLineId(Builder::from_custom_bytes(bytes).into_uuid())
}

/// What is stored of the orders and lines of a chunk; orders by code.
struct Known {
    orders: HashMap<String, Order>,
    lines: HashMap<OrderLineId, Quantity>,
    numbers: HashMap<OrderId, i32>,
}

/// What a chunk changes.
#[derive(Default)]
struct Plan {
    new_orders: Vec<Order>,
    new_lines: Vec<(OrderId, OrderLine)>,
    picks: Vec<Pick>,
    headers: Vec<Order>,
    quantities: Vec<(OrderLineId, Quantity)>,
    counts: Counts,
}

fn plan(
    actor: &Actor,
    facility: &Facility,
    rows: &mut [Row],
    items: &HashMap<String, Item>,
    wanted: Vec<Wanted>,
    mut known: Known,
) -> Plan {
    let mut plan = Plan::default();
    let mut fresh: BTreeSet<String> = BTreeSet::new();
    for one in wanted {
        let row = &mut rows[one.row];
        let is_first = fresh.insert(one.code.clone());
        if !known.orders.contains_key(&one.code) {
            let order = new_order(actor, facility, &one);
            plan.new_orders.push(order.clone());
            known.orders.insert(one.code.clone(), order);
        }
        let order = known.orders.get_mut(&one.code).expect("it was found or made");
        if !agrees(order, facility, &one, row) {
            continue;
        }
        let is_changed = is_first && plan.header(actor, order, &one);
        match known.lines.get(&one.id) {
            Some(stored) if *stored == one.quantity && !is_changed => plan.counts.unchanged += 1,
            Some(stored) if *stored == one.quantity => plan.counts.updated += 1,
            Some(stored) if !may_change(order) => row.refuse_with(
                "quantity",
                format!("is {stored} in the order, which is {} already", order.state),
                "remove the row, or cancel the order and write another",
            ),
            Some(_) => {
                plan.quantities.push((one.id, one.quantity));
                plan.counts.updated += 1;
            }
            None if !may_change(order) && !order.is_history => row.refuse_with(
                "order",
                format!("is {} already; lines are added to orders that nobody picks yet", order.state),
                "remove the row, or write another order",
            ),
            None => {
                let last = known.numbers.entry(order.order_id).or_default();
                if *last >= LINES_MAX {
                    row.refuse("order", format!("has more than {LINES_MAX} lines"));
                    continue;
                }
                *last += 1;
                plan.line(actor, order, &items[&one.item], &one, *last);
                plan.counts.created += 1;
            }
        }
    }
    plan
}

fn may_change(order: &Order) -> bool {
    matches!(order.state, OrderState::Draft | OrderState::Open)
}

/// Whether the row can be a line of the order as it is.
fn agrees(order: &Order, facility: &Facility, one: &Wanted, row: &mut Row) -> bool {
    if order.facility_id != facility.facility_id {
        row.refuse("order", format!("belongs to facility {:?}", order.facility_code));
    } else if order.is_history != one.shipped_at.is_some() {
        let which = if order.is_history { "was imported as shipped" } else { "is no history" };
        row.refuse("shipped_at", format!("the order {which}; its rows all have a time here, or none has"));
    }
    !row.is_bad()
}

fn new_order(actor: &Actor, facility: &Facility, one: &Wanted) -> Order {
    let now = actor.env.now();
    Order {
        order_id: OrderId(actor.env.new_id()),
        code: one.code.clone(),
        facility_id: facility.facility_id,
        facility_code: facility.code.clone(),
        customer: one.customer.clone().unwrap_or_default(),
        due_at: one.due_at,
        is_urgent: one.is_urgent.unwrap_or(false),
        state: if one.shipped_at.is_some() { OrderState::Shipped } else { OrderState::Open },
        reason: String::new(),
        is_history: one.shipped_at.is_some(),
        first_picked_at: one.shipped_at,
        shipped_at: one.shipped_at,
        version: 1,
        created_at: now,
        updated_at: now,
        lines: Vec::new(),
    }
}

impl Plan {
    /// What the first row of an order says of it, when that is something else than what is stored.
    fn header(&mut self, actor: &Actor, order: &mut Order, one: &Wanted) -> bool {
        if matches!(order.state, OrderState::Shipped | OrderState::Cancelled) {
            return false;
        }
        let before = (order.customer.clone(), order.due_at, order.is_urgent);
        order.customer = one.customer.clone().unwrap_or_else(|| before.0.clone());
        order.due_at = one.due_at.or(before.1);
        order.is_urgent = one.is_urgent.unwrap_or(before.2);
        let is_changed = (order.customer.clone(), order.due_at, order.is_urgent) != before;
        if is_changed {
            order.updated_at = actor.env.now();
            self.headers.push(order.clone());
        }
        is_changed
    }

    fn line(&mut self, actor: &Actor, order: &Order, item: &Item, one: &Wanted, number: i32) {
        let mut line = service::new_line(one.id, number, item, one.quantity);
        if let Some(at) = one.shipped_at {
            line.picked = one.quantity;
            line.shipped = one.quantity;
            self.picks.push(Pick {
                pick_id: PickId(one.id.0),
                facility_id: order.facility_id,
                order_id: order.order_id,
                order_line_id: one.id,
                item_id: item.item_id,
                lot_id: None,
                location_id: None,
                quantity: one.quantity,
                picked_at: at,
                picked_by: actor.principal.user,
                movement_id: None,
            });
        }
        self.new_lines.push((order.order_id, line));
    }

    async fn write(&self, tx: &mut Tx, actor: &Actor) -> Result<()> {
        let tenant = actor.tenant();
        store::insert(tx, tenant, &self.new_orders).await?;
        let lines: Vec<(OrderId, &OrderLine)> = self.new_lines.iter().map(|(order, line)| (*order, line)).collect();
        store::insert_lines(tx, tenant, &lines).await?;
        picking::insert_picks(tx, tenant, &self.picks).await?;
        store::update_headers(tx, tenant, &self.headers.iter().collect::<Vec<_>>()).await?;
        store::update_quantities(tx, tenant, &self.quantities).await
    }
}
