//! Who may come in: tenants, users with their roles and second factors, and the credentials that prove who calls (page
//! sessions, access tokens with their refresh tokens, named API tokens).
//!
//! Invariants: a secret is kept as its SHA-256 only and leaves this crate once, when it is made (that of an authenticator
//! application must be read again and is kept sealed). A refresh token and a one-time code work once. Nobody grants a role above
//! their own, changes a user above them, or deactivates or demotes themselves; a tenant keeps an active administrator who
//! can sign in. Once a request that revokes a credential has returned, this process refuses that credential; other
//! processes do so as soon as they hear the event, and within [`authenticator::REMEMBERED`] in any case.
//!
//! Publishes `identity.user.changed` and `identity.credentials.changed`; the entity of both is the user.

pub mod authenticator;
mod graphql;
mod http;
mod jwt;
mod keys;
mod model;
mod password;
mod seal;
mod secret;
pub mod service;
mod store;
mod totp;

pub use authenticator::Identity;
pub use graphql::IdentityQuery;
pub use http::api;
pub use model::{
    CreatedUser, Credentials, IssuedToken, NewTenant, NewToken, NewUser, PasswordChange, PasswordReset, RefreshInput,
    SecondFactor, SecondFactorProof, Session, SignIn, SignInKind, SignedIn, Tenant, Token, TokenFilter, TotpCode, TotpRequest,
    User, UserFilter, UserPatch,
};
pub use password::Password;
use platform::App;
use platform::auth::{Permission, roles};
use platform::jobs::Jobs;
pub use secret::Secret;
pub use totp::TotpSetup;

pub const USERS_READ: Permission = Permission::new("users:read", roles::ADMIN);
pub const USERS_WRITE: Permission = Permission::new("users:write", roles::ADMIN);
pub const TOKENS_READ: Permission = Permission::new("tokens:read", roles::ADMIN);
pub const TOKENS_WRITE: Permission = Permission::new("tokens:write", roles::ADMIN);
/// Founding a tenant; only an actor inside the new tenant can use it, which is the system and nobody else.
pub const TENANTS_WRITE: Permission = Permission::new("tenants:write", roles::SUPER_ADMIN);

pub fn jobs() -> Jobs {
    Jobs::default().chore("purge expired credentials", "41 3 * * *", |app: App| async move {
        let removed = service::purge(&app).await?;
        Ok(format!("{removed} credentials removed"))
    })
}
