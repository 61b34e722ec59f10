//! The statements of the operations documents, word for word, as the role that they are run as.

use serde_json::json;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use crate::harness::{Server, Warehouse, server_binaries, socket};

/// As the owner, which is no superuser.
async fn owner(server: &Server) -> PgConnection {
    let mut sql = server.sql().await;
    sql.execute("SET ROLE wms_application_role").await.unwrap();
    sql
}

async fn count(sql: &mut PgConnection, statement: &str) -> usize {
    sqlx::query(AssertSqlSafe(statement.to_owned()))
        .fetch_all(sql)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"))
        .len()
}

const TABLES: [&str; 9] = [
    "material_dimension_verifications",
    "capacity_validation_failures",
    "cross_dock_cancellations",
    "bin_optimization_remediation_log",
    "bin_optimization_statistical_metrics",
    "bin_optimization_ab_test_results",
    "bin_optimization_correlation_analysis",
    "bin_optimization_statistical_validations",
    "bin_optimization_outliers",
];

// C070 C071 C072 C073 C074 C075 C076 C077 C078 C079 C080 C081 C109
#[tokio::test(flavor = "multi_thread")]
async fn the_named_tables_and_views_are_there() {
    let server = Server::start().await;
    let mut sql = owner(&server).await;
    let names = TABLES.map(|name| format!("'{name}'")).join(", ");
    let found = format!("SELECT table_name FROM information_schema.tables WHERE table_name IN ({names}) ORDER BY table_name");
    assert_eq!(count(&mut sql, &found).await, 9);
    for table in TABLES {
        count(&mut sql, &format!("SELECT 1 FROM {table}")).await;
    }
    let views = "SELECT matviewname FROM pg_matviews WHERE matviewname IN ('bin_optimization_data_quality', 'bin_optimization_statistical_summary')";
    assert_eq!(count(&mut sql, views).await, 2);
    assert_eq!(count(&mut sql, "SELECT 1 FROM pg_matviews WHERE matviewname LIKE 'bin_%' AND ispopulated").await, 3);
    let columns = "SELECT failure_id, failure_type, material_id, location_id, overflow_percentage, failure_reason, resolved, resolved_at, resolved_by, resolution_notes, created_at FROM capacity_validation_failures";
    assert_eq!(count(&mut sql, columns).await, 0);
}

// C108
#[tokio::test(flavor = "multi_thread")]
async fn the_database_says_that_it_is_ready() {
    let server = Server::start().await;
    let database = server.options.get_database().unwrap().to_owned();
    for role in ["postgres", "wms_runtime"] {
        let mut ask = std::process::Command::new(server_binaries().join("pg_isready"));
        let answer = ask.arg("-h").arg(socket()).args(["-U", role, "-d", &database]).output().unwrap();
        assert_eq!(answer.status.code(), Some(0), "{}", String::from_utf8_lossy(&answer.stdout));
    }
}

// C082 C083
#[tokio::test(flavor = "multi_thread")]
async fn the_confidence_constraint_answers_as_expected() {
    let server = Server::start().await;
    let mut sql = owner(&server).await;
    let refused = sql
        .execute(
            "INSERT INTO putaway_recommendations (
                recommendation_id, tenant_id, material_id, location_id,
                confidence_score, algorithm, created_by
            ) VALUES (
                uuid_generate_v7(), 'test-tenant', uuid_generate_v7(), uuid_generate_v7(),
                1.5, 'FFD', 'deployment-test'
            );",
        )
        .await
        .unwrap_err();
    let refused = refused.as_database_error().unwrap();
    assert_eq!((refused.code().as_deref(), refused.constraint()), (Some("23514"), Some("putaway_recommendations_confidence")));
    let deleted = sql.execute("DELETE FROM putaway_recommendations WHERE created_by = 'deployment-test';").await.unwrap();
    assert_eq!(deleted.rows_affected(), 0);
}

// C085
#[tokio::test(flavor = "multi_thread")]
async fn ids_sort_by_time_within_a_session_and_go_into_texts() {
    let server = Server::start().await;
    let mut sql = owner(&server).await;
    let ids: Vec<uuid::Uuid> =
        sqlx::query_scalar("SELECT uuid_generate_v7() FROM generate_series(1, 20000)").fetch_all(&mut sql).await.unwrap();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "each is greater than the one before");
    assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
    let (seconds, _) = ids[0].get_timestamp().unwrap().to_unix();
    let now: f64 = sqlx::query_scalar("SELECT extract(epoch FROM clock_timestamp())::float8").fetch_one(&mut sql).await.unwrap();
    assert!((seconds as f64 - now).abs() < 60.0);
    let mut other = owner(&server).await;
    let later: uuid::Uuid = sqlx::query_scalar("SELECT uuid_generate_v7()").fetch_one(&mut other).await.unwrap();
    assert!(later > ids[0], "and across sessions by the clock");
    sql.execute("CREATE TEMP TABLE texts (id text); INSERT INTO texts VALUES (uuid_generate_v7())").await.unwrap();
}

// C084
#[tokio::test(flavor = "multi_thread")]
async fn the_accuracy_query_runs() {
    let warehouse = Warehouse::open(2, 1).await;
    let mut sql = owner(&warehouse.server).await;
    // The document divides by COUNT(*), which an empty week makes an error of PostgreSQL; a row is needed.
    sql.execute("INSERT INTO putaway_recommendations (recommendation_id, tenant_id, material_id, location_id, confidence_score, algorithm, created_by, was_accepted) VALUES (uuid_generate_v7(), 'acme', uuid_generate_v7(), uuid_generate_v7(), 0.5, 'FFD', 'x', true)").await.unwrap();
    let row = sql
        .fetch_one(
            "SELECT
                COUNT(*) as total_recommendations,
                COUNT(*) FILTER (WHERE was_accepted = TRUE) as accepted,
                ROUND(100.0 * COUNT(*) FILTER (WHERE was_accepted = TRUE)::numeric / COUNT(*), 1) as accuracy_pct
            FROM putaway_recommendations
            WHERE created_at > NOW() - INTERVAL '7 days'
            AND user_feedback IS NOT NULL;",
        )
        .await
        .unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (1, 1));
}

const AGE: &str = "SELECT MAX(last_updated), NOW(),
       EXTRACT(EPOCH FROM (NOW() - MAX(last_updated)))/60 as age_minutes
FROM bin_utilization_cache;";

// C081 C086 C105 C106 C111
#[tokio::test(flavor = "multi_thread")]
async fn the_cache_is_refreshed_while_it_is_read_and_by_two_at_once() {
    let warehouse = Warehouse::open(5, 1).await;
    let (mut one, mut two) = (owner(&warehouse.server).await, owner(&warehouse.server).await);
    one.execute("SELECT scheduled_refresh_bin_utilization();").await.unwrap();
    let age = one.fetch_one(AGE).await.unwrap();
    assert!(age.get::<rust_decimal::Decimal, _>("age_minutes") < 15.into());
    let before = age.get::<chrono::DateTime<chrono::Utc>, _>(0);
    let mut reader = owner(&warehouse.server).await;
    reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM bin_utilization_cache").await.unwrap();
    one.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY bin_utilization_cache;").await.unwrap();
    let (first, second) = tokio::join!(
        one.execute("SELECT scheduled_refresh_bin_utilization();"),
        two.execute("SELECT scheduled_refresh_bin_utilization();")
    );
    first.unwrap();
    second.unwrap();
    assert_eq!(count(&mut reader, "SELECT 1 FROM bin_utilization_cache").await, 6, "the reader keeps what it saw");
    let after = two.fetch_one(AGE).await.unwrap().get::<chrono::DateTime<chrono::Utc>, _>(0);
    assert!(after > before);
    for view in ["bin_optimization_data_quality", "bin_optimization_statistical_summary"] {
        count(&mut two, &format!("REFRESH MATERIALIZED VIEW CONCURRENTLY {view}")).await;
    }
    let made: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM bin_optimization_data_quality WHERE last_updated > now() - interval '15 minutes'",
    )
    .fetch_one(&mut two)
    .await
    .unwrap();
    assert_eq!(made, 1, "one row a facility");
}

// C087 C088
#[tokio::test(flavor = "multi_thread")]
async fn the_scheduler_answers_by_the_names_of_pg_cron() {
    let server = Server::start().await;
    let mut sql = owner(&server).await;
    assert_eq!(count(&mut sql, "SELECT * FROM cron.job WHERE jobname = 'refresh_bin_util';").await, 1);
    let schedule = "SELECT cron.schedule('refresh_bin_util', '*/10 * * * *',
  $$SELECT scheduled_refresh_bin_utilization();$$);";
    let first: i64 = sql.fetch_one(schedule).await.unwrap().get(0);
    let again: i64 = sql.fetch_one(schedule).await.unwrap().get(0);
    assert_eq!(first, again);
    assert_eq!(
        count(&mut sql, "SELECT 1 FROM cron.job WHERE jobname = 'refresh_bin_util' AND active AND schedule = '*/10 * * * *'")
            .await,
        1
    );
    sql.execute("SELECT cron.unschedule('refresh_bin_util')").await.unwrap();
    assert_eq!(count(&mut sql, "SELECT 1 FROM cron.job WHERE jobname = 'refresh_bin_util' AND NOT active").await, 1);
    sql.execute("SELECT cron.schedule('refresh_bin_util', '*/5 * * * *', 'SELECT scheduled_refresh_bin_utilization()')")
        .await
        .unwrap();
    assert_eq!(count(&mut sql, "SELECT 1 FROM cron.job WHERE active AND schedule = '*/5 * * * *'").await, 1, "enabled again");
    for bad in [
        "SELECT cron.schedule('mine', '* * * * *', 'DROP TABLE catalog.items')",
        "SELECT cron.schedule('refresh_bin_util', '* * * * *', 'DROP TABLE catalog.items')",
        "SELECT cron.schedule('refresh_bin_util', 'often', 'SELECT scheduled_refresh_bin_utilization();')",
    ] {
        assert_eq!(sql.execute(bad).await.unwrap_err().as_database_error().unwrap().code().as_deref(), Some("22023"), "{bad}");
    }
    let mut runtime = server.sql().await;
    runtime.execute("SET ROLE wms_runtime").await.unwrap();
    assert!(runtime.execute(schedule).await.is_err(), "for the owner only");
}

/// A failure that the application recorded.
async fn fail(warehouse: &Warehouse) {
    let big = json!({ "code": "BIG", "name": "Too long", "dimensions": { "length": "5", "width": "1", "height": "1", "unit": "m" }, "weight": { "value": "20", "unit": "kg" } });
    warehouse.staff.post("/api/v1/inventory/items", &big).await.expect(201);
    recommend(warehouse).await;
}

async fn recommend(warehouse: &Warehouse) {
    let goods = json!({ "facility": "F1", "items": [{ "item": "BIG", "quantity": 1 }] });
    warehouse.staff.post("/api/wms/optimization/putaway/recommendations", &goods).await.expect(201);
}

// C089 C090
#[tokio::test(flavor = "multi_thread")]
async fn the_owner_disables_triggers_and_the_application_works_on() {
    let warehouse = Warehouse::open(2, 1).await;
    let mut sql = owner(&warehouse.server).await;
    sql.execute("ALTER TABLE capacity_validation_failures DISABLE TRIGGER ALL;").await.unwrap();
    sql.execute("ALTER TABLE material_dimension_verifications DISABLE TRIGGER ALL;").await.unwrap();
    let states = "SELECT tgname, tgenabled FROM pg_trigger
WHERE tgrelid IN (
    'capacity_validation_failures'::regclass,
    'material_dimension_verifications'::regclass
);";
    let disabled = sql.fetch_all(states).await.unwrap();
    assert!(disabled.len() >= 2 && disabled.iter().all(|row| row.get::<i8, _>("tgenabled") == b'D' as i8));
    fail(&warehouse).await;
    assert_eq!(count(&mut sql, "SELECT 1 FROM capacity_validation_failures WHERE NOT resolved").await, 1);
    sql.execute("ALTER TABLE capacity_validation_failures ENABLE TRIGGER ALL; ALTER TABLE material_dimension_verifications ENABLE TRIGGER ALL").await.unwrap();
    let unknown = "INSERT INTO capacity_validation_failures (tenant_id, failure_type, material_id) VALUES ('acme', 'VOLUME', uuid_generate_v7())";
    assert_eq!(sql.execute(unknown).await.unwrap_err().as_database_error().unwrap().code().as_deref(), Some("23503"));
    recommend(&warehouse).await;
    assert_eq!(count(&mut sql, "SELECT 1 FROM capacity_validation_failures").await, 2);
}

// C101 C102 C103 C104
#[tokio::test(flavor = "multi_thread")]
async fn failures_are_counted_read_and_resolved_by_hand() {
    let warehouse = Warehouse::open(2, 1).await;
    fail(&warehouse).await;
    let mut sql = owner(&warehouse.server).await;
    let counts = "SELECT 'putaway_recommendations' as table_name, COUNT(*) FROM putaway_recommendations
  UNION ALL
  SELECT 'capacity_validation_failures', COUNT(*) FROM capacity_validation_failures
  UNION ALL
  SELECT 'bin_optimization_statistical_metrics', COUNT(*) FROM bin_optimization_statistical_metrics;";
    assert_eq!(count(&mut sql, counts).await, 3);
    let by_type = "SELECT failure_type, COUNT(*)
FROM capacity_validation_failures
WHERE resolved = FALSE
GROUP BY failure_type;";
    let row = sql.fetch_one(by_type).await.unwrap();
    assert_eq!((row.get::<String, _>(0), row.get::<i64, _>(1)), ("DIMENSION".to_owned(), 1));
    let newest = "SELECT material_id, location_id, failure_type,
       overflow_percentage, failure_reason
FROM capacity_validation_failures
WHERE resolved = FALSE
ORDER BY created_at DESC
LIMIT 20;";
    assert_eq!(count(&mut sql, newest).await, 1);
    let resolve = |id: &str| {
        format!(
            "UPDATE capacity_validation_failures
SET resolved = TRUE,
    resolved_at = NOW(),
    resolved_by = 'devops-team',
    resolution_notes = 'Investigated and corrected master data'
WHERE failure_id = '{id}';"
        )
    };
    let none = sql.execute(AssertSqlSafe(resolve("specific-failure-id"))).await.unwrap();
    assert_eq!(none.rows_affected(), 0, "an id that is no UUID is no error");
    let id: String = sqlx::query_scalar("SELECT failure_id FROM capacity_validation_failures").fetch_one(&mut sql).await.unwrap();
    assert_eq!(sql.execute(AssertSqlSafe(resolve(&id))).await.unwrap().rows_affected(), 1);
    let audited: (String, String, serde_json::Value) =
        sqlx::query_as("SELECT tenant_id, entity_id, after FROM audit WHERE action = 'quality.update_by_hand'")
            .fetch_one(&mut sql)
            .await
            .unwrap();
    assert_eq!((audited.0.as_str(), &audited.1, &audited.2["resolved_by"]), ("acme", &id, &json!("devops-team")));
    let listed = warehouse.staff.get("/api/wms/optimization/capacity-failures?resolved=true").await.expect(200);
    assert_eq!(listed["items"][0]["resolution_notes"], "Investigated and corrected master data");
    assert_eq!(listed["items"][0]["resolution"], serde_json::Value::Null, "whoever works by hand names none of ours");
}

// C107
#[tokio::test(flavor = "multi_thread")]
async fn what_the_owner_makes_the_owner_can_dump() {
    let server = Server::start().await;
    let socket = server.options.get_socket().unwrap().clone();
    let dump = std::process::Command::new(server_binaries().join("pg_dump"))
        .args(["--schema-only", "--role=wms_application_role", "-U", "postgres", "-d", server.options.get_database().unwrap()])
        .args(["-n", "warehouse", "-n", "platform", "-n", "cron", "-h"])
        .arg(&socket)
        .output()
        .unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    assert!(String::from_utf8_lossy(&dump.stdout).contains("CREATE MATERIALIZED VIEW warehouse.bin_utilization_cache"));
}
