use optimization::learning::{Feature, History, Model, Schema, Settings, Table, Value, Want, train};

use crate::data::{Draw, history, known_law, logistic, refused, trained, trained_with};

/// Where one cut tells all, one whole Newton step from even odds is (p − y) / (p (1 − p)): for 3 of 4 accepted it is 1.
#[test]
fn one_step_by_hand() {
    let side: Vec<f64> = (0..800).map(|row| f64::from(row / 4 % 2)).collect();
    let accepted: Vec<bool> = (0..800).map(|row| (row / 4 % 2 == 0) == (row % 4 == 0)).collect();
    let one_step =
        Settings { max_rounds: 1, learning_rate: 1.0, lambda: 0.0, row_share: 1.0, max_leaves: 2, ..Settings::default() };
    let model = trained_with(&history(&["side"], vec![side], accepted, 0), &one_step).model;
    let candidates = Table::from_columns(model.schema().clone(), vec![vec![0.0, 1.0, 0.5, 0.50001]]).unwrap();
    let predicted = model.predict(&candidates).unwrap();
    for (predicted, log_odds) in predicted.iter().zip([-1.0, 1.0, -1.0, 1.0]) {
        assert!((predicted - logistic(log_odds)).abs() < 1e-5, "{predicted} {log_odds}");
    }
    assert_eq!((model.trees(), model.is_scaled()), (1, false));
    assert_eq!(model.importance()[0].gain_share, 1.0);
}

#[test]
fn a_known_law_is_learnt_and_calibrated() {
    let (history, truth) = known_law(20_000, 1, 0);
    let trained = trained(&history);
    let (report, best) = (&trained.report, &truth[16_000..]);
    let entropy = |p: &f64| -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
    let least = best.iter().map(entropy).sum::<f64>() / best.len() as f64;
    assert_eq!((report.trained, report.stopping, report.validation.decisions), (16_000, 2_400, 4_000));
    assert!(report.validation.calibration_error <= report.validation.calibration_band, "{report:?}");
    assert!((report.validation.log_loss - least).abs() < 0.02, "{} {least}", report.validation.log_loss);
    assert!(report.trained_log_loss < report.validation.base_log_loss && report.validation.skill() > 0.1);
    let importance: Vec<&str> = report.importance.iter().map(|part| part.feature.as_str()).collect();
    assert_eq!(importance[2], "c");
    assert!((report.importance.iter().map(|part| part.gain_share).sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn more_rounds_fit_what_was_learnt_better() {
    let (history, _) = known_law(4_000, 2, 0);
    let loss = |max_rounds| {
        let settings = Settings { max_rounds, row_share: 1.0, patience: 1000, ..Settings::default() };
        trained_with(&history, &settings).report
    };
    let (few, more) = (loss(3), loss(12));
    assert_eq!((few.trees, more.trees), (3, 12));
    assert!(few.trained_log_loss < few.validation.base_log_loss && more.trained_log_loss < few.trained_log_loss);
}

#[test]
fn the_same_history_gives_the_same_bytes_in_any_order() {
    let (whole, _) = known_law(3_000, 3, 0);
    let json = |history: &History| serde_json::to_string(&trained(history).model).unwrap();
    let first = json(&whole);
    assert_eq!(first, json(&whole));

    let mut draw = Draw(3);
    let mut columns: Vec<Vec<f64>> = (0..3).map(|_| (0..3_000).map(|_| draw.share()).collect()).collect();
    let odds = |a: f64, b: f64| 4.0 * (a - 0.5) + if b > 0.7 { 3.0 } else { 0.0 };
    let mut accepted: Vec<bool> = (0..3_000).map(|row| draw.share() < logistic(odds(columns[0][row], columns[1][row]))).collect();
    let mut decided: Vec<i64> = (0..3_000).map(|row| row * 1_000_000).collect();
    columns.iter_mut().for_each(|column| column.reverse());
    accepted.reverse();
    decided.reverse();
    let table = Table::from_columns(crate::data::numbers(&["a", "b", "c"]), columns).unwrap();
    assert_eq!(first, json(&History::new(table, &[&decided.clone()], decided, accepted).unwrap()));

    let other = Settings { seed: 1, ..Settings::default() };
    assert_ne!(first, serde_json::to_string(&trained_with(&whole, &other).model).unwrap());
}

#[test]
fn what_is_missing_goes_where_it_belongs() {
    let mut draw = Draw(9);
    let schema = Schema::new(vec![Feature::number("weight"), Feature::category("abc", ["A", "B", "C"])]).unwrap();
    let mut table = Table::new(schema);
    let mut accepted = Vec::new();
    for _ in 0..4_000 {
        let weight = if draw.share() < 0.3 { Value::Missing } else { Value::Number(draw.share() * 100.0) };
        let class = ["A", "B", "C", "D"][(draw.share() * 4.0) as usize];
        let likely = (weight == Value::Missing) != (class == "B");
        accepted.push(draw.share() < if likely { 0.9 } else { 0.2 });
        table.push(&[weight, Value::Text(class.to_owned())]).unwrap();
    }
    let times: Vec<i64> = (0..4_000).collect();
    let model = trained(&History::new(table, &[&times], times.clone(), accepted).unwrap()).model;
    let mut candidates = Table::new(model.schema().clone());
    let text = |level: &str| Value::Text(level.to_owned());
    let rows = [
        ([Value::Missing, text("A")], 0.9),
        ([Value::Missing, text("B")], 0.2),
        ([Value::Number(50.0), text("B")], 0.9),
        ([Value::Number(f64::NAN), text("C")], 0.9),
        ([Value::Number(50.0), text("never seen")], 0.2),
        ([Value::Number(-1e300), Value::Missing], 0.2),
    ];
    for (row, _) in &rows {
        candidates.push(row).unwrap();
    }
    for (predicted, (row, expected)) in model.predict(&candidates).unwrap().iter().zip(&rows) {
        assert!((predicted - expected).abs() < 0.08, "{row:?}: {predicted}");
    }
}

#[test]
fn too_little_is_said_with_its_counts() {
    let of = |accepted: Vec<bool>| {
        let column = (0..accepted.len()).map(|row| (row % 7) as f64).collect();
        history(&["a"], vec![column], accepted, 0)
    };
    let few = refused(&of((0..99).map(|row| row % 2 == 0).collect()));
    assert_eq!((few.decisions, few.accepted, few.want), (99, 50, Want::Decisions));
    assert_eq!(few.to_string(), "not enough to learn from: 99 decisions, 50 of them accepted; needs at least 100");
    assert_eq!(refused(&of(vec![true; 500])).want, Want::BothClasses);
    assert_eq!(refused(&of((0..500).map(|row| row < 450).collect())).want, Want::BothClasses);
    assert_eq!(refused(&of(Vec::new())).want, Want::Decisions);
    trained(&of((0..100).map(|row| row % 2 == 0).collect()));

    let moments = |moments: i64| {
        let decided: Vec<i64> = (0..200).map(|row| row * moments / 200).collect();
        let column = (0..200).map(f64::from).collect();
        let table = Table::from_columns(crate::data::numbers(&["a"]), vec![column]).unwrap();
        History::new(table, &[&decided.clone()], decided, (0..200).map(|row| row % 3 == 0).collect()).unwrap()
    };
    assert_eq!(refused(&moments(1)).want, Want::Moments);
    assert_eq!(refused(&moments(2)).want, Want::Moments);
    trained(&moments(3));
}

#[test]
fn probabilities_that_drift_are_scaled() {
    let mut draw = Draw(4);
    let a: Vec<f64> = (0..20_000).map(|_| draw.share()).collect();
    let mood = |row: usize| if row < 13_600 { 1.0 } else { -1.0 };
    let accepted = a.iter().enumerate().map(|(row, a)| draw.share() < logistic(6.0 * (a - 0.5) + mood(row))).collect();
    let trained = trained(&history(&["a"], vec![a], accepted, 0));
    assert!(trained.report.scaled);
    assert!(trained.report.validation.calibration_error < 0.05, "{:?}", trained.report);
}

#[test]
fn other_features_are_refused_by_name() {
    let (history, _) = known_law(500, 5, 0);
    let model: Model = trained(&history).model;
    let predict = |features: Vec<Feature>| {
        let columns = vec![vec![0.0]; features.len()];
        let table = Table::from_columns(Schema::new(features).unwrap(), columns).unwrap();
        model.predict(&table).map_err(|error| error.to_string())
    };
    let number = |name: &str| Feature::number(name);
    assert_eq!(predict(vec![number("a"), number("b")]).unwrap_err(), "c is needed by the model (null if unknown)");
    assert_eq!(predict(vec![number("a"), number("b"), number("c"), number("d")]).unwrap_err(), "d is no feature of the model");
    assert_eq!(
        predict(vec![number("a"), number("b"), Feature::category("c", ["x"])]).unwrap_err(),
        "c has another type or other levels than in the model"
    );
    assert_eq!(predict(vec![number("c"), number("a"), number("b")]), predict(vec![number("a"), number("b"), number("c")]));

    let named = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), Value::Number(1.0))).collect();
    assert_eq!(model.schema().row(&named(&["c", "a", "b"])).unwrap(), vec![Value::Number(1.0); 3]);
    assert_eq!(model.schema().row(&named(&["a", "b"])).unwrap_err().field, "c");
    assert_eq!(model.schema().row(&named(&["a", "b", "c", "z"])).unwrap_err().field, "z");
    let mut table = Table::new(model.schema().clone());
    let bad = [Value::Number(1.0), Value::Text("x".into()), Value::Missing];
    assert_eq!(table.push(&bad).unwrap_err().to_string(), "b must be a number, not a text");
    assert_eq!(table.push(&[Value::Number(f64::INFINITY), Value::Missing, Value::Missing]).unwrap_err().field, "a");
    assert_eq!(table.rows(), 0);
}

#[test]
fn settings_are_checked_by_name() {
    let (history, _) = known_law(500, 5, 0);
    for (settings, field) in [
        (Settings { learning_rate: f64::NAN, ..Settings::default() }, "settings.learning_rate"),
        (Settings { max_leaves: 1, ..Settings::default() }, "settings.max_leaves"),
        (Settings { max_bins: 256, ..Settings::default() }, "settings.max_bins"),
        (Settings { min_child_hessian: 0.0, ..Settings::default() }, "settings.min_child_hessian"),
        (Settings { validation_share: 1.0, ..Settings::default() }, "settings.validation_share"),
        (Settings { row_share: 0.0, ..Settings::default() }, "settings.row_share"),
    ] {
        assert_eq!(train(&history, &settings).unwrap_err().field, field);
    }
}

#[test]
fn an_explanation_adds_up_and_no_row_depends_on_others() {
    let (history, _) = known_law(3_000, 6, 0);
    let model = trained(&history).model;
    let mut draw = Draw(8);
    let columns: Vec<Vec<f64>> = (0..3).map(|_| (0..50).map(|_| draw.share()).collect()).collect();
    let candidates = Table::from_columns(model.schema().clone(), columns.clone()).unwrap();
    let all = model.predict(&candidates).unwrap();
    for (row, &predicted) in all.iter().enumerate() {
        let explained = model.explain(&candidates, row).unwrap();
        let sum = explained.base + explained.features.iter().map(|part| part.log_odds).sum::<f64>();
        assert!((sum - explained.log_odds).abs() < 1e-9, "{explained:?}");
        assert_eq!(explained.probability, predicted);
        let alone = columns.iter().map(|column| vec![column[row]]).collect();
        let alone = Table::from_columns(model.schema().clone(), alone).unwrap();
        assert_eq!(model.predict(&alone).unwrap(), [predicted]);
    }
    assert_eq!(model.explain(&candidates, 50).unwrap_err().to_string(), "row must be below 50");
}

#[test]
fn many_features_fill_more_than_one_block() {
    let mut draw = Draw(10);
    let names: Vec<String> = (0..19).map(|n| format!("f{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let columns: Vec<Vec<f64>> = (0..19).map(|_| (0..3_000).map(|_| draw.share()).collect()).collect();
    let accepted = (0..3_000).map(|row| draw.share() < logistic(8.0 * (columns[17][row] - columns[9][row]))).collect();
    let trained = trained(&history(&names, columns, accepted, 0));
    let mut first: Vec<&str> = trained.report.importance[..2].iter().map(|part| part.feature.as_str()).collect();
    first.sort_unstable();
    assert_eq!(first, ["f17", "f9"]);
    assert!(trained.report.validation.auc.unwrap() > 0.85);
}
