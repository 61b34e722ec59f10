ALTER TABLE platform.outbox DROP COLUMN txid;
