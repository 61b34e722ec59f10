//! Signing in by the pages as a browser without scripts does: the session's token on each form, the code as a second step,
//! the sessions on the account page.

use chrono::TimeDelta;
use platform::auth::Role;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::json;

use crate::harness::{Server, text};
use crate::second_factor::code;
use crate::sign_in::{PASSWORD, login, standing, with_token};

struct Page {
    status: StatusCode,
    location: String,
    html: String,
}

/// A browser with its cookies.
struct Browser {
    client: Client,
    url: String,
}

impl Browser {
    fn new(server: &Server) -> Self {
        let client = Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { client, url: server.url.clone() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url)).header("accept", "text/html");
        request.header("user-agent", "Test browser 1.0")
    }

    async fn send(&self, request: RequestBuilder) -> Page {
        let answer = request.send().await.unwrap();
        let location = answer.headers().get("location").map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
        Page { status: answer.status(), location, html: answer.text().await.unwrap().replace("&#x2f;", "/") }
    }

    async fn get(&self, path: &str) -> Page {
        self.send(self.request(Method::GET, path)).await
    }

    /// As a browser sends a form: with the origin.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send(self.request(Method::POST, path).header("origin", &self.url).form(fields)).await
    }

    async fn sign_in(&self) -> Page {
        self.post("/sign-in", &[("email", "ann@acme.example"), ("password", PASSWORD), ("next", "/account")]).await
    }

    async fn csrf(&self) -> String {
        hidden(&self.get("/account").await.html, "csrf_token")
    }
}

fn hidden(html: &str, name: &str) -> String {
    let (_, rest) = html.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name} in {html}"));
    rest.split_once('"').unwrap().0.to_owned()
}

// C246
#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_cookie_needs_the_sessions_token_and_a_bearer_token_does_not() {
    let (server, _) = standing(|_| {}).await;
    let browser = Browser::new(&server);
    let signed_in = browser.sign_in().await;
    assert_eq!((signed_in.status.as_u16(), signed_in.location.as_str()), (303, "/account"));
    let token = browser.csrf().await;
    assert_ne!(token, browser.csrf().await, "each page carries other bytes");

    let other = Browser::new(&server);
    other.sign_in().await;
    let foreign = other.csrf().await;
    for fields in
        [&[("theme", "dark")][..], &[("theme", "dark"), ("csrf_token", "")], &[("theme", "dark"), ("csrf_token", &foreign)]]
    {
        let refused = browser.post("/theme", fields).await;
        assert_eq!(refused.status, 403, "{fields:?}");
        assert!(refused.html.contains("CSRF_REFUSED"), "{}", refused.html);
    }
    assert_eq!(browser.post("/theme", &[("theme", "dark"), ("csrf_token", &token)]).await.status, 303);
    let elsewhere = browser.request(Method::POST, "/theme").header("origin", "https://evil.example");
    let refused = browser.send(elsewhere.form(&[("theme", "dark"), ("csrf_token", token.as_str())])).await;
    assert!(refused.status == 403 && refused.html.contains("CROSS_ORIGIN"), "the token does not replace the origin");

    let item = json!({ "code": "A", "name": "Thing" });
    let send = async |header: Option<&str>| {
        let mut request = browser.request(Method::POST, "/api/v1/inventory/items").header("origin", &server.url).json(&item);
        if let Some(token) = header {
            request = request.header("x-csrf-token", token);
        }
        browser.send(request).await.status.as_u16()
    };
    assert_eq!(
        [send(None).await, send(Some("x")).await, send(Some(&foreign)).await, send(Some(&token)).await],
        [403, 403, 403, 201]
    );
    let program = with_token(&server, &login(&server).await);
    program.post("/api/v1/inventory/items", &json!({ "code": "B", "name": "Thing" })).await.expect(201);
    assert_eq!(browser.get("/items").await.status, 200, "looking needs no token");
}

// C246
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_carries_the_token_as_its_first_field_and_arrives_whole() {
    let (server, _) = standing(|_| {}).await;
    let browser = Browser::new(&server);
    browser.sign_in().await;
    let token = hidden(&browser.get("/imports").await.html, "csrf_token");
    let rows: String = (0..2_000).map(|n| format!("ITEM-{n},Item number {n}\n")).collect();
    let upload = async |token: Option<&str>| {
        let mut form = reqwest::multipart::Form::new();
        if let Some(token) = token {
            form = form.text("csrf_token", token.to_owned());
        }
        let file = reqwest::multipart::Part::text(format!("code,name\n{rows}")).file_name("items.csv");
        let form = form.text("kind", "items").part("file", file);
        browser.send(browser.request(Method::POST, "/imports").header("origin", &server.url).multipart(form)).await
    };
    assert_eq!([upload(None).await.status.as_u16(), upload(Some("x")).await.status.as_u16()], [403, 403]);
    let taken = upload(Some(&token)).await;
    assert!(taken.status == 303 && taken.location.starts_with("/imports/"), "{} {}", taken.status, taken.html);
    let size: i32 =
        sqlx::query_scalar("SELECT length(content) FROM platform.imports").fetch_one(&mut server.sql().await).await.unwrap();
    assert!(size > 0, "the file is there");
}

// C246
#[tokio::test(flavor = "multi_thread")]
async fn without_the_protection_the_origin_alone_decides() {
    let (server, _) = standing(|config| config.enable_csrf_protection = false).await;
    let browser = Browser::new(&server);
    browser.sign_in().await;
    assert_eq!(browser.post("/theme", &[("theme", "dark")]).await.status, 303);
    let elsewhere = browser.request(Method::POST, "/theme").header("origin", "https://evil.example").form(&[("theme", "dark")]);
    assert_eq!(browser.send(elsewhere).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_factor_is_set_up_and_asked_for_by_pages() {
    let (server, env) = standing(|_| {}).await;
    let browser = Browser::new(&server);
    browser.sign_in().await;
    let csrf = browser.csrf().await;
    let wrong = browser.post("/account/second-factor", &[("csrf_token", &csrf), ("current_password", "wrong")]).await;
    assert!(wrong.status == 422 && wrong.html.contains("must be the present password"), "{}", wrong.html);
    let setup = browser.post("/account/second-factor", &[("csrf_token", &csrf), ("current_password", PASSWORD)]).await;
    assert!(setup.html.contains("src=\"data:image/svg+xml;base64,"), "{}", setup.html);
    let secret = setup.html.split_once("<output>").unwrap().1.split_once("</output>").unwrap().0.to_owned();
    let mistyped = browser.post("/account/second-factor/confirm", &[("csrf_token", &csrf), ("code", "12345")]).await;
    assert!(mistyped.status == 422 && mistyped.html.contains(&secret), "the same secret again");
    let now = code(&secret, env.now());
    let codes = browser.post("/account/second-factor/confirm", &[("csrf_token", &csrf), ("code", &now)]).await;
    assert_eq!(codes.status, 200, "{}", codes.html);
    let codes = codes.html.split_once("<output class=\"lines\">").unwrap().1.split_once("</output>").unwrap().0.trim().to_owned();
    let codes: Vec<&str> = codes.lines().map(str::trim).collect();
    assert_eq!(codes.len(), 10, "{codes:?}");
    assert!(browser.get("/account").await.html.contains("10 recovery codes left"));

    env.advance(TimeDelta::seconds(30));
    let later = Browser::new(&server);
    let step = later.sign_in().await;
    assert!(step.status == 200 && step.html.contains("Enter the code"), "{}", step.html);
    let (ticket, next) = (hidden(&step.html, "ticket"), hidden(&step.html, "next"));
    assert_eq!(later.get("/account").await.status, 303, "not in yet");
    assert_eq!(next, "/account");
    let refused = later.post("/sign-in/code", &[("ticket", &ticket), ("code", "000000"), ("next", &next)]).await;
    assert!(refused.status == 401 && refused.html.contains(&ticket), "{}", refused.html);
    let now = code(&secret, env.now());
    let forged = later.post("/sign-in/code", &[("ticket", "AAAA"), ("code", &now)]).await;
    assert_eq!(forged.location, "/sign-in");
    let elsewhere = later.request(Method::POST, "/sign-in/code").form(&[("ticket", ticket.as_str()), ("code", now.as_str())]);
    assert_eq!(later.send(elsewhere).await.status, 403, "from our own form only");
    let entered = later.post("/sign-in/code", &[("ticket", &ticket), ("code", &now), ("next", &next)]).await;
    assert_eq!((entered.status.as_u16(), entered.location.as_str()), (303, "/account"), "{}", entered.html);
    assert_eq!(later.get("/account").await.status, 200);

    let third = Browser::new(&server);
    let ticket = hidden(&third.sign_in().await.html, "ticket");
    let entered = third.post("/sign-in/code", &[("ticket", &ticket), ("recovery_code", codes[3])]).await;
    assert_eq!(entered.location, "/", "{}", entered.html);
    let fourth = Browser::new(&server);
    let ticket = hidden(&fourth.sign_in().await.html, "ticket");
    env.advance(TimeDelta::minutes(5));
    let late = fourth.post("/sign-in/code", &[("ticket", &ticket), ("code", &code(&secret, env.now()))]).await;
    assert_eq!(late.location, "/sign-in", "a ticket holds five minutes");

    let admin = server.as_role(Role::Admin).await;
    let user = admin.get("/api/v1/users/ann@acme.example").await.expect(200);
    let path = format!("/users/{}", text(&user["user_id"]));
    let page = admin.request(Method::GET, &path).header("accept", "text/html").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Reset second factor"));
    admin.request(Method::POST, &format!("{path}/reset-second-factor")).form(&[("x", "y")]).send().await.unwrap();
    assert_eq!(Browser::new(&server).sign_in().await.status, 303, "the password is enough again");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_by_their_owner() {
    let (server, _) = standing(|_| {}).await;
    let (here, there) = (Browser::new(&server), Browser::new(&server));
    here.sign_in().await;
    there.sign_in().await;
    let program = login(&server).await;
    let page = here.get("/account").await.html;
    assert_eq!((page.matches("Test browser 1.0").count(), page.matches("This one").count()), (2, 1), "{page}");
    let csrf = hidden(&page, "csrf_token");
    let ends: Vec<&str> = page
        .split("action=\"")
        .filter_map(|part| part.split_once('"'))
        .map(|(path, _)| path)
        .filter(|path| path.ends_with("/end"))
        .collect();
    assert_eq!(ends.len(), 2, "all but one's own");
    assert_eq!(here.post(ends[0], &[("csrf_token", &csrf)]).await.location, "/account");
    assert_eq!(here.get("/account").await.html.matches("/end\"").count(), 1);
    let out = here.post("/account/sign-out-everywhere", &[("csrf_token", &csrf)]).await;
    assert_eq!((out.status.as_u16(), out.location.as_str()), (303, "/sign-in"));
    for browser in [&here, &there] {
        assert_eq!(browser.get("/account").await.status, 303);
    }
    assert_eq!(with_token(&server, &program).get("/api/v1/auth/verify").await.status, 401);
}
