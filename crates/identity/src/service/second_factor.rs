use kernel::{ErrorCode, TenantId, UserId};
use platform::audit::Entry;
use platform::auth::Actor;
use platform::database::Tx;
use platform::{App, Error, Result};
use sqlx::PgConnection;

use super::sign_in::{count_failure, prove_password};
use super::user_changed;
use super::users::unknown;
use crate::model::{self, Codes, SecondFactor, SecondFactorProof, TotpCode, TotpRequest};
use crate::store::{self, Factor};
use crate::totp::{self, SECRET_BYTES, TotpSetup};
use crate::{Identity, USERS_WRITE};

/// How a code fared.
pub(super) enum Verdict {
    Right,
    Wrong,
}

pub(super) fn wrong() -> Error {
    Error::new(ErrorCode::SecondFactorWrong, "the code is wrong, or was used before")
}

/// One's own.
pub async fn second_factor_of_caller(connection: &mut PgConnection, actor: &Actor) -> Result<SecondFactor> {
    store::second_factor_state(connection, actor.tenant(), actor.principal.user, actor.env.now()).await
}

/// A new secret for one's authenticator application, which counts once [`confirm_totp`] has seen a code of it. Commits by
/// itself, because a wrong password counts as a failed sign-in.
pub async fn set_up_totp(app: &App, actor: &Actor, input: &TotpRequest) -> Result<TotpSetup> {
    input.validate()?;
    prove_password(app, actor, &input.current_password, "current_password").await?;
    let (tenant, user) = (actor.tenant(), actor.principal.user);
    let secret = app.env.random_bytes::<SECRET_BYTES>();
    let key = Identity::of(app)?.sealing().await?;
    let sealed = key.seal(&app.env, &whose(tenant, user), &secret)?;
    let mut tx = app.db.begin(tenant).await?;
    if !store::put_second_factor(&mut tx, tenant, user, &sealed, &key.id, actor.env.now()).await? {
        return Err(Error::conflict("a second factor is set up already: end it first"));
    }
    tx.audit(actor, Entry::new("user.second_factor_requested", "user", user));
    tx.commit().await?;
    TotpSetup::of(&secret, &actor.principal.email)
}

/// The secret that waits for its first code, to be shown again to who mistyped it.
pub async fn pending_totp(app: &App, actor: &Actor) -> Result<Option<TotpSetup>> {
    let mut tx = app.db.begin(actor.tenant()).await?;
    let factor = store::factor(&mut tx, actor.tenant(), actor.principal.user, actor.env.now()).await?;
    drop(tx);
    let Some(factor) = factor.filter(|factor| factor.confirmed_at.is_none()) else { return Ok(None) };
    let secret = open(Identity::of(app)?, actor, &factor).await?;
    secret.map(|secret| TotpSetup::of(&secret, &actor.principal.email)).transpose()
}

/// Turns the second factor on and returns the recovery codes, this once.
pub async fn confirm_totp(app: &App, actor: &Actor, input: &TotpCode) -> Result<Vec<String>> {
    app.limits().proof(&actor.principal)?;
    let (tenant, user, now) = (actor.tenant(), actor.principal.user, actor.env.now());
    let mut tx = app.db.begin(tenant).await?;
    let factor = store::factor(&mut tx, tenant, user, now).await?;
    let factor = factor.ok_or_else(|| Error::conflict("no second factor is being set up: ask for a secret first"))?;
    if factor.confirmed_at.is_some() {
        return Err(Error::conflict("a second factor is set up already"));
    }
    let secret = open(Identity::of(app)?, actor, &factor).await?.ok_or_else(unreadable)?;
    let step = totp::accepted_step(&secret, input.code.expose(), now, factor.last_step)?;
    let step = step.ok_or_else(|| Error::field("code", "must be the six digits that the application shows now"))?;
    store::confirm_second_factor(&mut tx, tenant, user, step, now).await?;
    let codes = totp::recovery_codes(&app.env);
    let digests: Vec<_> = codes.iter().map(|code| totp::recovery_digest(tenant, user, code)).collect();
    store::insert_recovery_codes(&mut tx, tenant, user, &digests).await?;
    tx.audit(actor, Entry::new("user.second_factor_enabled", "user", user));
    user_changed(&mut tx, actor, user);
    tx.commit().await?;
    Ok(codes)
}

/// Ends one's own second factor. Wrong passwords and wrong codes count as failed sign-ins.
pub async fn disable_second_factor(app: &App, actor: &Actor, input: &SecondFactorProof) -> Result<()> {
    input.validate()?;
    prove_password(app, actor, &input.password, "password").await?;
    let (tenant, user) = (actor.tenant(), actor.principal.user);
    let mut tx = app.db.begin(tenant).await?;
    let account = store::lock_account(&mut tx, tenant, &actor.principal.email).await?.ok_or_else(wrong)?;
    if let Some(left) = account.lockout.remaining(actor.env.now()) {
        return Err(model::locked(left));
    }
    if !account.has_second_factor {
        return Err(Error::conflict("no second factor is set up"));
    }
    let codes = Codes::new(&mut Vec::new(), input.code.as_ref(), input.recovery_code.as_ref());
    if let Verdict::Wrong = judge(&mut tx, Identity::of(app)?, actor, codes).await? {
        count_failure(&mut tx, actor, &account, "user.second_factor_failed").await?;
        tx.commit().await?;
        let field = if codes.code.is_some() { "code" } else { "recovery_code" };
        return Err(Error::field(field, "is wrong, or was used before"));
    }
    store::delete_second_factor(&mut tx, tenant, user).await?;
    tx.audit(actor, Entry::new("user.second_factor_disabled", "user", user));
    user_changed(&mut tx, actor, user);
    tx.commit().await
}

/// An administrator takes away somebody else's second factor, who lost the application and the recovery codes.
pub async fn reset_second_factor(tx: &mut Tx, actor: &Actor, reference: &str) -> Result<()> {
    actor.require(USERS_WRITE)?;
    let tenant = actor.tenant();
    let user = store::user_for_update(tx, tenant, reference).await?.ok_or_else(|| unknown(reference))?;
    model::manage(actor, &user)?;
    if user.user_id == actor.principal.user {
        return Err(Error::conflict("one's own second factor is ended with password and code"));
    }
    if store::delete_second_factor(tx, tenant, user.user_id).await? {
        tx.audit(actor, Entry::new("user.second_factor_reset", "user", user.user_id));
        user_changed(tx, actor, user.user_id);
    }
    Ok(())
}

/// Judges a code of the actor, whose account the transaction holds, and uses it up.
pub(super) async fn judge(tx: &mut Tx, identity: &Identity, actor: &Actor, codes: Codes<'_>) -> Result<Verdict> {
    let (tenant, user, now) = (actor.tenant(), actor.principal.user, actor.env.now());
    let Some(factor) = store::factor(tx, tenant, user, now).await?.filter(|factor| factor.confirmed_at.is_some()) else {
        return Ok(Verdict::Wrong);
    };
    if let Some(code) = codes.recovery_code {
        let digest = totp::recovery_digest(tenant, user, code);
        if !store::use_recovery_code(tx, tenant, user, &digest, now).await? {
            return Ok(Verdict::Wrong);
        }
        tx.audit(actor, Entry::new("user.recovery_code_used", "user", user));
        return Ok(Verdict::Right);
    }
    let Some(code) = codes.code else { return Ok(Verdict::Wrong) };
    let secret = open(identity, actor, &factor).await?.ok_or_else(unreadable)?;
    let Some(step) = totp::accepted_step(&secret, code, now, factor.last_step)? else { return Ok(Verdict::Wrong) };
    store::take_step(tx, tenant, user, step).await?;
    let key = identity.sealing().await?;
    if key.id != factor.seal_key {
        let sealed = key.seal(&actor.env, &whose(tenant, user), &secret)?;
        store::reseal(tx, tenant, user, &sealed, &key.id).await?;
    }
    Ok(Verdict::Right)
}

/// What a secret is sealed for: it opens for nobody else.
fn whose(tenant: &TenantId, user: UserId) -> String {
    format!("second factor {tenant} {user}")
}

/// `None` when it was sealed with a key that is not configured any more.
async fn open(identity: &Identity, actor: &Actor, factor: &Factor) -> Result<Option<Vec<u8>>> {
    let key = identity.opening(&factor.seal_key).await?;
    Ok(key.and_then(|key| key.open(&whose(actor.tenant(), actor.principal.user), &factor.sealed_secret)))
}

fn unreadable() -> Error {
    Error::conflict("the second factor was sealed with another key: use a recovery code, or ask an administrator to reset it")
}
