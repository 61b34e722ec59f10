use chrono::{DateTime, Utc};
use kernel::FieldError;
use platform::{Hidden, Result};
use serde::Deserialize;
use utoipa::ToSchema;

use super::refuse_if_any;
use crate::Password;

/// Longer than any code with all its spaces.
const CODE_MAX_CHARS: usize = 64;

/// How one's own second factor stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecondFactor {
    /// When the first code was confirmed; a sign-in asks for a code since then.
    pub enabled_at: Option<DateTime<Utc>>,
    /// A secret was made and no code of it confirmed yet.
    pub is_pending: bool,
    pub recovery_codes_left: i64,
}

/// Asks for a new secret for the authenticator application.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpRequest {
    #[schema(value_type = String, format = "password")]
    pub current_password: Password,
}

impl TotpRequest {
    pub(crate) fn validate(&self) -> Result<()> {
        let mut errors = Vec::new();
        if self.current_password.is_empty() {
            errors.push(FieldError::new("current_password", "must not be empty"));
        }
        refuse_if_any(errors)
    }
}

/// The first code that the application shows.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpCode {
    /// Six digits.
    #[schema(value_type = String, example = "123456")]
    pub code: Hidden,
}

/// What it takes to end one's second factor: the password, and a code of either kind.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorProof {
    #[schema(value_type = String, format = "password")]
    pub password: Password,
    /// Six digits of the authenticator application.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub code: Option<Hidden>,
    /// One of the codes that were shown when the second factor was set up.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub recovery_code: Option<Hidden>,
}

impl SecondFactorProof {
    pub(crate) fn validate(&self) -> Result<()> {
        let mut errors = Vec::new();
        if self.password.is_empty() {
            errors.push(FieldError::new("password", "must not be empty"));
        }
        let codes = Codes::new(&mut errors, self.code.as_ref(), self.recovery_code.as_ref());
        if codes.is_empty() {
            errors.push(FieldError::new("code", "must be given, or recovery_code"));
        }
        refuse_if_any(errors)
    }
}

/// The code that came with a request, if one did.
#[derive(Clone, Copy)]
pub(crate) struct Codes<'a> {
    pub code: Option<&'a str>,
    pub recovery_code: Option<&'a str>,
}

impl<'a> Codes<'a> {
    /// An empty field of a form is none.
    pub fn new(errors: &mut Vec<FieldError>, code: Option<&'a Hidden>, recovery_code: Option<&'a Hidden>) -> Self {
        let mut given = |field: &str, code: Option<&'a Hidden>| {
            let code = code.map(|code| code.expose().trim()).filter(|code| !code.is_empty())?;
            if code.chars().count() > CODE_MAX_CHARS {
                errors.push(FieldError::new(field, format!("must be at most {CODE_MAX_CHARS} characters long")));
            }
            Some(code)
        };
        let codes = Self { code: given("code", code), recovery_code: given("recovery_code", recovery_code) };
        if codes.code.is_some() && codes.recovery_code.is_some() {
            errors.push(FieldError::new("recovery_code", "must not come together with code"));
        }
        codes
    }

    pub fn is_empty(self) -> bool {
        self.code.is_none() && self.recovery_code.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_of_a_proof_are_named_at_once() {
        let fields = |proof: SecondFactorProof| -> Vec<String> {
            proof.validate().unwrap_err().fields.into_iter().map(|field| field.field).collect()
        };
        let code = |text: &str| Some(Hidden::from(text.to_owned()));
        assert_eq!(fields(SecondFactorProof::default()), ["password", "code"]);
        let both = SecondFactorProof { code: code("123456"), recovery_code: code("abcd"), ..SecondFactorProof::default() };
        assert_eq!(fields(both), ["password", "recovery_code"]);
        let long = SecondFactorProof { password: "x".to_owned().into(), code: code(&"1".repeat(65)), recovery_code: code(" ") };
        assert_eq!(fields(long), ["code"]);
    }
}
