use async_graphql::{Context, Object, Result};
use catalog::AbcClass;
use kernel::PageRequest;
use platform::graphql::{caller, key_of};
use platform::http::mutate;
use uuid::Uuid;

use super::dto::{
    AffinityDto, ClassesWrittenDto, PlanDto, PlanPage, PredictionsDto, RecommendationsDto, TriggerPage, VelocityPage,
    VelocityRunDto,
};
use super::input::{ApplyClasses, OfFacility, PlanFilter, PlanRequest, RejectPlan, SettingsInput, TriggerFilter, VelocityFilter};
use super::model::{SlottingSettings, Snapshot};
use super::service;
use crate::words::{OptimizationKind, SlottingPlanState, TriggerSeverity};

fn page_of(first: Option<u32>, after: Option<String>) -> PageRequest {
    PageRequest { limit: first, cursor: after.map(kernel::Cursor) }
}

#[derive(Default)]
pub struct SlottingQuery;

#[Object]
impl SlottingQuery {
    /// How the items of a facility are classed.
    async fn slotting_settings(&self, context: &Context<'_>, facility_id: String) -> Result<SlottingSettings> {
        let (app, actor) = caller(context)?;
        let read = async |connection: &mut _| service::settings(connection, actor, &facility_id).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }

    /// How often items are picked, and the class that gives them, as of the newest run; the most picked first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a field are its filter")]
    async fn get_material_velocity_analysis(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: String,
        #[graphql(desc = "id or code of one item")] material_id: Option<String>,
        class: Option<AbcClass>,
        #[graphql(desc = "true for items that should be classed by a value that nobody entered")] lacks_value: Option<bool>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<VelocityPage> {
        let (app, actor) = caller(context)?;
        let filter = VelocityFilter { facility: facility_id, material: material_id, class, lacks_value };
        let page = page_of(first, after);
        let read = async |connection: &mut _| service::velocities(connection, actor, &filter, &page).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }

    /// Items that should lie elsewhere, and why; the most picked first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn get_re_slotting_triggers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: String,
        severity: Option<TriggerSeverity>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<TriggerPage> {
        let (app, actor) = caller(context)?;
        let (filter, page) = (TriggerFilter { facility: facility_id, severity }, page_of(first, after));
        let read = async |connection: &mut _| service::triggers(connection, actor, &filter, &page).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }

    /// What is picked together, the strongest pairs first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn get_sku_affinities(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: String,
        #[graphql(desc = "id or code of one item")] material_id: Option<String>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
    ) -> Result<Vec<AffinityDto>> {
        let (app, actor) = caller(context)?;
        let read = async |connection: &mut _| service::affinities(connection, actor, &facility_id, &material_id, first).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }

    /// What would make better use of the locations now.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn get_optimization_recommendations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: String,
        kind: Option<OptimizationKind>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
    ) -> Result<RecommendationsDto> {
        let (app, actor) = caller(context)?;
        let read = async |connection: &mut _| service::recommendations(connection, actor, &facility_id, kind, first).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }

    /// Utilisation in the coming 30 days with intervals, and how well such forecasts were in the past.
    async fn predictions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: String,
    ) -> Result<PredictionsDto> {
        let (app, actor) = caller(context)?;
        let read = async |connection: &mut _| service::predictions(connection, actor, &facility_id).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }

    /// Plans of moves, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn slotting_plans(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: Option<String>,
        state: Option<SlottingPlanState>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<PlanPage> {
        let (app, actor) = caller(context)?;
        let (filter, page) = (PlanFilter { facility: facility_id, state }, page_of(first, after));
        let read = async |connection: &mut _| service::plans(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(PlanPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// One plan with its moves.
    async fn slotting_plan(&self, context: &Context<'_>, plan: Uuid) -> Result<PlanDto> {
        let (app, actor) = caller(context)?;
        Ok(app.db.read(actor.tenant(), async |connection| service::plan(connection, actor, plan).await).await?)
    }
}

#[derive(Default)]
pub struct SlottingMutation;

#[Object]
impl SlottingMutation {
    /// Says how the items of a facility are to be classed, from the next run on.
    async fn set_slotting_settings(&self, context: &Context<'_>, input: SettingsInput) -> Result<SlottingSettings> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::set_settings(tx, actor, &input).await).await?)
    }

    /// Computes velocities, classes and affinities of a facility now, as the daily jobs do.
    async fn analyse_material_velocity(&self, context: &Context<'_>, input: OfFacility) -> Result<VelocityRunDto> {
        let (app, actor) = caller(context)?;
        let (key, affinity) = (key_of(context, &input), app.config.switches().sku_affinity);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::analyse(tx, actor, affinity, &input).await).await?)
    }

    /// Writes the classes and velocities of the newest run to the items themselves.
    async fn apply_abc_classes(&self, context: &Context<'_>, input: ApplyClasses) -> Result<ClassesWrittenDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::apply_classes(tx, actor, &input).await).await?)
    }

    /// Takes today's snapshot of utilisation now, as the daily job does.
    async fn take_utilization_snapshot(&self, context: &Context<'_>, input: OfFacility) -> Result<Snapshot> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::take_snapshot(tx, actor, &input).await).await?)
    }

    /// Asks for a plan of moves. A job computes it over real orders; nothing moves before it is approved.
    async fn execute_re_slotting(&self, context: &Context<'_>, input: PlanRequest) -> Result<PlanDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::request(tx, actor, &input).await).await?)
    }

    /// Makes approved move tasks of a plan. Chains of moves that are outdated are left out; with none left the plan is EXPIRED.
    async fn approve_re_slotting(&self, context: &Context<'_>, plan: Uuid) -> Result<PlanDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &plan);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::approve(tx, actor, plan).await).await?)
    }

    /// Puts a plan to an end; nothing moves.
    async fn reject_re_slotting(
        &self,
        context: &Context<'_>,
        plan: Uuid,
        #[graphql(default)] input: RejectPlan,
    ) -> Result<PlanDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(plan, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::reject(tx, actor, plan, &input).await).await?)
    }
}
