//! One-time codes and recovery codes: set up, asked for, used once, counted, and taken away by an administrator.

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Env;
use platform::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};
use sha1::Sha1;
use sqlx::Row as _;

use crate::harness::{Answer, Caller, Server, text};
use crate::sign_in::{PASSWORD, login, standing, with_token};

/// RFC 6238 by hand, so that nothing of the product judges itself.
pub fn code(base32: &str, at: DateTime<Utc>) -> String {
    let mut bits = String::new();
    for c in base32.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            _ => c - b'2' + 26,
        };
        bits.push_str(&format!("{value:05b}"));
    }
    let secret: Vec<u8> =
        bits.as_bytes().chunks_exact(8).map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap()).collect();
    let mac: Hmac<Sha1> = Hmac::new_from_slice(&secret).unwrap();
    let mac = mac.chain_update((at.timestamp() as u64 / 30).to_be_bytes()).finalize().into_bytes();
    let offset = usize::from(mac[19] & 15);
    let number = u32::from_be_bytes([mac[offset] & 0x7f, mac[offset + 1], mac[offset + 2], mac[offset + 3]]);
    format!("{:06}", number % 1_000_000)
}

fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn sign_in(server: &Server, more: Value) -> Answer {
    let mut credentials = json!({ "email": "ann@acme.example", "password": PASSWORD });
    credentials.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.anonymous().post("/api/v1/auth/login", &credentials).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{:#}", answer.body);
}

/// Somebody signed in who has a second factor: secret and recovery codes.
async fn enabled() -> (Server, Env, Caller, String, Vec<String>) {
    let (server, env) = standing(|_| {}).await;
    let ann = with_token(&server, &login(&server).await);
    let setup = ann.post("/api/v1/auth/totp/setup", &json!({ "current_password": PASSWORD })).await.expect(200);
    let secret = text(&setup["secret"]);
    let confirmed = ann.post("/api/v1/auth/totp/confirm", &json!({ "code": code(&secret, env.now()) })).await.expect(200);
    let codes = confirmed["recovery_codes"].as_array().unwrap().iter().map(text).collect();
    (server, env, ann, secret, codes)
}

#[test]
fn the_tests_own_codes_are_those_of_the_standard() {
    let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
    assert_eq!(code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", at(59)), "287082");
    assert_eq!(code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", at(1_111_111_109)), "081804");
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_needs_the_password_and_a_code() {
    let (server, env) = standing(|_| {}).await;
    let ann = with_token(&server, &login(&server).await);
    let state = ann.get("/api/v1/auth/totp").await.expect(200);
    assert_eq!(state, json!({ "is_enabled": false, "enabled_at": null, "is_pending": false, "recovery_codes_left": 0 }));
    refused(&ann.post("/api/v1/auth/totp/confirm", &json!({ "code": "123456" })).await, 409, "CONFLICT");
    let bad = ann.post("/api/v1/auth/totp/setup", &json!({ "current_password": "wrong" })).await;
    assert_eq!((bad.status.as_u16(), &bad.body["errors"][0]["field"]), (422, &json!("current_password")));
    let setup = async || ann.post("/api/v1/auth/totp/setup", &json!({ "current_password": PASSWORD })).await.expect(200);
    let first = setup().await;
    let second = setup().await;
    assert_ne!(first["secret"], second["secret"]);
    let secret = text(&second["secret"]);
    assert!(
        text(&second["uri"]).contains(&format!("secret={secret}"))
            && text(&second["qr"]).starts_with("data:image/svg+xml;base64,")
    );
    sign_in(&server, json!({})).await.expect(200);
    for bad in [wrong(&code(&secret, env.now())), code(&text(&first["secret"]), env.now()), String::new(), "x".repeat(10_000)] {
        let refusal = ann.post("/api/v1/auth/totp/confirm", &json!({ "code": bad })).await;
        assert_eq!((refusal.status.as_u16(), &refusal.body["errors"][0]["field"]), (422, &json!("code")));
    }
    let confirmed = ann.post("/api/v1/auth/totp/confirm", &json!({ "code": code(&secret, env.now()) })).await.expect(200);
    assert_eq!(confirmed["recovery_codes"].as_array().unwrap().len(), 10);
    let state = ann.get("/api/v1/auth/totp").await.expect(200);
    assert_eq!((&state["is_enabled"], &state["recovery_codes_left"]), (&json!(true), &json!(10)));
    refused(&ann.post("/api/v1/auth/totp/setup", &json!({ "current_password": PASSWORD })).await, 409, "CONFLICT");
    let machine = server.admin().await;
    refused(&machine.post("/api/v1/auth/totp/setup", &json!({ "current_password": PASSWORD })).await, 409, "CONFLICT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_waited_too_long_is_turned_on_by_nobody() {
    let (server, env) = standing(|_| {}).await;
    let ann = with_token(&server, &login(&server).await);
    let setup = ann.post("/api/v1/auth/totp/setup", &json!({ "current_password": PASSWORD })).await.expect(200);
    env.advance(TimeDelta::minutes(15));
    let ann = with_token(&server, &login(&server).await);
    assert_eq!(ann.get("/api/v1/auth/totp").await.expect(200)["is_pending"], json!(false));
    let late = json!({ "code": code(&text(&setup["secret"]), env.now()) });
    refused(&ann.post("/api/v1/auth/totp/confirm", &late).await, 409, "CONFLICT");
    let setup = ann.post("/api/v1/auth/totp/setup", &json!({ "current_password": PASSWORD })).await.expect(200);
    let now = json!({ "code": code(&text(&setup["secret"]), env.now()) });
    ann.post("/api/v1/auth/totp/confirm", &now).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_asks_for_a_code_that_works_once() {
    let (server, env, _, secret, codes) = enabled().await;
    refused(&sign_in(&server, json!({})).await, 401, "SECOND_FACTOR_REQUIRED");
    let bad = server.anonymous().post("/api/v1/auth/login", &json!({ "email": "ann@acme.example", "password": "wrong" })).await;
    refused(&bad, 401, "WRONG_CREDENTIALS");
    let used = code(&secret, env.now());
    refused(&sign_in(&server, json!({ "code": used })).await, 401, "SECOND_FACTOR_WRONG");
    env.advance(TimeDelta::seconds(30));
    let now = code(&secret, env.now());
    let signed_in = sign_in(&server, json!({ "code": now })).await.expect(200);
    with_token(&server, &signed_in).get("/api/v1/auth/verify").await.expect(200);
    refused(&sign_in(&server, json!({ "code": now })).await, 401, "SECOND_FACTOR_WRONG");
    env.advance(TimeDelta::seconds(90));
    let early = code(&secret, env.now() - TimeDelta::seconds(30));
    sign_in(&server, json!({ "code": early })).await.expect(200);
    let late = code(&secret, env.now() - TimeDelta::seconds(60));
    refused(&sign_in(&server, json!({ "code": late })).await, 401, "SECOND_FACTOR_WRONG");

    let shouted = codes[0].to_uppercase().replace('-', " ");
    sign_in(&server, json!({ "recovery_code": shouted })).await.expect(200);
    refused(&sign_in(&server, json!({ "recovery_code": codes[0] })).await, 401, "SECOND_FACTOR_WRONG");
    sign_in(&server, json!({ "recovery_code": codes[1] })).await.expect(200);
    let both = sign_in(&server, json!({ "code": "123456", "recovery_code": codes[2] })).await;
    assert_eq!((both.status.as_u16(), &both.body["errors"][0]["field"]), (422, &json!("recovery_code")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_code_at_once_opens_one_session() {
    let (server, env, _, secret, codes) = enabled().await;
    env.advance(TimeDelta::seconds(30));
    for more in [json!({ "code": code(&secret, env.now()) }), json!({ "recovery_code": codes[0] })] {
        let (a, b, c) =
            tokio::join!(sign_in(&server, more.clone()), sign_in(&server, more.clone()), sign_in(&server, more.clone()));
        assert_eq!([a, b, c].iter().filter(|answer| answer.status == 200).count(), 1, "{more}");
        env.advance(TimeDelta::minutes(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_the_code_lock_the_account_although_the_password_is_right() {
    let (server, env, _, secret, codes) = enabled().await;
    env.advance(TimeDelta::seconds(30));
    for _ in 0..5 {
        refused(&sign_in(&server, json!({})).await, 401, "SECOND_FACTOR_REQUIRED");
        refused(&sign_in(&server, json!({ "code": wrong(&code(&secret, env.now())) })).await, 401, "SECOND_FACTOR_WRONG");
    }
    refused(&sign_in(&server, json!({ "code": code(&secret, env.now()) })).await, 401, "ACCOUNT_LOCKED");
    refused(&sign_in(&server, json!({ "recovery_code": codes[0] })).await, 401, "ACCOUNT_LOCKED");
    env.advance(TimeDelta::minutes(15));
    sign_in(&server, json!({ "code": code(&secret, env.now()) })).await.expect(200);
    let audit = server.admin().await.get("/api/v1/audit?entity=user&limit=500").await.expect(200);
    let count = |action: &str| audit["items"].as_array().unwrap().iter().filter(|line| line["action"] == json!(action)).count();
    assert_eq!((count("user.second_factor_failed"), count("user.locked"), count("user.second_factor_enabled")), (4, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_turned_off_with_password_and_code_or_by_an_administrator() {
    let (server, env, ann, secret, codes) = enabled().await;
    env.advance(TimeDelta::seconds(30));
    let off = async |body: Value| ann.post("/api/v1/auth/totp/disable", &body).await;
    let field = |answer: &Answer| (answer.status.as_u16(), text(&answer.body["errors"][0]["field"]));
    assert_eq!(field(&off(json!({ "password": PASSWORD })).await), (422, "code".into()));
    assert_eq!(field(&off(json!({ "password": "wrong", "recovery_code": codes[0] })).await), (422, "password".into()));
    let bad = wrong(&code(&secret, env.now()));
    assert_eq!(field(&off(json!({ "password": PASSWORD, "code": bad })).await), (422, "code".into()));
    assert_eq!(off(json!({ "password": PASSWORD, "code": code(&secret, env.now()) })).await.status, 204);
    sign_in(&server, json!({})).await.expect(200);
    refused(&off(json!({ "password": PASSWORD, "recovery_code": codes[0] })).await, 409, "CONFLICT");

    let setup = ann.post("/api/v1/auth/totp/setup", &json!({ "current_password": PASSWORD })).await.expect(200);
    let again = json!({ "code": code(&text(&setup["secret"]), env.now()) });
    ann.post("/api/v1/auth/totp/confirm", &again).await.expect(200);
    refused(&sign_in(&server, json!({ "recovery_code": codes[0] })).await, 401, "SECOND_FACTOR_WRONG");
    let admin = server.admin().await;
    assert_eq!(admin.get("/api/v1/users/ann@acme.example").await.expect(200)["has_second_factor"], json!(true));
    let path = "/api/v1/users/ann@acme.example/second-factor";
    let reset = async |caller: &Caller| caller.send(caller.request(Method::DELETE, path)).await;
    assert_eq!(reset(&server.as_role(Role::Staff).await).await.status, 403);
    let foreign = server.caller(Some(server.token("rival", Role::SuperAdmin).await));
    assert_eq!(reset(&foreign).await.status, 404);
    assert_eq!(reset(&admin).await.status, 204);
    assert_eq!(reset(&admin).await.status, 204, "what is gone may go again");
    sign_in(&server, json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_the_secret_nor_a_code_is_readable_in_the_database() {
    let (server, _, _, secret, codes) = enabled().await;
    let raw = base32_hex(&secret);
    let rows: String = sqlx::query(
        "SELECT concat((SELECT string_agg(f::text, ' ') FROM identity.second_factors f), (SELECT string_agg(r::text, ' ') FROM identity.recovery_codes r),
                       (SELECT string_agg(a::text, ' ') FROM platform.audit a), (SELECT string_agg(o::text, ' ') FROM platform.outbox o))",
    )
    .fetch_one(&mut server.sql().await)
    .await
    .unwrap()
    .get(0);
    assert!(rows.contains("user.second_factor_enabled"), "the rows are read");
    assert!(!rows.contains(&secret) && !rows.contains(&raw));
    assert!(codes.iter().all(|code| !rows.contains(code.as_str()) && !rows.contains(&code.replace('-', ""))));
}

fn base32_hex(text: &str) -> String {
    let bits: String =
        text.bytes().map(|c| format!("{:05b}", if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 })).collect();
    bits.as_bytes()
        .chunks_exact(8)
        .map(|byte| format!("{:02x}", u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap()))
        .collect()
}
