use serde::{Deserialize, Serialize};

use super::error::at_least;
use super::special::horner;
use super::{Error, Sorted};

pub const MAX_SHAPIRO: usize = 5000;

/// The Shapiro-Wilk test of a normal distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShapiroWilk {
    /// 0 to 1; near 1 for a normal distribution.
    pub w: f64,
    pub p_value: f64,
}

/// Algorithm AS R94 (Royston 1995) for 3 to 5,000 values, with the normal quantiles of AS 111 and the tail of AS 66 that it
/// was made with. At or below 1e-19 the p-value of at most 11 values is 1e-19.
pub fn shapiro_wilk(sorted: &Sorted) -> Result<ShapiroWilk, Error> {
    let count = sorted.len();
    at_least(count, 3)?;
    if count > MAX_SHAPIRO {
        return Err(Error::TooMany { found: count, most: MAX_SHAPIRO });
    }
    if sorted.column().is_constant() {
        return Err(Error::NoSpread);
    }
    let range = sorted.column().maximum() - sorted.column().minimum();
    let origin = sorted.value(count / 2);
    let values: Vec<f64> = (0..count).map(|place| (sorted.value(place) - origin) / range).collect();
    let lack = lack_of_fit(&values, &weights(count));
    let w = 1.0 - lack;
    if count == 3 {
        // Exact; W of three values is at least 3/4.
        let p_value = if w < 0.75 { 0.0 } else { 1.0 - 6.0 / std::f64::consts::PI * w.sqrt().acos() };
        return Ok(ShapiroWilk { w: w.max(0.75), p_value });
    }
    Ok(ShapiroWilk { w, p_value: p_value(lack, count as f64) })
}

/// The weights of the upper half of the order, the largest value first; those of the lower half are their negatives.
fn weights(count: usize) -> Vec<f64> {
    const C1: [f64; 6] = [-2.706056, 4.434685, -2.07119, -0.147981, 0.221157, 0.0];
    const C2: [f64; 6] = [-3.582633, 5.682633, -1.752461, -0.293762, 0.042981, 0.0];
    if count == 3 {
        return vec![0.5f64.sqrt()];
    }
    let scores: Vec<f64> = (1..=count / 2).map(|i| -quantile((i as f64 - 0.375) / (count as f64 + 0.25))).collect();
    let squares = 2.0 * scores.iter().map(|score| score * score).sum::<f64>();
    let (norm, root) = (squares.sqrt(), 1.0 / (count as f64).sqrt());
    let first = horner(&C1, root) + scores[0] / norm;
    let mut weights = vec![first];
    let scale = if count > 5 {
        let second = horner(&C2, root) + scores[1] / norm;
        weights.push(second);
        (squares - 2.0 * (scores[0].powi(2) + scores[1].powi(2))) / (1.0 - 2.0 * (first.powi(2) + second.powi(2)))
    } else {
        (squares - 2.0 * scores[0].powi(2)) / (1.0 - 2.0 * first.powi(2))
    };
    let rest = &scores[weights.len()..];
    weights.extend(rest.iter().map(|score| score / scale.sqrt()));
    weights
}

/// 1 - W, one minus the squared correlation of the values with their weights, without cancellation.
fn lack_of_fit(values: &[f64], upper: &[f64]) -> f64 {
    let count = values.len();
    let weight = |at: usize| match at.cmp(&(count - 1 - at)) {
        std::cmp::Ordering::Less => -upper[at],
        std::cmp::Ordering::Equal => 0.0,
        std::cmp::Ordering::Greater => upper[count - 1 - at],
    };
    let mean = values.iter().sum::<f64>() / count as f64;
    let (mut ssa, mut ssx, mut sax) = (0.0, 0.0, 0.0);
    for (at, value) in values.iter().enumerate() {
        let (a, x) = (weight(at), value - mean);
        ssa += a * a;
        ssx += x * x;
        sax += a * x;
    }
    let product = (ssa * ssx).sqrt();
    (product - sax) * (product + sax) / (ssa * ssx)
}

fn p_value(lack: f64, count: f64) -> f64 {
    const SMALLEST: f64 = 1e-19;
    let (y, log) = (lack.ln(), count.ln());
    if count <= 11.0 {
        let gamma = 0.459 * count - 2.273;
        if y >= gamma {
            return SMALLEST;
        }
        let mean = horner(&[-0.0006714, 0.025054, -0.39978, 0.5440], count);
        let deviation = horner(&[-0.0020322, 0.062767, -0.77857, 1.3822], count).exp();
        return upper_tail((-(gamma - y).ln() - mean) / deviation);
    }
    let mean = horner(&[0.0038915, -0.083751, -0.31082, -1.5861], log);
    let deviation = horner(&[0.0030302, -0.082676, -0.4803], log).exp();
    upper_tail((y - mean) / deviation)
}

/// Algorithm AS 111 (Beasley & Springer 1977).
fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.42 {
        let r = q * q;
        let top = horner(&[-25.44106049637, 41.39119773534, -18.61500062529, 2.50662823884], r);
        return q * top / horner(&[3.13082909833, -21.06224101826, 23.08336743743, -8.47351093090, 1.0], r);
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let size = horner(&[2.32121276858, 4.85014127135, -2.29796479134, -2.78718931138], r)
        / horner(&[1.63706781897, 3.54388924762, 1.0], r);
    size.copysign(q)
}

/// Algorithm AS 66 (Hill 1973).
fn upper_tail(x: f64) -> f64 {
    let z = x.abs();
    let y = 0.5 * z * z;
    let tail = if z <= 1.28 {
        let inner = y + 5.92885724438;
        let middle = y + 2.62433121679 + 48.6959930692 / inner;
        0.5 - z * (0.398942280444 - 0.399903438504 * y / (y + 5.75885480458 - 29.8213557808 / middle))
    } else if z <= 38.0 {
        let inner = z + 0.742380924027 + 30.789933034 / (z + 3.99019417011);
        let middle = z - 0.151679116635 + 5.29330324926 / (z + 4.8385912808 - 15.1508972451 / inner);
        0.398942280385 * (-y).exp() / (z - 3.8052e-8 + 1.00000615302 / (z + 3.98064794e-4 + 1.98615381364 / middle))
    } else {
        0.0
    };
    if x > 0.0 { tail } else { 1.0 - tail }
}
