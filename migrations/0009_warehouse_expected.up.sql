-- expand
-- What is still to come of an item, for the promise of goods that have not arrived.
CREATE INDEX receipt_lines_expected ON warehouse.receipt_lines (tenant_id, item_id) WHERE received < expected;
