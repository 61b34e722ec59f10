use super::Settings;
use super::bins::{BLOCK, MISSING};
use super::gradient::Gradients;

/// Sums of gradient pairs by block, lane and bin.
pub(super) type Histogram = Vec<[[i64; 256]; BLOCK]>;

/// A cut through one feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    pub feature: usize,
    /// Bins up to it go left. The number of the last bin parts the missing from all others.
    pub edge: u8,
    pub missing_left: bool,
    /// What it takes off the loss, to second order.
    pub gain: f32,
    pub left_sum: i64,
}

/// What the best split of a leaf is looked for in.
pub(super) struct Search<'a> {
    pub gradients: &'a Gradients,
    /// Bins of values by feature, the one for the missing not counted.
    pub bin_counts: &'a [usize],
    pub has_missing: &'a [bool],
    pub settings: &'a Settings,
}

impl Search<'_> {
    /// The split with the largest gain of a leaf whose pairs sum to `sum`; of equals the first feature's lowest. `None` when
    /// none has a gain and leaves enough curvature on both sides.
    pub fn best(&self, histogram: &Histogram, sum: i64) -> Option<Split> {
        let mut best: Option<Split> = None;
        for (feature, &count) in self.bin_counts.iter().enumerate() {
            let bins = &histogram[feature / BLOCK][feature % BLOCK];
            let missing = if self.has_missing[feature] { bins[usize::from(MISSING)] } else { 0 };
            let values = &bins[..count];
            let sides: &[(bool, i64)] = if missing == 0 { &[(false, 0)] } else { &[(false, 0), (true, missing)] };
            for &(missing_left, first) in sides {
                let edges = if missing != 0 && !missing_left { count } else { count - 1 };
                let least = best.map_or(self.settings.min_gain as f32, |best| best.gain);
                if let Some((edge, gain, left_sum)) = self.scan(&values[..edges], first, sum, least) {
                    best = Some(Split { feature, edge, missing_left, gain, left_sum });
                }
            }
        }
        best.map(|split| Split { missing_left: self.side_of_missing(histogram, &split, sum), ..split })
    }

    /// Where a leaf has no missing value to learn from, they go with the heavier side.
    fn side_of_missing(&self, histogram: &Histogram, split: &Split, sum: i64) -> bool {
        let seen = histogram[split.feature / BLOCK][split.feature % BLOCK][usize::from(MISSING)] != 0;
        if seen { split.missing_left } else { self.gradients.of(split.left_sum).1 > self.gradients.of(sum - split.left_sum).1 }
    }

    /// The edge with a gain above `least`, its gain and the sum to its left, which begins with `first`.
    fn scan(&self, values: &[i64], first: i64, sum: i64, least: f32) -> Option<(u8, f32, i64)> {
        let (mut derivatives, mut curvatures, mut gains) = ([0_f32; 256], [0_f32; 256], [0_f32; 256]);
        let mut left = first;
        for ((derivative, curvature), &pair) in derivatives.iter_mut().zip(&mut curvatures).zip(values) {
            left += pair;
            (*derivative, *curvature) = self.gradients.of(left);
        }
        let (total, weight) = self.gradients.of(sum);
        let (lambda, enough) = (self.settings.lambda as f32, self.settings.min_child_hessian as f32);
        let whole = total * total / (weight + lambda);
        for ((gain, &left), &left_weight) in gains.iter_mut().zip(&derivatives).zip(&curvatures).take(values.len()) {
            let (right, right_weight) = (total - left, weight - left_weight);
            let parts = left * left / (left_weight + lambda) + right * right / (right_weight + lambda);
            *gain = if left_weight.min(right_weight) >= enough { 0.5 * (parts - whole) } else { 0.0 };
        }
        let mut best = None;
        let mut most = least;
        for (edge, &gain) in gains[..values.len()].iter().enumerate() {
            if gain > most {
                (best, most) = (Some(edge), gain);
            }
        }
        best.map(|edge| (edge as u8, most, first + values[..=edge].iter().sum::<i64>()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        /// Each edge of each feature with the missing on each side, summed row by row.
        #[test]
        fn no_cut_beats_the_chosen(
            rows in vec(((prop_oneof![4 => 0..5_u8, 1 => Just(MISSING)], 0..5_u8), -3.0..3.0_f64, any::<bool>()), 1..60),
            lambda in 0.0..3.0_f64, min_child_hessian in 0.05..2.0_f64,
        ) {
            let mut gradients = Gradients::new(rows.len());
            let scores: Vec<f64> = rows.iter().map(|row| row.1).collect();
            let labels: Vec<f32> = rows.iter().map(|row| f32::from(u8::from(row.2))).collect();
            gradients.renew(&scores, &labels);
            let mut histogram: Histogram = vec![[[0; 256]; BLOCK]];
            for ((codes, ..), &pair) in rows.iter().zip(&gradients.pairs) {
                histogram[0][0][usize::from(codes.0)] += pair;
                histogram[0][1][usize::from(codes.1)] += pair;
            }
            let settings = Settings { lambda, min_child_hessian, ..Settings::default() };
            let has_missing = [rows.iter().any(|row| row.0.0 == MISSING), false];
            let search = Search { gradients: &gradients, bin_counts: &[5, 5], has_missing: &has_missing, settings: &settings };
            let chosen = search.best(&histogram, gradients.pairs.iter().sum());

            let score = |side: (f64, f64)| side.0 * side.0 / (side.1 + lambda);
            let mut most = 0.0_f64;
            for (feature, edge, missing_left) in (0..2).flat_map(|f| (0..5_u8).flat_map(move |e| [(f, e, false), (f, e, true)])) {
                let (mut sides, mut all) = ([(0.0, 0.0); 2], (0.0, 0.0));
                for ((codes, ..), &pair) in rows.iter().zip(&gradients.pairs) {
                    let code = if feature == 0 { codes.0 } else { codes.1 };
                    let left = if code == MISSING { missing_left } else { code <= edge };
                    let (derivative, curvature) = gradients.of(pair);
                    for sum in [&mut sides[usize::from(left)], &mut all] {
                        *sum = (sum.0 + f64::from(derivative), sum.1 + f64::from(curvature));
                    }
                }
                if sides[0].1.min(sides[1].1) >= min_child_hessian {
                    most = most.max(0.5 * (score(sides[0]) + score(sides[1]) - score(all)));
                }
            }
            let gain = chosen.map_or(0.0, |split| f64::from(split.gain));
            prop_assert!((gain - most).abs() < 1e-4 * (1.0 + most), "{gain} {most} {chosen:?}");
        }
    }
}
