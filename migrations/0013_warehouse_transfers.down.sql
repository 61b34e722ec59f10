DROP TABLE warehouse.transfer_settlements;
DROP TABLE warehouse.transfer_shipments;
DROP TABLE warehouse.transfer_lines;
DROP TABLE warehouse.transfers;
