//! Who did what to which thing, and what it looked like before and after.

use chrono::{DateTime, Utc};
use kernel::{Page, PageRequest};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::auth::{Actor, Permission, roles};
use crate::{Error, Result};

pub const AUDIT_READ: Permission = Permission::new("audit:read", roles::ADMIN);

/// One line for the audit; it is written when the transaction commits.
#[derive(Debug)]
pub struct Entry {
    pub action: &'static str,
    pub entity: &'static str,
    pub entity_id: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl Entry {
    pub fn new(action: &'static str, entity: &'static str, entity_id: impl ToString) -> Self {
        Self { action, entity, entity_id: entity_id.to_string(), before: None, after: None }
    }

    pub fn before(mut self, value: &impl Serialize) -> Self {
        self.before = serde_json::to_value(value).ok();
        self
    }

    pub fn after(mut self, value: &impl Serialize) -> Self {
        self.after = serde_json::to_value(value).ok();
        self
    }
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Record {
    pub audit_id: Uuid,
    pub at: DateTime<Utc>,
    pub actor_id: Uuid,
    pub actor_name: String,
    pub action: String,
    pub entity: String,
    pub entity_id: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub request_id: String,
}

/// What to look for; empty fields do not narrow.
#[derive(Clone, Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Part of the actor's name.
    pub actor: Option<String>,
    /// The action, or its beginning: `item.` finds all that was done to items.
    pub action: Option<String>,
    pub entity: Option<String>,
    pub entity_id: Option<String>,
}

/// Newest first.
pub async fn list(connection: &mut PgConnection, actor: &Actor, filter: &Filter, page: &PageRequest) -> Result<Page<Record>> {
    actor.require(AUDIT_READ)?;
    let after: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let rows = sqlx::query_as!(
        Record,
        r#"SELECT audit_id, at, actor_id, actor_name, action, entity, entity_id, before, after, request_id
           FROM platform.audit
           WHERE tenant_id = $1
             AND ($2::text IS NULL OR strpos(lower(actor_name), lower($2)) > 0)
             AND ($3::text IS NULL OR starts_with(action, $3))
             AND ($4::text IS NULL OR entity = $4)
             AND ($5::text IS NULL OR entity_id = $5)
             AND ($6::uuid IS NULL OR audit_id < $6)
           ORDER BY audit_id DESC LIMIT $7"#,
        actor.tenant().as_str(),
        given(&filter.actor),
        given(&filter.action),
        given(&filter.entity),
        given(&filter.entity_id),
        after,
        page.fetch(),
    )
    .fetch_all(connection)
    .await?;
    Ok(Page::cut(rows, page, |record| record.audit_id))
}
