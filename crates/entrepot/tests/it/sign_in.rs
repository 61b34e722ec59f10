//! Access and refresh tokens of programs: what they say, when they end, and what is done to whoever forges or repeats one.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Env;
use platform::Hidden;
use platform::auth::Role;
use platform::config::Config;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;

use crate::harness::{Answer, Caller, Server, eventually, new_database, text};

pub const PASSWORD: &str = "correct horse battery";
const SECRET: &str = "a signing secret of the tests, long enough";

pub fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_760_000_000, 0).unwrap()
}

/// A server whose clock stands still, with a user of the role STAFF.
pub async fn standing(configure: impl FnOnce(&mut Config)) -> (Server, Env) {
    let env = Env::fixed(noon(), 7);
    let server = Server::with(new_database().await, env.clone(), configure).await;
    add_user(&server, "STAFF").await;
    (server, env)
}

pub async fn add_user(server: &Server, role: &str) {
    let admin = server.as_role(Role::SuperAdmin).await;
    let user = json!({ "email": "ann@acme.example", "name": "Ann", "role": role, "password": PASSWORD });
    admin.post("/api/v1/users", &user).await.expect(201);
}

pub async fn login(server: &Server) -> Value {
    let credentials = json!({ "email": "ann@acme.example", "password": PASSWORD });
    server.anonymous().post("/api/v1/auth/login", &credentials).await.expect(200)
}

pub fn with_token(server: &Server, answer: &Value) -> Caller {
    server.caller(Some(text(&answer["token"])))
}

async fn refresh(server: &Server, answer: &Value) -> Answer {
    server.anonymous().post("/api/v1/auth/refresh", &json!({ "refresh_token": answer["refresh_token"] })).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{:#}", answer.body);
}

fn part(token: &str, n: usize) -> Value {
    let part = token.split('.').nth(n).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Made by hand, so that nothing of the product judges itself.
fn sign(header: &Value, claims: &Value, secret: &str) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let mac: Hmac<Sha256> = Hmac::new_from_slice(secret.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.chain_update(&message).finalize().into_bytes()))
}

fn with(base: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut changed = base.clone();
    changed[name] = value.into();
    changed
}

fn kid(secret: &str) -> String {
    Sha256::digest(secret).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

// C242
#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_says_who_and_for_how_long_and_nobody_else_makes_one() {
    let (server, _) = standing(|config| config.jwt_secret = Some(Hidden::from(SECRET.to_owned()))).await;
    let answer = login(&server).await;
    let token = text(&answer["token"]);
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(answer["expires_at"], json!(noon() + TimeDelta::minutes(15)));
    assert!(text(&answer["refresh_token"]).starts_with("ref_acme_"));
    let (header, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!(header, json!({ "typ": "JWT", "alg": "HS256", "kid": kid(SECRET) }));
    for (name, value) in [
        ("iss", json!("entrepot")),
        ("sub", answer["user"]["id"].clone()),
        ("tid", json!("acme")),
        ("role", json!("STAFF")),
        ("iat", json!(noon().timestamp())),
        ("exp", json!(noon().timestamp() + 900)),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert!(claims["sid"].is_string() && claims["jti"].is_string());
    let call = async |token: String| server.caller(Some(token)).get("/api/v1/auth/verify").await;
    call(sign(&header, &claims, SECRET)).await.expect(200);

    server.token("rival", Role::Viewer).await;
    let (message, signature) = token.rsplit_once('.').unwrap();
    let none = URL_SAFE_NO_PAD.encode(with(&header, "alg", "none").to_string());
    let body = message.split_once('.').unwrap().1;
    for forged in [
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{message}."),
        sign(&with(&header, "alg", "RS256"), &claims, SECRET),
        sign(&with(&header, "alg", "HS384"), &claims, SECRET),
        sign(&header, &claims, "a guess of the secret, which is not right"),
        sign(&with(&header, "kid", "0123456789abcdef"), &claims, SECRET),
        sign(&with(&header, "kid", kid("a guess")), &claims, "a guess"),
        sign(&header, &with(&claims, "tid", "rival"), SECRET),
        sign(&header, &with(&claims, "sid", uuid::Uuid::nil().to_string()), SECRET),
        sign(&header, &with(&claims, "sub", uuid::Uuid::nil().to_string()), SECRET),
        sign(&header, &with(&claims, "iss", "somebody"), SECRET),
    ] {
        refused(&call(forged).await, 401, "TOKEN_INVALID");
    }
    let altered = URL_SAFE_NO_PAD.encode(with(&claims, "role", "SUPER_ADMIN").to_string());
    let head = message.split_once('.').unwrap().0;
    refused(&call(format!("{head}.{altered}.{signature}")).await, 401, "TOKEN_INVALID");
    refused(&call(sign(&header, &with(&claims, "exp", noon().timestamp() - 1), SECRET)).await, 401, "TOKEN_EXPIRED");
    let raised = server.caller(Some(sign(&header, &with(&claims, "role", "SUPER_ADMIN"), SECRET)));
    assert_eq!(raised.get("/api/v1/users").await.status, 403, "the role is that of the user's row, whatever a token says");
}

// C242
#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_after_the_configured_milliseconds() {
    let (server, env) = standing(|config| config.jwt_expiration = 2_500).await;
    let answer = login(&server).await;
    let caller = with_token(&server, &answer);
    env.advance(TimeDelta::milliseconds(2_400));
    caller.get("/api/v1/auth/verify").await.expect(200);
    env.advance(TimeDelta::milliseconds(1_700));
    let ended = caller.request(Method::GET, "/api/v1/auth/verify").send().await.unwrap();
    assert_eq!(ended.headers()["www-authenticate"], r#"Bearer error="invalid_token""#);
    refused(&caller.get("/api/v1/auth/verify").await, 401, "TOKEN_EXPIRED");
    let next = refresh(&server, &answer).await.expect(200);
    with_token(&server, &next).get("/api/v1/auth/verify").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_works_once_and_a_thief_ends_the_session() {
    let (server, env) = standing(|_| {}).await;
    let first = login(&server).await;
    env.advance(TimeDelta::minutes(14));
    let second = refresh(&server, &first).await.expect(200);
    assert_ne!((&first["token"], &first["refresh_token"]), (&second["token"], &second["refresh_token"]));
    assert_eq!(part(&text(&first["token"]), 1)["sid"], part(&text(&second["token"]), 1)["sid"], "one session");
    env.advance(TimeDelta::minutes(14));
    let third = refresh(&server, &second).await.expect(200);
    let owner = with_token(&server, &third);
    owner.get("/api/v1/auth/verify").await.expect(200);

    refused(&refresh(&server, &first).await, 401, "REFRESH_REUSED");
    refused(&owner.get("/api/v1/auth/verify").await, 401, "TOKEN_INVALID");
    refused(&refresh(&server, &third).await, 401, "REFRESH_INVALID");
    refused(&refresh(&server, &first).await, 401, "REFRESH_INVALID");
    let audit = server.admin().await.get("/api/v1/audit?action=auth.refresh_reuse").await.expect(200);
    assert_eq!(audit["items"].as_array().unwrap().len(), 1);
    let stored: String = sqlx::query("SELECT coalesce(string_agg(t::text, ' '), '') || (SELECT string_agg(a::text, ' ') FROM platform.audit a) FROM identity.refresh_tokens t")
        .fetch_one(&mut server.sql().await)
        .await
        .unwrap()
        .get(0);
    for secret in [&first, &second, &third] {
        let secret = text(&secret["refresh_token"]);
        assert!(!stored.contains(&secret) && !stored.contains(&secret[9..]), "a refresh token is stored");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_given_again_and_there_is_never_a_second_pair() {
    let (server, env) = standing(|_| {}).await;
    let first = login(&server).await;
    let second = refresh(&server, &first).await.expect(200);
    env.advance(TimeDelta::seconds(9));
    let again = refresh(&server, &first).await.expect(200);
    for key in ["token", "refresh_token", "expires_at", "refresh_expires_at"] {
        assert_eq!(second[key], again[key], "{key}");
    }
    assert_eq!(again["expires_in"], json!(891));
    env.advance(TimeDelta::milliseconds(500));
    let third = refresh(&server, &again).await.expect(200);
    env.advance(TimeDelta::milliseconds(100));
    refused(&refresh(&server, &first).await, 401, "REFRESH_REUSED");
    refused(&refresh(&server, &third).await, 401, "REFRESH_INVALID");

    let first = login(&server).await;
    refresh(&server, &first).await.expect(200);
    env.advance(TimeDelta::milliseconds(10_001));
    refused(&refresh(&server, &first).await, 401, "REFRESH_REUSED");

    let idle = login(&server).await;
    env.advance(TimeDelta::days(30));
    refused(&refresh(&server, &idle).await, 401, "REFRESH_INVALID");
    for bad in [json!({}), json!({ "refresh_token": 7 }), json!({ "refresh_token": "x", "more": 1 })] {
        refused(&server.anonymous().post("/api/v1/auth/refresh", &bad).await, 422, "INVALID");
    }
    for bad in ["", "ref_acme_", "ref_rival_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &"x".repeat(50_000), "ref_\u{0}_x"] {
        refused(&refresh(&server, &json!({ "refresh_token": bad })).await, 401, "REFRESH_INVALID");
    }
    refused(&refresh(&server, &json!({ "refresh_token": "x".repeat(100_000) })).await, 413, "BODY_TOO_LARGE");
    let foreign = text(&idle["refresh_token"]).replace("acme", "rival");
    refused(&refresh(&server, &json!({ "refresh_token": foreign })).await, 401, "REFRESH_INVALID");
    let as_bearer = server.caller(Some(text(&idle["refresh_token"])));
    assert_eq!(as_bearer.get("/api/v1/auth/verify").await.status, 401, "it opens nothing by itself");
}

/// Twenty at once: with a clock that stands still none can say that it came later.
#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_refreshes_at_once_one_wins_and_the_session_goes_on() {
    let (server, env) = standing(|_| {}).await;
    for _ in 0..3 {
        let first = login(&server).await;
        let answers = twenty(&server, &first).await;
        let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1);
        for lost in answers.iter().filter(|answer| answer.status != 200) {
            refused(lost, 409, "REFRESH_CONCURRENT");
        }
        env.advance(TimeDelta::seconds(1));
        let next = refresh(&server, &won[0].body).await.expect(200);
        with_token(&server, &next).get("/api/v1/auth/verify").await.expect(200);
    }
}

/// By the machine's clock some come after the answer: they get the same one.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_refreshes_give_one_pair_by_any_clock() {
    let server = Server::start().await;
    add_user(&server, "STAFF").await;
    let first = login(&server).await;
    let answers = twenty(&server, &first).await;
    let mut pairs = std::collections::BTreeSet::new();
    for answer in &answers {
        match answer.status.as_u16() {
            200 => drop(pairs.insert((text(&answer.body["token"]), text(&answer.body["refresh_token"])))),
            _ => refused(answer, 409, "REFRESH_CONCURRENT"),
        }
    }
    assert_eq!(pairs.len(), 1);
    let unused: i64 = sqlx::query_scalar("SELECT count(*) FROM identity.refresh_tokens WHERE used_at IS NULL")
        .fetch_one(&mut server.sql().await)
        .await
        .unwrap();
    assert_eq!(unused, 1);
}

async fn twenty(server: &Server, first: &Value) -> Vec<Answer> {
    let tasks = (0..20).map(|_| {
        let (caller, body) = (server.anonymous(), json!({ "refresh_token": first["refresh_token"] }));
        tokio::spawn(async move { caller.post("/api/v1/auth/refresh", &body).await })
    });
    futures::future::join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_one_session_or_all() {
    let (server, _) = standing(|_| {}).await;
    let (one, two, three) = (login(&server).await, login(&server).await, login(&server).await);
    let [caller, other, third] = [&one, &two, &three].map(|answer| with_token(&server, answer));
    let listed = caller.get("/api/v1/auth/sessions?limit=2").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let rest = caller.get(&format!("/api/v1/auth/sessions?limit=2&cursor={}", text(&listed["next_cursor"]))).await.expect(200);
    let all: Vec<&Value> = [&listed, &rest].into_iter().flat_map(|page| page["items"].as_array().unwrap()).collect();
    assert_eq!(all.iter().filter(|session| session["is_current"] == json!(true)).count(), 1);
    assert_eq!((all.len(), &all[0]["kind"], &all[0]["address"]), (3, &json!("API"), &json!("127.0.0.0/24")));
    let queried = caller.graphql("{ sessions(first: 2) { items { sessionId kind } nextCursor } }").await;
    assert_eq!(queried["sessions"]["items"].as_array().unwrap().len(), 2);

    let third_id = text(&part(&text(&three["token"]), 1)["sid"]);
    let end =
        async |caller: &Caller| caller.send(caller.request(Method::DELETE, &format!("/api/v1/auth/sessions/{third_id}"))).await;
    let stranger = server.as_role(Role::SuperAdmin).await;
    assert_eq!(end(&stranger).await.status, 404, "somebody else's session does not exist");
    assert_eq!(end(&caller).await.status, 204);
    assert_eq!(end(&caller).await.status, 404);
    refused(&third.get("/api/v1/auth/verify").await, 401, "TOKEN_INVALID");
    refused(&refresh(&server, &three).await, 401, "REFRESH_INVALID");

    caller.post("/api/v1/auth/logout", &Value::Null).await;
    refused(&caller.get("/api/v1/auth/verify").await, 401, "TOKEN_INVALID");
    refused(&refresh(&server, &one).await, 401, "REFRESH_INVALID");
    other.get("/api/v1/auth/verify").await.expect(200);

    login(&server).await;
    let ended = other.post("/api/v1/auth/logout-all", &Value::Null).await.expect(200);
    assert_eq!(ended, json!({ "ended": 2 }));
    refused(&other.get("/api/v1/auth/verify").await, 401, "TOKEN_INVALID");
    refused(&refresh(&server, &two).await, 401, "REFRESH_INVALID");
    stranger.get("/api/v1/auth/verify").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deactivated_user_is_out_at_once_and_a_new_password_ends_the_others() {
    let (server, _) = standing(|_| {}).await;
    let (one, two) = (login(&server).await, login(&server).await);
    let change = json!({ "current_password": PASSWORD, "new_password": "another long passphrase" });
    let answer = with_token(&server, &one).post("/api/v1/auth/password", &change).await;
    assert_eq!(answer.status, 204, "{:#}", answer.body);
    with_token(&server, &one).get("/api/v1/auth/verify").await.expect(200);
    refused(&with_token(&server, &two).get("/api/v1/auth/verify").await, 401, "TOKEN_INVALID");
    refused(&refresh(&server, &two).await, 401, "REFRESH_INVALID");
    let admin = server.as_role(Role::SuperAdmin).await;
    admin.patch("/api/v1/users/ann@acme.example", &json!({ "version": 2, "is_active": false })).await.expect(200);
    refused(&with_token(&server, &one).get("/api/v1/auth/verify").await, 401, "TOKEN_INVALID");
    refused(&refresh(&server, &one).await, 401, "REFRESH_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_share_the_key_and_hear_of_each_others_revocations() {
    let options = new_database().await;
    let (a, b) = (Server::on(options.clone()).await, Server::on(options).await);
    add_user(&a, "STAFF").await;
    let one = login(&a).await;
    with_token(&b, &one).get("/api/v1/auth/verify").await.expect(200);
    let two = refresh(&b, &one).await.expect(200);
    with_token(&a, &two).get("/api/v1/auth/verify").await.expect(200);
    with_token(&a, &two).post("/api/v1/auth/logout", &Value::Null).await;
    assert_eq!(with_token(&a, &two).get("/api/v1/auth/verify").await.status, 401);
    eventually(Duration::from_secs(5), "the other node heard of it", async || {
        with_token(&b, &two).get("/api/v1/auth/verify").await.status == 401
    })
    .await;
}

// C199 C242
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_secrets_is_taken_up_while_the_server_runs() {
    let file = std::env::temp_dir().join(format!("entrepot-secrets-{}", std::process::id()));
    let (old, new) = ("the first secret, which is long enough", "the second secret, which is long enough");
    std::fs::write(&file, old).unwrap();
    let path = file.clone();
    let (server, _) = standing(|config| config.jwt_secret_file = Some(path)).await;
    let before = login(&server).await;
    assert_eq!(part(&text(&before["token"]), 0)["kid"], json!(kid(old)));
    let signs_with = async |secret: &str| part(&text(&login(&server).await["token"]), 0)["kid"] == json!(kid(secret));

    std::fs::write(&file, format!("{new}\n{old}\n")).unwrap();
    eventually(Duration::from_secs(10), "the first line signs", async || signs_with(new).await).await;
    with_token(&server, &before).get("/api/v1/auth/verify").await.expect(200);
    std::fs::write(&file, "too short").unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(signs_with(new).await, "a file that cannot be used changes nothing");
    std::fs::write(&file, new).unwrap();
    eventually(Duration::from_secs(10), "the old secret is out", async || {
        with_token(&server, &before).get("/api/v1/auth/verify").await.code() == "TOKEN_INVALID"
    })
    .await;
    let next = refresh(&server, &before).await.expect(200);
    with_token(&server, &next).get("/api/v1/auth/verify").await.expect(200);
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_of_the_release_before_holds_until_it_ends() {
    let (server, env) = standing(|_| {}).await;
    let token = format!("acc_acme_{}", "A".repeat(43));
    sqlx::query(
        "INSERT INTO identity.credentials (tenant_id, credential_id, user_id, kind, name, role, secret_sha256, created_at, expires_at)
         SELECT tenant_id, gen_random_uuid(), user_id, 'ACCESS', 'access token', role, sha256(convert_to($1, 'UTF8')), $2, $2 + interval '1 hour'
         FROM identity.users WHERE email = 'ann@acme.example'",
    )
    .bind(&token)
    .bind(noon())
    .execute(&mut server.sql().await)
    .await
    .unwrap();
    let caller = server.caller(Some(token));
    caller.get("/api/v1/auth/verify").await.expect(200);
    env.advance(TimeDelta::minutes(61));
    refused(&caller.get("/api/v1/auth/verify").await, 401, "SIGN_IN_REQUIRED");
}
