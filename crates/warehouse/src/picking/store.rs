use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use inventory::reservation::service::Bound;
use kernel::{
    FacilityId, ItemId, LocationId, LotId, OrderId, OrderLineId, PageRequest, PickLineId, PickListId, Quantity, ReservationId,
    TenantId, UserId,
};
use platform::{Error, Result};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Claim, DailyPicks, Pick, PickLine, PickList};
use crate::words::{PickLineState, PickListState};

struct Row {
    pick_list_id: Uuid,
    code: String,
    facility_id: Uuid,
    facility_code: String,
    order_id: Uuid,
    order_code: String,
    customer: String,
    due_at: Option<DateTime<Utc>>,
    is_urgent: bool,
    state: PickListState,
    to_location_id: Option<Uuid>,
    to_location_code: Option<String>,
    created_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    lines_total: i64,
    lines_open: i64,
}

/// A list without its lines, and how many it has and how many of them are open.
pub(super) type Counted = (PickList, i64, i64);

fn counted(row: Row) -> Counted {
    let list = PickList {
        pick_list_id: PickListId(row.pick_list_id),
        code: row.code,
        facility_id: FacilityId(row.facility_id),
        facility_code: row.facility_code,
        order_id: OrderId(row.order_id),
        order_code: row.order_code,
        customer: row.customer,
        due_at: row.due_at,
        is_urgent: row.is_urgent,
        state: row.state,
        to_location_id: row.to_location_id.map(LocationId),
        to_location_code: row.to_location_code,
        created_at: row.created_at,
        closed_at: row.closed_at,
        lines: Vec::new(),
    };
    (list, row.lines_total, row.lines_open)
}

/// The macro keeps the one list of columns for every way to find pick lists.
macro_rules! select_lists {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"SELECT p.pick_list_id, p.code, p.facility_id, f.code AS facility_code, p.order_id, o.code AS order_code, o.customer,
                      o.due_at, o.is_urgent, p.state AS "state: PickListState", p.to_location_id, t.code AS "to_location_code?",
                      p.created_at, p.closed_at, n.total AS "lines_total!", n.open AS "lines_open!"
               FROM warehouse.pick_lists p
               JOIN warehouse.facilities f ON f.tenant_id = $1 AND f.facility_id = p.facility_id
               JOIN warehouse.orders o ON o.tenant_id = $1 AND o.order_id = p.order_id
               LEFT JOIN warehouse.locations t ON t.tenant_id = $1 AND t.location_id = p.to_location_id
               CROSS JOIN LATERAL (
                   SELECT count(*) AS total, count(*) FILTER (WHERE l.state = 'OPEN') AS open FROM warehouse.pick_lines l
                   WHERE l.tenant_id = $1 AND l.pick_list_id = p.pick_list_id OFFSET 0) n
               WHERE p.tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

pub(super) async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Option<Uuid>,
    code: &str,
) -> Result<Option<PickList>> {
    let row = select_lists!(
        "AND (p.pick_list_id = $2 OR p.code = $3) ORDER BY p.pick_list_id = $2 DESC LIMIT 1",
        tenant.as_str(),
        id,
        code,
    );
    Ok(row.fetch_optional(connection).await?.map(|row| counted(row).0))
}

/// Newest first.
pub(super) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: Option<Uuid>,
    state: Option<PickListState>,
    order: Option<Uuid>,
    page: &PageRequest,
) -> Result<Vec<Counted>> {
    let before: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = select_lists!(
        "AND ($2::uuid IS NULL OR p.facility_id = $2)
         AND ($3::text IS NULL OR p.state = $3)
         AND ($4::uuid IS NULL OR p.order_id = $4)
         AND ($5::uuid IS NULL OR p.pick_list_id < $5)
         ORDER BY p.pick_list_id DESC LIMIT $6",
        tenant.as_str(),
        facility,
        state.map(PickListState::as_str),
        order,
        before,
        page.fetch(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(counted).collect())
}

/// In no particular order; what catalog and inventory know of items and lots is left empty.
pub(super) async fn lines(connection: &mut PgConnection, tenant: &TenantId, list: PickListId) -> Result<Vec<PickLine>> {
    let rows = sqlx::query!(
        r#"SELECT p.pick_line_id, p.order_line_id, p.reservation_id, p.item_id, p.lot_id, p.location_id, l.code AS location_code,
                  l.aisle, l.pick_sequence, p.quantity, p.picked, p.state AS "state: PickLineState", p.reason, p.decided_at, p.decided_by
           FROM warehouse.pick_lines p
           JOIN warehouse.locations l ON l.tenant_id = $1 AND l.location_id = p.location_id
           WHERE p.tenant_id = $1 AND p.pick_list_id = $2"#,
        tenant.as_str(),
        list.0,
    );
    let line = rows.fetch_all(connection).await?.into_iter().map(|row| PickLine {
        pick_line_id: PickLineId(row.pick_line_id),
        order_line_id: OrderLineId(row.order_line_id),
        reservation_id: ReservationId(row.reservation_id),
        item_id: ItemId(row.item_id),
        item_code: String::new(),
        item_name: String::new(),
        base_unit: String::new(),
        lot_id: row.lot_id.map(LotId),
        lot_number: None,
        location_id: LocationId(row.location_id),
        location_code: row.location_code,
        aisle: row.aisle,
        pick_sequence: row.pick_sequence,
        quantity: Quantity::from_db(row.quantity),
        picked: Quantity::from_db(row.picked),
        state: row.state,
        reason: row.reason,
        decided_at: row.decided_at,
        decided_by: row.decided_by.map(UserId),
    });
    Ok(line.collect())
}

pub(super) async fn insert(connection: &mut PgConnection, tenant: &TenantId, list: &PickList) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.pick_lists (tenant_id, pick_list_id, code, facility_id, order_id, state, to_location_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant.as_str(),
        list.pick_list_id.0,
        list.code,
        list.facility_id.0,
        list.order_id.0,
        list.state.as_str(),
        list.to_location_id.map(|id| id.0),
        list.created_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn insert_lines(
    connection: &mut PgConnection,
    tenant: &TenantId,
    list: PickListId,
    lines: &[PickLine],
) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = lines.iter().map(|line| line.pick_line_id.0).collect();
    let wanted: Vec<Uuid> = lines.iter().map(|line| line.order_line_id.0).collect();
    let reservations: Vec<Uuid> = lines.iter().map(|line| line.reservation_id.0).collect();
    let items: Vec<Uuid> = lines.iter().map(|line| line.item_id.0).collect();
    let lots: Vec<Option<Uuid>> = lines.iter().map(|line| line.lot_id.map(|lot| lot.0)).collect();
    let locations: Vec<Uuid> = lines.iter().map(|line| line.location_id.0).collect();
    let quantities: Vec<Decimal> = lines.iter().map(|line| line.quantity.decimal()).collect();
    sqlx::query!(
        "INSERT INTO warehouse.pick_lines
             (tenant_id, pick_list_id, pick_line_id, order_line_id, reservation_id, item_id, lot_id, location_id, quantity)
         SELECT $1, $2, * FROM UNNEST($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::numeric[])",
        tenant.as_str(),
        list.0,
        &ids,
        &wanted,
        &reservations,
        &items,
        &lots as &[Option<Uuid>],
        &locations,
        &quantities,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes state and end of the list, and what became of the lines given.
pub(super) async fn update(
    connection: &mut PgConnection,
    tenant: &TenantId,
    list: &PickList,
    decided: &[&PickLine],
) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.pick_lists SET state = $3, closed_at = $4 WHERE tenant_id = $1 AND pick_list_id = $2 AND state <> $3",
        tenant.as_str(),
        list.pick_list_id.0,
        list.state.as_str(),
        list.closed_at,
    )
    .execute(&mut *connection)
    .await?;
    let ids: Vec<Uuid> = decided.iter().map(|line| line.pick_line_id.0).collect();
    let picked: Vec<Decimal> = decided.iter().map(|line| line.picked.decimal()).collect();
    let states: Vec<String> = decided.iter().map(|line| line.state.to_string()).collect();
    let reasons: Vec<String> = decided.iter().map(|line| line.reason.clone()).collect();
    let times: Vec<Option<DateTime<Utc>>> = decided.iter().map(|line| line.decided_at).collect();
    let users: Vec<Option<Uuid>> = decided.iter().map(|line| line.decided_by.map(|user| user.0)).collect();
    sqlx::query!(
        "UPDATE warehouse.pick_lines l
         SET picked = k.picked, state = k.state, reason = k.reason, decided_at = k.decided_at, decided_by = k.decided_by
         FROM UNNEST($2::uuid[], $3::numeric[], $4::text[], $5::text[], $6::timestamptz[], $7::uuid[])
              AS k (id, picked, state, reason, decided_at, decided_by)
         WHERE l.tenant_id = $1 AND l.pick_line_id = k.id AND l.pick_line_id = ANY ($2::uuid[])",
        tenant.as_str(),
        &ids,
        &picked,
        &states,
        &reasons,
        &times as &[Option<DateTime<Utc>>],
        &users as &[Option<Uuid>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends what waits of an order: its open lines and lists.
pub(super) async fn cancel_all(
    connection: &mut PgConnection,
    tenant: &TenantId,
    order: OrderId,
    at: DateTime<Utc>,
    by: UserId,
) -> Result<()> {
    sqlx::query!(
        "WITH ended AS (
             UPDATE warehouse.pick_lists SET state = 'CANCELLED', closed_at = $3
             WHERE tenant_id = $1 AND order_id = $2 AND state = 'OPEN' RETURNING pick_list_id
         )
         UPDATE warehouse.pick_lines SET state = 'CANCELLED', decided_at = $3, decided_by = $4
         WHERE tenant_id = $1 AND state = 'OPEN' AND pick_list_id IN (SELECT pick_list_id FROM ended)",
        tenant.as_str(),
        order.0,
        at,
        by.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What pick lists of these orders bind: where it waits, or in the staging place that it was picked to.
pub(super) async fn claims(connection: &mut PgConnection, tenant: &TenantId, orders: &[OrderId]) -> Result<Vec<Claim>> {
    let ids: Vec<Uuid> = orders.iter().map(|order| order.0).collect();
    let rows = sqlx::query!(
        r#"SELECT p.order_id, l.order_line_id, l.reservation_id, l.item_id, l.lot_id, l.state <> 'OPEN' AS "is_staged!",
                  CASE l.state WHEN 'OPEN' THEN l.location_id ELSE p.to_location_id END AS "location_id!",
                  CASE l.state WHEN 'OPEN' THEN l.quantity ELSE l.picked END AS "quantity!"
           FROM warehouse.pick_lists p
           CROSS JOIN LATERAL (
               SELECT * FROM warehouse.pick_lines i WHERE i.tenant_id = $1 AND i.pick_list_id = p.pick_list_id
                 AND (i.state = 'OPEN' OR i.picked > 0 AND p.to_location_id IS NOT NULL) OFFSET 0) l
           WHERE p.tenant_id = $1 AND p.order_id = ANY ($2)
           ORDER BY l.pick_line_id"#,
        tenant.as_str(),
        &ids,
    );
    let claim = rows.fetch_all(connection).await?.into_iter().map(|row| Claim {
        order_id: OrderId(row.order_id),
        order_line_id: OrderLineId(row.order_line_id),
        goods: Bound {
            reservation: ReservationId(row.reservation_id),
            item: ItemId(row.item_id),
            location: LocationId(row.location_id),
            lot: row.lot_id.map(LotId),
            quantity: Quantity::from_db(row.quantity),
        },
        is_staged: row.is_staged,
    });
    Ok(claim.collect())
}

pub(crate) async fn insert_picks(connection: &mut PgConnection, tenant: &TenantId, picks: &[Pick]) -> Result<()> {
    if picks.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = picks.iter().map(|pick| pick.pick_id.0).collect();
    let facilities: Vec<Uuid> = picks.iter().map(|pick| pick.facility_id.0).collect();
    let orders: Vec<Uuid> = picks.iter().map(|pick| pick.order_id.0).collect();
    let lines: Vec<Uuid> = picks.iter().map(|pick| pick.order_line_id.0).collect();
    let items: Vec<Uuid> = picks.iter().map(|pick| pick.item_id.0).collect();
    let lots: Vec<Option<Uuid>> = picks.iter().map(|pick| pick.lot_id.map(|lot| lot.0)).collect();
    let locations: Vec<Option<Uuid>> = picks.iter().map(|pick| pick.location_id.map(|id| id.0)).collect();
    let quantities: Vec<Decimal> = picks.iter().map(|pick| pick.quantity.decimal()).collect();
    let times: Vec<DateTime<Utc>> = picks.iter().map(|pick| pick.picked_at).collect();
    let users: Vec<Uuid> = picks.iter().map(|pick| pick.picked_by.0).collect();
    let movements: Vec<Option<Uuid>> = picks.iter().map(|pick| pick.movement_id.map(|id| id.0)).collect();
    sqlx::query!(
        "INSERT INTO warehouse.picks
             (tenant_id, pick_id, facility_id, order_id, order_line_id, item_id, lot_id, location_id, quantity, picked_at, picked_by,
              movement_id)
         SELECT $1, * FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::numeric[],
                                  $10::timestamptz[], $11::uuid[], $12::uuid[])",
        tenant.as_str(),
        &ids,
        &facilities,
        &orders,
        &lines,
        &items,
        &lots as &[Option<Uuid>],
        &locations as &[Option<Uuid>],
        &quantities,
        &times,
        &users,
        &movements as &[Option<Uuid>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// By item and day, from the day `from` until before the day `to`.
pub(super) async fn daily(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<Vec<DailyPicks>> {
    let rows = sqlx::query!(
        r#"SELECT item_id, (picked_at AT TIME ZONE 'UTC')::date AS "day!", count(*) AS "picks!", sum(quantity) AS "quantity!"
           FROM warehouse.picks
           WHERE tenant_id = $1 AND facility_id = $2 AND picked_at >= $3::date::timestamp AT TIME ZONE 'UTC'
             AND picked_at < $4::date::timestamp AT TIME ZONE 'UTC'
           GROUP BY 1, 2 ORDER BY 1, 2"#,
        tenant.as_str(),
        facility.0,
        from,
        to,
    );
    let day = rows.fetch_all(connection).await?.into_iter().map(|row| DailyPicks {
        item_id: ItemId(row.item_id),
        day: row.day,
        picks: row.picks,
        quantity: Quantity::from_db(row.quantity),
    });
    Ok(day.collect())
}

/// How often each of the items was picked since a moment; what was not is absent.
pub(super) async fn picked_since(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    items: &[ItemId],
    since: DateTime<Utc>,
) -> Result<HashMap<ItemId, i64>> {
    let ids: Vec<Uuid> = items.iter().map(|item| item.0).collect();
    let rows = sqlx::query!(
        r#"SELECT item_id, count(*) AS "picks!" FROM warehouse.picks
           WHERE tenant_id = $1 AND facility_id = $2 AND item_id = ANY ($3) AND picked_at >= $4 GROUP BY item_id"#,
        tenant.as_str(),
        facility.0,
        &ids,
        since,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (ItemId(row.item_id), row.picks)).collect())
}

/// Lines that wait to be picked, by aisle; places outside the aisles are left out.
pub(super) async fn active_by_aisle(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
) -> Result<HashMap<String, u32>> {
    let rows = sqlx::query!(
        r#"SELECT l.aisle, count(*) AS "picks!" FROM warehouse.pick_lines p
           CROSS JOIN LATERAL (
               SELECT aisle FROM warehouse.locations i
               WHERE i.tenant_id = $1 AND i.location_id = p.location_id AND i.facility_id = $2 AND i.aisle <> '' OFFSET 0) l
           WHERE p.tenant_id = $1 AND p.state = 'OPEN' GROUP BY l.aisle"#,
        tenant.as_str(),
        facility.0,
    );
    let count = |picks: i64| u32::try_from(picks).unwrap_or(u32::MAX);
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.aisle, count(row.picks))).collect())
}

/// Orders whose lines do not say what was picked and what waits: how many lines were looked at, and the first in words. Across all
/// tenants when none is given.
pub(crate) async fn wrong_figures(connection: &mut PgConnection, tenant: Option<&str>) -> Result<(i64, i64, Vec<String>)> {
    let found = sqlx::query!(
        r#"WITH taken AS (
               SELECT tenant_id, order_line_id, sum(quantity) AS quantity FROM warehouse.picks
               WHERE $1::text IS NULL OR tenant_id = $1 GROUP BY 1, 2
           ), waiting AS (
               SELECT tenant_id, order_line_id, sum(quantity) AS quantity FROM warehouse.pick_lines
               WHERE state = 'OPEN' AND ($1::text IS NULL OR tenant_id = $1) GROUP BY 1, 2
           ), lines AS (SELECT * FROM warehouse.order_lines WHERE $1::text IS NULL OR tenant_id = $1),
           wrong AS (
               SELECT l.tenant_id, l.order_line_id FROM lines l
               LEFT JOIN taken t USING (tenant_id, order_line_id) LEFT JOIN waiting w USING (tenant_id, order_line_id)
               WHERE (l.picked, l.allocated) IS DISTINCT FROM (coalesce(t.quantity, 0), coalesce(w.quantity, 0))
           )
           SELECT (SELECT count(*) FROM lines) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: order line %s does not add up', tenant_id, order_line_id)
                        FROM wrong ORDER BY tenant_id, order_line_id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok((found.checked, found.violations, found.examples))
}
