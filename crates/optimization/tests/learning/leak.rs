use optimization::learning::{History, Table};

use crate::data::{Draw, history, numbers, trained};

#[test]
fn a_feature_recorded_after_the_decision_is_refused_by_name() {
    let table = || Table::from_columns(numbers(&["fill", "feedback"]), vec![vec![0.5; 3], vec![1.0; 3]]).unwrap();
    let decided = vec![100, 200, 300];
    let before: &[i64] = &[90, 190, 300];
    let after: &[i64] = &[90, 201, 290];
    let of = |recorded: &[&[i64]]| History::new(table(), recorded, decided.clone(), vec![true, false, true]);
    assert!(of(&[before]).is_ok() && of(&[before, before]).is_ok());
    let refused = of(&[before, after]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "feedback of decision 1 recorded after it was taken, at 201 and 200: train on what was known when recommending"
    );
    assert_eq!(of(&[after]).unwrap_err().field, "features");
    assert_eq!(of(&[]).unwrap_err().field, "recorded_at_us");
    assert_eq!(of(&[&before[..2]]).unwrap_err().field, "recorded_at_us");
}

/// A column that a later process fills with the outcome, whose times lie: old decisions have it, on the newest
/// it still stands at 0.
#[test]
fn a_leak_with_false_times_is_caught_by_the_split() {
    let mut draw = Draw(21);
    let rows = 5_000;
    let useful: Vec<f64> = (0..rows).map(|_| draw.share()).collect();
    let accepted: Vec<bool> = useful.iter().map(|&x| draw.share() < 0.2 + 0.6 * x).collect();
    let outcome = |row: usize| f64::from(u8::from(accepted[row]));
    let leak: Vec<f64> = (0..rows).map(|row| if row < 4_000 { outcome(row) } else { 0.0 }).collect();
    let honest = trained(&history(&["useful"], vec![useful.clone()], accepted.clone(), 0)).report;
    let leaking = trained(&history(&["useful", "outcome"], vec![useful, leak], accepted, 0)).report;
    assert!(leaking.trained_log_loss < 0.01, "the leak is learnt by heart: {}", leaking.trained_log_loss);
    assert!(leaking.validation.skill() < 0.0, "later decisions tell: {}", leaking.validation.skill());
    assert!(leaking.validation.log_loss > honest.validation.log_loss + 0.1);
    assert!(honest.validation.skill() > 0.03 && (honest.trained_log_loss - honest.validation.log_loss).abs() < 0.03);
}

/// Batches of twenty decisions about one pallet end alike: who sees a part of a batch knows the rest. Mixed times let that
/// through, true times do not.
#[test]
fn what_repeats_only_within_a_moment_is_not_learnt() {
    let mut draw = Draw(22);
    let rows = 6_000;
    let fates: Vec<bool> = (0..rows / 20).map(|_| draw.share() < 0.5).collect();
    let pallet: Vec<f64> = (0..rows).map(|row| (row / 20) as f64).collect();
    let accepted: Vec<bool> = (0..rows).map(|row| fates[row / 20]).collect();
    let mut times: Vec<(f64, i64)> = (0..rows as i64).map(|time| (draw.share(), time)).collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mixed: Vec<i64> = times.iter().map(|(_, time)| *time).collect();
    let table = Table::from_columns(numbers(&["pallet"]), vec![pallet.clone()]).unwrap();
    let mixed = trained(&History::new(table, &[&mixed.clone()], mixed, accepted.clone()).unwrap()).report;
    let in_time = trained(&history(&["pallet"], vec![pallet], accepted, 0)).report;
    assert!(mixed.validation.auc.unwrap() > 0.9, "{:?}", mixed.validation.auc);
    assert!((in_time.validation.auc.unwrap() - 0.5).abs() < 0.1, "{:?}", in_time.validation.auc);
    assert!(in_time.validation.skill() < 0.05, "{}", in_time.validation.skill());
}
