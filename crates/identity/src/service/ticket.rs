//! What stands for the right password between the two steps of a sign-in. Nothing is stored: the ticket is sealed, and
//! worth nothing without a code.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ErrorCode, TenantId, UserId};
use platform::{App, Error, Hidden, Result};
use serde::{Deserialize, Serialize};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::Identity;
use crate::store::Account;

const LIFETIME: TimeDelta = TimeDelta::minutes(5);
const PURPOSE: &str = "sign-in ticket";

#[derive(Serialize, Deserialize)]
pub(super) struct Ticket {
    pub tenant: TenantId,
    pub email: String,
    user: UserId,
    /// Of the password's hash: another password makes the ticket worthless.
    password: [u8; 32],
    ends_at: DateTime<Utc>,
}

impl Ticket {
    pub fn is_of(&self, account: &Account) -> bool {
        self.user == account.user_id && self.password == fingerprint(account)
    }
}

fn fingerprint(account: &Account) -> [u8; 32] {
    Sha256::digest(&account.password_hash).into()
}

pub(super) async fn make(app: &App, tenant: &TenantId, email: &str, account: &Account) -> Result<Hidden> {
    let ticket = Ticket {
        tenant: tenant.clone(),
        email: email.to_owned(),
        user: account.user_id,
        password: fingerprint(account),
        ends_at: app.env.now() + LIFETIME,
    };
    let plain = serde_json::to_vec(&ticket).map_err(Error::internal)?;
    let key = Identity::of(app)?.sealing().await?;
    Ok(Hidden::from(URL_SAFE_NO_PAD.encode(key.seal(&app.env, PURPOSE, &plain)?)))
}

pub(super) async fn open(app: &App, ticket: &str) -> Result<Ticket> {
    let key = Identity::of(app)?.sealing().await?;
    let plain = URL_SAFE_NO_PAD.decode(ticket).ok().and_then(|sealed| key.open(PURPOSE, &sealed));
    let ticket: Option<Ticket> = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
    ticket.filter(|ticket| ticket.ends_at > app.env.now()).ok_or_else(too_late)
}

pub(super) fn too_late() -> Error {
    Error::new(ErrorCode::WrongCredentials, "the sign-in took too long: begin again with address and password")
}
