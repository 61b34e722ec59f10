use std::ops::{Deref, DerefMut};

use chrono::{DateTime, Utc};
use deadpool::managed::Object;
use kernel::TenantId;
use serde_json::Value;
use sqlx::Executor as _;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::pool::Pooled;
use crate::Result;
use crate::auth::Actor;
use crate::events::CHANNEL;
use crate::{audit, events, jobs};

/// A transaction of one tenant. It collects audit lines, events and jobs and writes them with the business rows at
/// [`Tx::commit`]; dropped without that, everything is rolled back.
pub struct Tx {
    session: Option<Pooled>,
    tenant: TenantId,
    audit: Vec<(Actor, audit::Entry)>,
    events: Vec<(DateTime<Utc>, events::Event)>,
    jobs: Vec<(Actor, jobs::NewJob)>,
}

impl Tx {
    pub(super) fn new(session: Pooled, tenant: TenantId) -> Self {
        Self { session: Some(session), tenant, audit: Vec::new(), events: Vec::new(), jobs: Vec::new() }
    }

    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Remembers who did what; written at commit.
    pub fn audit(&mut self, actor: &Actor, entry: audit::Entry) {
        self.audit.push((actor.clone(), entry));
    }

    /// Tells listeners what changed; sent when the commit succeeded.
    pub fn publish(&mut self, actor: &Actor, event: events::Event) {
        self.events.push((actor.env.now(), event));
    }

    /// Leaves work for later; queued when the commit succeeded.
    pub fn enqueue(&mut self, actor: &Actor, job: jobs::NewJob) {
        self.jobs.push((actor.clone(), job));
    }

    /// Runs `work` so that its failure undoes only its own statements (a savepoint).
    pub async fn attempt<T>(&mut self, work: impl AsyncFnOnce(&mut Tx) -> Result<T>) -> Result<T> {
        let marks = (self.audit.len(), self.events.len(), self.jobs.len());
        self.execute("SAVEPOINT attempt").await?;
        let result = work(self).await;
        if result.is_ok() {
            self.execute("RELEASE SAVEPOINT attempt").await?;
        } else {
            self.execute("ROLLBACK TO SAVEPOINT attempt").await?;
            self.audit.truncate(marks.0);
            self.events.truncate(marks.1);
            self.jobs.truncate(marks.2);
        }
        result
    }

    /// Writes what was collected so far. An error here, unlike one of [`Tx::commit`], leaves no doubt: nothing is permanent.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        self.write_audit().await?;
        self.write_events().await?;
        self.write_jobs().await
    }

    /// Writes what was collected and makes everything permanent.
    pub async fn commit(mut self) -> Result<()> {
        self.flush().await?;
        self.execute("COMMIT").await?;
        if let Some(mut session) = self.session.take() {
            session.suspect = false;
        }
        Ok(())
    }

    async fn write_audit(&mut self) -> Result<()> {
        if self.audit.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.audit);
        let tenant = self.tenant.to_string();
        let ids: Vec<Uuid> = lines.iter().map(|(actor, _)| actor.env.new_id()).collect();
        let times: Vec<DateTime<Utc>> = lines.iter().map(|(actor, _)| actor.env.now()).collect();
        let actor_ids: Vec<Uuid> = lines.iter().map(|(actor, _)| actor.principal.user.0).collect();
        let actor_names: Vec<String> = lines.iter().map(|(actor, _)| actor.principal.name.clone()).collect();
        let actions: Vec<String> = lines.iter().map(|(_, entry)| entry.action.to_owned()).collect();
        let entities: Vec<String> = lines.iter().map(|(_, entry)| entry.entity.to_owned()).collect();
        let entity_ids: Vec<String> = lines.iter().map(|(_, entry)| entry.entity_id.clone()).collect();
        let before: Vec<Option<Value>> = lines.iter().map(|(_, entry)| entry.before.clone()).collect();
        let after: Vec<Option<Value>> = lines.iter().map(|(_, entry)| entry.after.clone()).collect();
        let requests: Vec<String> = lines.iter().map(|(actor, _)| actor.request_id.clone()).collect();
        sqlx::query!(
            "INSERT INTO platform.audit
                 (tenant_id, audit_id, at, actor_id, actor_name, action, entity, entity_id, before, after, request_id)
             SELECT $1, * FROM UNNEST($2::uuid[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                                      $8::text[], $9::jsonb[], $10::jsonb[], $11::text[])",
            tenant,
            &ids,
            &times,
            &actor_ids,
            &actor_names,
            &actions,
            &entities,
            &entity_ids,
            &before as &[Option<Value>],
            &after as &[Option<Value>],
            &requests,
        )
        .execute(&mut **self)
        .await?;
        Ok(())
    }

    async fn write_events(&mut self) -> Result<()> {
        if self.events.is_empty() {
            return Ok(());
        }
        let events = std::mem::take(&mut self.events);
        let tenant = self.tenant.to_string();
        let announced = events::announced_kinds(events.iter().map(|(_, event)| event));
        let times: Vec<DateTime<Utc>> = events.iter().map(|(at, _)| *at).collect();
        let kinds: Vec<String> = events.iter().map(|(_, event)| event.kind.to_owned()).collect();
        let entity_ids: Vec<String> = events.iter().map(|(_, event)| event.entity_id.clone()).collect();
        let payloads: Vec<Value> = events.into_iter().map(|(_, event)| event.payload).collect();
        // The notification names the rows only; listeners load them, so that its 8000 bytes always suffice.
        sqlx::query!(
            r#"WITH written AS (
                   INSERT INTO platform.outbox (tenant_id, at, kind, entity_id, payload)
                   SELECT $1, * FROM UNNEST($2::timestamptz[], $3::text[], $4::text[], $5::jsonb[])
                   RETURNING seq
               )
               SELECT pg_notify($6, concat_ws(' ', $1, min(seq), max(seq), pg_current_xact_id(), pg_snapshot_xmin(pg_current_snapshot()), $7::text))::text AS "sent"
               FROM written"#,
            tenant,
            &times,
            &kinds,
            &entity_ids,
            &payloads,
            CHANNEL,
            announced,
        )
        .fetch_one(&mut **self)
        .await?;
        Ok(())
    }

    async fn write_jobs(&mut self) -> Result<()> {
        for (actor, job) in std::mem::take(&mut self.jobs) {
            jobs::insert(self, &actor, job).await?;
        }
        Ok(())
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.session.as_ref().expect("the session is taken only when the transaction ends").connection
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.session.as_mut().expect("the session is taken only when the transaction ends").connection
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(mut session) = self.session.take() else { return };
        session.forget_tenant();
        // Left suspect, the pool would roll back on the next use; doing it now releases the locks at once.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            let _ = Object::take(session);
            return;
        };
        runtime.spawn(async move {
            if session.connection.execute("ROLLBACK").await.is_ok() {
                session.suspect = false;
            } else {
                let _ = Object::take(session);
            }
        });
    }
}
