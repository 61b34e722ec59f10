/// Values summed in plain arithmetic before they join a compensated total.
pub const BLOCK: usize = 256;
/// Independent partial sums, so that additions need not wait for one another.
pub const LANES: usize = 8;

/// A compensated sum (Neumaier 1974): its error does not grow with the number of terms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    high: f64,
    low: f64,
}

impl Sum {
    pub fn add(&mut self, term: f64) {
        let sum = self.high + term;
        self.low += if self.high.abs() >= term.abs() { (self.high - sum) + term } else { (term - sum) + self.high };
        self.high = sum;
    }

    pub fn value(self) -> f64 {
        self.high + self.low
    }
}

/// Compensated sum of the terms.
pub fn sum(terms: impl IntoIterator<Item = f64>) -> f64 {
    let mut total = Sum::default();
    terms.into_iter().for_each(|term| total.add(term));
    total.value()
}

/// Compensated sum of `term(left, right)` over pairs, by blocks.
pub fn sum_pairs(left: &[f64], right: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut total = Sum::default();
    for (left, right) in left.chunks(BLOCK).zip(right.chunks(BLOCK)) {
        let mut sums = [0.0; LANES];
        let ((lefts, left), (rights, right)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
        for (left, right) in lefts.iter().zip(rights) {
            for k in 0..LANES {
                sums[k] += term(left[k], right[k]);
            }
        }
        sums[0] += left.iter().zip(right).map(|(&left, &right)| term(left, right)).sum::<f64>();
        sums.iter().for_each(|&sum| total.add(sum));
    }
    total.value()
}
