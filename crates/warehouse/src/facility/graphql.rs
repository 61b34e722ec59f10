use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use kernel::{FacilityId, PageRequest, TenantId};
use platform::graphql::{caller, key_of};
use platform::http::mutate;
use platform::{App, Error};
use uuid::Uuid;

use super::model::{Facility, FacilityFilter, NewFacility};
use super::service;

/// A building or site.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "Facility")]
pub(crate) struct FacilityObject {
    facility_id: Uuid,
    code: String,
    name: String,
    is_active: bool,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Facility> for FacilityObject {
    fn from(facility: Facility) -> Self {
        let Facility { facility_id, code, name, is_active, version, created_at, updated_at } = facility;
        Self { facility_id: facility_id.0, code, name, is_active, version, created_at, updated_at }
    }
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct FacilityPage {
    items: Vec<FacilityObject>,
    next_cursor: Option<String>,
}

/// Loads the facilities that one request names together.
pub(crate) struct FacilityLoader {
    pub app: App,
    pub tenant: TenantId,
}

impl Loader<FacilityId> for FacilityLoader {
    type Value = Facility;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[FacilityId]) -> Result<HashMap<FacilityId, Facility>, Arc<Error>> {
        let tenant = &self.tenant;
        self.app.db.read(tenant, async |connection| service::by_ids(connection, tenant, keys).await).await.map_err(Arc::new)
    }
}

#[derive(Default)]
pub struct FacilityQuery;

#[Object]
impl FacilityQuery {
    /// Facilities by code.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn facilities(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "beginning of the code, or part of the name")] q: Option<String>,
        active: Option<bool>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<FacilityPage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let filter = FacilityFilter { q, active };
        let found =
            app.db.read(actor.tenant(), async |connection| service::list(connection, actor, &filter, &page).await).await?;
        let found = found.map(FacilityObject::from);
        Ok(FacilityPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// One facility by id or code.
    async fn facility(&self, context: &Context<'_>, facility: String) -> Result<FacilityObject> {
        let (app, actor) = caller(context)?;
        let found = app.db.read(actor.tenant(), async |connection| service::get(connection, actor, &facility).await).await?;
        Ok(found.into())
    }
}

#[derive(Default)]
pub struct FacilityMutation;

#[Object]
impl FacilityMutation {
    async fn create_facility(&self, context: &Context<'_>, input: NewFacility) -> Result<FacilityObject> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        let made = mutate(app, actor, key.as_ref(), async |tx| service::create(tx, actor, &input).await).await?;
        Ok(made.into())
    }
}
