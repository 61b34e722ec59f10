use std::fmt;

use serde::{Deserialize, Serialize};

use super::bins::{Bins, edges_of};
use super::boost::{Boosted, Data, boost, log_odds};
use super::calibration::Calibration;
use super::history::time_split;
use super::metrics::losses;
use super::schema::Kind;
use super::tree::{Node, Tree};
use super::{Feature, History, Importance, InvalidInput, Metrics, Model, Schema, Settings};

/// Below, no model is trained.
pub const MIN_DECISIONS: usize = 100;

/// What training came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    NotEnough(NotEnough),
    Trained(Box<Trained>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    pub model: Model,
    pub report: Report,
}

/// Why there is no model: rules decide alone for the time being.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotEnough {
    pub decisions: usize,
    pub accepted: usize,
    pub want: Want,
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Want {
    /// There are fewer than [`MIN_DECISIONS`].
    Decisions,
    /// All of those to learn from were decided alike.
    BothClasses,
    /// The decisions were taken at fewer than three moments: no part of them is later than the others.
    Moments,
}

impl fmt::Display for NotEnough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { decisions, accepted, want } = self;
        write!(f, "not enough to learn from: {decisions} decisions, {accepted} of them accepted; ")?;
        match want {
            Want::Decisions => write!(f, "needs at least {MIN_DECISIONS}"),
            Want::BothClasses => write!(f, "needs accepted and other ones before the newest, which are kept for validation"),
            Want::Moments => write!(f, "needs decisions of at least three moments"),
        }
    }
}

/// How a model was trained, and how good it is on later decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Decisions before `validation_from_us`, which the trees were fitted to.
    pub trained: usize,
    /// The newest of them, which said when to stop and whether to scale.
    pub stopping: usize,
    /// The first decision of the validation; all that was learnt from is strictly before.
    pub validation_from_us: i64,
    pub trees: usize,
    /// Whether probabilities are corrected by Platt's scaling.
    pub scaled: bool,
    /// Log loss on the decisions learnt from. Far below the validation's it says that something was learnt by heart, or that
    /// a feature knew the outcome.
    pub trained_log_loss: f64,
    /// On decisions that nothing was learnt from.
    pub validation: Metrics,
    pub importance: Vec<Importance>,
}

/// Trains on the older decisions and validates on the newest ([`Settings::validation_share`]), strictly by time.
///
/// The older are themselves split by time: trees fitted to the first part are stopped where they foretell the second best,
/// and whether log odds need to be scaled is seen there too. Unless they do, as many trees are then fitted to both parts.
pub fn train(history: &History, settings: &Settings) -> Result<Outcome, InvalidInput> {
    settings.validate()?;
    let order = history.in_order();
    let time_us = |row: usize| history.decided_at_us[order[row] as usize];
    let (decisions, accepted) = (history.decisions(), history.accepted());
    let not_enough = |want| Ok(Outcome::NotEnough(NotEnough { decisions, accepted, want }));
    if decisions < MIN_DECISIONS {
        return not_enough(Want::Decisions);
    }
    let Some(end) = time_split(decisions, time_us, settings.validation_share) else { return not_enough(Want::Moments) };
    let Some(stop) = time_split(end, time_us, settings.stopping_share) else { return not_enough(Want::Moments) };
    let first = &order[..stop];
    let accepted_first = first.iter().filter(|&&row| history.accepted[row as usize]).count();
    if accepted_first == 0 || accepted_first == stop {
        return not_enough(Want::BothClasses);
    }
    let (model, trained_log_loss) = fit(history, &order[..end], stop, settings);
    let newest = &order[end..];
    let accepted: Vec<bool> = newest.iter().map(|&row| history.accepted[row as usize]).collect();
    let probabilities = model.predict_rows(&history.table, newest)?;
    let report = Report {
        trained: end,
        stopping: end - stop,
        validation_from_us: time_us(end),
        trees: model.trees(),
        scaled: model.is_scaled(),
        trained_log_loss,
        validation: Metrics::of(&probabilities, &accepted, settings.seed)?,
        importance: model.importance(),
    };
    Ok(Outcome::Trained(Box::new(Trained { model, report })))
}

/// How good a model is on decisions that it has not seen. Refuses decisions from before its training ended, and other features
/// than the model's, and none at all.
pub fn evaluate(model: &Model, held_out: &History, seed: u64) -> Result<Metrics, InvalidInput> {
    refuse_seen(model, held_out)?;
    let probabilities = model.predict(&held_out.table)?;
    Metrics::of(&probabilities, &held_out.accepted, seed)
}

/// A model must be judged by what came after it.
pub(super) fn refuse_seen(model: &Model, held_out: &History) -> Result<(), InvalidInput> {
    if held_out.decisions() == 0 {
        return Err(InvalidInput::new("held_out", "must have decisions"));
    }
    match held_out.decided_at_us.iter().find(|&&decided| decided <= model.trained_until_us()) {
        None => Ok(()),
        Some(seen) => {
            let problem =
                format!("has a decision of {seen}, which the model may know: it was trained until {}", model.trained_until_us());
            Err(InvalidInput::new("held_out", problem))
        }
    }
}

/// A model and its mean log loss on `rows`, which are in the order of time; those from `stop` on are the stopping fold.
fn fit(history: &History, rows: &[u32], stop: usize, settings: &Settings) -> (Model, f64) {
    let schema = history.table.schema().clone();
    let columns: Vec<&[f64]> = (0..schema.features().len()).map(|feature| history.table.column(feature)).collect();
    let edges = edges(&schema, &columns, rows, settings);
    let bins = Bins::new(&columns, &edges, Some(rows));
    let bin_counts: Vec<usize> = edges.iter().map(|edges| edges.len() + 1).collect();
    let accepted: Vec<bool> = rows.iter().map(|&row| history.accepted[row as usize]).collect();
    let labels: Vec<f32> = accepted.iter().map(|&accepted| f32::from(u8::from(accepted))).collect();
    let data = Data { bins: &bins, bin_counts: &bin_counts, labels: &labels };

    let watched = boost(&data, stop, settings.max_rounds as usize, settings);
    let calibration = Calibration::fit(&watched.log_odds, &accepted[stop..]);
    // A scale belongs to the trees it was measured on; without one, more rows make better trees.
    let mut kept = if calibration == Calibration::NONE {
        boost(&data, rows.len(), watched.trees.len(), settings)
    } else {
        Boosted { log_odds: log_odds(&bins, 0, watched.bias, &watched.trees), ..watched }
    };
    let probabilities: Vec<f64> = kept.log_odds.iter().map(|&score| calibration.probability(score)).collect();
    let log_loss = losses(&probabilities, &accepted).sum::<f64>() / rows.len() as f64;
    let edges = keep_used(edges, &mut kept.trees);
    let trained_until_us = rows.last().map_or(i64::MIN, |&row| history.decided_at_us[row as usize]);
    let decisions = rows.len() as u32;
    let Boosted { bias, trees, importance: gains, .. } = kept;
    (Model { schema, edges, bias, trees, calibration, gains, trained_until_us, decisions }, log_loss)
}

/// What parts the bins of each feature. It depends on features only, never on what was decided.
fn edges(schema: &Schema, columns: &[&[f64]], rows: &[u32], settings: &Settings) -> Vec<Vec<f64>> {
    let of = |(feature, column): (&Feature, &&[f64])| match &feature.kind {
        Kind::Number => edges_of(rows.iter().map(|&row| column[row as usize]), usize::from(settings.max_bins)),
        Kind::Category { levels } => (1..levels.len()).map(|level| level as f64 - 0.5).collect(),
    };
    schema.features().iter().zip(columns).map(of).collect()
}

/// Drops edges that no tree asks for and numbers the splits anew.
fn keep_used(edges: Vec<Vec<f64>>, trees: &mut [Tree]) -> Vec<Vec<f64>> {
    let mut used: Vec<Vec<bool>> = edges.iter().map(|edges| vec![false; edges.len() + 1]).collect();
    for tree in &*trees {
        for node in tree.splits() {
            used[usize::from(node.feature)][usize::from(node.edge())] = true;
        }
    }
    for tree in trees {
        for place in 0..tree.nodes.len() {
            if !tree.is_leaf(place) {
                let Node { feature, missing_left, left, value, .. } = tree.nodes[place];
                let edge = usize::from(tree.nodes[place].edge());
                let below = used[usize::from(feature)][..edge].iter().filter(|&&used| used).count();
                tree.nodes[place] = Node::split(feature, below as u8, missing_left == 1, left, value);
            }
        }
        *tree = Tree::new(std::mem::take(&mut tree.nodes));
    }
    let kept = |(edges, used): (Vec<f64>, Vec<bool>)| {
        edges.into_iter().zip(used).filter(|(_, used)| *used).map(|(edge, _)| edge).collect()
    };
    edges.into_iter().zip(used).map(kept).collect()
}
