use chrono::{DateTime, Utc};
use kernel::{ErrorCode, TenantId};
use platform::audit::Entry;
use platform::auth::{Actor, Principal};
use platform::database::Tx;
use platform::{App, Error, Result};
use uuid::Uuid;

use super::credentials_changed;
use crate::Identity;
use crate::model::{REFRESH_LIFETIME, RefreshInput, Reuse, SignedIn, judge_reuse};
use crate::secret::{self, Digest, Successor, successor};
use crate::store;

/// A new access token and the next refresh token for the newest one of a session.
///
/// Each works once. Of several requests with one token at the same time one gets the answer and the others
/// `REFRESH_CONCURRENT`. Who asks again within ten seconds gets the same answer again, unless somebody went on with it: a
/// client whose answer got lost is not locked out, and there is never a second pair. Any other second use ends the session
/// (`REFRESH_REUSED`), because two hold a token that only one should have (RFC 9700, section 4.14.2).
pub async fn refresh(app: &App, input: &RefreshInput, request_id: &str) -> Result<SignedIn> {
    let result = exchange(app, input, request_id).await;
    let outcome = match &result {
        Ok(_) => "refreshed",
        Err(error) if error.code == ErrorCode::RefreshReused => "reused",
        Err(error) if error.code == ErrorCode::RefreshConcurrent => "concurrent",
        Err(_) => "refused",
    };
    metrics::counter!("auth_refreshes_total", "outcome" => outcome).increment(1);
    result
}

async fn exchange(app: &App, input: &RefreshInput, request_id: &str) -> Result<SignedIn> {
    let asked_at = app.env.now();
    let token = input.refresh_token.expose();
    let (tenant, digest) = secret::parse_refresh(token).ok_or_else(unknown)?;
    let mut tx = app.db.begin(&tenant).await?;
    let found = store::lock_session_of(&mut tx, &tenant, &digest, asked_at).await?;
    let (session, principal) = found.ok_or_else(unknown)?;
    let actor = Actor { principal, request_id: request_id.to_owned(), env: app.env.clone() };
    // After the wait for the lock, so that those who waited too can tell that they did.
    let now = app.env.now();
    let salt = app.env.random_bytes::<16>();
    if store::use_refresh_token(&mut tx, &tenant, &digest, &salt, now).await? {
        let next = successor(token, &salt, &tenant);
        let ends_at = now + REFRESH_LIFETIME;
        store::insert_refresh_token(&mut tx, &tenant, session, &next.refresh.digest(), now, ends_at).await?;
        store::extend_session(&mut tx, &tenant, session, now, ends_at).await?;
        let answer = answer(app, actor.principal, session, next, now).await?;
        tx.commit().await?;
        return Ok(answer);
    }
    used_before(app, tx, actor, session, token, &digest, asked_at).await
}

async fn used_before(
    app: &App,
    mut tx: Tx,
    actor: Actor,
    session: Uuid,
    token: &str,
    digest: &Digest,
    asked_at: DateTime<Utc>,
) -> Result<SignedIn> {
    let tenant = actor.tenant().clone();
    let state = store::refresh_state(&mut tx, &tenant, digest).await?.ok_or_else(unknown)?;
    let next = successor(token, &state.salt, &tenant);
    let is_successor_used = store::is_refresh_token_used(&mut tx, &tenant, &next.refresh.digest()).await?;
    match judge_reuse(state.used_at, asked_at, app.env.now(), is_successor_used) {
        Reuse::Repeated => answer(app, actor.principal, session, next, state.used_at).await,
        Reuse::Concurrent => {
            let detail = "another request uses this refresh token at the same time";
            Err(Error { retry_after: Some(1), ..Error::new(ErrorCode::RefreshConcurrent, detail) })
        }
        Reuse::Theft => {
            end_family(&mut tx, &actor, &tenant, session).await?;
            tx.commit().await?;
            tracing::warn!(tenant = tenant.as_str(), user = %actor.principal.user, %session, "a used refresh token came again: the session is ended");
            Err(Error::new(ErrorCode::RefreshReused, "this refresh token was used before: its session is ended"))
        }
    }
}

async fn end_family(tx: &mut Tx, actor: &Actor, tenant: &TenantId, session: Uuid) -> Result<()> {
    store::revoke_session_by_id(tx, tenant, session, actor.env.now()).await?;
    credentials_changed(tx, actor, actor.principal.user, &[secret::session_digest(tenant, session)]);
    tx.audit(actor, Entry::new("auth.refresh_reuse", "session", session));
    Ok(())
}

/// The same each time for the same `at`.
async fn answer(app: &App, principal: Principal, session: Uuid, next: Successor, at: DateTime<Utc>) -> Result<SignedIn> {
    let (secret, expires_at) = Identity::of(app)?.access_token(&principal, session, next.access_id, at).await?;
    let principal = Principal { expires_at: Some(expires_at), ..principal };
    Ok(SignedIn { secret, expires_at, refresh: Some((next.refresh, at + REFRESH_LIFETIME)), principal })
}

fn unknown() -> Error {
    Error::new(ErrorCode::RefreshInvalid, "the refresh token is unknown, expired or of a session that has ended")
}
