use kernel::TenantId;
use platform::{Error, Result};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::dto::{CorrelationDto, MetricDto, RunDto, ValidationDto};

pub(super) fn as_json<T: Serialize>(rows: &[T]) -> Result<Value> {
    serde_json::to_value(rows).map_err(Error::internal)
}

pub(crate) async fn insert_metrics(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: &RunDto,
    rows: &[MetricDto],
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.bin_optimization_statistical_metrics
             (tenant_id, run_id, period_start, period_end, created_at, metric_id, facility_id, algorithm_version, metric_name, sample_size,
              mean, std_dev, skewness, kurtosis, minimum, percentile_1, percentile_5, percentile_10, percentile_25, median, percentile_75,
              percentile_90, percentile_95, percentile_99, maximum, confidence_level, confidence_low, confidence_high, bootstrap_low,
              bootstrap_high, bootstrap_seed, trend_slope_per_day, trend_slope_low, trend_slope_high, trend_p_value, acceptance_rate,
              outliers_iqr, outliers_z, outliers_modified_z, plot)
         SELECT $1, $2, $3, $4, $5, r.metric_id, r.facility_id, r.algorithm_version, r.metric_name, r.sample_size,
                r.mean, r.std_dev, r.skewness, r.kurtosis, r.minimum, r.percentile_1, r.percentile_5, r.percentile_10, r.percentile_25,
                r.median, r.percentile_75, r.percentile_90, r.percentile_95, r.percentile_99, r.maximum, r.confidence_level,
                r.confidence_low, r.confidence_high, r.bootstrap_low, r.bootstrap_high, r.bootstrap_seed, r.trend_slope_per_day,
                r.trend_slope_low, r.trend_slope_high, r.trend_p_value, r.acceptance_rate, r.outliers_iqr, r.outliers_z,
                r.outliers_modified_z, r.plot
         FROM jsonb_populate_recordset(NULL::warehouse.bin_optimization_statistical_metrics, $6::jsonb) r",
        tenant.as_str(),
        run.run_id,
        run.period_start,
        run.period_end,
        run.created_at,
        as_json(rows)?,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn insert_correlations(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: &RunDto,
    rows: &[CorrelationDto],
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.bin_optimization_correlation_analysis
             (tenant_id, run_id, period_start, period_end, created_at, analysis_id, facility_id, algorithm_version, feature_x, feature_y,
              method, coefficient, p_value, confidence_low, confidence_high, slope, intercept, r_squared, sample_size)
         SELECT $1, $2, $3, $4, $5, r.analysis_id, r.facility_id, r.algorithm_version, r.feature_x, r.feature_y, r.method, r.coefficient,
                r.p_value, r.confidence_low, r.confidence_high, r.slope, r.intercept, r.r_squared, r.sample_size
         FROM jsonb_populate_recordset(NULL::warehouse.bin_optimization_correlation_analysis, $6::jsonb) r",
        tenant.as_str(),
        run.run_id,
        run.period_start,
        run.period_end,
        run.created_at,
        as_json(rows)?,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn insert_validations(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: &RunDto,
    rows: &[ValidationDto],
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.bin_optimization_statistical_validations
             (tenant_id, run_id, created_at, validation_id, facility_id, algorithm_version, metric_name, test_kind, statistic, p_value, alpha,
              sample_size, holds, message)
         SELECT $1, $2, $3, r.validation_id, r.facility_id, r.algorithm_version, r.metric_name, r.test_kind, r.statistic, r.p_value, r.alpha,
                r.sample_size, r.holds, r.message
         FROM jsonb_populate_recordset(NULL::warehouse.bin_optimization_statistical_validations, $4::jsonb) r",
        tenant.as_str(),
        run.run_id,
        run.created_at,
        as_json(rows)?,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Of a run, by facility, version and metric.
pub(crate) async fn metrics(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: Uuid,
    facility: Option<Uuid>,
    version: Option<&str>,
) -> Result<Vec<MetricDto>> {
    let found = sqlx::query_scalar!(
        r#"SELECT to_jsonb(m) AS "row!" FROM warehouse.bin_optimization_statistical_metrics m
           WHERE tenant_id = $1 AND run_id = $2 AND ($3::uuid IS NULL OR facility_id = $3) AND ($4::text IS NULL OR algorithm_version = $4)
           ORDER BY facility_id, algorithm_version, metric_name"#,
        tenant.as_str(),
        run,
        facility,
        version,
    );
    found.fetch_all(connection).await?.into_iter().map(|row| serde_json::from_value(row).map_err(Error::internal)).collect()
}

/// Of a run, by facility, version and pair.
pub(crate) async fn correlations(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: Uuid,
    facility: Option<Uuid>,
    version: Option<&str>,
) -> Result<Vec<CorrelationDto>> {
    let found = sqlx::query_as!(
        CorrelationDto,
        r#"SELECT analysis_id, facility_id, algorithm_version, feature_x AS "feature_x: _", feature_y AS "feature_y: _", method,
                  coefficient AS "coefficient!", p_value AS "p_value!", confidence_low, confidence_high, slope, intercept, r_squared,
                  sample_size
           FROM warehouse.bin_optimization_correlation_analysis
           WHERE tenant_id = $1 AND run_id = $2 AND ($3::uuid IS NULL OR facility_id = $3) AND ($4::text IS NULL OR algorithm_version = $4)
           ORDER BY facility_id, algorithm_version, feature_x, feature_y, method"#,
        tenant.as_str(),
        run,
        facility,
        version,
    );
    Ok(found.fetch_all(connection).await?)
}

/// Of a run; with a version also the tests over all versions.
pub(crate) async fn validations(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: Uuid,
    facility: Option<Uuid>,
    version: Option<&str>,
) -> Result<Vec<ValidationDto>> {
    let found = sqlx::query_as!(
        ValidationDto,
        r#"SELECT validation_id, facility_id, algorithm_version, metric_name AS "metric_name: _", test_kind, statistic, p_value, alpha,
                  sample_size, holds, message
           FROM warehouse.bin_optimization_statistical_validations
           WHERE tenant_id = $1 AND run_id = $2 AND ($3::uuid IS NULL OR facility_id = $3)
             AND ($4::text IS NULL OR algorithm_version IN ('', $4))
           ORDER BY facility_id, algorithm_version, metric_name, test_kind"#,
        tenant.as_str(),
        run,
        facility,
        version,
    );
    Ok(found.fetch_all(connection).await?)
}
