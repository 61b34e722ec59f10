//! Features as bytes: each value becomes the number of its bin.

/// The bin of missing values.
pub(super) const MISSING: u8 = 255;
/// Bins 0 to 254 hold values, so 254 edges part them.
pub(super) const MAX_EDGES: usize = 254;
/// Features per block of a row: eight bytes are read at once.
pub(super) const BLOCK: usize = 8;
/// Edges are quantiles of a sample: their place hardly changes with more rows.
const SAMPLE: usize = 32_768;

/// Rows of bins, `blocks` blocks each; the last block is padded with 0.
pub(super) struct Bins {
    pub codes: Vec<[u8; BLOCK]>,
    pub blocks: usize,
    /// The same by feature, where one is asked for many rows.
    pub columns: Vec<Vec<u8>>,
    pub rows: usize,
    /// Per feature.
    pub has_missing: Vec<bool>,
}

impl Bins {
    /// `columns[f]` is read at `order`, or as it stands.
    pub fn new(columns: &[&[f64]], edges: &[Vec<f64>], order: Option<&[u32]>) -> Self {
        let rows = order.map_or(columns[0].len(), <[u32]>::len);
        let blocks = columns.len().div_ceil(BLOCK);
        let mut codes = vec![[0; BLOCK]; rows * blocks];
        let mut by_feature = Vec::with_capacity(columns.len());
        let mut has_missing = vec![false; columns.len()];
        for (feature, column) in columns.iter().enumerate() {
            let (block, lane) = (feature / BLOCK, feature % BLOCK);
            let code = |row: usize| bin_of(&edges[feature], column[order.map_or(row, |order| order[row] as usize)]);
            let column: Vec<u8> = (0..rows).map(code).collect();
            for (row, &code) in column.iter().enumerate() {
                codes[row * blocks + block][lane] = code;
            }
            has_missing[feature] = column.contains(&MISSING);
            by_feature.push(column);
        }
        Self { codes, blocks, columns: by_feature, rows, has_missing }
    }
}

/// Bin b holds what is above edge b - 1 and at most edge b.
pub(super) fn bin_of(edges: &[f64], value: f64) -> u8 {
    if value.is_nan() { MISSING } else { edges.partition_point(|&edge| edge < value) as u8 }
}

/// At most `max_bins` - 1 edges that part the values into bins of about equal mass. With few different values each gets its own.
pub(super) fn edges_of(values: impl ExactSizeIterator<Item = f64>, max_bins: usize) -> Vec<f64> {
    let step = values.len().div_ceil(SAMPLE).max(1);
    let mut sample: Vec<f64> = values.step_by(step).filter(|value| !value.is_nan()).collect();
    sample.sort_unstable_by(f64::total_cmp);
    let runs: Vec<&[f64]> = sample.chunk_by(|a, b| a == b).collect();
    let max_bins = max_bins.min(MAX_EDGES + 1);
    let single = runs.len() <= max_bins;
    let mut edges = Vec::new();
    let (mut filled, mut left, mut bins_left) = (0, sample.len(), max_bins);
    for pair in runs.windows(2) {
        filled += pair[0].len();
        if single || filled * bins_left >= left {
            edges.push(between(pair[0][0], pair[1][0]));
            (left, bins_left, filled) = (left - filled, bins_left - 1, 0);
            if bins_left == 1 {
                break;
            }
        }
    }
    edges
}

/// A number from `low` on and below `high`.
fn between(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    if low <= middle && middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_get_a_bin_each_and_many_share_evenly() {
        assert_eq!(edges_of([3.0, 1.0, f64::NAN, 2.0, 1.0].into_iter(), 255), [1.5, 2.5]);
        assert_eq!(edges_of([f64::NAN; 3].into_iter(), 255), [0.0; 0]);
        assert_eq!(edges_of([-0.0, 0.0].into_iter(), 255), [0.0; 0]);
        let edges = edges_of((0..1000).map(f64::from), 10);
        assert_eq!(edges, [99.5, 199.5, 299.5, 399.5, 499.5, 599.5, 699.5, 799.5, 899.5]);
        let heavy = edges_of((0..1000).map(|n| f64::from(if n < 900 { 0 } else { n })), 4);
        assert_eq!((heavy.len(), heavy[0]), (3, 450.0));
    }

    #[test]
    fn neighbours_are_parted_however_near_or_far() {
        for (low, high) in [(1.0, 1.0_f64.next_up()), (-f64::MAX, f64::MAX), (0.0, f64::from_bits(1)), (-1e-300, 1e-300)] {
            let edge = between(low, high);
            assert_eq!((bin_of(&[edge], low), bin_of(&[edge], high)), (0, 1), "{low} {high}");
        }
    }
}
