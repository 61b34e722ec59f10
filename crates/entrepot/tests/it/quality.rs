//! Data quality: items measured against their master data, goods that found no place, and what was done about both.

use platform::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Caller, Warehouse, text};

const BASE: &str = "/api/wms/optimization";

/// ITEM-000 is 30 x 20 x 10 cm and weighs 2 kg on record.
fn measured(length_cm: &str, weight_kg: &str) -> Value {
    json!({ "material": "ITEM-000", "facility": "F1",
        "dimensions": { "length": length_cm, "width": "20", "height": "10", "unit": "cm" },
        "weight": { "value": weight_kg, "unit": "kg" } })
}

async fn verify(caller: &Caller, body: &Value) -> Value {
    caller.post(&format!("{BASE}/dimension-verifications"), body).await.expect(201)
}

async fn metrics(caller: &Caller) -> Value {
    caller.get(&format!("{BASE}/data-quality?facility=F1")).await.expect(200)
}

async fn item(caller: &Caller, code: &str) -> Value {
    caller.get(&format!("/api/v1/inventory/items/{code}")).await.expect(200)
}

async fn remediations(caller: &Caller, action: &str) -> Vec<Value> {
    let body = caller.get(&format!("{BASE}/remediations?action={action}")).await.expect(200);
    body["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn within_tolerance_the_item_takes_it_over_when_asked() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    let seen = verify(staff, &measured("31", "2.1")).await;
    assert_eq!((&seen["status"], &seen["master_updated"]), (&json!("VERIFIED"), &json!(false)));
    assert_eq!(seen["weight_variance_percentage"], 5.0);
    assert_eq!(item(staff, "ITEM-000").await["version"], 1, "nobody asked for it");
    let mut body = measured("31", "2.1");
    body["update_master"] = true.into();
    let taken = verify(staff, &body).await;
    assert_eq!(taken["master_updated"], true);
    let after = item(staff, "ITEM-000").await;
    assert_eq!((text(&after["dimensions"]["length"]), text(&after["weight"]["value"])), ("310".into(), "2100".into()));
    let figures = metrics(staff).await;
    assert_eq!((&figures["materials_verified"], &figures["materials_flagged"]), (&json!(1), &json!(0)));
    let logged = remediations(staff, "DIMENSIONS_CORRECTED").await;
    assert_eq!(logged.len(), 1);
    assert_eq!((&logged[0]["figures_before"]["weight_g"], &logged[0]["figures_after"]["weight_g"]), (&json!(2000), &json!(2100)));
    let audit = warehouse.admin.get("/api/v1/audit?action=quality.verify").await;
    if audit.status == 200 {
        assert_eq!(audit.body["items"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_tolerance_is_flagged_and_overwrites_nothing() {
    let warehouse = Warehouse::open(2, 1).await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    let mut body = measured("30", "2.5");
    body["update_master"] = true.into();
    let flagged = verify(staff, &body).await;
    assert_eq!((&flagged["status"], &flagged["master_updated"]), (&json!("FLAGGED"), &json!(false)));
    assert_eq!(flagged["weight_variance_percentage"], 25.0);
    assert_eq!(item(staff, "ITEM-000").await["version"], 1, "never silently overwritten");
    assert_eq!(metrics(staff).await["materials_flagged"], 1);
    let decide = format!("{BASE}/dimension-verifications/{}/decide", text(&flagged["verification_id"]));
    let take = json!({ "decision": "TAKE_MEASURED", "notes": "the supplier changed the box" });
    assert_eq!(staff.post(&decide, &take).await.status, 403, "overruling master data is for those who answer for it");
    assert_eq!(admin.post(&decide, &json!({ "decision": "TAKE_MEASURED", "notes": " " })).await.status, 422);
    let decided = admin.post_with_key(&decide, "k1", &take).await.expect(200);
    assert_eq!(decided["master_updated"], true);
    assert_eq!(admin.post_with_key(&decide, "k1", &take).await.expect(200), decided, "the same key, the same answer");
    assert_eq!(admin.post(&decide, &take).await.status, 409);
    assert_eq!(text(&item(staff, "ITEM-000").await["weight"]["value"]), "2500");
    let figures = metrics(staff).await;
    assert_eq!((&figures["materials_flagged"], &figures["materials_verified"]), (&json!(0), &json!(1)));
    assert_eq!(figures["remediation_success_rate"], 100.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_last_measurement_is_decided_about() {
    let warehouse = Warehouse::open(2, 1).await;
    let first = verify(&warehouse.staff, &measured("30", "4")).await;
    let second = verify(&warehouse.staff, &measured("30", "5")).await;
    let keep = json!({ "decision": "KEEP_MASTER", "notes": "the scale was wrong" });
    let path = |one: &Value| format!("{BASE}/dimension-verifications/{}/decide", text(&one["verification_id"]));
    assert_eq!(warehouse.admin.post(&path(&first), &keep).await.status, 409);
    warehouse.admin.post(&path(&second), &keep).await.expect(200);
    let open = warehouse.staff.get(&format!("{BASE}/dimension-verifications?state=OPEN")).await.expect(200);
    assert_eq!(open["items"], json!([]));
    let all = warehouse.staff.get(&format!("{BASE}/dimension-verifications?limit=1")).await.expect(200);
    assert_eq!(all["items"][0]["verification_id"], second["verification_id"]);
    let next = warehouse.staff.get(&format!("{BASE}/dimension-verifications?limit=1&cursor={}", text(&all["next_cursor"]))).await;
    assert_eq!(next.expect(200)["items"][0]["verification_id"], first["verification_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_master_data_is_a_finding_and_is_filled_by_measuring() {
    let warehouse = Warehouse::open(2, 0).await;
    let staff = &warehouse.staff;
    staff.post("/api/v1/inventory/items", &json!({ "code": "FOG", "name": "Fog" })).await.expect(201);
    assert_eq!(metrics(staff).await["materials_unmeasured"], 1);
    let listed = staff.get(&format!("{BASE}/data-quality/unmeasured")).await.expect(200);
    assert_eq!(
        listed["items"][0],
        json!({ "material_id": listed["items"][0]["material_id"], "material_code": "FOG",
        "material_name": "Fog", "lacks_size": true, "lacks_weight": true })
    );
    let mut body = measured("30", "2");
    body["material"] = "FOG".into();
    let seen = verify(staff, &body).await;
    assert_eq!(seen["status"], "NO_MASTER_DATA");
    assert!(seen["weight_variance_percentage"].is_null() && seen["volume_variance_percentage"].is_null(), "{seen:#}");
    assert_eq!(metrics(staff).await["materials_verified"], 0, "nothing was compared");
    body["update_master"] = true.into();
    assert_eq!(verify(staff, &body).await["master_updated"], true);
    let figures = metrics(staff).await;
    assert_eq!((&figures["materials_unmeasured"], &figures["materials_verified"]), (&json!(0), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_measurements_name_the_field() {
    let warehouse = Warehouse::open(1, 1).await;
    let path = format!("{BASE}/dimension-verifications");
    for (body, field) in [
        (json!({ "material": "ITEM-000" }), "dimensions"),
        (json!({ "material": "ITEM-000", "weight": { "value": "-1", "unit": "kg" } }), "weight.value"),
        (json!({ "material": "ITEM-000", "dimensions": { "length": "0", "width": "1", "height": "1" } }), "dimensions.length"),
        (json!({ "material": "ITEM-000", "weight": { "value": "1", "unit": "stone" } }), "weight.unit"),
    ] {
        let answer = warehouse.staff.post(&path, &body).await.expect(422);
        assert_eq!(answer["fields"][0]["field"].as_str().or(answer["errors"][0]["field"].as_str()), Some(field), "{answer:#}");
    }
    let nobody = json!({ "material": "NOBODY", "weight": { "value": "1", "unit": "kg" } });
    assert_eq!(warehouse.staff.post(&path, &nobody).await.status, 404);
    let viewer = warehouse.server.as_role(Role::Viewer).await;
    assert_eq!(viewer.post(&path, &measured("30", "2")).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_measurements_at_once_leave_one_last() {
    let warehouse = Warehouse::open(1, 1).await;
    let calls = (0..8).map(|n| {
        let (staff, body) = (warehouse.staff.clone(), measured("30", if n % 2 == 0 { "2" } else { "3" }));
        async move { staff.post(&format!("{BASE}/dimension-verifications"), &body).await.expect(201) }
    });
    futures::future::join_all(calls).await;
    let latest: i64 = sqlx::query_scalar("SELECT count(*) FROM material_dimension_verifications WHERE is_latest")
        .fetch_one(&mut warehouse.server.sql().await)
        .await
        .unwrap();
    assert_eq!(latest, 1);
}

/// A thing too heavy for any of the bins, so that its place is wanting.
async fn fail(warehouse: &Warehouse) -> Value {
    let heavy = json!({ "code": "HEAVY", "name": "Anvil", "weight": { "value": "900", "unit": "kg" },
        "dimensions": { "length": "50", "width": "50", "height": "50", "unit": "cm" } });
    warehouse.staff.post("/api/v1/inventory/items", &heavy).await.expect(201);
    let goods = json!({ "facility": "F1", "items": [{ "item": "HEAVY", "quantity": 1 }] });
    warehouse.staff.post(&format!("{BASE}/putaway/recommendations"), &goods).await.expect(201);
    let listed = warehouse.staff.get(&format!("{BASE}/capacity-failures?facility=F1")).await.expect(200);
    listed["items"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_tells_by_how_much_and_its_resolution_is_tried() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    let failure = fail(&warehouse).await;
    assert_eq!((&failure["failure_type"], &failure["reason_code"]), (&json!("WEIGHT"), &json!("TOO_HEAVY")));
    assert_eq!(failure["overflow_percentage"], 80.0, "900 kg where 500 may lie");
    assert_eq!((&failure["material_code"], &failure["quantity"]), (&json!("HEAVY"), &json!("1")));
    assert!(text(&failure["location_code"]).starts_with("BIN-"));
    assert_eq!(metrics(staff).await["capacity_failures"], 1);
    let resolve = format!("{BASE}/capacity-failures/{}/resolve", text(&failure["failure_id"]));
    let corrected = json!({ "resolution": "MASTER_DATA_CORRECTED", "notes": "it is 90 kg" });
    let version = item(staff, "HEAVY").await["version"].clone();
    let patch = json!({ "version": version, "weight": { "value": "90", "unit": "kg" } });
    staff.patch("/api/v1/inventory/items/HEAVY", &patch).await.expect(200);
    let done = staff.post_with_key(&resolve, "r1", &corrected).await.expect(200);
    assert_eq!((&done["resolved"], &done["fits_now"]), (&json!(true), &json!(true)));
    assert_eq!(staff.post_with_key(&resolve, "r1", &corrected).await.expect(200), done);
    assert_eq!(staff.post(&resolve, &corrected).await.status, 409, "once");
    let figures = metrics(staff).await;
    assert_eq!((&figures["capacity_failures"], &figures["remediation_success_rate"]), (&json!(0), &json!(100.0)));
    let resolved = staff.get(&format!("{BASE}/capacity-failures?resolved=true")).await.expect(200);
    assert_eq!(resolved["items"][0]["resolution"], "MASTER_DATA_CORRECTED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remedy_that_did_not_help_is_no_success() {
    let warehouse = Warehouse::open(2, 1).await;
    let failure = fail(&warehouse).await;
    let resolve = format!("{BASE}/capacity-failures/{}/resolve", text(&failure["failure_id"]));
    let body = json!({ "resolution": "CAPACITY_CHANGED", "notes": "somebody said so" });
    assert_eq!(warehouse.staff.post(&resolve, &body).await.expect(200)["fits_now"], false);
    assert_eq!(metrics(&warehouse.staff).await["remediation_success_rate"], 0.0);
    let logged = remediations(&warehouse.staff, "CAPACITY_CHANGED").await;
    assert_eq!((&logged[0]["succeeded"], &logged[0]["figures_after"]["overflow_percentage"]), (&json!(false), &json!(80.0)));
}

async fn staged(warehouse: &Warehouse) {
    let stage = json!({ "facility": "F1", "code": "STAGE", "type": "STAGING", "volume": { "value": "10", "unit": "m3" }, "max_weight": { "value": "5", "unit": "t" } });
    warehouse.admin.post("/api/v1/locations", &stage).await.expect(201);
    warehouse.stock("ITEM-000", "F1/STAGE", 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_of_a_cancelled_cross_docking_go_into_storage() {
    let warehouse = Warehouse::open(3, 1).await;
    let staff = &warehouse.staff;
    staged(&warehouse).await;
    let path = format!("{BASE}/cross-dock/cancellations");
    let cancel = json!({ "location": "F1/STAGE", "material": "ITEM-000", "quantity": "4", "order_reference": "SO-7", "reason": "the customer withdrew" });
    let made = staff.post(&path, &cancel).await.expect(201);
    assert_eq!((&made["status"], &made["quantity"]), (&json!("PENDING"), &json!("4")));
    assert!(text(&made["recommended_location_code"]).starts_with("BIN-"));
    assert_eq!(metrics(staff).await["pending_relocations"], 1);
    let mut rest = cancel.clone();
    rest["quantity"] = "7".into();
    let too_much = staff.post(&path, &rest).await;
    assert_eq!((too_much.status.as_u16(), too_much.code()), (409, "STOCK_INSUFFICIENT"), "six are free, four are spoken for");
    let dock = json!({ "location": "F1/DOCK", "material": "ITEM-000", "reason": "x" });
    assert_eq!(staff.post(&path, &dock).await.status, 422, "only STAGING is cross-docked from");
    let relocate = format!("{path}/{}/relocate", text(&made["cancellation_id"]));
    let to_stage = staff.post(&relocate, &json!({ "location": "F1/STAGE" })).await;
    assert_eq!(to_stage.status, 409, "{:#}", to_stage.body);
    let moved = staff.post(&relocate, &json!({})).await.expect(200);
    assert_eq!(moved["status"], "RELOCATED");
    assert_eq!(staff.post(&relocate, &json!({})).await.status, 409);
    let mut places = warehouse.on_hand("ITEM-000").await;
    places.sort();
    assert_eq!(places, [(text(&moved["relocated_to_code"]), "4".to_owned()), ("STAGE".to_owned(), "6".to_owned())]);
    assert_eq!(metrics(staff).await["pending_relocations"], 0);
    assert_eq!(remediations(staff, "GOODS_RELOCATED").await.len(), 1);
    warehouse.server.assert_invariants().await;
}

// C057
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_query_of_data_quality_works() {
    let warehouse = Warehouse::open(1, 1).await;
    let query = |tenant: &str| {
        format!(
            r#"query TestDataQuality {{ getDataQualityMetrics(tenantId: "{tenant}" facilityId: "F1") {{ materialsVerified capacityFailures pendingRelocations remediationSuccessRate }} }}"#
        )
    };
    let data = warehouse.staff.graphql(&query("acme")).await;
    assert_eq!(
        data["getDataQualityMetrics"],
        json!({ "materialsVerified": 0, "capacityFailures": 0, "pendingRelocations": 0, "remediationSuccessRate": null })
    );
    let request = warehouse.staff.request(Method::POST, "/graphql").json(&json!({ "query": query("tenant-prod-001") }));
    let foreign = warehouse.staff.send(request).await.expect(200);
    assert_eq!(foreign["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn graphql_and_rest_are_the_same_services() {
    let warehouse = Warehouse::open(2, 1).await;
    let failure = fail(&warehouse).await;
    let data = warehouse
        .staff
        .graphql(r#"mutation { verifyMaterialDimensions(input: { material: "ITEM-000", weight: { value: "2.1", unit: "kg" } }) { status weightVariancePercentage masterUpdated } }"#)
        .await;
    assert_eq!(
        data["verifyMaterialDimensions"],
        json!({ "status": "VERIFIED", "weightVariancePercentage": 5.0, "masterUpdated": false })
    );
    let data = warehouse.staff.graphql("{ getCapacityValidationFailures(facilityId: \"F1\") { items { failureId overflowPercentage } } dimensionVerifications { items { materialCode } } }").await;
    assert_eq!(data["getCapacityValidationFailures"]["items"][0]["failureId"], failure["failure_id"]);
    assert_eq!(data["dimensionVerifications"]["items"][0]["materialCode"], "ITEM-000");
    let resolve = format!(
        r#"mutation {{ resolveCapacityFailure(failureId: "{}", input: {{ resolution: NO_ACTION_NEEDED, notes: "a test" }}) {{ resolved resolvedBy }} }}"#,
        text(&failure["failure_id"])
    );
    assert_eq!(warehouse.staff.graphql(&resolve).await["resolveCapacityFailure"]["resolved"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organisation_sees_nothing_of_it() {
    let warehouse = Warehouse::open(2, 1).await;
    let failure = fail(&warehouse).await;
    let seen = verify(&warehouse.staff, &measured("30", "3")).await;
    let rival = warehouse.server.caller(Some(warehouse.server.token("rival", Role::SuperAdmin).await));
    let of = |kind: &str, id: &Value| format!("{BASE}/{kind}/{}", text(id));
    for path in [of("capacity-failures", &failure["failure_id"]), of("dimension-verifications", &seen["verification_id"])] {
        assert_eq!(warehouse.staff.get(&path).await.status, 200);
        assert_eq!(rival.get(&path).await.status, 404);
    }
    for list in ["capacity-failures", "dimension-verifications", "remediations", "cross-dock/cancellations"] {
        assert_eq!(rival.get(&format!("{BASE}/{list}")).await.expect(200)["items"], json!([]), "{list}");
    }
    let resolve = format!("{}/resolve", of("capacity-failures", &failure["failure_id"]));
    assert_eq!(rival.post(&resolve, &json!({ "resolution": "NO_ACTION_NEEDED", "notes": "mine" })).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn live_utilisation_sees_a_movement_at_once_and_the_cache_after_its_refresh() {
    let warehouse = Warehouse::open(2, 1).await;
    let staff = &warehouse.staff;
    let refresh = async || {
        let jobs = entrepot::wiring::jobs();
        jobs.run_chore(&warehouse.server.app, "refresh_bin_util").await.unwrap()
    };
    assert_eq!(refresh().await, "refreshed");
    // 6 litres and 2 kg each into 1,800 litres and 500 kg.
    warehouse.stock("ITEM-000", "F1/BIN-000", 200).await;
    let query = r#"{ analyzeBinUtilization(locationId: "F1/BIN-000") { volumeUtilization weightUtilization status }
                     getBinUtilizationCache(facilityId: "F1") { items { locationCode volumeUtilization status } ageMinutes } }"#;
    let data = staff.graphql(query).await;
    assert_eq!(
        data["analyzeBinUtilization"],
        json!({ "volumeUtilization": 66.7, "weightUtilization": 80.0, "status": "OPTIMAL" })
    );
    let cached = &data["getBinUtilizationCache"];
    assert_eq!(cached["items"][0], json!({ "locationCode": "BIN-000", "volumeUtilization": 0.0, "status": "UNDERUTILIZED" }));
    assert!(cached["ageMinutes"].as_f64().unwrap() < 1.0);
    refresh().await;
    let data = staff.graphql(query).await;
    assert_eq!(data["getBinUtilizationCache"]["items"][0]["volumeUtilization"], 66.7);
    let rest = staff.get(&format!("{BASE}/bin-utilization-cache?facility=F1&limit=1")).await.expect(200);
    assert_eq!((rest["items"].as_array().unwrap().len(), rest["items"][0]["used_volume_cm3"].as_i64()), (1, Some(1_200_000)));
    let next =
        staff.get(&format!("{BASE}/bin-utilization-cache?facility=F1&limit=1&cursor={}", text(&rest["next_cursor"]))).await;
    assert_eq!(next.expect(200)["items"][0]["location_code"], "BIN-001");
    let whole = staff.graphql(r#"{ analyzeWarehouseUtilization(facilityId: "F1") { locations emptyLocations volumeUtilization byStatus { name locations } fullest { locationCode } } }"#).await;
    assert_eq!(
        whole["analyzeWarehouseUtilization"],
        json!({ "locations": 2, "emptyLocations": 1, "volumeUtilization": 33.3, "fullest": [{ "locationCode": "BIN-000" }],
                "byStatus": [{ "name": "OPTIMAL", "locations": 1 }, { "name": "UNDERUTILIZED", "locations": 1 }] })
    );
    let rival = warehouse.server.caller(Some(warehouse.server.token("rival", Role::SuperAdmin).await));
    rival.post("/api/v1/facilities", &json!({ "code": "F1", "name": "Theirs" })).await.expect(201);
    let theirs = rival.get(&format!("{BASE}/bin-utilization-cache?facility=F1")).await.expect(200);
    assert_eq!((&theirs["items"], &theirs["last_updated"]), (&json!([]), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daily_audit_keeps_figures_and_closes_what_is_about_nothing() {
    let warehouse = Warehouse::open(2, 1).await;
    fail(&warehouse).await;
    let audit = async || entrepot::wiring::jobs().run_chore(&warehouse.server.app, "audit data quality").await.unwrap();
    assert_eq!(audit().await, "1 findings in 1 organisations");
    // Without its triggers the table takes a row about an item that nobody has.
    let mut sql = warehouse.server.sql().await;
    for statement in [
        "ALTER TABLE capacity_validation_failures DISABLE TRIGGER ALL",
        "INSERT INTO capacity_validation_failures (tenant_id, failure_type, material_id) VALUES ('acme', 'VOLUME', gen_random_uuid())",
        "ALTER TABLE capacity_validation_failures ENABLE TRIGGER ALL",
    ] {
        sqlx::query(statement).execute(&mut sql).await.unwrap();
    }
    audit().await;
    let logged = remediations(&warehouse.staff, "DATA_QUALITY_AUDIT").await;
    assert_eq!(logged.len(), 2);
    assert_eq!(logged[0]["figures_after"]["capacity_failures_closed"], 1);
    assert_eq!(logged[0]["figures_before"], logged[1]["figures_after"], "each day stands beside the one before");
    assert_eq!(metrics(&warehouse.staff).await["remediations"], 0, "looking is no remedy");
}

async fn html(caller: &Caller, method: Method, path: &str, form: &[(&str, &str)]) -> (u16, String, String) {
    let request = caller.request(method, path).header("accept", "text/html");
    let answer = if form.is_empty() { request } else { request.form(form) }.send().await.unwrap();
    let location = answer.headers().get("location").map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location, answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_leads_to_every_finding_and_its_forms_settle_them() {
    let warehouse = Warehouse::open(2, 1).await;
    let (staff, admin) = (&warehouse.staff, &warehouse.admin);
    let failure = text(&fail(&warehouse).await["failure_id"]);
    staff.post("/api/v1/inventory/items", &json!({ "code": "FOG", "name": "Fog" })).await.expect(201);
    staged(&warehouse).await;
    let cancel = json!({ "location": "F1/STAGE", "material": "ITEM-000", "reason": "withdrawn" });
    let cancelled = staff.post(&format!("{BASE}/cross-dock/cancellations"), &cancel).await.expect(201);
    let form = [("idempotency_key", "m"), ("material", "ITEM-000"), ("weight", "5"), ("weight_unit", "kg")];
    let (status, next, _) = html(staff, Method::POST, "/quality/measure", &form).await;
    assert!(status == 303 && next.starts_with("/quality/verifications/"), "{status} {next}");
    let (_, _, inbox) = html(staff, Method::GET, "/quality", &[]).await;
    for part in
        ["Measurements to decide", "Goods that found no place", "Without size or weight", "FOG", "To bring back", "withdrawn"]
    {
        assert!(inbox.contains(part), "{part} is missing");
    }
    let bad = [("idempotency_key", "n"), ("material", "ITEM-000"), ("length", "3"), ("weight", "heavy")];
    let (status, _, again) = html(staff, Method::POST, "/quality/measure", &bad).await;
    assert!(status == 422 && again.contains("value=\"heavy\"") && again.contains("is needed too"), "{status}");
    let (_, _, page) = html(staff, Method::GET, &next, &[]).await;
    assert!(!page.contains("Decide</button>"), "not for everybody");
    let decide = [("idempotency_key", "d"), ("decision", "KEEP_MASTER"), ("notes", "wrong scale")];
    assert_eq!(html(admin, Method::POST, &next, &decide).await.1, "/quality");
    let resolve = [("idempotency_key", "r"), ("resolution", "STORED_ELSEWHERE"), ("notes", "in the yard")];
    assert_eq!(html(staff, Method::POST, &format!("/quality/failures/{failure}"), &resolve).await.1, "/quality");
    let path = format!("/quality/relocations/{}", text(&cancelled["cancellation_id"]));
    assert_eq!(html(staff, Method::POST, &path, &[("idempotency_key", "l")]).await.1, "/quality");
    let (_, _, after) = html(staff, Method::GET, "/quality?facility=F1", &[]).await;
    assert!(
        !after.contains("Measurements to decide")
            && !after.contains("To bring back from staging")
            && after.contains("What was done")
    );
}
