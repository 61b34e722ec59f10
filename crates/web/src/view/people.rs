use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Choice, Errors, Page, PublicPage};

#[derive(Debug, Serialize)]
pub struct SignIn {
    pub page: PublicPage,
    pub input: SignInInput,
    pub errors: Errors,
    /// Filled when the address belongs to several organisations and one must be chosen.
    pub tenants: Vec<Choice>,
    pub notice: Option<String>,
}

/// `next` is the page to open afterwards.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SignInInput {
    pub email: String,
    #[serde(skip_serializing)]
    pub password: String,
    pub tenant: String,
    pub next: String,
}

impl std::fmt::Debug for SignInInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInInput").field("email", &self.email).field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

#[derive(Debug, Serialize)]
pub struct UserList {
    pub page: Page,
    pub users: Vec<UserRow>,
    pub can_write: bool,
}

#[derive(Debug, Serialize)]
pub struct UserRow {
    pub href: String,
    pub name: String,
    pub email: String,
    pub role: String,
    pub is_active: bool,
    pub is_self: bool,
    pub locked_until: Option<DateTime<Utc>>,
    pub last_sign_in_at: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
pub struct UserForm {
    pub page: Page,
    /// Absent when the user is new.
    pub href: Option<String>,
    pub roles: Vec<Choice>,
    pub input: UserInput,
    pub errors: Errors,
    pub is_active: bool,
    pub is_self: bool,
    pub locked_until: Option<DateTime<Utc>>,
    pub has_second_factor: bool,
    /// Shown this once, after a user was made or the password reset.
    pub one_time_password: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserInput {
    pub idempotency_key: String,
    pub version: String,
    pub name: String,
    pub email: String,
    pub role: String,
}

#[derive(Serialize)]
pub struct TokenList {
    pub page: Page,
    pub tokens: Vec<TokenRow>,
    pub roles: Vec<Choice>,
    pub input: TokenInput,
    pub errors: Errors,
    /// The new token itself, shown this once.
    pub created: Option<String>,
    pub can_write: bool,
}

#[derive(Debug, Serialize)]
pub struct TokenRow {
    pub href: String,
    pub name: String,
    pub role: String,
    pub owner: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub is_revoked: bool,
    pub is_expired: bool,
}

/// `days` until it expires; empty for a token that does not.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenInput {
    pub idempotency_key: String,
    pub name: String,
    pub role: String,
    pub days: String,
}
