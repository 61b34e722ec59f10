//! Sign-in, lock-out, tokens, roles.

use platform::auth::Role;
use serde_json::{Value, json};

use crate::harness::{Caller, Server, text};

const PASSWORD: &str = "correct horse battery";

async fn with_user(role: &str) -> (Server, Caller) {
    let server = Server::start().await;
    let admin = server.as_role(Role::SuperAdmin).await;
    let user = json!({ "email": "Ann@Acme.example", "name": "Ann", "role": role, "password": PASSWORD });
    admin.post("/api/v1/users", &user).await.expect(201);
    (server, admin)
}

async fn login(server: &Server, password: &str) -> crate::harness::Answer {
    server.anonymous().post("/api/v1/auth/login", &json!({ "email": "ann@acme.example", "password": password })).await
}

// C032 C041
#[tokio::test(flavor = "multi_thread")]
async fn signing_in_gives_a_token_that_verifies() {
    let (server, _) = with_user("STAFF").await;
    let answer = login(&server, PASSWORD).await.expect(200);
    assert_eq!(answer["token_type"], "Bearer");
    let caller = server.caller(Some(text(&answer["token"])));
    let who = caller.get("/api/v1/auth/verify").await.expect(200);
    assert_eq!(who["user"]["email"], "ann@acme.example");
    assert_eq!(who["roles"], json!(["STAFF"]));
    assert!(!who["exp"].is_null());
    let problem = server.anonymous().get("/api/v1/auth/verify").await;
    assert_eq!((problem.status.as_u16(), problem.code()), (401, "SIGN_IN_REQUIRED"));
    caller.post("/api/v1/auth/logout", &Value::Null).await;
    assert_eq!(caller.get("/api/v1/auth/verify").await.status, 401, "signed out at once");
}

// C041
#[tokio::test(flavor = "multi_thread")]
async fn too_many_wrong_passwords_lock_the_account() {
    let (server, _) = with_user("STAFF").await;
    for attempt in 0..5 {
        let wrong = login(&server, "wrong").await;
        assert_eq!(wrong.status, 401, "attempt {attempt}: {:#}", wrong.body);
    }
    let locked = login(&server, PASSWORD).await;
    assert_eq!((locked.status.as_u16(), locked.code()), (401, "ACCOUNT_LOCKED"), "the right password does not help now");
    let unknown =
        server.anonymous().post("/api/v1/auth/login", &json!({ "email": "nobody@acme.example", "password": "x" })).await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (401, "WRONG_CREDENTIALS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_refused_at_once() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let made = admin.post("/api/v1/tokens", &json!({ "name": "scanner", "role": "STAFF" })).await.expect(201);
    let secret = ["secret", "token"].iter().find_map(|key| made[*key].as_str()).unwrap().to_owned();
    let id = ["id", "token_id", "credential_id"]
        .iter()
        .find_map(|key| made[*key].as_str())
        .or_else(|| made["token"]["id"].as_str())
        .unwrap()
        .to_owned();
    let scanner = server.caller(Some(secret.clone()));
    scanner.get("/api/v1/inventory/items").await.expect(200);
    let listed = admin.get("/api/v1/tokens").await.expect(200);
    assert!(!listed.to_string().contains(&secret), "the secret is shown once only");
    let revoked = admin.send(admin.request(reqwest::Method::DELETE, &format!("/api/v1/tokens/{id}"))).await;
    assert!(revoked.status.is_success(), "{:#}", revoked.body);
    assert_eq!(scanner.get("/api/v1/inventory/items").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_grants_more_than_they_hold() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = |role: &str| json!({ "email": format!("{}@acme.example", role.to_lowercase()), "name": role, "role": role, "password": PASSWORD });
    admin.post("/api/v1/users", &user("ADMIN")).await.expect(201);
    let above = admin.post("/api/v1/users", &user("SUPER_ADMIN")).await;
    assert_eq!(above.status, 403, "{:#}", above.body);
    let above = admin.post("/api/v1/tokens", &json!({ "name": "root", "role": "SUPER_ADMIN" })).await;
    assert_eq!(above.status, 403, "{:#}", above.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_users_are_refused_field_by_field() {
    let (_server, admin) = with_user("STAFF").await;
    let answer = admin
        .post("/api/v1/users", &json!({ "email": "not an address", "name": "", "role": "STAFF", "password": "short" }))
        .await;
    assert_eq!(answer.status, 422);
    let fields: Vec<_> = answer.body["errors"].as_array().unwrap().iter().map(|error| text(&error["field"])).collect();
    for field in ["email", "name", "password"] {
        assert!(fields.contains(&field.to_owned()), "{fields:?}");
    }
    let twice = admin
        .post("/api/v1/users", &json!({ "email": "ANN@acme.example", "name": "Ann", "role": "STAFF", "password": PASSWORD }))
        .await;
    assert_eq!((twice.status.as_u16(), twice.code()), (409, "ALREADY_EXISTS"));
}

// C040
#[tokio::test(flavor = "multi_thread")]
async fn every_change_leaves_an_audit_line() {
    let (server, admin) = with_user("STAFF").await;
    let request = admin
        .request(reqwest::Method::POST, "/api/v1/inventory/items")
        .header("x-request-id", "req-77")
        .json(&json!({ "code": "A", "name": "Thing" }));
    admin.send(request).await.expect(201);
    admin.patch("/api/v1/inventory/items/A", &json!({ "version": 1, "name": "Better thing" })).await.expect(200);
    let lines = admin.get("/api/v1/audit?action=item.").await.expect(200);
    let lines = lines["items"].as_array().unwrap();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    let (update, create) = (&lines[0], &lines[1]);
    assert_eq!(create["request_id"], "req-77");
    assert!(create["before"].is_null());
    assert_eq!((&update["before"]["name"], &update["after"]["name"]), (&json!("Thing"), &json!("Better thing")));
    assert!(!create["actor_name"].as_str().unwrap().is_empty());
    let staff = server.as_role(Role::Staff).await;
    assert_eq!(staff.get("/api/v1/audit").await.status, 403);
    let all = admin.get("/api/v1/audit?limit=500").await.expect(200).to_string();
    assert!(!all.contains(PASSWORD) && !all.contains("argon2"), "no secret reaches the audit");
}
