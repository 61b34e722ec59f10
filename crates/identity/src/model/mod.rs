//! Types and rules; no IO.

mod second_factor;
mod session;
mod sign_in;
mod token;
mod user;

use chrono::{DateTime, Utc};
use kernel::{FieldError, Invalid, TenantId};
use platform::{Error, Result};
use serde::{Deserialize, Serialize};

pub(crate) use second_factor::Codes;
pub use second_factor::{SecondFactor, SecondFactorProof, TotpCode, TotpRequest};
pub(crate) use session::{REFRESH_LIFETIME, Reuse, judge_reuse};
pub use session::{RefreshInput, Session};
pub use sign_in::{Credentials, SignIn, SignInKind, SignedIn};
pub(crate) use sign_in::{Lockout, locked};
pub(crate) use token::CredentialKind;
pub use token::{IssuedToken, NewToken, Token, TokenFilter};
pub use user::{CreatedUser, NewUser, PasswordChange, PasswordReset, User, UserFilter, UserPatch};
pub(crate) use user::{grant, keep_an_administrator, machine_email, manage, normalize_email};

const NAME_MAX: usize = 200;

/// An organisation. Nothing of one is visible to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    pub tenant_id: TenantId,
    pub name: String,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub struct NewTenant {
    pub tenant_id: TenantId,
    /// 1 to 200 characters.
    pub name: String,
}

impl NewTenant {
    pub(crate) fn name(&self) -> Result<String> {
        Ok(name(&self.name).map_err(|invalid| invalid.at("name"))?)
    }
}

pub(crate) fn name(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > NAME_MAX {
        return Err(Invalid(format!("must be 1 to {NAME_MAX} characters long")));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid("must not contain control characters".into()));
    }
    Ok(text.to_owned())
}

fn collect<T>(errors: &mut Vec<FieldError>, field: &str, checked: Result<T, Invalid>) -> Option<T> {
    checked.map_err(|invalid| errors.push(invalid.at(field))).ok()
}

fn refuse_if_any(errors: Vec<FieldError>) -> Result<()> {
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}
