//! Reads what people type into forms and gathers everything that cannot be read, each under its input's own name.

use std::str::FromStr;

use kernel::{ErrorCode, FieldError, Invalid, Quantity};
use platform::{Error, Result};

/// What could not be read so far.
#[derive(Default)]
pub struct Typed {
    faults: Vec<FieldError>,
}

impl Typed {
    pub fn refuse(&mut self, field: &str, message: impl Into<String>) {
        self.faults.push(FieldError::new(field, message));
    }

    /// Nothing when the input is empty or cannot be read.
    pub fn number(&mut self, field: &str, text: &str) -> Option<Quantity> {
        self.word(field, text)
    }

    /// As [`Typed::number`], where the input must not be empty.
    pub fn needed_number(&mut self, field: &str, text: &str) -> Option<Quantity> {
        if text.trim().is_empty() {
            self.refuse(field, "must not be empty");
        }
        self.number(field, text)
    }

    pub fn whole(&mut self, field: &str, text: &str) -> Option<i32> {
        let text = given(text)?;
        text.parse().map_err(|_| self.refuse(field, "must be a whole number, such as 12")).ok()
    }

    /// One of the words of a type, or a number.
    pub fn word<T: FromStr<Err = Invalid>>(&mut self, field: &str, text: &str) -> Option<T> {
        given(text)?.parse().map_err(|invalid: Invalid| self.refuse(field, invalid.0)).ok()
    }

    /// Numbers that only count together: nothing when all inputs are empty. In place of one that cannot be read, or is
    /// missing beside the others, stands 1: it is told here and must not be told again.
    pub fn together<const N: usize>(&mut self, inputs: [(&str, &str); N]) -> Option<[Quantity; N]> {
        if inputs.iter().all(|(_, text)| given(text).is_none()) {
            return None;
        }
        Some(inputs.map(|(field, text)| {
            if given(text).is_none() {
                self.refuse(field, "is needed too: give all of them or none");
            }
            self.number(field, text).unwrap_or(Quantity::from(1))
        }))
    }

    /// Refuses with what was found here and in `more`, what the rules say about the values that could be read.
    pub fn done(mut self, more: Vec<FieldError>) -> Result<()> {
        let known: Vec<String> = self.faults.iter().map(|fault| fault.field.clone()).collect();
        self.faults.extend(more.into_iter().filter(|fault| !known.contains(&fault.field)));
        if self.faults.is_empty() { Ok(()) } else { Err(Error::invalid(self.faults)) }
    }
}

/// What stands in an input, unless it is empty.
pub fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// As [`given`], for filters.
pub fn wanted(text: &str) -> Option<String> {
    given(text).map(str::to_owned)
}

/// The entries of an input that takes several, one per line or separated by commas.
pub fn listed(text: &str) -> Option<Vec<String>> {
    let entries: Vec<String> = text.split(['\n', ',', ';']).filter_map(given).map(str::to_owned).collect();
    Some(entries).filter(|entries| !entries.is_empty())
}

/// A fault of one entry stands beside the input that takes them all.
pub fn unnumbered(mut error: Error) -> Error {
    for fault in &mut error.fields {
        if let Some(at) = fault.field.find("serials[") {
            fault.field.truncate(at + "serials".len());
        }
    }
    error
}

/// The faults under the names that the form's inputs have; `names` pairs the rules' names with them.
pub fn renamed(mut faults: Vec<FieldError>, names: &[(&str, &str)]) -> Vec<FieldError> {
    for fault in &mut faults {
        if let Some((_, input)) = names.iter().find(|(field, _)| *field == fault.field) {
            fault.field = (*input).to_owned();
        }
    }
    faults
}

/// The error as the form with these names shows it. That somebody else was faster concerns the whole form.
pub fn for_form(error: Error, names: &[(&str, &str)]) -> Error {
    if error.code == ErrorCode::VersionConflict {
        return Error::new(ErrorCode::VersionConflict, "somebody else changed it meanwhile");
    }
    let fields = renamed(error.fields, names);
    Error { fields, ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(error: &Error) -> Vec<(&str, &str)> {
        error.fields.iter().map(|fault| (fault.field.as_str(), fault.message.as_str())).collect()
    }

    #[test]
    fn an_empty_input_is_nothing_and_a_bad_one_is_told_once() {
        let mut typed = Typed::default();
        assert_eq!((typed.number("weight", " "), typed.whole("days", "")), (None, None));
        assert_eq!(typed.number("weight", " 1.5 ").map(|number| number.to_string()).as_deref(), Some("1.5"));
        assert_eq!(
            (typed.number("weight", "heavy"), typed.whole("days", "1.5"), typed.needed_number("most", "")),
            (None, None, None)
        );
        let more = vec![FieldError::new("weight", "again"), FieldError::new("code", "must not be empty")];
        let error = typed.done(more).unwrap_err();
        let names: Vec<_> = fields(&error).into_iter().map(|(field, _)| field).collect();
        assert_eq!(names, ["weight", "days", "most", "code"]);
        assert!(Typed::default().done(Vec::new()).is_ok());
    }

    #[test]
    fn sides_come_together_or_not_at_all() {
        let mut typed = Typed::default();
        assert_eq!(typed.together([("length", ""), ("width", " ")]), None);
        let sides = typed.together([("length", "2"), ("width", ""), ("height", "x")]).unwrap();
        assert_eq!(sides.map(|side| side.to_string()), ["2", "1", "1"]);
        let error = typed.done(Vec::new()).unwrap_err();
        assert_eq!(fields(&error)[0], ("width", "is needed too: give all of them or none"));
        assert_eq!(fields(&error)[1].0, "height");
        assert_eq!(fields(&error).len(), 2);
    }

    #[test]
    fn faults_bear_the_names_of_the_inputs() {
        let error = Error::invalid(vec![FieldError::new("dimensions.length", "a"), FieldError::new("code", "b")]);
        let error = for_form(error, &[("dimensions.length", "length")]);
        assert_eq!(fields(&error), [("length", "a"), ("code", "b")]);
        let late = Error::new(ErrorCode::VersionConflict, "item \"A\" is at version 3").at("version");
        assert!(for_form(late, &[]).fields.is_empty());
    }
}
