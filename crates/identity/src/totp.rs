//! Time-based one-time passwords (RFC 6238): SHA-1, six digits, steps of 30 seconds, which is what every authenticator
//! application understands; and the recovery codes for those who lost theirs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use kernel::{Env, TenantId, UserId};
use platform::{Error, Result};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use sha2::{Digest as _, Sha256};
use totp_rs::{Builder, Totp};

use crate::secret::Digest;

const ISSUER: &str = "Entrepot";
/// A code is good one step before and after its own, for clocks that differ.
const SKEW_STEPS: u16 = 1;
pub(crate) const SECRET_BYTES: usize = 20;
pub(crate) const RECOVERY_CODES: usize = 10;
/// Letters and digits that nobody mistakes for one another (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// `account` is what the application shows beside our name.
fn totp(secret: &[u8], account: &str) -> Result<Totp> {
    let totp = Builder::new()
        .with_secret(secret.to_vec())
        .with_skew(SKEW_STEPS)
        .with_issuer(Some(ISSUER))
        .with_account_name(account.replace(':', " "));
    totp.build().map_err(|error| Error::internal(error.to_string()))
}

/// The time step whose code this is, when it is later than `last_step`; white space in the code does not count.
pub(crate) fn accepted_step(secret: &[u8], code: &str, now: DateTime<Utc>, last_step: i64) -> Result<Option<i64>> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let Ok(seconds) = u64::try_from(now.timestamp()) else { return Ok(None) };
    let step = totp(secret, "")?.check(&code, seconds).and_then(|step| i64::try_from(step).ok());
    Ok(step.filter(|step| *step > last_step))
}

/// What somebody needs to set up their application.
#[derive(Clone)]
pub struct TotpSetup {
    /// Base 32, to be typed where nothing can be scanned.
    pub secret: String,
    /// `otpauth://totp/…`, as the QR code holds it.
    pub uri: String,
    /// The QR code: `data:image/svg+xml;base64,…`.
    pub qr: String,
}

impl std::fmt::Debug for TotpSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSetup(…)")
    }
}

impl TotpSetup {
    pub(crate) fn of(secret: &[u8], account: &str) -> Result<Self> {
        let totp = totp(secret, account)?;
        let uri = totp.to_url().map_err(|error| Error::internal(error.to_string()))?;
        let code = QrCode::with_error_correction_level(&uri, EcLevel::M).map_err(|error| Error::internal(error.to_string()))?;
        let svg = code.render::<svg::Color>().min_dimensions(220, 220).build();
        let qr = format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg));
        Ok(Self { secret: totp.secret().to_base32(), uri, qr })
    }
}

/// Four groups of four characters: 80 bits, so that a plain hash of one cannot be turned back.
pub(crate) fn recovery_codes(env: &Env) -> Vec<String> {
    let one = || {
        let characters = env.random_bytes::<16>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
        characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    };
    (0..RECOVERY_CODES).map(|_| one()).collect()
}

/// What is stored of a recovery code. Case, hyphens and spaces do not count.
pub(crate) fn recovery_digest(tenant: &TenantId, user: UserId, code: &str) -> Digest {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    Sha256::new()
        .chain_update(b"recovery\0")
        .chain_update(tenant.as_str())
        .chain_update(user.0.as_bytes())
        .chain_update(code)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC_SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// RFC 6238, appendix B, the rows of SHA-1; the last six of their eight digits.
    #[test]
    fn the_codes_are_those_of_the_standard() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(accepted_step(RFC_SECRET, code, at(seconds), 0).unwrap(), Some(seconds / 30), "{code}");
        }
    }

    #[test]
    fn a_code_holds_one_step_before_and_after_and_never_again() {
        let (code, own) = ("050471", 1_111_111_111 / 30);
        let taken = |seconds, last| accepted_step(RFC_SECRET, code, at(seconds), last).unwrap();
        for apart in [-30, 0, 30] {
            assert_eq!(taken(1_111_111_111 + apart, 0), Some(own));
        }
        for apart in [-90, -60, 60, 90] {
            assert_eq!(taken(1_111_111_111 + apart, 0), None, "{apart}");
        }
        assert_eq!(taken(1_111_111_111, own - 1), Some(own));
        assert_eq!(taken(1_111_111_111, own), None, "it was used");
        assert_eq!(taken(1_111_111_111, own + 1), None, "a later one was used");
    }

    #[test]
    fn what_is_no_code_is_refused_and_spaces_do_not_count() {
        let taken = |code: &str| accepted_step(RFC_SECRET, code, at(59), 0).unwrap();
        assert_eq!(taken(" 287 082 "), Some(1));
        for bad in ["", "287083", "28708", "2870822", "٢٨٧٠٨٢", "287 08a", "-87082", "+287082"] {
            assert_eq!(taken(bad), None, "{bad}");
        }
        assert_eq!(accepted_step(RFC_SECRET, "287082", at(-59), 0).unwrap(), None);
    }

    #[test]
    fn the_application_gets_all_it_needs() {
        let setup = TotpSetup::of(RFC_SECRET, "ann@acme.example").unwrap();
        assert_eq!(setup.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(setup.uri.starts_with("otpauth://totp/Entrepot:ann%40acme.example?"), "{}", setup.uri);
        for part in ["secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "issuer=Entrepot"] {
            assert!(setup.uri.contains(part), "{}", setup.uri);
        }
        assert!(setup.qr.starts_with("data:image/svg+xml;base64,PD94"), "{}", &setup.qr[..60]);
        assert!(
            TotpSetup::of(RFC_SECRET, &format!("{}@{}", "a".repeat(190), "b".repeat(60))).is_ok(),
            "the longest address fits"
        );
    }

    #[test]
    fn recovery_codes_differ_and_are_read_as_people_write_them() {
        let codes = recovery_codes(&Env::fixed(DateTime::UNIX_EPOCH, 1));
        let distinct: std::collections::HashSet<_> = codes.iter().collect();
        assert_eq!((distinct.len(), codes[0].len()), (RECOVERY_CODES, 19));
        let (tenant, user) = ("acme".parse().unwrap(), UserId(uuid::Uuid::from_u128(1)));
        let digest = |code: &str| recovery_digest(&tenant, user, code);
        assert_eq!(digest(&codes[0]), digest(&codes[0].to_uppercase().replace('-', " ")));
        assert_ne!(digest(&codes[0]), digest(&codes[1]));
        assert_ne!(digest(&codes[0]), recovery_digest(&tenant, UserId(uuid::Uuid::from_u128(2)), &codes[0]));
    }
}
