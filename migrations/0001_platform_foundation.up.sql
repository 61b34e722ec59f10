-- expand
CREATE SCHEMA platform;
GRANT USAGE ON SCHEMA platform TO wms_runtime;

-- The migrator makes this table itself; it stands here too so that the views below can be read by plain psql on an empty database.
CREATE TABLE IF NOT EXISTS public._sqlx_migrations (
    version bigint PRIMARY KEY,
    description text NOT NULL,
    installed_on timestamptz NOT NULL DEFAULT now(),
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);
GRANT SELECT ON public._sqlx_migrations TO wms_runtime;

CREATE VIEW platform.schema_version WITH (security_invoker = true) AS
SELECT row_number() OVER (ORDER BY version)::int AS installed_rank, '0.0.' || version AS version, description, installed_on, success
FROM public._sqlx_migrations;

CREATE VIEW platform._migrations WITH (security_invoker = true) AS
SELECT '0.0.' || version AS version, installed_on AS applied_at FROM public._sqlx_migrations WHERE success;
GRANT SELECT ON platform.schema_version, platform._migrations TO wms_runtime;

-- The tenant of the running statement; NULL when none is set, so that no row matches.
CREATE FUNCTION platform.current_tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('entrepot.tenant', true), '');

-- Turns on row-level security for a tenant table and grants the runtime role what it may do there.
-- No statistics of tenant_id: a tenant that they do not list yet would be taken for one row, every index that begins with the tenant
-- would look as good as the primary key, and each look-up by id would read all rows of the tenant. Without them it is 1 row in 200.
CREATE FUNCTION platform.protect(tenant_table regclass, privileges text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('CREATE POLICY tenant ON %s TO wms_runtime USING (tenant_id = platform.current_tenant())', tenant_table);
    EXECUTE format('GRANT %s ON %s TO wms_runtime', privileges, tenant_table);
    EXECUTE format('ALTER TABLE %s ALTER COLUMN tenant_id SET STATISTICS 0', tenant_table);
END $$;
REVOKE ALL ON FUNCTION platform.protect(regclass, text) FROM PUBLIC;

CREATE TABLE platform.audit (
    tenant_id text NOT NULL,
    audit_id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor_id uuid NOT NULL,
    actor_name text NOT NULL,
    action text NOT NULL,
    entity text NOT NULL,
    entity_id text NOT NULL,
    before jsonb,
    after jsonb,
    request_id text NOT NULL,
    PRIMARY KEY (tenant_id, audit_id)
);
CREATE INDEX audit_entity ON platform.audit (tenant_id, entity, entity_id, audit_id DESC);
SELECT platform.protect('platform.audit', 'SELECT, INSERT');

CREATE TABLE platform.outbox (
    tenant_id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    entity_id text NOT NULL,
    payload jsonb NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);
SELECT platform.protect('platform.outbox', 'SELECT, INSERT');

CREATE TABLE platform.idempotency (
    tenant_id text NOT NULL,
    user_id uuid NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    fingerprint bytea NOT NULL,
    answer jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id, key)
);
SELECT platform.protect('platform.idempotency', 'SELECT, INSERT, UPDATE');

CREATE TABLE platform.jobs (
    tenant_id text NOT NULL,
    job_id uuid NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    dedup_key text,
    state text NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED')),
    run_at timestamptz NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    max_attempts int NOT NULL DEFAULT 5,
    progress_done bigint NOT NULL DEFAULT 0,
    progress_total bigint NOT NULL DEFAULT 0,
    last_error text,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    heartbeat_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, job_id)
);
CREATE UNIQUE INDEX jobs_dedup ON platform.jobs (tenant_id, kind, dedup_key) WHERE state IN ('QUEUED', 'RUNNING');
-- A queue is claimed across tenants, so this one index does not begin with the tenant.
CREATE INDEX jobs_due ON platform.jobs (run_at) WHERE state IN ('QUEUED', 'RUNNING');
SELECT platform.protect('platform.jobs', 'SELECT, INSERT, UPDATE');

-- Claims the next due job, or one whose worker has not been heard of for a minute.
CREATE FUNCTION platform.claim_job(kinds text[], at timestamptz)
RETURNS TABLE (tenant_id text, job_id uuid, kind text, payload jsonb, attempts int, max_attempts int, created_by uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = platform, pg_temp AS $$
    UPDATE platform.jobs j
    SET state = 'RUNNING', attempts = j.attempts + 1, started_at = at, heartbeat_at = at
    FROM (
        SELECT d.tenant_id, d.job_id FROM platform.jobs d
        WHERE d.kind = ANY (kinds)
          AND (d.state = 'QUEUED' AND d.run_at <= at OR d.state = 'RUNNING' AND d.heartbeat_at < at - interval '1 minute')
        ORDER BY d.run_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) due
    WHERE j.tenant_id = due.tenant_id AND j.job_id = due.job_id
    RETURNING j.tenant_id, j.job_id, j.kind, j.payload, j.attempts, j.max_attempts, j.created_by
$$;
REVOKE ALL ON FUNCTION platform.claim_job(text[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.claim_job(text[], timestamptz) TO wms_runtime;

CREATE TABLE platform.imports (
    tenant_id text NOT NULL,
    import_id uuid NOT NULL,
    kind text NOT NULL,
    file_name text NOT NULL,
    content bytea,
    options jsonb NOT NULL,
    state text NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'REFUSED', 'FAILED')),
    rows_total bigint NOT NULL DEFAULT 0,
    rows_done bigint NOT NULL DEFAULT 0,
    rows_bad bigint NOT NULL DEFAULT 0,
    created_count bigint NOT NULL DEFAULT 0,
    updated_count bigint NOT NULL DEFAULT 0,
    report jsonb,
    created_by uuid NOT NULL,
    created_by_name text NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, import_id)
);
SELECT platform.protect('platform.imports', 'SELECT, INSERT, UPDATE');

-- What the process does by the clock, across tenants: the last run of each chore.
CREATE TABLE platform.chores (
    name text PRIMARY KEY,
    schedule text NOT NULL,
    last_started_at timestamptz,
    last_finished_at timestamptz,
    last_outcome text
);
GRANT SELECT, INSERT, UPDATE ON platform.chores TO wms_runtime;

-- Drops what nobody needs any more: keys after a day, events after a week, finished jobs and their files after a month.
CREATE FUNCTION platform.purge(at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = platform, pg_temp AS $$
DECLARE removed bigint; n bigint;
BEGIN
    DELETE FROM platform.idempotency WHERE created_at < purge.at - interval '1 day';
    GET DIAGNOSTICS removed = ROW_COUNT;
    DELETE FROM platform.outbox o WHERE o.at < purge.at - interval '7 days';
    GET DIAGNOSTICS n = ROW_COUNT; removed := removed + n;
    DELETE FROM platform.jobs WHERE finished_at < purge.at - interval '30 days';
    GET DIAGNOSTICS n = ROW_COUNT; removed := removed + n;
    UPDATE platform.imports SET content = NULL WHERE content IS NOT NULL AND finished_at < purge.at - interval '1 day';
    RETURN removed;
END $$;
REVOKE ALL ON FUNCTION platform.purge(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.purge(timestamptz) TO wms_runtime;
