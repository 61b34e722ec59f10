//! The stored form of a model: JSON with every number that must come back to the bit as text, because readers of JSON round.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::bins::MAX_EDGES;
use super::calibration::Calibration;
use super::settings::{MAX_DEPTH, MAX_ROUNDS};
use super::tree::{MAX_LEAVES, Node, Tree};
use super::{InvalidInput, Model, Schema};

const FORMAT: &str = "entrepot.acceptance";
const VERSION: u32 = 1;
/// No log odds of ours come near it.
const MAX_LOG_ODDS: f64 = 1_000.0;

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    format: String,
    version: u32,
    trained_until_us: i64,
    decisions: u32,
    schema: Schema,
    edges: Vec<Numbers>,
    gains: Numbers,
    /// Bias of the trees, slope and intercept of the calibration.
    constants: Numbers,
    trees: Vec<StoredTree>,
}

/// By node: feature, edge, 1 where the missing go left, place of the left child (0 for a leaf), log odds.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTree {
    f: Vec<u16>,
    e: Vec<u8>,
    m: Vec<u8>,
    l: Vec<u16>,
    v: Numbers,
}

/// Parted by blanks.
#[derive(Clone, Serialize, Deserialize)]
struct Numbers(String);

impl Numbers {
    fn write<T: fmt::Debug>(numbers: impl IntoIterator<Item = T>) -> Self {
        Self(numbers.into_iter().map(|number| format!("{number:?}")).collect::<Vec<_>>().join(" "))
    }

    fn read<T: FromStr + Copy + Into<f64>>(&self, field: impl Display, limit: f64) -> Result<Vec<T>, InvalidInput> {
        let number = |text: &str| text.parse::<T>().ok().filter(|&number| number.into().abs() <= limit);
        let numbers: Option<Vec<T>> = self.0.split_ascii_whitespace().map(number).collect();
        numbers.ok_or_else(|| bad(field, format!("must hold numbers parted by blanks, none beyond {limit:e}")))
    }
}

fn bad(field: impl Display, problem: impl Into<String>) -> InvalidInput {
    InvalidInput::new(format!("model.{field}"), problem)
}

fn check(good: bool, field: impl Display, problem: &str) -> Result<(), InvalidInput> {
    if good { Ok(()) } else { Err(bad(field, problem)) }
}

impl From<Model> for Stored {
    fn from(model: Model) -> Self {
        let Calibration { slope, intercept } = model.calibration;
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            trained_until_us: model.trained_until_us,
            decisions: model.decisions,
            schema: model.schema,
            edges: model.edges.iter().map(Numbers::write).collect(),
            gains: Numbers::write(&model.gains),
            constants: Numbers::write([model.bias, slope, intercept]),
            trees: model.trees.iter().map(StoredTree::from).collect(),
        }
    }
}

impl From<&Tree> for StoredTree {
    fn from(tree: &Tree) -> Self {
        let places = 0..tree.nodes.len();
        let split = |place: &usize| Some(&tree.nodes[*place]).filter(|_| !tree.is_leaf(*place));
        Self {
            f: places.clone().map(|place| split(&place).map_or(0, |node| node.feature)).collect(),
            e: places.clone().map(|place| split(&place).map_or(0, Node::edge)).collect(),
            m: places.clone().map(|place| split(&place).map_or(0, |node| node.missing_left)).collect(),
            l: places.clone().map(|place| split(&place).map_or(0, |node| node.left)).collect(),
            v: Numbers::write(tree.nodes.iter().map(|node| node.value)),
        }
    }
}

impl TryFrom<Stored> for Model {
    type Error = InvalidInput;

    fn try_from(stored: Stored) -> Result<Self, InvalidInput> {
        check(stored.format == FORMAT, "format", "is not that of an acceptance model")?;
        check(stored.version == VERSION, "version", "is none that this release reads: train anew")?;
        let features = stored.schema.features().len();
        check(stored.edges.len() == features, "edges", "must be one list per feature")?;
        let edges: Vec<Vec<f64>> = stored.edges.iter().map(read_edges).collect::<Result<_, _>>()?;
        let gains: Vec<f64> = stored.gains.read("gains", f64::MAX)?;
        check(
            gains.len() == features && gains.iter().all(|&gain| gain >= 0.0),
            "gains",
            "must be one per feature, none below 0",
        )?;
        let constants: Vec<f64> = stored.constants.read("constants", MAX_LOG_ODDS)?;
        let &[bias, slope, intercept] = constants.as_slice() else { return Err(bad("constants", "must be three")) };
        check(slope > 0.0, "constants", "must have a slope above 0")?;
        check(stored.trees.len() <= MAX_ROUNDS as usize, "trees", "are too many")?;
        let trees =
            stored.trees.iter().enumerate().map(|(place, tree)| read_tree(place, tree, &edges)).collect::<Result<_, _>>()?;
        Ok(Self {
            schema: stored.schema,
            edges,
            bias,
            trees,
            calibration: Calibration { slope, intercept },
            gains,
            trained_until_us: stored.trained_until_us,
            decisions: stored.decisions,
        })
    }
}

fn read_edges(stored: &Numbers) -> Result<Vec<f64>, InvalidInput> {
    let edges: Vec<f64> = stored.read("edges", f64::MAX)?;
    check(edges.len() <= MAX_EDGES, "edges", "are too many")?;
    check(edges.is_sorted_by(|a, b| a < b), "edges", "must rise")?;
    Ok(edges)
}

fn read_tree(place: usize, stored: &StoredTree, edges: &[Vec<f64>]) -> Result<Tree, InvalidInput> {
    let field = format!("trees[{place}]");
    let values: Vec<f32> = stored.v.read(&field, MAX_LOG_ODDS)?;
    let nodes = values.len();
    check((1..2 * usize::from(MAX_LEAVES)).contains(&nodes), &field, "has no node, or too many")?;
    let lengths = [stored.f.len(), stored.e.len(), stored.m.len(), stored.l.len()];
    check(lengths == [nodes; 4], &field, "must have as many features, edges, sides and children as values")?;
    let mut parents = vec![0_u8; nodes];
    let mut tree = Vec::with_capacity(nodes);
    for (node, value) in values.into_iter().enumerate() {
        let left = usize::from(stored.l[node]);
        if left == 0 {
            tree.push(Node::leaf(node as u16, value));
            continue;
        }
        check(left > node && left + 1 < nodes, &field, "has a child that is missing or stands before its parent")?;
        parents[left] = parents[left].saturating_add(1);
        parents[left + 1] = parents[left + 1].saturating_add(1);
        let (feature, edge, side) = (stored.f[node], stored.e[node], stored.m[node]);
        let known = edges.get(usize::from(feature)).is_some_and(|edges| usize::from(edge) <= edges.len());
        check(known && side <= 1, &field, "splits by what the model does not have")?;
        tree.push(Node::split(feature, edge, side == 1, left as u16, value));
    }
    check(parents[0] == 0 && parents[1..].iter().all(|&count| count == 1), &field, "has a node without one parent")?;
    let tree = Tree::new(tree);
    check(tree.depth <= MAX_DEPTH, &field, "is too deep")?;
    Ok(tree)
}
