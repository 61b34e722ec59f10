//! How two measurements of the same things move together.

use serde::{Deserialize, Serialize};

use super::error::{at_least, same_length};
use super::inversions::inversions;
use super::special::{beta_tails, normal_two_sided};
use super::sum::sum_pairs;
use super::{Column, Error, RankMethod, Sorted, exact};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    pub count: usize,
    /// -1 to 1.
    pub coefficient: f64,
    /// Two-sided, of no association.
    pub p_value: f64,
}

/// Product-moment correlation; p-value by Student's t with n - 2 degrees of freedom (1 for two pairs). Needs two pairs.
pub fn pearson(left: &Column, right: &Column) -> Result<Correlation, Error> {
    same_length(left.len(), right.len())?;
    at_least(left.len(), 2)?;
    let (dx, dy) = (left.deviation(), right.deviation());
    let product = sum_pairs(left.values(), right.values(), |x, y| dx.of(x) * dy.of(y));
    let coefficient = product / (left.scaled_squares() * right.scaled_squares()).sqrt();
    if left.is_constant() || right.is_constant() || !coefficient.is_finite() {
        return Err(Error::NoSpread);
    }
    Ok(with_p_value(left.len(), coefficient.clamp(-1.0, 1.0)))
}

/// Correlation of the ranks, equal values sharing their mean rank; the sums are whole numbers, so the coefficient is exact
/// up to its own rounding. p-value by Student's t with n - 2 degrees of freedom. Needs three pairs.
pub fn spearman(left: &Sorted, right: &Sorted) -> Result<Correlation, Error> {
    same_length(left.len(), right.len())?;
    at_least(left.len(), 3)?;
    if left.column().is_constant() || right.column().is_constant() {
        return Err(Error::NoSpread);
    }
    let centre = left.len() as i64 + 1;
    let ranks = left.doubled_ranks();
    let mut product = 0i128;
    right.for_each_doubled_rank(|row, rank| {
        product += i128::from((i64::from(ranks[row as usize]) - centre) * (i64::from(rank) - centre));
    });
    let coefficient = product as f64 / (rank_squares(left) * rank_squares(right)).sqrt();
    Ok(with_p_value(left.len(), coefficient.clamp(-1.0, 1.0)))
}

/// Sum of the squared deviations of the doubled ranks: (n³ - n - Σ(t³ - t)) / 3.
fn rank_squares(sorted: &Sorted) -> f64 {
    let n = sorted.len() as i128;
    ((n * n * n - n) as f64 - sorted.tie_cubes()) / 3.0
}

/// t² = r² (n - 2) / (1 - r²) makes the tail the incomplete beta function of 1 - r².
fn with_p_value(count: usize, coefficient: f64) -> Correlation {
    let degrees = (count - 2) as f64;
    let rest = (1.0 - coefficient) * (1.0 + coefficient);
    let p_value = if count == 2 { 1.0 } else { beta_tails(degrees / 2.0, 0.5, rest, coefficient * coefficient).0 };
    Correlation { count, coefficient, p_value }
}

/// Kendall's tau-b with the source of its p-value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kendall {
    pub count: usize,
    /// -1 to 1, corrected for ties.
    pub tau: f64,
    /// Two-sided, of no association.
    pub p_value: f64,
    pub method: RankMethod,
}

/// Counts discordant pairs in O(n log n) (Knight 1966). The p-value is exact without equal values for up to 33 pairs, or
/// when at most one pair is (or is not) discordant, else normal with the variance under ties (Kendall 1970), as SciPy chooses. Needs two pairs.
pub fn kendall(left: &Sorted, right: &Sorted) -> Result<Kendall, Error> {
    same_length(left.len(), right.len())?;
    at_least(left.len(), 2)?;
    if left.column().is_constant() || right.column().is_constant() {
        return Err(Error::NoSpread);
    }
    let ranks = right.doubled_ranks();
    let mut order: Vec<u32> = left.rows().iter().map(|&row| ranks[row as usize]).collect();
    let mut tied_in_both = 0u64;
    for &(start, length) in left.ties() {
        let run = &mut order[start as usize..(start + length) as usize];
        run.sort_unstable();
        tied_in_both += run.chunk_by(|a, b| a == b).map(|equal| pairs(equal.len() as u64)).sum::<u64>();
    }
    let discordant = inversions(&mut order);
    let count = left.len();
    let (all, left_ties, right_ties) = (pairs(count as u64), tied_pairs(left), tied_pairs(right));
    let difference = (i128::from(all) - i128::from(left_ties) - i128::from(right_ties) + i128::from(tied_in_both)
        - 2 * i128::from(discordant)) as f64;
    let tau = difference / ((all - left_ties) as f64).sqrt() / ((all - right_ties) as f64).sqrt();
    let countable = count <= 33 || discordant.min(all - discordant) <= 1;
    let exact = left_ties == 0 && right_ties == 0 && countable;
    let method = if exact { RankMethod::Exact } else { RankMethod::Asymptotic };
    let p_value = match method {
        RankMethod::Exact => exact::kendall_two_sided(count, discordant),
        RankMethod::Asymptotic => normal_two_sided(difference / kendall_variance(left, right).sqrt()),
    };
    Ok(Kendall { count, tau: tau.clamp(-1.0, 1.0), p_value, method })
}

fn kendall_variance(left: &Sorted, right: &Sorted) -> f64 {
    let n = left.len() as f64;
    let m = n * (n - 1.0);
    let sum = |sorted: &Sorted, term: fn(f64) -> f64| sorted.ties().iter().map(|&(_, t)| term(f64::from(t))).sum::<f64>();
    let triples: fn(f64) -> f64 = |t| t * (t - 1.0) * (t - 2.0);
    let both = 2.0 * tied_pairs(left) as f64 * tied_pairs(right) as f64 / m;
    // Two pairs have no triples, and would divide by zero.
    let third = if n > 2.0 { sum(left, triples) * sum(right, triples) / (9.0 * m * (n - 2.0)) } else { 0.0 };
    (m * (2.0 * n + 5.0) - sum(left, tie_weight) - sum(right, tie_weight)) / 18.0 + both + third
}

/// t (t - 1) (2t + 5), what a run of t equal values takes from 18 times the variance.
pub(super) fn tie_weight(t: f64) -> f64 {
    t * (t - 1.0) * (2.0 * t + 5.0)
}

pub(super) fn tied_pairs(sorted: &Sorted) -> u64 {
    sorted.ties().iter().map(|&(_, length)| pairs(u64::from(length))).sum()
}

pub(super) fn pairs(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}
