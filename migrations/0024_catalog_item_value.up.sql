-- expand
-- What one base unit is worth, in whatever the tenant counts values in; null where nobody said.
ALTER TABLE catalog.items ADD COLUMN unit_value numeric(18, 6) CHECK (unit_value >= 0);

-- Items are classed by the value of what was picked, too.
ALTER TABLE warehouse.slotting_settings
    DROP CONSTRAINT slotting_settings_class_by_check,
    ADD CONSTRAINT slotting_settings_class_by_check CHECK (class_by IN ('PICKS', 'QUANTITY', 'VALUE'));
-- An item that should be classed by a value nobody entered; its class is the one that the item had.
ALTER TABLE warehouse.item_velocities ADD COLUMN lacks_value boolean NOT NULL DEFAULT false;
