use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::Chore;
use crate::database::{PgConnection, Tx};
use crate::{App, Result};

/// When a chore is to run next.
pub(super) struct Plan {
    pub schedule: String,
    pub is_active: bool,
    pub is_requested: bool,
}

pub(super) struct Row {
    pub chore_id: i64,
    pub name: String,
    pub schedule: String,
    pub is_overridden: bool,
    pub is_active: bool,
    pub requested_at: Option<DateTime<Utc>>,
    pub last_started_at: Option<DateTime<Utc>>,
    pub last_finished_at: Option<DateTime<Utc>>,
    pub last_outcome: Option<String>,
}

/// Writes the schedules that this program has; an operator's own stay.
pub(super) async fn announce(app: &App, chores: &[Chore]) -> Result<()> {
    let names: Vec<String> = chores.iter().map(|chore| chore.name.to_owned()).collect();
    let schedules: Vec<String> = chores.iter().map(|chore| chore.schedule.to_owned()).collect();
    app.db
        .without_tenant(async |connection| {
            sqlx::query!(
                "INSERT INTO platform.chores (name, schedule) SELECT * FROM UNNEST($1::text[], $2::text[])
                 ON CONFLICT (name) DO UPDATE SET schedule = EXCLUDED.schedule",
                &names,
                &schedules,
            )
            .execute(connection)
            .await?;
            Ok(())
        })
        .await
}

pub(super) async fn plans(app: &App) -> Result<HashMap<String, Plan>> {
    let rows = app
        .db
        .without_tenant(async |connection| {
            let rows = sqlx::query!(
                r#"SELECT name, coalesce(schedule_override, schedule) AS "schedule!", is_active, requested_at IS NOT NULL AS "is_requested!"
                   FROM platform.chores"#
            );
            Ok(rows.fetch_all(connection).await?)
        })
        .await?;
    let plan = |schedule, is_active, is_requested| Plan { schedule, is_active, is_requested };
    Ok(rows.into_iter().map(|row| (row.name, plan(row.schedule, row.is_active, row.is_requested))).collect())
}

pub(super) async fn begin(app: &App, chore: &Chore, at: DateTime<Utc>) -> Result<()> {
    app.db
        .without_tenant(async |connection| {
            sqlx::query!(
                "INSERT INTO platform.chores (name, schedule, last_started_at) VALUES ($1, $2, $3)
                 ON CONFLICT (name) DO UPDATE SET last_started_at = EXCLUDED.last_started_at, requested_at = NULL",
                chore.name,
                chore.schedule,
                at,
            )
            .execute(connection)
            .await?;
            Ok(())
        })
        .await
}

pub(super) async fn end(app: &App, chore: &Chore, at: DateTime<Utc>, outcome: &str) -> Result<()> {
    app.db
        .without_tenant(async |connection| {
            sqlx::query!(
                "UPDATE platform.chores SET last_finished_at = $2, last_outcome = $3 WHERE name = $1",
                chore.name,
                at,
                outcome,
            )
            .execute(connection)
            .await?;
            Ok(())
        })
        .await
}

/// By name. There are as many as the program has, a few dozen.
pub(super) async fn list(connection: &mut PgConnection, name: Option<&str>) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT chore_id, name, coalesce(schedule_override, schedule) AS "schedule!", schedule_override IS NOT NULL AS "is_overridden!",
                  is_active, requested_at, last_started_at, last_finished_at, last_outcome
           FROM platform.chores WHERE $1::text IS NULL OR name = $1 ORDER BY name LIMIT 500"#,
        name,
    );
    Ok(rows.fetch_all(connection).await?)
}

/// Whether there is such a chore.
pub(super) async fn request(tx: &mut Tx, name: &str, at: DateTime<Utc>) -> Result<bool> {
    let asked = sqlx::query!("UPDATE platform.chores SET requested_at = coalesce(requested_at, $2) WHERE name = $1", name, at,);
    Ok(asked.execute(&mut **tx).await?.rows_affected() == 1)
}
