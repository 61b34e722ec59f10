//! The console's pages and forms as a browser without scripts sends and sees them.

use platform::auth::Role;
use reqwest::{Method, RequestBuilder, StatusCode};

use crate::harness::{Caller, Server, Warehouse, eventually};

struct Shown {
    status: StatusCode,
    location: String,
    kind: String,
    html: String,
}

async fn shown(request: RequestBuilder) -> Shown {
    let answer = request.header("accept", "text/html").send().await.expect("the server answers");
    let header = |name: &str| answer.headers().get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
    let (status, location, kind) = (answer.status(), header("location"), header("content-type"));
    Shown { status, location, kind, html: answer.text().await.unwrap() }
}

async fn open(caller: &Caller, path: &str) -> Shown {
    shown(caller.request(Method::GET, path)).await
}

async fn send(caller: &Caller, path: &str, fields: &[(&str, &str)]) -> Shown {
    shown(caller.request(Method::POST, path).form(fields)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_a_page_for_people_and_a_problem_for_programs() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (method, path, status) in
        [(Method::GET, "/no-such-page", 404), (Method::GET, "/theme", 405), (Method::GET, "/items/nothing", 404)]
    {
        let page = shown(admin.request(method, path)).await;
        assert_eq!((page.status.as_u16(), page.kind.as_str()), (status, "text/html; charset=utf-8"), "{path}");
        assert!(page.html.contains("<h1>"), "{path}");
    }
    let program = admin.get("/api/v1/no-such-thing").await;
    assert_eq!((program.status.as_u16(), program.code()), (404, "NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_once_and_a_form_that_is_sent_twice_says_so() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = [("idempotency_key", "one"), ("name", "Ann"), ("email", "ann@acme.example"), ("role", "STAFF")];
    let first = send(&admin, "/users", &user).await;
    assert!(first.status == 200 && first.html.contains("<output>"), "{}", first.html);
    let again = send(&admin, "/users", &user).await;
    assert!(again.status == 303 && again.location.starts_with("/users/"), "{} {}", again.status, again.location);
    let token = [("idempotency_key", "two"), ("name", "Scale"), ("role", "STAFF"), ("days", "30")];
    let first = send(&admin, "/tokens", &token).await;
    assert!(first.html.contains("<output>ent_"));
    assert!(first.html.contains(r#"value="90" selected"#), "the next token is not proposed without an end");
    let again = send(&admin, "/tokens", &token).await;
    assert_eq!((again.status.as_u16(), again.location.as_str()), (303, "/tokens"));
    let form = open(&admin, &send(&admin, "/users", &user).await.location).await;
    assert!(!form.html.contains(r#"name="email""#), "an address that cannot be changed is no input");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_columns_maps_the_file() {
    let warehouse = Warehouse::open(0, 0).await;
    let page = open(&warehouse.staff, "/imports").await;
    assert!(page.html.contains(r#"name="column:items:code""#));
    let fields = [
        ("kind", "items"),
        ("length_unit", "mm"),
        ("weight_unit", "g"),
        ("column:items:code", "sku"),
        ("column:items:name", "title"),
        ("column:locations:code", "place"),
    ];
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    body.push_str(
        "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nsku,title\r\nX-1,Lamp\r\n\r\n--B--\r\n",
    );
    let request =
        warehouse.staff.request(Method::POST, "/imports").header("content-type", "multipart/form-data; boundary=B").body(body);
    let sent = shown(request).await;
    assert_eq!(sent.status, 303, "{}", sent.html);
    let _jobs = warehouse.server.with_jobs();
    let staff = &warehouse.staff;
    eventually(std::time::Duration::from_secs(20), "the import ends", async || {
        !open(staff, &sent.location).await.html.contains("every=\"2000\"")
    })
    .await;
    assert_eq!(staff.get("/api/v1/inventory/items/X-1").await.expect(200)["name"], "Lamp");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_sent_again_with_other_values_speaks_to_people() {
    let server = Server::start().await;
    let staff = server.as_role(Role::Staff).await;
    let item = |key, code, barcode| {
        [("idempotency_key", key), ("code", code), ("name", "Lamp"), ("base_unit", "EA"), ("barcodes[0].barcode", barcode)]
    };
    assert_eq!(send(&staff, "/items", &item("one", "A", "4006381333931")).await.status, 303);
    let changed = send(&staff, "/items", &item("one", "B", "")).await;
    assert!(changed.status == 409 && !changed.html.contains("idempotency key"), "{}", changed.html);
    assert!(changed.html.contains(r#"value="B""#), "what was typed is kept");
    let taken = send(&staff, "/items", &item("two", "B", "4006381333931")).await;
    assert!(taken.html.contains(r#"id="f-barcodes-error""#), "the message stands beside the barcodes");
}
