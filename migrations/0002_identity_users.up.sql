-- expand
CREATE SCHEMA identity;
GRANT USAGE ON SCHEMA identity TO wms_runtime;

CREATE TABLE identity.tenants (
    tenant_id text PRIMARY KEY CHECK (tenant_id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL
);
SELECT platform.protect('identity.tenants', 'SELECT, INSERT, UPDATE');

CREATE TABLE identity.users (
    tenant_id text NOT NULL REFERENCES identity.tenants,
    user_id uuid NOT NULL,
    email text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    role text NOT NULL CHECK (role IN ('VIEWER', 'STAFF', 'ADMIN', 'SUPER_ADMIN')),
    password_hash text,
    failed_sign_ins int NOT NULL DEFAULT 0,
    locked_until timestamptz,
    is_active boolean NOT NULL DEFAULT true,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_sign_in_at timestamptz,
    PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT users_email_key UNIQUE (tenant_id, email)
);
SELECT platform.protect('identity.users', 'SELECT, INSERT, UPDATE');

-- Everything that proves who calls: page sessions, short-lived access tokens, named API tokens. Only the SHA-256 of the secret is kept.
CREATE TABLE identity.credentials (
    tenant_id text NOT NULL,
    credential_id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('SESSION', 'ACCESS', 'API_TOKEN')),
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('VIEWER', 'STAFF', 'ADMIN', 'SUPER_ADMIN')),
    secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    PRIMARY KEY (tenant_id, credential_id),
    CONSTRAINT credentials_secret_key UNIQUE (tenant_id, secret_sha256),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identity.users
);
CREATE INDEX credentials_user ON identity.credentials (tenant_id, user_id);
SELECT platform.protect('identity.credentials', 'SELECT, INSERT, UPDATE');

-- Sign-in knows an address but no tenant yet: it learns here which tenants to try, and nothing else.
CREATE FUNCTION identity.tenants_of_email(address text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    SELECT tenant_id FROM identity.users WHERE email = lower(address) AND is_active ORDER BY tenant_id LIMIT 20
$$;
REVOKE ALL ON FUNCTION identity.tenants_of_email(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.tenants_of_email(text) TO wms_runtime;
CREATE INDEX users_email ON identity.users (email);

-- First start: is there anybody who could sign in?
CREATE FUNCTION identity.any_user() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp AS $$
    SELECT EXISTS (SELECT FROM identity.users)
$$;
REVOKE ALL ON FUNCTION identity.any_user() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.any_user() TO wms_runtime;

-- Expired or revoked credentials are kept a month for questions, then dropped.
CREATE FUNCTION identity.purge(at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = identity, pg_temp AS $$
DECLARE removed bigint;
BEGIN
    DELETE FROM identity.credentials WHERE least(expires_at, revoked_at) < purge.at - interval '30 days';
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;
REVOKE ALL ON FUNCTION identity.purge(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.purge(timestamptz) TO wms_runtime;
