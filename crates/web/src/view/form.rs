use std::collections::BTreeMap;

use kernel::Invalid;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Fields that one form may have: a receipt of a thousand lines stays below it.
const MAX_FIELDS: usize = 8_000;

/// Makes an input struct of a form's fields. `lines[2].lot=A` stands for the field `lot` of the third line; gaps in the
/// numbering close up. The structs hold text as typed, so that a refused form can show it again.
pub fn read<T: DeserializeOwned>(fields: Vec<(String, String)>) -> Result<T, Invalid> {
    if fields.len() > MAX_FIELDS {
        return Err(Invalid(format!("has more than {MAX_FIELDS} fields; send it in parts")));
    }
    let mut whole = Map::new();
    let mut lists: BTreeMap<String, BTreeMap<usize, Map<String, Value>>> = BTreeMap::new();
    for (name, text) in fields {
        match row(&name) {
            Some((list, index, field)) => {
                lists.entry(list.to_owned()).or_default().entry(index).or_default().insert(field.to_owned(), text.into());
            }
            None => drop(whole.insert(name, text.into())),
        }
    }
    for (list, rows) in lists {
        whole.insert(list, rows.into_values().map(Value::Object).collect());
    }
    serde_json::from_value(Value::Object(whole)).map_err(|_| Invalid("does not have the fields of this form".into()))
}

fn row(name: &str) -> Option<(&str, usize, &str)> {
    let (list, rest) = name.split_once('[')?;
    let (index, field) = rest.split_once("].")?;
    Some((list, index.parse().ok()?, field))
}

/// A checkbox: its field is there when it is ticked, whatever its value.
pub fn ticked<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(!matches!(String::deserialize(from)?.as_str(), "" | "false" | "off"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Input {
        code: String,
        #[serde(deserialize_with = "ticked")]
        active: bool,
        lines: Vec<Line>,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Line {
        lot: String,
        quantity: String,
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn rows_are_gathered_in_order_and_gaps_close() {
        let input: Input = read(fields(&[
            ("lines[10].lot", "B"),
            ("code", "R-1"),
            ("lines[2].lot", "A"),
            ("lines[2].quantity", "x"),
            ("active", "on"),
        ]))
        .unwrap();
        let line = |lot: &str, quantity: &str| Line { lot: lot.into(), quantity: quantity.into() };
        assert_eq!(input, Input { code: "R-1".into(), active: true, lines: vec![line("A", "x"), line("B", "")] });
    }

    #[test]
    fn an_absent_box_is_not_ticked_and_strange_names_do_no_harm() {
        let input: Input = read(fields(&[("lines[99999999999999999999].lot", "A"), ("lines[", "x"), ("other", "y")])).unwrap();
        assert_eq!(input, Input::default());
        assert!(read::<Input>(fields(&[("lines", "not a list")])).is_err());
        assert!(read::<Input>(vec![("a".into(), String::new()); MAX_FIELDS + 1]).is_err());
    }
}
