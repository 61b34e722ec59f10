//! A PostgreSQL for the whole test process, a database of its own for each test, and a client that speaks for somebody.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::Router;
use entrepot::wiring;
use identity::Identity;
use kernel::{Env, TenantId};
use operations::Health;
use platform::App;
use platform::app::{Lifecycle, Parts};
use platform::auth::{Actor, Role};
use platform::config::Config;
use platform::database::{Database, Migrations, bootstrap};
use platform::events::Bus;
use platform::http::Listener;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

/// The folder with real data, where there is one; its absence is printed, and a small fixture of our own runs instead.
pub fn real_data(file: &str) -> Option<PathBuf> {
    let path = std::env::var_os("ENTREPOT_DATA").map(|folder| Path::new(&folder).join(file)).filter(|path| path.exists());
    if path.is_none() {
        eprintln!("ENTREPOT_DATA has no {file}: using our own small fixture");
    }
    path
}

/// Set by benches that measure durable writes, before the server starts; tests do without.
static DURABLE: AtomicBool = AtomicBool::new(false);

pub fn make_durable() {
    DURABLE.store(true, Ordering::SeqCst);
}

/// The folder of the test server's socket.
pub fn socket() -> PathBuf {
    CLUSTER.socket.clone()
}

/// The process id of the test server.
pub fn postmaster() -> u32 {
    let file = std::fs::read_to_string(CLUSTER.socket.join("data/postmaster.pid")).expect("the test server runs");
    file.lines().next().and_then(|pid| pid.parse().ok()).expect("a process id")
}

/// One server for all tests of this process. It ends when the process does, whatever way that is: a shell waits for the
/// pipe to close and stops it.
struct Cluster {
    socket: PathBuf,
}

static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

impl Cluster {
    fn start() -> Self {
        let bin = server_binaries();
        let folder = PathBuf::from(format!("/tmp/entrepot-test-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder under /tmp");
        own(&folder);
        let data = folder.join("data");
        run(as_server_user(&bin.join("initdb"))
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(&data));
        // No durability here: the tests that kill servers start their own, with fsync on.
        let settings = format!(
            "-c listen_addresses='' -c unix_socket_directories={} -c max_connections=400 {} \
             -c shared_preload_libraries=pg_stat_statements -c shared_buffers=256MB",
            folder.display(),
            if DURABLE.load(Ordering::SeqCst) { "-c max_wal_size=4GB" } else { "-c fsync=off -c full_page_writes=off" },
        );
        run(as_server_user(&bin.join("pg_ctl"))
            .args(["-w", "-t", "60", "-o", &settings, "-l"])
            .arg(folder.join("log"))
            .arg("-D")
            .arg(&data)
            .arg("start"));
        let script = format!(
            "cat >/dev/null; {} -D {} -m immediate stop >/dev/null 2>&1; rm -rf {}",
            shell_as_server_user(&bin.join("pg_ctl")),
            data.display(),
            folder.display()
        );
        #[expect(clippy::zombie_processes, reason = "it outlives this process on purpose")]
        let mut watcher = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        // The write end lives as long as this process.
        std::mem::forget(watcher.stdin.take());
        Self { socket: folder }
    }

    fn admin(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .username("postgres")
            .database("postgres")
            .disable_statement_logging()
    }
}

pub fn server_binaries() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| {
            entries.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).filter(|bin| bin.join("initdb").exists()).collect()
        })
        .unwrap_or_default();
    found.sort();
    found.pop().expect("PostgreSQL's server is installed (make test does that)")
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

pub fn own(folder: &Path) {
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(folder));
    }
}

pub fn as_server_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    command
}

fn shell_as_server_user(program: &Path) -> String {
    let prefix = if is_root() { "setpriv --reuid=postgres --regid=postgres --init-groups " } else { "" };
    format!("{prefix}{}", program.display())
}

pub fn run(command: &mut Command) {
    let output = command.current_dir("/tmp").stdin(Stdio::null()).output().expect("the program exists");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

static TEMPLATE: OnceCell<()> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A fresh database with the current schema.
pub async fn new_database() -> PgConnectOptions {
    let admin = CLUSTER.admin();
    TEMPLATE
        .get_or_init(|| async {
            bootstrap(&CLUSTER.admin(), "template_entrepot").await.expect("roles, database and extensions");
            Migrations::new(CLUSTER.admin().database("template_entrepot")).up().await.expect("the migrations apply");
        })
        .await;
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut connection = admin.connect().await.expect("the test server answers");
    // Only one copy of a template at a time is allowed.
    connection.execute("SELECT pg_advisory_lock(1)").await.expect("the lock");
    let create = format!("CREATE DATABASE {name} TEMPLATE template_entrepot OWNER wms_application_role");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(create))).await.expect("a copy of the template");
    let path =
        format!("ALTER DATABASE {name} SET search_path = public, platform, identity, catalog, inventory, warehouse, extensions");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(path))).await.expect("the search path");
    CLUSTER.admin().database(&name)
}

/// An empty database with roles and extensions but no schema.
pub async fn empty_database() -> PgConnectOptions {
    let name = format!("empty_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    bootstrap(&CLUSTER.admin(), &name).await.expect("roles, database and extensions");
    CLUSTER.admin().database(&name)
}

/// A running server with one tenant and one token per role.
pub struct Server {
    pub app: App,
    pub url: String,
    pub ops_url: String,
    pub options: PgConnectOptions,
    pub client: reqwest::Client,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    pub async fn start() -> Self {
        Self::on(new_database().await).await
    }

    pub async fn on(options: PgConnectOptions) -> Self {
        Self::with(options, Env::system(), |_| {}).await
    }

    /// With a clock of the test's own, or other settings; rate limits are off unless these say otherwise.
    pub async fn with(options: PgConnectOptions, env: Env, configure: impl FnOnce(&mut Config)) -> Self {
        let db = Database::new(options.clone(), 24, "test").expect("a pool");
        let mut config = Config { data_dir: std::env::temp_dir(), enable_rate_limiting: false, ..Config::default() };
        configure(&mut config);
        let identity = Identity::new(db.clone(), env.clone(), &config).expect("usable signing keys");
        let app = App::new(Parts {
            env,
            config: Arc::new(config),
            db,
            bus: Bus::default(),
            authenticator: Arc::new(identity.clone()),
            metrics: platform::telemetry::metrics(),
            lifecycle: Lifecycle::default(),
        });
        let health = Health::new(wiring::BUILD);
        let (url, public) = listen(wiring::router(&app, &health, Listener::Public), &app).await;
        let (ops_url, ops) = listen(wiring::router(&app, &health, Listener::Ops), &app).await;
        let (bus, bus_db, lifecycle) = (app.bus.clone(), app.db.clone(), app.lifecycle.clone());
        let listener = tokio::spawn(async move { bus.run(bus_db, lifecycle).await });
        let watcher = tokio::spawn(identity.watch(app.bus.clone(), app.lifecycle.clone()));
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a client");
        Self { app, url, ops_url, options, client, tasks: vec![public, ops, listener, watcher] }
    }

    /// Runs queued jobs as the process would, until the test ends.
    pub fn with_jobs(mut self) -> Self {
        self.tasks.push(tokio::spawn(wiring::jobs().run(self.app.clone())));
        self
    }

    /// Makes the tenant when it is new, and a token of the role.
    pub async fn token(&self, tenant: &str, role: Role) -> String {
        let tenant: TenantId = tenant.parse().expect("a tenant name");
        let actor = Actor::system(tenant.clone(), self.app.env.clone(), "test");
        let mut tx = self.app.db.begin(&tenant).await.expect("a transaction");
        wiring::ensure_tenant(&mut tx, &actor, &tenant, tenant.as_str()).await.expect("a tenant");
        let token = wiring::machine_token(&mut tx, &actor, role, &format!("{role} {}", NUMBER.fetch_add(1, Ordering::Relaxed)))
            .await
            .expect("a token");
        tx.commit().await.expect("a commit");
        token
    }

    /// A client that speaks with a token of the role in tenant `acme`.
    pub async fn as_role(&self, role: Role) -> Caller {
        self.caller(Some(self.token("acme", role).await))
    }

    pub async fn admin(&self) -> Caller {
        self.as_role(Role::Admin).await
    }

    pub fn anonymous(&self) -> Caller {
        self.caller(None)
    }

    pub fn caller(&self, token: Option<String>) -> Caller {
        Caller { client: self.client.clone(), url: self.url.clone(), token }
    }

    /// A connection of the superuser, who sees all tenants.
    pub async fn sql(&self) -> PgConnection {
        self.options.clone().connect().await.expect("the test database answers")
    }

    /// What `entrepot check` proves.
    pub async fn assert_invariants(&self) {
        let mut connection = Migrations::new(self.options.clone()).connect().await.expect("the owner's connection");
        let mut invariants = inventory::check(&mut connection).await.expect("the check runs");
        invariants.extend(warehouse::check(&mut connection).await.expect("the check runs"));
        assert!(!invariants.is_empty());
        for invariant in invariants {
            assert_eq!(invariant.violations, 0, "{}: {:?}", invariant.name, invariant.examples);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.app.lifecycle.shutdown.cancel();
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn listen(router: Router, app: &App) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound listener"));
    let shutdown = app.lifecycle.shutdown.clone();
    let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
    let task = tokio::spawn(async move {
        axum::serve(listener, service).with_graceful_shutdown(shutdown.cancelled_owned()).await.expect("serving");
    });
    (url, task)
}

/// Somebody who calls the API.
#[derive(Clone)]
pub struct Caller {
    pub client: reqwest::Client,
    pub url: String,
    pub token: Option<String>,
}

/// Status and body of an answer; the body is null when it is not JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    /// The body, provided that the status is `expected`.
    #[track_caller]
    pub fn expect(self, expected: u16) -> Value {
        assert_eq!(self.status.as_u16(), expected, "{:#}", self.body);
        self.body
    }

    /// The code of a problem answer.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Caller {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the server answers");
        let status = response.status();
        let bytes = response.bytes().await.expect("a whole body");
        Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
    }

    /// The data of a GraphQL answer without errors.
    #[track_caller]
    pub fn graphql(&self, query: &str) -> impl Future<Output = Value> {
        let request = self.request(Method::POST, "/graphql").json(&json!({ "query": query }));
        let this = self.clone();
        async move {
            let body = this.send(request).await.expect(200);
            assert!(body["errors"].is_null(), "{:#}", body["errors"]);
            body["data"].clone()
        }
    }
}

/// A warehouse that is ready to work: facility `F1`, a dock, some bins and some items.
pub struct Warehouse {
    pub server: Server,
    pub staff: Caller,
    pub admin: Caller,
}

impl Warehouse {
    pub async fn open(bins: usize, items: usize) -> Self {
        Self::on(Server::start().await, bins, items).await
    }

    /// With other settings.
    pub async fn with(bins: usize, items: usize, configure: impl FnOnce(&mut Config)) -> Self {
        Self::on(Server::with(new_database().await, Env::system(), configure).await, bins, items).await
    }

    pub async fn on(server: Server, bins: usize, items: usize) -> Self {
        let (staff, admin) = (server.as_role(Role::Staff).await, server.admin().await);
        admin.post("/api/v1/facilities", &json!({ "code": "F1", "name": "Main" })).await.expect(201);
        admin.post("/api/v1/locations", &json!({ "facility": "F1", "code": "DOCK", "type": "RECEIVING", "volume": { "value": "1000", "unit": "m3" }, "max_weight": { "value": "100", "unit": "t" } })).await.expect(201);
        for n in 0..bins {
            let bin = json!({ "facility": "F1", "code": format!("BIN-{n:03}"), "type": "PUTAWAY", "aisle": format!("A{}", n / 20),
                "dimensions": { "length": "1200", "width": "1000", "height": "1500", "unit": "mm" }, "max_weight": { "value": "500", "unit": "kg" }, "pick_sequence": n });
            admin.post("/api/v1/locations", &bin).await.expect(201);
        }
        for n in 0..items {
            let item = json!({ "code": format!("ITEM-{n:03}"), "name": format!("Item number {n}"), "weight": { "value": "2", "unit": "kg" },
                "dimensions": { "length": "30", "width": "20", "height": "10", "unit": "cm" } });
            staff.post("/api/v1/inventory/items", &item).await.expect(201);
        }
        Self { server, staff, admin }
    }

    /// Puts released stock of an item at a place.
    pub async fn stock(&self, item: &str, place: &str, quantity: u32) {
        let movement = json!({ "kind": "RECEIPT", "item": item, "quantity": quantity, "from": "SUPPLIER", "to": place });
        self.staff.post("/api/v1/inventory/movements", &json!({ "movements": [movement] })).await.expect(201);
    }

    /// On hand of an item at all physical places, by place.
    pub async fn on_hand(&self, item: &str) -> Vec<(String, String)> {
        let body = self.staff.get(&format!("/api/v1/inventory/balances?item={item}")).await.expect(200);
        let rows = body["items"].as_array().expect("a list").clone();
        rows.iter().map(|row| (text(&row["location_code"]), text(&row["on_hand"]))).collect()
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Waits until `condition` holds, at most `limit`.
pub async fn eventually(limit: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
