use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Errors, Page, PublicPage};

#[derive(Debug, Serialize)]
pub struct Account {
    pub page: Page,
    pub email: String,
    pub errors: Errors,
    /// Absent when there is no second factor.
    pub second_factor_since: Option<DateTime<Utc>>,
    pub recovery_codes_left: i64,
    pub sessions: Vec<SessionRow>,
}

/// Where somebody is signed in. `program` and `network` are empty when they are not known.
#[derive(Debug, Serialize)]
pub struct SessionRow {
    pub href: String,
    /// A browser; else a program with access tokens.
    pub is_page: bool,
    pub is_current: bool,
    pub program: String,
    pub network: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AccountInput {
    pub idempotency_key: String,
    pub current_password: String,
    pub new_password: String,
    pub new_password_again: String,
}

/// The second step of a sign-in.
#[derive(Serialize)]
pub struct CodeStep {
    pub page: PublicPage,
    pub input: CodeStepInput,
    pub errors: Errors,
}

/// `ticket` stands for the password that was right; `next` is the page to open afterwards.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CodeStepInput {
    pub ticket: String,
    pub next: String,
    #[serde(skip_serializing)]
    pub code: String,
    #[serde(skip_serializing)]
    pub recovery_code: String,
}

/// One's own second factor: off, being set up (`setup`), or on.
#[derive(Serialize)]
pub struct SecondFactorPage {
    pub page: Page,
    pub email: String,
    pub errors: Errors,
    pub enabled_at: Option<DateTime<Utc>>,
    pub recovery_codes_left: i64,
    pub setup: Option<TotpCodes>,
    /// Shown this once, after the first code was right.
    pub recovery_codes: Vec<String>,
}

/// `qr` is a picture as a `data:` address.
#[derive(Serialize)]
pub struct TotpCodes {
    pub secret: String,
    pub uri: String,
    pub qr: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SecondFactorInput {
    pub idempotency_key: String,
    pub current_password: String,
    pub password: String,
    pub code: String,
    pub recovery_code: String,
}
