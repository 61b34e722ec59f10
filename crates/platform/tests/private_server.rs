//! The private PostgreSQL against real servers and real kills. A killed owner is another process: this test program itself,
//! started again to run only `helper`.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid, getpgid};
use platform::database::private::{Endpoint, PrivateError, PrivateOptions, PrivateServer};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection};

const HELPER_DIR: &str = "PRIVATE_SERVER_TEST_DIR";
/// After how many milliseconds the helper stops in order.
const HELPER_MILLISECONDS: &str = "PRIVATE_SERVER_TEST_MILLISECONDS";
const NOBODY: u32 = 65534;

/// A folder in /tmp that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("entrepot-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("the folder is new");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        Self(path)
    }

    fn options(&self) -> PrivateOptions {
        PrivateOptions::new(self.0.join("data"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn connect(endpoint: &Endpoint) -> PgConnection {
    endpoint.options().connect().await.expect("a ready server accepts connections")
}

async fn text(connection: &mut PgConnection, sql: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.expect("the query is valid")
}

async fn fill(endpoint: &Endpoint, rows: u32) {
    let mut connection = connect(endpoint).await;
    connection.execute("CREATE TABLE IF NOT EXISTS kept (n integer)").await.expect("created");
    connection.execute(AssertSqlSafe(format!("INSERT INTO kept SELECT generate_series(1, {rows})"))).await.expect("committed");
}

async fn kept(endpoint: &Endpoint) -> i64 {
    let mut connection = connect(endpoint).await;
    sqlx::query_scalar("SELECT count(*) FROM kept").fetch_one(&mut connection).await.expect("the table survived")
}

fn is_alive(pid: i32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn user_of(pid: i32) -> u32 {
    std::fs::metadata(format!("/proc/{pid}")).expect("it runs").uid()
}

fn kill_9(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it runs");
}

/// Waits until a server other than `before` answers.
async fn wait_for_successor(endpoint: &Endpoint, before: i32) -> i32 {
    let clock = Instant::now();
    while clock.elapsed() < Duration::from_secs(30) {
        if let Ok(mut connection) = endpoint.options().connect().await {
            let sql = "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)";
            if let Ok(pid) = sqlx::query_scalar::<_, String>(sql).fetch_one(&mut connection).await {
                let pid = pid.parse().expect("a number");
                if pid != before {
                    println!("back after {:?}", clock.elapsed());
                    return pid;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the server did not come back");
}

/// Another process that owns the server of a data directory until it is killed.
struct Owner {
    process: Child,
    postgres: i32,
}

impl Owner {
    fn start(program: &Path, data_dir: &Path, uid: Option<u32>) -> Self {
        let mut command = Command::new(program);
        command.args(["--exact", "helper", "--nocapture"]).env(HELPER_DIR, data_dir).current_dir("/");
        command.env_remove("XDG_RUNTIME_DIR").stdin(Stdio::null()).stdout(Stdio::piped());
        if let Some(uid) = uid {
            command.uid(uid).gid(uid);
        }
        let mut process = command.spawn().expect("the test program starts");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut lines = output.lines().map_while(Result::ok);
        let line = lines.find_map(|line| line.split_once("ready ").map(|(_, pid)| pid.to_owned()));
        let postgres = line.expect("the helper says when it is ready").trim().parse().expect("and its postmaster");
        Self { process, postgres }
    }

    fn start_here(data_dir: &Path) -> Self {
        Self::start(&std::env::current_exe().expect("it runs from a file"), data_dir, None)
    }

    fn kill_9(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it is our child");
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // A test that failed half way must not leave a server behind.
        let line = std::fs::read(format!("/proc/{}/cmdline", self.postgres)).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains("entrepot-test-") {
            let _ = kill(Pid::from_raw(self.postgres), Signal::SIGQUIT);
        }
    }
}

#[tokio::test]
async fn helper() {
    let Some(data_dir) = std::env::var_os(HELPER_DIR) else { return };
    let server = PrivateServer::start(PrivateOptions::new(data_dir)).await.unwrap();
    println!("ready {}", server.pid().unwrap());
    let life = std::env::var(HELPER_MILLISECONDS).map_or(120_000, |text| text.parse().unwrap());
    server.supervise(tokio::time::sleep(Duration::from_millis(life))).await.unwrap();
}

#[tokio::test]
async fn first_start_is_safe_and_later_ones_are_quick() {
    let folder = Folder::new();
    let clock = Instant::now();
    let server = PrivateServer::start(folder.options()).await.unwrap();
    println!("first start: {:?}", clock.elapsed());
    assert!(clock.elapsed() < Duration::from_secs(15), "first start took {:?}", clock.elapsed());

    let mut connection = connect(server.endpoint()).await;
    for (setting, value) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", ""),
        ("shared_preload_libraries", "pg_stat_statements"),
        ("max_connections", "100"),
    ] {
        assert_eq!(text(&mut connection, &format!("SELECT current_setting('{setting}')")).await, value, "{setting}");
    }
    assert_eq!(text(&mut connection, "SELECT current_user::text").await, "postgres");
    assert_eq!(text(&mut connection, "SELECT upper('ä')").await, "Ä");
    connection.execute("CREATE EXTENSION pg_stat_statements").await.unwrap();
    drop(connection);

    let pid = server.pid().unwrap();
    assert_eq!(getpgid(Some(Pid::from_raw(pid))).unwrap().as_raw(), pid, "not in a process group of its own");
    let socket_dir = std::fs::metadata(&server.endpoint().socket_dir).unwrap();
    assert_eq!(socket_dir.mode() & 0o777, 0o700);
    assert_eq!(user_of(pid), socket_dir.uid());
    assert_ne!(user_of(pid), 0, "runs as root");

    server.stop().await.unwrap();
    assert!(!is_alive(pid));
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let clock = Instant::now();
        let server = PrivateServer::start(folder.options()).await.unwrap();
        best = best.min(clock.elapsed());
        server.stop().await.unwrap();
    }
    println!("later start: {best:?}");
    assert!(best < Duration::from_millis(1500), "later start took {best:?}");
}

#[tokio::test]
async fn a_second_owner_is_refused_and_a_guest_is_welcome() {
    let folder = Folder::new();
    let server = PrivateServer::start(folder.options()).await.unwrap();
    let error = PrivateServer::start(folder.options()).await.err().expect("two servers on one data directory");
    assert!(error.to_string().contains(&format!("another entrepot (pid {})", std::process::id())), "{error}");

    let guest = PrivateServer::join_or_start(folder.options()).await.unwrap();
    assert!(!guest.is_owner() && server.is_owner());
    assert_eq!((guest.endpoint(), guest.pid()), (server.endpoint(), server.pid()));
    fill(guest.endpoint(), 5).await;
    guest.stop().await.unwrap();
    assert_eq!(kept(server.endpoint()).await, 5, "a guest stopped its owner's server");

    // An owner that leaves first leaves the server to its guests; the last one turns off the light.
    let pid = server.pid().unwrap();
    let first = PrivateServer::join_or_start(folder.options()).await.unwrap();
    let last = PrivateServer::join_or_start(folder.options()).await.unwrap();
    server.stop().await.unwrap();
    first.stop().await.unwrap();
    assert_eq!(kept(last.endpoint()).await, 5);
    last.stop().await.unwrap();
    assert!(!is_alive(pid), "nobody stopped the server");

    let alone = PrivateServer::join_or_start(folder.options()).await.unwrap();
    assert!(alone.is_owner());
    let pid = alone.pid().unwrap();
    alone.stop().await.unwrap();
    assert!(!is_alive(pid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commands_that_come_and_go_share_one_server_and_leave_none() {
    let folder = Folder::new();
    let server = PrivateServer::start(folder.options()).await.unwrap();
    fill(server.endpoint(), 4).await;
    server.stop().await.unwrap();
    let commands = (0..6).map(|_| {
        let options = folder.options();
        tokio::spawn(async move {
            let mut pids = Vec::new();
            for _ in 0..8 {
                let server = PrivateServer::join_or_start(options.clone()).await.unwrap();
                assert_eq!(kept(server.endpoint()).await, 4, "the server went away under a command");
                pids.push(server.pid().unwrap());
                server.stop().await.unwrap();
            }
            pids
        })
    });
    let mut pids = Vec::new();
    for command in commands.collect::<Vec<_>>() {
        pids.extend(command.await.unwrap());
    }
    pids.dedup();
    println!("{} servers", pids.len());
    assert!(!pids.into_iter().any(is_alive), "nobody stopped the server");
}

#[tokio::test]
async fn a_killed_server_comes_back_by_itself_with_every_commit() {
    let folder = Folder::new();
    let server = PrivateServer::start(folder.options()).await.unwrap();
    let (endpoint, first) = (server.endpoint().clone(), server.pid().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let keeper = tokio::spawn(server.supervise(async {
        let _ = stopped.await;
    }));
    fill(&endpoint, 1000).await;
    // A backend that does not look up from its work, and so does not notice that its postmaster is gone.
    let mut busy = connect(&endpoint).await;
    let busy = tokio::spawn(async move { busy.execute("SELECT count(*) FROM generate_series(1, 10000000000)").await.is_err() });
    tokio::time::sleep(Duration::from_millis(200)).await;

    kill_9(first);
    let second = wait_for_successor(&endpoint, first).await;
    assert_eq!(kept(&endpoint).await, 1000);
    assert!(busy.await.unwrap(), "the statement of the dead server ended well");

    // A stop that nobody asked us for is a death like any other.
    kill(Pid::from_raw(second), Signal::SIGINT).unwrap();
    wait_for_successor(&endpoint, second).await;
    assert_eq!(kept(&endpoint).await, 1000);
    stop.send(()).unwrap();
    keeper.await.unwrap().unwrap();
    assert!(endpoint.options().connect().await.is_err());
}

#[tokio::test]
async fn the_server_of_a_killed_owner_is_adopted() {
    let folder = Folder::new();
    let options = folder.options();
    let mut owner = Owner::start_here(&options.data_dir);
    let error = PrivateServer::start(options.clone()).await.err().expect("two owners");
    assert!(error.to_string().contains(&format!("(pid {})", owner.process.id())), "{error}");
    let guest = PrivateServer::join_or_start(options.clone()).await.unwrap();
    fill(guest.endpoint(), 300).await;
    guest.stop().await.unwrap();

    owner.kill_9();
    assert!(is_alive(owner.postgres));
    let clock = Instant::now();
    let server = PrivateServer::start(options.clone()).await.unwrap();
    println!("adopted in {:?}", clock.elapsed());
    assert_eq!(server.pid(), Some(owner.postgres), "a new server instead of the old one");
    assert_eq!(kept(server.endpoint()).await, 300);
    server.stop().await.unwrap();
    assert!(!is_alive(owner.postgres), "an adopted server is not stopped");

    // With other settings it cannot be used as it is.
    let mut owner = Owner::start_here(&options.data_dir);
    owner.kill_9();
    let other =
        PrivateOptions { settings: vec![("max_connections".into(), "37".into()), ("fsync".into(), "off".into())], ..options };
    let server = PrivateServer::start(other).await.unwrap();
    assert_ne!(server.pid(), Some(owner.postgres));
    let mut connection = connect(server.endpoint()).await;
    assert_eq!(text(&mut connection, "SELECT current_setting('max_connections')").await, "37");
    assert_eq!(text(&mut connection, "SELECT current_setting('fsync')").await, "on");
    assert_eq!(kept(server.endpoint()).await, 300);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn both_killed_recovers() {
    let folder = Folder::new();
    let mut owner = Owner::start_here(&folder.options().data_dir);
    let guest = PrivateServer::join_or_start(folder.options()).await.unwrap();
    fill(guest.endpoint(), 700).await;
    guest.stop().await.unwrap();
    owner.kill_9();
    kill_9(owner.postgres);
    let clock = Instant::now();
    let server = PrivateServer::start(folder.options()).await.unwrap();
    println!("recovered in {:?}", clock.elapsed());
    assert_eq!(kept(server.endpoint()).await, 700);
    let pid = server.pid().unwrap();

    // Dropped without stop: asked to end, and the next start waits for that.
    drop(server);
    let server = PrivateServer::start(folder.options()).await.unwrap();
    assert_ne!(server.pid(), Some(pid));
    assert_eq!(kept(server.endpoint()).await, 700);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_pid_that_another_process_has_by_now_is_no_rival() {
    let folder = Folder::new();
    let server = PrivateServer::start(folder.options()).await.unwrap();
    fill(server.endpoint(), 10).await;
    let (first, cluster) = (server.pid().unwrap(), folder.options().data_dir.join("postgres"));
    let socket_dir = server.endpoint().socket_dir.clone();
    let stale = std::fs::read_to_string(cluster.join("postmaster.pid")).unwrap();
    server.stop().await.unwrap();

    // postgres alone would refuse: a process of its own user answers to the number in the file.
    let uid = std::fs::metadata(&cluster).unwrap().uid();
    let mut bystander = Command::new("sleep").arg("60").uid(uid).spawn().unwrap();
    let stale = stale.replacen(&first.to_string(), &bystander.id().to_string(), 1);
    for file in [cluster.join("postmaster.pid"), socket_dir.join(".s.PGSQL.5432.lock")] {
        std::fs::write(&file, &stale).unwrap();
        chown(&file, Some(uid), None).unwrap();
    }
    let started = PrivateServer::start(folder.options()).await;
    let survived = bystander.try_wait().unwrap().is_none();
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    let server = started.unwrap();
    assert!(survived, "a stranger was killed");
    assert_eq!(kept(server.endpoint()).await, 10);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_long_path_gets_a_short_socket() {
    let folder = Folder::new();
    let mut options = folder.options();
    options.data_dir = options.data_dir.join("d".repeat(60)).join("e".repeat(60)).join("mit Leerzeichen, Komma");
    let server = PrivateServer::start(options.clone()).await.unwrap();
    let socket_dir = server.endpoint().socket_dir.clone();
    assert!(socket_dir.as_os_str().len() < 80 && !socket_dir.starts_with(&options.data_dir), "{socket_dir:?}");
    fill(server.endpoint(), 3).await;
    let guest = PrivateServer::join_or_start(options).await.unwrap();
    assert_eq!(kept(guest.endpoint()).await, 3);
    guest.stop().await.unwrap();
    server.stop().await.unwrap();
    std::fs::remove_dir_all(&socket_dir).unwrap();
}

#[tokio::test]
async fn an_ordinary_user_needs_no_rights() {
    if !geteuid().is_root() {
        println!("skipped: not root, so every other test here shows it already");
        return;
    }
    let folder = Folder::new();
    let program = folder.0.join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let data_dir = folder.0.join("theirs");
    std::fs::create_dir(&data_dir).unwrap();
    chown(&data_dir, Some(NOBODY), Some(NOBODY)).unwrap();

    let mut owner = Owner::start(&program, &data_dir, Some(NOBODY));
    assert_eq!(user_of(owner.postgres), NOBODY);
    owner.kill_9();
    // Root afterwards keeps the data's owner, so that the user can come back.
    let server = PrivateServer::start(PrivateOptions::new(&data_dir)).await.unwrap();
    fill(server.endpoint(), 2).await;
    assert_eq!(user_of(server.pid().unwrap()), NOBODY);
    server.stop().await.unwrap();
    let mut command = Command::new(&program);
    command.args(["--exact", "helper"]).env(HELPER_DIR, &data_dir).env(HELPER_MILLISECONDS, "10").env_remove("XDG_RUNTIME_DIR");
    let output = command.current_dir("/").uid(NOBODY).gid(NOBODY).output().unwrap();
    assert!(output.status.success(), "root locked the user out: {}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test]
async fn a_killed_first_start_leaves_no_half_database() {
    let folder = Folder::new();
    let unfinished = tokio::time::timeout(Duration::from_millis(150), PrivateServer::start(folder.options())).await;
    assert!(unfinished.is_err(), "initdb cannot be that fast");
    assert!(!folder.options().data_dir.join("postgres").exists());
    let server = PrivateServer::start(folder.options()).await.unwrap();
    fill(server.endpoint(), 1).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let folder = Folder::new();
    let options = PrivateOptions { bin_dir: Some(folder.0.clone()), ..folder.options() };
    let error = PrivateServer::start(options).await.err().expect("there is no server in that folder");
    assert!(matches!(&error, PrivateError::BadBinDir { dir } if *dir == folder.0), "{error}");

    let cluster = folder.options().data_dir.join("postgres");
    std::fs::create_dir_all(&cluster).unwrap();
    std::fs::write(cluster.join("PG_VERSION"), "99\n").unwrap();
    let error = PrivateServer::start(folder.options()).await.err().expect("data of another version");
    assert!(error.to_string().contains("belong to PostgreSQL 99") && error.to_string().contains("postgresql-99"), "{error}");
    std::fs::remove_dir_all(&cluster).unwrap();

    let bad = PrivateOptions { settings: vec![("shared_buffers".into(), "lots".into())], ..folder.options() };
    let error = PrivateServer::start(bad).await.err().expect("a setting that postgres refuses");
    assert!(error.to_string().contains("invalid value for parameter \"shared_buffers\""), "{error}");

    if geteuid().is_root() {
        let closed = folder.0.join("closed");
        std::fs::create_dir(&closed).unwrap();
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
        let error = PrivateServer::start(PrivateOptions::new(closed.join("data"))).await.err().expect("postgres cannot enter");
        assert!(matches!(&error, PrivateError::NoEntry { path, .. } if *path == closed), "{error}");
    }
}
