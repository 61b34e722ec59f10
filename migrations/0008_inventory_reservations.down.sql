DROP FUNCTION inventory.tenants_with_expired_reservations(timestamptz);
-- What was bound is free again.
UPDATE inventory.balances b SET reserved = 0 WHERE b.reserved > 0
    AND EXISTS (SELECT FROM inventory.reservation_allocations a WHERE a.tenant_id = b.tenant_id AND a.balance_id = b.balance_id);
DROP TABLE inventory.reservation_allocations;
DROP TABLE inventory.reservations;
ALTER TABLE inventory.stock_locations DROP COLUMN pick_sequence;
