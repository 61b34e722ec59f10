use std::sync::OnceLock;

use optimization::learning::{Model, Settings, Table};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::data::{Draw, known_law, trained_with};

fn model() -> &'static (Model, String) {
    static MODEL: OnceLock<(Model, String)> = OnceLock::new();
    MODEL.get_or_init(|| {
        let settings = Settings { max_rounds: 12, ..Settings::default() };
        let model = trained_with(&known_law(2_000, 71, 0).0, &settings).model;
        let json = serde_json::to_string(&model).unwrap();
        (model, json)
    })
}

fn candidates(model: &Model) -> Table {
    let mut draw = Draw(7);
    let columns = (0..3).map(|_| (0..300).map(|_| draw.share()).chain([f64::NAN, -1e308, 1e308]).collect()).collect();
    Table::from_columns(model.schema().clone(), columns).unwrap()
}

#[test]
fn what_is_written_is_read_to_the_bit() {
    let (model, json) = model();
    let read: Model = serde_json::from_str(json).unwrap();
    assert_eq!(&read, model);
    assert_eq!(&serde_json::to_string(&read).unwrap(), json);
    assert_eq!(read.predict(&candidates(model)).unwrap(), model.predict(&candidates(model)).unwrap());
    let through_value: Model = serde_json::from_value(serde_json::to_value(model).unwrap()).unwrap();
    assert_eq!(&through_value, model);
}

#[test]
fn every_truncation_is_an_error() {
    let json = &model().1;
    assert!((0..json.len()).all(|end| serde_json::from_str::<Model>(&json[..end]).is_err()));
}

#[test]
fn hostile_models_are_refused() {
    let refuse = |pointer: &str, value: Value| {
        let mut stored: Value = serde_json::from_str(&model().1).unwrap();
        *stored.pointer_mut(pointer).unwrap() = value;
        serde_json::from_value::<Model>(stored).unwrap_err().to_string()
    };
    assert_eq!(refuse("/format", json!("other")), "model.format is not that of an acceptance model");
    assert_eq!(refuse("/version", json!(2)), "model.version is none that this release reads: train anew");
    assert_eq!(refuse("/edges", json!(["1"])), "model.edges must be one list per feature");
    assert_eq!(refuse("/edges/0", json!("2 1")), "model.edges must rise");
    assert!(refuse("/edges/0", json!("1 NaN")).starts_with("model.edges must hold numbers"));
    assert!(refuse("/edges/0", json!("1 inf")).starts_with("model.edges must hold numbers"));
    assert_eq!(refuse("/gains", json!("1 2")), "model.gains must be one per feature, none below 0");
    assert_eq!(refuse("/constants", json!("0 0 0")), "model.constants must have a slope above 0");
    assert_eq!(refuse("/constants", json!("0 1")), "model.constants must be three");
    let tree = |f: Value, e: Value, m: Value, l: Value, v: &str| {
        refuse("/trees/0", json!({"f": f, "e": e, "m": m, "l": l, "v": v})).replace("model.trees[0] ", "")
    };
    let (zeros, cut) = (json!([0, 0, 0]), json!([1, 0, 0]));
    let child = "has a child that is missing or stands before its parent";
    assert_eq!(tree(zeros.clone(), zeros.clone(), zeros.clone(), json!([2, 0, 0]), "0 0 0"), child);
    assert_eq!(tree(zeros.clone(), zeros.clone(), zeros.clone(), json!([1, 1, 0]), "0 0 0"), child);
    assert_eq!(tree(zeros.clone(), zeros.clone(), zeros.clone(), zeros.clone(), "0 0 0"), "has a node without one parent");
    assert_eq!(
        tree(json!([3, 0, 0]), zeros.clone(), zeros.clone(), cut.clone(), "0 0 0"),
        "splits by what the model does not have"
    );
    assert_eq!(
        tree(zeros.clone(), json!([255, 0, 0]), zeros.clone(), cut.clone(), "0 0 0"),
        "splits by what the model does not have"
    );
    assert_eq!(
        tree(zeros.clone(), zeros.clone(), json!([2, 0, 0]), cut.clone(), "0 0 0"),
        "splits by what the model does not have"
    );
    assert!(tree(zeros.clone(), zeros.clone(), zeros.clone(), cut.clone(), "0 0 1e9").starts_with("must hold numbers"));
    assert!(tree(zeros.clone(), zeros.clone(), zeros.clone(), cut, "0 0").contains("as values"));
    assert_eq!(tree(json!([]), json!([]), json!([]), json!([]), ""), "has no node, or too many");
    let chain: Vec<u16> = (0..81).map(|node| if node % 2 == 0 && node < 80 { node + 1 } else { 0 }).collect();
    let none = json!(vec![0; 81]);
    assert_eq!(tree(none.clone(), none.clone(), none, json!(chain), &"0 ".repeat(81)), "is too deep");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is read is an error, or a model that answers with probabilities.
    #[test]
    fn changed_bytes_never_break_it(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..6)) {
        let mut bytes = model().1.clone().into_bytes();
        for (place, byte, digit) in changes {
            let place = place.index(bytes.len());
            bytes[place] = if digit { b'0' + byte % 10 } else { byte };
        }
        if let Ok(read) = serde_json::from_slice::<Model>(&bytes) {
            let mut draw = Draw(1);
            let features = read.schema().features().len();
            let columns = (0..features).map(|_| (0..40).map(|_| draw.share()).chain([f64::NAN]).collect()).collect();
            let table = Table::from_columns(read.schema().clone(), columns).unwrap();
            prop_assert!(read.predict(&table).unwrap().iter().all(|p| (0.0..=1.0).contains(p)));
            prop_assert!(read.explain(&table, 40).unwrap().log_odds.is_finite());
        }
    }
}
