use async_graphql::{Context, Object, Result};
use platform::graphql::{Probe, caller};

use super::dto::HealthDto;
use super::service;
use crate::check::refuse_foreign_tenant;

#[derive(Default)]
pub struct HealthQuery;

#[Object]
impl HealthQuery {
    /// Eight checks of the optimisation for the caller's organisation.
    async fn get_bin_optimization_health(&self, context: &Context<'_>) -> Result<HealthDto> {
        let (app, actor) = caller(context)?;
        Ok(service::report(app, actor, context.data_opt::<Probe>(), None).await?)
    }

    /// The same for one facility.
    async fn get_bin_optimization_health_enhanced(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "the caller's own organisation, or absent")] tenant_id: Option<String>,
        #[graphql(desc = "id or code; the whole organisation when absent")] facility_id: Option<String>,
    ) -> Result<HealthDto> {
        let (app, actor) = caller(context)?;
        refuse_foreign_tenant(actor, tenant_id.as_deref())?;
        Ok(service::report(app, actor, context.data_opt::<Probe>(), facility_id.as_deref()).await?)
    }
}
