DROP INDEX platform.outbox_txid;
