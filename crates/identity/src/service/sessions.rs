use kernel::{Env, Page, PageRequest};
use platform::audit::Entry;
use platform::auth::{Actor, Principal};
use platform::database::Tx;
use platform::{App, Error, Result};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::credentials_changed;
use super::sign_in::Visit;
use crate::Identity;
use crate::model::{CredentialKind, Session, SignInKind, SignedIn};
use crate::secret::{self, Secret};
use crate::store::{self, NewCredential};

/// Opens a session for somebody who has proved everything.
pub(super) async fn open(tx: &mut Tx, identity: &Identity, principal: Principal, visit: &Visit, env: &Env) -> Result<SignedIn> {
    let tenant = principal.tenant.clone();
    let (id, now, kind) = (env.new_id(), env.now(), visit.kind);
    let ends_at = now + kind.lifetime();
    let (secret, refresh, expires_at, digest) = match kind {
        SignInKind::Session => {
            let secret = Secret::new(env, CredentialKind::Session, &tenant);
            let digest = secret.digest();
            (secret, None, ends_at, digest)
        }
        SignInKind::Access => {
            let (token, expires_at) = identity.access_token(&principal, id, env.new_id(), now).await?;
            (token, Some((Secret::refresh(env, &tenant), ends_at)), expires_at, secret::session_digest(&tenant, id))
        }
    };
    let network = visit.client.network();
    let credential = NewCredential {
        id,
        user: principal.user,
        kind: kind.credential(),
        name: kind.label(),
        role: principal.role,
        digest,
        now,
        expires_at: Some(ends_at),
        user_agent: visit.client.user_agent.as_deref(),
        address: network.as_deref(),
    };
    store::insert_credential(tx, &tenant, &credential).await?;
    if let Some((refresh, ends_at)) = &refresh {
        store::insert_refresh_token(tx, &tenant, id, &refresh.digest(), now, *ends_at).await?;
    }
    Ok(SignedIn { secret, expires_at, refresh, principal: Principal { expires_at: Some(expires_at), ..principal } })
}

/// One's own sessions, newest first; `secret` is what the request came with, so that its session can be marked.
pub async fn list_own_sessions(app: &App, actor: &Actor, secret: Option<&str>, page: &PageRequest) -> Result<Page<Session>> {
    let after: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let presented = match secret {
        Some(secret) => Identity::of(app)?.presented(secret).await?,
        None => None,
    };
    let current = presented.map(|presented| presented.digest);
    let (tenant, user, now) = (actor.tenant(), actor.principal.user, actor.env.now());
    let read =
        async |connection: &mut PgConnection| store::sessions(connection, tenant, user, current.as_ref(), now, after, page).await;
    let rows = app.db.read(tenant, read).await?;
    Ok(Page::cut(rows, page, |session| session.session_id))
}

/// Ends one of one's own sessions, with all its tokens.
pub async fn end_own_session(tx: &mut Tx, actor: &Actor, session: Uuid) -> Result<()> {
    let user = actor.principal.user;
    let digest = store::end_session(tx, actor.tenant(), user, session, actor.env.now()).await?;
    let digest = digest.ok_or_else(|| Error::not_found(format_args!("session {session}")))?;
    credentials_changed(tx, actor, user, &[digest]);
    tx.audit(actor, Entry::new("session.end", "session", session));
    Ok(())
}

/// Ends all of one's own sessions and access tokens, this one too; how many. API tokens stay: they are revoked by name.
pub async fn sign_out_everywhere(tx: &mut Tx, actor: &Actor) -> Result<u64> {
    let (tenant, user, now) = (actor.tenant(), actor.principal.user, actor.env.now());
    let kinds = [CredentialKind::Session, CredentialKind::Access];
    let live = store::live_sessions(tx, tenant, user, now).await?;
    let ended = store::revoke_of_user(tx, tenant, user, &kinds, None, now).await?;
    credentials_changed(tx, actor, user, &ended);
    tx.audit(actor, Entry::new("user.sign_out_everywhere", "user", user).after(&json!({ "sessions": live })));
    Ok(live)
}
