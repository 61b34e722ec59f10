//! How much of a length the boxes that are left can fill: a knapsack per axis, any number of each (Araya, Guerrero and Nuñez 2017).

use std::collections::HashMap;
use std::rc::Rc;

use super::case::Case;

/// Entries of all tables that are kept.
const MOST_CACHED: usize = 4_000_000;

/// Per axis and length, the longest row of boxes within it.
pub(super) struct Reach([Vec<i32>; 3]);

impl Reach {
    #[inline]
    pub fn longest(&self, axis: usize, within: i32) -> i32 {
        self.0[axis][within as usize]
    }
}

/// Depends only on which kinds are left, so it is kept per set of kinds.
#[derive(Default)]
pub(super) struct Reaches {
    known: HashMap<Vec<u64>, Rc<Reach>>,
    key: Vec<u64>,
}

impl Reaches {
    pub fn of(&mut self, case: &Case, left: &[u32]) -> Rc<Reach> {
        self.key.clear();
        for chunk in left.chunks(64) {
            self.key.push(chunk.iter().enumerate().fold(0, |word, (n, count)| word | u64::from(*count > 0) << n));
        }
        if let Some(reach) = self.known.get(self.key.as_slice()) {
            return reach.clone();
        }
        let reach = Rc::new(Reach(std::array::from_fn(|axis| table(case, left, axis))));
        let entries: usize = case.size.iter().map(|size| *size as usize + 1).sum();
        if (self.known.len() + 1) * entries > MOST_CACHED {
            self.known.clear();
        }
        self.known.insert(self.key.clone(), reach.clone());
        reach
    }
}

fn table(case: &Case, left: &[u32], axis: usize) -> Vec<i32> {
    let size = case.size[axis] as usize;
    let mut sums = vec![0_u64; size / 64 + 1];
    sums[0] = 1;
    let of = |kind: usize| case.kinds[kind].turns.iter().map(move |(_, extents)| extents[axis]);
    let mut lengths: Vec<i32> = (0..left.len()).filter(|kind| left[*kind] > 0).flat_map(of).collect();
    lengths.sort_unstable();
    lengths.dedup();
    for length in lengths {
        let mut step = length as usize;
        while step <= size {
            add_shifted(&mut sums, step);
            step *= 2;
        }
    }
    let mut longest = 0;
    let at = |n: usize| {
        if sums[n / 64] >> (n % 64) & 1 == 1 {
            longest = n as i32;
        }
        longest
    };
    (0..=size).map(at).collect()
}

/// `sums |= sums << step`.
fn add_shifted(sums: &mut [u64], step: usize) {
    let (words, bits) = (step / 64, step % 64);
    for n in (words..sums.len()).rev() {
        let mut shifted = sums[n - words] << bits;
        if bits > 0 && n > words {
            shifted |= sums[n - words - 1] >> (64 - bits);
        }
        sums[n] |= shifted;
    }
}
