//! Use cases. Reads take a connection, writes the caller's transaction; only what must commit by itself (sign-in with its
//! count of failures, sign-out, refreshing, one's own password and second factor) takes the application.

mod refresh;
mod second_factor;
mod sessions;
mod sign_in;
mod tenants;
mod ticket;
mod tokens;
mod users;

use kernel::UserId;
use platform::auth::Actor;
use platform::database::{Database, Tx};
use platform::events::Event;
use platform::{App, Result};
use serde_json::json;

pub use refresh::refresh;
pub use second_factor::{
    confirm_totp, disable_second_factor, pending_totp, reset_second_factor, second_factor_of_caller, set_up_totp,
};
pub use sessions::{end_own_session, list_own_sessions, sign_out_everywhere};
pub use sign_in::{Visit, change_own_password, finish_sign_in, sign_in, sign_out};
pub use tenants::{create_tenant, tenant, tenant_exists, tenant_ids};
pub use tokens::{create_api_token, create_machine_token, list_tokens, revoke_token};
pub use users::{create_user, get_user, list_users, names_of, reset_password, update_user};

use crate::authenticator::doubt;
use crate::secret::Digest;
use crate::store;

pub(crate) const CREDENTIALS_CHANGED: &str = "identity.credentials.changed";
const USER_CHANGED: &str = "identity.user.changed";

/// Whether anybody could sign in, in whatever tenant: false before the first start was completed.
pub async fn any_user(db: &Database) -> Result<bool> {
    db.without_tenant(async |connection| store::any_user(connection).await).await
}

/// Drops credentials that ended a month ago, of all tenants; how many.
pub async fn purge(app: &App) -> Result<i64> {
    let now = app.env.now();
    app.db.without_tenant(async |connection| store::purge(connection, now).await).await
}

/// What these credentials may do changes with this transaction: no process goes on with what it remembers.
fn credentials_changed(tx: &mut Tx, actor: &Actor, user: UserId, digests: &[Digest]) {
    if digests.is_empty() {
        return;
    }
    doubt(digests);
    tx.publish(actor, Event::new(CREDENTIALS_CHANGED, user, json!({})));
}

fn user_changed(tx: &mut Tx, actor: &Actor, user: UserId) {
    tx.publish(actor, Event::new(USER_CHANGED, user, json!({})));
}
