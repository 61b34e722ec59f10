//! The pages of receiving and putaway as forms send them, without a script.

use platform::auth::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Caller, Warehouse, text};

struct Page {
    status: StatusCode,
    location: String,
    html: String,
}

impl Page {
    #[track_caller]
    fn expect(self, status: u16, parts: &[&str]) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.words());
        for part in parts {
            assert!(self.html.contains(part), "{part:?} is absent from {}", self.words());
        }
        self
    }

    #[track_caller]
    fn leads_to(self, location: &str) {
        assert_eq!((self.status.as_u16(), self.location.as_str()), (303, location), "{}", self.words());
    }

    /// What a person reads, for messages.
    fn words(&self) -> String {
        let main = self.html.split_once("<main").map_or(self.html.as_str(), |(_, main)| main);
        let texts =
            main.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text.trim()).filter(|text| !text.is_empty());
        texts.collect::<Vec<_>>().join(" | ")
    }

    fn count(&self, part: &str) -> usize {
        self.html.matches(part).count()
    }
}

async fn page(caller: &Caller, method: Method, path: &str, form: &[(&str, &str)]) -> Page {
    let request = caller.request(method, path).header("accept", "text/html");
    let response = if form.is_empty() { request.send().await } else { request.form(form).send().await };
    let response = response.expect("the server answers");
    let location = response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Page {
        status: response.status(),
        location,
        html: response.text().await.expect("a whole page").replace("&#x2f;", "/").replace("&quot;", "'"),
    }
}

async fn get(caller: &Caller, path: &str) -> Page {
    page(caller, Method::GET, path, &[]).await
}

async fn post(caller: &Caller, path: &str, form: &[(&str, &str)]) -> Page {
    page(caller, Method::POST, path, if form.is_empty() { &[("idempotency_key", "")] } else { form }).await
}

async fn delivery(warehouse: &Warehouse, code: &str, lines: &[(&str, u32)]) -> Vec<String> {
    let lines: Vec<Value> = lines.iter().map(|(item, expected)| json!({ "item": item, "expected": expected })).collect();
    let body =
        warehouse.staff.post("/api/v1/receipts", &json!({ "facility": "F1", "code": code, "lines": lines })).await.expect(201);
    body["lines"].as_array().expect("lines").iter().map(|line| text(&line["line_id"])).collect()
}

async fn open_recommendations(caller: &Caller) -> Vec<Value> {
    let body = caller.get("/api/wms/optimization/putaway/recommendations?state=OPEN").await.expect(200);
    body["items"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_delivery_is_received_line_by_line_and_at_once() {
    let warehouse = Warehouse::open(5, 2).await;
    let staff = &warehouse.staff;
    let lines = delivery(&warehouse, "R-1", &[("ITEM-000", 10), ("ITEM-001", 4)]).await;
    get(staff, "/receipts").await.expect(200, &["/receipts/R-1", "0 of 2"]);
    assert_eq!(
        get(staff, "/receipts/R-1").await.expect(200, &["Receive all as expected", "Cancel receipt"]).count("data-receipt-line"),
        2
    );

    let one = format!("line:{}", lines[1]);
    let typed = |quantity| {
        [
            ("lines[0].line_id", lines[0].as_str()),
            ("lines[0].quantity", ""),
            ("lines[1].line_id", lines[1].as_str()),
            ("lines[1].quantity", quantity),
            ("action", one.as_str()),
        ]
    };
    post(staff, "/receipts/R-1", &typed("some"))
        .await
        .expect(422, &["value=\"some\"", "id=\"f-lines-1-quantity-error\"", "Line 2 quantity must be a decimal number"]);
    let over = post(staff, "/receipts/R-1", &typed("5"))
        .await
        .expect(422, &["value=\"5\"", "at most 4 more", "more than expected is fine"]);
    assert_eq!(over.count("allow_over to"), 0, "the page speaks of its own box");
    let mut meant = typed("5").to_vec();
    meant.push(("allow_over", "on"));
    post(staff, "/receipts/R-1", &meant).await.leads_to("/receipts/R-1");
    assert_eq!(warehouse.on_hand("ITEM-001").await, [("DOCK".to_owned(), "5".to_owned())]);

    let all = [("idempotency_key", "once"), ("action", "all"), ("location", "DOCK")];
    post(staff, "/receipts/R-1", &all).await.leads_to("/putaway?facility=F1");
    post(staff, "/receipts/R-1", &all).await.leads_to("/putaway?facility=F1");
    assert_eq!(warehouse.on_hand("ITEM-000").await, [("DOCK".to_owned(), "10".to_owned())], "twice sent, once received");
    assert_eq!(open_recommendations(staff).await.len(), 2, "places for all that the delivery brought");
    get(staff, "/receipts/R-1").await.expect(200, &["2 of 2 lines", "Close receipt", "Over"]);
    post(staff, "/receipts/R-1", &[("action", "all")]).await.expect(409, &["Nothing more is expected"]);

    post(staff, "/receipts/R-1/close", &[("version", "1")]).await.leads_to("/receipts/R-1");
    get(staff, "/receipts?state=CLOSED").await.expect(200, &["No receipt matches"]);
    post(staff, "/receipts/R-1/close", &[("version", "3")]).await.leads_to("/receipts/R-1");
    get(staff, "/receipts?state=CLOSED").await.expect(200, &["/receipts/R-1"]);
    get(staff, "/receipts").await.expect(200, &["Nothing is expected"]);
}

#[tokio::test]
async fn goods_that_nobody_announced_are_received_by_code_or_barcode() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    let tracked = json!({ "code": "MILK", "name": "Milk", "lot_tracked": true, "barcodes": [{ "barcode": "4006381333931" }] });
    staff.post("/api/v1/inventory/items", &tracked).await.expect(201);
    get(staff, "/receipts/new").await.expect(200, &["lines[3].item", "Main"]);

    let form = |item: &'static str, lot: &'static str, expires_on: &'static str| {
        [
            ("facility", "F1"),
            ("code", "B-1"),
            ("supplier", "Farm"),
            ("lines[0].item", ""),
            ("lines[1].item", "ITEM-000"),
            ("lines[1].quantity", "3"),
            ("lines[2].item", item),
            ("lines[2].quantity", "2.5"),
            ("lines[2].lot", lot),
            ("lines[2].expires_on", expires_on),
        ]
    };
    post(staff, "/receipts", &form("NOTHING", "", ""))
        .await
        .expect(422, &["value=\"NOTHING\"", "Line 3 item 'NOTHING' does not exist", "value=\"2.5\"", "value=\"B-1\""]);
    post(staff, "/receipts", &form("4006381333931", "", "31.12.2027")).await.expect(422, &["must be a date such as"]);
    post(staff, "/receipts", &form("4006381333931", "", "")).await.expect(422, &["Line 3 lot item 'MILK' is lot-tracked"]);
    assert!(warehouse.on_hand("ITEM-000").await.is_empty(), "all or nothing");
    post(staff, "/receipts", &form("4006381333931", "L-1", "2027-12-31")).await.leads_to("/receipts/B-1");
    assert_eq!(warehouse.on_hand("MILK").await, [("DOCK".to_owned(), "2.5".to_owned())]);
    get(staff, "/receipts/B-1").await.expect(200, &["Find places for 2 lines", "L-1", "2 of 2 lines"]);
    get(staff, "/receipts").await.expect(200, &["Without notice"]);

    delivery(&warehouse, "R-2", &[("ITEM-000", 1)]).await;
    post(staff, "/receipts/R-2/cancel", &[]).await.leads_to("/receipts/R-2");
    get(staff, "/receipts/R-2").await.expect(200, &["Cancelled"]);
    post(staff, "/receipts/B-1/cancel", &[]).await.leads_to("/receipts/B-1");
    get(staff, "/receipts/B-1").await.expect(200, &["Receiving"]);
    get(staff, "/receipts/NOTHING").await.expect(404, &[]);
}

#[tokio::test]
async fn the_board_decides_and_a_refused_decision_keeps_what_was_typed() {
    let warehouse = Warehouse::open(5, 4).await;
    let staff = &warehouse.staff;
    for n in 0..4 {
        warehouse.stock(&format!("ITEM-{n:03}"), "F1/DOCK", 10).await;
    }
    get(staff, "/putaway").await.expect(200, &["4 lines to find a place for", "Find places", "0 open recommendations in Main"]);
    post(staff, "/putaway/recommend", &[("facility", "F1")]).await.leads_to("/putaway?facility=F1");
    post(staff, "/putaway/recommend", &[("facility", "F1")]).await.leads_to("/putaway?facility=F1");
    let board = get(staff, "/putaway?facility=F1")
        .await
        .expect(200, &["4 open recommendations", "Class match", "Other places", "Accept all 4"]);
    assert_eq!((board.count("data-recommendation"), board.count("to find a place for")), (4, 0));

    let open = open_recommendations(staff).await;
    let path = |n: usize, verb: &str| format!("/putaway/{}/{verb}", text(&open[n]["recommendation_id"]));
    let elsewhere = [("location", "DOCK"), ("feedback", "I want it here")];
    post(staff, &path(0, "override"), &elsewhere)
        .await
        .expect(409, &["role=\"alert\"", "stores no goods", "value=\"DOCK\"", "value=\"I want it here\""]);
    post(staff, &path(0, "override"), &[("location", "")]).await.expect(422, &["Location must be the code of a location"]);
    post(staff, &path(0, "override"), &[("location", "NOWHERE")]).await.expect(404, &["value=\"NOWHERE\"", "does not exist"]);
    get(staff, &path(0, "override")).await.leads_to("/putaway");
    post(staff, &path(0, "override"), &[("location", "BIN-004"), ("feedback", "nearer")]).await.leads_to("/putaway?facility=F1");
    assert_eq!(warehouse.on_hand(&text(&open[0]["item_code"])).await, [("BIN-004".to_owned(), "10".to_owned())]);
    post(staff, &path(1, "reject"), &[("feedback", "too high")]).await.leads_to("/putaway?facility=F1");
    post(staff, &path(1, "accept"), &[]).await.leads_to("/putaway?facility=F1");
    get(staff, "/putaway").await.expect(200, &["1 line to find a place for", "2 open recommendations"]);

    let blocked = format!("/api/v1/locations/{}/block", text(&open[2]["location_id"]));
    warehouse.admin.post(&blocked, &json!({ "reason": "broken rack" })).await.expect(200);
    let ids: Vec<String> = [2, 3].map(|n: usize| text(&open[n]["recommendation_id"])).to_vec();
    let many = [("facility", "F1"), ("recommendations[0].id", ids[0].as_str()), ("recommendations[1].id", ids[1].as_str())];
    let same_place = open[2]["location_id"] == open[3]["location_id"];
    let refused = post(staff, "/putaway/accept-all", &many)
        .await
        .expect(200, &["broken rack", if same_place { "0 put away, 2 refused" } else { "1 put away, 1 refused" }]);
    assert_eq!(refused.count("data-recommendation"), if same_place { 2 } else { 1 });
    get(staff, "/putaway/accept-all").await.leads_to("/putaway");
    let viewer = warehouse.server.as_role(Role::Viewer).await;
    let seen = get(&viewer, "/putaway").await.expect(200, &["open recommendation"]);
    assert_eq!(seen.count("action=\"/putaway/"), 0, "who may not decide sees no buttons");
    post(&viewer, "/putaway/accept-all", &many).await.expect(403, &[]);
    warehouse.server.assert_invariants().await;
}

#[tokio::test]
async fn goods_that_fit_nowhere_say_why_and_what_to_do() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    let kayak = json!({ "code": "KAYAK", "name": "Kayak", "weight": { "value": "30", "unit": "kg" }, "dimensions": { "length": "4", "width": "1", "height": "1", "unit": "m" } });
    staff.post("/api/v1/inventory/items", &kayak).await.expect(201);
    staff.post("/api/v1/inventory/items", &json!({ "code": "FOG", "name": "Fog" })).await.expect(201);
    delivery(&warehouse, "R-3", &[("ITEM-000", 4), ("KAYAK", 1), ("FOG", 1)]).await;
    post(staff, "/receipts/R-3", &[("action", "all")]).await.leads_to("/putaway?facility=F1");
    let board = get(staff, "/putaway").await.expect(
        200,
        &[
            "2 lines fit nowhere",
            "Too large",
            "Nearest is BIN-",
            "Add a location that is large enough",
            "No master data",
            "Enter the item",
            "1 open recommendation",
        ],
    );
    assert_eq!(board.count("to find a place for"), 0, "they are not offered again");
    let dimensions = json!({ "version": 1, "weight": { "value": "1", "unit": "kg" }, "dimensions": { "length": "10", "width": "10", "height": "10", "unit": "cm" } });
    staff.patch("/api/v1/inventory/items/FOG", &dimensions).await.expect(200);
    get(staff, "/putaway").await.expect(200, &["1 line to find a place for", "/receipts/R-3", "1 line fits nowhere"]);
}

#[tokio::test]
async fn a_location_shows_what_was_recommended_for_it_and_what_became_of_it() {
    let warehouse = Warehouse::open(2, 2).await;
    let staff = &warehouse.staff;
    get(staff, "/locations/F1/BIN-000").await.expect(200, &["Nothing was recommended yet"]);
    let milk = json!({ "code": "MILK", "name": "Fresh milk", "lot_tracked": true, "weight": { "value": "1", "unit": "kg" },
        "dimensions": { "length": "10", "width": "10", "height": "10", "unit": "cm" } });
    staff.post("/api/v1/inventory/items", &milk).await.expect(201);
    let base = "/api/wms/optimization/putaway/recommendations";
    let mut sql = warehouse.server.sql().await;
    // Of fifteen, each on its own: goods that come again find the same bin, except while somebody else's are expected there.
    let (mut ids, mut places) = (Vec::new(), Vec::new());
    for n in 0..15 {
        let item = json!({ "item": "MILK", "quantity": format!("{}.5", n + 1), "lot_number": format!("LOT-{n:02}") });
        let made = staff.post(base, &json!({ "facility": "F1", "items": [item] })).await.expect(201);
        ids.push(text(&made["recommendations"][0]["recommendation_id"]));
        places.push(text(&made["recommendations"][0]["location_code"]));
        let reject = json!({ "feedback": format!("no. {n}") });
        if n != 13 {
            staff.post(&format!("{base}/{}/reject", ids[n]), &reject).await.expect(200);
        }
    }
    assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
    let own = format!("/locations/F1/{}", places[0]);
    let first = get(staff, &own).await.expect(200, &["Recommended before", "Next page", "LOT-14", "no. 14", "Rejected"]);
    assert_eq!(first.count("LOT-13"), 0, "what is open still is held space, not past");
    assert!(first.html.find("LOT-14") < first.html.find("LOT-12"), "the newest first");
    assert_eq!((first.count("LOT-02"), first.count("LOT-01")), (1, 0), "twelve on a page");
    let next = first.html.split("cursor=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let second = get(staff, &format!("{own}?cursor={next}")).await.expect(200, &["LOT-01", "LOT-00", "Back to the start"]);
    assert_eq!((second.count("LOT-02"), second.count("Next page")), (0, 0));

    sqlx::query("UPDATE putaway_recommendations SET expires_at = now() WHERE state = 'OPEN'").execute(&mut sql).await.unwrap();
    get(staff, &own).await.expect(200, &["LOT-13", "Expired", "nobody"]);
    warehouse.stock("ITEM-000", "F1/DOCK", 10).await;
    let board = staff.post(base, &json!({ "facility": "F1", "all_waiting": true })).await.expect(201);
    let one = &board["recommendations"][0];
    let (to, other) = if one["location_code"] == "BIN-000" { ("BIN-000", "BIN-001") } else { ("BIN-001", "BIN-000") };
    let elsewhere = json!({ "location": other, "feedback": "nearer" });
    staff.post(&format!("{base}/{}/override", text(&one["recommendation_id"])), &elsewhere).await.expect(200);
    get(staff, &format!("/locations/F1/{to}"))
        .await
        .expect(200, &["Overridden", "nearer", &format!("went to <span class=\"code\">{other}"), "Item number 0", "STAFF", "%"]);
    warehouse.stock("ITEM-001", "F1/DOCK", 10).await;
    let board = staff.post(base, &json!({ "facility": "F1", "all_waiting": true })).await.expect(201);
    let one = &board["recommendations"][0];
    staff.post(&format!("{base}/{}/accept", text(&one["recommendation_id"])), &json!({})).await.expect(200);
    get(staff, &format!("/locations/F1/{}", text(&one["location_code"]))).await.expect(200, &["Accepted", "Item number 1"]);
    let stranger = warehouse.server.caller(Some(warehouse.server.token("other", Role::Admin).await));
    get(&stranger, &own).await.expect(404, &[]);
}
