use super::bound::{self, Outlook};
use super::case::{Case, looked_at};
use super::construct::{best_fit, largest_first, split, split_by_score};
use super::feasibility::Floor;
use super::scored::{Scored, UNPLACED};
use super::{Share, exact};
use crate::assignment::{Answer, Effort, lower_bound, solve};

/// What it costs to split a line that some location takes whole: more than a placement can earn, so that a line is split only
/// where otherwise something would be left over.
const NEEDLESS_SPLIT: f64 = 100.0;

/// An assignment and its worth: the score less 1,000 points per line that is left over and 100 per line that is split though a
/// location takes it whole, both by share.
#[derive(Clone)]
pub(super) struct Judged {
    pub shares: Vec<Vec<Share>>,
    pub worth: f64,
}

/// Construction by best fit; then all lines together, those that some location takes whole by [`crate::assignment`], the others
/// around them, each split anew where that is better; small problems by complete search as well. Leaves the lines in place.
///
/// The bound returned holds for all assignments that leave no more of any line and split no other.
pub(super) fn optimise(floor: &mut Floor, cases: &[Case], outlook: &Outlook, work: u64) -> (f64, Vec<Vec<Share>>) {
    let shares = best_fit(floor, cases);
    let mut best = Judged { worth: worth(floor, cases, &shares), shares };
    let lines: Vec<usize> = (0..cases.len()).filter(|n| cases[*n].whole).collect();
    let effort = Effort { work, candidates: looked_at(cases.len()), gap: 1e-6 };
    let answer = together(floor, cases, outlook, &lines, effort, &mut best);
    let proven = exact::search(floor, cases, outlook, &mut best);
    put(floor, cases, &best.shares);
    top_up(floor, cases, &mut best.shares);
    let whole = |n: &usize| best.shares[*n].len() == 1 && best.shares[*n][0].quantity_micro == cases[*n].demand.quantity;
    let upper_bound = if proven {
        best.shares.iter().zip(cases).map(|(shares, case)| line_score(floor, case, shares)).sum()
    } else if cases.len() == lines.len() && lines.iter().all(whole) {
        100.0 * lines.len() as f64 - answer.bound
    } else {
        floor.clear();
        let bound = partial_bound(floor, cases, outlook, &lines, &answer, whole, effort);
        put(floor, cases, &best.shares);
        bound
    };
    (upper_bound, best.shares)
}

fn put(floor: &mut Floor, cases: &[Case], shares: &[Vec<Share>]) {
    floor.clear();
    for (case, shares) in cases.iter().zip(shares) {
        shares.iter().for_each(|share| floor.place(&case.demand, *share));
    }
}

/// The lines that some location takes whole, around the parts of the others as they lie.
fn together(floor: &mut Floor, cases: &[Case], outlook: &Outlook, lines: &[usize], effort: Effort, best: &mut Judged) -> Answer {
    let mut shares: Vec<Vec<Share>> = best.shares.clone();
    lines.iter().for_each(|n| shares[*n].clear());
    put(floor, cases, &shares);
    let start: Vec<Option<u32>> = lines.iter().map(|n| whole_at(&cases[*n], &best.shares[*n])).collect();
    let answer = solve(&Scored::new(floor, cases, outlook, lines.to_vec()), Some(&start), effort);
    for (n, bin) in lines.iter().zip(&answer.bins) {
        let share = bin.map(|bin| Share { bin: bin as usize, quantity_micro: cases[*n].demand.quantity });
        shares[*n] = share.into_iter().collect();
        shares[*n].iter().for_each(|share| floor.place(&cases[*n].demand, *share));
    }
    top_up(floor, cases, &mut shares);
    let mut judged = Judged { worth: worth(floor, cases, &shares), shares };
    for n in largest_first(cases) {
        if judged.shares[n].len() > 1 {
            split_anew(floor, cases, &mut judged, n);
        }
    }
    if judged.worth > best.worth + 1e-9 {
        *best = judged;
    }
    answer
}

fn whole_at(case: &Case, shares: &[Share]) -> Option<u32> {
    shares.first().filter(|share| share.quantity_micro == case.demand.quantity).map(|share| share.bin as u32)
}

/// Places what is left over wherever it goes, the largest line first.
fn top_up(floor: &mut Floor, cases: &[Case], shares: &mut [Vec<Share>]) {
    for n in largest_first(cases) {
        let (case, own) = (&cases[n], &mut shares[n]);
        let left = case.demand.quantity - own.iter().map(|share| share.quantity_micro).sum::<i64>();
        if left == 0 {
            continue;
        }
        for more in split(floor, &case.rest(left), &case.candidates(floor)) {
            match own.iter_mut().find(|share| share.bin == more.bin) {
                Some(share) => {
                    floor.remove(&case.demand, *share);
                    share.quantity_micro += more.quantity_micro;
                    floor.place(&case.demand, *share);
                }
                None => {
                    own.push(more);
                    floor.place(&case.demand, more);
                }
            }
        }
    }
}

/// The better of few parts and well-scoring parts, or as it was.
fn split_anew(floor: &mut Floor, cases: &[Case], judged: &mut Judged, n: usize) {
    let case = &cases[n];
    judged.shares[n].iter().for_each(|share| floor.remove(&case.demand, *share));
    let candidates = case.candidates(floor);
    let was = std::mem::take(&mut judged.shares[n]);
    let mut best = (judged.worth, was);
    for parts in [split(floor, case, &candidates), split_by_score(floor, case, &candidates)] {
        parts.iter().for_each(|share| floor.place(&case.demand, *share));
        judged.shares[n] = parts;
        let worth = worth(floor, cases, &judged.shares);
        judged.shares[n].iter().for_each(|share| floor.remove(&case.demand, *share));
        if worth > best.0 + 1e-9 {
            best = (worth, std::mem::take(&mut judged.shares[n]));
        }
    }
    best.1.iter().for_each(|share| floor.place(&case.demand, *share));
    (judged.worth, judged.shares[n]) = best;
}

/// What an assignment is worth that is in place.
pub(super) fn worth(floor: &Floor, cases: &[Case], shares: &[Vec<Share>]) -> f64 {
    cases.iter().zip(shares).map(|(case, shares)| line_score(floor, case, shares) - penalty(case, shares)).sum()
}

/// For what is left over, and for a split that is not needed.
pub(super) fn penalty(case: &Case, shares: &[Share]) -> f64 {
    let quantity = case.demand.quantity;
    let placed: i64 = shares.iter().map(|share| share.quantity_micro).sum();
    let in_parts: i64 = shares.iter().map(|share| share.quantity_micro).filter(|part| case.whole && *part < quantity).sum();
    (UNPLACED * (quantity - placed) as f64 + NEEDLESS_SPLIT * in_parts as f64) / quantity as f64
}

fn line_score(floor: &Floor, case: &Case, shares: &[Share]) -> f64 {
    let quantity = case.demand.quantity;
    let score = |share: &Share| {
        let (bin, demand) = (share.bin, &case.demand);
        let same_lot = floor.stock_holds(demand, bin) || floor.other_line_holds(demand, bin);
        let (slot, fill) = (&floor.slots[bin], floor.states[bin].fill_with(0));
        let parts = case.rates.parts(slot, floor.affinity(demand, bin), fill, same_lot, share.quantity_micro < quantity);
        parts.total() * (share.quantity_micro as f64 / quantity as f64)
    };
    shares.iter().map(score).sum()
}

/// For batches of which some lines do not lie whole: the relaxation at the prices found, over the floor without any of the batch,
/// bounds the lines that do; each other line counts with what it could score alone.
fn partial_bound(
    floor: &Floor,
    cases: &[Case],
    outlook: &Outlook,
    lines: &[usize],
    answer: &Answer,
    whole: impl Fn(&usize) -> bool,
    effort: Effort,
) -> f64 {
    let lie_whole = lines.iter().copied().zip(answer.prices.iter().copied()).filter(|(n, _)| whole(n));
    let (kept, prices): (Vec<usize>, Vec<f64>) = lie_whole.unzip();
    let others = (0..cases.len()).filter(|n| !kept.contains(n)).map(|n| bound::alone(floor, &cases[n], outlook)).sum::<f64>();
    let count = kept.len() as f64;
    let model = Scored::new(floor, cases, outlook, kept);
    others + 100.0 * count - lower_bound(&model, &prices, effort.candidates)
}
