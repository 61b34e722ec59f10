use async_graphql::{Context, Object, Result, SimpleObject};
use kernel::{PageRequest, RecommendationId};
use platform::graphql::{caller, key_of};
use platform::http::mutate;
use uuid::Uuid;

use super::dto::{AccuracyDto, ConfidenceDto, ModelDto, TrainingDto};
use super::service;
use crate::check::refuse_foreign_tenant;

#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "AcceptanceModelPage")]
pub(crate) struct ModelPage {
    items: Vec<ModelDto>,
    next_cursor: Option<String>,
}

#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "ModelTrainingPage")]
pub(crate) struct TrainingPage {
    items: Vec<TrainingDto>,
    next_cursor: Option<String>,
}

#[derive(Default)]
pub struct LearningQuery;

#[Object]
impl LearningQuery {
    /// How well the acceptance model in use foretells, on decisions that it was not trained on, and how often people accept.
    #[graphql(name = "getMLAccuracyMetrics")]
    async fn accuracy(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "the caller's own organisation, or absent")] tenant_id: Option<String>,
        #[graphql(desc = "id or code of the facility whose acceptance is counted")] facility_id: Option<String>,
        #[graphql(desc = "days back that acceptance is counted over, 1 to 3650, default 30")] days: Option<u32>,
    ) -> Result<AccuracyDto> {
        let (app, actor) = caller(context)?;
        refuse_foreign_tenant(actor, tenant_id.as_deref())?;
        let (switches, period) = (app.config.switches(), service::Period { facility: facility_id, days });
        let read = async |connection: &mut _| service::accuracy(connection, actor, &switches, &period).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }

    /// Versions of the acceptance model, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn acceptance_models(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<ModelPage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let found = app.db.read(actor.tenant(), async |connection| service::models(connection, actor, &page).await).await?;
        Ok(ModelPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    async fn acceptance_model(&self, context: &Context<'_>, version: i32) -> Result<ModelDto> {
        let (app, actor) = caller(context)?;
        Ok(app.db.read(actor.tenant(), async |connection| service::model(connection, actor, version).await).await?)
    }

    /// Trainings with what they came to, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn model_trainings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<TrainingPage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let found = app.db.read(actor.tenant(), async |connection| service::trainings(connection, actor, &page).await).await?;
        Ok(TrainingPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    async fn model_training(&self, context: &Context<'_>, training_id: Uuid) -> Result<TrainingDto> {
        let (app, actor) = caller(context)?;
        Ok(app.db.read(actor.tenant(), async |connection| service::training(connection, actor, training_id).await).await?)
    }

    /// What was known of a recommendation when it was made, and what that did to its probability of acceptance.
    async fn explain_confidence(&self, context: &Context<'_>, recommendation_id: Uuid) -> Result<ConfidenceDto> {
        let (app, actor) = caller(context)?;
        let id = RecommendationId(recommendation_id);
        Ok(app.db.read(actor.tenant(), async |connection| service::explain(connection, actor, id).await).await?)
    }
}

#[derive(Default)]
pub struct LearningMutation;

#[Object]
impl LearningMutation {
    /// Asks for a training of the acceptance model. It runs apart; of two at once one runs, and both callers get it.
    #[graphql(name = "trainMLModel")]
    async fn train(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "the caller's own organisation, or absent")] tenant_id: Option<String>,
    ) -> Result<TrainingDto> {
        let (app, actor) = caller(context)?;
        refuse_foreign_tenant(actor, tenant_id.as_deref())?;
        let (key, switches) = (key_of(context, &()), app.config.switches());
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::train(tx, actor, &switches).await).await?)
    }

    /// Makes an older version the one in use.
    #[graphql(name = "rollBackMLModel")]
    async fn roll_back(&self, context: &Context<'_>, version: i32) -> Result<ModelDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &version);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::roll_back(tx, actor, version).await).await?)
    }
}
