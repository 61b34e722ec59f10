use chrono::{DateTime, Utc};
use inventory::QualityStatus;
use kernel::{FacilityId, ItemId, LocationId, LotId, MovementId, PageRequest, Quantity, TenantId, TransferId, TransferLineId};
use platform::{Error, Result};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{InTransit, Settlement, Shipment, Transfer, TransferLine, TransferSummary};
use crate::words::TransferState;

struct Row {
    transfer_id: Uuid,
    code: String,
    from_facility_id: Uuid,
    from_facility_code: String,
    to_facility_id: Uuid,
    to_facility_code: String,
    state: TransferState,
    reference: String,
    reason: String,
    shipped_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    lines_total: i64,
    lines_received: i64,
    lines_in_transit: i64,
}

impl From<Row> for TransferSummary {
    fn from(row: Row) -> Self {
        let transfer = Transfer {
            transfer_id: TransferId(row.transfer_id),
            code: row.code,
            from_facility_id: FacilityId(row.from_facility_id),
            from_facility_code: row.from_facility_code,
            to_facility_id: FacilityId(row.to_facility_id),
            to_facility_code: row.to_facility_code,
            state: row.state,
            reference: row.reference,
            reason: row.reason,
            shipped_at: row.shipped_at,
            closed_at: row.closed_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            lines: Vec::new(),
        };
        let (lines_total, lines_received, lines_in_transit) = (row.lines_total, row.lines_received, row.lines_in_transit);
        Self { transfer, lines_total, lines_received, lines_in_transit }
    }
}

/// The macro keeps the one list of columns for every way to find transfers.
macro_rules! select_transfers {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"SELECT t.transfer_id, t.code, t.from_facility_id, f.code AS from_facility_code, t.to_facility_id, g.code AS to_facility_code,
                      t.state AS "state: TransferState", t.reference, t.reason, t.shipped_at, t.closed_at, t.version, t.created_at,
                      t.updated_at, n.total AS "lines_total!", n.received AS "lines_received!", n.in_transit AS "lines_in_transit!"
               FROM warehouse.transfers t
               JOIN warehouse.facilities f ON f.tenant_id = t.tenant_id AND f.facility_id = t.from_facility_id
               JOIN warehouse.facilities g ON g.tenant_id = t.tenant_id AND g.facility_id = t.to_facility_id
               CROSS JOIN LATERAL (
                   SELECT count(*) AS total, count(*) FILTER (WHERE l.received = l.quantity) AS received,
                          count(*) FILTER (WHERE l.shipped > l.received + l.missing + l.returned) AS in_transit
                   FROM warehouse.transfer_lines l WHERE l.tenant_id = t.tenant_id AND l.transfer_id = t.transfer_id) n
               WHERE t.tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

pub(super) async fn insert(connection: &mut PgConnection, tenant: &TenantId, transfer: &Transfer) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.transfers
             (tenant_id, transfer_id, code, from_facility_id, to_facility_id, state, reference, version, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant.as_str(),
        transfer.transfer_id.0,
        transfer.code,
        transfer.from_facility_id.0,
        transfer.to_facility_id.0,
        transfer.state.as_str(),
        transfer.reference,
        transfer.version,
        transfer.created_at,
        transfer.updated_at,
    )
    .execute(&mut *connection)
    .await?;
    let ids: Vec<Uuid> = transfer.lines.iter().map(|line| line.transfer_line_id.0).collect();
    let numbers: Vec<i32> = transfer.lines.iter().map(|line| line.line_no).collect();
    let items: Vec<Uuid> = transfer.lines.iter().map(|line| line.item_id.0).collect();
    let lots: Vec<Option<Uuid>> = transfer.lines.iter().map(|line| line.lot_id.map(|lot| lot.0)).collect();
    let quantities: Vec<Decimal> = transfer.lines.iter().map(|line| line.quantity.decimal()).collect();
    sqlx::query!(
        "INSERT INTO warehouse.transfer_lines (tenant_id, transfer_id, transfer_line_id, line_no, item_id, lot_id, quantity)
         SELECT $1, $2, * FROM UNNEST($3::uuid[], $4::int[], $5::uuid[], $6::uuid[], $7::numeric[])",
        tenant.as_str(),
        transfer.transfer_id.0,
        &ids,
        &numbers,
        &items,
        &lots as &[Option<Uuid>],
        &quantities,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes the state, and the figures of the lines.
pub(super) async fn update(connection: &mut PgConnection, tenant: &TenantId, transfer: &Transfer) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.transfers SET state = $3, reason = $4, shipped_at = $5, closed_at = $6, version = $7, updated_at = $8
         WHERE tenant_id = $1 AND transfer_id = $2",
        tenant.as_str(),
        transfer.transfer_id.0,
        transfer.state.as_str(),
        transfer.reason,
        transfer.shipped_at,
        transfer.closed_at,
        transfer.version,
        transfer.updated_at,
    )
    .execute(&mut *connection)
    .await?;
    let ids: Vec<Uuid> = transfer.lines.iter().map(|line| line.transfer_line_id.0).collect();
    let figures =
        |of: fn(&TransferLine) -> Quantity| -> Vec<Decimal> { transfer.lines.iter().map(|line| of(line).decimal()).collect() };
    let (shipped, received) = (figures(|line| line.shipped), figures(|line| line.received));
    let (missing, returned) = (figures(|line| line.missing), figures(|line| line.returned));
    sqlx::query!(
        "UPDATE warehouse.transfer_lines l
         SET shipped = k.shipped, received = k.received, missing = k.missing, returned = k.returned
         FROM UNNEST($2::uuid[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[])
              AS k (id, shipped, received, missing, returned)
         WHERE l.tenant_id = $1 AND l.transfer_line_id = k.id AND l.transfer_line_id = ANY ($2::uuid[])
           AND (l.shipped, l.received, l.missing, l.returned) <> (k.shipped, k.received, k.missing, k.returned)",
        tenant.as_str(),
        &ids,
        &shipped,
        &received,
        &missing,
        &returned,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Option<Uuid>,
    code: &str,
) -> Result<Option<TransferSummary>> {
    let row = select_transfers!(
        "AND (t.transfer_id = $2 OR t.code = $3) ORDER BY t.transfer_id = $2 DESC LIMIT 1",
        tenant.as_str(),
        id,
        code,
    );
    Ok(row.fetch_optional(connection).await?.map(TransferSummary::from))
}

/// Two people never ship or receive one transfer at the same moment.
pub(super) async fn lock(connection: &mut PgConnection, tenant: &TenantId, transfer: TransferId) -> Result<()> {
    sqlx::query!(
        "SELECT 1 AS one FROM warehouse.transfers WHERE tenant_id = $1 AND transfer_id = $2 FOR UPDATE",
        tenant.as_str(),
        transfer.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(())
}

/// By number; what catalog and inventory know of items and lots is left empty.
pub(super) async fn lines(connection: &mut PgConnection, tenant: &TenantId, transfer: TransferId) -> Result<Vec<TransferLine>> {
    let rows = sqlx::query!(
        "SELECT transfer_line_id, line_no, item_id, lot_id, quantity, shipped, received, missing, returned
         FROM warehouse.transfer_lines WHERE tenant_id = $1 AND transfer_id = $2 ORDER BY line_no",
        tenant.as_str(),
        transfer.0,
    );
    let line = rows.fetch_all(connection).await?.into_iter().map(|row| TransferLine {
        transfer_line_id: TransferLineId(row.transfer_line_id),
        line_no: row.line_no,
        item_id: ItemId(row.item_id),
        item_code: String::new(),
        item_name: String::new(),
        base_unit: String::new(),
        lot_id: row.lot_id.map(LotId),
        lot_number: None,
        quantity: Quantity::from_db(row.quantity),
        shipped: Quantity::from_db(row.shipped),
        received: Quantity::from_db(row.received),
        missing: Quantity::from_db(row.missing),
        returned: Quantity::from_db(row.returned),
    });
    Ok(line.collect())
}

/// What a list of transfers is narrowed by, resolved.
#[derive(Default)]
pub(super) struct Narrow<'a> {
    pub facility: Option<Uuid>,
    pub state: Option<TransferState>,
    pub item: Option<Uuid>,
    pub q: Option<&'a str>,
    pub unfinished: bool,
}

/// Newest first.
pub(super) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    narrow: &Narrow<'_>,
    page: &PageRequest,
) -> Result<Vec<TransferSummary>> {
    let before: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = select_transfers!(
        "AND ($2::uuid IS NULL OR t.from_facility_id = $2 OR t.to_facility_id = $2)
         AND ($3::text IS NULL OR t.state = $3)
         AND ($4::uuid IS NULL OR EXISTS (SELECT FROM warehouse.transfer_lines i
                                          WHERE i.tenant_id = $1 AND i.transfer_id = t.transfer_id AND i.item_id = $4))
         AND ($5::text IS NULL OR starts_with(lower(t.code), lower($5)) OR strpos(lower(t.reference), lower($5)) > 0)
         AND (NOT $6 OR t.state IN ('DRAFT', 'REQUESTED', 'IN_TRANSIT'))
         AND ($7::uuid IS NULL OR t.transfer_id < $7)
         ORDER BY t.transfer_id DESC LIMIT $8",
        tenant.as_str(),
        narrow.facility,
        narrow.state.map(TransferState::as_str),
        narrow.item,
        narrow.q,
        narrow.unfinished,
        before,
        page.fetch(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(TransferSummary::from).collect())
}

pub(super) async fn insert_shipments(
    connection: &mut PgConnection,
    tenant: &TenantId,
    transfer: TransferId,
    shipments: &[Shipment],
) -> Result<()> {
    let movements: Vec<Uuid> = shipments.iter().map(|one| one.movement_id.0).collect();
    let lines: Vec<Uuid> = shipments.iter().map(|one| one.transfer_line_id.0).collect();
    let items: Vec<Uuid> = shipments.iter().map(|one| one.item_id.0).collect();
    let lots: Vec<Option<Uuid>> = shipments.iter().map(|one| one.lot_id.map(|lot| lot.0)).collect();
    let statuses: Vec<String> = shipments.iter().map(|one| one.quality_status.to_string()).collect();
    let quantities: Vec<Decimal> = shipments.iter().map(|one| one.quantity.decimal()).collect();
    let from: Vec<Uuid> = shipments.iter().map(|one| one.from_location_id.0).collect();
    let transit: Vec<Uuid> = shipments.iter().map(|one| one.transit_location_id.0).collect();
    let times: Vec<DateTime<Utc>> = shipments.iter().map(|one| one.shipped_at).collect();
    sqlx::query!(
        "INSERT INTO warehouse.transfer_shipments
             (tenant_id, transfer_id, movement_id, transfer_line_id, item_id, lot_id, quality_status, quantity, from_location_id,
              transit_location_id, shipped_at)
         SELECT $1, $2, * FROM UNNEST($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::numeric[], $9::uuid[],
                                      $10::uuid[], $11::timestamptz[])",
        tenant.as_str(),
        transfer.0,
        &movements,
        &lines,
        &items,
        &lots as &[Option<Uuid>],
        &statuses,
        &quantities,
        &from,
        &transit,
        &times,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Shipments of which something is still in transit, the oldest first.
pub(super) async fn open_shipments(
    connection: &mut PgConnection,
    tenant: &TenantId,
    transfer: TransferId,
) -> Result<Vec<Shipment>> {
    let rows = sqlx::query!(
        "SELECT movement_id, transfer_line_id, item_id, lot_id, quality_status, quantity, settled, from_location_id,
                transit_location_id, shipped_at
         FROM warehouse.transfer_shipments WHERE tenant_id = $1 AND transfer_id = $2 AND settled < quantity
         ORDER BY shipped_at, movement_id",
        tenant.as_str(),
        transfer.0,
    );
    let shipment = rows.fetch_all(connection).await?.into_iter().map(|row| {
        Ok(Shipment {
            movement_id: MovementId(row.movement_id),
            transfer_line_id: TransferLineId(row.transfer_line_id),
            item_id: ItemId(row.item_id),
            lot_id: row.lot_id.map(LotId),
            quality_status: row.quality_status.parse::<QualityStatus>().map_err(Error::internal)?,
            quantity: Quantity::from_db(row.quantity),
            settled: Quantity::from_db(row.settled),
            from_location_id: LocationId(row.from_location_id),
            transit_location_id: LocationId(row.transit_location_id),
            shipped_at: row.shipped_at,
        })
    });
    shipment.collect()
}

/// Adds to what is settled of the shipments.
pub(super) async fn settle(
    connection: &mut PgConnection,
    tenant: &TenantId,
    transfer: TransferId,
    settlements: &[Settlement],
    at: DateTime<Utc>,
) -> Result<()> {
    let movements: Vec<Uuid> = settlements.iter().map(|one| one.movement_id.0).collect();
    let shipments: Vec<Uuid> = settlements.iter().map(|one| one.shipment_movement_id.0).collect();
    let lines: Vec<Uuid> = settlements.iter().map(|one| one.transfer_line_id.0).collect();
    let kinds: Vec<String> = settlements.iter().map(|one| one.kind.as_str().to_owned()).collect();
    let quantities: Vec<Decimal> = settlements.iter().map(|one| one.quantity.decimal()).collect();
    let locations: Vec<Uuid> = settlements.iter().map(|one| one.location_id.0).collect();
    sqlx::query!(
        "INSERT INTO warehouse.transfer_settlements
             (tenant_id, transfer_id, settled_at, movement_id, shipment_movement_id, transfer_line_id, kind, quantity, location_id)
         SELECT $1, $2, $3, * FROM UNNEST($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::numeric[], $9::uuid[])",
        tenant.as_str(),
        transfer.0,
        at,
        &movements,
        &shipments,
        &lines,
        &kinds,
        &quantities,
        &locations,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE warehouse.transfer_shipments s SET settled = s.settled + k.quantity
         FROM (SELECT u.id, sum(u.quantity) AS quantity FROM UNNEST($2::uuid[], $3::numeric[]) AS u (id, quantity) GROUP BY u.id) k
         WHERE s.tenant_id = $1 AND s.movement_id = k.id AND s.movement_id = ANY ($2::uuid[])",
        tenant.as_str(),
        &shipments,
        &quantities,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What is between facilities, the longest under way first.
pub(super) async fn in_transit(
    connection: &mut PgConnection,
    tenant: &TenantId,
    item: Option<ItemId>,
    to: Option<FacilityId>,
    page: &PageRequest,
) -> Result<Vec<InTransit>> {
    let after: Option<(DateTime<Utc>, Uuid)> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = sqlx::query!(
        "SELECT s.movement_id, s.transfer_id, t.code, f.code AS from_code, g.code AS to_code, s.item_id, s.lot_id,
                s.transit_location_id, s.quantity, s.settled, s.shipped_at
         FROM warehouse.transfer_shipments s
         JOIN warehouse.transfers t ON t.tenant_id = $1 AND t.transfer_id = s.transfer_id
         JOIN warehouse.facilities f ON f.tenant_id = $1 AND f.facility_id = t.from_facility_id
         JOIN warehouse.facilities g ON g.tenant_id = $1 AND g.facility_id = t.to_facility_id
         WHERE s.tenant_id = $1 AND s.settled < s.quantity
           AND ($2::uuid IS NULL OR s.item_id = $2)
           AND ($3::uuid IS NULL OR t.to_facility_id = $3)
           AND ($4::timestamptz IS NULL OR (s.shipped_at, s.movement_id) > ($4, $5::uuid))
         ORDER BY s.shipped_at, s.movement_id LIMIT $6",
        tenant.as_str(),
        item.map(|id| id.0),
        to.map(|id| id.0),
        after.map(|(at, _)| at),
        after.map(|(_, id)| id),
        page.fetch(),
    );
    let goods = rows.fetch_all(connection).await?.into_iter().map(|row| InTransit {
        movement_id: MovementId(row.movement_id),
        transfer_id: TransferId(row.transfer_id),
        transfer_code: row.code,
        from_facility_code: row.from_code,
        to_facility_code: row.to_code,
        item_id: ItemId(row.item_id),
        lot_id: row.lot_id.map(LotId),
        transit_location_id: LocationId(row.transit_location_id),
        quantity: Quantity::from_db(row.quantity) - Quantity::from_db(row.settled),
        shipped_at: row.shipped_at,
    });
    Ok(goods.collect())
}

/// What is between facilities by the shipments: tenant, place, item, lot, quantity. Across all tenants when none is given.
pub(crate) type Expected = (String, Uuid, Uuid, Option<Uuid>, Quantity);

pub(crate) async fn expected_in_transit(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Vec<Expected>> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id, transit_location_id, item_id, lot_id, sum(quantity - settled) AS "quantity!"
           FROM warehouse.transfer_shipments
           WHERE settled < quantity AND ($1::text IS NULL OR tenant_id = $1)
           GROUP BY tenant_id, transit_location_id, item_id, lot_id"#,
        tenant,
    );
    let goods = rows
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| (row.tenant_id, row.transit_location_id, row.item_id, row.lot_id, Quantity::from_db(row.quantity)));
    Ok(goods.collect())
}

/// Lines and shipments whose figures are not the sums of their rows: how many were looked at, and the first in words.
pub(crate) async fn wrong_figures(connection: &mut PgConnection, tenant: Option<&str>) -> Result<(i64, i64, Vec<String>)> {
    let found = sqlx::query!(
        r#"WITH shipped AS (
               SELECT tenant_id, transfer_line_id, sum(quantity) AS quantity FROM warehouse.transfer_shipments
               WHERE $1::text IS NULL OR tenant_id = $1 GROUP BY 1, 2
           ), settled AS (
               SELECT tenant_id, transfer_line_id, sum(quantity) FILTER (WHERE kind = 'RECEIVED') AS received,
                      sum(quantity) FILTER (WHERE kind = 'MISSING') AS missing, sum(quantity) FILTER (WHERE kind = 'RETURNED') AS returned
               FROM warehouse.transfer_settlements WHERE $1::text IS NULL OR tenant_id = $1 GROUP BY 1, 2
           ), lines AS (SELECT * FROM warehouse.transfer_lines WHERE $1::text IS NULL OR tenant_id = $1),
           wrong AS (
               SELECT l.tenant_id, l.transfer_line_id FROM lines l
               LEFT JOIN shipped s USING (tenant_id, transfer_line_id) LEFT JOIN settled d USING (tenant_id, transfer_line_id)
               WHERE (l.shipped, l.received, l.missing, l.returned) IS DISTINCT FROM
                     (coalesce(s.quantity, 0), coalesce(d.received, 0), coalesce(d.missing, 0), coalesce(d.returned, 0))
           )
           SELECT (SELECT count(*) FROM lines) AS "checked!", (SELECT count(*) FROM wrong) AS "violations!",
                  ARRAY(SELECT format('%s: transfer line %s does not add up', tenant_id, transfer_line_id)
                        FROM wrong ORDER BY tenant_id, transfer_line_id LIMIT 5) AS "examples!""#,
        tenant,
    )
    .fetch_one(connection)
    .await?;
    Ok((found.checked, found.violations, found.examples))
}
