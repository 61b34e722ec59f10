-- expand
-- Whether a location changed is told by the events now; nobody reads this any more.
DROP INDEX warehouse.locations_stamp;
