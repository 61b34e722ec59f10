ALTER TABLE warehouse.item_velocities DROP COLUMN lacks_value;
UPDATE warehouse.slotting_settings SET class_by = 'PICKS', version = version + 1 WHERE class_by = 'VALUE';
ALTER TABLE warehouse.slotting_settings
    DROP CONSTRAINT slotting_settings_class_by_check,
    ADD CONSTRAINT slotting_settings_class_by_check CHECK (class_by IN ('PICKS', 'QUANTITY'));
ALTER TABLE catalog.items DROP COLUMN unit_value;
