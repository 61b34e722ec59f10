DROP FUNCTION warehouse.refresh_statistical_summary();
DROP TABLE warehouse.experiments;
DROP INDEX warehouse.outliers_recent, warehouse.outliers_once, warehouse.statistical_validations_run, warehouse.correlation_analysis_run,
    warehouse.ab_test_results_of, warehouse.ab_test_results_run, warehouse.statistical_metrics_run;
ALTER TABLE warehouse.bin_optimization_outliers DROP COLUMN run_id, DROP COLUMN changed_by, DROP COLUMN changed_at;
ALTER TABLE warehouse.bin_optimization_statistical_validations DROP COLUMN run_id;
ALTER TABLE warehouse.bin_optimization_correlation_analysis DROP COLUMN run_id;
ALTER TABLE warehouse.bin_optimization_ab_test_results
    DROP COLUMN run_id, DROP COLUMN experiment_id, DROP COLUMN is_primary, DROP COLUMN information_share;
ALTER TABLE warehouse.bin_optimization_statistical_metrics
    DROP COLUMN run_id, DROP COLUMN percentile_1, DROP COLUMN outliers_iqr, DROP COLUMN outliers_z, DROP COLUMN outliers_modified_z,
    DROP COLUMN plot;
DROP TABLE warehouse.bin_optimization_statistical_runs;
CREATE INDEX putaway_recommendations_recent ON warehouse.putaway_recommendations (tenant_id, created_at);
DROP INDEX warehouse.putaway_recommendations_figures, warehouse.putaway_recommendations_of_experiment;
ALTER TABLE warehouse.putaway_recommendations
    DROP CONSTRAINT putaway_recommendations_experiment,
    DROP COLUMN algorithm_version, DROP COLUMN experiment_id, DROP COLUMN experiment_arm, DROP COLUMN experiment_unit;
