use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use kernel::{Env, ErrorCode, Invalid};
use platform::{Error, Result};
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;

const MIN_CHARS: usize = 10;
const MAX_CHARS: usize = 200;
/// Each verification takes 19 MiB; more of them at once would let strangers fill the memory.
static VERIFIERS: Semaphore = Semaphore::const_new(4);
const WAIT: Duration = Duration::from_secs(5);
/// Those of at least [`MIN_CHARS`] that lists of leaked passwords show most often.
const COMMON: &str = include_str!("common_passwords.txt");
/// Letters and digits that nobody mistakes for one another (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A password in the clear, on its way to be hashed or compared. Never shows itself.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// Four groups of five characters: 100 bits.
    pub(crate) fn generate(env: &Env) -> Self {
        let bytes = env.random_bytes::<20>();
        let groups = bytes
            .chunks(5)
            .map(|group| group.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect::<String>());
        Self(groups.collect::<Vec<_>>().join("-"))
    }

    /// The password itself, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it may become the password of the user with this address.
    pub(crate) fn check(&self, email: &str) -> Result<(), Invalid> {
        let chars = self.0.chars().count();
        if chars < MIN_CHARS {
            return Err(Invalid(format!("must be at least {MIN_CHARS} characters long")));
        }
        if chars > MAX_CHARS {
            return Err(Invalid(format!("must be at most {MAX_CHARS} characters long")));
        }
        let lower = self.0.to_lowercase();
        if lower == email.to_lowercase() {
            return Err(Invalid("must not be the e-mail address".into()));
        }
        let first = self.0.chars().next();
        if self.0.chars().all(|c| Some(c) == first) || COMMON.lines().any(|common| common == lower) {
            return Err(Invalid("is one of the most common passwords: choose another, several words for instance".into()));
        }
        Ok(())
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// OWASP's second recommended setting for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
static ARGON2: LazyLock<Argon2<'static>> = LazyLock::new(|| {
    let params = Params::new(19_456, 2, 1, None).expect("the parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
});

/// The right to verify one password. Taken before a connection is, so that a flood of sign-ins holds a few connections only.
pub(crate) async fn permit() -> Result<SemaphorePermit<'static>> {
    let permit = tokio::time::timeout(WAIT, VERIFIERS.acquire()).await;
    let busy = || Error { retry_after: Some(5), ..Error::new(ErrorCode::TooManyRequests, "too many sign-ins at once") };
    permit.map_err(|_| busy())?.map_err(Error::internal)
}

/// A PHC string with a salt of its own. Takes no [`permit`]: callers hold a connection, whose number is bounded already.
pub(crate) async fn hash(env: &Env, password: &Password) -> Result<String> {
    let salt = SaltString::encode_b64(&env.random_bytes::<16>()).map_err(failed)?;
    let password = password.0.clone();
    let hashed = spawn_blocking(move || ARGON2.hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string()));
    hashed.await.map_err(Error::internal)?.map_err(failed)
}

/// The permit goes with the work, which runs to its end even when the request that waits for it was given up.
pub(crate) async fn verify(permit: SemaphorePermit<'static>, password: &Password, phc: &str) -> Result<bool> {
    let (password, phc) = (bounded(password), phc.to_owned());
    let verified = spawn_blocking(move || {
        let _permit = permit;
        let hash = PasswordHash::new(&phc)?;
        match ARGON2.verify_password(password.as_bytes(), &hash) {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::Password) => Ok(false),
            Err(error) => Err(error),
        }
    });
    verified.await.map_err(Error::internal)?.map_err(failed)
}

/// Costs what [`verify`] costs, so that the time of an answer does not tell whether an account exists.
pub(crate) async fn spend(permit: SemaphorePermit<'static>, password: &Password) -> Result<()> {
    let password = bounded(password);
    let spent = spawn_blocking(move || {
        let _permit = permit;
        ARGON2.hash_password_into(password.as_bytes(), b"nobody's salt...", &mut [0; 32])
    });
    spent.await.map_err(Error::internal)?.map_err(|error| Error::internal(error.to_string()))
}

/// One that is too long was never accepted as a password, so that it may be cut before it is compared.
fn bounded(password: &Password) -> String {
    password.0.chars().take(MAX_CHARS + 1).collect()
}

fn failed(error: argon2::password_hash::Error) -> Error {
    Error::internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn check(text: &str) -> Result<(), Invalid> {
        Password::from(text.to_owned()).check("Ann.Lee@Example.com")
    }

    #[test]
    fn weak_passwords_are_refused() {
        let too_long = "ab".repeat(101);
        for weak in ["", "short", "ninechars", "1234567890", "QwertyUiop", "aaaaaaaaaaaa", "ann.lee@example.com", &too_long] {
            assert!(check(weak).is_err(), "{weak:?} was accepted");
        }
        for good in ["correct horse", "пароль-пароль", "äöüäöüäöüß"] {
            assert!(check(good).is_ok(), "{good:?} was refused");
        }
    }

    #[test]
    fn the_list_holds_only_what_the_length_does_not_refuse_already() {
        let common: Vec<&str> = COMMON.lines().collect();
        assert!(common.len() >= 200, "{} lines", common.len());
        for line in &common {
            assert!(line.chars().count() >= MIN_CHARS && *line == line.to_lowercase() && line.trim() == *line, "{line:?}");
        }
        let distinct: std::collections::HashSet<_> = common.iter().collect();
        assert_eq!(distinct.len(), common.len());
    }

    #[test]
    fn a_generated_password_is_acceptable_and_never_the_same() {
        let env = Env::fixed(DateTime::UNIX_EPOCH, 5);
        let (a, b) = (Password::generate(&env), Password::generate(&env));
        assert_ne!(a, b);
        assert_eq!(a.expose().len(), 23);
        assert!(a.check("ann@example.com").is_ok());
        assert!(!format!("{a:?}").contains(a.expose()));
    }

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let env = Env::fixed(DateTime::UNIX_EPOCH, 5);
        let password = Password::from("correct horse".to_owned());
        let phc = hash(&env, &password).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify(permit().await.unwrap(), &password, &phc).await.unwrap());
        let wrong = Password::from("correct horsf".to_owned());
        assert!(!verify(permit().await.unwrap(), &wrong, &phc).await.unwrap());
        assert_ne!(phc, hash(&env, &password).await.unwrap());
        spend(permit().await.unwrap(), &password).await.unwrap();
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_keeps_its_permit_to_the_end() {
        let permits: &'static Semaphore = Box::leak(Box::new(Semaphore::new(1)));
        let password = Password::from("correct horse".to_owned());
        let phc = hash(&Env::fixed(DateTime::UNIX_EPOCH, 5), &password).await.unwrap();
        let hung_up = tokio::time::timeout(Duration::ZERO, verify(permits.acquire().await.unwrap(), &password, &phc)).await;
        assert!(hung_up.is_err());
        assert_eq!(permits.available_permits(), 0, "it still runs");
        let permit = tokio::time::timeout(Duration::from_secs(30), permits.acquire()).await.expect("it has ended").unwrap();
        let hung_up = tokio::time::timeout(Duration::ZERO, spend(permit, &password)).await;
        assert!(hung_up.is_err());
        assert_eq!(permits.available_permits(), 0, "it still runs");
    }
}
