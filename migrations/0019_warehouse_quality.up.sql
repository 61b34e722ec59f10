-- expand
-- Ids that sort by time (RFC 9562, version 7; section 6.2, method 3), for rows written by hand or by a default. 48 bits of
-- milliseconds and 12 of their fraction; a session remembers its last one, so that within it each is greater than the one before.
CREATE FUNCTION platform.uuid_generate_v7() RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    stamp bigint := floor(extract(epoch FROM clock_timestamp()) * 4096000)::bigint;
    random text := replace(gen_random_uuid()::text, '-', '');
BEGIN
    stamp := greatest(stamp, coalesce(nullif(current_setting('entrepot.last_uuid_v7', true), '')::bigint, 0) + 1);
    PERFORM set_config('entrepot.last_uuid_v7', stamp::text, false);
    -- The second half of a random UUID begins with the variant already.
    RETURN (lpad(to_hex(stamp >> 12), 12, '0') || '7' || lpad(to_hex(stamp & 4095), 3, '0') || substr(random, 17))::uuid;
END $$;

-- What an operator may change about a chore, and what is asked of it by hand.
ALTER TABLE platform.chores
    ADD COLUMN chore_id bigint GENERATED ALWAYS AS IDENTITY,
    -- The statement that stands for it in cron.job; empty for those that are no statement.
    ADD COLUMN command text NOT NULL DEFAULT '',
    ADD COLUMN is_active boolean NOT NULL DEFAULT true,
    ADD COLUMN schedule_override text,
    ADD COLUMN requested_at timestamptz;
INSERT INTO platform.chores (name, schedule, command)
VALUES ('refresh_bin_util', '*/10 * * * *', 'SELECT scheduled_refresh_bin_utilization();')
ON CONFLICT (name) DO UPDATE SET command = EXCLUDED.command;

-- The names of pg_cron over our own clockwork; where that extension is installed its schema is left alone. Only commands that
-- the program knows can be scheduled: a table that runs any statement as its owner would be a door.
DO $migration$ BEGIN
    IF to_regnamespace('cron') IS NOT NULL THEN
        RAISE NOTICE 'schema cron exists already; it is left as it is';
        RETURN;
    END IF;
    CREATE SCHEMA cron;
    GRANT USAGE ON SCHEMA cron TO wms_runtime;
    CREATE VIEW cron.job WITH (security_invoker = true) AS
    SELECT chore_id AS jobid, coalesce(schedule_override, schedule) AS schedule, command, 'localhost'::text AS nodename,
           current_setting('port')::int AS nodeport, current_database()::text AS database, 'wms_runtime'::text AS username,
           is_active AS active, name AS jobname
    FROM platform.chores;
    GRANT SELECT ON cron.job TO wms_runtime;

    CREATE FUNCTION cron.schedule(job_name text, schedule text, command text) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE id bigint;
    BEGIN
        IF $2 !~ '^\s*(\S+\s+){4}\S+\s*$' THEN
            RAISE EXCEPTION 'schedule: must have the five fields of crontab(5), such as */10 * * * *' USING ERRCODE = '22023';
        END IF;
        UPDATE platform.chores c SET schedule_override = btrim($2), is_active = true
        WHERE c.name = $1 AND c.command <> '' AND rtrim(c.command, '; ') = rtrim(btrim($3), '; ')
        RETURNING c.chore_id INTO id;
        IF id IS NULL THEN
            RAISE EXCEPTION 'job %: no such job with this command', $1
                USING ERRCODE = '22023', HINT = 'SELECT jobname, command FROM cron.job lists what can be scheduled';
        END IF;
        RETURN id;
    END $$;
    CREATE FUNCTION cron.unschedule(job_name text) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE platform.chores c SET is_active = false WHERE c.name = $1;
        RETURN FOUND;
    END $$;
    REVOKE ALL ON FUNCTION cron.schedule(text, text, text), cron.unschedule(text) FROM PUBLIC;
END $migration$;

-- Which goods a recorded failure was about, so that it can be tried again.
ALTER TABLE warehouse.capacity_validation_failures
    ALTER COLUMN failure_id SET DEFAULT platform.uuid_generate_v7()::text,
    ADD COLUMN facility_id uuid,
    ADD COLUMN reason_code text NOT NULL DEFAULT '',
    ADD COLUMN quantity numeric(18, 6) CHECK (quantity > 0),
    ADD COLUMN resolution text CHECK (resolution IN ('MASTER_DATA_CORRECTED', 'CAPACITY_CHANGED', 'STORED_ELSEWHERE', 'NO_ACTION_NEEDED'));
UPDATE warehouse.capacity_validation_failures f SET facility_id = l.facility_id
FROM warehouse.locations l WHERE l.tenant_id = f.tenant_id AND l.location_id = f.location_id;
CREATE INDEX capacity_validation_failures_open ON warehouse.capacity_validation_failures (tenant_id, created_at, failure_id) WHERE NOT resolved;
-- Looked for across tenants when gauges are read, so this one index does not begin with the tenant.
CREATE INDEX capacity_validation_failures_latest ON warehouse.capacity_validation_failures (created_at) WHERE NOT resolved;

-- Goods measured against their master data. No foreign keys, so that the owner may disable all triggers; the triggers check instead.
CREATE TABLE warehouse.material_dimension_verifications (
    tenant_id text NOT NULL,
    verification_id text NOT NULL DEFAULT platform.uuid_generate_v7()::text,
    facility_id uuid,
    material_id uuid NOT NULL,
    -- of one base unit
    measured_length_mm int CHECK (measured_length_mm > 0),
    measured_width_mm int CHECK (measured_width_mm > 0),
    measured_height_mm int CHECK (measured_height_mm > 0),
    measured_volume_mm3 bigint CHECK (measured_volume_mm3 > 0),
    measured_weight_g bigint CHECK (measured_weight_g >= 0),
    master_length_mm int,
    master_width_mm int,
    master_height_mm int,
    master_volume_mm3 bigint,
    master_weight_g bigint,
    -- (measured - master) / master in percent; null where there is nothing to compare with
    dimension_variance_percentage numeric(14, 3),
    volume_variance_percentage numeric(14, 3),
    weight_variance_percentage numeric(14, 3),
    status text NOT NULL CHECK (status IN ('VERIFIED', 'FLAGGED', 'NO_MASTER_DATA')),
    master_updated boolean NOT NULL DEFAULT false,
    -- the last one of its material
    is_latest boolean NOT NULL DEFAULT true,
    resolution text CHECK (resolution IN ('TAKE_MEASURED', 'KEEP_MASTER')),
    resolution_notes text NOT NULL DEFAULT '',
    resolved_at timestamptz,
    resolved_by text,
    notes text NOT NULL DEFAULT '',
    verified_by text NOT NULL DEFAULT '',
    verified_at timestamptz NOT NULL DEFAULT now(),
    next_due_at timestamptz NOT NULL DEFAULT now() + interval '90 days',
    PRIMARY KEY (tenant_id, verification_id),
    CONSTRAINT verifications_resolved CHECK ((resolution IS NULL) = (resolved_at IS NULL))
);
CREATE UNIQUE INDEX material_dimension_verifications_latest ON warehouse.material_dimension_verifications (tenant_id, material_id) WHERE is_latest;
CREATE INDEX material_dimension_verifications_recent ON warehouse.material_dimension_verifications (tenant_id, verified_at, verification_id);
CREATE INDEX material_dimension_verifications_open ON warehouse.material_dimension_verifications (tenant_id, verified_at)
    WHERE is_latest AND status <> 'VERIFIED' AND resolution IS NULL AND NOT master_updated;
CREATE INDEX material_dimension_verifications_due ON warehouse.material_dimension_verifications (tenant_id, next_due_at) WHERE is_latest;
SELECT platform.protect('warehouse.material_dimension_verifications', 'SELECT, INSERT, UPDATE');

-- What foreign keys would check. Disabled, the application works on: it names only what it found itself, and the daily audit finds the rest.
CREATE FUNCTION warehouse.check_quality_references() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.material_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM catalog.items i WHERE i.tenant_id = NEW.tenant_id AND i.item_id = NEW.material_id) THEN
        RAISE EXCEPTION 'material_id: material % does not exist', NEW.material_id USING ERRCODE = '23503', CONSTRAINT = 'quality_material';
    END IF;
    IF TG_TABLE_NAME = 'capacity_validation_failures' AND (to_jsonb(NEW) ->> 'location_id') IS NOT NULL
       AND NOT EXISTS (SELECT FROM warehouse.locations l
                       WHERE l.tenant_id = NEW.tenant_id AND l.location_id = (to_jsonb(NEW) ->> 'location_id')::uuid) THEN
        RAISE EXCEPTION 'location_id: location % does not exist', to_jsonb(NEW) ->> 'location_id'
            USING ERRCODE = '23503', CONSTRAINT = 'quality_location';
    END IF;
    RETURN NEW;
END $$;

-- Rows that are changed by hand; the application writes its own line, with who and why, in the same transaction.
CREATE FUNCTION warehouse.audit_quality_by_hand() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE after jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) END;
BEGIN
    INSERT INTO platform.audit (tenant_id, audit_id, at, actor_id, actor_name, action, entity, entity_id, before, after, request_id)
    VALUES (OLD.tenant_id, platform.uuid_generate_v7(), now(), '00000000-0000-0000-0000-000000000000', session_user,
            'quality.' || lower(TG_OP) || '_by_hand', TG_ARGV[0], to_jsonb(OLD) ->> TG_ARGV[1], to_jsonb(OLD), after, '');
    RETURN NULL;
END $$;

CREATE TRIGGER capacity_failures_references BEFORE INSERT OR UPDATE OF material_id, location_id ON warehouse.capacity_validation_failures
    FOR EACH ROW EXECUTE FUNCTION warehouse.check_quality_references();
CREATE TRIGGER capacity_failures_audit AFTER UPDATE OR DELETE ON warehouse.capacity_validation_failures
    FOR EACH ROW WHEN (current_user <> 'wms_runtime') EXECUTE FUNCTION warehouse.audit_quality_by_hand('capacity failure', 'failure_id');
CREATE TRIGGER dimension_verifications_references BEFORE INSERT OR UPDATE OF material_id ON warehouse.material_dimension_verifications
    FOR EACH ROW EXECUTE FUNCTION warehouse.check_quality_references();
CREATE TRIGGER dimension_verifications_audit AFTER UPDATE OR DELETE ON warehouse.material_dimension_verifications
    FOR EACH ROW WHEN (current_user <> 'wms_runtime')
    EXECUTE FUNCTION warehouse.audit_quality_by_hand('dimension verification', 'verification_id');

-- Goods that were set aside for an order that no longer takes them, and what became of them.
CREATE TABLE warehouse.cross_dock_cancellations (
    tenant_id text NOT NULL,
    cancellation_id text NOT NULL DEFAULT platform.uuid_generate_v7()::text,
    facility_id uuid NOT NULL,
    material_id uuid NOT NULL,
    lot_id uuid,
    lot_number text NOT NULL DEFAULT '',
    quality_status text NOT NULL DEFAULT 'RELEASED',
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    order_reference text NOT NULL DEFAULT '' CHECK (length(order_reference) <= 200),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    staging_location_id uuid NOT NULL,
    recommended_location_id uuid,
    status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'RELOCATED')),
    relocated_to_id uuid,
    movement_id uuid,
    cancelled_by text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    relocated_by text,
    relocated_at timestamptz,
    PRIMARY KEY (tenant_id, cancellation_id),
    CONSTRAINT cross_dock_cancellations_relocated CHECK ((status = 'RELOCATED') = (movement_id IS NOT NULL)),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities,
    FOREIGN KEY (tenant_id, material_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, staging_location_id) REFERENCES warehouse.locations
);
CREATE INDEX cross_dock_cancellations_recent ON warehouse.cross_dock_cancellations (tenant_id, created_at, cancellation_id);
CREATE INDEX cross_dock_cancellations_pending ON warehouse.cross_dock_cancellations (tenant_id, facility_id) WHERE status = 'PENDING';
SELECT platform.protect('warehouse.cross_dock_cancellations', 'SELECT, INSERT, UPDATE');

-- What was done about a finding, by a person or by the program, with the figures before and after. Append-only.
CREATE TABLE warehouse.bin_optimization_remediation_log (
    tenant_id text NOT NULL,
    remediation_id text NOT NULL DEFAULT platform.uuid_generate_v7()::text,
    facility_id uuid,
    action text NOT NULL,
    is_automatic boolean NOT NULL DEFAULT false,
    subject text NOT NULL DEFAULT '',
    subject_id text NOT NULL DEFAULT '',
    figures_before jsonb NOT NULL DEFAULT '{}',
    figures_after jsonb NOT NULL DEFAULT '{}',
    succeeded boolean NOT NULL,
    message text NOT NULL DEFAULT '',
    performed_by text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, remediation_id),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities
);
CREATE INDEX bin_optimization_remediation_log_recent ON warehouse.bin_optimization_remediation_log (tenant_id, created_at, remediation_id);
SELECT platform.protect('warehouse.bin_optimization_remediation_log', 'SELECT, INSERT');

-- Results of statistics over stored recommendations. `algorithm_version` names method and weights; the period is half-open.
CREATE TABLE warehouse.bin_optimization_statistical_metrics (
    tenant_id text NOT NULL,
    metric_id text NOT NULL DEFAULT platform.uuid_generate_v7()::text,
    facility_id uuid,
    algorithm_version text NOT NULL DEFAULT '',
    metric_name text NOT NULL,
    period_start timestamptz,
    period_end timestamptz,
    sample_size bigint NOT NULL DEFAULT 0 CHECK (sample_size >= 0),
    mean double precision,
    std_dev double precision CHECK (std_dev >= 0),
    skewness double precision,
    kurtosis double precision,
    minimum double precision,
    percentile_5 double precision,
    percentile_10 double precision,
    percentile_25 double precision,
    median double precision,
    percentile_75 double precision,
    percentile_90 double precision,
    percentile_95 double precision,
    percentile_99 double precision,
    maximum double precision,
    confidence_level double precision CHECK (confidence_level > 0 AND confidence_level < 1),
    confidence_low double precision,
    confidence_high double precision,
    bootstrap_low double precision,
    bootstrap_high double precision,
    bootstrap_seed bigint,
    trend_slope_per_day double precision,
    trend_slope_low double precision,
    trend_slope_high double precision,
    trend_p_value double precision CHECK (trend_p_value BETWEEN 0 AND 1),
    acceptance_rate double precision CHECK (acceptance_rate BETWEEN 0 AND 100),
    -- Accuracy of the model in use on held-out decisions, in percent; the newest row that has one is what health judges.
    ml_model_accuracy double precision CHECK (ml_model_accuracy BETWEEN 0 AND 100),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, metric_id),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities
);
CREATE INDEX statistical_metrics_recent ON warehouse.bin_optimization_statistical_metrics (tenant_id, created_at);
CREATE INDEX statistical_metrics_accuracy ON warehouse.bin_optimization_statistical_metrics (tenant_id, created_at) WHERE ml_model_accuracy IS NOT NULL;
SELECT platform.protect('warehouse.bin_optimization_statistical_metrics', 'SELECT, INSERT');

CREATE TABLE warehouse.bin_optimization_ab_test_results (
    tenant_id text NOT NULL,
    test_id text NOT NULL DEFAULT platform.uuid_generate_v7()::text,
    experiment text NOT NULL,
    facility_id uuid,
    metric_name text NOT NULL,
    control_version text NOT NULL,
    treatment_version text NOT NULL,
    control_size bigint NOT NULL CHECK (control_size >= 0),
    treatment_size bigint NOT NULL CHECK (treatment_size >= 0),
    control_mean double precision,
    treatment_mean double precision,
    control_std_dev double precision,
    treatment_std_dev double precision,
    test_kind text NOT NULL CHECK (test_kind IN ('WELCH_T', 'CHI_SQUARE', 'FISHER_EXACT', 'MANN_WHITNEY')),
    statistic double precision,
    degrees_of_freedom double precision,
    p_value double precision CHECK (p_value BETWEEN 0 AND 1),
    difference double precision,
    difference_low double precision,
    difference_high double precision,
    effect_size double precision,
    effect_kind text CHECK (effect_kind IN ('COHEN_D', 'CLIFF_DELTA', 'ODDS_RATIO')),
    power double precision CHECK (power BETWEEN 0 AND 1),
    -- sequential looks: which one, of how many, at what share of the error that is left
    look int NOT NULL DEFAULT 1 CHECK (look >= 1),
    looks_planned int NOT NULL DEFAULT 1 CHECK (looks_planned >= look),
    alpha double precision NOT NULL DEFAULT 0.05 CHECK (alpha > 0 AND alpha < 1),
    alpha_at_look double precision CHECK (alpha_at_look >= 0 AND alpha_at_look < 1),
    is_significant boolean NOT NULL DEFAULT false,
    decision text NOT NULL DEFAULT 'CONTINUE' CHECK (decision IN ('CONTINUE', 'CONTROL', 'TREATMENT', 'NO_DIFFERENCE')),
    started_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, test_id),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities
);
CREATE INDEX ab_test_results_experiment ON warehouse.bin_optimization_ab_test_results (tenant_id, experiment, created_at);
SELECT platform.protect('warehouse.bin_optimization_ab_test_results', 'SELECT, INSERT');

CREATE TABLE warehouse.bin_optimization_correlation_analysis (
    tenant_id text NOT NULL,
    analysis_id text NOT NULL DEFAULT platform.uuid_generate_v7()::text,
    facility_id uuid,
    algorithm_version text NOT NULL DEFAULT '',
    feature_x text NOT NULL,
    feature_y text NOT NULL,
    method text NOT NULL CHECK (method IN ('PEARSON', 'SPEARMAN', 'KENDALL')),
    coefficient double precision CHECK (coefficient BETWEEN -1 AND 1),
    p_value double precision CHECK (p_value BETWEEN 0 AND 1),
    confidence_low double precision,
    confidence_high double precision,
    slope double precision,
    intercept double precision,
    r_squared double precision CHECK (r_squared BETWEEN 0 AND 1),
    sample_size bigint NOT NULL CHECK (sample_size >= 0),
    period_start timestamptz,
    period_end timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, analysis_id),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities
);
CREATE INDEX correlation_analysis_recent ON warehouse.bin_optimization_correlation_analysis (tenant_id, created_at);
SELECT platform.protect('warehouse.bin_optimization_correlation_analysis', 'SELECT, INSERT');

-- Whether the assumptions hold that a test rests on, and whether a trend is one.
CREATE TABLE warehouse.bin_optimization_statistical_validations (
    tenant_id text NOT NULL,
    validation_id text NOT NULL DEFAULT platform.uuid_generate_v7()::text,
    facility_id uuid,
    algorithm_version text NOT NULL DEFAULT '',
    metric_name text NOT NULL,
    test_kind text NOT NULL CHECK (test_kind IN ('SHAPIRO_WILK', 'LEVENE', 'DURBIN_WATSON', 'MANN_KENDALL', 'ANOVA')),
    statistic double precision,
    p_value double precision CHECK (p_value BETWEEN 0 AND 1),
    alpha double precision NOT NULL DEFAULT 0.05 CHECK (alpha > 0 AND alpha < 1),
    sample_size bigint NOT NULL CHECK (sample_size >= 0),
    -- null when nothing can be said, for instance of too few values
    holds boolean,
    message text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, validation_id),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities
);
CREATE INDEX statistical_validations_recent ON warehouse.bin_optimization_statistical_validations (tenant_id, created_at);
SELECT platform.protect('warehouse.bin_optimization_statistical_validations', 'SELECT, INSERT');

CREATE TABLE warehouse.bin_optimization_outliers (
    tenant_id text NOT NULL,
    outlier_id text NOT NULL DEFAULT platform.uuid_generate_v7()::text,
    facility_id uuid,
    algorithm_version text NOT NULL DEFAULT '',
    metric_name text NOT NULL,
    recommendation_id uuid,
    material_id uuid,
    location_id uuid,
    value double precision NOT NULL,
    method text NOT NULL CHECK (method IN ('IQR', 'Z_SCORE', 'MODIFIED_Z', 'ISOLATION_FOREST')),
    score double precision,
    lower_bound double precision,
    upper_bound double precision,
    severity text NOT NULL CHECK (severity IN ('MILD', 'MODERATE', 'SEVERE')),
    status text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'INVESTIGATING', 'RESOLVED', 'DISMISSED')),
    root_cause text NOT NULL DEFAULT '',
    resolution_notes text NOT NULL DEFAULT '',
    resolved_by text,
    resolved_at timestamptz,
    detected_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, outlier_id),
    CONSTRAINT outliers_resolved CHECK ((status IN ('RESOLVED', 'DISMISSED')) = (resolved_at IS NOT NULL)),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities
);
CREATE INDEX outliers_open ON warehouse.bin_optimization_outliers (tenant_id, detected_at, outlier_id) WHERE status IN ('OPEN', 'INVESTIGATING');
SELECT platform.protect('warehouse.bin_optimization_outliers', 'SELECT, INSERT, UPDATE');

-- Active items that no capacity can be checked for.
CREATE INDEX items_unmeasured ON catalog.items (tenant_id, code)
    WHERE is_active AND (weight_g IS NULL OR (length_mm IS NULL AND volume_cm3 IS NULL));

-- Fill of every location, for dashboards; decisions compute theirs from the balances. Percentages are of volume and weight.
CREATE MATERIALIZED VIEW warehouse.bin_utilization_cache AS
SELECT l.tenant_id, l.facility_id, l.location_id, l.code AS location_code, l.type AS location_type, l.zone, l.aisle, l.abc_class,
       l.volume_cm3, l.max_weight_g,
       ceil(coalesce(s.volume_mm3, 0) / 1000)::bigint AS used_volume_cm3, coalesce(s.weight_g, 0)::bigint AS used_weight_g,
       coalesce(round(s.volume_mm3 / nullif(l.volume_cm3, 0) / 10, 1), 0) AS volume_utilization,
       coalesce(round(s.weight_g * 100 / nullif(l.max_weight_g, 0), 1), 0) AS weight_utilization,
       coalesce(s.items, 0)::int AS item_count, coalesce(s.is_unmeasured, false) AS is_unmeasured, now() AS last_updated
FROM warehouse.locations l
LEFT JOIN (
    SELECT b.tenant_id, b.location_id, count(DISTINCT b.item_id) AS items,
           sum(ceil(b.on_hand * coalesce(i.length_mm::bigint * i.width_mm * i.height_mm, i.volume_cm3 * 1000))) AS volume_mm3,
           sum(ceil(b.on_hand * i.weight_g)) AS weight_g,
           bool_or(i.weight_g IS NULL OR (i.length_mm IS NULL AND i.volume_cm3 IS NULL)) AS is_unmeasured
    FROM inventory.balances b JOIN catalog.items i ON i.tenant_id = b.tenant_id AND i.item_id = b.item_id
    WHERE b.on_hand > 0 GROUP BY b.tenant_id, b.location_id
) s ON s.tenant_id = l.tenant_id AND s.location_id = l.location_id;
CREATE UNIQUE INDEX bin_utilization_cache_key ON warehouse.bin_utilization_cache (tenant_id, location_id);
CREATE INDEX bin_utilization_cache_facility ON warehouse.bin_utilization_cache (tenant_id, facility_id, location_code);

-- How far master data can be trusted, by facility; materials are counted for the whole tenant.
CREATE MATERIALIZED VIEW warehouse.bin_optimization_data_quality AS
SELECT f.tenant_id, f.facility_id, coalesce(i.materials, 0) AS materials, coalesce(i.materials_unmeasured, 0) AS materials_unmeasured,
       coalesce(v.verified, 0) AS materials_verified, coalesce(v.flagged, 0) AS materials_flagged, coalesce(v.due, 0) AS verifications_due,
       coalesce(c.open, 0) AS capacity_failures, c.mean_overflow AS mean_overflow_percentage,
       coalesce(x.pending, 0) AS pending_relocations, now() AS last_updated
FROM warehouse.facilities f
LEFT JOIN (SELECT tenant_id, count(*) AS materials,
                  count(*) FILTER (WHERE weight_g IS NULL OR (length_mm IS NULL AND volume_cm3 IS NULL)) AS materials_unmeasured
           FROM catalog.items WHERE is_active GROUP BY tenant_id) i ON i.tenant_id = f.tenant_id
LEFT JOIN (SELECT tenant_id, count(*) FILTER (WHERE (status = 'VERIFIED' OR resolution IS NOT NULL OR master_updated) AND next_due_at > now()) AS verified,
                  count(*) FILTER (WHERE status = 'FLAGGED' AND resolution IS NULL) AS flagged, count(*) FILTER (WHERE next_due_at <= now()) AS due
           FROM warehouse.material_dimension_verifications WHERE is_latest GROUP BY tenant_id) v ON v.tenant_id = f.tenant_id
LEFT JOIN (SELECT tenant_id, facility_id, count(*) AS open, round(avg(overflow_percentage), 3) AS mean_overflow
           FROM warehouse.capacity_validation_failures WHERE NOT resolved GROUP BY tenant_id, facility_id) c
       ON c.tenant_id = f.tenant_id AND c.facility_id = f.facility_id
LEFT JOIN (SELECT tenant_id, facility_id, count(*) AS pending FROM warehouse.cross_dock_cancellations WHERE status = 'PENDING'
           GROUP BY tenant_id, facility_id) x ON x.tenant_id = f.tenant_id AND x.facility_id = f.facility_id;
CREATE UNIQUE INDEX bin_optimization_data_quality_key ON warehouse.bin_optimization_data_quality (tenant_id, facility_id);

-- Recommendations of the last 30 and 7 days by facility and method. Those without a facility stand under the nil UUID.
CREATE MATERIALIZED VIEW warehouse.bin_optimization_statistical_summary AS
SELECT tenant_id, coalesce(facility_id, '00000000-0000-0000-0000-000000000000') AS facility_id, algorithm,
       count(*) AS recommendations, count(was_accepted) AS decided, count(*) FILTER (WHERE was_accepted) AS accepted,
       avg(confidence_score)::double precision AS mean_confidence, stddev_samp(confidence_score)::double precision AS confidence_std_dev,
       avg(score)::double precision AS mean_score,
       count(*) FILTER (WHERE created_at > now() - interval '7 days') AS recommendations_7d,
       count(was_accepted) FILTER (WHERE created_at > now() - interval '7 days') AS decided_7d,
       count(*) FILTER (WHERE was_accepted AND created_at > now() - interval '7 days') AS accepted_7d,
       sum(confidence_score) FILTER (WHERE created_at > now() - interval '7 days')::double precision AS confidence_sum_7d,
       now() AS last_updated
FROM warehouse.putaway_recommendations WHERE created_at > now() - interval '30 days'
GROUP BY tenant_id, coalesce(facility_id, '00000000-0000-0000-0000-000000000000'), algorithm;
CREATE UNIQUE INDEX bin_optimization_statistical_summary_key ON warehouse.bin_optimization_statistical_summary (tenant_id, facility_id, algorithm);

-- Renews the three while readers go on; false when somebody else is at it already, whose result will do.
CREATE FUNCTION warehouse.scheduled_refresh_bin_utilization() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = warehouse, pg_temp SET enable_nestloop = off AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(7166019) THEN
        RETURN false;
    END IF;
    REFRESH MATERIALIZED VIEW CONCURRENTLY warehouse.bin_utilization_cache;
    REFRESH MATERIALIZED VIEW CONCURRENTLY warehouse.bin_optimization_data_quality;
    REFRESH MATERIALIZED VIEW CONCURRENTLY warehouse.bin_optimization_statistical_summary;
    RETURN true;
END $$;

-- The readers of the three: the tenant must be named and be the session's own.
CREATE FUNCTION warehouse.cached_bin_utilization(tenant text, facility uuid, after_code text, most int)
RETURNS SETOF warehouse.bin_utilization_cache LANGUAGE sql STABLE SECURITY DEFINER SET search_path = warehouse, pg_temp AS $$
    SELECT c.* FROM warehouse.bin_utilization_cache c
    WHERE c.tenant_id = tenant AND tenant = platform.current_tenant() AND c.facility_id = facility
      AND (after_code IS NULL OR c.location_code > after_code)
    ORDER BY c.location_code LIMIT most
$$;
CREATE FUNCTION warehouse.cached_data_quality(tenant text) RETURNS SETOF warehouse.bin_optimization_data_quality
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = warehouse, pg_temp AS $$
    SELECT q.* FROM warehouse.bin_optimization_data_quality q WHERE q.tenant_id = tenant AND tenant = platform.current_tenant()
$$;
CREATE FUNCTION warehouse.cached_statistical_summary(tenant text) RETURNS SETOF warehouse.bin_optimization_statistical_summary
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = warehouse, pg_temp AS $$
    SELECT s.* FROM warehouse.bin_optimization_statistical_summary s WHERE s.tenant_id = tenant AND tenant = platform.current_tenant()
$$;
-- When the cache of a tenant was made: all its rows are of one moment.
CREATE FUNCTION warehouse.utilization_cached_at(tenant text) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = warehouse, pg_temp AS $$
    SELECT c.last_updated FROM warehouse.bin_utilization_cache c WHERE c.tenant_id = tenant AND tenant = platform.current_tenant() LIMIT 1
$$;

-- Figures of the whole installation for its operators: no tenant's own can be told from them.
CREATE FUNCTION warehouse.optimization_gauges() RETURNS TABLE (
    cached_at timestamptz, is_uncached boolean, worst_accuracy double precision, recommendations bigint, confidence_sum double precision,
    decided bigint, accepted bigint, capacity_failures bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = warehouse, pg_temp AS $$
    SELECT (SELECT min(c.last_updated) FROM warehouse.bin_utilization_cache c),
           NOT EXISTS (SELECT FROM warehouse.bin_utilization_cache) AND EXISTS (SELECT FROM warehouse.locations),
           (SELECT min(m.ml_model_accuracy) FROM identity.tenants t CROSS JOIN LATERAL (
                SELECT s.ml_model_accuracy FROM warehouse.bin_optimization_statistical_metrics s
                WHERE s.tenant_id = t.tenant_id AND s.ml_model_accuracy IS NOT NULL ORDER BY s.created_at DESC LIMIT 1) m),
           coalesce(sum(s.recommendations_7d), 0)::bigint, coalesce(sum(s.confidence_sum_7d), 0),
           coalesce(sum(s.decided_7d), 0)::bigint, coalesce(sum(s.accepted_7d), 0)::bigint,
           (SELECT count(*) FROM warehouse.capacity_validation_failures f WHERE NOT f.resolved AND f.created_at > now() - interval '1 day')
    FROM warehouse.bin_optimization_statistical_summary s
$$;

-- Whose warehouses there are, for work by the clock.
CREATE FUNCTION warehouse.tenants_with_facilities() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = warehouse, identity, pg_temp AS $$
    SELECT t.tenant_id FROM identity.tenants t WHERE EXISTS (SELECT FROM warehouse.facilities f WHERE f.tenant_id = t.tenant_id)
    ORDER BY t.tenant_id
$$;

REVOKE ALL ON FUNCTION warehouse.scheduled_refresh_bin_utilization(), warehouse.cached_bin_utilization(text, uuid, text, int),
    warehouse.cached_data_quality(text), warehouse.cached_statistical_summary(text), warehouse.utilization_cached_at(text),
    warehouse.optimization_gauges(), warehouse.tenants_with_facilities() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION warehouse.scheduled_refresh_bin_utilization(), warehouse.cached_bin_utilization(text, uuid, text, int),
    warehouse.cached_data_quality(text), warehouse.cached_statistical_summary(text), warehouse.utilization_cached_at(text),
    warehouse.optimization_gauges(), warehouse.tenants_with_facilities() TO wms_runtime;
