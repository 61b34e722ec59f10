use chrono::{DateTime, Utc};
use kernel::{FacilityId, PageRequest};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use serde_json::Value;
use sqlx::PgConnection;

use super::super::dto::RemediationDto;

/// Something that was done about a finding.
#[derive(Debug)]
pub(crate) struct NewRemediation {
    pub facility: Option<FacilityId>,
    pub action: &'static str,
    pub is_automatic: bool,
    pub subject: &'static str,
    pub subject_id: String,
    pub before: Value,
    pub after: Value,
    pub succeeded: bool,
    pub message: String,
}

pub(crate) async fn log(tx: &mut Tx, actor: &Actor, done: NewRemediation) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.bin_optimization_remediation_log
             (tenant_id, remediation_id, facility_id, action, is_automatic, subject, subject_id, figures_before, figures_after, succeeded,
              message, performed_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        actor.tenant().as_str(),
        actor.env.new_id().to_string(),
        done.facility.map(|id| id.0),
        done.action,
        done.is_automatic,
        done.subject,
        done.subject_id,
        done.before,
        done.after,
        done.succeeded,
        done.message,
        actor.principal.name,
        actor.env.now(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Newest first.
pub(crate) async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    action: Option<&str>,
    automatic_only: bool,
    page: &PageRequest,
) -> Result<Vec<RemediationDto>> {
    let before: Option<(DateTime<Utc>, String)> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let (before_at, before_id) = before.unzip();
    let rows = sqlx::query_as!(
        RemediationDto,
        "SELECT remediation_id, facility_id, action, is_automatic, subject, subject_id, figures_before, figures_after, succeeded, message,
                performed_by, created_at
         FROM warehouse.bin_optimization_remediation_log
         WHERE tenant_id = $1 AND ($2::text IS NULL OR action = $2) AND (is_automatic OR NOT $6)
           AND ($3::timestamptz IS NULL OR (created_at, remediation_id) < ($3, $4::text))
         ORDER BY created_at DESC, remediation_id DESC LIMIT $5",
        actor.tenant().as_str(),
        action,
        before_at,
        before_id,
        page.fetch(),
        automatic_only,
    );
    Ok(rows.fetch_all(connection).await?)
}

/// The figures that the last one of an action left.
pub(crate) async fn last_figures(connection: &mut PgConnection, actor: &Actor, action: &str) -> Result<Option<Value>> {
    let last = sqlx::query_scalar!(
        "SELECT figures_after FROM warehouse.bin_optimization_remediation_log WHERE tenant_id = $1 AND action = $2
         ORDER BY created_at DESC, remediation_id DESC LIMIT 1",
        actor.tenant().as_str(),
        action,
    );
    Ok(last.fetch_optional(connection).await?)
}

/// When the last one of an action was.
pub(crate) async fn last_at(connection: &mut PgConnection, actor: &Actor, action: &str) -> Result<Option<DateTime<Utc>>> {
    let last = sqlx::query_scalar!(
        "SELECT max(created_at) FROM warehouse.bin_optimization_remediation_log WHERE tenant_id = $1 AND action = $2",
        actor.tenant().as_str(),
        action,
    );
    Ok(last.fetch_one(connection).await?)
}
