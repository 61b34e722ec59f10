use chrono::{DateTime, Utc};
use kernel::{TenantId, UserId};
use platform::Result;
use sqlx::PgConnection;

use crate::model::SecondFactor;
use crate::secret::Digest;

/// Somebody's authenticator application, as it is kept.
pub(crate) struct Factor {
    pub sealed_secret: Vec<u8>,
    /// The id of the key that it is sealed with.
    pub seal_key: String,
    pub confirmed_at: Option<DateTime<Utc>>,
    pub last_step: i64,
}

/// Locked, so that of two uses of one code only the first is taken. A secret that waited 15 minutes for its first code is
/// none any more: whoever saw it then should not be able to turn it on later.
pub(crate) async fn factor(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Option<Factor>> {
    let row = sqlx::query_as!(
        Factor,
        "SELECT sealed_secret, seal_key, confirmed_at, last_step FROM identity.second_factors
         WHERE tenant_id = $1 AND user_id = $2
           AND (confirmed_at IS NOT NULL OR created_at > $3::timestamptz - interval '15 minutes')
         FOR NO KEY UPDATE",
        tenant.as_str(),
        user.0,
        now
    );
    Ok(row.fetch_optional(connection).await?)
}

pub(crate) async fn second_factor_state(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<SecondFactor> {
    let row = sqlx::query!(
        r#"SELECT f.confirmed_at,
                  (SELECT count(*) FROM identity.recovery_codes r
                   WHERE r.tenant_id = $1 AND r.user_id = $2 AND r.used_at IS NULL) AS "left!"
           FROM identity.second_factors f
           WHERE f.tenant_id = $1 AND f.user_id = $2
             AND (f.confirmed_at IS NOT NULL OR f.created_at > $3::timestamptz - interval '15 minutes')"#,
        tenant.as_str(),
        user.0,
        now
    );
    let Some(row) = row.fetch_optional(connection).await? else { return Ok(SecondFactor::default()) };
    Ok(SecondFactor { enabled_at: row.confirmed_at, is_pending: row.confirmed_at.is_none(), recovery_codes_left: row.left })
}

/// A secret that waits for its first code; replaces one that waited before. `false` when a confirmed one is there.
pub(crate) async fn put_second_factor(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    sealed_secret: &[u8],
    seal_key: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let put = sqlx::query!(
        "INSERT INTO identity.second_factors (tenant_id, user_id, sealed_secret, seal_key, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, user_id) DO UPDATE
             SET sealed_secret = excluded.sealed_secret, seal_key = excluded.seal_key, created_at = excluded.created_at
             WHERE second_factors.tenant_id = $1 AND second_factors.confirmed_at IS NULL",
        tenant.as_str(),
        user.0,
        sealed_secret,
        seal_key,
        now
    );
    Ok(put.execute(connection).await?.rows_affected() == 1)
}

pub(crate) async fn confirm_second_factor(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    step: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE identity.second_factors SET confirmed_at = $4, last_step = $3 WHERE tenant_id = $1 AND user_id = $2",
        tenant.as_str(),
        user.0,
        step,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Codes of this step and earlier ones are used up.
pub(crate) async fn take_step(connection: &mut PgConnection, tenant: &TenantId, user: UserId, step: i64) -> Result<()> {
    sqlx::query!(
        "UPDATE identity.second_factors SET last_step = $3 WHERE tenant_id = $1 AND user_id = $2",
        tenant.as_str(),
        user.0,
        step
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The same secret, sealed with another key.
pub(crate) async fn reseal(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    sealed_secret: &[u8],
    seal_key: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE identity.second_factors SET sealed_secret = $3, seal_key = $4 WHERE tenant_id = $1 AND user_id = $2",
        tenant.as_str(),
        user.0,
        sealed_secret,
        seal_key
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// With its recovery codes; whether there was one.
pub(crate) async fn delete_second_factor(connection: &mut PgConnection, tenant: &TenantId, user: UserId) -> Result<bool> {
    let deleted =
        sqlx::query!("DELETE FROM identity.second_factors WHERE tenant_id = $1 AND user_id = $2", tenant.as_str(), user.0);
    Ok(deleted.execute(connection).await?.rows_affected() == 1)
}

pub(crate) async fn insert_recovery_codes(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    codes: &[Digest],
) -> Result<()> {
    let codes: Vec<Vec<u8>> = codes.iter().map(|code| code.to_vec()).collect();
    sqlx::query!(
        "INSERT INTO identity.recovery_codes (tenant_id, user_id, code_sha256) SELECT $1, $2, * FROM UNNEST($3::bytea[])",
        tenant.as_str(),
        user.0,
        &codes
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether it was one of the user's codes and not used before.
pub(crate) async fn use_recovery_code(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    code: &Digest,
    now: DateTime<Utc>,
) -> Result<bool> {
    let used = sqlx::query!(
        "UPDATE identity.recovery_codes SET used_at = $4
         WHERE tenant_id = $1 AND user_id = $2 AND code_sha256 = $3 AND used_at IS NULL",
        tenant.as_str(),
        user.0,
        &code[..],
        now
    );
    Ok(used.execute(connection).await?.rows_affected() == 1)
}
