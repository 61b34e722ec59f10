use chrono::{DateTime, Utc};
use kernel::{FacilityId, ItemId, Quantity, TenantId};
use platform::Result;
use sqlx::PgConnection;

use super::service::Expected;

/// Lines of unfinished deliveries of which something is still to come, the soonest first and those without a day last.
pub(super) async fn expected(
    connection: &mut PgConnection,
    tenant: &TenantId,
    item: ItemId,
    facility: Option<FacilityId>,
    most: i64,
) -> Result<Vec<Expected>> {
    let rows = sqlx::query!(
        r#"SELECT r.code, f.code AS facility_code, r.expected_at AS "expected_at?: DateTime<Utc>", sum(l.expected - l.received) AS "quantity!"
           FROM warehouse.receipt_lines l
           JOIN warehouse.receipts r ON r.tenant_id = $1 AND r.receipt_id = l.receipt_id
           JOIN warehouse.facilities f ON f.tenant_id = $1 AND f.facility_id = r.facility_id
           WHERE l.tenant_id = $1 AND l.item_id = $2 AND l.received < l.expected AND r.state IN ('OPEN', 'RECEIVING')
             AND ($3::uuid IS NULL OR r.facility_id = $3)
           GROUP BY r.receipt_id, r.code, f.code, r.expected_at
           ORDER BY r.expected_at NULLS LAST, r.receipt_id LIMIT $4"#,
        tenant.as_str(),
        item.0,
        facility.map(|id| id.0),
        most,
    );
    let expected = rows.fetch_all(connection).await?.into_iter().map(|row| Expected {
        receipt_code: row.code,
        facility_code: row.facility_code,
        expected_at: row.expected_at,
        quantity: Quantity::from_db(row.quantity),
    });
    Ok(expected.collect())
}
