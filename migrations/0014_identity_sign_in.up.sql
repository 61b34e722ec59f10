-- expand
-- Keys that all nodes share when the configuration names none. They belong to no tenant, and the runtime role has no right to
-- the table: the function hands out the one of a purpose, and makes it of the candidate when there is none.
CREATE TABLE identity.signing_keys (
    purpose text PRIMARY KEY CHECK (purpose IN ('TOKENS', 'SEAL')),
    secret bytea NOT NULL CHECK (length(secret) = 32),
    created_at timestamptz NOT NULL
);

CREATE FUNCTION identity.shared_key(wanted text, candidate bytea, at timestamptz) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = identity, pg_temp AS $$
BEGIN
    INSERT INTO identity.signing_keys (purpose, secret, created_at) VALUES (wanted, candidate, at) ON CONFLICT DO NOTHING;
    RETURN (SELECT k.secret FROM identity.signing_keys k WHERE k.purpose = wanted);
END $$;
REVOKE ALL ON FUNCTION identity.shared_key(text, bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.shared_key(text, bytea, timestamptz) TO wms_runtime;

-- What a session was opened with, shortened; for its owner's list.
ALTER TABLE identity.credentials
    ADD COLUMN user_agent text CHECK (length(user_agent) <= 200),
    ADD COLUMN address text CHECK (length(address) <= 64);

-- The refresh tokens of a session: the newest is unused, each older one was used once. Only the SHA-256 is kept.
CREATE TABLE identity.refresh_tokens (
    tenant_id text NOT NULL,
    token_sha256 bytea NOT NULL CHECK (length(token_sha256) = 32),
    credential_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    -- With the token itself it gives the successor again, should its answer have been lost; without the token it gives nothing.
    successor_salt bytea CHECK (length(successor_salt) = 16),
    CONSTRAINT refresh_tokens_used CHECK ((used_at IS NULL) = (successor_salt IS NULL)),
    PRIMARY KEY (tenant_id, token_sha256),
    FOREIGN KEY (tenant_id, credential_id) REFERENCES identity.credentials ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_credential ON identity.refresh_tokens (tenant_id, credential_id);
SELECT platform.protect('identity.refresh_tokens', 'SELECT, INSERT, UPDATE');

-- The secret of somebody's authenticator application, sealed; it counts once it is confirmed.
CREATE TABLE identity.second_factors (
    tenant_id text NOT NULL,
    user_id uuid NOT NULL,
    sealed_secret bytea NOT NULL CHECK (length(sealed_secret) BETWEEN 40 AND 200),
    seal_key text NOT NULL,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    -- The last time step whose code was taken: each works once.
    last_step bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identity.users
);
SELECT platform.protect('identity.second_factors', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE identity.recovery_codes (
    tenant_id text NOT NULL,
    user_id uuid NOT NULL,
    code_sha256 bytea NOT NULL CHECK (length(code_sha256) = 32),
    used_at timestamptz,
    PRIMARY KEY (tenant_id, user_id, code_sha256),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identity.second_factors ON DELETE CASCADE
);
SELECT platform.protect('identity.recovery_codes', 'SELECT, INSERT, UPDATE, DELETE');

-- Also drops refresh tokens that nobody could use any more; those of a dropped session go with it.
CREATE OR REPLACE FUNCTION identity.purge(at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = identity, pg_temp AS $$
DECLARE removed bigint;
BEGIN
    DELETE FROM identity.refresh_tokens WHERE expires_at < purge.at - interval '1 day';
    DELETE FROM identity.credentials WHERE least(expires_at, revoked_at) < purge.at - interval '30 days';
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;
