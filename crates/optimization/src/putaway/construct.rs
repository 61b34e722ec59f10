use std::cmp::Reverse;

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
        case.survey.pieces.iter().for_each(|position| suits[floor.columns.bin(position)] = true);
    }
    let fills: Vec<f64> = (0..suits.len()).filter(|bin| suits[*bin]).map(|bin| floor.states[bin].fill_with(0)).collect();
    fills.iter().sum::<f64>() / fills.len().max(1) as f64
}

fn place_all(floor: &mut Floor, cases: &[Case], rule: impl Fn(usize) -> Rule) -> Vec<Vec<Share>> {
    let mut shares = vec![Vec::new(); cases.len()];
    for n in largest_first(cases) {
        let case = &cases[n];
        let whole = match rule(n) {
            Rule::First => case.all_whole(floor).find(|bin| case.fits_whole(floor, *bin)),
            Rule::Best => case.best_for_all(floor, 1, |_| false).first().copied(),
        };
        shares[n] = match whole {
            Some(bin) => vec![Share { bin, quantity_micro: case.demand.quantity }],
            None if rule(n) == Rule::First => fill_on_the_way(floor, case, &case.candidates(floor)),
            None => split(floor, case, &case.candidates(floor)),
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

/// Each location on the way takes all the steps that it can.
fn fill_on_the_way(floor: &Floor, case: &Case, candidates: &[Candidate]) -> Vec<Share> {
    let demand = &case.demand;
    let open = Open::of(floor, case, candidates);
    let mut on_the_way: Vec<usize> = (0..open.len()).collect();
    on_the_way.sort_unstable_by_key(|n| floor.columns.position(open[*n].bin()));
    let (mut shares, mut left) = (Vec::new(), demand.quantity);
    for n in on_the_way {
        let part = demand.part(open[n].room, left);
        if part > 0 {
            shares.push((n, part));
            left -= part;
        }
    }
    place_odd(&mut shares, &open, left % demand.step);
    divided(&open, shares)
}

/// A location with room for a piece of a line.
struct Open<'a> {
    candidate: &'a Candidate,
    room: i64,
    /// What it takes when more is left.
    part: i64,
}

impl<'a> Open<'a> {
    fn of(floor: &Floor, case: &Case, candidates: &'a [Candidate]) -> Vec<Self> {
        let fitting = candidates.iter().filter(|candidate| case.fits_piece(floor, candidate.bin()));
        let open = |candidate| {
            let (room, part) = case.room_and_part(floor, candidate);
            Self { candidate, room, part }
        };
        fitting.map(open).collect()
    }

    fn bin(&self) -> usize {
        self.candidate.bin()
    }
}

/// The best of the locations for what it takes: by the score in thousandths, then the least volume left free, then the caller's
/// number. `amount` says how much it takes, if anything.
fn best_of(floor: &Floor, case: &Case, open: &[Open], amount: impl Fn(usize) -> Option<i64>) -> Option<(usize, i64)> {
    let left_free = |n: usize, quantity: i64| {
        let bin = open[n].bin();
        (floor.states[bin].free_volume() - space(quantity, case.demand.unit_volume), floor.slots[bin].location)
    };
    let mut best: Option<(i64, usize, i64)> = None;
    for (n, one) in open.iter().enumerate() {
        let Some(amount) = amount(n) else { continue };
        if best.is_some_and(|(leader, ..)| case.earns_less(floor, one.candidate, leader)) {
            continue;
        }
        let points = case.points(floor, one.candidate, amount);
        let better = best.is_none_or(|(leader, other, taken)| {
            points > leader || (points == leader && left_free(n, amount) < left_free(other, taken))
        });
        if better {
            best = Some((points, n, amount));
        }
    }
    best.map(|(_, n, amount)| (n, amount))
}

/// The roomiest locations first, because they leave the fewest parts; the last part to the location with the best score among
/// those that take all of it. No other division places more: each location gives all its steps, and the odd rest goes wherever
/// there is room for it.
pub(super) fn split(floor: &Floor, case: &Case, candidates: &[Candidate]) -> Vec<Share> {
    let demand = &case.demand;
    let open = Open::of(floor, case, candidates);
    let mut taken = vec![false; open.len()];
    let mut shares: Vec<(usize, i64)> = Vec::new();
    let mut left = demand.quantity;
    while left > 0 {
        let all = |n: usize| (!taken[n] && open[n].room >= left).then_some(left);
        if let Some(last) = best_of(floor, case, &open, all) {
            shares.push(last);
            left = 0;
            break;
        }
        let roomiest = open.iter().zip(&taken).filter(|(_, taken)| !**taken).map(|(one, _)| one.room).max().unwrap_or(0);
        let part = demand.part(roomiest, demand.quantity);
        let this = |n: usize| (!taken[n] && open[n].room >= part).then_some(part);
        let Some(next) = best_of(floor, case, &open, this).filter(|_| part > 0) else { break };
        shares.push(next);
        taken[next.0] = true;
        left -= part;
    }
    place_odd(&mut shares, &open, left % demand.step);
    divided(&open, shares)
}

/// The locations one after the other that score best for what they take.
pub(super) fn split_by_score(floor: &Floor, case: &Case, candidates: &[Candidate]) -> Vec<Share> {
    let demand = &case.demand;
    let open = Open::of(floor, case, candidates);
    let mut taken = vec![false; open.len()];
    let (mut shares, mut left): (Vec<(usize, i64)>, i64) = (Vec::new(), demand.quantity);
    while left > 0 {
        let part = |n: usize| {
            let part = if open[n].room >= left { left } else { open[n].part };
            (part > 0 && !taken[n]).then_some(part)
        };
        let Some(next) = best_of(floor, case, &open, part) else { break };
        shares.push(next);
        taken[next.0] = true;
        left -= next.1;
    }
    place_odd(&mut shares, &open, left % demand.step);
    divided(&open, shares)
}

fn divided(open: &[Open], shares: Vec<(usize, i64)>) -> Vec<Share> {
    shares.into_iter().map(|(n, quantity_micro)| Share { bin: open[n].bin(), quantity_micro }).collect()
}

/// What is no whole step joins a part, or else lies alone.
fn place_odd(shares: &mut Vec<(usize, i64)>, open: &[Open], odd: i64) {
    if odd == 0 {
        return;
    }
    if let Some((_, quantity)) = shares.iter_mut().find(|(n, quantity)| open[*n].room - *quantity >= odd) {
        *quantity += odd;
    } else if let Some(n) = (0..open.len()).find(|n| open[*n].room >= odd && shares.iter().all(|(taken, _)| taken != n)) {
        shares.push((n, odd));
    }
}
