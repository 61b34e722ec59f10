use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Share;
use super::case::{Candidate, Case};
use super::feasibility::{Floor, space};

/// Lines whose volumes differ by more than this coefficient of variation are unlike.
const UNLIKE: f64 = 0.5;
/// Locations that are used by more than this share of their volume, on average, are tight.
const TIGHT: f64 = 0.5;

/// How a line that no earlier line stands in the way of finds its location.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// The first on the way that takes it.
    First,
    /// The one that scores best; among equals the one that is left with the least free volume.
    Best,
}

/// First-fit decreasing: the lines by volume, largest first; each goes whole to the first location on the pickers' way that takes
/// it, whatever it scores. A line that no location takes whole fills the locations on the way one after the other.
pub(super) fn first_fit(floor: &mut Floor, cases: &[Case]) -> Vec<Vec<Share>> {
    place_all(floor, cases, |_| Rule::First)
}

/// Best-fit decreasing: the lines by volume, largest first; each goes whole to the location with the best score, among equals
/// to the one that is left with the least free volume. Only a line that no location takes whole is split, into as few parts as
/// possible. Every location is looked at for every line.
pub(super) fn best_fit(floor: &mut Floor, cases: &[Case]) -> Vec<Vec<Share>> {
    place_all(floor, cases, |_| Rule::Best)
}

/// Chooses by the variance of the lines' volumes and the mean fill of the locations that some line fits:
///
/// | | roomy (mean fill up to 50 %) | tight |
/// |---|---|---|
/// | alike (coefficient of variation up to 0.5) | first fit: every order packs alike lines, and room is plenty | best fit |
/// | unlike | best fit for the lines above the mean volume, first fit for the small ones, which go anywhere | best fit |
pub(super) fn hybrid(floor: &mut Floor, cases: &[Case]) -> Vec<Vec<Share>> {
    let volumes: Vec<f64> = cases.iter().map(|case| case.demand.volume as f64).collect();
    let count = volumes.len().max(1) as f64;
    let mean = volumes.iter().sum::<f64>() / count;
    let variance = volumes.iter().map(|volume| (volume - mean) * (volume - mean)).sum::<f64>() / count;
    let unlike = variance.sqrt() > UNLIKE * mean;
    let tight = mean_fill(floor, cases) > TIGHT;
    place_all(floor, cases, |n| match (tight, unlike) {
        (true, _) => Rule::Best,
        (false, true) if volumes[n] > mean => Rule::Best,
        _ => Rule::First,
    })
}

/// Of the locations that take a piece of some line.
fn mean_fill(floor: &Floor, cases: &[Case]) -> f64 {
    let mut suits = vec![false; floor.slots.len()];
    for case in cases {
        case.candidates(floor).iter().for_each(|candidate| suits[candidate.bin()] = true);
    }
    let fills: Vec<f64> = (0..suits.len()).filter(|bin| suits[*bin]).map(|bin| floor.states[bin].fill_with(0)).collect();
    fills.iter().sum::<f64>() / fills.len().max(1) as f64
}

fn place_all(floor: &mut Floor, cases: &[Case], rule: impl Fn(usize) -> Rule) -> Vec<Vec<Share>> {
    let mut shares = vec![Vec::new(); cases.len()];
    for n in largest_first(cases) {
        let case = &cases[n];
        let candidates = case.candidates(floor);
        let whole = match rule(n) {
            Rule::First => first_whole(floor, case, &candidates),
            Rule::Best => best_whole(floor, case, &candidates),
        };
        shares[n] = match whole {
            Some(bin) => vec![Share { bin, quantity_micro: case.demand.quantity }],
            None if rule(n) == Rule::First => fill_on_the_way(floor, case, &candidates),
            None => split(floor, case, &candidates),
        };
        shares[n].iter().for_each(|share| floor.place(&case.demand, *share));
    }
    shares
}

pub(super) fn largest_first(cases: &[Case]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..cases.len()).collect();
    order.sort_by_key(|n| {
        let demand = &cases[*n].demand;
        (Reverse((demand.volume, demand.weight, demand.quantity)), demand.content.item, demand.content.lot, *n)
    });
    order
}

/// Smaller is met earlier on the way.
fn on_the_way(floor: &Floor, bin: usize) -> (Reverse<u64>, u32) {
    // Nearness is not negative, so its bits order as it does.
    (Reverse(floor.slots[bin].nearness.to_bits()), floor.slots[bin].location)
}

fn first_whole(floor: &Floor, case: &Case, candidates: &[Candidate]) -> Option<usize> {
    let fitting = candidates.iter().filter(|candidate| case.fits_whole(floor, candidate));
    fitting.map(Candidate::bin).min_by_key(|bin| on_the_way(floor, *bin))
}

/// Each location on the way takes all the steps that it can.
fn fill_on_the_way(floor: &Floor, case: &Case, candidates: &[Candidate]) -> Vec<Share> {
    let demand = &case.demand;
    let fitting = candidates.iter().filter(|candidate| case.fits_piece(floor, candidate));
    let mut open: Vec<usize> = fitting.map(Candidate::bin).collect();
    open.sort_by_key(|bin| on_the_way(floor, *bin));
    let rooms: Vec<i64> = open.iter().map(|bin| floor.room(demand, *bin)).collect();
    let (mut shares, mut left) = (Vec::new(), demand.quantity);
    for (n, room) in rooms.iter().enumerate() {
        let part = demand.part(*room, left);
        if part > 0 {
            shares.push((n, part));
            left -= part;
        }
    }
    let odd = left % demand.step;
    if odd > 0 {
        let alone = (0..open.len()).find(|n| rooms[*n] >= odd && shares.iter().all(|(taken, _)| taken != n));
        place_odd(&mut shares, &rooms, odd, alone);
    }
    shares.into_iter().map(|(n, quantity_micro)| Share { bin: open[n], quantity_micro }).collect()
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
pub(super) fn split(floor: &Floor, case: &Case, candidates: &[Candidate]) -> Vec<Share> {
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

/// The locations one after the other that score best for what they take.
pub(super) fn split_by_score(floor: &Floor, case: &Case, candidates: &[Candidate]) -> Vec<Share> {
    let demand = &case.demand;
    let open: Vec<&Candidate> = candidates.iter().filter(|candidate| case.fits_piece(floor, candidate)).collect();
    let rooms: Vec<i64> = open.iter().map(|candidate| floor.room(demand, candidate.bin())).collect();
    let (mut shares, mut left): (Vec<(usize, i64)>, i64) = (Vec::new(), demand.quantity);
    while left > 0 {
        let free = (0..open.len()).filter(|n| shares.iter().all(|(taken, _)| taken != n));
        let parts = free.map(|n| (n, demand.part(rooms[n], left))).filter(|(_, part)| *part > 0);
        let Some((n, part)) = parts.max_by_key(|(n, part)| rank(floor, case, open[*n], *part)) else { break };
        shares.push((n, part));
        left -= part;
    }
    let odd = left % demand.step;
    if odd > 0 {
        let alone = (0..open.len()).find(|n| rooms[*n] >= odd && shares.iter().all(|(taken, _)| taken != n));
        place_odd(&mut shares, &rooms, odd, alone);
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
