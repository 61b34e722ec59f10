DROP TABLE inventory.hold_decisions;
DROP TABLE inventory.hold_lines;
DROP TABLE inventory.holds;
