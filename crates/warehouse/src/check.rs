//! Collects everything that is wrong with an input, so that the caller hears of all of it at once.

use std::fmt::Display;

use kernel::{Code, FieldError, Invalid};
use platform::{Error, Result};

#[derive(Debug, Default)]
pub(crate) struct Checks {
    errors: Vec<FieldError>,
    prefix: String,
}

impl Checks {
    /// Field names get `prefix` in front until the next call, for instance `lines[3].`.
    pub fn inside(&mut self, prefix: impl Into<String>) -> &mut Self {
        self.prefix = prefix.into();
        self
    }

    pub fn refuse(&mut self, field: impl Display, message: impl Into<String>) {
        self.errors.push(FieldError::new(format!("{}{field}", self.prefix), message));
    }

    pub fn require(&mut self, holds: bool, field: impl Display, message: &str) {
        if !holds {
            self.refuse(field, message);
        }
    }

    pub fn take<T>(&mut self, field: impl Display, value: Result<T, Invalid>) -> Option<T> {
        value.map_err(|invalid| self.refuse(field, invalid.0)).ok()
    }

    pub fn code(&mut self, field: &str, value: &str) -> String {
        self.take(field, Code::parse(value)).map_or_else(String::new, Code::into_string)
    }

    /// Trimmed; at most `max` characters, none of them a control character.
    pub fn text(&mut self, field: &str, value: &str, max: usize) -> String {
        let value = value.trim();
        if value.chars().count() > max {
            self.refuse(field, format!("must be at most {max} characters long"));
        } else if value.chars().any(char::is_control) {
            self.refuse(field, "must not contain control characters");
        }
        value.to_owned()
    }

    /// As [`Checks::text`], and not empty.
    pub fn name(&mut self, field: &str, value: &str, max: usize) -> String {
        let text = self.text(field, value, max);
        self.require(!text.is_empty(), field, "must not be empty");
        text
    }

    pub fn done(self) -> Result<()> {
        if self.errors.is_empty() { Ok(()) } else { Err(Error::invalid(self.errors)) }
    }
}

/// For a JSON member whose absence means "leave it" and whose `null` means "clear it".
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    serde::Deserialize::deserialize(deserializer).map(Some)
}

/// A reference is an id when it reads as one, else a code.
pub(crate) fn as_id(reference: &str) -> Option<uuid::Uuid> {
    uuid::Uuid::parse_str(reference.trim()).ok()
}

/// The documents' queries name the organisation; only the caller's own may be asked about.
pub(crate) fn refuse_foreign_tenant(actor: &platform::auth::Actor, given: Option<&str>) -> Result<()> {
    match given.map(str::trim).filter(|given| !given.is_empty()) {
        Some(given) if given != actor.tenant().as_str() => {
            let detail = "tenantId: must be the organisation of the token, or absent";
            Err(Error::new(kernel::ErrorCode::Forbidden, detail))
        }
        _ => Ok(()),
    }
}
