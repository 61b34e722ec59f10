use chrono::{DateTime, TimeDelta, Utc};
use kernel::{FieldError, UserId};
use platform::Result;
use platform::auth::Role;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{User, collect, name, refuse_if_any};
use crate::Secret;

/// An API token that expires does so within this time.
const LONGEST_TOKEN: TimeDelta = TimeDelta::days(3650);

/// What a credential was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialKind {
    Session,
    Access,
    ApiToken,
}

impl CredentialKind {
    pub const ALL: [Self; 3] = [Self::Session, Self::Access, Self::ApiToken];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "SESSION",
            Self::Access => "ACCESS",
            Self::ApiToken => "API_TOKEN",
        }
    }

    pub fn prefix(self) -> &'static str {
        match self {
            Self::Session => "ses",
            Self::Access => "acc",
            Self::ApiToken => "ent",
        }
    }

    /// An API token may do less than its user; a session does what its user may at the moment.
    pub fn role(self, own: Role, user: Role) -> Role {
        match self {
            Self::ApiToken => own.min(user),
            Self::Session | Self::Access => user,
        }
    }
}

/// A named API token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub token_id: Uuid,
    pub name: String,
    pub role: Role,
    pub user_id: UserId,
    pub user_name: String,
    pub created_at: DateTime<Utc>,
    /// Never, when absent.
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for, 1 to 200 characters.
    pub name: String,
    /// At most the caller's role and that of the user it stands for.
    pub role: Role,
    /// Id or address of the user it stands for; the caller when absent.
    #[serde(default)]
    pub user: Option<String>,
    /// In the future, within ten years; never when absent.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
}

impl NewToken {
    /// The trimmed name, provided that all is acceptable for a token of `owner`.
    pub(crate) fn validated(&self, owner: &User, now: DateTime<Utc>) -> Result<String> {
        let mut errors = Vec::new();
        let name = collect(&mut errors, "name", name(&self.name));
        if self.role > owner.role {
            errors.push(FieldError::new("role", format!("must be at most the user's own role, {}", owner.role)));
        }
        if !owner.is_active {
            errors.push(FieldError::new("user", "must be active"));
        }
        match self.expires_at {
            Some(at) if at <= now => errors.push(FieldError::new("expires_at", "must be in the future")),
            Some(at) if at > now + LONGEST_TOKEN => errors.push(FieldError::new("expires_at", "must be within ten years")),
            _ => {}
        }
        refuse_if_any(errors)?;
        Ok(name.unwrap_or_default())
    }
}

/// A new token with its secret, which is not stored anywhere, nor in the answer kept for a repeated request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssuedToken {
    pub token: Token,
    #[serde(skip)]
    pub secret: Option<Secret>,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TokenFilter {
    /// `true`: neither revoked nor expired; `false`: one of the two.
    pub active: Option<bool>,
    /// Tokens that stand for this user.
    pub user_id: Option<Uuid>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::user::sample;

    #[test]
    fn a_token_is_never_stronger_than_its_user() {
        for own in Role::ALL {
            for user in Role::ALL {
                assert!(CredentialKind::ApiToken.role(own, user) <= user);
                assert!(CredentialKind::ApiToken.role(own, user) <= own);
                assert_eq!(CredentialKind::Session.role(own, user), user);
            }
        }
        let owner = sample(1, Role::Staff);
        let new = NewToken { name: "CI".into(), role: Role::Admin, user: None, expires_at: Some(DateTime::UNIX_EPOCH) };
        let fields: Vec<_> =
            new.validated(&owner, DateTime::UNIX_EPOCH).unwrap_err().fields.into_iter().map(|field| field.field).collect();
        assert_eq!(fields, ["role", "expires_at"]);
    }
}
