//! Stock as of any moment, its ages, its turnover, its order of use; and the imports that bring a past.

use std::collections::BTreeMap;
use std::io::Cursor;

use chrono::{DateTime, TimeDelta, Utc};
use inventory::history;
use kernel::TenantId;
use platform::auth::{Actor, Role};
use platform::imports::{self, Options, Report, Source};
use platform::tabular::Limits;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::harness::{Caller, Server, Warehouse, real_data, text};
use crate::retail::{FIXTURE, Retail};

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

async fn import(server: &Server, kind: &str, csv: &str) -> Report {
    let actor = Actor::system(tenant(), server.app.env.clone(), "test");
    let options = Options { facility: Some("F1".into()), ..Options::default() };
    let options = if kind == "items" { Options::default() } else { options };
    let content = Box::new(Cursor::new(csv.to_owned().into_bytes()));
    let source = Source { name: format!("{kind}.csv"), content, limits: Limits::FILE };
    let importers = entrepot::wiring::importers();
    let importer = importers.iter().find(|importer| importer.kind() == kind).unwrap();
    imports::run_import(&server.app, &actor, importer.as_ref(), source, &options, &|_| {}).await.unwrap()
}

/// All pages of a list.
async fn all(caller: &Caller, path: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = caller.get(&format!("{path}&cursor={cursor}")).await.expect(200);
        rows.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return rows,
        }
    }
}

async fn stock_as_of(caller: &Caller, at: DateTime<Utc>, by: &str) -> BTreeMap<String, i64> {
    let at = at.format("%Y-%m-%dT%H:%M:%SZ");
    let rows = all(caller, &format!("/api/v1/inventory/stock-as-of?at={at}&by={by}&limit=500")).await;
    rows.iter().map(|row| (text(&row["item_code"]), text(&row["on_hand"]).parse().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_year_replayed_equals_its_plain_sums() {
    let retail = match real_data("online_retail/online_retail_invoices20k.csv.gz") {
        Some(path) => Retail::load(&path),
        None => Retail::read(FIXTURE),
    };
    eprintln!("{} lines, {} more of quantity 0, which move nothing", retail.lines.len(), retail.without_quantity);
    let warehouse = Warehouse::open(1, 0).await;
    let (server, staff) = (&warehouse.server, &warehouse.staff);
    import(server, "items", &retail.items_csv()).await;
    let before = server.app.env.now();
    let file = retail.movements_csv("BIN-000");
    let report = import(server, "movements", &file).await;
    assert!(report.applied, "{:#?}", report.bad);
    assert_eq!(report.created, report.rows_total);
    let again = import(server, "movements", &file).await;
    assert_eq!((again.applied, again.created, again.unchanged), (true, 0, report.rows_total), "{:#?}", again.bad);
    let today = server.app.env.now();
    for round in 0..2 {
        for at in Retail::dates().into_iter().chain([today]) {
            assert_eq!(stock_as_of(staff, at, "effective_at").await, retail.stock(at), "as of {at}, round {round}");
        }
        assert_eq!(stock_as_of(staff, before, "recorded_at").await, BTreeMap::new(), "nothing was in the books then");
        history::refresh(&server.app, &tenant()).await.unwrap();
    }
    let balances = all(staff, "/api/v1/inventory/balances?limit=500").await;
    let balances: BTreeMap<_, i64> =
        balances.iter().map(|row| (text(&row["item_code"]), text(&row["on_hand"]).parse().unwrap())).collect();
    assert_eq!(balances, retail.stock(today));
    server.assert_invariants().await;
}

/// One side of a movement at a physical place; the quantity has its sign.
struct Leg {
    effective: DateTime<Utc>,
    recorded: DateTime<Utc>,
    item: String,
    place: String,
    quantity: i64,
}

/// What the history must say, kept in the plainest way.
struct Brute {
    legs: Vec<Leg>,
}

impl Brute {
    async fn read(server: &Server) -> Self {
        let rows = sqlx::query(
            "SELECT m.effective_at, m.recorded_at, i.code, p.code, v.quantity::bigint
             FROM inventory.movements m JOIN catalog.items i USING (tenant_id, item_id)
             CROSS JOIN LATERAL (VALUES (m.to_location_id, m.quantity), (m.from_location_id, -m.quantity)) v (location_id, quantity)
             JOIN inventory.stock_locations p ON p.tenant_id = m.tenant_id AND p.location_id = v.location_id AND p.kind = 'PHYSICAL'",
        );
        let rows = rows.fetch_all(&mut server.sql().await).await.unwrap();
        let leg = |row: &sqlx::postgres::PgRow| Leg {
            effective: row.get(0),
            recorded: row.get(1),
            item: row.get(2),
            place: row.get(3),
            quantity: row.get(4),
        };
        Self { legs: rows.iter().map(leg).collect() }
    }

    fn stock(&self, at: DateTime<Utc>, by: &str) -> BTreeMap<(String, String), i64> {
        let mut stock: BTreeMap<(String, String), i64> = BTreeMap::new();
        for leg in &self.legs {
            if (if by == "recorded_at" { leg.recorded } else { leg.effective }) <= at {
                *stock.entry((leg.item.clone(), leg.place.clone())).or_default() += leg.quantity;
            }
        }
        stock.retain(|_, quantity| *quantity != 0);
        stock
    }
}

async fn balances_as_of(caller: &Caller, at: DateTime<Utc>, by: &str, limit: u32) -> BTreeMap<(String, String), i64> {
    let at = at.format("%Y-%m-%dT%H:%M:%S%.6fZ");
    let rows = all(caller, &format!("/api/v1/inventory/balances-as-of?at={at}&by={by}&limit={limit}")).await;
    let row =
        |row: &Value| ((text(&row["item_code"]), text(&row["location_code"])), text(&row["on_hand"]).parse::<i64>().unwrap());
    rows.iter().map(row).collect()
}

async fn assert_equals_brute_force(warehouse: &Warehouse, rng: &mut StdRng, span: (DateTime<Utc>, DateTime<Utc>), why: &str) {
    let brute = Brute::read(&warehouse.server).await;
    for by in ["effective_at", "recorded_at"] {
        for _ in 0..12 {
            let at = span.0 + TimeDelta::milliseconds(rng.random_range(-5_000..(span.1 - span.0).num_milliseconds() + 5_000));
            let found = balances_as_of(&warehouse.staff, at, by, rng.random_range(2..40)).await;
            assert_eq!(found, brute.stock(at, by), "{why}: as of {at} by {by}");
        }
    }
}

/// Movements between three places, most effective in the order in which they are recorded, some far earlier.
fn random_movements(rng: &mut StdRng, from: DateTime<Utc>, count: i64) -> Vec<Value> {
    let item = |rng: &mut StdRng| format!("ITEM-00{}", u8::from(rng.random_bool(0.15)));
    let one = |rng: &mut StdRng, second: i64| {
        let late = if rng.random_bool(0.1) { rng.random_range(0..4_000) } else { 0 };
        let at = (from + TimeDelta::seconds(second / 2 - late)).to_rfc3339();
        let bin = |n: u8| format!("F1/BIN-00{n}");
        let place = rng.random_range(0..3_u8);
        let quantity = rng.random_range(1..50);
        let (kind, from, to) = match rng.random_range(0..4) {
            0 => ("ISSUE", bin(place), "CUSTOMER".to_owned()),
            1 => ("TRANSFER", bin(place), bin((place + 1) % 3)),
            _ => ("RECEIPT", "SUPPLIER".to_owned(), bin(place)),
        };
        json!({ "kind": kind, "item": item(rng), "quantity": quantity, "from": from, "to": to, "effective_at": at })
    };
    (0..count).map(|second| one(rng, second)).collect()
}

/// As if it had been recorded one by one, with clocks that differ by seconds.
const SPREAD: &str =
    "UPDATE inventory.movements SET recorded_at = timestamptz '2024-01-01Z' + make_interval(secs => seq / 2 - seq * 7919 % 5)";

async fn checkpoints(server: &Server, axis: &str) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM inventory.checkpoints WHERE axis = $1").bind(axis);
    count.fetch_one(&mut server.sql().await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_from_checkpoints_equal_brute_force_along_both_clocks() {
    let warehouse = Warehouse::open(3, 2).await;
    let server = &warehouse.server;
    let mut rng = StdRng::seed_from_u64(0x5eed);
    let start = DateTime::from_timestamp(1_704_067_200, 0).unwrap();
    let span = (start - TimeDelta::seconds(4_000), start + TimeDelta::seconds(5_000));
    for (round, count) in [(0, 2_500), (1, 1_500), (2, 400), (3, 2_500)] {
        // The second round happened long before the first, so that every checkpoint gets late movements and stretches overflow.
        let from = start + TimeDelta::seconds([0, -2_000, 1_500, 1_700][round]);
        let movements = random_movements(&mut rng, from, count);
        let batch = json!({ "atomic": false, "movements": movements });
        warehouse.staff.post("/api/v1/inventory/movements", &batch).await.expect(200);
        server.sql().await.execute(SPREAD).await.unwrap();
        assert_equals_brute_force(&warehouse, &mut rng, span, &format!("round {round} before the chore")).await;
        history::refresh(&server.app, &tenant()).await.unwrap();
        assert_equals_brute_force(&warehouse, &mut rng, span, &format!("round {round} after the chore")).await;
    }
    assert!(checkpoints(server, "EFFECTIVE").await > 10 && checkpoints(server, "RECORDED").await > 10);
    let longest: i64 =
        sqlx::query_scalar("SELECT max(row_count) FROM inventory.checkpoints").fetch_one(&mut server.sql().await).await.unwrap();
    assert!(longest <= 2 * 256, "no answer reads more than two stretches: {longest}");
    let series = warehouse
        .staff
        .get("/api/v1/inventory/items/ITEM-000/stock-over-time?from=2023-12-31T23:00:00Z&to=2024-01-01T01:00:00Z&points=9")
        .await
        .expect(200);
    let brute = Brute::read(server).await;
    for point in series["points"].as_array().unwrap() {
        let at = text(&point["at"]).parse::<DateTime<Utc>>().unwrap();
        let expected: i64 = brute
            .stock(at, "effective_at")
            .iter()
            .filter(|((item, _), _)| item == "ITEM-000")
            .map(|(_, quantity)| quantity)
            .sum();
        assert_eq!(text(&point["on_hand"]), expected.to_string(), "{at}");
    }
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_movement_that_was_under_way_when_checkpoints_were_made_is_not_lost() {
    let warehouse = Warehouse::open(3, 1).await;
    let server = &warehouse.server;
    let mut rng = StdRng::seed_from_u64(7);
    let start = DateTime::from_timestamp(1_704_067_200, 0).unwrap();
    let span = (start, start + TimeDelta::seconds(600));
    warehouse.stock("ITEM-000", "F1/BIN-002", 1).await;
    let mut open = server.sql().await;
    open.execute("BEGIN; UPDATE inventory.balances SET on_hand = on_hand + 5").await.unwrap();
    let insert =
        "INSERT INTO inventory.movements (tenant_id, movement_id, kind, item_id, quantity, from_location_id, from_status,
                      to_location_id, to_status, effective_at, recorded_at, recorded_by, request_id)
                  SELECT tenant_id, gen_random_uuid(), kind, item_id, 5, from_location_id, from_status, to_location_id, to_status,
                      timestamptz '2024-01-01 00:01Z', recorded_at, recorded_by, request_id FROM inventory.movements";
    open.execute(insert).await.unwrap();
    let receipts: Vec<Value> = (0..1_200)
        .map(|second| json!({ "kind": "RECEIPT", "item": "ITEM-000", "quantity": 2, "to": "F1/BIN-000", "effective_at": (start + TimeDelta::seconds(second / 2)).to_rfc3339() }))
        .collect();
    warehouse.staff.post("/api/v1/inventory/movements", &json!({ "movements": receipts })).await.expect(201);
    history::refresh(&server.app, &tenant()).await.unwrap();
    assert_eq!(checkpoints(server, "EFFECTIVE").await, 0, "a number below the newest is still open: nothing is certain yet");
    assert_equals_brute_force(&warehouse, &mut rng, span, "while it is open").await;
    open.execute("COMMIT").await.unwrap();
    assert_equals_brute_force(&warehouse, &mut rng, span, "after it was committed").await;
    history::refresh(&server.app, &tenant()).await.unwrap();
    assert!(checkpoints(server, "EFFECTIVE").await > 3);
    assert_equals_brute_force(&warehouse, &mut rng, span, "after the chore").await;
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_row_changes_what_was_and_not_what_the_books_said() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    let between = warehouse.server.app.env.now();
    let last_year = between - TimeDelta::days(365);
    let late = json!({ "movements": [{ "kind": "RECEIPT", "item": "ITEM-000", "quantity": 3, "to": "F1/BIN-000", "effective_at": last_year.to_rfc3339() }] });
    staff.post("/api/v1/inventory/movements", &late).await.expect(201);
    let then = |at: DateTime<Utc>, by: &'static str| async move {
        let at = at.format("%Y-%m-%dT%H:%M:%S%.6fZ");
        let found = staff.get(&format!("/api/v1/inventory/stock-as-of?item=ITEM-000&at={at}&by={by}")).await.expect(200);
        found["items"].as_array().unwrap().first().map(|row| text(&row["on_hand"]))
    };
    assert_eq!(then(between, "effective_at").await.as_deref(), Some("13"));
    assert_eq!(then(between, "recorded_at").await.as_deref(), Some("10"));
    assert_eq!(then(last_year + TimeDelta::days(1), "effective_at").await.as_deref(), Some("3"));
    assert_eq!(then(last_year + TimeDelta::days(1), "recorded_at").await, None);
    assert_eq!(staff.get("/api/v1/inventory/stock-as-of?by=yesterday").await.status, 400);
    assert_eq!(staff.get("/api/v1/inventory/stock-as-of?at=yesterday").await.status, 400);
    assert_eq!(staff.get("/api/v1/inventory/stock-as-of?item=NONE").await.status, 404);
    assert_eq!(staff.get("/api/v1/inventory/balances-as-of?location=SUPPLIER").await.status, 422);
    let other = warehouse.server.caller(Some(warehouse.server.token("other", Role::Admin).await));
    assert_eq!(other.get("/api/v1/inventory/stock-as-of").await.expect(200)["items"], json!([]));
    assert_eq!(other.get("/api/v1/inventory/items/ITEM-000/turnover").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_rows_of_movements_are_told_with_line_and_column() {
    let warehouse = Warehouse::open(1, 1).await;
    let server = &warehouse.server;
    let good = "id,kind,item,quantity,from,to,location,effective_at\n1,RECEIPT,ITEM-000,10,,,BIN-000,2020-01-01 10:00\n";
    assert_eq!(import(server, "movements", good).await.created, 1);
    let file = format!(
        "{good}1b,GIFT,ITEM-000,1,,,BIN-000,\n2,ISSUE,NONE,1,,,BIN-000,\n3,ISSUE,ITEM-000,many,,,BIN-000,\n\
         4,ISSUE,ITEM-000,1,,,NOWHERE,\n5,ISSUE,ITEM-000,1,,,BIN-000,2999-01-01\n6,ISSUE,ITEM-000,11,,,BIN-000,\n\
         7,TRANSFER,ITEM-000,1,,,BIN-000,\n8,RECEIPT,ITEM-000,0,,,BIN-000,\n9,ISSUE,ITEM-000,1,BIN-000,,BIN-000,\n\
         9,ISSUE,ITEM-000,1,,,BIN-000,\n10,ISSUE,ITEM-000,1,,,BIN-000,12/1/2010\n"
    );
    let refused = import(server, "movements", &file).await;
    assert!(!refused.applied);
    let mut told: Vec<(u64, String)> = refused.bad.iter().map(|bad| (bad.line, bad.column.clone().unwrap_or_default())).collect();
    told.sort();
    let expected = [
        (3, "kind"),
        (4, "item"),
        (5, "quantity"),
        (6, "location"),
        (7, "effective_at"),
        (8, "quantity"),
        (9, "location"),
        (10, "quantity"),
        (11, "location"),
        (12, "id"),
        (13, "effective_at"),
    ];
    assert_eq!(told, expected.map(|(line, column)| (line, column.to_owned())), "{:#?}", refused.bad);
    let changed = import(server, "movements", &good.replace(",10,", ",11,")).await;
    assert!(!changed.applied && changed.bad[0].column.as_deref() == Some("id"), "{:#?}", changed.bad);
    assert_eq!(warehouse.on_hand("ITEM-000").await[0].1, "10", "nothing of all this was kept");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_stock_is_counted_once() {
    let warehouse = Warehouse::open(3, 2).await;
    let server = &warehouse.server;
    let milk = json!({ "code": "MILK", "name": "Milk", "lot_tracked": true });
    warehouse.staff.post("/api/v1/inventory/items", &milk).await.expect(201);
    let file = "item,location,lot,expires_on,quality_status,quantity\nITEM-000,BIN-000,,,,10\nITEM-000,BIN-001,,,HOLD,2.5\nMILK,F1/BIN-001,L1,2027-05-01,,30\n";
    let first = import(server, "stock", file).await;
    assert_eq!((first.applied, first.created), (true, 3), "{:#?}", first.bad);
    let second = import(server, "stock", file).await;
    assert_eq!((second.applied, second.created, second.unchanged), (true, 0, 3), "{:#?}", second.bad);
    let other = import(server, "stock", &file.replace(",10\n", ",12\n")).await;
    assert!(!other.applied && other.bad[0].line == 2 && other.bad[0].column.as_deref() == Some("quantity"), "{:#?}", other.bad);
    warehouse.stock("ITEM-001", "F1/BIN-002", 1).await;
    let late = import(server, "stock", "item,location,quantity\nITEM-001,BIN-002,5\n").await;
    assert!(!late.applied && late.bad[0].column.as_deref() == Some("location"), "{:#?}", late.bad);
    let missing = import(server, "stock", "item,location,lot,quantity\nMILK,BIN-000,,5\nITEM-000,,,5\n").await;
    let mut told: Vec<_> = missing.bad.iter().map(|bad| (bad.line, bad.column.clone().unwrap_or_default())).collect();
    told.sort();
    assert_eq!(told, [(2, "lot".to_owned()), (3, "location".to_owned())]);
    assert!(!missing.applied && missing.rows_bad == 2, "{:#?}", missing.bad);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ages_turnover_and_order_of_use() {
    let warehouse = Warehouse::open(2, 1).await;
    let (server, staff) = (&warehouse.server, &warehouse.staff);
    let now = server.app.env.now();
    let ago = |days: i64| (now - TimeDelta::days(days)).to_rfc3339();
    let receipt = |quantity: u32, days: i64| json!({ "kind": "RECEIPT", "item": "ITEM-000", "quantity": quantity, "to": "F1/BIN-000", "effective_at": ago(days) });
    let issue = |quantity: u32, days: i64| json!({ "kind": "ISSUE", "item": "ITEM-000", "quantity": quantity, "from": "F1/BIN-000", "effective_at": ago(days) });
    let movements = json!({ "movements": [receipt(100, 400), receipt(40, 200), receipt(20, 70), receipt(5, 3), issue(90, 45), issue(15, 30)] });
    staff.post("/api/v1/inventory/movements", &movements).await.expect(201);
    let ageing = staff.get("/api/v1/inventory/stock-ageing?item=ITEM-000").await.expect(200);
    let quantities =
        |of: &Value| -> Vec<String> { of["buckets"].as_array().unwrap().iter().map(|one| text(&one["quantity"])).collect() };
    assert_eq!(quantities(&ageing["items"][0]), ["5", "0", "20", "0", "35", "0"], "{ageing:#}");
    warehouse.admin.post("/api/v1/inventory/items", &json!({ "code": "OLD", "name": "Old" })).await.expect(201);
    let old = json!({ "movements": [{ "kind": "RECEIPT", "item": "OLD", "quantity": 7, "to": "F1/BIN-001", "effective_at": ago(500) }] });
    staff.post("/api/v1/inventory/movements", &old).await.expect(201);
    let total = staff.get("/api/v1/inventory/stock-ageing/total").await.expect(200);
    assert_eq!((quantities(&total), &total["items"]), (["5", "0", "20", "0", "35", "7"].map(str::to_owned).to_vec(), &json!(2)));
    let each = all(staff, "/api/v1/inventory/stock-ageing?limit=1").await;
    assert_eq!(each.len(), 2);
    let turnover =
        staff.get(&format!("/api/v1/inventory/items/ITEM-000/turnover?from={}", ago(100).replace('+', "%2B"))).await.expect(200);
    assert_eq!(
        (&turnover["opening"], &turnover["closing"], &turnover["issued"], &turnover["received"]),
        (&json!("140"), &json!("60"), &json!("105"), &json!("25"))
    );
    let average: f64 = text(&turnover["average"]).parse().unwrap();
    let turns: f64 = text(&turnover["turns"]).parse().unwrap();
    assert!((turns - 105.0 / average).abs() < 0.001 && (60.0..160.0).contains(&average), "{turnover:#}");
    let backwards =
        staff.get("/api/v1/inventory/items/ITEM-000/turnover?from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z").await;
    assert_eq!((backwards.status.as_u16(), &backwards.body["errors"][0]["field"]), (422, &json!("from")));
    fefo(&warehouse).await;
    pages(staff).await;
    let data = staff.graphql("{ stockAsOf(first: 5) { items { itemCode onHand } } stockAgeingTotal { items buckets { days quantity } } stockTurnover(item: \"ITEM-000\") { turns } stockOverTime(item: \"ITEM-000\", points: 3) { points { onHand } } balancesAsOf(first: 5, filter: { by: RECORDED_AT }) { items { onHand } } fefo(item: \"MILK\", first: 5) { items { offered notOffered balance { lotNumber } } } }").await;
    assert_eq!(data["stockAsOf"]["items"].as_array().unwrap().len(), 3, "{data:#}");
}

async fn fefo(warehouse: &Warehouse) {
    let staff = &warehouse.staff;
    staff.post("/api/v1/inventory/items", &json!({ "code": "MILK", "name": "Milk", "lot_tracked": true })).await.expect(201);
    let today = warehouse.server.app.env.now().date_naive();
    let lot = |number: &str, days: i64, status: &str| json!({ "kind": "RECEIPT", "item": "MILK", "quantity": 5, "to": "F1/BIN-000", "lot": number, "quality_status": status, "expires_on": (today + TimeDelta::days(days)).to_string() });
    let lots = [lot("LATE", 30, "RELEASED"), lot("GONE", -1, "RELEASED"), lot("SOON", 2, "RELEASED"), lot("HELD", 1, "HOLD")];
    staff.post("/api/v1/inventory/movements", &json!({ "movements": lots })).await.expect(201);
    let order = all(staff, "/api/v1/inventory/items/MILK/fefo?limit=1").await;
    let order: Vec<_> = order.iter().map(|one| (text(&one["balance"]["lot_number"]), one["offered"] == json!(true))).collect();
    let expected = [("SOON", true), ("LATE", true), ("HELD", false), ("GONE", false)];
    assert_eq!(order, expected.map(|(lot, offered)| (lot.to_owned(), offered)));
}

async fn pages(staff: &Caller) {
    let page = async |path: &str| {
        let response = staff.request(reqwest::Method::GET, path).header("accept", "text/html").send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, html) = page("/items/MILK/history?at=2999-01-01T00:00&by=recorded_at&days=365").await;
    assert_eq!(status, 200, "{html}");
    for part in ["<polyline", "Order of use", "Expired", "SOON", "Days of cover"] {
        assert!(html.contains(part), "{part} is absent from {html}");
    }
    assert_eq!(page("/items/MILK/history?at=yesterday").await.0, 422);
    assert_eq!(page("/items/NONE/history").await.0, 404);
    let (status, html) = page("/stock-ageing?limit=1").await;
    assert!(status == 200 && html.contains("over 365 days") && html.contains("Next page"), "{html}");
    let (status, html) = page("/imports").await;
    assert!(status == 200 && html.contains("column:movements:effective_at") && html.contains("column:stock:lot"), "{html}");
}
