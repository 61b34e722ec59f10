use chrono::{DateTime, Utc};
use kernel::{Page, PageRequest, UserId};
use platform::audit::Entry;
use platform::auth::{Actor, Role};
use platform::database::Tx;
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{credentials_changed, users};
use crate::model::{self, CredentialKind, IssuedToken, NewToken, Token, TokenFilter, User};
use crate::secret::Secret;
use crate::store::{self, NewCredential};
use crate::{TOKENS_READ, TOKENS_WRITE};

/// API tokens, newest first; revoked and expired ones too unless the filter says otherwise.
pub async fn list_tokens(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &TokenFilter,
    page: &PageRequest,
) -> Result<Page<Token>> {
    actor.require(TOKENS_READ)?;
    let after: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = store::tokens(connection, actor.tenant(), filter, actor.env.now(), after, page).await?;
    Ok(Page::cut(rows, page, |token| token.token_id))
}

/// A token for the caller or, when named, for another user whom the caller may manage.
pub async fn create_api_token(tx: &mut Tx, actor: &Actor, input: &NewToken) -> Result<IssuedToken> {
    actor.require(TOKENS_WRITE)?;
    let own = actor.principal.user.to_string();
    let reference = input.user.as_deref().unwrap_or(&own);
    let owner = store::user_for_update(tx, actor.tenant(), reference).await?;
    let owner = owner.ok_or_else(|| Error::field("user", "must be the id or address of a user of this tenant"))?;
    model::grant(actor, input.role)?;
    model::manage(actor, &owner)?;
    let name = input.validated(&owner, actor.env.now())?;
    let (token, secret) = issue_token(tx, actor, &owner, &name, input.role, input.expires_at).await?;
    Ok(IssuedToken { token, secret: Some(secret) })
}

/// For the wiring: a token without end, of a machine that cannot sign in with a password. Machines are told apart by name
/// and role; the first token of one makes it.
pub async fn create_machine_token(tx: &mut Tx, actor: &Actor, role: Role, name: &str) -> Result<String> {
    actor.require(TOKENS_WRITE)?;
    model::grant(actor, role)?;
    let name = model::name(name).map_err(|invalid| invalid.at("name"))?;
    let machine = machine(tx, actor, role, &name).await?;
    if !machine.is_active || machine.role < role {
        let detail = format!("the machine {} is inactive or has a lesser role by now: choose another name", machine.email);
        return Err(Error::conflict(detail).at("name"));
    }
    let (_, secret) = issue_token(tx, actor, &machine, &name, role, None).await?;
    Ok(secret.into_string())
}

async fn machine(tx: &mut Tx, actor: &Actor, role: Role, name: &str) -> Result<User> {
    let email = model::machine_email(name, role);
    if let Some(machine) = store::user_for_update(tx, actor.tenant(), &email).await? {
        return Ok(machine);
    }
    let now = actor.env.now();
    let user = User {
        user_id: UserId(actor.env.new_id()),
        email,
        name: name.to_owned(),
        role,
        is_active: true,
        has_password: false,
        has_second_factor: false,
        locked_until: None,
        version: 1,
        created_at: now,
        updated_at: now,
        last_sign_in_at: None,
    };
    users::insert(tx, actor, &user, None).await?;
    Ok(user)
}

async fn issue_token(
    tx: &mut Tx,
    actor: &Actor,
    owner: &User,
    name: &str,
    role: Role,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(Token, Secret)> {
    let (tenant, now, kind) = (actor.tenant(), actor.env.now(), CredentialKind::ApiToken);
    let secret = Secret::new(&actor.env, kind, tenant);
    let id = actor.env.new_id();
    let digest = secret.digest();
    let new =
        NewCredential { id, user: owner.user_id, kind, name, role, digest, now, expires_at, user_agent: None, address: None };
    store::insert_credential(tx, tenant, &new).await?;
    let token = Token {
        token_id: id,
        name: name.to_owned(),
        role,
        user_id: owner.user_id,
        user_name: owner.name.clone(),
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    tx.audit(actor, Entry::new("token.create", "token", id).after(&token));
    Ok((token, secret))
}

/// A token that is revoked already stays so; nobody revokes one of a role above their own.
pub async fn revoke_token(tx: &mut Tx, actor: &Actor, id: Uuid) -> Result<()> {
    actor.require(TOKENS_WRITE)?;
    let (tenant, now) = (actor.tenant(), actor.env.now());
    let token = store::token(tx, tenant, id).await?.ok_or_else(|| Error::not_found(format_args!("token {id}")))?;
    model::grant(actor, token.role)?;
    let Some(digest) = store::revoke_token(tx, tenant, id, now).await? else { return Ok(()) };
    credentials_changed(tx, actor, token.user_id, &[digest]);
    let revoked = Token { revoked_at: Some(now), ..token.clone() };
    tx.audit(actor, Entry::new("token.revoke", "token", id).before(&token).after(&revoked));
    Ok(())
}
