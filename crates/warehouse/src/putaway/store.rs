use chrono::{DateTime, Utc};
use kernel::{
    FacilityId, ItemId, LocationId, LotId, MovementId, OrderId, PageRequest, Quantity, ReceiptId, ReceiptLineId,
    RecommendationId, TenantId, UserId,
};
use platform::{Error, Result};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Explanation, Held, Hold, Recommendation};
use crate::words::{Arm, CrossDockUrgency, RecommendationState};

/// One batch or decision at a time per facility, so that two never promise the same space. Released at the end of the transaction.
pub(crate) async fn lock_facility(connection: &mut PgConnection, tenant: &TenantId, facility: Option<FacilityId>) -> Result<()> {
    let key = format!("putaway {tenant} {}", facility.map(|id| id.to_string()).unwrap_or_default());
    sqlx::query!(r#"SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text AS "locked""#, key).fetch_one(connection).await?;
    Ok(())
}

/// Marks recommendations whose time is over; the queries treat them as expired before that, too.
pub(super) async fn expire(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.putaway_recommendations SET state = 'EXPIRED'
         WHERE tenant_id = $1 AND facility_id = $2 AND state = 'OPEN' AND expires_at <= $3",
        tenant.as_str(),
        facility.0,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct HoldRow {
    recommendation_id: Uuid,
    location_id: Uuid,
    material_id: Uuid,
    lot_id: Option<Uuid>,
    lot_number: String,
    quality_status: String,
    from_location_id: Option<Uuid>,
    order_id: Option<Uuid>,
    request_hash: Option<String>,
    line_no: Option<i32>,
    quantity: Decimal,
    held_volume_mm3: i64,
    held_weight_g: i64,
}

/// The macro keeps the one list of columns for both ways to find holds.
macro_rules! select_holds {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            HoldRow,
            "SELECT recommendation_id, location_id, material_id, lot_id, lot_number, quality_status, from_location_id, order_id,
                    request_hash, line_no, quantity, held_volume_mm3, held_weight_g
             FROM warehouse.putaway_recommendations
             WHERE tenant_id = $1 AND state = 'OPEN' AND expires_at > $2 " + $rest,
            $($argument),+
        )
    };
}

impl From<HoldRow> for Hold {
    fn from(row: HoldRow) -> Self {
        Self {
            recommendation: RecommendationId(row.recommendation_id),
            location: LocationId(row.location_id),
            item: ItemId(row.material_id),
            lot: row.lot_id.map(LotId),
            lot_number: row.lot_number,
            quality_status: row.quality_status,
            from: row.from_location_id.map(LocationId),
            order: row.order_id.map(OrderId),
            request_hash: row.request_hash,
            line_no: row.line_no,
            quantity: Quantity::from_db(row.quantity),
            volume_mm3: row.held_volume_mm3,
            weight_g: row.held_weight_g,
        }
    }
}

pub(crate) async fn holds_in_facility(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    now: DateTime<Utc>,
) -> Result<Vec<Hold>> {
    let rows = select_holds!("AND facility_id = $3 ORDER BY recommendation_id", tenant.as_str(), now, facility.0);
    Ok(rows.fetch_all(connection).await?.into_iter().map(Hold::from).collect())
}

pub(crate) async fn holds_at(
    connection: &mut PgConnection,
    tenant: &TenantId,
    locations: &[LocationId],
    now: DateTime<Utc>,
) -> Result<Vec<Hold>> {
    let ids: Vec<Uuid> = locations.iter().map(|id| id.0).collect();
    let rows = select_holds!("AND location_id = ANY($3) ORDER BY recommendation_id", tenant.as_str(), now, &ids);
    Ok(rows.fetch_all(connection).await?.into_iter().map(Hold::from).collect())
}

struct Row {
    recommendation_id: Uuid,
    batch_id: Option<Uuid>,
    facility_id: Option<Uuid>,
    material_id: Uuid,
    lot_id: Option<Uuid>,
    lot_number: String,
    quality_status: String,
    quantity: Decimal,
    from_location_id: Option<Uuid>,
    from_code: Option<String>,
    receipt_line_id: Option<Uuid>,
    location_id: Uuid,
    location_code: Option<String>,
    held_volume_mm3: i64,
    held_weight_g: i64,
    request_hash: Option<String>,
    line_no: Option<i32>,
    algorithm: String,
    algorithm_version: String,
    experiment_id: Option<Uuid>,
    experiment_arm: Option<Arm>,
    experiment_unit: Option<String>,
    score: Decimal,
    confidence_score: Decimal,
    ml_adjusted_confidence: Option<Decimal>,
    model_version: Option<i32>,
    reason: String,
    reason_code: String,
    explanation: Value,
    order_id: Option<Uuid>,
    order_code: Option<String>,
    urgency: Option<CrossDockUrgency>,
    state: RecommendationState,
    was_accepted: Option<bool>,
    user_feedback: String,
    actual_location_id: Option<Uuid>,
    actual_code: Option<String>,
    movement_id: Option<Uuid>,
    decided_at: Option<DateTime<Utc>>,
    decided_by: Option<Uuid>,
    created_by: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// The macro keeps the one list of columns for every way to find recommendations; `$2` is the present time.
macro_rules! select_recommendations {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"SELECT r.recommendation_id, r.batch_id, r.facility_id, r.material_id, r.lot_id, r.lot_number, r.quality_status, r.quantity,
                      r.from_location_id, o.code AS "from_code?", r.receipt_line_id, r.location_id, l.code AS "location_code?",
                      r.held_volume_mm3, r.held_weight_g, r.request_hash, r.line_no, r.algorithm, r.algorithm_version, r.experiment_id,
                      r.experiment_arm AS "experiment_arm: Arm", r.experiment_unit, r.score, r.confidence_score,
                      r.ml_adjusted_confidence, r.model_version, r.reason, r.reason_code, r.explanation, r.order_id,
                      d.code AS "order_code?", r.urgency AS "urgency: CrossDockUrgency",
                      CASE WHEN r.state = 'OPEN' AND r.expires_at <= $2 THEN 'EXPIRED' ELSE r.state END AS "state!: RecommendationState",
                      r.was_accepted, r.user_feedback, r.actual_location_id, a.code AS "actual_code?", r.movement_id, r.decided_at,
                      r.decided_by, r.created_by, r.created_at, r.expires_at
               FROM warehouse.putaway_recommendations r
               LEFT JOIN warehouse.locations l ON l.tenant_id = r.tenant_id AND l.location_id = r.location_id
               LEFT JOIN warehouse.locations o ON o.tenant_id = r.tenant_id AND o.location_id = r.from_location_id
               LEFT JOIN warehouse.locations a ON a.tenant_id = r.tenant_id AND a.location_id = r.actual_location_id
               LEFT JOIN warehouse.orders d ON d.tenant_id = r.tenant_id AND d.order_id = r.order_id
               WHERE r.tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

impl TryFrom<Row> for Recommendation {
    type Error = Error;

    /// What catalog knows of the item is left empty.
    fn try_from(row: Row) -> Result<Self> {
        let explanation: Explanation = serde_json::from_value(row.explanation).map_err(Error::internal)?;
        Ok(Self {
            recommendation_id: RecommendationId(row.recommendation_id),
            batch_id: row.batch_id,
            facility_id: row.facility_id.map(FacilityId),
            item_id: ItemId(row.material_id),
            item_code: String::new(),
            item_name: String::new(),
            lot_id: row.lot_id.map(LotId),
            lot_number: row.lot_number,
            quality_status: row.quality_status.parse().map_err(Error::internal)?,
            quantity: Quantity::from_db(row.quantity),
            from_location_id: row.from_location_id.map(LocationId),
            from_location_code: row.from_code,
            receipt_line_id: row.receipt_line_id.map(ReceiptLineId),
            location_id: LocationId(row.location_id),
            location_code: row.location_code.unwrap_or_default(),
            algorithm: row.algorithm,
            algorithm_version: row.algorithm_version,
            experiment_id: row.experiment_id,
            experiment_arm: row.experiment_arm,
            experiment_unit: row.experiment_unit,
            score: row.score.normalize(),
            confidence_score: row.confidence_score,
            ml_adjusted_confidence: row.ml_adjusted_confidence,
            model_version: row.model_version,
            reason_code: row.reason_code,
            reason: row.reason,
            parts: explanation.parts,
            alternatives: explanation.alternatives,
            would_change: explanation.would_change,
            fill_after_percent: explanation.fill_after_percent,
            nearness_rank: explanation.nearness_rank,
            fitting_locations: explanation.fitting_locations,
            order_id: row.order_id.map(OrderId),
            order_code: row.order_code,
            urgency: row.urgency,
            state: row.state,
            was_accepted: row.was_accepted,
            user_feedback: row.user_feedback,
            actual_location_id: row.actual_location_id.map(LocationId),
            actual_location_code: row.actual_code,
            movement_id: row.movement_id.map(MovementId),
            decided_at: row.decided_at,
            decided_by: row.decided_by.map(UserId),
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            held: Held {
                volume_mm3: row.held_volume_mm3,
                weight_g: row.held_weight_g,
                request_hash: row.request_hash,
                line_no: row.line_no,
                features: Vec::new(),
            },
        })
    }
}

fn recommendations(rows: Vec<Row>) -> Result<Vec<Recommendation>> {
    rows.into_iter().map(Recommendation::try_from).collect()
}

pub(super) async fn by_ids(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[RecommendationId],
    now: DateTime<Utc>,
) -> Result<Vec<Recommendation>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows =
        select_recommendations!("AND r.recommendation_id = ANY($3) ORDER BY r.recommendation_id", tenant.as_str(), now, &ids);
    recommendations(rows.fetch_all(connection).await?)
}

/// The facilities that the recommendations belong to, in a fixed order.
pub(super) async fn facilities_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[RecommendationId],
) -> Result<Vec<Option<FacilityId>>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_scalar!(
        "SELECT DISTINCT facility_id FROM warehouse.putaway_recommendations
         WHERE tenant_id = $1 AND recommendation_id = ANY($2) ORDER BY facility_id",
        tenant.as_str(),
        &ids,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|id| id.map(FacilityId)).collect())
}

pub(super) async fn lock(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: RecommendationId,
    now: DateTime<Utc>,
) -> Result<Option<Recommendation>> {
    let row = select_recommendations!("AND r.recommendation_id = $3 FOR UPDATE OF r", tenant.as_str(), now, id.0);
    row.fetch_optional(connection).await?.map(Recommendation::try_from).transpose()
}

/// What a list may be narrowed by, resolved to ids.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub facility: Option<FacilityId>,
    pub state: Option<RecommendationState>,
    pub receipt: Option<ReceiptId>,
    pub item: Option<ItemId>,
    pub location: Option<LocationId>,
    pub batch: Option<Uuid>,
}

/// Newest first.
pub(super) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    wanted: &Wanted,
    page: &PageRequest,
    now: DateTime<Utc>,
) -> Result<Vec<Recommendation>> {
    let before: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = select_recommendations!(
        "AND ($3::uuid IS NULL OR r.facility_id = $3)
         AND ($4::text IS NULL OR CASE WHEN r.state = 'OPEN' AND r.expires_at <= $2 THEN 'EXPIRED' ELSE r.state END = $4)
         AND ($5::uuid IS NULL OR EXISTS (SELECT 1 FROM warehouse.receipt_lines n
              WHERE n.tenant_id = r.tenant_id AND n.receipt_line_id = r.receipt_line_id AND n.receipt_id = $5))
         AND ($6::uuid IS NULL OR r.material_id = $6)
         AND ($7::uuid IS NULL OR r.location_id = $7)
         AND ($8::uuid IS NULL OR r.batch_id = $8)
         AND ($9::uuid IS NULL OR r.recommendation_id < $9)
         ORDER BY r.recommendation_id DESC LIMIT $10",
        tenant.as_str(),
        now,
        wanted.facility.map(|id| id.0),
        wanted.state.map(RecommendationState::as_str),
        wanted.receipt.map(|id| id.0),
        wanted.item.map(|id| id.0),
        wanted.location.map(|id| id.0),
        wanted.batch,
        before,
        page.fetch(),
    );
    recommendations(rows.fetch_all(connection).await?)
}

/// What was recommended for a location and holds no space there any more, newest first.
pub(super) async fn past_at(
    connection: &mut PgConnection,
    tenant: &TenantId,
    location: LocationId,
    page: &PageRequest,
    now: DateTime<Utc>,
) -> Result<Vec<Recommendation>> {
    let before: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = select_recommendations!(
        "AND r.location_id = $3 AND NOT (r.state = 'OPEN' AND r.expires_at > $2)
         AND ($4::uuid IS NULL OR r.recommendation_id < $4)
         ORDER BY r.recommendation_id DESC LIMIT $5",
        tenant.as_str(),
        now,
        location.0,
        before,
        page.fetch(),
    );
    recommendations(rows.fetch_all(connection).await?)
}

pub(super) async fn insert(connection: &mut PgConnection, tenant: &TenantId, made: &[Recommendation]) -> Result<()> {
    let rows: Vec<Value> = made.iter().map(as_json).collect::<Result<_>>()?;
    sqlx::query!(
        "INSERT INTO warehouse.putaway_recommendations
             (tenant_id, recommendation_id, batch_id, facility_id, material_id, lot_id, lot_number, quality_status, quantity,
              from_location_id, receipt_line_id, request_hash, line_no, location_id, held_volume_mm3, held_weight_g, algorithm, score,
              confidence_score, ml_adjusted_confidence, model_version, features, feature_schema, features_recorded_at, reason,
              reason_code, explanation, order_id, urgency, created_by, created_at, expires_at, algorithm_version, experiment_id,
              experiment_arm, experiment_unit)
         SELECT $1, r.recommendation_id, r.batch_id, r.facility_id, r.material_id, r.lot_id, r.lot_number, r.quality_status, r.quantity,
                r.from_location_id, r.receipt_line_id, r.request_hash, r.line_no, r.location_id, r.held_volume_mm3, r.held_weight_g,
                r.algorithm, r.score, r.confidence_score, r.ml_adjusted_confidence, r.model_version, r.features,
                CASE WHEN r.features IS NOT NULL THEN $3::int END, CASE WHEN r.features IS NOT NULL THEN r.created_at END, r.reason,
                r.reason_code, r.explanation, r.order_id, r.urgency, r.created_by, r.created_at, r.expires_at, r.algorithm_version,
                r.experiment_id, r.experiment_arm, r.experiment_unit
         FROM jsonb_to_recordset($2::jsonb) AS r(recommendation_id uuid, batch_id uuid, facility_id uuid, material_id uuid, lot_id uuid,
              lot_number text, quality_status text, quantity numeric, from_location_id uuid, receipt_line_id uuid, request_hash text,
              line_no int, location_id uuid, held_volume_mm3 bigint, held_weight_g bigint, algorithm text, score numeric,
              confidence_score numeric, ml_adjusted_confidence numeric, model_version int, features float8[], reason text,
              reason_code text, explanation jsonb, order_id uuid, urgency text, created_by text, created_at timestamptz,
              expires_at timestamptz, algorithm_version text, experiment_id uuid, experiment_arm text, experiment_unit text)",
        tenant.as_str(),
        Value::Array(rows),
        crate::learning::features::VERSION,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn as_json(made: &Recommendation) -> Result<Value> {
    let explanation = Explanation {
        parts: made.parts.clone(),
        alternatives: made.alternatives.clone(),
        would_change: made.would_change.clone(),
        fill_after_percent: made.fill_after_percent,
        nearness_rank: made.nearness_rank,
        fitting_locations: made.fitting_locations,
    };
    let explanation = serde_json::to_value(explanation).map_err(Error::internal)?;
    Ok(serde_json::json!({
        "recommendation_id": made.recommendation_id, "batch_id": made.batch_id, "facility_id": made.facility_id,
        "material_id": made.item_id, "lot_id": made.lot_id, "lot_number": made.lot_number, "quality_status": made.quality_status,
        "quantity": made.quantity, "from_location_id": made.from_location_id, "receipt_line_id": made.receipt_line_id,
        "request_hash": made.held.request_hash, "line_no": made.held.line_no, "location_id": made.location_id,
        "held_volume_mm3": made.held.volume_mm3, "held_weight_g": made.held.weight_g, "algorithm": made.algorithm, "score": made.score,
        "confidence_score": made.confidence_score, "ml_adjusted_confidence": made.ml_adjusted_confidence,
        "model_version": made.model_version, "features": (!made.held.features.is_empty()).then_some(&made.held.features),
        "reason": made.reason, "reason_code": made.reason_code, "explanation": explanation, "order_id": made.order_id,
        "urgency": made.urgency, "created_by": made.created_by, "created_at": made.created_at, "expires_at": made.expires_at,
        "algorithm_version": made.algorithm_version, "experiment_id": made.experiment_id, "experiment_arm": made.experiment_arm,
        "experiment_unit": made.experiment_unit,
    }))
}

/// Writes what was decided.
pub(super) async fn decide(connection: &mut PgConnection, tenant: &TenantId, decided: &Recommendation) -> Result<()> {
    sqlx::query!(
        "UPDATE warehouse.putaway_recommendations
         SET state = $3, was_accepted = $4, user_feedback = $5, actual_location_id = $6, movement_id = $7, decided_at = $8, decided_by = $9
         WHERE tenant_id = $1 AND recommendation_id = $2",
        tenant.as_str(),
        decided.recommendation_id.0,
        decided.state.as_str(),
        decided.was_accepted,
        decided.user_feedback,
        decided.actual_location_id.map(|id| id.0),
        decided.movement_id.map(|id| id.0),
        decided.decided_at,
        decided.decided_by.map(|id| id.0),
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn capacity_failures_since(
    connection: &mut PgConnection,
    tenant: &TenantId,
    since: DateTime<Utc>,
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM warehouse.capacity_validation_failures WHERE tenant_id = $1 AND created_at >= $2 AND NOT resolved"#,
        tenant.as_str(),
        since,
    );
    Ok(count.fetch_one(connection).await?)
}
