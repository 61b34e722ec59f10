use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use super::pool::SEARCH_PATH;
use crate::{Error, Result};

/// Roles are cluster-wide and extensions need a superuser: both are made once here, never in a migration.
const ROLES: &str = r#"
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'wms_application_role') THEN CREATE ROLE wms_application_role LOGIN; END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'wms_runtime') THEN CREATE ROLE wms_runtime LOGIN; END IF;
END $$;
"#;
const HAS_ROLES: &str = "SELECT count(*) FILTER (WHERE pg_has_role(CURRENT_USER, oid, 'MEMBER')) = 2
    FROM pg_roles WHERE rolname IN ('wms_application_role', 'wms_runtime')";

const HAS_SETTINGS: &str = "SELECT has_database_privilege('wms_application_role', d.oid, 'CREATE') AND EXISTS (
        SELECT FROM pg_db_role_setting s WHERE s.setdatabase = d.oid AND s.setrole = 0 AND 'search_path=' || $2 = ANY (s.setconfig))
    FROM pg_database d WHERE d.datname = $1";

/// pg_stat_statements lives in its own schema; the view in public adds the column names it had before PostgreSQL 13.
const EXTENSIONS: &str = r#"
CREATE SCHEMA IF NOT EXISTS extensions;
GRANT USAGE ON SCHEMA extensions TO PUBLIC;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA extensions;
DO $$ BEGIN
    IF to_regclass('public.pg_stat_statements') IS NULL THEN
        CREATE VIEW public.pg_stat_statements WITH (security_invoker = true) AS
        SELECT *, mean_exec_time AS mean_time, total_exec_time AS total_time FROM extensions.pg_stat_statements;
        GRANT SELECT ON public.pg_stat_statements TO wms_application_role, wms_runtime;
    END IF;
END $$;
GRANT CREATE, USAGE ON SCHEMA public TO wms_application_role;
"#;
const HAS_EXTENSIONS: &str = "SELECT to_regclass('public.pg_stat_statements') IS NOT NULL
    AND coalesce(has_schema_privilege('wms_runtime', to_regnamespace('extensions'), 'USAGE'), false)
    AND has_schema_privilege('wms_application_role', 'public', 'CREATE')";

/// Makes the database (when missing), the two roles and the extensions. Safe to run at every start and by several at once.
///
/// What is there already is left alone, so that an ordinary user can work once an administrator has prepared the database.
pub async fn bootstrap(admin: &PgConnectOptions, database: &str) -> Result<()> {
    let mut maintenance = admin.clone().database("postgres").connect().await?;
    // Cluster-wide objects: without the lock two first starts would collide.
    maintenance.execute("SELECT pg_advisory_lock(7166001)").await?;
    let made = prepare(&mut maintenance, admin, database).await;
    maintenance.close().await?;
    made.map_err(|error| explain(error, admin.get_username(), database))
}

async fn prepare(maintenance: &mut PgConnection, admin: &PgConnectOptions, database: &str) -> Result<()> {
    if !sqlx::query_scalar::<_, bool>(HAS_ROLES).fetch_one(&mut *maintenance).await? {
        run(maintenance, &roles(admin.get_username())).await?;
    }
    let exists = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
    if !sqlx::query_scalar::<_, bool>(exists).bind(database).fetch_one(&mut *maintenance).await? {
        run(maintenance, &creation(database)).await?;
    }
    let has_settings = sqlx::query_scalar::<_, bool>(HAS_SETTINGS).bind(database).bind(SEARCH_PATH);
    if !has_settings.fetch_one(&mut *maintenance).await? {
        run(maintenance, &settings(database)).await?;
    }
    let mut connection = admin.clone().database(database).connect().await?;
    if !sqlx::query_scalar::<_, bool>(HAS_EXTENSIONS).fetch_one(&mut connection).await? {
        run(&mut connection, EXTENSIONS).await?;
    }
    connection.close().await?;
    Ok(())
}

async fn run(connection: &mut PgConnection, script: &str) -> Result<()> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(script.to_owned()))).await?;
    Ok(())
}

fn roles(user: &str) -> String {
    format!("{ROLES}GRANT wms_application_role, wms_runtime TO {};\n", quote(user))
}

fn creation(database: &str) -> String {
    format!("CREATE DATABASE {} OWNER wms_application_role ENCODING 'UTF8' TEMPLATE template0", quote(database))
}

/// A database that somebody else made belongs to them; the owner of our schemas must be able to make them there.
fn settings(database: &str) -> String {
    let name = quote(database);
    format!("ALTER DATABASE {name} SET search_path = {SEARCH_PATH};\nGRANT CREATE ON DATABASE {name} TO wms_application_role;\n")
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A URL whose user may not do this is common in production: say what an administrator has to run.
fn explain(error: Error, user: &str, database: &str) -> Error {
    const INSUFFICIENT_PRIVILEGE: &str = "42501";
    if error.sqlstate().as_deref() != Some(INSUFFICIENT_PRIVILEGE) {
        return error;
    }
    let script = format!("{}{}{EXTENSIONS}", roles(user), settings(database));
    let detail = format!(
        "the database user {user:?} may not prepare the database {database:?}; make it if it does not exist, and run this in it once as \
         a superuser:\n{script}"
    );
    Error::new(kernel::ErrorCode::Conflict, detail)
}
