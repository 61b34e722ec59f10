use chrono::{DateTime, NaiveDate, Utc};
use kernel::{FacilityId, ItemId, LocationId, LotId, PageRequest, Quantity, ReceiptId, ReceiptLineId, TenantId};
use platform::{Error, Result};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Arrived, Origin, Receipt, ReceiptFilter, ReceiptLine, ReceiptSummary};
use crate::words::{ReceiptKind, ReceiptState};

/// An item, its lot, and the place where it lies.
pub type Goods = (ItemId, Option<LotId>, LocationId);

struct Row {
    receipt_id: Uuid,
    facility_id: Uuid,
    facility_code: String,
    code: String,
    kind: ReceiptKind,
    state: ReceiptState,
    supplier: String,
    expected_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    lines_total: i64,
    lines_complete: i64,
}

struct LineRow {
    receipt_id: Uuid,
    receipt_line_id: Uuid,
    line_no: i32,
    item_id: Uuid,
    lot_number: String,
    expires_on: Option<NaiveDate>,
    expected: Decimal,
    received: Decimal,
}

/// The macro keeps the one list of columns for every way to find receipts.
macro_rules! select_receipts {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"SELECT r.receipt_id, r.facility_id, f.code AS facility_code, r.code, r.kind AS "kind: ReceiptKind",
                      r.state AS "state: ReceiptState", r.supplier, r.expected_at, r.closed_at, r.version, r.created_at, r.updated_at,
                      n.total AS "lines_total!", n.complete AS "lines_complete!"
               FROM warehouse.receipts r
               JOIN warehouse.facilities f ON f.tenant_id = r.tenant_id AND f.facility_id = r.facility_id
               CROSS JOIN LATERAL (
                   SELECT count(*) AS total, count(*) FILTER (WHERE l.received >= l.expected AND l.received > 0) AS complete
                   FROM warehouse.receipt_lines l WHERE l.tenant_id = r.tenant_id AND l.receipt_id = r.receipt_id) n
               WHERE r.tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

impl From<Row> for ReceiptSummary {
    fn from(row: Row) -> Self {
        let receipt = Receipt {
            receipt_id: ReceiptId(row.receipt_id),
            facility_id: FacilityId(row.facility_id),
            facility_code: row.facility_code,
            code: row.code,
            kind: row.kind,
            state: row.state,
            supplier: row.supplier,
            expected_at: row.expected_at,
            closed_at: row.closed_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            lines: Vec::new(),
        };
        Self { receipt, lines_total: row.lines_total, lines_complete: row.lines_complete }
    }
}

pub(super) async fn insert(connection: &mut PgConnection, tenant: &TenantId, receipt: &Receipt) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.receipts
             (tenant_id, receipt_id, facility_id, code, kind, state, supplier, expected_at, version, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant.as_str(),
        receipt.receipt_id.0,
        receipt.facility_id.0,
        receipt.code,
        receipt.kind.as_str(),
        receipt.state.as_str(),
        receipt.supplier,
        receipt.expected_at,
        receipt.version,
        receipt.created_at,
        receipt.updated_at,
    )
    .execute(&mut *connection)
    .await?;
    insert_lines(connection, tenant, receipt.receipt_id, &receipt.lines).await
}

pub(super) async fn insert_lines(
    connection: &mut PgConnection,
    tenant: &TenantId,
    receipt: ReceiptId,
    lines: &[ReceiptLine],
) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = lines.iter().map(|line| line.receipt_line_id.0).collect();
    let numbers: Vec<i32> = lines.iter().map(|line| line.line_no).collect();
    let items: Vec<Uuid> = lines.iter().map(|line| line.item_id.0).collect();
    let lots: Vec<String> = lines.iter().map(|line| line.lot_number.clone()).collect();
    let expiries: Vec<Option<NaiveDate>> = lines.iter().map(|line| line.expires_on).collect();
    let expected: Vec<Decimal> = lines.iter().map(|line| line.expected.decimal()).collect();
    let received: Vec<Decimal> = lines.iter().map(|line| line.received.decimal()).collect();
    sqlx::query!(
        "INSERT INTO warehouse.receipt_lines
             (tenant_id, receipt_id, receipt_line_id, line_no, item_id, lot_number, expires_on, expected, received)
         SELECT $1, $2, * FROM UNNEST($3::uuid[], $4::int[], $5::uuid[], $6::text[], $7::date[], $8::numeric[], $9::numeric[])",
        tenant.as_str(),
        receipt.0,
        &ids,
        &numbers,
        &items,
        &lots,
        &expiries as &[Option<NaiveDate>],
        &expected,
        &received,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes how much of each line has arrived.
pub(super) async fn update_lines(connection: &mut PgConnection, tenant: &TenantId, lines: &[ReceiptLine]) -> Result<()> {
    let ids: Vec<Uuid> = lines.iter().map(|line| line.receipt_line_id.0).collect();
    let received: Vec<Decimal> = lines.iter().map(|line| line.received.decimal()).collect();
    sqlx::query!(
        "UPDATE warehouse.receipt_lines AS l SET received = u.received
         FROM UNNEST($2::uuid[], $3::numeric[]) AS u(id, received)
         WHERE l.tenant_id = $1 AND l.receipt_line_id = u.id AND l.receipt_line_id = ANY ($2::uuid[]) AND l.received <> u.received",
        tenant.as_str(),
        &ids,
        &received,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn insert_arrivals(
    connection: &mut PgConnection,
    tenant: &TenantId,
    receipt: ReceiptId,
    arrived: &[Arrived],
    at: DateTime<Utc>,
) -> Result<()> {
    let movements: Vec<Uuid> = arrived.iter().map(|one| one.movement_id.0).collect();
    let lines: Vec<Uuid> = arrived.iter().map(|one| one.receipt_line_id.0).collect();
    let items: Vec<Uuid> = arrived.iter().map(|one| one.item_id.0).collect();
    let lots: Vec<Option<Uuid>> = arrived.iter().map(|one| one.lot_id.map(|lot| lot.0)).collect();
    let statuses: Vec<String> = arrived.iter().map(|one| one.quality_status.to_string()).collect();
    let quantities: Vec<Decimal> = arrived.iter().map(|one| one.quantity.decimal()).collect();
    let locations: Vec<Uuid> = arrived.iter().map(|one| one.location_id.0).collect();
    sqlx::query!(
        "INSERT INTO warehouse.receipt_arrivals
             (tenant_id, receipt_id, arrived_at, movement_id, receipt_line_id, item_id, lot_id, quality_status, quantity, location_id)
         SELECT $1, $2, $3, * FROM UNNEST($4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::numeric[], $10::uuid[])",
        tenant.as_str(),
        receipt.0,
        at,
        &movements,
        &lines,
        &items,
        &lots as &[Option<Uuid>],
        &statuses,
        &quantities,
        &locations,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes state and version.
pub(super) async fn update(connection: &mut PgConnection, tenant: &TenantId, receipt: &Receipt) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.receipts SET state = $3, closed_at = $4, version = $5, updated_at = $6 WHERE tenant_id = $1 AND receipt_id = $2",
        tenant.as_str(),
        receipt.receipt_id.0,
        receipt.state.as_str(),
        receipt.closed_at,
        receipt.version,
        receipt.updated_at,
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
) -> Result<Option<ReceiptSummary>> {
    let row = select_receipts!(
        "AND (r.receipt_id = $2 OR r.code = $3) ORDER BY r.receipt_id = $2 DESC LIMIT 1",
        tenant.as_str(),
        id,
        code,
    );
    Ok(row.fetch_optional(connection).await?.map(ReceiptSummary::from))
}

/// Two people never receive on one delivery at the same moment.
pub(super) async fn lock(connection: &mut PgConnection, tenant: &TenantId, receipt: ReceiptId) -> Result<()> {
    sqlx::query!(
        "SELECT 1 AS one FROM warehouse.receipts WHERE tenant_id = $1 AND receipt_id = $2 FOR UPDATE",
        tenant.as_str(),
        receipt.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(())
}

/// By receipt and number; what catalog knows of the items is left empty.
pub(super) async fn lines(
    connection: &mut PgConnection,
    tenant: &TenantId,
    receipts: &[ReceiptId],
) -> Result<Vec<(ReceiptId, ReceiptLine)>> {
    let ids: Vec<Uuid> = receipts.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        LineRow,
        "SELECT receipt_id, receipt_line_id, line_no, item_id, lot_number, expires_on, expected, received
         FROM warehouse.receipt_lines WHERE tenant_id = $1 AND receipt_id = ANY($2) ORDER BY receipt_id, line_no",
        tenant.as_str(),
        &ids,
    )
    .fetch_all(connection)
    .await?;
    let line = |row: LineRow| {
        let line = ReceiptLine {
            receipt_line_id: ReceiptLineId(row.receipt_line_id),
            line_no: row.line_no,
            item_id: ItemId(row.item_id),
            item_code: String::new(),
            item_name: String::new(),
            base_unit: String::new(),
            lot_number: row.lot_number,
            expires_on: row.expires_on,
            expected: Quantity::from_db(row.expected),
            received: Quantity::from_db(row.received),
        };
        (ReceiptId(row.receipt_id), line)
    };
    Ok(rows.into_iter().map(line).collect())
}

/// Newest first. `facility` comes resolved from the service.
pub(super) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: &ReceiptFilter,
    facility: Option<FacilityId>,
    page: &PageRequest,
) -> Result<Vec<ReceiptSummary>> {
    let before: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = select_receipts!(
        "AND ($2::uuid IS NULL OR r.facility_id = $2)
         AND ($3::text IS NULL OR r.state = $3)
         AND ($4::text IS NULL OR r.kind = $4)
         AND ($5::text IS NULL OR starts_with(lower(r.code), lower($5)) OR strpos(lower(r.supplier), lower($5)) > 0)
         AND ($6::uuid IS NULL OR r.receipt_id < $6)
         AND ($8::bool IS NOT TRUE OR r.state IN ('OPEN', 'RECEIVING'))
         ORDER BY r.receipt_id DESC LIMIT $7",
        tenant.as_str(),
        facility.map(|facility| facility.0),
        filter.state.map(ReceiptState::as_str),
        filter.kind.map(ReceiptKind::as_str),
        filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty()),
        before,
        page.fetch(),
        filter.unfinished,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(ReceiptSummary::from).collect())
}

/// Which delivery brought goods last; one row for each of `goods` that a delivery brought, with its place in the list.
pub(super) async fn origins(connection: &mut PgConnection, tenant: &TenantId, goods: &[Goods]) -> Result<Vec<(usize, Origin)>> {
    let items: Vec<Uuid> = goods.iter().map(|(item, _, _)| item.0).collect();
    let lots: Vec<Option<Uuid>> = goods.iter().map(|(_, lot, _)| lot.map(|lot| lot.0)).collect();
    let places: Vec<Uuid> = goods.iter().map(|(_, _, place)| place.0).collect();
    let rows = sqlx::query!(
        r#"SELECT g.n AS "n!", r.receipt_id, r.code, a.arrived_at
           FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[]) WITH ORDINALITY AS g(item_id, lot_id, location_id, n)
           CROSS JOIN LATERAL (
               SELECT b.receipt_id, b.arrived_at FROM warehouse.receipt_arrivals b
               WHERE b.tenant_id = $1 AND b.item_id = g.item_id AND b.location_id = g.location_id
                 AND b.lot_id IS NOT DISTINCT FROM g.lot_id
               ORDER BY b.arrived_at DESC LIMIT 1) a
           JOIN warehouse.receipts r ON r.tenant_id = $1 AND r.receipt_id = a.receipt_id"#,
        tenant.as_str(),
        &items,
        &lots as &[Option<Uuid>],
        &places,
    )
    .fetch_all(connection)
    .await?;
    let place = |n: i64| usize::try_from(n - 1).expect("ordinality counts from 1");
    let origin = |receipt_id, receipt_code, arrived_at| Origin { receipt_id: ReceiptId(receipt_id), receipt_code, arrived_at };
    Ok(rows.into_iter().map(|row| (place(row.n), origin(row.receipt_id, row.code, row.arrived_at))).collect())
}

/// How much of each item and lot a delivery brought to each location; the status may have changed since.
pub(crate) struct ArrivedSum {
    pub receipt_line_id: ReceiptLineId,
    pub item: ItemId,
    pub lot: Option<LotId>,
    pub location: LocationId,
    pub quantity: Quantity,
}

pub(crate) async fn arrived(connection: &mut PgConnection, tenant: &TenantId, receipt: ReceiptId) -> Result<Vec<ArrivedSum>> {
    let rows = sqlx::query!(
        r#"SELECT min(receipt_line_id::text) AS "line!", item_id, lot_id, location_id, sum(quantity) AS "quantity!"
           FROM warehouse.receipt_arrivals WHERE tenant_id = $1 AND receipt_id = $2
           GROUP BY item_id, lot_id, location_id ORDER BY 1"#,
        tenant.as_str(),
        receipt.0,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ArrivedSum {
                receipt_line_id: row.line.parse().map_err(Error::internal)?,
                item: ItemId(row.item_id),
                lot: row.lot_id.map(LotId),
                location: LocationId(row.location_id),
                quantity: Quantity::from_db(row.quantity),
            })
        })
        .collect()
}
