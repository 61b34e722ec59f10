use std::ops::BitAndAssign;

use super::bins::Bins;

/// The most leaves of a tree: a bit for each fits a word.
pub(super) const MAX_LEAVES: u16 = 64;

/// A node; children stand side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Node {
    pub feature: u16,
    /// Codes up to it go left, after [`Node::missing_left`] was added.
    pub threshold: u8,
    /// 1 where missing values go left: 255 + 1 wraps to 0, and any other code and the threshold move alike.
    pub missing_left: u8,
    /// A leaf names itself, and everything goes left there.
    pub left: u16,
    /// Log odds to add, were the node a leaf.
    pub value: f32,
}

impl Node {
    pub fn leaf(place: u16, value: f32) -> Self {
        Self { feature: 0, threshold: u8::MAX, missing_left: 0, left: place, value }
    }

    pub fn split(feature: u16, edge: u8, missing_left: bool, left: u16, value: f32) -> Self {
        let missing_left = u8::from(missing_left);
        Self { feature, threshold: edge + missing_left, missing_left, left, value }
    }

    /// The edge up to which values go left.
    pub fn edge(&self) -> u8 {
        self.threshold - self.missing_left
    }

    pub fn next(&self, code: u8) -> u16 {
        self.left + u16::from(self.goes_right(code))
    }

    fn goes_right(&self, code: u8) -> bool {
        code.wrapping_add(self.missing_left) > self.threshold
    }
}

/// The root stands first, children behind their parent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tree {
    pub nodes: Vec<Node>,
    /// Splits on the longest way down.
    pub depth: u16,
    /// Each split with the leaves, a bit for each from left to right, that remain for a row which goes right.
    cuts: Vec<(Node, u64)>,
    /// By leaf from left to right.
    values: Vec<f64>,
}

/// Rows that pass a split at once.
const STRIDE: usize = 64;

impl Tree {
    pub fn new(nodes: Vec<Node>) -> Self {
        let mut tree = Self { nodes, depth: 0, cuts: Vec::new(), values: Vec::new() };
        tree.number_leaves();
        tree
    }

    pub fn is_leaf(&self, place: usize) -> bool {
        usize::from(self.nodes[place].left) == place
    }

    pub fn splits(&self) -> impl Iterator<Item = &Node> {
        self.cuts.iter().map(|(node, _)| node)
    }

    fn number_leaves(&mut self) {
        // The leaves below a place are complete when its second child has been left.
        let mut open = vec![(0_usize, 0_u16, None)];
        while let Some((place, depth, first)) = open.pop() {
            let node = self.nodes[place];
            let left = usize::from(node.left);
            match first {
                _ if self.is_leaf(place) => {
                    self.depth = self.depth.max(depth);
                    self.values.push(f64::from(node.value));
                }
                None => {
                    let first = self.values.len();
                    open.extend([(left + 1, depth + 1, None), (place, depth, Some(first)), (left, depth + 1, None)]);
                }
                Some(first) => {
                    let gone = low_bits(self.values.len()) & !low_bits(first);
                    self.cuts.push((node, !gone));
                }
            }
        }
    }

    /// Adds the tree's value for rows `first`, `first` + 1, … of `bins` to `scores`.
    ///
    /// Every row passes every split, many rows at once, instead of walking down alone: a split that sends it right rules out
    /// the leaves to its left, and the first that remains is the row's leaf (QuickScorer, Lucchese et al. 2015).
    pub fn add_to(&self, bins: &Bins, first: usize, scores: &mut [f64]) {
        match self.values.len() {
            0..=8 => self.add_by(u8::MAX, |leaves| leaves as u8, bins, first, scores),
            9..=16 => self.add_by(u16::MAX, |leaves| leaves as u16, bins, first, scores),
            17..=32 => self.add_by(u32::MAX, |leaves| leaves as u32, bins, first, scores),
            _ => self.add_by(u64::MAX, |leaves| leaves, bins, first, scores),
        }
    }

    fn add_by<T: Copy + BitAndAssign + Into<u64>>(
        &self,
        all: T,
        narrow: impl Fn(u64) -> T,
        bins: &Bins,
        first: usize,
        scores: &mut [f64],
    ) {
        for (stride, scores) in scores.chunks_mut(STRIDE).enumerate() {
            let start = first + stride * STRIDE;
            let mut remaining = [all; STRIDE];
            for &(node, leaves) in &self.cuts {
                let codes = &bins.columns[usize::from(node.feature)][start..start + scores.len()];
                let kept = narrow(leaves);
                for (remaining, &code) in remaining.iter_mut().zip(codes) {
                    *remaining &= if node.goes_right(code) { kept } else { all };
                }
            }
            for (score, remaining) in scores.iter_mut().zip(remaining) {
                let remaining: u64 = remaining.into();
                *score += self.values[remaining.trailing_zeros() as usize];
            }
        }
    }

    /// The nodes that a row passes, from the root to its leaf.
    pub fn path<'a>(&'a self, bins: &'a Bins, row: usize) -> impl Iterator<Item = &'a Node> {
        let mut place = Some(0);
        std::iter::from_fn(move || {
            let here = place?;
            let node = &self.nodes[here];
            let next = usize::from(node.next(bins.columns[usize::from(node.feature)][row]));
            place = (next != here).then_some(next);
            Some(node)
        })
    }
}

fn low_bits(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::random::Random;

    /// Splits leaves drawn at random, as growing does.
    fn random_tree(leaves: usize, random: &mut Random) -> Tree {
        let mut nodes = vec![Node::leaf(0, 0.5)];
        let mut open = vec![0];
        while open.len() < leaves {
            let place: usize = open.swap_remove((random.share() * open.len() as f64) as usize);
            let left = nodes.len();
            let edge = (random.share() * 250.0) as u8;
            nodes[place] = Node::split((random.share() * 3.0) as u16, edge, random.share() < 0.5, left as u16, 0.0);
            for child in [left, left + 1] {
                nodes.push(Node::leaf(child as u16, random.share() as f32));
                open.push(child);
            }
        }
        Tree::new(nodes)
    }

    #[test]
    fn all_splits_at_once_lead_where_a_walk_leads() {
        let mut random = Random::new(1);
        let columns: Vec<Vec<f64>> = (0..3).map(|_| (0..300).map(|_| random.share()).chain([f64::NAN; 9]).collect()).collect();
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let edges: Vec<Vec<f64>> = vec![(1..=250).map(|edge| f64::from(edge) / 251.0).collect(); 3];
        let bins = Bins::new(&columns, &edges, None);
        for leaves in (1..=64).chain(1..=64) {
            let tree = random_tree(leaves, &mut random);
            let mut scores = vec![1.0; 300];
            tree.add_to(&bins, 9, &mut scores);
            for (row, score) in scores.iter().enumerate() {
                let path: Vec<&Node> = tree.path(&bins, row + 9).collect();
                assert_eq!(*score, 1.0 + f64::from(path[path.len() - 1].value));
                assert!(path.len() <= usize::from(tree.depth) + 1);
            }
        }
    }
}
