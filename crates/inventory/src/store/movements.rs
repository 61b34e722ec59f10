use chrono::{DateTime, Utc};
use kernel::{ItemId, LocationId, LotId, MovementId, PageRequest, Quantity, TenantId, UserId};
use platform::Result;
use platform::auth::Actor;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::known;
use crate::model::{MovementKind, MovementRow, Posted, Side};

/// Writes the movements in the order given, each as recorded by its own actor.
pub async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    recorded: &[(&Actor, &Posted)],
    at: DateTime<Utc>,
) -> Result<()> {
    let posted: Vec<&Posted> = recorded.iter().map(|(_, posted)| *posted).collect();
    let by: Vec<Uuid> = recorded.iter().map(|(actor, _)| actor.principal.user.0).collect();
    let requests: Vec<String> = recorded.iter().map(|(actor, _)| actor.request_id.clone()).collect();
    let column = |text: fn(&Posted) -> &str| -> Vec<String> { posted.iter().map(|one| text(one).to_owned()).collect() };
    let ids: Vec<Uuid> = posted.iter().map(|one| one.movement_id.0).collect();
    let kinds = column(|one| one.posting.kind.as_str());
    let items: Vec<Uuid> = posted.iter().map(|one| one.posting.item.0).collect();
    let lots: Vec<Option<Uuid>> = posted.iter().map(|one| one.posting.lot.map(|lot| lot.0)).collect();
    let quantities: Vec<Decimal> = posted.iter().map(|one| one.posting.quantity.decimal()).collect();
    let from: Vec<Uuid> = posted.iter().map(|one| one.posting.from.0).collect();
    let from_status = column(|one| one.posting.from_status.as_str());
    let to: Vec<Uuid> = posted.iter().map(|one| one.posting.to.0).collect();
    let to_status = column(|one| one.posting.to_status.as_str());
    let reasons = column(|one| &one.posting.reason);
    let references = column(|one| &one.posting.reference);
    let effective: Vec<DateTime<Utc>> = posted.iter().map(|one| one.posting.effective_at.unwrap_or(at)).collect();
    sqlx::query!(
        "INSERT INTO inventory.movements
             (tenant_id, recorded_at, recorded_by, request_id, movement_id, kind, item_id, lot_id, quantity, from_location_id,
              from_status, to_location_id, to_status, reason, reference, effective_at)
         SELECT $1, $2, * FROM UNNEST($3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::uuid[], $8::uuid[], $9::numeric[], $10::uuid[],
                                      $11::text[], $12::uuid[], $13::text[], $14::text[], $15::text[], $16::timestamptz[])",
        tenant.as_str(),
        at,
        &by,
        &requests,
        &ids,
        &kinds,
        &items,
        &lots as &[Option<Uuid>],
        &quantities,
        &from,
        &from_status,
        &to,
        &to_status,
        &reasons,
        &references,
        &effective,
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct MovementRecord {
    movement_id: Uuid,
    seq: i64,
    kind: String,
    item_id: Uuid,
    lot_id: Option<Uuid>,
    lot_number: Option<String>,
    quantity: Decimal,
    from_location_id: Uuid,
    from_kind: String,
    from_facility_code: String,
    from_code: String,
    from_status: String,
    to_location_id: Uuid,
    to_kind: String,
    to_facility_code: String,
    to_code: String,
    to_status: String,
    reason: String,
    reference: String,
    effective_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    recorded_by: Uuid,
    request_id: String,
}

impl From<MovementRecord> for MovementRow {
    fn from(row: MovementRecord) -> Self {
        Self {
            movement_id: MovementId(row.movement_id),
            seq: row.seq,
            kind: known(&row.kind),
            item_id: ItemId(row.item_id),
            lot_id: row.lot_id.map(LotId),
            lot_number: row.lot_number,
            quantity: Quantity::from_db(row.quantity),
            from: Side {
                location_id: LocationId(row.from_location_id),
                kind: known(&row.from_kind),
                facility_code: row.from_facility_code,
                code: row.from_code,
                status: known(&row.from_status),
            },
            to: Side {
                location_id: LocationId(row.to_location_id),
                kind: known(&row.to_kind),
                facility_code: row.to_facility_code,
                code: row.to_code,
                status: known(&row.to_status),
            },
            reason: row.reason,
            reference: row.reference,
            effective_at: row.effective_at,
            recorded_at: row.recorded_at,
            recorded_by: UserId(row.recorded_by),
            request_id: row.request_id,
        }
    }
}

/// What to look for; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct MovementQuery {
    pub id: Option<Uuid>,
    pub item: Option<Uuid>,
    pub location: Option<Uuid>,
    pub lot: Option<Uuid>,
    pub lot_number: Option<String>,
    pub kind: Option<MovementKind>,
    pub reference: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

/// Newest first: before the number `before`, when given.
pub async fn select(
    connection: &mut PgConnection,
    tenant: &TenantId,
    query: &MovementQuery,
    before: Option<i64>,
    page: &PageRequest,
) -> Result<Vec<MovementRow>> {
    let rows = sqlx::query_as!(
        MovementRecord,
        r#"SELECT m.movement_id, m.seq, m.kind, m.item_id, m.lot_id, l.number AS "lot_number?", m.quantity,
                  m.from_location_id, f.kind AS from_kind, f.facility_code AS from_facility_code, f.code AS from_code, m.from_status,
                  m.to_location_id, t.kind AS to_kind, t.facility_code AS to_facility_code, t.code AS to_code, m.to_status,
                  m.reason, m.reference, m.effective_at, m.recorded_at, m.recorded_by, m.request_id
           FROM inventory.movements m
           JOIN inventory.stock_locations f ON f.tenant_id = $1 AND f.location_id = m.from_location_id
           JOIN inventory.stock_locations t ON t.tenant_id = $1 AND t.location_id = m.to_location_id
           LEFT JOIN inventory.lots l ON l.tenant_id = $1 AND l.lot_id = m.lot_id
           WHERE m.tenant_id = $1
             AND ($2::uuid IS NULL OR m.movement_id = $2)
             AND ($3::uuid IS NULL OR m.item_id = $3)
             AND ($4::uuid IS NULL OR m.from_location_id = $4 OR m.to_location_id = $4)
             AND ($5::uuid IS NULL OR m.lot_id = $5)
             AND ($6::text IS NULL OR l.number = $6)
             AND ($7::text IS NULL OR m.kind = $7)
             AND ($8::text IS NULL OR m.reference = $8)
             AND ($9::timestamptz IS NULL OR m.effective_at >= $9)
             AND ($10::timestamptz IS NULL OR m.effective_at < $10)
             AND ($11::bigint IS NULL OR m.seq < $11)
           ORDER BY m.seq DESC LIMIT $12"#,
        tenant.as_str(),
        query.id,
        query.item,
        query.location,
        query.lot,
        query.lot_number,
        query.kind.map(MovementKind::as_str),
        query.reference,
        query.from,
        query.to,
        before,
        page.fetch(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(MovementRow::from).collect())
}

/// What a place gained less what it gave, of one item; virtual places have no other balance.
pub async fn net(connection: &mut PgConnection, tenant: &TenantId, location: LocationId, item: ItemId) -> Result<Decimal> {
    let sum = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(CASE WHEN to_location_id = $2 THEN quantity ELSE -quantity END), 0) AS "net!"
           FROM inventory.movements
           WHERE tenant_id = $1 AND item_id = $3 AND (from_location_id = $2) <> (to_location_id = $2)"#,
        tenant.as_str(),
        location.0,
        item.0,
    )
    .fetch_one(connection)
    .await?;
    Ok(sum)
}
