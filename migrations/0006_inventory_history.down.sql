DROP FUNCTION inventory.tenants_with_news();
DROP TABLE inventory.checkpoints, inventory.history_items, inventory.history_marks;
DROP INDEX inventory.movements_recorded, inventory.movements_effective;
