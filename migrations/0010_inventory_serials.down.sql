DROP TABLE inventory.movement_serials;
DROP TABLE inventory.serials;
ALTER TABLE catalog.items DROP COLUMN serial_tracked;
