/// First and second derivatives of the log loss by row, as integers: sums of them are exact, do not depend on the order of
/// the rows, and one addition adds both.
pub(super) struct Gradients {
    /// Derivative × `scale` in the upper 32 bits, curvature × 4 `scale` (it is at most 1/4) in the lower.
    pub pairs: Vec<i64>,
    scale: f32,
}

/// Finer steps would not fit the rounding in [`pair`].
const MAX_SCALE: f32 = (1_u32 << 21) as f32;

impl Gradients {
    /// For up to `rows` rows, whose sums must fit 31 bits.
    pub fn new(rows: usize) -> Self {
        let scale = (f64::from(i32::MAX) / rows.max(1) as f64 - 1.0).min(f64::from(MAX_SCALE)).floor() as f32;
        Self { pairs: vec![0; rows], scale }
    }

    /// At the log odds `scores`: probability − label, and probability × (1 − probability).
    pub fn renew(&mut self, scores: &[f64], labels: &[f32]) {
        for ((stored, &score), &label) in self.pairs.iter_mut().zip(scores).zip(labels) {
            *stored = pair(logistic(score as f32), label, self.scale);
        }
    }

    /// Derivative and curvature of a pair or of a sum of pairs.
    pub fn of(&self, pair: i64) -> (f32, f32) {
        let per_step = 1.0 / self.scale;
        ((pair >> 32) as i32 as f32 * per_step, pair as i32 as f32 * (0.25 * per_step))
    }

    pub fn sum(&self, rows: &[u32]) -> i64 {
        rows.iter().fold(0_i64, |sum, &row| sum.wrapping_add(self.pairs[row as usize]))
    }
}

fn pair(probability: f32, label: f32, scale: f32) -> i64 {
    let derivative = round((probability - label) * scale);
    let curvature = round(probability * (1.0 - probability) * (4.0 * scale));
    (i64::from(derivative) << 32) | i64::from(curvature)
}

/// To the nearest integer, for magnitudes up to 2^22: adding 1.5 × 2^23 leaves the integer in the low bits.
fn round(value: f32) -> i32 {
    const MAGIC: f32 = 12_582_912.0;
    (value + MAGIC).to_bits() as i32 - MAGIC.to_bits() as i32
}

/// 1 / (1 + e^−x) to 3e-7, by operations that every machine rounds alike and that run on several values at once.
pub(super) fn logistic(x: f32) -> f32 {
    let exponent = (-x).clamp(-60.0, 60.0) * std::f32::consts::LOG2_E;
    let whole = round(exponent);
    let rest = (exponent - whole as f32) * std::f32::consts::LN_2;
    let tail = 1.0 / 24.0 + rest * (1.0 / 120.0 + rest * (1.0 / 720.0));
    let power = 1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0 + rest * tail)));
    1.0 / (1.0 + power * f32::from_bits(((whole + 127) << 23) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logistic_is_accurate() {
        for step in -4000..=4000 {
            let x = f64::from(step) * 0.02;
            let exact = 1.0 / (1.0 + (-x).exp());
            assert!((f64::from(logistic(x as f32)) - exact).abs() < 3e-7, "{x}");
        }
        assert_eq!(logistic(0.0), 0.5);
    }

    #[test]
    fn pairs_add_up_by_parts() {
        let rows = 100_000;
        let mut gradients = Gradients::new(rows);
        let scores: Vec<f64> = (0..rows).map(|row| (row % 77) as f64 * 0.2 - 7.0).collect();
        for label in [0.0, 1.0] {
            gradients.renew(&scores, &vec![label; rows]);
            let all: Vec<u32> = (0..rows as u32).collect();
            let (derivative, curvature) = gradients.of(gradients.sum(&all));
            let probabilities = scores.iter().map(|score| 1.0 / (1.0 + (-score).exp()));
            let exact = probabilities.fold((0.0, 0.0), |(g, h), p| (g + p - f64::from(label), h + p * (1.0 - p)));
            assert!((f64::from(derivative) - exact.0).abs() < 2.0, "{derivative} {}", exact.0);
            assert!((f64::from(curvature) - exact.1).abs() < 2.0, "{curvature} {}", exact.1);
        }
    }
}
