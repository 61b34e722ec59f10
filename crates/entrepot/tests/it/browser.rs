//! The console as a person uses it: headless Chromium clicks, looks and leaves screenshots in target/screenshots.

use std::collections::HashSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use entrepot::demo;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use crate::harness::{Server, eventually};

/// One chromedriver with one browser; both end with the test.
struct Browser {
    client: Client,
    driver: Child,
    profile: PathBuf,
    url: String,
}

impl Browser {
    async fn open(server: &Server) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let profile = PathBuf::from(format!("/tmp/entrepot-browser-{}-{port}", std::process::id()));
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (make test does that)");
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--window-size=1280,900",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".into(), json!({ "args": arguments }));
        capabilities.insert("goog:loggingPrefs".into(), json!({ "browser": "ALL" }));
        let mut client = None;
        for _ in 0..100 {
            match ClientBuilder::new(hyper_connector())
                .capabilities(capabilities.clone())
                .connect(&format!("http://127.0.0.1:{port}"))
                .await
            {
                Ok(connected) => {
                    client = Some(connected);
                    break;
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        Self { client: client.expect("chromedriver answers"), driver, profile, url: server.url.clone() }
    }

    async fn go(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.url)).await.unwrap();
    }

    async fn fill(&self, css: &str, text: &str) {
        self.with(css, async |field| {
            field.clear().await?;
            field.send_keys(text).await
        })
        .await;
    }

    async fn click(&self, css: &str) {
        self.with(css, async |element| element.click().await).await;
    }

    /// As a person does: who reaches for something that the page just replaced reaches again.
    async fn with(&self, css: &str, act: impl AsyncFn(Element) -> Result<(), CmdError>) {
        let started = Instant::now();
        loop {
            let done = match self.client.find(Locator::Css(css)).await {
                Ok(element) => act(element).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => return,
                Err(error) => assert!(started.elapsed() < Duration::from_secs(5), "{css}: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// In one step: an element that was found may be gone with its page before it is asked.
    async fn text(&self) -> String {
        self.script("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.unwrap().len()
    }

    async fn screenshot(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), self.client.screenshot().await.unwrap()).unwrap();
    }

    async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// A narrow window as a phone has it; headless Chromium refuses less than 500 px otherwise.
    async fn narrow(&self) {
        let metrics = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": { "width": 375, "height": 800, "deviceScaleFactor": 1, "mobile": true } });
        self.devtools(metrics).await;
    }

    async fn dark(&self) {
        self.devtools(json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": [{ "name": "prefers-color-scheme", "value": "dark" }] } })).await;
    }

    async fn devtools(&self, command: Value) {
        self.client.issue_cmd(DevTools { path: "goog/cdp/execute", body: command }).await.unwrap();
    }

    /// What the browser complains about: scripts that fail, and what the content security policy refuses. That the server
    /// refuses a form is no fault.
    async fn complaints(&self) -> Vec<Value> {
        let command = DevTools { path: "se/log", body: json!({ "type": "browser" }) };
        let mut entries = self.client.issue_cmd(command).await.expect("the browser's log");
        let entries = std::mem::take(entries.as_array_mut().expect("a list"));
        entries.into_iter().filter(|entry| entry["source"] != "network" && entry["level"] == "SEVERE").collect()
    }

    async fn close(self) {
        let complaints = self.complaints().await;
        let _ = self.client.clone().close().await;
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

impl Drop for Browser {
    /// Also after a failed assertion: asked politely, the driver takes its browser along.
    fn drop(&mut self) {
        let driver = nix::unistd::Pid::from_raw(self.driver.id() as i32);
        let _ = nix::sys::signal::kill(driver, nix::sys::signal::Signal::SIGTERM);
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn hyper_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

/// Lines that are filled, and columns that are not as wide as they were drawn.
const MISDRAWN: &str = "return [...document.querySelectorAll('main svg polyline, main svg rect[width]')].filter(e =>
    e.tagName == 'polyline' ? getComputedStyle(e).fill != 'none'
        : !e.getAttribute('width').includes('%') && Math.abs(parseFloat(getComputedStyle(e).width) - e.getAttribute('width')) > 0.6)
    .map(e => e.outerHTML.slice(0, 120))";

#[derive(Debug)]
struct DevTools {
    path: &'static str,
    body: Value,
}

impl fantoccini::wd::WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base_url: &url::Url, session_id: Option<&str>) -> Result<url::Url, url::ParseError> {
        base_url.join(&format!("session/{}/{}", session_id.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

async fn demo_server() -> (Server, demo::Credentials) {
    let server = Server::start().await.with_jobs();
    let credentials = demo::fill(&server.app).await.expect("the demo tenant is filled");
    (server, credentials)
}

async fn sign_in(browser: &Browser, credentials: &demo::Credentials) {
    browser.go("/").await;
    assert!(browser.client.current_url().await.unwrap().path().starts_with("/sign-in"));
    browser.fill("input[name=email]", &credentials.email).await;
    browser.fill("input[name=password]", "wrong password").await;
    browser.click("form[action='/sign-in'] button").await;
    eventually(Duration::from_secs(5), "the refusal", async || browser.count(".error-summary").await == 1).await;
    let kept = browser.script("return document.querySelector('input[name=email]').value").await;
    assert_eq!(kept, json!(credentials.email), "what was typed is kept");
    browser.screenshot("sign-in-refused").await;
    browser.script("console.error('the log is read')").await;
    assert_eq!(browser.complaints().await.len(), 1, "what goes wrong in the browser is seen");
    browser.fill("input[name=password]", &credentials.password).await;
    browser.click("form[action='/sign-in'] button").await;
    eventually(Duration::from_secs(5), "the overview", async || {
        !browser.client.current_url().await.unwrap().path().starts_with("/sign-in")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_receives_and_puts_away_fifty_lines() {
    let (server, credentials) = demo_server().await;
    let browser = Browser::open(&server).await;
    sign_in(&browser, &credentials).await;
    browser.screenshot("overview").await;

    browser.go("/receipts").await;
    browser.screenshot("receipts").await;
    browser.click("main a[href^='/receipts/']:not([href$='/new'])").await;
    eventually(Duration::from_secs(5), "fifty lines", async || browser.count("[data-receipt-line]").await == 50).await;
    browser.screenshot("receipt").await;
    browser.click("button[name=action][value=all]").await;
    eventually(Duration::from_secs(20), "the putaway board", async || {
        let is_there = browser.client.current_url().await.unwrap().path() == "/putaway";
        is_there && browser.script("return document.readyState").await == json!("complete")
    })
    .await;
    assert!(browser.text().await.contains("50 lines received."), "it says what was received");
    let open = browser.count("[data-recommendation]").await;
    assert!(open >= 50, "a place for each line: {open}");
    browser.screenshot("putaway").await;
    browser.script("document.querySelector('[data-recommendation]').focus(); document.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true }));").await;
    eventually(Duration::from_secs(10), "one key accepts", async || browser.count("[data-recommendation]").await == open - 1)
        .await;
    browser.click("form[action='/putaway/accept-all'] button").await;
    browser.click("dialog button.primary").await;
    eventually(Duration::from_secs(30), "all accepted", async || browser.count("[data-recommendation]").await == 0).await;
    browser.screenshot("putaway-done").await;
    server.assert_invariants().await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_opens_fits_a_phone_and_has_no_script_error() {
    let (server, credentials) = demo_server().await;
    let browser = Browser::open(&server).await;
    sign_in(&browser, &credentials).await;
    let entries = "return [...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))";
    let entries: Vec<String> = serde_json::from_value(browser.script(entries).await).unwrap();
    assert!(entries.len() > 15, "the navigation leads everywhere: {entries:?}");
    let others = [
        "/items/new",
        "/items/material-test-001",
        "/locations?view=list",
        "/receipts/new",
        "/movements/new",
        "/orders/new",
        "/health.html",
        "/velocity",
        "/forecast",
        "/experiments/OPTIMAL-OR-BFD",
    ];
    // The navigation stands there twice, once for wide and once for narrow screens.
    let mut seen = HashSet::new();
    let pages = entries.iter().map(String::as_str).chain(others);
    let pages: Vec<&str> = pages.filter(|page| seen.insert(*page)).collect();
    for (n, page) in pages.iter().enumerate() {
        browser.go(page).await;
        let heading = browser.count("h1").await;
        assert_eq!(heading, 1, "{page} has one heading");
        let title = browser.client.title().await.unwrap();
        assert!(!title.is_empty() && !title.contains("rror"), "{page}: {title}");
        assert_eq!(browser.script(MISDRAWN).await, json!([]), "{page}: pictures that a style sheet is missing for, or spoils");
        let name = if *page == "/" { "home".to_owned() } else { page.trim_start_matches('/').replace(['/', '?', '='], "-") };
        browser.screenshot(&format!("page-{n:02}-{name}")).await;
    }
    browser.dark().await;
    for page in ["/", "/locations", "/putaway"] {
        browser.go(page).await;
        browser.screenshot(&format!("dark-{}", if page == "/" { "home" } else { &page[1..] })).await;
    }
    browser.narrow().await;
    for page in pages {
        browser.go(page).await;
        let overflow = browser.script("return document.documentElement.scrollWidth - window.innerWidth").await;
        assert!(overflow.as_f64().unwrap() <= 1.0, "{page} is wider than a phone by {overflow} px");
        let name = if page == "/" { "home".to_owned() } else { page.trim_start_matches('/').replace(['/', '?', '='], "-") };
        browser.screenshot(&format!("phone-{name}")).await;
    }
    browser.close().await;
}
