-- expand
-- What a balance holds changes with each movement. An index whose condition reads it makes PostgreSQL write every index of the
-- row anew each time; without one, and with room in the page, the row alone is written (a heap-only update).
-- The item is in it so that a search for one balance is as good with this index as with the key, whichever the planner takes.
CREATE INDEX balances_place ON inventory.balances (tenant_id, location_id, item_id);
DROP INDEX inventory.balances_location;
ALTER TABLE inventory.balances SET (fillfactor = 80);
