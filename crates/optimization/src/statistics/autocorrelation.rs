//! Does a value depend on the one before it?

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::error::{at_least, require};
use super::special::{beta_tails, integral};
use super::sum::sum_pairs;
use super::{Column, Error};

/// The longest series whose p-value is computed exactly.
const MOST_EXACT: usize = 200;

/// The Durbin-Watson test of a series in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DurbinWatson {
    /// 0 to 4: 2 without autocorrelation, below for positive, above for negative.
    pub statistic: f64,
    /// Two-sided, of normal values that are independent.
    pub p_value: f64,
}

/// r(k) = Σ d(t) d(t + k) / Σ d², d the deviations from the mean. Needs more than `lag` values, not all equal.
pub fn autocorrelation(series: &Column, lag: usize) -> Result<f64, Error> {
    require(lag > 0, "lag", "at least 1")?;
    at_least(series.len(), lag.saturating_add(1))?;
    if series.is_constant() {
        return Err(Error::NoSpread);
    }
    let deviation = series.deviation();
    let (early, late) = (&series.values()[..series.len() - lag], &series.values()[lag..]);
    Ok(sum_pairs(early, late, |a, b| deviation.of(a) * deviation.of(b)) / series.scaled_squares())
}

/// Σ (d(t) - d(t - 1))² / Σ d², d the deviations from the mean; residuals of a regression with an intercept have mean 0 already.
/// Needs three values, not all equal.
///
/// The p-value is that of a series around a constant mean: up to 200 values by inverting the characteristic function
/// (Imhof 1961; absolute error about 1e-10), beyond by the beta distribution with the same variance (Durbin & Watson 1951).
/// Regressors beside the intercept make it approximate.
pub fn durbin_watson(series: &Column) -> Result<DurbinWatson, Error> {
    at_least(series.len(), 3)?;
    if series.is_constant() {
        return Err(Error::NoSpread);
    }
    let scale = series.deviation().scale();
    let (early, late) = (&series.values()[..series.len() - 1], &series.values()[1..]);
    let statistic = sum_pairs(early, late, |a, b| ((b - a) * scale).powi(2)) / series.scaled_squares();
    // The distribution is symmetric about 2.
    let lower = statistic.min(4.0 - statistic);
    let tail = if series.len() <= MOST_EXACT { imhof(series.len(), lower) } else { beta_approximation(series.len(), lower) };
    Ok(DurbinWatson { statistic, p_value: (2.0 * tail).clamp(0.0, 1.0) })
}

/// P(d <= at) from the mean 2 and the variance 4 (n - 2) / (n² - 1).
fn beta_approximation(count: usize, at: f64) -> f64 {
    let n = count as f64;
    let shape = ((n * n - 1.0) / (n - 2.0) - 1.0) / 2.0;
    beta_tails(shape, shape, at / 4.0, 1.0 - at / 4.0).0
}

/// P(Σ (λ - at) z² <= 0) with λ = 2 - 2 cos(π j / n), j = 1 … n - 1, and z standard normal.
fn imhof(count: usize, at: f64) -> f64 {
    const PANELS: usize = 200;
    let weights: Vec<f64> = (1..count).map(|j| 2.0 - 2.0 * (PI * j as f64 / count as f64).cos() - at).collect();
    if weights.iter().all(|&weight| weight > 0.0) {
        return 0.0;
    }
    let log_size = |u: f64| weights.iter().map(|weight| (weight * u).powi(2).ln_1p()).sum::<f64>() / 4.0;
    let angle = |u: f64| weights.iter().map(|weight| (weight * u).atan()).sum::<f64>() / 2.0;
    // With u = e^v the integrand is that of v; it fades as u at one end and as 1 / size at the other.
    let spread = weights.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
    let (from, mut to) = ((1e-13 / spread).ln(), -spread.ln());
    while log_size(to.exp()) < 32.0 {
        to += 0.5;
    }
    0.5 - integral(from, to, PANELS, |v| angle(v.exp()).sin() * (-log_size(v.exp())).exp()) / PI
}
