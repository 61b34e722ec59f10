use chrono::{DateTime, Utc};
use kernel::{TenantId, UserId};
use platform::auth::Principal;
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::role;
use crate::secret::{Digest, Salt};

/// The session that a refresh token belongs to, and as whom; held until the transaction ends, so that its tokens change hands
/// one after the other. `None` for a token that never was or has ended, and for a session that has.
pub(crate) async fn lock_session_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    token: &Digest,
    now: DateTime<Utc>,
) -> Result<Option<(Uuid, Principal)>> {
    let row = sqlx::query!(
        "SELECT c.credential_id, c.user_id, u.name, u.email, u.role
         FROM identity.refresh_tokens r
         JOIN identity.credentials c ON c.tenant_id = r.tenant_id AND c.credential_id = r.credential_id
         JOIN identity.users u ON u.tenant_id = c.tenant_id AND u.user_id = c.user_id
         WHERE r.tenant_id = $1 AND r.token_sha256 = $2 AND r.expires_at > $3
           AND c.kind = 'ACCESS' AND c.revoked_at IS NULL AND u.is_active
         FOR NO KEY UPDATE OF c",
        tenant.as_str(),
        &token[..],
        now
    );
    let Some(row) = row.fetch_optional(connection).await? else { return Ok(None) };
    let principal = Principal {
        tenant: tenant.clone(),
        user: UserId(row.user_id),
        name: row.name,
        email: row.email,
        role: role(&row.role)?,
        expires_at: None,
    };
    Ok(Some((row.credential_id, principal)))
}

/// Marks a token as used, with what its successor is made of; `false` when it was used before.
pub(crate) async fn use_refresh_token(
    connection: &mut PgConnection,
    tenant: &TenantId,
    token: &Digest,
    salt: &Salt,
    now: DateTime<Utc>,
) -> Result<bool> {
    let used = sqlx::query!(
        "UPDATE identity.refresh_tokens SET used_at = $4, successor_salt = $3
         WHERE tenant_id = $1 AND token_sha256 = $2 AND used_at IS NULL",
        tenant.as_str(),
        &token[..],
        &salt[..],
        now
    );
    Ok(used.execute(connection).await?.rows_affected() == 1)
}

/// When a token was used and what its successor was made of.
pub(crate) struct RefreshState {
    pub used_at: DateTime<Utc>,
    pub salt: Salt,
}

/// `None` for a token that was not used.
pub(crate) async fn refresh_state(
    connection: &mut PgConnection,
    tenant: &TenantId,
    token: &Digest,
) -> Result<Option<RefreshState>> {
    let row = sqlx::query!(
        r#"SELECT used_at AS "used_at!", successor_salt AS "successor_salt!" FROM identity.refresh_tokens
           WHERE tenant_id = $1 AND token_sha256 = $2 AND used_at IS NOT NULL"#,
        tenant.as_str(),
        &token[..]
    );
    let Some(row) = row.fetch_optional(connection).await? else { return Ok(None) };
    let salt = Salt::try_from(row.successor_salt).map_err(|salt| Error::internal(format!("a salt has {} bytes", salt.len())))?;
    Ok(Some(RefreshState { used_at: row.used_at, salt }))
}

/// Whether a token was used; one that is not there counts as used.
pub(crate) async fn is_refresh_token_used(connection: &mut PgConnection, tenant: &TenantId, token: &Digest) -> Result<bool> {
    let unused = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM identity.refresh_tokens WHERE tenant_id = $1 AND token_sha256 = $2 AND used_at IS NULL) AS "unused!""#,
        tenant.as_str(),
        &token[..]
    );
    Ok(!unused.fetch_one(connection).await?)
}

pub(crate) async fn insert_refresh_token(
    connection: &mut PgConnection,
    tenant: &TenantId,
    session: Uuid,
    token: &Digest,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO identity.refresh_tokens (tenant_id, token_sha256, credential_id, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
        tenant.as_str(),
        &token[..],
        session,
        now,
        expires_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The session goes on until its newest refresh token ends.
pub(crate) async fn extend_session(
    connection: &mut PgConnection,
    tenant: &TenantId,
    session: Uuid,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE identity.credentials SET expires_at = $4, last_used_at = $3 WHERE tenant_id = $1 AND credential_id = $2",
        tenant.as_str(),
        session,
        now,
        expires_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn revoke_session_by_id(
    connection: &mut PgConnection,
    tenant: &TenantId,
    session: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE identity.credentials SET revoked_at = $3 WHERE tenant_id = $1 AND credential_id = $2 AND revoked_at IS NULL",
        tenant.as_str(),
        session,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}
