-- expand
-- Where a place lies on the pickers' way; the context that manages places fills it. Null: not on the way, comes last.
ALTER TABLE inventory.stock_locations ADD COLUMN pick_sequence int;
UPDATE inventory.stock_locations s SET pick_sequence = l.pick_sequence
FROM warehouse.locations l
WHERE l.tenant_id = s.tenant_id AND l.location_id = s.location_id AND l.pick_sequence IS NOT NULL;

-- A promise of goods. HARD binds rows of inventory.balances; SOFT promises a quantity of an item without binding any.
CREATE TABLE inventory.reservations (
    tenant_id text NOT NULL,
    reservation_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('HARD', 'SOFT')),
    state text NOT NULL CHECK (state IN ('ACTIVE', 'FULFILLED', 'RELEASED', 'EXPIRED', 'SHORT')),
    item_id uuid NOT NULL,
    -- what the promise was narrowed to
    facility_id uuid,
    location_id uuid,
    lot_id uuid,
    strategy text NOT NULL CHECK (strategy IN ('FEFO', 'FIFO', 'LIFO', 'NEAREST')),
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    -- still promised; of a HARD one all of it is bound
    open_quantity numeric(18, 6) NOT NULL CHECK (open_quantity >= 0),
    fulfilled numeric(18, 6) NOT NULL DEFAULT 0 CHECK (fulfilled >= 0),
    released numeric(18, 6) NOT NULL DEFAULT 0 CHECK (released >= 0),
    -- never found, or lost again
    shortage numeric(18, 6) NOT NULL DEFAULT 0 CHECK (shortage >= 0),
    priority int NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 1000),
    reference text NOT NULL DEFAULT '' CHECK (length(reference) <= 200),
    needed_at timestamptz,
    expires_at timestamptz,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, reservation_id),
    CONSTRAINT reservations_add_up CHECK (quantity = open_quantity + fulfilled + released + shortage),
    CONSTRAINT reservations_state_fits CHECK (
        CASE state WHEN 'ACTIVE' THEN open_quantity > 0 WHEN 'SHORT' THEN shortage > 0 ELSE open_quantity = 0 END),
    CONSTRAINT reservations_soft_is_unbound CHECK (kind = 'HARD' OR (location_id IS NULL AND lot_id IS NULL)),
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, item_id, lot_id) REFERENCES inventory.lots (tenant_id, item_id, lot_id),
    FOREIGN KEY (tenant_id, location_id) REFERENCES inventory.stock_locations
);
CREATE INDEX reservations_item ON inventory.reservations (tenant_id, item_id, reservation_id);
CREATE INDEX reservations_open ON inventory.reservations (tenant_id, item_id) WHERE open_quantity > 0;
CREATE INDEX reservations_reference ON inventory.reservations (tenant_id, reference, reservation_id) WHERE reference <> '';
-- Whose promises have expired is asked across tenants, so this one index does not begin with the tenant.
CREATE INDEX reservations_expiring ON inventory.reservations (expires_at) WHERE open_quantity > 0 AND expires_at IS NOT NULL;
SELECT platform.protect('inventory.reservations', 'SELECT, INSERT, UPDATE');

-- What an open HARD reservation binds now; per balance they add up to its column `reserved`.
CREATE TABLE inventory.reservation_allocations (
    tenant_id text NOT NULL,
    reservation_id uuid NOT NULL,
    balance_id uuid NOT NULL,
    -- the order in which goods are taken
    position int NOT NULL,
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (tenant_id, reservation_id, balance_id),
    FOREIGN KEY (tenant_id, reservation_id) REFERENCES inventory.reservations,
    FOREIGN KEY (tenant_id, balance_id) REFERENCES inventory.balances
);
CREATE INDEX reservation_allocations_balance ON inventory.reservation_allocations (tenant_id, balance_id);
SELECT platform.protect('inventory.reservation_allocations', 'SELECT, INSERT, UPDATE, DELETE');

-- Tenants with promises whose time is over, for the chore that takes them back.
CREATE FUNCTION inventory.tenants_with_expired_reservations(at timestamptz) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = inventory, pg_temp AS $$
    SELECT DISTINCT tenant_id FROM inventory.reservations WHERE open_quantity > 0 AND expires_at <= at LIMIT 1000
$$;
REVOKE ALL ON FUNCTION inventory.tenants_with_expired_reservations(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inventory.tenants_with_expired_reservations(timestamptz) TO wms_runtime;
