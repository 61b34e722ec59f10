//! Turns a presented secret into the principal it stands for, from memory when it was asked for a moment ago.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use kernel::{Env, TenantId};
use moka::sync::Cache;
use platform::Result;
use platform::app::Lifecycle;
use platform::auth::{Authenticator, Principal};
use platform::database::Database;
use platform::events::Bus;
use tokio::sync::broadcast::error::RecvError;

use crate::secret::{self, Digest, Presented};
use crate::service::CREDENTIALS_CHANGED;
use crate::store::{self, Found};

/// How long a principal is remembered without asking the database again.
pub const REMEMBERED: Duration = Duration::from_secs(10);
const MOST_REMEMBERED: u64 = 10_000;
/// `last_used_at` is written at most this often per credential.
const TOUCHED: TimeDelta = TimeDelta::minutes(1);

/// The authenticator of the process; clones share one memory.
#[derive(Clone)]
pub struct Identity {
    db: Database,
    env: Env,
    known: Cache<Digest, Principal>,
    touched: Cache<Digest, ()>,
}

impl Identity {
    pub fn new(db: Database, env: Env) -> Self {
        let known =
            Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(REMEMBERED).support_invalidation_closures().build();
        let touched = Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(TOUCHED.to_std().unwrap_or_default()).build();
        Self { db, env, known, touched }
    }

    /// Drops what is remembered of a tenant.
    pub fn forget(&self, tenant: &TenantId) {
        let tenant = tenant.clone();
        if self.known.invalidate_entries_if(move |_, principal| principal.tenant == tenant).is_err() {
            self.known.invalidate_all();
        }
    }

    /// Forgets what other processes changed, until shutdown.
    pub async fn watch(self, bus: Bus, lifecycle: Lifecycle) {
        let mut events = bus.subscribe();
        loop {
            let received = tokio::select! {
                () = lifecycle.shutdown.cancelled() => return,
                received = events.recv() => received,
            };
            match received {
                Ok(announced) if announced.may_hold(CREDENTIALS_CHANGED) => self.forget(&announced.tenant),
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.known.invalidate_all(),
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn identify(&self, secret: &str) -> Result<Option<Principal>> {
        let Some(Presented { kind, tenant, digest }) = secret::parse(secret) else { return Ok(None) };
        let now = self.env.now();
        if !is_doubted(&digest)
            && let Some(principal) = self.known.get(&digest)
        {
            return Ok(Some(principal).filter(|principal| principal.expires_at.is_none_or(|at| at > now)));
        }
        let found = self
            .db
            .read(&tenant, async |connection| store::valid_credential(connection, &tenant, kind, &digest, now).await)
            .await?;
        let Some(found) = found else { return Ok(None) };
        self.touch(&tenant, &digest, &found, now);
        if !is_doubted(&digest) {
            self.known.insert(digest, found.principal.clone());
        }
        Ok(Some(found.principal))
    }

    /// Off the path of the request, and once a minute per credential and process.
    fn touch(&self, tenant: &TenantId, digest: &Digest, found: &Found, now: DateTime<Utc>) {
        let is_recent = found.last_used_at.is_some_and(|at| now - at < TOUCHED);
        if is_recent || !self.touched.entry(*digest).or_insert(()).is_fresh() {
            return;
        }
        let (db, tenant, id) = (self.db.clone(), tenant.clone(), found.credential_id);
        tokio::spawn(async move {
            let touched = db.read(&tenant, async |connection| store::touch_credential(connection, &tenant, id, now).await).await;
            if let Err(error) = touched {
                tracing::debug!(%error, "the last use of a credential could not be written");
            }
        });
    }
}

impl Authenticator for Identity {
    fn authenticate<'a>(&'a self, secret: &'a str) -> BoxFuture<'a, Result<Option<Principal>>> {
        Box::pin(self.identify(secret))
    }
}

/// Longer than any request's transaction may last, and than anything is remembered.
const DOUBTED: Duration = Duration::from_secs(90);
const MOST_DOUBTED: usize = 50_000;

/// Credentials that a transaction of this process is changing or has just changed.
///
/// They are looked up in the database each time and not remembered. The transaction doubts them before it commits, so that
/// neither an entry from before nor a look-up that runs beside it is trusted once the commit has returned.
static DOUBTS: LazyLock<RwLock<Doubts>> = LazyLock::new(RwLock::default);

#[derive(Default)]
struct Doubts {
    until: HashMap<Digest, Instant>,
    /// When there were too many to name: everything.
    all_until: Option<Instant>,
}

impl Doubts {
    fn add(&mut self, digests: &[Digest], now: Instant) {
        self.until.retain(|_, until| *until > now);
        if self.until.len() + digests.len() > MOST_DOUBTED {
            self.until.clear();
            self.all_until = Some(now + DOUBTED);
        } else {
            self.until.extend(digests.iter().map(|digest| (*digest, now + DOUBTED)));
        }
    }

    fn holds(&self, digest: &Digest, now: Instant) -> bool {
        self.all_until.is_some_and(|until| until > now) || self.until.get(digest).is_some_and(|until| *until > now)
    }
}

/// To be called inside the transaction that changes what these credentials may do.
pub(crate) fn doubt(digests: &[Digest]) {
    if !digests.is_empty() {
        DOUBTS.write().unwrap_or_else(PoisonError::into_inner).add(digests, Instant::now());
    }
}

fn is_doubted(digest: &Digest) -> bool {
    DOUBTS.read().unwrap_or_else(PoisonError::into_inner).holds(digest, Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubt_ends_after_everything_from_before_is_forgotten() {
        let (mut doubts, now) = (Doubts::default(), Instant::now());
        doubts.add(&[[1; 32]], now);
        assert!(doubts.holds(&[1; 32], now + REMEMBERED * 2));
        assert!(!doubts.holds(&[2; 32], now));
        assert!(!doubts.holds(&[1; 32], now + DOUBTED));
    }

    #[test]
    fn too_many_doubts_doubt_everything_and_take_no_memory() {
        let (mut doubts, now) = (Doubts::default(), Instant::now());
        let many: Vec<Digest> = (0..MOST_DOUBTED as u64)
            .map(|n| {
                let mut digest = [0; 32];
                digest[..8].copy_from_slice(&n.to_le_bytes());
                digest
            })
            .collect();
        doubts.add(&many, now);
        doubts.add(&[[9; 32]], now);
        assert!(doubts.until.is_empty());
        assert!(doubts.holds(&[7; 32], now) && !doubts.holds(&[7; 32], now + DOUBTED));
    }
}
