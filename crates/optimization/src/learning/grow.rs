use super::Settings;
use super::bins::{BLOCK, Bins};
use super::gradient::Gradients;
use super::split::{Histogram, Search, Split};
use super::tree::{Node, Tree};

/// Grows trees leaf by leaf, the leaf with the largest gain first. The buffers serve one tree after another.
pub(super) struct Grower<'a> {
    bins: &'a Bins,
    bin_counts: &'a [usize],
    settings: &'a Settings,
    /// By place of the leaf in [`Growth::leaves`].
    histograms: Vec<Histogram>,
    scratch: Vec<u32>,
    /// Of the last tree.
    leaves: Vec<Leaf>,
    /// The total gain of each feature's splits.
    pub importance: Vec<f64>,
}

struct Leaf {
    node: usize,
    /// Its rows are `rows[start..end]`.
    start: usize,
    end: usize,
    depth: u16,
    sum: i64,
    split: Option<Split>,
}

impl<'a> Grower<'a> {
    /// `bin_counts` without the bin of the missing, by feature.
    pub fn new(bins: &'a Bins, bin_counts: &'a [usize], settings: &'a Settings) -> Self {
        Self {
            bins,
            bin_counts,
            settings,
            histograms: vec![vec![[[0; 256]; BLOCK]; bins.blocks]; usize::from(settings.max_leaves)],
            scratch: Vec::new(),
            leaves: Vec::new(),
            importance: vec![0.0; bin_counts.len()],
        }
    }

    /// A tree for the given rows of `bins`, which end up in the order of its leaves.
    pub fn grow(&mut self, rows: &mut [u32], gradients: &Gradients) -> Tree {
        self.scratch.resize(rows.len(), 0);
        let most = usize::from(self.settings.max_leaves);
        let search =
            Search { gradients, bin_counts: self.bin_counts, has_missing: &self.bins.has_missing, settings: self.settings };
        let sum = gradients.sum(rows);
        fill(&mut self.histograms[0], self.bins, rows, &gradients.pairs);
        let split = search.best(&self.histograms[0], sum);
        let mut nodes = vec![Node::leaf(0, self.value(gradients, sum))];
        let mut leaves = vec![Leaf { node: 0, start: 0, end: rows.len(), depth: 0, sum, split }];
        while let Some((at, split)) = most_gain(&leaves).filter(|_| leaves.len() < most) {
            self.importance[split.feature] += f64::from(split.gain);
            let Leaf { node, start, end, depth, sum, .. } = leaves[at];
            let middle = start + part(&mut rows[start..end], &mut self.scratch, self.bins, &split);
            let (left, right_sum) = (nodes.len(), sum - split.left_sum);
            nodes[node] = Node::split(split.feature as u16, split.edge, split.missing_left, left as u16, nodes[node].value);
            nodes.push(Node::leaf(left as u16, self.value(gradients, split.left_sum)));
            nodes.push(Node::leaf(left as u16 + 1, self.value(gradients, right_sum)));
            let depth = depth + 1;
            leaves[at] = Leaf { node: left, start, end: middle, depth, sum: split.left_sum, split: None };
            leaves.push(Leaf { node: left + 1, start: middle, end, depth, sum: right_sum, split: None });
            if leaves.len() < most && depth < self.settings.max_depth {
                self.divide_histogram(at, &leaves, rows, &gradients.pairs);
                for leaf in [at, leaves.len() - 1] {
                    leaves[leaf].split = search.best(&self.histograms[leaf], leaves[leaf].sum);
                }
            }
        }
        self.leaves = leaves;
        Tree::new(nodes)
    }

    /// Adds the last tree's values to the scores of the rows it was grown from, in the order that it left them in.
    pub fn add_to(&self, tree: &Tree, rows: &[u32], scores: &mut [f64]) {
        for leaf in &self.leaves {
            let value = f64::from(tree.nodes[leaf.node].value);
            for &row in &rows[leaf.start..leaf.end] {
                scores[row as usize] += value;
            }
        }
    }

    /// The histogram at `at` still holds both children's rows: counts the smaller child and takes it off.
    fn divide_histogram(&mut self, at: usize, leaves: &[Leaf], rows: &[u32], pairs: &[i64]) {
        let last = leaves.len() - 1;
        let (left, right) = (&leaves[at], &leaves[last]);
        let left_smaller = left.end - left.start < right.end - right.start;
        let smaller = if left_smaller { left } else { right };
        let (before, from) = self.histograms.split_at_mut(last);
        fill(&mut from[0], self.bins, &rows[smaller.start..smaller.end], pairs);
        for (all, part) in before[at].as_flattened_mut().as_flattened_mut().iter_mut().zip(from[0].as_flattened().as_flattened())
        {
            *all -= part;
        }
        if left_smaller {
            std::mem::swap(&mut before[at], &mut from[0]);
        }
    }

    /// The step that minimises the loss to second order, shrunk.
    fn value(&self, gradients: &Gradients, sum: i64) -> f32 {
        let (derivative, curvature) = gradients.of(sum);
        -derivative / (curvature + self.settings.lambda as f32) * self.settings.learning_rate as f32
    }
}

fn most_gain(leaves: &[Leaf]) -> Option<(usize, Split)> {
    let mut best: Option<(usize, Split)> = None;
    for (at, leaf) in leaves.iter().enumerate() {
        if let Some(split) = leaf.split.filter(|split| best.is_none_or(|(_, best)| split.gain > best.gain)) {
            best = Some((at, split));
        }
    }
    best
}

fn fill(histogram: &mut Histogram, bins: &Bins, rows: &[u32], pairs: &[i64]) {
    for (block, sums) in histogram.iter_mut().enumerate() {
        sums.as_flattened_mut().fill(0);
        for &row in rows {
            let pair = pairs[row as usize];
            let codes = bins.codes[row as usize * bins.blocks + block];
            for (sums, code) in sums.iter_mut().zip(codes) {
                let sum = &mut sums[usize::from(code)];
                *sum = sum.wrapping_add(pair);
            }
        }
    }
}

/// Brings the rows that go left to the front, both sides in their order; returns how many those are.
fn part(rows: &mut [u32], scratch: &mut [u32], bins: &Bins, split: &Split) -> usize {
    let column = &bins.columns[split.feature];
    let node = Node::split(0, split.edge, split.missing_left, 0, 0.0);
    let (mut lefts, mut rights) = (0, 0);
    for at in 0..rows.len() {
        let row = rows[at];
        let right = usize::from(node.next(column[row as usize]));
        rows[lefts] = row;
        scratch[rights] = row;
        lefts += 1 - right;
        rights += right;
    }
    rows[lefts..].copy_from_slice(&scratch[..rights]);
    lefts
}
