//! The disk fills up while the load runs: first to the reserve that the process keeps, then to the last byte.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::load::{Load, MOVEMENTS};
use super::world::World;
use super::{Report, verify};
use crate::harness::Caller;

const DISK_MIB: u64 = 400;
/// Less than what the process keeps free, enough for PostgreSQL to go on.
const LITTLE_MIB: u64 = 48;
const RECOVERY: Duration = Duration::from_secs(60);

/// A file system in memory; it goes with its owner.
struct Mount(PathBuf);

impl Mount {
    fn new() -> Result<Self, String> {
        let path = PathBuf::from(format!("/tmp/entrepot-disk-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| error.to_string())?;
        let options = format!("size={DISK_MIB}m,mode=755");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path).output();
        match mounted {
            Ok(output) if output.status.success() => Ok(Self(path)),
            other => {
                let _ = std::fs::remove_dir(&path);
                let why = other
                    .map_or_else(|error| error.to_string(), |output| String::from_utf8_lossy(&output.stderr).trim().to_owned());
                Err(format!("no file system of our own can be mounted ({why})"))
            }
        }
    }

    fn free_bytes(&self) -> u64 {
        let stat = nix::sys::statvfs::statvfs(&self.0).expect("the file system is there");
        stat.blocks_available() * stat.fragment_size()
    }

    /// Takes space until so much is left; 0: as much as there is.
    fn fill(&self, name: &str, left_bytes: u64) {
        let mut file = File::create(self.0.join(name)).expect("a file");
        let take = self.free_bytes().saturating_sub(left_bytes);
        if nix::fcntl::fallocate(file.as_fd(), nix::fcntl::FallocateFlags::empty(), 0, take as i64).is_err() || left_bytes == 0 {
            let block = vec![0; 64 << 10];
            while self.free_bytes() > left_bytes && file.write_all(&block).is_ok() {}
        }
    }

    fn empty(&self, name: &str) {
        std::fs::remove_file(self.0.join(name)).expect("our own file");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

pub async fn run(writers: usize, rounds: u32) -> Report {
    let mut report = Report::new("disk");
    let mount = match Mount::new() {
        Ok(mount) => mount,
        Err(why) => return Report::skipped("disk", why),
    };
    let world = World::at(data(&mount.0), None, &[], &[]).await;
    let load = Load::start(&world, "disk", writers, 5).await;
    if load.shared.progress(50, RECOVERY).await.is_none() {
        report.broken("nothing was acknowledged before the disk was full");
    }
    for round in 1..=rounds {
        little_room(&world, &mount, &mut report).await;
        no_room(&world, &mount, &load, &mut report).await;
        println!("disk: round {round} of {rounds}, answers {}", load.shared.answers());
    }
    let shared = load.shared.clone();
    let operations = load.finish().await;
    verify::all_answered(&world, &shared, &operations, &mut report).await;
    drop(world);
    report
}

fn data(mount: &Path) -> PathBuf {
    let data = mount.join("data");
    std::fs::create_dir_all(&data).expect("a folder on the file system");
    data
}

/// Below the reserve: changes are refused with a clear problem, everything else goes on.
async fn little_room(world: &World, mount: &Mount, report: &mut Report) {
    let caller = world.caller();
    let (mut fillers, started) = (Vec::new(), Instant::now());
    let refused = loop {
        // PostgreSQL gives back pieces of its log now and then.
        if mount.free_bytes() > (LITTLE_MIB + 4) << 20 {
            fillers.push(format!("filler-{}", fillers.len()));
            mount.fill(&fillers[fillers.len() - 1], LITTLE_MIB << 20);
        }
        let answer = change(&caller).await;
        if answer.0 == 507 || started.elapsed() > Duration::from_secs(20) {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    report.figure("change on a full disk", format!("{} {}", refused.0, refused.1));
    report.promise(refused.0 == 507 && refused.1 == "STORAGE_FULL", || format!("a full disk is told as {refused:?}"));
    let mut answered = 0;
    for _ in 0..20 {
        let balances = caller.get("/api/v1/inventory/balances").await;
        answered += u32::from(balances.status == 200);
    }
    report.figure("reads answered on a full disk, of 20", answered);
    report.promise(answered == 20, || format!("only {answered} of 20 reads were answered on a full disk"));
    fillers.iter().for_each(|filler| mount.empty(filler));
}

/// Not one byte, all at once: whatever happens to PostgreSQL, it is over when there is room again.
async fn no_room(world: &World, mount: &Mount, load: &Load, report: &mut Report) {
    report
        .promise(load.shared.progress(20, RECOVERY).await.is_some(), || "no change was taken after there was room again".into());
    mount.fill("everything", 0);
    let caller = world.caller();
    let (started, mut live, mut asked) = (Instant::now(), 0, 0);
    while started.elapsed() < Duration::from_secs(3) {
        let answer = ask(&caller, "/api/health/live").await;
        live += u32::from(answer == Some(200));
        asked += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    report.promise(live == asked, || format!("{live} of {asked} liveness probes were answered without a byte free"));
    let read = ask(&caller, "/api/v1/inventory/balances").await;
    report.figure("a read without a byte free", read.map_or("no answer".into(), |status| status.to_string()));
    mount.empty("everything");
    let freed = Instant::now();
    let back = load.shared.progress(20, RECOVERY).await;
    report.figure("changes taken again after, s", format!("{:.2}", freed.elapsed().as_secs_f64()));
    report.promise(back.is_some(), || format!("no change was taken within {} s after there was room again", RECOVERY.as_secs()));
}

async fn change(caller: &Caller) -> (u16, String) {
    let movement = json!({ "kind": "RECEIPT", "item": "ITEM-0", "quantity": 1, "to": "F1/BIN-0" });
    let answer = caller.post(MOVEMENTS, &json!({ "movements": [movement] })).await;
    (answer.status.as_u16(), answer.code().to_owned())
}

/// The status, when there is an answer.
async fn ask(caller: &Caller, path: &str) -> Option<u16> {
    Some(caller.request(reqwest::Method::GET, path).send().await.ok()?.status().as_u16())
}
