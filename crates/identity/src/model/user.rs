use chrono::{DateTime, Utc};
use kernel::{ErrorCode, FieldError, Invalid, UserId};
use platform::auth::{Actor, Role};
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{collect, name, refuse_if_any};
use crate::Password;

const EMAIL_MAX: usize = 254;
/// Addresses of users that are machines. RFC 2606 keeps `.invalid` free, so that no person can have one.
const MACHINE_DOMAIN: &str = "@machine.invalid";

/// A person or a machine that works here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub user_id: UserId,
    /// Lower case, unique per tenant.
    pub email: String,
    pub name: String,
    pub role: Role,
    pub is_active: bool,
    /// A machine has no password and works with API tokens only.
    pub has_password: bool,
    /// A sign-in asks for a code as well.
    #[serde(default)]
    pub has_second_factor: bool,
    pub locked_until: Option<DateTime<Utc>>,
    /// Counts the changes; a change must name the version it saw.
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub last_sign_in_at: Option<DateTime<Utc>>,
}

impl User {
    /// Whether this user can open the tenant's administration.
    fn keeps_the_keys(&self) -> bool {
        self.is_active && self.has_password && self.role >= Role::Admin
    }
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    pub email: String,
    /// 1 to 200 characters.
    pub name: String,
    /// At most the caller's own role.
    pub role: Role,
    /// 10 to 200 characters; one is made and returned once when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "password")]
    pub password: Option<Password>,
}

impl NewUser {
    /// With the name trimmed and the address in lower case.
    pub(crate) fn validated(&self) -> Result<(String, String)> {
        let mut errors = Vec::new();
        let email = collect(&mut errors, "email", email(&self.email));
        let name = collect(&mut errors, "name", name(&self.name));
        if let Some(password) = &self.password {
            collect(&mut errors, "password", password.check(&self.email));
        }
        refuse_if_any(errors)?;
        Ok((email.unwrap_or_default(), name.unwrap_or_default()))
    }
}

#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// The version that was loaded.
    pub version: i32,
    pub name: Option<String>,
    /// At most the caller's own role; never the caller's own.
    pub role: Option<Role>,
    /// An inactive user's credentials are revoked for good.
    pub is_active: Option<bool>,
    /// Ends a lock after failed sign-ins.
    #[serde(default)]
    pub unlock: bool,
}

impl UserPatch {
    /// The user as `actor` wants it, provided that `actor` may.
    pub(crate) fn apply(&self, user: &User, actor: &Actor) -> Result<User> {
        manage(actor, user)?;
        if self.version != user.version {
            let detail = format!("this is version {} by now, not {}", user.version, self.version);
            return Err(Error::new(ErrorCode::VersionConflict, detail).at("version"));
        }
        let mut after = user.clone();
        if let Some(text) = &self.name {
            after.name = name(text).map_err(|invalid| invalid.at("name"))?;
        }
        after.role = self.role.unwrap_or(user.role);
        after.is_active = self.is_active.unwrap_or(user.is_active);
        if self.unlock {
            after.locked_until = None;
        }
        if after.role != user.role {
            grant(actor, after.role)?;
        }
        let is_self = actor.principal.user == user.user_id;
        if is_self && after.role < user.role {
            return Err(Error::conflict("nobody lowers their own role: ask another administrator").at("role"));
        }
        if is_self && !after.is_active {
            return Err(Error::conflict("nobody deactivates themselves: ask another administrator").at("is_active"));
        }
        Ok(after)
    }

    /// Whether it could take the last administrator away.
    pub(crate) fn concerns_the_keys(&self) -> bool {
        self.role.is_some() || self.is_active.is_some()
    }
}

/// A tenant keeps at least one active administrator who can sign in; `others` counts those besides this user.
pub(crate) fn keep_an_administrator(before: &User, after: &User, others: i64) -> Result<()> {
    if before.keeps_the_keys() && !after.keeps_the_keys() && others == 0 {
        return Err(Error::conflict("this is the last active administrator who can sign in: make another one first"));
    }
    Ok(())
}

/// Refuses a role above the actor's own.
pub(crate) fn grant(actor: &Actor, role: Role) -> Result<()> {
    let own = actor.principal.role;
    if role <= own {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Forbidden, format!("the role {own} cannot grant the role {role}")).at("role"))
}

/// Refuses work on a user whose role is above the actor's.
pub(crate) fn manage(actor: &Actor, user: &User) -> Result<()> {
    let own = actor.principal.role;
    if user.role <= own || user.user_id == actor.principal.user {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Forbidden, format!("the role {own} cannot change a {}", user.role)))
}

/// A new user, and the password made for it. That one is not stored anywhere, nor in the answer kept for a repeated request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreatedUser {
    pub user: User,
    #[serde(skip)]
    pub one_time_password: Option<Password>,
}

/// An administrator's new password for somebody else.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// 10 to 200 characters; one is made and returned once when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "password")]
    pub new_password: Option<Password>,
}

/// One's own new password.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    #[schema(value_type = String, format = "password")]
    pub current_password: Password,
    /// 10 to 200 characters.
    #[schema(value_type = String, format = "password")]
    pub new_password: Password,
}

impl PasswordChange {
    pub(crate) fn validate(&self, email: &str) -> Result<()> {
        let mut errors = Vec::new();
        if self.current_password.is_empty() {
            errors.push(FieldError::new("current_password", "must not be empty"));
        }
        if self.new_password == self.current_password {
            errors.push(FieldError::new("new_password", "must differ from the current one"));
        } else {
            collect(&mut errors, "new_password", self.new_password.check(email));
        }
        refuse_if_any(errors)
    }
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UserFilter {
    /// Part of the name or the address.
    pub q: Option<String>,
    pub role: Option<Role>,
    pub active: Option<bool>,
}

/// The address under which a machine of this name and role is kept.
pub(crate) fn machine_email(name: &str, role: Role) -> String {
    let slug: String =
        name.chars().take(100).map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let role = role.as_str().to_ascii_lowercase().replace('_', "-");
    format!("{}.{role}{MACHINE_DOMAIN}", slug.trim_matches('-'))
}

/// Lower case and trimmed, as addresses are stored.
pub(crate) fn normalize_email(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}

fn email(text: &str) -> Result<String, Invalid> {
    let email = normalize_email(text);
    let parts = email.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    if parts.is_none() || email.len() > EMAIL_MAX || !email.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Invalid(format!("must be an e-mail address such as ann@example.com, at most {EMAIL_MAX} characters")));
    }
    if email.ends_with(MACHINE_DOMAIN) {
        return Err(Invalid(format!("must not end in {MACHINE_DOMAIN}, which is kept for machines")));
    }
    Ok(email)
}

#[cfg(test)]
pub(super) fn sample(n: u128, role: Role) -> User {
    User {
        user_id: UserId(uuid::Uuid::from_u128(n)),
        email: format!("user{n}@example.com"),
        name: format!("User {n}"),
        role,
        is_active: true,
        has_password: true,
        has_second_factor: false,
        locked_until: None,
        version: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        last_sign_in_at: None,
    }
}

#[cfg(test)]
mod tests {
    use kernel::Env;

    use super::*;

    fn acting(user: &User) -> Actor {
        let mut actor = Actor::system("demo".parse().unwrap(), Env::fixed(DateTime::UNIX_EPOCH, 1), "test");
        actor.principal.user = user.user_id;
        actor.principal.role = user.role;
        actor
    }

    fn patch() -> UserPatch {
        UserPatch { version: 1, ..UserPatch::default() }
    }

    #[test]
    fn nobody_grants_or_touches_a_role_above_their_own() {
        for own in Role::ALL {
            for present in Role::ALL {
                for wanted in Role::ALL {
                    let actor = acting(&sample(1, own));
                    let changed = UserPatch { role: Some(wanted), ..patch() }.apply(&sample(2, present), &actor);
                    let expected = present <= own && wanted <= own;
                    assert_eq!(changed.is_ok(), expected, "{own} makes a {present} a {wanted}");
                    if let Err(error) = changed {
                        assert_eq!(error.code, ErrorCode::Forbidden);
                    }
                }
            }
        }
    }

    #[test]
    fn nobody_deactivates_or_demotes_themselves() {
        let admin = sample(1, Role::Admin);
        let actor = acting(&admin);
        let refused = |patch: UserPatch| patch.apply(&admin, &actor).unwrap_err().code;
        assert_eq!(refused(UserPatch { is_active: Some(false), ..patch() }), ErrorCode::Conflict);
        assert_eq!(refused(UserPatch { role: Some(Role::Viewer), ..patch() }), ErrorCode::Conflict);
        assert_eq!(refused(UserPatch { role: Some(Role::SuperAdmin), ..patch() }), ErrorCode::Forbidden);
        let renamed = UserPatch { name: Some("  Ann ".into()), ..patch() }.apply(&admin, &actor).unwrap();
        assert_eq!(renamed.name, "Ann");
    }

    #[test]
    fn a_change_must_have_seen_the_present_version() {
        let stale = UserPatch { version: 0, ..patch() }.apply(&sample(2, Role::Staff), &acting(&sample(1, Role::Admin)));
        assert_eq!(stale.unwrap_err().code, ErrorCode::VersionConflict);
    }

    #[test]
    fn the_last_administrator_who_can_sign_in_stays() {
        let admin = sample(1, Role::Admin);
        let demoted = User { role: Role::Staff, ..admin.clone() };
        let inactive = User { is_active: false, ..admin.clone() };
        let promoted = User { role: Role::SuperAdmin, ..admin.clone() };
        assert!(keep_an_administrator(&admin, &demoted, 0).is_err());
        assert!(keep_an_administrator(&admin, &inactive, 0).is_err());
        assert!(keep_an_administrator(&admin, &demoted, 1).is_ok());
        assert!(keep_an_administrator(&admin, &promoted, 0).is_ok());
        let machine = User { has_password: false, ..admin };
        assert!(keep_an_administrator(&machine, &User { is_active: false, ..machine.clone() }, 0).is_ok());
    }

    #[test]
    fn all_fields_at_fault_are_named_at_once() {
        let new =
            NewUser { email: "nobody".into(), name: " ".into(), role: Role::Staff, password: Some("short".to_owned().into()) };
        let fields: Vec<_> = new.validated().unwrap_err().fields.into_iter().map(|field| field.field).collect();
        assert_eq!(fields, ["email", "name", "password"]);
        for bad in
            ["", "@", "a@", "@b", "a@b@c", "a b@c", "ä@example.com", "ci@machine.invalid", &format!("{}@b", "a".repeat(260))]
        {
            assert!(email(bad).is_err(), "{bad:?} was accepted");
        }
        assert_eq!(email(" Ann@Example.com ").unwrap(), "ann@example.com");
    }

    #[test]
    fn a_machine_has_an_address_that_no_person_can_have() {
        assert_eq!(machine_email("CI runner 7", Role::SuperAdmin), "ci-runner-7.super-admin@machine.invalid");
        assert!(machine_email(&"é".repeat(300), Role::Staff).len() <= EMAIL_MAX);
    }
}
