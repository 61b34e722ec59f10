DROP TABLE warehouse.move_tasks;
DROP TABLE warehouse.picks;
DROP TABLE warehouse.pick_lines;
DROP TABLE warehouse.pick_lists;
DROP TABLE warehouse.order_lines;
DROP TABLE warehouse.orders;
