//! No tenant sees or touches another's row: row-level security and the filters in SQL, each proved without the other.

use platform::auth::Role;
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::harness::{Caller, Server, text};

struct Filled {
    server: Server,
    ours: Caller,
    foreign: Caller,
    /// Paths that show something to its owner.
    paths: Vec<String>,
}

async fn fill() -> Filled {
    let server = Server::start().await;
    let ours = server.caller(Some(server.token("acme", Role::SuperAdmin).await));
    let foreign = server.caller(Some(server.token("rival", Role::SuperAdmin).await));
    let mut paths = Vec::new();
    let mut add = |base: &str, body: &Value, key: &str| paths.push(format!("{base}/{}", text(&body[key])));
    let facility = ours.post("/api/v1/facilities", &json!({ "code": "F1", "name": "Main" })).await.expect(201);
    add("/api/v1/facilities", &facility, "facility_id");
    let dock = json!({ "facility": "F1", "code": "DOCK", "type": "RECEIVING", "volume": { "value": "10", "unit": "m3" }, "max_weight": { "value": "1", "unit": "t" } });
    add("/api/v1/locations", &ours.post("/api/v1/locations", &dock).await.expect(201), "location_id");
    let item = ours.post("/api/v1/inventory/items", &json!({ "code": "A", "name": "Thing" })).await.expect(201);
    add("/api/v1/inventory/items", &item, "item_id");
    let posted = ours
        .post(
            "/api/v1/inventory/movements",
            &json!({ "movements": [{ "kind": "RECEIPT", "item": "A", "quantity": 3, "from": "SUPPLIER", "to": "F1/DOCK" }] }),
        )
        .await
        .expect(201);
    add("/api/v1/inventory/movements", &posted["results"][0], "movement_id");
    let balances = ours.get("/api/v1/inventory/balances").await.expect(200);
    add("/api/v1/inventory/balances", &balances["items"][0], "balance_id");
    let reservation = ours.post("/api/v1/inventory/reservations", &json!({ "item": "A", "quantity": 1 })).await.expect(201);
    add("/api/v1/inventory/reservations", &reservation, "reservation_id");
    let receipt = json!({ "facility": "F1", "code": "R1", "lines": [{ "item": "A", "expected": 5 }] });
    add("/api/v1/receipts", &ours.post("/api/v1/receipts", &receipt).await.expect(201), "receipt_id");
    let measured = json!({ "material": "A", "weight": { "value": "1", "unit": "kg" } });
    let base = "/api/wms/optimization/dimension-verifications";
    add(base, &ours.post(base, &measured).await.expect(201), "verification_id");
    let user = ours
        .post(
            "/api/v1/users",
            &json!({ "email": "a@acme.example", "name": "A", "role": "STAFF", "password": "a long enough phrase" }),
        )
        .await
        .expect(201);
    add("/api/v1/users", &user, "user_id");
    Filled { server, ours, foreign, paths }
}

impl Filled {
    async fn assert_apart(&self) {
        for path in &self.paths {
            assert_eq!(self.ours.get(path).await.status, 200, "{path} for its owner");
            assert_eq!(self.foreign.get(path).await.status, 404, "{path} for another tenant");
        }
        for list in [
            "/api/v1/facilities",
            "/api/v1/locations",
            "/api/v1/inventory/items",
            "/api/v1/inventory/movements",
            "/api/v1/inventory/balances",
            "/api/v1/inventory/reservations",
            "/api/v1/receipts",
            "/api/wms/optimization/dimension-verifications",
            "/api/wms/optimization/data-quality/unmeasured",
        ] {
            let seen = self.foreign.get(list).await.expect(200);
            assert_eq!(seen["items"], json!([]), "{list} for another tenant");
        }
        let taken = self
            .foreign
            .post(
                "/api/v1/inventory/movements",
                &json!({ "movements": [{ "kind": "ISSUE", "item": "A", "quantity": 1, "from": "F1/DOCK", "to": "CUSTOMER" }] }),
            )
            .await;
        assert!(taken.status.is_client_error(), "{:#}", taken.body);
    }
}

async fn tenant_tables(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relrowsecurity ORDER BY 1")
        .fetch_all(connection)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_ids_do_not_exist() {
    fill().await.assert_apart().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filters_in_sql_hold_without_row_level_security() {
    let filled = fill().await;
    let mut sql = filled.server.sql().await;
    for table in tenant_tables(&mut sql).await {
        sql.execute(sqlx::raw_sql(AssertSqlSafe(format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")))).await.unwrap();
    }
    filled.assert_apart().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_level_security_holds_without_filters() {
    let filled = fill().await;
    let mut sql = filled.server.sql().await;
    let tables = tenant_tables(&mut sql).await;
    assert!(tables.len() > 12, "{tables:?}");
    sql.execute("SET ROLE wms_runtime").await.unwrap();
    let count = async |sql: &mut PgConnection, tenant: &str, table: &str| -> i64 {
        sql.execute(sqlx::raw_sql(AssertSqlSafe(format!("SET entrepot.tenant = '{tenant}'")))).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table} WHERE tenant_id = 'acme'")))
            .fetch_one(sql)
            .await
            .unwrap()
    };
    let mut filled_tables = 0;
    for table in &tables {
        filled_tables += i64::from(count(&mut sql, "acme", table).await > 0);
        for stranger in ["rival", "nobody", ""] {
            assert_eq!(count(&mut sql, stranger, table).await, 0, "{table} as {stranger:?}");
        }
    }
    assert!(filled_tables > 9, "the proof needs rows to hide: {filled_tables}");
    sql.execute("SET entrepot.tenant = 'rival'").await.unwrap();
    let forged = sql.execute("INSERT INTO catalog.items (tenant_id, item_id, code, name, created_at, updated_at) VALUES ('acme', gen_random_uuid(), 'X', 'X', now(), now())").await;
    assert!(forged.unwrap_err().to_string().contains("row-level security"));
    for statement in [
        "CREATE TABLE catalog.x (a int)",
        "UPDATE inventory.movements SET quantity = 1",
        "DELETE FROM platform.audit",
        "TRUNCATE catalog.items",
    ] {
        assert!(sql.execute(statement).await.is_err(), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_never_remembers_the_wrong_tenant() {
    let server = Server::start().await;
    let a = server.caller(Some(server.token("a", Role::Admin).await));
    let b = server.caller(Some(server.token("b", Role::Admin).await));
    a.post("/api/v1/inventory/items", &json!({ "code": "ONLY-A", "name": "A" })).await.expect(201);
    b.post("/api/v1/inventory/items", &json!({ "code": "ONLY-B", "name": "B" })).await.expect(201);
    for _ in 0..30 {
        // A succeeds, B fails in the middle of a transaction, then B again on whatever connection is free.
        let seen = a.get("/api/v1/inventory/items").await.expect(200);
        assert_eq!(seen["items"][0]["code"], "ONLY-A");
        b.post("/api/v1/inventory/items", &json!({ "code": "ONLY-B", "name": "again" })).await.expect(409);
        let seen = b.get("/api/v1/inventory/items").await.expect(200);
        assert_eq!(seen["items"].as_array().unwrap().len(), 1);
        assert_eq!(seen["items"][0]["code"], "ONLY-B");
    }
}
