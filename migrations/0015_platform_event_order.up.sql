-- expand
-- The transaction that wrote an event. Numbers (seq) are given before the commit, so a lower one may become visible after a higher one;
-- with the transaction a listener that comes back is told exactly what it could not see when it left.
ALTER TABLE platform.outbox ADD COLUMN txid xid8;
-- Apart from adding the column, so that the rows that stand are not written anew. The previous release fills it too, unknowingly.
ALTER TABLE platform.outbox ALTER COLUMN txid SET DEFAULT pg_current_xact_id();
