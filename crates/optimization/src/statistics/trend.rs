//! Does a series rise or fall?

use serde::{Deserialize, Serialize};

use super::correlation::{pairs, tie_weight, tied_pairs};
use super::descriptive::require_level;
use super::error::{at_least, same_length};
use super::inversions::inversions;
use super::special::{normal_two_sided, student_quantile, student_two_sided};
use super::sum::sum_pairs;
use super::{Column, Error, Interval, Sorted};

/// The straight line of least squares, y = intercept + slope x.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub count: usize,
    pub slope: f64,
    pub intercept: f64,
    pub slope_error: f64,
    pub intercept_error: f64,
    pub slope_interval: Interval,
    /// Two-sided, of slope 0; 0 when the points lie on a line that is not level, 1 when all y are equal.
    pub p_value: f64,
    /// 0 when all y are equal.
    pub r_squared: f64,
    /// Root of the residual mean square, with n - 2 degrees of freedom.
    pub residual_standard_deviation: f64,
}

/// Ordinary least squares with one regressor. Needs three points whose x are not all equal.
pub fn least_squares(x: &Column, y: &Column, level: f64) -> Result<Line, Error> {
    require_level(level)?;
    same_length(x.len(), y.len())?;
    at_least(x.len(), 3)?;
    if x.is_constant() || x.scaled_squares() <= 0.0 {
        return Err(Error::NoSpread);
    }
    let (dx, dy) = (x.deviation(), y.deviation());
    let slope = sum_pairs(x.values(), y.values(), |x, y| dx.of(x) * dy.of(y)) / x.scaled_squares();
    let residual = sum_pairs(x.values(), y.values(), |x, y| (dy.of(y) - slope * dx.of(x)).powi(2));
    let degrees = (x.len() - 2) as f64;
    let deviation = (residual / degrees).sqrt();
    let error = deviation / x.scaled_squares().sqrt();
    let p_value = match (slope == 0.0, error == 0.0) {
        (true, _) => 1.0,
        (false, true) => 0.0,
        (false, false) => student_two_sided(degrees, slope / error),
    };
    // Back from the scales of the columns.
    let ratio = dx.scale() / dy.scale();
    let (slope, slope_error, deviation) = (slope * ratio, error * ratio, deviation / dy.scale());
    let reach = student_quantile(degrees, 0.5 + level / 2.0) * slope_error;
    let mean_square = x.sum_of_squares() / x.len() as f64 + x.mean() * x.mean();
    Ok(Line {
        count: x.len(),
        slope,
        intercept: y.mean() - slope * x.mean(),
        slope_error,
        intercept_error: slope_error * mean_square.sqrt(),
        slope_interval: Interval { low: slope - reach, high: slope + reach, level },
        p_value,
        r_squared: if y.is_constant() { 0.0 } else { (1.0 - residual / y.scaled_squares()).max(0.0) },
        residual_standard_deviation: deviation,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Direction {
    Rising,
    Falling,
    /// No trend at the level asked for.
    Level,
}

/// The Mann-Kendall test of a monotone trend.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MannKendall {
    pub count: usize,
    /// Rising pairs minus falling ones.
    pub s: i64,
    /// S over the number of pairs, -1 to 1.
    pub tau: f64,
    /// With continuity and the variance under ties; 0 when all values are equal.
    pub z: f64,
    /// Two-sided, normal; good from about ten values.
    pub p_value: f64,
    pub direction: Direction,
}

/// Tests a series whose rows stand in the order of time (Mann 1945, Kendall 1970); `direction` is told when the p-value is at
/// most `alpha`. Needs three values.
pub fn mann_kendall(series: &Sorted, alpha: f64) -> Result<MannKendall, Error> {
    require_level(alpha)?;
    let count = series.len();
    at_least(count, 3)?;
    let falling = inversions(&mut series.doubled_ranks());
    let all = pairs(count as u64);
    let s = (all - tied_pairs(series)) as i64 - 2 * falling as i64;
    let n = count as f64;
    let ties: f64 = series.ties().iter().map(|&(_, length)| tie_weight(f64::from(length))).sum();
    let variance = (tie_weight(n) - ties) / 18.0;
    let z = if s == 0 { 0.0 } else { (s - s.signum()) as f64 / variance.sqrt() };
    let p_value = normal_two_sided(z);
    let direction = match s.signum() {
        1 if p_value <= alpha => Direction::Rising,
        -1 if p_value <= alpha => Direction::Falling,
        _ => Direction::Level,
    };
    Ok(MannKendall { count, s, tau: s as f64 / all as f64, z, p_value, direction })
}
