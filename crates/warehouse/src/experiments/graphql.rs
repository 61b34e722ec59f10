use async_graphql::{Context, Object, Result, SimpleObject};
use kernel::PageRequest;
use platform::graphql::{caller, key_of};
use platform::http::mutate;

use super::dto::{ExperimentDto, ProgressDto};
use super::input::{ExperimentFilter, NewExperiment, StopExperiment};
use super::service;
use crate::words::ExperimentState;

#[derive(Clone, Debug, SimpleObject)]
struct ExperimentPage {
    items: Vec<ExperimentDto>,
    next_cursor: Option<String>,
}

#[derive(Default)]
pub struct ExperimentQuery;

#[Object]
impl ExperimentQuery {
    /// Experiments, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn experiments(
        &self,
        context: &Context<'_>,
        state: Option<ExperimentState>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<ExperimentPage> {
        let (app, actor) = caller(context)?;
        let (filter, page) = (ExperimentFilter { state }, PageRequest { limit: first, cursor: after.map(kernel::Cursor) });
        let read = async |connection: &mut _| service::list(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(ExperimentPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// How far an experiment is, and what its looks found.
    async fn experiment(&self, context: &Context<'_>, #[graphql(desc = "id or code")] experiment: String) -> Result<ProgressDto> {
        let (app, actor) = caller(context)?;
        let read = async |connection: &mut _| service::get(connection, actor, &experiment).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }
}

#[derive(Default)]
pub struct ExperimentMutation;

#[Object]
impl ExperimentMutation {
    /// Writes an experiment down; nothing is assigned before it is started.
    async fn create_experiment(&self, context: &Context<'_>, input: NewExperiment) -> Result<ProgressDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        Ok(mutate(app, actor, key.as_ref(), async |tx: &mut _| service::create(tx, actor, &input).await).await?)
    }

    /// From now on units are assigned to a side.
    async fn start_experiment(&self, context: &Context<'_>, experiment: String) -> Result<ProgressDto> {
        let (app, actor) = caller(context)?;
        let (key, switches) = (key_of(context, &experiment), app.config.switches());
        Ok(mutate(app, actor, key.as_ref(), async |tx: &mut _| service::start(tx, actor, &switches, &experiment).await).await?)
    }

    /// Takes the look that is due, without waiting for the clock.
    async fn look_at_experiment(&self, context: &Context<'_>, experiment: String) -> Result<ProgressDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &experiment);
        Ok(mutate(app, actor, key.as_ref(), async |tx: &mut _| service::look(tx, actor, &experiment).await).await?)
    }

    /// Ends an experiment without a winner.
    async fn stop_experiment(&self, context: &Context<'_>, experiment: String, input: StopExperiment) -> Result<ProgressDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&experiment, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx: &mut _| service::stop(tx, actor, &experiment, &input).await).await?)
    }
}
