use serde_json::json;
use warehouse::learning::{AccuracyDto, ModelDto, TrainingDto};

use super::*;

fn metrics() -> serde_json::Value {
    let bin =
        |share: f64, decisions: u32| json!({ "decisions": decisions, "mean_probability": share, "accepted_share": share * 0.95 });
    json!({
        "decisions": 240, "accepted": 168, "accuracy_percent": 86.25, "precision": 0.9, "recall": 0.905, "f1": 0.9024, "auc": null,
        "brier": 0.104, "log_loss": 0.3321, "base_log_loss": 0.6109, "calibration_error": 0.021, "calibration_band": 0.048,
        "true_positives": 152, "false_positives": 17, "true_negatives": 55, "false_negatives": 16,
        "reliability": [bin(0.05, 20), bin(0.4, 40), bin(0.7, 60), bin(0.97, 120)],
    })
}

fn model(version: i32, state: &str, reason: &str) -> ModelDto {
    serde_json::from_value(json!({
        "version": version, "state": state, "state_reason": reason, "state_since": ago(90), "feature_schema": 1, "decisions": 960,
        "trained_until": ago(900), "trees": 42, "trained_log_loss": 0.29, "validation": metrics(),
        "latest": (version == 2).then(metrics), "evaluated_at": (version == 2).then(|| ago(90)), "comparison": null,
        "importance": [{ "feature": "fill_after", "gain_share": 0.6 }, { "feature": "<script>alert(1)</script>", "gain_share": 0.4 }],
        "created_by": "train acceptance model", "created_at": ago(90),
    }))
    .unwrap()
}

fn training(n: u32, state: &str, outcome: Option<&str>, message: &str) -> TrainingDto {
    serde_json::from_value(json!({
        "training_id": format!("0192f0c1-0000-7000-8000-{n:012}"), "state": state, "cause": "BY_HAND",
        "phase": if outcome.is_some() { "ENDED" } else { "READING" }, "progress_done": 20_000, "progress_total": 60_000,
        "outcome": outcome, "message": message, "version": null, "requested_by": "Jonas <b>Weiß</b>", "created_at": ago(90),
        "started_at": ago(90), "finished_at": outcome.map(|_| ago(89)),
    }))
    .unwrap()
}

fn accuracy(champion: Option<&ModelDto>, message: &str) -> AccuracyDto {
    serde_json::from_value(json!({
        "is_enabled": champion.is_some(), "message": message, "champion": champion, "metrics": champion.map(|_| metrics()),
        "decisions": if champion.is_some() { 1200 } else { 12 }, "decisions_needed": 100, "decided": 0, "accepted": 0,
        "acceptance_rate_percent": null, "period_days": 30, "by_algorithm": [], "training": null,
    }))
    .unwrap()
}

pub fn add(samples: &mut Samples) {
    let champion = model(2, "CHAMPION", "replace: the challenger is better on 240 later decisions");
    let row = |model: ModelDto, is_shown| ModelRow {
        href: format!("/model?version={}", model.version),
        metrics: model.metrics().clone(),
        is_shown,
        can_roll_back: !is_shown,
        model,
    };
    let page_of = |accuracy, shown, models, trainings| ModelPage {
        page: page("Acceptance model", "/model"),
        accuracy,
        shown,
        models,
        trainings,
        can_train: true,
    };
    let mut busy = accuracy(Some(&champion), "recommendations carry the probability of version 2");
    busy.training = Some(training(1, "RUNNING", None, ""));
    busy.by_algorithm = serde_json::from_value(json!([
        { "algorithm": "OPTIMAL", "model_version": 2, "decided": 200, "accepted": 160, "acceptance_rate_percent": 80.0,
          "mean_confidence": 0.9, "mean_ml_adjusted_confidence": 0.79, "ml_accuracy_percent": 86.5, "rule_brier": 0.2, "ml_brier": 0.1 },
        { "algorithm": "BFD", "model_version": null, "decided": 40, "accepted": 8, "acceptance_rate_percent": 20.0,
          "mean_confidence": 0.9, "mean_ml_adjusted_confidence": null, "ml_accuracy_percent": null, "rule_brier": 0.6, "ml_brier": null },
    ]))
    .unwrap();
    let models = vec![row(champion.clone(), true), row(model(1, "RETIRED", "replaced by the next version"), false)];
    let trainings = vec![
        training(1, "RUNNING", None, ""),
        training(2, "DONE", Some("NOT_ENOUGH"), "not enough to learn from: 12 decisions, 3 of them accepted; needs at least 100"),
        training(3, "FAILED", None, "something failed on our side"),
    ];
    samples.add("model", &page_of(busy, Some(ShownModel::new(champion)), models, trainings));
    let none = accuracy(None, "the rule score stands alone: 12 of 100 decisions that a model needs");
    samples.add("model-none", &page_of(none, None, vec![], vec![]));
}
