//! The sorting permutation of a column of numbers.
//!
//! A number and its row travel as one 64-bit word: the leading bits of the number's place within the column's range, then the
//! row. Words are dealt into buckets by their leading bits (most significant digit first), and each bucket deals again over
//! its own range, so that skewed columns cost little more than even ones. Numbers that the leading bits cannot tell apart
//! are packed and sorted once more over their own, far smaller, range.

/// Buckets of one round, a power of two: few enough for the second-level cache to hold a line of each.
const DIGITS: usize = 1 << 11;
/// Below this, the library's sort is fastest.
const SMALL: usize = 128;

/// Rows in ascending order of their values, equal values by row, and where equal values stand.
pub struct Permutation {
    pub rows: Vec<u32>,
    /// Start and length of each run of equal values, in ascending order.
    pub ties: Vec<(u32, u32)>,
}

/// `values` finite, at most 2^30 of them, all within `minimum..=maximum`.
pub fn permutation(values: &[f64], minimum: f64, maximum: f64) -> Permutation {
    let packing = Packing::new(values.len(), key(minimum), key(maximum));
    let mut sorted = Permutation { rows: Vec::with_capacity(values.len()), ties: Vec::new() };
    let (mut words, ends) = deal_values(values, &packing);
    let lengths = ends.iter().scan(0, |start, &end| Some(end - std::mem::replace(start, end)));
    let mut scratch = vec![0; lengths.max().unwrap_or(0) as usize];
    let mut start = 0;
    for end in ends.iter().map(|&end| end as usize) {
        let (words, scratch) = (&mut words[start..end], &mut scratch[..end - start]);
        sort(words, scratch, false);
        settle(words, scratch, values, &packing);
        emit(words, values, &packing, &mut sorted);
        start = end;
    }
    sorted
}

/// An integer that orders as the number does; -0 equals 0.
fn key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    bits ^ (((bits as i64) >> 63) as u64 | 1 << 63)
}

/// How a number and its row share a word.
struct Packing {
    least: u64,
    greatest: u64,
    /// Low bits of the key that find no room.
    dropped: u32,
    row_bits: u32,
}

impl Packing {
    fn new(count: usize, least: u64, greatest: u64) -> Self {
        let row_bits = (usize::BITS - count.saturating_sub(1).leading_zeros()).max(1);
        let range_bits = 64 - (greatest - least).leading_zeros();
        Self { least, greatest, dropped: range_bits.saturating_sub(64 - row_bits), row_bits }
    }

    /// The word of a key, with room for the row.
    fn word(&self, key: u64) -> u64 {
        ((key - self.least) >> self.dropped) << self.row_bits
    }

    fn row(&self, word: u64) -> usize {
        (word & ((1 << self.row_bits) - 1)) as usize
    }

    fn same_prefix(&self, left: u64, right: u64) -> bool {
        (left ^ right) >> self.row_bits == 0
    }
}

/// Packs all values and deals them into buckets; also the end of each bucket.
fn deal_values(values: &[f64], packing: &Packing) -> (Vec<u64>, [u32; DIGITS]) {
    let shift = (64 - packing.word(packing.greatest).leading_zeros()).saturating_sub(DIGITS.ilog2());
    let mut next = [0u32; DIGITS];
    for &value in values {
        next[digit(packing.word(key(value)) >> shift)] += 1;
    }
    starts(&mut next);
    let mut words = vec![0; values.len()];
    for (row, &value) in values.iter().enumerate() {
        let word = packing.word(key(value));
        let place = &mut next[digit(word >> shift)];
        words[*place as usize] = word | row as u64;
        *place += 1;
    }
    (words, next)
}

fn digit(bits: u64) -> usize {
    bits as usize & (DIGITS - 1)
}

/// Replaces the size of each bucket by where it starts.
fn starts(counts: &mut [u32]) {
    let mut start = 0;
    for count in counts {
        start += std::mem::replace(count, start);
    }
}

/// Sorts `words`; the result stands in `scratch` when `swapped`, else in `words`. Both have one length.
fn sort(words: &mut [u64], scratch: &mut [u64], swapped: bool) {
    let digits = digits_for(words.len());
    if words.len() > SMALL
        && let Some((least, shift)) = spread(words, digits)
    {
        let mut next = [0u32; DIGITS];
        words.iter().for_each(|word| next[digit((word - least) >> shift)] += 1);
        starts(&mut next[..digits]);
        for &word in &*words {
            let place = &mut next[digit((word - least) >> shift)];
            scratch[*place as usize] = word;
            *place += 1;
        }
        let mut start = 0;
        for end in next[..digits].iter().map(|&end| end as usize) {
            sort(&mut scratch[start..end], &mut words[start..end], !swapped);
            start = end;
        }
        return;
    }
    if words.len() > 1 {
        words.sort_unstable();
    }
    if swapped {
        scratch.copy_from_slice(words);
    }
}

/// Buckets for so many words: two to four words each, and no more than [`DIGITS`].
fn digits_for(count: usize) -> usize {
    (count / 4).next_power_of_two().min(DIGITS)
}

/// The least word, and the shift that leaves one of `digits` of the distance to it; `None` when the words are in order.
fn spread(words: &[u64], digits: usize) -> Option<(u64, u32)> {
    let (mut least, mut greatest, mut previous, mut ordered) = (u64::MAX, 0, 0, true);
    for &word in words {
        least = least.min(word);
        greatest = greatest.max(word);
        ordered &= previous <= word;
        previous = word;
    }
    let bits = 64 - (greatest - least).leading_zeros();
    (!ordered).then(|| (least, bits.saturating_sub(digits.ilog2())))
}

/// Brings values whose words have equal leading bits into order.
fn settle(words: &mut [u64], scratch: &mut [u64], values: &[f64], packing: &Packing) {
    let mut start = 0;
    while packing.dropped > 0 && start < words.len() {
        let same = words[start + 1..].iter().take_while(|&&word| packing.same_prefix(words[start], word)).count();
        let end = start + same + 1;
        if same > 0 {
            settle_run(&mut words[start..end], &mut scratch[start..end], values, packing);
        }
        start = end;
    }
}

/// The keys of the run differ in fewer bits than were dropped, so that a word of its own packing holds all of them.
fn settle_run(run: &mut [u64], scratch: &mut [u64], values: &[f64], packing: &Packing) {
    let keys = || run.iter().map(|&word| key(values[packing.row(word)]));
    let (least, greatest) = keys().fold((u64::MAX, 0), |(low, high), key| (low.min(key), high.max(key)));
    if least < greatest {
        let finer = Packing { least, greatest, dropped: 0, row_bits: packing.row_bits };
        for word in &mut *run {
            let row = packing.row(*word);
            *word = finer.word(key(values[row])) | row as u64;
        }
        sort(run, scratch, false);
    }
}

/// Appends the rows of a sorted bucket. Equal values always fall into one bucket and have equal leading bits.
fn emit(words: &[u64], values: &[f64], packing: &Packing, sorted: &mut Permutation) {
    let base = sorted.rows.len();
    sorted.rows.extend(words.iter().map(|&word| packing.row(word) as u32));
    let mut first = 0;
    for at in 1..=words.len() {
        let tied = at < words.len()
            && packing.same_prefix(words[at - 1], words[at])
            && values[packing.row(words[at - 1])] == values[packing.row(words[at])];
        if !tied {
            if at - first > 1 {
                sorted.ties.push(((base + first) as u32, (at - first) as u32));
            }
            first = at;
        }
    }
}
