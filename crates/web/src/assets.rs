//! The files that a browser fetches: styles, modules, the font, pictures. Embedded in a release build, read from disk in debug.

use std::borrow::Cow;

use axum::extract::{OriginalUri, Path};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::ErrorCode;
use platform::Error;
use rust_embed::{EmbeddedFile, RustEmbed};

/// Where the files are served.
pub const ROUTE: &str = "/assets/{*path}";

const FOR_A_YEAR: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_A_WEEK: HeaderValue = HeaderValue::from_static("public, max-age=604800");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// `GET /assets/{path}`: the file with its type and an ETag of its content. An address that carries the content's own
/// fingerprint, as [`url`] makes it, may be kept for a year; any other is asked for again, which costs a 304.
pub async fn serve(Path(path): Path<String>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let Some(file) = Files::get(&path) else {
        return Error::new(ErrorCode::NotFound, "there is no such file").into_response();
    };
    let fingerprint = fingerprint(&file);
    let fixed = uri.query().and_then(|query| query.strip_prefix("v=")) == Some(fingerprint.as_str());
    let tag = HeaderValue::from_str(&format!("\"{fingerprint}\"")).expect("hexadecimal digits between quotes");
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|seen| matches(seen, &tag));
    // A style sheet cannot name the font with its fingerprint, and the font hardly ever changes.
    let cache = match fixed {
        true => FOR_A_YEAR,
        false if path.starts_with("fonts/") => FOR_A_WEEK,
        false => ASK_AGAIN,
    };
    let common = [(header::ETAG, tag), (header::CACHE_CONTROL, cache)];
    if known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, media_type(&file))], body(file.data)).into_response()
}

/// The address of an asset with its fingerprint, `/assets/css/base.css?v=0a1b…`; `None` when there is no such file.
pub fn url(path: &str) -> Option<String> {
    let file = Files::get(path)?;
    Some(format!("/assets/{path}?v={}", fingerprint(&file)))
}

/// A proxy that compresses marks the tag weak; the content is the same.
fn matches(seen: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(seen), Ok(tag)) = (seen.to_str(), tag.to_str()) else { return false };
    seen.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

fn fingerprint(file: &EmbeddedFile) -> String {
    file.metadata.sha256_hash()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn media_type(file: &EmbeddedFile) -> HeaderValue {
    let plain = file.metadata.mimetype();
    let text = matches!(plain, "text/css" | "text/javascript" | "text/plain" | "application/javascript");
    let named = if text { format!("{plain}; charset=utf-8") } else { plain.to_owned() };
    HeaderValue::from_str(&named).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

fn body(data: Cow<'static, [u8]>) -> axum::body::Body {
    match data {
        Cow::Borrowed(bytes) => axum::body::Body::from(bytes),
        Cow::Owned(bytes) => axum::body::Body::from(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(address: &str, seen: Option<&str>) -> Response {
        let uri: axum::http::Uri = address.parse().unwrap();
        let path = uri.path().trim_start_matches("/assets/").to_owned();
        let mut headers = HeaderMap::new();
        if let Some(seen) = seen {
            headers.insert(header::IF_NONE_MATCH, seen.parse().unwrap());
        }
        serve(Path(path), OriginalUri(uri), headers).await
    }

    #[tokio::test]
    async fn a_fingerprinted_address_is_kept_and_any_other_is_asked_for_again() {
        let address = url("css/tokens.css").unwrap();
        let kept = get(&address, None).await;
        assert_eq!(kept.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert_eq!(kept.headers()[header::CACHE_CONTROL], FOR_A_YEAR);
        for stale in ["/assets/css/tokens.css", "/assets/css/tokens.css?v=0000000000000000"] {
            assert_eq!(get(stale, None).await.headers()[header::CACHE_CONTROL], ASK_AGAIN);
        }
    }

    #[tokio::test]
    async fn what_the_browser_has_is_not_sent_again() {
        let first = get("/assets/css/tokens.css", None).await;
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        for seen in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
            assert_eq!(get("/assets/css/tokens.css", Some(&seen)).await.status(), StatusCode::NOT_MODIFIED);
        }
        assert_eq!(get("/assets/css/tokens.css", Some("\"other\"")).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn only_assets_are_served() {
        for path in ["/assets/none.css", "/assets/../Cargo.toml", "/assets/css"] {
            assert_eq!(get(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
