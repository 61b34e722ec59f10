//! Items classed by the value of what was picked.

use platform::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Caller, Server, Warehouse, eventually, text};
use crate::slotting::{analyse, sold, trade};

const VELOCITY: &str = "/api/wms/optimization/velocity";
const ITEMS: &str = "/api/v1/inventory/items";

async fn item(caller: &Caller, code: &str) -> Value {
    caller.get(&format!("{ITEMS}/{code}")).await.expect(200)
}

async fn change(caller: &Caller, code: &str, mut body: Value) -> Value {
    body["version"] = item(caller, code).await["version"].clone();
    caller.patch(&format!("{ITEMS}/{code}"), &body).await.expect(200)
}

async fn by_value(admin: &Caller) {
    let body = json!({ "facility": "F1", "class_by": "VALUE", "a_share": 0.25, "b_share": 0.25, "share_of": "ITEMS", "writes_classes": true, "version": 0 });
    let path = "/api/wms/optimization/slotting/settings";
    admin.send(admin.request(Method::PUT, path).json(&body)).await.expect(200);
}

/// Picks of 180 days: ITEM-000 180, ITEM-001 90, ITEM-002 20, ITEM-003 24, ITEM-004 none but in stock.
async fn traded() -> Warehouse {
    let warehouse = Warehouse::open(6, 5).await;
    warehouse.stock("ITEM-004", "F1/BIN-004", 10).await;
    sold(&warehouse.server, &trade()).await;
    for (code, value) in [("ITEM-000", "1"), ("ITEM-001", "2.5"), ("ITEM-002", "100"), ("ITEM-004", "5000")] {
        assert_eq!(change(&warehouse.staff, code, json!({ "unit_value": value })).await["unit_value"], value);
    }
    warehouse
}

#[tokio::test(flavor = "multi_thread")]
async fn value_decides_the_class_and_an_item_without_one_keeps_its_own() {
    let warehouse = traded().await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    change(staff, "ITEM-003", json!({ "abc_class": "B" })).await;
    by_value(admin).await;
    let run = analyse(staff).await;
    assert_eq!((&run["items"], &run["items_without_value"]), (&json!(5), &json!(1)), "told, not classed silently");
    assert_eq!(run["classes_written"], 3, "those whose class or velocity is another than before");
    let page = staff.get(&format!("{VELOCITY}?facility=F1")).await.expect(200);
    let field = |code: &str, field: &str| {
        page["items"].as_array().unwrap().iter().find(|row| row["material_code"] == code).expect(code)[field].clone()
    };
    for (code, value, class) in [
        ("ITEM-002", json!("2000"), "A"),
        ("ITEM-001", json!("225"), "B"),
        ("ITEM-000", json!("180"), "C"),
        ("ITEM-004", json!("0"), "C"),
        ("ITEM-003", Value::Null, "B"),
    ] {
        assert_eq!((field(code, "value"), field(code, "abc_class")), (value, json!(class)), "{code}");
        assert_eq!(field(code, "lacks_value"), json!(code == "ITEM-003"));
        assert_eq!(item(staff, code).await["abc_class"], class, "the settings write it to {code}");
    }

    let lacking = staff.get(&format!("{VELOCITY}?facility=F1&lacks_value=true")).await.expect(200);
    assert_eq!(lacking["items"].as_array().unwrap().len(), 1);
    assert_eq!(lacking["items"][0]["material_code"], "ITEM-003");
    let query = r#"{ getMaterialVelocityAnalysis(facilityId: "F1", lacksValue: true) { items { materialCode lacksValue value } }
                     slottingSettings(facilityId: "F1") { classBy } item(code: "ITEM-001") { unitValue } }"#;
    let data = staff.graphql(query).await;
    let row = json!([{ "materialCode": "ITEM-003", "lacksValue": true, "value": null }]);
    assert_eq!(data["getMaterialVelocityAnalysis"]["items"], row);
    assert_eq!((&data["slottingSettings"]["classBy"], &data["item"]["unitValue"]), (&json!("VALUE"), &json!("2.5")));

    // Somebody classes it by hand after the run; applying the run's classes leaves that alone.
    change(staff, "ITEM-003", json!({ "abc_class": "A" })).await;
    admin.post(&format!("{VELOCITY}/apply-classes"), &json!({ "facility": "F1" })).await.expect(200);
    assert_eq!(item(staff, "ITEM-003").await["abc_class"], "A");
    let job = entrepot::wiring::jobs().run_chore(&warehouse.server.app, "classify items by velocity").await.unwrap();
    assert!(job.contains("5 items; 1 keep their class"), "{job}");

    change(staff, "ITEM-003", json!({ "unit_value": "1000" })).await;
    assert_eq!(analyse(staff).await["items_without_value"], 0);
    assert_eq!(item(staff, "ITEM-003").await["abc_class"], "A", "24,000 is the most");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_entered_in_every_way_an_item_is() {
    let server = Server::start().await.with_jobs();
    let staff = server.admin().await;
    let refused = staff.post(ITEMS, &json!({ "code": "A", "name": "A", "unit_value": "-1" })).await.expect(422);
    assert_eq!(refused["errors"][0]["field"], "unit_value");
    let made = staff.post(ITEMS, &json!({ "code": "A", "name": "A", "unit_value": "0" })).await.expect(201);
    assert_eq!(made["unit_value"], "0", "worth nothing is not the same as not known");
    assert!(change(&staff, "A", json!({ "unit_value": null })).await["unit_value"].is_null());
    staff.graphql(r#"mutation { createItem(input: { code: "G", name: "G", unitValue: "12.345678" }) { unitValue } }"#).await;
    assert_eq!(item(&staff, "G").await["unit_value"], "12.345678");

    let csv = "code,name,unit_value\nA,A,4.90\nC,C,\nD,D,-3\n";
    let path = "/api/v1/imports?kind=items&skip_bad=true";
    let upload = staff.request(Method::POST, path).header("content-type", "text/csv").body(csv);
    let import = format!("/api/v1/imports/{}", text(&staff.send(upload).await.expect(202)["import_id"]));
    eventually(std::time::Duration::from_secs(30), "the import", async || {
        !matches!(text(&staff.get(&import).await.expect(200)["state"]).as_str(), "QUEUED" | "RUNNING")
    })
    .await;
    let report = staff.get(&import).await.expect(200);
    assert_eq!((&report["report"]["bad"][0]["line"], &report["report"]["bad"][0]["column"]), (&json!(4), &json!("unit_value")));
    assert_eq!(item(&staff, "A").await["unit_value"], "4.9");
    assert!(item(&staff, "C").await["unit_value"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_sets_how_items_are_classed_and_shows_what_lacks_a_value() {
    let warehouse = traded().await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    let page = async |caller: &Caller, path: &str| {
        let answer = caller.request(Method::GET, path).header("accept", "text/html").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    };
    let send = async |caller: &Caller, path: &str, form: &[(&str, &str)]| {
        caller.request(Method::POST, path).header("accept", "text/html").form(form).send().await.unwrap()
    };
    let form = |b_share: &'static str| {
        let fixed = [("facility", "F1"), ("version", "0"), ("class_by", "VALUE"), ("a_share", "12.5"), ("share_of", "TOTAL")];
        fixed.into_iter().chain([("b_share", b_share)]).collect::<Vec<_>>()
    };
    assert!(page(admin, "/velocity?facility=F1").await.contains("How items are classed"));
    assert!(!page(staff, "/velocity?facility=F1").await.contains("How items are classed"), "staff do not set it");
    assert_eq!(send(staff, "/velocity/settings", &form("30")).await.status(), 403);
    let refused = send(admin, "/velocity/settings", &form("90")).await;
    assert_eq!(refused.status(), 422);
    let refused = refused.text().await.unwrap();
    assert!(refused.contains("at most 100 together") && refused.contains("value=\"12.5\""), "{refused}");
    assert_eq!(send(admin, "/velocity/settings", &form("30")).await.status(), 303);
    let kept = admin.get("/api/wms/optimization/slotting/settings?facility=F1").await.expect(200);
    assert_eq!((&kept["class_by"], &kept["a_share"], &kept["b_share"]), (&json!("VALUE"), &json!(0.125), &json!(0.3)));

    let run = send(staff, "/velocity/analyse", &[("facility", "F1")]).await;
    assert_eq!(run.status(), 303);
    let lacking = page(staff, "/velocity?facility=F1&lacks_value=yes").await;
    assert!(lacking.contains("Not entered") && lacking.contains("ITEM-003") && !lacking.contains("/items/ITEM-002"), "{lacking}");
    let viewer = warehouse.server.as_role(Role::Viewer).await;
    assert!(page(&viewer, "/velocity?facility=F1").await.contains("ITEM-003"));
    assert!(page(staff, "/items/ITEM-001").await.contains("Value of 1 EA"));
    assert!(page(staff, "/items/ITEM-001/edit").await.contains("value=\"2.5\""));
    let version = text(&item(staff, "ITEM-003").await["version"]);
    let form = [("version", version.as_str()), ("code", "ITEM-003"), ("name", "Three"), ("base_unit", "EA"), ("unit_value", "x")];
    let refused = send(staff, "/items/ITEM-003", &form).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("f-unit_value"));
}
