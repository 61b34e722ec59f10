use chrono::{DateTime, Utc};
use kernel::{FacilityId, ItemId, PageRequest, TenantId};
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::dto::{SizeDto, VerificationDto};
use super::super::input::VerificationState;
use crate::words::{VerificationDecision, VerificationStatus};

/// Keeps two measurements of one item from both being the last one.
pub(crate) async fn lock(connection: &mut PgConnection, tenant: &TenantId, item: ItemId) -> Result<()> {
    let key = format!("verify {tenant} {item}");
    sqlx::query!(r#"SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text AS "locked""#, key).fetch_one(connection).await?;
    Ok(())
}

pub(crate) async fn insert(connection: &mut PgConnection, tenant: &TenantId, made: &VerificationDto) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.material_dimension_verifications SET is_latest = false
         WHERE tenant_id = $1 AND material_id = $2 AND is_latest",
        tenant.as_str(),
        made.material_id,
    )
    .execute(&mut *connection)
    .await?;
    let (measured, master) = (made.measured, made.master);
    sqlx::query!(
        "INSERT INTO warehouse.material_dimension_verifications
             (tenant_id, verification_id, facility_id, material_id, measured_length_mm, measured_width_mm, measured_height_mm,
              measured_volume_mm3, measured_weight_g, master_length_mm, master_width_mm, master_height_mm, master_volume_mm3,
              master_weight_g, dimension_variance_percentage, volume_variance_percentage, weight_variance_percentage, status,
              master_updated, notes, verified_by, verified_at, next_due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::float8::numeric, $16::float8::numeric,
                 $17::float8::numeric, $18, $19, $20, $21, $22, $23)",
        tenant.as_str(),
        made.verification_id,
        made.facility_id,
        made.material_id,
        measured.length_mm,
        measured.width_mm,
        measured.height_mm,
        measured.volume_mm3,
        measured.weight_g,
        master.length_mm,
        master.width_mm,
        master.height_mm,
        master.volume_mm3,
        master.weight_g,
        made.dimension_variance_percentage,
        made.volume_variance_percentage,
        made.weight_variance_percentage,
        made.status.as_str(),
        made.master_updated,
        made.notes,
        made.verified_by,
        made.verified_at,
        made.next_due_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct Row {
    verification_id: String,
    facility_id: Option<Uuid>,
    material_id: Uuid,
    measured_length_mm: Option<i32>,
    measured_width_mm: Option<i32>,
    measured_height_mm: Option<i32>,
    measured_volume_mm3: Option<i64>,
    measured_weight_g: Option<i64>,
    master_length_mm: Option<i32>,
    master_width_mm: Option<i32>,
    master_height_mm: Option<i32>,
    master_volume_mm3: Option<i64>,
    master_weight_g: Option<i64>,
    dimension_variance_percentage: Option<f64>,
    volume_variance_percentage: Option<f64>,
    weight_variance_percentage: Option<f64>,
    status: VerificationStatus,
    master_updated: bool,
    is_latest: bool,
    decision: Option<VerificationDecision>,
    resolution_notes: String,
    resolved_at: Option<DateTime<Utc>>,
    resolved_by: Option<String>,
    notes: String,
    verified_by: String,
    verified_at: DateTime<Utc>,
    next_due_at: DateTime<Utc>,
}

impl From<Row> for VerificationDto {
    fn from(row: Row) -> Self {
        Self {
            verification_id: row.verification_id,
            facility_id: row.facility_id,
            material_id: row.material_id,
            material_code: String::new(),
            material_name: String::new(),
            measured: SizeDto {
                length_mm: row.measured_length_mm,
                width_mm: row.measured_width_mm,
                height_mm: row.measured_height_mm,
                volume_mm3: row.measured_volume_mm3,
                weight_g: row.measured_weight_g,
            },
            master: SizeDto {
                length_mm: row.master_length_mm,
                width_mm: row.master_width_mm,
                height_mm: row.master_height_mm,
                volume_mm3: row.master_volume_mm3,
                weight_g: row.master_weight_g,
            },
            dimension_variance_percentage: row.dimension_variance_percentage,
            volume_variance_percentage: row.volume_variance_percentage,
            weight_variance_percentage: row.weight_variance_percentage,
            status: row.status,
            master_updated: row.master_updated,
            is_latest: row.is_latest,
            decision: row.decision,
            decision_notes: row.resolution_notes,
            decided_at: row.resolved_at,
            decided_by: row.resolved_by,
            notes: row.notes,
            verified_by: row.verified_by,
            verified_at: row.verified_at,
            next_due_at: row.next_due_at,
        }
    }
}

/// The macro keeps the one list of columns for every way to find verifications.
macro_rules! select_verifications {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"SELECT verification_id, facility_id, material_id, measured_length_mm, measured_width_mm, measured_height_mm,
                      measured_volume_mm3, measured_weight_g, master_length_mm, master_width_mm, master_height_mm, master_volume_mm3,
                      master_weight_g, dimension_variance_percentage::float8 AS dimension_variance_percentage,
                      volume_variance_percentage::float8 AS volume_variance_percentage,
                      weight_variance_percentage::float8 AS weight_variance_percentage, status AS "status: VerificationStatus",
                      master_updated, is_latest, resolution AS "decision: VerificationDecision", resolution_notes, resolved_at,
                      resolved_by, notes, verified_by, verified_at, next_due_at
               FROM warehouse.material_dimension_verifications WHERE tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

pub(crate) async fn lock_one(connection: &mut PgConnection, tenant: &TenantId, id: &str) -> Result<Option<VerificationDto>> {
    let row = select_verifications!("AND verification_id = $2 FOR UPDATE", tenant.as_str(), id);
    Ok(row.fetch_optional(connection).await?.map(VerificationDto::from))
}

pub(crate) async fn one(connection: &mut PgConnection, tenant: &TenantId, id: &str) -> Result<Option<VerificationDto>> {
    let row = select_verifications!("AND verification_id = $2", tenant.as_str(), id);
    Ok(row.fetch_optional(connection).await?.map(VerificationDto::from))
}

/// Newest first.
pub(crate) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    item: Option<ItemId>,
    state: VerificationState,
    now: DateTime<Utc>,
    page: &PageRequest,
) -> Result<Vec<VerificationDto>> {
    let before: Option<(DateTime<Utc>, String)> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let (before_at, before_id) = before.unzip();
    let rows = select_verifications!(
        "AND ($2::uuid IS NULL OR material_id = $2)
         AND ($3::text <> 'OPEN' OR (is_latest AND status <> 'VERIFIED' AND resolution IS NULL AND NOT master_updated))
         AND ($3::text <> 'DUE' OR (is_latest AND next_due_at <= $4))
         AND ($5::timestamptz IS NULL OR (verified_at, verification_id) < ($5, $6::text))
         ORDER BY verified_at DESC, verification_id DESC LIMIT $7",
        tenant.as_str(),
        item.map(|id| id.0),
        match state {
            VerificationState::All => "ALL",
            VerificationState::Open => "OPEN",
            VerificationState::Due => "DUE",
        },
        now,
        before_at,
        before_id,
        page.fetch(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(VerificationDto::from).collect())
}

/// Writes what was decided.
pub(crate) async fn decide(connection: &mut PgConnection, tenant: &TenantId, decided: &VerificationDto) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.material_dimension_verifications
         SET resolution = $3, resolution_notes = $4, resolved_at = $5, resolved_by = $6, master_updated = $7
         WHERE tenant_id = $1 AND verification_id = $2",
        tenant.as_str(),
        decided.verification_id,
        decided.decision.map(VerificationDecision::as_str),
        decided.decision_notes,
        decided.decided_at,
        decided.decided_by,
        decided.master_updated,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What the daily audit finds: rows whose item is gone, which only a row written without its triggers can be.
pub(crate) async fn orphans(connection: &mut PgConnection, tenant: &TenantId, facility: Option<FacilityId>) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM warehouse.material_dimension_verifications v
           WHERE v.tenant_id = $1 AND v.is_latest AND ($2::uuid IS NULL OR v.facility_id = $2)
             AND NOT EXISTS (SELECT FROM catalog.items i WHERE i.tenant_id = $1 AND i.item_id = v.material_id)"#,
        tenant.as_str(),
        facility.map(|id| id.0),
    );
    Ok(count.fetch_one(connection).await?)
}
