use chrono::{DateTime, Utc};
use kernel::{PageRequest, TenantId, UserId};
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::digest;
use crate::model::{CredentialKind, Session};
use crate::secret::Digest;

/// The key of a purpose; `candidate` becomes it when there is none yet.
pub(crate) async fn shared_key(
    connection: &mut PgConnection,
    purpose: &str,
    candidate: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<[u8; 32]> {
    let key = sqlx::query_scalar!(r#"SELECT identity.shared_key($1, $2, $3) AS "key!""#, purpose, &candidate[..], now);
    let key = key.fetch_one(connection).await?;
    <[u8; 32]>::try_from(key).map_err(|key| Error::internal(format!("a stored key has {} bytes", key.len())))
}

/// Where the user is signed in, newest first; one more than the page. `current` is the digest of the session that asks.
pub(crate) async fn sessions(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    current: Option<&Digest>,
    now: DateTime<Utc>,
    after: Option<Uuid>,
    page: &PageRequest,
) -> Result<Vec<Session>> {
    let rows = sqlx::query!(
        r#"SELECT credential_id, kind, user_agent, address, created_at, last_used_at, expires_at,
                  coalesce(secret_sha256 = $3, false) AS "is_current!"
           FROM identity.credentials
           WHERE tenant_id = $1 AND user_id = $2 AND kind IN ('SESSION', 'ACCESS') AND revoked_at IS NULL
             AND (expires_at IS NULL OR expires_at > $4) AND ($5::uuid IS NULL OR credential_id < $5)
           ORDER BY credential_id DESC LIMIT $6"#,
        tenant.as_str(),
        user.0,
        current.map(|digest| &digest[..]),
        now,
        after,
        page.fetch()
    );
    let kind = |text: &str| {
        let kind = CredentialKind::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or_else(|| Error::internal("a credential of an unknown kind"))
    };
    let mut sessions = Vec::new();
    for row in rows.fetch_all(connection).await? {
        sessions.push(Session {
            session_id: row.credential_id,
            kind: kind(&row.kind)?,
            user_agent: row.user_agent,
            address: row.address,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            is_current: row.is_current,
        });
    }
    Ok(sessions)
}

/// Ends one session of the user; its digest, or `None` when the user has no such session.
pub(crate) async fn end_session(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    session: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Digest>> {
    let row = sqlx::query_scalar!(
        "UPDATE identity.credentials SET revoked_at = $4
         WHERE tenant_id = $1 AND user_id = $2 AND credential_id = $3 AND kind IN ('SESSION', 'ACCESS') AND revoked_at IS NULL
           AND (expires_at IS NULL OR expires_at > $4)
         RETURNING secret_sha256",
        tenant.as_str(),
        user.0,
        session,
        now
    );
    row.fetch_optional(connection).await?.map(digest).transpose()
}

/// How many sessions of the user go on.
pub(crate) async fn live_sessions(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<u64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM identity.credentials
           WHERE tenant_id = $1 AND user_id = $2 AND kind IN ('SESSION', 'ACCESS') AND revoked_at IS NULL
             AND (expires_at IS NULL OR expires_at > $3)"#,
        tenant.as_str(),
        user.0,
        now
    );
    Ok(count.fetch_one(connection).await?.unsigned_abs())
}
