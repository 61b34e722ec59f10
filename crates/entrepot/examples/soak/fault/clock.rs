//! The clock of the process jumps ten days ahead, back, ten days back and ahead again, while the load runs. PostgreSQL keeps the
//! right time, as it does on another machine. Needs libfaketime.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::Env;
use reqwest::Method;
use serde_json::{Value, json};

use super::load::{Load, MOVEMENTS};
use super::world::World;
use super::{Report, verify};
use crate::binary::TempDir;
use crate::harness::{Caller, text};

const RECOVERY: Duration = Duration::from_secs(30);

pub async fn run(writers: usize, stay: Duration) -> Report {
    let Some(library) = library() else {
        return Report::skipped("clock", "libfaketime is not installed (apt-get install libfaketime)");
    };
    let mut report = Report::new("clock");
    let home = TempDir::new("clock");
    let dial = Dial(home.0.join("faketime"));
    dial.set("+0");
    let settings = [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", dial.0.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("NO_FAKE_STAT", "1".to_owned()),
    ];
    let world = World::at(home.0.clone(), Some(home), &settings, &[]).await;
    let load = Load::start(&world, "clock", writers, 11).await;
    let caller = world.caller();
    let right = token(&caller, 1).await;
    for (jump, days) in [("+0", 0), ("+10d", 10), ("+0", 0), ("-10d", -10), ("+0", 0)] {
        dial.set(jump);
        let probe = Probe { world: &world, load: &load, caller: &caller, days };
        probe.look(stay, &mut report).await;
        let (as_now, expected) = (status(&caller, &right).await, if days > 1 { 401 } else { 200 });
        report.promise(as_now == expected, || format!("a token for a day answers {as_now} on day {days}"));
        println!("clock: {jump} held, answers {}", load.shared.answers());
    }
    late_token(&world, &dial, &caller, &mut report).await;
    let shared = load.shared.clone();
    let operations = load.finish().await;
    verify::all_answered(&world, &shared, &operations, &mut report).await;
    report
}

/// Where Debian puts it, whatever the architecture is called; the one for programs with threads.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|path| path.exists())
}

/// The file that says how far the clock is off.
struct Dial(PathBuf);

impl Dial {
    /// In one step, so that nobody reads half a line.
    fn set(&self, offset: &str) {
        let draft = self.0.with_extension("new");
        std::fs::write(&draft, format!("{offset}\n")).expect("our own file");
        std::fs::rename(&draft, Path::new(&self.0)).expect("our own file");
    }
}

struct Probe<'a> {
    world: &'a World,
    load: &'a Load,
    caller: &'a Caller,
    days: i64,
}

impl Probe<'_> {
    /// Movements, jobs and health under the clock as it stands now.
    async fn look(&self, stay: Duration, report: &mut Report) {
        let days = self.days;
        let went_on = self.load.shared.progress(20, RECOVERY).await;
        report.promise(went_on.is_some(), || format!("day {days}: no change was acknowledged for {} s", RECOVERY.as_secs()));
        let off = self.offset().await;
        report.figure(format!("clock of the process is off by, days (asked for {days})"), off.num_days());
        report.promise((off - TimeDelta::days(days)).abs() < TimeDelta::hours(1), || {
            format!("the clock did not jump: off by {off}")
        });
        let job = self.job().await;
        report.figure(
            format!("day {days}: a background job ended within, s"),
            job.map_or("never".into(), |took| format!("{:.1}", took.as_secs_f64())),
        );
        report.promise(job.is_some(), || format!("day {days}: a background job did not end within {} s", RECOVERY.as_secs()));
        tokio::time::sleep(stay).await;
        let ready = self.caller.get("/api/health/ready").await.status;
        report.promise(ready == 200, || format!("day {days}: ready answers {ready}"));
    }

    /// How far the moment that a movement bears is off.
    async fn offset(&self) -> TimeDelta {
        let movement = json!({ "kind": "RECEIPT", "item": "ITEM-1", "quantity": 1, "to": "F1/BIN-1" });
        let recorded = self.caller.post(MOVEMENTS, &json!({ "movements": [movement] })).await.expect(201);
        let id = text(&recorded["results"][0]["movement_id"]);
        let rows = self.world.rows(&format!("SELECT to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM inventory.movements WHERE movement_id = '{id}'"));
        let recorded_at: DateTime<Utc> = rows[0][0].parse().expect("a time");
        recorded_at - Env::system().now()
    }

    async fn job(&self) -> Option<Duration> {
        let started = Instant::now();
        let file = "code,name\nIMPORTED,By a job\n";
        let request =
            self.caller.request(Method::POST, "/api/v1/imports?kind=items").header("content-type", "text/csv").body(file);
        let id = text(&self.caller.send(request).await.expect(202)["import_id"]);
        while started.elapsed() < RECOVERY {
            let import = self.caller.get(&format!("/api/v1/imports/{id}")).await.expect(200);
            if import["state"] == "DONE" {
                return Some(started.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        None
    }
}

/// A token that was made while the clock was ten days back is over when it is right again; one from the future ends by its date.
async fn late_token(world: &World, dial: &Dial, caller: &Caller, report: &mut Report) {
    dial.set("-10d");
    let old = token(caller, -9).await;
    let before = status(caller, &old).await;
    dial.set("+0");
    let after = status(caller, &old).await;
    report.promise((before, after) == (200, 401), || format!("a token that ended nine days ago answers {before}, then {after}"));
    let immortal = world.rows("SELECT count(*) FROM identity.credentials WHERE expires_at > now() + interval '30 days'");
    report.promise(immortal[0][0] == "0", || "a token lives longer than anybody asked for".into());
    let kept = world.rows("SELECT count(*) FROM platform.idempotency WHERE key LIKE 'clock-%'");
    report.figure("keys kept over all jumps", &kept[0][0]);
}

/// A token of a viewer that ends so many days from now, by the right clock.
async fn token(caller: &Caller, days: i64) -> String {
    let ends = Env::system().now() + TimeDelta::days(days);
    let new = json!({ "name": format!("ends {ends}"), "role": "VIEWER", "expires_at": ends });
    let made: Value = caller.post("/api/v1/tokens", &new).await.expect(201);
    text(&made["token"])
}

async fn status(caller: &Caller, token: &str) -> u16 {
    let caller = Caller { token: Some(token.to_owned()), ..caller.clone() };
    caller.get("/api/v1/inventory/items?limit=1").await.status.as_u16()
}
