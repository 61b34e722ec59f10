//! How large an experiment must be.

use super::Error;
use super::error::{at_least, require};
use super::special::{noncentral_t_lower, student_quantile};

const MOST_ROWS: usize = 1 << 40;

/// Probability that the two-sided t test with pooled variance at level `alpha` finds a true effect of `d` standard
/// deviations (Cohen's d) with so many values in each sample. Exact, by the noncentral t distribution.
pub fn t_test_power(first: usize, second: usize, d: f64, alpha: f64) -> Result<f64, Error> {
    require_alpha(alpha)?;
    require(d.is_finite() && d.abs() <= 1e3, "d", "within ±1000 standard deviations")?;
    at_least(first.min(second), 2)?;
    require(first.max(second) <= MOST_ROWS, "sample", "at most 2^40 values")?;
    let (n1, n2) = (first as f64, second as f64);
    let degrees = n1 + n2 - 2.0;
    let noncentrality = d.abs() * (n1 * (n2 / (n1 + n2))).sqrt();
    let critical = -student_quantile(degrees, alpha / 2.0);
    // The upper tail at the critical value is the lower tail of the mirrored distribution.
    let (likely, unlikely) = (-noncentrality, noncentrality);
    Ok((noncentral_t_lower(degrees, likely, -critical) + noncentral_t_lower(degrees, unlikely, -critical)).min(1.0))
}

/// The smallest number of values in each of two equal samples with which [`t_test_power`] reaches `power`.
pub fn t_test_sample_size(d: f64, alpha: f64, power: f64) -> Result<usize, Error> {
    require_alpha(alpha)?;
    require(power >= alpha && power < 1.0, "power", "at least alpha and below 1, for instance 0.8")?;
    require(d.abs() >= 1e-4, "d", "at least 0.0001 standard deviations in size")?;
    let enough = |count: usize| t_test_power(count, count, d, alpha).map(|reached| reached >= power);
    let mut high = 2;
    while !enough(high)? {
        high *= 2;
    }
    let mut low = (high / 2).max(1);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if enough(middle)? { high = middle } else { low = middle }
    }
    Ok(high)
}

fn require_alpha(alpha: f64) -> Result<(), Error> {
    require((1e-12..=0.5).contains(&alpha), "alpha", "from 1e-12 to 0.5, for instance 0.05")
}
