//! The daily run, of every tenant for itself: one that fails does not keep the others.

use std::sync::Arc;
use std::time::Instant;

use chrono::TimeDelta;
use kernel::TenantId;
use platform::auth::Actor;
use platform::events::Event;
use platform::{App, Error, Result};
use serde_json::json;

use super::compute::{Results, compute};
use super::dto::RunDto;
use super::model::{GROUPS_MAX, History, PERIOD_DAYS, ROWS_MAX};
use super::store;
use crate::quality::store::figures;

/// Of every tenant, and renews the summary; one line that says what was done.
pub async fn run(app: &App) -> Result<String> {
    if !app.config.statistical_analysis_enabled {
        return Ok("switched off by STATISTICAL_ANALYSIS_ENABLED".into());
    }
    let (refreshed, computed) = tokio::join!(refresh(app), of_tenants(app));
    let told = computed?;
    Ok(if refreshed? { told } else { format!("{told}; somebody else refreshes the summary") })
}

async fn refresh(app: &App) -> Result<bool> {
    app.db.without_tenant(async |connection| store::run::refresh_summary(connection).await).await
}

async fn of_tenants(app: &App) -> Result<String> {
    let tenants = app.db.without_tenant(async |connection| figures::tenants(connection).await).await?;
    let (mut rows, mut found, mut failed) = (0, 0, 0);
    for tenant in &tenants {
        let tenant: TenantId = tenant.parse().map_err(Error::from)?;
        match of_tenant(app, &tenant).await {
            Ok((run, outliers)) => (rows, found) = (rows + run.recommendations, found + outliers),
            Err(error) => {
                tracing::warn!(%tenant, %error, source = ?error.source, "the statistics of a tenant could not be computed");
                failed += 1;
            }
        }
    }
    let line = format!("{rows} recommendations of {} organisations, {found} new outliers", tenants.len() - failed);
    if failed == 0 { Ok(line) } else { Err(Error::conflict(format!("{line}; {failed} could not be computed"))) }
}

async fn of_tenant(app: &App, tenant: &TenantId) -> Result<(RunDto, u64)> {
    let actor = Actor::system(tenant.clone(), app.env.clone(), "statistics");
    let (now, run_id) = (actor.env.now(), actor.env.new_id());
    let from = now - TimeDelta::days(PERIOD_DAYS);
    let started = Instant::now();
    let mut tx = app.db.begin(tenant).await?;
    let mut history = store::history::read(&mut tx, tenant, from, now).await?;
    drop(tx);
    let read_ms = elapsed_ms(started);
    let message = left_out(&mut history);
    let (history, started) = (Arc::new(history), Instant::now());
    let (recommendations, groups) = (history.rows as i64, history.groups.len() as i32);
    let seed = u64::from_be_bytes(run_id.as_bytes()[8..].try_into().expect("half of an id is eight bytes")) >> 1;
    // Off the threads that serve requests.
    let results = tokio::task::spawn_blocking(move || compute(&history, from, seed)).await.map_err(Error::internal)?;
    let run = RunDto {
        run_id,
        period_start: from,
        period_end: now,
        recommendations,
        groups,
        message,
        read_ms,
        computed_ms: elapsed_ms(started),
        created_at: now,
    };
    let outliers = write(app, &actor, &run, results).await?;
    Ok((run, outliers))
}

/// Cuts what is too much, and says so.
fn left_out(history: &mut History) -> String {
    let mut parts = Vec::new();
    if history.is_cut {
        parts.push(format!("only the newest {ROWS_MAX} recommendations"));
    }
    if history.groups.len() > GROUPS_MAX {
        parts.push(format!("only the {GROUPS_MAX} largest of {} groups", history.groups.len()));
        history.groups.truncate(GROUPS_MAX);
    }
    parts.join(", ")
}

async fn write(app: &App, actor: &Actor, run: &RunDto, mut results: Results) -> Result<u64> {
    let (tenant, env) = (actor.tenant(), &actor.env);
    let id = || env.new_id().to_string();
    results.metrics.iter_mut().for_each(|row| row.metric_id = id());
    results.correlations.iter_mut().for_each(|row| row.analysis_id = id());
    results.validations.iter_mut().for_each(|row| row.validation_id = id());
    results.comparisons.iter_mut().for_each(|row| row.test_id = id());
    results.outliers.iter_mut().for_each(|row| row.outlier_id = id());
    let mut tx = app.db.begin(tenant).await?;
    store::run::insert(&mut tx, tenant, run).await?;
    store::results::insert_metrics(&mut tx, tenant, run, &results.metrics).await?;
    store::results::insert_correlations(&mut tx, tenant, run, &results.correlations).await?;
    store::results::insert_validations(&mut tx, tenant, run, &results.validations).await?;
    let period = (run.period_start, run.created_at);
    store::comparison::insert(&mut tx, tenant, Some(run.run_id), None, period, &results.comparisons).await?;
    let outliers = store::outlier::insert(&mut tx, tenant, run.run_id, run.created_at, &results.outliers).await?;
    tx.publish(actor, Event::new("warehouse.statistics.changed", run.run_id, json!({ "kind": "run", "outliers": outliers })));
    tx.commit().await?;
    Ok(outliers)
}

fn elapsed_ms(started: Instant) -> f64 {
    (started.elapsed().as_secs_f64() * 1e6).round() / 1e3
}
