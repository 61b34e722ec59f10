//! Pick lists: confirming, short picks, staging, two people at once.

use futures::future::join_all;
use platform::auth::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Caller, Warehouse, text};
use crate::orders::{ORDERS, act, figures, reserved, write};

const LISTS: &str = "/api/v1/pick-lists";

async fn step(staff: &Caller, list: &Value, step: &str, body: Value) -> Answer {
    staff.post(&format!("{LISTS}/{}/{step}", text(&list["code"])), &body).await
}

fn lines(list: &Value) -> Vec<(String, String, String)> {
    let row = |line: &Value| (text(&line["location_code"]), text(&line["quantity"]), text(&line["state"]));
    list["lines"].as_array().unwrap().iter().map(row).collect()
}

async fn released(staff: &Caller, code: &str, body: Value) -> Value {
    act(staff, code, "release", body).await.expect(200)["pick_list"].clone()
}

async fn order(staff: &Caller, code: &str) -> Value {
    staff.get(&format!("{ORDERS}/{code}")).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn confirmed_picks_leave_the_ledger_and_end_the_list() {
    let warehouse = Warehouse::open(3, 2).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-002", 4).await;
    warehouse.stock("ITEM-001", "F1/BIN-000", 4).await;
    write(staff, "SO-1", &[("ITEM-000", 3), ("ITEM-001", 4)]).await;
    let list = released(staff, "SO-1", json!({})).await;
    assert_eq!(list["lines"][0]["location_code"], "BIN-000");
    let line = list["lines"][0]["line_id"].clone();
    let wrong = step(staff, &list, "confirm", json!({ "lines": [{ "line_id": line, "quantity": 3 }] })).await;
    assert_eq!((wrong.status.as_u16(), text(&wrong.body["errors"][0]["field"]).as_str()), (422, "lines[0].quantity"));
    let foreign = json!({ "lines": [{ "line_id": "019a0000-0000-7000-8000-000000000001" }] });
    assert_eq!(step(staff, &list, "confirm", foreign).await.status, 422);
    let twice = json!({ "lines": [{ "line_id": line }, { "line_id": line }] });
    assert_eq!(step(staff, &list, "confirm", twice).await.status, 422);
    let path = format!("{LISTS}/{}/confirm", text(&list["code"]));
    let body = json!({ "lines": [{ "line_id": line, "quantity": 4 }] });
    let done = staff.post_with_key(&path, "k1", &body).await.expect(200);
    assert_eq!((&done["state"], &done["lines_open"]), (&json!("OPEN"), &json!(1)));
    assert_eq!(staff.post_with_key(&path, "k1", &body).await.expect(200), done, "the same key gives the same answer");
    assert_eq!(step(staff, &list, "confirm", body).await.status, 409, "picked already");
    assert_eq!(warehouse.on_hand("ITEM-001").await, [] as [(String, String); 0]);
    let moved = staff.get("/api/v1/inventory/movements?kind=ISSUE").await.expect(200);
    assert_eq!((&moved["items"][0]["reference"], &moved["items"][0]["quantity"]), (&json!("SO-1"), &json!("4")));
    warehouse.server.assert_invariants().await;
    assert_eq!(act(staff, "SO-1", "ship", json!({})).await.status, 409, "something waits still");
    let ended = step(staff, &list, "confirm", json!({ "confirm_all": true })).await.expect(200);
    assert_eq!((&ended["state"], &ended["lines_open"]), (&json!("DONE"), &json!(0)));
    let after = order(staff, "SO-1").await;
    assert_eq!((&after["state"], figures(&after)), (&json!("PICKED"), ["3", "0", "3", "3", "0"].map(String::from)));
    assert_eq!(warehouse.on_hand("ITEM-000").await, [("BIN-002".to_owned(), "1".to_owned())]);
    assert_eq!(act(staff, "SO-1", "cancel", json!({})).await.status, 409, "the goods are gone");
    assert_eq!(act(staff, "SO-1", "ship", json!({})).await.expect(200)["state"], "SHIPPED");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staged_goods_stay_promised_until_the_order_ships() {
    let warehouse = Warehouse::open(1, 1).await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    let stage = json!({ "facility": "F1", "code": "STAGE", "type": "STAGING", "volume": { "value": "10", "unit": "m3" }, "max_weight": { "value": "1", "unit": "t" } });
    admin.post("/api/v1/locations", &stage).await.expect(201);
    warehouse.stock("ITEM-000", "F1/BIN-000", 5).await;
    write(staff, "SO-1", &[("ITEM-000", 5)]).await;
    let refused = act(staff, "SO-1", "release", json!({ "to": "BIN-000" })).await;
    assert_eq!((refused.status.as_u16(), text(&refused.body["errors"][0]["field"]).as_str()), (422, "to"));
    let list = released(staff, "SO-1", json!({ "to": "STAGE" })).await;
    step(staff, &list, "confirm", json!({ "confirm_all": true })).await.expect(200);
    assert_eq!(warehouse.on_hand("ITEM-000").await, [("STAGE".to_owned(), "5".to_owned())]);
    assert_eq!(reserved(&warehouse, "ITEM-000").await, [("STAGE".to_owned(), "5".to_owned())], "nobody else gets them");
    assert_eq!(figures(&order(staff, "SO-1").await), ["5", "0", "5", "0", "0"]);
    write(staff, "SO-2", &[("ITEM-000", 1)]).await;
    assert_eq!(act(staff, "SO-2", "release", json!({})).await.status, 409, "another order finds nothing");
    warehouse.server.assert_invariants().await;
    let missing = json!({ "kind": "ADJUSTMENT", "item": "ITEM-000", "quantity": -2, "to": "F1/STAGE", "reason": "fell down" });
    staff.post("/api/v1/inventory/movements", &json!({ "movements": [missing] })).await.expect(201);
    let shipped = act(staff, "SO-1", "ship", json!({})).await.expect(200);
    assert_eq!(figures(&shipped), ["5", "0", "5", "3", "0"], "what is there leaves");
    assert!(warehouse.on_hand("ITEM-000").await.is_empty());
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_pick_is_replaced_from_elsewhere_or_left_short() {
    let warehouse = Warehouse::open(3, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 10).await;
    write(staff, "SO-1", &[("ITEM-000", 6)]).await;
    let list = released(staff, "SO-1", json!({})).await;
    warehouse.stock("ITEM-000", "F1/BIN-002", 3).await;
    let line = list["lines"][0]["line_id"].clone();
    for (body, field) in [
        (json!({ "line_id": line, "picked": 2, "reason": " " }), "reason"),
        (json!({ "line_id": line, "picked": 6, "reason": "x" }), "picked"),
        (json!({ "line_id": line, "picked": -1, "reason": "x" }), "picked"),
    ] {
        let refused = step(staff, &list, "short", body).await;
        assert_eq!(
            (refused.status.as_u16(), text(&refused.body["errors"][0]["field"]).as_str()),
            (422, field),
            "{:#}",
            refused.body
        );
    }
    let short =
        step(staff, &list, "short", json!({ "line_id": line, "picked": "2", "reason": "box is empty" })).await.expect(200);
    let state = |place: &str, quantity: &str, state: &str| (place.to_owned(), quantity.to_owned(), state.to_owned());
    assert_eq!(lines(&short), [state("BIN-000", "6", "SHORT"), state("BIN-002", "3", "OPEN")], "not where nothing was found");
    let after = order(staff, "SO-1").await;
    assert_eq!(figures(&after), ["6", "3", "2", "2", "1"]);
    assert!(text(&after["lines"][0]["short_reason"]).contains("box is empty"), "{after:#}");
    warehouse.server.assert_invariants().await;
    let second = short["lines"][1]["line_id"].clone();
    let end = step(staff, &list, "short", json!({ "line_id": second, "reason": "broken" })).await.expect(200);
    assert_eq!((end["lines"].as_array().unwrap().len(), &end["state"]), (2, &json!("DONE")), "no third place is tried");
    let after = order(staff, "SO-1").await;
    assert_eq!((&after["state"], figures(&after)), (&json!("PICKED"), ["6", "0", "2", "2", "4"].map(String::from)));
    assert!(reserved(&warehouse, "ITEM-000").await.iter().all(|(_, reserved)| reserved == "0"), "nothing stays bound");
    let audit = warehouse.admin.get("/api/v1/audit?action=pick.short").await.expect(200);
    assert_eq!(audit["items"].as_array().unwrap().len(), 2);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_people_who_confirm_one_line_one_wins() {
    let warehouse = Warehouse::open(1, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 100).await;
    for round in 0..10 {
        let code = format!("SO-{round}");
        write(staff, &code, &[("ITEM-000", 2)]).await;
        let list = released(staff, &code, json!({})).await;
        let line = list["lines"][0]["line_id"].clone();
        let confirm = json!({ "lines": [{ "line_id": line }] });
        let short = json!({ "line_id": line, "reason": "not there" });
        let both = join_all([step(staff, &list, "confirm", confirm.clone()), step(staff, &list, "confirm", confirm)]);
        let (both, third) = futures::join!(both, step(staff, &list, "short", short));
        let statuses: Vec<u16> = both.iter().chain([&third]).map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 200 | 409)), "{statuses:?}");
    }
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_given_back_frees_what_was_not_picked() {
    let warehouse = Warehouse::open(2, 2).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 5).await;
    warehouse.stock("ITEM-001", "F1/BIN-001", 5).await;
    write(staff, "SO-1", &[("ITEM-000", 5), ("ITEM-001", 5)]).await;
    let list = released(staff, "SO-1", json!({})).await;
    assert_eq!(step(staff, &list, "cancel", json!({})).await.expect(200)["state"], "CANCELLED");
    assert_eq!(order(staff, "SO-1").await["state"], "OPEN", "nothing was picked");
    assert!(reserved(&warehouse, "ITEM-000").await.iter().all(|(_, reserved)| reserved == "0"));
    let list = released(staff, "SO-1", json!({})).await;
    step(staff, &list, "confirm", json!({ "lines": [{ "line_id": list["lines"][0]["line_id"] }] })).await.expect(200);
    step(staff, &list, "cancel", json!({})).await.expect(200);
    assert_eq!(step(staff, &list, "cancel", json!({})).await.status, 409);
    let after = order(staff, "SO-1").await;
    assert_eq!((&after["state"], figures(&after)), (&json!("PICKED"), ["5", "0", "5", "5", "0"].map(String::from)));
    assert_eq!(after["lines"][1]["short"], "5");
    assert_eq!(act(staff, "SO-1", "ship", json!({})).await.expect(200)["state"], "SHIPPED", "short, but shipped");
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_that_others_took_are_a_clear_refusal() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 3).await;
    write(staff, "SO-1", &[("ITEM-000", 3)]).await;
    let list = released(staff, "SO-1", json!({})).await;
    let missing = json!({ "kind": "ADJUSTMENT", "item": "ITEM-000", "quantity": -2, "to": "F1/BIN-000", "reason": "stolen" });
    staff.post("/api/v1/inventory/movements", &json!({ "movements": [missing] })).await.expect(201);
    let refused = step(staff, &list, "confirm", json!({ "confirm_all": true })).await;
    assert_eq!(refused.status, 409);
    assert!(text(&refused.body["detail"]).contains("only 1 of the 3"), "{:#}", refused.body);
    let line = list["lines"][0]["line_id"].clone();
    step(staff, &list, "short", json!({ "line_id": line, "picked": 1, "reason": "two are missing" })).await.expect(200);
    assert_eq!(figures(&order(staff, "SO-1").await), ["3", "0", "1", "1", "2"]);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbered_pieces_are_picked_by_number() {
    let warehouse = Warehouse::open(1, 0).await;
    let staff = &warehouse.staff;
    staff.post("/api/v1/inventory/items", &json!({ "code": "DRILL", "name": "Drill", "serial_tracked": true })).await.expect(201);
    let receipt = json!({ "kind": "RECEIPT", "item": "DRILL", "quantity": 3, "to": "F1/BIN-000", "serials": ["S1", "S2", "S3"] });
    staff.post("/api/v1/inventory/movements", &json!({ "movements": [receipt] })).await.expect(201);
    let half = json!({ "facility": "F1", "lines": [{ "item": "DRILL", "quantity": "1.5" }] });
    assert_eq!(staff.post(ORDERS, &half).await.status, 422);
    write(staff, "SO-1", &[("DRILL", 2)]).await;
    let list = released(staff, "SO-1", json!({})).await;
    let line = list["lines"][0]["line_id"].clone();
    let named = json!({ "lines": [{ "line_id": line, "serials": ["S1", "S3"] }] });
    step(staff, &list, "confirm", named).await.expect(200);
    let left = staff.get("/api/v1/inventory/serials?item=DRILL&location=F1/BIN-000").await.expect(200);
    let numbers: Vec<String> = left["items"].as_array().unwrap().iter().map(|piece| text(&piece["number"])).collect();
    assert_eq!(numbers, ["S2"]);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_picks_are_counted_by_aisle_and_lists_can_be_read() {
    let warehouse = Warehouse::open(25, 2).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 3).await;
    warehouse.stock("ITEM-001", "F1/BIN-024", 3).await;
    write(staff, "SO-1", &[("ITEM-000", 1), ("ITEM-001", 1)]).await;
    write(staff, "SO-2", &[("ITEM-000", 1)]).await;
    let first = released(staff, "SO-1", json!({})).await;
    released(staff, "SO-2", json!({})).await;
    let tenant: kernel::TenantId = "acme".parse().unwrap();
    let facility: kernel::FacilityId = text(&first["facility_id"]).parse().unwrap();
    let active = async || {
        let read = async |connection: &mut _| warehouse::picks::active_picks_by_aisle(connection, &tenant, facility).await;
        let mut found: Vec<(String, u32)> = warehouse.server.app.db.read(&tenant, read).await.unwrap().into_iter().collect();
        found.sort();
        found
    };
    assert_eq!(active().await, [("A0".to_owned(), 2), ("A1".to_owned(), 1)]);
    let data = staff.graphql(r#"{ pickLists(state: OPEN) { items { orderCode linesOpen lines { state } } } }"#).await;
    let orders: Vec<String> =
        data["pickLists"]["items"].as_array().unwrap().iter().map(|list| text(&list["orderCode"])).collect();
    assert_eq!(orders, ["SO-2", "SO-1"]);
    let mutation = format!(
        r#"mutation {{ confirmPicks(pickList: "{}", input: {{ confirmAll: true }}) {{ state lines {{ picked state }} }} }}"#,
        text(&first["code"])
    );
    let done = staff.graphql(&mutation).await;
    assert_eq!(done["confirmPicks"]["state"], "DONE");
    assert_eq!(active().await, [("A0".to_owned(), 1)]);
    let lists = staff.get(&format!("{LISTS}?order=SO-1")).await.expect(200);
    assert_eq!((lists["items"].as_array().unwrap().len(), &lists["items"][0]["state"]), (1, &json!("DONE")));
    let viewer = warehouse.server.as_role(Role::Viewer).await;
    assert_eq!(viewer.get(&format!("{LISTS}/{}", text(&first["code"]))).await.status, 200);
    assert_eq!(step(&viewer, &first, "confirm", json!({ "confirm_all": true })).await.status, 403);
}

/// A browser without scripts: release, confirm by the line's own form, and a refused short pick shows what was typed.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_worked_through_on_its_page() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    warehouse.stock("ITEM-000", "F1/BIN-000", 2).await;
    warehouse.stock("ITEM-000", "F1/BIN-001", 2).await;
    let form = async |path: &str, fields: &[(&str, &str)]| {
        let request = staff.request(reqwest::Method::POST, path).header("accept", "text/html").form(fields);
        let response = request.send().await.unwrap();
        let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        (response.status().as_u16(), location, response.text().await.unwrap())
    };
    let open = async |path: &str| {
        let response = staff.request(reqwest::Method::GET, path).header("accept", "text/html").send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    };
    let (status, _, html) = form("/orders", &[("idempotency_key", "a"), ("facility", "F1"), ("code", "SO-1")]).await;
    assert!(status == 422 && html.contains("must say what is wanted") || html.contains("Must say what is wanted"), "{status}");
    let fields = [
        ("idempotency_key", "b"),
        ("facility", "F1"),
        ("code", "SO-1"),
        ("due_at", "2030-01-01T10:00"),
        ("lines[0].item", "ITEM-000"),
        ("lines[0].quantity", "3"),
    ];
    assert_eq!(form("/orders", &fields).await.1, "/orders/SO-1");
    assert!(open("/orders").await.contains("SO-1"));
    assert!(open("/orders/SO-1").await.contains("Release to picking"));
    let (status, list, _) = form("/orders/SO-1/release", &[("idempotency_key", "c"), ("to", "")]).await;
    assert!(status == 303 && list.starts_with("/picking/P-"), "{list}");
    assert!(open("/picking").await.contains("SO-1"));
    assert!(open(&list).await.contains("Confirm all 2"));
    let found = staff.get(&format!("/api/v1/pick-lists/{}", &list["/picking/".len()..])).await.expect(200);
    let ids: Vec<String> = found["lines"].as_array().unwrap().iter().map(|line| text(&line["line_id"])).collect();
    assert_eq!(form(&format!("{list}/confirm"), &[("idempotency_key", "d"), ("line_id", &ids[0])]).await.1, list);
    let bad = [("idempotency_key", "e"), ("line_id", ids[1].as_str()), ("picked", "9"), ("reason", "none <left>")];
    let (status, _, html) = form(&format!("{list}/short"), &bad).await;
    assert!(status == 422 && html.contains("none &lt;left&gt;"), "{status}");
    let good = [("idempotency_key", "f"), ("line_id", ids[1].as_str()), ("picked", ""), ("reason", "none left")];
    assert_eq!(form(&format!("{list}/short"), &good).await.0, 303);
    assert!(open(&list).await.contains("none left"));
    assert!(open("/orders/SO-1").await.contains("Ship short"));
}
