//! Orders: writing, changing, releasing, cancelling, shipping, importing.

use std::time::{Duration, Instant};

use chrono::{NaiveDate, TimeDelta};
use kernel::{FacilityId, ItemId, TenantId};
use platform::auth::{Actor, Role};
use platform::imports::{self, Options, Report, Source};
use platform::tabular::Limits;
use serde_json::{Value, json};

use crate::harness::{Answer, Caller, Server, Warehouse, real_data, text};

pub const ORDERS: &str = "/api/v1/orders";

pub async fn write(staff: &Caller, code: &str, lines: &[(&str, u32)]) -> Value {
    let lines: Vec<Value> = lines.iter().map(|(item, quantity)| json!({ "item": item, "quantity": quantity })).collect();
    staff.post(ORDERS, &json!({ "facility": "F1", "code": code, "lines": lines })).await.expect(201)
}

pub async fn act(staff: &Caller, code: &str, step: &str, body: Value) -> Answer {
    staff.post(&format!("{ORDERS}/{code}/{step}"), &body).await
}

/// Of the first line: quantity, allocated, picked, shipped, short.
pub fn figures(order: &Value) -> [String; 5] {
    ["quantity", "allocated", "picked", "shipped", "short"].map(|field| text(&order["lines"][0][field]))
}

pub async fn reserved(warehouse: &Warehouse, item: &str) -> Vec<(String, String)> {
    let body = warehouse.staff.get(&format!("/api/v1/inventory/balances?item={item}")).await.expect(200);
    let rows = body["items"].as_array().unwrap();
    rows.iter().map(|row| (text(&row["location_code"]), text(&row["reserved"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_written_changed_opened_and_found() {
    let warehouse = Warehouse::open(1, 2).await;
    let staff = &warehouse.staff;
    let draft = json!({ "facility": "F1", "code": "SO-1", "customer": "Nordwind, 77", "due_at": "2030-05-01T08:00:00Z", "draft": true,
        "lines": [{ "item": "ITEM-000", "quantity": "2.5" }, { "item": "ITEM-001", "quantity": 4 }] });
    let made = staff.post_with_key(ORDERS, "k1", &draft).await.expect(201);
    assert_eq!((&made["state"], &made["lines_total"]), (&json!("DRAFT"), &json!(2)));
    assert_eq!(staff.post_with_key(ORDERS, "k1", &draft).await.expect(201)["order_id"], made["order_id"], "one key, one order");
    assert_eq!(staff.post(ORDERS, &draft).await.status, 409, "the code is taken");
    assert_eq!(act(staff, "SO-1", "release", json!({})).await.status, 409, "a draft is not released");
    let patch = json!({ "version": 1, "urgent": true, "due_at": null });
    let changed = staff.patch(&format!("{ORDERS}/SO-1"), &patch).await.expect(200);
    assert_eq!((&changed["urgent"], &changed["due_at"], &changed["customer"]), (&json!(true), &Value::Null, &made["customer"]));
    assert_eq!(staff.patch(&format!("{ORDERS}/SO-1"), &patch).await.status, 409, "the version is old");
    assert_eq!(act(staff, "SO-1", "open", json!({})).await.expect(200)["state"], "OPEN");
    assert_eq!(act(staff, "SO-1", "open", json!({})).await.status, 409);
    write(staff, "SO-2", &[("ITEM-001", 1)]).await;
    for (query, codes) in [
        ("", vec!["SO-2", "SO-1"]),
        ("?item=ITEM-000", vec!["SO-1"]),
        ("?q=wind", vec!["SO-1"]),
        ("?q=so-", vec!["SO-2", "SO-1"]),
        ("?urgent=true", vec!["SO-1"]),
        ("?state=SHIPPED", vec![]),
        ("?facility=F1&unfinished=true", vec!["SO-2", "SO-1"]),
        ("?limit=1", vec!["SO-2"]),
    ] {
        let body = staff.get(&format!("{ORDERS}{query}")).await.expect(200);
        let found: Vec<String> = body["items"].as_array().unwrap().iter().map(|order| text(&order["code"])).collect();
        assert_eq!(found, codes, "{query}");
    }
    let first = staff.get(&format!("{ORDERS}?limit=1")).await.expect(200);
    let next = staff.get(&format!("{ORDERS}?limit=1&cursor={}", text(&first["next_cursor"]))).await.expect(200);
    assert_eq!(next["items"][0]["code"], "SO-1");
    let data = staff
        .graphql(
            r#"{ orders(urgent: true) { items { code state } } order(order: "SO-2") { lines { itemCode quantity short } } }"#,
        )
        .await;
    assert_eq!(data["orders"]["items"][0], json!({ "code": "SO-1", "state": "OPEN" }));
    assert_eq!(data["order"]["lines"][0], json!({ "itemCode": "ITEM-001", "quantity": "1", "short": "0" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_orders_are_refused_naming_the_field() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    let order = |line: Value| json!({ "facility": "F1", "lines": [line] });
    for (body, field) in [
        (json!({ "facility": "F1", "lines": [] }), "lines"),
        (json!({ "facility": "NOPE", "lines": [{ "item": "ITEM-000", "quantity": 1 }] }), "facility"),
        (json!({ "facility": "F1", "code": "new", "lines": [{ "item": "ITEM-000", "quantity": 1 }] }), "code"),
        (
            json!({ "facility": "F1", "due_at": "9999-01-01T00:00:00Z", "lines": [{ "item": "ITEM-000", "quantity": 1 }] }),
            "due_at",
        ),
        (order(json!({ "item": "NOPE", "quantity": 1 })), "lines[0].item"),
        (order(json!({ "item": "ITEM-000", "quantity": 0 })), "lines[0].quantity"),
        (order(json!({ "item": "ITEM-000", "quantity": -3 })), "lines[0].quantity"),
        (order(json!({ "item": "ITEM-000", "quantity": "1e30" })), "lines[0].quantity"),
        (order(json!({ "item": "ITEM-000", "quantity": 1, "unit": "BARREL" })), "lines[0].unit"),
    ] {
        let refused = staff.post(ORDERS, &body).await;
        let status = refused.status.as_u16();
        assert!(matches!(status, 404 | 422), "{status} {:#}", refused.body);
        assert_eq!(text(&refused.body["errors"][0]["field"]), field, "{:#}", refused.body);
    }
    assert_eq!(staff.get(&format!("{ORDERS}/NOPE")).await.status, 404);
    let viewer = warehouse.server.as_role(Role::Viewer).await;
    assert_eq!(viewer.post(ORDERS, &order(json!({ "item": "ITEM-000", "quantity": 1 }))).await.status, 403);
    let other = warehouse.server.caller(Some(warehouse.server.token("other", Role::Admin).await));
    write(staff, "SO-1", &[("ITEM-000", 1)]).await;
    assert_eq!(other.get(&format!("{ORDERS}/SO-1")).await.status, 404, "another tenant's order");
    assert_eq!(act(&other, "SO-1", "release", json!({})).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_binds_what_there_is_and_says_what_is_lacking() {
    let warehouse = Warehouse::open(3, 2).await;
    let staff = &warehouse.staff;
    write(staff, "SO-1", &[("ITEM-000", 10), ("ITEM-001", 1)]).await;
    let nothing = act(staff, "SO-1", "release", json!({})).await;
    assert_eq!((nothing.status.as_u16(), nothing.code()), (409, "STOCK_INSUFFICIENT"), "{:#}", nothing.body);
    warehouse.stock("ITEM-000", "F1/BIN-002", 4).await;
    warehouse.stock("ITEM-000", "F1/BIN-001", 3).await;
    warehouse.stock("ITEM-000", "F1/DOCK", 50).await;
    assert_eq!(act(staff, "SO-1", "release", json!({ "whole": true })).await.status, 409);
    assert!(reserved(&warehouse, "ITEM-000").await.iter().all(|(_, reserved)| reserved == "0"), "a refusal binds nothing");
    let released = act(staff, "SO-1", "release", json!({})).await.expect(200);
    assert_eq!(released["order"]["state"], "PICKING");
    assert_eq!(figures(&released["order"]), ["10", "7", "0", "0", "3"], "what waits on the dock is not picked from");
    assert!(text(&released["order"]["lines"][0]["short_reason"]).contains("7 of 10 EA"), "{released:#}");
    let places: Vec<String> =
        released["pick_list"]["lines"].as_array().unwrap().iter().map(|line| text(&line["location_code"])).collect();
    assert_eq!(places, ["BIN-001", "BIN-002"], "in the order of the way, not of arrival");
    warehouse.server.assert_invariants().await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 2).await;
    warehouse.stock("ITEM-001", "F1/BIN-000", 9).await;
    let again = act(staff, "SO-1", "release", json!({})).await.expect(200);
    assert_eq!(figures(&again["order"]), ["10", "9", "0", "0", "1"]);
    assert_eq!(again["pick_list"]["lines"].as_array().unwrap().len(), 2, "only what is new");
    let cancelled = act(staff, "SO-1", "cancel", json!({ "reason": "changed their mind" })).await.expect(200);
    assert_eq!((&cancelled["state"], &cancelled["reason"]), (&json!("CANCELLED"), &json!("changed their mind")));
    for item in ["ITEM-000", "ITEM-001"] {
        assert!(reserved(&warehouse, item).await.iter().all(|(_, reserved)| reserved == "0"), "{item} is free again");
    }
    assert_eq!(act(staff, "SO-1", "release", json!({})).await.status, 409);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_to_expire_is_bound_first_and_what_expires_before_it_is_due_is_not() {
    let warehouse = Warehouse::open(3, 1).await;
    let staff = &warehouse.staff;
    let version = staff.get("/api/v1/inventory/items/ITEM-000").await.expect(200)["version"].clone();
    staff.patch("/api/v1/inventory/items/ITEM-000", &json!({ "lot_tracked": true, "version": version })).await.expect(200);
    let receipt = |lot: &str, expires: &str, place: &str| json!({ "kind": "RECEIPT", "item": "ITEM-000", "quantity": 5, "to": place, "lot": lot, "expires_on": expires });
    let movements = [
        receipt("LATE", "2099-12-31", "F1/BIN-000"),
        receipt("SOON", "2098-01-31", "F1/BIN-001"),
        receipt("GONE", "2031-01-31", "F1/BIN-002"),
    ];
    staff.post("/api/v1/inventory/movements", &json!({ "movements": movements })).await.expect(201);
    let order = json!({ "facility": "F1", "code": "SO-1", "due_at": "2031-02-01T00:00:00Z", "lines": [{ "item": "ITEM-000", "quantity": 7 }] });
    staff.post(ORDERS, &order).await.expect(201);
    let released = act(staff, "SO-1", "release", json!({})).await.expect(200);
    let lines = released["pick_list"]["lines"].as_array().unwrap();
    let lots: Vec<(String, String)> = lines.iter().map(|line| (text(&line["lot_number"]), text(&line["quantity"]))).collect();
    assert_eq!(lots, [("LATE".into(), "2".into()), ("SOON".into(), "5".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_made_for_an_order_are_used_first_and_given_back_with_it() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-001", 5).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 5).await;
    write(staff, "SO-1", &[("ITEM-000", 4)]).await;
    let promise = json!({ "item": "ITEM-000", "quantity": 3, "location": "F1/BIN-001", "reference": "order SO-1" });
    staff.post("/api/v1/inventory/reservations", &promise).await.expect(201);
    let released = act(staff, "SO-1", "release", json!({})).await.expect(200);
    let lines = released["pick_list"]["lines"].as_array().unwrap();
    let bound: Vec<(String, String)> = lines.iter().map(|line| (text(&line["location_code"]), text(&line["quantity"]))).collect();
    assert_eq!(bound.iter().filter(|(_, quantity)| quantity == "3").count(), 1, "{bound:?}");
    let all: u32 = reserved(&warehouse, "ITEM-000").await.iter().map(|(_, reserved)| reserved.parse::<u32>().unwrap()).sum();
    assert_eq!(all, 4, "nothing is bound twice");
    act(staff, "SO-1", "cancel", json!({})).await.expect(200);
    assert!(reserved(&warehouse, "ITEM-000").await.iter().all(|(_, reserved)| reserved == "0"));
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_orders_for_the_same_goods_at_once_never_bind_more_than_there_is() {
    let warehouse = Warehouse::open(4, 3).await;
    let staff = &warehouse.staff;
    for bin in 0..4 {
        for item in 0..3 {
            warehouse.stock(&format!("ITEM-{item:03}"), &format!("F1/BIN-{bin:03}"), 5).await;
        }
    }
    let codes: Vec<String> = (0..16).map(|n| format!("SO-{n}")).collect();
    for (n, code) in codes.iter().enumerate() {
        let items = ["ITEM-000", "ITEM-001", "ITEM-002"];
        let lines: Vec<(&str, u32)> = (0..3).map(|k| (items[(n + k) % 3], 2)).collect();
        write(staff, code, &lines).await;
    }
    let releases = codes.iter().map(|code| act(staff, code, "release", json!({})));
    let answers = futures::future::join_all(releases).await;
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 409)), "{answers:#?}");
    for item in 0..3 {
        let bound: u32 = reserved(&warehouse, &format!("ITEM-{item:03}"))
            .await
            .iter()
            .map(|(_, reserved)| reserved.parse::<u32>().unwrap())
            .sum();
        assert_eq!(bound, 20, "all of it is wanted");
    }
    warehouse.server.assert_invariants().await;
}

async fn tenant_facility(staff: &Caller) -> (TenantId, FacilityId, ItemId) {
    let facility = text(&staff.get("/api/v1/facilities/F1").await.expect(200)["facility_id"]);
    let item = text(&staff.get("/api/v1/inventory/items/ITEM-000").await.expect(200)["item_id"]);
    ("acme".parse().unwrap(), facility.parse().unwrap(), item.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn shortages_of_due_orders_are_what_nothing_covers() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    let (tenant, facility, item) = tenant_facility(staff).await;
    let due = |hours: i64| (kernel::Env::system().now() + TimeDelta::hours(hours)).to_rfc3339();
    for (code, hours, urgent, quantity) in
        [("LATE", 40, false, 4), ("FAR", 200, true, 9), ("SOON", 5, false, 6), ("URGENT", 30, true, 5)]
    {
        let lines = json!([{ "item": "ITEM-000", "quantity": quantity }]);
        let order = json!({ "facility": "F1", "code": code, "due_at": due(hours), "urgent": urgent, "lines": lines });
        staff.post(ORDERS, &order).await.expect(201);
    }
    let shortages = async || {
        let now = kernel::Env::system().now();
        let read =
            async |connection: &mut _| warehouse::orders::due_shortages(connection, &tenant, facility, &[item], 2, now).await;
        let found = warehouse.server.app.db.read(&tenant, read).await.unwrap();
        found.into_iter().map(|one| (one.order_code, one.quantity.to_string())).collect::<Vec<_>>()
    };
    let expect = |rows: &[(&str, &str)]| rows.iter().map(|(code, short)| ((*code).into(), (*short).into())).collect::<Vec<_>>();
    assert_eq!(shortages().await, expect(&[("URGENT", "5"), ("SOON", "6"), ("LATE", "4")]), "what is due in two days");
    warehouse.stock("ITEM-000", "F1/DOCK", 100).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 7).await;
    assert_eq!(shortages().await, expect(&[("SOON", "4"), ("LATE", "4")]), "the dock covers nothing, urgent orders come first");
    let promise = json!({ "item": "ITEM-000", "quantity": 3, "location": "F1/DOCK", "reference": "order LATE" });
    staff.post("/api/v1/inventory/reservations", &promise).await.expect(201);
    assert_eq!(shortages().await, expect(&[("SOON", "4"), ("LATE", "1")]), "what is promised to an order covers it");
    act(staff, "LATE", "release", json!({})).await.expect(200);
    assert_eq!(shortages().await, expect(&[("SOON", "5")]), "LATE took one of the seven");
}

async fn import(server: &Server, csv: impl Into<Vec<u8>>, facility: &str, options: Options) -> Report {
    let actor = Actor::system("acme".parse().unwrap(), server.app.env.clone(), "test");
    let importers = entrepot::wiring::importers();
    let importer = importers.iter().find(|importer| importer.kind() == "orders").unwrap();
    let content = Box::new(std::io::Cursor::new(csv.into()));
    let source = Source { name: "orders.csv".into(), content, limits: Limits::FILE };
    let options = Options { facility: Some(facility.into()), ..options };
    imports::run_import(&server.app, &actor, importer.as_ref(), source, &options, &|_| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_come_from_files_and_the_same_file_again_changes_nothing() {
    let warehouse = Warehouse::open(1, 2).await;
    let (server, staff) = (&warehouse.server, &warehouse.staff);
    let file = "order,item,quantity,due,customer,urgent\n\
        A,ITEM-000,2,2030-01-02 08:00,Nordwind,yes\n\
        A,ITEM-001,1.5,,,\n\
        B,ITEM-000,1,,,\n\
        A,ITEM-000,3,,,\n";
    let first = import(server, file, "F1", Options::default()).await;
    assert_eq!((first.created, first.rows_bad, first.applied), (4, 0, true), "{first:#?}");
    let order = staff.get(&format!("{ORDERS}/A")).await.expect(200);
    let lines: Vec<(String, String)> =
        order["lines"].as_array().unwrap().iter().map(|line| (text(&line["item_code"]), text(&line["quantity"]))).collect();
    let expected =
        [("ITEM-000", "2"), ("ITEM-001", "1.5"), ("ITEM-000", "3")].map(|(item, quantity)| (item.into(), quantity.into()));
    assert_eq!(lines, expected, "one item may stand on several lines");
    assert_eq!((&order["state"], &order["urgent"], &order["customer"]), (&json!("OPEN"), &json!(true), &json!("Nordwind")));
    let again = import(server, file, "F1", Options::default()).await;
    assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 4));
    let changed =
        import(server, "order,item,quantity,customer\nA,ITEM-000,5,Südwind\nC,ITEM-001,1,\n", "F1", Options::default()).await;
    assert_eq!((changed.created, changed.updated), (1, 1), "{changed:#?}");
    assert_eq!(staff.get(&format!("{ORDERS}/A")).await.expect(200)["customer"], "Südwind");
    warehouse.stock("ITEM-000", "F1/BIN-000", 50).await;
    act(staff, "A", "release", json!({})).await.expect(200);
    let late = import(server, "order,item,quantity\nA,ITEM-000,6\nA,ITEM-001,9\nA,ITEM-001,1\n", "F1", Options::default()).await;
    assert_eq!((late.rows_bad, late.applied), (3, false), "what is being picked changes no more: {:#?}", late.bad);
    let bad = "order,item,quantity,due,shipped_at\n\
        D,NOPE,1,,\nD,ITEM-000,-4,,\nD,ITEM-000,1,someday,\nD,ITEM-000,1,,2099-01-01\nB,ITEM-000,1,,2020-01-01\n,ITEM-000,1,,\nnew,ITEM-000,1,,\n";
    let refused = import(server, bad, "F1", Options::default()).await;
    let columns: Vec<String> = refused.bad.iter().filter_map(|bad| bad.column.clone()).collect();
    assert_eq!(columns, ["item", "quantity", "due", "shipped_at", "shipped_at", "order", "order"], "{:#?}", refused.bad);
    assert_eq!(staff.get(&format!("{ORDERS}/D")).await.status, 404);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_keeps_its_picks_and_leaves_the_ledger_alone() {
    let warehouse = Warehouse::open(1, 2).await;
    let (server, staff) = (&warehouse.server, &warehouse.staff);
    let (tenant, facility, item) = tenant_facility(staff).await;
    let file = "order,item,quantity,shipped_at\n\
        1,ITEM-000,6,2011-01-05 08:26\n1,ITEM-001,2,2011-01-05 08:26\n2,ITEM-000,1,2011-01-05 23:59\n2,ITEM-000,2,2011-01-06 00:01\n";
    assert_eq!(import(server, file, "F1", Options::default()).await.created, 4);
    let order = staff.get(&format!("{ORDERS}/1")).await.expect(200);
    assert_eq!((&order["state"], &order["history"]), (&json!("SHIPPED"), &json!(true)));
    assert_eq!(figures(&order), ["6", "0", "6", "6", "0"]);
    assert!(warehouse.on_hand("ITEM-000").await.is_empty(), "the ledger is left alone");
    let day = |day| NaiveDate::from_ymd_opt(2011, 1, day).unwrap();
    let read = async |connection: &mut _| {
        let daily = warehouse::picks::daily_picks(connection, &tenant, facility, day(5), day(7)).await?;
        let between = (day(1).and_hms_opt(0, 0, 0).unwrap().and_utc(), day(31).and_hms_opt(0, 0, 0).unwrap().and_utc());
        let first = warehouse::orders::order_baskets(connection, &tenant, facility, between, None, 1).await?;
        let after = first.last().map(|basket| (basket.first_picked_at, basket.order_id));
        let rest = warehouse::orders::order_baskets(connection, &tenant, facility, between, after, 10).await?;
        Ok((daily, first, rest))
    };
    let (daily, first, rest) = server.app.db.read(&tenant, read).await.unwrap();
    let own: Vec<_> =
        daily.iter().filter(|one| one.item_id == item).map(|one| (one.day, one.picks, one.quantity.to_string())).collect();
    assert_eq!(own, [(day(5), 2, "7".to_owned()), (day(6), 1, "2".to_owned())]);
    assert_eq!((first.len(), first[0].items.len(), rest.len(), rest[0].items.len()), (1, 2, 1, 1), "a page each");
    assert_eq!(rest[0].items[0].1.to_string(), "3");
    server.assert_invariants().await;
}

/// The real shop's invoices, or a small made-up one: each sold line is a pick of its day, and baskets are its invoices.
#[tokio::test(flavor = "multi_thread")]
async fn a_years_invoices_become_shipped_orders() {
    let warehouse = Warehouse::open(0, 0).await;
    let server = &warehouse.server;
    let file = real_data("online_retail/online_retail_invoices20k.csv.gz");
    let bytes = match &file {
        Some(path) => {
            use std::io::Read as _;
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
            bytes
        }
        None => crate::retail::FIXTURE.as_bytes().to_vec(),
    };
    let retail = crate::retail::Retail::read(std::str::from_utf8(&bytes).unwrap());
    let actor = Actor::system("acme".parse().unwrap(), server.app.env.clone(), "test");
    let importers = entrepot::wiring::importers();
    let items = importers.iter().find(|importer| importer.kind() == "items").unwrap();
    let content = Box::new(std::io::Cursor::new(retail.items_csv().into_bytes()));
    let source = Source { name: "items.csv".into(), content, limits: Limits::FILE };
    imports::run_import(&server.app, &actor, items.as_ref(), source, &Options::default(), &|_| {}).await.unwrap();
    let map = "order=InvoiceNo,item=StockCode,quantity=Quantity,customer=CustomerID,shipped_at=InvoiceDate";
    let options = Options { map: Options::parse_map(map).unwrap(), skip_bad: true, ..Options::default() };
    let sold = retail.lines.iter().filter(|line| line.quantity > 0).count() as u64;
    let returned = (retail.lines.len() + retail.without_quantity) as u64 - sold;
    let started = Instant::now();
    let report = import(server, bytes.clone(), "F1", options.clone()).await;
    assert_eq!((report.created, report.rows_bad), (sold, returned), "returned and empty lines are no orders");
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
    let again = import(server, bytes, "F1", options).await;
    assert_eq!((again.created, again.updated, again.unchanged), (0, 0, sold));
    let tenant: TenantId = "acme".parse().unwrap();
    let facility: FacilityId =
        text(&warehouse.staff.get("/api/v1/facilities/F1").await.expect(200)["facility_id"]).parse().unwrap();
    let (from, to) = (NaiveDate::from_ymd_opt(2010, 1, 1).unwrap(), NaiveDate::from_ymd_opt(2012, 1, 1).unwrap());
    let read = async |connection: &mut _| warehouse::picks::daily_picks(connection, &tenant, facility, from, to).await;
    let daily = server.app.db.read(&tenant, read).await.unwrap();
    assert_eq!(daily.iter().map(|day| day.picks as u64).sum::<u64>(), sold);
    server.assert_invariants().await;
}
