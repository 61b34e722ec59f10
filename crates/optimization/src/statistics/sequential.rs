//! Looking at an experiment before its end without more false alarms.
//!
//! Alpha spending (Lan & DeMets 1983): each look may spend a part of the error that was agreed on, decided by the share of the
//! information that has come in, so that neither the number nor the times of the looks need be known beforehand.

use serde::{Deserialize, Serialize};

use super::Error;
use super::error::{at_least, require};
use super::special::{nodes, normal_density, normal_quantile, normal_two_sided, normal_upper};

pub const MAX_LOOKS: usize = 100;
/// Looks must be this far apart in information.
const LEAST_STEP: f64 = 1e-4;
const PANELS: usize = 64;

/// How the error is spent over the share t of the information.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Spending {
    /// 4 (1 - Φ(z(1 - α/4) / √t)): almost nothing early, the last look almost as without any before.
    ObrienFleming,
    /// α ln(1 + (e - 1) t): about the same at each look.
    Pocock,
}

impl Spending {
    /// The error that may have been spent when a share of 0 to 1 of the information is in.
    pub fn spent(self, alpha: f64, share: f64) -> f64 {
        match self {
            Self::ObrienFleming => 2.0 * normal_two_sided(normal_quantile(1.0 - alpha / 4.0) / share.sqrt()),
            Self::Pocock => alpha * (1.0 + (1f64.exp() - 1.0) * share).ln(),
        }
    }
}

/// What one look demands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Share of the planned information (values counted), 0 to 1.
    pub share: f64,
    /// Error spent up to this look.
    pub spent: f64,
    /// Stop and reject when the statistic is at least this far from 0, in standard errors.
    pub boundary: f64,
    /// The boundary as a two-sided p-value: stop when the p-value of this look is at most this.
    pub nominal: f64,
}

/// Two-sided symmetric boundaries for looks at rising shares of the information, the last at most 1; so many that the
/// probability to cross any of them without an effect is what was spent. `alpha` is the error in all.
///
/// The density of the statistic that has not crossed yet is carried from look to look by quadrature (Armitage, McPherson
/// & Rowe 1969).
pub fn boundaries(shares: &[f64], alpha: f64, spending: Spending) -> Result<Vec<Look>, Error> {
    require((1e-6..=0.5).contains(&alpha), "alpha", "from 1e-6 to 0.5, for instance 0.05")?;
    at_least(shares.len(), 1)?;
    if shares.len() > MAX_LOOKS {
        return Err(Error::TooMany { found: shares.len(), most: MAX_LOOKS });
    }
    let mut looks: Vec<Look> = Vec::with_capacity(shares.len());
    let mut walk = Walk::start();
    for &share in shares {
        require(share - walk.share >= LEAST_STEP && share <= 1.0, "shares", "rising by at least 0.0001 each, and at most 1")?;
        let spent = spending.spent(alpha, share);
        let step = spent - looks.last().map_or(0.0, |look| look.spent);
        let boundary = walk.boundary(share, step);
        looks.push(Look { share, spent, boundary, nominal: normal_two_sided(boundary) });
        walk.advance(share, boundary);
    }
    Ok(looks)
}

/// Brownian motion that has not crossed a boundary yet: points with their share of the probability.
struct Walk {
    share: f64,
    points: Vec<(f64, f64)>,
}

impl Walk {
    fn start() -> Self {
        Self { share: 0.0, points: vec![(0.0, 1.0)] }
    }

    /// Probability to be at least `boundary` standard errors from 0 at `share`.
    fn crossing(&self, share: f64, boundary: f64) -> f64 {
        let (limit, step) = (boundary * share.sqrt(), (share - self.share).sqrt());
        let tails = |at: f64| normal_upper((limit - at) / step) + normal_upper((limit + at) / step);
        self.points.iter().map(|&(at, mass)| mass * tails(at)).sum()
    }

    /// The boundary that is crossed with probability `probability`, by bisection to the last digits.
    fn boundary(&self, share: f64, probability: f64) -> f64 {
        let (mut low, mut high) = (0.0, 37.0);
        while high - low > 1e-13 * high {
            let middle = (low + high) / 2.0;
            if middle <= low || middle >= high {
                break;
            }
            if self.crossing(share, middle) > probability { low = middle } else { high = middle }
        }
        high
    }

    fn advance(&mut self, share: f64, boundary: f64) {
        let step = (share - self.share).sqrt();
        // Beyond nine standard deviations lies no probability that counts.
        let limit = boundary.min(9.0) * share.sqrt();
        let density =
            |at: f64| self.points.iter().map(|&(from, mass)| mass * normal_density((at - from) / step)).sum::<f64>() / step;
        // The density bends on the scale of a step, and so does what the next step makes of it.
        let panels = ((2.0 * limit / step).ceil() as usize).clamp(PANELS, 8 * PANELS);
        self.points = nodes(-limit, limit, panels).map(|(at, weight)| (at, weight * density(at))).collect();
        self.share = share;
    }
}
