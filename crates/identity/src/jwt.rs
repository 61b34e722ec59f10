//! Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256 (RFC 7518, section 3.2).

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Header, Validation};
use kernel::{ErrorCode, TenantId};
use platform::auth::Role;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::keys::KeySet;

const ISSUER: &str = "entrepot";
/// Ours have less than 500 bytes.
const MAX_BYTES: usize = 2_000;
/// Clocks of two nodes may differ by this much.
const LEEWAY: TimeDelta = TimeDelta::seconds(1);

/// What a token says. The role is told to whoever reads the token; what the caller may do, the user's row says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub iss: String,
    /// The user.
    pub sub: Uuid,
    pub tid: TenantId,
    /// The session, which ends with all its tokens.
    pub sid: Uuid,
    pub role: Role,
    /// Seconds since 1970, as `exp`.
    pub iat: i64,
    pub exp: i64,
    pub jti: Uuid,
}

impl Claims {
    /// For a token made at `now`; it ends at the first whole second at which it is at least `lifetime` old.
    pub fn new(tid: TenantId, sub: Uuid, sid: Uuid, role: Role, jti: Uuid, now: DateTime<Utc>, lifetime: TimeDelta) -> Self {
        let exp = (now + lifetime).timestamp_millis();
        let exp = exp.div_euclid(1000) + i64::from(exp.rem_euclid(1000) > 0);
        Self { iss: ISSUER.into(), sub, tid, sid, role, iat: now.timestamp(), exp, jti }
    }

    pub fn expires_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.exp, 0).unwrap_or_default()
    }
}

/// Whether a secret should be taken for a token of this kind: three parts between dots, which no other secret has.
pub(crate) fn is_like_one(secret: &str) -> bool {
    secret.len() <= MAX_BYTES && secret.bytes().filter(|byte| *byte == b'.').count() == 2
}

pub(crate) fn sign(keys: &KeySet, claims: &Claims) -> Result<String> {
    install();
    let key = keys.signing();
    let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::HS256) };
    jsonwebtoken::encode(&header, claims, &key.signs).map_err(Error::internal)
}

/// `TOKEN_INVALID` for whatever we did not sign just so, `TOKEN_EXPIRED` for what we did, too long ago.
pub(crate) fn verify(keys: &KeySet, token: &str, now: DateTime<Utc>) -> Result<Claims> {
    install();
    let header = jsonwebtoken::decode_header(token).map_err(|_| invalid("its header cannot be read"))?;
    let key = header.kid.as_deref().and_then(|kid| keys.verifying(kid)).ok_or_else(|| invalid("its key is not known here"))?;
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    // By our own clock instead, below.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &key.verifies, &validation).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => invalid("its signature is wrong"),
        ErrorKind::InvalidAlgorithm => invalid("its algorithm is not HS256"),
        _ => invalid("its claims are not ours"),
    })?;
    let claims = claims.claims;
    if now >= claims.expires_at() + LEEWAY {
        return Err(Error::new(
            ErrorCode::TokenExpired,
            format!("the access token ended at {}", claims.expires_at().to_rfc3339()),
        ));
    }
    Ok(claims)
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorCode::TokenInvalid, format!("the access token is not acceptable: {why}"))
}

/// HMAC-SHA-256 and nothing else, so that a token which asks for another algorithm finds none, and the crates of the
/// algorithms that we do not use (RSA among them) need not be built.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key: &EncodingKey| {
        refuse_others(*algorithm, key.family())?;
        Ok(Box::new(Hs256(keyed(key.as_bytes())?)))
    },
    verifier_factory: |algorithm, key: &DecodingKey| {
        refuse_others(*algorithm, key.family())?;
        Ok(Box::new(Hs256(keyed(key.try_get_as_bytes()?)?)))
    },
    key_utils: KeyUtils::new_unimplemented(),
};

/// Once per process; a second time changes nothing.
fn install() {
    let _ = PROVIDER.install_default();
}

fn refuse_others(algorithm: Algorithm, family: AlgorithmFamily) -> jsonwebtoken::errors::Result<()> {
    if algorithm == Algorithm::HS256 && family == AlgorithmFamily::Hmac {
        Ok(())
    } else {
        Err(ErrorKind::InvalidAlgorithm.into())
    }
}

fn keyed(secret: &[u8]) -> jsonwebtoken::errors::Result<Hmac<Sha256>> {
    Hmac::new_from_slice(secret).map_err(|_| ErrorKind::InvalidKeyFormat.into())
}

struct Hs256(Hmac<Sha256>);

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    /// In constant time.
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.0.clone().chain_update(message).verify_slice(signature).map_err(signature::Error::from_source)
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 500_000_000).unwrap()
    }

    fn claims() -> Claims {
        Claims::new(
            "acme".parse().unwrap(),
            Uuid::from_u128(1),
            Uuid::from_u128(2),
            Role::Staff,
            Uuid::from_u128(3),
            start(),
            TimeDelta::milliseconds(1500),
        )
    }

    /// Made by hand, so that the test does not believe the library.
    fn by_hand(header: &serde_json::Value, claims: &serde_json::Value, secret: &[u8]) -> String {
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let mac: Hmac<Sha256> = Hmac::new_from_slice(secret).unwrap();
        let signature = mac.chain_update(&message).finalize().into_bytes();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The example of RFC 7515, appendix A.1.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        install();
        let key = EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(key).unwrap());
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn what_we_sign_we_accept_until_it_ends() {
        let keys = KeySet::new([SECRET]);
        let token = sign(&keys, &claims()).unwrap();
        assert!(is_like_one(&token) && token.len() < 500, "{}", token.len());
        assert_eq!(verify(&keys, &token, start()).unwrap(), claims());
        let end = claims().expires_at();
        assert_eq!((end - start()).num_milliseconds(), 1500);
        assert!(verify(&keys, &token, end).is_ok(), "within the leeway");
        assert_eq!(verify(&keys, &token, end + LEEWAY).unwrap_err().code, ErrorCode::TokenExpired);
    }

    #[test]
    fn keys_are_told_apart_by_their_id() {
        let (old, new) = (KeySet::new([SECRET]), KeySet::new([&b"another secret of thirty-two bytes"[..], SECRET]));
        let token = sign(&old, &claims()).unwrap();
        assert!(verify(&new, &token, start()).is_ok(), "a key that no longer signs still verifies");
        let token = sign(&new, &claims()).unwrap();
        assert_eq!(verify(&old, &token, start()).unwrap_err().code, ErrorCode::TokenInvalid);
    }

    #[test]
    fn nothing_else_is_accepted() {
        let keys = KeySet::new([SECRET]);
        let header = json!({ "typ": "JWT", "alg": "HS256", "kid": keys.signing().kid });
        let claims = serde_json::to_value(claims()).unwrap();
        assert!(verify(&keys, &by_hand(&header, &claims, SECRET), start()).is_ok(), "the forger's tools work");
        let with = |base: &serde_json::Value, name: &str, value: serde_json::Value| {
            let mut changed = base.clone();
            changed[name] = value;
            changed
        };
        let good = by_hand(&header, &claims, SECRET);
        let (message, signature) = good.rsplit_once('.').unwrap();
        let (_, body) = message.split_once('.').unwrap();
        let none = URL_SAFE_NO_PAD.encode(with(&header, "alg", "none".into()).to_string());
        let bad = [
            by_hand(&header, &claims, b"another secret of thirty-two bytes"),
            by_hand(&with(&header, "alg", "RS256".into()), &claims, SECRET),
            by_hand(&with(&header, "alg", "HS512".into()), &claims, SECRET),
            by_hand(&with(&header, "alg", "none".into()), &claims, SECRET),
            by_hand(&with(&header, "kid", "0000000000000000".into()), &claims, SECRET),
            by_hand(&with(&header, "kid", json!(null)), &claims, SECRET),
            by_hand(&header, &with(&claims, "iss", "somebody".into()), SECRET),
            by_hand(&header, &with(&claims, "tid", "'; --".into()), SECRET),
            by_hand(&header, &with(&claims, "exp", json!(null)), SECRET),
            format!("{none}.{body}."),
            format!("{none}.{body}.{signature}"),
            format!("{message}."),
            format!("{message}.{}", &signature[1..]),
            "..".into(),
            "a.b.c".into(),
        ];
        for token in bad {
            assert_eq!(verify(&keys, &token, start()).unwrap_err().code, ErrorCode::TokenInvalid, "{token}");
        }
    }
}
