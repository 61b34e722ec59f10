use super::beta::{beta_front, beta_tails};
use super::normal::normal_quantile;

/// P(|T| >= |t|) with `degrees` (positive, not necessarily whole) degrees of freedom.
pub fn student_two_sided(degrees: f64, t: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    let (x, y) = shares(degrees, t);
    beta_tails(degrees / 2.0, 0.5, x, y).0
}

/// The t with P(T <= t) = p, for p within (0, 1).
///
/// Newton's method on ln P(T >= t) as a function of ln t, which is concave, so that it converges from any start.
pub fn student_quantile(degrees: f64, p: f64) -> f64 {
    if p > 0.5 {
        return -student_quantile(degrees, 1.0 - p);
    }
    if p == 0.5 {
        return 0.0;
    }
    let mut t = -normal_quantile(p);
    for _ in 0..200 {
        let tail = student_two_sided(degrees, t) / 2.0;
        let (x, y) = shares(degrees, t);
        // The density times t.
        let front = beta_front(degrees / 2.0, 0.5, x, y);
        let step = tail * (tail / p).ln() / front;
        t *= step.clamp(-2.0, 2.0).exp();
        if step.abs() < 4.0 * f64::EPSILON {
            break;
        }
    }
    -t
}

/// ν / (ν + t²) and t² / (ν + t²).
fn shares(degrees: f64, t: f64) -> (f64, f64) {
    let square = t * t;
    (degrees / (degrees + square), square / (degrees + square))
}
