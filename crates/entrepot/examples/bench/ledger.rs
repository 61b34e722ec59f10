//! Single and batched movements and single reads, each against pgbench doing the same to the same rows, in turns.

use std::net::SocketAddr;
use std::time::Duration;

use platform::auth::Role;
use sqlx::Executor as _;

use crate::harness::{self, Server};
use crate::load::{Run, http, pgbench, request};
use crate::{percentile, report};

const ROUND: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;
const MOVEMENTS: &str = "/api/v1/inventory/movements";
const ITEMS: usize = 100;
const PLACES: usize = 100;

struct Bench {
    server: Server,
    address: SocketAddr,
    token: String,
}

pub async fn run() {
    harness::make_durable();
    let server = Server::start().await;
    let token = server.token("acme", Role::Staff).await;
    let mut sql = server.sql().await;
    sql.execute(SETUP).await.expect("the rows are made");
    let address = server.url.trim_start_matches("http://").parse().expect("an address");
    let bench = Bench { server, address, token };
    bench.read_one().await;
    bench.latency_alone().await;
    bench.write_single().await;
    bench.write_hot().await;
    bench.write_batches().await;
    bench.server.assert_invariants().await;
}

/// The middle one of several comparisons, by the ratio of their rates.
async fn in_turns(mut ours: impl AsyncFnMut() -> Run, theirs: impl Fn() -> Run) -> (f64, Run, Run) {
    ours().await;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let them = theirs();
        let us = ours().await;
        rounds.push((us.rate / them.rate, us, them));
    }
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    rounds.swap_remove(ROUNDS / 2)
}

fn tell(what: &str, (ratio, mut us, them): (f64, Run, Run), target: &str, least: f64, p99_below_ms: Option<f64>) {
    let p99 = percentile(&mut us.latencies, 0.99);
    let p50 = percentile(&mut us.latencies, 0.5);
    let figure = format!("{ratio:.2} x, p99 {p99:.1} ms");
    report(what, figure, target, ratio >= least && p99_below_ms.is_none_or(|most| p99 < most));
    println!(
        "    ours {:.0}/s (p50 {p50:.2} ms; CPU {:.0} µs database + {:.0} µs server and load), pgbench {:.0}/s (CPU {:.0} + {:.0} µs)",
        us.rate, us.database_us, us.process_us, them.rate, them.database_us, them.process_us
    );
}

fn id(kind: usize, number: usize) -> String {
    format!("00000000-0000-4000-8000-{kind:04}{number:08}")
}

/// Spreads call numbers over the rows, differently for each connection.
fn spread(connection: usize, call: usize) -> usize {
    (connection * 7919 + call * 104_729 + call / 97) % (ITEMS * PLACES)
}

fn transfer(at: usize) -> String {
    let (item, from) = (at / PLACES, at % PLACES);
    let to = if from + 1 == PLACES { 0 } else { from + 1 };
    let (from, to) = (from.min(to), from.max(to));
    format!(r#"{{"kind":"TRANSFER","item":"B-{item}","quantity":1,"from":"B/L-{from}","to":"B/L-{to}"}}"#)
}

impl Bench {
    async fn post(
        &self,
        connections: usize,
        per_request: usize,
        body: impl Fn(usize, usize) -> String + Clone + Send + Sync + 'static,
    ) -> Run {
        let (token, run) = (self.token.clone(), self.server.app.env.new_id().simple().to_string());
        let make = move |connection: usize, call: usize| {
            let key = format!("{run}-{connection}-{call}");
            request("POST", MOVEMENTS, &token, Some(&key), &body(connection, call))
        };
        http(self.address, connections, per_request, ROUND, make).await
    }

    fn pgbench(&self, script: &str, clients: usize, per_transaction: usize) -> Run {
        let database = self.server.options.get_database().expect("a database of its own");
        pgbench(database, script, clients, per_transaction, ROUND)
    }

    async fn read_one(&self) {
        let ours = async || {
            let token = self.token.clone();
            let make = move |connection: usize, call: usize| {
                let path = format!("/api/v1/inventory/balances/{}", id(3, spread(connection, call)));
                request("GET", &path, &token, None, "")
            };
            http(self.address, 16, 1, ROUND, make).await
        };
        let compared = in_turns(ours, || self.pgbench(READ, 16, 1)).await;
        tell("GET one balance, 16 connections, against its SELECT", compared, ">= 0.40 x, p99 < 5 ms", 0.4, Some(5.0));
    }

    /// What the group commit costs a caller who is alone: one movement at a time, through it and past it.
    async fn latency_alone(&self) {
        let single = move |_: usize, call: usize| format!(r#"{{"movements":[{}]}}"#, transfer(spread(0, call)));
        let double = move |_: usize, call: usize| {
            format!(r#"{{"movements":[{},{}]}}"#, transfer(spread(0, call)), transfer(spread(1, call)))
        };
        self.post(1, 1, single).await;
        let mut grouped = self.post(1, 1, single).await.latencies;
        let mut alone = self.post(1, 1, double).await.latencies;
        let (grouped, alone) = (percentile(&mut grouped, 0.5), percentile(&mut alone, 0.5));
        let added = grouped - alone;
        let figure = format!("{added:+.2} ms ({grouped:.2} and {alone:.2})");
        report("latency that grouping adds at one client, p50", figure, "< 1 ms", added < 1.0);
    }

    async fn write_single(&self) {
        let body = |connection: usize, call: usize| format!(r#"{{"movements":[{}]}}"#, transfer(spread(connection, call)));
        let compared = in_turns(async || self.post(64, 1, body).await, || self.pgbench(&write(1, 10_000), 16, 1)).await;
        tell("POST single movements, 64 connections, 10,000 balances", compared, ">= 1.0 x", 1.0, None);
    }

    async fn write_hot(&self) {
        let body = |_: usize, _: usize| r#"{"movements":[{"kind":"ISSUE","item":"B-0","quantity":1,"from":"B/L-0"}]}"#.to_owned();
        let compared = in_turns(async || self.post(64, 1, body).await, || self.pgbench(&write_hot(), 16, 1)).await;
        tell("the same, all on one balance", compared, ">= 5 x, p99 < 20 ms", 5.0, Some(20.0));
    }

    async fn write_batches(&self) {
        // Each connection keeps to its own quarter of the items, so that neither side waits for rows.
        let body = |connection: usize, call: usize| {
            let quarter = ITEMS * PLACES / 4;
            let movements = (0..1000).map(|n| transfer(connection * quarter + (call * 613 + n * 7) % quarter));
            format!(r#"{{"movements":[{}]}}"#, movements.collect::<Vec<_>>().join(","))
        };
        let compared = in_turns(async || self.post(4, 1000, body).await, || self.pgbench(&write_batch(), 4, 1000)).await;
        tell("POST 1,000 movements a request, 4 connections", compared, ">= 0.70 x", 0.7, None);
    }
}

/// The SELECT that the server sends, for one key and in the form that leaves the planner no choice but the keys.
const READ: &str = r"\set n random(0, 9999)
SELECT b.balance_id, b.item_id, b.location_id, p.facility_id, p.facility_code, p.code, b.lot_id, l.number, l.expires_on,
       l.received_at, b.quality_status, b.on_hand, b.reserved, b.updated_at, i.code, i.name, i.base_unit
FROM (SELECT * FROM inventory.balances o WHERE o.tenant_id = 'acme'
      AND o.balance_id = ('00000000-0000-4000-8000-0003' || lpad((:n::int)::text, 8, '0'))::uuid OFFSET 0) b
CROSS JOIN LATERAL (SELECT * FROM inventory.stock_locations o WHERE o.tenant_id = 'acme' AND o.location_id = b.location_id OFFSET 0) p
CROSS JOIN LATERAL (SELECT * FROM catalog.items o WHERE o.tenant_id = 'acme' AND o.item_id = b.item_id OFFSET 0) i
LEFT JOIN LATERAL (SELECT * FROM inventory.lots o WHERE o.tenant_id = 'acme' AND o.lot_id = b.lot_id OFFSET 0) l ON true;
";

/// Ids ordered by time, as ours are, so that both sides append to their indexes.
const NEW_ID: &str = "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid";

/// Audit line, event and idempotency key of the movement that `moved` wrote.
const SIDE_ROWS: &str = r#", audited AS (
    INSERT INTO platform.audit (tenant_id, audit_id, at, actor_id, actor_name, action, entity, entity_id, after, request_id)
    SELECT 'acme', @ID, now(), '00000000-0000-4000-8000-000900000000', 'bench', 'stock.move', 'movement', movement_id::text,
           '{"kind": "TRANSFER", "quantity": "1", "from": "00000000-0000-4000-8000-000200000000", "to": "00000000-0000-4000-8000-000200000001", "from_status": "RELEASED", "to_status": "RELEASED", "reason": "", "reference": "", "item_id": "00000000-0000-4000-8000-000100000000"}'::jsonb,
           'bench' FROM moved
), told AS (
    INSERT INTO platform.outbox (tenant_id, at, kind, entity_id, payload)
    SELECT 'acme', now(), 'inventory.stock.changed', movement_id::text,
           '{"count": 1, "complete": true, "item_ids": ["00000000-0000-4000-8000-000100000000"], "location_ids": ["00000000-0000-4000-8000-000200000000", "00000000-0000-4000-8000-000200000001"]}'::jsonb
    FROM moved
)
INSERT INTO platform.idempotency (tenant_id, user_id, key, fingerprint, answer, created_at)
SELECT 'acme', '00000000-0000-4000-8000-000900000000', @ID::text, '\x0000000000000000000000000000000000000000000000000000000000000000'::bytea,
       '{"posted": 1, "refused": 0, "results": [{"index": 0, "outcome": "POSTED", "movement_id": "00000000-0000-4000-8000-000100000000"}]}'::jsonb, now() FROM moved;
"#;

fn write(first: usize, last: usize) -> String {
    format!(
        r"\set n random({first}, {last})
WITH taken AS (
    UPDATE inventory.balances SET on_hand = on_hand - 1, updated_at = now()
    WHERE tenant_id = 'acme' AND balance_id = ('00000000-0000-4000-8000-0003' || lpad((:n::int - 1)::text, 8, '0'))::uuid
      AND on_hand - reserved >= 1
    RETURNING item_id, location_id
), given AS (
    UPDATE inventory.balances SET on_hand = on_hand + 1, updated_at = now()
    WHERE tenant_id = 'acme'
      AND balance_id = ('00000000-0000-4000-8000-0003' || lpad((CASE WHEN :n::int % 100 = 0 THEN :n::int - 2 ELSE :n::int END)::text, 8, '0'))::uuid
    RETURNING location_id
), moved AS (
    INSERT INTO inventory.movements (tenant_id, recorded_at, recorded_by, request_id, movement_id, kind, item_id, quantity,
        from_location_id, from_status, to_location_id, to_status, effective_at)
    SELECT 'acme', now(), '00000000-0000-4000-8000-000900000000', 'bench', @ID, 'TRANSFER', taken.item_id, 1,
           taken.location_id, 'RELEASED', given.location_id, 'RELEASED', now()
    FROM taken, given RETURNING movement_id
){SIDE_ROWS}"
    )
    .replace("@ID", NEW_ID)
}

fn write_hot() -> String {
    format!(
        r"WITH taken AS (
    UPDATE inventory.balances SET on_hand = on_hand - 1, updated_at = now()
    WHERE tenant_id = 'acme' AND balance_id = '00000000-0000-4000-8000-000300000000' AND on_hand - reserved >= 1
    RETURNING item_id, location_id
), moved AS (
    INSERT INTO inventory.movements (tenant_id, recorded_at, recorded_by, request_id, movement_id, kind, item_id, quantity,
        from_location_id, from_status, to_location_id, to_status, effective_at)
    SELECT 'acme', now(), '00000000-0000-4000-8000-000900000000', 'bench', @ID, 'ISSUE', item_id, 1,
           location_id, 'RELEASED', '00000000-0000-0000-0000-000000000002', 'RELEASED', now()
    FROM taken RETURNING movement_id
){SIDE_ROWS}"
    )
    .replace("@ID", NEW_ID)
}

fn write_batch() -> String {
    let side_rows = SIDE_ROWS.replace("FROM moved", "FROM (SELECT * FROM moved LIMIT 1) moved");
    format!(
        r"\set n random(0, 49)
WITH batch AS (SELECT * FROM public.bench_batches WHERE client = :client_id::int AND n = :n::int
), changed AS (
    UPDATE inventory.balances b SET on_hand = b.on_hand + k.delta, updated_at = now()
    FROM batch, UNNEST(batch.balances, batch.deltas) AS k (balance_id, delta)
    WHERE b.tenant_id = 'acme' AND b.balance_id = k.balance_id
), moved AS (
    INSERT INTO inventory.movements (tenant_id, recorded_at, recorded_by, request_id, movement_id, kind, item_id, quantity,
        from_location_id, from_status, to_location_id, to_status, effective_at)
    SELECT 'acme', now(), '00000000-0000-4000-8000-000900000000', 'bench', @ID, 'TRANSFER', k.item_id, 1,
           k.from_id, 'RELEASED', k.to_id, 'RELEASED', now()
    FROM batch, UNNEST(batch.items, batch.froms, batch.tos) AS k (item_id, from_id, to_id) RETURNING movement_id
){side_rows}"
    )
    .replace("@ID", NEW_ID)
}

/// 100 items in each of 100 places, a million of each, and the batches that pgbench sends, made by the rule of [`transfer`].
const SETUP: &str = r"
CREATE FUNCTION pg_temp.id(kind int, n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('00000000-0000-4000-8000-' || lpad(kind::text, 4, '0') || lpad(n::text, 8, '0'))::uuid $$;
INSERT INTO catalog.items (tenant_id, item_id, code, name, created_at, updated_at)
SELECT 'acme', pg_temp.id(1, n), 'B-' || n, 'Bench item ' || n, now(), now() FROM generate_series(0, 99) n;
INSERT INTO inventory.stock_locations (tenant_id, location_id, kind, facility_id, facility_code, code)
SELECT 'acme', pg_temp.id(2, n), 'PHYSICAL', pg_temp.id(4, 0), 'B', 'L-' || n FROM generate_series(0, 99) n;
INSERT INTO inventory.balances (tenant_id, balance_id, item_id, location_id, quality_status, on_hand, updated_at)
SELECT 'acme', pg_temp.id(3, n), pg_temp.id(1, n / 100), pg_temp.id(2, n % 100), 'RELEASED', 1000000, now() FROM generate_series(0, 9999) n;
INSERT INTO inventory.movements (tenant_id, recorded_at, recorded_by, request_id, movement_id, kind, item_id, quantity,
    from_location_id, from_status, to_location_id, to_status, effective_at)
SELECT 'acme', now(), pg_temp.id(9, 0), 'bench', pg_temp.id(5, n), 'RECEIPT', pg_temp.id(1, n / 100), 1000000,
       '00000000-0000-0000-0000-000000000001', 'RELEASED', pg_temp.id(2, n % 100), 'RELEASED', now() FROM generate_series(0, 9999) n;
CREATE TABLE public.bench_batches AS
WITH pair AS (
    SELECT c AS client, b AS n, m, c * 2500 + (b * 613 + m * 7) % 2500 AS at
    FROM generate_series(0, 3) c, generate_series(0, 49) b, generate_series(0, 999) m
), leg AS (
    SELECT client, n, m, at / 100 AS item, least(at % 100, (at + 1) % 100) AS from_at, greatest(at % 100, (at + 1) % 100) AS to_at FROM pair
), sum AS (
    SELECT client, n, balance, sum(delta) AS delta FROM (
        SELECT client, n, item * 100 + from_at AS balance, -1 AS delta FROM leg
        UNION ALL SELECT client, n, item * 100 + to_at, 1 FROM leg) both_legs
    GROUP BY 1, 2, 3 HAVING sum(delta) <> 0
)
SELECT client, n, array_agg(pg_temp.id(1, item) ORDER BY m) AS items, array_agg(pg_temp.id(2, from_at) ORDER BY m) AS froms,
       array_agg(pg_temp.id(2, to_at) ORDER BY m) AS tos,
       (SELECT array_agg(pg_temp.id(3, balance) ORDER BY balance) FROM sum WHERE sum.client = leg.client AND sum.n = leg.n) AS balances,
       (SELECT array_agg(delta::numeric ORDER BY balance) FROM sum WHERE sum.client = leg.client AND sum.n = leg.n) AS deltas
FROM leg GROUP BY client, n;
ALTER TABLE public.bench_batches ADD PRIMARY KEY (client, n);
ANALYZE;
";
