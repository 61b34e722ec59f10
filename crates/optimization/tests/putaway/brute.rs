//! OPTIMAL against all assignments of small problems, judged by the checker and the reference score.

use optimization::putaway::{
    Abc, Bin, Content, Ergonomic, Hazard, Line, LocationType, MICRO, Method, Mixing, Problem, SecurityZone, Settings, Solution,
    solve,
};

use crate::checker::{Assignment, assignment, violations};
use crate::reference::{scores, total};

/// A small repeatable sequence (Knuth's MMIX constants): the cases need variety, not randomness.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % limit as u64) as i64
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as i64) as usize]
    }
}

const HAZARDS: [Option<Hazard>; 4] = [None, None, Some(Hazard::FlammableLiquid), Some(Hazard::Oxidizer)];

fn line(some: &mut Sequence, most_units: i64) -> Line {
    let item = some.below(4) as u32;
    Line {
        lot: some.of(&[None, Some(1)]),
        unit_volume_mm3: 10 + some.below(45),
        unit_weight_g: some.below(30),
        velocity: some.below(3) as f64 * 8.0,
        abc: some.of(Abc::ALL),
        hazard: HAZARDS[item as usize],
        security: some.of(&[SecurityZone::Standard, SecurityZone::Standard, SecurityZone::Restricted]),
        preferred_zone: some.of(&[None, Some(1)]),
        released: some.below(12) > 0,
        ..Line::new(item, (1 + some.below(most_units)) * MICRO)
    }
}

fn bin(some: &mut Sequence, location: u32) -> Bin {
    let item = some.below(4) as u32;
    let held = Content { item, lot: some.of(&[None, Some(1)]), hazard: HAZARDS[item as usize] };
    let kinds =
        [LocationType::PickFace, LocationType::Reserve, LocationType::Bulk, LocationType::Putaway, LocationType::Quarantine];
    let kind = some.of(&kinds);
    Bin {
        abc: some.of(Abc::ALL),
        zone: some.of(&[None, Some(1)]),
        pick_sequence: some.of(&[Some(3), Some(5), Some(8), None]),
        position_mm: Some([some.below(3000), some.below(3000), some.below(2000)]),
        used_volume_mm3: some.below(70),
        contents: if some.below(2) == 0 { vec![held] } else { vec![] },
        mixing: some.of(Mixing::ALL),
        ergonomic: some.of(Ergonomic::ALL),
        security: some.of(&[SecurityZone::Standard, SecurityZone::Restricted, SecurityZone::Vault]),
        active_picks_in_aisle: some.below(12) as u32,
        affinity: if some.below(3) == 0 { vec![(item, 0.5)] } else { vec![] },
        ..Bin::new(location, kind, 40 + some.below(120), 20 + some.below(120))
    }
}

fn problem(some: &mut Sequence, lines: i64, bins: i64, most_units: i64) -> Problem {
    Problem {
        lines: (0..lines).map(|_| line(some, most_units)).collect(),
        bins: (0..bins).map(|n| bin(some, n as u32)).collect(),
        settings: Settings { split: some.below(8) as f64, ..Settings::default() },
    }
}

/// Every division of some units over the bins, nothing and parts of them included.
fn divisions(units: i64, bins: usize) -> Vec<Vec<(usize, i64)>> {
    let mut all = vec![(units, vec![])];
    for bin in 0..bins {
        let more = |(left, shares): &(i64, Vec<(usize, i64)>)| {
            let extend = |count: i64| {
                let mut shares = shares.clone();
                shares.extend((count > 0).then_some((bin, count * MICRO)));
                (left - count, shares)
            };
            (0..=*left).map(extend).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(more).collect();
    }
    all.into_iter().map(|(_, shares)| shares).collect()
}

/// What an assignment is worth: points, less 1,000 for what is left over and 100 for a needless split, by share.
struct Worth<'a> {
    problem: &'a Problem,
    divisions: Vec<Vec<Vec<(usize, i64)>>>,
    goes_whole: Vec<bool>,
}

impl<'a> Worth<'a> {
    fn new(problem: &'a Problem) -> Self {
        let bins = problem.bins.len();
        let alone = |n: usize, shares: Vec<(usize, i64)>| {
            let mut assignment = vec![vec![]; problem.lines.len()];
            assignment[n] = shares;
            violations(problem, &assignment).is_empty()
        };
        let allowed = |n: usize| {
            divisions(problem.lines[n].quantity_micro / MICRO, bins).into_iter().filter(move |shares| alone(n, shares.clone()))
        };
        let goes_whole = |n: usize| (0..bins).any(|bin| alone(n, vec![(bin, problem.lines[n].quantity_micro)]));
        let lines = 0..problem.lines.len();
        Self {
            problem,
            divisions: lines.clone().map(|n| allowed(n).collect()).collect(),
            goes_whole: lines.map(goes_whole).collect(),
        }
    }

    fn of(&self, assignment: &Assignment) -> f64 {
        total(self.problem, assignment)
            - self.left(assignment).iter().sum::<f64>() * 1000.0
            - self.needless(assignment).iter().sum::<f64>() * 100.0
    }

    fn left(&self, assignment: &Assignment) -> Vec<f64> {
        let lines = self.problem.lines.iter().zip(assignment);
        lines
            .map(|(line, shares)| 1.0 - shares.iter().map(|share| share.1).sum::<i64>() as f64 / line.quantity_micro as f64)
            .collect()
    }

    fn needless(&self, assignment: &Assignment) -> Vec<f64> {
        let lines = self.problem.lines.iter().zip(assignment).zip(&self.goes_whole);
        lines
            .map(|((line, shares), goes_whole)| {
                let parts = shares.iter().filter(|share| *goes_whole && share.1 < line.quantity_micro);
                parts.map(|share| share.1 as f64 / line.quantity_micro as f64).sum()
            })
            .collect()
    }

    fn ways(&self) -> usize {
        self.divisions.iter().map(Vec::len).product()
    }

    /// Calls for every assignment that breaks no rule.
    fn each(&self, chosen: &mut Assignment, call: &mut impl FnMut(&Assignment)) {
        let n = chosen.len();
        if n == self.problem.lines.len() {
            return call(chosen);
        }
        for shares in &self.divisions[n] {
            chosen.push(shares.clone());
            if violations(self.problem, chosen).is_empty() {
                self.each(chosen, call);
            }
            chosen.pop();
        }
    }
}

/// The regret in points, and whether the bound is tight.
fn compare(seed: u64, problem: &Problem, solution: &Solution) -> (f64, bool) {
    let ours = assignment(solution);
    assert_eq!(violations(problem, &ours), Vec::<String>::new(), "seed {seed}");
    for (result, scores) in solution.lines.iter().zip(scores(problem, &ours)) {
        for (placement, score) in result.placements.iter().zip(scores) {
            assert!((placement.score.total() - score).abs() < 1e-9, "seed {seed}: {placement:?} should score {score}");
        }
    }
    let worth = Worth::new(problem);
    let (left, needless) = (worth.left(&ours), worth.needless(&ours));
    let (mut best, mut most) = (f64::NEG_INFINITY, 0.0_f64);
    worth.each(&mut Vec::new(), &mut |other| {
        best = best.max(worth.of(other));
        let no_more = |ours: &[f64], other: Vec<f64>| ours.iter().zip(other).all(|(ours, other)| other <= ours + 1e-12);
        if no_more(&left, worth.left(other)) && no_more(&needless, worth.needless(other)) {
            most = most.max(total(problem, other));
        }
    });
    assert!(solution.upper_bound >= most - 1e-6, "seed {seed}: bound {} where {most} is possible", solution.upper_bound);
    assert!((solution.total_score - total(problem, &ours)).abs() < 1e-6, "seed {seed}");
    (best - worth.of(&ours), solution.upper_bound - solution.total_score < 1e-6)
}

#[test]
fn optimal_finds_the_best_of_all_assignments_of_two_thousand_small_problems() {
    let (mut seed, mut count, mut proven) = (0, 0, 0);
    while count < 2000 {
        seed += 1;
        let mut some = Sequence(seed);
        let (lines, bins) = (1 + some.below(4), 1 + some.below(4));
        let problem = problem(&mut some, lines, bins, 3);
        if Worth::new(&problem).ways() > 10_000 {
            continue;
        }
        count += 1;
        let (regret, tight) = compare(seed, &problem, &solve(&problem, Method::Optimal).unwrap());
        assert!(regret.abs() < 1e-6, "seed {seed}: {regret} points short");
        proven += usize::from(tight);
    }
    println!("proven optimal: {proven} of 2000");
    assert!(proven > 1990);
}

/// More lines than the complete search takes: the engine of assignment alone.
#[test]
fn optimal_is_near_the_best_of_nine_lines() {
    let (mut worst, mut sum, mut optimal) = (0.0_f64, 0.0, 0);
    for seed in 0..150 {
        let mut some = Sequence(seed);
        let problem = problem(&mut some, 9, 3, 1);
        let solution = solve(&problem, Method::Optimal).unwrap();
        let (regret, _) = compare(seed, &problem, &solution);
        worst = worst.max(regret);
        sum += regret;
        optimal += usize::from(regret < 1e-6);
    }
    println!("nine lines: {optimal} of 150 optimal, {:.3} points short on average, {worst:.3} at worst", sum / 150.0);
    assert!(optimal >= 148 && worst < 10.0);
}

/// No rule broken, bounds valid for what was found, and OPTIMAL at least as good as each of the other methods.
#[test]
fn methods_differ_and_none_beats_optimal() {
    let mut differ = [0; 3];
    for seed in 0..400 {
        let mut some = Sequence(seed);
        let problem = problem(&mut some, 12, 14, 4);
        let worth = Worth { problem: &problem, divisions: vec![], goes_whole: goes_whole(&problem) };
        let solved: Vec<Solution> = Method::ALL.iter().map(|method| solve(&problem, *method).unwrap()).collect();
        let of = |solution: &Solution| worth.of(&assignment(solution));
        for (n, solution) in solved.iter().enumerate() {
            assert_eq!(violations(&problem, &assignment(solution)), Vec::<String>::new(), "seed {seed}");
            assert!(solution.upper_bound >= solution.total_score - 1e-6, "seed {seed}");
            assert!(n == 0 || n == 2 || of(&solved[3]) >= of(solution) - 1e-6, "seed {seed}: {}", Method::ALL[n]);
        }
        for (n, (one, two)) in [(0, 1), (1, 3), (0, 2)].into_iter().enumerate() {
            differ[n] += usize::from(assignment(&solved[one]) != assignment(&solved[two]));
        }
    }
    println!(
        "of 400 batches FFD and BFD differ in {}, BFD and OPTIMAL in {}, FFD and HYBRID in {}",
        differ[0], differ[1], differ[2]
    );
    assert!(differ[0] > 350 && differ[1] > 200 && differ[2] > 100);
}

fn goes_whole(problem: &Problem) -> Vec<bool> {
    let whole = |n: usize| {
        (0..problem.bins.len()).any(|bin| {
            let mut assignment = vec![vec![]; problem.lines.len()];
            assignment[n] = vec![(bin, problem.lines[n].quantity_micro)];
            violations(problem, &assignment).is_empty()
        })
    };
    (0..problem.lines.len()).map(whole).collect()
}
