use optimization::learning::{MIN_HELD_OUT, Verdict, compare, evaluate};

use crate::data::{Draw, history, known_law, trained};

#[test]
fn the_better_model_takes_over_and_the_worse_does_not() {
    let (small, _) = known_law(150, 41, 0);
    let (large, _) = known_law(20_000, 42, 0);
    let (weak, strong) = (trained(&small).model, trained(&large).model);
    let (later, _) = known_law(4_000, 43, 100_000);
    let up = compare(&weak, &strong, &later).unwrap();
    assert_eq!(up.verdict, Verdict::Replace, "{up:?}");
    assert!(up.verdict.replaces() && up.interval.0 > 0.0 && up.reason().starts_with("replace: "));
    assert!((up.champion_log_loss - up.challenger_log_loss - up.improvement).abs() < 1e-12);
    assert!((evaluate(&strong, &later, 0).unwrap().log_loss - up.challenger_log_loss).abs() < 1e-12);

    let down = compare(&strong, &weak, &later).unwrap();
    assert_eq!((down.verdict, down.improvement), (Verdict::KeepBetter, -up.improvement));
    let same = compare(&strong, &strong, &later).unwrap();
    assert_eq!((same.verdict, same.improvement, same.interval), (Verdict::KeepUnproven, 0.0, (0.0, 0.0)));
}

#[test]
fn a_few_decisions_change_nothing() {
    let (small, _) = known_law(150, 41, 0);
    let (large, _) = known_law(20_000, 42, 0);
    let (few, _) = known_law(MIN_HELD_OUT - 1, 44, 100_000);
    let comparison = compare(&trained(&small).model, &trained(&large).model, &few).unwrap();
    assert_eq!(comparison.verdict, Verdict::KeepTooFew);
    assert_eq!(comparison.reason(), "keep: 99 later decisions are too few, 100 are needed");
}

/// Two models of equal worth: the interval holds 0 about 95 times of 100.
#[test]
fn chance_replaces_seldom() {
    let twin = |seed| trained(&known_law(2_000, seed, 0).0).model;
    let (one, other) = (twin(51), twin(52));
    let (much, _) = known_law(100_000, 53, 100_000);
    let truth = compare(&one, &other, &much).unwrap().improvement;
    let holds = (0..100).filter(|&round| {
        let (later, _) = known_law(500, 1000 + round, 100_000);
        let (low, high) = compare(&one, &other, &later).unwrap().interval;
        (low..=high).contains(&truth)
    });
    let holds = holds.count();
    assert!((88..=100).contains(&holds), "{holds}");
}

#[test]
fn decisions_that_a_model_may_know_are_refused() {
    let (past, _) = known_law(1_000, 61, 0);
    let model = trained(&past).model;
    assert_eq!(model.trained_until_us(), 799 * 1_000_000);
    for from_s in [0, 799] {
        let (seen, _) = known_law(200, 62, from_s);
        assert_eq!(compare(&model, &model, &seen).unwrap_err().field, "held_out");
        assert_eq!(evaluate(&model, &seen, 0).unwrap_err().field, "held_out");
    }
    let (next, _) = known_law(200, 62, 800);
    assert!(compare(&model, &model, &next).is_ok());
    let mut draw = Draw(1);
    let other = history(&["x"], vec![(0..200).map(|_| draw.share()).collect()], vec![true; 200], 800);
    assert_eq!(compare(&model, &model, &other).unwrap_err().to_string(), "x is no feature of the model");
    let none = history(&["a", "b", "c"], vec![Vec::new(); 3], Vec::new(), 0);
    assert_eq!(compare(&model, &model, &none).unwrap_err().to_string(), "held_out must have decisions");
}
