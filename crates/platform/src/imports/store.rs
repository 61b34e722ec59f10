use chrono::{DateTime, Utc};
use kernel::{PageRequest, TenantId};
use sqlx::types::Json;
use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use super::service::{Import, ImportState, NewImport};
use super::{Options, Progress, Report};
use crate::auth::Actor;
use crate::database::Tx;
use crate::{Error, Result};

/// Makes the transaction one for an import. Two imports of one kind would meet on the same rows in different orders: the second
/// waits. And a plan made when the table was empty is kept while it fills: a nested loop would compare every stored row with
/// every row of a chunk, which takes minutes.
pub async fn prepare(tx: &mut Tx, kind: &str) -> Result<()> {
    tx.execute(sqlx::raw_sql("SET LOCAL enable_nestloop = off; SET LOCAL jit = off")).await?;
    let tenant = tx.tenant().to_string();
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended('import/' || $1 || '/' || $2, 0))::text AS "locked""#,
        tenant,
        kind
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(())
}

pub async fn insert(tx: &mut Tx, actor: &Actor, import_id: Uuid, new: &NewImport) -> Result<()> {
    let tenant = tx.tenant().to_string();
    sqlx::query!(
        "INSERT INTO platform.imports (tenant_id, import_id, kind, file_name, content, options, created_by, created_by_name, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tenant,
        import_id,
        new.kind,
        new.file_name,
        new.content.as_deref(),
        Json(&new.options) as Json<&Options>,
        actor.principal.user.0,
        actor.principal.name,
        actor.env.now(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes an import into work; `None` when it has ended already.
pub async fn start(connection: &mut PgConnection, tenant: &TenantId, import_id: Uuid) -> Result<Option<(NewImport, String)>> {
    let row = sqlx::query!(
        r#"UPDATE platform.imports SET state = 'RUNNING', rows_done = 0, rows_bad = 0, finished_at = NULL
           WHERE tenant_id = $1 AND import_id = $2 AND state IN ('QUEUED', 'RUNNING', 'FAILED')
           RETURNING kind, file_name, content, options AS "options: Json<Options>", created_by_name"#,
        tenant.as_str(),
        import_id,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| {
        let Json(options) = row.options;
        (NewImport { kind: row.kind, file_name: row.file_name, content: row.content, options }, row.created_by_name)
    }))
}

/// The upload itself, with its file while that is kept.
pub async fn stored(connection: &mut PgConnection, tenant: &TenantId, import_id: Uuid) -> Result<Option<NewImport>> {
    let row = sqlx::query!(
        r#"SELECT kind, file_name, content, options AS "options: Json<Options>" FROM platform.imports WHERE tenant_id = $1 AND import_id = $2"#,
        tenant.as_str(),
        import_id,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| NewImport { kind: row.kind, file_name: row.file_name, content: row.content, options: row.options.0 }))
}

pub async fn progress(connection: &mut PgConnection, tenant: &TenantId, import_id: Uuid, progress: Progress) -> Result<()> {
    sqlx::query!(
        "UPDATE platform.imports SET rows_total = $3, rows_done = $4, rows_bad = $5
         WHERE tenant_id = $1 AND import_id = $2 AND state = 'RUNNING'",
        tenant.as_str(),
        import_id,
        progress.rows_total.cast_signed(),
        progress.rows_done.cast_signed(),
        progress.rows_bad.cast_signed(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn finish(
    connection: &mut PgConnection,
    tenant: &TenantId,
    import_id: Uuid,
    (state, at): (ImportState, DateTime<Utc>),
    report: &Report,
) -> Result<()> {
    sqlx::query!(
        "UPDATE platform.imports
         SET state = $3, finished_at = $4, rows_total = $5, rows_done = $5, rows_bad = $6, created_count = $7, updated_count = $8,
             report = $9
         WHERE tenant_id = $1 AND import_id = $2",
        tenant.as_str(),
        import_id,
        state.as_str(),
        at,
        report.rows_total.cast_signed(),
        report.rows_bad.cast_signed(),
        report.created.cast_signed(),
        report.updated.cast_signed(),
        Json(report) as Json<&Report>,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Newest first, without the reports, which may be long.
pub async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    kind: Option<&str>,
    after: Option<Uuid>,
    page: &PageRequest,
) -> Result<Vec<Import>> {
    let rows = sqlx::query!(
        r#"SELECT import_id, kind, file_name, options AS "options: Json<Options>", state, rows_total, rows_done, rows_bad, created_count,
                  updated_count, created_by_name, created_at, finished_at
           FROM platform.imports
           WHERE tenant_id = $1 AND ($2::text IS NULL OR kind = $2) AND ($3::uuid IS NULL OR import_id < $3)
           ORDER BY import_id DESC LIMIT $4"#,
        tenant.as_str(),
        kind,
        after,
        page.fetch(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let Json(options) = row.options;
            Ok(Import {
                import_id: row.import_id,
                kind: row.kind,
                file_name: row.file_name,
                options,
                state: row.state.parse().map_err(Error::internal)?,
                rows_total: row.rows_total,
                rows_done: row.rows_done,
                rows_bad: row.rows_bad,
                created: row.created_count,
                updated: row.updated_count,
                report: None,
                created_by_name: row.created_by_name,
                created_at: row.created_at,
                finished_at: row.finished_at,
            })
        })
        .collect()
}

pub async fn get(connection: &mut PgConnection, tenant: &TenantId, import_id: Uuid) -> Result<Option<Import>> {
    let row = sqlx::query!(
        r#"SELECT import_id, kind, file_name, options AS "options: Json<Options>", state, rows_total, rows_done, rows_bad, created_count,
                  updated_count, report AS "report: Json<Report>", created_by_name, created_at, finished_at
           FROM platform.imports WHERE tenant_id = $1 AND import_id = $2"#,
        tenant.as_str(),
        import_id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let Json(options) = row.options;
        Ok(Import {
            import_id: row.import_id,
            kind: row.kind,
            file_name: row.file_name,
            options,
            state: row.state.parse().map_err(Error::internal)?,
            rows_total: row.rows_total,
            rows_done: row.rows_done,
            rows_bad: row.rows_bad,
            created: row.created_count,
            updated: row.updated_count,
            report: row.report.map(|Json(report)| report),
            created_by_name: row.created_by_name,
            created_at: row.created_at,
            finished_at: row.finished_at,
        })
    })
    .transpose()
}
