//! The binary itself: private server, kill -9, restart, graceful end.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::binary::{Running, TempDir, agent, binary, entrepot, signal, token};

fn call(url: &str, token: &str, body: Option<&Value>) -> Option<(u16, Value)> {
    let authorization = format!("Bearer {token}");
    let mut answer = match body {
        Some(body) => agent()
            .post(url)
            .header("authorization", authorization)
            .header("content-type", "application/json")
            .send(body.to_string()),
        None => agent().get(url).header("authorization", authorization).call(),
    }
    .ok()?;
    let status = answer.status().as_u16();
    Some((status, serde_json::from_str(&answer.body_mut().read_to_string().ok()?).unwrap_or(Value::Null)))
}

fn create_item(url: &str, token: &str, code: &str) -> Option<u16> {
    call(&format!("{url}/api/v1/inventory/items"), token, Some(&json!({ "code": code, "name": "Thing" })))
        .map(|(status, _)| status)
}

#[test]
fn the_private_server_survives_every_kill_and_loses_nothing() {
    let data = TempDir::new("kill");
    let mut running = Running::start(&data, 18_210);
    assert!(running.ready_after < Duration::from_secs(15), "first start: {:?}", running.ready_after);
    let token = token(&data);
    let mut acknowledged = 0;
    // Whoever is told 503 comes again; whatever was acknowledged must be there at the end.
    let write = |running: &Running, acknowledged: &mut u32| {
        let (goal, started) = (*acknowledged + 5, Instant::now());
        while *acknowledged < goal {
            assert!(started.elapsed() < Duration::from_secs(20), "it did not come back");
            match create_item(&running.url, &token, &format!("I-{acknowledged}")) {
                Some(201) => *acknowledged += 1,
                Some(503) => std::thread::sleep(Duration::from_millis(50)),
                other => panic!("{other:?}"),
            }
        }
    };
    write(&running, &mut acknowledged);

    // The process alone: its database is adopted.
    running.kill();
    let mut running = Running::start(&data, 18_210);
    assert!(running.ready_after < Duration::from_millis(1500), "later start: {:?}", running.ready_after);
    write(&running, &mut acknowledged);

    // The database alone: it comes back by itself.
    signal(running.postmaster().unwrap(), Signal::SIGKILL);
    write(&running, &mut acknowledged);

    // Both.
    signal(running.postmaster().unwrap(), Signal::SIGKILL);
    running.kill();
    let mut running = Running::start(&data, 18_210);
    write(&running, &mut acknowledged);
    let listed = call(&format!("{}/api/v1/inventory/items?limit=100", running.url), &token, None).unwrap().1;
    assert_eq!(listed["items"].as_array().unwrap().len(), 20, "an acknowledged row is missing");

    let check = entrepot(&data, &["check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    assert!(running.stop().success());
    assert!(running.postmaster().is_none(), "the database stopped with its owner");
}

#[test]
fn a_second_server_on_the_same_directory_is_refused() {
    let data = TempDir::new("second");
    let _running = Running::start(&data, 18_220);
    let second = entrepot(&data, &["serve", "--listen", "127.0.0.1:18222", "--listen-ops", "127.0.0.1:18223"]);
    let message = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(2));
    assert!(message.contains("entrepot") && message.contains(&data.0.display().to_string()), "{message}");
    let taken = entrepot(&TempDir::new("second-b"), &["serve", "--listen", "127.0.0.1:18220"]);
    assert!(String::from_utf8_lossy(&taken.stderr).contains("cannot listen on 127.0.0.1:18220"));
}

#[test]
fn the_database_stopped_under_load_costs_no_acknowledged_write() {
    let data = TempDir::new("load");
    let running = Running::start(&data, 18_230);
    let token = token(&data);
    let stop_at = Instant::now() + Duration::from_secs(6);
    let killer = std::thread::spawn({
        let (data, pid) = (running.data.clone(), running.postmaster().unwrap());
        move || {
            std::thread::sleep(Duration::from_millis(1500));
            signal(pid, Signal::SIGINT);
            drop(data);
        }
    });
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (url, token) = (running.url.clone(), token.clone());
            std::thread::spawn(move || {
                let (mut acknowledged, mut unavailable, mut others) = (Vec::new(), 0, Vec::new());
                for n in 0.. {
                    if Instant::now() > stop_at {
                        break;
                    }
                    let code = format!("W{writer}-{n}");
                    match create_item(&url, &token, &code) {
                        Some(201) => acknowledged.push(code),
                        Some(503) => {
                            unavailable += 1;
                            std::thread::sleep(Duration::from_millis(50));
                        }
                        other => others.push(other),
                    }
                }
                (acknowledged, unavailable, others)
            })
        })
        .collect();
    killer.join().unwrap();
    let results: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    assert!(results.iter().all(|(_, _, others)| others.is_empty()), "{:?}", results.iter().map(|r| &r.2).collect::<Vec<_>>());
    let after = create_item(&running.url, &token, "AFTER");
    assert_eq!(after, Some(201), "it is back by itself");
    for code in results.iter().flat_map(|(acknowledged, _, _)| acknowledged) {
        let found = call(&format!("{}/api/v1/inventory/items/{code}", running.url), &token, None).unwrap().0;
        assert_eq!(found, 200, "{code} was acknowledged and is lost");
    }
}

#[test]
fn commands_work_beside_a_server_and_without_one() {
    let data = TempDir::new("commands");
    let first = token(&data);
    let mut running = Running::start(&data, 18_240);
    assert_eq!(create_item(&running.url, &first, "A"), Some(201));
    assert_eq!(create_item(&running.url, &token(&data), "B"), Some(201));
    let health = binary().args(["health", "--url", &running.ops, "--token", &first]).output().unwrap();
    let text = String::from_utf8(health.stdout).unwrap();
    assert_eq!(health.status.code(), Some(0), "{text}");
    assert!(text.contains("║  Overall Status: HEALTHY") && text.contains("✓ Capacity failures (24h): 0 (HEALTHY)"), "{text}");
    assert!(!text.contains('\u{1b}'), "no escapes when it is not a terminal");
    for arguments in [&["migrate", "status"][..], &["migrate", "verify"], &["check"], &["doctor"]] {
        let output = entrepot(&data, arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let psql = binary().arg("--data-dir").arg(&data.0).args(["psql", "-Atc", "SELECT count(*) FROM items"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&psql.stdout).trim(), "2", "{}", String::from_utf8_lossy(&psql.stderr));
    assert!(running.stop().success());
    let down = binary().args(["health", "--url", &running.ops]).output().unwrap();
    assert_eq!(down.status.code(), Some(2));
}

#[test]
fn wrong_settings_refuse_to_start_and_never_show_values() {
    let data = TempDir::new("settings");
    let run = |name: &str, value: &str| {
        let output = binary().args(["doctor", "--data-dir"]).arg(&data.0).env(name, value).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (name, value, expected) in [
        ("ENTREPOT_POOL_SIZ", "5", "pool_siz"),
        ("ENTREPOT_POOL_SIZE", "many", "pool_size"),
        ("ENTREPOT_POOL_SIZE", "1", "pool_size"),
        ("LOG_FORMAT", "xml", "log_format"),
        ("DATABASE_URL", "mysql://root:s3cret@localhost/x", "DATABASE_URL"),
    ] {
        let (code, message) = run(name, value);
        assert_eq!(code, Some(2), "{name}={value}: {message}");
        assert!(message.contains(expected), "{name}: {message}");
        assert!(!message.contains("s3cret") && !message.contains("many"), "{message}");
    }
}
