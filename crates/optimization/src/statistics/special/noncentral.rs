use super::gamma::poisson;
use super::normal::normal_lower;
use super::quadrature::integral;

const PANELS: usize = 48;

/// P(T <= t) of the noncentral t distribution: the mean of Φ(t s - δ) over s = √(χ²_ν / ν), by quadrature.
///
/// Every term is positive, so nothing cancels, and the work does not grow with ν or δ.
pub fn noncentral_t_lower(degrees: f64, noncentrality: f64, t: f64) -> f64 {
    let width = 12.0 / (2.0 * degrees).sqrt();
    let (low, high) = ((1.0 - width).max(0.0), 1.0 + width);
    let density = |s: f64| poisson(degrees / 2.0, degrees * s * s / 2.0) * degrees / s;
    // Where Φ turns from 0 to 1; between the breaks the integrand is smooth.
    let turn = noncentrality / t;
    let reach = 9.0 / t.abs();
    let mut breaks = [low, (turn - reach).clamp(low, high), (turn + reach).clamp(low, high), high];
    breaks.sort_by(f64::total_cmp);
    let sum: f64 = breaks
        .windows(2)
        .map(|ends| integral(ends[0], ends[1], PANELS, |s| normal_lower(t * s - noncentrality) * density(s)))
        .sum();
    sum.min(1.0)
}
