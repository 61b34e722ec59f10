//! Cycles of dependencies, and what they are called.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::graph::{Edge, Graph, Kind};
use super::{Anomaly, Finding, Index};

const WW: u8 = Kind::Ww as u8;
const WR: u8 = Kind::Wr as u8;
const RW: u8 = Kind::Rw as u8;
const RT: u8 = Kind::Rt as u8;

/// What to look for in which order: a cycle through an edge of the first kind, which comes back over edges of the mask.
const CLASSES: [(Anomaly, Kind, u8); 4] = [
    (Anomaly::G0, Kind::Ww, WW),
    (Anomaly::G1c, Kind::Wr, WW | WR),
    (Anomaly::GSingle, Kind::Rw, WW | WR),
    (Anomaly::G2, Kind::Rw, WW | WR | RW),
];

/// Edges tried for a cycle of one class in one component; a bound on the time that a very broken history takes.
const MAX_TRIES: usize = 2000;

/// The gravest cycle of each knot of transactions: those that depend on each other in a circle.
pub fn findings(index: &Index<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    let components = graph.components(WW | WR | RW | RT, None);
    let mut knots: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (node, component) in components.iter().enumerate() {
        knots.entry(*component).or_default().push(node);
    }
    knots.retain(|_, nodes| nodes.len() > 1);
    knots.values().filter_map(|nodes| gravest(index, graph, nodes)).collect()
}

fn gravest(index: &Index<'_>, graph: &Graph<'_>, knot: &[usize]) -> Option<Finding> {
    let mut within = vec![false; graph.edges.len()];
    for node in knot {
        within[*node] = true;
    }
    for realtime in [false, true] {
        for (anomaly, through, mask) in CLASSES {
            let mask = if realtime { mask | RT } else { mask };
            if let Some(cycle) = shortest(graph, knot, &within, through, mask) {
                return Some(tell(index, graph, anomaly, realtime, &cycle));
            }
        }
    }
    None
}

/// A cycle as its edges, each with the node it leaves.
type Cycle<'a> = Vec<(usize, Edge<'a>)>;

fn shortest<'a>(graph: &Graph<'a>, knot: &[usize], within: &[bool], through: Kind, mask: u8) -> Option<Cycle<'a>> {
    // An edge that lies in no component of its own mask cannot be part of a cycle: no search from it.
    let components = graph.components(mask | through as u8, Some(within));
    let edges = knot.iter().flat_map(|&node| graph.edges[node].iter().map(move |edge| (node, *edge)));
    let candidates = edges.filter(|(node, edge)| edge.kind == through && components[*node] == components[edge.to]);
    let mut best: Option<Cycle<'a>> = None;
    for (node, edge) in candidates.take(MAX_TRIES) {
        if let Some(back) = way(graph, within, edge.to, node, mask)
            && best.as_ref().is_none_or(|best| back.len() + 1 < best.len())
        {
            best = Some(std::iter::once((node, edge)).chain(back).collect());
        }
        if best.as_ref().is_some_and(|best| best.len() <= 2) {
            break;
        }
    }
    best
}

/// The shortest way from one node to another, breadth first.
fn way<'a>(graph: &Graph<'a>, within: &[bool], from: usize, to: usize, mask: u8) -> Option<Cycle<'a>> {
    let mut came_by: HashMap<usize, (usize, Edge<'a>)> = HashMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(node) = queue.pop_front() {
        if node == to {
            let mut steps = Vec::new();
            let mut at = to;
            while at != from {
                let (before, edge) = came_by[&at];
                steps.push((before, edge));
                at = before;
            }
            steps.reverse();
            return Some(steps);
        }
        for edge in &graph.edges[node] {
            let is_new = edge.to != from && !came_by.contains_key(&edge.to);
            if edge.kind as u8 & mask != 0 && within[edge.to] && is_new {
                came_by.insert(edge.to, (node, *edge));
                queue.push_back(edge.to);
            }
        }
    }
    None
}

/// Moments are left out of the story: between two transactions they only say "before".
fn tell(index: &Index<'_>, graph: &Graph<'_>, anomaly: Anomaly, realtime: bool, cycle: &Cycle<'_>) -> Finding {
    let is_transaction = |node: usize| node < graph.transactions;
    let mut transactions = Vec::new();
    let mut text = String::new();
    for (node, edge) in cycle {
        if is_transaction(*node) {
            transactions.push(*node);
            text.push_str(&index.describe(*node));
            text.push_str(&match edge.kind {
                Kind::Ww => format!(" — overwritten in {} by → ", edge.key),
                Kind::Wr => format!(" — seen in {} by → ", edge.key),
                Kind::Rw => format!(" — did not yet see in {} → ", edge.key),
                Kind::Rt => " — answered before → ".to_owned(),
            });
        }
    }
    text.push_str(&format!("[{}] again", transactions.first().copied().unwrap_or_default()));
    Finding { anomaly, realtime, transactions, text }
}
