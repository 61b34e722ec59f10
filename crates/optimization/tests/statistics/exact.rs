//! Sample statistics of the numbers as they stand in 64 bits, in whole numbers: what any floating-point routine can at best
//! come to.

/// The values as whole multiples of one power of two.
struct Whole {
    numbers: Vec<i128>,
    unit: f64,
}

impl Whole {
    fn new(values: &[f64]) -> Self {
        let low_bit = |value: &f64| {
            let bits = value.to_bits();
            let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
            ((bits >> 52) & 0x7ff) as i32 - 1075 + mantissa.trailing_zeros() as i32
        };
        let exponent = values.iter().filter(|value| **value != 0.0).map(low_bit).min().unwrap();
        let unit = 2f64.powi(exponent);
        let numbers: Vec<i128> = values.iter().map(|value| (value / unit) as i128).collect();
        assert!(numbers.iter().zip(values).all(|(&number, &value)| number as f64 * unit == value), "the range is too wide");
        Self { numbers, unit }
    }
}

/// Whole deviations from the whole number nearest to their mean.
pub struct Centred {
    centre: i128,
    deviations: Vec<i128>,
    /// What the true mean is beyond the centre, at most a half.
    rest: f64,
}

impl Centred {
    fn new(numbers: &[i128]) -> Self {
        let (sum, count) = (numbers.iter().sum::<i128>(), numbers.len() as i128);
        let centre = (2 * sum + count).div_euclid(2 * count);
        let deviations: Vec<i128> = numbers.iter().map(|number| number - centre).collect();
        let rest = deviations.iter().sum::<i128>() as f64 / count as f64;
        Self { centre, deviations, rest }
    }

    fn squares(&self) -> f64 {
        let sum: i128 = self.deviations.iter().map(|d| d * d).sum();
        sum as f64 - self.rest * self.rest * self.deviations.len() as f64
    }

    fn lagged(&self) -> f64 {
        let products: i128 = self.deviations.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let count = self.deviations.len() as f64;
        let ends = (self.deviations[0] + self.deviations[self.deviations.len() - 1]) as f64;
        products as f64 - self.rest * (2.0 * count * self.rest - ends) + (count - 1.0) * self.rest * self.rest
    }
}

/// Mean, standard deviation and first autocorrelation.
pub fn univariate(values: &[f64]) -> [f64; 3] {
    let whole = Whole::new(values);
    let centred = Centred::new(&whole.numbers);
    let mean = (centred.centre as f64 + centred.rest) * whole.unit;
    let deviation = (centred.squares() / (values.len() - 1) as f64).sqrt() * whole.unit;
    [mean, deviation, centred.lagged() / centred.squares()]
}

/// Squares between and within groups, F, R² and the residual standard deviation.
pub fn anova(groups: &[Vec<f64>]) -> [f64; 5] {
    let all = groups.concat();
    let whole = Whole::new(&all);
    let grand = Centred::new(&whole.numbers);
    let mut rest = whole.numbers.as_slice();
    let (mut between, mut within) = (0.0, 0.0);
    for group in groups {
        let (own, others) = rest.split_at(group.len());
        let centred = Centred::new(own);
        let distance = (centred.centre - grand.centre) as f64 + (centred.rest - grand.rest);
        between += distance * distance * group.len() as f64;
        within += centred.squares();
        rest = others;
    }
    let (outer, inner) = ((groups.len() - 1) as f64, (all.len() - groups.len()) as f64);
    let square = whole.unit * whole.unit;
    let f = (between / outer) / (within / inner);
    [between * square, within * square, f, between / (between + within), (within / inner).sqrt() * whole.unit]
}
