-- expand
-- Which experiment a recommendation was made under, which side of it, and what was assigned; the version names method and weights.
ALTER TABLE warehouse.putaway_recommendations
    ADD COLUMN algorithm_version text NOT NULL DEFAULT '',
    ADD COLUMN experiment_id uuid,
    ADD COLUMN experiment_arm text CHECK (experiment_arm IN ('CONTROL', 'TREATMENT')),
    ADD COLUMN experiment_unit text,
    ADD CONSTRAINT putaway_recommendations_experiment
        CHECK ((experiment_id IS NULL) = (experiment_arm IS NULL) AND (experiment_id IS NULL) = (experiment_unit IS NULL));
CREATE INDEX putaway_recommendations_of_experiment ON warehouse.putaway_recommendations (tenant_id, experiment_id, experiment_unit)
    WHERE experiment_id IS NOT NULL;
-- Statistics read these columns of very many rows; the rows themselves are twenty times as long.
CREATE INDEX putaway_recommendations_figures ON warehouse.putaway_recommendations (tenant_id, created_at)
    INCLUDE (recommendation_id, facility_id, algorithm, algorithm_version, score, confidence_score, quantity, held_volume_mm3, held_weight_g,
             was_accepted, decided_at);
-- It serves whatever the shorter one did.
DROP INDEX warehouse.putaway_recommendations_recent;

-- One computation over the stored recommendations.
CREATE TABLE warehouse.bin_optimization_statistical_runs (
    tenant_id text NOT NULL,
    run_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    recommendations bigint NOT NULL CHECK (recommendations >= 0),
    groups int NOT NULL CHECK (groups >= 0),
    -- what was left out because there was too much of it
    message text NOT NULL DEFAULT '',
    read_ms double precision NOT NULL,
    computed_ms double precision NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
);
CREATE INDEX statistical_runs_recent ON warehouse.bin_optimization_statistical_runs (tenant_id, created_at);
SELECT platform.protect('warehouse.bin_optimization_statistical_runs', 'SELECT, INSERT');

ALTER TABLE warehouse.bin_optimization_statistical_metrics
    ADD COLUMN run_id uuid,
    ADD COLUMN percentile_1 double precision,
    ADD COLUMN outliers_iqr bigint,
    ADD COLUMN outliers_z bigint,
    ADD COLUMN outliers_modified_z bigint,
    -- counts, quantiles, days and the line that pictures are drawn from
    ADD COLUMN plot jsonb NOT NULL DEFAULT '{}';
ALTER TABLE warehouse.bin_optimization_ab_test_results
    ADD COLUMN run_id uuid,
    ADD COLUMN experiment_id uuid,
    ADD COLUMN is_primary boolean NOT NULL DEFAULT false,
    ADD COLUMN information_share double precision CHECK (information_share BETWEEN 0 AND 1);
ALTER TABLE warehouse.bin_optimization_correlation_analysis ADD COLUMN run_id uuid;
ALTER TABLE warehouse.bin_optimization_statistical_validations ADD COLUMN run_id uuid;
ALTER TABLE warehouse.bin_optimization_outliers
    ADD COLUMN run_id uuid,
    ADD COLUMN changed_by text,
    ADD COLUMN changed_at timestamptz;
CREATE INDEX statistical_metrics_run ON warehouse.bin_optimization_statistical_metrics (tenant_id, run_id);
CREATE INDEX ab_test_results_run ON warehouse.bin_optimization_ab_test_results (tenant_id, run_id);
CREATE INDEX ab_test_results_of ON warehouse.bin_optimization_ab_test_results (tenant_id, experiment_id, created_at) WHERE experiment_id IS NOT NULL;
CREATE INDEX correlation_analysis_run ON warehouse.bin_optimization_correlation_analysis (tenant_id, run_id);
CREATE INDEX statistical_validations_run ON warehouse.bin_optimization_statistical_validations (tenant_id, run_id);
-- What was found once is not found again, whatever became of it.
CREATE UNIQUE INDEX outliers_once ON warehouse.bin_optimization_outliers (tenant_id, recommendation_id, metric_name, method);
CREATE INDEX outliers_recent ON warehouse.bin_optimization_outliers (tenant_id, detected_at, outlier_id);

-- Two ways to place goods against each other. The settings of an arm are what differs from the default weights.
CREATE TABLE warehouse.experiments (
    tenant_id text NOT NULL,
    experiment_id uuid NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    hypothesis text NOT NULL DEFAULT '' CHECK (length(hypothesis) <= 1000),
    unit text NOT NULL CHECK (unit IN ('RECEIPT', 'FACILITY')),
    -- where it runs; everywhere when empty
    facility_ids uuid[] NOT NULL DEFAULT '{}',
    -- of a FACILITY experiment that has started: those that work as TREATMENT
    treated_facility_ids uuid[] NOT NULL DEFAULT '{}',
    metric_name text NOT NULL CHECK (metric_name IN ('SCORE', 'CONFIDENCE', 'ACCEPTANCE', 'DECISION_MINUTES')),
    control_algorithm text NOT NULL,
    control_weights jsonb NOT NULL DEFAULT '{}',
    treatment_algorithm text NOT NULL,
    treatment_weights jsonb NOT NULL DEFAULT '{}',
    treatment_share double precision NOT NULL DEFAULT 0.5 CHECK (treatment_share BETWEEN 0.05 AND 0.95),
    alpha double precision NOT NULL DEFAULT 0.05 CHECK (alpha BETWEEN 0.001 AND 0.2),
    power double precision NOT NULL DEFAULT 0.8 CHECK (power BETWEEN 0.5 AND 0.99),
    minimum_effect double precision NOT NULL CHECK (minimum_effect BETWEEN 0.02 AND 5),
    spending text NOT NULL DEFAULT 'OBRIEN_FLEMING' CHECK (spending IN ('OBRIEN_FLEMING', 'POCOCK')),
    looks_planned int NOT NULL DEFAULT 5 CHECK (looks_planned BETWEEN 1 AND 20),
    planned_units bigint NOT NULL CHECK (planned_units >= 4),
    max_days int NOT NULL DEFAULT 90 CHECK (max_days BETWEEN 1 AND 365),
    state text NOT NULL DEFAULT 'DRAFT' CHECK (state IN ('DRAFT', 'RUNNING', 'STOPPED', 'DECIDED')),
    -- shares of the information at the looks so far
    looked_shares double precision[] NOT NULL DEFAULT '{}',
    decision text CHECK (decision IN ('CONTROL', 'TREATMENT', 'NO_DIFFERENCE')),
    decision_reason text NOT NULL DEFAULT '',
    version int NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, experiment_id),
    CONSTRAINT experiments_code_key UNIQUE (tenant_id, code),
    CONSTRAINT experiments_started CHECK ((state = 'DRAFT') = (started_at IS NULL)),
    CONSTRAINT experiments_ended CHECK ((state IN ('STOPPED', 'DECIDED')) = (ended_at IS NOT NULL)),
    CONSTRAINT experiments_decided CHECK ((state = 'DECIDED') = (decision IS NOT NULL))
);
CREATE INDEX experiments_recent ON warehouse.experiments (tenant_id, created_at, experiment_id);
CREATE INDEX experiments_running ON warehouse.experiments (tenant_id) WHERE state = 'RUNNING';
SELECT platform.protect('warehouse.experiments', 'SELECT, INSERT, UPDATE');

-- Renews the summary alone, after the figures that stand beside it; whoever is at all of them does this one too.
CREATE FUNCTION warehouse.refresh_statistical_summary() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = warehouse, pg_temp SET enable_nestloop = off AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(7166019) THEN
        RETURN false;
    END IF;
    REFRESH MATERIALIZED VIEW CONCURRENTLY warehouse.bin_optimization_statistical_summary;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION warehouse.refresh_statistical_summary() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION warehouse.refresh_statistical_summary() TO wms_runtime;
