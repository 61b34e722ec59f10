-- expand
CREATE SCHEMA inventory;
GRANT USAGE ON SCHEMA inventory TO wms_runtime;

-- The places that the ledger knows. Physical ones are registered by the context that manages them;
-- the virtual ones (facility and code empty) close the books and exist once per tenant, with ids fixed in code.
CREATE TABLE inventory.stock_locations (
    tenant_id text NOT NULL REFERENCES identity.tenants,
    location_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('PHYSICAL', 'SUPPLIER', 'CUSTOMER', 'ADJUSTMENT', 'SCRAP', 'PRODUCTION')),
    facility_id uuid,
    facility_code text NOT NULL DEFAULT '',
    code text NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    PRIMARY KEY (tenant_id, location_id),
    CONSTRAINT stock_locations_code_key UNIQUE (tenant_id, facility_code, code),
    CONSTRAINT stock_locations_physical CHECK ((kind = 'PHYSICAL') = (facility_id IS NOT NULL))
);
CREATE INDEX stock_locations_by_code ON inventory.stock_locations (tenant_id, code);
CREATE INDEX stock_locations_facility ON inventory.stock_locations (tenant_id, facility_id);
SELECT platform.protect('inventory.stock_locations', 'SELECT, INSERT, UPDATE');

CREATE TABLE inventory.lots (
    tenant_id text NOT NULL,
    lot_id uuid NOT NULL,
    item_id uuid NOT NULL,
    number text NOT NULL CHECK (length(number) BETWEEN 1 AND 64),
    quality_status text NOT NULL DEFAULT 'RELEASED' CHECK (quality_status IN ('QUARANTINE', 'PENDING_INSPECTION', 'RELEASED', 'REJECTED', 'HOLD')),
    received_at timestamptz NOT NULL,
    manufactured_on date,
    expires_on date,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, lot_id),
    CONSTRAINT lots_number_key UNIQUE (tenant_id, item_id, number),
    CONSTRAINT lots_item_key UNIQUE (tenant_id, item_id, lot_id),
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items
);
CREATE INDEX lots_number ON inventory.lots (tenant_id, number);
CREATE INDEX lots_expiry ON inventory.lots (tenant_id, expires_on) WHERE expires_on IS NOT NULL;
SELECT platform.protect('inventory.lots', 'SELECT, INSERT, UPDATE');

-- Append-only and double-entry: each row takes a quantity from one place and gives it to another.
-- A change of quality status is a movement inside one place.
CREATE TABLE inventory.movements (
    tenant_id text NOT NULL,
    movement_id uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind IN ('RECEIPT', 'ISSUE', 'TRANSFER', 'ADJUSTMENT', 'STATUS_CHANGE', 'SCRAP', 'PRODUCTION')),
    item_id uuid NOT NULL,
    lot_id uuid,
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    from_location_id uuid NOT NULL,
    from_status text NOT NULL CHECK (from_status IN ('QUARANTINE', 'PENDING_INSPECTION', 'RELEASED', 'REJECTED', 'HOLD')),
    to_location_id uuid NOT NULL,
    to_status text NOT NULL CHECK (to_status IN ('QUARANTINE', 'PENDING_INSPECTION', 'RELEASED', 'REJECTED', 'HOLD')),
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    reference text NOT NULL DEFAULT '' CHECK (length(reference) <= 200),
    effective_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid NOT NULL,
    request_id text NOT NULL,
    PRIMARY KEY (tenant_id, movement_id),
    CONSTRAINT movements_change_something CHECK (from_location_id <> to_location_id OR from_status <> to_status),
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, item_id, lot_id) REFERENCES inventory.lots (tenant_id, item_id, lot_id),
    FOREIGN KEY (tenant_id, from_location_id) REFERENCES inventory.stock_locations,
    FOREIGN KEY (tenant_id, to_location_id) REFERENCES inventory.stock_locations
);
CREATE INDEX movements_seq ON inventory.movements (tenant_id, seq);
CREATE INDEX movements_item ON inventory.movements (tenant_id, item_id, seq);
CREATE INDEX movements_from ON inventory.movements (tenant_id, from_location_id, seq);
CREATE INDEX movements_to ON inventory.movements (tenant_id, to_location_id, seq);
CREATE INDEX movements_lot ON inventory.movements (tenant_id, lot_id, seq) WHERE lot_id IS NOT NULL;
CREATE INDEX movements_reference ON inventory.movements (tenant_id, reference, seq) WHERE reference <> '';
SELECT platform.protect('inventory.movements', 'SELECT, INSERT');

-- What the movements add up to, for physical places only.
CREATE TABLE inventory.balances (
    tenant_id text NOT NULL,
    balance_id uuid NOT NULL,
    item_id uuid NOT NULL,
    location_id uuid NOT NULL,
    lot_id uuid,
    quality_status text NOT NULL CHECK (quality_status IN ('QUARANTINE', 'PENDING_INSPECTION', 'RELEASED', 'REJECTED', 'HOLD')),
    on_hand numeric(18, 6) NOT NULL DEFAULT 0,
    reserved numeric(18, 6) NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, balance_id),
    CONSTRAINT balances_key UNIQUE NULLS NOT DISTINCT (tenant_id, item_id, location_id, lot_id, quality_status),
    CONSTRAINT balances_on_hand_not_negative CHECK (on_hand >= 0),
    CONSTRAINT balances_reserved_within_on_hand CHECK (reserved >= 0 AND reserved <= on_hand),
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, item_id, lot_id) REFERENCES inventory.lots (tenant_id, item_id, lot_id),
    FOREIGN KEY (tenant_id, location_id) REFERENCES inventory.stock_locations
);
CREATE INDEX balances_location ON inventory.balances (tenant_id, location_id) WHERE on_hand > 0;
CREATE INDEX balances_lot ON inventory.balances (tenant_id, lot_id) WHERE lot_id IS NOT NULL;
SELECT platform.protect('inventory.balances', 'SELECT, INSERT, UPDATE');
