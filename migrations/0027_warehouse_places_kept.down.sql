CREATE INDEX locations_stamp ON warehouse.locations (tenant_id, facility_id) INCLUDE (version, updated_at);
