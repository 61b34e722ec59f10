use optimization::putaway::{Method, Settings};
use optimization::statistics::Spending;
use platform::{Error, Result};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::dto::ExperimentDto;
use super::judge::Rule;
use crate::words::{Arm, ExperimentUnit, Metric};

/// What experiments are judged by.
pub(crate) const JUDGED_BY: [Metric; 4] = [Metric::Score, Metric::Confidence, Metric::Acceptance, Metric::DecisionMinutes];
/// Where goods come from and go to belongs to the building, not to the weights.
const OF_THE_BUILDING: [&str; 2] = ["dock_mm", "pick_area_mm"];

/// The side of a unit: the same for ever, and the treatment's with the probability `share`, whatever the names of the units.
pub(crate) fn arm_of(experiment: Uuid, unit: &str, share: f64) -> Arm {
    let digest = Sha256::new().chain_update(experiment.as_bytes()).chain_update(unit.as_bytes()).finalize();
    let number = u64::from_be_bytes(digest[..8].try_into().expect("a digest has 32 bytes"));
    if ((number >> 11) as f64 / (1u64 << 53) as f64) < share { Arm::Treatment } else { Arm::Control }
}

/// The facilities that work as TREATMENT: by the order of their hashes as many as the share says, at least one and not all. A hash of
/// each alone could put the few that there are on one side.
pub(crate) fn treated(experiment: Uuid, facilities: &[Uuid], share: f64) -> Vec<Uuid> {
    let hash = |facility: &Uuid| Sha256::new().chain_update(experiment.as_bytes()).chain_update(facility.as_bytes()).finalize();
    let mut order: Vec<Uuid> = facilities.to_vec();
    order.sort_by_cached_key(hash);
    let most = order.len().saturating_sub(1);
    order.truncate(((order.len() as f64 * share).round() as usize).clamp(1.min(most), most));
    order.sort();
    order
}

/// The name of a method with its weights: the method alone where they are the default ones.
pub(crate) fn version_of(method: &str, weights: &Map<String, Value>) -> String {
    if weights.is_empty() {
        return method.to_owned();
    }
    // In order, so that equal weights give equal text.
    let mut pairs: Vec<String> = weights.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.sort();
    let digest = Sha256::digest(pairs.join(","));
    let hash: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{method}/{hash}")
}

/// The settings with some of them replaced.
pub(crate) fn with_weights(settings: &Settings, weights: &Map<String, Value>) -> Result<Settings> {
    let mut all = serde_json::to_value(settings).map_err(Error::internal)?;
    if let Value::Object(all) = &mut all {
        all.extend(weights.clone());
    }
    serde_json::from_value(all).map_err(Error::internal)
}

/// Why weights are not acceptable.
pub(crate) fn weights_problem(weights: &Map<String, Value>) -> Option<String> {
    if let Some(key) = OF_THE_BUILDING.into_iter().find(|key| weights.contains_key(*key)) {
        return Some(format!("{key} belongs to the building; leave it out"));
    }
    let settings: Result<Settings, _> = serde_json::from_value(Value::Object(weights.clone()));
    match settings.map(|settings| settings.validate()) {
        Ok(Ok(())) => None,
        Ok(Err(invalid)) => Some(invalid.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

impl ExperimentDto {
    pub(crate) fn rule(&self) -> Rule {
        Rule {
            metric: self.metric_name,
            alpha: self.alpha,
            spending: spending(&self.spending),
            looks: u32::try_from(self.looks_planned).unwrap_or(1).max(1),
            treatment_share: self.treatment_share,
            planned_units: self.planned_units.unsigned_abs(),
        }
    }

    /// The side that goods of a facility and a unit belong to; nothing where the experiment does not run.
    pub(crate) fn arm(&self, facility: Uuid, unit: &str) -> Option<Arm> {
        if !self.facility_ids.is_empty() && !self.facility_ids.contains(&facility) {
            return None;
        }
        match self.unit {
            ExperimentUnit::Receipt => Some(arm_of(self.experiment_id, unit, self.treatment_share)),
            ExperimentUnit::Facility if self.treated_facility_ids.contains(&facility) => Some(Arm::Treatment),
            ExperimentUnit::Facility => Some(Arm::Control),
        }
    }

    pub(crate) fn side(&self, arm: Arm) -> Result<(Method, Map<String, Value>)> {
        let (method, weights) = match arm {
            Arm::Control => (&self.control_algorithm, &self.control_weights),
            Arm::Treatment => (&self.treatment_algorithm, &self.treatment_weights),
        };
        let method =
            method.parse().map_err(|invalid: optimization::putaway::InvalidInput| Error::internal(invalid.to_string()))?;
        Ok((method, object(weights)))
    }

    pub(crate) fn version_for(&self, arm: Arm) -> String {
        match arm {
            Arm::Control => version_of(&self.control_algorithm, &object(&self.control_weights)),
            Arm::Treatment => version_of(&self.treatment_algorithm, &object(&self.treatment_weights)),
        }
    }
}

pub(crate) fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

pub(crate) fn spending(word: &str) -> Spending {
    if word == "POCOCK" { Spending::Pocock } else { Spending::ObrienFleming }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn units_keep_their_side_and_the_sides_their_share() {
        let experiment = Uuid::from_u128(7);
        for share in [0.1, 0.5, 0.8] {
            let arms: Vec<Arm> = (0..20_000).map(|n| arm_of(experiment, &format!("receipt {n}"), share)).collect();
            let treated = arms.iter().filter(|arm| **arm == Arm::Treatment).count() as f64 / 20_000.0;
            // Four standard errors.
            assert!((treated - share).abs() < 4.0 * (share * (1.0 - share) / 20_000.0).sqrt(), "{share}: {treated}");
            assert_eq!(arm_of(experiment, "receipt 5", share), arms[5]);
        }
        let other = Uuid::from_u128(8);
        let same = (0..10_000).filter(|n| arm_of(experiment, &n.to_string(), 0.5) == arm_of(other, &n.to_string(), 0.5)).count();
        assert!((4_800..5_200).contains(&same), "another experiment draws anew: {same}");
    }

    #[test]
    fn few_facilities_are_split_evenly_and_never_all_on_one_side() {
        let facilities: Vec<Uuid> = (1..=9).map(Uuid::from_u128).collect();
        for n in 2..=9 {
            for experiment in 0..50 {
                let treated = treated(Uuid::from_u128(experiment), &facilities[..n], 0.5);
                assert!(treated.len().abs_diff(n - treated.len()) <= 1, "{treated:?} of {n}");
                assert!(treated.iter().all(|id| facilities.contains(id)));
            }
        }
        assert!(treated(Uuid::nil(), &facilities[..1], 0.5).is_empty());
        let first: std::collections::BTreeSet<_> = (0..50).map(|n| treated(Uuid::from_u128(n), &facilities[..2], 0.5)).collect();
        assert_eq!(first.len(), 2, "which one it is depends on the experiment");
    }

    #[test]
    fn a_version_names_method_and_weights() {
        let weights = |value: Value| object(&value);
        assert_eq!(version_of("BFD", &Map::new()), "BFD");
        let (a, b) = (json!({ "travel": 45.0, "abc": 15.0 }), json!({ "abc": 15.0, "travel": 45.0 }));
        assert_eq!(version_of("BFD", &weights(a.clone())), version_of("BFD", &weights(b)));
        assert_ne!(version_of("BFD", &weights(a.clone())), version_of("BFD", &weights(json!({ "affinity": 5.0 }))));
        let settings = Settings { dock_mm: [1, 2, 3], ..Settings::default() };
        let changed = with_weights(&settings, &weights(a)).unwrap();
        assert_eq!((changed.travel, changed.abc, changed.dock_mm), (45.0, 15.0, [1, 2, 3]));
    }

    #[test]
    fn bad_weights_are_named() {
        let problem = |value: Value| weights_problem(&object(&value)).unwrap_or_default();
        assert_eq!(problem(json!({ "affinity": 0.0 })), "");
        assert!(problem(json!({ "travel": 45.0 })).contains("100"));
        assert!(problem(json!({ "colour": 1.0 })).contains("colour"));
        assert!(problem(json!({ "dock_mm": [0, 0, 0] })).contains("building"));
    }
}
