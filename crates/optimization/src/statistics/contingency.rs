//! Counts in a table: do the shares of one row differ from those of another?

use serde::{Deserialize, Serialize};

use super::Error;
use super::error::{at_least, require};
use super::special::chi_square_upper;
use super::sum::sum;

/// Largest sum of a table; beyond it the counts would lose digits as floating point.
const MAX_TOTAL: u64 = 1 << 40;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChiSquare {
    pub statistic: f64,
    pub degrees: u32,
    pub p_value: f64,
    /// Whether Yates's correction for continuity was applied.
    pub yates: bool,
    /// Below 5 the approximation is poor: prefer [`fisher_exact`].
    pub least_expected: f64,
}

/// Pearson's test of independence of rows and columns; at least two of each, none of them empty.
///
/// `yates` moves each count by up to one half towards what is expected; it applies to tables of two rows and two columns
/// only, as in SciPy, and the answer says whether it was applied.
pub fn chi_square<const COLUMNS: usize>(table: &[[u64; COLUMNS]], yates: bool) -> Result<ChiSquare, Error> {
    at_least(table.len().min(COLUMNS), 2)?;
    let rows: Vec<u64> = table.iter().map(|row| total(row)).collect::<Result<_, _>>()?;
    let all = total(&rows)?;
    let columns: Vec<u64> = (0..COLUMNS).map(|at| table.iter().map(|row| row[at]).sum()).collect();
    require(!rows.contains(&0) && !columns.contains(&0), "table", "without an empty row or column")?;
    let yates = yates && table.len() == 2 && COLUMNS == 2;
    let expected = |row: usize, column: usize| rows[row] as f64 * columns[column] as f64 / all as f64;
    let cells = || (0..rows.len()).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
    let statistic = sum(cells().map(|(row, column)| {
        let expected = expected(row, column);
        let difference = (table[row][column] as f64 - expected).abs();
        let corrected = if yates { (difference - 0.5).max(0.0) } else { difference };
        corrected * corrected / expected
    }));
    let degrees = ((rows.len() - 1) * (COLUMNS - 1)) as u32;
    let least_expected = cells().map(|(row, column)| expected(row, column)).fold(f64::INFINITY, f64::min);
    Ok(ChiSquare { statistic, degrees, p_value: chi_square_upper(f64::from(degrees), statistic), yates, least_expected })
}

fn total(counts: &[u64]) -> Result<u64, Error> {
    let sum = counts.iter().try_fold(0u64, |sum, &count| sum.checked_add(count)).unwrap_or(u64::MAX);
    require(sum <= MAX_TOTAL, "table", "counts that add up to at most 2^40")?;
    Ok(sum)
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fisher {
    /// Of the sample, a d / (b c); `None` when b c is 0.
    pub odds_ratio: Option<f64>,
    /// Two-sided: the probability of all tables with these margins that are no likelier than this one.
    pub p_value: f64,
}

/// Fisher's exact test of a table [[a, b], [c, d]]; with an empty row or column the p-value is 1.
///
/// Probabilities are taken relative to the likeliest table, by the ratio of each to its neighbour, so that no factorial is
/// needed. Tables whose probabilities agree to 1e-10 count as equally likely.
pub fn fisher_exact(table: [[u64; 2]; 2]) -> Result<Fisher, Error> {
    let [[a, b], [c, d]] = table;
    let all = total(&[a, b, c, d])?;
    let (row, column) = (a + b, a + c);
    let (least, most) = (column.saturating_sub(all - row), row.min(column));
    let mode = (((u128::from(row) + 1) * (u128::from(column) + 1) / (u128::from(all) + 2)) as u64).clamp(least, most);
    let up = |k: u64| (row - k) as f64 * (column - k) as f64 / ((k + 1) as f64 * (all + k + 1 - row - column) as f64);
    let rising = weights((mode..most).map(up));
    let falling = weights((least..mode).rev().map(|k| 1.0 / up(k)));
    let distance = a.abs_diff(mode) as usize;
    let side = if a >= mode { &rising } else { &falling };
    let own = if distance == 0 { 1.0 } else { side.get(distance - 1).copied().unwrap_or(0.0) };
    let limit = own * (1.0 + 1e-10);
    let every = || rising.iter().rev().chain(falling.iter().rev()).chain(&[1.0]).copied();
    let p_value = (sum(every().filter(|&weight| weight <= limit)) / sum(every())).min(1.0);
    let cross = b as f64 * c as f64;
    Ok(Fisher { odds_ratio: (cross > 0.0).then(|| a as f64 * d as f64 / cross), p_value })
}

/// Running products, until they vanish.
fn weights(ratios: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut weight = 1.0;
    ratios
        .map_while(|ratio| {
            weight *= ratio;
            (weight > 0.0).then_some(weight)
        })
        .collect()
}
