use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{Env, TenantId};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::model::CredentialKind;

/// 32 random bytes as base64url without padding.
const RANDOM_CHARS: usize = 43;

const REFRESH_PREFIX: &str = "ref";

/// SHA-256 of a whole secret: all that is stored of it.
pub(crate) type Digest = [u8; 32];
/// Makes the successor of a refresh token unforeseeable for who holds the token only.
pub(crate) type Salt = [u8; 16];

/// What proves who calls: `ent_{tenant}_{43 characters}` for an API token, `ses_…` for a page session, `ref_…` for a refresh
/// token, `acc_…` for an access token of earlier releases; access tokens of today are JSON Web Tokens. The tenant stands in
/// it so that the look-up can happen inside that tenant.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(crate) fn new(env: &Env, kind: CredentialKind, tenant: &TenantId) -> Self {
        Self(format!("{}_{tenant}_{}", kind.prefix(), URL_SAFE_NO_PAD.encode(env.random_bytes::<32>())))
    }

    /// An access token that is signed already.
    pub(crate) fn signed(token: String) -> Self {
        Self(token)
    }

    /// The first refresh token of a session.
    pub(crate) fn refresh(env: &Env, tenant: &TenantId) -> Self {
        Self(format!("{REFRESH_PREFIX}_{tenant}_{}", URL_SAFE_NO_PAD.encode(env.random_bytes::<32>())))
    }

    /// The secret itself, to be shown or sent once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }

    pub(crate) fn digest(&self) -> Digest {
        digest(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a refresh token turns into.
pub(crate) struct Successor {
    pub refresh: Secret,
    /// The id of the access token that goes with it.
    pub access_id: Uuid,
}

/// The same each time for the same token and salt, so that an answer that got lost can be given again; the token is known to
/// its holder only, the salt to the database only.
pub(crate) fn successor(token: &str, salt: &Salt, tenant: &TenantId) -> Successor {
    let derive = |purpose: &[u8]| -> [u8; 32] {
        let mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).expect("a key of any length is taken");
        mac.chain_update(purpose).chain_update(salt).finalize().into_bytes().into()
    };
    let refresh = Secret(format!("{REFRESH_PREFIX}_{tenant}_{}", URL_SAFE_NO_PAD.encode(derive(b"refresh"))));
    let id = derive(b"access");
    let id = id.first_chunk::<16>().expect("32 bytes hold 16");
    Successor { refresh, access_id: Builder::from_random_bytes(*id).into_uuid() }
}

/// What stands for a session of access tokens where other credentials have the digest of their secret.
pub(crate) fn session_digest(tenant: &TenantId, session: Uuid) -> Digest {
    Sha256::new().chain_update(b"session\0").chain_update(tenant.as_str()).chain_update(session.as_bytes()).finalize().into()
}

/// A text of the shape of a secret; whether it is one, the database knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Presented {
    pub kind: CredentialKind,
    pub tenant: TenantId,
    pub digest: Digest,
}

pub(crate) fn parse(text: &str) -> Option<Presented> {
    let (prefix, tenant) = split(text)?;
    let kind = CredentialKind::ALL.into_iter().find(|kind| kind.prefix() == prefix)?;
    Some(Presented { kind, tenant, digest: digest(text) })
}

/// The tenant and the digest of what looks like a refresh token.
pub(crate) fn parse_refresh(text: &str) -> Option<(TenantId, Digest)> {
    let (prefix, tenant) = split(text)?;
    (prefix == REFRESH_PREFIX).then(|| (tenant, digest(text)))
}

/// Cuts at a fixed length from the end, because the random part may hold `_` and `-` as well.
fn split(text: &str) -> Option<(&str, TenantId)> {
    let (head, random) = text.split_at_checked(text.len().checked_sub(RANDOM_CHARS)?)?;
    if !random.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return None;
    }
    let (prefix, tenant) = head.strip_suffix('_')?.split_once('_')?;
    Some((prefix, tenant.parse().ok()?))
}

fn digest(text: &str) -> Digest {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_we_make_is_read_back(seed: u64, tenant in "[a-z0-9][a-z0-9-]{0,39}", kind in 0_usize..3) {
            let env = Env::fixed(DateTime::UNIX_EPOCH, seed);
            let (tenant, kind): (TenantId, _) = (tenant.parse().unwrap(), CredentialKind::ALL[kind]);
            let secret = Secret::new(&env, kind, &tenant);
            let presented = parse(secret.expose()).unwrap();
            prop_assert_eq!(presented, Presented { kind, tenant, digest: secret.digest() });
        }

        #[test]
        fn anything_else_is_refused_without_a_panic(text in "\\PC{0,100}") {
            prop_assert!(parse(&text).is_none());
        }

        #[test]
        fn a_changed_character_changes_the_digest_or_is_refused(seed: u64, at in 0_usize..52, byte in 0x21_u8..0x7f) {
            let secret = Secret::new(&Env::fixed(DateTime::UNIX_EPOCH, seed), CredentialKind::ApiToken, &"demo".parse().unwrap());
            let mut bytes = secret.expose().as_bytes().to_vec();
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            let changed = parse(&String::from_utf8(bytes).unwrap());
            prop_assert!(changed.is_none_or(|presented| presented.digest != secret.digest()));
        }
    }

    #[test]
    fn a_random_part_full_of_separators_does_not_move_the_tenant() {
        let text = format!("ses_a-b_{}", "_-".repeat(21) + "_");
        assert_eq!(parse(&text).unwrap().tenant.as_str(), "a-b");
        assert!(parse(&format!("ses_a_b_{}", "x".repeat(43))).is_none());
        assert!(parse(&format!("xxx_ab_{}", "x".repeat(43))).is_none());
        assert!(parse(&format!("ses_ab{}", "x".repeat(43))).is_none());
    }

    #[test]
    fn a_successor_needs_token_and_salt_and_is_always_the_same() {
        let tenant = "demo".parse().unwrap();
        let token = Secret::refresh(&Env::fixed(DateTime::UNIX_EPOCH, 1), &tenant);
        let next = |token: &str, salt: u8| successor(token, &[salt; 16], &tenant);
        let first = next(token.expose(), 1);
        assert_eq!(first.refresh, next(token.expose(), 1).refresh);
        assert_eq!(first.access_id, next(token.expose(), 1).access_id);
        assert_ne!(first.refresh, next(token.expose(), 2).refresh);
        assert_ne!(first.refresh, next("another", 1).refresh);
        assert_eq!(parse_refresh(first.refresh.expose()).unwrap(), (tenant, first.refresh.digest()));
        assert!(parse(first.refresh.expose()).is_none(), "a refresh token opens nothing by itself");
        assert!(parse_refresh(&token.expose().replace("ref_", "ent_")).is_none());
    }

    #[test]
    fn a_secret_does_not_show_itself_in_logs() {
        let secret = Secret::new(&Env::fixed(DateTime::UNIX_EPOCH, 1), CredentialKind::Session, &"demo".parse().unwrap());
        assert!(!format!("{secret:?}").contains("demo"));
    }
}
