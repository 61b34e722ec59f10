//! Several carriers when one is not enough, and which of a set to take.

use serde::{Deserialize, Serialize};

use super::bound::volume_bound;
use super::model::{Carrier, InvalidInput, Item, Problem, Rules, validate_items};
use super::plan::{Plan, Summary, Unplaced};
use super::search::Effort;
use super::solve::{Mode, load};

pub const MAX_CARRIERS: usize = 200;

/// How often everything is loaded anew to save a carrier.
const ROUNDS: usize = 8;

/// Loads of one type of carrier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loads {
    /// Index into the carriers that there were to choose from; 0 where there was no choice.
    pub carrier: usize,
    /// What one does not hold is in another or in `unplaced` here; its own `unplaced` is empty.
    pub plans: Vec<Plan>,
    /// What no carrier holds.
    pub unplaced: Vec<Unplaced>,
    /// No plan places as much in fewer carriers: by volume, by weight, and by what must not share one.
    pub fewest: usize,
    /// The difference between the fullest and the emptiest carrier, as a share of the mean of both volume and weight, the larger.
    pub unevenness: f64,
}

/// Loads everything into as few carriers as are found to suffice, at most `most`, and then as evenly as that number allows.
pub fn pack_all(problem: &Problem, mode: Mode, most: usize) -> Result<Loads, InvalidInput> {
    problem.validate()?;
    limit(most)?;
    Ok(fill(problem, mode, most))
}

/// The carrier that holds everything in the smallest number, of those the smallest by inner volume, and its loads.
pub fn pack_auto(carriers: &[Carrier], items: &[Item], rules: &Rules, mode: Mode, most: usize) -> Result<Loads, InvalidInput> {
    if carriers.is_empty() || carriers.len() > super::MAX_LINES {
        return Err(InvalidInput::new("carriers", format!("must be 1 to {}", super::MAX_LINES)));
    }
    limit(most)?;
    validate_items(items)?;
    let mut tried = Vec::new();
    for (n, carrier) in carriers.iter().enumerate() {
        carrier.validate(&format!("carriers[{n}]"))?;
        let problem = Problem { carrier: carrier.clone(), items: items.to_vec(), rules: rules.clone() };
        problem.validate()?;
        let loads = fill(&problem, Mode::Fast, most);
        tried.push((rank(&problem, &loads), n, problem, loads));
    }
    tried.sort_by_key(|(rank, n, _, _)| (*rank, *n));
    // A quick look may be wrong about which is best, but hardly beyond the next.
    let closer = tried.into_iter().take(if mode == Mode::Fast { 1 } else { 2 }).map(|(quick_rank, n, problem, quick)| {
        let loads = if mode == Mode::Fast { quick.clone() } else { fill(&problem, mode, most) };
        let better = rank(&problem, &loads);
        if better <= quick_rank { (better, n, loads) } else { (quick_rank, n, quick) }
    });
    let (_, n, loads) = closer.min_by_key(|(rank, n, _)| (*rank, *n)).expect("there is at least one carrier");
    Ok(Loads { carrier: n, ..loads })
}

fn limit(most: usize) -> Result<(), InvalidInput> {
    if (1..=MAX_CARRIERS).contains(&most) {
        return Ok(());
    }
    Err(InvalidInput::new("most", format!("must be between 1 and {MAX_CARRIERS} carriers")))
}

/// Boxes left out, number of carriers, inner volume of one.
fn rank(problem: &Problem, loads: &Loads) -> (u32, usize, i64) {
    let left: u32 = loads.unplaced.iter().map(|left| left.quantity).sum();
    (left, loads.plans.len(), inner_volume(&problem.carrier))
}

fn inner_volume(carrier: &Carrier) -> i64 {
    [carrier.length_mm, carrier.width_mm, carrier.height_mm].map(i64::from).iter().product()
}

fn fill(problem: &Problem, mode: Mode, most: usize) -> Loads {
    // The work is one carrier's, shared by all that the goods need at least.
    let all = mode.effort();
    let carriers = fewest(problem, &[]).clamp(1, most) as u64;
    let effort = Effort { work: (all.work / carriers).max(Mode::Fast.effort().work), ..all };
    let mut best = one_by_one(problem, effort, most);
    let mut weighed = problem.clone();
    let mut worth: Vec<f64> = problem.items.iter().map(|item| size(problem, item)).collect();
    let mut best_order = problem.clone();
    for _ in 0..ROUNDS {
        if best.plans.len() <= best.fewest.max(1) && best.unplaced.is_empty() {
            break;
        }
        weighed.items.iter_mut().zip(&worth).for_each(|(item, worth)| item.value = Some(*worth as i64 + 1));
        let tried = one_by_one(&weighed, effort, most);
        raise(&mut worth, problem, &tried);
        if (rank(problem, &tried), least(&tried)) < (rank(problem, &best), least(&best)) {
            best = tried;
            best_order.clone_from(&weighed);
        }
    }
    let best = summarise(problem, best);
    if best.plans.len() > 1 && best.unplaced.is_empty() { even(problem, &best_order, effort, best) } else { best }
}

/// Volume and weight alike, in millionths of what the carrier holds.
fn size(problem: &Problem, item: &Item) -> f64 {
    let carrier = &problem.carrier;
    let share = |part: i64, whole: i64| part as f64 / whole.max(1) as f64 * 1e6;
    let volume: i64 = item.size_mm.map(i64::from).iter().product();
    let load = carrier.max_load_g.min(problem.rules.max_weight_g.unwrap_or(i64::MAX));
    share(volume, inner_volume(carrier)) + share(item.weight_g, load)
}

/// Makes worth more what came late or not at all: a carrier that is left with what is hard to stack stays empty above it
/// (squeaky wheel optimisation, Joslin and Clements 1999).
fn raise(worth: &mut [f64], problem: &Problem, loads: &Loads) {
    let mut lateness = vec![0.0; worth.len()];
    let last = loads.plans.len().saturating_sub(1).max(1) as f64;
    for (n, plan) in loads.plans.iter().enumerate() {
        let late = n as f64 / last;
        plan.placements.iter().for_each(|placed| lateness[placed.item as usize] += late * late);
    }
    loads.unplaced.iter().for_each(|left| lateness[left.item as usize] += f64::from(left.quantity));
    for ((worth, lateness), item) in worth.iter_mut().zip(lateness).zip(&problem.items) {
        *worth = (*worth * (1.0 + 0.5 * lateness / f64::from(item.quantity))).min(1e11);
    }
}

/// What the emptiest carrier holds: the nearer to nothing, the nearer to one carrier less.
fn least(loads: &Loads) -> i64 {
    loads.plans.iter().map(|plan| plan.summary.volume_mm3).min().unwrap_or(0)
}

/// Fills carrier after carrier with the most that each holds.
fn one_by_one(problem: &Problem, effort: Effort, most: usize) -> Loads {
    let mut rest = problem.clone();
    let mut plans = Vec::new();
    let mut unplaced = Vec::new();
    while plans.len() < most {
        let mut plan = load(&rest, effort);
        unplaced = std::mem::take(&mut plan.unplaced);
        if plan.placements.is_empty() {
            break;
        }
        plan.placements.iter().for_each(|placed| rest.items[placed.item as usize].quantity -= 1);
        plans.push(plan);
        if unplaced.is_empty() {
            break;
        }
    }
    // What an empty carrier does not take is not for want of other carriers.
    Loads { carrier: 0, fewest: fewest(problem, &unplaced), unevenness: unevenness(&plans), plans, unplaced }
}

/// Figures of each plan by its own goods; a value that only ordered the search is none of theirs.
fn summarise(problem: &Problem, mut loads: Loads) -> Loads {
    for plan in &mut loads.plans {
        let mut own = problem.clone();
        own.items.iter_mut().for_each(|item| item.quantity = 0);
        plan.placements.iter().for_each(|placed| own.items[placed.item as usize].quantity += 1);
        plan.summary = Summary::of(&own, &plan.placements);
    }
    loads
}

fn fewest(problem: &Problem, unplaced: &[Unplaced]) -> usize {
    let mut goods = problem.items.clone();
    unplaced.iter().for_each(|left| goods[left.item as usize].quantity -= left.quantity);
    let sum = |of: &dyn Fn(&Item) -> i64| goods.iter().map(|item| of(item) * i64::from(item.quantity)).sum::<i64>();
    let volume = sum(&|item| item.size_mm.map(i64::from).iter().product());
    let weight = sum(&|item| item.weight_g);
    let load = problem.carrier.max_load_g.min(problem.rules.max_weight_g.unwrap_or(i64::MAX));
    let ceil = |part: i64, whole: i64| if part == 0 { 0 } else { (part as u64).div_ceil(whole.max(1) as u64) as usize };
    let by_class = apart(&problem.rules, &goods);
    ceil(volume, volume_bound(problem)).max(ceil(weight, load)).max(by_class)
}

/// Classes that each exclude all others of the set need a carrier each: a clique, grown from each class in turn.
fn apart(rules: &Rules, goods: &[Item]) -> usize {
    let mut classes: Vec<u32> = goods.iter().filter(|item| item.quantity > 0).filter_map(|item| item.class).collect();
    classes.sort_unstable();
    classes.dedup();
    let grown = |first: &u32| {
        let mut clique = vec![*first];
        for class in &classes {
            if clique.iter().all(|member| rules.apart(Some(*member), Some(*class))) {
                clique.push(*class);
            }
        }
        clique.len()
    };
    classes.iter().map(grown).max().unwrap_or(0)
}

fn unevenness(plans: &[Plan]) -> f64 {
    let spread = |of: &dyn Fn(&Plan) -> i64| {
        let values: Vec<f64> = plans.iter().map(|plan| of(plan) as f64).collect();
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let (low, high) = values.iter().fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(*value), high.max(*value)));
        if mean > 0.0 { (high - low) / mean } else { 0.0 }
    };
    spread(&|plan| plan.summary.volume_mm3).max(spread(&|plan| plan.summary.weight_g))
}

/// The same number again with as little as possible in each: limits on volume and weight just above the mean; where that fails,
/// the emptiest shares with fuller ones what both hold, as long as it helps.
fn even(problem: &Problem, order: &Problem, effort: Effort, loads: Loads) -> Loads {
    let lighter = Effort { work: effort.work / 4, ..effort };
    for slack in SLACKS {
        let capped = capped(order, &loads.plans, slack);
        let tried = one_by_one(&capped, lighter, loads.plans.len());
        if tried.unplaced.is_empty() && tried.plans.len() == loads.plans.len() && tried.unevenness < loads.unevenness {
            return summarise(problem, Loads { fewest: loads.fewest, ..tried });
        }
    }
    let plans = share_around(order, lighter, loads.plans);
    let mut loads = summarise(problem, Loads { plans, ..loads });
    loads.unevenness = unevenness(&loads.plans);
    loads
}

/// Fullest first.
fn share_around(order: &Problem, effort: Effort, mut plans: Vec<Plan>) -> Vec<Plan> {
    let sort = |plans: &mut Vec<Plan>| plans.sort_by(|a, b| fullness(b).total_cmp(&fullness(a)));
    sort(&mut plans);
    let last = plans.len() - 1;
    let mut partner = 0;
    for _ in 0..2 * plans.len() {
        if partner == last {
            break;
        }
        match share(order, effort, &[plans[partner].clone(), plans[last].clone()]) {
            Some([one, other]) => {
                plans[partner] = one;
                plans[last] = other;
                sort(&mut plans);
                partner = 0;
            }
            None => partner += 1,
        }
    }
    plans
}

/// How much more than the mean a carrier may hold when goods are spread evenly; the tightest that works.
const SLACKS: [f64; 5] = [1.02, 1.05, 1.1, 1.2, 1.4];

fn fullness(plan: &Plan) -> f64 {
    plan.summary.utilisation.volume.max(plan.summary.utilisation.weight)
}

/// What two carriers hold, spread more evenly over them, if that is found.
fn share(order: &Problem, effort: Effort, pair: &[Plan; 2]) -> Option<[Plan; 2]> {
    let mut goods = order.clone();
    goods.items.iter_mut().for_each(|item| item.quantity = 0);
    pair.iter().flat_map(|plan| &plan.placements).for_each(|placed| goods.items[placed.item as usize].quantity += 1);
    SLACKS.into_iter().find_map(|slack| {
        let tried = one_by_one(&capped(&goods, pair, slack), effort, 2);
        let tried = if tried.unplaced.is_empty() { summarise(order, tried) } else { return None };
        let plans: [Plan; 2] = tried.plans.try_into().ok()?;
        (fullness(&plans[0]).max(fullness(&plans[1])) < fullness(&pair[0]) - 1e-3).then_some(plans)
    })
}

/// The problem with limits on volume and weight at the mean of some plans, and some slack.
fn capped(order: &Problem, plans: &[Plan], slack: f64) -> Problem {
    let mean = |of: &dyn Fn(&Plan) -> i64| plans.iter().map(of).sum::<i64>() as f64 / plans.len() as f64;
    let cap = |mean: f64, limit: Option<i64>| Some(((mean * slack) as i64 + 1).min(limit.unwrap_or(i64::MAX)));
    let mut capped = order.clone();
    capped.rules.max_volume_mm3 = cap(mean(&|plan| plan.summary.volume_mm3), order.rules.max_volume_mm3);
    capped.rules.max_weight_g = cap(mean(&|plan| plan.summary.weight_g), order.rules.max_weight_g);
    capped
}
