//! CSV files through REST, and the real ones through the same code.

use std::time::{Duration, Instant};

use kernel::TenantId;
use platform::auth::Actor;
use platform::imports::{self, Options, Report, Source};
use platform::tabular::{Limits, Units};
use reqwest::Method;
use serde_json::Value;

use crate::harness::{Caller, Server, Warehouse, eventually, real_data, text};

async fn upload(caller: &Caller, query: &str, body: impl Into<reqwest::Body>) -> crate::harness::Answer {
    caller
        .send(caller.request(Method::POST, &format!("/api/v1/imports?{query}")).header("content-type", "text/csv").body(body))
        .await
}

/// Uploads, waits for the job, returns what became of it.
pub async fn import(caller: &Caller, query: &str, body: impl Into<reqwest::Body>) -> Value {
    let id = text(&upload(caller, query, body).await.expect(202)["import_id"]);
    let path = format!("/api/v1/imports/{id}");
    eventually(Duration::from_secs(30), "the import", async || {
        !matches!(text(&caller.get(&path).await.expect(200)["state"]).as_str(), "QUEUED" | "RUNNING")
    })
    .await;
    caller.get(&path).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_taken_whole_or_not_at_all() {
    let server = Server::start().await.with_jobs();
    let staff = server.admin().await;
    let bad = "code,name,weight_kg\nA,One,1\nB,Two,heavy\nA,Again,1\n,Nameless,1\n";
    let refused = import(&staff, "kind=items&file_name=bad.csv", bad).await;
    assert_eq!(refused["state"], "REFUSED", "{refused:#}");
    let faults = refused["report"]["bad"].as_array().unwrap();
    let lines: Vec<_> = faults.iter().map(|fault| fault["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [3, 4, 5], "{faults:#?}");
    assert!(faults.iter().all(|fault| !text(&fault["reason"]).is_empty() && !text(&fault["mend"]).is_empty()));
    assert_eq!(staff.get("/api/v1/inventory/items").await.expect(200)["items"].as_array().unwrap().len(), 0);
    let partial = import(&staff, "kind=items&skip_bad=true&file_name=bad.csv", bad).await;
    assert_eq!((&partial["state"], &partial["created"]), (&Value::from("DONE"), &Value::from(1)), "{partial:#}");
    let trial = import(&staff, "kind=items&dry_run=true&file_name=good.csv", "code,name\nC,Three\n").await;
    assert_eq!(trial["state"], "DONE");
    assert_eq!(staff.get("/api/v1/inventory/items/C").await.status, 404, "a dry run keeps nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_again_changes_nothing() {
    let server = Server::start().await.with_jobs();
    let staff = server.admin().await;
    let file = "code,name,length_cm,width_cm,height_cm\nA,One,10,20,30\nB,Two,,,\n";
    let first = import(&staff, "kind=items", file).await;
    assert_eq!(first["report"]["created"], 2, "{first:#}");
    let second = import(&staff, "kind=items", file).await;
    assert_eq!(
        (&second["report"]["created"], &second["report"]["updated"], &second["report"]["unchanged"]),
        (&Value::from(0), &Value::from(0), &Value::from(2))
    );
    assert_eq!(staff.get("/api/v1/inventory/items/A").await.expect(200)["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn encodings_and_delimiters_are_found_out() {
    let server = Server::start().await.with_jobs();
    let staff = server.admin().await;
    let latin1 = b"code;name\r\nK;K\xe4se\r\n".to_vec();
    import(&staff, "kind=items", latin1).await;
    assert_eq!(staff.get("/api/v1/inventory/items/K").await.expect(200)["name"], "Käse");
    let bom = "\u{feff}code\tname\r\nT\t\"a \"\"quoted\"\" name\"\r\n";
    import(&staff, "kind=items", bom).await;
    assert_eq!(staff.get("/api/v1/inventory/items/T").await.expect(200)["name"], "a \"quoted\" name");
    let awkward =
        "\u{feff}code;name;weight (kg);description\r\n\"A;1\";\"M\u{fc}ller \"\"X\"\"\";1.5;\r\nB;Bee;2;\"two\nlines\"\r\n";
    let done = import(&staff, "kind=items", awkward).await;
    assert_eq!((&done["state"], &done["report"]["created"]), (&Value::from("DONE"), &Value::from(2)), "{done:#}");
    let item = staff.get("/api/v1/inventory/items/A%3B1").await.expect(200);
    assert_eq!((&item["name"], &item["weight"]["value"]), (&Value::from("M\u{fc}ller \"X\""), &Value::from("1500")));
    let unknown = import(&staff, "kind=items", "cod,name\nA,One\n").await;
    assert_eq!(unknown["state"], "REFUSED");
    assert!(unknown.to_string().contains("code"), "names the missing column: {unknown:#}");
    let empty = upload(&staff, "kind=items", "").await;
    assert_eq!(empty.status, 422);
    let kind = upload(&staff, "kind=spaceships", "code\nA\n").await;
    assert_eq!(kind.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_are_refused_without_being_kept() {
    let server = Server::start().await.with_jobs();
    let staff = server.admin().await;
    let chunk = bytes_of("A,One\n", 1 << 20);
    let stream = futures::stream::iter((0..200).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    let request = staff
        .request(Method::POST, "/api/v1/imports?kind=items")
        .header("content-type", "text/csv")
        .body(reqwest::Body::wrap_stream(stream));
    // A server that answers before the body is read may cut the connection; both protect it.
    if let Ok(response) = request.send().await {
        assert_eq!(response.status(), 413);
    }
    staff.get("/api/v1/inventory/items").await.expect(200);
    let listed = staff.get("/api/v1/imports").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 0);
}

fn bytes_of(row: &str, length: usize) -> Vec<u8> {
    row.bytes().cycle().take(length).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn locations_are_imported_into_their_facility() {
    let warehouse = Warehouse::open(0, 0).await;
    let warehouse = Warehouse { server: warehouse.server.with_jobs(), ..warehouse };
    let file = "code,type,length_mm,width_mm,height_mm,max_weight_kg,pick_sequence\nA-1,PUTAWAY,1200,800,900,400,1\nA-2,NOWHERE,1200,800,900,400,2\n";
    let refused = import(&warehouse.admin, "kind=locations&facility=F1", file).await;
    assert_eq!(refused["state"], "REFUSED", "{refused:#}");
    let done = import(&warehouse.admin, "kind=locations&facility=F1", file.replace("NOWHERE", "RESERVE")).await;
    assert_eq!(done["report"]["created"], 2, "{done:#}");
    warehouse.staff.get("/api/v1/locations/F1%2FA-2").await.expect(200);
}

const OLIST: &str = "code=product_id,name=product_id,category=product_category_name,weight=product_weight_g,\
                     length=product_length_cm,height=product_height_cm,width=product_width_cm";

async fn run(server: &Server, content: Vec<u8>, dry_run: bool) -> Report {
    server.admin().await;
    let tenant: TenantId = "acme".parse().unwrap();
    let actor = Actor::system(tenant, server.app.env.clone(), "test");
    let options =
        Options { map: Options::parse_map(OLIST).unwrap(), units: Units::default(), dry_run, skip_bad: true, facility: None };
    let source = Source { name: "olist.csv.zst".into(), content: Box::new(std::io::Cursor::new(content)), limits: Limits::FILE };
    let importers = entrepot::wiring::importers();
    imports::run_import(&server.app, &actor, importers[0].as_ref(), source, &options, &|_| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn real_products_are_imported() {
    let fixture = "product_id,product_category_name,product_weight_g,product_length_cm,product_height_cm,product_width_cm\n\
                   1e9e8ef0,perfumaria,225,16,10,14\n3aa07113,artes,1000,30,18,20\n09ff5396,,,,,\nbad00001,artes,heavy,30,18,20\n";
    let (content, rows) = match real_data("olist/olist_products_dataset.csv.zst") {
        Some(path) => (std::fs::read(path).unwrap(), 32_951),
        None => (fixture.as_bytes().to_vec(), 4),
    };
    let server = Server::start().await;
    let started = Instant::now();
    let report = run(&server, content.clone(), false).await;
    assert_eq!(report.rows_total, rows);
    assert!(report.rows_bad > 0 && report.rows_bad < rows / 3 + 1, "{} bad", report.rows_bad);
    assert_eq!(report.created + report.rows_bad, rows, "every row is created or reported");
    assert!(started.elapsed() < Duration::from_secs(60), "a debug build: {:?}", started.elapsed());
    let again = run(&server, content, false).await;
    assert_eq!((again.created, again.updated), (0, 0), "idempotent by code");
}
