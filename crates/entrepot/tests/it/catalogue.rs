//! What the database's own catalogue must say of our tables, views and functions, whoever adds one.

use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use crate::harness::Server;

const SCHEMAS: &str = "('platform', 'identity', 'catalog', 'inventory', 'warehouse')";

/// Tables without a tenant: what the process as a whole does by the clock, and the keys that all nodes share.
const NOT_OF_A_TENANT: [&str; 2] = ["identity.signing_keys", "platform.chores"];
/// Indexes that serve look-ups across tenants, used by definer functions only.
const ACROSS_TENANTS: [&str; 4] = [
    "platform.jobs_due",
    "identity.users_email",
    "inventory.reservations_expiring",
    "warehouse.capacity_validation_failures_latest",
];
/// Tables whose triggers stand in for foreign keys, which would keep their owner from disabling all triggers.
const WITH_TRIGGERS: [&str; 2] = ["warehouse.capacity_validation_failures", "warehouse.material_dimension_verifications"];
/// Functions that run with their owner's rights, each with a fixed search path and none for PUBLIC.
const DEFINERS: [&str; 16] = [
    "identity.any_user",
    "identity.purge",
    "identity.shared_key",
    "identity.tenants_of_email",
    "inventory.tenants_with_expired_reservations",
    "inventory.tenants_with_news",
    "platform.claim_job",
    "platform.purge",
    "warehouse.cached_bin_utilization",
    "warehouse.cached_data_quality",
    "warehouse.cached_statistical_summary",
    "warehouse.optimization_gauges",
    "warehouse.refresh_statistical_summary",
    "warehouse.scheduled_refresh_bin_utilization",
    "warehouse.tenants_with_facilities",
    "warehouse.utilization_cached_at",
];

async fn texts(connection: &mut PgConnection, sql: &str) -> Vec<String> {
    let sql = sql.replace("$SCHEMAS", SCHEMAS);
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await.expect("the catalogue answers");
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

fn except(found: Vec<String>, allowed: &[&str]) -> Vec<String> {
    found.into_iter().filter(|name| !allowed.contains(&name.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_belongs_to_tenants_and_says_so_everywhere() {
    let server = Server::start().await;
    let mut sql = server.sql().await;

    let tables = texts(&mut sql, "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN $SCHEMAS AND c.relkind IN ('r', 'p')").await;
    assert!(tables.len() >= 15, "the query finds our tables: {tables:?}");

    let without_tenant = texts(
        &mut sql,
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN $SCHEMAS AND c.relkind IN ('r', 'p')
           AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull AND a.atttypid = 'text'::regtype)",
    )
    .await;
    assert_eq!(except(without_tenant, &NOT_OF_A_TENANT), [""; 0], "tables without tenant_id text NOT NULL");

    let unprotected = texts(
        &mut sql,
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN $SCHEMAS AND c.relkind IN ('r', 'p')
           AND (NOT c.relrowsecurity OR NOT EXISTS (
                SELECT FROM pg_policies p WHERE p.schemaname = n.nspname AND p.tablename = c.relname AND p.cmd = 'ALL'
                  AND p.qual IN ('(tenant_id = platform.current_tenant())', '(tenant_id = current_tenant())') AND p.roles = '{wms_runtime}'))",
    )
    .await;
    assert_eq!(except(unprotected, &NOT_OF_A_TENANT), [""; 0], "tables without row-level security by tenant");

    let keys = texts(
        &mut sql,
        "SELECT format('%s.%s: %s', n.nspname, c.relname, o.conname) FROM pg_constraint o
         JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = o.conkey[1]
         WHERE n.nspname IN $SCHEMAS AND o.contype IN ('p', 'u', 'f') AND a.attname <> 'tenant_id' AND n.nspname || '.' || c.relname NOT IN ('identity.signing_keys', 'platform.chores')",
    )
    .await;
    assert_eq!(keys, [""; 0], "keys that do not begin with tenant_id");

    let no_key = texts(
        &mut sql,
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN $SCHEMAS AND c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conrelid = c.oid AND o.contype = 'p')",
    )
    .await;
    assert_eq!(no_key, [""; 0], "tables without a primary key");

    let indexes = texts(
        &mut sql,
        "SELECT n.nspname || '.' || i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
         WHERE n.nspname IN $SCHEMAS AND a.attname IS DISTINCT FROM 'tenant_id' AND n.nspname || '.' || c.relname NOT IN ('identity.signing_keys', 'platform.chores')",
    )
    .await;
    assert_eq!(except(indexes, &ACROSS_TENANTS), [""; 0], "indexes that do not begin with tenant_id");

    let triggers = texts(&mut sql, "SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN $SCHEMAS AND NOT t.tgisinternal").await;
    assert_eq!(except(triggers, &WITH_TRIGGERS), [""; 0], "triggers on tenant tables");
    let bound = texts(
        &mut sql,
        "SELECT n.nspname || '.' || c.relname FROM pg_constraint o JOIN pg_class c ON c.oid IN (o.conrelid, o.confrelid)
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE o.contype = 'f'",
    )
    .await;
    assert_eq!(
        bound.iter().filter(|table| WITH_TRIGGERS.contains(&table.as_str())).count(),
        0,
        "foreign keys on tables with triggers"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_looks_past_row_level_security() {
    let server = Server::start().await;
    let mut sql = server.sql().await;

    let views = texts(
        &mut sql,
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'cron', 'platform', 'identity', 'catalog', 'inventory', 'warehouse') AND c.relkind = 'v'
           AND NOT coalesce(c.reloptions, '{}') && '{security_invoker=true}'",
    )
    .await;
    assert_eq!(views, [""; 0], "views that are not security_invoker");

    let readable_copies = texts(
        &mut sql,
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN $SCHEMAS AND c.relkind = 'm' AND has_table_privilege('wms_runtime', c.oid, 'SELECT')",
    )
    .await;
    assert_eq!(readable_copies, [""; 0], "materialized views that the runtime role may read");

    let mut definers = texts(&mut sql, "SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN $SCHEMAS AND p.prosecdef").await;
    definers.sort();
    assert_eq!(definers, DEFINERS, "a new definer function must be looked at, then listed here");

    let loose = texts(
        &mut sql,
        "SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname IN $SCHEMAS AND p.prosecdef
           AND (NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%pg_temp') OR has_function_privilege('public', p.oid, 'EXECUTE'))",
    )
    .await;
    assert_eq!(loose, [""; 0], "definer functions without a fixed search_path, or open to everybody");

    let rights = texts(&mut sql, "SELECT rolname::text FROM pg_roles WHERE rolname = 'wms_runtime' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)").await;
    assert_eq!(rights, [""; 0], "the runtime role has rights that it must not have");

    let owned = texts(&mut sql, "SELECT c.relname::text FROM pg_class c WHERE pg_get_userbyid(c.relowner) = 'wms_runtime'").await;
    assert_eq!(owned, [""; 0], "the runtime role owns relations");

    let readable_keys = texts(
        &mut sql,
        "SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p WHERE has_table_privilege('wms_runtime', 'identity.signing_keys', p)",
    )
    .await;
    assert_eq!(readable_keys, [""; 0], "the runtime role reaches keys through the function only");

    let rewritable = texts(
        &mut sql,
        "SELECT t FROM unnest(ARRAY['inventory.movements', 'platform.audit', 'platform.outbox']) t
         WHERE has_table_privilege('wms_runtime', t, 'UPDATE') OR has_table_privilege('wms_runtime', t, 'DELETE') OR has_table_privilege('wms_runtime', t, 'TRUNCATE')",
    )
    .await;
    assert_eq!(rewritable, [""; 0], "append-only tables that the runtime role could rewrite");
}
