//! The statistics of an experiment: how many units it needs, when it is looked at, and what a look decides. Pure.

use optimization::statistics::{self as stats, Error, Look, Spending, boundaries, normal_quantile};

use crate::statistics::{ComparisonDto, compare_two};
use crate::words::{ExperimentDecision, Metric};

/// What was agreed on before the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rule {
    pub metric: Metric,
    pub alpha: f64,
    pub spending: Spending,
    pub looks: u32,
    /// Share of the units that the treatment gets.
    pub treatment_share: f64,
    /// Units in all at which the information is complete.
    pub planned_units: u64,
}

/// Of so many units in all, for an effect of `d` standard deviations to be found with probability `power`.
///
/// The t test's sample size for the shares of both sides, made larger by what the last boundary exceeds the fixed test's; that is more
/// than needed, because earlier looks find something too.
pub(crate) fn units_needed(d: f64, alpha: f64, power: f64, share: f64, looks: u32, spending: Spending) -> Result<u64, Error> {
    let each = stats::t_test_sample_size(d, alpha, power)? as f64;
    let shares: Vec<f64> = (1..=looks).map(|look| f64::from(look) / f64::from(looks)).collect();
    let last = boundaries(&shares, alpha, spending)?.last().map_or(0.0, |look| look.boundary);
    let (z, beta) = (normal_quantile(1.0 - alpha / 2.0), normal_quantile(power));
    let inflation = ((last + beta) / (z + beta)).powi(2).max(1.0);
    // n₁ n₂ / (n₁ + n₂) = N s (1 - s) must be n / 2.
    let units = each / (2.0 * share * (1.0 - share)) * inflation;
    // Rounding must not make a whole number of units one more.
    Ok(((units - 1e-6).ceil() as u64).max(4))
}

/// Share of the planned information that so many units carry, 0 to 1.
pub(crate) fn information(rule: &Rule, control: usize, treatment: usize) -> f64 {
    let (n1, n2) = (control as f64, treatment as f64);
    if control == 0 || treatment == 0 {
        return 0.0;
    }
    let planned = rule.planned_units as f64 * rule.treatment_share * (1.0 - rule.treatment_share);
    (n1 * n2 / (n1 + n2) / planned).min(1.0)
}

/// The share at which the next look is due, after so many.
pub(crate) fn next_due(rule: &Rule, looked: &[f64]) -> f64 {
    let taken = looked.last().copied().unwrap_or(0.0);
    let step = 1.0 / f64::from(rule.looks);
    // A look that came late takes the place of those it has passed.
    ((taken / step + 1e-9).floor() + 1.0) * step
}

/// What one look found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judgement {
    pub look: Look,
    /// The deciding test first.
    pub tests: Vec<ComparisonDto>,
    pub decision: ExperimentDecision,
    pub reason: String,
}

/// What a look at a share of the information demands, after looks at the shares `looked`. The last look spends what is left of alpha:
/// where the time ran out before the information was complete its share counts as 1, which makes the test no less strict.
pub(crate) fn look_at(rule: &Rule, looked: &[f64], share: f64, is_last: bool) -> Result<Look, Error> {
    let shares: Vec<f64> = looked.iter().copied().chain([if is_last { 1.0 } else { share }]).collect();
    Ok(boundaries(&shares, rule.alpha, rule.spending)?.pop().expect("one for each share"))
}

/// Judges what both sides have brought; `number` counts the looks from 1.
pub(crate) fn judge(rule: &Rule, look: Look, number: usize, is_last: bool, control: &[f64], treatment: &[f64]) -> Judgement {
    let mut tests = compare_two(rule.metric, control, treatment, rule.alpha);
    for (n, test) in tests.iter_mut().enumerate() {
        test.is_primary = n == 0 && test.test_kind == "WELCH_T";
        test.look = number as i32;
        test.looks_planned = rule.looks.max(number as u32) as i32;
        test.alpha_at_look = Some(look.nominal);
        test.information_share = Some(look.share);
        test.is_significant = test.p_value.is_some_and(|p| p <= look.nominal);
    }
    let primary = tests.first().filter(|test| test.is_primary);
    let (decision, reason) = decide(rule, &look, primary, is_last);
    if let Some(test) = tests.first_mut().filter(|test| test.is_primary) {
        test.decision = decision;
    }
    Judgement { look, tests, decision, reason }
}

fn decide(rule: &Rule, look: &Look, primary: Option<&ComparisonDto>, is_last: bool) -> (ExperimentDecision, String) {
    let Some((test, p)) = primary.and_then(|test| Some((test, test.p_value?))) else {
        let why = "the sides cannot be compared: all their values are equal, or there are too few";
        return (if is_last { ExperimentDecision::NoDifference } else { ExperimentDecision::Continue }, why.into());
    };
    let effect = test.effect_size.unwrap_or(0.0);
    let told = format!("p = {p:.4} against {:.4}, an effect of {effect:.3} standard deviations", look.nominal);
    if p <= look.nominal {
        let treatment_is_more = test.difference.is_some_and(|difference| difference > 0.0);
        let wins = treatment_is_more == higher_is_better(rule.metric);
        let (decision, name) =
            if wins { (ExperimentDecision::Treatment, "TREATMENT") } else { (ExperimentDecision::Control, "CONTROL") };
        return (decision, format!("{name} is better: {told}"));
    }
    match is_last {
        true => (ExperimentDecision::NoDifference, format!("no difference was shown: {told}")),
        false => (ExperimentDecision::Continue, format!("it goes on: {told}")),
    }
}

pub(crate) fn higher_is_better(metric: Metric) -> bool {
    metric != Metric::DecisionMinutes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SplitMix64 (Steele, Lea & Flood 2014) with Box and Muller's normal deviates.
    struct Draws(u64);

    impl Draws {
        fn unit(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }

        fn normal(&mut self) -> f64 {
            let (u, v) = (1.0 - self.unit(), self.unit());
            (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
        }
    }

    fn rule(spending: Spending, looks: u32) -> Rule {
        Rule { metric: Metric::Score, alpha: 0.05, spending, looks, treatment_share: 0.5, planned_units: 200 }
    }

    /// Runs experiments pair by pair as they would run here. Pairs are split by a coin, so that the looks come at the same shares in all
    /// runs and what they demand is computed once.
    struct Simulation {
        rule: Rule,
        demands: Vec<Look>,
        draws: Draws,
    }

    impl Simulation {
        fn new(rule: Rule, seed: u64) -> Self {
            Self { rule, demands: Vec::new(), draws: Draws(seed) }
        }

        /// How one ends whose treatment brings `effect` standard deviations more, and after how many looks.
        fn run(&mut self, effect: f64) -> (ExperimentDecision, usize) {
            let (mut control, mut treatment, mut looked) = (Vec::new(), Vec::new(), Vec::new());
            loop {
                let mut pair = [70.0 + 5.0 * self.draws.normal(), 70.0 + 5.0 * self.draws.normal()];
                if self.draws.unit() < 0.5 {
                    pair.reverse();
                }
                control.push(pair[0]);
                treatment.push(pair[1] + 5.0 * effect);
                let share = information(&self.rule, control.len(), treatment.len());
                if share + 1e-9 < next_due(&self.rule, &looked) {
                    continue;
                }
                let (number, is_last) = (looked.len() + 1, share >= 1.0);
                if self.demands.len() < number {
                    self.demands.push(look_at(&self.rule, &looked, share, is_last).unwrap());
                }
                looked.push(share);
                let found = judge(&self.rule, self.demands[number - 1], number, is_last, &control, &treatment);
                if found.decision != ExperimentDecision::Continue {
                    return (found.decision, number);
                }
            }
        }
    }

    /// The share of A/A experiments that name a winner, whose sides do not differ, must be alpha up to what 2,000 runs can tell: three
    /// standard errors of 0.005 each.
    #[test]
    fn looking_often_does_not_find_what_is_not_there() {
        for (spending, looks) in
            [(Spending::ObrienFleming, 5), (Spending::Pocock, 5), (Spending::ObrienFleming, 1), (Spending::Pocock, 10)]
        {
            let mut simulation = Simulation::new(rule(spending, looks), 20_26);
            let wrong = (0..2_000).filter(|_| simulation.run(0.0).0 != ExperimentDecision::NoDifference).count();
            let rate = wrong as f64 / 2_000.0;
            assert!((0.035..=0.065).contains(&rate), "{spending:?} with {looks} looks: {rate}");
            assert_eq!(simulation.demands.len(), looks as usize);
        }
    }

    /// What the schedule protects from: testing at 0.05 at each of ten looks.
    #[test]
    fn peeking_would_find_what_is_not_there() {
        let mut draws = Draws(7);
        let wrong = (0..400).filter(|_| {
            let (mut control, mut treatment) = (Vec::new(), Vec::new());
            (1..=200).any(|n| {
                let value = draws.normal();
                if n % 2 == 0 {
                    treatment.push(value)
                } else {
                    control.push(value)
                }
                n % 20 == 0 && compare_two(Metric::Score, &control, &treatment, 0.05)[0].p_value.unwrap() <= 0.05
            })
        });
        let rate = wrong.count() as f64 / 400.0;
        assert!(rate > 0.12, "{rate}");
    }

    #[test]
    fn an_effect_of_the_planned_size_is_found_with_the_planned_power() {
        for spending in [Spending::ObrienFleming, Spending::Pocock] {
            let planned_units = units_needed(0.4, 0.05, 0.8, 0.5, 5, spending).unwrap();
            let mut simulation = Simulation::new(Rule { planned_units, ..rule(spending, 5) }, 99);
            let ended: Vec<(ExperimentDecision, usize)> = (0..600).map(|_| simulation.run(0.4)).collect();
            let right = ended.iter().filter(|(decision, _)| *decision == ExperimentDecision::Treatment).count() as f64 / 600.0;
            assert!((0.77..0.95).contains(&right), "{spending:?}: {right} of {planned_units}");
            assert!(ended.iter().all(|(decision, _)| *decision != ExperimentDecision::Control), "the worse side won");
            assert!(ended.iter().any(|(_, looks)| *looks < 5), "a clear effect ends it early");
        }
    }

    #[test]
    fn the_plan_grows_with_looks_and_with_uneven_shares() {
        let units = |share, looks, spending| units_needed(0.5, 0.05, 0.8, share, looks, spending).unwrap();
        let fixed = units(0.5, 1, Spending::ObrienFleming);
        // Twice the 64 of each side of the textbook.
        assert_eq!(fixed, 128);
        assert!(
            units(0.5, 5, Spending::ObrienFleming) > fixed
                && units(0.5, 5, Spending::Pocock) > units(0.5, 5, Spending::ObrienFleming)
        );
        assert_eq!(units(0.2, 1, Spending::ObrienFleming), 200);
        assert!(units_needed(0.0, 0.05, 0.8, 0.5, 1, Spending::Pocock).is_err());
    }

    #[test]
    fn looks_are_due_at_even_shares_and_a_late_one_takes_the_place_of_those_it_passed() {
        let rule = rule(Spending::Pocock, 4);
        assert!((next_due(&rule, &[]) - 0.25).abs() < 1e-12);
        assert!((next_due(&rule, &[0.25]) - 0.5).abs() < 1e-12);
        assert!((next_due(&rule, &[0.3, 0.77]) - 1.0).abs() < 1e-12);
        assert_eq!(information(&rule, 0, 50), 0.0);
        assert!((information(&rule, 50, 50) - 0.5).abs() < 1e-12);
        assert_eq!(information(&rule, 500, 500), 1.0);
    }

    #[test]
    fn less_time_is_better_and_equal_sides_are_no_difference() {
        let rule = Rule { metric: Metric::DecisionMinutes, ..rule(Spending::Pocock, 1) };
        let slow: Vec<f64> = (0..50).map(|n| 10.0 + f64::from(n % 5)).collect();
        let fast: Vec<f64> = (0..50).map(|n| 5.0 + f64::from(n % 5)).collect();
        let look = look_at(&rule, &[], 0.4, true).unwrap();
        assert_eq!(look.share, 1.0);
        assert_eq!(judge(&rule, look, 1, true, &slow, &fast).decision, ExperimentDecision::Treatment);
        assert_eq!(judge(&rule, look, 1, true, &fast, &slow).decision, ExperimentDecision::Control);
        let equal = judge(&rule, look, 1, true, &[1.0; 9], &[1.0; 9]);
        assert_eq!(equal.decision, ExperimentDecision::NoDifference);
        assert!(equal.reason.contains("cannot be compared"), "{}", equal.reason);
    }
}
