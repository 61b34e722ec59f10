-- expand
CREATE TABLE warehouse.orders (
    tenant_id text NOT NULL,
    order_id uuid NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    facility_id uuid NOT NULL,
    -- the customer's own words: a name, a number, an order of theirs
    customer text NOT NULL DEFAULT '' CHECK (length(customer) <= 200),
    due_at timestamptz,
    is_urgent boolean NOT NULL DEFAULT false,
    state text NOT NULL DEFAULT 'DRAFT' CHECK (state IN ('DRAFT', 'OPEN', 'PICKING', 'PICKED', 'SHIPPED', 'CANCELLED')),
    -- why it was cancelled
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    -- imported as shipped: its picks are history that the ledger does not know
    is_history boolean NOT NULL DEFAULT false,
    first_picked_at timestamptz,
    shipped_at timestamptz,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, order_id),
    CONSTRAINT orders_code_key UNIQUE (tenant_id, code),
    CONSTRAINT orders_shipped_when CHECK ((state = 'SHIPPED') = (shipped_at IS NOT NULL)),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities
);
CREATE INDEX orders_state ON warehouse.orders (tenant_id, state, order_id);
CREATE INDEX orders_due ON warehouse.orders (tenant_id, facility_id, due_at) WHERE state IN ('OPEN', 'PICKING', 'PICKED');
-- What customers bought together is read in the order of time.
CREATE INDEX orders_picked ON warehouse.orders (tenant_id, facility_id, first_picked_at, order_id) WHERE first_picked_at IS NOT NULL;
SELECT platform.protect('warehouse.orders', 'SELECT, INSERT, UPDATE');

-- Quantities are in the item's base unit. What is neither allocated nor picked is open before the release, and short after it.
CREATE TABLE warehouse.order_lines (
    tenant_id text NOT NULL,
    order_line_id uuid NOT NULL,
    order_id uuid NOT NULL,
    line_no int NOT NULL CHECK (line_no BETWEEN 1 AND 1000000),
    item_id uuid NOT NULL,
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    -- asked for by pick lines that wait
    allocated numeric(18, 6) NOT NULL DEFAULT 0 CHECK (allocated >= 0),
    picked numeric(18, 6) NOT NULL DEFAULT 0 CHECK (picked >= 0),
    -- gone to the customer; what was picked to a staging place has not yet
    shipped numeric(18, 6) NOT NULL DEFAULT 0 CHECK (shipped >= 0),
    short_reason text NOT NULL DEFAULT '' CHECK (length(short_reason) <= 400),
    PRIMARY KEY (tenant_id, order_line_id),
    CONSTRAINT order_lines_no_key UNIQUE (tenant_id, order_id, line_no),
    CONSTRAINT order_lines_never_over CHECK (allocated + picked <= quantity AND shipped <= picked),
    FOREIGN KEY (tenant_id, order_id) REFERENCES warehouse.orders,
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items
);
-- Few lines are open at any time; cross-docking asks for them by item.
CREATE INDEX order_lines_open ON warehouse.order_lines (tenant_id, item_id) WHERE picked < quantity;
SELECT platform.protect('warehouse.order_lines', 'SELECT, INSERT, UPDATE');

CREATE TABLE warehouse.pick_lists (
    tenant_id text NOT NULL,
    pick_list_id uuid NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    facility_id uuid NOT NULL,
    order_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'DONE', 'CANCELLED')),
    -- where picked goods are brought; null: they go to the customer at once
    to_location_id uuid,
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (tenant_id, pick_list_id),
    CONSTRAINT pick_lists_code_key UNIQUE (tenant_id, code),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities,
    FOREIGN KEY (tenant_id, order_id) REFERENCES warehouse.orders,
    FOREIGN KEY (tenant_id, to_location_id) REFERENCES warehouse.locations
);
CREATE INDEX pick_lists_state ON warehouse.pick_lists (tenant_id, state, pick_list_id);
CREATE INDEX pick_lists_order ON warehouse.pick_lists (tenant_id, order_id);
SELECT platform.protect('warehouse.pick_lists', 'SELECT, INSERT, UPDATE');

-- Goods in one place that are bound for an order line until they are picked, found missing or given back.
CREATE TABLE warehouse.pick_lines (
    tenant_id text NOT NULL,
    pick_line_id uuid NOT NULL,
    pick_list_id uuid NOT NULL,
    order_line_id uuid NOT NULL,
    reservation_id uuid NOT NULL,
    item_id uuid NOT NULL,
    lot_id uuid,
    location_id uuid NOT NULL,
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    picked numeric(18, 6) NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'PICKED', 'SHORT', 'CANCELLED')),
    -- why less was there
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    decided_at timestamptz,
    decided_by uuid,
    PRIMARY KEY (tenant_id, pick_line_id),
    CONSTRAINT pick_lines_picked CHECK (
        CASE state WHEN 'PICKED' THEN picked = quantity WHEN 'SHORT' THEN picked >= 0 AND picked < quantity ELSE picked = 0 END),
    FOREIGN KEY (tenant_id, pick_list_id) REFERENCES warehouse.pick_lists,
    FOREIGN KEY (tenant_id, order_line_id) REFERENCES warehouse.order_lines,
    FOREIGN KEY (tenant_id, reservation_id) REFERENCES inventory.reservations,
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, location_id) REFERENCES inventory.stock_locations
);
CREATE INDEX pick_lines_list ON warehouse.pick_lines (tenant_id, pick_list_id);
-- Where people walk now.
CREATE INDEX pick_lines_active ON warehouse.pick_lines (tenant_id, location_id) WHERE state = 'OPEN';
SELECT platform.protect('warehouse.pick_lines', 'SELECT, INSERT, UPDATE');

-- Everything that was taken for an order, one row for each time; velocity, affinity and congestion are computed from it.
CREATE TABLE warehouse.picks (
    tenant_id text NOT NULL,
    pick_id uuid NOT NULL,
    facility_id uuid NOT NULL,
    order_id uuid NOT NULL,
    order_line_id uuid NOT NULL,
    item_id uuid NOT NULL,
    lot_id uuid,
    -- unknown where history was imported
    location_id uuid,
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    picked_at timestamptz NOT NULL,
    picked_by uuid NOT NULL,
    movement_id uuid,
    PRIMARY KEY (tenant_id, pick_id),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities,
    FOREIGN KEY (tenant_id, order_line_id) REFERENCES warehouse.order_lines,
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, movement_id) REFERENCES inventory.movements
);
CREATE INDEX picks_day ON warehouse.picks (tenant_id, facility_id, picked_at) INCLUDE (item_id, quantity);
CREATE INDEX picks_order ON warehouse.picks (tenant_id, order_id) INCLUDE (item_id, quantity);
CREATE INDEX picks_item ON warehouse.picks (tenant_id, item_id, picked_at);
SELECT platform.protect('warehouse.picks', 'SELECT, INSERT');

-- Goods to bring from one place to another because that is better, not because an order asks for them.
CREATE TABLE warehouse.move_tasks (
    tenant_id text NOT NULL,
    move_task_id uuid NOT NULL,
    facility_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('RESLOT', 'CONSOLIDATION', 'REPLENISHMENT', 'CROSS_DOCK')),
    state text NOT NULL DEFAULT 'PROPOSED' CHECK (state IN ('PROPOSED', 'APPROVED', 'CLAIMED', 'DONE', 'CANCELLED')),
    -- the plan that it is a part of
    plan_id uuid,
    item_id uuid NOT NULL,
    lot_id uuid,
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    from_location_id uuid NOT NULL,
    to_location_id uuid NOT NULL,
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    -- who does it
    claimed_by uuid,
    claimed_by_name text NOT NULL DEFAULT '',
    claimed_at timestamptz,
    closed_at timestamptz,
    -- why it was cancelled
    closed_reason text NOT NULL DEFAULT '' CHECK (length(closed_reason) <= 200),
    movement_id uuid,
    version int NOT NULL DEFAULT 1,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, move_task_id),
    CONSTRAINT move_tasks_elsewhere CHECK (from_location_id <> to_location_id),
    CONSTRAINT move_tasks_done CHECK ((state = 'DONE') = (movement_id IS NOT NULL)),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities,
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, item_id, lot_id) REFERENCES inventory.lots (tenant_id, item_id, lot_id),
    FOREIGN KEY (tenant_id, from_location_id) REFERENCES warehouse.locations,
    FOREIGN KEY (tenant_id, to_location_id) REFERENCES warehouse.locations,
    FOREIGN KEY (tenant_id, movement_id) REFERENCES inventory.movements
);
CREATE INDEX move_tasks_state ON warehouse.move_tasks (tenant_id, state, move_task_id);
CREATE INDEX move_tasks_plan ON warehouse.move_tasks (tenant_id, plan_id) WHERE plan_id IS NOT NULL;
CREATE INDEX move_tasks_open ON warehouse.move_tasks (tenant_id, from_location_id) WHERE state IN ('PROPOSED', 'APPROVED', 'CLAIMED');
SELECT platform.protect('warehouse.move_tasks', 'SELECT, INSERT, UPDATE');
