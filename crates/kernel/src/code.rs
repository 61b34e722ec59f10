use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// The user's own code of an item, a location and so on: 1 to 64 characters, no control characters, no space at either end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Code(String);

impl Code {
    pub const MAX_CHARS: usize = 64;

    /// Trims surrounding white space, then checks length and characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Invalid("must not be empty".into()));
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(Invalid(format!("must be at most {} characters long", Self::MAX_CHARS)));
        }
        if text.chars().any(char::is_control) {
            return Err(Invalid("must not contain control characters".into()));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a tenant: 1 to 40 of `a-z`, `0-9` and `-`, beginning with a letter or digit.
///
/// The narrow alphabet is what allows it to stand inside a `SET` statement, which takes no parameters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

impl TenantId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let well_formed = (1..=40).contains(&text.len())
            && !text.starts_with('-')
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid("must be 1 to 40 of the characters a-z, 0-9 and '-', not beginning with '-'".into()))
        }
    }
}

impl TryFrom<String> for TenantId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_can_never_break_out_of_a_set_statement() {
        for bad in ["", "-a", "A", "a'b", "a b", "a;b", "é", &"a".repeat(41)] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad:?} was accepted");
        }
        assert!("demo-2".parse::<TenantId>().is_ok());
    }

    #[test]
    fn a_code_is_trimmed_and_bounded() {
        assert_eq!(Code::parse("  A-1 ").unwrap().as_str(), "A-1");
        assert!(Code::parse("   ").is_err());
        assert!(Code::parse("a\u{0}b").is_err());
        assert!(Code::parse(&"x".repeat(65)).is_err());
    }
}
