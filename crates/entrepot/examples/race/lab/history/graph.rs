//! The dependencies between transactions.

use super::{Index, Outcome};

/// Why one transaction comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// It wrote the version before the other's.
    Ww = 1,
    /// The other saw what it wrote.
    Wr = 2,
    /// It saw the version that the other then replaced.
    Rw = 4,
    /// It was answered before the other began.
    Rt = 8,
}

#[derive(Clone, Copy, Debug)]
pub struct Edge<'a> {
    pub to: usize,
    pub kind: Kind,
    /// The list that tells it; empty for real time.
    pub key: &'a str,
}

/// Nodes are the transactions, followed by one node per answer: the moments, in their order. "Answered before the other
/// began" would be a quadratic number of edges; by way of the moments it is a linear one, with the same paths.
pub struct Graph<'a> {
    pub edges: Vec<Vec<Edge<'a>>>,
    pub transactions: usize,
}

impl<'a> Graph<'a> {
    pub fn new(index: &Index<'a>) -> Self {
        let transactions = index.history.len();
        let mut graph = Self { edges: vec![Vec::new(); transactions], transactions };
        graph.add_versions(index);
        graph.add_reads(index);
        graph.add_realtime(index);
        graph
    }

    fn add(&mut self, from: usize, to: usize, kind: Kind, key: &'a str) {
        if from != to {
            self.edges[from].push(Edge { to, kind, key });
        }
    }

    fn add_versions(&mut self, index: &Index<'a>) {
        for (key, order) in &index.order {
            let writers: Vec<_> = order.iter().map(|mark| index.writer.get(&(*key, mark.as_str())).copied()).collect();
            for pair in writers.windows(2) {
                if let [Some(earlier), Some(later)] = pair {
                    self.add(*earlier, *later, Kind::Ww, key);
                }
            }
        }
    }

    fn add_reads(&mut self, index: &Index<'a>) {
        for look in &index.looks {
            let writer = |mark: &String| index.writer.get(&(look.key, mark.as_str())).copied();
            // What it appended itself tells nothing about others; what stands before that does.
            let seen = look.list.iter().rev().find_map(|mark| writer(mark).filter(|&writer| writer != look.transaction));
            if let Some(seen) = seen {
                self.add(seen, look.transaction, Kind::Wr, look.key);
            }
            let order = index.order[look.key];
            if order.starts_with(look.list)
                && let Some(next) =
                    order[look.list.len()..].iter().find_map(|mark| writer(mark).filter(|&next| next != look.transaction))
            {
                self.add(look.transaction, next, Kind::Rw, look.key);
            }
        }
    }

    fn add_realtime(&mut self, index: &Index<'a>) {
        let mut answered: Vec<(u64, usize)> = index
            .history
            .iter()
            .enumerate()
            .filter(|(_, transaction)| transaction.outcome == Outcome::Committed)
            .map(|(number, transaction)| (transaction.completed, number))
            .collect();
        answered.sort_unstable();
        let moment = |place: usize| self.transactions + place;
        let mut edges = Vec::new();
        for (place, (_, number)) in answered.iter().enumerate() {
            edges.push((*number, moment(place)));
            if place > 0 {
                edges.push((moment(place - 1), moment(place)));
            }
        }
        for (number, transaction) in index.history.iter().enumerate() {
            let before = answered.partition_point(|(completed, _)| *completed < transaction.invoked);
            if before > 0 && transaction.outcome != Outcome::Refused {
                edges.push((moment(before - 1), number));
            }
        }
        self.edges.resize(self.transactions + answered.len(), Vec::new());
        for (from, to) in edges {
            self.add(from, to, Kind::Rt, "");
        }
    }

    /// Strongly connected components (Tarjan 1972, without recursion) over the edges of the kinds in `mask`: the component
    /// of each node. Nodes outside `within` stand alone.
    pub fn components(&self, mask: u8, within: Option<&[bool]>) -> Vec<usize> {
        let mut walk = Tarjan::new(self.edges.len());
        for node in 0..self.edges.len() {
            if walk.index[node] == UNSEEN {
                walk.from(self, node, mask, within);
            }
        }
        walk.component
    }
}

const UNSEEN: usize = usize::MAX;

struct Tarjan {
    index: Vec<usize>,
    low: Vec<usize>,
    component: Vec<usize>,
    stack: Vec<usize>,
    next: usize,
    components: usize,
}

impl Tarjan {
    fn new(nodes: usize) -> Self {
        let unseen = || vec![UNSEEN; nodes];
        Self { index: unseen(), low: unseen(), component: unseen(), stack: Vec::new(), next: 0, components: 0 }
    }

    fn enter(&mut self, node: usize) {
        self.index[node] = self.next;
        self.low[node] = self.next;
        self.next += 1;
        self.stack.push(node);
    }

    fn from(&mut self, graph: &Graph<'_>, root: usize, mask: u8, within: Option<&[bool]>) {
        self.enter(root);
        let mut path = vec![(root, 0)];
        while let Some((node, at)) = path.last_mut() {
            let node = *node;
            if let Some(edge) = graph.edges[node].get(*at) {
                *at += 1;
                let is_inside = |node: usize| within.is_none_or(|within| within[node]);
                if edge.kind as u8 & mask == 0 || !is_inside(node) || !is_inside(edge.to) {
                    continue;
                }
                if self.index[edge.to] == UNSEEN {
                    self.enter(edge.to);
                    path.push((edge.to, 0));
                } else if self.component[edge.to] == UNSEEN {
                    self.low[node] = self.low[node].min(self.index[edge.to]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                self.low[*parent] = self.low[*parent].min(self.low[node]);
            }
            if self.low[node] == self.index[node] {
                self.close(node);
            }
        }
    }

    fn close(&mut self, root: usize) {
        while let Some(node) = self.stack.pop() {
            self.component[node] = self.components;
            if node == root {
                break;
            }
        }
        self.components += 1;
    }
}
