//! Turns a presented secret into the principal it stands for, from memory when it was asked for a moment ago.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use kernel::{Env, ErrorCode, TenantId};
use moka::sync::Cache;
use platform::app::Lifecycle;
use platform::auth::{Authenticator, Principal};
use platform::config::Config;
use platform::database::Database;
use platform::events::Bus;
use platform::{App, Error, Result};
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use crate::jwt::{self, Claims};
use crate::keys::Keys;
use crate::model::CredentialKind;
use crate::seal::{SealKey, Seals};
use crate::secret::{self, Digest, Presented, Secret};
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
    keys: Keys,
    seals: Arc<Seals>,
    /// Of an access token.
    lifetime: TimeDelta,
}

impl Identity {
    /// Fails when the configured file of signing keys cannot be used.
    pub fn new(db: Database, env: Env, config: &Config) -> Result<Self> {
        let known =
            Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(REMEMBERED).support_invalidation_closures().build();
        let touched = Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(TOUCHED.to_std().unwrap_or_default()).build();
        let lifetime = i64::try_from(config.jwt_expiration).ok().and_then(TimeDelta::try_milliseconds);
        let lifetime = lifetime.ok_or_else(|| Error::field("JWT_EXPIRATION", "is too long"))?;
        let (keys, seals) = (Keys::configured(config)?, Arc::new(Seals::configured(config)));
        Ok(Self { db, env, known, touched, keys, seals, lifetime })
    }

    /// The one that the application was wired with.
    pub(crate) fn of(app: &App) -> Result<&Self> {
        let authenticator: &dyn Any = app.authenticator.as_ref();
        authenticator.downcast_ref().ok_or_else(|| Error::internal("the application has another authenticator"))
    }

    /// What new secrets are sealed with.
    pub(crate) async fn sealing(&self) -> Result<&SealKey> {
        self.seals.sealing(&self.db, &self.env).await
    }

    /// What opens secrets that were sealed with the key of this id.
    pub(crate) async fn opening(&self, id: &str) -> Result<Option<&SealKey>> {
        self.seals.opening(&self.db, &self.env, id).await
    }

    /// An access token of a session, and when it ends.
    pub(crate) async fn access_token(
        &self,
        principal: &Principal,
        session: Uuid,
        token_id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(Secret, DateTime<Utc>)> {
        let keys = self.keys.present(&self.db, &self.env).await?;
        let (tenant, user, role) = (principal.tenant.clone(), principal.user.0, principal.role);
        let claims = Claims::new(tenant, user, session, role, token_id, now, self.lifetime);
        Ok((Secret::signed(jwt::sign(&keys, &claims)?), claims.expires_at()))
    }

    /// Which credential a secret is, whether or not it still is one. A bad access token is none.
    pub(crate) async fn presented(&self, secret: &str) -> Result<Option<Presented>> {
        if !jwt::is_like_one(secret) {
            return Ok(secret::parse(secret));
        }
        match self.claims(secret).await {
            Ok(claims) => Ok(Some(of_session(&claims))),
            Err(error) if error.code.status() == 401 => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn claims(&self, token: &str) -> Result<Claims> {
        let keys = self.keys.present(&self.db, &self.env).await?;
        jwt::verify(&keys, token, self.env.now())
    }

    /// Drops what is remembered of a tenant.
    pub fn forget(&self, tenant: &TenantId) {
        let tenant = tenant.clone();
        if self.known.invalidate_entries_if(move |_, principal| principal.tenant == tenant).is_err() {
            self.known.invalidate_all();
        }
    }

    /// Forgets what other processes changed, and takes up changes of the signing keys, until shutdown.
    pub async fn watch(self, bus: Bus, lifecycle: Lifecycle) {
        tokio::select! {
            () = self.keys.watch() => {}
            () = self.watch_events(bus, lifecycle) => {}
        }
    }

    async fn watch_events(&self, bus: Bus, lifecycle: Lifecycle) {
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
        if jwt::is_like_one(secret) {
            return self.identify_token(secret).await.map(Some);
        }
        let Some(presented) = secret::parse(secret) else { return Ok(None) };
        self.look_up(presented).await
    }

    /// The token proves itself; whether its session goes on, memory or the database says.
    async fn identify_token(&self, token: &str) -> Result<Principal> {
        let claims = self.claims(token).await?;
        let principal = self.look_up(of_session(&claims)).await?.filter(|principal| principal.user.0 == claims.sub);
        let ended = || Error::new(ErrorCode::TokenInvalid, "the access token is not acceptable: its session has ended");
        let principal = principal.ok_or_else(ended)?;
        Ok(Principal { expires_at: Some(claims.expires_at()), ..principal })
    }

    async fn look_up(&self, Presented { kind, tenant, digest }: Presented) -> Result<Option<Principal>> {
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

fn of_session(claims: &Claims) -> Presented {
    let digest = secret::session_digest(&claims.tid, claims.sid);
    Presented { kind: CredentialKind::Access, tenant: claims.tid.clone(), digest }
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
