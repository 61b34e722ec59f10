//! The whole GraphQL call for one line and for a batch of 50 lines over 10,000 locations, over HTTP, database included.

use std::fmt::Write as _;
use std::time::Instant;

use platform::auth::Role;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Caller, Server};
use crate::{import, percentile, report};

const SINGLES: usize = 200;
const BATCHES: usize = 60;

pub async fn run() {
    let server = Server::start().await;
    let admin = server.as_role(Role::Admin).await;
    admin.post("/api/v1/facilities", &json!({ "code": "F1", "name": "Bench" })).await.expect(201);
    let mut locations = String::from("code,type,aisle,length_mm,width_mm,height_mm,max_weight_kg,pick_sequence,abc_class\n");
    for n in 0..10_000 {
        writeln!(locations, "BIN-{n:05},PUTAWAY,A{:02},1200,1000,1500,800,{n},{}", n / 100, ["A", "B", "C"][n % 3])
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
    let stock: Vec<_> = (0..5000)
        .map(|n| json!({ "kind": "RECEIPT", "item": format!("ITEM-{:03}", n * 7 % 500), "quantity": 1 + n % 40, "from": "SUPPLIER", "to": format!("F1/BIN-{:05}", n * 2) }))
        .collect();
    admin.post("/api/v1/inventory/movements", &json!({ "movements": stock })).await.expect(201);

    // The first call fills what is kept in memory; in a running process it is filled.
    ask(&admin, &[line(0, 0)]).await;
    let (single, _) = measure(&admin, SINGLES, |call| vec![line(call, call * 13)]).await;
    report("putaway of 1 line over 10,000 locations, GraphQL, p95", single.0, "< 10 ms", single.1 < 10.0);
    let (batch, planned) =
        measure(&admin, BATCHES, |call| (0..50).map(|n| line(1_000 + call, call * 50 + n * 13)).collect()).await;
    assert!(planned >= BATCHES * 45, "the batches were planned: {planned}");
    report("putaway of 50 lines over 10,000 locations, GraphQL, p95", batch.0, "< 50 ms", batch.1 < 50.0);
}

fn line(lot: usize, n: usize) -> String {
    format!("{{materialId: \"ITEM-{:03}\", quantity: {}, lotNumber: \"L{lot}\"}}", n % 500, 5 + n % 20)
}

/// The figure in words and its p95 in ms, and how many recommendations came.
async fn measure(caller: &Caller, calls: usize, lines: impl Fn(usize) -> Vec<String>) -> ((String, f64), usize) {
    let (mut times, mut planned) = (Vec::new(), 0);
    for call in 0..calls {
        let lines = lines(call);
        let started = Instant::now();
        let found = ask(caller, &lines).await;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        planned += found;
    }
    let (p50, p95) = (percentile(&mut times, 0.5), percentile(&mut times, 0.95));
    ((format!("{p95:.1} ms (p50 {p50:.1})"), p95), planned)
}

async fn ask(caller: &Caller, lines: &[String]) -> usize {
    let query = format!(
        "mutation {{ getBatchPutawayRecommendations(input: {{facilityId: \"F1\", items: [{}]}}) {{ recommendations {{ locationCode algorithm confidenceScore reasonCode }} processingSummary {{ totalItems recommendationsGenerated processingTimeMs optimalityGap }} }} }}",
        lines.join(", ")
    );
    let body = caller.send(caller.request(Method::POST, "/graphql").json(&json!({ "query": query }))).await.expect(200);
    assert!(body["errors"].is_null(), "{:#}", body["errors"]);
    body["data"]["getBatchPutawayRecommendations"]["recommendations"].as_array().map_or(0, Vec::len)
}
