mod refresh;
mod second_factor;
mod sessions;

use chrono::{DateTime, Utc};
use kernel::{ErrorCode, PageRequest, TenantId, UserId};
use platform::auth::{Principal, Role};
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::{CredentialKind, Lockout, Tenant, Token, TokenFilter, User, UserFilter};
use crate::secret::Digest;

pub(crate) use refresh::{
    extend_session, insert_refresh_token, is_refresh_token_used, lock_session_of, refresh_state, revoke_session_by_id,
    use_refresh_token,
};
pub(crate) use second_factor::{
    Factor, confirm_second_factor, delete_second_factor, factor, insert_recovery_codes, put_second_factor, reseal,
    second_factor_state, take_step, use_recovery_code,
};
pub(crate) use sessions::{end_session, live_sessions, sessions, shared_key};

struct TenantRow {
    tenant_id: String,
    name: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<TenantRow> for Tenant {
    type Error = Error;

    fn try_from(row: TenantRow) -> Result<Self> {
        Ok(Self { tenant_id: row.tenant_id.parse().map_err(Error::internal)?, name: row.name, created_at: row.created_at })
    }
}

struct UserRow {
    user_id: Uuid,
    email: String,
    name: String,
    role: String,
    is_active: bool,
    has_password: bool,
    has_second_factor: bool,
    locked_until: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_sign_in_at: Option<DateTime<Utc>>,
}

impl TryFrom<UserRow> for User {
    type Error = Error;

    fn try_from(row: UserRow) -> Result<Self> {
        Ok(Self {
            user_id: UserId(row.user_id),
            email: row.email,
            name: row.name,
            role: role(&row.role)?,
            is_active: row.is_active,
            has_password: row.has_password,
            has_second_factor: row.has_second_factor,
            locked_until: row.locked_until,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_sign_in_at: row.last_sign_in_at,
        })
    }
}

struct TokenRow {
    token_id: Uuid,
    name: String,
    role: String,
    user_id: Uuid,
    user_name: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl TryFrom<TokenRow> for Token {
    type Error = Error;

    fn try_from(row: TokenRow) -> Result<Self> {
        Ok(Self {
            token_id: row.token_id,
            name: row.name,
            role: role(&row.role)?,
            user_id: UserId(row.user_id),
            user_name: row.user_name,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        })
    }
}

/// The table's check constraint admits our names only.
fn role(text: &str) -> Result<Role> {
    text.parse().map_err(Error::internal)
}

pub(crate) async fn any_user(connection: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"SELECT identity.any_user() AS "any!""#).fetch_one(connection).await?)
}

pub(crate) async fn tenants_of_email(connection: &mut PgConnection, email: &str) -> Result<Vec<TenantId>> {
    let rows = sqlx::query_scalar!(r#"SELECT tenants_of_email AS "tenant_id!" FROM identity.tenants_of_email($1)"#, email);
    let names = rows.fetch_all(connection).await?;
    names.iter().map(|name| name.parse().map_err(Error::internal)).collect()
}

pub(crate) async fn purge(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT identity.purge(least($1, now())) AS "n!""#, now).fetch_one(connection).await?)
}

pub(crate) async fn tenant(connection: &mut PgConnection, tenant: &TenantId) -> Result<Option<Tenant>> {
    let row = sqlx::query_as!(
        TenantRow,
        "SELECT tenant_id, name, created_at FROM identity.tenants WHERE tenant_id = $1",
        tenant.as_str()
    );
    row.fetch_optional(connection).await?.map(Tenant::try_from).transpose()
}

pub(crate) async fn tenant_ids(connection: &mut PgConnection) -> Result<Vec<TenantId>> {
    let names = sqlx::query_scalar!("SELECT tenant_id FROM identity.tenants ORDER BY tenant_id").fetch_all(connection).await?;
    names.into_iter().map(|name| name.parse().map_err(Error::internal)).collect()
}

pub(crate) async fn insert_tenant(connection: &mut PgConnection, tenant: &Tenant) -> Result<()> {
    sqlx::query!(
        "INSERT INTO identity.tenants (tenant_id, name, created_at) VALUES ($1, $2, $3)",
        tenant.tenant_id.as_str(),
        tenant.name,
        tenant.created_at
    )
    .execute(connection)
    .await
    .map_err(|error| {
        let id = &tenant.tenant_id;
        let taken =
            || Error::new(ErrorCode::AlreadyExists, format!("the tenant {:?} exists already", id.as_str())).at("tenant_id");
        Error::from(error).on_constraint("tenants_pkey", taken)
    })?;
    Ok(())
}

/// Makes changes of who administers a tenant wait for one another. Leaves rows that refer to the tenant alone.
pub(crate) async fn lock_tenant(connection: &mut PgConnection, tenant: &TenantId) -> Result<()> {
    sqlx::query!("SELECT tenant_id FROM identity.tenants WHERE tenant_id = $1 FOR NO KEY UPDATE", tenant.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(())
}

/// Active administrators who can sign in, besides `except`.
pub(crate) async fn count_other_administrators(connection: &mut PgConnection, tenant: &TenantId, except: UserId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM identity.users
           WHERE tenant_id = $1 AND user_id <> $2 AND is_active AND password_hash IS NOT NULL AND role IN ('ADMIN', 'SUPER_ADMIN')"#,
        tenant.as_str(),
        except.0
    );
    Ok(count.fetch_one(connection).await?)
}

pub(crate) async fn insert_user(connection: &mut PgConnection, tenant: &TenantId, user: &User, phc: Option<&str>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO identity.users (tenant_id, user_id, email, name, role, password_hash, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        tenant.as_str(),
        user.user_id.0,
        user.email,
        user.name,
        user.role.as_str(),
        phc,
        user.created_at
    )
    .execute(connection)
    .await
    .map_err(|error| {
        let taken = || Error::new(ErrorCode::AlreadyExists, format!("a user with the address {} exists already", user.email));
        Error::from(error).on_constraint("users_email_key", || taken().at("email"))
    })?;
    Ok(())
}

/// By id or by address.
pub(crate) async fn user(connection: &mut PgConnection, tenant: &TenantId, reference: &str) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        UserRow,
        r#"SELECT user_id, email, name, role, is_active, password_hash IS NOT NULL AS "has_password!",
                  EXISTS (SELECT FROM identity.second_factors f
                          WHERE f.tenant_id = $1 AND f.user_id = users.user_id AND f.confirmed_at IS NOT NULL) AS "has_second_factor!",
                  locked_until, version, created_at, updated_at, last_sign_in_at
           FROM identity.users WHERE tenant_id = $1 AND (user_id = $2 OR email = $3)"#,
        tenant.as_str(),
        Uuid::parse_str(reference.trim()).ok(),
        crate::model::normalize_email(reference)
    );
    row.fetch_optional(connection).await?.map(User::try_from).transpose()
}

/// As [`user`], and nobody else changes it until the transaction ends.
pub(crate) async fn user_for_update(connection: &mut PgConnection, tenant: &TenantId, reference: &str) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        UserRow,
        r#"SELECT user_id, email, name, role, is_active, password_hash IS NOT NULL AS "has_password!",
                  EXISTS (SELECT FROM identity.second_factors f
                          WHERE f.tenant_id = $1 AND f.user_id = users.user_id AND f.confirmed_at IS NOT NULL) AS "has_second_factor!",
                  locked_until, version, created_at, updated_at, last_sign_in_at
           FROM identity.users WHERE tenant_id = $1 AND (user_id = $2 OR email = $3) FOR NO KEY UPDATE"#,
        tenant.as_str(),
        Uuid::parse_str(reference.trim()).ok(),
        crate::model::normalize_email(reference)
    );
    row.fetch_optional(connection).await?.map(User::try_from).transpose()
}

/// By name, then id; one more than the page.
pub(crate) async fn users(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: &UserFilter,
    after: Option<(String, Uuid)>,
    page: &PageRequest,
) -> Result<Vec<User>> {
    let (after_name, after_id) = after.unzip();
    let rows = sqlx::query_as!(
        UserRow,
        r#"SELECT user_id, email, name, role, is_active, password_hash IS NOT NULL AS "has_password!",
                  EXISTS (SELECT FROM identity.second_factors f
                          WHERE f.tenant_id = $1 AND f.user_id = users.user_id AND f.confirmed_at IS NOT NULL) AS "has_second_factor!",
                  locked_until, version, created_at, updated_at, last_sign_in_at
           FROM identity.users
           WHERE tenant_id = $1
             AND ($2::text IS NULL OR strpos(lower(name), lower($2)) > 0 OR strpos(email, lower($2)) > 0)
             AND ($3::text IS NULL OR role = $3)
             AND ($4::boolean IS NULL OR is_active = $4)
             AND ($5::text IS NULL OR (name, user_id) > ($5, $6::uuid))
           ORDER BY name, user_id LIMIT $7"#,
        tenant.as_str(),
        filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty()),
        filter.role.map(Role::as_str),
        filter.active,
        after_name,
        after_id,
        page.fetch()
    );
    rows.fetch_all(connection).await?.into_iter().map(User::try_from).collect()
}

pub(crate) async fn names(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<(UserId, String)>> {
    let rows = sqlx::query!(
        "SELECT user_id, name FROM identity.users WHERE tenant_id = $1 AND user_id = ANY ($2)",
        tenant.as_str(),
        ids
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (UserId(row.user_id), row.name)).collect())
}

/// Writes what a patch may change; a lock that is gone takes its count of failures with it.
pub(crate) async fn update_user(connection: &mut PgConnection, tenant: &TenantId, user: &User) -> Result<()> {
    sqlx::query!(
        "UPDATE identity.users SET name = $3, role = $4, is_active = $5, version = $6, updated_at = $7, locked_until = $8,
             failed_sign_ins = CASE WHEN $8::timestamptz IS NULL AND locked_until IS NOT NULL THEN 0 ELSE failed_sign_ins END
         WHERE tenant_id = $1 AND user_id = $2",
        tenant.as_str(),
        user.user_id.0,
        user.name,
        user.role.as_str(),
        user.is_active,
        user.version,
        user.updated_at,
        user.locked_until
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Also ends a lock.
pub(crate) async fn update_password(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    phc: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE identity.users SET password_hash = $3, failed_sign_ins = 0, locked_until = NULL, version = version + 1, updated_at = $4
         WHERE tenant_id = $1 AND user_id = $2",
        tenant.as_str(),
        user.0,
        phc,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A user who could sign in with a password.
pub(crate) struct Account {
    pub user_id: UserId,
    pub name: String,
    pub role: Role,
    pub password_hash: String,
    pub has_second_factor: bool,
    pub lockout: Lockout,
}

/// Locks the row, so that guesses at one account are judged one after the other and none escapes the count.
pub(crate) async fn lock_account(connection: &mut PgConnection, tenant: &TenantId, email: &str) -> Result<Option<Account>> {
    let row = sqlx::query!(
        r#"SELECT user_id, name, role, password_hash AS "password_hash!", failed_sign_ins, locked_until,
                  EXISTS (SELECT FROM identity.second_factors f
                          WHERE f.tenant_id = $1 AND f.user_id = users.user_id AND f.confirmed_at IS NOT NULL) AS "has_second_factor!"
           FROM identity.users
           WHERE tenant_id = $1 AND email = $2 AND is_active AND password_hash IS NOT NULL FOR NO KEY UPDATE"#,
        tenant.as_str(),
        email
    );
    let Some(row) = row.fetch_optional(connection).await? else { return Ok(None) };
    Ok(Some(Account {
        user_id: UserId(row.user_id),
        name: row.name,
        role: role(&row.role)?,
        password_hash: row.password_hash,
        has_second_factor: row.has_second_factor,
        lockout: Lockout { failures: row.failed_sign_ins, locked_until: row.locked_until },
    }))
}

pub(crate) async fn set_lockout(connection: &mut PgConnection, tenant: &TenantId, user: UserId, lockout: Lockout) -> Result<()> {
    sqlx::query!(
        "UPDATE identity.users SET failed_sign_ins = $3, locked_until = $4 WHERE tenant_id = $1 AND user_id = $2",
        tenant.as_str(),
        user.0,
        lockout.failures,
        lockout.locked_until
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes a sign-in and holds the user's row; `false` when the account was deactivated or got another password meanwhile.
pub(crate) async fn note_sign_in(
    connection: &mut PgConnection,
    tenant: &TenantId,
    account: &Account,
    now: DateTime<Utc>,
) -> Result<bool> {
    let noted = sqlx::query!(
        "UPDATE identity.users SET last_sign_in_at = $4 WHERE tenant_id = $1 AND user_id = $2 AND password_hash = $3 AND is_active",
        tenant.as_str(),
        account.user_id.0,
        account.password_hash,
        now
    );
    Ok(noted.execute(connection).await?.rows_affected() == 1)
}

pub(crate) struct NewCredential<'a> {
    pub id: Uuid,
    pub user: UserId,
    pub kind: CredentialKind,
    pub name: &'a str,
    pub role: Role,
    pub digest: Digest,
    pub now: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub user_agent: Option<&'a str>,
    pub address: Option<&'a str>,
}

pub(crate) async fn insert_credential(connection: &mut PgConnection, tenant: &TenantId, new: &NewCredential<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO identity.credentials
             (tenant_id, credential_id, user_id, kind, name, role, secret_sha256, created_at, expires_at, user_agent, address)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant.as_str(),
        new.id,
        new.user.0,
        new.kind.as_str(),
        new.name,
        new.role.as_str(),
        &new.digest[..],
        new.now,
        new.expires_at,
        new.user_agent,
        new.address
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A valid credential: who it stands for and when it was last seen.
pub(crate) struct Found {
    pub principal: Principal,
    pub credential_id: Uuid,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Neither revoked nor expired, of an active user.
pub(crate) async fn valid_credential(
    connection: &mut PgConnection,
    tenant: &TenantId,
    kind: CredentialKind,
    digest: &Digest,
    now: DateTime<Utc>,
) -> Result<Option<Found>> {
    let row = sqlx::query!(
        r#"SELECT c.credential_id, c.role, c.expires_at, c.last_used_at, u.user_id, u.name, u.email, u.role AS user_role
           FROM identity.credentials c
           JOIN identity.users u ON u.tenant_id = c.tenant_id AND u.user_id = c.user_id
           WHERE c.tenant_id = $1 AND c.secret_sha256 = $2 AND c.kind = $3 AND c.revoked_at IS NULL
             AND (c.expires_at IS NULL OR c.expires_at > $4) AND u.is_active"#,
        tenant.as_str(),
        &digest[..],
        kind.as_str(),
        now
    );
    let Some(row) = row.fetch_optional(connection).await? else { return Ok(None) };
    let principal = Principal {
        tenant: tenant.clone(),
        user: UserId(row.user_id),
        name: row.name,
        email: row.email,
        role: kind.role(role(&row.role)?, role(&row.user_role)?),
        expires_at: row.expires_at,
    };
    Ok(Some(Found { principal, credential_id: row.credential_id, last_used_at: row.last_used_at }))
}

pub(crate) async fn touch_credential(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE identity.credentials SET last_used_at = $3::timestamptz
         WHERE tenant_id = $1 AND credential_id = $2 AND (last_used_at IS NULL OR last_used_at < $3::timestamptz - interval '1 minute')",
        tenant.as_str(),
        id,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Digests of what the user could still call with.
pub(crate) async fn live_digests(connection: &mut PgConnection, tenant: &TenantId, user: UserId) -> Result<Vec<Digest>> {
    let rows = sqlx::query_scalar!(
        "SELECT secret_sha256 FROM identity.credentials WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL",
        tenant.as_str(),
        user.0
    );
    rows.fetch_all(connection).await?.into_iter().map(digest).collect()
}

/// Revokes the user's credentials of these kinds but `keep`; their digests.
pub(crate) async fn revoke_of_user(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    kinds: &[CredentialKind],
    keep: Option<&Digest>,
    now: DateTime<Utc>,
) -> Result<Vec<Digest>> {
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    let rows = sqlx::query_scalar!(
        "UPDATE identity.credentials SET revoked_at = $5
         WHERE tenant_id = $1 AND user_id = $2 AND kind = ANY ($3) AND revoked_at IS NULL AND secret_sha256 IS DISTINCT FROM $4
         RETURNING secret_sha256",
        tenant.as_str(),
        user.0,
        &kinds,
        keep.map(|digest| &digest[..]),
        now
    );
    rows.fetch_all(connection).await?.into_iter().map(digest).collect()
}

/// Revokes one credential of the user by its digest; whether there was one.
pub(crate) async fn revoke_digest(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: UserId,
    digest: &Digest,
    now: DateTime<Utc>,
) -> Result<bool> {
    let revoked = sqlx::query!(
        "UPDATE identity.credentials SET revoked_at = $4
         WHERE tenant_id = $1 AND user_id = $2 AND secret_sha256 = $3 AND revoked_at IS NULL",
        tenant.as_str(),
        user.0,
        &digest[..],
        now
    );
    Ok(revoked.execute(connection).await?.rows_affected() == 1)
}

pub(crate) async fn token(connection: &mut PgConnection, tenant: &TenantId, id: Uuid) -> Result<Option<Token>> {
    let row = sqlx::query_as!(
        TokenRow,
        "SELECT c.credential_id AS token_id, c.name, c.role, c.user_id, u.name AS user_name, c.created_at, c.expires_at, c.revoked_at,
                c.last_used_at
         FROM identity.credentials c
         JOIN identity.users u ON u.tenant_id = c.tenant_id AND u.user_id = c.user_id
         WHERE c.tenant_id = $1 AND c.credential_id = $2 AND c.kind = 'API_TOKEN'",
        tenant.as_str(),
        id
    );
    row.fetch_optional(connection).await?.map(Token::try_from).transpose()
}

/// Newest first; one more than the page.
pub(crate) async fn tokens(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: &TokenFilter,
    now: DateTime<Utc>,
    after: Option<Uuid>,
    page: &PageRequest,
) -> Result<Vec<Token>> {
    let rows = sqlx::query_as!(
        TokenRow,
        "SELECT c.credential_id AS token_id, c.name, c.role, c.user_id, u.name AS user_name, c.created_at, c.expires_at, c.revoked_at,
                c.last_used_at
         FROM identity.credentials c
         JOIN identity.users u ON u.tenant_id = c.tenant_id AND u.user_id = c.user_id
         WHERE c.tenant_id = $1 AND c.kind = 'API_TOKEN'
           AND ($2::boolean IS NULL OR $2 = (c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $3)))
           AND ($4::uuid IS NULL OR c.user_id = $4)
           AND ($5::uuid IS NULL OR c.credential_id < $5)
         ORDER BY c.credential_id DESC LIMIT $6",
        tenant.as_str(),
        filter.active,
        now,
        filter.user_id,
        after,
        page.fetch()
    );
    rows.fetch_all(connection).await?.into_iter().map(Token::try_from).collect()
}

/// The digest of the revoked token; `None` when it was revoked before.
pub(crate) async fn revoke_token(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Digest>> {
    let row = sqlx::query_scalar!(
        "UPDATE identity.credentials SET revoked_at = $3
         WHERE tenant_id = $1 AND credential_id = $2 AND kind = 'API_TOKEN' AND revoked_at IS NULL RETURNING secret_sha256",
        tenant.as_str(),
        id,
        now
    );
    row.fetch_optional(connection).await?.map(digest).transpose()
}

fn digest(bytes: Vec<u8>) -> Result<Digest> {
    Digest::try_from(bytes).map_err(|bytes| Error::internal(format!("a stored digest has {} bytes", bytes.len())))
}
