use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use kernel::PageRequest;
use platform::auth::Role;
use platform::graphql::caller;
use uuid::Uuid;

use crate::model::{Session, User, UserFilter};
use crate::service;

/// Who calls.
#[derive(SimpleObject)]
struct Me {
    user_id: Uuid,
    name: String,
    email: String,
    tenant: String,
    /// VIEWER, STAFF, ADMIN or SUPER_ADMIN.
    role: &'static str,
    /// When the token ends; null when it does not.
    expires_at: Option<DateTime<Utc>>,
}

/// A person or a machine that works here.
#[derive(SimpleObject)]
#[graphql(name = "User")]
struct UserObject {
    user_id: Uuid,
    email: String,
    name: String,
    /// VIEWER, STAFF, ADMIN or SUPER_ADMIN.
    role: &'static str,
    is_active: bool,
    has_password: bool,
    /// A sign-in asks for a code as well.
    has_second_factor: bool,
    locked_until: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_sign_in_at: Option<DateTime<Utc>>,
}

impl From<User> for UserObject {
    fn from(user: User) -> Self {
        Self {
            user_id: user.user_id.0,
            email: user.email,
            name: user.name,
            role: user.role.as_str(),
            is_active: user.is_active,
            has_password: user.has_password,
            has_second_factor: user.has_second_factor,
            locked_until: user.locked_until,
            version: user.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
            last_sign_in_at: user.last_sign_in_at,
        }
    }
}

#[derive(SimpleObject)]
struct UserPage {
    items: Vec<UserObject>,
    next_cursor: Option<String>,
}

/// Where the caller is signed in.
#[derive(SimpleObject)]
#[graphql(name = "Session")]
struct SessionObject {
    session_id: Uuid,
    /// PAGE for a browser, API for a program with access and refresh tokens.
    kind: &'static str,
    user_agent: Option<String>,
    /// The network that it was opened from.
    address: Option<String>,
    created_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

impl From<Session> for SessionObject {
    fn from(session: Session) -> Self {
        Self {
            session_id: session.session_id,
            kind: if session.is_page() { "PAGE" } else { "API" },
            user_agent: session.user_agent,
            address: session.address,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
        }
    }
}

#[derive(SimpleObject)]
struct SessionPage {
    items: Vec<SessionObject>,
    next_cursor: Option<String>,
}

#[derive(Default)]
pub struct IdentityQuery;

#[Object]
impl IdentityQuery {
    /// Who the token stands for.
    async fn me(&self, context: &Context<'_>) -> Result<Me> {
        let (_, actor) = caller(context)?;
        let principal = actor.principal.clone();
        Ok(Me {
            user_id: principal.user.0,
            name: principal.name,
            email: principal.email,
            tenant: principal.tenant.to_string(),
            role: principal.role.as_str(),
            expires_at: principal.expires_at,
        })
    }

    /// Where the caller is signed in, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn sessions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<SessionPage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let found = service::list_own_sessions(app, actor, None, &page).await?.map(SessionObject::from);
        Ok(SessionPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// Users by name.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn users(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "part of the name or the address")] q: Option<String>,
        #[graphql(desc = "VIEWER, STAFF, ADMIN or SUPER_ADMIN")] role: Option<String>,
        active: Option<bool>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<UserPage> {
        let (app, actor) = caller(context)?;
        let role =
            role.map(|role| role.parse::<Role>()).transpose().map_err(|invalid| platform::Error::from(invalid.at("role")))?;
        let filter = UserFilter { q, role, active };
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let found =
            app.db.read(actor.tenant(), async |connection| service::list_users(connection, actor, &filter, &page).await).await?;
        let found = found.map(UserObject::from);
        Ok(UserPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }
}
