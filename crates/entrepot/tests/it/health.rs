//! Health, version, metrics and headers, as probes and people see them.

use serde_json::{Value, json};
use sqlx::Executor as _;

use crate::harness::Server;

// C002 C004 C016 C021 C022 C029 C036
#[tokio::test(flavor = "multi_thread")]
async fn the_simple_views_say_up() {
    let server = Server::start().await;
    for path in ["/health", "/api/health", "/api/health/live", "/api/health/ready", "/api/v1/health", "/actuator/health"] {
        for url in [&server.url, &server.ops_url] {
            let response = server.client.get(format!("{url}{path}")).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(response.text().await.unwrap(), r#"{"status":"UP"}"#, "{path}");
        }
    }
}

// C001
#[tokio::test(flavor = "multi_thread")]
async fn details_are_for_operators() {
    let server = Server::start().await;
    let get = async |url: String| -> Value { server.client.get(url).send().await.unwrap().json().await.unwrap() };
    let ops = get(format!("{}/api/health/comprehensive", server.ops_url)).await;
    let memory = &ops["performance"]["memory"];
    for key in ["rss_bytes", "heap_bytes", "limit_bytes"] {
        assert!(memory[key].as_u64().unwrap() > 1_000_000, "{key}: {memory}");
    }
    assert!(memory["percent"].as_f64().unwrap() > 0.0);
    assert!(ops["performance"]["database"]["pool"]["max"].as_u64().unwrap() > 0);
    assert_eq!(ops["version"], env!("CARGO_PKG_VERSION"));
    assert!(ops["uptime_seconds"].is_u64());
    assert!(ops["checks"].as_array().unwrap().iter().all(|check| check["message"].is_string()));

    let anonymous = get(format!("{}/api/health/comprehensive", server.url)).await;
    assert!(anonymous["performance"].is_null());
    assert!(
        anonymous["checks"].as_array().unwrap().iter().all(|check| check["message"].is_null() && check["state"] == "UP"),
        "{anonymous:#}"
    );

    let admin = server.admin().await.get("/api/health/comprehensive").await.expect(200);
    assert!(admin["performance"].is_object());
    let viewer = server.as_role(platform::auth::Role::Viewer).await.get("/api/health/comprehensive").await.expect(200);
    assert!(viewer["performance"].is_null());
}

// C003
#[tokio::test(flavor = "multi_thread")]
async fn readiness_ends_when_draining_or_when_the_schema_is_behind() {
    let server = Server::start().await;
    let probe = async || server.anonymous().get("/api/health/ready").await.status.as_u16();
    assert_eq!(probe().await, 200);
    server.app.lifecycle.drain();
    assert_eq!(probe().await, 503);
    assert_eq!(server.anonymous().get("/api/health/live").await.status, 200, "a draining process lives");

    let behind = Server::start().await;
    behind
        .sql()
        .await
        .execute("DELETE FROM public._sqlx_migrations WHERE version = (SELECT max(version) FROM public._sqlx_migrations)")
        .await
        .unwrap();
    let answer = behind.anonymous().get("/api/health/ready").await;
    assert_eq!(answer.status, 503);
}

// C030 C031
#[tokio::test(flavor = "multi_thread")]
async fn the_database_view_tells_of_primary_and_replica() {
    let server = Server::start().await;
    let body = server.anonymous().get("/health/database").await.expect(200);
    assert_eq!(body["status"], "UP");
    assert_eq!(body["read_replica"], json!({ "configured": false, "status": "NOT_CONFIGURED", "lag_seconds": null }));
    assert_eq!(server.anonymous().get("/actuator/health/db").await.expect(200), json!({ "status": "UP" }));
    assert_eq!(server.anonymous().get("/actuator/health/nonsense").await.status, 404);
}

// C005
#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_page_for_people() {
    let server = Server::start().await;
    let response = server.client.get(format!("{}/health.html", server.url)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(response.text().await.unwrap().contains("All systems work"));
}

// C026 C062 C064 C094 C099
#[tokio::test(flavor = "multi_thread")]
async fn version_and_history_agree() {
    let server = Server::start().await;
    let version = server.anonymous().get("/api/v1/version").await.expect(200);
    let mut sql = server.sql().await;
    let newest: (String, String) =
        sqlx::query_as("SELECT version, description FROM schema_version ORDER BY installed_rank DESC LIMIT 1")
            .fetch_one(&mut sql)
            .await
            .unwrap();
    assert_eq!(version["schema_version"], newest.0);
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert!(version["git_commit"].as_str().unwrap().len() >= 7);
    assert!(version["build_time"].as_str().unwrap().starts_with("20"));
    let by_time: String =
        sqlx::query_scalar("SELECT version FROM _migrations ORDER BY applied_at DESC LIMIT 1").fetch_one(&mut sql).await.unwrap();
    assert_eq!(by_time, newest.0);
    sqlx::query("SELECT version, description, installed_on, success FROM schema_version ORDER BY installed_rank DESC LIMIT 5")
        .fetch_all(&mut sql)
        .await
        .unwrap();
    sqlx::query("SELECT query, mean_time, calls FROM pg_stat_statements ORDER BY mean_time DESC LIMIT 10")
        .fetch_all(&mut sql)
        .await
        .unwrap();
    let ours: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'entrepot/_%/_%' AND datname = current_database()",
    )
    .fetch_one(&mut sql)
    .await
    .unwrap();
    assert!(ours > 0, "the process names itself in pg_stat_activity");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_prometheus_text() {
    let server = Server::start().await;
    server.admin().await.get("/api/v1/inventory/items").await.expect(200);
    let response = server.client.get(format!("{}/metrics", server.ops_url)).send().await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let text = response.text().await.unwrap();
    for name in [
        "http_server_requests_total",
        "http_request_duration_seconds_bucket",
        "database_pool_connections",
        "process_resident_memory_bytes",
    ] {
        assert!(text.contains(name), "{name} is missing");
    }
    assert!(text.contains(r#"route="/api/v1/inventory/items""#), "routes are labelled by their pattern");
}

// C060
#[tokio::test(flavor = "multi_thread")]
async fn the_graphql_probe_needs_no_introspection() {
    let server = Server::start().await;
    let body = server.anonymous().post("/graphql", &json!({ "query": "{__typename}" })).await.expect(200);
    assert_eq!(body["data"]["__typename"], "Query");
}

// C049
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_hardened() {
    let server = Server::start().await;
    for path in ["/health", "/sign-in", "/api/v1/inventory/items", "/nothing/here", "/assets/nothing.css"] {
        let response = server.client.get(format!("{}{path}", server.url)).header("x-request-id", "abc-1").send().await.unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let policy = header("content-security-policy").expect(path);
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"), "{policy}");
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{path}");
        assert_eq!(header("x-request-id").as_deref(), Some("abc-1"), "{path}");
        for name in ["referrer-policy", "permissions-policy", "cache-control"] {
            assert!(header(name).is_some(), "{path} lacks {name}");
        }
        assert!(header("strict-transport-security").is_none(), "plain HTTP makes no promise of HTTPS");
    }
}

// C100
#[tokio::test(flavor = "multi_thread")]
async fn terminated_backends_cost_at_most_what_was_in_flight() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for _ in 0..5 {
        admin.get("/api/v1/inventory/items").await.expect(200);
        server.sql().await.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'entrepot/%' AND datname = current_database() AND pid <> pg_backend_pid()").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        // Writes find out before they do anything; they never fail for it.
        let code = uuid::Uuid::from_u128(u128::from(std::process::id()) + u128::from(rand::random::<u64>())).to_string();
        admin.post("/api/v1/inventory/items", &json!({ "code": code, "name": "survivor" })).await.expect(201);
        admin.get("/api/v1/inventory/items").await.expect(200);
    }
}
