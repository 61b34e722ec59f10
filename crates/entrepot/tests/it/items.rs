//! Items through HTTP and GraphQL.

use serde_json::{Value, json};

use crate::harness::{Caller, Server};

async fn with_items(count: usize) -> (Server, Caller) {
    let server = Server::start().await;
    let staff = server.admin().await;
    for n in 0..count {
        staff.post("/api/v1/inventory/items", &json!({ "code": format!("I-{n:02}"), "name": format!("Thing {n}"), "category": if n % 2 == 0 { "even" } else { "odd" } })).await.expect(201);
    }
    (server, staff)
}

fn codes(body: &Value) -> Vec<String> {
    body["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect()
}

// C033 C037
#[tokio::test(flavor = "multi_thread")]
async fn items_are_created_viewed_and_listed_in_pages() {
    let (_server, staff) = with_items(5).await;
    let one = staff.get("/api/v1/inventory/items?limit=1").await.expect(200);
    assert_eq!(codes(&one), ["I-00"]);
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = staff.get(&format!("/api/v1/inventory/items?limit=2{next}")).await.expect(200);
        seen.extend(codes(&page));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ["I-00", "I-01", "I-02", "I-03", "I-04"]);
    let by_code = staff.get("/api/v1/inventory/items/I-03").await.expect(200);
    let by_id = staff.get(&format!("/api/v1/inventory/items/{}", by_code["item_id"].as_str().unwrap())).await.expect(200);
    assert_eq!(by_code, by_id);
    assert_eq!(codes(&staff.get("/api/v1/inventory/items?category=odd").await.expect(200)), ["I-01", "I-03"]);
    assert_eq!(codes(&staff.get("/api/v1/inventory/items?q=thing%204").await.expect(200)), ["I-04"]);
}

// C034
#[tokio::test(flavor = "multi_thread")]
async fn ten_callers_with_a_hundred_requests_all_succeed() {
    let (_server, staff) = with_items(3).await;
    let answers = futures::future::join_all((0..100).map(|_| staff.get("/api/v1/inventory/items"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn dimensions_come_in_any_unit_and_are_kept_in_millimetres() {
    let (_server, staff) = with_items(0).await;
    let item = json!({
        "code": "BOX", "name": "Box",
        "dimensions": { "length": "10", "width": "8", "height": "4.5", "unit": "in" },
        "weight": { "value": "2", "unit": "lb" },
        "units": [{ "unit": "CTN", "factor": "12" }],
        "barcodes": [{ "barcode": "4006381333931", "unit": "CTN" }],
    });
    staff.post("/api/v1/inventory/items", &item).await.expect(201);
    let kept = staff.get("/api/v1/inventory/items/BOX").await.expect(200);
    assert_eq!(
        kept["dimensions"]["length"].as_str().map_or_else(|| kept["dimensions"]["length"].to_string(), str::to_owned),
        "254",
        "{kept:#}"
    );
    let found = staff.get("/api/v1/inventory/items/lookup?barcode=4006381333931").await.expect(200);
    assert_eq!(found.get("item").unwrap_or(&found)["code"], "BOX", "{found:#}");
    let wrong_digit = json!({ "code": "B2", "name": "Box", "barcodes": [{ "barcode": "4006381333932" }] });
    assert_eq!(staff.post("/api/v1/inventory/items", &wrong_digit).await.status, 422, "the check digit is wrong");
    let taken = json!({ "code": "B3", "name": "Box", "barcodes": [{ "barcode": "4006381333931" }] });
    assert_eq!(staff.post("/api/v1/inventory/items", &taken).await.status, 409);
    let half = json!({ "code": "B4", "name": "Box", "dimensions": { "length": "10", "width": "8" } });
    assert_eq!(staff.post("/api/v1/inventory/items", &half).await.status, 422, "all three dimensions or none");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_editors_do_not_overwrite_each_other() {
    let (_server, staff) = with_items(1).await;
    staff.patch("/api/v1/inventory/items/I-00", &json!({ "version": 1, "name": "First" })).await.expect(200);
    let late = staff.patch("/api/v1/inventory/items/I-00", &json!({ "version": 1, "name": "Second" })).await;
    assert_eq!((late.status.as_u16(), late.code()), (409, "VERSION_CONFLICT"));
    let off = staff.patch("/api/v1/inventory/items/I-00", &json!({ "version": 2, "is_active": false })).await.expect(200);
    assert_eq!((&off["name"], &off["is_active"]), (&json!("First"), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn graphql_shows_the_same_items() {
    let (_server, staff) = with_items(2).await;
    let data = staff.graphql("{ items(first: 10) { items { code name } } item(code: \"I-01\") { name } }").await;
    assert_eq!(
        data,
        json!({ "items": { "items": [{ "code": "I-00", "name": "Thing 0" }, { "code": "I-01", "name": "Thing 1" }] }, "item": { "name": "Thing 1" } })
    );
}
