use super::Share;
use super::bound::Outlook;
use super::case::{Candidate, Case};
use super::feasibility::{Floor, space};
use super::optimal::{Judged, penalty, worth};

/// Lines, ways to place one line, and steps up to which all assignments are searched.
const LINES: usize = 8;
const WAYS: usize = 400;
const STEPS: usize = 30_000;

/// A division of a line over bins.
struct Way {
    shares: Vec<Share>,
    /// What it is worth at most, whatever the other lines do.
    most: f64,
}

/// Searches all assignments, if they are few, for one that is worth more. True when none is worth more than `best` then.
pub(super) fn search(floor: &mut Floor, cases: &[Case], outlook: &Outlook, best: &mut Judged) -> bool {
    floor.clear();
    if cases.len() > LINES {
        return false;
    }
    let Some(ways) = cases.iter().map(|case| ways(floor, case, outlook)).collect::<Option<Vec<_>>>() else { return false };
    let mut after = vec![0.0; cases.len() + 1];
    for n in (0..cases.len()).rev() {
        after[n] = after[n + 1] + ways[n][0].most;
    }
    let mut search = Search { floor, cases, ways: &ways, after, steps: 0, shares: vec![Vec::new(); cases.len()], best };
    search.branch(0, 0.0);
    let complete = search.steps <= STEPS;
    floor.clear();
    complete
}

struct Search<'a, 'b> {
    floor: &'a mut Floor<'b>,
    cases: &'a [Case],
    ways: &'a [Vec<Way>],
    /// What the lines from each on are worth at most.
    after: Vec<f64>,
    steps: usize,
    shares: Vec<Vec<Share>>,
    best: &'a mut Judged,
}

impl Search<'_, '_> {
    fn branch(&mut self, n: usize, most: f64) {
        if n == self.cases.len() {
            let worth = worth(self.floor, self.cases, &self.shares);
            if worth > self.best.worth + 1e-9 {
                *self.best = Judged { shares: self.shares.clone(), worth };
            }
            return;
        }
        let ways = self.ways;
        for way in &ways[n] {
            self.steps += 1;
            let most = most + way.most;
            if self.steps > STEPS || most + self.after[n + 1] <= self.best.worth + 1e-9 {
                return;
            }
            let demand = &self.cases[n].demand;
            let fits = |share: &Share| {
                let [volume, weight] = [demand.unit_volume, demand.unit_weight].map(|unit| space(share.quantity_micro, unit));
                self.floor.still_takes(demand, share.bin, volume, weight)
            };
            if way.shares.iter().all(fits) {
                way.shares.iter().for_each(|share| self.floor.place(demand, *share));
                self.shares[n].clone_from(&way.shares);
                self.branch(n + 1, most);
                way.shares.iter().for_each(|share| self.floor.remove(demand, *share));
            }
        }
    }
}

/// All divisions of a line, the most promising first; none when there are too many.
fn ways(floor: &Floor, case: &Case, outlook: &Outlook) -> Option<Vec<Way>> {
    // Each gives a way of its own, and all together more than this.
    if case.survey.pieces.count() >= WAYS {
        return None;
    }
    let candidates = case.candidates(floor);
    let mut found = Vec::new();
    divide(floor, case, outlook, &candidates, &mut Vec::new(), &mut found)?;
    found.sort_by(|one: &Way, two| two.most.total_cmp(&one.most));
    Some(found)
}

fn divide(
    floor: &Floor,
    case: &Case,
    outlook: &Outlook,
    candidates: &[Candidate],
    shares: &mut Vec<Share>,
    found: &mut Vec<Way>,
) -> Option<()> {
    let demand = &case.demand;
    let Some((candidate, others)) = candidates.split_first() else {
        let most = shares.iter().map(|share| most(floor, case, outlook, share)).sum::<f64>() - penalty(case, shares);
        found.push(Way { shares: shares.clone(), most });
        return (found.len() <= WAYS).then_some(());
    };
    let placed: i64 = shares.iter().map(|share| share.quantity_micro).sum();
    let odd = demand.quantity % demand.step;
    let odd_is_free = odd > 0 && shares.iter().all(|share| share.quantity_micro % demand.step == 0);
    let room = case.room_and_part(floor, candidate).0.min(demand.quantity - placed);
    if room / demand.step > WAYS as i64 {
        return None;
    }
    let steps = (0..=room / demand.step).map(|count| count * demand.step);
    let with_odd = steps.clone().map(|amount| amount + odd).filter(|amount| odd_is_free && *amount <= room);
    for quantity_micro in steps.chain(with_odd) {
        if quantity_micro > 0 {
            shares.push(Share { bin: candidate.bin(), quantity_micro });
        }
        divide(floor, case, outlook, others, shares, found)?;
        if quantity_micro > 0 {
            shares.pop();
        }
    }
    Some(())
}

fn most(floor: &Floor, case: &Case, outlook: &Outlook, share: &Share) -> f64 {
    let whole = share.quantity_micro == case.demand.quantity;
    let best = if whole { outlook.best_whole(floor, case, share.bin) } else { outlook.best_part(floor, case, share.bin) };
    best * (share.quantity_micro as f64 / case.demand.quantity as f64)
}
