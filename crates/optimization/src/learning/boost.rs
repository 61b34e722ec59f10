use super::Settings;
use super::bins::Bins;
use super::gradient::{Gradients, logistic};
use super::grow::Grower;
use super::random::Random;
use super::tree::Tree;

/// Rows that all trees see before the next ones: their codes and scores stay in the processor's cache.
const CHUNK: usize = 4096;

/// Trees that add up to log odds.
pub(super) struct Boosted {
    pub bias: f64,
    pub trees: Vec<Tree>,
    pub importance: Vec<f64>,
    /// Of the rows that were not learnt from, or of all when all were.
    pub log_odds: Vec<f64>,
}

/// What is learnt from: rows in the order of time.
pub(super) struct Data<'a> {
    pub bins: &'a Bins,
    /// Bins of values by feature, the one for the missing not counted.
    pub bin_counts: &'a [usize],
    /// 1 accepted, 0 not.
    pub labels: &'a [f32],
}

/// Boosts the log loss by Newton steps (Friedman 2001; Chen and Guestrin 2016) on the first `learnt` rows, `rounds` at most.
/// Where rows are left, stops when the loss of those has not fallen for a while, and keeps the trees up to its minimum.
pub(super) fn boost(data: &Data, learnt: usize, rounds: usize, settings: &Settings) -> Boosted {
    let bias = base_log_odds(&data.labels[..learnt]);
    let mut scores = vec![bias; data.bins.rows];
    let mut gradients = Gradients::new(learnt);
    let mut grower = Grower::new(data.bins, data.bin_counts, settings);
    let mut random = Random::new(settings.seed);
    let (mut trees, mut rows) = (Vec::new(), Vec::new());
    let mut best =
        Best { rounds: 0, loss: log_loss_sum(&scores[learnt..], &data.labels[learnt..]), importance: grower.importance.clone() };
    while trees.len() < rounds {
        gradients.renew(&scores[..learnt], &data.labels[..learnt]);
        draw(&mut rows, learnt, settings.row_share, &mut random);
        let tree = grower.grow(&mut rows, &gradients);
        if tree.depth == 0 {
            break;
        }
        if rows.len() == learnt {
            grower.add_to(&tree, &rows, &mut scores);
            tree.add_to(data.bins, learnt, &mut scores[learnt..]);
        } else {
            tree.add_to(data.bins, 0, &mut scores);
        }
        trees.push(tree);
        if learnt < data.bins.rows {
            let loss = log_loss_sum(&scores[learnt..], &data.labels[learnt..]);
            if loss < best.loss {
                best = Best { rounds: trees.len(), loss, importance: grower.importance.clone() };
            } else if trees.len() >= best.rounds + settings.patience as usize {
                break;
            }
        }
    }
    if learnt == data.bins.rows {
        return Boosted { bias, trees, importance: grower.importance, log_odds: scores };
    }
    trees.truncate(best.rounds);
    let log_odds = log_odds(data.bins, learnt, bias, &trees);
    Boosted { bias, trees, importance: best.importance, log_odds }
}

/// Of the rows from `first` on.
pub(super) fn log_odds(bins: &Bins, first: usize, bias: f64, trees: &[Tree]) -> Vec<f64> {
    let mut scores = vec![bias; bins.rows - first];
    for (chunk, scores) in scores.chunks_mut(CHUNK).enumerate() {
        for tree in trees {
            tree.add_to(bins, first + chunk * CHUNK, scores);
        }
    }
    scores
}

struct Best {
    rounds: usize,
    loss: f64,
    importance: Vec<f64>,
}

/// Finite also when all labels are the same.
fn base_log_odds(labels: &[f32]) -> f64 {
    let accepted = labels.iter().filter(|&&label| label > 0.5).count() as f64;
    ((accepted + 0.5) / (labels.len() as f64 - accepted + 0.5)).ln()
}

fn draw(rows: &mut Vec<u32>, learnt: usize, share: f64, random: &mut Random) {
    rows.clear();
    if share < 1.0 {
        rows.extend((0..learnt as u32).filter(|_| random.share() < share));
    } else {
        rows.extend(0..learnt as u32);
    }
}

/// Natural logarithms are slow: eight probabilities are multiplied first. The smallest possible is 1e-26.
fn log_loss_sum(scores: &[f64], labels: &[f32]) -> f64 {
    let of = |(&score, &label): (&f64, &f32)| f64::from(logistic(if label > 0.5 { score as f32 } else { -score as f32 }));
    let product = |(scores, labels): (&[f64], &[f32])| scores.iter().zip(labels).map(of).product::<f64>();
    -scores.chunks(8).zip(labels.chunks(8)).map(|eight| product(eight).ln()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::bins::edges_of;

    #[test]
    fn the_loss_falls_with_every_round() {
        let mut random = Random::new(3);
        let column: Vec<f64> = (0..3000).map(|_| random.share()).collect();
        let labels: Vec<f32> = column.iter().map(|&x| if random.share() < x * x { 1.0 } else { 0.0 }).collect();
        let edges = vec![edges_of(column.iter().copied(), 255)];
        let bins = Bins::new(&[&column], &edges, None);
        let data = Data { bins: &bins, bin_counts: &[edges[0].len() + 1], labels: &labels };
        let boosted = boost(&data, 3000, 60, &Settings::default());
        assert_eq!(boosted.trees.len(), 60);
        let mut scores = vec![boosted.bias; 3000];
        let mut last = log_loss_sum(&scores, &labels);
        for tree in &boosted.trees {
            tree.add_to(&bins, 0, &mut scores);
            let loss = log_loss_sum(&scores, &labels);
            assert!(loss < last, "{loss} after {last}");
            last = loss;
        }
    }
}
