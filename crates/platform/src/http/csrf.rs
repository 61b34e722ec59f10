use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::StreamExt as _;
use kernel::{Env, ErrorCode};
use sha2::{Digest as _, Sha256};

use super::layers::BODY_LIMIT_BYTES;
use crate::{Error, Result};

/// Where a script sends the token.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// Where a form sends the token.
pub const CSRF_FIELD: &str = "csrf_token";
const SALT_BYTES: usize = 16;
/// Within this much of an upload its token must stand: forms have it first.
const PREFIX_BYTES: usize = 16 * 1024;

/// A token that only somebody who holds the session's secret can make. Salted, so that no two pages carry the same bytes and
/// the size of a compressed page tells nothing about it.
pub fn csrf_token(env: &Env, session: &str) -> String {
    seal(env.random_bytes::<SALT_BYTES>(), session)
}

fn seal(salt: [u8; SALT_BYTES], session: &str) -> String {
    let digest = Sha256::new().chain_update(b"csrf\0").chain_update(salt).chain_update(session).finalize();
    URL_SAFE_NO_PAD.encode([&salt[..], &digest[..]].concat())
}

fn is_of(session: &str, token: &str) -> bool {
    let Some(salt) = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| bytes.first_chunk::<SALT_BYTES>().copied()) else {
        return false;
    };
    let expected = seal(salt, session);
    // Compared to the end whatever differs, so that the time tells nothing.
    expected.len() == token.len() && expected.bytes().zip(token.bytes()).fold(0, |apart, (a, b)| apart | (a ^ b)) == 0
}

/// Refuses a request that came by the session's cookie and does not carry the session's token, in the header or as a field of
/// the form; else gives the body back whole.
pub(super) async fn admit(parts: &Parts, body: Body, session: &str) -> Result<Body> {
    if let Some(token) = parts.headers.get(CSRF_HEADER) {
        return if token.to_str().is_ok_and(|token| is_of(session, token)) { Ok(body) } else { Err(refused()) };
    }
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (token, body) = if content_type.starts_with("application/x-www-form-urlencoded") {
        let too_large =
            |_| Error::new(ErrorCode::BodyTooLarge, format!("the form is larger than {} KiB", BODY_LIMIT_BYTES / 1024));
        let bytes = to_bytes(body, BODY_LIMIT_BYTES).await.map_err(too_large)?;
        (field_of_form(&bytes), Body::from(bytes))
    } else if content_type.starts_with("multipart/form-data") {
        let (prefix, body) = peek(body).await?;
        (field_of_upload(&prefix), body)
    } else {
        (None, body)
    };
    if token.is_some_and(|token| is_of(session, &token)) { Ok(body) } else { Err(refused()) }
}

fn refused() -> Error {
    Error::new(
        ErrorCode::CsrfRefused,
        "a request by the session cookie needs the session's token: X-CSRF-Token, or the field csrf_token",
    )
}

/// The token's alphabet needs no percent-encoding, so that the raw text of the field is the token.
fn field_of_form(form: &[u8]) -> Option<String> {
    let field = form.split(|byte| *byte == b'&').find_map(|pair| pair.strip_prefix(CSRF_FIELD.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(field.to_vec()).ok()
}

fn field_of_upload(prefix: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(prefix);
    let (_, rest) = text.split_once(&format!("name=\"{CSRF_FIELD}\""))?;
    let (_, value) = rest.split_once("\r\n\r\n")?;
    value.split_once("\r\n").map(|(value, _)| value.to_owned())
}

/// The beginning of a body and the whole of it, without keeping more than the beginning in memory.
async fn peek(body: Body) -> Result<(Vec<u8>, Body)> {
    let mut stream = body.into_data_stream();
    let (mut prefix, mut read): (Vec<u8>, Vec<Bytes>) = (Vec::new(), Vec::new());
    while prefix.len() < PREFIX_BYTES {
        let Some(chunk) = stream.next().await else { break };
        let chunk = chunk.map_err(|_| Error::new(ErrorCode::MalformedBody, "the body ended early"))?;
        prefix.extend_from_slice(&chunk[..chunk.len().min(PREFIX_BYTES - prefix.len())]);
        read.push(chunk);
    }
    let whole = futures::stream::iter(read.into_iter().map(Ok)).chain(stream);
    Ok((prefix, Body::from_stream(whole)))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_token_is_of_its_session_only_and_never_the_same_twice() {
        let env = Env::fixed(DateTime::UNIX_EPOCH, 1);
        let (one, two) = (csrf_token(&env, "ses_a"), csrf_token(&env, "ses_a"));
        assert_ne!(one, two);
        assert!(is_of("ses_a", &one) && is_of("ses_a", &two));
        assert!(!is_of("ses_b", &one));
        for bad in ["", "x", &one[1..], &format!("{one}A"), &"A".repeat(64), &"é".repeat(32)] {
            assert!(!is_of("ses_a", bad), "{bad}");
        }
    }

    #[test]
    fn the_field_is_found_in_forms_and_uploads() {
        assert_eq!(field_of_form(b"a=1&csrf_token=T-_0&b=2").as_deref(), Some("T-_0"));
        assert_eq!(field_of_form(b"a=csrf_token=T").as_deref(), None);
        let upload = b"--B\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\nT-_0\r\n--B\r\n";
        assert_eq!(field_of_upload(upload).as_deref(), Some("T-_0"));
        assert_eq!(field_of_upload(&upload[..50]).as_deref(), None);
    }

    #[tokio::test]
    async fn a_body_that_was_looked_at_is_still_whole() {
        let chunks: Vec<Bytes> = (0..40_u8).map(|n| Bytes::from(vec![n; 1000])).collect();
        let whole = chunks.concat();
        let body = Body::from_stream(futures::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>)));
        let (prefix, body) = peek(body).await.unwrap();
        assert_eq!(prefix, whole[..PREFIX_BYTES]);
        assert_eq!(to_bytes(body, usize::MAX).await.unwrap(), whole);
    }
}
