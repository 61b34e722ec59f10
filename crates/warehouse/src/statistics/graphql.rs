use async_graphql::{Context, Object, Result, SimpleObject};
use kernel::PageRequest;
use platform::graphql::{caller, key_of};
use platform::http::mutate;

use super::dto::{OutlierDto, PredictionDto, StatisticsDto};
use super::input::{ChangeOutlier, OutlierFilter, StatisticsFilter};
use super::service;
use crate::words::{OutlierSeverity, OutlierStatus};

#[derive(Clone, Debug, SimpleObject)]
struct StatisticalOutlierPage {
    items: Vec<OutlierDto>,
    next_cursor: Option<String>,
}

#[derive(Default)]
pub struct StatisticsQuery;

#[Object]
impl StatisticsQuery {
    /// What the newest run over the stored recommendations found.
    async fn statistics(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code; all of them when absent")] facility_id: Option<String>,
        #[graphql(desc = "as the results name it; all of them when absent")] algorithm_version: Option<String>,
    ) -> Result<StatisticsDto> {
        let (app, actor) = caller(context)?;
        let (filter, switches) = (StatisticsFilter { facility: facility_id, algorithm_version }, app.config.switches());
        let read = async |connection: &mut _| service::report(connection, actor, &switches, &filter).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }

    /// Where the straight trends of the metrics lead in 7, 14 and 30 days.
    async fn statistical_predictions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code; all of them when absent")] facility_id: Option<String>,
        #[graphql(desc = "as the results name it; all of them when absent")] algorithm_version: Option<String>,
    ) -> Result<Vec<PredictionDto>> {
        let (app, actor) = caller(context)?;
        let filter = StatisticsFilter { facility: facility_id, algorithm_version };
        let read = async |connection: &mut _| service::predictions(connection, actor, &filter).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }

    /// Values that stand apart, newest first; open ones and those looked into unless a status is named.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn statistical_outliers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: Option<String>,
        status: Option<OutlierStatus>,
        severity: Option<OutlierSeverity>,
        #[graphql(desc = "for instance SCORE")] metric: Option<String>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<StatisticalOutlierPage> {
        let (app, actor) = caller(context)?;
        let filter = OutlierFilter { facility: facility_id, status, severity, metric };
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let read = async |connection: &mut _| service::outliers(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(StatisticalOutlierPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }
}

#[derive(Default)]
pub struct StatisticsMutation;

#[Object]
impl StatisticsMutation {
    /// The next step of an outlier's workflow.
    async fn change_statistical_outlier(
        &self,
        context: &Context<'_>,
        outlier_id: String,
        input: ChangeOutlier,
    ) -> Result<OutlierDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&outlier_id, &input));
        let run = async |tx: &mut _| service::change_outlier(tx, actor, &outlier_id, &input).await;
        Ok(mutate(app, actor, key.as_ref(), run).await?)
    }
}
