use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ErrorCode, FieldError};
use platform::auth::Principal;
use platform::{Error, Hidden, Result};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Codes, CredentialKind, REFRESH_LIFETIME, Tenant, refuse_if_any};
use crate::{Password, Secret};

const MAX_FAILURES: i32 = 5;
const LOCK: TimeDelta = TimeDelta::minutes(15);

/// What a sign-in is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInKind {
    /// Pages: the secret goes into the session cookie and holds for 12 hours.
    Session,
    /// Programs: the secret is an access token, and a refresh token gives further ones for 30 days after its last use.
    Access,
}

impl SignInKind {
    /// Of the session, unless it is used.
    pub fn lifetime(self) -> TimeDelta {
        match self {
            Self::Session => TimeDelta::hours(12),
            Self::Access => REFRESH_LIFETIME,
        }
    }

    pub(crate) fn credential(self) -> CredentialKind {
        match self {
            Self::Session => CredentialKind::Session,
            Self::Access => CredentialKind::Access,
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Session => "page session",
            Self::Access => "access tokens",
        }
    }
}

/// What somebody signs in with.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Upper and lower case are the same.
    pub email: String,
    #[schema(value_type = String, format = "password")]
    pub password: Password,
    /// Needed only when the same address and password open several tenants.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Six digits of the authenticator application, for those who have a second factor.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "123456")]
    pub code: Option<Hidden>,
    /// Instead of `code`: one of the codes that were shown when the second factor was set up. Each works once.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub recovery_code: Option<Hidden>,
}

impl Credentials {
    pub(crate) fn validate(&self) -> Result<()> {
        let mut errors = Vec::new();
        if self.email.trim().is_empty() {
            errors.push(FieldError::new("email", "must not be empty"));
        }
        if self.password.is_empty() {
            errors.push(FieldError::new("password", "must not be empty"));
        }
        Codes::new(&mut errors, self.code.as_ref(), self.recovery_code.as_ref());
        refuse_if_any(errors)
    }

    pub(crate) fn codes(&self) -> Codes<'_> {
        Codes::new(&mut Vec::new(), self.code.as_ref(), self.recovery_code.as_ref())
    }

    /// The tenant as it was given; an empty field of a form is none.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref().map(str::trim).filter(|tenant| !tenant.is_empty())
    }
}

/// How a sign-in with the right password ended.
#[derive(Clone, Debug)]
pub enum SignIn {
    Done(SignedIn),
    /// The password opens several tenants: ask which, and sign in again with it.
    ChooseTenant(Vec<Tenant>),
    /// A code is missing: ask for it, and go on with this ticket, which stands for the password for five minutes.
    SecondFactor(Hidden),
}

#[derive(Clone, Debug)]
pub struct SignedIn {
    /// What the session cookie holds, or an access token.
    pub secret: Secret,
    pub expires_at: DateTime<Utc>,
    /// With an access token: what gives the next one, and until when.
    pub refresh: Option<(Secret, DateTime<Utc>)>,
    pub principal: Principal,
}

/// Failed sign-ins in a row, and the lock that too many of them bring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lockout {
    pub failures: i32,
    pub locked_until: Option<DateTime<Utc>>,
}

impl Lockout {
    /// How long the lock still holds.
    pub fn remaining(self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.locked_until.map(|until| until - now).filter(|left| *left > TimeDelta::zero())
    }

    /// A lock that ended starts the count anew.
    pub fn after_failure(self, now: DateTime<Utc>) -> Self {
        let failures = if self.locked_until.is_some() { 1 } else { self.failures + 1 };
        Self { failures, locked_until: (failures >= MAX_FAILURES).then(|| now + LOCK) }
    }
}

pub(crate) fn locked(left: TimeDelta) -> Error {
    let minutes = (left.num_seconds() + 59) / 60;
    let detail = format!("too many failed sign-ins: locked for another {minutes} min");
    let seconds = u32::try_from(left.num_seconds().max(1)).unwrap_or(1);
    Error { retry_after: Some(seconds), ..Error::new(ErrorCode::AccountLocked, detail) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_lock_and_an_ended_lock_counts_anew() {
        let now = DateTime::UNIX_EPOCH;
        let mut lockout = Lockout::default();
        for _ in 0..4 {
            lockout = lockout.after_failure(now);
            assert_eq!(lockout.remaining(now), None);
        }
        lockout = lockout.after_failure(now);
        assert_eq!(lockout.remaining(now), Some(LOCK));
        assert_eq!(lockout.remaining(now + LOCK), None);
        assert_eq!(lockout.after_failure(now + LOCK), Lockout { failures: 1, locked_until: None });
        assert_eq!(locked(TimeDelta::seconds(61)).retry_after, Some(61));
    }
}
