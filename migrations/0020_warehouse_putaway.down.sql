DROP INDEX warehouse.locations_stamp;
ALTER TABLE warehouse.putaway_recommendations DROP COLUMN order_id, DROP COLUMN urgency;
