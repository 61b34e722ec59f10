//! The keys that access tokens are signed and verified with: of the configuration, of a file that may change, or one that
//! the database keeps for all nodes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::{DecodingKey, EncodingKey};
use kernel::Env;
use platform::config::{Config, SECRET_MIN_BYTES};
use platform::database::Database;
use platform::{Error, Result};
use sha2::{Digest as _, Sha256};
use tokio::signal::unix::{SignalKind, signal};

use crate::store;

/// A file of keys is looked at this often.
const LOOKED_AT: Duration = Duration::from_secs(2);
const MAX_KEYS: usize = 16;
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// One secret, ready to sign and to verify.
pub(crate) struct Key {
    /// The first 16 hexadecimal digits of the secret's SHA-256.
    pub kid: String,
    pub signs: EncodingKey,
    pub verifies: DecodingKey,
}

impl Key {
    fn new(secret: &[u8]) -> Self {
        let kid = Sha256::digest(secret).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { kid, signs: EncodingKey::from_secret(secret), verifies: DecodingKey::from_secret(secret) }
    }
}

/// The first signs, all verify. Never empty.
pub(crate) struct KeySet(Vec<Key>);

impl KeySet {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self(secrets.into_iter().map(Key::new).collect())
    }

    pub fn signing(&self) -> &Key {
        self.0.first().expect("a set of keys is made of at least one secret")
    }

    pub fn verifying(&self, kid: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.kid == kid)
    }

    fn kids(&self) -> String {
        self.0.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Where the keys come from, and those of the moment.
#[derive(Clone)]
pub(crate) struct Keys(Arc<Shared>);

struct Shared {
    file: Option<PathBuf>,
    /// Absent until the database was asked.
    present: RwLock<Option<Arc<KeySet>>>,
}

impl Keys {
    /// Fails when the file cannot be read or holds a secret that is too short; names the setting, never a value.
    pub fn configured(config: &Config) -> Result<Self> {
        let present = match (&config.jwt_secret, &config.jwt_secret_file) {
            (Some(secret), _) => Some(KeySet::new([secret.expose().as_bytes()])),
            (None, Some(file)) => Some(read(file)?),
            (None, None) => None,
        };
        let present = RwLock::new(present.map(Arc::new));
        Ok(Self(Arc::new(Shared { file: config.jwt_secret_file.clone(), present })))
    }

    pub async fn present(&self, db: &Database, env: &Env) -> Result<Arc<KeySet>> {
        if let Some(keys) = self.known() {
            return Ok(keys);
        }
        let keys = Arc::new(KeySet::new([&shared_key(db, env, "TOKENS").await?[..]]));
        self.set(keys.clone());
        Ok(keys)
    }

    fn known(&self) -> Option<Arc<KeySet>> {
        self.0.present.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, keys: Arc<KeySet>) {
        *self.0.present.write().unwrap_or_else(PoisonError::into_inner) = Some(keys);
    }

    /// Takes up changes of the file until it is dropped; never ends. Without a file there is nothing to do, and SIGHUP keeps
    /// its usual meaning.
    pub async fn watch(&self) {
        let Some(file) = self.0.file.clone() else { return std::future::pending().await };
        let mut hangup = signal(SignalKind::hangup()).ok();
        let mut was_refused = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOKED_AT) => {}
                () = hung_up(&mut hangup) => {}
            }
            let path = file.clone();
            let read = tokio::task::spawn_blocking(move || read(&path)).await.map_err(Error::internal);
            was_refused = match read.and_then(|keys| keys) {
                Ok(keys) => {
                    self.take_up(keys);
                    false
                }
                Err(error) => {
                    if !was_refused {
                        tracing::error!(%error, "the file of signing keys cannot be used; the keys from before stay");
                    }
                    true
                }
            };
        }
    }

    fn take_up(&self, keys: KeySet) {
        if self.known().is_some_and(|known| known.kids() == keys.kids()) {
            return;
        }
        tracing::info!(kids = keys.kids(), "the signing keys have changed");
        self.set(Arc::new(keys));
    }
}

async fn hung_up(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The key of a purpose that all nodes share; made on the first use.
pub(crate) async fn shared_key(db: &Database, env: &Env, purpose: &str) -> Result<[u8; 32]> {
    let (candidate, now) = (env.random_bytes::<32>(), env.now());
    db.without_tenant(async |connection| store::shared_key(connection, purpose, &candidate, now).await).await
}

fn read(file: &Path) -> Result<KeySet> {
    let unreadable = |error: std::io::Error| Error::field("JWT_SECRET_FILE", format!("cannot be read: {}", error.kind()));
    if std::fs::metadata(file).map_err(unreadable)?.len() > MAX_FILE_BYTES {
        return Err(Error::field("JWT_SECRET_FILE", format!("must be at most {} KiB", MAX_FILE_BYTES / 1024)));
    }
    parse(&std::fs::read_to_string(file).map_err(unreadable)?)
}

fn parse(text: &str) -> Result<KeySet> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() || lines.len() > MAX_KEYS {
        return Err(Error::field("JWT_SECRET_FILE", format!("must hold 1 to {MAX_KEYS} secrets, one per line")));
    }
    if let Some(short) = lines.iter().position(|line| line.len() < SECRET_MIN_BYTES) {
        let message = format!("secret {} must be at least {SECRET_MIN_BYTES} bytes long", short + 1);
        return Err(Error::field("JWT_SECRET_FILE", message));
    }
    Ok(KeySet::new(lines.into_iter().map(str::as_bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_signs_and_all_verify() {
        let keys = parse(&format!("{}\r\n\n  {}  \n", "a".repeat(32), "b".repeat(40))).unwrap();
        // printf aaaa… | sha256sum
        assert_eq!(keys.signing().kid, "3ba3f5f43b926026");
        assert_eq!(keys.0.len(), 2);
        assert!(keys.verifying(&keys.0[1].kid).is_some());
        assert!(keys.verifying("").is_none());
    }

    #[test]
    fn short_secrets_and_empty_files_are_refused_without_showing_them() {
        for text in
            ["", "\n\n", "too short a secret", &format!("{}\nshort", "a".repeat(32)), &format!("{}\n", "a".repeat(32)).repeat(17)]
        {
            let error = parse(text).err().unwrap();
            assert_eq!(error.fields[0].field, "JWT_SECRET_FILE");
            assert!(!error.to_string().contains("too short a"));
        }
    }
}
