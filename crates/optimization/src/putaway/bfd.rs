use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Share;
use super::case::{Candidate, Case};
use super::feasibility::{Floor, space};

/// Best-fit decreasing: the lines by volume, largest first; each goes whole to the location with the best score, among equals
/// to the one that is left with the least free volume. Only a line that no location takes whole is split, into as few parts as
/// possible. Every location is looked at for every line.
pub(super) fn construct(floor: &mut Floor, cases: &[Case]) -> Vec<Vec<Share>> {
    let mut order: Vec<usize> = (0..cases.len()).collect();
    order.sort_by_key(|n| {
        let demand = &cases[*n].demand;
        (Reverse((demand.volume, demand.weight, demand.quantity)), demand.content.item, demand.content.lot, *n)
    });
    let mut shares = vec![Vec::new(); cases.len()];
    for n in order {
        let case = &cases[n];
        let candidates = case.candidates(floor);
        shares[n] = match best_whole(floor, case, &candidates) {
            Some(bin) => vec![Share { bin, quantity_micro: case.demand.quantity }],
            None => split(floor, case, &candidates),
        };
        shares[n].iter().for_each(|share| floor.place(&case.demand, *share));
    }
    shares
}

fn best_whole(floor: &Floor, case: &Case, candidates: &[Candidate]) -> Option<usize> {
    let mut best = None;
    let mut best_points = i64::MIN;
    for candidate in candidates.iter().filter(|candidate| case.fits_whole(floor, candidate)) {
        let (points, _) = case.judge(floor, candidate, case.demand.volume, false);
        let bin = candidate.bin();
        if points > best_points || (points == best_points && best.is_some_and(|best| tighter(floor, bin, best))) {
            best = Some(bin);
            best_points = points;
        }
    }
    best
}

fn tighter(floor: &Floor, bin: usize, other: usize) -> bool {
    let of = |bin: usize| (floor.states[bin].free_volume(), floor.slots[bin].location);
    of(bin) < of(other)
}

/// Larger is better: the score in thousandths, then the volume left free, then the caller's number of the location.
type Rank = (i64, Reverse<(i64, u32)>);

fn rank(floor: &Floor, case: &Case, candidate: &Candidate, quantity: i64) -> Rank {
    let volume = space(quantity, case.demand.unit_volume);
    let (points, _) = case.judge(floor, candidate, volume, quantity < case.demand.quantity);
    let bin = candidate.bin();
    (points, Reverse((floor.states[bin].free_volume() - volume, floor.slots[bin].location)))
}

/// The roomiest locations first, because they leave the fewest parts; the last part to the location with the best score among
/// those that take all of it. No other division places more: each location gives all its steps, and the odd rest goes wherever
/// there is room for it.
fn split(floor: &Floor, case: &Case, candidates: &[Candidate]) -> Vec<Share> {
    let demand = &case.demand;
    let open: Vec<&Candidate> = candidates.iter().filter(|candidate| case.fits_piece(floor, candidate)).collect();
    let rooms: Vec<i64> = open.iter().map(|candidate| floor.room(demand, candidate.bin())).collect();
    let mut taken = vec![false; open.len()];
    let ranked = |n: usize| {
        let part = demand.part(rooms[n], demand.quantity);
        (part, rank(floor, case, open[n], part), n)
    };
    let mut roomiest: BinaryHeap<(i64, Rank, usize)> = (0..open.len()).map(ranked).collect();
    let mut shares: Vec<(usize, i64)> = Vec::new();
    let mut left = demand.quantity;
    while left > 0 {
        let takes_all = (0..open.len()).filter(|n| !taken[*n] && rooms[*n] >= left);
        if let Some(last) = takes_all.max_by_key(|n| rank(floor, case, open[*n], left)) {
            shares.push((last, left));
            left = 0;
            break;
        }
        let Some((part, _, n)) = roomiest.pop().filter(|(part, ..)| *part > 0) else { break };
        shares.push((n, part));
        taken[n] = true;
        left -= part;
    }
    let odd = left % demand.step;
    if odd > 0 {
        place_odd(&mut shares, &rooms, odd, (0..open.len()).find(|n| !taken[*n] && rooms[*n] >= odd));
    }
    shares.into_iter().map(|(n, quantity_micro)| Share { bin: open[n].bin(), quantity_micro }).collect()
}

/// What is no whole step joins a part, or else lies alone.
fn place_odd(shares: &mut Vec<(usize, i64)>, rooms: &[i64], odd: i64, alone: Option<usize>) {
    if let Some((_, quantity)) = shares.iter_mut().find(|(n, quantity)| rooms[*n] - *quantity >= odd) {
        *quantity += odd;
    } else if let Some(n) = alone {
        shares.push((n, odd));
    }
}
