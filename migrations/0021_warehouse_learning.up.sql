-- expand
-- What was known when a recommendation was made: numbers in the order of the feature list that `feature_schema` counts, NULL where
-- unknown. Written with the row and never again, so that a model is never taught what nobody knew.
ALTER TABLE warehouse.putaway_recommendations
    ADD COLUMN features double precision[],
    ADD COLUMN feature_schema int,
    ADD COLUMN features_recorded_at timestamptz,
    -- whose probability ml_adjusted_confidence is; null where the rule score stood alone
    ADD COLUMN model_version int;
CREATE INDEX putaway_recommendations_decided ON warehouse.putaway_recommendations (tenant_id, decided_at, recommendation_id)
    WHERE was_accepted IS NOT NULL;

-- Acceptance models, each trained once and never changed; only what it is used for changes.
CREATE TABLE warehouse.acceptance_models (
    tenant_id text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    -- TRAINED: proved worse than the champion. CHALLENGER: not proved better yet, compared again by the next training.
    state text NOT NULL CHECK (state IN ('TRAINED', 'CHAMPION', 'CHALLENGER', 'RETIRED', 'REFUSED')),
    state_reason text NOT NULL,
    state_since timestamptz NOT NULL,
    model text NOT NULL CHECK (octet_length(model) <= 16777216),
    -- SHA-256 of `model`
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    feature_schema int NOT NULL,
    -- decisions that it was trained on, the newest of them, and how it was trained
    decisions int NOT NULL CHECK (decisions >= 0),
    trained_until timestamptz NOT NULL,
    report jsonb NOT NULL,
    -- with the champion of that time
    comparison jsonb,
    -- on decisions that were taken after its own, as the last training found them
    latest jsonb,
    evaluated_at timestamptz,
    training_id uuid NOT NULL,
    created_by text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, version),
    CONSTRAINT acceptance_models_evaluated CHECK ((latest IS NULL) = (evaluated_at IS NULL))
);
CREATE UNIQUE INDEX acceptance_models_champion ON warehouse.acceptance_models (tenant_id) WHERE state = 'CHAMPION';
CREATE UNIQUE INDEX acceptance_models_challenger ON warehouse.acceptance_models (tenant_id) WHERE state = 'CHALLENGER';
SELECT platform.protect('warehouse.acceptance_models', 'SELECT, INSERT, UPDATE');

CREATE TABLE warehouse.acceptance_trainings (
    tenant_id text NOT NULL,
    training_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED')),
    cause text NOT NULL CHECK (cause IN ('BY_HAND', 'SCHEDULE', 'POOR_ACCURACY')),
    phase text NOT NULL DEFAULT 'WAITING' CHECK (phase IN ('WAITING', 'READING', 'TRAINING', 'STORING', 'ENDED')),
    -- decisions
    progress_done bigint NOT NULL DEFAULT 0,
    progress_total bigint NOT NULL DEFAULT 0,
    -- how often a worker began it: who is not the last one stores nothing
    attempts int NOT NULL DEFAULT 0,
    outcome text CHECK (outcome IN ('NOT_ENOUGH', 'TRAINED', 'CHAMPION', 'CHALLENGER', 'REFUSED')),
    message text NOT NULL DEFAULT '',
    version int,
    requested_by text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    heartbeat_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, training_id),
    CONSTRAINT acceptance_trainings_ended CHECK ((state IN ('DONE', 'FAILED')) = (finished_at IS NOT NULL)),
    CONSTRAINT acceptance_trainings_outcome CHECK ((state = 'DONE') = (outcome IS NOT NULL))
);
-- Of two trainings at once one runs.
CREATE UNIQUE INDEX acceptance_trainings_one ON warehouse.acceptance_trainings (tenant_id) WHERE state IN ('QUEUED', 'RUNNING');
SELECT platform.protect('warehouse.acceptance_trainings', 'SELECT, INSERT, UPDATE');
