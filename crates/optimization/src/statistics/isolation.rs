use serde::{Deserialize, Serialize};

use super::error::{at_least, require, same_length};
use super::random::Random;
use super::{Column, Error};

/// How an isolation forest is grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForestSettings {
    /// 1 to 1,000.
    pub trees: usize,
    /// Rows that each tree sees, 2 to 4,096; all of them when there are fewer.
    pub sample: usize,
    /// The same seed and rows give the same scores.
    pub seed: u64,
}

impl ForestSettings {
    /// 100 trees of 256 rows, as the authors advise.
    pub fn new(seed: u64) -> Self {
        Self { trees: 100, sample: 256, seed }
    }
}

/// The score from which a row is customarily an outlier; severities go by distance on the scale of 0.5 (ordinary) to 1.
pub const FOREST_THRESHOLD: f64 = 0.6;

struct Node {
    column: usize,
    /// Rows below go to `children.0`.
    split: f64,
    /// 0 for a leaf.
    children: (u32, u32),
    /// Of a leaf: its depth and what further splitting of its rows would have added.
    depth: f64,
}

/// How easily random cuts isolate each row (Liu, Ting & Zhou 2008): 2^(-mean depth / c(sample)), about 0.5 for an ordinary row
/// and near 1 for one that stands alone. `columns` are the features, of one length, at least two rows. Only the order and the
/// gaps of the values matter, not their unit. Takes a few microseconds for each row.
pub fn isolation_scores(columns: &[Column], settings: ForestSettings) -> Result<Vec<f64>, Error> {
    require((1..=1000).contains(&settings.trees), "trees", "from 1 to 1000")?;
    require((2..=4096).contains(&settings.sample), "sample", "from 2 to 4096")?;
    at_least(columns.len(), 1)?;
    let count = columns[0].len();
    at_least(count, 2)?;
    columns.iter().try_for_each(|column| same_length(count, column.len()))?;
    let mut random = Random::new(settings.seed);
    let sample = settings.sample.min(count);
    let limit = (sample as f64).log2().ceil() as u32;
    let mut depths = vec![0.0; count];
    for _ in 0..settings.trees {
        let mut rows = draw(count, sample, &mut random);
        let mut tree = Vec::with_capacity(2 * sample);
        grow(columns, &mut rows, 0, limit, &mut random, &mut tree);
        for (row, depth) in depths.iter_mut().enumerate() {
            *depth += depth_of(columns, &tree, row);
        }
    }
    let usual = usual_depth(sample) * settings.trees as f64;
    Ok(depths.into_iter().map(|depth| (-depth / usual).exp2()).collect())
}

/// Different rows, by Floyd's method (Bentley & Floyd 1987).
fn draw(count: usize, sample: usize, random: &mut Random) -> Vec<u32> {
    let mut chosen = std::collections::BTreeSet::new();
    for most in count - sample..count {
        let row = random.below(most + 1) as u32;
        if !chosen.insert(row) {
            chosen.insert(most as u32);
        }
    }
    chosen.into_iter().collect()
}

/// Appends the tree of `rows` and returns where its root stands.
fn grow(columns: &[Column], rows: &mut [u32], depth: u32, limit: u32, random: &mut Random, tree: &mut Vec<Node>) -> u32 {
    let at = tree.len();
    tree.push(Node { column: 0, split: 0.0, children: (0, 0), depth: f64::from(depth) + usual_depth(rows.len()) });
    let Some((column, split)) = (depth < limit && rows.len() > 1).then(|| cut(columns, rows, random)).flatten() else {
        return at as u32;
    };
    let values = columns[column].values();
    rows.sort_unstable_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]).then(a.cmp(&b)));
    let (left, right) = rows.split_at_mut(rows.partition_point(|&row| values[row as usize] < split));
    let children = (grow(columns, left, depth + 1, limit, random, tree), grow(columns, right, depth + 1, limit, random, tree));
    tree[at] = Node { column, split, children, depth: 0.0 };
    at as u32
}

/// A random place to cut a random column whose values differ, so that both sides hold rows; `None` when all rows are equal.
fn cut(columns: &[Column], rows: &[u32], random: &mut Random) -> Option<(usize, f64)> {
    let range = |column: &Column| {
        let values = rows.iter().map(|&row| column.values()[row as usize]);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    };
    let open: Vec<(usize, (f64, f64))> = columns.iter().map(range).enumerate().filter(|(_, (low, high))| low < high).collect();
    let &(column, (low, high)) = open.get(random.below(open.len().max(1)))?;
    let split = low + random.unit() * (high - low);
    Some((column, if split > low { split.min(high) } else { high }))
}

fn depth_of(columns: &[Column], tree: &[Node], row: usize) -> f64 {
    let mut node = &tree[0];
    while node.children.0 > 0 {
        let below = columns[node.column].values()[row] < node.split;
        node = &tree[if below { node.children.0 } else { node.children.1 } as usize];
    }
    node.depth
}

/// c(n): the mean depth at which an unsuccessful search of a binary search tree of n keys ends, 2 H(n - 1) - 2 (n - 1) / n.
fn usual_depth(count: usize) -> f64 {
    match count {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let n = count as f64;
            2.0 * ((n - 1.0).ln() + 0.577_215_664_901_532_9) - 2.0 * (n - 1.0) / n
        }
    }
}
