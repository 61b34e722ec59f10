CREATE OR REPLACE FUNCTION identity.purge(at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = identity, pg_temp AS $$
DECLARE removed bigint;
BEGIN
    DELETE FROM identity.credentials WHERE least(expires_at, revoked_at) < purge.at - interval '30 days';
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;
DROP TABLE identity.recovery_codes;
DROP TABLE identity.second_factors;
DROP TABLE identity.refresh_tokens;
ALTER TABLE identity.credentials DROP COLUMN user_agent, DROP COLUMN address;
DROP FUNCTION identity.shared_key(text, bytea, timestamptz);
DROP TABLE identity.signing_keys;
