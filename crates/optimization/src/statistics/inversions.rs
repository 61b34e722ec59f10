/// Pairs that stand in descending order; sorts the numbers (merge sort, bottom up).
pub fn inversions(numbers: &mut [u32]) -> u64 {
    let mut count = 0;
    let mut merged = numbers.to_vec();
    let (mut from, mut to) = (numbers, merged.as_mut_slice());
    let mut width = 1;
    while width < from.len() {
        for (source, target) in from.chunks(2 * width).zip(to.chunks_mut(2 * width)) {
            let (left, right) = source.split_at(width.min(source.len()));
            count += merge(left, right, target);
        }
        std::mem::swap(&mut from, &mut to);
        width *= 2;
    }
    to.copy_from_slice(from);
    count
}

fn merge(left: &[u32], right: &[u32], target: &mut [u32]) -> u64 {
    let (mut i, mut j, mut count) = (0, 0, 0);
    for slot in target {
        let from_right = i == left.len() || (j < right.len() && right[j] < left[i]);
        if from_right {
            *slot = right[j];
            j += 1;
            count += (left.len() - i) as u64;
        } else {
            *slot = left[i];
            i += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_every_descending_pair(numbers in prop::collection::vec(0u32..20, 0..60)) {
            let expected = (0..numbers.len()).flat_map(|i| (0..i).map(move |j| (j, i))).filter(|&(j, i)| numbers[j] > numbers[i]).count();
            let mut sorted = numbers.clone();
            prop_assert_eq!(super::inversions(&mut sorted), expected as u64);
            prop_assert!(sorted.is_sorted());
        }
    }
}
