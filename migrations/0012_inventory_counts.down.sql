DROP TABLE inventory.location_counts;
DROP TABLE inventory.count_entries;
DROP TABLE inventory.count_lines;
DROP TABLE inventory.count_locations;
DROP TABLE inventory.counts;
DROP INDEX inventory.stock_locations_transit;
ALTER TABLE inventory.stock_locations DROP COLUMN purpose;
