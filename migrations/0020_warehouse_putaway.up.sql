-- expand
-- Goods that go straight to STAGING, because an order that is due lacks them.
ALTER TABLE warehouse.putaway_recommendations
    ADD COLUMN order_id uuid,
    ADD COLUMN urgency text CHECK (urgency IN ('CRITICAL', 'HIGH', 'MEDIUM')),
    ADD CONSTRAINT putaway_recommendations_urgent_for CHECK ((order_id IS NULL) = (urgency IS NULL)),
    ADD FOREIGN KEY (tenant_id, order_id) REFERENCES warehouse.orders;
-- Whether any location of a facility changed is asked before each batch; this answers it without reading the locations.
CREATE INDEX locations_stamp ON warehouse.locations (tenant_id, facility_id) INCLUDE (version, updated_at);
