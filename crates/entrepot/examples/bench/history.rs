//! The history: a real year replayed through the importer, stock as of a moment with 1 and with 10 million movements, and the
//! check of all books.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::TenantId;
use platform::auth::Actor;
use platform::database::Migrations;
use platform::imports::{self, Options, Source};
use platform::tabular::Limits;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::{AssertSqlSafe, Executor as _};

use crate::harness::{Caller, Server, Warehouse, real_data, text};
use crate::retail::{FIXTURE, Retail};
use crate::{percentile, report};

const ITEMS: usize = 1_000;
const BINS: usize = 20;
const QUESTIONS: usize = 2_000;
/// The made-up movements spread over the year before this second.
const END: i64 = 1_735_689_600;
const YEAR_SECONDS: i64 = 365 * 86_400;

fn tenant() -> TenantId {
    "acme".parse().expect("a tenant name")
}

pub async fn run() {
    // `-- history 1000000` is a tenth of it, for a quick look, and replays nothing.
    let most: Option<i64> = std::env::args().find_map(|argument| argument.parse().ok());
    if most.is_none() {
        replay().await;
    }
    let most = most.unwrap_or(10_000_000);
    let small = as_of(most / 10).await;
    let large = as_of(most).await;
    let ratio = large / small;
    report("stock as of a moment, p95 with ten times the movements", format!("{ratio:.2} x"), "< 1.5 x", ratio < 1.5);
}

async fn import(server: &Server, kind: &str, csv: String, facility: Option<&str>) -> imports::Report {
    let actor = Actor::system(tenant(), server.app.env.clone(), "bench");
    let importers = entrepot::wiring::importers();
    let importer = importers.iter().find(|importer| importer.kind() == kind).expect("a known kind");
    let options = Options { facility: facility.map(str::to_owned), ..Options::default() };
    let source = Source { name: format!("{kind}.csv"), content: Box::new(Cursor::new(csv.into_bytes())), limits: Limits::FILE };
    let done = imports::run_import(&server.app, &actor, importer.as_ref(), source, &options, &|_| {}).await;
    done.expect("the import runs")
}

async fn replay() {
    let retail = match real_data("online_retail/online_retail.csv.zst") {
        Some(path) => Retail::load(&path),
        None => Retail::read(FIXTURE),
    };
    let warehouse = Warehouse::open(1, 0).await;
    let server = &warehouse.server;
    import(server, "items", retail.items_csv(), None).await;
    let file = retail.movements_csv("BIN-000");
    let started = Instant::now();
    let done = import(server, "movements", file, Some("F1")).await;
    let took = started.elapsed().as_secs_f64();
    assert!(done.applied && done.created == done.rows_total, "{:#?}", done.bad);
    let what =
        format!("replay of {} real lines and {} openings", retail.lines.len(), done.rows_total as usize - retail.lines.len());
    report(&what, format!("{took:.1} s"), "< 180 s", took < 180.0);
    if retail.without_quantity > 0 {
        println!("  {} lines of quantity 0 move nothing and are left out", retail.without_quantity);
    }
    inventory::history::refresh(&server.app, &tenant()).await.expect("checkpoints");
    let equal = stock_equals(&warehouse.staff, &retail).await;
    report(
        "  its stock today and at three past dates",
        if equal { "equal" } else { "NOT EQUAL" }.into(),
        "the plain sums",
        equal,
    );
    server.assert_invariants().await;
}

async fn stock_equals(caller: &Caller, retail: &Retail) -> bool {
    for at in Retail::dates().into_iter().chain([DateTime::from_timestamp(END, 0).expect("a time")]) {
        let (mut found, mut cursor) = (BTreeMap::new(), String::new());
        loop {
            let path = format!("/api/v1/inventory/stock-as-of?at={}&limit=500&cursor={cursor}", at.format("%Y-%m-%dT%H:%M:%SZ"));
            let page = caller.get(&path).await.expect(200);
            let rows = page["items"].as_array().expect("a list");
            found.extend(rows.iter().map(|row| (text(&row["item_code"]), text(&row["on_hand"]).parse::<i64>().expect("whole"))));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        if found != retail.stock(at) {
            return false;
        }
    }
    true
}

/// The p95 in milliseconds of one item's stock as of a random moment, through HTTP; every second question is about an item that a
/// tenth of all movements are of.
async fn as_of(movements: i64) -> f64 {
    let millions = movements as f64 / 1e6;
    let warehouse = Warehouse::open(BINS, 0).await;
    let server = &warehouse.server;
    let items: String = (0..ITEMS).map(|n| format!("ITEM-{n:04},Item {n}\n")).collect();
    import(server, "items", format!("code,name\n{items}"), None).await;
    let started = Instant::now();
    fill(server, movements).await;
    println!("  {millions} million movements made in {:.0} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    inventory::history::refresh(&server.app, &tenant()).await.expect("checkpoints");
    println!("  their checkpoints made in {:.0} s", started.elapsed().as_secs_f64());
    for table in ["movements", "checkpoints", "history_items"] {
        let vacuum = AssertSqlSafe(format!("VACUUM ANALYZE inventory.{table}"));
        server.sql().await.execute(sqlx::raw_sql(vacuum)).await.expect("a vacuum");
    }
    let mut rng = StdRng::seed_from_u64(11);
    let mut took = Vec::with_capacity(QUESTIONS);
    for n in 0..QUESTIONS + 200 {
        let item = if n % 2 == 0 { 0 } else { rng.random_range(0..ITEMS) };
        let at: DateTime<Utc> = DateTime::from_timestamp(END - rng.random_range(0..YEAR_SECONDS), 0).expect("a time");
        let by = if n % 4 < 2 { "effective_at" } else { "recorded_at" };
        let at = at.format("%Y-%m-%dT%H:%M:%SZ");
        let path = format!("/api/v1/inventory/balances-as-of?item=ITEM-{item:04}&at={at}&by={by}");
        let started = Instant::now();
        warehouse.staff.get(&path).await.expect(200);
        // The first ones warm the caches.
        if n >= 200 {
            took.push(started.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    let p95 = percentile(&mut took, 0.95);
    let p50 = percentile(&mut took, 0.5);
    let what = format!("stock of an item as of a past moment, {millions} million movements");
    report(&what, format!("p95 {p95:.2} ms (p50 {p50:.2})"), "< 5 ms", p95 < 5.0);
    check(server, movements).await;
    p95
}

async fn check(server: &Server, movements: i64) {
    let mut connection = Migrations::new(server.options.clone()).connect().await.expect("the owner's connection");
    let started = Instant::now();
    let mut last = Instant::now();
    let mut tell = |now: inventory::CheckProgress| {
        if last.elapsed() > Duration::from_secs(5) {
            last = Instant::now();
            println!("  {:.0} % read, {} movements", now.percent, now.movements);
        }
    };
    let proved = inventory::check_telling(&mut connection, &mut tell).await.expect("the check runs");
    let took = started.elapsed().as_secs_f64();
    assert!(proved.iter().all(|invariant| invariant.violations == 0), "{proved:#?}");
    let what = format!("entrepot check on {} million movements", movements as f64 / 1e6);
    report(&what, format!("{took:.1} s"), "< 60 s", took < 60.0);
}

/// Writes movements past the application, with indexes made afterwards. Groups of four leave something in two places: 8 come in,
/// 3 and 1 go out, 2 go on to the next place; so nothing is ever negative, in whatever order.
async fn fill(server: &Server, movements: i64) {
    let mut sql = server.sql().await;
    let indexes: Vec<(String, String)> = sqlx::query_as(
        "SELECT format('DROP INDEX %I.%I', schemaname, indexname), indexdef FROM pg_indexes
         WHERE schemaname = 'inventory' AND tablename = 'movements' AND indexname <> 'movements_pkey'",
    )
    .fetch_all(&mut sql)
    .await
    .expect("the catalogue answers");
    let mut run = async |text: String| {
        sql.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.expect("a statement of the bench");
    };
    for (drop, _) in &indexes {
        run(drop.clone()).await;
    }
    run("SET session_replication_role = replica".into()).await;
    let start = DateTime::from_timestamp(END, 0).expect("a time") - TimeDelta::seconds(YEAR_SECONDS);
    let step = YEAR_SECONDS as f64 / movements as f64;
    run(insert_movements(movements, &start.to_rfc3339(), step)).await;
    run(INSERT_BALANCES.into()).await;
    run("SET session_replication_role = DEFAULT; SET maintenance_work_mem = '512MB'".into()).await;
    for (_, create) in &indexes {
        run(create.clone()).await;
    }
    run("VACUUM ANALYZE inventory.movements".into()).await;
    run("VACUUM ANALYZE inventory.balances".into()).await;
}

fn insert_movements(movements: i64, start: &str, step: f64) -> String {
    format!(
        "INSERT INTO inventory.movements (tenant_id, movement_id, kind, item_id, quantity, from_location_id, from_status, to_location_id,
             to_status, effective_at, recorded_at, recorded_by, request_id)
         WITH items AS MATERIALIZED (SELECT array_agg(item_id ORDER BY code) AS ids FROM catalog.items),
              bins AS MATERIALIZED (SELECT array_agg(location_id ORDER BY code) AS ids FROM inventory.stock_locations WHERE code LIKE 'BIN-%')
         SELECT 'acme', gen_random_uuid(), (ARRAY['RECEIPT', 'ISSUE', 'TRANSFER', 'ISSUE'])[1 + n % 4],
                items.ids[CASE WHEN n / 4 % 10 = 0 THEN 1 ELSE 1 + (n / 4 * 7919::bigint % {ITEMS})::int END], (ARRAY[8, 3, 2, 1])[1 + n % 4],
                CASE WHEN n % 4 = 0 THEN '00000000-0000-0000-0000-000000000001' ELSE bins.ids[1 + n / 4 * 31 % {BINS}] END, 'RELEASED',
                CASE n % 4 WHEN 0 THEN bins.ids[1 + n / 4 * 31 % {BINS}] WHEN 2 THEN bins.ids[1 + (n / 4 * 31 + 1) % {BINS}]
                     ELSE '00000000-0000-0000-0000-000000000002' END, 'RELEASED',
                timestamptz '{start}' + n * interval '{step} s', timestamptz '{start}' + n * interval '{step} s' + interval '1 s',
                '00000000-0000-0000-0000-000000000000', 'bench'
         FROM generate_series(0, {movements} - 1) AS n, items, bins"
    )
}

const INSERT_BALANCES: &str = "INSERT INTO inventory.balances (tenant_id, balance_id, item_id, location_id, quality_status, on_hand, updated_at)
     SELECT 'acme', gen_random_uuid(), item_id, location_id, 'RELEASED', sum(quantity), now()
     FROM (
         SELECT m.item_id, m.kind, v.location_id, v.quantity FROM inventory.movements m
         CROSS JOIN LATERAL (VALUES (m.to_location_id, m.quantity), (m.from_location_id, -m.quantity)) AS v (location_id, quantity)
     ) s
     WHERE location_id > '00000000-0000-0000-0000-00000000000f' GROUP BY item_id, location_id";
