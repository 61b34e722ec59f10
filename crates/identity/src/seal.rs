//! Secrets that must be read again (those of authenticator applications) are kept sealed with XChaCha20-Poly1305 (RFC 8439
//! with the nonce of draft-irtf-cfrg-xchacha-03), so that who sees a table, a report or a dump of it does not have them.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use kernel::Env;
use platform::config::Config;
use platform::database::Database;
use platform::{Error, Result};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use crate::keys::shared_key;

const NONCE_BYTES: usize = 24;

/// The keys that seal and open: the configured one seals when there is one, else the one that the database keeps.
pub(crate) struct Seals {
    configured: Option<SealKey>,
    shared: OnceCell<SealKey>,
}

pub(crate) struct SealKey {
    /// The first 16 hexadecimal digits of the key's SHA-256.
    pub id: String,
    cipher: XChaCha20Poly1305,
}

impl Seals {
    pub fn configured(config: &Config) -> Self {
        let configured = config.seal_key.as_ref().map(|key| SealKey::new(key.expose().as_bytes()));
        Self { configured, shared: OnceCell::new() }
    }

    pub async fn sealing(&self, db: &Database, env: &Env) -> Result<&SealKey> {
        match &self.configured {
            Some(key) => Ok(key),
            None => self.shared(db, env).await,
        }
    }

    /// The key of this id; `None` when it was one that is no longer configured.
    pub async fn opening(&self, db: &Database, env: &Env, id: &str) -> Result<Option<&SealKey>> {
        if let Some(key) = self.configured.as_ref().filter(|key| key.id == id) {
            return Ok(Some(key));
        }
        Ok(Some(self.shared(db, env).await?).filter(|key| key.id == id))
    }

    async fn shared(&self, db: &Database, env: &Env) -> Result<&SealKey> {
        self.shared.get_or_try_init(async || Ok(SealKey::new(&shared_key(db, env, "SEAL").await?))).await
    }
}

impl SealKey {
    fn new(secret: &[u8]) -> Self {
        let key: [u8; 32] = Sha256::new().chain_update(b"entrepot seal\0").chain_update(secret).finalize().into();
        let id = Sha256::digest(key).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { id, cipher: XChaCha20Poly1305::new(&key.into()) }
    }

    /// Nonce and ciphertext. `whose` must be the same at opening: what was sealed for one thing opens nothing else.
    pub fn seal(&self, env: &Env, whose: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let nonce = env.random_bytes::<NONCE_BYTES>();
        let payload = Payload { msg: plain, aad: whose.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| Error::internal("sealing failed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// `None` for whatever was not sealed with this key for this thing.
    pub fn open(&self, whose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        self.cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: whose.as_bytes() }).ok()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn only_the_same_key_opens_it_and_only_for_the_same_thing() {
        let env = Env::fixed(DateTime::UNIX_EPOCH, 1);
        let (key, other) = (SealKey::new(b"one"), SealKey::new(b"two"));
        let sealed = key.seal(&env, "acme/ann", b"the secret").unwrap();
        assert_ne!(sealed, key.seal(&env, "acme/ann", b"the secret").unwrap());
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(key.open("acme/ann", &sealed).as_deref(), Some(&b"the secret"[..]));
        assert!(key.open("acme/bob", &sealed).is_none() && other.open("acme/ann", &sealed).is_none());
        assert!(key.open("acme/ann", &sealed[..20]).is_none() && key.open("acme/ann", &[]).is_none());
        let mut changed = sealed;
        changed[30] ^= 1;
        assert!(key.open("acme/ann", &changed).is_none());
    }
}
