use std::collections::HashMap;

use kernel::{ErrorCode, TenantId, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::Executor as _;
use uuid::Uuid;

use crate::auth::Actor;
use crate::database::Tx;
use crate::{App, Error, Result};

pub(super) const ATTEMPTS: u32 = 4;

/// A caller's promise that requests with this key are one and the same request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    key: String,
    fingerprint: [u8; 32],
}

impl IdempotencyKey {
    /// `operation` is the method and path, or the mutation's name; with the body it tells one request from another.
    pub fn new(key: &str, operation: &str, body: &[u8]) -> Self {
        let fingerprint = Sha256::new().chain_update(operation).chain_update([0]).chain_update(body).finalize().into();
        Self { key: key.to_owned(), fingerprint }
    }

    pub(super) fn text(&self) -> &str {
        &self.key
    }

    pub(super) fn reused() -> Error {
        Error::new(ErrorCode::KeyReused, "this idempotency key belongs to a request with another body or address")
    }
}

/// What an earlier request left under a key.
pub(super) struct Stored {
    fingerprint: Vec<u8>,
    answer: Option<Value>,
}

impl Stored {
    /// The answer for a request that came with the key, provided that it is the same request.
    pub(super) fn for_key(&self, key: &IdempotencyKey) -> Result<Value> {
        if self.fingerprint != key.fingerprint {
            return Err(IdempotencyKey::reused());
        }
        Ok(self.answer.clone().unwrap_or(Value::Null))
    }
}

/// Runs `work` in one transaction of the actor's tenant and commits.
///
/// With a key the effect happens once: the key is inserted first, in the same transaction, so that a second request with it
/// waits (at most 5 s) until the first ended, and then gets the first's answer. Deadlocks and serialization failures are
/// run again; nobody outside hears of them.
pub async fn mutate<R>(
    app: &App,
    actor: &Actor,
    key: Option<&IdempotencyKey>,
    work: impl AsyncFnOnce(&mut Tx) -> Result<R> + Clone,
) -> Result<R>
where
    R: Serialize + DeserializeOwned,
{
    let mut attempt = 1;
    loop {
        match once(app, actor, key, work.clone()).await {
            Err(error) if error.is_transient() && attempt < ATTEMPTS => attempt += 1,
            result => return result,
        }
    }
}

async fn once<R>(
    app: &App,
    actor: &Actor,
    key: Option<&IdempotencyKey>,
    work: impl AsyncFnOnce(&mut Tx) -> Result<R>,
) -> Result<R>
where
    R: Serialize + DeserializeOwned,
{
    let mut tx = app.db.begin(actor.tenant()).await?;
    if let Some(key) = key
        && let Some(answer) = claim(&mut tx, actor, key).await?
    {
        return serde_json::from_value(answer).map_err(Error::internal);
    }
    let result = work(&mut tx).await?;
    if let Some(key) = key {
        remember(&mut tx, actor, key, &result).await?;
    }
    tx.commit().await?;
    Ok(result)
}

/// `None` when the key is ours now; the stored answer when somebody was first.
///
/// Its age is by the database's clock, as the clean-up's: one of ours that is wrong for a while must not make a fresh key look old.
async fn claim(tx: &mut Tx, actor: &Actor, key: &IdempotencyKey) -> Result<Option<Value>> {
    tx.execute("SET LOCAL lock_timeout = '5s'").await?;
    let inserted = sqlx::query!(
        "INSERT INTO platform.idempotency (tenant_id, user_id, key, fingerprint, created_at) VALUES ($1, $2, $3, $4, now())
         ON CONFLICT DO NOTHING",
        actor.tenant().as_str(),
        actor.principal.user.0,
        key.key,
        &key.fingerprint[..],
    )
    .execute(&mut **tx)
    .await
    .map_err(|error| in_progress(error.into()))?;
    tx.execute("SET LOCAL lock_timeout TO DEFAULT").await?;
    if inserted.rows_affected() == 1 {
        return Ok(None);
    }
    let stored = sqlx::query!(
        "SELECT fingerprint, answer FROM platform.idempotency WHERE tenant_id = $1 AND user_id = $2 AND key = $3",
        actor.tenant().as_str(),
        actor.principal.user.0,
        key.key,
    )
    .fetch_one(&mut **tx)
    .await?;
    Stored { fingerprint: stored.fingerprint, answer: stored.answer }.for_key(key).map(Some)
}

/// What is known of these keys, by user and key.
pub(super) async fn stored_answers(
    tx: &mut Tx,
    tenant: &TenantId,
    keys: &[(UserId, &IdempotencyKey)],
) -> Result<HashMap<(UserId, String), Stored>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let users: Vec<Uuid> = keys.iter().map(|(user, _)| user.0).collect();
    let texts: Vec<String> = keys.iter().map(|(_, key)| key.key.clone()).collect();
    let rows = sqlx::query!(
        "SELECT i.user_id, i.key, i.fingerprint, i.answer
         FROM UNNEST($2::uuid[], $3::text[]) AS k (user_id, key)
         CROSS JOIN LATERAL (
             SELECT * FROM platform.idempotency o WHERE o.tenant_id = $1 AND o.user_id = k.user_id AND o.key = k.key OFFSET 0) i",
        tenant.as_str(),
        &users,
        &texts,
    )
    .fetch_all(&mut **tx)
    .await?;
    let stored =
        rows.into_iter().map(|row| ((UserId(row.user_id), row.key), Stored { fingerprint: row.fingerprint, answer: row.answer }));
    Ok(stored.collect())
}

/// Keeps the answers under their keys, in the order of keys so that two groups never wait for each other in a circle.
/// `false` when another request has taken one of the keys.
pub(super) async fn keep_all(tx: &mut Tx, tenant: &TenantId, answers: &[(&Actor, &IdempotencyKey, Value)]) -> Result<bool> {
    if answers.is_empty() {
        return Ok(true);
    }
    let users: Vec<Uuid> = answers.iter().map(|(actor, _, _)| actor.principal.user.0).collect();
    let keys: Vec<String> = answers.iter().map(|(_, key, _)| key.key.clone()).collect();
    let fingerprints: Vec<Vec<u8>> = answers.iter().map(|(_, key, _)| key.fingerprint.to_vec()).collect();
    let values: Vec<Value> = answers.iter().map(|(_, _, answer)| answer.clone()).collect();
    let kept = sqlx::query!(
        "INSERT INTO platform.idempotency (tenant_id, user_id, key, fingerprint, answer, created_at)
         SELECT $1, k.*, now() FROM UNNEST($2::uuid[], $3::text[], $4::bytea[], $5::jsonb[])
              AS k (user_id, key, fingerprint, answer)
         ORDER BY k.user_id, k.key
         ON CONFLICT DO NOTHING",
        tenant.as_str(),
        &users,
        &keys,
        &fingerprints,
        &values,
    )
    .execute(&mut **tx)
    .await?;
    Ok(kept.rows_affected() == answers.len() as u64)
}

fn in_progress(error: Error) -> Error {
    let waited_too_long = error.code == ErrorCode::Unavailable && error.detail.contains("holds");
    if !waited_too_long {
        return error;
    }
    Error {
        retry_after: Some(2),
        ..Error::new(ErrorCode::KeyInProgress, "the first request with this idempotency key has not ended yet")
    }
}

async fn remember<R: Serialize>(tx: &mut Tx, actor: &Actor, key: &IdempotencyKey, result: &R) -> Result<()> {
    sqlx::query!(
        "UPDATE platform.idempotency SET answer = $4 WHERE tenant_id = $1 AND user_id = $2 AND key = $3",
        actor.tenant().as_str(),
        actor.principal.user.0,
        key.key,
        serde_json::to_value(result).map_err(Error::internal)?,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
