-- expand
-- How the items of a facility are classed; a facility without a row uses the defaults.
CREATE TABLE warehouse.slotting_settings (
    tenant_id text NOT NULL,
    facility_id uuid NOT NULL,
    class_by text NOT NULL DEFAULT 'PICKS' CHECK (class_by IN ('PICKS', 'QUANTITY')),
    a_share double precision NOT NULL DEFAULT 0.2 CHECK (a_share BETWEEN 0 AND 1),
    b_share double precision NOT NULL DEFAULT 0.3 CHECK (b_share BETWEEN 0 AND 1),
    share_of text NOT NULL DEFAULT 'ITEMS' CHECK (share_of IN ('ITEMS', 'TOTAL')),
    -- the daily run writes the classes back to the items by itself
    writes_classes boolean NOT NULL DEFAULT false,
    version int NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, facility_id),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities
);
SELECT platform.protect('warehouse.slotting_settings', 'SELECT, INSERT, UPDATE');

-- How often each item was picked, as of the morning of `day`; one set of rows for each day on which it was computed.
CREATE TABLE warehouse.item_velocities (
    tenant_id text NOT NULL,
    facility_id uuid NOT NULL,
    day date NOT NULL,
    item_id uuid NOT NULL,
    recent_per_day double precision NOT NULL CHECK (recent_per_day >= 0),
    before_per_day double precision NOT NULL CHECK (before_per_day >= 0),
    -- null where there is nothing to compare with
    change_percent double precision,
    picks bigint NOT NULL CHECK (picks >= 0),
    quantity numeric(18, 6) NOT NULL CHECK (quantity >= 0),
    abc_class text NOT NULL CHECK (abc_class IN ('A', 'B', 'C')),
    trigger_kind text CHECK (trigger_kind IN ('VELOCITY_SPIKE', 'VELOCITY_DROP', 'PROMOTION', 'SEASONAL_CHANGE', 'NEW_PRODUCT')),
    severity text CHECK (severity IN ('MEDIUM', 'HIGH')),
    PRIMARY KEY (tenant_id, facility_id, day, item_id),
    CONSTRAINT item_velocities_trigger CHECK ((trigger_kind IS NULL) = (severity IS NULL)),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities,
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items
);
CREATE INDEX item_velocities_rank ON warehouse.item_velocities (tenant_id, facility_id, day, picks DESC, item_id);
SELECT platform.protect('warehouse.item_velocities', 'SELECT, INSERT, DELETE');

-- What is picked together, seen from the first item; renewed as a whole.
CREATE TABLE warehouse.item_affinities (
    tenant_id text NOT NULL,
    facility_id uuid NOT NULL,
    item_id uuid NOT NULL,
    other_item_id uuid NOT NULL,
    co_picks bigint NOT NULL CHECK (co_picks > 0),
    -- share of all orders that hold both
    support double precision NOT NULL CHECK (support BETWEEN 0 AND 1),
    -- share of the orders with the first that hold the other too
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    lift double precision NOT NULL CHECK (lift >= 0),
    -- co-picks over the most co-picks of any two items
    strength double precision NOT NULL CHECK (strength BETWEEN 0 AND 1),
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, facility_id, item_id, other_item_id),
    CONSTRAINT item_affinities_two CHECK (item_id <> other_item_id),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities,
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, other_item_id) REFERENCES catalog.items
);
CREATE INDEX item_affinities_strongest ON warehouse.item_affinities (tenant_id, facility_id, co_picks DESC, item_id, other_item_id);
SELECT platform.protect('warehouse.item_affinities', 'SELECT, INSERT, DELETE');

-- How full a facility was at the end of a day.
CREATE TABLE warehouse.utilization_snapshots (
    tenant_id text NOT NULL,
    facility_id uuid NOT NULL,
    day date NOT NULL,
    locations int NOT NULL CHECK (locations >= 0),
    used_locations int NOT NULL CHECK (used_locations BETWEEN 0 AND locations),
    volume_cm3 bigint NOT NULL CHECK (volume_cm3 >= 0),
    used_volume_cm3 bigint NOT NULL CHECK (used_volume_cm3 >= 0),
    -- percent, above 100 for what is overfull
    utilization double precision NOT NULL CHECK (utilization >= 0),
    fragmentation_index double precision NOT NULL CHECK (fragmentation_index >= 0),
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, facility_id, day),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities
);
SELECT platform.protect('warehouse.utilization_snapshots', 'SELECT, INSERT, UPDATE');

-- Plans of moves. Walked metres are per day of the orders that judged the plan.
CREATE TABLE warehouse.slotting_plans (
    tenant_id text NOT NULL,
    plan_id uuid NOT NULL,
    facility_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('RESLOT', 'CONSOLIDATION')),
    state text NOT NULL DEFAULT 'QUEUED'
        CHECK (state IN ('QUEUED', 'RUNNING', 'READY', 'APPROVED', 'REJECTED', 'EXPIRED', 'FAILED')),
    progress_percent int NOT NULL DEFAULT 0 CHECK (progress_percent BETWEEN 0 AND 100),
    progress_text text NOT NULL DEFAULT '',
    moves_max int NOT NULL CHECK (moves_max BETWEEN 1 AND 500),
    payback_days double precision NOT NULL CHECK (payback_days > 0),
    handling_m double precision NOT NULL CHECK (handling_m >= 0),
    history_days int NOT NULL CHECK (history_days BETWEEN 1 AND 730),
    orders bigint NOT NULL DEFAULT 0,
    items int NOT NULL DEFAULT 0,
    before_m_per_day double precision NOT NULL DEFAULT 0,
    after_m_per_day double precision NOT NULL DEFAULT 0,
    cost_m double precision NOT NULL DEFAULT 0,
    message text NOT NULL DEFAULT '',
    created_by uuid NOT NULL,
    created_by_name text NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    expires_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by_name text NOT NULL DEFAULT '',
    version int NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, plan_id),
    FOREIGN KEY (tenant_id, facility_id) REFERENCES warehouse.facilities
);
CREATE INDEX slotting_plans_facility ON warehouse.slotting_plans (tenant_id, facility_id, plan_id);
SELECT platform.protect('warehouse.slotting_plans', 'SELECT, INSERT, UPDATE');

-- In the order in which they can be carried out. Moves of one chain make sense together only; the goods of one step may be of
-- several lots, one row each.
CREATE TABLE warehouse.slotting_plan_moves (
    tenant_id text NOT NULL,
    plan_id uuid NOT NULL,
    move_no int NOT NULL CHECK (move_no >= 1),
    step_no int NOT NULL CHECK (step_no >= 1),
    chain_no int NOT NULL CHECK (chain_no >= 1),
    item_id uuid NOT NULL,
    lot_id uuid,
    quantity numeric(18, 6) NOT NULL CHECK (quantity > 0),
    from_location_id uuid NOT NULL,
    to_location_id uuid NOT NULL,
    cost_m double precision NOT NULL CHECK (cost_m >= 0),
    chain_saving_m_per_day double precision NOT NULL,
    chain_cost_m double precision NOT NULL CHECK (chain_cost_m >= 0),
    -- why it was left out when the plan was approved; empty otherwise
    left_out text NOT NULL DEFAULT '' CHECK (length(left_out) <= 300),
    PRIMARY KEY (tenant_id, plan_id, move_no),
    FOREIGN KEY (tenant_id, plan_id) REFERENCES warehouse.slotting_plans,
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items,
    FOREIGN KEY (tenant_id, from_location_id) REFERENCES warehouse.locations,
    FOREIGN KEY (tenant_id, to_location_id) REFERENCES warehouse.locations
);
SELECT platform.protect('warehouse.slotting_plan_moves', 'SELECT, INSERT, UPDATE');
