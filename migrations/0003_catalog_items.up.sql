-- expand
CREATE SCHEMA catalog;
GRANT USAGE ON SCHEMA catalog TO wms_runtime;

CREATE TABLE catalog.items (
    tenant_id text NOT NULL REFERENCES identity.tenants,
    item_id uuid NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 300),
    description text NOT NULL DEFAULT '',
    category text NOT NULL DEFAULT '',
    base_unit text NOT NULL DEFAULT 'EA' CHECK (length(base_unit) BETWEEN 1 AND 16),
    length_mm int CHECK (length_mm BETWEEN 1 AND 100000),
    width_mm int CHECK (width_mm BETWEEN 1 AND 100000),
    height_mm int CHECK (height_mm BETWEEN 1 AND 100000),
    volume_cm3 bigint CHECK (volume_cm3 BETWEEN 0 AND 1000000000000),
    weight_g bigint CHECK (weight_g BETWEEN 0 AND 100000000),
    abc_class text NOT NULL DEFAULT 'C' CHECK (abc_class IN ('A', 'B', 'C')),
    picks_per_day numeric(12, 3) NOT NULL DEFAULT 0 CHECK (picks_per_day >= 0),
    shelf_life_days int CHECK (shelf_life_days BETWEEN 1 AND 36500),
    lot_tracked boolean NOT NULL DEFAULT false,
    -- tenths of a degree Celsius
    temperature_min_dc int CHECK (temperature_min_dc BETWEEN -2731 AND 2000),
    temperature_max_dc int CHECK (temperature_max_dc BETWEEN -2731 AND 2000),
    hazard_class text CHECK (length(hazard_class) BETWEEN 1 AND 16),
    security_zone text NOT NULL DEFAULT 'STANDARD' CHECK (security_zone IN ('STANDARD', 'RESTRICTED', 'HIGH_SECURITY', 'VAULT')),
    max_stack int CHECK (max_stack BETWEEN 1 AND 1000),
    is_active boolean NOT NULL DEFAULT true,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, item_id),
    CONSTRAINT items_code_key UNIQUE (tenant_id, code),
    CONSTRAINT items_dimensions_whole CHECK (num_nulls(length_mm, width_mm, height_mm) IN (0, 3)),
    CONSTRAINT items_temperature_ordered CHECK (temperature_min_dc <= temperature_max_dc)
);
CREATE INDEX items_category ON catalog.items (tenant_id, category, code);
SELECT platform.protect('catalog.items', 'SELECT, INSERT, UPDATE');

-- Other units an item is handled in: 1 of unit = factor of the base unit.
CREATE TABLE catalog.item_units (
    tenant_id text NOT NULL,
    item_id uuid NOT NULL,
    unit text NOT NULL CHECK (length(unit) BETWEEN 1 AND 16),
    factor numeric(18, 6) NOT NULL CHECK (factor > 0),
    PRIMARY KEY (tenant_id, item_id, unit),
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items
);
SELECT platform.protect('catalog.item_units', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE catalog.item_barcodes (
    tenant_id text NOT NULL,
    barcode text NOT NULL CHECK (length(barcode) BETWEEN 1 AND 80),
    item_id uuid NOT NULL,
    unit text NOT NULL,
    CONSTRAINT item_barcodes_pkey PRIMARY KEY (tenant_id, barcode),
    FOREIGN KEY (tenant_id, item_id) REFERENCES catalog.items
);
CREATE INDEX item_barcodes_item ON catalog.item_barcodes (tenant_id, item_id);
SELECT platform.protect('catalog.item_barcodes', 'SELECT, INSERT, UPDATE, DELETE');
