//! The whole GraphQL call for a batch of 50 lines over 5,000 locations, over HTTP, database included.

use std::fmt::Write as _;
use std::time::Instant;

use platform::auth::Role;
use reqwest::Method;
use serde_json::json;

use crate::harness::Server;
use crate::{import, percentile, report};

const CALLS: usize = 40;

pub async fn run() {
    let server = Server::start().await;
    let admin = server.as_role(Role::Admin).await;
    admin.post("/api/v1/facilities", &json!({ "code": "F1", "name": "Bench" })).await.expect(201);
    let mut locations = String::from("code,type,aisle,length_mm,width_mm,height_mm,max_weight_kg,pick_sequence,abc_class\n");
    for n in 0..5000 {
        writeln!(locations, "BIN-{n:04},PUTAWAY,A{:02},1200,1000,1500,800,{n},{}", n / 100, ["A", "B", "C"][n % 3])
            .expect("a string takes it");
    }
    let mut items = String::from("code,name,length_mm,width_mm,height_mm,weight_g,abc_class\n");
    for n in 0..500 {
        writeln!(
            items,
            "ITEM-{n:03},Item {n},{},{},{},{},{}",
            100 + n % 300,
            80 + n % 200,
            50 + n % 150,
            200 + n * 7 % 9000,
            ["A", "B", "C"][n % 3]
        )
        .expect("a string takes it");
    }
    import::apply(&server, "items", items.into_bytes(), None).await;
    import::apply(&server, "locations", locations.into_bytes(), Some("F1")).await;
    let stock: Vec<_> = (0..3000)
        .map(|n| json!({ "kind": "RECEIPT", "item": format!("ITEM-{:03}", n * 7 % 500), "quantity": 1 + n % 40, "from": "SUPPLIER", "to": format!("F1/BIN-{n:04}") }))
        .collect();
    admin.post("/api/v1/inventory/movements", &json!({ "movements": stock })).await.expect(201);

    let mut times = Vec::new();
    let mut planned = 0;
    for call in 0..CALLS {
        let lines: Vec<_> = (0..50)
            .map(|n| {
                format!(
                    "{{materialId: \"ITEM-{:03}\", quantity: {}, lotNumber: \"L{call}\"}}",
                    (call * 50 + n * 13) % 500,
                    5 + n % 20
                )
            })
            .collect();
        let query = format!(
            "mutation {{ getBatchPutawayRecommendations(input: {{facilityId: \"F1\", items: [{}]}}) {{ recommendations {{ locationCode algorithm confidenceScore reasonCode }} processingSummary {{ totalItems recommendationsGenerated processingTimeMs }} }} }}",
            lines.join(", ")
        );
        let started = Instant::now();
        let body = admin.send(admin.request(Method::POST, "/graphql").json(&json!({ "query": query }))).await.expect(200);
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        assert!(body["errors"].is_null(), "{:#}", body["errors"]);
        planned += body["data"]["getBatchPutawayRecommendations"]["recommendations"].as_array().map_or(0, Vec::len);
    }
    assert!(planned >= CALLS * 45, "the batches were planned: {planned}");
    let (p50, p95) = (percentile(&mut times, 0.5), percentile(&mut times, 0.95));
    report(
        "putaway of 50 lines over 5,000 locations, GraphQL, p95",
        format!("{p95:.1} ms (p50 {p50:.1})"),
        "< 60 ms",
        p95 < 60.0,
    );
}
