-- expand
-- Stock that somebody blocked for a reason. What it was before, and how much is still blocked, stands in the lines.
CREATE TABLE inventory.holds (
    tenant_id text NOT NULL,
    hold_id uuid NOT NULL,
    item_id uuid NOT NULL,
    lot_id uuid,
    state text NOT NULL CHECK (state IN ('ACTIVE', 'CLOSED')),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    reference text NOT NULL DEFAULT '' CHECK (length(reference) <= 200),
    -- When somebody must look again; nothing is released by itself.
    review_at timestamptz,
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    skipped_reserved numeric(18, 6) NOT NULL CHECK (skipped_reserved >= 0),
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (tenant_id, hold_id),
    CONSTRAINT holds_closed CHECK ((state = 'CLOSED') = (closed_at IS NOT NULL)),
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, item_id, lot_id) REFERENCES inventory.lots (tenant_id, item_id, lot_id)
);
CREATE INDEX holds_item ON inventory.holds (tenant_id, item_id, hold_id);
CREATE INDEX holds_active ON inventory.holds (tenant_id, hold_id) WHERE state = 'ACTIVE';
SELECT platform.protect('inventory.holds', 'SELECT, INSERT, UPDATE');

CREATE TABLE inventory.hold_lines (
    tenant_id text NOT NULL,
    hold_id uuid NOT NULL,
    line_no int NOT NULL CHECK (line_no > 0),
    item_id uuid NOT NULL,
    lot_id uuid,
    location_id uuid NOT NULL,
    former_status text NOT NULL CHECK (former_status IN ('QUARANTINE', 'PENDING_INSPECTION', 'RELEASED', 'REJECTED')),
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    remaining numeric(18, 6) NOT NULL,
    movement_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, hold_id, line_no),
    CONSTRAINT hold_lines_remaining CHECK (remaining >= 0 AND remaining <= quantity),
    FOREIGN KEY (tenant_id, hold_id) REFERENCES inventory.holds,
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, item_id, lot_id) REFERENCES inventory.lots (tenant_id, item_id, lot_id),
    FOREIGN KEY (tenant_id, location_id) REFERENCES inventory.stock_locations,
    FOREIGN KEY (tenant_id, movement_id) REFERENCES inventory.movements
);
CREATE INDEX hold_lines_place ON inventory.hold_lines (tenant_id, item_id, location_id) WHERE remaining > 0;
SELECT platform.protect('inventory.hold_lines', 'SELECT, INSERT, UPDATE');

-- What was decided about held stock; append-only.
CREATE TABLE inventory.hold_decisions (
    tenant_id text NOT NULL,
    hold_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    disposition text NOT NULL CHECK (disposition IN ('RELEASE', 'REJECT', 'SCRAP')),
    quantity numeric(18, 6) NOT NULL CHECK (quantity >= 0),
    -- Held goods that were no longer there: moved out of the hold by other movements.
    missing numeric(18, 6) NOT NULL CHECK (missing >= 0),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    decided_at timestamptz NOT NULL,
    decided_by uuid NOT NULL,
    PRIMARY KEY (tenant_id, hold_id, decision_id),
    FOREIGN KEY (tenant_id, hold_id) REFERENCES inventory.holds
);
SELECT platform.protect('inventory.hold_decisions', 'SELECT, INSERT');
