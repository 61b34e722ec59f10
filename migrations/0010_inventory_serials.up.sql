-- expand
ALTER TABLE catalog.items ADD COLUMN serial_tracked boolean NOT NULL DEFAULT false;

-- The pieces of serial-tracked items, each where its last movement brought it: a physical place, or a virtual one when it left.
CREATE TABLE inventory.serials (
    tenant_id text NOT NULL,
    serial_id uuid NOT NULL,
    item_id uuid NOT NULL,
    number text COLLATE "C" NOT NULL CHECK (length(number) BETWEEN 1 AND 64),
    lot_id uuid,
    location_id uuid NOT NULL,
    quality_status text NOT NULL CHECK (quality_status IN ('QUARANTINE', 'PENDING_INSPECTION', 'RELEASED', 'REJECTED', 'HOLD')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, serial_id),
    CONSTRAINT serials_number_key UNIQUE (tenant_id, item_id, number),
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, item_id, lot_id) REFERENCES inventory.lots (tenant_id, item_id, lot_id),
    FOREIGN KEY (tenant_id, location_id) REFERENCES inventory.stock_locations
);
CREATE INDEX serials_number ON inventory.serials (tenant_id, number, serial_id);
CREATE INDEX serials_place ON inventory.serials (tenant_id, location_id, item_id, number);
-- DELETE is for numbers of a movement that was refused in the transaction that made them.
SELECT platform.protect('inventory.serials', 'SELECT, INSERT, UPDATE, DELETE');

-- Which pieces a movement moved; append-only like the movements.
CREATE TABLE inventory.movement_serials (
    tenant_id text NOT NULL,
    movement_id uuid NOT NULL,
    serial_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, movement_id, serial_id),
    FOREIGN KEY (tenant_id, movement_id) REFERENCES inventory.movements,
    FOREIGN KEY (tenant_id, serial_id) REFERENCES inventory.serials
);
CREATE INDEX movement_serials_serial ON inventory.movement_serials (tenant_id, serial_id, movement_id);
SELECT platform.protect('inventory.movement_serials', 'SELECT, INSERT');
