use async_graphql::{Context, Object, Result};
use kernel::PageRequest;
use platform::graphql::caller;

use super::dto::{BinUtilizationDto, CachePage, UtilizationSummaryDto};
use super::service;

#[derive(Default)]
pub struct UtilizationQuery;

#[Object]
impl UtilizationQuery {
    /// Fill of a facility's locations from the cache that is renewed every ten minutes, by code.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn get_bin_utilization_cache(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: String,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<CachePage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let read = async |connection: &mut _| service::cached(connection, actor, &facility_id, &page).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }

    /// Fill of one location now, with the space that open recommendations hold.
    async fn analyze_bin_utilization(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id, FACILITY/CODE or code")] location_id: String,
    ) -> Result<BinUtilizationDto> {
        let (app, actor) = caller(context)?;
        Ok(app.db.read(actor.tenant(), async |connection| service::bin(connection, actor, &location_id).await).await?)
    }

    /// Fill of a facility, or of one zone, now.
    async fn analyze_warehouse_utilization(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: String,
        zone: Option<String>,
    ) -> Result<UtilizationSummaryDto> {
        let (app, actor) = caller(context)?;
        let read = async |connection: &mut _| service::warehouse(connection, actor, &facility_id, zone.as_deref()).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }
}
