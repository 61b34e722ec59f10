use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ErrorCode, TenantId};
use moka::sync::Cache;
use platform::audit::Entry;
use platform::auth::{Actor, Principal};
use platform::database::Tx;
use platform::http::Client;
use platform::{App, Error, Hidden, Result};

use super::second_factor::{self, Verdict};
use super::{credentials_changed, sessions, ticket, users};
use crate::Identity;
use crate::model::{self, Codes, CredentialKind, Credentials, Lockout, PasswordChange, SignIn, SignInKind, SignedIn, Tenant};
use crate::password::{self, Password};
use crate::store::{self, Account};

/// What every sign-in is told: what for, from where, and in which request.
#[derive(Clone, Debug)]
pub struct Visit {
    pub kind: SignInKind,
    pub client: Client,
    pub request_id: String,
}

/// How one password fared in one tenant.
pub(super) enum Attempt {
    /// Nobody with this address can sign in there.
    Unknown,
    Wrong,
    Locked(TimeDelta),
    Right(Account),
}

/// Failures of addresses that nobody has. They lock like accounts do, so that a lock does not tell which addresses exist; an
/// account's failures are not forgotten with time, so these are kept much longer than a lock lasts.
static STRANGERS: LazyLock<Cache<String, Lockout>> =
    LazyLock::new(|| Cache::builder().max_capacity(100_000).time_to_live(Duration::from_secs(24 * 60 * 60)).build());

/// Address and password, for pages or for programs, and a code for who has a second factor. Commits by itself, failures too:
/// five in a row lock the account for 15 minutes. Errors: `WRONG_CREDENTIALS`, `SECOND_FACTOR_WRONG`, `ACCOUNT_LOCKED` (with
/// `retry_after`), `INVALID` for empty fields.
pub async fn sign_in(app: &App, credentials: &Credentials, visit: &Visit) -> Result<SignIn> {
    credentials.validate()?;
    counted(check_and_open(app, credentials, visit).await)
}

/// The second step of a sign-in whose first ended with this ticket.
pub async fn finish_sign_in(
    app: &App,
    ticket: &str,
    code: Option<&Hidden>,
    recovery_code: Option<&Hidden>,
    visit: &Visit,
) -> Result<SignedIn> {
    let mut errors = Vec::new();
    let codes = Codes::new(&mut errors, code, recovery_code);
    if codes.is_empty() {
        errors.push(kernel::FieldError::new("code", "must be given"));
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    let ticket = ticket::open(app, ticket).await?;
    let mut tx = app.db.begin(&ticket.tenant).await?;
    let account = store::lock_account(&mut tx, &ticket.tenant, &ticket.email).await?;
    drop(tx);
    let account = account.filter(|account| ticket.is_of(account)).ok_or_else(ticket::too_late)?;
    match counted(open(app, ticket.tenant, &ticket.email, &account, codes, visit).await)? {
        SignIn::Done(signed_in) => Ok(signed_in),
        SignIn::SecondFactor(_) | SignIn::ChooseTenant(_) => Err(Error::internal("a code was given and asked for again")),
    }
}

fn counted(result: Result<SignIn>) -> Result<SignIn> {
    let outcome = match &result {
        Ok(SignIn::Done(_)) => "signed_in",
        Ok(SignIn::ChooseTenant(_)) => "tenant_asked",
        Ok(SignIn::SecondFactor(_)) => "code_asked",
        Err(error) if error.code == ErrorCode::AccountLocked => "locked",
        Err(error) if error.code == ErrorCode::WrongCredentials => "wrong",
        Err(error) if error.code == ErrorCode::SecondFactorWrong => "wrong_code",
        Err(_) => "failed",
    };
    metrics::counter!("auth_sign_ins_total", "outcome" => outcome).increment(1);
    result
}

async fn check_and_open(app: &App, credentials: &Credentials, visit: &Visit) -> Result<SignIn> {
    let email = model::normalize_email(&credentials.email);
    let mut right = Vec::new();
    let mut refusal = None;
    for tenant in candidates(app, credentials, &email).await? {
        match attempt(app, &tenant, &email, &credentials.password, &visit.request_id).await? {
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
        (Some((tenant, account)), _) => open(app, tenant, &email, &account, credentials.codes(), visit).await,
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

/// Judges one password and commits what it learnt. The permit comes first, so that waiting attempts hold no connection. With
/// a second factor the right password does not end the count of failures: else it would give as many guesses at the code as
/// one likes.
pub(super) async fn attempt(app: &App, tenant: &TenantId, email: &str, given: &Password, request_id: &str) -> Result<Attempt> {
    let permit = password::permit().await?;
    let mut tx = app.db.begin(tenant).await?;
    let Some(account) = store::lock_account(&mut tx, tenant, email).await? else { return Ok(Attempt::Unknown) };
    let now = app.env.now();
    if let Some(left) = account.lockout.remaining(now) {
        drop(tx);
        password::spend(permit, given).await?;
        return Ok(Attempt::Locked(left));
    }
    if password::verify(permit, given, &account.password_hash).await? {
        if account.lockout != Lockout::default() && !account.has_second_factor {
            store::set_lockout(&mut tx, tenant, account.user_id, Lockout::default()).await?;
            tx.commit().await?;
        }
        return Ok(Attempt::Right(account));
    }
    let actor = as_actor(app, tenant, email, &account, None, request_id);
    count_failure(&mut tx, &actor, &account, "user.sign_in_failed").await?;
    tx.commit().await?;
    Ok(Attempt::Wrong)
}

/// One more failure of this account, which may lock it.
pub(super) async fn count_failure(tx: &mut Tx, actor: &Actor, account: &Account, action: &'static str) -> Result<()> {
    let lockout = account.lockout.after_failure(actor.env.now());
    store::set_lockout(tx, actor.tenant(), account.user_id, lockout).await?;
    let action = if lockout.locked_until.is_some() { "user.locked" } else { action };
    tx.audit(actor, Entry::new(action, "user", account.user_id));
    Ok(())
}

/// The error for an address that nobody has; it takes as long as any other.
async fn stranger(email: &str, given: &Password, now: DateTime<Utc>) -> Result<Error> {
    password::spend(password::permit().await?, given).await?;
    let email = email.chars().take(254).collect::<String>();
    let lockout = STRANGERS.get(&email).unwrap_or_default();
    if let Some(left) = lockout.remaining(now) {
        return Ok(model::locked(left));
    }
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

/// The password was right: asks for the code where one is due, and opens the session.
async fn open(app: &App, tenant: TenantId, email: &str, account: &Account, codes: Codes<'_>, visit: &Visit) -> Result<SignIn> {
    let identity = Identity::of(app)?;
    let mut tx = app.db.begin(&tenant).await?;
    let actor = as_actor(app, &tenant, email, account, None, &visit.request_id);
    if account.has_second_factor {
        if codes.is_empty() {
            return Ok(SignIn::SecondFactor(ticket::make(app, &tenant, email, account).await?));
        }
        // As it is now: guesses at codes are judged one after the other, and each counts.
        let present = store::lock_account(&mut tx, &tenant, email).await?.ok_or_else(wrong)?;
        if let Some(left) = present.lockout.remaining(app.env.now()) {
            return Err(model::locked(left));
        }
        match second_factor::judge(&mut tx, identity, &actor, codes).await? {
            Verdict::Right => store::set_lockout(&mut tx, &tenant, account.user_id, Lockout::default()).await?,
            Verdict::Wrong => {
                count_failure(&mut tx, &actor, &present, "user.second_factor_failed").await?;
                tx.commit().await?;
                return Err(second_factor::wrong());
            }
        }
    }
    let now = app.env.now();
    if !store::note_sign_in(&mut tx, &tenant, account, now).await? {
        return Err(wrong());
    }
    let signed_in = sessions::open(&mut tx, identity, actor.principal.clone(), visit, &app.env).await?;
    tx.audit(&actor, Entry::new("user.sign_in", "user", account.user_id));
    tx.commit().await?;
    Ok(SignIn::Done(signed_in))
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

/// Ends the session that `secret` belongs to, with all its tokens; nothing happens when it has ended already. An API token is
/// refused.
pub async fn sign_out(app: &App, actor: &Actor, secret: &str) -> Result<()> {
    let presented = Identity::of(app)?.presented(secret).await?;
    let Some(presented) = presented.filter(|presented| &presented.tenant == actor.tenant()) else { return Ok(()) };
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

/// One's own new password. A wrong current one counts as a failed sign-in. All other sessions end; `keep` is the secret that
/// the request came with.
pub async fn change_own_password(app: &App, actor: &Actor, input: &PasswordChange, keep: Option<&str>) -> Result<()> {
    let tenant = actor.tenant();
    input.validate(&actor.principal.email)?;
    prove_password(app, actor, &input.current_password, "current_password").await?;
    let keep = match keep {
        Some(secret) => Identity::of(app)?.presented(secret).await?.map(|presented| presented.digest),
        None => None,
    };
    let mut tx = app.db.begin(tenant).await?;
    users::set_password(&mut tx, actor, actor.principal.user, &input.new_password, keep.as_ref()).await?;
    tx.commit().await
}

/// Whoever holds a session need not be its owner: what would take the account over asks for the password again.
pub(super) async fn prove_password(app: &App, actor: &Actor, given: &Password, field: &str) -> Result<()> {
    app.limits().proof(&actor.principal)?;
    match attempt(app, actor.tenant(), &actor.principal.email, given, &actor.request_id).await? {
        Attempt::Right(_) => Ok(()),
        Attempt::Locked(left) => Err(model::locked(left)),
        Attempt::Wrong => Err(Error::field(field, "must be the present password")),
        Attempt::Unknown => Err(Error::conflict("this user is a machine, which works with API tokens only")),
    }
}
