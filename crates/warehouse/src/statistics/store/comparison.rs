use chrono::{DateTime, Utc};
use kernel::TenantId;
use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::dto::ComparisonDto;
use super::results::as_json;

/// Of a run, or of a look at an experiment.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: Option<Uuid>,
    experiment: Option<Uuid>,
    (started, ended): (DateTime<Utc>, DateTime<Utc>),
    rows: &[ComparisonDto],
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.bin_optimization_ab_test_results
             (tenant_id, run_id, experiment_id, started_at, ended_at, created_at, test_id, experiment, facility_id, metric_name,
              control_version, treatment_version, control_size, treatment_size, control_mean, treatment_mean, control_std_dev,
              treatment_std_dev, test_kind, statistic, degrees_of_freedom, p_value, difference, difference_low, difference_high,
              effect_size, effect_kind, power, look, looks_planned, alpha, alpha_at_look, is_significant, decision, is_primary,
              information_share)
         SELECT $1, $2, $3, $4, $5, $5, r.test_id, r.experiment, r.facility_id, r.metric_name, r.control_version, r.treatment_version,
                r.control_size, r.treatment_size, r.control_mean, r.treatment_mean, r.control_std_dev, r.treatment_std_dev, r.test_kind,
                r.statistic, r.degrees_of_freedom, r.p_value, r.difference, r.difference_low, r.difference_high, r.effect_size,
                r.effect_kind, r.power, r.look, r.looks_planned, r.alpha, r.alpha_at_look, r.is_significant, r.decision, r.is_primary,
                r.information_share
         FROM jsonb_populate_recordset(NULL::warehouse.bin_optimization_ab_test_results, $6::jsonb) r",
        tenant.as_str(),
        run,
        experiment,
        started,
        ended,
        as_json(rows)?,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The macro keeps the one list of columns for both ways to find comparisons.
macro_rules! select_comparisons {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            ComparisonDto,
            r#"SELECT test_id, experiment, facility_id, metric_name AS "metric_name: _", control_version, treatment_version, control_size,
                      treatment_size, control_mean, treatment_mean, control_std_dev, treatment_std_dev, test_kind, statistic,
                      degrees_of_freedom, p_value, difference, difference_low, difference_high, effect_size, effect_kind, power, look,
                      looks_planned, alpha, alpha_at_look, is_significant, decision AS "decision: _", is_primary, information_share,
                      created_at
               FROM warehouse.bin_optimization_ab_test_results WHERE tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

pub(crate) async fn of_run(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: Uuid,
    facility: Option<Uuid>,
) -> Result<Vec<ComparisonDto>> {
    let rows = select_comparisons!(
        "AND run_id = $2 AND ($3::uuid IS NULL OR facility_id = $3)
         ORDER BY facility_id, control_version, treatment_version, metric_name, test_kind",
        tenant.as_str(),
        run,
        facility,
    );
    Ok(rows.fetch_all(connection).await?)
}

/// All looks, oldest first, the deciding test of each first.
pub(crate) async fn of_experiment(
    connection: &mut PgConnection,
    tenant: &TenantId,
    experiment: Uuid,
) -> Result<Vec<ComparisonDto>> {
    let rows = select_comparisons!(
        "AND experiment_id = $2 ORDER BY look, NOT is_primary, test_kind LIMIT 200",
        tenant.as_str(),
        experiment,
    );
    Ok(rows.fetch_all(connection).await?)
}
