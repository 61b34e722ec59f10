//! Kills of the process, of PostgreSQL and of single backends, and orderly restarts of PostgreSQL, at random points under load.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::load::Load;
use super::world::World;
use super::{Report, percentile, verify};
use crate::binary::signal;

/// A fault must be over within this time.
const RECOVERY: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Victim {
    Process,
    Postmaster,
    Backend,
    Both,
    /// Told to stop at once, as by an operator (fast shutdown).
    Restart,
}

impl Victim {
    fn label(self) -> &'static str {
        match self {
            Self::Process => "kill -9 of the process",
            Self::Postmaster => "kill -9 of the postmaster",
            Self::Backend => "kill -9 of a backend",
            Self::Both => "kill -9 of process and postmaster",
            Self::Restart => "fast shutdown of PostgreSQL",
        }
    }
}

/// Twenty tickets: which victim how often.
pub const KILLS: [Victim; 20] = {
    use Victim::{Backend as B, Both as A, Postmaster as M, Process as P};
    [P, P, P, P, P, P, P, P, P, M, M, M, M, B, B, B, B, B, A, A]
};

pub struct Plan {
    pub part: &'static str,
    pub points: u32,
    pub writers: usize,
    pub seed: u64,
    pub victims: &'static [Victim],
    /// A slow machine gets through fewer points in it.
    pub limit: Duration,
}

pub async fn run(plan: &Plan) -> Report {
    let mut report = Report::new(plan.part);
    let mut world = World::new(plan.part, &[]).await;
    let load = Load::start(&world, plan.part, plan.writers, plan.seed).await;
    let mut random = StdRng::seed_from_u64(plan.seed);
    let mut counts: BTreeMap<Victim, u32> = BTreeMap::new();
    let mut recoveries: Vec<f64> = Vec::new();
    let started = Instant::now();
    let mut points = 0;
    for point in (1..=plan.points).take_while(|_| started.elapsed() < plan.limit) {
        points = point;
        // Some points come while recovery is hardly over, others in the middle of the load.
        let acknowledgements = random.random_range(1..=plan.writers as u64);
        if load.shared.progress(acknowledgements, RECOVERY).await.is_none() {
            report.broken(format!("point {point}: nothing was acknowledged for {} s\n{}", RECOVERY.as_secs(), tail(&world)));
            break;
        }
        load.shared.sent.notified().await;
        tokio::time::sleep(Duration::from_micros(random.random_range(0..50_000))).await;
        let victim = plan.victims[random.random_range(0..plan.victims.len())];
        if strike(&mut world, victim, &mut random) {
            *counts.entry(victim).or_default() += 1;
        }
        match load.shared.progress(1, RECOVERY).await {
            Some(took) => recoveries.push(took.as_secs_f64()),
            None => report.broken(format!("point {point}: not back within {} s after {victim:?}", RECOVERY.as_secs())),
        }
        if point % 20 == 0 {
            let (done, seconds) =
                (load.shared.acknowledged.load(std::sync::atomic::Ordering::Relaxed), started.elapsed().as_secs());
            println!("{}: {point} of {} points, {done} acknowledged, {seconds} s", plan.part, plan.points);
        }
    }
    let shared = load.shared.clone();
    let operations = load.finish().await;
    report.figure(format!("points reached, of {}", plan.points), points);
    for (victim, count) in &counts {
        report.figure(victim.label(), count);
    }
    report.figure("longest recovery, s", format!("{:.2}", percentile(&mut recoveries, 1.0)));
    report.figure("median recovery, s", format!("{:.2}", percentile(&mut recoveries, 0.5)));
    println!("{}: answers {}", plan.part, shared.answers());
    verify::all(&world, &shared, &operations, &mut report).await;
    report
}

fn strike(world: &mut World, victim: Victim, random: &mut StdRng) -> bool {
    let postmaster = world.running.postmaster();
    match (victim, postmaster) {
        (Victim::Process, _) => {
            world.running.kill();
            world.running.respawn();
            true
        }
        (Victim::Both, Some(pid)) => {
            signal(pid, Signal::SIGKILL);
            world.running.kill();
            world.running.respawn();
            true
        }
        (Victim::Postmaster, Some(pid)) => {
            signal(pid, Signal::SIGKILL);
            true
        }
        (Victim::Restart, Some(pid)) => {
            signal(pid, Signal::SIGINT);
            true
        }
        (Victim::Backend, Some(pid)) => match backend(pid, random) {
            Some(backend) => {
                signal(backend, Signal::SIGKILL);
                true
            }
            None => false,
        },
        (_, None) => false,
    }
}

/// One of our sessions: rather one that commits than one that writes, rather one that writes than one that idles.
fn backend(postmaster: i32, random: &mut StdRng) -> Option<i32> {
    let mut sessions: Vec<(u8, i32)> = std::fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // After the name in brackets: state, then the parent.
            let parent: i32 = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            let title = std::fs::read(entry.path().join("cmdline")).ok()?;
            let title = String::from_utf8_lossy(&title).trim_end_matches('\0').to_owned();
            let rank = match title.rsplit(' ').next() {
                Some("COMMIT") => 0,
                Some("INSERT" | "UPDATE" | "SELECT" | "BIND" | "PARSE" | "transaction") => 1,
                _ => 2,
            };
            (parent == postmaster && title.contains("wms_runtime")).then_some((rank, pid))
        })
        .collect();
    sessions.sort_unstable();
    let best = sessions.iter().filter(|(rank, _)| *rank == sessions[0].0).count();
    (best > 0).then(|| sessions[random.random_range(0..best)].1)
}

fn tail(world: &World) -> String {
    let log = world.running.log();
    let lines: Vec<&str> = log.lines().rev().take(15).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
