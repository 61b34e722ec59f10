use platform::Result;
use platform::database::PgConnection;

/// How many migrations were applied; the question matters more than the answer.
pub(crate) async fn history_length(connection: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM platform.schema_version"#).fetch_one(connection).await?)
}

pub(crate) async fn schema_version(connection: &mut PgConnection) -> Result<Option<i64>> {
    // By its number, not by its rank: numbers may be left out.
    let newest =
        sqlx::query_scalar!("SELECT max(split_part(version, '.', 3)::bigint) FROM platform.schema_version WHERE success");
    Ok(newest.fetch_one(connection).await?)
}

pub(crate) async fn failed_chores(connection: &mut PgConnection) -> Result<Vec<String>> {
    let failed = sqlx::query_scalar!("SELECT name FROM platform.chores WHERE last_outcome LIKE 'failed%' ORDER BY name");
    Ok(failed.fetch_all(connection).await?)
}
