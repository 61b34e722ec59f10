use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ErrorCode, TenantId};
use moka::sync::Cache;
use platform::audit::Entry;
use platform::auth::{Actor, Principal};
use platform::{App, Error, Result};

use super::{credentials_changed, users};
use crate::model::{self, CredentialKind, Credentials, Lockout, PasswordChange, SignIn, SignInKind, SignedIn, Tenant};
use crate::password::{self, Password};
use crate::secret::{self, Secret};
use crate::store::{self, Account, NewCredential};

/// How one password fared in one tenant.
enum Attempt {
    /// Nobody with this address can sign in there.
    Unknown,
    Wrong,
    Locked(TimeDelta),
    Right(Account),
}

/// Failures of addresses that nobody has. They lock like accounts do, so that a lock does not tell which addresses exist.
static STRANGERS: LazyLock<Cache<String, Lockout>> =
    LazyLock::new(|| Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(15 * 60)).build());

/// Address and password, for pages or for programs. Commits by itself, failures too: five in a row lock the account for 15
/// minutes. Errors: `WRONG_CREDENTIALS`, `ACCOUNT_LOCKED` (with `retry_after`), `INVALID` for empty fields.
pub async fn sign_in(app: &App, credentials: &Credentials, kind: SignInKind, request_id: &str) -> Result<SignIn> {
    credentials.validate()?;
    let result = check_and_open(app, credentials, kind, request_id).await;
    let outcome = match &result {
        Ok(SignIn::Done(_)) => "signed_in",
        Ok(SignIn::ChooseTenant(_)) => "tenant_asked",
        Err(error) if error.code == ErrorCode::AccountLocked => "locked",
        Err(error) if error.code == ErrorCode::WrongCredentials => "wrong",
        Err(_) => "failed",
    };
    metrics::counter!("auth_sign_ins_total", "outcome" => outcome).increment(1);
    result
}

async fn check_and_open(app: &App, credentials: &Credentials, kind: SignInKind, request_id: &str) -> Result<SignIn> {
    let email = model::normalize_email(&credentials.email);
    let mut right = Vec::new();
    let mut refusal = None;
    for tenant in candidates(app, credentials, &email).await? {
        match attempt(app, &tenant, &email, &credentials.password, request_id).await? {
            Attempt::Unknown => {}
            Attempt::Wrong => refusal = Some(wrong()),
            Attempt::Locked(left) => refusal = refusal.or_else(|| Some(model::locked(left))),
            Attempt::Right(account) => right.push((tenant, account)),
        }
    }
    if right.len() > 1 {
        let tenants: Vec<TenantId> = right.into_iter().map(|(tenant, _)| tenant).collect();
        return Ok(SignIn::ChooseTenant(names(app, &tenants).await?));
    }
    match (right.pop(), refusal) {
        (Some((tenant, account)), _) => Ok(SignIn::Done(open(app, tenant, &email, &account, kind, request_id).await?)),
        (None, Some(refusal)) => Err(refusal),
        (None, None) => Err(stranger(&email, &credentials.password, app.env.now()).await?),
    }
}

fn wrong() -> Error {
    Error::new(ErrorCode::WrongCredentials, "the address or the password is wrong")
}

/// The tenant that was named, else all that know the address, at most 20.
async fn candidates(app: &App, credentials: &Credentials, email: &str) -> Result<Vec<TenantId>> {
    match credentials.tenant() {
        Some(tenant) => Ok(tenant.parse().into_iter().collect()),
        None => app.db.without_tenant(async |connection| store::tenants_of_email(connection, email).await).await,
    }
}

/// Judges one password and commits what it learnt. The permit comes first, so that waiting attempts hold no connection.
async fn attempt(app: &App, tenant: &TenantId, email: &str, given: &Password, request_id: &str) -> Result<Attempt> {
    let _permit = password::permit().await?;
    let mut tx = app.db.begin(tenant).await?;
    let Some(account) = store::lock_account(&mut tx, tenant, email).await? else { return Ok(Attempt::Unknown) };
    let now = app.env.now();
    if let Some(left) = account.lockout.remaining(now) {
        drop(tx);
        password::spend(given).await?;
        return Ok(Attempt::Locked(left));
    }
    if password::verify(given, &account.password_hash).await? {
        if account.lockout != Lockout::default() {
            store::set_lockout(&mut tx, tenant, account.user_id, Lockout::default()).await?;
            tx.commit().await?;
        }
        return Ok(Attempt::Right(account));
    }
    let lockout = account.lockout.after_failure(now);
    store::set_lockout(&mut tx, tenant, account.user_id, lockout).await?;
    let action = if lockout.locked_until.is_some() { "user.locked" } else { "user.sign_in_failed" };
    let actor = as_actor(app, tenant, email, &account, None, request_id);
    tx.audit(&actor, Entry::new(action, "user", account.user_id));
    tx.commit().await?;
    Ok(Attempt::Wrong)
}

/// The error for an address that nobody has; it takes as long as any other.
async fn stranger(email: &str, given: &Password, now: DateTime<Utc>) -> Result<Error> {
    let _permit = password::permit().await?;
    password::spend(given).await?;
    let lockout = STRANGERS.get(email).unwrap_or_default();
    if let Some(left) = lockout.remaining(now) {
        return Ok(model::locked(left));
    }
    let email = email.chars().take(254).collect::<String>();
    STRANGERS
        .entry(email)
        .and_upsert_with(|entry| entry.map_or_else(Lockout::default, |entry| entry.into_value()).after_failure(now));
    Ok(wrong())
}

async fn names(app: &App, tenants: &[TenantId]) -> Result<Vec<Tenant>> {
    let mut named = Vec::with_capacity(tenants.len());
    for tenant in tenants {
        named.extend(app.db.read(tenant, async |connection| store::tenant(connection, tenant).await).await?);
    }
    Ok(named)
}

async fn open(
    app: &App,
    tenant: TenantId,
    email: &str,
    account: &Account,
    kind: SignInKind,
    request_id: &str,
) -> Result<SignedIn> {
    let now = app.env.now();
    let expires_at = now + kind.lifetime();
    let actor = as_actor(app, &tenant, email, account, Some(expires_at), request_id);
    let secret = Secret::new(&app.env, kind.credential(), &tenant);
    let credential = NewCredential {
        id: app.env.new_id(),
        user: account.user_id,
        kind: kind.credential(),
        name: kind.label(),
        role: account.role,
        digest: secret.digest(),
        now,
        expires_at: Some(expires_at),
    };
    let mut tx = app.db.begin(&tenant).await?;
    if !store::note_sign_in(&mut tx, &tenant, account, now).await? {
        return Err(wrong());
    }
    store::insert_credential(&mut tx, &tenant, &credential).await?;
    tx.audit(&actor, Entry::new("user.sign_in", "user", account.user_id));
    tx.commit().await?;
    Ok(SignedIn { secret, expires_at, principal: actor.principal })
}

fn as_actor(
    app: &App,
    tenant: &TenantId,
    email: &str,
    account: &Account,
    expires_at: Option<DateTime<Utc>>,
    request_id: &str,
) -> Actor {
    let principal = Principal {
        tenant: tenant.clone(),
        user: account.user_id,
        name: account.name.clone(),
        email: email.to_owned(),
        role: account.role,
        expires_at,
    };
    Actor { principal, request_id: request_id.to_owned(), env: app.env.clone() }
}

/// Ends the session or access token that `secret` is; nothing happens when it has ended already. An API token is refused.
pub async fn sign_out(app: &App, actor: &Actor, secret: &str) -> Result<()> {
    let Some(presented) = secret::parse(secret).filter(|presented| &presented.tenant == actor.tenant()) else { return Ok(()) };
    if presented.kind == CredentialKind::ApiToken {
        return Err(Error::conflict("an API token does not sign out: revoke it among the tokens"));
    }
    let user = actor.principal.user;
    let mut tx = app.db.begin(actor.tenant()).await?;
    if store::revoke_digest(&mut tx, actor.tenant(), user, &presented.digest, actor.env.now()).await? {
        credentials_changed(&mut tx, actor, user, &[presented.digest]);
        tx.audit(actor, Entry::new("user.sign_out", "user", user));
        tx.commit().await?;
    }
    Ok(())
}

/// One's own new password. A wrong current one counts as a failed sign-in. All other sessions and access tokens end; `keep`
/// is the secret that the request came with.
pub async fn change_own_password(app: &App, actor: &Actor, input: &PasswordChange, keep: Option<&str>) -> Result<()> {
    let (tenant, email) = (actor.tenant(), &actor.principal.email);
    input.validate(email)?;
    match attempt(app, tenant, email, &input.current_password, &actor.request_id).await? {
        Attempt::Right(_) => {}
        Attempt::Locked(left) => return Err(model::locked(left)),
        Attempt::Wrong => return Err(Error::field("current_password", "must be the present password")),
        Attempt::Unknown => return Err(Error::conflict("this user is a machine, which works with API tokens only")),
    }
    let keep = keep.and_then(secret::parse).map(|presented| presented.digest);
    let mut tx = app.db.begin(tenant).await?;
    users::set_password(&mut tx, actor, actor.principal.user, &input.new_password, keep.as_ref()).await?;
    tx.commit().await
}
