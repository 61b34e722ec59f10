//! The route table: nothing is open that is not declared open, and every role may do exactly what is declared.

use std::collections::BTreeSet;

use entrepot::wiring;
use platform::auth::Role;
use platform::http::{Access, RouteInfo};
use reqwest::StatusCode;
use uuid::Uuid;

use crate::harness::{Answer, Caller, Server};

/// Everything that answers anonymous callers, and why that is right.
const OPEN: [&str; 22] = [
    "GET /actuator/health",              // states only
    "GET /actuator/health/{component}",  // states only
    "GET /api/health",                   // states only
    "GET /api/health/comprehensive",     // states only, details for operators
    "GET /api/health/live",              // states only
    "GET /api/health/ready",             // states only
    "GET /api/v1/health",                // states only
    "GET /api/v1/version",               // version
    "GET /api/wms/optimization/metrics", // 401 without a token on a public listener
    "GET /assets/{*path}",               // style sheets and scripts
    "GET /health",                       // states only
    "GET /health.html",                  // states only
    "GET /health/database",              // states only, details for operators
    "GET /metrics",                      // 401 without a token on a public listener
    "GET /setup",                        // first start, with a code from the log
    "GET /sign-in",                      // the form
    "POST /api/v1/auth/login",           // sign-in
    "POST /api/v1/auth/refresh",         // a refresh token proves itself
    "POST /graphql",                     // only {__typename}
    "POST /setup",                       // first start, with a code from the log
    "POST /sign-in",                     // sign-in
    "POST /sign-in/code",                // its second step
];

fn table() -> Vec<RouteInfo> {
    wiring::description().1
}

fn name(route: &RouteInfo) -> String {
    format!("{} {}", route.method, route.path)
}

async fn call(caller: &Caller, route: &RouteInfo) -> Answer {
    let path = concrete(&route.path);
    let mut request = caller.request(route.method.clone(), &path);
    if route.method != reqwest::Method::GET {
        request = request.header("content-type", "application/json").body("{}");
    }
    caller.send(request).await
}

/// The path with an id that nobody has for every parameter.
fn concrete(path: &str) -> String {
    let nobody = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_dead).to_string();
    path.split('/').map(|part| if part.starts_with('{') { nobody.clone() } else { part.to_owned() }).collect::<Vec<_>>().join("/")
}

// C050
#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_only_the_listed_routes_answer() {
    let server = Server::start().await;
    let anonymous = server.anonymous();
    let mut open = BTreeSet::new();
    let table = table();
    assert!(table.len() > 60, "the table is whole: {}", table.len());
    for route in &table {
        if matches!(route.access, Access::Public | Access::Optional) {
            open.insert(name(route));
            continue;
        }
        // An event stream would not end by itself; it is refused before it begins.
        let answer = call(&anonymous, route).await;
        let refused = answer.status == StatusCode::UNAUTHORIZED || (route.is_page && answer.status == StatusCode::SEE_OTHER);
        assert!(refused, "{}: {}", name(route), answer.status);
    }
    assert_eq!(open, OPEN.iter().map(|route| (*route).to_owned()).collect());
    for path in ["/metrics", "/graphql"] {
        let answer = if path == "/metrics" {
            anonymous.get(path).await
        } else {
            anonymous.post(path, &serde_json::json!({ "query": "{ items { items { code } } }" })).await
        };
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

// C050
#[tokio::test(flavor = "multi_thread")]
async fn every_role_may_do_exactly_what_is_declared() {
    let server = Server::start().await;
    for role in Role::ALL {
        let caller = server.as_role(role).await;
        for route in table() {
            let ends_the_session = route.path.ends_with("/logout") || route.path.ends_with("/sign-out");
            if ends_the_session
                || ["/events", "/ws"].contains(&route.path.as_str())
                || matches!(route.access, Access::Public | Access::Optional)
            {
                continue;
            }
            let allowed = match route.access {
                Access::Needs(permission) => permission.held_by(role),
                _ => true,
            };
            let answer = call(&caller, &route).await;
            assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{role} {}", name(&route));
            assert_eq!(answer.status == StatusCode::FORBIDDEN, !allowed, "{role} {}: {}", name(&route), answer.status);
            assert!(answer.status.as_u16() < 500, "{role} {}: {} {:#}", name(&route), answer.status, answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_or_foreign_token_is_nobody() {
    let server = Server::start().await;
    let good = server.token("acme", Role::Admin).await;
    server.token("other", Role::Viewer).await;
    for bad in [
        String::new(),
        "x".into(),
        "ent_acme_".into(),
        good[..good.len() - 1].to_owned(),
        format!("{good}A"),
        good.replace("acme", "other"),
        good.replace("acme", "'; DROP TABLE items; --"),
        "a".repeat(10_000),
    ] {
        let answer = server.caller(Some(bad.clone())).get("/api/v1/inventory/items").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", &bad[..bad.len().min(60)]);
    }
    server.caller(Some(good)).get("/api/v1/inventory/items").await.expect(200);
}
