//! Which model foretells whether people accept recommendations, and why that one. No clock and no database.

use optimization::learning::{
    Comparison, History, InvalidInput, Metrics, Model, NotEnough, Outcome, Report, Settings, Trained, Verdict, compare, evaluate,
    train,
};
use sha2::{Digest as _, Sha256};

use super::features;
use crate::words::ModelState;

/// The newest decisions that a model is trained on.
pub(super) const MOST_DECISIONS: i64 = 300_000;
/// Of the rows that each tree sees: the same decisions give the same model.
const SEED: u64 = 0;

/// Decided recommendations with what was known when each was made.
#[derive(Clone, Debug, Default)]
pub(super) struct Decisions {
    /// As [`features::values`] gave them.
    pub rows: Vec<Vec<f64>>,
    pub recorded_us: Vec<i64>,
    pub decided_us: Vec<i64>,
    pub accepted: Vec<bool>,
    pub left_out: LeftOut,
}

/// Decisions that nothing is learnt from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// What was known was not recorded, or by another release's list.
    pub without_features: i64,
    /// Recorded after the decision: it may know the outcome.
    pub recorded_late: i64,
    /// Numbers that no release of ours writes.
    pub unsound: i64,
}

impl Decisions {
    /// Keeps what may be learnt from, counts the rest.
    pub fn add(&mut self, values: Vec<f64>, recorded_us: i64, decided_us: i64, accepted: bool) {
        if recorded_us > decided_us {
            self.left_out.recorded_late += 1;
        } else if !features::are_sound(&values) {
            self.left_out.unsound += 1;
        } else {
            self.rows.push(values);
            self.recorded_us.push(recorded_us);
            self.decided_us.push(decided_us);
            self.accepted.push(accepted);
        }
    }

    /// Those decided after the moment.
    fn after(&self, moment_us: i64) -> Result<History, InvalidInput> {
        let later: Vec<usize> = (0..self.rows.len()).filter(|&row| self.decided_us[row] > moment_us).collect();
        let rows: Vec<&[f64]> = later.iter().map(|&row| self.rows[row].as_slice()).collect();
        let pick = |times: &[i64]| -> Vec<i64> { later.iter().map(|&row| times[row]).collect() };
        let accepted = later.iter().map(|&row| self.accepted[row]).collect();
        History::new(features::table(&rows)?, &[&pick(&self.recorded_us)], pick(&self.decided_us), accepted)
    }
}

impl LeftOut {
    fn told(self) -> String {
        let parts = [
            (self.without_features, "without what was known at the time"),
            (self.recorded_late, "whose features were recorded after the decision"),
            (self.unsound, "with features that cannot be"),
        ];
        let told: Vec<String> =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        if told.is_empty() { String::new() } else { format!("; left out: {}", told.join(", ")) }
    }
}

/// A stored model, or why it cannot be used.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub version: i32,
    pub model: Result<std::sync::Arc<Model>, String>,
}

/// What is to be written about a stored model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    pub version: i32,
    pub state: ModelState,
    pub reason: String,
}

/// A model that was trained just now, and what it is good for.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub trained: Trained,
    pub state: ModelState,
    pub reason: String,
    pub comparison: Option<Comparison>,
}

/// What a training came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    /// Of models that stood before, in the order in which they must be written.
    pub changes: Vec<Change>,
    pub not_enough: Option<NotEnough>,
    pub made: Option<Box<Made>>,
    /// How the champion that stood before does on decisions taken after its own.
    pub champion_now: Option<(i32, Metrics)>,
    pub told: String,
}

/// Lets the standing challenger try once more, trains a new model, and decides which one is used.
pub(super) fn judge(
    decisions: &Decisions,
    champion: Option<Standing>,
    challenger: Option<Standing>,
) -> Result<Judged, InvalidInput> {
    let mut judged = Judged::default();
    let mut champion = usable(champion, &mut judged);
    let mut challenger = usable(challenger, &mut judged);
    if let (Some((old, old_model)), Some((new, new_model))) = (&champion, &challenger) {
        match contest(decisions, old_model, new_model)? {
            Some(result) if result.verdict == Verdict::Replace => {
                judged.change(*old, ModelState::Retired, format!("replaced by version {new}; {}", result.reason()));
                judged.change(*new, ModelState::Champion, result.reason());
                champion = challenger.take();
            }
            Some(result) if result.verdict == Verdict::KeepBetter => {
                judged.change(*new, ModelState::Retired, result.reason());
                challenger = None;
            }
            _ => {}
        }
    }
    if let Some((version, model)) = &champion {
        let later = decisions.after(model.trained_until_us())?;
        if later.decisions() > 0 {
            judged.champion_now = Some((*version, evaluate(model, &later, SEED)?));
        }
    }
    let settings = Settings { seed: SEED, ..Settings::default() };
    match train(&decisions.after(i64::MIN)?, &settings)? {
        Outcome::NotEnough(lacking) => {
            judged.told = format!("{lacking}{}", decisions.left_out.told());
            judged.not_enough = Some(lacking);
        }
        Outcome::Trained(trained) => {
            let made = placed(decisions, *trained, champion.as_ref())?;
            let standing = challenger.filter(|_| matches!(made.state, ModelState::Champion | ModelState::Challenger));
            if let Some((version, _)) = standing {
                judged.change(version, ModelState::Retired, "a newer model takes its place".into());
            }
            if made.state == ModelState::Champion
                && let Some((version, _)) = champion
            {
                judged.change(version, ModelState::Retired, format!("replaced by the next version; {}", made.reason));
            }
            judged.told = format!("{}{}", made.reason, decisions.left_out.told());
            judged.made = Some(Box::new(made));
        }
    }
    Ok(judged)
}

impl Judged {
    fn change(&mut self, version: i32, state: ModelState, reason: String) {
        self.changes.push(Change { version, state, reason });
    }
}

type Usable = (i32, std::sync::Arc<Model>);

/// One that cannot be read is refused for good.
fn usable(standing: Option<Standing>, judged: &mut Judged) -> Option<Usable> {
    let Standing { version, model } = standing?;
    match model {
        Ok(model) => Some((version, model)),
        Err(problem) => {
            judged.change(version, ModelState::Refused, problem);
            None
        }
    }
}

/// On decisions later than both were trained on; nothing when there is none.
fn contest(decisions: &Decisions, champion: &Model, challenger: &Model) -> Result<Option<Comparison>, InvalidInput> {
    let later = decisions.after(champion.trained_until_us().max(challenger.trained_until_us()))?;
    if later.decisions() == 0 { Ok(None) } else { compare(champion, challenger, &later).map(Some) }
}

/// What a new model is good for, beside the champion.
fn placed(decisions: &Decisions, trained: Trained, champion: Option<&Usable>) -> Result<Made, InvalidInput> {
    if let Some(reason) = worthless(&trained.report) {
        return Ok(Made { trained, state: ModelState::Refused, reason, comparison: None });
    }
    let Some((_, standing)) = champion else {
        let validation = &trained.report.validation;
        let reason = format!(
            "the only usable model: log loss {:.4} on {} later decisions, {:.4} without a model",
            validation.log_loss, validation.decisions, validation.base_log_loss
        );
        return Ok(Made { trained, state: ModelState::Champion, reason, comparison: None });
    };
    let comparison = contest(decisions, standing, &trained.model)?;
    let (state, reason) = match &comparison {
        None => (ModelState::Challenger, "no decision is later than what both models were trained on".to_owned()),
        Some(result) => {
            let state = match result.verdict {
                Verdict::Replace => ModelState::Champion,
                Verdict::KeepBetter => ModelState::Trained,
                Verdict::KeepUnproven | Verdict::KeepTooFew => ModelState::Challenger,
            };
            (state, result.reason())
        }
    };
    Ok(Made { trained, state, reason, comparison })
}

/// Why a model must not be used, judged by decisions that are later than those it was trained on. A feature that knew the outcome
/// shows here: it foretells the past and fails on what came after.
fn worthless(report: &Report) -> Option<String> {
    let validation = &report.validation;
    if validation.accepted == 0 || validation.accepted == validation.decisions {
        let how = if validation.accepted == 0 { "not accepted" } else { "accepted" };
        return Some(format!("the newest {} decisions were all {how}: nothing can be judged by them", validation.decisions));
    }
    if validation.skill() > 0.0 {
        return None;
    }
    let learnt = if report.trained_log_loss < 0.5 * validation.log_loss {
        ", although it knows those it was trained on: a feature may know the outcome"
    } else {
        ""
    };
    Some(format!(
        "foretells later decisions no better than their share of acceptance does (log loss {:.4} against {:.4}){learnt}; log loss \
         {:.4} on those it was trained on",
        validation.log_loss, validation.base_log_loss, report.trained_log_loss
    ))
}

/// Reads a stored model, trusting nothing.
pub(super) fn read(text: &str, digest: &[u8], feature_schema: i32) -> Result<Model, String> {
    if Sha256::digest(text.as_bytes()).as_slice() != digest {
        return Err("the stored model is not what was stored: its digest differs".into());
    }
    if feature_schema != features::VERSION {
        return Err(format!(
            "was trained on feature list {feature_schema}, this release records list {}: train anew",
            features::VERSION
        ));
    }
    let model: Model = serde_json::from_str(text).map_err(|error| format!("the stored model cannot be read: {error}"))?;
    if model.schema() != features::schema() {
        return Err("the stored model has other features than this release records: train anew".into());
    }
    Ok(model)
}

/// A model as it is stored, with its digest.
pub(super) fn write(model: &Model) -> Result<(String, Vec<u8>), serde_json::Error> {
    let text = serde_json::to_string(model)?;
    let digest = Sha256::digest(text.as_bytes()).to_vec();
    Ok((text, digest))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const QUANTITY: usize = 20;

    fn share(seed: &mut u64) -> f64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Accepted with probability `rule` of the quantity, 0 to 1; one decision per second from `start`.
    fn decided(count: usize, start: i64, rule: impl Fn(f64) -> f64) -> Decisions {
        let mut seed = start as u64 + 1;
        let mut decisions = Decisions::default();
        for n in 0..count {
            let mut row = vec![0.0; features::schema().features().len()];
            row[QUANTITY] = share(&mut seed);
            let at = start + n as i64 * 1_000_000;
            decisions.add(row.clone(), at, at + 1, share(&mut seed) < rule(row[QUANTITY]));
        }
        decisions
    }

    fn together(mut a: Decisions, b: Decisions) -> Decisions {
        for row in 0..b.rows.len() {
            a.add(b.rows[row].clone(), b.recorded_us[row], b.decided_us[row], b.accepted[row]);
        }
        a
    }

    fn steep(quantity: f64) -> f64 {
        if quantity < 0.5 { 0.95 } else { 0.05 }
    }

    fn standing(version: i32, made: &Made) -> Option<Standing> {
        Some(Standing { version, model: Ok(Arc::new(made.trained.model.clone())) })
    }

    const LATER: i64 = 10_000_000_000;

    #[test]
    fn the_first_model_that_foretells_becomes_champion() {
        let judged = judge(&decided(600, 0, steep), None, None).unwrap();
        let made = judged.made.unwrap();
        assert_eq!((made.state, judged.changes.len()), (ModelState::Champion, 0));
        assert!(made.trained.report.validation.accuracy > 0.85, "{}", made.reason);
    }

    #[test]
    fn chance_is_refused_and_too_few_decisions_make_no_model() {
        let judged = judge(&decided(2_000, 0, |_| 0.5), None, None).unwrap();
        let made = judged.made.unwrap();
        assert_eq!(made.state, ModelState::Refused, "{}", made.reason);
        let judged = judge(&decided(99, 0, steep), None, None).unwrap();
        assert!(judged.made.is_none() && judged.told.contains("99 decisions"), "{}", judged.told);
        let judged = judge(&decided(300, 0, |_| 2.0), None, None).unwrap();
        assert!(judged.made.is_none(), "all alike");
    }

    #[test]
    fn a_better_challenger_replaces_an_equal_one_waits() {
        let first = judge(&decided(600, 0, steep), None, None).unwrap().made.unwrap();
        let more = together(decided(600, 0, steep), decided(300, LATER, steep));
        let judged = judge(&more, standing(1, &first), None).unwrap();
        assert_eq!(judged.made.as_ref().unwrap().state, ModelState::Challenger, "{}", judged.told);
        assert!(judged.changes.is_empty() && judged.champion_now.as_ref().unwrap().1.accuracy > 0.85);

        let turned = together(decided(600, 0, steep), decided(3_000, LATER, |quantity| 1.0 - steep(quantity)));
        let judged = judge(&turned, standing(1, &first), None).unwrap();
        let made = judged.made.unwrap();
        assert_eq!(made.state, ModelState::Champion, "{}", made.reason);
        assert_eq!((judged.changes[0].version, judged.changes[0].state), (1, ModelState::Retired));
    }

    #[test]
    fn a_standing_challenger_is_tried_on_what_came_later() {
        let past = judge(&decided(600, 0, |quantity| 1.0 - steep(quantity)), None, None).unwrap().made.unwrap();
        let good = judge(&decided(600, 1, steep), None, None).unwrap().made.unwrap();
        let later = decided(600, LATER, steep);
        let judged = judge(&later, standing(1, &past), standing(2, &good)).unwrap();
        let states: Vec<_> = judged.changes.iter().map(|change| (change.version, change.state)).collect();
        assert_eq!(states[..2], [(1, ModelState::Retired), (2, ModelState::Champion)], "{:?}", judged.changes);
        assert_eq!(judged.champion_now.unwrap().0, 2);
        let judged = judge(&later, standing(2, &good), standing(1, &past)).unwrap();
        assert_eq!((judged.changes[0].version, judged.changes[0].state), (1, ModelState::Retired));
    }

    #[test]
    fn what_was_recorded_late_is_left_out_and_told() {
        let mut decisions = decided(150, 0, steep);
        let row = vec![0.0; features::schema().features().len()];
        decisions.add(row.clone(), 11, 10, true);
        decisions.add(row[1..].to_vec(), 9, 10, true);
        assert_eq!(decisions.left_out, LeftOut { recorded_late: 1, unsound: 1, ..LeftOut::default() });
        assert_eq!(decisions.rows.len(), 150);
        assert!(judge(&decisions, None, None).unwrap().told.contains("1 whose features were recorded after the decision"));
    }

    /// Its times lie: they stand before the decisions. Old rows have it filled in, the newest not yet.
    #[test]
    fn a_feature_that_knows_the_outcome_fails_on_later_decisions() {
        let mut decisions = decided(2_000, 0, |_| 0.5);
        for row in 0..1_600 {
            decisions.rows[row][QUANTITY] = f64::from(u8::from(decisions.accepted[row]));
        }
        for row in 1_600..2_000 {
            decisions.rows[row][QUANTITY] = 0.0;
        }
        let made = judge(&decisions, None, None).unwrap().made.unwrap();
        assert_eq!(made.state, ModelState::Refused);
        assert!(made.reason.contains("a feature may know the outcome"), "{}", made.reason);
    }

    #[test]
    fn a_stored_model_is_trusted_with_nothing() {
        let made = judge(&decided(600, 0, steep), None, None).unwrap().made.unwrap();
        let (text, digest) = write(&made.trained.model).unwrap();
        assert_eq!(read(&text, &digest, features::VERSION).unwrap(), made.trained.model);
        assert!(read(&text, &digest[1..], features::VERSION).unwrap_err().contains("digest"));
        assert!(read(&text, &digest, features::VERSION + 1).unwrap_err().contains("feature list"));
        for hostile in ["", "{}", "null", &text[..text.len() / 2], &text.replace("score_margin", "outcome"), &"[".repeat(100_000)]
        {
            let digest = Sha256::digest(hostile.as_bytes());
            assert!(read(hostile, digest.as_slice(), features::VERSION).is_err(), "{}", &hostile[..hostile.len().min(80)]);
        }
        let broken = Some(Standing { version: 7, model: Err("broken".into()) });
        let judged = judge(&decided(600, 0, steep), broken, None).unwrap();
        assert_eq!(judged.changes, [Change { version: 7, state: ModelState::Refused, reason: "broken".into() }]);
        assert_eq!(judged.made.unwrap().state, ModelState::Champion);
    }
}
