use std::collections::HashMap;

use kernel::{Page, PageRequest, TenantId, UserId};
use platform::audit::Entry;
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{credentials_changed, user_changed};
use crate::model::{self, CreatedUser, CredentialKind, NewUser, PasswordReset, User, UserFilter, UserPatch};
use crate::password::{self, Password};
use crate::{USERS_READ, USERS_WRITE, store};

/// By name.
pub async fn list_users(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &UserFilter,
    page: &PageRequest,
) -> Result<Page<User>> {
    actor.require(USERS_READ)?;
    let after: Option<(String, Uuid)> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = store::users(connection, actor.tenant(), filter, after, page).await?;
    Ok(Page::cut(rows, page, |user| (user.name.clone(), user.user_id)))
}

/// By id or address.
pub async fn get_user(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<User> {
    actor.require(USERS_READ)?;
    store::user(connection, actor.tenant(), reference).await?.ok_or_else(|| unknown(reference))
}

/// For other contexts and for lists that say who did it, which authorise their own use: the names of these users; unknown
/// ids, such as the system's, are absent.
pub async fn names_of(connection: &mut PgConnection, tenant: &TenantId, ids: &[UserId]) -> Result<HashMap<UserId, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    Ok(store::names(connection, tenant, &ids).await?.into_iter().collect())
}

/// With the given password, or with one that is made here and returned this once.
pub async fn create_user(tx: &mut Tx, actor: &Actor, input: &NewUser) -> Result<CreatedUser> {
    actor.require(USERS_WRITE)?;
    let (email, name) = input.validated()?;
    model::grant(actor, input.role)?;
    let (given, made) = given_or_made(actor, input.password.as_ref());
    let phc = password::hash(&actor.env, &given).await?;
    let now = actor.env.now();
    let user = User {
        user_id: UserId(actor.env.new_id()),
        email,
        name,
        role: input.role,
        is_active: true,
        has_password: true,
        has_second_factor: false,
        locked_until: None,
        version: 1,
        created_at: now,
        updated_at: now,
        last_sign_in_at: None,
    };
    insert(tx, actor, &user, Some(&phc)).await?;
    Ok(CreatedUser { user, one_time_password: made })
}

pub(super) async fn insert(tx: &mut Tx, actor: &Actor, user: &User, phc: Option<&str>) -> Result<()> {
    let tenant = tx.tenant().clone();
    store::insert_user(tx, &tenant, user, phc).await?;
    tx.audit(actor, Entry::new("user.create", "user", user.user_id).after(user));
    user_changed(tx, actor, user.user_id);
    Ok(())
}

/// Name, role, active or not, end of a lock. Deactivating revokes everything the user could call with, for good.
pub async fn update_user(tx: &mut Tx, actor: &Actor, reference: &str, patch: &UserPatch) -> Result<User> {
    actor.require(USERS_WRITE)?;
    let tenant = actor.tenant();
    if patch.concerns_the_keys() {
        store::lock_tenant(tx, tenant).await?;
    }
    let before = store::user_for_update(tx, tenant, reference).await?.ok_or_else(|| unknown(reference))?;
    let mut after = patch.apply(&before, actor)?;
    if after == before {
        return Ok(before);
    }
    let others = store::count_other_administrators(tx, tenant, before.user_id).await?;
    model::keep_an_administrator(&before, &after, others)?;
    after.version += 1;
    after.updated_at = actor.env.now();
    store::update_user(tx, tenant, &after).await?;
    let concerned = if before.is_active && !after.is_active {
        store::revoke_of_user(tx, tenant, after.user_id, &CredentialKind::ALL, None, after.updated_at).await?
    } else {
        store::live_digests(tx, tenant, after.user_id).await?
    };
    credentials_changed(tx, actor, after.user_id, &concerned);
    tx.audit(actor, Entry::new("user.update", "user", after.user_id).before(&before).after(&after));
    user_changed(tx, actor, after.user_id);
    Ok(after)
}

/// An administrator's new password for somebody else: ends a lock, and every session and access token. API tokens stay.
pub async fn reset_password(tx: &mut Tx, actor: &Actor, reference: &str, input: &PasswordReset) -> Result<CreatedUser> {
    actor.require(USERS_WRITE)?;
    let tenant = actor.tenant();
    let mut user = store::user_for_update(tx, tenant, reference).await?.ok_or_else(|| unknown(reference))?;
    model::manage(actor, &user)?;
    if user.user_id == actor.principal.user {
        return Err(Error::conflict("one's own password is changed with the current one"));
    }
    if !user.has_password {
        return Err(Error::conflict("this user is a machine, which works with API tokens only"));
    }
    if let Some(password) = &input.new_password {
        password.check(&user.email).map_err(|invalid| invalid.at("new_password"))?;
    }
    let (given, made) = given_or_made(actor, input.new_password.as_ref());
    set_password(tx, actor, user.user_id, &given, None).await?;
    user.locked_until = None;
    user.version += 1;
    user.updated_at = actor.env.now();
    Ok(CreatedUser { user, one_time_password: made })
}

/// Stores the hash and ends all sessions and access tokens but `keep`.
pub(super) async fn set_password(
    tx: &mut Tx,
    actor: &Actor,
    user: UserId,
    new: &Password,
    keep: Option<&[u8; 32]>,
) -> Result<()> {
    let (tenant, now) = (actor.tenant(), actor.env.now());
    let phc = password::hash(&actor.env, new).await?;
    store::update_password(tx, tenant, user, &phc, now).await?;
    let kinds = [CredentialKind::Session, CredentialKind::Access];
    let revoked = store::revoke_of_user(tx, tenant, user, &kinds, keep, now).await?;
    credentials_changed(tx, actor, user, &revoked);
    tx.audit(actor, Entry::new("user.password", "user", user));
    user_changed(tx, actor, user);
    Ok(())
}

fn given_or_made(actor: &Actor, given: Option<&Password>) -> (Password, Option<Password>) {
    match given {
        Some(password) => (password.clone(), None),
        None => {
            let made = Password::generate(&actor.env);
            (made.clone(), Some(made))
        }
    }
}

pub(super) fn unknown(reference: &str) -> Error {
    Error::not_found(format_args!("user {reference:?}"))
}
