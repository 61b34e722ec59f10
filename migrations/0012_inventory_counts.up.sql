-- expand
-- Goods between two facilities lie in a place of the receiving one that is neither picked from nor put away to.
ALTER TABLE inventory.stock_locations
    ADD COLUMN purpose text NOT NULL DEFAULT 'STORAGE' CONSTRAINT stock_locations_purpose CHECK (purpose IN ('STORAGE', 'TRANSIT'));
CREATE UNIQUE INDEX stock_locations_transit ON inventory.stock_locations (tenant_id, facility_id) WHERE purpose = 'TRANSIT';

CREATE TABLE inventory.counts (
    tenant_id text NOT NULL REFERENCES identity.tenants,
    count_id uuid NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    facility_id uuid NOT NULL,
    facility_code text NOT NULL,
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'COUNTING', 'REVIEW', 'CLOSED', 'CANCELLED')),
    blind boolean NOT NULL,
    tolerance_quantity numeric(18, 6) NOT NULL CHECK (tolerance_quantity >= 0),
    tolerance_percent numeric(7, 4) NOT NULL CHECK (tolerance_percent BETWEEN 0 AND 100),
    -- Empty: everything that lies in the locations.
    item_ids uuid[] NOT NULL DEFAULT '{}',
    note text NOT NULL DEFAULT '' CHECK (length(note) <= 200),
    version int NOT NULL DEFAULT 1,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (tenant_id, count_id),
    CONSTRAINT counts_code_key UNIQUE (tenant_id, code)
);
CREATE INDEX counts_facility ON inventory.counts (tenant_id, facility_id, count_id);
SELECT platform.protect('inventory.counts', 'SELECT, INSERT, UPDATE');

CREATE TABLE inventory.count_locations (
    tenant_id text NOT NULL,
    count_id uuid NOT NULL,
    location_id uuid NOT NULL,
    sequence int NOT NULL CHECK (sequence BETWEEN 1 AND 10000),
    state text NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'STARTED', 'COUNTED')),
    started_at timestamptz,
    counted_at timestamptz,
    -- Until its count ends. Two counts of one place at once would write the same difference off twice.
    is_open boolean NOT NULL DEFAULT true,
    PRIMARY KEY (tenant_id, count_id, location_id),
    FOREIGN KEY (tenant_id, count_id) REFERENCES inventory.counts,
    FOREIGN KEY (tenant_id, location_id) REFERENCES inventory.stock_locations
);
CREATE UNIQUE INDEX count_locations_open ON inventory.count_locations (tenant_id, location_id) WHERE is_open;
SELECT platform.protect('inventory.count_locations', 'SELECT, INSERT, UPDATE');

CREATE TABLE inventory.count_lines (
    tenant_id text NOT NULL,
    count_line_id uuid NOT NULL,
    count_id uuid NOT NULL,
    location_id uuid NOT NULL,
    line_no int NOT NULL,
    item_id uuid NOT NULL,
    lot_id uuid,
    quality_status text NOT NULL CHECK (quality_status IN ('QUARANTINE', 'PENDING_INSPECTION', 'RELEASED', 'REJECTED', 'HOLD')),
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'RECOUNT', 'APPROVAL', 'APPROVED', 'CLOSED')),
    -- Found there although the ledger knew nothing of it when the location was started.
    is_unexpected boolean NOT NULL DEFAULT false,
    -- A rejected line is counted anew: earlier rounds no longer speak.
    round int NOT NULL DEFAULT 1,
    first_within boolean,
    counted numeric(18, 6) CHECK (counted >= 0),
    book numeric(18, 6),
    variance numeric(18, 6),
    movement_id uuid,
    decided_by uuid,
    decided_at timestamptz,
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    PRIMARY KEY (tenant_id, count_line_id),
    CONSTRAINT count_lines_goods_key UNIQUE NULLS NOT DISTINCT (tenant_id, count_id, location_id, item_id, lot_id, quality_status),
    FOREIGN KEY (tenant_id, count_id, location_id) REFERENCES inventory.count_locations,
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, item_id, lot_id) REFERENCES inventory.lots (tenant_id, item_id, lot_id),
    FOREIGN KEY (tenant_id, movement_id) REFERENCES inventory.movements
);
SELECT platform.protect('inventory.count_lines', 'SELECT, INSERT, UPDATE');

-- What somebody counted, never changed: variance is counted less book, the quantity of the ledger at that moment.
CREATE TABLE inventory.count_entries (
    tenant_id text NOT NULL,
    count_line_id uuid NOT NULL,
    attempt int NOT NULL CHECK (attempt BETWEEN 1 AND 100),
    round int NOT NULL,
    counted numeric(18, 6) NOT NULL CHECK (counted >= 0),
    book numeric(18, 6) NOT NULL,
    counted_by uuid NOT NULL,
    counted_by_name text NOT NULL,
    counted_at timestamptz NOT NULL,
    submitted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, count_line_id, attempt),
    FOREIGN KEY (tenant_id, count_line_id) REFERENCES inventory.count_lines
);
SELECT platform.protect('inventory.count_entries', 'SELECT, INSERT');

-- When each place was last counted whole.
CREATE TABLE inventory.location_counts (
    tenant_id text NOT NULL,
    location_id uuid NOT NULL,
    count_id uuid NOT NULL,
    counted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, location_id),
    FOREIGN KEY (tenant_id, location_id) REFERENCES inventory.stock_locations,
    FOREIGN KEY (tenant_id, count_id) REFERENCES inventory.counts
);
SELECT platform.protect('inventory.location_counts', 'SELECT, INSERT, UPDATE');
