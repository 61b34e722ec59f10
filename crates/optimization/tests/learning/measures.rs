use optimization::learning::{Metrics, RELIABILITY_BINS};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::data::{Draw, logistic};

#[test]
fn four_decisions_by_hand() {
    let metrics = Metrics::of(&[0.9, 0.8, 0.3, 0.6], &[true, false, false, true], 0).unwrap();
    assert_eq!((metrics.decisions, metrics.accepted), (4, 2));
    assert_eq!((metrics.accuracy, metrics.precision, metrics.recall), (0.75, Some(2.0 / 3.0), Some(1.0)));
    assert_eq!((metrics.f1, metrics.auc), (Some(0.8), Some(0.75)));
    assert!((metrics.brier - (0.01 + 0.64 + 0.09 + 0.16) / 4.0).abs() < 1e-15);
    assert!((metrics.log_loss + (0.9_f64 * 0.2 * 0.7 * 0.6).ln() / 4.0).abs() < 1e-15);
    assert!((metrics.base_log_loss - 2.0_f64.ln()).abs() < 1e-15);
    assert!((metrics.calibration_error - (0.1 + 0.8 + 0.3 + 0.4) / 4.0).abs() < 1e-15);
    assert_eq!(metrics.reliability.len(), 4);
}

#[test]
fn what_is_not_defined_is_none() {
    let none = Metrics::of(&[0.1, 0.2], &[false, false], 0).unwrap();
    assert_eq!((none.precision, none.recall, none.f1, none.auc), (None, None, None, None));
    assert_eq!((none.accuracy, none.base_log_loss, none.skill()), (1.0, 0.0, 0.0));
    assert_eq!(Metrics::of(&[], &[], 0).unwrap_err().field, "accepted");
    assert_eq!(Metrics::of(&[0.5], &[true, true], 0).unwrap_err().field, "accepted");
    assert_eq!(Metrics::of(&[f64::NAN], &[true], 0).unwrap_err().to_string(), "probabilities must be from 0 to 1");
    let sure_and_wrong = Metrics::of(&[0.0, 1.0], &[true, false], 0).unwrap();
    assert!(sure_and_wrong.log_loss.is_finite() && sure_and_wrong.auc == Some(0.0));
}

#[test]
fn equal_probabilities_share_a_bin() {
    let accepted: Vec<bool> = (0..1000).map(|row| row < 400).collect();
    let metrics = Metrics::of(&vec![0.4; 1000], &accepted, 0).unwrap();
    assert_eq!(metrics.reliability.len(), 1);
    assert!(metrics.calibration_error < 1e-12, "the order of rows must not show: {}", metrics.calibration_error);
}

/// Labels drawn from the very probabilities fall inside the band 95 times of 100; shifted log odds do not.
#[test]
fn the_band_holds_what_is_calibrated() {
    let mut draw = Draw(31);
    let (mut inside, mut shifted_inside) = (0, 0);
    for round in 0..200 {
        let odds: Vec<f64> = (0..2_000).map(|_| draw.share() * 6.0 - 3.0).collect();
        let probabilities: Vec<f64> = odds.iter().map(|&odds| logistic(odds)).collect();
        let accepted: Vec<bool> = probabilities.iter().map(|&p| draw.share() < p).collect();
        let metrics = Metrics::of(&probabilities, &accepted, round).unwrap();
        inside += u32::from(metrics.calibration_error <= metrics.calibration_band);
        let shifted: Vec<f64> = odds.iter().map(|&odds| logistic(odds + 0.4)).collect();
        let metrics = Metrics::of(&shifted, &accepted, round).unwrap();
        shifted_inside += u32::from(metrics.calibration_error <= metrics.calibration_band);
    }
    assert!((180..=199).contains(&inside), "{inside} of 200");
    assert!(shifted_inside < 10, "{shifted_inside} of 200");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn auc_is_the_share_of_pairs_in_order(rows in vec(((0..12_u8).prop_map(|n| f64::from(n) / 11.0), any::<bool>()), 1..80)) {
        let (probabilities, accepted): (Vec<f64>, Vec<bool>) = rows.iter().copied().unzip();
        let (mut won, mut pairs) = (0.0, 0.0);
        for (p, _) in rows.iter().filter(|row| row.1) {
            for (q, _) in rows.iter().filter(|row| !row.1) {
                won += if p > q { 1.0 } else if p == q { 0.5 } else { 0.0 };
                pairs += 1.0;
            }
        }
        let metrics = Metrics::of(&probabilities, &accepted, 1).unwrap();
        match metrics.auc {
            None => prop_assert_eq!(pairs, 0.0),
            Some(auc) => prop_assert!((auc - won / pairs).abs() < 1e-12),
        }
    }

    #[test]
    fn reliability_bins_hold_every_decision_once(rows in vec((0.0..=1.0_f64, any::<bool>()), 1..400)) {
        let (probabilities, accepted): (Vec<f64>, Vec<bool>) = rows.iter().copied().unzip();
        let metrics = Metrics::of(&probabilities, &accepted, 1).unwrap();
        prop_assert!(metrics.reliability.len() <= RELIABILITY_BINS);
        prop_assert_eq!(metrics.reliability.iter().map(|bin| bin.decisions).sum::<usize>(), rows.len());
        let total: f64 = metrics.reliability.iter().map(|bin| bin.mean_probability * bin.decisions as f64).sum();
        prop_assert!((total - probabilities.iter().sum::<f64>()).abs() < 1e-9);
        prop_assert!(metrics.reliability.is_sorted_by(|a, b| a.mean_probability <= b.mean_probability));
        prop_assert!((0.0..=1.0).contains(&metrics.calibration_error) && (0.0..=1.0).contains(&metrics.calibration_band));
    }
}
