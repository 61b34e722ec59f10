-- expand
CREATE SCHEMA warehouse;
GRANT USAGE ON SCHEMA warehouse TO wms_runtime;

CREATE TABLE warehouse.facilities (
    tenant_id text NOT NULL REFERENCES identity.tenants,
    facility_id uuid NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    is_active boolean NOT NULL DEFAULT true,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, facility_id),
    CONSTRAINT facilities_code_key UNIQUE (tenant_id, code)
);
SELECT platform.protect('warehouse.facilities', 'SELECT, INSERT, UPDATE');

CREATE TABLE warehouse.locations (
    tenant_id text NOT NULL,
    location_id uuid NOT NULL,
    facility_id uuid NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    type text NOT NULL CHECK (type IN ('RECEIVING', 'PUTAWAY', 'PICK_FACE', 'RESERVE', 'BULK', 'STAGING', 'PACKING', 'SHIPPING', 'QUARANTINE', 'RETURNS')),
    zone text NOT NULL DEFAULT '',
    aisle text NOT NULL DEFAULT '',
    rack text NOT NULL DEFAULT '',
    shelf text NOT NULL DEFAULT '',
    position text NOT NULL DEFAULT '',
    length_mm int CHECK (length_mm BETWEEN 1 AND 1000000),
    width_mm int CHECK (width_mm BETWEEN 1 AND 1000000),
    height_mm int CHECK (height_mm BETWEEN 1 AND 1000000),
    volume_cm3 bigint NOT NULL CHECK (volume_cm3 BETWEEN 0 AND 1000000000000),
    max_weight_g bigint NOT NULL CHECK (max_weight_g BETWEEN 0 AND 1000000000000),
    abc_class text NOT NULL DEFAULT 'C' CHECK (abc_class IN ('A', 'B', 'C')),
    pick_sequence int,
    x_mm int,
    y_mm int,
    z_mm int,
    security_zone text NOT NULL DEFAULT 'STANDARD' CHECK (security_zone IN ('STANDARD', 'RESTRICTED', 'HIGH_SECURITY', 'VAULT')),
    temperature_min_dc int CHECK (temperature_min_dc BETWEEN -2731 AND 2000),
    temperature_max_dc int CHECK (temperature_max_dc BETWEEN -2731 AND 2000),
    ergonomic_zone text NOT NULL DEFAULT 'GOLDEN' CHECK (ergonomic_zone IN ('LOW', 'GOLDEN', 'HIGH')),
    mixing_policy text NOT NULL DEFAULT 'ANY' CHECK (mixing_policy IN ('SINGLE_ITEM', 'SINGLE_LOT', 'ANY')),
    is_active boolean NOT NULL DEFAULT true,
    is_available boolean NOT NULL DEFAULT true,
    blocked_reason text NOT NULL DEFAULT '',
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, location_id),
    CONSTRAINT locations_code_key UNIQUE (tenant_id, facility_id, code),
    CONSTRAINT locations_dimensions_whole CHECK (num_nulls(length_mm, width_mm, height_mm) IN (0, 3)),
    CONSTRAINT locations_temperature_ordered CHECK (temperature_min_dc <= temperature_max_dc),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities,
    FOREIGN KEY (tenant_id, location_id) REFERENCES inventory.stock_locations
);
CREATE INDEX locations_by_code ON warehouse.locations (tenant_id, code, location_id);
SELECT platform.protect('warehouse.locations', 'SELECT, INSERT, UPDATE');

CREATE TABLE warehouse.receipts (
    tenant_id text NOT NULL,
    receipt_id uuid NOT NULL,
    facility_id uuid NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    kind text NOT NULL CHECK (kind IN ('EXPECTED', 'BLIND')),
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'RECEIVING', 'CLOSED', 'CANCELLED')),
    supplier text NOT NULL DEFAULT '',
    expected_at timestamptz,
    closed_at timestamptz,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, receipt_id),
    CONSTRAINT receipts_code_key UNIQUE (tenant_id, code),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities
);
CREATE INDEX receipts_state ON warehouse.receipts (tenant_id, state, receipt_id);
SELECT platform.protect('warehouse.receipts', 'SELECT, INSERT, UPDATE');

CREATE TABLE warehouse.receipt_lines (
    tenant_id text NOT NULL,
    receipt_line_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    line_no int NOT NULL CHECK (line_no BETWEEN 1 AND 10000),
    item_id uuid NOT NULL,
    lot_number text NOT NULL DEFAULT '',
    expires_on date,
    expected numeric(18, 6) NOT NULL DEFAULT 0 CHECK (expected >= 0),
    received numeric(18, 6) NOT NULL DEFAULT 0 CHECK (received >= 0),
    PRIMARY KEY (tenant_id, receipt_line_id),
    CONSTRAINT receipt_lines_no_key UNIQUE (tenant_id, receipt_id, line_no),
    FOREIGN KEY (tenant_id, receipt_id) REFERENCES warehouse.receipts,
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items
);
SELECT platform.protect('warehouse.receipt_lines', 'SELECT, INSERT, UPDATE');

-- What arrived, line by line and lot by lot; each row stands for one movement of the ledger.
CREATE TABLE warehouse.receipt_arrivals (
    tenant_id text NOT NULL,
    movement_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    receipt_line_id uuid NOT NULL,
    item_id uuid NOT NULL,
    lot_id uuid,
    quality_status text NOT NULL,
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    location_id uuid NOT NULL,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, movement_id),
    FOREIGN KEY (tenant_id, movement_id) REFERENCES inventory.movements,
    FOREIGN KEY (tenant_id, receipt_id) REFERENCES warehouse.receipts,
    FOREIGN KEY (tenant_id, receipt_line_id) REFERENCES warehouse.receipt_lines,
    FOREIGN KEY (tenant_id, location_id) REFERENCES warehouse.locations
);
CREATE INDEX receipt_arrivals_receipt ON warehouse.receipt_arrivals (tenant_id, receipt_id);
CREATE INDEX receipt_arrivals_goods ON warehouse.receipt_arrivals (tenant_id, location_id, item_id, arrived_at);
SELECT platform.protect('warehouse.receipt_arrivals', 'SELECT, INSERT');

-- One proposal where to put goods. It holds its space from creation until it is decided or expires.
-- The documents insert into it with seven columns, therefore every other column has a default or may be null, and it has no foreign keys.
CREATE TABLE warehouse.putaway_recommendations (
    tenant_id text NOT NULL,
    recommendation_id uuid NOT NULL,
    batch_id uuid,
    facility_id uuid,
    material_id uuid NOT NULL,
    lot_id uuid,
    lot_number text NOT NULL DEFAULT '',
    quality_status text NOT NULL DEFAULT 'RELEASED',
    quantity numeric(18, 6) NOT NULL DEFAULT 1 CHECK (quantity > 0),
    -- where the goods wait now; null for advice about goods that have not arrived
    from_location_id uuid,
    receipt_line_id uuid,
    -- for advice about goods that have not arrived: the same request again finds the same recommendations
    request_hash text,
    line_no int,
    location_id uuid NOT NULL,
    held_volume_mm3 bigint NOT NULL DEFAULT 0 CHECK (held_volume_mm3 >= 0),
    held_weight_g bigint NOT NULL DEFAULT 0 CHECK (held_weight_g >= 0),
    algorithm text NOT NULL,
    score numeric(6, 3) NOT NULL DEFAULT 0,
    confidence_score numeric(4, 3) NOT NULL CONSTRAINT putaway_recommendations_confidence CHECK (confidence_score BETWEEN 0 AND 1),
    ml_adjusted_confidence numeric(4, 3) CHECK (ml_adjusted_confidence BETWEEN 0 AND 1),
    reason text NOT NULL DEFAULT '',
    reason_code text NOT NULL DEFAULT '',
    -- score parts and alternatives as they were shown
    explanation jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'ACCEPTED', 'OVERRIDDEN', 'REJECTED', 'EXPIRED')),
    was_accepted boolean,
    user_feedback text NOT NULL DEFAULT '',
    actual_location_id uuid,
    movement_id uuid,
    decided_at timestamptz,
    decided_by uuid,
    created_by text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '30 minutes',
    PRIMARY KEY (tenant_id, recommendation_id)
);
CREATE INDEX putaway_recommendations_open ON warehouse.putaway_recommendations (tenant_id, facility_id, expires_at) WHERE state = 'OPEN';
CREATE INDEX putaway_recommendations_recent ON warehouse.putaway_recommendations (tenant_id, created_at);
SELECT platform.protect('warehouse.putaway_recommendations', 'SELECT, INSERT, UPDATE');

CREATE TABLE warehouse.capacity_validation_failures (
    tenant_id text NOT NULL,
    failure_id text NOT NULL,
    failure_type text NOT NULL,
    material_id uuid,
    location_id uuid,
    overflow_percentage numeric(12, 3),
    failure_reason text NOT NULL DEFAULT '',
    resolved boolean NOT NULL DEFAULT false,
    resolved_at timestamptz,
    resolved_by text,
    resolution_notes text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, failure_id)
);
CREATE INDEX capacity_validation_failures_recent ON warehouse.capacity_validation_failures (tenant_id, created_at);
SELECT platform.protect('warehouse.capacity_validation_failures', 'SELECT, INSERT, UPDATE');
