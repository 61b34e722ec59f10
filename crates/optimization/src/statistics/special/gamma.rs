use std::f64::consts::PI;

/// Terms of a series or a continued fraction; with millions of degrees of freedom a few thousand are needed.
const MOST_TERMS: usize = 1_000_000;

/// P(X >= x) for chi-square of `degrees` (positive) degrees of freedom and x of at least 0.
pub fn chi_square_upper(degrees: f64, x: f64) -> f64 {
    gamma_upper(degrees / 2.0, x / 2.0)
}

/// Q(a, x), the regularised upper incomplete gamma function: series below a + 1, continued fraction above
/// (Abramowitz & Stegun 6.5.29 and 6.5.31).
fn gamma_upper(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x < a + 1.0 { 1.0 - poisson(a, x) * lower_series(a, x) } else { poisson(a, x) * a * upper_fraction(a, x) }
}

/// Σ x^k / ((a + 1) … (a + k)), from k = 0.
fn lower_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..MOST_TERMS {
        term *= x / (a + k as f64);
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}

/// 1 / (x + 1 - a - 1(1 - a) / (x + 3 - a - …)) by Lentz's method.
fn upper_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (f64::MAX, 1.0 / b);
    let mut fraction = d;
    for k in 1..MOST_TERMS {
        let numerator = -(k as f64) * (k as f64 - a);
        b += 2.0;
        d = 1.0 / nonzero(numerator * d + b);
        c = nonzero(b + numerator / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

pub fn nonzero(x: f64) -> f64 {
    if x.abs() < 1e-300 { 1e-300 } else { x }
}

/// x^a e^-x / Γ(a + 1), by the saddle-point expansion (Loader 2000): no large logarithms cancel.
pub fn poisson(a: f64, x: f64) -> f64 {
    (-stirling_error(a) - deviance(a, x)).exp() / (2.0 * PI * a).sqrt()
}

/// ln Γ(z + 1) minus Stirling's formula, (z + 1/2) ln z - z + ln(2π) / 2.
pub fn stirling_error(z: f64) -> f64 {
    if z < 16.0 {
        return libm::lgamma(z + 1.0) - (z + 0.5) * z.ln() + z - 0.5 * (2.0 * PI).ln();
    }
    let y = 1.0 / (z * z);
    let series = [-691.0 / 360_360.0, 1.0 / 1188.0, -1.0 / 1680.0, 1.0 / 1260.0, -1.0 / 360.0, 1.0 / 12.0];
    super::normal::horner(&series, y) / z
}

/// x ln(x / mean) + mean - x, without cancellation where both are close (Loader 2000).
pub fn deviance(x: f64, mean: f64) -> f64 {
    deviance_of(x, mean, x - mean)
}

/// [`deviance`] for a difference that is known better than by subtraction.
pub fn deviance_of(x: f64, mean: f64, difference: f64) -> f64 {
    if difference.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() - difference;
    }
    let v = difference / (x + mean);
    let (mut sum, mut term, square) = (difference * v, 2.0 * x * v, v * v);
    for k in 1..1000 {
        term *= square;
        let next = sum + term / (2 * k + 1) as f64;
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}
