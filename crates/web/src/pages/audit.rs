//! Who did what.

use axum::http::Method;
use axum::response::Response;
use axum::routing::get;
use platform::Result;
use platform::audit::{AUDIT_READ, Filter, Record};
use platform::http::{Access, Api, Paging, Query};

use super::visitor::{Visitor, segment, show};
use crate::view::{AuditFilter, AuditList, AuditRow, changes};

/// What the filter offers; each context audits under one of these.
const ENTITIES: [&str; 11] =
    ["facility", "hold", "import", "item", "location", "lot", "movement", "receipt", "recommendation", "token", "user"];

pub fn api() -> Api {
    Api::new().page(Method::GET, "/audit", Access::Needs(AUDIT_READ), get(list))
}

async fn list(visitor: Visitor, Query(filter): Query<AuditFilter>, Query(paging): Query<Paging>) -> Result<Response> {
    let given = |text: &String| Some(text.clone()).filter(|text| !text.trim().is_empty());
    let wanted = Filter {
        actor: given(&filter.actor),
        action: given(&filter.action),
        entity: given(&filter.entity),
        entity_id: given(&filter.entity_id),
    };
    let actor = &visitor.actor;
    let request = paging.into();
    let page = visitor
        .app
        .db
        .read(actor.tenant(), async |connection| platform::audit::list(connection, actor, &wanted, &request).await)
        .await?;
    show(&AuditList {
        page: visitor.page("Audit"),
        filter,
        entities: ENTITIES.map(str::to_owned).to_vec(),
        pager: visitor.pager(page.next_cursor.as_ref()),
        records: page.items.into_iter().map(row).collect(),
    })
}

fn row(record: Record) -> AuditRow {
    AuditRow {
        id: record.audit_id.to_string(),
        at: record.at,
        href: href(&record.entity, &record.entity_id),
        changes: changes(record.before.as_ref(), record.after.as_ref()),
        actor: record.actor_name,
        action: record.action,
        entity: record.entity,
        entity_id: record.entity_id,
        request_id: record.request_id,
    }
}

/// Where the thing itself is shown.
pub(super) fn href(entity: &str, id: &str) -> Option<String> {
    let folder = match entity {
        "hold" => "holds",
        "item" => "items",
        "receipt" => "receipts",
        "user" => "users",
        "import" => "imports",
        "location" => "locations",
        _ => return None,
    };
    Some(format!("/{folder}/{}", segment(id)))
}
