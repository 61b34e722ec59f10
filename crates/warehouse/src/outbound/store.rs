use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::{FacilityId, ItemId, OrderId, OrderLineId, PageRequest, Quantity, TenantId};
use platform::{Error, Result};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Basket, Order, OrderLine, OrderSummary};
use crate::words::OrderState;

struct Row {
    order_id: Uuid,
    code: String,
    facility_id: Uuid,
    facility_code: String,
    customer: String,
    due_at: Option<DateTime<Utc>>,
    is_urgent: bool,
    state: OrderState,
    reason: String,
    is_history: bool,
    first_picked_at: Option<DateTime<Utc>>,
    shipped_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    lines_total: i64,
    lines_picked: i64,
    lines_uncovered: i64,
}

impl From<Row> for OrderSummary {
    fn from(row: Row) -> Self {
        let order = Order {
            order_id: OrderId(row.order_id),
            code: row.code,
            facility_id: FacilityId(row.facility_id),
            facility_code: row.facility_code,
            customer: row.customer,
            due_at: row.due_at,
            is_urgent: row.is_urgent,
            state: row.state,
            reason: row.reason,
            is_history: row.is_history,
            first_picked_at: row.first_picked_at,
            shipped_at: row.shipped_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            lines: Vec::new(),
        };
        let (lines_total, lines_picked, lines_uncovered) = (row.lines_total, row.lines_picked, row.lines_uncovered);
        Self { order, lines_total, lines_picked, lines_uncovered }
    }
}

/// The macro keeps the one list of columns for every way to find orders. The lines are counted for the rows that are shown only.
macro_rules! select_orders {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"WITH found AS (SELECT * FROM warehouse.orders o WHERE o.tenant_id = $1 "# + $rest + r#")
               SELECT o.order_id AS "order_id!", o.code AS "code!", o.facility_id AS "facility_id!", f.code AS facility_code,
                      o.customer AS "customer!", o.due_at, o.is_urgent AS "is_urgent!", o.state AS "state!: OrderState",
                      o.reason AS "reason!", o.is_history AS "is_history!", o.first_picked_at, o.shipped_at, o.version AS "version!",
                      o.created_at AS "created_at!", o.updated_at AS "updated_at!", n.total AS "lines_total!",
                      n.picked AS "lines_picked!", n.uncovered AS "lines_uncovered!"
               FROM found o
               JOIN warehouse.facilities f ON f.tenant_id = $1 AND f.facility_id = o.facility_id
               CROSS JOIN LATERAL (
                   SELECT count(*) AS total, count(*) FILTER (WHERE l.picked = l.quantity) AS picked,
                          count(*) FILTER (WHERE l.picked + l.allocated < l.quantity) AS uncovered
                   FROM warehouse.order_lines l WHERE l.tenant_id = $1 AND l.order_id = o.order_id OFFSET 0) n
               ORDER BY o.order_id DESC"#,
            $($argument),+
        )
    };
}

pub(super) async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Option<Uuid>,
    code: &str,
) -> Result<Option<OrderSummary>> {
    let row =
        select_orders!("AND (o.order_id = $2 OR o.code = $3) ORDER BY o.order_id = $2 DESC LIMIT 1", tenant.as_str(), id, code,);
    Ok(row.fetch_optional(connection).await?.map(OrderSummary::from))
}

/// Everything that happens to one order follows one another.
pub(super) async fn lock(connection: &mut PgConnection, tenant: &TenantId, order: OrderId) -> Result<()> {
    sqlx::query!(
        "SELECT 1 AS one FROM warehouse.orders WHERE tenant_id = $1 AND order_id = $2 FOR NO KEY UPDATE",
        tenant.as_str(),
        order.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(())
}

/// By number; what catalog knows of items is left empty.
pub(super) async fn lines(connection: &mut PgConnection, tenant: &TenantId, order: OrderId) -> Result<Vec<OrderLine>> {
    let rows = sqlx::query!(
        "SELECT order_line_id, line_no, item_id, quantity, allocated, picked, shipped, short_reason
         FROM warehouse.order_lines WHERE tenant_id = $1 AND order_id = $2 ORDER BY line_no",
        tenant.as_str(),
        order.0,
    );
    let line = rows.fetch_all(connection).await?.into_iter().map(|row| OrderLine {
        order_line_id: OrderLineId(row.order_line_id),
        line_no: row.line_no,
        item_id: ItemId(row.item_id),
        item_code: String::new(),
        item_name: String::new(),
        base_unit: String::new(),
        quantity: Quantity::from_db(row.quantity),
        allocated: Quantity::from_db(row.allocated),
        picked: Quantity::from_db(row.picked),
        shipped: Quantity::from_db(row.shipped),
        short_reason: row.short_reason,
    });
    Ok(line.collect())
}

/// What a list of orders is narrowed by, resolved.
#[derive(Default)]
pub(super) struct Narrow<'a> {
    pub facility: Option<Uuid>,
    pub state: Option<OrderState>,
    pub item: Option<Uuid>,
    pub q: Option<&'a str>,
    pub urgent: Option<bool>,
    pub due_before: Option<DateTime<Utc>>,
    pub unfinished: bool,
}

/// Newest first.
pub(super) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    narrow: &Narrow<'_>,
    page: &PageRequest,
) -> Result<Vec<OrderSummary>> {
    let before: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = select_orders!(
        "AND ($2::uuid IS NULL OR o.facility_id = $2)
         AND ($3::text IS NULL OR o.state = $3)
         AND ($4::uuid IS NULL OR EXISTS (SELECT FROM warehouse.order_lines i
                                          WHERE i.tenant_id = $1 AND i.order_id = o.order_id AND i.item_id = $4))
         AND ($5::text IS NULL OR starts_with(lower(o.code), lower($5)) OR strpos(lower(o.customer), lower($5)) > 0)
         AND ($6::boolean IS NULL OR o.is_urgent = $6)
         AND ($7::timestamptz IS NULL OR o.due_at < $7)
         AND (NOT $8 OR o.state IN ('DRAFT', 'OPEN', 'PICKING', 'PICKED'))
         AND ($9::uuid IS NULL OR o.order_id < $9)
         ORDER BY o.order_id DESC LIMIT $10",
        tenant.as_str(),
        narrow.facility,
        narrow.state.map(OrderState::as_str),
        narrow.item,
        narrow.q,
        narrow.urgent,
        narrow.due_before,
        narrow.unfinished,
        before,
        page.fetch(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(OrderSummary::from).collect())
}

/// Orders without their lines.
pub(super) async fn insert(connection: &mut PgConnection, tenant: &TenantId, orders: &[Order]) -> Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = orders.iter().map(|one| one.order_id.0).collect();
    let codes: Vec<String> = orders.iter().map(|one| one.code.clone()).collect();
    let facilities: Vec<Uuid> = orders.iter().map(|one| one.facility_id.0).collect();
    let customers: Vec<String> = orders.iter().map(|one| one.customer.clone()).collect();
    let due: Vec<Option<DateTime<Utc>>> = orders.iter().map(|one| one.due_at).collect();
    let urgent: Vec<bool> = orders.iter().map(|one| one.is_urgent).collect();
    let states: Vec<String> = orders.iter().map(|one| one.state.to_string()).collect();
    let history: Vec<bool> = orders.iter().map(|one| one.is_history).collect();
    let picked: Vec<Option<DateTime<Utc>>> = orders.iter().map(|one| one.first_picked_at).collect();
    let shipped: Vec<Option<DateTime<Utc>>> = orders.iter().map(|one| one.shipped_at).collect();
    let made: Vec<DateTime<Utc>> = orders.iter().map(|one| one.created_at).collect();
    sqlx::query!(
        "INSERT INTO warehouse.orders
             (tenant_id, order_id, code, facility_id, customer, due_at, is_urgent, state, is_history, first_picked_at, shipped_at,
              created_at, updated_at)
         SELECT $1, k.*, k.created_at
         FROM UNNEST($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::timestamptz[], $7::boolean[], $8::text[], $9::boolean[],
                     $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])
              AS k (order_id, code, facility_id, customer, due_at, is_urgent, state, is_history, first_picked_at, shipped_at, created_at)",
        tenant.as_str(),
        &ids,
        &codes,
        &facilities,
        &customers,
        &due as &[Option<DateTime<Utc>>],
        &urgent,
        &states,
        &history,
        &picked as &[Option<DateTime<Utc>>],
        &shipped as &[Option<DateTime<Utc>>],
        &made,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Lines of any orders.
pub(super) async fn insert_lines(
    connection: &mut PgConnection,
    tenant: &TenantId,
    lines: &[(OrderId, &OrderLine)],
) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = lines.iter().map(|(_, line)| line.order_line_id.0).collect();
    let orders: Vec<Uuid> = lines.iter().map(|(order, _)| order.0).collect();
    let numbers: Vec<i32> = lines.iter().map(|(_, line)| line.line_no).collect();
    let items: Vec<Uuid> = lines.iter().map(|(_, line)| line.item_id.0).collect();
    let figures = |of: fn(&OrderLine) -> Quantity| -> Vec<Decimal> { lines.iter().map(|(_, line)| of(line).decimal()).collect() };
    let (quantities, picked, shipped) =
        (figures(|line| line.quantity), figures(|line| line.picked), figures(|line| line.shipped));
    sqlx::query!(
        "INSERT INTO warehouse.order_lines (tenant_id, order_line_id, order_id, line_no, item_id, quantity, picked, shipped)
         SELECT $1, * FROM UNNEST($2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::numeric[], $7::numeric[], $8::numeric[])",
        tenant.as_str(),
        &ids,
        &orders,
        &numbers,
        &items,
        &quantities,
        &picked,
        &shipped,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes what may change of an order, and the figures of its lines.
pub(super) async fn update(connection: &mut PgConnection, tenant: &TenantId, order: &Order) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.orders
         SET customer = $3, due_at = $4, is_urgent = $5, state = $6, reason = $7, first_picked_at = $8, shipped_at = $9, version = $10,
             updated_at = $11
         WHERE tenant_id = $1 AND order_id = $2",
        tenant.as_str(),
        order.order_id.0,
        order.customer,
        order.due_at,
        order.is_urgent,
        order.state.as_str(),
        order.reason,
        order.first_picked_at,
        order.shipped_at,
        order.version,
        order.updated_at,
    )
    .execute(&mut *connection)
    .await?;
    update_lines(connection, tenant, &order.lines).await
}

pub(super) async fn update_lines(connection: &mut PgConnection, tenant: &TenantId, lines: &[OrderLine]) -> Result<()> {
    let ids: Vec<Uuid> = lines.iter().map(|line| line.order_line_id.0).collect();
    let figures = |of: fn(&OrderLine) -> Quantity| -> Vec<Decimal> { lines.iter().map(|line| of(line).decimal()).collect() };
    let (quantities, allocated) = (figures(|line| line.quantity), figures(|line| line.allocated));
    let (picked, shipped) = (figures(|line| line.picked), figures(|line| line.shipped));
    let reasons: Vec<String> = lines.iter().map(|line| line.short_reason.clone()).collect();
    sqlx::query!(
        "UPDATE warehouse.order_lines l
         SET quantity = k.quantity, allocated = k.allocated, picked = k.picked, shipped = k.shipped, short_reason = k.short_reason
         FROM UNNEST($2::uuid[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[], $7::text[])
              AS k (id, quantity, allocated, picked, shipped, short_reason)
         WHERE l.tenant_id = $1 AND l.order_line_id = k.id AND l.order_line_id = ANY ($2::uuid[])
           AND (l.quantity, l.allocated, l.picked, l.shipped, l.short_reason)
               <> (k.quantity, k.allocated, k.picked, k.shipped, k.short_reason)",
        tenant.as_str(),
        &ids,
        &quantities,
        &allocated,
        &picked,
        &shipped,
        &reasons,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A line of an order that still wants goods, and when the order must leave.
pub(super) struct Wanting {
    pub order: Order,
    pub line: OrderLine,
}

/// Lines of released or open orders of a facility that are due before a moment and of which something is neither picked nor on a
/// pick list: urgent ones first, then the earliest due.
pub(super) async fn wanting(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    items: &[ItemId],
    due_before: DateTime<Utc>,
) -> Result<Vec<Wanting>> {
    let ids: Vec<Uuid> = items.iter().map(|item| item.0).collect();
    let rows = sqlx::query!(
        r#"SELECT o.order_id, o.code, o.due_at AS "due_at!", o.is_urgent, o.state AS "state: OrderState", o.version, o.created_at,
                  o.updated_at, l.order_line_id, l.line_no, l.item_id, l.quantity, l.allocated, l.picked, l.shipped
           FROM warehouse.orders o
           CROSS JOIN LATERAL (
               SELECT * FROM warehouse.order_lines i
               WHERE i.tenant_id = $1 AND i.order_id = o.order_id AND i.item_id = ANY ($3) AND i.picked + i.allocated < i.quantity
               OFFSET 0) l
           WHERE o.tenant_id = $1 AND o.facility_id = $2 AND o.state IN ('OPEN', 'PICKING', 'PICKED') AND o.due_at < $4
           ORDER BY o.is_urgent DESC, o.due_at, o.order_id, l.line_no"#,
        tenant.as_str(),
        facility.0,
        &ids,
        due_before,
    );
    let wanting = rows.fetch_all(connection).await?.into_iter().map(|row| Wanting {
        order: Order {
            order_id: OrderId(row.order_id),
            code: row.code,
            facility_id: facility,
            facility_code: String::new(),
            customer: String::new(),
            due_at: Some(row.due_at),
            is_urgent: row.is_urgent,
            state: row.state,
            reason: String::new(),
            is_history: false,
            first_picked_at: None,
            shipped_at: None,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            lines: Vec::new(),
        },
        line: OrderLine {
            order_line_id: OrderLineId(row.order_line_id),
            line_no: row.line_no,
            item_id: ItemId(row.item_id),
            item_code: String::new(),
            item_name: String::new(),
            base_unit: String::new(),
            quantity: Quantity::from_db(row.quantity),
            allocated: Quantity::from_db(row.allocated),
            picked: Quantity::from_db(row.picked),
            shipped: Quantity::from_db(row.shipped),
            short_reason: String::new(),
        },
    });
    Ok(wanting.collect())
}

/// Orders in the order of their first pick, after `after`, with what was picked of each item.
pub(super) async fn baskets(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    after: Option<(DateTime<Utc>, OrderId)>,
    most: i64,
) -> Result<Vec<Basket>> {
    let rows = sqlx::query!(
        r#"SELECT o.order_id, o.first_picked_at AS "first_picked_at!", p.items AS "items!: Vec<Uuid>",
                  p.quantities AS "quantities!: Vec<Decimal>"
           FROM (SELECT order_id, first_picked_at FROM warehouse.orders
                 WHERE tenant_id = $1 AND facility_id = $2 AND first_picked_at >= $3 AND first_picked_at < $4
                   AND ($5::timestamptz IS NULL OR (first_picked_at, order_id) > ($5, $6::uuid))
                 ORDER BY first_picked_at, order_id LIMIT $7) o
           CROSS JOIN LATERAL (
               SELECT array_agg(i.item_id ORDER BY i.item_id) AS items, array_agg(i.quantity ORDER BY i.item_id) AS quantities
               FROM (SELECT item_id, sum(quantity) AS quantity FROM warehouse.picks
                     WHERE tenant_id = $1 AND order_id = o.order_id GROUP BY item_id) i OFFSET 0) p
           ORDER BY o.first_picked_at, o.order_id"#,
        tenant.as_str(),
        facility.0,
        from,
        to,
        after.map(|(at, _)| at),
        after.map(|(_, order)| order.0),
        most,
    );
    let basket = rows.fetch_all(connection).await?.into_iter().map(|row| Basket {
        order_id: OrderId(row.order_id),
        first_picked_at: row.first_picked_at,
        items: row.items.into_iter().map(ItemId).zip(row.quantities.into_iter().map(Quantity::from_db)).collect(),
    });
    Ok(basket.collect())
}

/// Locks the orders with these codes and reads them, without lines.
pub(super) async fn lock_by_codes(connection: &mut PgConnection, tenant: &TenantId, codes: &[String]) -> Result<Vec<Order>> {
    sqlx::query!(
        "SELECT order_id FROM warehouse.orders WHERE tenant_id = $1 AND code = ANY ($2) ORDER BY order_id FOR NO KEY UPDATE",
        tenant.as_str(),
        codes,
    )
    .fetch_all(&mut *connection)
    .await?;
    let rows = select_orders!("AND o.code = ANY ($2)", tenant.as_str(), codes);
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| OrderSummary::from(row).order).collect())
}

/// Those of the lines that exist.
pub(super) async fn lines_by_ids(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[Uuid],
) -> Result<HashMap<OrderLineId, Quantity>> {
    let rows = sqlx::query!(
        "SELECT order_line_id, quantity FROM warehouse.order_lines WHERE tenant_id = $1 AND order_line_id = ANY ($2)",
        tenant.as_str(),
        ids,
    );
    let line = |(id, quantity): (Uuid, Decimal)| (OrderLineId(id), Quantity::from_db(quantity));
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| line((row.order_line_id, row.quantity))).collect())
}

/// The highest number of a line of each order; orders without lines are absent.
pub(super) async fn last_numbers(
    connection: &mut PgConnection,
    tenant: &TenantId,
    orders: &[Uuid],
) -> Result<HashMap<OrderId, i32>> {
    let rows = sqlx::query!(
        r#"SELECT order_id, max(line_no) AS "last!" FROM warehouse.order_lines
           WHERE tenant_id = $1 AND order_id = ANY ($2) GROUP BY order_id"#,
        tenant.as_str(),
        orders,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (OrderId(row.order_id), row.last)).collect())
}

/// Writes what orders say of themselves.
pub(super) async fn update_headers(connection: &mut PgConnection, tenant: &TenantId, orders: &[&Order]) -> Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = orders.iter().map(|one| one.order_id.0).collect();
    let customers: Vec<String> = orders.iter().map(|one| one.customer.clone()).collect();
    let due: Vec<Option<DateTime<Utc>>> = orders.iter().map(|one| one.due_at).collect();
    let urgent: Vec<bool> = orders.iter().map(|one| one.is_urgent).collect();
    let times: Vec<DateTime<Utc>> = orders.iter().map(|one| one.updated_at).collect();
    sqlx::query!(
        "UPDATE warehouse.orders o
         SET customer = k.customer, due_at = k.due_at, is_urgent = k.is_urgent, version = o.version + 1, updated_at = k.updated_at
         FROM UNNEST($2::uuid[], $3::text[], $4::timestamptz[], $5::boolean[], $6::timestamptz[])
              AS k (id, customer, due_at, is_urgent, updated_at)
         WHERE o.tenant_id = $1 AND o.order_id = k.id AND o.order_id = ANY ($2::uuid[])",
        tenant.as_str(),
        &ids,
        &customers,
        &due as &[Option<DateTime<Utc>>],
        &urgent,
        &times,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn update_quantities(
    connection: &mut PgConnection,
    tenant: &TenantId,
    lines: &[(OrderLineId, Quantity)],
) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = lines.iter().map(|(id, _)| id.0).collect();
    let quantities: Vec<Decimal> = lines.iter().map(|(_, quantity)| quantity.decimal()).collect();
    sqlx::query!(
        "UPDATE warehouse.order_lines l SET quantity = k.quantity FROM UNNEST($2::uuid[], $3::numeric[]) AS k (id, quantity)
         WHERE l.tenant_id = $1 AND l.order_line_id = k.id AND l.order_line_id = ANY ($2::uuid[])",
        tenant.as_str(),
        &ids,
        &quantities,
    )
    .execute(connection)
    .await?;
    Ok(())
}
