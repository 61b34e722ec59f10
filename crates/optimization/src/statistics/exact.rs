//! Exact null distributions of rank statistics, counted in whole numbers.

/// log2 of the number of ways to choose which of the values form the first sample.
pub fn log2_arrangements(first: usize, second: usize) -> f64 {
    let (few, many) = (first.min(second) as f64, first.max(second) as f64);
    if few > 126.0 {
        return few;
    }
    (1..=few as usize).map(|k| ((many + k as f64) / k as f64).log2()).sum()
}

/// P(U as far from its middle as `u`, or farther), for values that all differ and fewer than 2^126 arrangements.
///
/// The counts are the coefficients of the Gaussian binomial, Π (1 - q^(n2 + i)) / (1 - q^i).
pub fn mann_whitney_two_sided(first: usize, second: usize, u: u64) -> f64 {
    let (few, many) = (first.min(second), first.max(second));
    let pairs = few as u64 * many as u64;
    let extreme = u.min(pairs - u) as usize;
    let mut counts = vec![0u128; extreme + 1];
    counts[0] = 1;
    for i in 1..=few {
        for at in (many + i..=extreme).rev() {
            counts[at] = counts[at].wrapping_sub(counts[at - many - i]);
        }
        for at in i..=extreme {
            counts[at] = counts[at].wrapping_add(counts[at - i]);
        }
    }
    let total = (1..=few as u128).fold(1u128, |product, k| binomial_step(product, many as u128, k));
    two_sided(counts.iter().sum(), total as f64)
}

/// C(many + k, k) from C(many + k - 1, k - 1), without a product that overflows.
fn binomial_step(previous: u128, many: u128, k: u128) -> u128 {
    previous / k * (many + k) + previous % k * (many + k) / k
}

/// P(as many discordant pairs as `discordant`, or as few, or more extreme) among all orders of `count` values; at most 33 of
/// them, or at most one pair that is discordant, or that is not.
pub fn kendall_two_sided(count: usize, discordant: u64) -> f64 {
    let pairs = (count * (count - 1) / 2) as u64;
    let extreme = discordant.min(pairs - discordant) as usize;
    let mut counts = vec![0u128; extreme + 1];
    counts[0] = 1;
    for i in 2..=count {
        for at in 1..=extreme {
            counts[at] = counts[at].wrapping_add(counts[at - 1]);
        }
        for at in (i..=extreme).rev() {
            counts[at] = counts[at].wrapping_sub(counts[at - i]);
        }
    }
    // The factorial of 171 is infinite, and the probability 0.
    let orders: f64 = (1..=count.min(171)).map(|k| k as f64).product();
    two_sided(counts.iter().sum(), orders)
}

fn two_sided(tail: u128, total: f64) -> f64 {
    (2.0 * (tail as f64 / total)).min(1.0)
}
