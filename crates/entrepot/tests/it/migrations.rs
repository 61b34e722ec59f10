//! Up, down, up: on an empty and on a filled database.

use std::collections::BTreeSet;
use std::path::Path;

use platform::auth::Role;
use platform::database::{MIGRATOR, Migrations, bootstrap};
use serde_json::json;
use sqlx::{ConnectOptions as _, Executor as _};

use crate::harness::{Server, empty_database, new_database};

#[tokio::test(flavor = "multi_thread")]
async fn each_migration_goes_up_down_and_up_again() {
    let options = empty_database().await;
    let migrations = Migrations::new(options);
    // Numbers may be left out.
    let versions: BTreeSet<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    assert_eq!(migrations.up().await.unwrap(), versions.len());
    let whole = migrations.fingerprint().await.unwrap();
    for target in versions.iter().rev().skip(1).copied().chain([0]) {
        assert_eq!(migrations.down(target, false).await.unwrap(), 1, "down to {target}");
        migrations.up().await.unwrap();
        assert_eq!(migrations.fingerprint().await.unwrap(), whole, "down to {target} and up again");
        migrations.down(target, false).await.unwrap();
    }
    migrations.up().await.unwrap();
    assert_eq!(migrations.fingerprint().await.unwrap(), whole);
    assert_eq!(migrations.up().await.unwrap(), 0, "a second time there is nothing to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn going_down_with_rows_needs_a_word() {
    let server = Server::start().await;
    server.as_role(Role::Staff).await.post("/api/v1/inventory/items", &json!({ "code": "A", "name": "Thing" })).await.expect(201);
    let migrations = Migrations::new(server.options.clone());
    let versions: BTreeSet<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    let before = versions.into_iter().rev().nth(1).unwrap();
    let refused = migrations.down(before, false).await.unwrap_err();
    assert!(refused.detail.contains("--allow-data-loss"), "{refused}");
    migrations.down(before, true).await.unwrap();
    migrations.up().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM catalog.items").fetch_one(&mut server.sql().await).await.unwrap();
    assert_eq!(left, 1, "what the undone migration does not own stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_may_migrate_at_once() {
    let options = empty_database().await;
    let (a, b) = (Migrations::new(options.clone()), Migrations::new(options));
    let (one, two) = tokio::join!(a.up(), b.up());
    one.unwrap();
    two.unwrap();
    assert_eq!(a.pending().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_or_unknown_migration_is_noticed() {
    let options = new_database().await;
    let migrations = Migrations::new(options.clone());
    let mut sql = options.connect().await.unwrap();
    sql.execute("UPDATE public._sqlx_migrations SET checksum = '\\x00' WHERE version = 1").await.unwrap();
    assert!(migrations.status().await.unwrap()[0].changed);
    assert!(migrations.up().await.unwrap_err().detail.contains("was changed after"));
    sql.execute("DELETE FROM public._sqlx_migrations WHERE version = 1; INSERT INTO public._sqlx_migrations SELECT 999, 'later', now(), true, checksum, 1 FROM public._sqlx_migrations LIMIT 1").await.unwrap();
    assert!(migrations.up().await.unwrap_err().detail.contains("newer binary"));
}

// C065
#[tokio::test(flavor = "multi_thread")]
async fn the_files_can_be_read_by_psql() {
    let options = empty_database().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".up.sql"))
        .collect();
    files.sort();
    let socket = options.get_socket().unwrap().clone();
    for file in &files {
        let twin = file.to_string_lossy().replace(".up.sql", ".down.sql");
        assert!(Path::new(&twin).exists(), "{twin} is missing");
        let output = std::process::Command::new("psql")
            .args(["-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", options.get_database().unwrap(), "-h"])
            .arg(&socket)
            .arg("-f")
            .arg(file)
            .env("PGOPTIONS", "-c role=wms_application_role")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_user_is_told_what_an_administrator_runs_and_then_works() {
    let admin = new_database().await;
    let mut maintenance = admin.connect().await.unwrap();
    maintenance.execute("CREATE ROLE shop_user LOGIN").await.unwrap();
    maintenance.execute("CREATE DATABASE shop").await.unwrap();
    let user = admin.clone().database("shop").username("shop_user");
    let refused = bootstrap(&user, "shop").await.unwrap_err().to_string();
    let (_, script) = refused.split_once(":\n").expect("a script");
    assert!(script.contains("TO \"shop_user\""), "for that user, not for whoever runs it: {script}");
    let mut prepared = admin.database("shop").connect().await.unwrap();
    prepared.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(script.to_owned()))).await.unwrap();
    bootstrap(&user, "shop").await.unwrap();
    let migrations = Migrations::new(user);
    assert_eq!(migrations.fingerprint().await.unwrap().len(), 64, "of no schema at all");
    assert!(migrations.up().await.unwrap() > 0);
}
