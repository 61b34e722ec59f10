/// Platt's scaling: calibrated log odds = `slope` × log odds + `intercept`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Calibration {
    pub slope: f64,
    pub intercept: f64,
}

impl Calibration {
    pub const NONE: Self = Self { slope: 1.0, intercept: 0.0 };
    /// Slopes beyond would trust the fold more than the trees.
    const SLOPES: std::ops::RangeInclusive<f64> = 0.1..=3.0;
    /// The 95th percentile of chi-square with two degrees of freedom, which twice the gain in log likelihood follows when
    /// nothing needs to be corrected (Wilks 1938).
    const CHI_SQUARE_95: f64 = 5.991;

    /// Fitted to decisions that the trees have not seen by Newton's method. Boosting the log loss is calibrated by
    /// construction: a correction is made only where the decisions show that it is needed.
    pub fn fit(log_odds: &[f64], accepted: &[bool]) -> Self {
        let mut fitted = Self::NONE;
        for _ in 0..25 {
            let Some((slope, intercept)) = fitted.newton_step(log_odds, accepted) else { return Self::NONE };
            fitted = Self { slope: fitted.slope + slope, intercept: fitted.intercept + intercept };
            if slope.abs() + intercept.abs() < 1e-10 {
                break;
            }
        }
        let gain = Self::NONE.loss(log_odds, accepted) - fitted.loss(log_odds, accepted);
        let sane = Self::SLOPES.contains(&fitted.slope) && fitted.intercept.abs() < 10.0;
        if sane && 2.0 * gain > Self::CHI_SQUARE_95 { fitted } else { Self::NONE }
    }

    pub fn log_odds(&self, score: f64) -> f64 {
        self.slope * score + self.intercept
    }

    pub fn probability(&self, score: f64) -> f64 {
        1.0 / (1.0 + (-self.log_odds(score)).exp())
    }

    fn newton_step(&self, log_odds: &[f64], accepted: &[bool]) -> Option<(f64, f64)> {
        let [mut by_slope, mut by_intercept, mut ss, mut si, mut ii] = [0.0; 5];
        for (&score, &accepted) in log_odds.iter().zip(accepted) {
            let probability = self.probability(score);
            let (error, curvature) = (f64::from(u8::from(accepted)) - probability, probability * (1.0 - probability));
            by_slope += error * score;
            by_intercept += error;
            ss += curvature * score * score;
            si += curvature * score;
            ii += curvature;
        }
        let determinant = ss * ii - si * si;
        let step = ((ii * by_slope - si * by_intercept) / determinant, (ss * by_intercept - si * by_slope) / determinant);
        (determinant > 1e-9 * (1.0 + ss * ii) && step.0.abs() < 10.0 && step.1.abs() < 10.0).then_some(step)
    }

    fn loss(&self, log_odds: &[f64], accepted: &[bool]) -> f64 {
        let of = |(&score, &accepted): (&f64, &bool)| {
            let against = if accepted { -self.log_odds(score) } else { self.log_odds(score) };
            against.max(0.0) + (-against.abs()).exp().ln_1p()
        };
        log_odds.iter().zip(accepted).map(of).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::random::Random;

    fn drawn(slope: f64, intercept: f64) -> (Vec<f64>, Vec<bool>) {
        let mut random = Random::new(5);
        let scores: Vec<f64> = (0..20_000).map(|_| random.share() * 6.0 - 3.0).collect();
        let truth = Calibration { slope, intercept };
        let accepted = scores.iter().map(|&score| random.share() < truth.probability(score)).collect();
        (scores, accepted)
    }

    #[test]
    fn a_known_distortion_is_found_and_none_is_invented() {
        let (scores, accepted) = drawn(0.7, 0.4);
        let fitted = Calibration::fit(&scores, &accepted);
        assert!((fitted.slope - 0.7).abs() < 0.04 && (fitted.intercept - 0.4).abs() < 0.05, "{fitted:?}");
        let (scores, accepted) = drawn(1.0, 0.0);
        assert_eq!(Calibration::fit(&scores, &accepted), Calibration::NONE);
    }

    #[test]
    fn what_cannot_be_fitted_is_left_alone() {
        assert_eq!(Calibration::fit(&[0.5; 50], &[true; 50]), Calibration::NONE);
        assert_eq!(Calibration::fit(&[], &[]), Calibration::NONE);
        let separated: Vec<f64> = (0..50).map(f64::from).collect();
        let accepted: Vec<bool> = (0..50).map(|row| row >= 25).collect();
        assert_eq!(Calibration::fit(&separated, &accepted), Calibration::NONE);
    }
}
