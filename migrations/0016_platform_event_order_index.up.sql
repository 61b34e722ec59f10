-- expand
-- For events of transactions that were not over when a listener left.
CREATE INDEX outbox_txid ON platform.outbox (tenant_id, txid);
