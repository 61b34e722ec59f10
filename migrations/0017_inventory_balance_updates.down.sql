CREATE INDEX balances_location ON inventory.balances (tenant_id, location_id) WHERE on_hand > 0;
DROP INDEX inventory.balances_place;
ALTER TABLE inventory.balances RESET (fillfactor);
