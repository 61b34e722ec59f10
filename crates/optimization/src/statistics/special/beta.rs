use std::f64::consts::PI;

use super::gamma::{deviance_of, nonzero, stirling_error};

const MOST_TERMS: usize = 1_000_000;

/// P(F >= f) of Fisher's distribution with `between` and `within` (positive) degrees of freedom, f of at least 0.
pub fn fisher_upper(between: f64, within: f64, f: f64) -> f64 {
    if f.is_infinite() {
        return 0.0;
    }
    let total = within + between * f;
    beta_tails(within / 2.0, between / 2.0, within / total, between * f / total).0
}

/// I_x(a, b) and its complement, each accurate where it is small. `y` is 1 - x, given apart because it may be tiny.
pub fn beta_tails(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if y <= 0.0 {
        return (1.0, 0.0);
    }
    let front = beta_front(a, b, x, y);
    if a * y >= b * x {
        let lower = (front * fraction(a, b, x, y)).min(1.0);
        (lower, 1.0 - lower)
    } else {
        let upper = (front * fraction(b, a, y, x)).min(1.0);
        (1.0 - upper, upper)
    }
}

/// x^a y^b / B(a, b), by the saddle-point expansion of the binomial (Loader 2000).
pub fn beta_front(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    // a - n x = a y - b x, which does not cancel twice.
    let difference = a * y - b * x;
    let exponent = stirling_error(n)
        - stirling_error(a)
        - stirling_error(b)
        - deviance_of(a, n * x, difference)
        - deviance_of(b, n * y, -difference);
    exponent.exp() * (a * b / (2.0 * PI * n)).sqrt()
}

/// I_x(a, b) over [`beta_front`], for x up to a / (a + b): the continued fraction of DiDonato & Morris (1992, algorithm 708),
/// which takes a y - b x instead of 1 - (a + b) x / (a + 1), and so keeps its digits when a is large and x near 1.
fn fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let c = 1.0 + (a * y - b * x);
    let first = 1.0 + 1.0 / a;
    // The last two convergents, scaled so that the last denominator is 1.
    let (mut numerators, mut denominator_before) = ([0.0, first / c], first / c);
    let (mut p, mut s) = (1.0, a + 1.0);
    for n in 1..MOST_TERMS {
        let n = n as f64;
        let (t, w) = (n / a, n * (b - n) * x);
        let alpha = p * (p + b / a) * (a / s) * (a / s) * w * x;
        let beta = n + w / s + (1.0 + t) / (first + 2.0 * t) * (c + n * (1.0 + y));
        p = 1.0 + t;
        s += 2.0;
        let denominator = nonzero(alpha * denominator_before + beta);
        let value = (alpha * numerators[0] + beta * numerators[1]) / denominator;
        let done = (value - numerators[1]).abs() <= f64::EPSILON * value.abs();
        (numerators, denominator_before) = ([numerators[1] / denominator, value], denominator.recip());
        if done {
            break;
        }
    }
    numerators[1]
}
