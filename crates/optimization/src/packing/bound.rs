use super::case::Case;
use super::model::Problem;

/// No plan packs more volume: the least of the carrier's space cut down to the longest rows of boxes per axis (a knapsack in
/// one dimension each), the limit of volume, and all boxes that fit at all.
///
/// An axis-parallel packing can be pushed together until every coordinate is a sum of extents along its axis (Herz 1972), so
/// nothing reaches beyond the longest such sum. Rules that pushing would break do not matter: they only take plans away.
pub fn volume_bound(problem: &Problem) -> i64 {
    let case = Case::new(problem);
    let goods: i64 =
        case.kinds.iter().filter(|kind| !kind.turns.is_empty()).map(|kind| kind.volume * i64::from(kind.quantity)).sum();
    let space: i64 = (0..3).map(|axis| i64::from(longest_row(&case, axis))).product();
    goods.min(space).min(case.max_volume).min(weight_bound(&case))
}

/// The longest row within the carrier of boxes that there are.
fn longest_row(case: &Case, axis: usize) -> i32 {
    let size = case.size[axis] as usize;
    let mut sums = vec![false; size + 1];
    sums[0] = true;
    for kind in &case.kinds {
        let mut lengths: Vec<usize> = kind.turns.iter().map(|(_, extents)| extents[axis] as usize).collect();
        lengths.sort_unstable();
        lengths.dedup();
        extend(&mut sums, &lengths, kind.quantity);
        if sums[size] {
            break;
        }
    }
    sums.iter().rposition(|known| *known).map_or(0, |longest| longest as i32)
}

/// Adds rows with up to `quantity` more boxes, each of one of the lengths.
fn extend(sums: &mut [bool], lengths: &[usize], quantity: u32) {
    let mut used: Vec<u32> = sums.iter().map(|known| if *known { 0 } else { u32::MAX }).collect();
    for n in 0..sums.len() {
        for length in lengths.iter().filter(|length| **length <= n) {
            let before = used[n - length];
            if before < quantity {
                used[n] = used[n].min(before + 1);
            }
        }
        sums[n] = used[n] <= quantity;
    }
}

/// What the weight limit lets in when boxes may be cut: densest volume per weight first.
fn weight_bound(case: &Case) -> i64 {
    let mut kinds: Vec<_> = case.kinds.iter().filter(|kind| !kind.turns.is_empty()).collect();
    kinds.sort_by(|a, b| (a.weight as f64 / a.volume as f64).total_cmp(&(b.weight as f64 / b.volume as f64)));
    let (mut room, mut volume) = (case.max_weight, 0);
    for kind in kinds {
        let weight = kind.weight * i64::from(kind.quantity);
        if weight <= room {
            room -= weight;
            volume += kind.volume * i64::from(kind.quantity);
        } else {
            let part = kind.volume as f64 * (room as f64 / kind.weight as f64);
            return volume + part as i64 + 1;
        }
    }
    volume
}
