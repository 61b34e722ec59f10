//! The assignment of whole lines, on batches that other solvers were given too.

use std::path::{Path, PathBuf};

use optimization::assignment::{Answer, Effort, Goods, Shelf, Travel, solve};
use serde::Deserialize;

use crate::{Column, measured};

pub struct Set {
    pub name: &'static str,
    files: &'static str,
    milliseconds: u64,
}

pub const SETS: [Set; 4] = [
    Set { name: "small", files: "50x500-", milliseconds: 6 },
    Set { name: "wide", files: "50x5000-", milliseconds: 6 },
    Set { name: "large", files: "200x5000-", milliseconds: 130 },
    Set { name: "huge", files: "1000x20000-", milliseconds: 2400 },
];

#[derive(Deserialize)]
struct File {
    lines: Lines,
    bins: Bins,
    peers: Vec<Peer>,
}

#[derive(Deserialize)]
struct Lines {
    volume: Vec<i64>,
    weight: Vec<i64>,
    velocity: Vec<i64>,
    zone: Vec<u32>,
    hazard: Vec<bool>,
}

#[derive(Deserialize)]
struct Bins {
    volume: Vec<i64>,
    weight: Vec<i64>,
    distance: Vec<i64>,
    zone: Vec<u32>,
    hazard: Vec<bool>,
    empty: Vec<bool>,
}

#[derive(Deserialize)]
struct Peer {
    solver: String,
    objective: Option<f64>,
    proven: bool,
    cpu_s: f64,
}

impl Set {
    pub fn run(&self) {
        let files = self.files();
        if files.is_empty() {
            println!("{}: no batches; `make bench-peers` writes them", self.name);
            return;
        }
        let (mut excess, mut gap, mut cpu, mut optimal) = (Column::default(), Column::default(), Column::default(), 0);
        for path in &files {
            let file: File = serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("as the script writes it");
            let model = model(&file);
            let effort = Effort::within(self.milliseconds, model.goods().len());
            let (ms, answer) = measured(|| solve(&model, None, effort));
            check(&model, &answer);
            let best = file.peers.iter().filter_map(|peer| peer.objective).fold(f64::INFINITY, f64::min);
            if best.is_finite() {
                excess.0.push((answer.cost / best.round() - 1.0) * 100.0);
            }
            gap.0.push(answer.gap() * 100.0);
            cpu.0.push(ms);
            optimal += usize::from(answer.gap() == 0.0);
            println!("  {} {}", path.file_stem().expect("a file").to_string_lossy(), told(&answer, ms, &file.peers));
        }
        let excess = match excess.0.len() {
            0 => "no peer got so far".to_owned(),
            _ => format!("excess over the peers' best mean {:.3} %, worst {:.3} %", excess.mean(), excess.worst()),
        };
        println!(
            "{}: {} batches, {optimal} proven optimal; {excess}; proven gap mean {:.3} %, worst {:.3} %; CPU mean {:.1} ms, p95 {:.1} ms, \
             worst {:.1} ms",
            self.name,
            files.len(),
            gap.mean(),
            gap.worst(),
            cpu.mean(),
            cpu.percentile(95),
            cpu.worst()
        );
    }

    fn files(&self) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/putaway");
        let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(self.files));
        let mut files: Vec<_> = entries.filter(named).collect();
        files.sort();
        files
    }
}

fn told(answer: &Answer, ms: f64, peers: &[Peer]) -> String {
    let peer = |peer: &Peer| {
        let objective = peer.objective.map_or("nothing".into(), |objective| format!("{objective:.0}"));
        format!("; {} {objective}{} in {:.2} s", peer.solver, if peer.proven { " (proven)" } else { "" }, peer.cpu_s)
    };
    let peers: String = peers.iter().map(peer).collect();
    format!("cost {} bound {} gap {:.2} % in {ms:.1} ms{peers}", answer.cost, answer.bound, answer.gap() * 100.0)
}

fn model(file: &File) -> Travel {
    let (lines, bins) = (&file.lines, &file.bins);
    let goods = |n: usize| Goods {
        volume: lines.volume[n],
        weight: lines.weight[n],
        velocity: lines.velocity[n],
        zone: lines.zone[n],
        hazardous: lines.hazard[n],
    };
    let shelf = |n: usize| Shelf {
        volume: bins.volume[n],
        weight: bins.weight[n],
        distance: bins.distance[n],
        zone: bins.zone[n],
        takes_hazardous: bins.hazard[n],
        empty: bins.empty[n],
    };
    Travel::new((0..lines.volume.len()).map(goods).collect(), (0..bins.volume.len()).map(shelf).collect())
}

/// Every rule and the cost, from the goods and shelves alone.
fn check(model: &Travel, answer: &Answer) {
    let mut used = vec![(0, 0); model.shelves().len()];
    let mut cost = 0;
    for (goods, bin) in model.goods().iter().zip(&answer.bins) {
        let bin = bin.expect("every line has a place in these batches") as usize;
        let shelf = model.shelves()[bin];
        assert!(!goods.hazardous || shelf.takes_hazardous);
        if used[bin].0 == 0 && shelf.empty {
            cost += 300;
        }
        used[bin] = (used[bin].0 + goods.volume, used[bin].1 + goods.weight);
        assert!(used[bin].0 <= shelf.volume && used[bin].1 <= shelf.weight);
        cost += goods.velocity * shelf.distance / 10 + if goods.zone == shelf.zone { 0 } else { 500 };
    }
    assert_eq!(cost as f64, answer.cost);
    assert!(answer.bound <= answer.cost);
}
