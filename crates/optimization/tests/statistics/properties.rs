//! Against definitions, by brute force.

use optimization::statistics::*;
use proptest::prelude::*;

use crate::uniform;

/// Smooth, tied, clustered, tiny, huge, and far apart values, signs mixed.
fn values(most: usize) -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        -100.0..100.0f64,
        (-5i32..5).prop_map(f64::from),
        (0u32..1000).prop_map(|k| 1e12 + f64::from(k) * 1e-3),
        (0u32..50).prop_map(|k| f64::from(k) * 5e-324),
        prop_oneof![Just(1e100), Just(-1e100), Just(-0.0), Just(0.0)],
        any::<u64>().prop_map(|bits| f64::from_bits(bits & !(1 << 62))),
    ];
    let mixed = prop::collection::vec(value, 1..most);
    let narrow = prop::collection::vec((0u64..1 << 40).prop_map(|low| f64::from_bits(1.0f64.to_bits() + low)), 1..most);
    prop_oneof![mixed, narrow]
}

fn sorted(values: &[f64]) -> Sorted<'_> {
    Sorted::new(Column::new(values).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn order_ties_and_ranks_are_those_of_a_stable_sort(values in values(700)) {
        let sorted = sorted(&values);
        let mut expected: Vec<u32> = (0..values.len() as u32).collect();
        expected.sort_by(|&a, &b| values[a as usize].partial_cmp(&values[b as usize]).unwrap());
        prop_assert_eq!(sorted.rows(), expected.as_slice());
        let mut place = 0;
        let mut ties = Vec::new();
        for run in expected.chunk_by(|&a, &b| values[a as usize] == values[b as usize]) {
            if run.len() > 1 {
                ties.push((place as u32, run.len() as u32));
            }
            place += run.len();
        }
        prop_assert_eq!(sorted.ties(), ties.as_slice());
        for (row, &doubled) in sorted.doubled_ranks().iter().enumerate().step_by(7) {
            let below = values.iter().filter(|&&other| other < values[row]).count();
            let equal = values.iter().filter(|&&other| other == values[row]).count();
            prop_assert_eq!(doubled as usize, 2 * below + equal + 1);
        }
    }

    #[test]
    fn modified_z_finds_what_the_definition_finds(values in values(200), threshold in 0.5..6.0f64) {
        let median = |mut numbers: Vec<f64>| {
            numbers.sort_by(f64::total_cmp);
            let middle = numbers.len() / 2;
            if numbers.len() % 2 == 1 { numbers[middle] } else { (numbers[middle - 1] + numbers[middle]) / 2.0 }
        };
        let sorted = sorted(&values);
        let distances = values.iter().map(|value| (value - sorted.median()).abs());
        let distance = median(distances.clone().collect());
        match outliers(&sorted, OutlierRule::ModifiedZ, threshold) {
            Err(error) => prop_assert!(error == Error::NoSpread && distance == 0.0),
            Ok(found) => {
                let mut rows: Vec<u32> = found.iter().map(|outlier| outlier.row).collect();
                rows.sort_unstable();
                let expected: Vec<u32> = distances.enumerate().filter(|(_, d)| 0.6745 * d / distance > threshold).map(|(row, _)| row as u32).collect();
                prop_assert_eq!(rows, expected);
                prop_assert!(found.iter().all(|outlier| outlier.score > threshold));
            }
        }
    }

    #[test]
    fn mann_whitney_counts_pairs(first in prop::collection::vec(0i32..30, 1..40), second in prop::collection::vec(0i32..30, 1..40)) {
        let [x, y] = [&first, &second].map(|sample| sample.iter().copied().map(f64::from).collect::<Vec<f64>>());
        let won: f64 = x.iter().flat_map(|a| y.iter().map(move |b| (f64::from(u8::from(a > b)) * 2.0 + f64::from(u8::from(a == b))) / 2.0)).sum();
        let found = mann_whitney_samples(&x, &y, None).unwrap();
        prop_assert_eq!(found.u, won);
        let back = mann_whitney_samples(&y, &x, None).unwrap();
        prop_assert_eq!(found.p_value, back.p_value);
        prop_assert_eq!(found.z, -back.z);
        prop_assert!((0.0..=1.0).contains(&found.p_value));
    }

    #[test]
    fn kendall_counts_pairs(pairs in prop::collection::vec((0i32..12, 0i32..12), 2..60)) {
        let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().map(|&(x, y)| (f64::from(x), f64::from(y))).unzip();
        let sign = |a: i32, b: i32| i64::from((a > b) as i32 - (a < b) as i32);
        let (mut difference, mut apart_x, mut apart_y) = (0i64, 0i64, 0i64);
        for i in 0..pairs.len() {
            for j in 0..i {
                let (dx, dy) = (sign(pairs[i].0, pairs[j].0), sign(pairs[i].1, pairs[j].1));
                difference += dx * dy;
                apart_x += dx.abs();
                apart_y += dy.abs();
            }
        }
        match kendall(&sorted(&x), &sorted(&y)) {
            Err(error) => prop_assert!(error == Error::NoSpread && (apart_x == 0 || apart_y == 0)),
            Ok(found) => {
                let tau = difference as f64 / ((apart_x * apart_y) as f64).sqrt();
                prop_assert!((found.tau - tau).abs() < 1e-14);
                prop_assert!((0.0..=1.0).contains(&found.p_value));
            }
        }
    }

    #[test]
    fn moments_do_not_depend_on_unit_or_origin(values in prop::collection::vec(-10.0..10.0f64, 3..400), exponent in -300i32..300) {
        let unit = 2f64.powi(exponent);
        let plain = Column::new(&values).unwrap();
        let scaled: Vec<f64> = values.iter().map(|value| value * unit).collect();
        let scaled = Column::new(&scaled).unwrap();
        prop_assert_eq!(scaled.mean(), plain.mean() * unit);
        prop_assert_eq!(scaled.skewness(), plain.skewness());
        prop_assert_eq!(scaled.kurtosis(), plain.kurtosis());
        prop_assert_eq!(scaled.standard_deviation().unwrap(), plain.standard_deviation().unwrap() * unit);
    }

    #[test]
    fn fisher_sums_all_tables(a in 0u64..30, b in 0u64..30, c in 0u64..30, d in 0u64..30) {
        let choose = |n: u64, k: u64| (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64);
        let (first, second, column) = (a + b, c + d, a + c);
        let tables: Vec<f64> = (column.saturating_sub(second)..=first.min(column)).map(|k| choose(first, k) * choose(second, column - k)).collect();
        let own = choose(first, a) * choose(second, c);
        let expected = tables.iter().filter(|&&table| table <= own * (1.0 + 1e-9)).sum::<f64>() / tables.iter().sum::<f64>();
        let found = fisher_exact([[a, b], [c, d]]).unwrap();
        prop_assert!((found.p_value - expected).abs() <= 1e-12 * expected, "{} for {expected}", found.p_value);
    }
}

/// All ways to choose the first sample, or to order one of two rankings.
#[test]
fn exact_rank_tests_count_all_arrangements() {
    let (n1, n2) = (4, 5);
    let values: Vec<f64> = (0..n1 + n2).map(|k| (k * k) as f64).collect();
    let u_of = |set: u32| {
        let chosen = |k: usize| set >> k & 1 == 1;
        (0..9).flat_map(|i| (0..i).map(move |j| (i, j))).filter(|&(i, j)| chosen(i) && !chosen(j)).count()
    };
    let sets: Vec<u32> = (0u32..1 << 9).filter(|set| set.count_ones() == n1 as u32).collect();
    for &set in &sets {
        let found = mann_whitney(&sorted(&values), |row| set >> row & 1 == 1, None).unwrap();
        let extreme = u_of(set).max(n1 * n2 - u_of(set));
        let beyond = sets.iter().filter(|&&other| u_of(other) >= extreme).count();
        assert_eq!(found.u, u_of(set) as f64);
        assert!((found.p_value - (2.0 * beyond as f64 / sets.len() as f64).min(1.0)).abs() < 1e-14);
    }
}

#[test]
fn a_large_column_sorts_as_the_library_does() {
    let mut next = uniform(1);
    let smooth: Vec<f64> = (0..300_000).map(|_| (next() - 0.3) * 50.0).collect();
    let few: Vec<f64> = (0..300_000).map(|_| (next() * 40.0).floor()).collect();
    // Two far values leave no leading bits to the rest.
    let mut close: Vec<f64> = (0..300_000).map(|_| 1.0 + next() * 1e-9).collect();
    close.extend([1e100, -1e100]);
    for values in [smooth, few, close] {
        let sorted = sorted(&values);
        let mut expected: Vec<u32> = (0..values.len() as u32).collect();
        expected.sort_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]));
        assert_eq!(sorted.rows(), expected);
    }
}
