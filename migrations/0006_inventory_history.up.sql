-- expand
-- Stock as of a moment reads one checkpoint and the few movements after it, along either clock.
CREATE INDEX movements_effective ON inventory.movements (tenant_id, item_id, effective_at);
CREATE INDEX movements_recorded ON inventory.movements (tenant_id, item_id, recorded_at);

-- All movements of the tenant up to this number are committed and counted in history_items.
CREATE TABLE inventory.history_marks (
    tenant_id text PRIMARY KEY REFERENCES identity.tenants,
    seq bigint NOT NULL
);
SELECT platform.protect('inventory.history_marks', 'SELECT, INSERT, UPDATE');

-- Up to which movement an item's checkpoints are complete, and how many counted ones wait beyond.
CREATE TABLE inventory.history_items (
    tenant_id text NOT NULL,
    item_id uuid NOT NULL,
    seq bigint NOT NULL DEFAULT 0,
    waiting bigint NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    PRIMARY KEY (tenant_id, item_id),
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items
);
CREATE INDEX history_items_waiting ON inventory.history_items (tenant_id, waiting);
SELECT platform.protect('inventory.history_items', 'SELECT, INSERT, UPDATE');

-- What all movements of an item up to history_items.seq with a time at or before `at` add up to. The four arrays are parallel: the
-- balances that are not zero. `received` and `issued` add up what came in from outside and what was used, since the beginning.
CREATE TABLE inventory.checkpoints (
    tenant_id text NOT NULL,
    item_id uuid NOT NULL,
    axis text NOT NULL CHECK (axis IN ('EFFECTIVE', 'RECORDED')),
    at timestamptz NOT NULL,
    row_count bigint NOT NULL,
    on_hand numeric NOT NULL,
    received numeric NOT NULL,
    issued numeric NOT NULL,
    location_ids uuid[] NOT NULL,
    lot_ids uuid[] NOT NULL,
    statuses text[] NOT NULL,
    quantities numeric[] NOT NULL,
    PRIMARY KEY (tenant_id, item_id, axis, at),
    CONSTRAINT checkpoints_parallel CHECK (
        cardinality(lot_ids) = cardinality(location_ids) AND cardinality(statuses) = cardinality(location_ids)
        AND cardinality(quantities) = cardinality(location_ids)),
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items
);
SELECT platform.protect('inventory.checkpoints', 'SELECT, INSERT, UPDATE');

-- The tenants that have moved since their checkpoints were looked after; a chore works for all of them.
CREATE FUNCTION inventory.tenants_with_news() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = inventory, identity, pg_temp AS $$
    SELECT t.tenant_id FROM identity.tenants t
    LEFT JOIN inventory.history_marks h ON h.tenant_id = t.tenant_id
    WHERE EXISTS (SELECT FROM inventory.movements m WHERE m.tenant_id = t.tenant_id AND m.seq > coalesce(h.seq, 0))
    ORDER BY t.tenant_id
$$;
REVOKE ALL ON FUNCTION inventory.tenants_with_news() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inventory.tenants_with_news() TO wms_runtime;
