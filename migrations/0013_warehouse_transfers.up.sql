-- expand
CREATE TABLE warehouse.transfers (
    tenant_id text NOT NULL,
    transfer_id uuid NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    from_facility_id uuid NOT NULL,
    to_facility_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'DRAFT' CHECK (state IN ('DRAFT', 'REQUESTED', 'IN_TRANSIT', 'RECEIVED', 'CLOSED_SHORT', 'CANCELLED')),
    reference text NOT NULL DEFAULT '' CHECK (length(reference) <= 200),
    -- Why it ended as it did, when it was closed short or cancelled.
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    shipped_at timestamptz,
    closed_at timestamptz,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, transfer_id),
    CONSTRAINT transfers_code_key UNIQUE (tenant_id, code),
    CONSTRAINT transfers_between_two CHECK (from_facility_id <> to_facility_id),
    FOREIGN KEY (tenant_id, from_facility_id) REFERENCES warehouse.facilities,
    FOREIGN KEY (tenant_id, to_facility_id) REFERENCES warehouse.facilities
);
CREATE INDEX transfers_state ON warehouse.transfers (tenant_id, state, transfer_id);
SELECT platform.protect('warehouse.transfers', 'SELECT, INSERT, UPDATE');

CREATE TABLE warehouse.transfer_lines (
    tenant_id text NOT NULL,
    transfer_line_id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    line_no int NOT NULL CHECK (line_no BETWEEN 1 AND 10000),
    item_id uuid NOT NULL,
    -- The wanted lot; null means whichever.
    lot_id uuid,
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    shipped numeric(18, 6) NOT NULL DEFAULT 0 CHECK (shipped >= 0),
    received numeric(18, 6) NOT NULL DEFAULT 0 CHECK (received >= 0),
    missing numeric(18, 6) NOT NULL DEFAULT 0 CHECK (missing >= 0),
    returned numeric(18, 6) NOT NULL DEFAULT 0 CHECK (returned >= 0),
    PRIMARY KEY (tenant_id, transfer_line_id),
    CONSTRAINT transfer_lines_no_key UNIQUE (tenant_id, transfer_id, line_no),
    CONSTRAINT transfer_lines_never_over CHECK (shipped <= quantity AND received + missing + returned <= shipped),
    FOREIGN KEY (tenant_id, transfer_id) REFERENCES warehouse.transfers,
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, item_id, lot_id) REFERENCES inventory.lots (tenant_id, item_id, lot_id)
);
CREATE INDEX transfer_lines_item ON warehouse.transfer_lines (tenant_id, item_id);
SELECT platform.protect('warehouse.transfer_lines', 'SELECT, INSERT, UPDATE');

-- What left the source, lot by lot; each row stands for one movement into transit. What is not settled is on its way.
CREATE TABLE warehouse.transfer_shipments (
    tenant_id text NOT NULL,
    movement_id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    transfer_line_id uuid NOT NULL,
    item_id uuid NOT NULL,
    lot_id uuid,
    quality_status text NOT NULL,
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    settled numeric(18, 6) NOT NULL DEFAULT 0,
    from_location_id uuid NOT NULL,
    transit_location_id uuid NOT NULL,
    shipped_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, movement_id),
    CONSTRAINT transfer_shipments_settled CHECK (settled BETWEEN 0 AND quantity),
    FOREIGN KEY (tenant_id, movement_id) REFERENCES inventory.movements,
    FOREIGN KEY (tenant_id, transfer_id) REFERENCES warehouse.transfers,
    FOREIGN KEY (tenant_id, transfer_line_id) REFERENCES warehouse.transfer_lines,
    FOREIGN KEY (tenant_id, transit_location_id) REFERENCES inventory.stock_locations
);
CREATE INDEX transfer_shipments_transfer ON warehouse.transfer_shipments (tenant_id, transfer_id);
CREATE INDEX transfer_shipments_in_transit ON warehouse.transfer_shipments (tenant_id, item_id) WHERE settled < quantity;
SELECT platform.protect('warehouse.transfer_shipments', 'SELECT, INSERT, UPDATE');

-- What became of goods in transit; each row stands for one movement out of it.
CREATE TABLE warehouse.transfer_settlements (
    tenant_id text NOT NULL,
    movement_id uuid NOT NULL,
    shipment_movement_id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    transfer_line_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('RECEIVED', 'MISSING', 'RETURNED')),
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    location_id uuid NOT NULL,
    settled_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, movement_id),
    FOREIGN KEY (tenant_id, movement_id) REFERENCES inventory.movements,
    FOREIGN KEY (tenant_id, shipment_movement_id) REFERENCES warehouse.transfer_shipments,
    FOREIGN KEY (tenant_id, transfer_id) REFERENCES warehouse.transfers
);
CREATE INDEX transfer_settlements_transfer ON warehouse.transfer_settlements (tenant_id, transfer_id);
SELECT platform.protect('warehouse.transfer_settlements', 'SELECT, INSERT');
