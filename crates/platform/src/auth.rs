//! Who calls, and what they may. Contexts declare [`Permission`]s; identity turns a secret into a [`Principal`].

use std::any::Any;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use kernel::{Env, ErrorCode, Invalid, TenantId, UserId};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A named set of permissions; see [`Permission`] for how the sets are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    Viewer,
    Staff,
    Admin,
    SuperAdmin,
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Staff, Role::Admin, Role::SuperAdmin];

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "VIEWER",
            Role::Staff => "STAFF",
            Role::Admin => "ADMIN",
            Role::SuperAdmin => "SUPER_ADMIN",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| Invalid("must be one of VIEWER, STAFF, ADMIN, SUPER_ADMIN".into()))
    }
}

/// One thing that may be done, with the roles that hold it. Each context declares its own as constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// `context:verb`, for instance `items:write`.
    pub name: &'static str,
    roles: &'static [Role],
}

impl Permission {
    pub const fn new(name: &'static str, roles: &'static [Role]) -> Self {
        Self { name, roles }
    }

    pub fn held_by(self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// The usual role sets for [`Permission::new`].
pub mod roles {
    use super::Role;

    pub const EVERYBODY: &[Role] = &[Role::Viewer, Role::Staff, Role::Admin, Role::SuperAdmin];
    pub const STAFF: &[Role] = &[Role::Staff, Role::Admin, Role::SuperAdmin];
    pub const ADMIN: &[Role] = &[Role::Admin, Role::SuperAdmin];
    pub const SUPER_ADMIN: &[Role] = &[Role::SuperAdmin];
}

/// Somebody who proved who they are.
#[derive(Clone, Debug)]
pub struct Principal {
    pub tenant: TenantId,
    pub user: UserId,
    pub name: String,
    pub email: String,
    pub role: Role,
    pub expires_at: Option<DateTime<Utc>>,
}

/// A principal in the middle of one request: what every service takes to authorise, to stamp and to audit.
#[derive(Clone, Debug)]
pub struct Actor {
    pub principal: Principal,
    pub request_id: String,
    pub env: Env,
}

impl Actor {
    /// For work that no person asked for: demo data, jobs by the clock, commands on the console of the machine.
    pub fn system(tenant: TenantId, env: Env, name: &str) -> Self {
        let principal = Principal {
            tenant,
            user: UserId(uuid::Uuid::nil()),
            name: name.to_owned(),
            email: String::new(),
            role: Role::SuperAdmin,
            expires_at: None,
        };
        let request_id = env.new_id().simple().to_string();
        Self { principal, request_id, env }
    }

    pub fn tenant(&self) -> &TenantId {
        &self.principal.tenant
    }

    pub fn may(&self, permission: Permission) -> bool {
        permission.held_by(self.principal.role)
    }

    /// Refuses unless the role holds the permission. Every service calls it first, whichever door the call came through.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.may(permission) {
            return Ok(());
        }
        let role = self.principal.role;
        Err(Error::new(ErrorCode::Forbidden, format!("the role {role} does not hold the permission {}", permission.name)))
    }
}

/// Turns a secret (bearer token or session cookie) into the principal it stands for; `None` when it stands for nobody, an
/// error when there is more to say. Whoever implements it finds its own state in the application again through [`Any`].
pub trait Authenticator: Any + Send + Sync {
    fn authenticate<'a>(&'a self, secret: &'a str) -> BoxFuture<'a, Result<Option<Principal>>>;
}
