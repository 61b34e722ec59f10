//! A running Entrepot with a small warehouse in it, and what its own command line tells of it.

use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::json;

use crate::binary::{Running, TempDir, binary};
use crate::harness::Caller;

/// Each server takes two; no other test uses this range.
const PORTS: Range<u16> = 18_550..18_600;
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);
pub const BINS: usize = 6;
pub const ITEMS: usize = 8;

/// Two free ports that follow each other; the first of them.
pub fn port() -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let mut tried = std::iter::repeat_with(|| PORTS.start + NEXT_PORT.fetch_add(2, Ordering::Relaxed) % PORTS.len() as u16);
    let found = tried.by_ref().take(PORTS.len()).find(|port| is_free(*port) && is_free(port + 1));
    found.expect("a free pair of ports in the range")
}

pub struct World {
    pub running: Running,
    pub token: String,
    /// For the commands beside the server; they differ from the server's own where a proxy stands between.
    environment: Vec<(&'static str, String)>,
    _home: Option<TempDir>,
}

impl World {
    pub async fn new(name: &str, settings: &[(&'static str, String)]) -> Self {
        let home = TempDir::new(name);
        let path = home.0.clone();
        Self::at(path, Some(home), settings, &[]).await
    }

    /// On a folder that somebody else made. `beside` are the settings of the commands.
    pub async fn at(
        data: PathBuf,
        home: Option<TempDir>,
        settings: &[(&'static str, String)],
        beside: &[(&'static str, String)],
    ) -> Self {
        let running = Running::start_with(&data, port(), settings);
        let mut world = Self { running, token: String::new(), environment: beside.to_vec(), _home: home };
        let output = world.entrepot(&["token", "create", "--tenant", "acme", "--role", "ADMIN"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        world.token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        world.furnish().await;
        world
    }

    async fn furnish(&self) {
        let caller = self.caller();
        caller.post("/api/v1/facilities", &json!({ "code": "F1", "name": "Main" })).await.expect(201);
        for n in 0..BINS {
            let bin = json!({ "facility": "F1", "code": format!("BIN-{n}"), "type": "PUTAWAY",
                "dimensions": { "length": "1200", "width": "1000", "height": "1500", "unit": "mm" }, "max_weight": { "value": "500", "unit": "kg" } });
            caller.post("/api/v1/locations", &bin).await.expect(201);
        }
        for n in 0..ITEMS {
            let item = json!({ "code": format!("ITEM-{n}"), "name": format!("Item number {n}") });
            caller.post("/api/v1/inventory/items", &item).await.expect(201);
        }
    }

    /// Somebody who speaks with the administrator's token; fails where the server does not answer.
    pub fn caller(&self) -> Caller {
        let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30)).build().expect("a client");
        Caller { client, url: self.running.url.clone(), token: Some(self.token.clone()) }
    }

    pub fn data(&self) -> &Path {
        &self.running.data
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = binary();
        command.arg("--data-dir").arg(self.data()).args(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn entrepot(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// Rows of a query as the owner role, who sees all tenants; columns are texts.
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let output = self.entrepot(&["psql", "-X", "-v", "ON_ERROR_STOP=1", "-At", "-F", "\t", "-c", sql]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }

    /// What `entrepot check` complains of.
    pub fn complaint(&self) -> Option<String> {
        let output = self.entrepot(&["check"]);
        let text = || format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (!output.status.success()).then(text)
    }

    /// What no fault excuses: a panic in the log.
    pub fn panics(&self) -> Vec<String> {
        self.running.log().lines().filter(|line| line.contains("panicked")).map(str::to_owned).collect()
    }
}
