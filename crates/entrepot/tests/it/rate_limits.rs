//! Who calls too often is told when to come back, and nobody else is.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream;
use kernel::Env;
use platform::auth::Role;
use platform::config::Config;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Caller, Server, new_database};

async fn server(config: Config) -> Server {
    Server::with(new_database().await, Env::system(), |settings| {
        *settings = Config { data_dir: settings.data_dir.clone(), ..config }
    })
    .await
}

/// How many of so many calls at once were refused, and the last refusal.
async fn storm(caller: &Caller, path: &str, calls: usize) -> (usize, Option<reqwest::Response>) {
    let answers: Vec<reqwest::Response> = stream::iter(0..calls)
        .map(|_| async { caller.request(Method::GET, path).send().await.unwrap() })
        .buffer_unordered(16)
        .collect()
        .await;
    let mut refused: Vec<_> = answers.into_iter().filter(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS).collect();
    (refused.len(), refused.pop())
}

/// As many as are above the burst, less what came back at one a second while the calls were made.
#[track_caller]
fn assert_refused(refused: usize, above: usize, started: Instant) {
    let regained = started.elapsed().as_secs() as usize + 1;
    assert!((above.saturating_sub(regained)..=above).contains(&refused), "{refused} refused, {regained} s");
}

// C051, C245
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_above_the_limit_gets_429_with_a_time_and_others_do_not() {
    let server = server(Config { rate_limit_per_second: 1, rate_limit_burst: 20, ..Config::default() }).await;
    let (one, two) = (server.as_role(Role::Staff).await, server.as_role(Role::Staff).await);
    let started = Instant::now();
    let (refused, last) = storm(&one, "/api/v1/auth/verify", 60).await;
    assert_refused(refused, 40, started);
    let last = last.unwrap();
    let headers = last.headers().clone();
    let whole = |name: &str| headers[name].to_str().unwrap().parse::<u32>().unwrap();
    assert_eq!((whole("retry-after"), whole("ratelimit-reset")), (1, 1));
    assert_eq!((whole("ratelimit-limit"), whole("ratelimit-remaining")), (20, 0));
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(last.json::<serde_json::Value>().await.unwrap()["code"], "TOO_MANY_REQUESTS");
    // Another user of the same tenant and address, the operators' listener, probes.
    two.get("/api/v1/auth/verify").await.expect(200);
    let ops = Caller { url: server.ops_url.clone(), ..one.clone() };
    assert_eq!(storm(&ops, "/api/v1/auth/verify", 60).await.0, 0);
    assert_eq!(storm(&one, "/api/health/live", 200).await.0, 0);
    assert_eq!(storm(&server.anonymous(), "/api/health", 200).await.0, 0);
    // GraphQL counts as one call, whatever it asks; it is the same budget.
    let several = json!({ "query": "{ a: __typename b: __typename c: __typename }" });
    let started = Instant::now();
    let mut refused = 0;
    storm(&one, "/api/v1/auth/verify", 30).await;
    for _ in 0..10 {
        refused += usize::from(one.post("/graphql", &several).await.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused > 0 || started.elapsed().as_secs() >= 9, "{refused}");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    one.get("/api/v1/auth/verify").await.expect(200);
}

// C245
#[tokio::test(flavor = "multi_thread")]
async fn switched_off_nobody_is_refused() {
    let off = Config { enable_rate_limiting: false, rate_limit_burst: 5, anonymous_limit_burst: 5, ..Config::default() };
    let server = server(off).await;
    assert_eq!(storm(&server.as_role(Role::Staff).await, "/api/v1/auth/verify", 100).await.0, 0);
    assert_eq!(storm(&server.anonymous(), "/api/v1/version", 100).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_counted_by_address_whatever_they_send() {
    let server = server(Config { anonymous_limit_per_second: 1, anonymous_limit_burst: 20, ..Config::default() }).await;
    let signed_in = server.as_role(Role::Staff).await;
    // Open routes, unknown addresses, forged tokens and refused pages draw on one budget.
    let forged = server.caller(Some("ent_acme_forged".into()));
    let (mut refused, started) = (0, Instant::now());
    for path in ["/api/v1/version", "/nothing/here", "/api/v1/auth/verify", "/items"] {
        refused += storm(&forged, path, 15).await.0;
    }
    assert_refused(refused, 40, started);
    signed_in.get("/api/v1/auth/verify").await.expect(200);
    assert_eq!(storm(&server.anonymous(), "/assets/css/base.css", 60).await.0, 0, "files are not counted");
    // A stranger's X-Forwarded-For makes no new address.
    let mut last = StatusCode::OK;
    for _ in 0..40 {
        let claimed = server.anonymous().request(Method::GET, "/api/v1/version").header("x-forwarded-for", "198.51.100.7");
        last = claimed.send().await.unwrap().status();
        if last == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_access_tokens_and_calls_from_other_sites_are_counted_too() {
    let few = Config { anonymous_limit_per_second: 1, anonymous_limit_burst: 5, ..Config::default() };
    let server = server(few.clone()).await;
    let (forged, started) = (server.caller(Some("e30.e30.e30".into())), Instant::now());
    assert_refused(storm(&forged, "/api/v1/auth/verify", 30).await.0, 25, started);
    let server = self::server(few).await;
    let mut last = StatusCode::OK;
    for _ in 0..30 {
        let abroad = server.anonymous().request(Method::POST, "/api/v1/auth/logout").header("origin", "https://evil.example");
        last = abroad.header("cookie", "entrepot_session=ses_x").send().await.unwrap().status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_of_the_password_are_limited_by_user() {
    let server = server(Config { sign_in_limit_per_minute: 3, ..Config::default() }).await;
    let (one, two) = (server.as_role(Role::Staff).await, server.as_role(Role::Staff).await);
    let attempt = async |caller: &Caller| caller.post("/api/v1/auth/totp/setup", &json!({ "current_password": "wrong" })).await;
    for _ in 0..3 {
        assert_ne!(attempt(&one).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(attempt(&one).await.status, StatusCode::TOO_MANY_REQUESTS);
    let confirm = one.post("/api/v1/auth/totp/confirm", &json!({ "code": "123456" })).await;
    assert_eq!(confirm.status, StatusCode::TOO_MANY_REQUESTS, "a code is a proof as well");
    assert_ne!(attempt(&two).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_speaks_for_its_clients() {
    let config = Config {
        anonymous_limit_per_second: 1,
        anonymous_limit_burst: 5,
        trusted_proxies: vec!["127.0.0.0/8".into()],
        ..Config::default()
    };
    let server = server(config).await;
    let call = async |client: &str| {
        let request = server.anonymous().request(Method::GET, "/api/v1/version").header("x-forwarded-for", client);
        request.send().await.unwrap().status()
    };
    let mut last = StatusCode::OK;
    for _ in 0..60 {
        last = call("203.0.113.1, 198.51.100.7").await;
        if last == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(call("203.0.113.1, 198.51.100.8").await, StatusCode::OK, "another client of the proxy");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_are_limited_by_account_and_address_beside_the_lock() {
    let server = server(Config { sign_in_limit_per_minute: 3, ..Config::default() }).await;
    server.as_role(Role::Admin).await;
    let attempt =
        async |email: &str| server.anonymous().post("/api/v1/auth/login", &json!({ "email": email, "password": "wrong" })).await;
    for _ in 0..3 {
        attempt("Nobody@acme.example").await.expect(401);
    }
    let refused = attempt("nobody@acme.example").await;
    assert_eq!((refused.status.as_u16(), refused.code()), (429, "TOO_MANY_REQUESTS"));
    attempt("else@acme.example").await.expect(401);
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let doctor = |name: &str, value: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_entrepot"));
        let output = command.args(["doctor", "--data-dir", "/nonexistent"]).current_dir("/").env(name, value).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    for (name, value, setting) in [
        ("ENABLE_RATE_LIMITING", "perhaps", "enable_rate_limiting"),
        ("ENTREPOT_RATE_LIMIT_BURST", "0", "rate_limit_burst"),
        ("ENTREPOT_STREAMS", "0", "streams"),
        ("ENTREPOT_TRUSTED_PROXIES", "[10.0.0.0/99]", "trusted_proxies"),
    ] {
        let said = doctor(name, value);
        assert!(said.contains(setting), "{name}: {said}");
    }
    let said = doctor("ENTREPOT_TRUSTED_PROXIES", "[10.0.0.0/8, 2001:db8::1]");
    assert!(!said.contains("trusted_proxies"), "{said}");
}
