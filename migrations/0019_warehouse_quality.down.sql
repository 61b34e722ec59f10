DROP FUNCTION warehouse.tenants_with_facilities();
DROP FUNCTION warehouse.optimization_gauges();
DROP FUNCTION warehouse.utilization_cached_at(text);
DROP FUNCTION warehouse.cached_statistical_summary(text);
DROP FUNCTION warehouse.cached_data_quality(text);
DROP FUNCTION warehouse.cached_bin_utilization(text, uuid, text, int);
DROP FUNCTION warehouse.scheduled_refresh_bin_utilization();
DROP MATERIALIZED VIEW warehouse.bin_optimization_statistical_summary;
DROP MATERIALIZED VIEW warehouse.bin_optimization_data_quality;
DROP MATERIALIZED VIEW warehouse.bin_utilization_cache;
DROP INDEX catalog.items_unmeasured;
DROP TABLE warehouse.bin_optimization_outliers;
DROP TABLE warehouse.bin_optimization_statistical_validations;
DROP TABLE warehouse.bin_optimization_correlation_analysis;
DROP TABLE warehouse.bin_optimization_ab_test_results;
DROP TABLE warehouse.bin_optimization_statistical_metrics;
DROP TABLE warehouse.bin_optimization_remediation_log;
DROP TABLE warehouse.cross_dock_cancellations;
DROP TABLE warehouse.material_dimension_verifications;
DROP TRIGGER capacity_failures_audit ON warehouse.capacity_validation_failures;
DROP TRIGGER capacity_failures_references ON warehouse.capacity_validation_failures;
DROP FUNCTION warehouse.audit_quality_by_hand();
DROP FUNCTION warehouse.check_quality_references();
DROP INDEX warehouse.capacity_validation_failures_latest;
DROP INDEX warehouse.capacity_validation_failures_open;
ALTER TABLE warehouse.capacity_validation_failures
    ALTER COLUMN failure_id DROP DEFAULT, DROP COLUMN facility_id, DROP COLUMN reason_code, DROP COLUMN quantity, DROP COLUMN resolution;
DO $migration$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
        DROP FUNCTION IF EXISTS cron.unschedule(text);
        DROP FUNCTION IF EXISTS cron.schedule(text, text, text);
        DROP VIEW IF EXISTS cron.job;
        DROP SCHEMA IF EXISTS cron;
    END IF;
END $migration$;
DELETE FROM platform.chores WHERE name = 'refresh_bin_util';
ALTER TABLE platform.chores
    DROP COLUMN chore_id, DROP COLUMN command, DROP COLUMN is_active, DROP COLUMN schedule_override, DROP COLUMN requested_at;
DROP FUNCTION platform.uuid_generate_v7();
