use kernel::FieldError;
use serde::Serialize;

/// Why a form was not taken: what is wrong as a whole, and field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Errors {
    /// A sentence about the whole form; absent when the fields say it all.
    pub summary: Option<String>,
    pub fields: Vec<FieldProblem>,
}

/// `label` and `message` read as one sentence: "Line 4 quantity" "must be greater than 0".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// The input's name.
    pub field: String,
    pub label: String,
    pub message: String,
}

impl Errors {
    pub fn none() -> Self {
        Self::default()
    }

    pub fn is_empty(&self) -> bool {
        self.summary.is_none() && self.fields.is_empty()
    }
}

impl From<&platform::Error> for Errors {
    fn from(error: &platform::Error) -> Self {
        let fields: Vec<_> = error.fields.iter().map(FieldProblem::from).collect();
        let summary = fields.is_empty().then(|| format!("{}; {}.", capitalised(&error.detail), error.code.mend()));
        Self { summary, fields }
    }
}

impl From<&FieldError> for FieldProblem {
    fn from(error: &FieldError) -> Self {
        let label = words(&error.field);
        // "location "X" does not exist" names its subject itself.
        let names_itself = error.message.to_lowercase().starts_with(&format!("{} ", label.to_lowercase()));
        let (label, message) =
            if names_itself { (String::new(), capitalised(&error.message)) } else { (label, error.message.clone()) };
        Self { field: error.field.clone(), label, message }
    }
}

/// A field's path in words: `lines[3].expires_on` is "Line 4 expires on", `length_mm` is "Length mm".
fn words(path: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    for part in path.split('.') {
        match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
            Some((list, index)) => {
                let place = index.parse::<usize>().map_or_else(|_| index.to_owned(), |index| (index + 1).to_string());
                out.push(format!("{} {place}", list.strip_suffix('s').unwrap_or(list)));
            }
            None => out.push(part.replace('_', " ")),
        }
    }
    capitalised(&out.join(" "))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_named_in_words() {
        for (path, shown) in
            [("lines[3].expires_on", "Line 4 expires on"), ("base_unit", "Base unit"), ("code", "Code"), ("x[y].z", "X y z")]
        {
            assert_eq!(words(path), shown);
        }
    }

    #[test]
    fn the_whole_is_told_only_when_no_field_is_at_fault() {
        let whole = Errors::from(&platform::Error::conflict("the receipt is closed"));
        assert_eq!(whole.summary.as_deref(), Some("The receipt is closed; load the present state and decide again."));
        let field = Errors::from(&platform::Error::field("code", "must not be empty"));
        assert_eq!((field.summary, field.fields.len()), (None, 1));
    }
}
