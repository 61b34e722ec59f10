DROP INDEX warehouse.receipt_lines_expected;
