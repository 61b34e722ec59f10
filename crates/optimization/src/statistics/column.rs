use super::Error;
use super::sum::{BLOCK, LANES, Sum};

/// Most values in one [`Column`]; twice a rank must fit 32 bits.
pub const MAX_ROWS: usize = 1 << 30;
/// Largest magnitude: squares, and sums of them over the largest column, stay finite.
const LARGEST: f64 = 1e100;

/// A sample whose values are all finite, with its moments.
///
/// Two passes over the values: the first finds the mean roughly, the second sums powers of the deviations from it and
/// corrects for what the first was off (Chan, Golub & LeVeque 1983, the corrected two-pass algorithm), so that values with
/// many equal leading digits lose nothing that their own rounding has not lost.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    values: &'a [f64],
    minimum: f64,
    maximum: f64,
    /// Deviations are counted from here; equals the mean up to rounding.
    pivot: f64,
    /// Power of two that brings the largest deviation near 1, so that fourth powers neither overflow nor vanish.
    scale: f64,
    /// Mean of the scaled deviations: the mean is `pivot + offset / scale`.
    offset: f64,
    /// Sums of the 2nd, 3rd and 4th powers of the scaled deviations from the mean.
    central: [f64; 3],
}

impl<'a> Column<'a> {
    /// At least one value, each finite and within ±1e100.
    pub fn new(values: &'a [f64]) -> Result<Self, Error> {
        if values.is_empty() {
            return Err(Error::TooFew { found: 0, needed: 1 });
        }
        if values.len() > MAX_ROWS {
            return Err(Error::TooMany { found: values.len(), most: MAX_ROWS });
        }
        let scan = Scan::of(values)?;
        let count = values.len() as f64;
        let pivot = (scan.sum / count).clamp(scan.minimum, scan.maximum);
        let scale = scale_of((scan.maximum - pivot).max(pivot - scan.minimum));
        let [s1, s2, s3, s4] = powers(values, pivot, scale);
        let offset = s1 / count;
        let square = offset * offset;
        let central = [
            (s2 - s1 * offset).max(0.0),
            s3 - 3.0 * offset * s2 + 2.0 * s1 * square,
            (s4 - 4.0 * offset * s3 + 6.0 * square * s2 - 3.0 * s1 * square * offset).max(0.0),
        ];
        Ok(Self { values, minimum: scan.minimum, maximum: scan.maximum, pivot, scale, offset, central })
    }

    pub fn values(&self) -> &'a [f64] {
        self.values
    }

    /// Number of values; never 0.
    #[expect(clippy::len_without_is_empty, reason = "a column is never empty")]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn minimum(&self) -> f64 {
        self.minimum
    }

    pub fn maximum(&self) -> f64 {
        self.maximum
    }

    /// Whether all values are equal.
    pub fn is_constant(&self) -> bool {
        self.minimum == self.maximum
    }

    pub fn mean(&self) -> f64 {
        self.pivot + self.offset / self.scale
    }

    /// The mean minus `origin`, without first rounding the mean; exact to the last digits when both are close.
    pub(super) fn mean_from(&self, origin: f64) -> f64 {
        (self.pivot - origin) + self.offset / self.scale
    }

    pub(super) fn pivot(&self) -> f64 {
        self.pivot
    }

    /// See [`Column`]: `value ↦ (value - pivot) * scale - offset` is the scaled deviation from the mean.
    pub(super) fn deviation(&self) -> Deviation {
        Deviation { pivot: self.pivot, scale: self.scale, offset: self.offset }
    }

    /// Σ((x - mean) * scale)², the sum that `scale` keeps in range.
    pub(super) fn scaled_squares(&self) -> f64 {
        self.central[0]
    }

    /// Σ(x - mean)².
    pub fn sum_of_squares(&self) -> f64 {
        self.central[0] / self.scale / self.scale
    }

    /// With the denominator n - 1; `None` for one value.
    pub fn variance(&self) -> Option<f64> {
        (self.len() > 1).then(|| self.central[0] / (self.len() - 1) as f64 / self.scale / self.scale)
    }

    /// Root of [`Column::variance`].
    pub fn standard_deviation(&self) -> Option<f64> {
        (self.len() > 1).then(|| (self.central[0] / (self.len() - 1) as f64).sqrt() / self.scale)
    }

    /// With the denominator n: 0 for one value.
    pub fn population_standard_deviation(&self) -> f64 {
        (self.central[0] / self.len() as f64).sqrt() / self.scale
    }

    /// Fisher-Pearson g1 = m3 / m2^1.5, biased, as `scipy.stats.skew`; `None` when all values are equal.
    pub fn skewness(&self) -> Option<f64> {
        let count = self.len() as f64;
        let m2 = self.central[0] / count;
        (!self.is_constant() && m2 > 0.0).then(|| self.central[1] / count / (m2 * m2.sqrt()))
    }

    /// Excess g2 = m4 / m2² - 3, biased, as `scipy.stats.kurtosis`; `None` when all values are equal.
    pub fn kurtosis(&self) -> Option<f64> {
        let count = self.len() as f64;
        let m2 = self.central[0] / count;
        (!self.is_constant() && m2 > 0.0).then(|| self.central[2] / count / (m2 * m2) - 3.0)
    }
}

/// Maps a value to its scaled deviation from the mean.
#[derive(Clone, Copy)]
pub(super) struct Deviation {
    pivot: f64,
    scale: f64,
    offset: f64,
}

impl Deviation {
    pub fn of(self, value: f64) -> f64 {
        (value - self.pivot) * self.scale - self.offset
    }

    pub fn scale(self) -> f64 {
        self.scale
    }
}

struct Scan {
    minimum: f64,
    maximum: f64,
    sum: f64,
}

impl Scan {
    fn of(values: &[f64]) -> Result<Self, Error> {
        let (mut low, mut high) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
        let mut total = Sum::default();
        for (number, block) in values.chunks(BLOCK).enumerate() {
            let mut sums = [0.0; LANES];
            let mut accepted = true;
            let (lanes, rest) = block.as_chunks::<LANES>();
            for lane in lanes {
                for k in 0..LANES {
                    let value = lane[k];
                    accepted &= value.abs() <= LARGEST;
                    low[k] = if value < low[k] { value } else { low[k] };
                    high[k] = if value > high[k] { value } else { high[k] };
                    sums[k] += value;
                }
            }
            for &value in rest {
                accepted &= value.abs() <= LARGEST;
                low[0] = low[0].min(value);
                high[0] = high[0].max(value);
                sums[0] += value;
            }
            if !accepted {
                return Err(refusal(number * BLOCK, block));
            }
            sums.iter().for_each(|&sum| total.add(sum));
        }
        let minimum = low.into_iter().fold(f64::INFINITY, f64::min);
        let maximum = high.into_iter().fold(f64::NEG_INFINITY, f64::max);
        Ok(Self { minimum, maximum, sum: total.value() })
    }
}

fn refusal(start: usize, block: &[f64]) -> Error {
    let accepted = |value: &f64| value.abs() <= LARGEST;
    let at = block.iter().position(|value| !accepted(value)).expect("the block holds a refused value");
    if block[at].is_finite() { Error::TooLarge { row: start + at } } else { Error::NotFinite { row: start + at } }
}

/// 2^-e for a largest deviation of about 2^e; 1 when there is none.
fn scale_of(largest: f64) -> f64 {
    if largest == 0.0 {
        return 1.0;
    }
    let exponent = ((largest.to_bits() >> 52) as i32 - 1023).clamp(-1000, 1000);
    2f64.powi(-exponent)
}

/// Sums of the first four powers of (value - pivot) * scale.
fn powers(values: &[f64], pivot: f64, scale: f64) -> [f64; 4] {
    let mut totals = [Sum::default(); 4];
    for block in values.chunks(BLOCK) {
        let mut sums = [[0.0; LANES]; 4];
        let (lanes, rest) = block.as_chunks::<LANES>();
        for lane in lanes {
            for k in 0..LANES {
                let d = (lane[k] - pivot) * scale;
                let square = d * d;
                sums[0][k] += d;
                sums[1][k] += square;
                sums[2][k] += square * d;
                sums[3][k] += square * square;
            }
        }
        for &value in rest {
            let d = (value - pivot) * scale;
            let square = d * d;
            [d, square, square * d, square * square].iter().zip(&mut sums).for_each(|(power, sum)| sum[0] += power);
        }
        for (total, sums) in totals.iter_mut().zip(&sums) {
            sums.iter().for_each(|&sum| total.add(sum));
        }
    }
    totals.map(|total| total.value())
}
