//! The demo tenant: filled once, entered anew at each start.

use entrepot::demo;

use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_fills_nothing_and_ends_the_earlier_token() {
    let server = Server::start().await;
    let first = demo::fill(&server.app).await.unwrap();
    let count = async || -> (i64, i64, i64) {
        let counts = "SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM movements), (SELECT count(*) FROM receipt_lines JOIN receipts USING (receipt_id) WHERE code = 'PO-1001')";
        sqlx::query_as(counts).fetch_one(&mut server.sql().await).await.unwrap()
    };
    let filled = count().await;
    assert_eq!((filled.0, filled.2), (241, 50));
    let decided =
        "SELECT count(*) FILTER (WHERE was_accepted), count(*) FILTER (WHERE NOT was_accepted) FROM putaway_recommendations";
    let decided: (i64, i64) = sqlx::query_as(decided).fetch_one(&mut server.sql().await).await.unwrap();
    assert!(decided.0 > 200 && decided.1 > 50, "there is something to learn from: {decided:?}");
    let trial = "SELECT count(*) FROM experiments WHERE state = 'DECIDED'";
    assert_eq!(sqlx::query_scalar::<_, i64>(trial).fetch_one(&mut server.sql().await).await.unwrap(), 1);
    let second = demo::fill(&server.app).await.unwrap();
    assert_eq!(count().await, filled);
    assert_ne!(first.password, second.password, "there is no default password");
    assert_eq!(server.caller(Some(first.token)).get("/api/v1/inventory/items").await.status, 401);
    server.caller(Some(second.token)).get("/api/v1/inventory/items").await.expect(200);
    server.assert_invariants().await;
}

/// A start that was killed between its steps left a part; the next one goes on.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_start_is_finished_by_the_next() {
    let server = Server::start().await;
    let admin = server.caller(Some(server.token("demo", platform::auth::Role::Admin).await));
    admin.post("/api/v1/facilities", &serde_json::json!({ "code": "facility-prod-123", "name": "Half" })).await.expect(201);
    demo::fill(&server.app).await.unwrap();
    admin.get("/api/v1/receipts/PO-1001").await.expect(200);
}
