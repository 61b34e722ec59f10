//! Health of the optimisation and figures of data quality over 10,000 locations, by REST and by GraphQL, database included.

use std::fmt::Write as _;
use std::time::Instant;

use platform::auth::Role;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Caller, Server};
use crate::{import, percentile, report};

const LOCATIONS: usize = 10_000;
const ITEMS: usize = 5_000;
const CALLS: usize = 300;

pub async fn run() {
    let server = Server::start().await;
    let admin = server.as_role(Role::Admin).await;
    fill(&server, &admin).await;
    let jobs = entrepot::wiring::jobs();
    let mut refreshes = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        jobs.run_chore(&server.app, "refresh_bin_util").await.expect("the refresh runs");
        refreshes.push(started.elapsed().as_secs_f64() * 1e3);
    }
    report(
        "refresh of the utilisation cache, 10,000 locations",
        format!("{:.0} ms", percentile(&mut refreshes, 0.5)),
        "< 2,000 ms",
        true,
    );
    let health = "{ getBinOptimizationHealthEnhanced(facilityId: \"F1\") { overallStatus checks { name status message } } }";
    let quality = "{ getDataQualityMetrics(facilityId: \"F1\") { materialsVerified capacityFailures pendingRelocations remediationSuccessRate } }";
    for (what, query) in [("health", health), ("data quality", quality)] {
        let p95 = time(&admin, || admin.request(Method::POST, "/graphql").json(&json!({ "query": query }))).await;
        report(&format!("{what} through GraphQL, p95"), format!("{p95:.2} ms"), "< 5 ms", p95 < 5.0);
    }
    for (what, path) in [("health", "health"), ("data quality", "data-quality?facility=F1")] {
        let p95 = time(&admin, || admin.request(Method::GET, &format!("/api/wms/optimization/{path}"))).await;
        report(&format!("{what} through REST, p95"), format!("{p95:.2} ms"), "< 5 ms", p95 < 5.0);
    }
}

async fn time(caller: &Caller, request: impl Fn() -> reqwest::RequestBuilder) -> f64 {
    let mut times = Vec::with_capacity(CALLS);
    for call in 0..CALLS + 20 {
        let started = Instant::now();
        let answer = caller.send(request()).await.expect(200);
        assert!(answer["errors"].is_null(), "{answer:#}");
        // The first ones open connections and plan statements.
        if call >= 20 {
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    percentile(&mut times, 0.95)
}

async fn fill(server: &Server, admin: &Caller) {
    admin.post("/api/v1/facilities", &json!({ "code": "F1", "name": "Bench" })).await.expect(201);
    let mut locations = String::from("code,type,aisle,length_mm,width_mm,height_mm,max_weight_kg,pick_sequence\n");
    for n in 0..LOCATIONS {
        writeln!(locations, "BIN-{n:05},PUTAWAY,A{:03},1200,1000,1500,800,{n}", n / 100).expect("a string takes it");
    }
    let mut items = String::from("code,name,length_mm,width_mm,height_mm,weight_g\n");
    for n in 0..ITEMS {
        let size = if n % 50 == 0 { ",,,".to_owned() } else { format!("{},{},{},{}", 100 + n % 300, 80, 50, 200 + n % 900) };
        writeln!(items, "ITEM-{n:04},Item {n},{size}").expect("a string takes it");
    }
    import::apply(server, "items", items.into_bytes(), None).await;
    import::apply(server, "locations", locations.into_bytes(), Some("F1")).await;
    for chunk in 0..LOCATIONS / 1_000 {
        let stock: Vec<_> = (0..1_000)
            .map(|n| chunk * 1_000 + n)
            .map(|n| json!({ "kind": "RECEIPT", "item": format!("ITEM-{:04}", n * 7 % ITEMS), "quantity": 1 + n % 40, "from": "SUPPLIER", "to": format!("F1/BIN-{n:05}") }))
            .collect();
        admin.post("/api/v1/inventory/movements", &json!({ "movements": stock })).await.expect(201);
    }
    let mut sql = server.sql().await;
    for statement in [
        "INSERT INTO warehouse.material_dimension_verifications (tenant_id, material_id, status, volume_variance_percentage)
         SELECT tenant_id, item_id, 'VERIFIED', 2 FROM catalog.items WHERE tenant_id = 'acme'",
        "INSERT INTO warehouse.capacity_validation_failures (tenant_id, facility_id, failure_type, material_id, overflow_percentage, resolved, resolved_at, created_at)
         SELECT i.tenant_id, f.facility_id, 'VOLUME', i.item_id, 10, n % 20 <> 0, now(), now() - n * interval '3 hours'
         FROM catalog.items i CROSS JOIN warehouse.facilities f CROSS JOIN generate_series(1, 4) n WHERE i.tenant_id = 'acme'",
        "INSERT INTO warehouse.putaway_recommendations (tenant_id, recommendation_id, facility_id, material_id, location_id, confidence_score, algorithm, was_accepted, state, created_at)
         SELECT 'acme', platform.uuid_generate_v7(), f.facility_id, gen_random_uuid(), gen_random_uuid(), 0.8, 'BFD', n % 10 <> 0, 'ACCEPTED', now() - n * interval '10 seconds'
         FROM warehouse.facilities f CROSS JOIN generate_series(1, 100000) n",
        "ANALYZE",
    ] {
        sqlx::query(statement).execute(&mut sql).await.expect("the bench's own rows");
    }
}
