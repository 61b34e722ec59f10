//! The single measurements. Each returns its state and one line; what it may not see it says.

use std::path::Path;

use platform::App;
use platform::database::MIGRATOR;

use crate::model::{Memory, State};
use crate::store;

pub(crate) type Finding = (State, String);

/// A real query on the primary.
pub(crate) async fn database(app: &App) -> Finding {
    let answer = app.db.without_tenant(async |connection| store::history_length(connection).await).await;
    match answer {
        Ok(_) => (State::Up, "the primary answers queries".into()),
        Err(error) => (State::Down, format!("the database connection failed: {}", error.detail)),
    }
}

/// Whether the schema is the one this binary was built for. A newer one is fine: releases expand before they contract.
pub(crate) async fn schema(app: &App) -> Finding {
    let wanted = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    match schema_version(app).await {
        Some(found) if found >= wanted => (State::Up, format!("version 0.0.{found}")),
        Some(found) => (State::Down, format!("version 0.0.{found}, this binary needs 0.0.{wanted}: run `entrepot migrate up`")),
        None => (State::Down, "unknown: the database connection failed".into()),
    }
}

pub(crate) async fn schema_version(app: &App) -> Option<i64> {
    app.db.without_tenant(async |connection| store::schema_version(connection).await).await.ok().flatten()
}

pub(crate) async fn pool(app: &App) -> Finding {
    let pool = app.db.status();
    let line =
        format!("connection pool: {} open, {} idle of {}, {} callers waiting", pool.open, pool.idle, pool.max, pool.waiting);
    (if pool.waiting > pool.max { State::Degraded } else { State::Up }, line)
}

/// Jobs that gave up within the last day, across tenants, are not visible here; chores are.
pub(crate) async fn chores(app: &App) -> Finding {
    let failed = app.db.without_tenant(async |connection| store::failed_chores(connection).await).await;
    match failed {
        Ok(names) if names.is_empty() => (State::Up, "every chore ended well the last time".into()),
        Ok(names) => (State::Degraded, format!("these chores failed the last time: {}", names.join(", "))),
        Err(_) => (State::Down, "unknown: the database connection failed".into()),
    }
}

pub(crate) async fn disk(app: &App) -> Finding {
    match free_disk(&app.config.data_dir) {
        Some((free, total)) => {
            let percent = free as f64 / total.max(1) as f64 * 100.0;
            let state = match free {
                f if f < 512 << 20 => State::Down,
                f if f < 2 << 30 => State::Degraded,
                _ => State::Up,
            };
            (state, format!("{:.1} GiB free ({percent:.0} %) where the data lives", free as f64 / f64::from(1 << 30)))
        }
        None => (State::Degraded, "the free space where the data lives cannot be read".into()),
    }
}

/// Free and total bytes of the file system that holds `path`, or its nearest existing parent.
pub(crate) fn free_disk(path: &Path) -> Option<(u64, u64)> {
    let existing = path.ancestors().find(|parent| parent.exists())?;
    let stat = nix::sys::statvfs::statvfs(existing).ok()?;
    let unit = stat.fragment_size();
    Some((stat.blocks_available() * unit, stat.blocks() * unit))
}

pub(crate) fn memory() -> Memory {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)).and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    let rss_bytes = kib("VmRSS:");
    let limit_bytes = memory_limit();
    Memory { rss_bytes, heap_bytes: kib("VmData:"), limit_bytes, percent: rss_bytes as f64 / limit_bytes.max(1) as f64 * 100.0 }
}

fn memory_limit() -> u64 {
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    let machine = || {
        let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let line = info.lines().find(|line| line.starts_with("MemTotal:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    group.or_else(machine).unwrap_or(0)
}
